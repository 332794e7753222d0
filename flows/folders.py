"""Folders that are one source each: found among files, looked at as one, and packed into one file to be taken in.

What makes such a folder is the readers' business (:func:`parsers.gather_folders`). The packed file has the same bytes
for the same files, so that a folder that is dropped again is known, and one that grew is a version of what it was.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import parsers
from flows.names import is_system_file, printable
from warehouse.errors import SourceBusy
from warehouse.foreign import open_foreign

# A fingerprint has to fit where a time in nanoseconds does.
FINGERPRINT_BYTES: Final = 7


class Look(NamedTuple):
    """What a file looked like: its path, size and time of last change; of a folder, a fingerprint instead of a time."""

    path: str
    size: int
    modified_ns: int


def join_folders(looks: Iterable[Look]) -> list[tuple[Look, tuple[Look, ...]]]:
    """Return what is one source each with the files that it is made of: folders as one, other files by themselves."""
    by_name = {look.path.replace(os.sep, "/"): look for look in looks}
    found = parsers.gather_folders(list(by_name))
    joined: list[tuple[Look, tuple[Look, ...]]] = []
    inside: set[str] = set()
    for root, names in found.items():
        members = tuple(by_name[name] for name in names if not _is_noise(name))
        inside |= {look.path for look in members}
        if members:
            joined.append((_look_at(root.replace("/", os.sep), members), members))
    joined += [(look, (look,)) for look in by_name.values() if look.path not in inside]
    return joined


def group_files(paths: list[Path]) -> list[Path]:
    """Return paths of files with those of a folder that is one source replaced by that folder's, in their order."""
    files = [path for path in paths if path.is_file() and not path.is_symlink()]
    found = parsers.gather_folders([path.absolute().as_posix() for path in files])
    named = {root: _as_named(root, files) for root in found}
    root_of = {name: named[root] for root, names in found.items() for name in names if not _is_noise(name)}
    # A dictionary keeps the first of each.
    return list({root_of.get(path.absolute().as_posix(), path): None for path in paths})


def find_members(folder: Path) -> tuple[Path, ...]:
    """Return the files of a folder that is one source, in the order to pack them; none for any other folder."""
    folder = folder.absolute()
    # Schedule or profile may lie beside the folder or in that of the whole test.
    beside = [path for above in folder.parents[:2] for path in _list_files(above, deep=False)]
    names = [path.as_posix() for path in [*_list_files(folder, deep=True), *beside]]
    members = parsers.gather_folders(names).get(folder.as_posix(), ())
    return tuple(Path(name) for name in members if not _is_noise(name))


def pack_folder(folder: Path, shown: str, target: Path) -> None:
    """Write a folder that is one source into one file.

    Raises:
        SourceBusy: one of its files changed meanwhile, came or went, or its share does not answer.
        QuarantineError: one of its files cannot be read.
    """
    members = find_members(folder)
    names = [path.as_posix() for path in members]
    parsers.pack_files(target, folder.absolute().as_posix(), names, lambda name: _read(Path(name)))
    if find_members(folder) != members:
        raise SourceBusy(f"{shown} changed while it was copied; it is taken again when it is quiet")


def _read(path: Path) -> Iterator[bytes]:
    with open_foreign(path, printable(path)) as file:
        size = 0
        for chunk in file.chunks():
            size += len(chunk)
            yield chunk
        file.check_unchanged(size)


def _as_named(root: str, files: Iterable[Path]) -> Path:
    """Return a folder's path as the user wrote it, which may be relative, where the files in it tell that."""
    folder = Path(root)
    inside = next((path for path in files if path.absolute().is_relative_to(folder)), folder)
    depth = len(inside.absolute().parts) - len(folder.parts)
    # A folder above the one that was named, or that one itself as a dot, has no name there.
    return inside.parents[depth - 1] if 0 < depth < len(inside.parts) else folder


def _look_at(root: str, members: tuple[Look, ...]) -> Look:
    digest = hashlib.sha256(repr(sorted(members)).encode("utf-8", "surrogateescape")).digest()
    return Look(root, sum(look.size for look in members), int.from_bytes(digest[:FINGERPRINT_BYTES], "big"))


def _list_files(folder: Path, *, deep: bool) -> list[Path]:
    try:
        entries = folder.rglob("*") if deep else folder.iterdir()
        return [path for path in entries if path.is_file() and not path.is_symlink()]
    except OSError:
        # Gone, or not ours to see; what is missing for it shows when it is read.
        return []


def _is_noise(name: str) -> bool:
    path = Path(name)
    return is_system_file(path.name, path.parent.parts)

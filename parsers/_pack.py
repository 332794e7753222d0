"""A folder that is one source, as one file: its files one behind the other in a zip, stored, without their times.

The same files give the same bytes wherever they lie, so that content hashes tell whether anything changed. What a
tester writes once comes first and what grows comes last: a version then begins with the bytes of the one before.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from parsers._folder import last_part, parent

DIGITS: Final = re.compile(r"(\d+)")
# The first moment that a zip can name stands for all.
NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
CHUNK: Final = 1 << 20
UNIX: Final = 3


def pack_files(target: Path, root: str, names: Iterable[str], open_file: Callable[[str], Iterable[bytes]]) -> None:
    """Write the files of a folder into one, in the given order.

    Args:
        target: the file to write.
        root: the folder's path, whose last part stands before the names of what lies in it.
        names: paths of the files, with forward slashes.
        open_file: returns the bytes of one, in chunks.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as container:
        for name in names:
            _add(container, _label(root, name), open_file(name))


def add_files(target: Path, files: Mapping[str, bytes]) -> None:
    """Write more files behind those of a packed folder."""
    with zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as container:
        for name in sorted(files):
            _add(container, name, [files[name]])


def read_chunks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def in_order(names: Iterable[str], first: Sequence[re.Pattern[str]], last: Sequence[re.Pattern[str]] = ()) -> list[str]:
    """Return names in the order of the patterns that fit them, 2 before 10 where the same one does.

    Args:
        names: the names.
        first: of what comes before all that no pattern fits.
        last: of what comes after that.
    """
    ranks = {pattern: place - len(first) for place, pattern in enumerate(first)}
    ranks |= {pattern: place for place, pattern in enumerate(last, start=1)}

    def key(name: str) -> tuple[int, list[tuple[int, str]], str]:
        rank = next((rank for pattern, rank in ranks.items() if pattern.search(name)), 0)
        parts = enumerate(DIGITS.split(name))
        return rank, [(int(part), "") if place % 2 else (0, part) for place, part in parts], name

    return sorted(names, key=key)


def _add(container: zipfile.ZipFile, label: str, chunks: Iterable[bytes]) -> None:
    info = zipfile.ZipInfo(label, NO_TIME)
    # By default both tell on which system it was packed.
    info.create_system, info.external_attr = UNIX, 0
    # A large file would get another header than a small one.
    with container.open(info, "w", force_zip64=True) as writer:
        for chunk in chunks:
            writer.write(chunk)


def _label(root: str, name: str) -> str:
    if name.startswith(f"{root}/"):
        return name.removeprefix(f"{parent(root)}/" if parent(root) or root.startswith("/") else "")
    # Beside the folder or above it.
    return last_part(name)

"""From what a user names to single sources: files, folders, and zip archives with several files inside."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import parsers
from warehouse.errors import QuarantineError, UsageError

SYSTEM_FILES: Final = (
    ".ds_store",
    "thumbs.db",
    "desktop.ini",
    "~$*",
    "._*",
    "*.part",
    "*.crdownload",
    "*.tmp",
    ".~lock*",
)
# Workbooks and documents are zips too, and one file each to the people who drop them.
OFFICE_MEMBER: Final = "[Content_Types].xml"
LARGEST_MEMBER: Final = 4 << 30
MOST_MEMBERS: Final = 10_000
COPY_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Drop:
    """One file that somebody dropped.

    Args:
        path: where its bytes are.
        shown: its path as the user knows it.
        folders: the folders it lay in, outermost first, which may name firm and cell.
        container: whether it is an archive whose members are drops of their own.
    """

    path: Path
    shown: str
    folders: tuple[str, ...]
    container: bool = False

    @property
    def name(self) -> str:
        """The file's name, as a label."""
        return Path(self.shown.rpartition("!")[2]).name

    @property
    def is_system_file(self) -> bool:
        """Whether the operating system or a half-finished copy made it."""
        return any(fnmatch(self.name.lower(), pattern) for pattern in SYSTEM_FILES)


def list_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that the paths name, folders walked in a fixed order.

    Raises:
        UsageError: a path does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files.extend(sorted(entry for entry in path.rglob("*") if entry.is_file()))
        elif path.exists():
            files.append(path)
        else:
            raise UsageError(f"there is no file or folder {path}")
    return files


@contextmanager
def open_drops(path: Path) -> Iterator[Iterator[Drop]]:
    """Open a file as the drops it holds: itself, and the members if it is an archive of several files."""
    folders = path.absolute().parent.parts
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        yield _unfold(Drop(path, str(path), folders), Path(folder))


def _unfold(drop: Drop, scratch: Path) -> Iterator[Drop]:
    members = _members(drop.path)
    if len(members) < 2:  # noqa: PLR2004 one file in a zip is read as that file
        yield drop
        return
    yield Drop(drop.path, drop.shown, drop.folders, container=True)
    with zipfile.ZipFile(drop.path) as archive:
        for number, member in enumerate(members):
            inside = scratch / str(number)
            _extract(archive, member, inside, drop.shown)
            parts = tuple(part for part in Path(member.filename).parent.parts if part not in {"..", "/"})
            yield Drop(inside, f"{drop.shown}!{member.filename}", drop.folders + parts)
            inside.unlink()


def _members(path: Path) -> list[zipfile.ZipInfo]:
    """Return the files inside a zip that no format claims as its own container."""
    source = parsers.Source(path, path.name)
    peek = parsers.Peek(path, path.name)
    if len(peek.members) < 2 or OFFICE_MEMBER in peek.members or parsers.claims(source):  # noqa: PLR2004 one file in a zip is read as that file
        return []
    with zipfile.ZipFile(path) as archive:
        return [entry for entry in archive.infolist() if not entry.is_dir()][:MOST_MEMBERS]


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, shown: str) -> None:
    """Copy one member, counting bytes while reading: what the directory says of its size may be a lie."""
    left = LARGEST_MEMBER
    try:
        with archive.open(member) as reader, target.open("wb") as writer:
            while chunk := reader.read(COPY_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise QuarantineError(shown, f"{member.filename} is larger than {LARGEST_MEMBER} bytes")
                writer.write(chunk)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise QuarantineError(shown, f"{member.filename} cannot be unpacked: {error}", code="broken_file") from error

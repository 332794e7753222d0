"""From what a user names to single sources: files, folders, and zip archives with several files inside."""

from __future__ import annotations

import lzma
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import parsers
from parsers.contract import BROKEN_ZIP
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
UTF8_NAME: Final = 0x800
UNPACKING: Final[tuple[type[Exception], ...]] = (*BROKEN_ZIP, lzma.LZMAError)


@dataclass(frozen=True)
class Drop:
    """One file that somebody dropped.

    Args:
        path: where its bytes are.
        shown: its path as the user knows it.
        folders: the folders it lay in, outermost first, which may name firm and cell.
        container: whether it is an archive whose members are drops of their own.
        refusal: why there are no bytes to take, if so.
    """

    path: Path
    shown: str
    folders: tuple[str, ...]
    container: bool = False
    refusal: QuarantineError | None = None

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


def drop_of(path: Path, shown: str | None = None) -> Drop:
    """Return a file as a drop: it lay where it is shown to have lain, whose bytes may be elsewhere by now."""
    if shown is None:
        return Drop(path, printable(path), Path(printable(path.absolute())).parent.parts)
    outside, _, inside = shown.partition("!")
    return Drop(path, shown, Path(outside).absolute().parent.parts + _inner_folders(inside))


def printable(path: Path) -> str:
    r"""Return a path as text that can be stored and shown: bytes that are no UTF-8 as ``\xNN``."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@contextmanager
def open_drops(whole: Drop) -> Iterator[Iterator[Drop]]:
    """Open a drop as the drops it holds: itself, and the members if it is an archive of several files."""
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        yield _unfold(whole, Path(folder))


def _unfold(drop: Drop, scratch: Path) -> Iterator[Drop]:
    try:
        members = _members(drop.path)
    except OSError as error:
        refusal = QuarantineError(drop.shown, f"cannot be opened: {error.strerror}", code="cannot_open")
        yield replace(drop, refusal=refusal)
        return
    if len(members) < 2:  # noqa: PLR2004 one file in a zip is read as that file
        yield drop
        return
    yield replace(drop, container=True)
    with zipfile.ZipFile(drop.path) as archive:
        for number, member in enumerate(members[:MOST_MEMBERS]):
            inside = scratch / str(number)
            yield _unpack(archive, member, inside, drop)
            inside.unlink(missing_ok=True)
    if len(members) > MOST_MEMBERS:
        detail = f"{len(members)} files, of which the first {MOST_MEMBERS} were taken"
        yield replace(drop, refusal=QuarantineError(drop.shown, detail, code="too_many_files"))


def _members(path: Path) -> list[zipfile.ZipInfo]:
    """Return the files inside a zip that no format claims as its own container."""
    source = parsers.Source(path, path.name)
    peek = parsers.Peek(path, path.name)
    if len(peek.members) < 2 or OFFICE_MEMBER in peek.members or parsers.claims(source):  # noqa: PLR2004 one file in a zip is read as that file
        return []
    with zipfile.ZipFile(path) as archive:
        return [entry for entry in archive.infolist() if not entry.is_dir()]


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, whole: Drop) -> Drop:
    name = _member_name(member)
    drop = Drop(target, f"{whole.shown}!{name}", whole.folders + _inner_folders(name))
    try:
        with target.open("wb") as writer:
            for chunk in _read_member(archive, member, drop.shown):
                writer.write(chunk)
    except QuarantineError as refusal:
        return replace(drop, refusal=refusal)
    return drop


def _inner_folders(name: str) -> tuple[str, ...]:
    return tuple(part for part in Path(name).parent.parts if part not in {"..", "/"})


def _member_name(member: zipfile.ZipInfo) -> str:
    """Return a member's name; one that does not claim to be UTF-8 was most likely written by a Korean Windows."""
    if member.flag_bits & UTF8_NAME:
        return printable(Path(member.filename))
    try:
        return member.filename.encode("cp437").decode("cp949")
    except UnicodeError:
        return member.filename


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, shown: str) -> Iterator[bytes]:
    """Yield a member's bytes, counting them: what the directory says of its size may be a lie."""
    left = LARGEST_MEMBER
    try:
        with archive.open(member) as reader:
            while chunk := reader.read(COPY_CHUNK):
                left -= len(chunk)
                if left < 0:
                    break
                yield chunk
    except UNPACKING as error:
        raise QuarantineError(shown, f"cannot be unpacked: {error}", code="broken_file") from error
    if left < 0:
        raise QuarantineError(shown, f"larger than {LARGEST_MEMBER} bytes", code="too_large")

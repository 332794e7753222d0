"""A test that is a folder: its files by their paths inside it, whether the folder is zipped or on disk.

A reader of such a test works on a mapping of names to bytes and never on paths, so that whoever holds the folder
(a zip here, a directory elsewhere) only has to hand over such a mapping. A file is read when it is asked for.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from parsers.contract import BROKEN_ZIP, Fact, Source
from warehouse.errors import ParseError

# A day of records at ten a second is below 100 MB; what unpacks to more is no channel's file.
LARGEST_MEMBER: Final = 2**30
CHUNK: Final = 1 << 20
# Names that Windows stored without saying in which code page appear decoded as IBM's first one.
ZIP_CODE_PAGE: Final = "cp437"
JAPAN: Final = "Asia/Tokyo"
UNREADABLE: Final[tuple[type[Exception], ...]] = (*BROKEN_ZIP, struct.error)


class ZipFolder(Mapping[str, bytes]):
    """The files of a zip by their paths, with forward slashes.

    Args:
        container: the open zip.
        source: whose name messages show, and whose zone tells the site's language.
    """

    def __init__(self, container: zipfile.ZipFile, source: Source) -> None:
        self._container = container
        self._shown = source.name
        files = (entry for entry in container.infolist() if not entry.is_dir())
        self._entries = {plain_name(entry, source): entry for entry in files}

    def __getitem__(self, name: str) -> bytes:
        """Return the file's bytes; a damaged one is a ParseError that names it."""
        entry = self._entries[name]
        shown = f"{self._shown}!{name}"
        if entry.file_size > LARGEST_MEMBER:
            raise ParseError(shown, f"unpacks to {entry.file_size} bytes", code="too_large")
        try:
            # Piece by piece: a directory that lies about a size would have all of it allocated at once.
            with self._container.open(entry) as file:
                return b"".join(iter(lambda: file.read(CHUNK), b""))
        except UNREADABLE as error:
            raise ParseError(shown, f"the archive is damaged here: {error}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class DiskFolder(Mapping[str, bytes]):
    """The files below a directory by their paths relative to it, with forward slashes.

    Args:
        root: the directory.
    """

    def __init__(self, root: Path) -> None:
        self._paths = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}

    def __getitem__(self, name: str) -> bytes:
        """Return the file's bytes."""
        return self._paths[name].read_bytes()

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


@contextmanager
def folder_view(source: Source) -> Iterator[Mapping[str, bytes]]:
    """Open a zip or a directory as the files of one test.

    Raises:
        ParseError: the zip is damaged.
    """
    if source.path.is_dir():
        yield DiskFolder(source.path)
        return
    try:
        container = zipfile.ZipFile(source.path)
    except UNREADABLE as error:
        raise ParseError(source.name, f"the archive is damaged: {error}") from error
    with container:
        yield ZipFolder(container, source)


def plain_name(entry: zipfile.ZipInfo, source: Source) -> str:
    """Return a zip entry's path, in the site's script where the zip does not say in which it is."""
    name = entry.filename.replace("\\", "/")
    utf8 = entry.flag_bits & 0x800
    # The bytes of one country's names are valid in the other's code page, so only the site can tell.
    site = "cp932" if source.zone.key == JAPAN else "cp949"
    try:
        return name if utf8 or name.isascii() else name.encode(ZIP_CODE_PAGE).decode(site)
    except UnicodeError:
        return name


def name_channel(source: Source, channel: str) -> dict[str, Fact]:
    """Return the fact of a channel, behind the name of its machine where the site's settings give one.

    These testers number their channels anew on every machine, and nothing they write names the machine.
    """
    machine = source.profile.get("cycler")
    return {"channel": f"{machine}-{channel}" if machine else channel} if channel else {}


def parent(name: str) -> str:
    """Return the folder part of a path, empty at the top."""
    return name.rpartition("/")[0]


def last_part(name: str) -> str:
    """Return the file name of a path."""
    return name.rpartition("/")[2]


def refuse_layout(
    shown: str, found: str, sample: str, *, line: int | None = None, byte: int | None = None
) -> ParseError:
    """Return the error for a layout that is not documented, with the sample that would teach it to us.

    Args:
        shown: the file.
        found: what is different.
        sample: what the technician should send to the developers.
        line: line of the deviation.
        byte: offset of the deviation.
    """
    return ParseError(shown, f"{found}; to have it read, send {sample}", code="unknown_layout", line=line, byte=byte)

"""Zip containers from anybody: read within limits, whatever their directories claim.

A directory may lie about sizes, name one place several times, or list a million files of nothing. Limits are therefore
counted while reading, and the size of the directory is looked at before anything is made of it.
"""

from __future__ import annotations

import errno
import lzma
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from warehouse.errors import ParseError
from warehouse.workbook import INFLATE_ERRORS

MAGIC: Final = b"PK\x03\x04"
# An entry takes 46 bytes and its name: some 100,000 usual ones.
LARGEST_DIRECTORY: Final = 16 << 20
LARGEST_MEMBER: Final = 4 << 30
LARGEST_TOGETHER: Final = 32 << 30
# Deflate reaches 1032. Records of a resting cell reach some 50; what is small may be packed as tightly as it likes.
TIGHTEST_PACKING: Final = 250
ALWAYS_UNPACKED: Final = 128 << 20

ENCRYPTED: Final = 0x1
METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
CHUNK: Final = 1 << 20
LOCAL_HEADER_BYTES: Final = 30
# What zipfile and the decompressors raise on damaged containers.
UNPACKING: Final[tuple[type[Exception], ...]] = (
    *INFLATE_ERRORS,
    lzma.LZMAError,
    RuntimeError,
    EOFError,
    ValueError,
    OverflowError,
    struct.error,
)

END: Final = struct.Struct("<4s4H2LH")
END_MAGIC: Final = b"PK\x05\x06"
LONGEST_COMMENT: Final = 0xFFFF
END64: Final = struct.Struct("<4sQ2H2L4Q")
END64_MAGIC: Final = b"PK\x06\x06"
LOCATOR64_BYTES: Final = 20


@dataclass
class Budget:
    """How many bytes may still be unpacked from one drop, all its members and theirs together."""

    left: int

    def spend(self, size: int, shown: str) -> None:
        """Take bytes off.

        Raises:
            ParseError: there are not as many left.
        """
        self.left -= size
        if self.left < 0:
            raise ParseError(shown, "the archive unpacks to more than is taken at once", code="too_large_together")


def measure_directory(file: BinaryIO) -> int:
    """Return how many bytes the directory of a zip claims to have; 0 for anything else."""
    size = file.seek(0, 2)
    begin = max(0, size - END.size - LONGEST_COMMENT - LOCATOR64_BYTES - END64.size)
    file.seek(begin)
    tail = file.read()
    claims = [0]
    # The one at the very end counts for zipfile, and the last one otherwise; whichever claims more is to be feared.
    for place in {len(tail) - END.size, tail.rfind(END_MAGIC)}:
        if place >= 0 and tail.startswith(END_MAGIC, place) and len(tail) >= place + END.size:
            claims += [END.unpack_from(tail, place)[5] % 0xFFFFFFFF, _measure64(tail, place)]
    return max(claims)


def open_zip(file: BinaryIO, shown: str) -> zipfile.ZipFile:
    """Open a zip container.

    Raises:
        ParseError: it is none, or its directory is damaged or too large.
    """
    if measure_directory(file) > LARGEST_DIRECTORY:
        raise ParseError(shown, "the archive lists far too many files", code="too_many_files")
    with _blaming_container(shown):
        container = zipfile.ZipFile(file)
    # The library itself falls over an entry without a name as soon as it is asked what it is.
    if "" in container.namelist():
        raise ParseError(shown, "cannot be unpacked: its directory lists an entry without a name")
    return container


def find_overlapping(entries: list[zipfile.ZipInfo]) -> set[int]:
    """Return the places in the container, by offset, that entries share: such a container unpacks to without end."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    # An ordinary zip holds one file behind the other.
    shared: set[int] = set()
    furthest, holder = -1, -1
    for entry in ordered:
        if entry.header_offset < furthest:
            shared |= {entry.header_offset, holder}
        end = entry.header_offset + LOCAL_HEADER_BYTES + entry.compress_size
        if end > furthest:
            furthest, holder = end, entry.header_offset
    return shared


def unpack_entry(
    container: zipfile.ZipFile, entry: zipfile.ZipInfo, shown: str, budget: Budget | None = None
) -> Iterator[bytes]:
    """Yield the bytes of a file in a zip.

    Args:
        container: the open zip.
        entry: the file.
        shown: its name, for messages.
        budget: what may be unpacked of it and its like together.

    Raises:
        ParseError: it is damaged, a link, encrypted, packed in an unknown way, or more than is taken.
    """
    _refuse_entry(entry, shown)
    budget = budget or Budget(LARGEST_TOGETHER)
    unpacked = 0
    with _blaming_container(shown), container.open(entry) as reader:
        while chunk := reader.read(CHUNK):
            unpacked += len(chunk)
            _check_size(entry, unpacked, shown)
            budget.spend(len(chunk), shown)
            yield chunk
    # A size that is announced too large passes the checksum, and still the container lies.
    if unpacked != entry.file_size:
        raise ParseError(shown, f"holds {unpacked} bytes where {entry.file_size} are announced")


def unpack_only_file(path: Path, target: Path, shown: str) -> str | None:
    """Unpack the only file of a zip; returns its name, or None for anything else.

    Raises:
        ParseError: it cannot be unpacked, or to more than is taken.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC or measure_directory(file) == 0:
            return None
        with open_zip(file, shown) as container:
            files = [entry for entry in container.infolist() if not entry.is_dir()]
            if len(files) != 1:
                return None
            with target.open("wb") as writer:
                for chunk in unpack_entry(container, files[0], f"{shown}!{files[0].filename}"):
                    writer.write(chunk)
            return files[0].filename


@contextmanager
def _blaming_container(shown: str) -> Iterator[None]:
    """Turn what a damaged container causes into our error; a disk or a share that fails is another matter."""
    try:
        yield
    except UNPACKING as error:
        raise ParseError(shown, f"cannot be unpacked: {error}") from error
    except OSError as error:
        # A place that cannot be looked up is the directory's lie.
        if error.errno not in {None, errno.EINVAL}:
            raise
        raise ParseError(shown, f"cannot be unpacked: {error}") from error


def _measure64(tail: bytes, place: int) -> int:
    """Return the size that the directory's long end claims, before the short one at ``place``."""
    before = place - LOCATOR64_BYTES - END64.size
    if before < 0 or not tail.startswith(END64_MAGIC, before):
        return 0
    return int(END64.unpack_from(tail, before)[8])


def _refuse_entry(entry: zipfile.ZipInfo, shown: str) -> None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ParseError(shown, "a link, which is not followed", code="symbolic_link")
    if entry.flag_bits & ENCRYPTED:
        raise ParseError(shown, "the file is encrypted", code="encrypted")
    if entry.compress_type not in METHODS:
        raise ParseError(shown, f"packed by method {entry.compress_type}", code="unknown_packing")


def _check_size(entry: zipfile.ZipInfo, unpacked: int, shown: str) -> None:
    if unpacked > LARGEST_MEMBER:
        raise ParseError(shown, f"larger than {LARGEST_MEMBER} bytes", code="too_large")
    if unpacked > ALWAYS_UNPACKED and unpacked > TIGHTEST_PACKING * entry.compress_size:
        detail = f"{entry.compress_size} bytes unpack to more than {unpacked}"
        raise ParseError(shown, detail, code="packed_too_tightly")

"""A content told as what it shares with an earlier one and the bytes that are its own: ``<sha256>.pieces``.

Shared bytes lie at the same offsets in both. All numbers are big-endian; the file tells all that is needed to rebuild
the content but the earlier one, its *base*, which is a file of the archive as well, whole or again in pieces:

==============  ====================================================================================================
what            bytes
==============  ====================================================================================================
magic, version  ``CELLARPC``, 0x0001
literals        the content's bytes outside the shared ranges, in order
ranges          begin and end of each shared range, two u8 each
foot            SHA-256 of the content (32), its size u8, SHA-256 of the base (32), its size u8, number u4, ranges u4
checks          SHA-256 of ranges and foot (32), SHA-256 of everything above (32)
==============  ====================================================================================================

``number`` counts the versions since the last one that was kept whole; :func:`reach_back` says what it is for.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import BinaryIO, Final, Self

from warehouse.errors import DamageError
from warehouse.files import CHUNK
from warehouse.ranges import Range, complement, count_bytes, intersect, within

LEAD: Final = b"CELLARPC\x00\x01"
RANGE: Final = struct.Struct(">QQ")
FOOT: Final = struct.Struct(">32sQ32sQII")
CHECK: Final = 32
# The end of nearly every file in one read: foot, checks and some ranges.
USUAL_END: Final = 1024
# Every 64th version reaches back over 64 others, every 4096th over 4096: see `step_back`.
STRIDE: Final = 64


@dataclass(frozen=True)
class Pieces:
    """What a pieces file says of its content.

    Args:
        sha256: hash of the content.
        size: bytes of the content.
        base: hash of the content that it shares bytes with.
        base_size: bytes of that.
        number: versions since the last one that was kept whole.
        same: what it shares.
    """

    sha256: str
    size: int
    base: str
    base_size: int
    number: int
    same: tuple[Range, ...]

    @cached_property
    def literals(self) -> list[Range]:
        """The ranges of the content whose bytes stand in the file itself."""
        return complement(self.same, 0, self.size)

    @property
    def file_size(self) -> int:
        """Bytes of the file."""
        return len(LEAD) + count_bytes(self.literals) + self.end_size

    @property
    def end_size(self) -> int:
        """Bytes of the file after its literals."""
        return len(self.same) * RANGE.size + FOOT.size + 2 * CHECK

    def place(self, wanted: Sequence[Range]) -> Iterator[tuple[int, int, int]]:
        """Yield begin and end of the wanted bytes that stand in the file itself, and where in the file each begins."""
        starts = list(accumulate((end - begin for begin, end in self.literals), initial=len(LEAD)))
        for (first, last), start in zip(self.literals, starts, strict=False):
            for begin, end in intersect(within(wanted, first, last), [(first, last)]):
                yield begin, end, start + begin - first


class PiecesWriter:
    """Writes a pieces file: literals as they come, then what they are.

    Args:
        path: the file, which must not matter yet.
    """

    def __init__(self, path: Path) -> None:
        self.literals = 0
        self._hash = hashlib.sha256()
        self._file = path.open("wb")
        self._put(LEAD)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, literal: bytes) -> None:
        """Add bytes that the content does not share."""
        self.literals += len(literal)
        self._put(literal)

    def finish(self, pieces: Pieces) -> None:
        """Say what the literals are; without that the file is worth nothing."""
        end = _tell(pieces)
        self._put(end + hashlib.sha256(end).digest())
        self._file.write(self._hash.digest())

    def close(self) -> None:
        """Hand what was written over to the system."""
        self._file.close()

    def _put(self, raw: bytes) -> None:
        self._file.write(raw)
        self._hash.update(raw)


def read_pieces(path: Path) -> Pieces:
    """Read what a pieces file says, without its literals.

    Raises:
        DamageError: it is missing, or not what was once written.
    """
    try:
        with path.open("rb", buffering=0) as file:
            return _read_end(file, path)
    except OSError as error:
        raise DamageError(f"{path}: cannot be read: {error.strerror}") from error


def check_pieces(path: Path) -> Pieces:
    """Read a pieces file and make sure of every byte of it.

    Raises:
        DamageError: it is missing, or not what was once written.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            pieces = _read_end(file, path)
            file.seek(0)
            left = pieces.file_size - CHECK
            while left and (chunk := file.read(min(CHUNK, left))):
                digest.update(chunk)
                left -= len(chunk)
            # All that is left, so that bytes behind the end are noticed too.
            if file.read() != digest.digest():
                raise DamageError(f"{path}: its bytes are not those that were written")
    except OSError as error:
        raise DamageError(f"{path}: cannot be read: {error.strerror}") from error
    return pieces


def step_back(number: int) -> int:
    """Return how many versions the one with this number reaches back over: the largest power of ``STRIDE`` in it.

    Were each version told by the one before it alone, the n-th would take n files to read. With this rule it takes
    under ``STRIDE * log(n, STRIDE)``, and each new byte is written ``log(n, STRIDE)`` times or so. Measured on a file
    of 1 MB that grew 3,000 times by 300 bytes: 102 files and 8 ms to open the last version instead of 3,000 and 180 ms,
    at 2.3 MB of pieces instead of 1.4 MB, which takes the disk 13 MB either way; with 8 in place of 64, 1 ms at 3.7 MB.
    """
    step = 1
    while number % (step * STRIDE) == 0:
        step *= STRIDE
    return step


def reach_back(known: Pieces | None, base: tuple[str, int], chain: Iterator[Pieces]) -> Pieces:
    """Return what a content that shares all of an earlier one's bytes is told by: that one, or one before it.

    Args:
        known: what is said of the earlier one; None where it is kept whole.
        base: hash and size of the earlier one.
        chain: what is said of those that it is told by, in turn.

    Returns:
        A description that lacks hash and size of the new content.
    """
    number = known.number + 1 if known else 1
    same: list[Range] = [(0, base[1])]
    target = number - step_back(number)
    while known is not None and known.number > target:
        same, base = intersect(same, known.same), (known.base, known.base_size)
        known = next(chain, None)
    return Pieces("", 0, *base, number, tuple(same))


def _tell(pieces: Pieces) -> bytes:
    ranges = b"".join(RANGE.pack(*each) for each in pieces.same)
    names = (bytes.fromhex(pieces.sha256), pieces.size, bytes.fromhex(pieces.base), pieces.base_size)
    return ranges + FOOT.pack(*names, pieces.number, len(pieces.same))


def _read_end(file: BinaryIO, path: Path) -> Pieces:
    size = os.fstat(file.fileno()).st_size
    raw = _read_last(file, min(size, USUAL_END))
    fixed = FOOT.size + 2 * CHECK
    if len(raw) < fixed:
        raise DamageError(f"{path}: {size} bytes are too few")
    *names, number, count = FOOT.unpack(raw[-fixed : -2 * CHECK])
    end_size = count * RANGE.size + fixed
    # A damaged count may be anything: what it leads to fails the check.
    if end_size > min(size, len(raw)):
        raw = _read_last(file, min(size, end_size))
    told, check = raw[-end_size : -2 * CHECK], raw[-2 * CHECK : -CHECK]
    if hashlib.sha256(told).digest() != check:
        raise DamageError(f"{path}: what it says of itself is not what was written")
    same = tuple(RANGE.iter_unpack(told[: count * RANGE.size]))
    pieces = Pieces(names[0].hex(), names[1], names[2].hex(), names[3], number, same)
    _check_sense(pieces, path, size)
    return pieces


def _read_last(file: BinaryIO, size: int) -> bytes:
    file.seek(-size, os.SEEK_END)
    return file.read(size)


def _check_sense(pieces: Pieces, path: Path, size: int) -> None:
    """Refuse a file that was cut before its end, or renamed to another content's name."""
    edges = [0, *(edge for each in pieces.same for edge in each), min(pieces.size, pieces.base_size)]
    if any(one > other for one, other in pairwise(edges)):
        raise DamageError(f"{path}: it shares bytes that its base does not have")
    if pieces.file_size != size:
        raise DamageError(f"{path}: {size} bytes instead of {pieces.file_size}")
    if pieces.sha256 != path.stem:
        raise DamageError(f"{path}: it tells of {pieces.sha256}")

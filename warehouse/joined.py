"""One file to read that lies in parts of several others."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from warehouse.errors import DamageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER: Final = 1 << 16


@dataclass(frozen=True)
class Segment:
    """Bytes ``begin`` to ``end`` of the joined file: they lie in ``path`` from ``start`` on."""

    begin: int
    end: int
    path: Path
    start: int


def open_joined(segments: Iterable[Segment]) -> io.BufferedReader:
    """Open segments that follow each other without a gap as one file, to read and to seek in."""
    return io.BufferedReader(_Joined(sorted(segments, key=attrgetter("begin"))), BUFFER)


class _Joined(io.RawIOBase):
    """Keeps one of the files open at a time: there may be more than a process can open."""

    def __init__(self, segments: list[Segment]) -> None:
        self._segments = segments
        self._begins = [segment.begin for segment in segments]
        self._size = segments[-1].end if segments else 0
        self._place = 0
        self._path: Path | None = None
        self._file: io.FileIO | None = None

    def readable(self) -> bool:
        """It is made to be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from any place on."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place, beyond the end if need be, as in any file."""
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(0, begin + offset)
        return self._place

    def tell(self) -> int:
        """Return the place where reading goes on."""
        return self._place

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read up to the end of a segment.

        Raises:
            DamageError: the segment's file is gone or too short.
        """
        if self._place >= self._size:
            return 0
        segment = self._segments[bisect_right(self._begins, self._place) - 1]
        # One segment at a time: whoever wants more asks again.
        view = memoryview(buffer)[: segment.end - self._place]
        try:
            got = self._turn_to(segment).readinto(view) or 0
        except FileNotFoundError as error:
            raise DamageError(f"{segment.path}: is gone") from error
        if view and not got:
            raise DamageError(f"{segment.path}: ends before byte {segment.start + segment.end - segment.begin}")
        self._place += got
        return got

    def close(self) -> None:
        """Close the file that is open."""
        if self._file is not None:
            self._file.close()
        super().close()

    def _turn_to(self, segment: Segment) -> io.FileIO:
        if self._file is None or self._path != segment.path:
            if self._file is not None:
                self._file.close()
            self._file, self._path = segment.path.open("rb", buffering=0), segment.path
        self._file.seek(segment.start + self._place - segment.begin)
        return self._file

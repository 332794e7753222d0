"""Where the records of an .nda lie, and the end of a grown one as a small file of its own.

fastnda finds records by the same pointers; what is added here is what it takes for granted: how long a record is before
one is read, and that a file may end before the bytes that its header announces.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from parsers._lines import LEAST_COMPARED, LONGEST_TAIL, MOST_COMPARED, WARM_UP
from parsers.contract import Excerpt, Known

HEADER_BYTES: Final = 1024
VERSION_AT: Final = 14
BTS9: Final = frozenset({129, 130})
# Place and form of the pointer (begin, length) to the records, by whether the file is of BTS 9.
POINTERS: Final = {False: (64, "<II"), True: (82, "<QQ")}
INFO_AT: Final = 34
NO_POINTER: Final = bytes(16)
# Pointer to auxiliary records behind the others, in versions 14 to 24.
AUXILIARY_AT: Final = 72
AUXILIARY_VERSIONS: Final = range(14, 25)
# Bytes of a record by version: those whose columns are all the record's own.
RECORD_BYTES: Final = dict.fromkeys((5, 6, 7, 8), 59) | dict.fromkeys((14, 16, 17, 20, 22, 23, 24, 26, 28, 29), 86)
# BTS 9: version of the record, its possible lengths, and the byte of the mark that all records have.
RECORD_VERSION_AT: Final = 16
BTS9_RECORDS: Final = {2: ((88,), 4), 3: ((88,), 4), 19: ((52, 56, 60), 0), 42: ((52, 56, 60), 0)}
# These have no step time, so that it follows from the last record of the step before.
WITHOUT_STEP_TIME: Final = frozenset({19, 42})
STEP_AT: Final = 2
MARK: Final = 0x55
LOOKED_AT: Final = 64
FIRST_RECORD: Final = b"\x55\x00\x01\x00\x00\x00"
SEARCHED: Final = 4 << 20


@dataclass(frozen=True)
class Span:
    """Where the records lie.

    Args:
        begin: byte of the first.
        length: of all records, as the header states it; 0 for all up to the end of the file.
        width: bytes of one; 0 where that is not known.
        record_version: in BTS 9, otherwise 0.
    """

    begin: int
    length: int
    width: int
    record_version: int

    def stop(self, size: int) -> int:
        """Return where the records of a file of a size end."""
        return min(size, self.begin + self.length) if self.length else size


def find_span(file: BinaryIO) -> Span:
    """Return where the header says that the records lie."""
    file.seek(0)
    head = file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\0")
    wide = head[VERSION_AT] in BTS9
    place, form = POINTERS[wide]
    begin, length = struct.unpack_from(form, head, place)
    version = int.from_bytes(head[RECORD_VERSION_AT : RECORD_VERSION_AT + 2], "little") if wide else 0
    width = _bts9_width(file, begin, length, version) if wide else RECORD_BYTES.get(head[VERSION_AT], 0)
    return Span(begin, length, width, version)


def announce(head: bytes, length: int) -> bytes:
    """Return a header that states another length of the records, and in BTS 9 no test information behind them."""
    wide = head[VERSION_AT] in BTS9
    place, form = POINTERS[wide]
    begin, stated = struct.unpack_from(form, head, place)
    changed = bytearray(head)
    struct.pack_into(form, changed, place, begin, length if stated else 0)
    if wide:
        changed[INFO_AT : INFO_AT + len(NO_POINTER)] = NO_POINTER
    return bytes(changed)


def excerpt_records(file: BinaryIO, known: Known) -> Excerpt | None:
    """Make the excerpt of an .nda: header, first records, the last known ones, and what came after."""
    span = find_span(file)
    size = file.seek(0, io.SEEK_END)
    stop = span.stop(size)
    if not span.width or _has_auxiliary(file) or stop > known.size + LONGEST_TAIL:
        return None
    # Behind the records of BTS 9 stands what only the number of rows tells them from.
    count = known.rows if span.record_version else (known.size - span.begin) // span.width
    first = max(0, count - MOST_COMPARED - WARM_UP)
    end = span.begin + count * span.width
    if count - first < LEAST_COMPARED + WARM_UP or end > stop:
        return None
    leading = _leading(file, span, first)
    if leading is None:
        return None
    file.seek(0)
    head = file.read(span.begin)
    lead = b"".join(_records(file, span, *pair) for pair in leading)
    origin = span.begin + first * span.width
    file.seek(origin)
    content = file.read(stop - origin)
    skipped = origin - span.begin - len(lead)
    before = announce(head, len(lead) + end - origin) + lead + content[: end - origin]
    return Excerpt(
        before,
        announce(head, span.length - skipped) + lead + content,
        (span.begin, end),
        len(lead) // span.width + WARM_UP,
        skipped,
        summed=frozenset() if span.record_version in WITHOUT_STEP_TIME else frozenset({"test_time_second"}),
    )


def _bts9_width(file: BinaryIO, begin: int, length: int, version: int) -> int:
    """Return the length of the records whose marks stand where they should; 0 where there is none."""
    widths, mark = BTS9_RECORDS.get(version, ((), 0))
    # A damaged pointer may lie beyond what a file can be asked for.
    if not HEADER_BYTES <= begin < file.seek(0, io.SEEK_END):
        return 0
    file.seek(begin)
    raw = np.frombuffer(file.read(min(length, LOOKED_AT * max(widths, default=0))), np.uint8)
    fitting = [
        width for width in widths if length % width == 0 and len(raw) > mark and bool((raw[mark::width] == MARK).all())
    ]
    return fitting[0] if fitting else 0


def _has_auxiliary(file: BinaryIO) -> bool:
    file.seek(0)
    head = file.read(AUXILIARY_AT + 8)
    return head[VERSION_AT] in AUXILIARY_VERSIONS and head[AUXILIARY_AT + 4 :] != bytes(4)


def _leading(file: BinaryIO, span: Span, first: int) -> list[tuple[int, int]] | None:
    """Return the records (first, behind last) that must stand before those that are compared; None to give up."""
    if not first:
        return []
    if span.record_version in WITHOUT_STEP_TIME:
        step = _step_before(file, span, first)
        return None if step is None else [(0, 1), *([(step, step + 1)] if step > 0 else [])]
    # fastnda looks for the data record with the index 1, which may follow others.
    raw = _records(file, span, 0, min(first, LOOKED_AT))
    return [(0, max(raw.find(FIRST_RECORD), 0) // span.width + 1)]


def _step_before(file: BinaryIO, span: Span, first: int) -> int | None:
    """Return the last record of the step before that of a record, 0 for none; None where the step is too long."""
    step = _records(file, span, first, first + 1)[STEP_AT : STEP_AT + 1]
    least = max(0, first - SEARCHED // span.width)
    steps = np.frombuffer(_records(file, span, least, first), np.uint8)[STEP_AT :: span.width]
    others = np.flatnonzero(steps != step[0])
    if len(others):
        return least + int(others[-1])
    return None if least else 0


def _records(file: BinaryIO, span: Span, first: int, behind: int) -> bytes:
    file.seek(span.begin + first * span.width)
    return file.read((behind - first) * span.width)

"""The end of a text that grows: a last line that is cut, and the last lines as a small file of their own."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from parsers.contract import Excerpt, Known, Reading, Source, still_growing
from warehouse.errors import ParseError

WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
BLANK: Final = b"\r\n\0"
SEPARATORS: Final = re.compile(rb"[\t;,]")
CHUNK: Final = 1 << 16
LOOKED_AT: Final = 8
# EC-Lab's longest headers have some hundred lines; beyond this nothing is a header.
LONGEST_HEADER: Final = 1 << 20
LONGEST_TAIL: Final = 512 << 20
# Records that two versions are compared by, and those before them from which no value is taken.
MOST_COMPARED: Final = 1024
LEAST_COMPARED: Final = 64
WARM_UP: Final = 16
# Longer than any record; a window without enough line ends is no table.
LONGEST_WINDOW: Final = 4 << 20


@dataclass(frozen=True)
class LastLine:
    """The last line of a text that is not blank.

    Args:
        begin: byte of its first sign.
        content: its bytes, without line end.
        ended: whether a line end follows.
        before: some lines that stand before it.
    """

    begin: int
    content: bytes
    ended: bool
    before: tuple[bytes, ...] = ()

    @property
    def cut(self) -> bool:
        """Whether it ends inside a UTF-8 sign, or in a cell shorter than those that all lines before it end in."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        decoder.decode(self.content[-4:])
        lengths = {_last_cell_length(line) for line in self.before}
        alike = len(self.before) > 1 and len(lengths) == 1
        return bool(decoder.getstate()[0]) or (alike and _last_cell_length(self.content) < min(lengths))

    def cells(self, separator: str, quote: str | None = '"') -> int:
        """Return the number of cells; 0 for a line that ends inside quotes."""
        text = self.content.decode("latin-1")
        if quote is None:
            return text.count(separator) + 1
        if text.count(quote) % 2:
            return 0
        # A stray carriage return ends the line for the csv module; the cells before it are what the table has.
        rows = csv.reader(text.split("\r"), delimiter=separator, quotechar=quote)
        try:
            return len(next(rows, []))
        except csv.Error:
            return 0


def read_growing(
    source: Source,
    file: BinaryIO,
    fits: Callable[[LastLine], bool],
    read: Callable[[int | None], Reading],
    *,
    ended_counts: bool = True,
) -> Reading:
    """Read a text that may end anywhere behind its header; a last line that is cut is left out with a warning.

    Args:
        source: for the place in the warning.
        file: the text, one byte to an ASCII sign.
        fits: whether the last line has all its cells.
        read: reads the text up to a byte, or all of it.
        ended_counts: whether a last line with a line end is read even if it lacks cells.

    Raises:
        ParseError: as ``read``, unless it is about the last line and that has no end.
    """
    last = find_last_line(file)
    if (last.ended and ended_counts) or (fits(last) and (last.ended or not last.cut)):
        try:
            return read(None)
        except ParseError as error:
            if last.ended or error.line is None or error.line != _number(file, last):
                raise
    reading = read(last.begin)
    warning = still_growing("a line", last.begin + len(last.content) + source.skipped)
    return replace(reading, incomplete=True, warnings=(*reading.warnings, warning))


def find_last_line(file: BinaryIO) -> LastLine:
    """Find the last line that is not blank."""
    size = file.seek(0, io.SEEK_END)
    begin, tail = size, b""
    # Backwards, until a line end stands before something that is not blank.
    while begin and tail.rstrip(BLANK).rfind(b"\n") < 0:
        begin = max(0, begin - CHUNK)
        file.seek(begin)
        tail = file.read(size - begin)
    plain = tail.rstrip(BLANK)
    place = plain.rfind(b"\n") + 1
    # The first line of the tail may lack its beginning, which does not matter here.
    before = tuple(plain[:place].split(b"\n")[-LOOKED_AT - 1 : -1])
    return LastLine(begin + place, plain[place:], b"\n" in tail[len(plain) :], before)


def require_line_end(source: Source, file: BinaryIO, lines: int) -> None:
    """Refuse a text that ends inside its header of so many lines: what the columns are is not certain yet.

    Raises:
        ParseError: under ``incomplete_file``.
    """
    file.seek(0)
    for number in range(1, lines + 1):
        line = file.readline(LONGEST_HEADER)
        if not line.endswith(b"\n"):
            detail = f"the file ends inside its header of {lines} lines"
            raise ParseError(source.name, detail, code="incomplete_file", line=number)


def as_narrow(raw: bytes) -> bytes:
    """Return UTF-16 with its mark as UTF-8, without half a sign at the end; anything else as it is.

    Raises:
        UnicodeDecodeError: what begins as UTF-16 is none.
    """
    if not raw.startswith(WIDE_MARKS):
        return raw
    return codecs.getincrementaldecoder("utf-16")().decode(raw).encode()


def read_narrow(raw: bytes, source: Source) -> bytes:
    """Do the same as :func:`as_narrow` for a source.

    Raises:
        ParseError: what begins as UTF-16 is none.
    """
    try:
        return as_narrow(raw)
    except UnicodeDecodeError as error:
        raise ParseError(source.name, f"the text is no UTF-16: {error.reason}", byte=error.start) from error


def excerpt_lines(
    file: BinaryIO,
    known: Known,
    count_above: Callable[[bytes], int | None],
    *,
    counted: frozenset[str] = frozenset({"step_count"}),
    summed: frozenset[str] = frozenset(),
    decided: frozenset[str] = frozenset(),
    first_records: int = 1,
) -> Excerpt | None:
    """Make the excerpt of a text: header, first record, the last known lines, and what came after.

    Args:
        file: the whole text.
        known: its earlier version.
        count_above: from the text's first bytes, the number of lines above the first record; None to give up.
        counted: as in :class:`parsers.contract.Excerpt`, as are the others.
        summed: likewise.
        decided: likewise.
        first_records: how many stay at the beginning; from the first one dates, decimal signs and starts are taken.
    """
    size = file.seek(0, io.SEEK_END)
    head = _head(file, count_above, first_records)
    if head is None or not known.size <= size <= known.size + LONGEST_TAIL:
        return None
    begin = _line_before(file, len(head), known.size, MOST_COMPARED + WARM_UP)
    if begin is None:
        return None
    file.seek(begin)
    whole = head + file.read()
    kept = len(head) + known.size - begin
    lead = first_records + WARM_UP
    # A blank line among those that are not compared only drops a line more.
    return Excerpt(whole[:kept], whole, (0, known.size), lead, begin - len(head), counted, summed, decided)


def _head(file: BinaryIO, count_above: Callable[[bytes], int | None], records: int) -> bytes | None:
    """Return header and first records."""
    file.seek(0)
    head = file.read(CHUNK)
    above = None if head.startswith(WIDE_MARKS) else count_above(head)
    if above is None:
        return None
    if head.count(b"\n") < above + records:
        head += file.read(LONGEST_HEADER)
    end = 0
    for _ in range(above + records):
        end = head.find(b"\n", end) + 1
        if not end:
            return None
    return head[:end]


def _line_before(file: BinaryIO, start: int, stop: int, count: int) -> int | None:
    """Return where up to ``count`` whole lines before ``stop`` begin, not before ``start``; None for too few."""
    window = CHUNK
    while True:
        begin = max(start, stop - window)
        file.seek(begin)
        tail = file.read(max(0, stop - begin))
        if tail.count(b"\n") > count or begin == start or window >= LONGEST_WINDOW:
            break
        window *= 4
    # What stands before the first line end may be half a line, unless it is the first record.
    ends = ([-1] if begin == start else []) + [match.start() for match in re.finditer(b"\n", tail)]
    if len(ends) <= LEAST_COMPARED + WARM_UP:
        return None
    return begin + ends[-min(count + 1, len(ends))] + 1


def _number(file: BinaryIO, last: LastLine) -> int:
    """Return the number of the last line, from 1."""
    file.seek(0)
    ends, left = 0, last.begin
    while left > 0:
        chunk = file.read(min(left, LONGEST_HEADER))
        ends, left = ends + chunk.count(b"\n"), left - len(chunk)
    return ends + 1


def _last_cell_length(line: bytes) -> int:
    """Return the length of a line's last cell; programs that end each line with a separator leave the last one out."""
    return len(SEPARATORS.split(line.rstrip(b"\r\t;, "))[-1].strip(b'+-"'))

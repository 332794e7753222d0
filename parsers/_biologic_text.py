"""Text exports of EC-Lab and BT-Lab as columns of numbers: where the records begin and how numbers are written."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._biologic import READ_COLUMNS, STATUS, TEMPERATURE, TIME
from parsers._biologic_header import YEARS
from parsers._biologic_steps import MODE, unpack_status
from parsers._lines import LastLine, as_narrow
from parsers.contract import Source
from warehouse.errors import ParseError

OPENINGS: Final = ("EC-Lab ASCII FILE", "BT-Lab ASCII FILE")
HEADER_LINES: Final = re.compile(r"^Nb header lines : (\d{1,6})\s*$")
SEPARATORS: Final = ("\t", ";")
# An encoding that was lost on the way leaves one to three other signs where the degree was.
TEMPERATURES: Final = re.compile(r"^Temperature/[^A-Za-z0-9/]{1,3}C$")
ALIASES: Final = {"ox": "ox/red"}
POTENTIALS: Final = frozenset({"Ecell/V", "Ewe/V", "<Ewe>/V", "<Ewe/V>"})
DECIMAL_COMMA: Final = re.compile(r"\s*[-+]?\d+,\d")
WALL_CLOCK: Final = re.compile(r"^\s*\d{1,2}([/.-])\d{1,2}[/.-]\d{4} \d")
# A file without a header has its column line among the first ones.
HEADLESS_LINES: Final = 3
LARGEST_MODE: Final = 3
SINGLE_RESIDUE: Final = 1e-14


@dataclass(frozen=True)
class Layout:
    """Where the records of an export begin and how they are written.

    Args:
        header: the lines above the column line.
        names: column names in their order, cleaned; empty for a column without one.
        separator: tab or semicolon.
        line: line of the first record, from 1.
        content: the whole text.
        begin: byte of the first record.
    """

    header: list[str]
    names: list[str]
    separator: str
    line: int
    content: bytes
    begin: int

    @cached_property
    def body(self) -> bytes:
        """The records, line ends of the last one removed."""
        return self.content[self.begin :].rstrip(b"\r\n")

    def until(self, stop: int | None) -> Layout:
        """Return the layout of the text up to a byte, or of all of it."""
        return self if stop is None else replace(self, content=self.content[:stop])

    def is_whole(self, last: LastLine) -> bool:
        """Whether a last line has as many cells as the first record, or as there are names where it is the first."""
        named = sum(1 for name in self.names if name)
        # All records of an export may lack the same cells; a separator at their end may miss in the last one.
        first = len(self.separator.join(self.first_record).rstrip(self.separator).split(self.separator))
        return last.cells(self.separator, None) >= (named if last.begin <= self.begin else first)

    @property
    def first_record(self) -> list[str]:
        """The cells of the first record."""
        line = self.body[: 1 << 16].split(b"\n", 1)[0].decode("cp1252", errors="replace")
        return line.rstrip("\r").split(self.separator)

    @property
    def decimal_comma(self) -> bool:
        """Whether numbers are written with a comma."""
        return any(DECIMAL_COMMA.match(cell) for cell in self.first_record)

    @property
    def clock_sign(self) -> str:
        """The sign within the dates of a ``time/s`` that holds wall clock; empty where it holds seconds."""
        cells = self.first_record
        place = self.names.index(TIME) if TIME in self.names else len(cells)
        match = WALL_CLOCK.match(cells[place]) if place < len(cells) else None
        return match[1] if match else ""


def find_columns(lines: Sequence[str]) -> tuple[list[str], str] | None:
    """Return names and separator of the first line that is not blank, if it names EC-Lab's columns."""
    line = next((each for each in lines if each.strip()), "")
    for separator in SEPARATORS:
        names = [_clean(cell) for cell in line.split(separator)]
        cycling = TIME in names and POTENTIALS & set(names)
        impedance = "freq/Hz" in names and {"Re(Z)/Ohm", "|Z|/Ohm"} & set(names)
        if cycling or impedance:
            return names, separator
    return None


def find_layout(source: Source) -> Layout:
    """Find header, columns and records of an export.

    Raises:
        ParseError: the line that should name the columns does not, or the file ends before it.
    """
    content = _as_bytes(source.path.read_bytes())
    above = count_header_lines(content)
    lines, ends = _first_lines(content, above or HEADLESS_LINES)
    if above is None or len(lines) < above or content[ends[-1] - 1 : ends[-1]] != b"\n":
        detail = "the file ends inside its header"
        raise ParseError(source.name, detail, code="incomplete_file", line=max(len(lines), 1))
    found = find_columns(lines[-1:])
    if found is None:
        detail = f"expected the line of column names, found {lines[-1][:60]!r}"
        raise ParseError(source.name, detail, line=len(lines))
    return Layout(lines[:-1], *found, len(lines) + 1, content, ends[-1])


def count_header_lines(content: bytes) -> int | None:
    """Return the number of lines down to the column line; None where the text ends before it says so."""
    lines, ends = _first_lines(content, HEADLESS_LINES)
    if lines and lines[0].startswith(OPENINGS):
        if len(lines) == 1 or not content[: ends[1]].endswith(b"\n"):
            return None
        match = HEADER_LINES.match(lines[1])
        if match:
            return max(int(match[1]), 1)
    # Without a count the column line is the first that is not blank.
    return next((row for row, line in enumerate(lines, start=1) if line.strip()), max(len(lines), 1))


def read_columns(source: Source, layout: Layout) -> tuple[dict[str, NDArray[Any]], pl.Series | None]:
    """Return the numbers of every column that has any, and the wall clock where ``time/s`` holds it.

    Raises:
        ParseError: a cell is no number or no wall clock.
    """
    # Backwards, so that of two columns with one name the first counts.
    places = {name: place for place, name in reversed(list(enumerate(layout.names))) if name in READ_COLUMNS}
    sign = layout.clock_sign
    texts = {_cell(places[TIME])} if sign else set()
    frame = _read_frame(source, layout, places, texts)
    clock = _read_clock(source, layout, frame[_cell(places[TIME])], sign) if sign else None
    columns: dict[str, NDArray[Any]] = {}
    for name, place in places.items():
        series = frame[_cell(place)]
        if _cell(place) not in texts and series.null_count() < len(series):
            columns[name] = series.to_numpy()
    # Only BT-Lab's advanced export prints float32 with the digits of doubles.
    if layout.separator == ";":
        columns = {name: _undo_double(values) for name, values in columns.items()}
    return _unpack_flags(columns), clock


def _clean(name: str) -> str:
    plain = name.strip().strip('"\ufeff')
    return TEMPERATURE if TEMPERATURES.match(plain) else ALIASES.get(plain, plain)


def _as_bytes(content: bytes) -> bytes:
    """Return text without byte-order mark, one byte to an ASCII sign."""
    try:
        return as_narrow(content).removeprefix(codecs.BOM_UTF8)
    except UnicodeDecodeError:
        return content.decode("utf-16", errors="replace").encode()


def _first_lines(content: bytes, count: int) -> tuple[list[str], list[int]]:
    """Return up to ``count`` lines and where each ends."""
    lines: list[str] = []
    ends: list[int] = []
    begin = 0
    while len(lines) < count and begin < len(content):
        end = content.find(b"\n", begin) + 1 or len(content)
        lines.append(_decode(content[begin:end]).rstrip("\r\n"))
        ends.append(end)
        begin = end
    return lines, ends


def _decode(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def _read_frame(source: Source, layout: Layout, places: dict[str, int], texts: set[str]) -> pl.DataFrame:
    """Read the wanted columns; on a cell that is no number, read them again as text and name the cell."""
    try:
        return _read_cells(layout, places, texts)
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise _find_fault(source, layout, places, texts) or ParseError(source.name, reason, line=layout.line) from error


def _read_cells(layout: Layout, places: dict[str, int], texts: set[str]) -> pl.DataFrame:
    wanted = [_cell(place) for place in sorted(places.values())]
    types = {name: pl.String() if name in texts else pl.Float64() for name in wanted}
    return pl.read_csv(
        layout.body,
        has_header=False,
        separator=layout.separator,
        # Records may have fewer cells than there are names: the column line ends with a tab.
        schema={name: types.get(name, pl.String()) for name in map(_cell, range(max(places.values()) + 1))},
        columns=wanted,
        missing_columns="insert",
        extra_columns="ignore",
        quote_char=None,
        encoding="utf8-lossy",
        decimal_comma=layout.decimal_comma,
        truncate_ragged_lines=True,
    )


def _cell(place: int) -> str:
    """Return Polars' own name of a column without one."""
    return f"column_{place + 1}"


def _find_fault(source: Source, layout: Layout, places: dict[str, int], texts: set[str]) -> ParseError | None:
    """Return the error for the first cell that is no number."""
    # Twice as slow and twice the memory, hence only once something is known to be wrong.
    try:
        frame = _read_cells(layout, places, {_cell(place) for place in places.values()})
    except pl.exceptions.PolarsError:
        return None
    for name, place in places.items():
        cells = frame[_cell(place)].str.strip_chars()
        numbers = cells.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        wrong = (numbers.is_null() & cells.is_not_null() & (cells != "")).arg_true()
        if _cell(place) not in texts and len(wrong):
            row = wrong[0]
            detail = f"expected a number, found {cells[row][:40]!r}"
            return ParseError(source.name, detail, line=layout.line + row, column=name)
    return None


def _read_clock(source: Source, layout: Layout, cells: pl.Series, sign: str) -> pl.Series:
    """Convert ``mm/dd/yyyy HH:MM:SS.fff``, whichever sign stands within the date."""
    plain = cells.str.strip_chars().str.replace(",", ".", literal=True)
    clock = plain.str.strptime(pl.Datetime("us"), f"%m{sign}%d{sign}%Y %H:%M:%S%.f", strict=False)
    wrong = (clock.is_null() | ~clock.dt.year().is_between(YEARS.start, YEARS.stop)).arg_true()
    if len(wrong):
        detail = f"expected month{sign}day{sign}year and time, found {str(cells[wrong[0]])[:40]!r}"
        raise ParseError(source.name, detail, line=layout.line + wrong[0], column=TIME)
    return clock


def _undo_double(values: NDArray[Any]) -> NDArray[Any]:
    """Return float32 for a column of float32 numbers that was printed with the digits of doubles."""
    with np.errstate(all="ignore"):
        single = values.astype(np.float32)
        same = np.abs(single.astype(np.float64) - values) <= SINGLE_RESIDUE * np.abs(values)
    return single if bool(np.all(same | np.isnan(values))) else values


def _unpack_flags(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Replace flags by those of the status byte where the export wrote that byte into their columns."""
    status = columns.get(MODE)
    if status is None or not np.isfinite(status).all() or not LARGEST_MODE < status.max() <= np.iinfo(np.uint8).max:
        return columns
    if status.min() < 0:
        return columns
    return columns | unpack_status(status) | {STATUS: status.astype(np.uint8)}

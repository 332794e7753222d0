"""Arbin CSV: the data points of one channel as MITS exports them, or as the beep project keeps them.

Seen: MITS Pro 8 exports (``…_Wb_1.CSV``; ``Data Point,Date Time,Test Time (s),…``, UTF-8 with byte-order mark, dates
``09/20/2024 08:32:34.558`` after a tab), the same with underscores (``Data_Point,Date_Time,Test_Time(s)``, dates
``2028/07/05 17:36:07``), and beep's tables (``Data_Point,Test_Time,DateTime`` without units, seconds since 1970 UTC,
singles printed as doubles, ``Step_Index`` and ``Cycle_Index`` empty). Comma-separated, decimal points, one header line.
What the columns mean: :mod:`parsers._arbin`. ``Capacity (Ah)``, ``mAh/g``, ``ACR``, derivatives, ``TC_Counter…``,
``MetaCode…`` and auxiliary voltages are not taken.

A tester writes while we read: a last line that does not end is dropped, with a warning, when it is not a whole record.
Any other line with a wrong number of cells, or with a cell that is no number, is an error.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import polars as pl

from parsers import _arbin
from parsers._lines import LastLine, as_narrow, excerpt_lines, read_growing, require_line_end
from parsers.contract import Excerpt, Fact, Format, Known, Peek, Reading, Source
from warehouse.errors import ParseError

FIRST_LINE: Final = 2
ABOUT: Final[dict[str, Fact]] = {"instrument": _arbin.INSTRUMENT}


@dataclass(frozen=True)
class Text:
    """A table as UTF-8.

    Args:
        content: the file itself, or its bytes in UTF-8 when it had another encoding or is not taken whole.
        headers: cells of the first line.
    """

    content: Path | bytes
    headers: list[str]

    def open(self) -> BinaryIO:
        """Return the text as a file."""
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")

    def until(self, stop: int | None) -> Text:
        """Return the text up to a byte, or all of it."""
        if stop is None:
            return self
        with self.open() as file:
            return Text(file.read(stop), self.headers)

    def scan(self) -> pl.LazyFrame:
        """Return the lines after the header, numbered as in the file."""
        content = self.content if isinstance(self.content, Path) else io.BytesIO(self.content)
        return pl.scan_lines(content).with_row_index("number", offset=1).slice(1)


def sniff(peek: Peek) -> bool:
    """Whether the first line has the headers of Arbin's data points."""
    return bool(peek.lines) and _arbin.is_records(_split(peek.lines[0]))


def read(source: Source) -> Reading:
    """Read one channel's export."""
    text = _open(source)
    with text.open() as file:
        require_line_end(source, file, FIRST_LINE - 1)
        fits = partial(_is_whole, width=len(text.headers))
        return read_growing(source, file, fits, lambda stop: _read_lines(text.until(stop), source))


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown export; its first record fixes how dates are read."""
    return excerpt_lines(file, known, lambda _: FIRST_LINE - 1)


def _is_whole(last: LastLine, width: int) -> bool:
    return last.content.count(b",") + 1 >= width


def _read_lines(text: Text, source: Source) -> Reading:
    place = _arbin.Place(source, FIRST_LINE)
    try:
        _require_shape(text, source)
        plan, warnings = _arbin.plan_columns(text.headers, place)
        table = _arbin.tabulate(_load(text, plan), plan, source.zone, place)
    except pl.exceptions.PolarsError as error:
        raise ParseError(source.name, f"no table of text: {error}") from error
    return Reading(_arbin.complete(table), about=ABOUT, warnings=warnings)


def _open(source: Source) -> Text:
    with source.path.open("rb") as file:
        first = file.readline()
    # Polars reads UTF-8 only; anything else is rare and small enough to be held in memory.
    content: Path | bytes = source.path
    if not _is_utf8(first):
        content = _decode(source)
        first = content.partition(b"\n")[0]
    return Text(content, _split(first.decode("utf-8-sig")))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode(source: Source) -> bytes:
    raw = source.path.read_bytes()
    try:
        narrow = as_narrow(raw)
        return narrow if narrow is not raw else raw.decode("cp1252").encode()
    except UnicodeDecodeError as error:
        raise ParseError(source.name, f"is not {error.encoding}: {error.reason}", byte=error.start) from error


def _split(line: str) -> list[str]:
    try:
        return next(csv.reader([line.strip("\r\n")]), [])
    except csv.Error:
        return []


def _require_shape(text: Text, source: Source) -> None:
    """Raise ParseError at a line with a wrong number of cells."""
    width = len(text.headers)
    line = pl.col("line")
    cells = line.str.count_matches(",", literal=True) + 1
    # Some exports end every record, and not the header, with a comma.
    whole = (cells == width) | ((cells == width + 1) & line.str.ends_with(","))
    odd = text.scan().filter(~whole & (line != "")).with_columns(cells=cells).head(1).collect()
    if odd.height:
        number, _, found = odd.row(0)
        raise ParseError(source.name, f"expected {width} cells, found {found}", line=number)


def _load(text: Text, plan: list[_arbin.Column]) -> pl.DataFrame:
    """Load the planned columns: as numbers, or as text where that fails, so that the cell can be named."""
    texts = {column.target for column in plan if column.quantity == _arbin.CLOCK}
    try:
        frame = _parse(text, plan, texts)
    except pl.exceptions.ComputeError:
        frame = _parse(text, plan, {column.target for column in plan})
    empty = pl.all_horizontal(pl.all().is_null())
    # Only blank lines at the end are nothing; one in between is a record without values.
    filled = frame.select((~empty).arg_true().max()).item() if frame.height else None
    return frame.head(0 if filled is None else filled + 1)


def _parse(text: Text, plan: list[_arbin.Column], texts: set[str]) -> pl.DataFrame:
    names = [f"column_{number + 1}" for number in range(len(text.headers))]
    schema: dict[str, pl.DataType] = dict.fromkeys(names, pl.String())
    schema |= {names[column.position]: pl.Float64() for column in plan if column.target not in texts}
    targets = {names[column.position]: column.target for column in plan}
    frame = pl.read_csv(
        text.content,
        has_header=False,
        skip_lines=1,
        # A header alone is a test that has not begun.
        raise_if_empty=False,
        schema=schema,
        columns=list(targets),
        # A stray quote must not swallow the lines up to the next one; quotes around a cell are stripped later.
        quote_char=None,
        truncate_ragged_lines=True,
        extra_columns="ignore",
    )
    return frame.rename(targets)


FORMAT = Format(
    "arbin_csv",
    "Arbin",
    frozenset({".csv"}),
    "cycling",
    sniff,
    read,
    version=2,
    lost="AC resistance, derivatives, test counters, meta codes, auxiliary voltages",
    excerpt=excerpt,
)

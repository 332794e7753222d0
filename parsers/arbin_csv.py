"""Arbin CSV: the data points of one channel as MITS exports them, or as the beep project keeps them.

Seen: MITS Pro 8 exports (``…_Wb_1.CSV``; ``Data Point,Date Time,Test Time (s),…``, UTF-8 with byte-order mark, dates
``09/20/2024 08:32:34.558`` after a tab), the same with underscores (``Data_Point,Date_Time,Test_Time(s)``, dates
``2028/07/05 17:36:07``), and beep's tables (``Data_Point,Test_Time,DateTime`` without units, seconds since 1970 UTC,
singles printed as doubles, ``Step_Index`` and ``Cycle_Index`` empty). Comma-separated, decimal points, one header line.
What the columns mean: :mod:`parsers._arbin`. ``Capacity (Ah)``, ``mAh/g``, ``ACR``, derivatives, ``TC_Counter…``,
``MetaCode…`` and auxiliary voltages are not taken.

A tester writes while we read: a last line that does not end is dropped, with a warning, when it is not a whole record.
Any other line with a wrong number of cells, or with a cell that is no number, is an error. A cell that was cut inside
its digits in the last column still looks whole; nothing in the file can tell.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from parsers import _arbin
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

ENCODINGS: Final = ("utf-8-sig", "cp1252")
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
FIRST_LINE: Final = 2
ABOUT: Final[dict[str, Fact]] = {"instrument": _arbin.INSTRUMENT}


@dataclass(frozen=True)
class Text:
    """A table as UTF-8.

    Args:
        content: the file itself, or its bytes in UTF-8 when it had another encoding.
        headers: cells of the first line.
        lines: number of lines, the last one with or without its end.
        ended: whether the last line has its end.
    """

    content: Path | bytes
    headers: list[str]
    lines: int
    ended: bool

    def scan(self) -> pl.LazyFrame:
        """Return the lines after the header, numbered as in the file."""
        content = self.content if isinstance(self.content, Path) else io.BytesIO(self.content)
        return pl.scan_lines(content).with_row_index("number", offset=1).slice(1)


def sniff(peek: Peek) -> bool:
    """Whether the first line has the headers of Arbin's data points."""
    return bool(peek.lines) and _arbin.is_records(_split(peek.lines[0]))


def read(source: Source) -> Reading:
    """Read one channel's export."""
    try:
        text = _open(source)
        cut = _require_shape(text, source)
        return _read_lines(text, source, cut=cut)
    except pl.exceptions.PolarsError as error:
        raise ParseError(source.name, f"no table of text: {error}") from error


def _read_lines(text: Text, source: Source, *, cut: bool) -> Reading:
    """Read whole lines, without the last one if it is cut or turns out to be."""
    place = _arbin.Place(source, FIRST_LINE)
    plan, warnings = _arbin.plan_columns(text.headers, place)
    rows = text.lines - 1 - cut
    try:
        table = _arbin.tabulate(_load(text, plan, rows), plan, source.zone, place)
    except ParseError as error:
        if cut or text.ended or error.line != text.lines or text.lines < FIRST_LINE:
            raise
        return _read_lines(text, source, cut=True)
    if cut:
        warnings = (*warnings, f"line {text.lines} is cut and was left out")
    return Reading(_arbin.complete(table), about=ABOUT, warnings=warnings)


def _open(source: Source) -> Text:
    with source.path.open("rb") as file:
        first = file.readline()
        file.seek(0, io.SEEK_END)
        file.seek(max(0, file.tell() - 1))
        ended = file.read(1) == b"\n"
    # Polars reads UTF-8 only; anything else is rare and small enough to be held in memory.
    content: Path | bytes = source.path
    if first.startswith(UTF_16):
        content = _decode(source, ("utf-16",))
    elif not _is_utf8(first):
        content = _decode(source, ENCODINGS)
    if isinstance(content, bytes):
        first, ended = content.partition(b"\n")[0], content.endswith(b"\n")
    headers = _split(first.decode("utf-8-sig"))
    text = Text(content, headers, 0, ended)
    return Text(content, headers, text.scan().select(pl.len()).collect().item() + 1, ended)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode(source: Source, encodings: tuple[str, ...]) -> bytes:
    raw = source.path.read_bytes()
    for encoding in encodings:
        try:
            return raw.decode(encoding).encode()
        except UnicodeDecodeError as error:
            problem = error
    raise ParseError(source.name, f"is not {problem.encoding}: {problem.reason}", byte=problem.start)


def _split(line: str) -> list[str]:
    try:
        return next(csv.reader([line.strip("\r\n")]), [])
    except csv.Error:
        return []


def _require_shape(text: Text, source: Source) -> bool:
    """Raise ParseError at a line with a wrong number of cells; return whether the last line is cut."""
    width = len(text.headers)
    line = pl.col("line")
    cells = line.str.count_matches(",", literal=True) + 1
    # Some exports end every record, and not the header, with a comma.
    whole = (cells == width) | ((cells == width + 1) & line.str.ends_with(","))
    odd = text.scan().filter(~whole & (line != "")).with_columns(cells=cells).head(1).collect()
    if not odd.height:
        return False
    number, _, found = odd.row(0)
    if number == text.lines and not text.ended:
        return True
    raise ParseError(source.name, f"expected {width} cells, found {found}", line=number)


def _load(text: Text, plan: list[_arbin.Column], rows: int) -> pl.DataFrame:
    """Load the planned columns: as numbers, or as text where that fails, so that the cell can be named."""
    texts = {column.target for column in plan if column.quantity == _arbin.CLOCK}
    try:
        frame = _parse(text, plan, rows, texts)
    except pl.exceptions.ComputeError:
        frame = _parse(text, plan, rows, {column.target for column in plan})
    empty = pl.all_horizontal(pl.all().is_null())
    # Only blank lines at the end are nothing; one in between is a record without values.
    filled = frame.select((~empty).arg_true().max()).item() if frame.height else None
    return frame.head(0 if filled is None else filled + 1)


def _parse(text: Text, plan: list[_arbin.Column], rows: int, texts: set[str]) -> pl.DataFrame:
    names = [f"column_{number + 1}" for number in range(len(text.headers))]
    schema: dict[str, pl.DataType] = dict.fromkeys(names, pl.String())
    schema |= {names[column.position]: pl.Float64() for column in plan if column.target not in texts}
    targets = {names[column.position]: column.target for column in plan}
    # Polars refuses a file without a first record.
    if not rows:
        return pl.DataFrame(schema={target: schema[name] for name, target in targets.items()})
    frame = pl.read_csv(
        text.content,
        has_header=False,
        skip_lines=1,
        n_rows=rows,
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
    lost="AC resistance, derivatives, test counters, meta codes, auxiliary voltages",
)

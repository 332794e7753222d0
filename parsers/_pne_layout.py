"""The three column layouts of PNE's SaveData files and their whole numbers.

Only the columns that are read have a name here. Layouts are told apart by the header line and by the number of cells
in the first line; what is neither is refused.

* ``named``: a first line of 60 names separated by comma and blank, rows likewise.
* ``short``: no header; 22 base columns, to which builds append 7, then 4 or 10, and others more. Widths that two
  builds share with different columns in front (24: three temperatures instead of one, or two more at the end) or with
  another layout (48) are refused.
* ``long``: no header, 46 to 48 columns. Column 33 is the date, which tells a ``long`` row from a ``short`` one.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from parsers._folder import refuse_layout
from parsers.contract import Source
from warehouse.errors import ParseError

LINE: Final = "line"
HEADER_COLUMNS: Final = 60
HEADER_BEGINS: Final = "index, totalTime_day, totalTime, stepTime_day, stepTime"
# Names of the named layout to ours.
NAMES: Final = {
    "index": "index",
    "totalTime_day": "total_day",
    "totalTime": "total_time",
    "stepTime_day": "step_day",
    "stepTime": "step_time",
    "type": "type",
    "code": "code",
    "stepNo": "step",
    "Vsens": "voltage",
    "Isens": "current",
    "charge_AmpareHour": "charge",
    "discharge_AmpareHour": "discharge",
    "watt": "power",
    "impedance": "resistance",
    "totalCycle": "cycle",
    "realDate": "date",
    "realClock": "clock",
}
LONG: Final = {
    "index": 0,
    "type": 2,
    "code": 6,
    "step": 7,
    "voltage": 8,
    "current": 9,
    "charge": 10,
    "discharge": 11,
    "charge_power": 12,
    "discharge_power": 13,
    "step_day": 16,
    "step_time": 17,
    "total_day": 18,
    "total_time": 19,
    "resistance": 20,
    "t1": 21,
    "t2": 22,
    "t3": 23,
    "t4": 24,
    "cycle": 27,
    "date": 33,
    "clock": 34,
}
SHORT: Final = {
    "index": 0,
    "type": 2,
    "code": 5,
    "step": 7,
    "voltage": 8,
    "current": 9,
    "capacity": 10,
    "power": 11,
    "step_time": 13,
    "total_time": 14,
    "resistance": 15,
    "t1": 16,
    "cycle": 18,
}
LONG_WIDTHS: Final = (46, 47, 48)
SHORT_WIDTHS: Final = (22, 29, 33, 39)
DATE_COLUMN: Final = 33
FIRST_DATE, LAST_DATE = 20000101, 20991231
SAMPLE: Final = "one channel folder with Restore/, .sch and .cyc, and the vendor's xlsx of the same test"


@dataclass(frozen=True)
class Layout:
    """One column layout.

    Args:
        name: ``named``, ``short`` or ``long``.
        places: our name of a column to its place, from 0.
        widths: numbers of cells that a row may have.
        first_line: line of the first row, from 1.
    """

    name: str
    places: Mapping[str, int]
    widths: tuple[int, ...]
    first_line: int = 1


def find_layout(head: bytes) -> Layout | None:
    """Return the layout that the first line shows, or None where it is none of the three."""
    line, ended, _ = head.partition(b"\n")
    # A long row that is cut off has, at some lengths, as many cells as a short one.
    if not ended:
        return None
    first = line.decode("cp949", errors="replace").strip()
    if first.startswith(HEADER_BEGINS):
        names = [name.strip() for name in first.split(",")]
        places = {ours: names.index(theirs) for theirs, ours in NAMES.items() if theirs in names}
        if len(names) == HEADER_COLUMNS and len(places) == len(NAMES):
            return Layout("named", places, (HEADER_COLUMNS,), first_line=2)
        return None
    cells = first.split(",")
    if not all(is_whole(cell) for cell in cells):
        return None
    if len(cells) in LONG_WIDTHS:
        dated = FIRST_DATE <= int(cells[DATE_COLUMN]) <= LAST_DATE
        return Layout("long", LONG, LONG_WIDTHS) if dated else None
    return Layout("short", SHORT, (len(cells),)) if len(cells) in SHORT_WIDTHS else None


def is_whole(cell: str) -> bool:
    """Whether a cell is a whole number as the controller prints it."""
    digits = cell.strip(" \r").removeprefix("-")
    return digits.isascii() and digits.isdigit()


def read_rows(raw: bytes, source: Source) -> tuple[pl.DataFrame, bool]:
    """Read the known columns of one file as whole numbers beside the line of each row.

    Returns:
        The rows, and whether the last line was cut off; such a row is left out.

    Raises:
        ParseError: no known layout, a row with another number of cells, a cell that is no whole number.
    """
    layout = find_layout(raw[:8192])
    if layout is None:
        cells = len(raw.partition(b"\n")[0].split(b","))
        raise refuse_layout(source.name, f"{cells} columns in the first line are no known PNE layout", SAMPLE, line=1)
    body = raw.partition(b"\n")[2] if layout.name == "named" else raw
    table = _read_cells(body, layout, source)
    torn = table.height > 0 and not raw.endswith(b"\n") and _is_short(table, layout, table.height - 1)
    if torn:
        table = table.head(-1)
    _demand_widths(table, layout, source)
    numbers = table.select(LINE, *layout.places)
    bad = pl.any_horizontal(pl.col(name).is_null() for name in layout.places)
    if numbers.select(bad.any()).item():
        raise _bad_cell(numbers.filter(bad).row(0, named=True), source)
    return numbers, torn


def _read_cells(body: bytes, layout: Layout, source: Source) -> pl.DataFrame:
    """Read the wanted columns as numbers, and as text the cells that show how long a row is."""
    width = max(layout.widths)
    columns = [f"column_{place + 1}" for place in range(width + 1)]
    wanted = {columns[place]: name for name, place in layout.places.items()}
    # The last cell that every row must have, and the first that none may.
    edges = {columns[min(layout.widths) - 1]: "needed", columns[width]: "excess"}
    plain = body.replace(b", ", b",") if layout.name == "named" else body
    table = None
    # As numbers first, which is faster; as text where a cell is none, so that it can be named.
    for numeric in (pl.Int64, pl.String):
        schema: dict[str, type[pl.DataType]] = dict.fromkeys(columns, pl.String) | dict.fromkeys(wanted, numeric)
        schema |= dict.fromkeys(edges, pl.String)
        table = _try_csv(plain, schema, [name for name in columns if name in wanted or name in edges])
        if table is not None:
            break
    if table is None:
        raise ParseError(source.name, "the table cannot be split into cells", line=layout.first_line)
    whole = [_whole(table[name]).alias(ours) for name, ours in wanted.items()]
    marks = [table[name].str.strip_chars().alias(ours) for name, ours in edges.items()]
    return pl.DataFrame([*whole, *marks]).with_row_index(LINE, offset=layout.first_line)


def _try_csv(body: bytes, schema: dict[str, type[pl.DataType]], columns: list[str]) -> pl.DataFrame | None:
    try:
        return pl.read_csv(
            io.BytesIO(body),
            has_header=False,
            schema=schema,
            columns=columns,
            truncate_ragged_lines=True,
            missing_columns="insert",
            quote_char=None,
            encoding="utf8-lossy",
            raise_if_empty=False,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None


def _whole(cells: pl.Series) -> pl.Series:
    return cells if cells.dtype == pl.Int64 else cells.str.strip_chars().cast(pl.Int64, strict=False)


def _is_short(table: pl.DataFrame, layout: Layout, row: int) -> bool:
    return not table["needed"][row] or any(table[name][row] is None for name in layout.places)


def _demand_widths(table: pl.DataFrame, layout: Layout, source: Source) -> None:
    wrong = table.select((pl.col("needed").is_null() | pl.col("excess").is_not_null()).arg_true()).to_series()
    if len(wrong):
        line = table[LINE][int(wrong[0])]
        found = f"a row has not {' or '.join(map(str, layout.widths))} cells as the {layout.name} layout"
        raise refuse_layout(source.name, found, SAMPLE, line=line)


def _bad_cell(row: Mapping[str, int | None], source: Source) -> ParseError:
    column = next(name for name, value in row.items() if value is None)
    return ParseError(source.name, "expected a whole number, found none", line=row[LINE], column=column)

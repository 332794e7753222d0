"""Landt Excel exports (.xlsx): the sheet ``Record-Tab`` (记录表), beside Cycle-Tab, Step-Tab and others.

Seen: one workbook of 2021 with Cycle-Tab and Record-Tab. Headings, states and counters: :mod:`parsers._landt`. A record
table is any sheet with its headings in one of the first twelve rows; a long test goes on in further such sheets, and
one sheet may hold several tables side by side, each beginning with Record (public descriptions).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import polars as pl

from parsers._cells import LINE
from parsers._ends import refuse_cut
from parsers._landt import build_reading, find_record_columns
from parsers._table import Column
from parsers._workbook import open_workbook
from parsers.contract import Format, Peek, Reading, Source
from warehouse.errors import ParseError

if TYPE_CHECKING:
    import fastexcel

HEADING_ROWS: Final = 12
FIRSTS: Final = ("Record", "记录序号", "数据序号")


def sniff(peek: Peek) -> bool:
    """Whether a sheet holds the headings of a record table."""
    return any(_find_heading(rows) is not None for rows in peek.sheets.values())


def read(source: Source) -> Reading:
    """Read the record tables of one workbook.

    Raises:
        ParseError: a damaged workbook, no record table, and as for the text export.
    """
    import fastexcel  # noqa: PLC0415 only workbooks pay for it

    refuse_cut(source)
    tables: list[pl.DataFrame] = []
    columns: dict[str, Column] = {}
    try:
        book = open_workbook(source.path, source.name)
        for name in book.sheet_names:
            found, own = _read_sheet(book, name)
            tables += found
            # A continued sheet repeats the headings of the first.
            columns = columns or own
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError) as error:
        raise ParseError(source.name, f"the workbook is cut or damaged: {error}", byte=0) from error
    if not tables:
        raise ParseError(source.name, "no sheet holds the headings of a record table", line=1)
    cells = pl.concat(tables, how="diagonal")
    return build_reading(cells, {name: columns[name] for name in columns if name in cells.columns}, source, {})


def _read_sheet(book: fastexcel.ExcelReader, name: str) -> tuple[list[pl.DataFrame], dict[str, Column]]:
    head = book.load_sheet(name, header_row=None, n_rows=HEADING_ROWS, dtypes="string").to_polars()
    row = _find_heading([["" if cell is None else str(cell) for cell in cells] for cells in head.rows()])
    if row is None:
        return [], {}
    # As text: a column that mixes numbers with dashes would lose one of them.
    sheet = book.load_sheet(name, header_row=None, skip_rows=row, dtypes="string").to_polars()
    headings = [heading or "" for heading in sheet.row(0)]
    rows = sheet.slice(1).with_row_index(LINE, offset=row + 2)
    tables: list[pl.DataFrame] = []
    columns: dict[str, Column] = {}
    for begin, end in _blocks(headings):
        found = find_record_columns(headings[begin:end])
        if found:
            columns = columns or found
            wanted = [_strip(sheet.columns[begin + column.place]).alias(ours) for ours, column in found.items()]
            # Tables side by side differ in length; the shorter one ends in blanks.
            tables.append(rows.select(LINE, *wanted).filter(pl.col("voltage_volt").is_not_null()))
    return tables, columns


def _blocks(headings: Sequence[str]) -> list[tuple[int, int]]:
    """Return where tables that stand side by side begin and end."""
    begins = [place for place, heading in enumerate(headings) if heading.strip() in FIRSTS] or [0]
    return list(zip(begins, [*begins[1:], len(headings)], strict=True))


def _find_heading(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the row of the headings, from 0."""
    return next((number for number, row in enumerate(rows) if find_record_columns(row)), None)


def _strip(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text)


FORMAT = Format(
    "landt_xlsx",
    "Landt",
    frozenset({".xlsx"}),
    "cycling",
    sniff,
    read,
    lost="sheets of cycles, steps and logs; the columns that landt_csv loses",
)

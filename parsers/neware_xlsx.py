"""Neware BTSDA Excel export: sheets ``unit``, ``test``, ``cycle``, ``step``, ``record`` and more; ``record`` is read.

A sheet is a record sheet when its first row has the labels of :mod:`parsers._neware_table`; a long test continues on
further sheets with the same header. Counters, signs and the clock are those of :mod:`parsers.neware_csv`.

No such export is public: the layout is that of the text export, which BTSDA writes from the same table, and the
reader is unconfirmed until a real file has been compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from parsers._ends import refuse_cut
from parsers._neware_table import is_record_header, to_reading
from parsers._workbook import open_workbook
from parsers.contract import Format, Peek, Reading, Source
from warehouse.errors import ParseError

if TYPE_CHECKING:
    import fastexcel

FIRST_RECORD_LINE: Final = 2


def sniff(peek: Peek) -> bool:
    """Recognise a workbook with a record sheet."""
    return any(rows and is_record_header(rows[0]) for rows in peek.sheets.values())


def read(source: Source) -> Reading:
    """Read the record sheets of one workbook."""
    import fastexcel  # noqa: PLC0415 only workbooks pay for it

    refuse_cut(source)
    try:
        tables = _load_records(open_workbook(source.path, source.name))
        table = pl.concat(tables, how="vertical_relaxed") if tables else None
    except (fastexcel.FastExcelError, pl.exceptions.PolarsError) as error:
        raise ParseError(source.name, f"the workbook is cut or damaged: {error}", byte=0) from error
    if table is None:
        raise ParseError(
            source.name, "no sheet begins with Cycle Index, Step Index, Step Type, Current, Voltage", line=1
        )
    headers = table.columns
    table.columns = [str(index) for index in range(table.width)]
    return to_reading(table, headers, source, FIRST_RECORD_LINE)


def _load_records(book: fastexcel.ExcelReader) -> list[pl.DataFrame]:
    tables = []
    for name in book.sheet_names:
        head = book.load_sheet(name, n_rows=0)
        if is_record_header([column.name for column in head.available_columns()]):
            # All rows decide about a column's type: a text far below the first thousand would be lost otherwise.
            tables.append(book.load_sheet(name, schema_sample_rows=None).to_polars())
    return tables


FORMAT = Format(
    "neware_xlsx",
    "Neware",
    frozenset({".xlsx"}),
    "cycling",
    sniff,
    read,
    version=2,
    verified=False,  # no public export; written from scratch in the tests
    lost="the sheets other than record; the columns that neware_csv loses",
)

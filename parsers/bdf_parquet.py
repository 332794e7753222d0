"""Battery Data Format (BDF) as Parquet: the columns of ``bdf_csv`` in one table, ``.bdf.parquet``.

No file of the corpus is of this kind, hence unverified; names, labels, units and what is done about the known defects
are those of ``bdf_csv``. Numbers may be of any numeric type. Lines in messages are rows, from 1.
"""

from __future__ import annotations

import polars as pl

from parsers._bdf import is_bdf, read_columns, read_headings
from parsers._cells import LINE
from parsers._ends import refuse_cut
from parsers.contract import Format, Peek, Reading, Source
from warehouse.errors import ParseError


def sniff(peek: Peek) -> bool:
    """Whether the Parquet schema names BDF's three required columns."""
    return is_bdf(peek.parquet_columns)


def read(source: Source) -> Reading:
    """Read a BDF file in Parquet.

    Raises:
        ParseError: the file is damaged, a required column is missing or holds no numbers, time goes back.
        ContradictionError: step types and current's sign contradict each other in part.
    """
    refuse_cut(source)
    columns = Peek(source.path, source.name).parquet_columns
    headings = read_headings(columns, source)
    stored = {name: columns[heading.place] for name, heading in headings.known.items()}
    try:
        frame = pl.read_parquet(source.path, columns=list(stored.values()))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise ParseError(source.name, f"the Parquet file is damaged: {error}", byte=0) from error
    cells = frame.select(pl.col(column).alias(name) for name, column in stored.items()).with_row_index(LINE, offset=1)
    odd = [name for name in stored if not (cells[name].dtype.is_numeric() or name == "step_type")]
    if odd:
        raise ParseError(source.name, f"expected numbers, found {cells[odd[0]].dtype}", byte=0, column=stored[odd[0]])
    return read_columns(cells, headings, source)


FORMAT = Format(
    "bdf_parquet",
    "Battery Data Alliance",
    frozenset({".parquet"}),
    "cycling",
    sniff,
    read,
    verified=False,
    lost="impedance, pressure, cumulative and per-step net columns; the file's own words for step types",
)

"""Delimited text as cells: every cell a string with its line, so that a bad one can be named."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from parsers._few_rows import MOST_BYTES, split_rows
from parsers._lines import WIDE_MARKS, LastLine, read_growing, read_narrow, require_line_end
from parsers.contract import Reading, Source
from warehouse.errors import ParseError

LINE: Final = "line"
# What a count may not reach.
LARGEST: Final = 2.0**63


@dataclass(frozen=True)
class Grid:
    """Where a table lies in a text file.

    Args:
        first_line: line of its first row, from 1.
        separator: between cells.
        headings: the heading of every column.
        wanted: our name of a column to its place, from 0; the others are not read.
        quote: character around cells that hold the separator, or None.
        numeric: columns that are numbers in a plain file; read as such, which takes a fifth of the memory of text.
    """

    first_line: int
    separator: str
    headings: tuple[str, ...]
    wanted: Mapping[str, int]
    quote: str | None = '"'
    numeric: frozenset[str] = frozenset()


def read_table(source: Source, grid: Grid, read: Callable[[pl.DataFrame], Reading]) -> Reading:
    """Read a table that may still be written, from its cells.

    Args:
        source: the file.
        grid: where the table lies in it.
        read: makes a reading of the wanted columns beside the line of each row: text without surrounding blanks, null
            where empty, blank rows left out.

    Raises:
        ParseError: as ``read``, or the quoting is broken, the file cannot be decoded or ends inside its header.
    """
    text = _text_input(source)
    with source.path.open("rb") if text is None else io.BytesIO(text) as file:
        require_line_end(source, file, grid.first_line - 1)

        def read_until(stop: int | None) -> Reading:
            if stop is None:
                return read(_read_cells(source.path if text is None else io.BytesIO(text), grid, source))
            file.seek(0)
            return read(_read_cells(io.BytesIO(file.read(stop)), grid, source))

        # Files that were shortened by hand have a line end behind a line that is not whole.
        return read_growing(source, file, lambda last: _is_whole(last, grid), read_until, ended_counts=False)


def _is_whole(last: LastLine, grid: Grid) -> bool:
    return last.cells(grid.separator, grid.quote) >= len(grid.headings)


def _read_cells(text: Path | io.BytesIO, grid: Grid, source: Source) -> pl.DataFrame:
    few = _read_few(text, grid)
    if few is not None:
        return few
    # Numbers first; a file where that fails is read again as text, so that the offending cell can be named.
    cells = _read_typed(text, grid, grid.numeric) if grid.numeric else None
    if cells is None:
        cells = _read_typed(text, grid, frozenset())
    if cells is None:
        raise ParseError(source.name, "the table cannot be split into cells", line=grid.first_line)
    blank = pl.all_horizontal(pl.col(list(grid.wanted)).is_null())
    return cells.with_row_index(LINE, offset=grid.first_line).filter(~blank)


def _read_few(text: Path | io.BytesIO, grid: Grid) -> pl.DataFrame | None:
    """Return the cells of a small plain file; None for any other."""
    if (text.stat().st_size if isinstance(text, Path) else text.getbuffer().nbytes) > MOST_BYTES:
        return None
    above = grid.first_line - 1
    parts = (text.read_bytes() if isinstance(text, Path) else text.getvalue()).split(b"\n", above)
    return split_rows(parts[above], grid, LINE) if len(parts) > above else None


def numbers(
    cells: pl.DataFrame, name: str, source: Source, *, decimal_comma: bool = False, required: bool = False
) -> pl.Series:
    """Convert a column of cells to Float64; thousands separators are removed, NaN and infinities become null.

    Args:
        cells: from :func:`read_table`.
        name: the column.
        source: for the message.
        decimal_comma: whether a comma is the decimal sign; otherwise it separates thousands.
        required: whether every row must have a number.

    Raises:
        ParseError: a cell is no number, or a required one is empty.
    """
    found = cells[name]
    values = _as_floats(found, decimal_comma=decimal_comma)
    missing = values.null_count()
    # The rule, told without expressions: each of them costs more than a small file's column.
    if missing == found.null_count() and not (missing and required) and _count_finite(values) + missing == len(values):
        return values
    finite = values.set(~values.is_finite(), None)
    # NaN is a way to write nothing; only where something is required is it an offence.
    bad = finite.is_null() if required else values.is_null() & found.is_not_null()
    if bad.any():
        row = bad.arg_max() or 0
        cell = "nothing" if found[row] is None else repr(found[row])
        raise ParseError(source.name, f"expected a number, found {cell}", line=cells[LINE][row], column=name)
    return finite


def counts(cells: pl.DataFrame, name: str, source: Source, *, decimal_comma: bool = False) -> pl.Series:
    """Convert a column of cells to Int64.

    Raises:
        ParseError: a cell is no whole number.
    """
    values = numbers(cells, name, source, decimal_comma=decimal_comma)
    plain = values.to_numpy()
    # Nulls are NaN here, which differs from itself.
    broken = np.flatnonzero(((plain != np.floor(plain)) & np.isfinite(plain)) | (np.abs(plain) >= LARGEST))
    if len(broken):
        row = int(broken[0])
        raise ParseError(
            source.name, f"expected a whole number, found {cells[name][row]!r}", line=cells[LINE][row], column=name
        )
    return values.cast(pl.Int64)


def split_headings(line: str, separator: str = ",") -> list[str]:
    """Split one line of headings at its separators; nothing where the line is none that a program writes."""
    try:
        return next(csv.reader([line.replace("\0", "").strip("\r\n")], delimiter=separator), [])
    except csv.Error:
        # Binary content: a carriage return outside quotes, or a cell without end.
        return []


def check_order(time: pl.Series, cells: pl.DataFrame, source: Source) -> None:
    """Refuse a test time that goes back.

    Raises:
        ParseError: with code ``time_goes_back`` and the line where it does.
    """
    # Nulls are NaN here, and nothing is less than that.
    back = np.flatnonzero(np.diff(time.to_numpy()) < 0)
    if len(back):
        row = int(back[0]) + 1
        raise ParseError(
            source.name,
            f"test time goes back from {time[row - 1]:.10g} s to {time[row]:.10g} s",
            code="time_goes_back",
            line=cells[LINE][row],
        )


def _read_typed(text: Path | io.BytesIO, grid: Grid, numeric: frozenset[str]) -> pl.DataFrame | None:
    """Read the wanted columns, those of ``numeric`` as Float64; None if a cell does not allow it."""
    names = [f"column_{place}" for place in range(1, len(grid.headings) + 1)]
    floats = {names[place] for ours, place in grid.wanted.items() if ours in numeric}
    try:
        frame = pl.read_csv(
            text,
            separator=grid.separator,
            quote_char=grid.quote,
            has_header=False,
            skip_lines=grid.first_line - 1,
            schema={name: pl.Float64 if name in floats else pl.String for name in names},
            columns=sorted({names[place] for place in grid.wanted.values()}, key=names.index),
            missing_columns="insert",
            # Lines may end in a separator, the first one or only later ones.
            truncate_ragged_lines=True,
            extra_columns="ignore",
            encoding="utf8-lossy",
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        # Polars 2.1 panics on a file that ends in a lone quote where it expects a number.
        return None
    plain = {name: pl.col(name) if name in floats else _strip(name) for name in frame.columns}
    return frame.select(plain[names[place]].alias(ours) for ours, place in grid.wanted.items())


def _strip(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text)


def _as_floats(found: pl.Series, *, decimal_comma: bool) -> pl.Series:
    if found.dtype != pl.String:
        return found.cast(pl.Float64, strict=False)
    if not decimal_comma:
        values = found.cast(pl.Float64, strict=False)
        # Without separators of thousands every cell that holds a number is read at once.
        if values.null_count() == found.null_count():
            return values
    plain = found.str.replace_all(r"[.\s]", "").str.replace(",", ".", literal=True) if decimal_comma else found
    return plain.str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)


def _count_finite(values: pl.Series) -> int:
    return int(np.count_nonzero(np.isfinite(values.to_numpy())))


def _text_input(source: Source) -> bytes | None:
    """Return UTF-16, which Polars does not read, as UTF-8; None for what it can read from the file itself."""
    with source.path.open("rb") as file:
        if file.read(2) not in WIDE_MARKS:
            return None
        file.seek(0)
        return read_narrow(file.read(), source)

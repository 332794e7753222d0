"""Small plain tables, split into cells without Polars' reader, whose start costs more than such a table's rows.

What is not plain is left to that reader: quotes, carriage returns within lines, blank lines, control characters, bytes
that are no UTF-8. Of what is plain both make the same cells, which ``tests/test_few_rows.py`` checks on random tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from parsers._cells import Grid

# Beyond that Polars' own reader is the faster one.
MOST_BYTES: Final = 1 << 17
# So many cells are looked at faster one by one than by an expression.
MOST_ROWS: Final = 4096
# Control characters but tab and line feed; the last of them are blanks for Python and not for Polars.
CONTROLS: Final = bytes(set(range(32)) - {*b"\t\n"})
BLANKS: Final = " \t"
MARK: Final = b"\xef\xbb\xbf"

Texts = list[str | None]


def split_rows(raw: bytes, grid: Grid, numbered: str) -> pl.DataFrame | None:
    """Return the wanted cells beside the number of each row's line; None where the rows are not plain.

    Args:
        raw: the rows, without headings.
        grid: where they lie; its first line is that of the first row.
        numbered: name of the column of lines; rows without any wanted cell are left out.
    """
    if len(raw) > MOST_BYTES:
        return None
    body = raw.replace(b"\r\n", b"\n").removesuffix(b"\n")
    if not body or b"\n\n" in body or body.startswith((b"\n", MARK)) or body.endswith(b"\n"):
        return None
    if len(body.translate(None, CONTROLS)) < len(body):
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if grid.quote and grid.quote in text:
        return None
    lines, columns = _leave_blanks(_cut(text, grid), grid.first_line)
    cells = _type(columns, grid)
    return pl.DataFrame([pl.Series(numbered, lines, dtype=pl.get_index_type()), *cells])


def holds(text: pl.Series, sign: str) -> bool:
    """Whether any cell of a column of text holds a sign."""
    if len(text) > MOST_ROWS:
        return bool(text.str.contains(sign, literal=True).any())
    return any(sign in cell for cell in text.to_list() if cell)


def _cut(text: str, grid: Grid) -> list[Texts]:
    """Return the wanted columns, without blanks around their cells."""
    lines, separator = text.split("\n"), grid.separator
    counts = {line.count(separator) for line in lines}
    if len(counts) > 1:
        rows = [line.split(separator) for line in lines]
        return [[(row[place].strip() or None) if place < len(row) else None for row in rows] for place in _places(grid)]
    # Rows of one length are one list of cells, of which a column is every so many.
    width, cells = counts.pop() + 1, text.replace("\n", separator).split(separator)
    bare = text.isascii() and not any(blank in text for blank in BLANKS if blank != separator)
    columns: list[Texts] = []
    for place in _places(grid):
        column = cells[place::width] if place < width else [""] * len(lines)
        if not bare:
            column = [cell.strip() for cell in column]
        columns.append([cell or None for cell in column] if "" in column else [*column])
    return columns


def _places(grid: Grid) -> Iterable[int]:
    return grid.wanted.values()


def _leave_blanks(columns: list[Texts], first_line: int) -> tuple[Sequence[int], list[Texts]]:
    """Return the numbers of the lines that hold any cell, and the columns of these rows."""
    height = len(columns[0])
    if any(None not in column for column in columns):
        return range(first_line, first_line + height), columns
    kept = [number for number, row in enumerate(zip(*columns, strict=True)) if any(row)]
    if len(kept) < height:
        columns = [[column[number] for number in kept] for column in columns]
    return [first_line + number for number in kept], columns


def _type(columns: list[Texts], grid: Grid) -> list[pl.Series]:
    """Return the columns as series, all as text if one that should be numeric holds something else."""
    texts = [pl.Series(name, column, dtype=pl.String) for name, column in zip(grid.wanted, columns, strict=True)]
    found = []
    for text in texts:
        # Polars takes the same words for numbers in a cast and in a file.
        cells = text.cast(pl.Float64, strict=False) if text.name in grid.numeric else text
        if cells.null_count() != text.null_count():
            return texts
        found.append(cells)
    return found

"""Tables that are only a part of a text: several in one file, each below its own headings."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Final

import polars as pl

from parsers._cells import LINE, Grid
from parsers._few_rows import split_rows
from parsers._lines import LastLine, read_growing, read_narrow
from parsers.contract import Reading, Source
from warehouse.errors import ParseError

BLANKS: Final = re.compile(rb"[ \t]+")
LINE_BLANKS: Final = re.compile(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)")
MARK: Final = b"\xef\xbb\xbf"


def read_text(source: Source, read: Callable[[bytes], Reading], width: Callable[[bytes], int]) -> Reading:
    """Read a text that may still be written, handing the reader all of it or all but a last line that is cut.

    Args:
        source: the file.
        read: makes a reading of the bytes, UTF-8 where the file is UTF-16.
        width: from the bytes, how many cells the last table's rows have, parted by tabs, commas or blanks.

    Raises:
        ParseError: as ``read``, or the file is no text.
    """
    # Byte offsets in messages count from behind the mark, as an editor does.
    raw = read_narrow(source.path.read_bytes().removeprefix(MARK), source)

    def fits(last: LastLine) -> bool:
        return len(re.split(rb"[\t ;]+|,[ ]*", last.content.strip())) >= width(raw)

    return read_growing(source, io.BytesIO(raw), fits, lambda stop: read(raw[:stop]))


def cut_cells(raw: bytes, grid: Grid, source: Source) -> pl.DataFrame:
    """Split a block's rows into cells: text without surrounding blanks, null where empty, beside the row's line.

    Args:
        raw: the rows, without headings.
        grid: headings, separator and wanted columns; its first line is that of the first row.
        source: for the message.

    Raises:
        ParseError: the rows cannot be split.
    """
    few = split_rows(raw, grid, LINE)
    if few is not None:
        return few
    # Numbers first; where that fails all is read as text, so that the offending cell can be named.
    frame = _split(raw, grid, grid.numeric) if grid.numeric else None
    if frame is None:
        frame = _split(raw, grid, frozenset())
    if frame is None:
        raise ParseError(source.name, "the table cannot be split into cells", line=grid.first_line)
    blank = pl.all_horizontal(pl.all().exclude(LINE).is_null())
    return frame.with_row_index(LINE, offset=grid.first_line).filter(~blank)


def tabs_for_blanks(raw: bytes) -> bytes:
    """Put one tab where rows have any run of blanks, and none at their ends."""
    if b" " in raw or b"\t\t" in raw:
        return BLANKS.sub(b"\t", LINE_BLANKS.sub(b"", raw))
    # At most one tab is left at either end of a line.
    body = raw.replace(b"\n\t", b"\n").removeprefix(b"\t").replace(b"\t\r\n", b"\r\n").replace(b"\t\n", b"\n")
    return body.removesuffix(b"\t") if not body.endswith(b"\t\r") else body[:-2] + b"\r"


def line_number(raw: bytes, place: int) -> int:
    """Return the number of the line, from 1, that holds a byte."""
    return raw.count(b"\n", 0, place) + 1


def _split(raw: bytes, grid: Grid, numeric: frozenset[str]) -> pl.DataFrame | None:
    """Return our columns, those of ``numeric`` as Float64; None if a cell does not allow it."""
    # Rows may end in a separator that the headings lack, and Polars refuses what is wider than its schema.
    width = max(len(grid.headings), raw.partition(b"\n")[0].count(grid.separator.encode()) + 1)
    names = [f"column_{place}" for place in range(1, width + 1)]
    floats = {names[place] for ours, place in grid.wanted.items() if ours in numeric}
    try:
        frame = pl.read_csv(
            io.BytesIO(raw or b"\n"),
            separator=grid.separator,
            quote_char=grid.quote,
            has_header=False,
            schema={name: pl.Float64 if name in floats else pl.String for name in names},
            columns=sorted({names[place] for place in grid.wanted.values()}, key=names.index),
            missing_columns="insert",
            truncate_ragged_lines=True,
            encoding="utf8-lossy",
            raise_if_empty=False,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        # Polars 2.1 panics on a file that ends in a lone quote where it expects a number.
        return None
    plain = {name: pl.col(name) if name in floats else _strip(name) for name in frame.columns}
    return frame.select(plain[names[place]].alias(ours) for ours, place in grid.wanted.items())


def _strip(name: str) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    return pl.when(text != "").then(text)

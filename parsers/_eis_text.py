"""What readers of exported impedance tables share: one line of headings that a format fixes, and the points below."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from parsers._blocks import cut_cells, tabs_for_blanks
from parsers._cells import Grid
from parsers._impedance import find_places, is_impedance, meant_decimals, read_points, to_spectra
from parsers.contract import Source
from warehouse.errors import ParseError

COMMAS: Final = re.compile(rb",")


def read_eis_block(
    body: bytes,
    headings: Sequence[str],
    line: int,
    source: Source,
    *,
    stated: Mapping[str, str],
    separator: str | None = None,
    decimal_comma: bool = False,
) -> tuple[pl.DataFrame, list[str]]:
    """Read the points below a line of headings.

    Args:
        body: the rows.
        headings: as the file writes them.
        line: number of the first row.
        source: for messages and the zone.
        stated: units that the format fixes, by role.
        separator: between cells; None for any run of blanks.
        decimal_comma: whether commas are decimal signs.

    Raises:
        ParseError: no impedance among the headings, a cell that is no number, a frequency below zero.
    """
    places = find_places(headings, stated)
    if not is_impedance(places):
        detail = f"expected frequency, real and imaginary part, found {', '.join(headings)!r}"
        raise ParseError(source.name, detail, line=line - 1)
    # Impedances are written without thousands separators.
    rows = COMMAS.sub(b".", body) if decimal_comma else body
    rows = rows if separator else tabs_for_blanks(rows)
    wanted = {role: place.index for role, place in places.items()}
    cells = cut_cells(rows, Grid(line, separator or "\t", tuple(headings), wanted, quote=None), source)
    points = read_points(cells, places, source)
    # Column by column: a file may mix doubles with single precision.
    exact = points.with_columns(meant_decimals(points[name]) for name in points.columns if points.height)
    return to_spectra(exact, cells["line"], source)


def heading_line(lines: Sequence[str], begins: re.Pattern[str]) -> int | None:
    """Return the number, from 1, of the first line that matches."""
    return next((number for number, line in enumerate(lines, start=1) if begins.match(line)), None)


def below(raw: bytes, line: int) -> bytes:
    """Return what stands below a line."""
    return raw.split(b"\n", line)[line] if raw.count(b"\n") >= line else b""


def plain_number(text: str) -> float | None:
    """Return a setting's number, with a point or a comma; None for anything else."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None

"""Impedance tables of any origin as text (.csv, .txt): one line of headings, one line a point.

Claimed only when one of the first lines names frequency and either real and imaginary part or modulus and phase, with
names that :mod:`parsers._impedance` knows, and no other format claims the file. Separators: comma, semicolon, tab.

* Every unit must stand in its heading (``freq/Hz``, ``Z' (Ohm)``, ``Phase(Z)/deg``); none is guessed: the same numbers
  in Ω and in Ω·cm² differ by the cell's area, which the file does not hold.
* The sign of the imaginary part is that of its name: ``-Z''`` and ``-Im(Z)`` are turned. A plain name over values that
  are positive in most of the lower half of the frequencies may be either Z'' of an unusual cell or a -Z'' without its
  minus; without a phase to tell, it is refused.
* Modulus and phase, where they stand beside real and imaginary part, must fit them.
* A mean current is not taken: whether it charges or discharges is not stated.
* A column loop or loop_index numbers the spectra; otherwise a new one begins where the frequency turns back. Points at
  frequency 0 are no impedance.
* A decimal comma is taken where another sign parts the cells.

Seen: a table of modulus and phase that a laboratory wrote from EC-Lab's columns, ten loops.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Sequence
from typing import Final

import polars as pl

import parsers
from parsers._blocks import cut_cells, read_text
from parsers._cells import Grid
from parsers._impedance import Place, find_places, is_impedance, read_points, to_spectra
from parsers.contract import HEAD_BYTES, Format, Peek, Reading, Source, as_text
from warehouse.errors import ParseError

SEPARATORS: Final = ("\t", ";", ",")
HEADING_LINES: Final = 30
FEWEST_SEPARATORS: Final = 2
INITIAL: Final = "f"
DECIMAL_COMMA: Final = r"^\s*-?\d+,\d+(?:[eE][+-]?\d+)?\s*$"
UNSIGNED: Final = (
    "the imaginary part is positive at most low frequencies under a heading without a minus: name the column -Z'' if "
    "it holds the negative, or add the phase if it does not"
)

Heading = tuple[int, str, tuple[str, ...], dict[str, Place]]


def sniff(peek: Peek) -> bool:
    """Whether a heading line names an impedance and no other format claims the file."""
    if _find_heading(peek.lines) is None:
        return False
    # Asked last and only here: programs with layouts of their own come first.
    others = (declared for name, declared in parsers.formats().items() if name != FORMAT.name)
    return not any(peek.is_of(declared) for declared in others)


def read(source: Source) -> Reading:
    """Read one table.

    Raises:
        ParseError: a unit or a sign that is not stated, a cell that is no number, a frequency below zero.
        ContradictionError: modulus and phase do not fit real and imaginary part.
    """
    return read_text(source, lambda raw: _read_table(raw, source), _width)


def _read_table(raw: bytes, source: Source) -> Reading:
    found = _find_heading(as_text(raw[:HEAD_BYTES]).splitlines())
    if found is None:
        raise ParseError(source.name, "the file ends before its headings", code="incomplete_file", line=1)
    line, separator, headings, places = found
    body = raw.split(b"\n", line)[line] if raw.count(b"\n") >= line else b""
    wanted = {role: place.index for role, place in places.items()}
    cells = cut_cells(body, Grid(line + 1, separator, headings, wanted), source)
    if separator != ",":
        cells = _points_for_commas(cells)
    points = read_points(cells, places, source)
    _demand_sign(points, places, source)
    spectra, warnings = to_spectra(points, cells["line"], source)
    return Reading(spectra=spectra, warnings=tuple(warnings))


def _demand_sign(points: pl.DataFrame, places: dict[str, Place], source: Source) -> None:
    """Refuse an imaginary part whose sign the file does not show."""
    if "imaginary" not in places or places["imaginary"].sign < 0 or "phase" in places or not points.height:
        return
    positive = points["frequency_hertz"] > 0
    # At high frequencies leads are inductive, and Z'' is positive in good order.
    low = points.filter(positive).sort("frequency_hertz").head(max(1, int(positive.sum()) // 2))
    if low.height and (low["imaginary_impedance_ohm"] > 0).sum() > low.height // 2:
        raise ParseError(source.name, UNSIGNED, code="sign", line=1, column=places["imaginary"].heading)


def _points_for_commas(cells: pl.DataFrame) -> pl.DataFrame:
    texts = [name for name in cells.columns if cells[name].dtype == pl.String]
    if not any(cells[name].str.contains(DECIMAL_COMMA).any() for name in texts):
        return cells
    return cells.with_columns(pl.col(name).str.replace(",", ".", literal=True) for name in texts)


def _width(raw: bytes) -> int:
    found = _find_heading(as_text(raw[:HEAD_BYTES]).splitlines())
    return len(found[2]) if found else 0


def _find_heading(lines: Sequence[str]) -> Heading | None:
    """Return line, separator, headings and roles of an impedance table."""
    for number, line in enumerate(lines[:HEADING_LINES], start=1):
        # Most lines of most files: a frequency and two parts take two separators, and all names of the one begin so.
        parting = [separator for separator in SEPARATORS if line.count(separator) >= FEWEST_SEPARATORS]
        if not parting or INITIAL not in unicodedata.normalize("NFKC", line).lower():
            continue
        for separator in parting:
            headings = tuple(
                next(csv.reader([line.replace("\0", "")], delimiter=separator, quoting=csv.QUOTE_NONE), [])
            )
            # A current without a stated direction is of no use.
            places = {role: place for role, place in find_places(headings).items() if role != "current"}
            if is_impedance(places):
                return number, separator, headings, places
    return None


FORMAT = Format(
    "impedance_table",
    "any",
    frozenset({".csv", ".txt"}),
    "eis",
    sniff,
    read,
    lost="all columns but frequency, impedance, time and mean potential",
)

"""Autolab Nova exports as text (.txt, .csv): one line of headings, semicolons, tabs or commas between cells.

No real export was at hand: the headings are known from public readers and the reader is unconfirmed. Autolab's other
export, in ZPlot's layout, is read by :mod:`parsers.zplot_z`. Two kinds::

    Index;Frequency (Hz);Z' (Ω);-Z'' (Ω);Z (Ω);-Phase (°);Time (s)
    Potential applied (V);Time (s);WE(1).Current (A);WE(1).Potential (V);Scan;Index;Q+;Q-

* Impedance: the minus before Z'' and Phase turns their signs. Time (s) counts from the start of the procedure.
* Measured data: Time (s), WE(1).Potential and WE(1).Current make the rows, Scan the cycle, Index the record. Current:
  positive when the working electrode is oxidised, which charges a cell whose positive electrode it is.
* A decimal comma is taken where another sign parts the cells. Date and instrument are not in the file.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Final

import polars as pl

from parsers._blocks import cut_cells, read_text
from parsers._cells import Grid, check_order
from parsers._eis_text import below, read_eis_block
from parsers._impedance import find_places, is_impedance
from parsers._table import find_columns, places, read_columns
from parsers.contract import HEAD_BYTES, Format, Peek, Reading, Source, as_text
from warehouse.errors import ParseError

LAYOUT: Final = {
    "time": ("test_time_second", ""),
    "corrected time": ("test_time_second", ""),
    "we(1).potential": ("voltage_volt", ""),
    "we(1).current": ("current_ampere", ""),
    "scan": ("cycle_count", ""),
    "index": ("record_index", ""),
}
NEEDED: Final = frozenset({"test_time_second", "voltage_volt", "current_ampere"})
SEPARATORS: Final = (";", "\t", ",")
PHASE: Final = "-phase (°)"


def sniff(peek: Peek) -> bool:
    """Whether the first line holds Nova's headings of measured data or of an impedance."""
    return _find_heading(peek.lines) is not None


def read(source: Source) -> Reading:
    """Read one export.

    Raises:
        ParseError: unknown units, a cell that is no number, time that goes back, a frequency below zero.
    """
    return read_text(source, lambda raw: _read_export(raw, source), _width)


def _find_heading(lines: Sequence[str]) -> tuple[str, list[str]] | None:
    """Return separator and headings."""
    for separator in SEPARATORS:
        headings = next(csv.reader([line.replace("\0", "") for line in lines[:1]], delimiter=separator), [])
        if find_columns(headings, LAYOUT).keys() >= NEEDED:
            return separator, headings
        # The sign before Phase is Nova's own way to write a Bode plot.
        if is_impedance(find_places(headings)) and PHASE in (heading.strip().lower() for heading in headings):
            return separator, headings
    return None


def _heading(raw: bytes) -> tuple[str, list[str]] | None:
    return _find_heading(as_text(raw[:HEAD_BYTES]).splitlines())


def _width(raw: bytes) -> int:
    found = _heading(raw)
    return len(found[1]) if found else 0


def _read_export(raw: bytes, source: Source) -> Reading:
    found = _heading(raw)
    if found is None:
        raise ParseError(source.name, "the file ends inside its headings", code="incomplete_file", line=1)
    separator, headings = found
    body = below(raw, 1)
    # Nova writes no thousands separators.
    comma = separator != "," and b"," in body
    if is_impedance(find_places(headings)):
        spectra, warnings = read_eis_block(
            body, headings, 2, source, stated={}, separator=separator, decimal_comma=comma
        )
        return Reading(spectra=spectra, warnings=tuple(warnings))
    columns = find_columns(headings, LAYOUT)
    cells = cut_cells(body, Grid(2, separator, tuple(headings), places(columns)), source)
    frame = pl.DataFrame(read_columns(cells, columns, source, decimal_comma=comma))
    check_order(frame["test_time_second"], cells, source)
    return Reading(measurements=frame)


FORMAT = Format(
    "autolab_nova",
    "Metrohm Autolab",
    frozenset({".txt", ".csv"}),
    "both",
    sniff,
    read,
    verified=False,  # no real export at hand; written from scratch in the tests
    lost="applied potentials, charges Q+ and Q-, further channels",
)

"""Princeton Applied Research exports (PARSTAT with PowerSuite or VersaStudio, .txt, .csv): one line of headings.

Seen: one file: ``Potential (V), Current (A), Elapsed Time (s), Frequency (Hz), Zre (ohms), Zim (ohms), |Vac| (V), |Iac|
(A)`` between tabs. A record at frequency 0 is one of the direct current parts and becomes a measurement; one with a
frequency is a point of a spectrum, whose potential and current are its means.

* Current: positive charges: in the file seen -0.15 A lowers the potential.
* Zim is negative when capacitive. Numbers are single precision printed as doubles and are brought back.
* Elapsed time runs on over all parts. Neither date nor instrument is in the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import polars as pl

from parsers._blocks import cut_cells, read_text, tabs_for_blanks
from parsers._cells import Grid, check_order, split_headings
from parsers._eis_text import below
from parsers._impedance import meant_decimals, number_sweeps
from parsers._table import Column, drop_empty, find_columns, places, read_columns
from parsers.contract import HEAD_BYTES, Format, Peek, Reading, Source, as_text
from warehouse.errors import ParseError
from warehouse.schema import SPECTRA

LAYOUT: Final = {
    "potential": ("voltage_volt", ""),
    "e": ("voltage_volt", ""),
    "current": ("current_ampere", ""),
    "i": ("current_ampere", ""),
    "elapsed time": ("test_time_second", ""),
    "frequency": ("frequency_hertz", ""),
    "zre": ("real_impedance_ohm", ""),
    "zim": ("imaginary_impedance_ohm", ""),
    "z real": ("real_impedance_ohm", "Ohm"),
    "z imag": ("imaginary_impedance_ohm", "Ohm"),
    "|vac|": ("amplitude_voltage_volt", ""),
    "|iac|": ("amplitude_current_ampere", ""),
}
DIRECT: Final = frozenset({"voltage_volt", "current_ampere", "test_time_second"})
IMPEDANCE: Final = frozenset({"frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm"})
SPECTRAL: Final = IMPEDANCE | {"amplitude_voltage_volt", "amplitude_current_ampere"}
MEAN: Final = {"voltage_volt": "bias_voltage_volt", "current_ampere": "bias_current_ampere"}
OPENINGS: Final = re.compile(r"^\"?(Potential \(V\)|Frequency \(Hz\)|Elapsed Time \(s\)|Current \(A\))")


def sniff(peek: Peek) -> bool:
    """Whether the first line holds such headings, an impedance among them."""
    first = peek.lines[0] if peek.lines else ""
    if OPENINGS.match(first) is None:
        return False
    return find_columns(_split(first)[0], LAYOUT).keys() >= IMPEDANCE | DIRECT


def read(source: Source) -> Reading:
    """Read the measurements and the spectra of one export.

    Raises:
        ParseError: unknown headings or units, a cell that is no number, time that goes back.
    """
    return read_text(source, lambda raw: _read_records(raw, source), _width)


def split_direct(frame: pl.DataFrame, lines: pl.Series, source: Source) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part records of direct current, at frequency 0 or without one, from points of spectra.

    Raises:
        ParseError: a frequency below zero.
    """
    exact = frame.with_columns(meant_decimals(frame[name]) for name in frame.columns if frame[name].dtype == pl.Float64)
    if not set(exact.columns) >= IMPEDANCE:
        if "frequency_hertz" in exact.columns and (exact["frequency_hertz"] > 0).any():
            detail = "expected real and imaginary part beside the frequency"
            raise ParseError(source.name, detail, code="unknown_layout", line=lines[0])
        return exact.drop(SPECTRAL, strict=False), SPECTRA.empty()
    frequency = exact["frequency_hertz"]
    if (frequency < 0).any():
        row = (frequency < 0).arg_max() or 0
        detail = f"expected a frequency of 0 or more, found {frequency[row]}"
        raise ParseError(source.name, detail, line=lines[row], column="frequency_hertz")
    swept = frequency > 0
    direct = exact.filter(~swept).drop(name for name in exact.columns if name in SPECTRAL)
    points = exact.filter(swept).rename(MEAN, strict=False)
    # Direct current between two sweeps parts them even if the frequency goes on.
    breaks = (~swept).shift(1).fill_null(value=False).filter(swept).to_numpy()
    index = pl.Series("spectrum_index", number_sweeps(points["frequency_hertz"].to_numpy(), breaks))
    return drop_empty(direct), drop_empty(points.with_columns(index))


def _split(line: str) -> tuple[list[str], str]:
    separator = "\t" if "\t" in line else ","
    headings = split_headings(line, separator)
    # Every line ends in a separator.
    return (headings[:-1] if headings and not headings[-1].strip() else headings), separator


def _headings(raw: bytes) -> tuple[list[str], str]:
    return _split(as_text(raw[:HEAD_BYTES]).partition("\n")[0].rstrip("\r"))


def _width(raw: bytes) -> int:
    return len(_headings(raw)[0])


def _demand(columns: dict[str, Column], headings: Sequence[str], source: Source) -> None:
    if not columns.keys() >= IMPEDANCE | DIRECT:
        detail = f"expected potential, current, time and impedance, found {', '.join(headings)!r}"
        raise ParseError(source.name, detail, code="incomplete_file", line=1)


def _read_records(raw: bytes, source: Source) -> Reading:
    headings, separator = _headings(raw)
    columns = find_columns(headings, LAYOUT)
    _demand(columns, headings, source)
    body = below(raw, 1)
    # Tabs stand beside blanks in some exports.
    rows = tabs_for_blanks(body) if separator == "\t" else body
    cells = cut_cells(rows, Grid(2, separator, tuple(headings), places(columns), quote=None), source)
    frame = pl.DataFrame(read_columns(cells, columns, source))
    check_order(frame["test_time_second"], cells, source)
    measurements, spectra = split_direct(frame, cells["line"], source)
    return Reading(measurements=measurements, spectra=spectra)


FORMAT = Format(
    "parstat_txt",
    "Princeton Applied Research",
    frozenset({".txt", ".csv"}),
    "both",
    sniff,
    read,
)

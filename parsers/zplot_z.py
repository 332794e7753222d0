"""Scribner ZPlot and ZView data (.z), and the files of the same layout that Autolab's software writes (.txt).

Seen: ``ZPLOT2 ASCII`` of ZPlot 3.2c, ``ZPlotW Data File: Version 3.2c`` and ``Z60W Data File: Version 1.1`` (Autolab).
Layout: settings as ``key: value`` (ZPLOT2) or in quotes (the other two), the headings ``Freq(Hz) Ampl Bias Time(Sec)
Z'(a) Z''(b) GD Err Range``, in ZPLOT2 the line ``End Comments``, then the points between tabs or commas. The older ones
write the number of points two lines above the headings, ZPLOT2 as ``Data Points:``.

* Z'(a) and Z''(b) are in Ω, Z'' negative when capacitive: so in all files seen.
* Ampl and Bias are in V where the experiment controls voltage; Autolab writes 0 for all of Ampl, Bias and Time: such
  columns are left out, as is an amplitude under current control, whose unit is not stated.
* Date and Time are the start, month first (``12-17-2019`` and ``10-12-2018``: the language's Date$ function writes them
  so everywhere); Time(Sec) counts from there.
* Fewer points than announced: the sweep was stopped, or the file is still being written; a warning says so.
* Err is 0 in all points seen; other values are of unknown meaning, the points are kept with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from parsers._blocks import cut_cells, read_text, tabs_for_blanks
from parsers._cells import Grid, numbers
from parsers._clock import iso_utc, unix_second
from parsers._eis_text import below
from parsers._impedance import to_spectra
from parsers._table import Column, drop_empty, find_columns, places, read_columns
from parsers.contract import Fact, Format, Peek, Reading, Source, as_text
from warehouse.errors import ParseError

TITLES: Final = ("ZPLOT2 ASCII", "ZPlotW Data File", "Z60W Data File", "ZView")
LAYOUT: Final = {
    "freq": ("frequency_hertz", ""),
    "ampl": ("amplitude_voltage_volt", "V"),
    "bias": ("bias_voltage_volt", "V"),
    "time": ("test_time_second", ""),
    "z'": ("real_impedance_ohm", "Ohm"),
    "z''": ("imaginary_impedance_ohm", "Ohm"),
    "err": ("error", ""),
}
NEEDED: Final = frozenset({"frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm"})
HEADING: Final = re.compile(r"Freq\(Hz\)|Freq \(Hz\)")
NAME: Final = re.compile(r"[^\s(),\"]+(?:\s?\([^)]*\))?")
# The letters behind Z' and Z'' name ZPlot's internal columns and are no units.
LETTER: Final = re.compile(r"\([ab]\)$")
END: Final = "End Comments"
STARTED: Final = re.compile(r"Date:\s*(\d+-\d+-\d{4})\s+Time:\s*(\d+:\d+:\d+)")
POINTS: Final = re.compile(r"Data Points:\s*(\d+)")
VOLTAGE: Final = re.compile(r"Control Voltage", re.IGNORECASE)
CURRENT: Final = re.compile(r"Control Current", re.IGNORECASE)
VERSION: Final = re.compile(r"(?:ZPlot|Version)[: ]+(\d\S*?)\"?$")
HEADER_BYTES: Final = 1 << 16
SETTINGS: Final = ("amplitude_voltage_volt", "bias_voltage_volt", "test_time_second")


@dataclass(frozen=True)
class Head:
    """The lines above the points, and what they say of the columns."""

    lines: Sequence[str]
    headings: tuple[str, ...]
    columns: dict[str, Column]
    first_line: int

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def sniff(peek: Peek) -> bool:
    """Whether the first line is the title of such a file."""
    return bool(peek.lines) and peek.lines[0].lstrip('"').startswith(TITLES)


def read(source: Source) -> Reading:
    """Read one sweep.

    Raises:
        ParseError: no headings, a cell that is no number, a frequency below zero.
    """
    return read_text(source, lambda raw: _read_sweep(raw, source), _width)


def _find_head(raw: bytes) -> Head | None:
    # Split at LF alone, so that line numbers are those of the bytes.
    lines = as_text(raw[:HEADER_BYTES]).split("\n")
    number = next((number for number, line in enumerate(lines, start=1) if HEADING.search(line)), None)
    if number is None:
        return None
    headings = tuple(LETTER.sub("", name) for name in NAME.findall(lines[number - 1]))
    columns = find_columns(headings, LAYOUT)
    end = next((end for end, line in enumerate(lines[number:], start=number + 1) if line.startswith(END)), number)
    return Head(lines[:number], headings, columns, end + 1) if columns.keys() >= NEEDED else None


def _width(raw: bytes) -> int:
    head = _find_head(raw)
    return len(head.headings) if head else 0


def _read_sweep(raw: bytes, source: Source) -> Reading:
    head = _find_head(raw)
    if head is None:
        detail = "the file ends before its headings, which begin with Freq(Hz)"
        raise ParseError(source.name, detail, code="incomplete_file", line=raw.count(b"\n") + 1)
    body = below(raw, head.first_line - 1)
    # Commas part the cells, unless tabs do and commas are decimal signs.
    plain = body.replace(b",", b"." if b"\t" in body.partition(b"\n")[0] else b"\t")
    grid = Grid(head.first_line, "\t", head.headings, places(head.columns), quote=None)
    cells = cut_cells(tabs_for_blanks(plain), grid, source)
    points = _drop_settings(pl.DataFrame(read_columns(cells, head.columns, source)), head.text)
    spectra, warnings = to_spectra(points, cells["line"], source)
    if "error" in cells.columns and (numbers(cells, "error", source) != 0).any():
        warnings.append("some points carry an error code of unknown meaning in Err; they are kept")
    # The number is written before the sweep; a stopped one has fewer points.
    announced = _announced(head)
    if announced is not None and announced > cells.height:
        warnings.append(f"the header announces {announced} points, the file holds {cells.height}")
    about, start = _facts(head, source)
    if start is not None and "test_time_second" in spectra.columns:
        spectra = spectra.with_columns((pl.col("test_time_second") + start).alias("unix_time_second"))
    return Reading(spectra=drop_empty(spectra), about=about, warnings=tuple(warnings))


def _drop_settings(points: pl.DataFrame, text: str) -> pl.DataFrame:
    """Leave out what the writer did not record, and an amplitude whose unit is not stated."""
    # A single 0 may be a value; all columns at 0 were not recorded.
    nothing = points.height > 0 and all((points[name] == 0).all() for name in SETTINGS if name in points.columns)
    if nothing:
        return points.drop(SETTINGS, strict=False)
    return points if VOLTAGE.search(text) else points.drop(SETTINGS[:2], strict=False)


def _announced(head: Head) -> int | None:
    match = POINTS.search(head.text)
    if match:
        return int(match[1][:9])
    above = head.lines[-2].strip().strip('"') if len(head.lines) > 1 else ""
    return int(above[:9]) if above.isdecimal() else None


def _facts(head: Head, source: Source) -> tuple[dict[str, Fact], float | None]:
    facts: dict[str, Fact] = {}
    version = next((match for line in head.lines[:2] for match in [VERSION.search(line.strip())] if match), None)
    if version:
        facts["software"] = f"{head.lines[0].strip().strip(chr(34)).split(' ')[0]} {version[1]}"
    if VOLTAGE.search(head.text) or CURRENT.search(head.text):
        facts["technique"] = "PEIS" if VOLTAGE.search(head.text) else "GEIS"
    match = STARTED.search(head.text)
    if match is None:
        return facts, None
    try:
        local = datetime.strptime(f"{match[1]} {match[2]}", "%m-%d-%Y %H:%M:%S")  # noqa: DTZ007 the file names no zone
        start = unix_second(local, source.zone)
    except (ValueError, OverflowError):
        return facts, None
    return facts | {"start_time": iso_utc(start)}, start


FORMAT = Format(
    "zplot_z",
    "Scribner",
    frozenset({".z", ".txt"}),
    "eis",
    sniff,
    read,
    lost="settings of the experiment and the analyzer, GD, Err and Range; amplitude and bias under current control",
)

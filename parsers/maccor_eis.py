"""Maccor impedance sweeps: the ``.EDA0001.NNN`` text file beside a test with an FRA step.

Seen: one sweep of 2016; model and software version are not in the file. Layout, lines ended by CR LF, cells by tabs::

    MACCOR, INC.    AC Impedance Test
    Frequency Sweep:   Open Circut Voltage          (sic)
    EIS 1.000FRA default                            procedure
    DESKTOP-RUS2E13_4267-66-6519.EDA0001.041        tester _ test .EDA sweep .channel
    Line 4
    Line 5
    Start Date:  Wednesday, November 2, 2016 Start Time:   15:58
    Line 7
    0.0005  2  0 ...                                settings, unknown
    (blank)
    Freq(Hz) Polar(V) time(sec) Z'(a) Z''(b) Phase_Angle Z-Mag C(F) Status irg VMag IMag V-DC isg rc ...
    (blank)
    rows, which end after V-DC

* Unit of Z' and Z'': the headings name none, C(F) fixes it: C equals 1/(2πf·Z'') to the printed digits with Z'' in ohm.
* Sign: Z'' is the imaginary part as it is, negative when capacitive; Phase_Angle is atan2(Z'', Z').
* The unit, the sign and the points after V-DC are known from this one file only.
* Polar(V) holds 2πf, whatever its heading says; Status holds a number between 7 and 12 of unknown meaning.
* time(sec) counts from the sweep's start, which the file gives to the minute only: no wall clock per point.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Final

import polars as pl

from parsers._cells import LINE, Grid, numbers, read_table
from parsers._clock import iso_utc, unix_second
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

TITLE: Final = re.compile(r"^MACCOR, INC\.\s+AC Impedance Test")
COLUMNS: Final = {
    "Freq(Hz)": "frequency_hertz",
    "Z'(a)": "real_impedance_ohm",
    "Z''(b)": "imaginary_impedance_ohm",
    "time(sec)": "test_time_second",
    "V-DC": "bias_voltage_volt",
}
LAST_HEADING: Final = "V-DC"
START: Final = re.compile(r"Start Date:\s+\w+,\s*(\w+ \d+, \d{4})\s+Start Time:\s+(\d+:\d+)")
FILE_NAME: Final = re.compile(r"^(?:(?P<tester>[^_]+)_(?=[^_]+$))?(?P<test>.+)\.EDA\d+\.(?P<channel>\d+)$")


def sniff(peek: Peek) -> bool:
    """Whether the first line is the title of Maccor's impedance sweep."""
    return bool(peek.lines) and TITLE.match(peek.lines[0]) is not None


def read(source: Source) -> Reading:
    """Read one impedance sweep.

    Raises:
        ParseError: no headings, a cell that is no number, a frequency that is not positive.
    """
    lines = [line.rstrip("\r") for line in Peek(source.path, source.name).text.split("\n")]
    grid = _find_grid(lines, source)
    return read_table(source, grid, partial(_read_points, source, grid, _read_facts(lines, source)))


def _read_points(source: Source, grid: Grid, about: dict[str, Fact], cells: pl.DataFrame) -> Reading:
    columns = [numbers(cells, name, source, required=True) for name in grid.wanted]
    spectra = pl.DataFrame([pl.Series("spectrum_index", [1] * cells.height, dtype=pl.Int64), *columns])
    wrong = spectra["frequency_hertz"] <= 0
    if wrong.any():
        row = wrong.arg_max() or 0
        detail = f"expected a positive frequency, found {spectra['frequency_hertz'][row]}"
        raise ParseError(source.name, detail, line=cells[LINE][row], column="frequency_hertz")
    return Reading(spectra=spectra, about=about)


def _find_grid(lines: list[str], source: Source) -> Grid:
    for number, line in enumerate(lines):
        headings = line.split("\t")
        # The headings go on beyond the last cell of the rows.
        last = headings.index(LAST_HEADING) if LAST_HEADING in headings else -1
        filled = tuple(headings[: last + 1])
        if all(heading in filled for heading in COLUMNS):
            wanted = {ours: filled.index(heading) for heading, ours in COLUMNS.items()}
            return Grid(number + 2, "\t", filled, wanted, quote=None)
    # Nothing but the title says whose file this is, so that a header without headings is one that was cut.
    detail = f"expected the headings {', '.join(COLUMNS)}, found none"
    raise ParseError(source.name, detail, code="incomplete_file", line=len(lines))


def _read_facts(lines: list[str], source: Source) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"technique": lines[1].strip(), "schedule": lines[2].strip(), "file": lines[3].strip()}
    name = FILE_NAME.match(lines[3].strip())
    if name is not None:
        number = name["channel"].lstrip("0")
        facts |= {"test_name": name["test"], "channel": f"{name['tester']}-{number}" if name["tester"] else number}
    start = START.search("\n".join(lines))
    if start is not None:
        facts |= _start_fact(f"{start[1]} {start[2]}", source)
    return facts


def _start_fact(text: str, source: Source) -> dict[str, Fact]:
    try:
        local = datetime.strptime(text, "%B %d, %Y %H:%M").replace(tzinfo=source.zone)
    except ValueError:
        return {}
    return {"start_time": iso_utc(unix_second(local.replace(tzinfo=None), source.zone))}


FORMAT = Format(
    "maccor_eis",
    "Maccor",
    frozenset({".001"}),
    "eis",
    sniff,
    read,
    version=2,
    lost="settings line, Status, current and voltage magnitudes (empty in the file seen)",
)

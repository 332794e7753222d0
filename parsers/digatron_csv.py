"""Digatron exports as text (.csv, .txt): commas, semicolons or tabs; English or German.

No real export was at hand: the layout is known from public readers of such files (Battery Manager 4, the German client,
data sets of the universities of Warwick and McMaster) and the reader is unconfirmed. Layout: lines of ``key: value``,
then two lines of headings, names above units in square brackets::

    Time Stamp,Step,Status,Prog Time,Step Time,Cycle,Cycle Level,Procedure,Voltage,Current,Temperature,AhAccu,WhAccu,
    ,,,,,,,,[V],[A],[C],[Ah],[Wh],

* In German: Zeitstempel, Schritt, Status or Zustand, Programmdauer, Schrittdauer, Zyklus, Spannung, Strom, AhAkku.
* Times are ``hours:minutes:seconds.fraction`` and need no unit; the others take theirs from the second line. C is °C.
* Status: CHA, DCH, PAU, TABLE, PRG, STO; German LAD, ENT. A file whose currents are nowhere negative gets its signs
  from it; otherwise positive charges, and the opposite is refused.
* AhAccu (Capacity) and WhAccu are charge minus discharge, and programs may set them back: they are kept as net counters
  only where they follow the current's integral throughout.
* Records of a change of step (PRG, STO) have neither voltage nor current; they are left out with a warning.
* Time Stamp: day first with dots, month first with slashes unless the time that passed tells otherwise.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import BinaryIO, Final

import polars as pl

from parsers._cells import Grid, check_order, read_table
from parsers._clock import iso_utc
from parsers._dates import MONTH_FIRST, read_clock
from parsers._lines import excerpt_lines
from parsers._states import follows_current, sign_current, step_types
from parsers._steps import count_steps
from parsers._table import Column, drop_empty, find_columns, numeric, places, read_columns
from parsers.contract import HEAD_BYTES, Excerpt, Fact, Format, Known, Peek, Reading, Source, as_text
from warehouse.errors import ParseError

LAYOUT: Final = {
    "time stamp": ("clock", ""),
    "timestamp": ("clock", ""),
    "zeitstempel": ("clock", ""),
    "step": ("step_id", ""),
    "schritt": ("step_id", ""),
    "status": ("state", ""),
    "zustand": ("state", ""),
    "prog time": ("test_time_second", ""),
    "program time": ("test_time_second", ""),
    "programmdauer": ("test_time_second", ""),
    "prog.zeit": ("test_time_second", ""),
    "step time": ("step_time_second", ""),
    "schrittdauer": ("step_time_second", ""),
    "schrittzeit": ("step_time_second", ""),
    "cycle": ("cycle_count", ""),
    "zyklus": ("cycle_count", ""),
    "voltage": ("voltage_volt", ""),
    "spannung": ("voltage_volt", ""),
    "current": ("current_ampere", ""),
    "strom": ("current_ampere", ""),
    "ahaccu": ("net_capacity_ah", ""),
    "ahakku": ("net_capacity_ah", ""),
    "capacity": ("net_capacity_ah", ""),
    "whaccu": ("net_energy_wh", ""),
    "whakku": ("net_energy_wh", ""),
    "energie": ("net_energy_wh", ""),
    "temperature": ("temperature_t1_celsius", ""),
    "temperatur": ("temperature_t1_celsius", ""),
    "logtemp001": ("temperature_t1_celsius", ""),
}
NEEDED: Final = frozenset({"step_id", "state", "test_time_second", "voltage_volt", "current_ampere"})
CODES: Final = {
    "cha": "charge",
    "lad": "charge",
    "dch": "discharge",
    "ent": "discharge",
    "ela": "discharge",
    "pau": "rest",
    "prg": "other",
    "sto": "other",
}
SEPARATORS: Final = (",", "\t", ";")
UNIT: Final = "["
# Beside temperatures, a C is no coulomb here.
CELSIUS: Final = {"[C]": "[°C]", "[degC]": "[°C]", "[Grad C]": "[°C]"}
FACTS: Final = {"test plan": "schedule", "program": "schedule", "programm": "schedule", "battery": "sample"}

Heading = tuple[int, str, tuple[str, ...]]


def sniff(peek: Peek) -> bool:
    """Whether two lines hold Digatron's headings and their units."""
    return _find_heading(peek.lines) is not None


def read(source: Source) -> Reading:
    """Read one exported test.

    Raises:
        ParseError: no headings, unknown units, a cell that is no number, time that goes back.
    """
    lines = Peek(source.path, source.name).lines
    found = _find_heading(lines)
    if found is None:
        raise ParseError(source.name, "expected headings above a line of units", code="incomplete_file", line=1)
    line, separator, headings = found
    columns = find_columns(headings, LAYOUT)
    if not columns.keys() >= NEEDED:
        detail = f"expected a unit in brackets below every heading, found {', '.join(headings)!r}"
        raise ParseError(source.name, detail, code="unknown_unit", line=line + 1)
    grid = Grid(line + 2, separator, headings, places(columns), numeric=numeric(columns))
    return read_table(source, grid, partial(_read_records, source, columns, lines[: line - 1]))


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown export; whether currents are signed is decided by all its records."""
    return excerpt_lines(file, known, _count_above, decided=frozenset({"current_ampere"}))


def _count_above(head: bytes) -> int | None:
    found = _find_heading(as_text(head[:HEAD_BYTES]).splitlines())
    return found[0] + 1 if found else None


def _find_heading(lines: Sequence[str]) -> Heading | None:
    """Return the line of the names, the separator, and every name with its unit."""
    for number, (line, below) in enumerate(pairwise(lines), start=1):
        # Most lines of most files: no unit stands there.
        if UNIT not in below:
            continue
        for separator in SEPARATORS:
            if line.count(separator) < len(NEEDED) - 1:
                continue
            names, units = (_split(each, separator) for each in (line, below))
            known = [LAYOUT[name.strip().lower()][0] for name in names if name.strip().lower() in LAYOUT]
            if set(known) >= NEEDED and any(unit.strip().startswith(UNIT) for unit in units):
                padded = [*units, *[""] * (len(names) - len(units))]
                return number, separator, tuple(map(_join, names, padded))
    return None


def _split(line: str, separator: str) -> list[str]:
    return next(csv.reader([line.replace("\0", "")], delimiter=separator), [])


def _join(name: str, unit: str) -> str:
    plain = unit.strip()
    # A pattern such as hh:mm:ss is no unit; the times below it are durations.
    return name.strip() if ":" in plain else f"{name.strip()}{CELSIUS.get(plain, plain)}"


def _read_records(source: Source, columns: Mapping[str, Column], head: tuple[str, ...], cells: pl.DataFrame) -> Reading:
    warnings: list[str] = []
    # One of the two alone would be a hole in the data, and is refused below.
    recorded = cells["voltage_volt"].is_not_null() | cells["current_ampere"].is_not_null()
    if not recorded.all():
        warnings.append(f"{(~recorded).sum()} records have neither voltage nor current and are left out")
    cells = cells.filter(recorded)
    frame = pl.DataFrame(read_columns(cells, columns, source, decimal_comma=_has_comma(cells)))
    check_order(frame["test_time_second"], cells, source)
    frame = sign_current(frame.with_columns(step_types(cells["state"], CODES)), source)
    labels = [name for name in ("step_id", "cycle_count") if name in frame.columns]
    if "step_time_second" in frame.columns:
        frame = frame.with_columns(count_steps(frame, labels, "step_time_second"))
    if "net_capacity_ah" in frame.columns and not follows_current(frame, "net_capacity_ah"):
        frame = frame.drop("net_capacity_ah", "net_energy_wh", strict=False)
        warnings.append("AhAccu does not follow the current: the program set it back; it is left out")
    about = _read_facts(head)
    if "clock" in cells.columns:
        unix, warning = read_clock(cells["clock"], frame["test_time_second"], source, prefer=MONTH_FIRST)
        frame = frame.with_columns(unix)
        warnings += [warning] if warning else []
        if frame.height and unix[0] is not None:
            about["start_time"] = iso_utc(unix[0] - frame["test_time_second"][0])
    return Reading(measurements=drop_empty(frame), about=about, warnings=tuple(warnings))


def _has_comma(cells: pl.DataFrame) -> bool:
    voltage = cells["voltage_volt"]
    return voltage.dtype == pl.String and bool(voltage.str.contains(r"^-?\d+,\d+$").any())


def _read_facts(head: tuple[str, ...]) -> dict[str, Fact]:
    # The title's separator differs between clients.
    pairs = (line.replace("\t", ":").replace(";", ":").replace(",", ":").partition(":") for line in head)
    said = {key.strip().lower(): value.strip(": \t") for key, _, value in pairs}
    return {ours: said[key] for key, ours in FACTS.items() if said.get(key)}


FORMAT = Format(
    "digatron_csv",
    "Digatron",
    frozenset({".csv", ".txt"}),
    "cycling",
    sniff,
    read,
    verified=False,  # no public export; written from scratch in the tests
    lost="cycle level, procedure, counters per step, further temperatures and logged channels",
    excerpt=excerpt,
)

"""BaSyTec result files as text (.txt), tabs between cells, Windows-1252 or UTF-8.

Seen: one conversion of 2023. Layout: lines beginning with ``~``: ``~Resultfile from Basytec Battery Test System``, next
``~key: value`` (Name of Test, Battery, Testplan, Testchannel, Start of Test, Operator (Test), …), last the headings,
beginning with ``~Time[s]``. Which columns stand there is chosen when converting: Time, DataSet, DateTime, t-Step, Line,
Command, U[V], I[A], P[W], Ah[Ah], Ah-Cyc-Charge, Ah-Cyc-Discharge, Wh[Wh], T1[°C], Cyc-Count, State and more.

* Units stand in brackets; h and min are known for times. The degree sign was lost in the file known (U+FFFD).
  Counters without a unit (Ah-Step, Wh-Cyc-Charge) bear it in their name.
* Current: positive charges (U rises in Command Charge). A decimal comma is taken where the numbers have one.
* Ah and Wh: charge minus discharge. The file known ends in its first charge, so that nothing shows whether the test
  plan may set them back: they are kept as net counters only where they follow the current's integral throughout.
* Ah-Cyc-Charge and Ah-Cyc-Discharge start anew with a cycle, by their name; a counter that falls within a cycle is left
  out with a warning. The sign of the discharging ones is dropped.
* Numbers are printed with fifteen digits (``0.00401299999999999`` s); times are rounded to the nanosecond.
* Wall clock: DateTime (day first), else Start of Test plus Time. Line is the number of the test plan's line; State the
  instrument's code of the record, kept in ``source_flags``.

Commands other than Pause and Charge, hours, decimal commas and DateTime are known from public descriptions.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import partial
from typing import BinaryIO, Final

import numpy as np
import polars as pl

from parsers._cells import Grid, check_order, read_table
from parsers._clock import iso_utc, unix_second
from parsers._dates import DAY_FIRST, parse_moment, read_clock
from parsers._lines import excerpt_lines
from parsers._states import falls_within, follows_current, sign_current, step_types
from parsers._steps import count_steps
from parsers._table import Column, drop_empty, find_columns, numeric, places, read_columns
from parsers._units import split_header
from parsers.contract import HEAD_BYTES, Excerpt, Fact, Format, Known, Peek, Reading, Source, as_text
from warehouse.errors import ParseError

LAYOUT: Final = {
    "~time": ("test_time_second", ""),
    "dataset": ("record_index", ""),
    "datetime": ("clock", ""),
    "t-step": ("step_time_second", ""),
    "line": ("step_id", ""),
    "command": ("state", ""),
    "u": ("voltage_volt", ""),
    "i": ("current_ampere", ""),
    "p": ("power_watt", ""),
    "ah": ("net_capacity_ah", ""),
    "wh": ("net_energy_wh", ""),
    "ah-cyc-charge": ("cycle_charging_capacity_ah", "Ah"),
    "ah-cyc-discharge": ("cycle_discharging_capacity_ah", "Ah"),
    "wh-cyc-charge": ("cycle_charging_energy_wh", "Wh"),
    "wh-cyc-discharge": ("cycle_discharging_energy_wh", "Wh"),
    **{f"t{number}": (f"temperature_t{number}_celsius", "") for number in range(1, 6)},
    "cyc-count": ("cycle_count", ""),
    "state": ("source_flags", ""),
}
NEEDED: Final = frozenset({"test_time_second", "voltage_volt", "current_ampere"})
LOST_DEGREE: Final = re.compile(r"^[^\w\s]?C$")
FACT: Final = re.compile(r"^~([^:]+):\s*(.*?)\s*$")
FACTS: Final = {
    "Name of Test": "test_name",
    "Battery": "sample",
    "Testplan": "schedule",
    "Operator (Test)": "operator",
}
# Serial number and channel stand before the name of the card.
CHANNEL: Final = re.compile(r"^(?P<serial>\S+)\s+(?P<channel>CH\d+)")
# Commands that the words do not tell, and abbreviations of other languages.
CODES: Final = {"pau": "rest", "cha": "charge", "dch": "discharge", "start": "other", "stop": "other"}
CYCLE_COUNTERS: Final = tuple(
    name for name, _ in LAYOUT.values() if name.startswith("cycle_") and name != "cycle_count"
)


def sniff(peek: Peek) -> bool:
    """Whether the file begins with BaSyTec's title, or with its headings."""
    head = [line for line in peek.lines[:3] if line.startswith("~")]
    return any("basytec" in line.lower() for line in head) or any(_is_heading(line) for line in head)


def read(source: Source) -> Reading:
    """Read one converted test.

    Raises:
        ParseError: no headings, unknown units, a cell that is no number, time that goes back.
    """
    lines = Peek(source.path, source.name).lines
    line = _heading_line(lines)
    if line is None:
        detail = "the file ends before its headings, which begin with '~Time'"
        raise ParseError(source.name, detail, code="incomplete_file", line=len(lines))
    headings = _headings(lines[line - 1])
    columns = _find(headings)
    grid = Grid(line + 1, "\t", tuple(headings), places(columns), quote=None, numeric=numeric(columns))
    return read_table(source, grid, partial(_read_records, source, columns, lines[: line - 1]))


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown file."""
    return excerpt_lines(file, known, _count_above, decided=frozenset({"current_ampere"}))


def _count_above(head: bytes) -> int | None:
    return _heading_line(tuple(as_text(head[:HEAD_BYTES]).splitlines()))


def _headings(line: str) -> list[str]:
    return next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE), [])


def _find(headings: list[str]) -> dict[str, Column]:
    return find_columns(headings, LAYOUT, _split_degree)


def _split_degree(heading: str) -> tuple[str, str]:
    label, unit = split_header(heading)
    return label, "°C" if label.startswith("T") and LOST_DEGREE.match(unit) else unit


def _is_heading(line: str) -> bool:
    return line.startswith("~Time") and _find(_headings(line)).keys() >= NEEDED


def _heading_line(lines: tuple[str, ...]) -> int | None:
    return next((number for number, line in enumerate(lines, start=1) if _is_heading(line)), None)


def _read_records(source: Source, columns: Mapping[str, Column], head: tuple[str, ...], cells: pl.DataFrame) -> Reading:
    # Dates and numbers follow one setting of the computer that converted.
    comma = _has_comma(cells)
    frame = pl.DataFrame(read_columns(cells, columns, source, decimal_comma=comma))
    check_order(frame["test_time_second"], cells, source)
    if "state" in cells.columns:
        frame = sign_current(frame.with_columns(step_types(cells["state"], CODES)), source)
    # The cycle's number is set a record late, while its step goes on.
    if {"step_id", "step_time_second"} <= set(frame.columns):
        frame = frame.with_columns(count_steps(frame, ["step_id"], "step_time_second"))
    warnings: list[str] = []
    frame = _check_counters(frame, warnings)
    about = _read_facts(head)
    frame = _place_clock(frame, cells, head, source, warnings)
    if "unix_time_second" in frame.columns and frame.height and frame["unix_time_second"][0] is not None:
        about["start_time"] = iso_utc(frame["unix_time_second"][0] - frame["test_time_second"][0])
    return Reading(measurements=drop_empty(frame), about=about, warnings=tuple(warnings))


def _has_comma(cells: pl.DataFrame) -> bool:
    """Whether commas are decimal signs: tabs part the cells, and no voltage reaches thousands."""
    voltage = cells["voltage_volt"]
    return voltage.dtype == pl.String and bool(voltage.str.contains(",", literal=True).any())


def _check_counters(frame: pl.DataFrame, warnings: list[str]) -> pl.DataFrame:
    """Drop the sign of discharging counters, and counters that were set back where they should not be."""
    held = [name for name in CYCLE_COUNTERS if name in frame.columns]
    signed = [name for name in held if np.signbit(frame[name].to_numpy()).any()]
    frame = frame.with_columns(pl.col(signed).abs()) if signed else frame
    if "net_capacity_ah" in frame.columns and not follows_current(frame, "net_capacity_ah"):
        frame = frame.drop("net_capacity_ah", "net_energy_wh", strict=False)
        warnings.append("Ah and Wh do not follow the current: the test plan set them back; they are left out")
    # Without a cycle column the counters must not fall at all.
    period = ["cycle_count"] if "cycle_count" in frame.columns else []
    falling = [name for name in CYCLE_COUNTERS if name in frame.columns and falls_within(frame, name, period)]
    if falling:
        warnings.append(f"counters that fall within a cycle are left out: {', '.join(falling)}")
    return frame.drop(falling) if falling else frame


def _place_clock(
    frame: pl.DataFrame, cells: pl.DataFrame, head: tuple[str, ...], source: Source, warnings: list[str]
) -> pl.DataFrame:
    if "clock" in cells.columns:
        unix, warning = read_clock(cells["clock"], frame["test_time_second"], source, prefer=DAY_FIRST)
        warnings += [warning] if warning else []
        return frame.with_columns(unix)
    # Only day first has been seen in the title, also from English computers.
    began = parse_moment(_said(head).get("Start of Test", ""), order=DAY_FIRST)
    if began is None:
        return frame
    start = unix_second(began, source.zone)
    return frame.with_columns((pl.col("test_time_second") + start).alias("unix_time_second"))


def _said(head: tuple[str, ...]) -> dict[str, str]:
    return {match[1].strip(): match[2] for match in map(FACT.match, head) if match}


def _read_facts(head: tuple[str, ...]) -> dict[str, Fact]:
    said = _said(head)
    facts: dict[str, Fact] = {ours: said[key] for key, ours in FACTS.items() if said.get(key)}
    place = said.get("Testchannel", "")
    if place:
        facts["channel"] = place
    found = CHANNEL.match(place)
    if found:
        facts |= {"serial": found["serial"], "channel": f"{found['serial']}-{found['channel']}"}
    return facts


FORMAT = Format(
    "basytec_txt",
    "BaSyTec",
    frozenset({".txt", ".csv"}),
    "cycling",
    sniff,
    read,
    lost="counters per step and the -0 ones, R-AC and R-DC (no unit), Level, Count, t-Set and t-Cyc",
    excerpt=excerpt,
)

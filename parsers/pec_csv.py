"""PEC exports of a test's cell as text (.csv), comma separated, UTF-8 with or without a mark.

Seen: two dialects, of 2019 (SBT0550) and 2026 (ACT4); the software's version is not in the file. Layout: lines of
``key:,value`` (Request Year, Test, TestRegime Name, LotID, Start Time, Operator Instructions, …), in the older dialect
a block between ``#RESULTS CHECK`` and ``#END RESULTS CHECK``, then the headings, which begin with ``Test,Cell,``.

Headings carry their units, which differ between exports: Total Time (Seconds) or (Hours in hh:mm:ss.xxx), Step Time,
Voltage (V) or (mV), Current (A) or (mA), Charge Capacity (mAh), Charge Energy (mWh) — called Charge Capacity (mWh) in
the older dialect —, ReasonCode, Internal Resistance 1 (mOhm), temperatures, Step, Cycle, Real Time, Instruction Name.

* Current: positive charges; -1.64 A lowers the voltage and moves Discharge Capacity in the file of 2019.
* The four counters are unsigned and start anew with every cycle: in the file of 2019 Charge Capacity keeps its
  44 424.915 mAh through rest and discharge of cycle 1 and begins cycle 2 at nothing.
* Cycle counts from 0; kept as it is. Step is the regime's number; a step that recurs restarts Step Time.
* Real Time: month first (01/08/2026 17:45 and 01/09/2026 13:27 are 19.7 h apart); the site's local time.
* ReasonCode: why the record was written (30 time, 2 voltage, 3 and 5 step, …, second-hand); kept in ``source_flags``.
* Resistances of 0 were not measured: null.
* More than one Cell in a file is refused: their records are not one test.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import partial
from typing import BinaryIO, Final

import polars as pl

from parsers._cells import LINE, Grid, check_order, read_table
from parsers._clock import iso_utc
from parsers._dates import MONTH_FIRST, read_clock
from parsers._lines import excerpt_lines
from parsers._states import sign_current, step_types
from parsers._steps import count_steps
from parsers._table import Column, drop_empty, find_columns, numeric, places, read_columns
from parsers.contract import HEAD_BYTES, Excerpt, Fact, Format, Known, Peek, Reading, Source, as_text
from warehouse.errors import ParseError

LAYOUT: Final = {
    "cell": ("cell", ""),
    "rack": ("rack", ""),
    "shelf": ("shelf", ""),
    "position": ("position", ""),
    "cell id": ("cell_id", ""),
    "step": ("step_id", ""),
    "instruction name": ("state", ""),
    "cycle": ("cycle_count", ""),
    "total time": ("test_time_second", ""),
    "step time": ("step_time_second", ""),
    "real time": ("clock", ""),
    "voltage": ("voltage_volt", ""),
    "current": ("current_ampere", ""),
    "charge capacity": ("cycle_charging_capacity_ah", ""),
    "discharge capacity": ("cycle_discharging_capacity_ah", ""),
    "charge energy": ("cycle_charging_energy_wh", ""),
    "discharge energy": ("cycle_discharging_energy_wh", ""),
    "charge capacity [energy]": ("cycle_charging_energy_wh", ""),
    "discharge capacity [energy]": ("cycle_discharging_energy_wh", ""),
    "reasoncode": ("source_flags", ""),
    "internal resistance 1": ("internal_resistance_ohm", ""),
    "ambient temperature": ("ambient_temperature_celsius", ""),
    "cell surface temperature": ("surface_temperature_celsius", ""),
    "temp": ("temperature_t1_celsius", ""),
}
NEEDED: Final = frozenset({"test_time_second", "voltage_volt", "current_ampere", "step_id", "cycle_count"})
OPENING: Final = "Test,Cell,"
KEYED: Final = ("Request Year:", "TestRegime Name:", "Test:")
FACTS: Final = {
    "TestRegime Name": "schedule",
    "Test": "test_name",
    "LotID": "lot",
    "Operator Instructions": "comment",
    "Requestor": "operator",
}


def sniff(peek: Peek) -> bool:
    """Whether the file begins with PEC's keys, or with its headings."""
    # Two keys, so that a file that begins with Test: alone is not taken.
    keyed = sum(any(line.startswith(key) for key in KEYED) for line in peek.lines[:8])
    return keyed > 1 or any(_is_heading(line) for line in peek.lines[:1])


def read(source: Source) -> Reading:
    """Read the records of one cell.

    Raises:
        ParseError: no headings, unknown units, several cells, a cell that is no number, time that goes back.
    """
    lines = Peek(source.path, source.name).lines
    line = _heading_line(lines)
    if line is None:
        detail = f"the file ends before its headings, which begin with {OPENING!r}"
        raise ParseError(source.name, detail, code="incomplete_file", line=len(lines))
    headings = tuple(next(csv.reader([lines[line - 1]]), []))
    columns = find_columns(headings, LAYOUT)
    grid = Grid(line + 1, ",", headings, places(columns), numeric=numeric(columns))
    return read_table(source, grid, partial(_read_records, source, columns, lines[: line - 1]))


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown export."""
    return excerpt_lines(file, known, _count_above, decided=frozenset({"current_ampere"}))


def _count_above(head: bytes) -> int | None:
    return _heading_line(tuple(as_text(head[:HEAD_BYTES]).splitlines()))


def _is_heading(line: str) -> bool:
    return line.startswith(OPENING) and find_columns(next(csv.reader([line]), []), LAYOUT).keys() >= NEEDED


def _heading_line(lines: tuple[str, ...]) -> int | None:
    return next((number for number, line in enumerate(lines, start=1) if _is_heading(line)), None)


def _read_records(source: Source, columns: Mapping[str, Column], head: tuple[str, ...], cells: pl.DataFrame) -> Reading:
    _demand_one_cell(cells, source)
    frame = pl.DataFrame(read_columns(cells, columns, source))
    check_order(frame["test_time_second"], cells, source)
    if "internal_resistance_ohm" in frame.columns:
        # Every record has the column, few have a measurement.
        measured = pl.col("internal_resistance_ohm") != 0
        frame = frame.with_columns(pl.when(measured).then("internal_resistance_ohm"))
    if "step_time_second" in frame.columns:
        frame = frame.with_columns(count_steps(frame, ["step_id", "cycle_count"], "step_time_second"))
    if "state" in cells.columns:
        frame = sign_current(frame.with_columns(step_types(cells["state"], {})), source)
    about, warnings = _read_facts(head, cells), []
    if "clock" in cells.columns:
        unix, warning = read_clock(cells["clock"], frame["test_time_second"], source, prefer=MONTH_FIRST)
        frame = frame.with_columns(unix)
        warnings += [warning] if warning else []
        if frame.height and unix[0] is not None:
            about["start_time"] = iso_utc(unix[0] - frame["test_time_second"][0])
    return Reading(measurements=drop_empty(frame), about=about, warnings=tuple(warnings))


def _demand_one_cell(cells: pl.DataFrame, source: Source) -> None:
    if "cell" in cells.columns and cells["cell"].n_unique() > 1:
        row = (cells["cell"].rle_id() > 0).arg_max() or 0
        detail = f"records of cell {cells['cell'][row]!r} follow those of cell {cells['cell'][0]!r}"
        raise ParseError(source.name, detail, code="several_tests", line=cells[LINE][row], column="Cell")


def _read_facts(head: tuple[str, ...], cells: pl.DataFrame) -> dict[str, Fact]:
    # The block of results between # lines has no colons and adds nothing.
    said = {key.rstrip(":"): value.strip() for key, _, value in (line.partition(",") for line in head)}
    facts: dict[str, Fact] = {ours: said[key] for key, ours in FACTS.items() if said.get(key)}
    if not cells.height:
        return facts
    place = {name: cells[name][0] for name in ("rack", "shelf", "position", "cell_id") if name in cells.columns}
    if place.get("cell_id"):
        facts["sample"] = place.pop("cell_id")
    if place.get("rack") and place.get("position"):
        facts["instrument"] = place["rack"]
        # Shelf and position together are the channel; a rack has both numbered from 1.
        facts["channel"] = f"{place['rack']}-{place.get('shelf') or ''}-{place['position']}"
    return facts


FORMAT = Format(
    "pec_csv",
    "PEC",
    frozenset({".csv"}),
    "cycling",
    sniff,
    read,
    lost="energy densities, peak power, 50 % DoD, open circuit voltages, load-on and cycle times, station temperature",
    excerpt=excerpt,
)

"""Record tables of Landt (LANHE, 蓝电) testers, as text and as Excel: headings, states, counters.

Headings name their unit behind a slash: ``Record, TestTime/Sec, StepTime/Sec, Current/mA, Capacity/mAh, SpeCap/mAh/g,
Voltage/V, Energy/mWh, AuxTemp/dC., SysTime, Cycle-Index, Step-Index, Step-State`` (dC. is °C); Chinese exports have
记录序号, 测试时间, 步骤时间, 电流, 容量, 电压, 能量, 辅助温度, 系统时间, 循环序号, 工步序号, 工步状态. Times without a
unit are durations: ``1:02:03`` or ``1-02:03:04``. A dash stands for an input that is not connected.

* Step-State: R rest, C or D at the end for charge and discharge, CC, CV, Rate before it; Chinese words likewise.
* Current: signed, positive charges, in both files known. A file without a negative number gets its signs from the
  states.
* Capacity and Energy: one unsigned column for both directions. In the workbook known they run on over rests and restart
  when the direction turns, once each in a cycle: their last values are Cycle-Tab's CapC and CapD. So they count per
  cycle; each record's value goes to the direction of its step. A file where they fall within a cycle, but not within
  a step, counts per step.
* Rows whose test time is that of the row before are kept: a step's last and the next one's first record share it.

Chinese headings, unsigned currents and durations are known from public descriptions alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from parsers._cells import check_order
from parsers._clock import iso_utc
from parsers._dates import MONTH_FIRST, read_clock
from parsers._states import falls_within, sign_current, step_types
from parsers._steps import count_steps
from parsers._table import Column, drop_empty, find_columns, read_columns, split_slash
from parsers._units import parse_unit
from parsers.contract import Fact, Reading, Source
from warehouse.errors import ParseError

LAYOUT: Final = {
    "record": ("record_index", ""),
    "记录序号": ("record_index", ""),
    "数据序号": ("record_index", ""),
    "testtime": ("test_time_second", ""),
    "测试时间": ("test_time_second", ""),
    "steptime": ("step_time_second", ""),
    "步骤时间": ("step_time_second", ""),
    "工步时间": ("step_time_second", ""),
    "current": ("current_ampere", ""),
    "电流": ("current_ampere", ""),
    "voltage": ("voltage_volt", ""),
    "电压": ("voltage_volt", ""),
    "capacity": ("capacity", ""),
    "容量": ("capacity", ""),
    "energy": ("energy", ""),
    "能量": ("energy", ""),
    "auxtemp": ("temperature_t1_celsius", ""),
    "辅助温度": ("temperature_t1_celsius", ""),
    "systime": ("clock", ""),
    "系统时间": ("clock", ""),
    "cycle-index": ("cycle_count", ""),
    "cycleno": ("cycle_count", ""),
    "cycle": ("cycle_count", ""),
    "循环序号": ("cycle_count", ""),
    "step-index": ("step_id", ""),
    "stepno": ("step_id", ""),
    "step": ("step_id", ""),
    "工步序号": ("step_id", ""),
    "step-state": ("state", ""),
    "state": ("state", ""),
    "工步状态": ("state", ""),
    "工作模式": ("state", ""),
}
# A table that a laboratory made of the vendor's: the unit follows the last underscore.
LAYOUT_PLAIN: Final = {
    "channel_index": ("record_index", ""),
    "cycle_index": ("cycle_count", ""),
    "step_index": ("step_id", ""),
    "date_time_iso_string": ("clock", ""),
    "test_time": ("test_time_second", ""),
    "step_time": ("step_time_second", ""),
    "current": ("current_ampere", ""),
    "voltage": ("voltage_volt", ""),
    "discharge_capacity": ("discharging_capacity_ah", ""),
    "charge_capacity": ("charging_capacity_ah", ""),
    "discharge_energy": ("discharging_energy_wh", ""),
    "charge_energy": ("charging_energy_wh", ""),
    "temperature_1": ("temperature_t1_celsius", ""),
    "temperature_2": ("temperature_t2_celsius", ""),
    "temperature_3": ("temperature_t3_celsius", ""),
    "step_name": ("state", ""),
}
NEEDED: Final = frozenset({"record_index", "voltage_volt", "current_ampere"})
NEEDED_PLAIN: Final = frozenset({"record_index", "clock", "state", "voltage_volt", "current_ampere"})
SPLIT: Final = {"capacity": "capacity_ah", "energy": "energy_wh"}
# Names that have no period yet: which one it is, the data tell.
COUNTERS: Final = frozenset(f"{way}ing_{what}" for way in ("charg", "discharg") for what in SPLIT.values())
CODES: Final = {
    "r": "rest",
    "c": "charge",
    "d": "discharge",
    "ccc": "charge_cc",
    "ccd": "discharge_cc",
    "cvc": "charge_cv",
    "cvd": "discharge_cv",
    "c_cc": "charge_cc",
    "d_cc": "discharge_cc",
    "c_cv": "charge_cv",
    "d_cv": "discharge_cv",
    "ratec": "charge_cc",
    "rated": "discharge_cc",
    "crc": "charge",
    "crd": "discharge",
    "cpc": "charge",
    "cpd": "discharge",
}
PERIODS: Final = {"cycle": "cycle_count", "step": "step_count"}
NOT_CONNECTED: Final = ("-", "--")


def find_record_columns(headings: Sequence[str]) -> dict[str, Column]:
    """Return the columns of a record table, and none for anything else."""
    # Labels such as Record and Cycle are anybody's; the slash before the unit is Landt's.
    own = find_columns(headings, LAYOUT, _split_unit)
    if own.keys() >= NEEDED and any("/" in own[name].heading for name in ("voltage_volt", "current_ampere")):
        return own
    plain = find_columns(headings, LAYOUT_PLAIN, _split_underscore)
    return plain if plain.keys() >= NEEDED_PLAIN else {}


def build_reading(
    cells: pl.DataFrame, columns: Mapping[str, Column], source: Source, about: Mapping[str, Fact]
) -> Reading:
    """Make a reading of a record table's cells.

    Raises:
        ParseError: unknown units, a cell that is no number, time that goes back.
        ContradictionError: the current's sign contradicts the states.
    """
    connected = cells.with_columns(
        pl.when(~pl.col(name).is_in(NOT_CONNECTED)).then(name)
        for name in cells.columns
        if cells[name].dtype == pl.String and name not in {"state", "clock"}
    )
    named = {name: _schema_name(name) for name in columns}
    frame = pl.DataFrame(read_columns(connected.rename(named, strict=False), _rename(columns, named), source))
    # Whatever their period turns out to be, their unit is that of a charge or an energy.
    frame = frame.rename({f"step_{name}": name for name in COUNTERS}, strict=False)
    if "test_time_second" not in frame.columns:
        raise ParseError(
            source.name, "expected a column of the time since the test began, such as TestTime/Sec", line=1
        )
    check_order(frame["test_time_second"], cells, source)
    if "state" in cells.columns:
        frame = sign_current(frame.with_columns(step_types(cells["state"], CODES)), source)
    frame = _count_steps(frame)
    frame, warnings = _name_counters(frame)
    facts = dict(about)
    if "clock" in cells.columns:
        unix, warning = read_clock(cells["clock"], frame["test_time_second"], source, prefer=MONTH_FIRST)
        frame = frame.with_columns(unix)
        warnings += [warning] if warning else []
        if frame.height and unix[0] is not None:
            facts["start_time"] = iso_utc(unix[0] - frame["test_time_second"][0])
    return Reading(measurements=drop_empty(_drop_unconnected(frame)), about=facts, warnings=tuple(warnings))


def _split_unit(heading: str) -> tuple[str, str]:
    label, unit = split_slash(heading)
    return label, "°C" if unit == "dC." else unit


def _split_underscore(heading: str) -> tuple[str, str]:
    label, _, unit = heading.strip().rpartition("_")
    if label.startswith("temperature") and unit == "C":
        return label, "°C"
    return (label, unit) if label and parse_unit(unit) else (heading, "")


def _schema_name(name: str) -> str:
    """Give a counter, whose period is not known yet, a name under which the schema knows its quantity."""
    return f"step_{name}" if name in COUNTERS else f"net_{SPLIT[name]}" if name in SPLIT else name


def _rename(columns: Mapping[str, Column], named: Mapping[str, str]) -> dict[str, Column]:
    return {named[name]: replace(column, ours=named[name]) for name, column in columns.items()}


def _count_steps(frame: pl.DataFrame) -> pl.DataFrame:
    # Exports may leave any of these columns out.
    labels = [name for name in ("step_id", "cycle_count", "step_type") if name in frame.columns]
    if "step_time_second" not in frame.columns or not labels:
        return frame
    return frame.with_columns(count_steps(frame, labels, "step_time_second"))


def _name_counters(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Put each counter where its resetting belongs; leave out one that falls within a step."""
    if "step_type" in frame.columns:
        # The state and not the current decides: a step's first record may stand at 0 A.
        way = pl.col("step_type").cast(pl.String).str.split("_").list.first()
    else:
        sign = pl.col("current_ampere").sign()
        way = pl.when(sign > 0).then(pl.lit("charge")).when(sign < 0).then(pl.lit("discharge"))
    own = any(f"net_{what}" in frame.columns for what in SPLIT.values())
    for what in SPLIT.values():
        name = f"net_{what}"
        if name in frame.columns:
            frame = frame.with_columns(
                pl.when(way == f"{each}e").then(name).alias(f"{each}ing_{what}") for each in ("charg", "discharg")
            ).drop(name)
    counters = sorted(COUNTERS & set(frame.columns))
    # All restart together: one that never falls within a cycle proves nothing about the others. Two columns are those
    # of the step in the file known; a single one is that of the cycle.
    periods = PERIODS if own else tuple(reversed(PERIODS))
    period = next((each for each in periods if all(_fits(frame, name, PERIODS[each]) for name in counters)), "step")
    falling = [name for name in counters if not _fits(frame, name, PERIODS[period])]
    renamed = frame.drop(falling).rename({name: f"{period}_{name}" for name in counters if name not in falling})
    return renamed, [f"the counter of {name} falls within a step and is left out" for name in falling]


def _fits(frame: pl.DataFrame, name: str, period: str) -> bool:
    return period in frame.columns and not falls_within(frame, name, [period])


def _drop_unconnected(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out temperatures that are 0 in every record: inputs without a sensor."""
    inputs = [name for name in frame.columns if name.startswith("temperature_")]
    return frame.drop(name for name in inputs if frame.height and (frame[name] == 0).all())

"""PNE's SaveData rows as measurements: files put in order, units applied, what contradicts itself refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from parsers._clock import iso_utc, unix_seconds
from parsers._folder import last_part, parent, refuse_layout
from parsers._numbers import shift_decimals
from parsers._pne_checks import check_arithmetic, check_sign, counted_charge, local_clock
from parsers._pne_folder import END_DATA, SAVE_DATA, facts_of, without_earlier
from parsers._pne_layout import LINE, SAMPLE, read_rows
from parsers._pne_unit import Unit, check_unit, profile_for, read_cyc
from parsers._steps import count_steps, restarts_with_steps
from parsers.contract import Fact, Reading, Source
from warehouse.errors import ParseError
from warehouse.schema import STEP_TYPE

STEP_KINDS: Final = {
    1: "charge",
    2: "discharge",
    3: "rest",
    4: "rest",
    5: "pulse",
    9: "charge_cccv",
}
# Marks between steps: no sample was taken.
MARKS: Final = {6: "end", 8: "loop"}
DAY_TICKS: Final = 8_640_000
TICKS: Final = 100.0
MICRO, MILLI, CENTI = 6, 3, 2
SENSORS: Final = ("t1", "t2", "t3", "t4")
# What a record is, besides its number: two with the same are one record that was written twice.
CONTENT: Final = ("type", "step", "cycle", "voltage", "current", "ticks", "step_ticks", "date", "clock")


def read_folder(source: Source, members: Mapping[str, bytes]) -> Reading:
    """Read one channel's folder: its SaveData files, the step ends that they lack, its unit.

    Raises:
        ParseError: several channels, an unknown layout or step, no unit profile, time that goes back.
        ContradictionError: unit or sign contradict the rest of the folder.
    """
    data, ends = _find_files(source, members)
    unit = profile_for(source, members)
    rows, notes = _read_files(source, members, data)
    extra, _ = _read_files(source, members, ends)
    rows, more = _add_ends(rows, extra)
    rows, order_notes = _put_in_order(rows, source)
    warnings = [*notes, *more, *order_notes, *(check_unit(rows, unit, members, source) if rows.height else [])]
    warnings += _later_in_cyc(rows, members)
    return to_reading(rows, unit, source, facts_of(source, members, data[0]), warnings)


def read_single(source: Source, raw: bytes) -> Reading:
    """Read one SaveData file by itself.

    Raises:
        ParseError: as for a folder; also where it is the list of step ends.
    """
    rows, torn = read_rows(raw, source)
    if rows.height > 1 and step_starts(_add_ticks(rows)).all():
        detail = "one row per step end (SaveEndData): drop the whole channel folder with its SaveData files as a zip"
        raise ParseError(source.name, detail, code="needs_companions")
    unit = profile_for(source, {})
    rows, notes = _put_in_order(_add_ticks(rows), source)
    notes += check_unit(rows, unit, {}, source) if rows.height else []
    return to_reading(rows, unit, source, {}, [*_torn_note(source.name, torn=torn), *notes])


def to_reading(
    rows: pl.DataFrame, unit: Unit, source: Source, about: Mapping[str, Fact], warnings: Iterable[str]
) -> Reading:
    """Turn rows in order into a reading."""
    if rows.is_empty():
        return Reading(about={"instrument": "PNE", **about}, warnings=tuple(warnings))
    unknown = sorted(set(rows["type"].unique()) - STEP_KINDS.keys() - MARKS.keys())
    if unknown:
        line = rows.filter(pl.col("type") == unknown[0])[LINE].item(0)
        raise refuse_layout(source.name, f"step type {unknown[0]} is not known", SAMPLE, line=line)
    marks = rows["type"].is_in(list(MARKS))
    rows = rows.filter(~marks)
    notes = [f"{marks.sum()} rows that mark a loop or the end hold no sample and are left out"] if marks.any() else []
    check_arithmetic(rows, step_starts(rows), unit, source)
    frame = rows.select(
        _shifted(rows["ticks"], CENTI, "test_time_second"),
        _shifted(rows["step_ticks"], CENTI, "step_time_second"),
        _shifted(rows["voltage"], MICRO, "voltage_volt"),
        _shifted(rows["current"], unit.shift, "current_ampere"),
        pl.col("cycle").alias("cycle_count"),
        pl.col("step").alias("step_id"),
        pl.col("index").alias("record_index"),
        pl.col("code").alias("source_flags"),
        rows["type"].replace_strict(STEP_KINDS, return_dtype=STEP_TYPE).alias("step_type"),
        count_steps(rows, ("cycle", "step", "type"), "step_ticks"),
        *_sensors(rows),
        *_clock(rows, source),
    )
    check_sign(frame, source)
    counters, counter_notes = _counters(rows, frame, unit)
    frame = frame.with_columns(counters)
    start = frame["unix_time_second"].drop_nulls().head(1).to_list() if "unix_time_second" in frame.columns else []
    facts = {"instrument": "PNE", **about} | ({"start_time": iso_utc(start[0])} if start else {})
    return Reading(measurements=frame, about=facts, warnings=(*warnings, *notes, *counter_notes))


def _find_files(source: Source, members: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    data = [name for name in members if SAVE_DATA.search(name)]
    if not data:
        raise ParseError(source.name, "no SaveData file inside", code="needs_companions")
    folders = {without_earlier(parent(name)) for name in data}
    if len(folders) > 1:
        detail = f"{len(folders)} channels ({', '.join(sorted(folders))}): drop one channel folder per archive"
        raise ParseError(source.name, detail, code="several_tests")
    return data, [name for name in members if END_DATA.search(name) and parent(name) in folders]


def _read_files(source: Source, members: Mapping[str, bytes], names: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
    """Read files of one layout into one table, in the order of their first records."""
    tables, notes = [], []
    for name in names:
        raw = members[name]
        if not raw.strip():
            continue
        rows, torn = read_rows(raw, replace(source, name=f"{source.name}!{name}"))
        tables.append(_add_ticks(rows))
        notes += _torn_note(last_part(name), torn=torn)
    if len({tuple(table.columns) for table in tables}) > 1:
        raise refuse_layout(source.name, "the SaveData files have different column layouts", SAMPLE)
    filled = [table for table in tables if table.height] or tables
    # Neither names nor their order say which file is older: the numbering wraps.
    filled.sort(key=lambda table: table["index"].item(0) if table.height else 0)
    return (pl.concat(filled) if filled else pl.DataFrame()), notes


def _torn_note(name: str, *, torn: bool) -> list[str]:
    return [f"the last line of {name} is cut off and left out"] if torn else []


def _add_ticks(rows: pl.DataFrame) -> pl.DataFrame:
    """Join days and hundredths of seconds."""
    zero = pl.lit(0, dtype=pl.Int64)
    days = [pl.col(name) if name in rows.columns else zero for name in ("total_day", "step_day")]
    return rows.with_columns(
        ticks=days[0] * DAY_TICKS + pl.col("total_time"), step_ticks=days[1] * DAY_TICKS + pl.col("step_time")
    )


def _add_ends(rows: pl.DataFrame, ends: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Add the step ends whose own files are gone: the controller overwrites old SaveData, never SaveEndData."""
    if ends.is_empty() or rows.is_empty() or ends.columns != rows.columns:
        return rows, []
    lost = ends.join(rows.select("index"), on="index", how="anti").filter(~pl.col("type").is_in(list(MARKS)))
    if lost.is_empty():
        return rows, []
    note = f"{lost.height} step ends are known from SaveEndData alone: the SaveData files of their steps are missing"
    return pl.concat([rows, lost]), [note]


def _put_in_order(rows: pl.DataFrame, source: Source) -> tuple[pl.DataFrame, list[str]]:
    """Order records by their number; drop what was recorded twice; refuse two tests in one."""
    if rows.is_empty():
        return rows, []
    content = [name for name in CONTENT if name in rows.columns]
    rows = rows.unique(["index", *content], keep="first", maintain_order=True).sort("index", maintain_order=True)
    again = rows["index"].is_duplicated()
    if again.any():
        number = rows.filter(again)["index"].item(0)
        detail = f"record {number} occurs twice with different values: files of two tests lie together"
        raise ParseError(source.name, detail, code="several_tests", line=rows.filter(again)[LINE].item(1))
    height = rows.height
    # A restart records what it has again under new numbers: the later record is the one to keep.
    rows = rows.unique(content, keep="last", maintain_order=True)
    notes = [f"{height - rows.height} records that were recorded twice are taken once"] if rows.height < height else []
    back = (rows["ticks"].diff() < 0).arg_true()
    if len(back):
        row = int(back[0])
        before, after = rows["ticks"][row - 1] / TICKS, rows["ticks"][row] / TICKS
        detail = f"test time goes back from {before} s to {after} s at record {rows['index'][row]}"
        raise ParseError(source.name, detail, code="time_goes_back", line=rows[LINE][row])
    missing = int(rows["index"].max() or 0) - height  # type: ignore[arg-type]  # the column holds whole numbers
    if missing > 0:
        notes.append(f"{missing} records before these or between them are not here: old SaveData files are overwritten")
    return rows, notes


def step_starts(rows: pl.DataFrame) -> pl.Series:
    steps = rows.select(count_steps(rows, ("cycle", "step", "type"), "step_ticks")).to_series()
    return steps.diff().fill_null(1) > 0


def _counters(rows: pl.DataFrame, frame: pl.DataFrame, unit: Unit) -> tuple[list[pl.Series], list[str]]:
    """Return the capacity counters, if they restart with every step in this file."""
    if not restarts_with_steps(
        frame, _shifted(pl.Series(counted_charge(rows)), unit.shift, "counter"), 10.0**-unit.shift
    ):
        return [], ["the capacity counters do not restart with every step and are left out"]
    if "charge" in rows.columns:
        both = (rows["charge"].abs(), rows["discharge"].abs())
    else:
        # One counter for both directions: the step says which.
        ways = frame["step_type"].cast(pl.String)
        both = tuple(  # type: ignore[assignment]  # two names give two series
            rows["capacity"].abs().set(~ways.str.starts_with(way), 0) for way in ("charge", "discharge")
        )
    names = ("step_charging_capacity_ah", "step_discharging_capacity_ah")
    return [_shifted(counter, unit.shift, name) for counter, name in zip(both, names, strict=True)], []


def _shifted(values: pl.Series, shift: int, name: str) -> pl.Series:
    return pl.Series(name, shift_decimals(values.cast(pl.Float64).to_numpy(), shift))


def _sensors(rows: pl.DataFrame) -> list[pl.Series]:
    """Return the temperatures that are connected, and the resistance where one was measured."""
    # An input without a sensor reads 0 m°C throughout; a sensor never does.
    connected = [name for name in SENSORS if name in rows.columns and (rows[name] != 0).any()]
    found = [_shifted(rows[name], MILLI, f"temperature_{name}_celsius") for name in connected]
    resistance = _shifted(rows["resistance"], MICRO, "internal_resistance_ohm")
    measured = resistance.set(rows["resistance"] <= 0, None)
    return [*found, *([measured] if measured.count() else [])]


def _clock(rows: pl.DataFrame, source: Source) -> list[pl.Series]:
    if "date" not in rows.columns:
        return []
    unix = unix_seconds(local_clock(rows), source.zone).alias("unix_time_second")
    return [unix] if unix.count() else []


def _later_in_cyc(rows: pl.DataFrame, members: Mapping[str, bytes]) -> list[str]:
    """Tell of records that only the .cyc holds: the controller's files reach the PC at midnight."""
    last = rows["index"].max() if rows.height else None
    for name, content in members.items():
        read = read_cyc(content) if name.lower().endswith(".cyc") else None
        if read is not None and isinstance(last, int) and (later := len(read[1]) - last) > 0:
            return [f"{last_part(name)} holds {later} later records; they will be in the SaveData files after midnight"]
    return []

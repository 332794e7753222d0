"""Toyo's records as measurements: signs from the state, one time from many that restart, CAPACITY.LOG as the judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from parsers._clock import iso_utc, unix_seconds
from parsers._numbers import Doubles
from parsers._steps import count_steps
from parsers._toyo_table import FILE, LINE, wall_clock
from parsers.contract import Fact, Reading, Source
from warehouse.errors import ContradictionError, ParseError
from warehouse.schema import MEASUREMENTS, STEP_TYPE

CHARGE, DISCHARGE, REST, ABORT = "charge", "discharge", "rest", "abort"
REQUIRED: Final = ("elapsed", "voltage", "current", "kind")
LABELS: Final = ("total", "mode", "kind")
# The wall clock has whole seconds: only more than this is a pause.
PAUSE: Final = 2.0
TIME_DECIMALS: Final = 6
CLOCK_RATIO: Final = (0.5, 2.0)
LONG: Final = 5.0
HOUR: Final = 3600.0
# How far the charge of the usual step, and of a single one, may be off what the tester counted.
WRONG, NOTABLE = 0.1, 0.02


@dataclass(frozen=True)
class Origin:
    """Where records came from: the source, and the names of its files by the numbers in the records' column."""

    source: Source
    files: Sequence[str]

    def place(self, rows: pl.DataFrame, row: int) -> tuple[str, int]:
        """Return file and line of a record."""
        number = rows[FILE][row] if FILE in rows.columns else 0
        return self.files[number], rows[LINE][row]


def to_reading(rows: pl.DataFrame, origin: Origin, about: Mapping[str, Fact], warnings: list[str]) -> Reading:
    """Turn records into a reading.

    Args:
        rows: ``elapsed, voltage, current`` in SI units, ``kind`` (charge, discharge, rest or abort), and where known
            ``date, time, mode, total, temperature``.
        origin: for messages and the zone.
        about: facts.
        warnings: what was noticed so far.
    """
    source = origin.source
    rows, notes = _drop_directionless(rows)
    _demand_values(rows, origin)
    if rows.is_empty():
        return Reading(about=about, warnings=(*warnings, *notes))
    local = wall_clock(rows)
    steps = count_steps(rows, [name for name in LABELS if name in rows.columns])
    time = _test_time(rows, steps, local, source)
    first = np.maximum.accumulate(np.where(steps.diff().fill_null(1).to_numpy() > 0, np.arange(len(steps)), 0))
    elapsed = rows["elapsed"].to_numpy()
    frame = pl.DataFrame(
        {
            "test_time_second": time,
            "voltage_volt": rows["voltage"],
            "current_ampere": _signed(rows),
            "step_count": steps,
            "step_type": rows["kind"].cast(STEP_TYPE),
            "step_time_second": np.round(time - time[first] + elapsed[first], TIME_DECIMALS),
        }
    )
    frame = frame.with_columns(*_counts(rows), *_temperature(rows), *_clock(local, source))
    wanted = [name for name in MEASUREMENTS.names if name in frame.columns]
    return Reading(measurements=frame.select(wanted), about=_start(frame, about), warnings=(*warnings, *notes))


def compare_capacity(frame: pl.DataFrame, log: pl.DataFrame, source: Source) -> list[str]:
    """Compare the integral of the current with what the tester counted for the same steps.

    Args:
        frame: measurements with ``cycle_count`` (the total cycle).
        log: ``total``, ``kind`` and ``capacity`` in Ah, one row a step; a charge in stages has several.
        source: for the message.

    Returns:
        Warnings about single steps.

    Raises:
        ContradictionError: the usual step differs by more than 10 %.
    """
    time, current = frame["test_time_second"].to_numpy(), np.abs(frame["current_ampere"].to_numpy())
    same = np.diff(frame["step_count"].to_numpy(), prepend=0) == 0
    # What flowed before a step's first record counts for that record.
    since = np.where(same, np.diff(time, prepend=0.0), frame["step_time_second"].to_numpy())
    mean = np.where(same, (current + np.roll(current, 1)) / 2, current)
    ours = frame.select(
        total=pl.col("cycle_count"), kind=pl.col("step_type").cast(pl.String), moved=pl.Series(mean * since / HOUR)
    )
    ours = ours.group_by("total", "kind").agg(pl.col("moved").sum())
    theirs = log.group_by("total", "kind").agg(pl.col("capacity").sum()).filter(pl.col("capacity") > 0)
    both = theirs.join(ours, on=["total", "kind"]).with_columns(ratio=pl.col("moved") / pl.col("capacity"))
    if both.is_empty():
        return ["CAPACITY.LOG has no step in common with the records"]
    usual = float(np.median(both["ratio"].to_numpy()))
    if not abs(usual - 1) < WRONG:
        detail = f"the integral of the current is {usual:.4g} of what CAPACITY.LOG counted: check the current's unit"
        raise ContradictionError(source.name, detail, code="unit_factor")
    off = both.filter((pl.col("ratio") - 1).abs() > NOTABLE).sort((pl.col("ratio") - 1).abs(), descending=True)
    missing = theirs.height - both.height
    notes = [f"{missing} steps of CAPACITY.LOG have no records here"] if missing else []
    if off.height:
        worst = off.row(0, named=True)
        place = f"total cycle {worst['total']}, {worst['kind']}"
        notes.append(
            f"{off.height} steps differ from CAPACITY.LOG by more than 2 %, most {worst['ratio'] - 1:+.1%} ({place})"
        )
    return notes


def _drop_directionless(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Leave out records whose current has no direction: an abort, a rest with current."""
    aborted = rows["kind"] == ABORT
    restless = (rows["kind"] == REST) & (rows["current"] != 0)
    notes = []
    if aborted.any():
        notes.append(
            f"{aborted.sum()} records of an abort (state 9, 中断) are left out: their current has no direction"
        )
    if restless.any():
        notes.append(f"{restless.sum()} records at rest with a current are left out: it has no direction")
    dropped = (aborted | restless).fill_null(value=False)
    return rows.filter(~dropped), notes


def _demand_values(rows: pl.DataFrame, origin: Origin) -> None:
    for name in REQUIRED:
        empty = rows[name].is_null().arg_true()
        if len(empty):
            file, line = origin.place(rows, int(empty[0]))
            raise ParseError(file, "expected a number, found none", line=line, column=name, code="missing_value")
    for name in ("current", "elapsed"):
        negative = (rows[name] < 0).arg_true()
        if len(negative):
            file, line = origin.place(rows, int(negative[0]))
            detail = f"the {name} has no sign in these files, but here it is negative"
            raise ContradictionError(file, detail, code="sign", line=line, column=name)


def _signed(rows: pl.DataFrame) -> Doubles:
    current = rows["current"].to_numpy()
    # 0.0 - x keeps zero positive.
    return np.where((rows["kind"] == DISCHARGE).to_numpy(), 0.0 - current, current)


def _test_time(rows: pl.DataFrame, steps: pl.Series, local: pl.Series | None, source: Source) -> Doubles:
    """Join the elapsed times, which restart with states and sub-steps, into one; pauses are the wall clock's.

    Where a step begins without the elapsed time going down, the wall clock tells whether it restarted.
    """
    elapsed = rows["elapsed"].to_numpy()
    went_on, again = np.diff(elapsed), elapsed[1:]
    begins = np.diff(steps.to_numpy()) > 0
    wall = _wall_steps(local, len(rows))
    restarted = (went_on < 0) | (begins & ~(np.abs(wall - went_on) < np.abs(wall - again)))
    passed = np.where(restarted, again, went_on)
    _check_clock(wall, np.where(restarted, np.nan, passed), source)
    paused = restarted & (wall - passed > PAUSE)
    passed = np.where(paused, wall, passed)
    return np.asarray(np.round(np.cumsum(np.concatenate((elapsed[:1], passed))), TIME_DECIMALS), dtype=np.float64)


def _wall_steps(local: pl.Series | None, rows: int) -> Doubles:
    """Return seconds between records by the wall clock; NaN where it is unknown."""
    if local is None:
        return np.full(max(0, rows - 1), np.nan)
    seconds = local.dt.epoch("ms").cast(pl.Float64).fill_null(np.nan).to_numpy() / 1e3
    return np.diff(seconds)


def _check_clock(wall: Doubles, passed: Doubles, source: Source) -> None:
    """Refuse an elapsed time that does not run with the wall clock."""
    long = (passed >= LONG) & np.isfinite(wall)
    if not long.any():
        return
    ratio = float(np.median(wall[long] / passed[long]))
    if not CLOCK_RATIO[0] <= ratio <= CLOCK_RATIO[1]:
        detail = f"the wall clock runs {ratio:.4g} times as fast as the elapsed time: check its unit"
        raise ContradictionError(source.name, detail, code="unit_factor")


def _counts(rows: pl.DataFrame) -> list[pl.Series]:
    # A program of several modes restarts the cycle; the total goes on.
    names = {"total": "cycle_count", "mode": "step_id"}
    return [rows[name].alias(ours) for name, ours in names.items() if name in rows.columns and rows[name].count()]


def _temperature(rows: pl.DataFrame) -> list[pl.Series]:
    # 0 throughout is an input without a sensor.
    if "temperature" not in rows.columns or not (rows["temperature"] != 0).any():
        return []
    return [rows["temperature"].alias("temperature_t1_celsius")]


def _clock(local: pl.Series | None, source: Source) -> list[pl.Series]:
    if local is None or not local.count():
        return []
    return [unix_seconds(local, source.zone).alias("unix_time_second")]


def _start(frame: pl.DataFrame, about: Mapping[str, Fact]) -> dict[str, Fact]:
    first = frame["unix_time_second"].drop_nulls().head(1).to_list() if "unix_time_second" in frame.columns else []
    return {"instrument": "Toyo TOSCAT", **about} | ({"start_time": iso_utc(first[0])} if first else {})

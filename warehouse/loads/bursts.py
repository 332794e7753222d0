"""Bursts within a step: a load that a program drives, and of which the instrument makes no steps of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes
from warehouse.loads.records import SECONDS_PER_HOUR
from warehouse.metrics.inputs import TestInputs
from warehouse.pulses import HELD, JUMP, WEAKEST_PART
from warehouse.schema import STEP_TYPE

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

# One rise may be a late beginning, one fall a taper.
FEWEST_BURSTS: Final = 2
# Below this part of the step's largest current a jump is noise about a current that passes zero.
BURST_PART: Final = 0.3
# What flows between bursts below this part of the largest current is a rest.
REST_PART: Final = 0.0015


def cut_bursts(inputs: TestInputs, rows: pl.DataFrame) -> tuple[TestInputs, Integers]:
    """Return the test with a step for every burst and every pause between, and of each the step that it lies in.

    Args:
        inputs: the test.
        rows: its measurements: time, voltage and current.
    """
    first = inputs.first_rows
    jumps = _find_jumps(np.abs(rows["current_ampere"].to_numpy()), first, ~HELD[codes(inputs.steps["kind"], 0)])
    step = np.searchsorted(first, jumps, side="right") - 1
    if not len(jumps):
        return inputs, np.arange(len(first))
    starts = np.union1d(first, jumps)
    within = np.searchsorted(first, starts, side="right") - 1
    cut = np.isin(within, step)
    pieces = inputs.steps[within].with_columns(records=pl.Series(np.diff(starts, append=rows.height)))
    fresh = _describe(rows, starts)
    mask = pl.Series(cut)
    pieces = pieces.with_columns(
        # What is no burst's step stays as it is.
        pl.when(mask).then(pl.lit(values, dtype=pieces.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, values in fresh.items()
    )
    return replace(inputs, steps=pieces), within


def _find_jumps(size: Doubles, first: Integers, free: Mask) -> Integers:
    """Return the records with which bursts and pauses begin, in steps that have several of either.

    At a held voltage the cell decides on the current.
    """
    higher, lower = np.maximum(size[1:], size[:-1]), np.minimum(size[1:], size[:-1])
    place: Integers = np.flatnonzero((higher >= JUMP * lower) & (higher > WEAKEST_PART * size.max(initial=0.0))) + 1
    step = np.searchsorted(first, place, side="right") - 1
    inside = free[step] & (first[step] != place)
    place, step = place[inside], step[inside]
    if not len(place):
        return place
    strong = BURST_PART * np.maximum.reduceat(size, first)[step]
    place, step = (of[higher[place - 1] >= strong] for of in (place, step))
    up = size[place] > size[place - 1]
    follows = np.append(False, place[1:] == place[:-1] + 1)
    # What lasts a single record may be noise; a burst may rise over a few, of which the first is its beginning.
    alone = follows & np.append(False, up[:-1] & ~up[1:])
    again = follows & np.append(False, up[1:] == up[:-1])
    good = ~(alone | np.append(alone[1:], False) | again)
    several = free.copy()
    for way in (up, ~up):
        several &= np.bincount(step[good & way], minlength=len(first)) >= FEWEST_BURSTS
    jumps: Integers = place[good & several[step]]
    return jumps


def _describe(rows: pl.DataFrame, starts: Integers) -> dict[str, pl.Series]:
    """Return of each piece what a step tells of itself, by column name."""
    time, voltage, current = (rows[name].to_numpy() for name in ("test_time_second", "voltage_volt", "current_ampere"))
    last = np.append(starts[1:], rows.height) - 1
    seconds = time[last] - time[starts]
    charge, energy = (_integrate(time, values, starts, last) for values in (current, voltage * current))
    mean = np.divide(charge * SECONDS_PER_HOUR, seconds, out=current[starts].copy(), where=seconds > 0)
    resting = np.abs(mean) < REST_PART * np.abs(current).max()
    words = np.where(resting, "rest", np.where(mean > 0, "charge_cc", "discharge_cc"))
    columns: dict[str, Any] = {
        "start_time_second": time[starts],
        "duration_second": seconds,
        "first_voltage_volt": voltage[starts],
        "last_voltage_volt": voltage[last],
        "first_current_ampere": current[starts],
        "last_current_ampere": current[last],
        "mean_current_ampere": mean,
        "primary_charge_ah": charge,
        "primary_energy_wh": energy,
    }
    if "unix_time_second" in rows.columns:
        columns["start_unix_time_second"] = rows["unix_time_second"].gather(starts)
    return {name: pl.Series(values) for name, values in columns.items()} | {"kind": pl.Series(words).cast(STEP_TYPE)}


def _integrate(time: Doubles, values: Doubles, starts: Integers, last: Integers) -> Doubles:
    """Return the integral over each piece in hours, by trapezoid."""
    areas = np.append(0.5 * (values[1:] + values[:-1]) * np.diff(time), 0.0)
    areas[last] = 0.0
    return np.add.reduceat(areas, starts) / SECONDS_PER_HOUR

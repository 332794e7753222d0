"""Leakage from the current that holds a cell at one voltage.

formula: I(t) = I_leak + A/√t, t from where the voltage was reached, by least squares in means over equal spans of time
formula: I_float = median of the current over the last 24 hours, time-weighted
condition: the channel's offset is subtracted where the manifest states it for the channel; the row says whether
condition: the last half of the fitted part gives the same leakage within the recipe's part, and at the end of the hold
    A/√t is a part of I_leak
refused: a hold that is too short, a current that still falls, an interval that is wider than the figure
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from warehouse.arrays import codes, doubles
from warehouse.lines import Line, average_evenly, find_step, fit_line
from warehouse.metrics.inputs import TestInputs
from warehouse.schema import STEP_TYPES
from warehouse.storage.decay import Records
from warehouse.storage.recipe import StorageRecipe

Doubles = NDArray[np.float64]
Values = dict[str, Any]

HOUR: Final = 3600.0
DAY_HOURS: Final = 24.0
HOLDING: Final = np.array([kind.endswith("cv") for kind in STEP_TYPES])
# Moments at which the last day's current is looked at: every five minutes.
MOMENTS: Final = 289


@dataclass(frozen=True)
class Hold:
    """What flowed at a held voltage.

    Args:
        hours: since the voltage was reached.
        current: in A; positive charges.
        voltage: mean, in V.
    """

    hours: Doubles
    current: Doubles
    voltage: float


def find_holds(inputs: TestInputs, recipe: StorageRecipe) -> list[int]:
    """Return the steps, from 0, that end at a held voltage and may have been held long enough to be asked."""
    long = doubles(inputs.steps["duration_second"]) >= recipe.considered_hold_hour * HOUR
    return np.flatnonzero(long & HOLDING[codes(inputs.steps["kind"], 0)]).tolist()


def describe_hold(records: Records, step: int, recipe: StorageRecipe) -> Values | None:
    """Return the row of ``schema.FLOAT_LEAKAGE`` of a hold; None where only a short end of the step was held.

    Args:
        records: of the test.
        step: the step, from 0.
        recipe: thresholds.
    """
    steps = records.inputs.steps
    place = records.of_steps(step, step)
    hold, begin = read_hold(records, place, recipe)
    if hold.hours[-1] < recipe.considered_hold_hour:
        return None
    offset = (records.inputs.channel or {}).get("current_offset_ampere")
    quantum = find_step(hold.current)
    since = float(records.time[begin] - records.time[place.start])
    clock = steps["start_unix_time_second"][step]
    row: Values = {
        "step_count": steps["step_count"][step],
        "start_time_second": float(records.time[begin]),
        "start_unix_time_second": clock + since if clock is not None else None,
        "hold_hour": float(hold.hours[-1]),
        "voltage_volt": hold.voltage,
        "current_offset_ampere": offset,
        "current_offset_source": "unknown" if offset is None else "channel",
        "current_quantum_ampere": quantum,
        "last_day_ampere": find_last_day(hold, offset or 0.0),
        "hold_charge_ah": float(np.sum(0.5 * (hold.current[1:] + hold.current[:-1]) * np.diff(hold.hours))),
        "temperature_celsius": steps["mean_temperature_celsius"][step],
    }
    flags = ["offset_unknown"] if offset is None else []
    return {**row, **fit_leakage(hold, offset or 0.0, quantum, recipe), "flags": ",".join(flags)}


def read_hold(records: Records, place: slice, recipe: StorageRecipe) -> tuple[Hold, int]:
    """Return the end of a step in which the voltage stood, and the number of its first record."""
    voltage = records.voltage[place]
    # One record may be off; the last quarter together is where the voltage stands.
    level = float(np.median(voltage[-max(len(voltage) // 4, 1) :]))
    far = np.flatnonzero(np.abs(voltage - level) > recipe.held_within_volt)
    begin = place.start + (min(int(far[-1]) + 1, len(voltage) - 1) if len(far) else 0)
    held = slice(begin, place.stop)
    hours = (records.time[held] - records.time[begin]) / HOUR
    return Hold(hours, records.current[held], float(records.voltage[held].mean())), begin


def find_last_day(hold: Hold, offset: float) -> float | None:
    """Return the median current of the last 24 hours; None for a shorter hold."""
    end = float(hold.hours[-1])
    if end < DAY_HOURS:
        return None
    # Instruments record a falling current ever more seldom; time counts, not records.
    moments = np.linspace(end - DAY_HOURS, end, MOMENTS)
    return float(np.median(np.interp(moments, hold.hours, hold.current))) - offset


def fit_leakage(hold: Hold, offset: float, quantum: float, recipe: StorageRecipe) -> Values:
    """Return the leakage with its interval, or why there is none.

    Args:
        hold: the hold.
        offset: of the channel, to be subtracted.
        quantum: smallest step of the recorded currents.
        recipe: thresholds.
    """
    begin = recipe.float_skip * float(hold.hours[-1])
    whole, late = (_fit(hold, since, recipe) for since in (begin, 0.5 * (begin + float(hold.hours[-1]))))
    row: Values = {"status": "refused", "fitted_hour": float(hold.hours[-1]) - begin}
    if hold.hours[-1] < recipe.shortest_hold_hour or whole is None:
        return {**row, "reason": "hold_too_short"}
    # A constant current within one quantum may lie half of it off.
    leakage, reach = whole.intercept - offset, float(np.hypot(whole.intercept_reach, quantum / 2))
    row["root_time_ampere_root_second"] = whole.slope * HOUR**0.5
    if late is not None:
        row["late_leakage_ampere"] = late.intercept - offset
        apart = abs(late.intercept - whole.intercept)
        if apart > recipe.settled * abs(leakage) and apart > reach + late.intercept_reach:
            return {**row, "reason": "not_settled"}
    # What has yet to decay would be extrapolated by a law that may not hold so far.
    if abs(whole.slope) * float(hold.hours[-1]) ** -0.5 > recipe.largest_transient * abs(whole.intercept):
        return {**row, "reason": "not_settled"}
    if reach > recipe.widest_interval * abs(leakage):
        return {**row, "reason": "not_resolved"}
    figures = {"leakage_ampere": leakage, "leakage_low_ampere": leakage - reach, "leakage_high_ampere": leakage + reach}
    return {**row, "status": "measured", "reason": None, **figures}


def _fit(hold: Hold, since: float, recipe: StorageRecipe) -> Line | None:
    used = hold.hours >= max(since, 1e-9)
    if np.count_nonzero(used) < recipe.fewest_points:
        return None
    hours, current = average_evenly(hold.hours[used], hold.current[used], 2 * recipe.decay_parts)
    return fit_line(hours**-0.5, current, recipe.confidence)

"""Self-discharge from the slope of the open-circuit voltage.

formula: I_sd = C_d·(-dV/dt); C_d = dQ/dV at the voltage of the rest, from the slowest discharge of the same test that
    passes there, its ohmic drop added back
formula: meter bias = V/R_in, R_in the input resistance of the channel's voltmeter: a part of I_sd, and not the cell's
condition: only what lies behind the recipe's hours of relaxation is fitted, in means over equal spans of time
condition: the slopes of both halves agree, the voltage falls by several of its quanta, dQ/dV is known well enough
refused: on a flat plateau, where dQ/dV is not; where the voltage rises; where the rest is too short
source: T. Deutschen, S. Gasser, M. Schaller and J. Siehr, J. Energy Storage 19 (2018) 113, on slopes of the voltage
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
from warehouse.storage.recipe import StorageRecipe

Doubles = NDArray[np.float64]
Values = dict[str, Any]

HOUR: Final = 3600.0
SIGMAS: Final = 3.0
# Of independent values; a straight line has no second difference.
SIGMA_OF_SECOND_DIFFERENCE: Final = 6**-0.5
RESTING: Final = np.array([kind in {"rest", "pause"} for kind in STEP_TYPES])
SLOW: Final = np.array([kind in {"discharge", "discharge_cc", "discharge_cccv"} for kind in STEP_TYPES])


@dataclass(frozen=True)
class Records:
    """The records of a test, and where its steps lie in them."""

    time: Doubles
    voltage: Doubles
    current: Doubles
    inputs: TestInputs

    def of_steps(self, first: int, last: int) -> slice:
        """Return the records of steps, both ends included, numbered from 0."""
        begin = int(self.inputs.first_rows[first])
        return slice(begin, int(self.inputs.first_rows[last]) + int(self.inputs.steps["records"][last]))


@dataclass(frozen=True)
class Slope:
    """How the voltage fell behind the relaxation: time in h, voltage in V.

    Args:
        line: voltage over time.
        bend: slope of the last half less that of the first.
        bend_reach: how large that may be from noise between neighbours alone.
        hours: how long.
        voltage: mean.
        quantum: smallest step of the recorded voltages.
    """

    line: Line
    bend: float
    bend_reach: float
    hours: float
    voltage: float
    quantum: float


@dataclass(frozen=True)
class Capacity:
    """dQ/dV in Ah/V with half its interval, and the discharge that it comes from."""

    value: float
    reach: float
    step: int
    corrected: bool


def read_records(inputs: TestInputs) -> Records:
    """Read the records of a test."""
    rows = inputs.read_rows(["test_time_second", "voltage_volt", "current_ampere"])
    time, voltage, current = (doubles(rows[name]) for name in rows.columns)
    return Records(time, voltage, current, inputs)


def find_rests(inputs: TestInputs, recipe: StorageRecipe) -> list[tuple[int, int]]:
    """Return the first and last step of every rest that is long enough to be asked."""
    seconds = doubles(inputs.steps["duration_second"])
    resting = RESTING[codes(inputs.steps["kind"], 0)]
    if seconds[resting].sum() < recipe.considered_rest_hour * HOUR:
        return []
    edges = np.flatnonzero(np.diff(resting.astype(np.int8), prepend=0, append=0))
    first, end = edges[::2], edges[1::2]
    passed = np.concatenate([np.zeros(1), np.cumsum(seconds)])
    asked = np.flatnonzero(passed[end] - passed[first] >= recipe.considered_rest_hour * HOUR)
    return [(int(first[place]), int(end[place]) - 1) for place in asked]


def describe_rest(records: Records, first: int, last: int, recipe: StorageRecipe) -> Values:
    """Return the row of ``schema.VOLTAGE_DECAY`` of a rest.

    Args:
        records: of the test.
        first: its first step, from 0.
        last: its last step.
        recipe: thresholds.
    """
    steps = records.inputs.steps
    place = records.of_steps(first, last)
    hours = float(records.time[place.stop - 1] - records.time[place.start]) / HOUR
    slope = read_slope(records, place, recipe)
    row: Values = {
        "step_count": steps["step_count"][first],
        "start_time_second": steps["start_time_second"][first],
        "start_unix_time_second": steps["start_unix_time_second"][first],
        "rest_hour": hours,
        "temperature_celsius": steps["mean_temperature_celsius"][first : last + 1].mean(),
        "flags": "",
        **(_describe_slope(slope, records.inputs) if slope else {}),
    }
    reason = judge_slope(slope, recipe)
    capacity = read_capacity(records, slope.voltage, recipe) if slope and not reason else None
    if slope is None or reason or capacity is None:
        return {**row, "status": "refused", "reason": reason or "no_discharge_curve"}
    # What is refused for its uncertainty shows dQ/dV and the slope all the same.
    row |= {**_describe_capacity(capacity, steps["step_count"][capacity.step])}
    current = -slope.line.slope * capacity.value
    relative = float(np.hypot(slope.line.relative_reach, capacity.reach / capacity.value))
    if capacity.reach > recipe.widest_capacity * capacity.value:
        return {**row, "status": "refused", "reason": "flat_plateau"}
    return {
        **row,
        "status": "measured",
        "self_discharge_ampere": current,
        "self_discharge_low_ampere": current * (1 - relative),
        "self_discharge_high_ampere": current * (1 + relative),
    }


def read_slope(records: Records, place: slice, recipe: StorageRecipe) -> Slope | None:
    """Fit the part of a rest behind its relaxation; None where that is too short."""
    time, voltage = (records.time[place] - records.time[place.start]) / HOUR, records.voltage[place]
    late = time >= recipe.relaxation_hour
    if not late.any() or time[-1] - recipe.relaxation_hour < recipe.shortest_decay_hour:
        return None
    hours, volts = average_evenly(time[late], voltage[late], recipe.decay_parts)
    line = fit_line(hours, volts, recipe.confidence)
    if line is None:
        return None
    bend, reach = _find_bend(hours, volts, recipe)
    # A rest that stands at one value shows no quantum; the test does.
    quantum = find_step(voltage) or find_step(records.voltage)
    return Slope(line, bend, reach, float(np.ptp(time[late])), float(volts.mean()), quantum)


def judge_slope(slope: Slope | None, recipe: StorageRecipe) -> str | None:
    """Say why a slope tells no current; None where it does."""
    if slope is None:
        return "rest_too_short"
    line = slope.line
    moved = line.slope * slope.hours
    if abs(moved) < recipe.fewest_quanta * slope.quantum:
        return "quantum_too_coarse"
    if moved > recipe.fewest_quanta * line.scatter:
        return "voltage_rises"
    if abs(slope.bend) > max(recipe.steady_slope * abs(line.slope), slope.bend_reach):
        return "still_relaxing"
    return "not_resolved" if line.slope + line.slope_reach / recipe.widest_interval >= 0 else None


def read_capacity(records: Records, voltage: float, recipe: StorageRecipe) -> Capacity | None:
    """Read dQ/dV at a voltage off the slowest discharge that passes there; None where none does."""
    steps = records.inputs.steps
    ampere = np.abs(doubles(steps["mean_current_ampere"]))
    passes = SLOW[codes(steps["kind"], 0)] & (doubles(steps["last_voltage_volt"]) < voltage) & (ampere > 0)
    for step in np.flatnonzero(passes)[np.argsort(ampere[passes], kind="stable")].tolist():
        found = _read_discharge(records, step, voltage, recipe)
        if found is not None:
            return found
    return None


def _find_bend(hours: Doubles, volts: Doubles, recipe: StorageRecipe) -> tuple[float, float]:
    """Return the last half's slope less the first's, and its reach by the noise between neighbours."""
    half = len(hours) // 2
    parts = slice(half), slice(half, None)
    early, late = (fit_line(hours[part], volts[part], recipe.confidence) for part in parts)
    if early is None or late is None:
        return 0.0, 0.0
    noise = float(np.std(np.diff(volts, 2))) * SIGMA_OF_SECOND_DIFFERENCE
    spread = sum(1 / float(np.var(hours[part]) * len(hours[part])) for part in parts)
    return late.slope - early.slope, SIGMAS * noise * spread**0.5


def _read_discharge(records: Records, step: int, voltage: float, recipe: StorageRecipe) -> Capacity | None:
    place = records.of_steps(step, step)
    time, volts, current = (each[place] for each in (records.time, records.voltage, records.current))
    # Only behind a rest is the first record's drop the resistance's.
    kinds = codes(records.inputs.steps["kind"], 0)
    rested = step > 0 and bool(RESTING[kinds[step - 1]])
    # From rest to the first record the cell lost what its resistance takes; behind that it is a curve of charge.
    drop = float(records.voltage[place.start - 1] - volts[0]) if rested else 0.0
    moved = np.append(0.0, np.cumsum(-0.5 * (current[1:] + current[:-1]) * np.diff(time))) / HOUR
    near = np.abs(volts + drop - voltage) <= recipe.capacity_window_volt
    charge, seen = moved[near], (volts + drop)[near]
    if len(charge) < recipe.fewest_points:
        return None
    half = len(charge) // 2
    line, early, late = (
        fit_line(charge[part], seen[part], recipe.confidence) for part in (slice(None), slice(half), slice(half, None))
    )
    if line is None or line.slope >= 0:
        return None
    bent = abs(early.slope - late.slope) / abs(early.slope + late.slope) / 2 if early and late else 0.0
    capacity = -1 / line.slope
    return Capacity(capacity, capacity * float(np.hypot(line.relative_reach, bent)), step, rested)


def _describe_slope(slope: Slope, inputs: TestInputs) -> Values:
    ohm = (inputs.channel or {}).get("input_resistance_ohm")
    return {
        "fitted_hour": slope.hours,
        "voltage_volt": slope.voltage,
        "voltage_slope_volt_per_hour": slope.line.slope,
        "voltage_slope_low_volt_per_hour": slope.line.slope - slope.line.slope_reach,
        "voltage_slope_high_volt_per_hour": slope.line.slope + slope.line.slope_reach,
        "voltage_quantum_volt": slope.quantum,
        "meter_bias_ampere": slope.voltage / ohm if ohm else None,
    }


def _describe_capacity(capacity: Capacity, step_count: int) -> Values:
    return {
        "differential_capacity_ah_per_volt": capacity.value,
        "differential_capacity_low_ah_per_volt": capacity.value - capacity.reach,
        "differential_capacity_high_ah_per_volt": capacity.value + capacity.reach,
        "capacity_step_count": step_count,
        "flags": "" if capacity.corrected else "uncorrected_drop",
    }

"""Pulses: what the voltage did in each, what it delivered, and what the cell could bear.

formula: resistance: abs(V - V_0) / abs(I - I_0) at the last record; V_0, I_0 of the last record before the edge
formula: ohmic part: V of the first record at the pulse's current, less V_0; polarisation: V at the end less that
formula: recovery: V at the end of the rest that follows, less the extreme
formula: largest current: abs(V_0 - V_cut) / resistance
source: IEC 60086-2 (pulse tests), HPPC
condition: ten records within the pulse, else no figure of its voltage; most cyclers do not see a pulse of milliseconds
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.loads.edges import Limits, find_beginnings
from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.records import Records
from warehouse.schema import PULSES, fill_columns

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

# What a pulse of too few records does not carry.
READ_OFF: Final = (
    "lowest_voltage_volt",
    "highest_voltage_volt",
    "first_record_second",
    "ohmic_change_volt",
    "polarisation_change_volt",
    "recovery_volt",
)


def describe_pulses(records: Records, state: Doubles, limits: Limits, recipe: LoadsRecipe) -> pl.DataFrame:
    """Return rows of ``schema.PULSES`` of a test.

    Args:
        records: the test's records.
        state: the state of charge before each of its steps.
        limits: what a change must exceed.
        recipe: thresholds.
    """
    step = np.flatnonzero(records.pulses)
    # Before a test's first step nothing is known.
    step = step[step > 0]
    if not len(step):
        return PULSES.empty()
    begin, _ = find_beginnings(records, step)
    what = _describe_loads(records, step, begin, state)
    seen = _describe_voltages(records, step, begin, recipe)
    frame = pl.DataFrame({**what, **seen, **_number_trains(records, step, recipe)})
    return fill_columns(_judge(frame, limits, recipe), PULSES)


def _describe_loads(records: Records, step: Integers, begin: Doubles, state: Doubles) -> dict[str, Any]:
    """Return what is known of each pulse however coarsely it was recorded, by column name."""
    steps, first = records.inputs.steps, records.starts[step]
    same = ("test_id", "revision", "step_count", "cycle", "start_unix_time_second", "records")
    return {
        **{name: steps[name].gather(step) for name in same},
        "pulse": np.arange(1, len(step) + 1),
        "direction": pl.Series(np.where(records.way[step] > 0, "charge", "discharge")),
        "start_time_second": records.time[first],
        "duration_second": records.time[records.ends[step] - 1] - begin,
        "current_ampere": steps["mean_current_ampere"].gather(step),
        "current_before_ampere": records.current[first - 1],
        "rest_before_second": records.rested[step],
        "rest_after_second": records.rested[_next_active(records, step)],
        "charge_ah": steps["primary_charge_ah"].gather(step),
        "energy_wh": steps["primary_energy_wh"].gather(step),
        "voltage_before_volt": records.voltage[first - 1],
        "limit_voltage_volt": _limits_of(records)[(records.way[step] > 0).astype(np.int64)],
        "temperature_celsius": steps["mean_temperature_celsius"].gather(step),
        "state_of_charge": state[step],
    }


def _next_active(records: Records, step: Integers) -> Integers:
    """Return of each pulse the next step that moves charge; one behind the last where there is none."""
    place = np.append(np.flatnonzero(records.active), len(records.active))
    return np.asarray(place[np.searchsorted(place, step, side="right")])


def _limits_of(records: Records) -> Doubles:
    """Return the cell's lower and upper voltage limit, NaN where no manifest says it."""
    cell = records.inputs.cell or {}
    found = (cell.get(name) for name in ("voltage_lower_volt", "voltage_upper_volt"))
    return np.array([np.nan if value is None else value for value in found])


def _describe_voltages(records: Records, step: Integers, begin: Doubles, recipe: LoadsRecipe) -> dict[str, Any]:
    """Return the figures of each pulse that stand and fall with its records, by column name."""
    first, last = records.starts[step], records.ends[step] - 1
    before = first - 1
    # The first record may still show the current before, or a rise.
    at_current = _first_at_current(records, step, recipe)
    voltage, current = records.voltage, records.current
    lowest, highest = (_over(of, voltage, first, last) for of in (np.minimum, np.maximum))
    extreme = np.where(records.way[step] > 0, highest, lowest)
    rested = records.ends[_next_active(records, step) - 1] - 1
    return {
        "lowest_voltage_volt": lowest,
        "highest_voltage_volt": highest,
        "first_record_second": records.time[at_current] - begin,
        "ohmic_change_volt": voltage[at_current] - voltage[before],
        "polarisation_change_volt": voltage[last] - voltage[at_current],
        "recovery_volt": np.where(rested > last, voltage[rested] - extreme, np.nan),
        "change": voltage[last] - voltage[before],
        "current_change": current[last] - current[before],
    }


def _first_at_current(records: Records, step: Integers, recipe: LoadsRecipe) -> Integers:
    """Return of each pulse its first record at the pulse's current; its last where none is."""
    first, last = records.starts[step], records.ends[step] - 1
    length = last - first + 1
    pulse = np.repeat(np.arange(len(step)), length)
    index = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length) + np.repeat(first, length)
    before = records.current[first - 1]
    change = records.inputs.steps["mean_current_ampere"].to_numpy()[step] - before
    reached = (records.current[index] - before[pulse]) * np.sign(change)[pulse] >= recipe.reached * np.abs(change)[
        pulse
    ]
    found = np.where(reached, index, last[pulse])
    return np.asarray(np.minimum.reduceat(found, np.cumsum(length) - length))


def _over(of: np.ufunc, values: Doubles, first: Integers, last: Integers) -> Doubles:
    """Apply a function over each of several spans of values."""
    bounds = np.stack([first, last + 1], axis=1).ravel()
    # Every second span lies between two of them.
    found: Doubles = of.reduceat(np.append(values, 0.0), bounds)[::2]
    return found


def _number_trains(records: Records, step: Integers, recipe: LoadsRecipe) -> dict[str, Integers]:
    """Number trains: pulses of like current and duration that follow each other, with nothing larger between."""
    steps = records.inputs.steps
    current = steps["mean_current_ampere"].to_numpy()[step]
    begin, end = records.time[records.starts[step]], records.time[records.ends[step] - 1]
    like = np.abs(current[1:] - current[:-1]) <= recipe.same_current * np.abs(current[:-1])
    lasted = end - begin
    like &= np.abs(lasted[1:] - lasted[:-1]) <= recipe.same_duration * np.maximum(lasted[1:], lasted[:-1])
    like &= begin[1:] - end[:-1] <= recipe.train_gap_second
    charge = np.abs(steps["primary_charge_ah"].fill_null(0.0).to_numpy())
    moved = np.append(0.0, np.cumsum(np.where(records.active & ~records.pulses, charge, 0.0)))
    # Between the pulses of a train a small current may flow, but no load of its own.
    like &= moved[step[1:]] - moved[step[:-1]] <= charge[step[:-1]]
    train = np.cumsum(np.append(True, ~like))
    first = np.flatnonzero(np.append(True, ~like))
    return {"train": train, "pulse_of_train": np.arange(1, len(step) + 1) - first[train - 1]}


def _judge(frame: pl.DataFrame, limits: Limits, recipe: LoadsRecipe) -> pl.DataFrame:
    """Keep what the records can carry, and divide where the change exceeds its noise."""
    change, current = pl.col("change").abs(), pl.col("current_change").abs()
    coarse = pl.col("records") < recipe.fewest_records
    small = (change <= limits.voltage) | (current <= limits.current)
    status = pl.when(coarse).then(pl.lit("not_resolved")).when(small).then(pl.lit("below_noise"))
    resistance = pl.when(~coarse & ~small).then(change / current)
    room = (pl.col("voltage_before_volt") - pl.col("limit_voltage_volt")) * -pl.col("current_change").sign()
    return (
        frame.with_columns(status=status.otherwise(pl.lit("resolved")), resistance_ohm=resistance)
        .with_columns(pl.when(~coarse).then(pl.col(READ_OFF)))
        .with_columns(largest_current_ampere=pl.when(room > 0).then(room / pl.col("resistance_ohm")))
        .with_columns(pl.col(pl.Float64).fill_nan(None))
        .drop("change", "current_change")
    )

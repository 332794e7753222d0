"""What of each cycle is read off its records: times under charge, temperatures, and the two voltages compared.

formula: polarisation: mean charging less mean discharging voltage; voltage efficiency: their ratio
formula: charging to p %: time under charge, rests left out, until p % of the cycle's charge was in; linear between two
    records
condition: null for cycles with a gap, whose charge is not known to the end, and for incomplete ones where both halves
    are needed
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.loads.records import Records
from warehouse.schema import CYCLE_EXTRAS, fill_columns

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

PARTS: Final = {"charging_to_80_percent_second": 0.8, "charging_to_90_percent_second": 0.9}


def describe_cycles(records: Records) -> pl.DataFrame:
    """Return rows of ``schema.CYCLE_EXTRAS`` of a test, one a cycle."""
    cycles = records.inputs.cycles
    if not cycles.height:
        return CYCLE_EXTRAS.empty()
    into, out = pl.col("mean_charging_voltage_volt"), pl.col("mean_discharging_voltage_volt")
    complete, whole = pl.col("class") != "incomplete", ~pl.col("flags").str.contains("gap")
    first, last = _rows_of(records, cycles["cycle"].to_numpy())
    read = cycles.with_columns(
        polarisation_volt=pl.when(complete).then(into - out),
        voltage_efficiency=pl.when(complete).then(out / into),
        **{name: pl.Series(values).fill_nan(None) for name, values in _time_charging(records, first, last).items()},
        **{name: pl.Series(values).fill_nan(None) for name, values in _find_temperatures(records, first, last).items()},
    ).with_columns(pl.when(whole).then(pl.col(list(PARTS))))
    joined = read.join(_describe_steps(records), on="cycle", how="left", maintain_order="left")
    return fill_columns(joined.select(name for name in CYCLE_EXTRAS.names if name in joined.columns), CYCLE_EXTRAS)


def _rows_of(records: Records, cycles: Integers) -> tuple[Integers, Integers]:
    """Return of each cycle its first record and the one behind its last: a cycle's steps follow each other."""
    of_step = records.inputs.steps["cycle"].to_numpy()
    first, last = np.searchsorted(of_step, cycles), np.searchsorted(of_step, cycles, side="right") - 1
    return records.starts[first], records.ends[last]


def _time_charging(records: Records, first: Integers, last: Integers) -> dict[str, Doubles]:
    """Return the time under charge until parts of each cycle's charge were in, by column name."""
    # One running sum over the whole test serves every cycle: each looks up its own part of it.
    charging = np.repeat(records.way > 0, records.ends - records.starts)
    charging[records.ends - 1] = False
    seconds = np.append(0.0, np.cumsum(np.where(charging[:-1], np.diff(records.time), 0.0)))
    charge = np.append(0.0, np.cumsum(np.where(charging, np.maximum(records.charges, 0.0), 0.0)[:-1]))
    begin, moved = charge[first], charge[last - 1] - charge[first]
    found = {}
    for name, part in PARTS.items():
        target = begin + part * moved
        right = np.clip(np.searchsorted(charge, target), 1, len(charge) - 1)
        step = charge[right] - charge[right - 1]
        within = np.divide(target - charge[right - 1], step, out=np.zeros(len(step)), where=step > 0)
        until = seconds[right - 1] + within * (seconds[right] - seconds[right - 1])
        found[name] = np.where(moved > 0, until - seconds[first], np.nan)
    return found


def _find_temperatures(records: Records, first: Integers, last: Integers) -> dict[str, Doubles]:
    if records.temperature is None:
        return {}
    bounds = np.stack([first, last], axis=1).ravel()
    padded = np.append(records.temperature, np.nan)
    # Of a missing and a known value the known one is taken.
    return {
        "lowest_temperature_celsius": np.fmin.reduceat(padded, bounds)[::2],
        "highest_temperature_celsius": np.fmax.reduceat(padded, bounds)[::2],
    }


def _describe_steps(records: Records) -> pl.DataFrame:
    """Return times, pulses and the longest hold of each cycle, from its steps."""
    seconds, way = pl.col("duration_second"), pl.col("way")
    moved, place = (way != 0) & ~pl.col("pulse"), pl.col("step_count")
    resting = (way == 0) | pl.col("kind").cast(pl.String).str.ends_with("_cv")
    held = resting & (place > place.filter(moved).min()) & (place < place.filter(moved).max())
    marked = records.inputs.steps.with_columns(way=pl.Series(records.way), pulse=pl.Series(records.pulses))
    return marked.group_by("cycle", maintain_order=True).agg(
        charging_second=seconds.filter(way > 0).sum(),
        discharging_second=seconds.filter(way < 0).sum(),
        pulses=pl.col("pulse").sum().cast(pl.Int64),
        longest_hold_second=seconds.filter(held).max(),
    )

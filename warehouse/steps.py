"""Executed steps: where they begin, what they did, how much charge and energy they moved.

Formulae (``docs/metrics.md``): charge ∫I·dt and energy ∫V·I·dt by trapezoid over neighbouring records of one step,
never across a step's boundary or a gap. The instrument's counter stands beside the integral, with their ratio.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.boundaries import find_bounds, find_directions
from warehouse.counters import Counter, find_counters
from warehouse.recipe import Recipe
from warehouse.schema import STEP_TYPE, STEP_TYPES, STEPS, fill_columns

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

SECONDS_PER_HOUR: Final = 3600.0
TEMPERATURES: Final = (
    "surface_temperature_celsius",
    "temperature_t1_celsius",
    "ambient_temperature_celsius",
    "temperature_t2_celsius",
)
# Constant current: nine tenths of the records within one per cent of the median.
CONSTANT_SHARE: Final = 0.9
CONSTANT_WIDTH: Final = 0.01
FEWEST_FOR_GAP: Final = 6
FEWEST_FOR_TAPER: Final = 2
LIMIT_WIDTH_VOLT: Final = 0.01
# What the instrument calls these is kept; plain charge and discharge are looked at more closely.
PLAIN: Final = ("charge", "discharge")


def derive_steps(measurements: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Cut a test into executed steps.

    Args:
        measurements: a conforming table of one test, in time order.
        recipe: thresholds.

    Returns:
        Rows of ``schema.STEPS``; ``test_id`` is empty and ``revision`` and ``cycle`` are 0 until they are known.
    """
    if not measurements.height:
        return STEPS.empty()
    records = _Records(measurements, recipe)
    table = pl.DataFrame(
        {
            **_read_schedule(measurements, records.starts),
            **records.describe_course(),
            **records.describe_charge(),
            **_mean_temperature(measurements, records),
            "kind": _name_kinds(records, _instrument_kinds(measurements, records.starts)),
            "end_reason": _end_reasons(records),
            "flags": _collect_flags(records, recipe),
        }
    ).with_columns(
        pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)).name.keep(),
        pl.col("kind").cast(STEP_TYPE),
        test_id=pl.lit(""),
        revision=pl.lit(0, dtype=pl.Int64),
        cycle=pl.lit(0, dtype=pl.Int64),
    )
    return fill_columns(table, STEPS)


class _Records:
    """One test's records with the step that each belongs to; arrays are per record unless named per step."""

    def __init__(self, measurements: pl.DataFrame, recipe: Recipe) -> None:
        self.recipe = recipe
        self.time: Doubles = measurements["test_time_second"].to_numpy()
        self.voltage: Doubles = measurements["voltage_volt"].to_numpy()
        self.current: Doubles = measurements["current_ampere"].to_numpy()
        self.direction = find_directions(measurements, recipe)
        self.starts = find_bounds(measurements, self.direction, recipe)
        self.ends = np.append(self.starts[1:], len(self.time))
        self.step = np.repeat(np.arange(len(self.starts)), self.ends - self.starts)
        self.capacity = find_counters(measurements, "capacity", "ah")
        self.energy = find_counters(measurements, "energy", "wh")

    @cached_property
    def interval(self) -> Doubles:
        """Seconds from each record to the next of its step; 0 at a step's last record."""
        interval = np.diff(self.time, append=self.time[-1:])
        interval[self.ends - 1] = 0.0
        return interval

    @cached_property
    def gap(self) -> Mask:
        """Where an interval is much longer than both its neighbours and its step's median."""
        factor = self.recipe.gap_factor
        before, after = np.roll(self.interval, 1), np.roll(self.interval, -1)
        # The first and last interval of a step have only one neighbour, which proves nothing.
        inner = np.ones(len(self.interval), dtype=bool)
        inner[self.starts] = False
        inner[np.maximum(self.ends - 2, 0)] = False
        inner &= (self.ends - self.starts)[self.step] >= FEWEST_FOR_GAP
        candidate = inner & (self.interval > factor * np.maximum(before, after))
        if not candidate.any():
            return candidate
        typical = self.per_step(pl.col("interval").filter(pl.col("interval") > 0).median(), interval=self.interval)
        return candidate & (self.interval > factor * np.nan_to_num(typical)[self.step])

    @cached_property
    def charges(self) -> Doubles:
        """Charge in Ah that flowed from each record to the next of its step, by trapezoid."""
        mean = 0.5 * (self.current + np.append(self.current[1:], 0.0))
        return np.where(self.gap, 0.0, mean * self.interval / SECONDS_PER_HOUR)

    @cached_property
    def duration(self) -> Doubles:
        """Per step: seconds from the first record to the last."""
        seconds: Doubles = self.time[self.ends - 1] - self.time[self.starts]
        return seconds

    @cached_property
    def charge(self) -> Doubles:
        """Per step: ∫I·dt in Ah."""
        return self.total(self.charges)

    @cached_property
    def heading(self) -> Integers:
        """Per step: +1 charge, -1 discharge, 0 rest."""
        moved = np.where(self.charge != 0, self.charge, self.total(self.current))
        active = self.total(np.abs(self.direction)) > 0
        return np.where(active, np.sign(moved), 0).astype(np.int64)

    @cached_property
    def tail(self) -> Mask:
        """Where the voltage stays within the tolerance of the step's last voltage until its end."""
        last = self.voltage[self.ends - 1][self.step]
        index = np.arange(len(self.voltage))
        far = np.where(np.abs(self.voltage - last) > self.recipe.constant_voltage_volt, index, -1)
        near_to_end: Mask = index > np.maximum.reduceat(far, self.starts)[self.step]
        return near_to_end

    @cached_property
    def set_current(self) -> Doubles:
        """Per step: median |I| outside the constant-voltage tail, in A; NaN where all of it is tail."""
        return self.per_step(pl.col("size").filter(~pl.col("tail")).median(), size=np.abs(self.current), tail=self.tail)

    @cached_property
    def constant_voltage(self) -> Mask:
        """Per step: whether it ends at constant voltage with a falling current."""
        size = np.abs(self.current)
        first_of_tail = self.per_step(pl.col("size").filter(pl.col("tail")).first(), size=size, tail=self.tail)
        reference = np.where(np.isnan(self.set_current), first_of_tail, self.set_current)
        long_enough = self.total(self.tail) > FEWEST_FOR_TAPER
        falls = size[self.ends - 1] < self.recipe.taper * reference
        ends: Mask = falls & long_enough & (self.heading != 0)
        return ends

    @cached_property
    def constant_current(self) -> Mask:
        """Per step: whether the part before the tail, or all of a step without taper, stands at one current."""
        size = np.abs(self.current)
        body = np.where(self.constant_voltage[self.step], ~self.tail, True)
        level = self.per_step(pl.col("size").filter(pl.col("body")).median(), size=size, body=body)
        near = body & (np.abs(size - level[self.step]) <= CONSTANT_WIDTH * level[self.step])
        count = self.total(body)
        stands = self.total(near) >= CONSTANT_SHARE * np.maximum(count, 1) - 1
        one: Mask = stands & (count > 0) & (self.heading != 0)
        return one

    def total(self, values: NDArray[np.generic]) -> Doubles:
        """Sum per step."""
        return np.add.reduceat(values.astype(np.float64), self.starts)

    def per_step(self, expression: pl.Expr, **columns: NDArray[np.generic]) -> Doubles:
        """Aggregate named columns per step; NaN where there is nothing to aggregate."""
        frame = pl.DataFrame({"step": self.step, **columns})
        grouped = frame.group_by("step", maintain_order=True).agg(value=expression.cast(pl.Float64))
        return grouped["value"].fill_null(float("nan")).to_numpy()

    def mean(self, values: Doubles) -> Doubles:
        """Mean per step over time; over records where the step has no duration."""
        area = self.total(0.5 * (values + np.append(values[1:], 0.0)) * self.interval)
        plain = self.total(values) / (self.ends - self.starts)
        return np.divide(area, self.duration, out=plain, where=self.duration > 0)

    def describe_course(self) -> dict[str, NDArray[np.generic]]:
        """Return times and end values of the steps, by column name."""
        first, last = self.starts, self.ends - 1
        return {
            "step_count": np.arange(1, len(first) + 1),
            "start_time_second": self.time[first],
            "duration_second": self.duration,
            "first_voltage_volt": self.voltage[first],
            "last_voltage_volt": self.voltage[last],
            "mean_voltage_volt": self.mean(self.voltage),
            "first_current_ampere": self.current[first],
            "last_current_ampere": self.current[last],
            "mean_current_ampere": self.mean(self.current),
            "records": self.ends - self.starts,
            "largest_gap_second": np.maximum.reduceat(self.interval, first),
        }

    def describe_charge(self) -> dict[str, Doubles]:
        """Return charges and energies of the steps, by column name; NaN where unknown."""
        power = self.voltage * self.current
        energies = np.where(self.gap, 0.0, 0.5 * (power + np.append(power[1:], 0.0)) * self.interval)
        energy = self.total(energies) / SECONDS_PER_HOUR
        # An interval is at constant voltage when both its ends are.
        held = self.tail & np.append(self.tail[1:], False) & self.constant_voltage[self.step]
        counted, whole = self._count(self.capacity, self.charge)
        counted_energy, whole_energy = self._count(self.energy, energy)
        ratio = np.full(len(self.starts), np.nan)
        np.divide(self.charge, counted, out=ratio, where=(counted != 0) & (self.heading != 0))
        return {
            "charge_ah": self.charge,
            "counter_charge_ah": counted,
            "counter_ratio": ratio,
            "primary_charge_ah": whole,
            "energy_wh": energy,
            "counter_energy_wh": counted_energy,
            "primary_energy_wh": whole_energy,
            "cv_charge_ah": self.total(np.where(held, self.charges, 0.0)),
        }

    def _count(self, counter: Counter | None, integral: Doubles) -> tuple[Doubles, Doubles]:
        """Return what the counter says of each step, and the figure to rely on."""
        if counter is None:
            return np.full(len(integral), np.nan), integral
        counted = counter.within(self.starts, self.ends)
        whole = counter.whole(self.starts, self.ends, self.time)
        coarse = counter.quantum > self.recipe.counter_quantum * np.abs(whole)
        return counted, np.where(np.isnan(whole) | coarse | (self.heading == 0), integral, whole)


def _read_schedule(measurements: pl.DataFrame, starts: Integers) -> dict[str, pl.Series]:
    names = {"step_id": "step_id", "cycle_count": "cycle_count", "unix_time_second": "start_unix_time_second"}
    return {column: measurements[name][starts] for name, column in names.items() if name in measurements.columns}


def _mean_temperature(measurements: pl.DataFrame, records: _Records) -> dict[str, Doubles]:
    for name in TEMPERATURES:
        if name in measurements.columns and measurements[name].null_count() < measurements.height:
            value = measurements[name].fill_null(float("nan")).to_numpy()
            mean = records.per_step(pl.col("value").filter(pl.col("value").is_not_nan()).mean(), value=value)
            return {"mean_temperature_celsius": mean}
    return {}


def _instrument_kinds(measurements: pl.DataFrame, starts: Integers) -> list[str | None]:
    if "step_type" not in measurements.columns:
        return [None] * len(starts)
    return measurements["step_type"][starts].cast(pl.String).to_list()


def _name_kinds(records: _Records, said: list[str | None]) -> list[str]:
    held = records.constant_voltage
    constant = records.constant_current
    forms = np.select([held & constant, held, constant], ["_cccv", "_cv", "_cc"], default="")
    looked = [
        {1: "charge", -1: "discharge"}.get(int(way), "rest") + (form if way else "")
        for way, form in zip(records.heading, forms, strict=True)
    ]
    return [_choose_kind(kind, seen) for kind, seen in zip(said, looked, strict=True)]


def _choose_kind(said: str | None, seen: str) -> str:
    """Prefer the instrument's word where it says more than the current does."""
    if said is None or said == "other" or said not in STEP_TYPES:
        return seen
    if said in PLAIN:
        return seen if seen.startswith(said) else said
    return said


def _end_reasons(records: _Records) -> list[str | None]:
    """Say what the last record stood at: the taper, a voltage that bounds the test, or the clock."""
    last = records.voltage[records.ends - 1]
    active = records.heading != 0
    if not active.any():
        return ["time"] * len(last)
    upper, lower = last[active].max(), last[active].min()
    at_limit = np.where(records.heading > 0, upper - last, last - lower) < LIMIT_WIDTH_VOLT
    reasons = np.select([~active, records.constant_voltage, at_limit], ["time", "current", "voltage"], default="")
    return [reason or None for reason in reasons.tolist()]


def _collect_flags(records: _Records, recipe: Recipe) -> list[str]:
    charge = records.describe_charge()
    compared = (records.duration > recipe.counter_seconds) & (records.heading != 0)
    opposite = records.total(records.direction == -records.heading[records.step]) > 0
    marks = {
        "gap": records.total(records.gap) > 0,
        "counter_differs": compared & (np.abs(charge["counter_ratio"] - 1) > recipe.counter_tolerance),
        "current_reverses": opposite & (records.heading != 0),
        "single_record": records.ends - records.starts == 1,
    }
    return [",".join(name for name, mark in marks.items() if mark[index]) for index in range(len(records.starts))]

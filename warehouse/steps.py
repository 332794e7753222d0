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
from polars.dataframe.group_by import GroupBy

from warehouse.arrays import codes, doubles
from warehouse.boundaries import find_bounds, find_directions, rest_limit
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
            **records.moved,
            **_mean_temperature(measurements, records),
            "kind": _name_kinds(records, _instrument_words(measurements, records)),
            "end_reason": _end_reasons(records),
            "flags": _collect_flags(records, recipe),
        }
    ).with_columns(
        pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)).name.keep(),
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
        self.limit = rest_limit(measurements, recipe)
        self.direction = find_directions(measurements, self.limit)
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
        """Where current flows and an interval is much longer than both its neighbours and its step's median."""
        factor = self.recipe.gap_factor
        before, after = np.roll(self.interval, 1), np.roll(self.interval, -1)
        # The first and last interval of a step have only one neighbour, which proves nothing; while a cell relaxes,
        # instruments record by change of voltage, in ever longer intervals.
        inner: Mask = self.direction != 0
        inner[self.starts] = False
        inner[np.maximum(self.ends - 2, 0)] = False
        inner &= (self.ends - self.starts)[self.step] >= FEWEST_FOR_GAP
        candidate = inner & (self.interval > factor * np.maximum(before, after))
        if not candidate.any():
            return candidate
        interval = pl.col("interval")
        typical = self.group({"interval": self.interval}).agg(interval.filter(interval > 0).median())["interval"]
        return candidate & (self.interval > factor * doubles(typical, 0.0)[self.step])

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
        directed, count = self.total(np.abs(self.direction)), self.ends - self.starts
        # A few records with a current make no step of it, unless they carry it, as a pulse does.
        carried = (directed > 1) & (np.abs(self.charge) * SECONDS_PER_HOUR > self.limit * self.duration)
        active = (directed > 0) & ((2 * directed >= count) | carried)
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
    def levels(self) -> pl.DataFrame:
        """Per step |I| in A: its median, its median before the constant-voltage tail, and where the tail begins."""
        size, tail = pl.col("size"), pl.col("tail")
        # One pass for all three: grouping costs more than any of them.
        return self.group({"size": np.abs(self.current), "tail": self.tail}).agg(
            whole=size.median(), body=size.filter(~tail).median(), entry=size.filter(tail).first()
        )

    @cached_property
    def constant_voltage(self) -> Mask:
        """Per step: whether it ends at constant voltage with a falling current."""
        # A step that is all tail began at its voltage, and its first current is what the taper is measured by.
        body, entry = doubles(self.levels["body"]), doubles(self.levels["entry"], 0.0)
        reference = np.where(np.isnan(body), entry, body)
        long_enough = self.total(self.tail) > FEWEST_FOR_TAPER
        falls = np.abs(self.current[self.ends - 1]) < self.recipe.taper * reference
        ends: Mask = falls & long_enough & (self.heading != 0)
        return ends

    @cached_property
    def constant_current(self) -> Mask:
        """Per step: whether the part before the tail, or all of a step without taper, stands at one current."""
        body = ~(self.constant_voltage[self.step] & self.tail)
        whole, before = (doubles(self.levels[name], 0.0) for name in ("whole", "body"))
        level = np.where(self.constant_voltage, before, whole)
        near = body & (np.abs(np.abs(self.current) - level[self.step]) <= CONSTANT_WIDTH * level[self.step])
        stands = self.total(near) >= CONSTANT_SHARE * np.maximum(self.total(body), 1) - 1
        one: Mask = stands & (level > 0) & (self.heading != 0)
        return one

    def total(self, values: NDArray[np.generic]) -> Doubles:
        """Sum per step."""
        return np.add.reduceat(values.astype(np.float64), self.starts)

    def group(self, columns: dict[str, NDArray[np.generic]]) -> GroupBy:
        """Group columns of records by their step, in the order of the steps."""
        step = pl.Series("step", self.step).set_sorted()
        return pl.DataFrame([step, *(pl.Series(name, values) for name, values in columns.items())]).group_by(
            "step", maintain_order=True
        )

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

    @cached_property
    def moved(self) -> dict[str, Doubles]:
        """Per step: charges and energies by column name; NaN where unknown."""
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
            value = doubles(measurements[name])
            mean = records.group({"value": value}).agg(pl.col("value").filter(pl.col("value").is_not_nan()).mean())
            return {"mean_temperature_celsius": doubles(mean["value"])}
    return {}


def _instrument_words(measurements: pl.DataFrame, records: _Records) -> Integers:
    """Return what the instrument calls each step, by its place in WORDS; of cc and cv together, neither.

    It is the word of most of a step's records.
    """
    steps = len(records.starts)
    if "step_type" not in measurements.columns:
        return np.zeros(steps, dtype=np.int64)
    word = codes(measurements["step_type"], -1) + 1
    counted = np.bincount(records.step * len(WORDS) + word, minlength=steps * len(WORDS)).reshape(steps, len(WORDS))
    # A record without a word says nothing about its step.
    counted[:, 0] = np.where(counted[:, 1:].any(axis=1), 0, counted[:, 0])
    most: Integers = counted.argmax(axis=1)
    several = np.stack([(counted[:, FORMS_OF[way]] > 0).sum(axis=1) > 1 for way in PLAIN], axis=1)
    for way, mixed in zip(PLAIN, several.T, strict=True):
        most = np.where(mixed & np.isin(most, FORMS_OF[way]), WORDS[way], most)
    return most


def _name_kinds(records: _Records, words: Integers) -> pl.Series:
    forms = 2 * records.constant_voltage + records.constant_current
    seen = np.where(records.heading > 0, forms, np.where(records.heading < 0, 4 + forms, 8))
    return pl.Series(STEP_TYPES).gather(CHOSEN[words, seen]).cast(STEP_TYPE)


def _choose_kind(said: str | None, seen: str) -> str:
    """Prefer the instrument's word where it says more than the current does."""
    if said is None or said == "other":
        return seen
    if said in PLAIN:
        return seen if seen.startswith(said) else said
    way = seen.partition("_")[0]
    # At a held voltage the cell decides which way the current flows, not the schedule.
    return f"{way}_cv" if said.endswith("_cv") and way in PLAIN else said


# What a step looks like, in the order that _name_kinds counts, what the instrument calls it, and what it is for both.
LOOKS: Final = (*(f"{way}{form}" for way in PLAIN for form in ("", "_cc", "_cv", "_cccv")), "rest")
WORDS: Final[dict[str | None, int]] = {word: index for index, word in enumerate((None, *STEP_TYPES))}
FORMS_OF: Final = {way: [WORDS[word] for word in STEP_TYPES if word.partition("_")[0] == way] for way in PLAIN}
CHOSEN: Final = np.array([[STEP_TYPES.index(_choose_kind(word, look)) for look in LOOKS] for word in WORDS])


def _end_reasons(records: _Records) -> pl.Series:
    """Say what the last record stood at: the taper, a voltage that bounds the test, or the clock."""
    last = records.voltage[records.ends - 1]
    active = records.heading != 0
    if not active.any():
        return pl.Series(["time"]).new_from_index(0, len(last))
    upper, lower = last[active].max(), last[active].min()
    at_limit = np.where(records.heading > 0, upper - last, last - lower) < LIMIT_WIDTH_VOLT
    reason = np.select([~active, records.constant_voltage, at_limit], [0, 1, 2], default=3)
    return pl.Series(["time", "current", "voltage", None]).gather(reason)


def _collect_flags(records: _Records, recipe: Recipe) -> pl.Series:
    charge = records.moved
    compared = (records.duration > recipe.counter_seconds) & (records.heading != 0)
    # What the counter's last digit explains is no difference.
    quantum = records.capacity.quantum if records.capacity else 0.0
    compared &= np.abs(charge["charge_ah"] - charge["counter_charge_ah"]) > quantum
    opposite = records.total(records.direction == -records.heading[records.step]) > 0
    marks = {
        "gap": records.total(records.gap) > 0,
        "counter_differs": compared & (np.abs(charge["counter_ratio"] - 1) > recipe.counter_tolerance),
        "current_reverses": opposite & (records.heading != 0),
        "single_record": records.ends - records.starts == 1,
    }
    # Every combination is written once and looked up: a long test has tens of thousands of steps.
    number = sum((mark.astype(np.int64) << bit for bit, mark in enumerate(marks.values())), np.zeros(1, np.int64))
    texts = [",".join(name for bit, name in enumerate(marks) if chosen >> bit & 1) for chosen in range(1 << len(marks))]
    return pl.Series(texts).gather(number)

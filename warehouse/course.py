"""The course of current and voltage in each step, record by record: where it flows, pauses, tapers and stands."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.dataframe.group_by import GroupBy

from warehouse.arrays import doubles
from warehouse.boundaries import find_bounds, find_directions
from warehouse.derivation import DerivationRecipe
from warehouse.stretch import Stretch
from warehouse.survey import Grounds

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

SECONDS_PER_HOUR: Final = 3600.0
# Constant current: nine tenths of the records within one per cent of the median.
CONSTANT_SHARE: Final = 0.9
CONSTANT_WIDTH: Final = 0.01
FEWEST_FOR_GAP: Final = 6
FEWEST_FOR_TAPER: Final = 2


class Course:
    """Records with the step that each belongs to; arrays are per record unless named per step.

    Args:
        stretch: records, with the one before ``first`` where there is one.
        first: number of the first record of a step.
        grounds: what the whole test says to each step.
        recipe: thresholds.
    """

    def __init__(self, stretch: Stretch, first: int, grounds: Grounds, recipe: DerivationRecipe) -> None:
        self.recipe = recipe
        self.grounds = grounds
        # The record before shows what a counter stood at; nothing else is taken from it.
        self.lead = min(first, 1)
        self.known = stretch.part(first - self.lead)
        self.records = self.known.part(first)
        self.time = self.records.doubles("test_time_second")
        self.voltage = self.records.doubles("voltage_volt")
        self.current = self.records.doubles("current_ampere")
        self.direction, self.undecided = find_directions(self.records, grounds.limit)
        self.bounds = find_bounds(self.records, self.direction, recipe, numbered=grounds.numbered)
        self.starts = self.bounds.starts
        self.ends = np.append(self.starts[1:], len(self.time))
        self.step = np.repeat(np.arange(len(self.starts)), self.ends - self.starts)

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
    def mean_current(self) -> Doubles:
        """Per step: A, over time."""
        return self.mean(self.current)

    @cached_property
    def directed(self) -> Doubles:
        """Per step: how many records have a direction."""
        return self.total(np.abs(self.direction))

    @cached_property
    def doubtful(self) -> Mask:
        """Per step: whether few of its records, but more than one, have a current."""
        few: Mask = (self.directed > 1) & (2 * self.directed < self.ends - self.starts)
        return few

    @cached_property
    def heading(self) -> Integers:
        """Per step: +1 charge, -1 discharge, 0 rest."""
        # A few records with a current make no step of it, unless they carry it, as a pulse does.
        carried = self.doubtful & (np.abs(self.charge) * SECONDS_PER_HOUR > self.grounds.limit * self.duration)
        most = (self.directed > 0) & (2 * self.directed >= self.ends - self.starts)
        return np.where(most | carried, heading_of(self.charge, self.mean_current), 0)

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


def heading_of(charge: Doubles, mean_current: Doubles) -> Integers:
    """Return the sign of a step's charge or, where it moved none, of its mean current."""
    return np.sign(np.where(charge != 0, charge, mean_current)).astype(np.int64)

"""A stretch of a test's records with the columns that steps are made from, and nothing that depends on the rest.

A column counts as seen once it holds a value. Which columns decide (the instrument's count or its schedule's number,
the best counters, the first temperature) follows from which were seen, so it can only change when one is seen first.
What a counter showed before the stretch is carried into it, because some instruments write it only while it moves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import doubles, integers
from warehouse.counters import KINDS, counter_columns
from warehouse.schema import MEASUREMENTS

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

# The executed step is the finer count; the schedule's number only stands in for it.
NUMBERS: Final = ("step_count", "step_id")
TEMPERATURES: Final = (
    "surface_temperature_celsius",
    "temperature_t1_celsius",
    "ambient_temperature_celsius",
    "temperature_t2_celsius",
)
COUNTERS: Final = tuple(name for name in MEASUREMENTS.names if name.endswith(("_capacity_ah", "_energy_wh")))
USED: Final = ("step_type", *NUMBERS, "cycle_count", "unix_time_second", *TEMPERATURES, *COUNTERS)


class Choice(NamedTuple):
    """Which columns of a test decide over its steps; empty where it has none."""

    typed: bool
    number: str
    temperature: str
    counters: tuple[tuple[str, ...], ...]


def choose_columns(seen: Collection[str]) -> Choice:
    """Choose the columns that decide among those that hold values."""
    number, temperature = (next((name for name in names if name in seen), "") for names in (NUMBERS, TEMPERATURES))
    return Choice("step_type" in seen, number, temperature, tuple(counter_columns(seen, *kind) for kind in KINDS))


def see_columns(measurements: pl.DataFrame) -> frozenset[str]:
    """Return the columns, among those that steps are made from, that hold a value."""
    held = (name for name in USED if name in measurements.columns)
    return frozenset(name for name in held if measurements[name].null_count() < measurements.height)


@dataclass(frozen=True)
class Stretch:
    """Consecutive records of a test.

    Args:
        table: their columns, those that were seen anywhere in the test and no others.
        choice: which of these decide.
        counters: the chosen counters without holes, by column name.
        first: number of the first record within the test, from 0.
    """

    table: pl.DataFrame
    choice: Choice
    counters: Mapping[str, Doubles]
    first: int

    @property
    def end(self) -> int:
        """The number behind that of the last record."""
        return self.first + self.table.height

    def part(self, start: int, stop: int | None = None) -> Stretch:
        """Return the records with these numbers."""
        span = slice(start - self.first, (self.end if stop is None else stop) - self.first)
        counters = {name: values[span] for name, values in self.counters.items()}
        return Stretch(self.table[span], self.choice, counters, start)

    def doubles(self, name: str) -> Doubles:
        """Return a column as doubles, NaN where it has no value."""
        return doubles(self.table[name])

    def number_changes(self) -> Mask:
        """Mark where the instrument's number of the step changes; never the first record."""
        changes = np.zeros(self.table.height, dtype=bool)
        if self.choice.number:
            number = integers(self.table[self.choice.number], -1)
            changes[1:] = number[1:] != number[:-1]
        return changes


def take_stretch(
    measurements: pl.DataFrame, seen: Collection[str], first: int = 0, carried: Mapping[str, float] | None = None
) -> Stretch:
    """Make a stretch of conforming rows.

    Args:
        measurements: the rows.
        seen: columns that hold a value anywhere in the test; see :func:`see_columns`.
        first: number of the first row within the test.
        carried: the chosen counters' last values before these rows.
    """
    # A column that was seen but has no value here is there all the same, and one never seen is not.
    wanted = [*MEASUREMENTS.required, *(name for name in USED if name in seen)]
    absent = [name for name in wanted if name not in measurements.columns]
    nothing = [pl.lit(None, dtype=MEASUREMENTS.dtypes[name]).alias(name) for name in absent]
    table = (measurements.with_columns(nothing) if absent else measurements)[wanted]
    choice = choose_columns(seen)
    names = chain.from_iterable(choice.counters)
    return Stretch(table, choice, {name: _fill(table[name], (carried or {}).get(name, 0.0)) for name in names}, first)


def is_carried(name: str) -> bool:
    """Say whether a counter that is not written stands, rather than being zero."""
    return not name.startswith("step_")


def _fill(column: pl.Series, before: float) -> Doubles:
    if not is_carried(column.name):
        return doubles(column, 0.0)
    return doubles(column.forward_fill() if column.null_count() else column, before)

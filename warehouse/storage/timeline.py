"""The life of a cell over all its tests, as half cycles and what lay between them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes, doubles
from warehouse.metrics.inputs import CellInputs
from warehouse.schema import STEP_TYPES
from warehouse.storage.recipe import StorageRecipe

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

HOUR: Final = 3600.0
RESTING: Final = np.array([kind in {"rest", "pause", "eis"} for kind in STEP_TYPES])
HOLDING: Final = np.array([kind.endswith("cv") for kind in STEP_TYPES])
NUMBERS: Final = (
    "step_count",
    "duration_second",
    "primary_charge_ah",
    "first_voltage_volt",
    "last_voltage_volt",
    "mean_voltage_volt",
    "first_current_ampere",
    "mean_current_ampere",
    "mean_temperature_celsius",
)


@dataclass(frozen=True)
class Half:
    """A half cycle: steps that flow one way, without a long rest between them.

    Args:
        way: +1 into the charged state, -1 out of it.
        first: number of its first step in the life, from 0.
        last: number of its last step.
        charge: its size in Ah.
        ampere: size of its current, weighted by charge.
        limit: voltage of its last record.
        celsius: mean temperature; NaN where unknown.
    """

    way: int
    first: int
    last: int
    charge: float
    ampere: float
    limit: float
    celsius: float


class Timeline:
    """All steps of a cell in their order, with one clock.

    Args:
        inputs: the cell.
    """

    def __init__(self, inputs: CellInputs) -> None:
        self.tests = [str(test["test_id"]) for test in inputs.tests]
        steps = _order(inputs)
        self.size = steps.height
        self.test = steps["place"].to_numpy()
        self.kinds = codes(steps["kind"], 0)
        self.resting = RESTING[self.kinds]
        self.holding = HOLDING[self.kinds]
        self.numbers = {name: doubles(steps[name]) for name in NUMBERS}
        # A single test without a clock has its own time, which is none of the day's.
        self.dated = len(inputs.tests) > 1 or inputs.tests[0]["first_unix_second"] is not None
        self.begin = _read_clock(steps, inputs.tests)
        self.end = self.begin + self.numbers["duration_second"]
        charge = np.where(self.resting, 0.0, self.numbers["primary_charge_ah"])
        # The charged state of an anode half cell is the one that a discharge leads to.
        sign = np.array([-1.0 if test["convention"] == "half_anode" else 1.0 for test in inputs.tests])
        self.charge = np.nan_to_num(charge) * sign[self.test]

    def name_test(self, step: int) -> str:
        """Return the test of a step."""
        return self.tests[int(self.test[step])]

    def count(self, step: int) -> int:
        """Return the number of a step within its test."""
        return int(self.numbers["step_count"][step])

    def mean(self, name: str, first: int, last: int, chosen: Mask) -> float | None:
        """Return a column's mean over time, over some of the steps from ``first`` to ``last``."""
        part = slice(first, last + 1)
        value, weight = self.numbers[name][part], self.numbers["duration_second"][part]
        known = chosen[part] & np.isfinite(value) & (weight > 0)
        return float(np.average(value[known], weights=weight[known])) if known.any() else None

    def clock(self, moment: float) -> float | None:
        """Return a moment as wall clock, UTC; None where there is no clock."""
        return moment if self.dated and np.isfinite(moment) else None

    def find_halves(self, recipe: StorageRecipe, longest_hour: float) -> list[Half]:
        """Return the half cycles.

        Args:
            recipe: what is too small for one.
            longest_hour: a half cycle ends where nothing flows for this long.
        """
        active = np.flatnonzero(self.charge)
        if not len(active):
            return []
        sign = np.sign(self.charge[active])
        starts = np.flatnonzero(np.append(True, sign[1:] != sign[:-1]))
        size = np.abs(np.add.reduceat(self.charge[active], starts))
        run = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(active))))
        # Pulses within a half cycle or a rest are neither.
        major = active[size[run] >= recipe.minor_run * size.max()]
        way = np.sign(self.charge[major])
        apart = self.begin[major[1:]] - self.end[major[:-1]] >= longest_hour * HOUR
        cuts = np.flatnonzero(np.append(True, (way[1:] != way[:-1]) | apart))
        ends = np.append(cuts[1:], len(major))
        return self._sum_up(major, cuts, ends)

    def _sum_up(self, steps: Integers, cuts: Integers, ends: Integers) -> list[Half]:
        """Return what the steps between the cuts amount to."""
        charge = np.abs(self.charge[steps])
        total = np.add.reduceat(charge, cuts)
        current = np.add.reduceat(np.abs(self.numbers["mean_current_ampere"][steps]) * charge, cuts)
        warmth = self.numbers["mean_temperature_celsius"][steps]
        known = np.where(np.isfinite(warmth), charge, 0.0)
        weight = np.add.reduceat(known, cuts)
        warm = np.add.reduceat(np.nan_to_num(warmth) * known, cuts)
        last = steps[ends - 1]
        columns = (
            np.sign(self.charge[last]).astype(np.int64),
            steps[cuts],
            last,
            total,
            current / total,
            self.numbers["last_voltage_volt"][last],
            np.divide(warm, weight, out=np.full(len(cuts), np.nan), where=weight > 0),
        )
        return [Half(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def is_still(inputs: CellInputs, hours: float) -> bool:
    """Say whether a cell was ever left alone, or held, for so long: of most cells nothing more is asked."""
    seconds, resting = doubles(inputs.steps["duration_second"]), RESTING[codes(inputs.steps["kind"], 0)]
    # Rests that follow each other are one.
    starts = np.flatnonzero(np.append(True, resting[1:] != resting[:-1]))
    if seconds.max() >= hours * HOUR or np.add.reduceat(seconds * resting, starts).max() >= hours * HOUR:
        return True
    ends = [(test["first_unix_second"], test["last_unix_second"]) for test in inputs.tests]
    return any(
        before[1] is not None and after[0] is not None and after[0] - before[1] >= hours * HOUR
        for before, after in itertools.pairwise(ends)
    )


def are_alike(one: Half, other: Half, recipe: StorageRecipe) -> str | None:
    """Say why the capacities of two half cycles cannot be compared; None where they can."""
    if abs(one.ampere - other.ampere) > recipe.same_current * max(one.ampere, other.ampere):
        return "currents_differ"
    if abs(one.limit - other.limit) > recipe.same_limit_volt:
        return "limits_differ"
    # NaN compares as False: where a temperature is unknown, nothing speaks against.
    if abs(one.celsius - other.celsius) > recipe.same_temperature_kelvin:
        return "temperatures_differ"
    return None


def _order(inputs: CellInputs) -> pl.DataFrame:
    place = {str(test["test_id"]): number for number, test in enumerate(inputs.tests)}
    numbered = inputs.steps.with_columns(
        place=pl.col("test_id").replace_strict(place, default=None, return_dtype=pl.Int64)
    )
    return numbered.filter(pl.col("place").is_not_null()).sort("place", "step_count")


def _read_clock(steps: pl.DataFrame, tests: Sequence[Any]) -> Doubles:
    """Return when each step began, UTC; of a cell of a single test without a clock, the time of that test."""
    stated = doubles(steps["start_unix_time_second"])
    first = np.array([test["first_unix_second"] or np.nan for test in tests], dtype=np.float64)
    if len(tests) == 1 and not np.isfinite(first[0]):
        first[0] = 0.0
    within = doubles(steps["start_time_second"])
    return np.where(np.isfinite(stated), stated, first[steps["place"].to_numpy()] + within)

"""The ageing cycles of a cell as arrays, with the odd ones out set aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import Doubles, doubles
from warehouse.life.recipe import LifeRecipe

Mask = NDArray[np.bool_]

DAYS_PER_YEAR: Final = 365.25
# Cycles on either side that a cycle is compared with.
REACH: Final = 2


@dataclass(frozen=True)
class Series:
    """Retention over the cycles of a life.

    Args:
        cycle: numbers of the ageing cycles from the reference on, rising, those that stand out left out.
        retention: of each.
        begin: the cycle from which laws count: the reference, or the first ageing cycle where none is.
        outlying: how many cycles were left out because they stand out.
        cycles_per_year: how fast the cell was cycled; None where its clock is unknown.
    """

    cycle: Doubles
    retention: Doubles
    begin: float
    outlying: int
    cycles_per_year: float | None

    @property
    def x(self) -> Doubles:
        """Cycles since the reference."""
        return self.cycle - self.begin

    @property
    def span(self) -> float:
        """Cycles from the reference to the last."""
        return float(self.cycle[-1] - self.begin)


def read_ageing(fade: pl.DataFrame) -> pl.DataFrame:
    """Return the ageing cycles of a cell's answer to the question ``fade``."""
    return fade.filter(fade["class"] == "ageing")


def read_series(ageing: pl.DataFrame, recipe: LifeRecipe) -> Series | None:
    """Return the series that laws and knees are fitted to; None where no cycle has a retention.

    Args:
        ageing: rows of the answer to ``fade``, in their order, ageing cycles only.
        recipe: when a cycle stands out.
    """
    cycle, retention = doubles(ageing["cycle"]), doubles(ageing["capacity_retention"])
    known = np.isfinite(retention)
    if not known.any():
        return None
    reference = ageing["reference_cycle"][0]
    begin = float(cycle[known][0] if reference is None else reference)
    # A reference that comes later, like the largest of the first ones, leaves those before it out.
    counted = known & (cycle >= begin)
    if not counted.any():
        return None
    outlying = find_outliers(retention[counted], recipe)
    pace = _find_pace(cycle[counted], doubles(ageing["elapsed_day"])[counted])
    kept = cycle[counted][~outlying], retention[counted][~outlying]
    return Series(*kept, begin, int(outlying.sum()), pace)


def find_outliers(values: Doubles, recipe: LifeRecipe) -> Mask:
    """Mark values that stand out from both their neighbours, as after a power cut; a trend or a step does not.

    Each value is compared with the median of itself and as many neighbours on either side, which is itself wherever the
    series rises or falls steadily.
    """
    if len(values) <= 2 * REACH:
        return np.zeros(len(values), dtype=np.bool_)
    middle = values.copy()
    middle[1:-1] = _median_of_three(values)
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * REACH + 1)
    middle[REACH:-REACH] = np.partition(windows, REACH, axis=1)[:, REACH]
    limit = max(recipe.outlier_steps * float(np.median(np.abs(np.diff(values)))), recipe.outlier_retention)
    outlying: Mask = np.abs(values - middle) > limit
    return outlying


def _median_of_three(values: Doubles) -> Doubles:
    before, own, after = values[:-2], values[1:-1], values[2:]
    median: Doubles = np.maximum(np.minimum(before, own), np.minimum(np.maximum(before, own), after))
    return median


def _find_pace(cycle: Doubles, day: Doubles) -> float | None:
    days = float(day[-1] - day[0])
    # A life without a clock has no days; one that was seen for no time has no pace.
    return float(cycle[-1] - cycle[0]) / days * DAYS_PER_YEAR if days > 0 else None

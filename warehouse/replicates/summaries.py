"""What is said of the values of a group: median and spread, how sure, and who stands out.

formula: quartiles: linear between the ordered values (Hyndman and Fan's type 7)
formula: median of lives of which some are censored: where Kaplan and Meier's curve falls to one half
formula: interval: by order statistics of the values, or of the wafers' medians where there are several wafers
source: warehouse/statistics.py
condition: six independent values for 95 %; of cells on several wafers the wafers are counted, not the dies
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

import numpy as np

from warehouse.arrays import Doubles
from warehouse.replicates.recipe import ReplicatesRecipe
from warehouse.statistics import (
    censored_median,
    censored_median_interval,
    find_middle,
    find_quantile,
    flag_outliers,
    median_interval,
    take_middle,
)

Interval = tuple[float, float | None] | None
Wafer = tuple[str, str]


@dataclass(frozen=True)
class Sample:
    """The values of one metric in one group, cell by cell.

    Args:
        cells: their names, ordered.
        values: where a life is censored, how long it was seen.
        ended: False where a value is censored: it is only known to be larger.
        wafers: lot and wafer of each cell; None where it is not known.
        missing: cells of the group that have no value.
        complete: False where cells are missing because they were not observed for long enough.
    """

    cells: Sequence[str]
    values: Sequence[float]
    ended: Sequence[bool]
    wafers: Sequence[Wafer | None]
    missing: int
    complete: bool = True

    @cached_property
    def censored(self) -> int:
        """How many values are censored."""
        return len(self.ended) - sum(self.ended)

    @cached_property
    def ordered(self) -> Doubles:
        """The values, the least first."""
        return np.sort(np.asarray(self.values, dtype=np.float64))


def summarise(sample: Sample, recipe: ReplicatesRecipe) -> dict[str, object]:
    """Return the columns of ``schema.REPLICATES`` that say something of the values."""
    # A life that goes on is no outlier, and hides whether others are.
    flags = [False] * len(sample.cells) if sample.censored else flag_outliers(sample.values, recipe.outlier_limit)
    return {
        "n": len(sample.cells),
        "n_censored": sample.censored,
        "n_missing": sample.missing,
        "wafers": None if None in sample.wafers else len(set(sample.wafers)),
        **_describe_values(sample),
        **describe_intervals(sample, recipe.confidence),
        "confidence": recipe.confidence,
        "cells": json.dumps(list(sample.cells), ensure_ascii=False),
        "outliers": json.dumps(list(compress(sample.cells, flags)), ensure_ascii=False),
    }


def find_median(sample: Sample) -> float | None:
    """Return the median; None where too many values are censored."""
    if sample.censored:
        return censored_median(sample.values, sample.ended)
    return take_middle(sample.ordered)


def _describe_values(sample: Sample) -> dict[str, float | None]:
    ordered = sample.ordered
    # A quartile or a maximum among lives that go on is not known.
    low, high = (None if sample.censored else find_quantile(ordered, part) for part in (0.25, 0.75))
    reached = float(ordered[-1]) in compress(sample.values, sample.ended)
    return {
        "median": find_median(sample),
        "lower_quartile": low,
        "upper_quartile": high,
        "interquartile_range": None if low is None or high is None else high - low,
        "minimum": float(ordered[0]),
        "maximum": float(ordered[-1]) if reached else None,
    }


def describe_intervals(sample: Sample, confidence: float) -> dict[str, object]:
    """Return the median's interval over cells, and the one that counts what is independent."""
    # Those that got this far may be the better ones.
    if not sample.complete:
        return {"interval_reason": "not_all_reached"}
    cells = _find_interval(sample, confidence)
    known = [wafer for wafer in sample.wafers if wafer is not None]
    # With one die a wafer the two are the same, and the cell is the simpler word.
    unit = "wafer" if len(known) == len(sample.wafers) and len(set(known)) < len(known) else "cell"
    chosen = _find_wafers_interval(sample, confidence) if unit == "wafer" else cells
    ends = chosen or (None, None)
    of_cells = cells or (None, None)
    return {
        "interval_unit": unit,
        "interval_reason": None if chosen else f"too_few_{unit}s",
        "median_low": ends[0],
        "median_high": ends[1],
        "cells_median_low": of_cells[0],
        "cells_median_high": of_cells[1],
    }


def _find_interval(sample: Sample, confidence: float) -> Interval:
    if sample.censored:
        return censored_median_interval(sample.values, sample.ended, confidence)
    return median_interval(sample.ordered, confidence)


def _find_wafers_interval(sample: Sample, confidence: float) -> Interval:
    """Return the interval over the wafers' medians: the lower end takes lives as seen, the upper as if unending."""
    low = median_interval(_find_medians(sample.values, sample.wafers), confidence)
    if low is None or not sample.censored:
        return low
    longest = [value if end else np.inf for value, end in zip(sample.values, sample.ended, strict=True)]
    high = median_interval(_find_medians(longest, sample.wafers), confidence)
    if high is None:
        return None
    return low[0], high[1] if np.isfinite(high[1]) else None


def _find_medians(values: Sequence[float], wafers: Sequence[Wafer | None]) -> list[float]:
    by_wafer: dict[Wafer | None, list[float]] = {}
    for value, wafer in zip(values, wafers, strict=True):
        by_wafer.setdefault(wafer, []).append(value)
    return [find_middle(members) for members in by_wafer.values()]

"""Cycle classes: only cycles of one class are compared over a life.

``ageing`` is the largest group of complete cycles with one discharge current (within the recipe's width); different
cycles before it are ``formation``, lower ones after it ``rpt`` (check-ups), the others ``rate``. Cycles that lack a
half, or were cut short, are ``incomplete``. The classes are found in the data; no schedule is guessed.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.recipe import Recipe

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


def name_classes(cycles: pl.DataFrame, recipe: Recipe) -> pl.DataFrame:
    """Add the column ``class``.

    Args:
        cycles: cycles with ``flags``, ``mean_discharging_current_ampere`` and ``mean_charging_current_ampere``.
        recipe: thresholds.
    """
    complete = ~cycles["flags"].str.contains("_only|truncated").to_numpy()
    names = np.full(cycles.height, "incomplete", dtype=object)
    current = np.abs(cycles["mean_discharging_current_ampere"].fill_null(0.0).to_numpy())
    if complete.any():
        names[complete] = _classify(current[complete], recipe)
    return cycles.with_columns(pl.Series("class", names.tolist(), dtype=pl.String))


def _classify(current: Doubles, recipe: Recipe) -> list[str]:
    group = group_currents(current, recipe.same_current)
    numbers, counts = np.unique(group, return_counts=True)
    # Of equally large groups the later one is the loop; what came before it prepared the cell.
    last_seen = [int(np.flatnonzero(group == number)[-1]) for number in numbers]
    ageing = numbers[max(range(len(numbers)), key=lambda index: (counts[index], last_seen[index]))]
    inside = group == ageing
    level = float(np.median(current[inside]))
    begin = int(np.argmax(inside))
    before = "formation" if begin <= recipe.longest_formation else "rate"
    return [
        "ageing" if member else before if index < begin else _later(size, level, recipe)
        for index, (member, size) in enumerate(zip(inside, current, strict=True))
    ]


def _later(current: float, level: float, recipe: Recipe) -> str:
    return "rpt" if current < recipe.check_up_current * level else "rate"


def group_currents(current: Doubles, width: float) -> Integers:
    """Number groups of like currents: sorted by size, a new group begins where the step up exceeds ``width``."""
    order = np.argsort(current, kind="stable")
    ordered = current[order]
    begins = np.append(0, ordered[1:] > ordered[:-1] * (1 + width))
    group = np.empty(len(current), dtype=np.int64)
    group[order] = np.cumsum(begins)
    return group

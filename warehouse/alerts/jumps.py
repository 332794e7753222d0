"""A capacity that steps from one cycle to the next, beyond its noise.

formula: step: abs(ΔQ - median ΔQ) above the limit times its scatter, and above a part of Q; it stays: the medians of
    the cycles before and behind differ by at least half of it, in its direction
formula: scatter: the larger of MAD / 0.6745 and the third quartile of abs(ΔQ - median ΔQ) / 1.1503
condition: between two ageing cycles that follow each other; a recovery behind a check-up is none
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from warehouse.alerts.recipe import AlertsRecipe
from warehouse.alerts.sign import Sign
from warehouse.arrays import Doubles, Integers, doubles
from warehouse.replicates.courses import find_runs, known_rows
from warehouse.statistics import MAD_OF_SIGMA, find_quantile, take_middle

# Three quarters of a normal distribution's deviations are smaller than this many of its standard deviations.
QUARTILE_OF_SIGMA: Final = 1.1503

# Cells, and where the rows of each lie.
Cells = list[tuple[str, slice]]


def find_jumps(ageing: pl.DataFrame, recipe: AlertsRecipe) -> Iterator[Sign]:
    """Yield the steps of cells' capacities, the largest of each cell.

    Args:
        ageing: a firm's ageing cycles as :func:`warehouse.replicates.courses.list_ageing` returns them.
        recipe: thresholds.
    """
    known = known_rows(ageing, "capacity_ah")
    capacities, cycles = doubles(known["capacity_ah"]), doubles(known["cycle"])
    for cell, rows in _find_restless(capacities, find_runs(known["cell_id"]), recipe):
        for place in _find_places(capacities[rows], cycles[rows], recipe):
            behind = rows.start + int(place)
            cycle, test = int(cycles[behind]), known["test_id"][behind]
            before, after = float(capacities[behind - 1]), float(capacities[behind])
            evidence = {
                "cycle": cycle,
                "capacity_before_ah": before,
                "capacity_after_ah": after,
                "change": after / before - 1,
                "test_id": test,
                "test_before": known["test_id"][behind - 1],
            }
            yield Sign("capacity_step", f"{cell} at cycle {cycle}", cell, evidence)


def _find_restless(capacities: Doubles, cells: Cells, recipe: AlertsRecipe) -> Cells:
    """Return the cells whose capacity changes once by as much as a step has at least, whatever its scatter is."""
    long_enough = [(cell, rows) for cell, rows in cells if rows.stop - rows.start >= 4 * recipe.step_cycles]
    if not long_enough:
        return []
    # Of all cells at once, for most of them have no such change and nothing more is asked of them.
    changes = np.diff(capacities)
    spans = [changes[rows.start : rows.stop - 1] for _, rows in long_enough]
    lengths = np.array([len(span) for span in spans])
    number = np.repeat(np.arange(len(spans)), lengths)
    joined = np.concatenate(spans)
    before = np.concatenate([capacities[rows.start : rows.stop - 1] for _, rows in long_enough])
    usual = np.array([take_middle(np.sort(span)) for span in spans])
    far = np.abs(joined - usual[number]) > recipe.step_part * np.abs(before)
    restless = np.logical_or.reduceat(far, np.cumsum(lengths) - lengths)
    return [one for one, some in zip(long_enough, restless, strict=True) if some]


def _find_places(capacities: Doubles, cycles: Doubles, recipe: AlertsRecipe) -> Integers:
    """Return the indices of the cycles behind a step, in their order."""
    width = recipe.step_cycles
    changes = np.diff(capacities)
    away = np.abs(changes - take_middle(np.sort(changes)))
    ordered = np.sort(away)
    # A capacity that alternates has half of its changes alike: their median deviation says nothing.
    scatter = max(take_middle(ordered) / MAD_OF_SIGMA, find_quantile(ordered, 0.75) / QUARTILE_OF_SIGMA)
    limit = np.maximum(recipe.step_limit * scatter, recipe.step_part * np.abs(capacities[:-1]))
    places = np.flatnonzero((away > limit) & (np.diff(cycles) == 1) & (capacities[:-1] > 0)) + 1
    # The last cycles are judged when others have followed them.
    places = places[(places >= width) & (places <= len(capacities) - width)]
    stays = np.array([_stays(capacities, int(place), width) for place in places], dtype=bool)
    kept = places[stays] if len(places) else places
    largest = kept[np.argsort(-away[kept - 1], kind="stable")[: recipe.step_most]]
    found: Integers = np.sort(largest).astype(np.int64)
    return found


def _stays(capacities: Doubles, place: int, width: int) -> bool:
    step = capacities[place] - capacities[place - 1]
    moved = np.median(capacities[place : place + width]) - np.median(capacities[place - width : place])
    return bool(moved / step >= 1 / 2)

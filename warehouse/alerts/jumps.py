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
from warehouse.statistics import MAD_OF_SIGMA

# Three quarters of a normal distribution's deviations are smaller than this many of its standard deviations.
QUARTILE_OF_SIGMA: Final = 1.1503


def find_jumps(fade: pl.DataFrame, recipe: AlertsRecipe) -> Iterator[Sign]:
    """Yield the steps of cells' capacities, the largest of each cell.

    Args:
        fade: a firm's answer to the question ``fade``.
        recipe: thresholds.
    """
    ageing = fade.filter(pl.col("class") == "ageing", pl.col("capacity_ah").is_not_null()).sort("cell_id", "cycle")
    for key, rows in ageing.partition_by("cell_id", as_dict=True, maintain_order=True).items():
        capacities, cycles = doubles(rows["capacity_ah"]), doubles(rows["cycle"])
        for place in _find_places(capacities, cycles, recipe):
            cycle, test = int(cycles[place]), rows["test_id"][int(place)]
            before, after = float(capacities[place - 1]), float(capacities[place])
            evidence = {
                "cycle": cycle,
                "capacity_before_ah": before,
                "capacity_after_ah": after,
                "change": after / before - 1,
                "test_id": test,
                "test_before": rows["test_id"][int(place) - 1],
            }
            yield Sign("capacity_step", f"{key[0]} at cycle {cycle}", str(key[0]), evidence)


def _find_places(capacities: Doubles, cycles: Doubles, recipe: AlertsRecipe) -> Integers:
    """Return the indices of the cycles behind a step, in their order."""
    width = recipe.step_cycles
    if len(capacities) < 4 * width:
        return np.zeros(0, dtype=np.int64)
    changes = np.diff(capacities)
    usual = np.median(changes)
    away = np.abs(changes - usual)
    # A capacity that alternates has half of its changes alike: their median deviation says nothing.
    scatter = max(np.median(away) / MAD_OF_SIGMA, np.quantile(away, 0.75) / QUARTILE_OF_SIGMA)
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

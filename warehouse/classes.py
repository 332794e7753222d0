"""Cycle classes: only cycles of one class are compared over a life.

``ageing`` is the largest group of complete cycles with one discharge current (within the recipe's width), from where
its loop begins; a few slower cycles before it are ``formation``, slower ones after it ``rpt`` (check-ups), the others
``rate``. Cycles that lack a half, or were cut short, are ``incomplete``; those of several pulses, or of nothing else,
are ``pulse``; those that hold the cell for a day between charge and discharge are ``hold``, unless most cycles are
like that: then they are the loop. The classes are found in the data; no schedule is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import doubles
from warehouse.derivation import DerivationRecipe

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Fewer different currents before the loop are no rate test.
FEWEST_RATES: Final = 3


def name_classes(cycles: pl.DataFrame, recipe: DerivationRecipe) -> pl.DataFrame:
    """Add the column ``class``.

    Args:
        cycles: cycles with ``flags``, ``mean_discharging_current_ampere``, ``mean_charging_current_ampere``,
            ``pulses``, ``other_steps`` and ``longest_hold_second``.
        recipe: thresholds.
    """
    complete = ~cycles["flags"].str.contains("_only|truncated").to_numpy()
    names = np.full(cycles.height, "incomplete", dtype=object)
    current = np.abs(doubles(cycles["mean_discharging_current_ampere"], 0.0))
    ordinary = complete.copy()
    for name, special in _find_special(cycles, complete, recipe):
        names[special & ordinary] = name
        ordinary &= ~special
    if ordinary.any():
        names[ordinary] = _classify(current[ordinary], recipe)
    return cycles.with_columns(pl.Series("class", names.tolist(), dtype=pl.String))


def _find_special(cycles: pl.DataFrame, complete: Mask, recipe: DerivationRecipe) -> Iterator[tuple[str, Mask]]:
    """Yield which complete cycles are pulse tests, and which hold the cell; those that are a loop are neither."""
    pulses = cycles["pulses"].to_numpy()
    only = (pulses > 0) & (cycles["other_steps"].to_numpy() == 0)
    held = doubles(cycles["longest_hold_second"], 0.0) >= recipe.shortest_hold_second
    several = (pulses >= recipe.fewest_pulses) & ~only
    longest = recipe.longest_formation
    for name, mark, most in (
        ("pulse", only, recipe.longest_pulse_loop),
        ("pulse", several, longest),
        ("hold", held, longest),
    ):
        special = mark & complete
        count = np.count_nonzero(special)
        if count <= most or 2 * count <= np.count_nonzero(complete):
            yield name, special


def _classify(current: Doubles, recipe: DerivationRecipe) -> list[str]:
    group = group_currents(current, recipe.same_current)
    numbers, counts = np.unique(group, return_counts=True)
    # Of equally large groups the later one is the loop; what came before it prepared the cell.
    last_seen = [int(np.flatnonzero(group == number)[-1]) for number in numbers]
    ageing = int(numbers[max(range(len(numbers)), key=lambda index: (counts[index], last_seen[index]))])
    begin = _find_loop(group, ageing)
    level = float(np.median(current[begin:][group[begin:] == ageing]))
    later = [
        "ageing" if number == ageing else _later(size, level, recipe)
        for number, size in zip(group[begin:], current[begin:], strict=True)
    ]
    return _earlier(group[:begin], ageing, recipe) + later


def _find_loop(group: Integers, ageing: int) -> int:
    """Return the cycle with which the ageing loop begins, behind a rate test that runs through its current too."""
    starts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    lengths = np.diff(starts, append=len(group))
    mine = np.flatnonzero(group[starts] == ageing)
    longest = lengths[mine].max()
    for block in mine:
        # Groups are numbered by size: a like number of faster cycles follows in a rate test, not in a loop.
        rises = block + 1 < len(starts) and group[starts[block + 1]] > ageing
        if 2 * lengths[block] >= longest and not (rises and lengths[block] <= 2 * lengths[block + 1]):
            begin = int(starts[block])
            return begin if len(np.unique(group[:begin])) >= FEWEST_RATES else int(starts[mine[0]])
    return int(starts[mine[0]])


def _earlier(group: Integers, ageing: int, recipe: DerivationRecipe) -> list[str]:
    """Name the cycles before the loop: slower ones prepared the cell; faster ones among them make it a rate test."""
    if not (group >= ageing).any():
        return ["formation" if len(group) <= recipe.longest_formation else "rate"] * len(group)
    prepared = int(np.argmax(group != group[0]))
    # A rate test often ends with the rate that it began with; formation does not come back.
    if group[0] >= ageing or prepared > recipe.longest_formation or (group[prepared:] == group[0]).any():
        prepared = 0
    return ["formation"] * prepared + ["rate"] * (len(group) - prepared)


def _later(current: float, level: float, recipe: DerivationRecipe) -> str:
    return "rpt" if current < recipe.check_up_current * level else "rate"


def group_currents(current: Doubles, width: float) -> Integers:
    """Number groups of like currents: sorted by size, a new group begins where the step up exceeds ``width``."""
    order = np.argsort(current, kind="stable")
    ordered = current[order]
    begins = np.append(0, ordered[1:] > ordered[:-1] * (1 + width))
    group = np.empty(len(current), dtype=np.int64)
    group[order] = np.cumsum(begins)
    return group

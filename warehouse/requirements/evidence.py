"""What speaks for a requirement: of each cell the value measured under its conditions, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Final

import numpy as np

from warehouse.arrays import Doubles, Integers
from warehouse.requirements.conditions import CONDITIONS, Flags, miss
from warehouse.requirements.frames import Frames, Rows
from warehouse.requirements.profiles import Requirement
from warehouse.requirements.quantities import QUANTITIES
from warehouse.requirements.recipe import RequirementsRecipe
from warehouse.requirements.verdicts import Measured

# Why a cell has no value, the nearest miss first; keys of ``warehouse.requirements.reasons``.
MISSES: Final = ("refused", "not_long_enough", "condition_unknown", "other_conditions", "no_such_test")
REFUSED, NOT_LONG_ENOUGH, CONDITION_UNKNOWN, OTHER_CONDITIONS, NO_SUCH_TEST = range(len(MISSES))


@dataclass(frozen=True)
class Evidence:
    """What was measured, with an entry for each cell that was asked about; NaN where a figure is not known.

    Args:
        value: also NaN where only a bound of it is known: a life that goes on.
        low: lower end of its interval.
        high: upper end of it.
        tested: whether there is a value, or a bound of it.
        assumed: whether the interval is assumed by the recipe, not measured.
        missed: why there is no value: the place in ``MISSES``; of no meaning where there is one.
    """

    value: Doubles
    low: Doubles
    high: Doubles
    tested: Flags
    assumed: Flags
    missed: Integers

    @property
    def censored(self) -> Flags:
        """Of which cells only a bound of the value is known."""
        return self.tested & np.isnan(self.value)

    @property
    def rank(self) -> Doubles:
        """The cells' values; where only one bound is known, that."""
        bound = np.where(np.isnan(self.low), self.high, self.low)
        return np.where(np.isnan(self.value), bound, self.value)

    def take(self, places: Integers) -> Evidence:
        """Return the evidence of some of the cells."""
        value, low, high = self.value[places], self.low[places], self.high[places]
        return Evidence(value, low, high, self.tested[places], self.assumed[places], self.missed[places])

    def figures_of(self, place: int) -> Measured:
        """Return what was measured on one cell."""
        figures = (float(each[place]) for each in (self.value, self.low, self.high))
        return Measured(*(None if isnan(one) else one for one in figures))


def gather_evidence(frames: Frames, requirement: Requirement, recipe: RequirementsRecipe) -> Evidence:
    """Return the evidence of the cells that the frames are asked about.

    Args:
        frames: of the firm.
        requirement: what is asked.
        recipe: what counts as the same condition, and what is assumed where a value has no interval.
    """
    rows = frames.read(requirement)
    missed, found = np.full(frames.count, NO_SUCH_TEST), np.full((3, frames.count), np.nan)
    if len(rows.cell):
        missing = _find_misses(rows, requirement.conditions, recipe)
        np.minimum.at(missed, rows.cell, missing)
        measured = ~np.isnan(rows.figures[:2]).all(axis=0)
        chosen = _choose(rows, np.flatnonzero(measured & (missing == REFUSED)), QUANTITIES[requirement.quantity].take)
        found[:, rows.cell[chosen]] = rows.figures[:, chosen]
    return _weigh(found, missed, recipe)


def _find_misses(rows: Rows, required: Mapping[str, float], recipe: RequirementsRecipe) -> Integers:
    """Return why each row is no evidence, unless it holds a value: then nothing but a refusal would be in its way."""
    missed, short, unknown = np.zeros((3, len(rows.cell)), dtype=np.bool_)
    for name, value in required.items():
        found = rows.under[name]
        missing = miss(name, value, found, recipe)
        missed |= missing
        unknown |= np.isnan(found)
        # What came nearest is said: a test that only has to go on is no other test.
        short |= missing & (not CONDITIONS[name].lasting)
    reasons = np.where(short | unknown, OTHER_CONDITIONS, NOT_LONG_ENOUGH)
    met = np.where(unknown, CONDITION_UNKNOWN, REFUSED)
    return np.where(missed, reasons, met)


def _choose(rows: Rows, matching: Integers, take: str) -> Integers:
    """Return one row per cell: the preferred one, or the one whose value is least, greatest or in the middle."""
    # Mostly a cell has one, and there is nothing to choose.
    if np.bincount(rows.cell[matching]).max(initial=0) <= 1:
        return matching
    # A row of which the preference is not known goes first.
    ranks = [np.where(np.isnan(rank), -np.inf, -rank)[matching] for rank in rows.ranks]
    keys = ranks or [rows.figures[0, matching]]
    ordered = matching[np.lexsort((*reversed(keys), rows.cell[matching]))]
    _, first, count = np.unique(rows.cell[ordered], return_index=True, return_counts=True)
    if ranks:
        return np.asarray(ordered[first])
    # A measured value, not a mean of two: it keeps its own interval.
    return np.asarray(ordered[first + {"min": 0 * count, "max": count - 1, "median": (count - 1) // 2}[take]])


def _weigh(figures: Doubles, missed: Integers, recipe: RequirementsRecipe) -> Evidence:
    """Return values with their own intervals, or with those that the recipe assumes."""
    value, low, high = figures
    tested = ~(np.isnan(value) & np.isnan(low) & np.isnan(high))
    assumed = tested & np.isnan(low) & np.isnan(high)
    half = np.abs(value) * recipe.assumed_uncertainty
    low, high = np.where(assumed, value - half, low), np.where(assumed, value + half, high)
    return Evidence(value, low, high, tested, assumed, missed)

"""A die that falls faster than its siblings.

formula: z = (retention - median of the siblings) / spread, spread = MAD / 0.6745, all at one cycle: the last that the
    cell itself and as many siblings as are needed have reached
condition: siblings are the cells of its group of replicates on its own wafer; where these are too few, all of the group
source: modified z by Iglewicz and Hoaglin 1993
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from warehouse.alerts.recipe import AlertsRecipe
from warehouse.alerts.sign import Sign
from warehouse.replicates.courses import Course
from warehouse.statistics import MAD_OF_SIGMA, find_middle


@dataclass(frozen=True)
class Member:
    """A cell of a group of replicates, and the wafer that it is of."""

    cell: str
    replicate_group: str
    lot: str | None
    wafer: str | None


@dataclass(frozen=True)
class At:
    """What siblings have left at one age: how many of them reached it, their median, and their spread."""

    count: int
    middle: float
    spread: float


def find_falling(members: Iterable[Member], courses: Mapping[str, Course], recipe: AlertsRecipe) -> Iterator[Sign]:
    """Yield the cells that fall faster than their siblings.

    Args:
        members: cells by name.
        courses: of the cells that aged.
        recipe: thresholds.
    """
    aged = [one for one in members if one.cell in courses]
    for group in _divide(aged, "replicate_group"):
        whole = Siblings(group, courses, recipe)
        for wafer in _divide(group, "lot", "wafer"):
            # Of one wafer, siblings share what its process gave them.
            alone = len(wafer) < recipe.siblings or wafer[0].wafer is None
            siblings = whole if alone else Siblings(wafer, courses, recipe)
            yield from (sign for one in wafer if (sign := siblings.compare(one.cell)) is not None)


class Siblings:
    """Cells that one of them is compared with, each age of theirs looked at once.

    Args:
        cells: the siblings.
        courses: of the cells that aged.
        recipe: thresholds.
    """

    def __init__(self, cells: Sequence[Member], courses: Mapping[str, Course], recipe: AlertsRecipe) -> None:
        self._courses = {one.cell: courses[one.cell] for one in cells}
        self._recipe = recipe
        self._ages: dict[int, At] = {}
        lasts = sorted((course.last for course in self._courses.values()), reverse=True)
        # The last cycle that as many cells as are needed have reached.
        self._common = lasts[recipe.siblings - 1] if len(lasts) >= recipe.siblings else None

    def compare(self, cell: str) -> Sign | None:
        """Return the sign of a cell that falls faster than the others."""
        own, recipe = self._courses[cell], self._recipe
        if self._common is None or len(own.cycles) < recipe.sibling_cycles:
            return None
        # An old cell has lost more than a young one: only at one age are they comparable.
        age = min(own.last, self._common)
        retention, at = own.at(age), self._look_at(age)
        if retention is None or at.count < recipe.siblings:
            return None
        z = (retention - at.middle) / at.spread
        if z > -recipe.sibling_limit or at.middle - retention < recipe.sibling_loss:
            return None
        evidence = {
            "cycle": age,
            "retention": retention,
            "median_of_siblings": at.middle,
            "modified_z": z,
            "siblings": at.count,
        }
        return Sign("falling_faster", cell, cell, evidence)

    def _look_at(self, age: int) -> At:
        if age not in self._ages:
            found = (course.at(age) for course in self._courses.values())
            values = [value for value in found if value is not None]
            middle = find_middle(values)
            # Siblings that are all alike have hardly a spread; what is told must matter beside it.
            spread = find_middle([abs(value - middle) for value in values]) / MAD_OF_SIGMA
            self._ages[age] = At(len(values), middle, max(spread, self._recipe.sibling_spread))
        return self._ages[age]


def _divide(members: Iterable[Member], *names: str) -> list[list[Member]]:
    """Divide cells by what they are of, in the order of their first ones."""
    divided: dict[tuple[str | None, ...], list[Member]] = {}
    for one in members:
        divided.setdefault(tuple(getattr(one, name) for name in names), []).append(one)
    return list(divided.values())

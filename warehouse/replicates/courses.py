"""The courses of a firm's cells: their ageing cycles, put in order once for all that is asked of them.

formula: retention at a cycle: between the ageing cycles before and after it, linear
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, collect, doubles
from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.recipe import ReplicatesRecipe

USED: Final = ("cell_id", "test_id", "cycle", "capacity_ah", "capacity_retention", "coulombic_efficiency")


@dataclass(frozen=True)
class Course:
    """Retention of one cell over its ageing cycles, in their order."""

    cycles: Doubles
    retentions: Doubles

    @property
    def last(self) -> int:
        """The last ageing cycle."""
        return int(self.cycles[-1])

    def at(self, cycle: int) -> float | None:
        """Return the retention at a cycle; None before the first ageing cycle and behind the last."""
        return self.at_all((cycle,)).get(cycle)

    def at_all(self, cycles: Iterable[int]) -> dict[int, float]:
        """Return the retentions at some cycles, but at those before the first ageing cycle and behind the last."""
        first, last = float(self.cycles[0]), float(self.cycles[-1])
        seen = [cycle for cycle in cycles if first <= cycle <= last]
        if not seen:
            return {}
        return dict(zip(seen, np.interp(seen, self.cycles, self.retentions).tolist(), strict=True))


def list_ageing(inputs: FirmInputs) -> pl.DataFrame:
    """Return the ageing cycles of a firm, cell by cell in the order of their lives."""
    return inputs.share("ageing", (inputs.fade,), lambda: sort_ageing(inputs.fade))


def list_courses(inputs: FirmInputs) -> dict[str, Course]:
    """Return the courses of a firm's cells; a cell without ageing cycles has none."""
    return inputs.share("courses", (inputs.fade,), lambda: _cut_courses(list_ageing(inputs)))


def read_courses(fade: pl.DataFrame) -> dict[str, Course]:
    """Return the courses of retention by cell; a cell without ageing cycles has none.

    Args:
        fade: rows of the question ``fade``.
    """
    return _cut_courses(sort_ageing(fade))


def list_retentions(courses: Mapping[str, Course], recipe: ReplicatesRecipe) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield the retentions of a group's cells, age by age: at the recipe's, and at the last that all have reached.

    Args:
        courses: of the group's cells that aged.
        recipe: at which cycles they are compared.
    """
    if not courses:
        return
    common = min(course.last for course in courses.values())
    longest = max(course.last for course in courses.values())
    # Beyond the common age cells are missing; the row is given, its interval is not.
    ages = sorted({common, *(age for age in recipe.common_cycles if age <= longest)})
    found = {cell: course.at_all(ages) for cell, course in courses.items()}
    for age in ages:
        reached = {cell: values[age] for cell, values in found.items() if age in values}
        if reached:
            yield age, reached


def sort_ageing(fade: pl.DataFrame) -> pl.DataFrame:
    """Return the ageing cycles of cells, cell by cell in the order of their lives.

    Args:
        fade: rows of the question ``fade``.
    """
    return collect(fade.lazy().filter(pl.col("class") == "ageing").select(USED).sort("cell_id", "cycle"))


def find_runs(names: pl.Series) -> list[tuple[str, slice]]:
    """Return each name of a column in which equal ones stand together, with where its rows are."""
    runs = names.rle().struct.unnest()
    ends = [0, *np.cumsum(runs["len"].to_numpy()).tolist()]
    return list(zip(runs["value"].to_list(), map(slice, ends, ends[1:]), strict=False))


def known_rows(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the rows in which a column has a value."""
    return rows.filter(pl.col(column).is_not_null()) if rows[column].null_count() else rows


def _cut_courses(ageing: pl.DataFrame) -> dict[str, Course]:
    known = known_rows(ageing, "capacity_retention")
    # Two arrays cut at the cells' ends: a frame for each cell takes longer than all that is asked of it.
    cycles, retentions = (doubles(known[name]) for name in ("cycle", "capacity_retention"))
    return {cell: Course(cycles[rows], retentions[rows]) for cell, rows in find_runs(known["cell_id"])}

"""A die that falls faster than its siblings.

formula: z = (retention - median of the siblings) / spread, spread = MAD / 0.6745, all at one cycle: the last that the
    cell itself and as many siblings as are needed have reached
condition: siblings are the cells of its group of replicates on its own wafer; where these are too few, all of the group
source: modified z by Iglewicz and Hoaglin 1993
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import polars as pl

from warehouse.alerts.recipe import AlertsRecipe
from warehouse.alerts.sign import Sign
from warehouse.replicates.values import Course
from warehouse.statistics import MAD_OF_SIGMA


def find_falling(members: pl.DataFrame, courses: Mapping[str, Course], recipe: AlertsRecipe) -> Iterator[Sign]:
    """Yield the cells that fall faster than their siblings.

    Args:
        members: cells with ``replicate_group``, ``lot`` and ``wafer``.
        courses: of the cells that aged.
        recipe: thresholds.
    """
    aged = members.filter(pl.col("cell_id").is_in(list(courses)))
    for group in aged.partition_by("replicate_group", maintain_order=True):
        for wafer in group.partition_by("lot", "wafer", maintain_order=True):
            # Of one wafer, siblings share what its process gave them.
            alone = wafer.height < recipe.siblings or wafer["wafer"][0] is None
            siblings = {cell: courses[cell] for cell in (group if alone else wafer)["cell_id"]}
            for cell in wafer["cell_id"]:
                sign = _compare(cell, siblings, recipe)
                if sign is not None:
                    yield sign


def _compare(cell: str, siblings: Mapping[str, Course], recipe: AlertsRecipe) -> Sign | None:
    own = siblings[cell]
    if len(siblings) < recipe.siblings or len(own.cycles) < recipe.sibling_cycles:
        return None
    # An old cell has lost more than a young one: only at one age are they comparable.
    age = min(own.last, _common_age(siblings.values(), recipe.siblings))
    retention = own.at(age)
    values = np.array([value for each in siblings.values() if (value := each.at(age)) is not None])
    if retention is None or len(values) < recipe.siblings:
        return None
    middle = float(np.median(values))
    # Siblings that are all alike have hardly a spread; what is told must matter beside it.
    spread = max(float(np.median(np.abs(values - middle))) / MAD_OF_SIGMA, recipe.sibling_spread)
    z = (retention - middle) / spread
    if z > -recipe.sibling_limit or middle - retention < recipe.sibling_loss:
        return None
    evidence = {
        "cycle": age,
        "retention": retention,
        "median_of_siblings": middle,
        "modified_z": z,
        "siblings": len(values),
    }
    return Sign("falling_faster", cell, cell, evidence)


def _common_age(courses: Collection[Course], needed: int) -> int:
    """Return the last cycle that so many cells have reached."""
    return sorted((course.last for course in courses), reverse=True)[needed - 1]

"""Applications and what they ask of a cell: sets of requirements with conditions, and a score sheet against them.

``profiles`` reads the sets, ``quantities`` says where each quantity is measured and ``conditions`` when it was measured
as required, ``evidence`` finds the value, ``verdicts`` judges it by a stated rule, ``scores`` does so for cells and
groups of like cells, ``sheet`` puts that into rows, ``reasons`` says why a verdict is missing; ``shelf`` keeps a firm's
own sets, version by version.
"""

from __future__ import annotations

from typing import Final

from warehouse.metrics.computation import Computation
from warehouse.requirements.compute import compute_application
from warehouse.requirements.quantities import COLUMNS, READS
from warehouse.requirements.recipe import RequirementsRecipe
from warehouse.schema import APPLICATION, REPLICATE_CELLS

__all__ = ["COMPUTATIONS", "RequirementsRecipe"]

COMPUTATIONS: Final = (
    Computation(
        "requirements",
        "firm",
        (APPLICATION,),
        compute_application,
        (REPLICATE_CELLS.name, *READS),
        version=2,
        columns=COLUMNS,
    ),
)

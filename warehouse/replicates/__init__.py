"""Groups of like cells: what they were cycled under, what is typical of them, how sure that is, and who stands out.

``blocks`` finds the conditions of each cell's cycles and ``exposures`` the heat it went through, ``groups`` says which
cells are alike, ``values`` and ``courses`` what they are compared in, ``summaries`` what is said of a group,
``reasons`` why it is not.
"""

from __future__ import annotations

from typing import Final

from warehouse.metrics.computation import Computation
from warehouse.replicates.blocks import compute_conditions
from warehouse.replicates.compute import compute_replicates
from warehouse.replicates.recipe import ReplicatesRecipe
from warehouse.replicates.values import COLUMNS, READS
from warehouse.schema import CONDITIONS, EXPOSURES, REPLICATE_CELLS, REPLICATES

__all__ = ["COMPUTATIONS", "ReplicatesRecipe"]

COMPUTATIONS: Final = (
    Computation(
        "conditions",
        "cell",
        (CONDITIONS, EXPOSURES),
        compute_conditions,
        ("steps", "fade"),
        version=2,
        section="replicates",
    ),
    Computation(
        "replicates", "firm", (REPLICATES, REPLICATE_CELLS), compute_replicates, READS, version=2, columns=COLUMNS
    ),
)

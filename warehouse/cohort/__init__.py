"""The comparison between firms: quartiles of like cells of all firms, and no firm's values.

``grid`` says which cells are like, ``figures`` in what they are compared and how coarsely, ``values`` computes a firm's
own values, ``rules`` when something may be said, ``quantiles`` what is said, ``release`` keeps it as a snapshot;
``reasons`` says in two languages why nothing is said.

formula: quantile: the smallest value at which the weights of all values up to it reach the part p of all weights;
    rounded; a firm weighs as many cells as it has, at most five, divided among all its cells in the group
condition: six firms or more, so that whoever asks stands among at least five others; the asking firm is included
condition: no firm has more than 25 % of the weight; a quantile is given only where the two heaviest firms together
    weigh less than p and less than 1 - p, so that a firm that knows itself cannot bound another one by it
condition: one release in 91 days, the same for everybody; numbers of a group are renewed only when the values of at
    least six firms differ from every earlier release of that group, else the earlier ones stand
"""

from __future__ import annotations

from typing import Final

from warehouse.cohort.values import READS, compute_values
from warehouse.metrics.computation import Computation
from warehouse.replicates.values import COLUMNS
from warehouse.schema import COHORT_VALUES

COMPUTATIONS: Final = (
    Computation(
        "cohort_values", "firm", (COHORT_VALUES,), compute_values, READS, section="replicates", columns=COLUMNS
    ),
)

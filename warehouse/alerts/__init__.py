"""Alerts: what somebody should look at, told once, with its evidence, and closed when it no longer holds.

``signs`` looks for cells that behave otherwise than their like (``siblings``, ``jumps``) and for crossed limits;
``residuals`` and ``channels`` for a channel that reads otherwise than the others; ``sources`` for contradictions and
for tests that stopped, ``disk`` for a disk that fills. ``find`` keeps the table of alerts, ``words`` says them in two
languages.
"""

from __future__ import annotations

from typing import Final

from warehouse.alerts.recipe import AlertsRecipe
from warehouse.alerts.signs import compute_signs
from warehouse.metrics.computation import Computation
from warehouse.schema import REPLICATE_CELLS, RESIDUALS, SIGNS, SPECS

__all__ = ["COMPUTATIONS", "AlertsRecipe"]

COMPUTATIONS: Final = (
    Computation("alerts", "firm", (SIGNS, RESIDUALS), compute_signs, (REPLICATE_CELLS.name, SPECS.name)),
)

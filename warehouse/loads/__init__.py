"""What is read off the records of a load: precision, resistances at current edges, pulses, dQ/dV, charge times.

``precision`` says how truly a test was measured and is a computation of its own, for a floor is asked for more often
than anything else here; ``tables`` reads a test's records once for all the others.
"""

from __future__ import annotations

from warehouse import schema
from warehouse.loads.precision import compute_precision
from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.tables import TABLES, compute_loads
from warehouse.metrics.computation import Computation

COMPUTATIONS = (
    Computation("precision", "test", (schema.PRECISION,), compute_precision, section="loads"),
    Computation("loads", "test", TABLES, compute_loads),
)

__all__ = ["COMPUTATIONS", "LoadsRecipe"]

"""Wafers, specifications and process splits: from maps and results of dies to bins, yields, spreads and effects.

``maps`` and ``map_frames`` put wafer maps into the registry, ``export`` writes results as a map's own counts. ``sites``
are a firm's dies and cells, ``figures`` what was measured at each under which ``conditions``, ``fades`` at which cycle,
``quantities`` and ``units`` name it, ``groups`` cuts it by wafers and splits. ``limits`` judges figures by
specifications, ``bins`` sorts dies, ``yields`` counts them. ``uniformity`` and ``profiles`` look at one wafer,
``components`` at what lots, wafers and dies have in common, ``effects`` and ``lives`` compare ``splits`` with the wafer
as the unit; ``compute`` is all of it, ``reasons`` says in two languages why a figure is missing.
"""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from warehouse import schema
from warehouse.metrics.computation import Computation

TABLES: Final = (
    schema.WAFER_DIES,
    schema.WAFER_YIELD,
    schema.UNIFORMITY,
    schema.RETICLES,
    schema.VARIANCE_COMPONENTS,
    schema.SPECS,
    schema.SPLITS,
    schema.SURVIVAL,
)
READS: Final = ("resistance", "spectrum_fits", "float_leakage", "voltage_decay", "storage_loss", "conditions")
COLUMNS: Final = {
    "resistance": (
        "status",
        "edge",
        "cycle",
        "after_second",
        "temperature_celsius",
        "state_of_charge",
        "current_change_ampere",
        "resistance_ohm",
    )
}


def compute(inputs: Any, recipe: Any) -> tuple[pl.DataFrame, ...]:
    """Compute all tables of a firm; see :func:`warehouse.wafers.compute.compute_wafers`."""
    from warehouse.wafers.compute import compute_wafers  # noqa: PLC0415 manifests import this package for its names

    return compute_wafers(inputs, recipe)


COMPUTATIONS: Final = (Computation("wafers", "firm", TABLES, compute, reads=READS, version=2, columns=COLUMNS),)

"""How far each test's figures lie from those of like cells: what a channel that reads wrongly shows in all its cells.

formula: coulombic efficiency: median of the test's ageing cycles - median of the like cells' medians
formula: capacity: median of the cell's first ageing cycles / median of the like cells' - 1
condition: at least as many like cells as the recipe's alerts.siblings
"""

from __future__ import annotations

from typing import Final

import polars as pl

from warehouse.alerts.recipe import AlertsRecipe
from warehouse.metrics.inputs import FirmInputs
from warehouse.schema import REPLICATE_CELLS, RESIDUALS

FIRST_CYCLES: Final = 3
EFFICIENCY: Final = "coulombic_efficiency"
CAPACITY: Final = "capacity"


def compute_residuals(inputs: FirmInputs, recipe: AlertsRecipe) -> pl.DataFrame:
    """Return one row per test and figure, for the tests of cells that have enough like ones."""
    groups = inputs.results.get(REPLICATE_CELLS.name, REPLICATE_CELLS.empty()).select("cell_id", "replicate_group")
    ageing = inputs.fade.filter(pl.col("class") == "ageing").sort("cell_id", "cycle").join(groups, on="cell_id")
    efficiencies = ageing.filter(pl.col(EFFICIENCY).is_not_null())
    first = ageing.filter(pl.col("capacity_ah").is_not_null()).with_columns(
        place=pl.int_range(pl.len()).over("cell_id")
    )
    capacities = first.filter(pl.col("place") < FIRST_CYCLES)
    parts = [
        _compare(efficiencies, pl.col(EFFICIENCY), EFFICIENCY, pl.col("value") - pl.col("typical"), recipe),
        _compare(capacities, pl.col("capacity_ah"), CAPACITY, pl.col("value") / pl.col("typical") - 1, recipe),
    ]
    rows = pl.concat(parts).with_columns(firm=pl.lit(inputs.firm)).filter(pl.col("residual").is_finite())
    return rows.select(pl.col(name).cast(dtype) for name, dtype in RESIDUALS.dtypes.items()).sort("test_id", "metric")


def _compare(rows: pl.DataFrame, value: pl.Expr, metric: str, residual: pl.Expr, recipe: AlertsRecipe) -> pl.DataFrame:
    tests = rows.group_by("replicate_group", "cell_id", "test_id").agg(value=value.median(), cycles=pl.len())
    cells = rows.group_by("replicate_group", "cell_id").agg(value=value.median())
    typical = cells.group_by("replicate_group").agg(typical=pl.col("value").median(), like_cells=pl.len())
    enough = typical.filter(pl.col("like_cells") >= recipe.siblings)
    compared = tests.filter(pl.col("cycles") >= FIRST_CYCLES).join(enough, on="replicate_group")
    return compared.with_columns(residual=residual, metric=pl.lit(metric))

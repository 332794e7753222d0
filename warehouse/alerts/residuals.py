"""How far each test's figures lie from those of like cells: what a channel that reads wrongly shows in all its cells.

formula: coulombic efficiency: median of the test's ageing cycles - median of the like cells' medians
formula: capacity: median of the cell's first ageing cycles / median of the like cells' - 1
condition: at least as many like cells as the recipe's alerts.siblings
"""

from __future__ import annotations

from typing import Final

import polars as pl

from warehouse.alerts.recipe import AlertsRecipe
from warehouse.arrays import collect
from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.courses import list_ageing
from warehouse.schema import REPLICATE_CELLS, RESIDUALS

FIRST_CYCLES: Final = 3
EFFICIENCY: Final = "coulombic_efficiency"
CAPACITY: Final = "capacity"


def compute_residuals(inputs: FirmInputs, recipe: AlertsRecipe) -> pl.DataFrame:
    """Return one row per test and figure, for the tests of cells that have enough like ones."""
    groups = inputs.results.get(REPLICATE_CELLS.name, REPLICATE_CELLS.empty()).lazy()
    ageing, cell = list_ageing(inputs).lazy(), pl.col("cell_id")
    # The cycles of a cell stand together, in their order.
    known = ageing.filter(pl.col("capacity_ah").is_not_null())
    first = known.filter(cell.ne_missing(cell.shift(FIRST_CYCLES)))
    value, typical = pl.col("value"), pl.col("typical")
    parts = [
        _compare(ageing, pl.col(EFFICIENCY), groups, recipe).with_columns(
            residual=value - typical, metric=pl.lit(EFFICIENCY)
        ),
        _compare(first, pl.col("capacity_ah"), groups, recipe).with_columns(
            residual=value / typical - 1, metric=pl.lit(CAPACITY)
        ),
    ]
    rows = pl.concat(parts).with_columns(firm=pl.lit(inputs.firm)).filter(pl.col("residual").is_finite())
    columns = (pl.col(name).cast(dtype) for name, dtype in RESIDUALS.dtypes.items())
    return collect(rows.select(columns).sort("test_id", "metric"))


def _compare(rows: pl.LazyFrame, figure: pl.Expr, groups: pl.LazyFrame, recipe: AlertsRecipe) -> pl.LazyFrame:
    """Return the median of each test of a cell that has enough like ones, and what is typical of those."""
    value, cycles = figure.median(), figure.count()
    # Groups have long names: they are put to tests and cells, not to their cycles.
    tests = rows.group_by("test_id").agg(pl.col("cell_id").first(), value=value, cycles=cycles)
    cells = rows.group_by("cell_id").agg(value=value).filter(pl.col("value").is_not_null())
    named = cells.join(groups.select("cell_id", "replicate_group"), on="cell_id")
    typical = named.group_by("replicate_group").agg(typical=pl.col("value").median(), like_cells=pl.len())
    enough = named.select("cell_id", "replicate_group").join(
        typical.filter(pl.col("like_cells") >= recipe.siblings), on="replicate_group"
    )
    return tests.filter(pl.col("cycles") >= FIRST_CYCLES).join(enough, on="cell_id")

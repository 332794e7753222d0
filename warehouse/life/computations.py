"""The computation of this package, as the night runs it; SciPy is loaded when there is a cell that ages."""

from __future__ import annotations

import polars as pl

from warehouse.life.recipe import LifeRecipe
from warehouse.life.series import read_ageing
from warehouse.metrics.inputs import CellInputs
from warehouse.schema import FADE_MODELS, FORECAST, KNEES


def compute_life(inputs: CellInputs, recipe: LifeRecipe) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Fit laws, look for a knee and forecast; rows of ``FADE_MODELS``, ``KNEES`` and ``FORECAST``."""
    ageing = read_ageing(inputs.fade)
    if ageing.is_empty():
        return FADE_MODELS.empty(), KNEES.empty(), FORECAST.empty()
    from warehouse.life.tables import describe_life  # noqa: PLC0415 SciPy loads slowly

    return describe_life(inputs.firm, inputs.cell_id, ageing, recipe)

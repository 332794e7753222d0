"""A cell's ageing cycles in, rows of the result tables out."""

from __future__ import annotations

import polars as pl

from warehouse.life.forecasts import describe_forecast
from warehouse.life.knees import describe_knees, judge_knees
from warehouse.life.models import describe_models, fit_laws
from warehouse.life.recipe import LifeRecipe
from warehouse.life.series import read_series
from warehouse.schema import FADE_MODELS, FORECAST, KNEES, Table


def describe_life(
    firm: str | None, cell_id: str, ageing: pl.DataFrame, recipe: LifeRecipe
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the rows of ``FADE_MODELS``, ``KNEES`` and ``FORECAST`` of one cell.

    Args:
        firm: code of the firm.
        cell_id: the cell.
        ageing: ageing cycles of its answer to the question ``fade``; one or more.
        recipe: every threshold.
    """
    series = read_series(ageing, recipe)
    fits = fit_laws(series, recipe)
    verdicts = judge_knees(series, fits, recipe)
    rows = (
        (FADE_MODELS, describe_models(series, fits, recipe)),
        (KNEES, describe_knees(series, verdicts, recipe)),
        (FORECAST, [describe_forecast(ageing, series, fits, verdicts, recipe)]),
    )
    models, knees, forecast = (_frame(table, {"firm": firm, "cell_id": cell_id}, each) for table, each in rows)
    return models, knees, forecast


def _frame(table: Table, keys: dict[str, str | None], rows: list[dict[str, object]]) -> pl.DataFrame:
    # The label of the recipe is the engine's to give.
    dtypes = {name: dtype for name, dtype in table.dtypes.items() if name != "recipe"}
    return pl.DataFrame([keys | row for row in rows], schema=dtypes)

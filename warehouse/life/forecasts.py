"""Rows of ``schema.FORECAST``: between which cycles a cell's life will end, or why nobody can say.

formula: every law whose AICc is close to the best is carried on; the band reaches from where the first one's prediction
    interval meets the threshold to where the last one's leaves it
formula: prediction interval: R(x) ± t·√(J C Jᵀ + scatter²)
condition: no further than 1.5 times the cycles seen; behind a knee only the cycles behind it count; while it is unclear
    whether there is one, nothing is forecast. A forecast is never a measured life: that one stays censored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, doubles
from warehouse.life.fits import Fit, fit_law
from warehouse.life.knees import Verdict
from warehouse.life.laws import LINEAR
from warehouse.life.models import choose_fit, find_lack
from warehouse.life.recipe import LifeRecipe
from warehouse.life.series import Series

Values = dict[str, object]

GRID: Final = 201
UNCLEAR: Final = ("indeterminate", "insufficient")


def find_end(cycle: Doubles, retention: Doubles, threshold: float, sustained: int) -> float | None:
    """Return the interpolated cycle at which retention falls below a threshold and stays there; None where it does not.

    Args:
        cycle: numbers of comparable cycles, rising.
        retention: of each.
        threshold: retention that ends life.
        sustained: comparable cycles in a row that must be below it.
    """
    if len(cycle) < sustained:
        return None
    below = np.lib.stride_tricks.sliding_window_view(retention < threshold, sustained).all(axis=1)
    if not below.any():
        return None
    k = int(np.argmax(below))
    if k == 0:
        return float(cycle[0])
    part = (retention[k - 1] - threshold) / (retention[k - 1] - retention[k])
    return float(cycle[k - 1] + part * (cycle[k] - cycle[k - 1]))


def describe_forecast(
    ageing: pl.DataFrame, series: Series | None, fits: Sequence[Fit], verdicts: Sequence[Verdict], recipe: LifeRecipe
) -> Values:
    """Return the row of a cell.

    Args:
        ageing: its ageing cycles.
        series: the same as arrays, those that stand out left out.
        fits: laws that were fitted to them.
        verdicts: on its knee, the last of which is what the methods agree on.
        recipe: threshold and reach.
    """
    row: Values = {"end_of_life_threshold": recipe.end_of_life, "confidence": recipe.confidence}
    if series is None:
        return row | {"status": "refused", "reason": "no_reference"}
    row["last_cycle"] = int(series.cycle[-1])
    cycle, retention = doubles(ageing["cycle"]), doubles(ageing["capacity_retention"])
    known = np.isfinite(retention)
    ended = find_end(cycle[known], retention[known], recipe.end_of_life, recipe.sustained_crossing)
    if ended is not None:
        return row | {"status": "reached", "reason": None}
    limit = series.begin + recipe.forecast_reach * series.span
    row["limit_cycle"] = limit
    carried, lack = _choose_laws(series, fits, verdicts, recipe)
    band = None if lack else carry_on(series, carried, limit, recipe)
    if band is None:
        return row | {"status": "refused", "reason": lack or "beyond_reach"}
    laws = ", ".join(fit.law.name for fit in carried)
    return row | {"status": "forecast", "laws": laws, "forecast_low_cycle": band[0], "forecast_high_cycle": band[1]}


def carry_on(series: Series, fits: Sequence[Fit], limit: float, recipe: LifeRecipe) -> tuple[float, float] | None:
    """Return the cycles between which life ends by any of the laws; None where one of them does not end it in reach."""
    grid = np.linspace(series.cycle[-1], limit, GRID)
    lows, highs = [], []
    for fit in fits:
        low, high = _predict(fit, (grid - series.begin) / fit.span, recipe)
        lows.append(_cross(grid, low, recipe.end_of_life))
        highs.append(_cross(grid, high, recipe.end_of_life))
    ends = [high for high in highs if high is not None]
    starts = [low for low in lows if low is not None]
    # Where one law does not end life in reach, the band has no upper end.
    return (min(starts), max(ends)) if fits and len(ends) == len(highs) else None


def _choose_laws(
    series: Series, fits: Sequence[Fit], verdicts: Sequence[Verdict], recipe: LifeRecipe
) -> tuple[list[Fit], str | None]:
    """Return the laws that are carried on, or why none is."""
    agreed = verdicts[-1]
    if len(series.cycle) < recipe.fewest_points:
        return [], "too_few_points"
    if agreed.found is not None:
        # The cycles up to the end of the knee's interval may still belong to what was before it.
        behind = series.cycle >= agreed.found.knee[2]
        if int(behind.sum()) < recipe.fewest_points:
            return [], "too_few_points"
        fit = fit_law(LINEAR, series.x[behind], series.retention[behind], recipe.smallest_scatter)
        return ([fit], None) if fit else ([], "too_few_points")
    # A break that is not ruled out would make every law without one too hopeful.
    if any(verdict.status in UNCLEAR and verdict.found is not None for verdict in verdicts):
        return [], "knee_unclear"
    best = choose_fit(fits, recipe)
    if best is None:
        return [], "undetermined"
    close = [fit for fit in fits if fit.aicc <= best.aicc + recipe.forecast_plausible]
    return [fit for fit in close if find_lack(fit, recipe) is None], None


def _predict(fit: Fit, u: Doubles, recipe: LifeRecipe) -> tuple[Doubles, Doubles]:
    """Return the ends of the prediction interval of single cycles."""
    middle, rows = fit.describe(u)
    variance = np.zeros_like(u) if fit.covariance is None else np.einsum("in,ij,jn->n", rows, fit.covariance, rows)
    half = fit.reach(recipe.confidence) * np.sqrt(variance + fit.scatter**2)
    return middle - half, middle + half


def _cross(grid: Doubles, values: Doubles, threshold: float) -> float | None:
    """Return where values first are below a threshold, interpolated."""
    below = values < threshold
    if not below.any():
        return None
    k = int(np.argmax(below))
    if k == 0:
        return float(grid[0])
    part = (values[k - 1] - threshold) / (values[k - 1] - values[k])
    return float(grid[k - 1] + part * (grid[k] - grid[k - 1]))

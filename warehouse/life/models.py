"""Rows of ``schema.FADE_MODELS``: what each law says of a cell, with intervals, and which law describes it best.

formula: linear: beside the slope by least squares the median slope of Theil and Sen: where the two differ by more than
    the interval, single cycles or a bent course decide over the former
formula: fade rate: what the law loses over the cycles seen, over their number, as a part of what it begins with: the
    noise of the one cycle that retention refers to is no part of it; per year at the pace of the test
source: Theil 1950 and Sen 1968 (median slope)
condition: ten ageing cycles or more; the law with the lowest AICc is chosen, a simpler one where they are close
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from warehouse.arrays import Doubles
from warehouse.life.fits import Fit, fit_law
from warehouse.life.laws import LAWS, LINEAR
from warehouse.life.recipe import LifeRecipe
from warehouse.life.series import Series

Values = dict[str, object]
Interval = tuple[float, float, float]

HUNDRED: Final = 100.0
# Slopes between pairs of cycles that the median is taken of, about.
MOST_PAIRS: Final = 30_000
# Powers of the cycles that a law's coefficient goes with, where it is not found.
FIXED: Final = {"linear": 1.0, "sqrt": 0.5, "linear_exponential": 1.0}
METHODS: Final = {
    "linear": "least squares, Theil-Sen beside it",
    "sqrt": "least squares",
    "power": "non-linear least squares",
    "linear_exponential": "non-linear least squares",
}


def fit_laws(series: Series | None, recipe: LifeRecipe) -> list[Fit]:
    """Fit every law to a series; none to one that is too short."""
    if series is None or len(series.cycle) < recipe.fewest_points:
        return []
    fits = [fit_law(law, series.x, series.retention, recipe.smallest_scatter) for law in LAWS]
    return [fit for fit in fits if fit is not None]


def choose_fit(fits: Sequence[Fit], recipe: LifeRecipe) -> Fit | None:
    """Return the law with the lowest criterion; a simpler one unless it is beaten by the recipe's gain."""
    told = [fit for fit in fits if find_lack(fit, recipe) is None]
    chosen: Fit | None = None
    # From the simplest: each must beat what is chosen so far, those with more parameters by more.
    for fit in sorted(told, key=lambda fit: -fit.free):
        if chosen is None or fit.aicc < chosen.aicc - (recipe.aicc_gain if fit.free < chosen.free else 0.0):
            chosen = fit
    return chosen


def find_lack(fit: Fit, recipe: LifeRecipe) -> str | None:
    """Say why a law's parameters cannot be relied on; None where they can."""
    # A law that begins with nothing has no part of it to lose.
    if fit.covariance is None or fit.weights[0] <= 0:
        return "undetermined"
    if fit.law.bend is None:
        return None
    deviation = np.sqrt(np.diag(fit.covariance))
    reach = fit.reach(recipe.confidence)
    # A shape without loss is the shape of noise; and one at the end of its range was not found, only left there.
    if fit.weights[-1] <= reach * deviation[-2]:
        return "loss_not_resolved"
    if not fit.law.shapes[0] < fit.shape < fit.law.shapes[-1]:
        return "undetermined"
    return "undetermined" if 2 * reach * deviation[-1] > recipe.widest_exponent else None


def describe_models(series: Series | None, fits: Sequence[Fit], recipe: LifeRecipe) -> list[Values]:
    """Return a row for every law, refused where it has nothing to say."""
    chosen = choose_fit(fits, recipe)
    by_name = {fit.law.name: fit for fit in fits}
    best = chosen.aicc if chosen else None
    rows = []
    for law in LAWS:
        fit = by_name.get(law.name)
        lack = _find_refusal(series, fit, recipe)
        row: Values = {"model": law.name, "status": "refused" if lack else "fitted", "reason": lack}
        row |= {"chosen": fit is not None and fit is chosen, "x_axis": "cycle", "method": METHODS[law.name]}
        row |= _describe_series(series) | {"confidence": recipe.confidence}
        if series is not None and fit is not None:
            row |= {"aicc": fit.aicc, "aicc_above_chosen": None if best is None else fit.aicc - best}
            row |= {"scatter": fit.scatter, "residual_correlation": fit.correlation}
            row |= {} if lack else describe_fit(series, fit, recipe)
        rows.append(row)
    return rows


def describe_fit(series: Series, fit: Fit, recipe: LifeRecipe) -> Values:
    """Return the parameters of a law and the rates that follow, each with its interval."""
    rate = find_rate(fit, recipe)
    row = _name("initial_retention", _measure(fit, _pick(fit, 0), recipe, float(fit.weights[0])))
    row |= _name("coefficient", _find_coefficient(fit, recipe)) | _name("fade_rate", rate, "per_cycle")
    row["fade_rate_per_100_cycles"] = rate[0] * HUNDRED
    row["fade_rate_per_year"] = None if series.cycles_per_year is None else rate[0] * series.cycles_per_year
    if fit.law is LINEAR:
        slope, intercept = find_median_slope(series.x, series.retention)
        row["theil_sen_rate_per_cycle"] = slope / intercept if intercept > 0 else None
    return row | _describe_shape(fit, recipe)


def find_median_slope(x: Doubles, y: Doubles) -> tuple[float, float]:
    """Return slope and intercept by Theil and Sen: the median slope between two points, and of what is left.

    Long series are sampled by the distance between the two, evenly from neighbours to both ends.
    """
    n = len(x)
    wanted = min(n - 1, 2 * MOST_PAIRS // n + 2)
    lags = np.unique(np.linspace(1, n - 1, wanted).round().astype(np.int64))
    slopes = np.concatenate([(y[lag:] - y[:-lag]) / (x[lag:] - x[:-lag]) for lag in lags.tolist()])
    slope = float(np.median(slopes))
    return slope, float(np.median(y - slope * x))


def find_rate(fit: Fit, recipe: LifeRecipe) -> Interval:
    """Return the mean change per cycle over the cycles seen, as a part of the retention at the reference."""
    (start, end), rows = fit.describe(np.array([0.0, 1.0]))
    gradient = (rows[:, 1] - end / start * rows[:, 0]) / start
    return _scale(_measure(fit, gradient, recipe, float(end / start - 1)), 1 / fit.span)


def _describe_shape(fit: Fit, recipe: LifeRecipe) -> Values:
    """Return what is particular to a law: its exponent, or what dies away at first."""
    if fit.law.bend is None:
        return {"exponent": FIXED[fit.law.name]}
    shape = _measure(fit, _pick(fit, -1), recipe, fit.shape)
    if fit.law.name not in FIXED:
        return _name("exponent", shape)
    transient = _name("transient", _scale(shape, fit.span), "cycle")
    return {"exponent": FIXED[fit.law.name], **_name("transient_loss", _divide(fit, 2, recipe)), **transient}


def _find_refusal(series: Series | None, fit: Fit | None, recipe: LifeRecipe) -> str | None:
    if series is None:
        return "no_reference"
    return "too_few_points" if fit is None else find_lack(fit, recipe)


def _find_coefficient(fit: Fit, recipe: LifeRecipe) -> Interval:
    """Return the loss after one cycle as a part of the retention at the reference."""
    if fit.law.name in FIXED:
        return _scale(_divide(fit, 1, recipe), fit.span ** -FIXED[fit.law.name])
    start, loss = fit.weights
    logarithm = np.log(loss / start) - fit.shape * np.log(fit.span)
    # Loss after one cycle and exponent trade off: their interval is even in the logarithm alone.
    gradient = np.array([-1 / start, 1 / loss, -np.log(fit.span)])
    value, low, high = np.exp(_measure(fit, gradient, recipe, float(logarithm)))
    return float(value), float(low), float(high)


def _divide(fit: Fit, place: int, recipe: LifeRecipe) -> Interval:
    """Return a weight as a part of the retention at the reference."""
    start, loss = fit.weights[0], fit.weights[place]
    gradient = _pick(fit, place) / start
    gradient[0] = -loss / start**2
    return _measure(fit, gradient, recipe, float(loss / start))


def _pick(fit: Fit, place: int) -> Doubles:
    gradient = np.zeros(len(fit.weights) + (fit.law.bend is not None))
    gradient[place] = 1.0
    return gradient


def _measure(fit: Fit, gradient: Doubles, recipe: LifeRecipe, value: float) -> Interval:
    """Return a figure with its interval, from its derivatives by the parameters."""
    variance = 0.0 if fit.covariance is None else float(gradient @ fit.covariance @ gradient)
    half = fit.reach(recipe.confidence) * float(np.sqrt(variance))
    return value, value - half, value + half


def _scale(interval: Interval, factor: float) -> Interval:
    return interval[0] * factor, interval[1] * factor, interval[2] * factor


def _name(name: str, interval: Interval, unit: str = "") -> Values:
    ending = f"_{unit}" if unit else ""
    ends = (("", 0), ("_low", 1), ("_high", 2))
    return {f"{name}{word}{ending}": interval[place] for word, place in ends}


def _describe_series(series: Series | None) -> Values:
    if series is None:
        return {"points": 0, "points_outlying": 0}
    ends = {"first_cycle": int(series.cycle[0]), "last_cycle": int(series.cycle[-1])}
    return {"points": len(series.cycle), "points_outlying": series.outlying, **ends}

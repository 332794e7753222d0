"""Shape of a quantity over a wafer: a plane and a bowl by least squares, and how alike neighbours are.

formula: value = c + b·(x² + y²)/R² + s·x/R + t·y/R, R the wafer's radius; told as b/c, s/c, t/c, intervals by t
formula: Moran's I = n/S0 · Σ w z z' / Σ z², w = 1 for the eight neighbours; expectation -1/(n-1), variance under
    randomisation
source: Cliff and Ord 1981
condition: die positions in metres; at least as many dies as the recipe asks, not all on one line or circle
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from typing import Final

import numpy as np

from warehouse.arrays import Doubles, Integers

Interval = tuple[float, float, float]

TERMS: Final = 4
# A design whose columns are this close to being one another says nothing of each.
SINGULAR: Final = 1e-6
# A sum of squares below this is none: its own square would have no digits left.
FAINT: Final = 1e-140


@dataclass(frozen=True)
class Profile:
    """A fitted profile.

    Args:
        centre: value at the wafer's centre.
        radial: part that is added at the edge, with its interval.
        tilt_x: part that is added at the right edge.
        tilt_y: part that is added at the upper edge.
        r_squared: part of the variance that is explained.
        residuals: what is left, die by die.
    """

    centre: float
    radial: Interval
    tilt_x: Interval
    tilt_y: Interval
    r_squared: float | None
    residuals: Doubles


@dataclass(frozen=True)
class Likeness:
    """Moran's I, its expectation without a pattern, and the two-sided p-value."""

    value: float
    expected: float
    p_value: float


@dataclass(frozen=True)
class Design:
    """What a profile is fitted by: the terms at each die, and their singular values and vectors.

    Those tell a design that cannot be solved, which normal equations would hide.
    """

    terms: Doubles
    left: Doubles
    singular: Doubles
    right: Doubles


def make_design(x: Doubles, y: Doubles, radius: float) -> Design:
    """Return the design of dies at some places; whatever is measured there, it is one.

    Args:
        x: of the dies, metres from the wafer's centre.
        y: likewise.
        radius: at which the parts are told.
    """
    terms = np.column_stack([np.ones(len(x)), (x * x + y * y) / radius**2, x / radius, y / radius])
    return Design(terms, *np.linalg.svd(terms, full_matrices=False))


def fit_profile(design: Design, values: Doubles, confidence: float) -> Profile | None:
    """Fit bowl and plane; None where the dies' places do not tell them apart.

    Args:
        design: of the dies.
        values: of the dies.
        confidence: level of the intervals.
    """
    left, singular, right = design.left, design.singular, design.right
    freedom = len(values) - TERMS
    if freedom < 1 or singular[-1] < SINGULAR * singular[0]:
        return None
    terms = right.T @ ((left.T @ values) / singular)
    residuals = values - design.terms @ terms
    square = float(residuals @ residuals)
    covariance = (right.T / singular**2) @ right * square / freedom
    spread = float(np.sum((values - values.mean()) ** 2))
    # Parts of a value at the centre that is not known to be above or below zero mean nothing.
    if terms[0] == 0:
        return None
    width = find_quantile(freedom, confidence)
    parts = [_as_part(terms, covariance, index, width) for index in range(1, TERMS)]
    explained = 1 - square / spread if spread > 0 else None
    return Profile(float(terms[0]), parts[0], parts[1], parts[2], explained, residuals)


def _as_part(terms: Doubles, covariance: Doubles, index: int, width: float) -> Interval:
    """Return a term over the first one, with the interval by which both are uncertain."""
    part = float(terms[index] / terms[0])
    variance = covariance[index, index] - 2 * part * covariance[0, index] + part * part * covariance[0, 0]
    half = width * sqrt(max(float(variance), 0.0)) / abs(float(terms[0]))
    return part, part - half, part + half


@dataclass(frozen=True)
class Neighbours:
    """Which dies are neighbours.

    Args:
        near: 1 for each pair of them, else 0.
        total: sum of all that.
        squares: sum of the squares of what each die has in both directions.
    """

    near: Doubles
    total: float
    squares: float


def find_neighbours(die_x: Integers, die_y: Integers) -> Neighbours:
    """Return which of some dies are among the eight neighbours of each."""
    # Dies are neighbours by their counts: a pitch that is not square makes none of them a stranger.
    away = np.maximum(abs(die_x[:, None] - die_x), abs(die_y[:, None] - die_y))
    near: Doubles = (away == 1).astype(np.float64)
    return Neighbours(near, float(near.sum()), float(((2 * near.sum(axis=1)) ** 2).sum()))


def find_morans_i(neighbours: Neighbours, values: Doubles) -> Likeness | None:
    """Return Moran's I over the neighbours of each die; None where none has any, or all values are one."""
    n, total = len(values), neighbours.total
    z = values - values.sum() / n
    square = float(z @ z)
    if total == 0 or square <= FAINT or n <= TERMS:
        return None
    value = n / total * float(z @ neighbours.near @ z) / square
    expected = -1 / (n - 1)
    deviation = sqrt(max(_find_variance(neighbours, z), 0.0))
    score = (value - expected) / deviation if deviation > 0 else 0.0
    return Likeness(value, expected, erfc(abs(score) / sqrt(2)))


def _find_variance(neighbours: Neighbours, z: Doubles) -> float:
    """Return the variance of Moran's I when the values are dealt to the dies at random."""
    n, total, s2 = len(z), neighbours.total, neighbours.squares
    s1 = 2 * total
    kurtosis = float(((z**4).sum() / n) / ((z**2).sum() / n) ** 2)
    first = n * ((n * n - 3 * n + 3) * s1 - n * s2 + 3 * total**2)
    second = kurtosis * ((n * n - n) * s1 - 2 * n * s2 + 6 * total**2)
    return (first - second) / ((n - 1) * (n - 2) * (n - 3) * total**2) - 1 / (n - 1) ** 2


def find_quantile(freedom: float, confidence: float) -> float:
    """Return Student's quantile of a two-sided interval."""
    from scipy import special  # noqa: PLC0415 SciPy loads slowly, and most nights have no wafer

    return float(special.stdtrit(freedom, (1 + confidence) / 2))

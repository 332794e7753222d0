"""Straight lines through records, with intervals that know how few of the records are news.

formula: ordinary least squares; the interval is Student's. Residuals that resemble their neighbours (lag-1 correlation
    c > 0) tell less than as many independent ones: n_eff = n·(1-c)/(1+c), by which both the standard error and the
    degrees of freedom are made
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

FEWEST: Final = 3
# Below this part of the values, a residual is rounding, and so is what it would say of its neighbour.
ROUNDING: Final = 1e-12
LARGEST_CORRELATION: Final = 0.99


@dataclass(frozen=True)
class Line:
    """A straight line; each ``reach`` is half the width of its value's interval.

    Args:
        slope: dy/dx.
        intercept: y at x = 0.
        slope_reach: of the slope.
        intercept_reach: of the intercept.
        r_squared: part of y's variance that the line explains; 0 where y does not vary.
        scatter: standard deviation of a value about the line.
    """

    slope: float
    intercept: float
    slope_reach: float
    intercept_reach: float
    r_squared: float
    scatter: float

    @property
    def relative_reach(self) -> float:
        """The slope's reach as a part of the slope."""
        return abs(self.slope_reach / self.slope) if self.slope else float("inf")


def fit_line(x: Doubles, y: Doubles, confidence: float) -> Line | None:
    """Fit a straight line by least squares; None where fewer than three values, or one x, give none.

    Args:
        x: in the order in which y was measured.
        y: what was measured.
        confidence: level of the intervals.
    """
    n = len(x)
    if n < FEWEST:
        return None
    middle, mean = float(x.mean()), float(y.mean())
    from_middle, from_mean = x - middle, y - mean
    # Sums, not dot products: those add up in another order on a machine with other cores.
    spread = _dot(from_middle, from_middle)
    if spread <= (ROUNDING * max(abs(middle), 1e-300)) ** 2 * n:
        return None
    slope = _dot(from_middle, from_mean) / spread
    residual = from_mean - slope * from_middle
    total, left = _dot(from_mean, from_mean), _dot(residual, residual)
    known = max(n * _part_of_news(residual, y), FEWEST)
    scatter = (left / (n - 2)) ** 0.5
    reach = student(confidence, known - 2) * scatter * (n / known) ** 0.5
    return Line(
        slope,
        mean - slope * middle,
        reach / spread**0.5,
        reach * (1 / n + middle**2 / spread) ** 0.5,
        1 - left / total if total > 0 else 0.0,
        scatter,
    )


def fit_proportion(x: Doubles, y: Doubles, confidence: float) -> tuple[float, float] | None:
    """Return the slope of the line through the origin and its reach; None where fewer than two values give none."""
    spread = _dot(x, x)
    if len(x) < FEWEST - 1 or spread <= 0:
        return None
    slope = _dot(x, y) / spread
    residual = y - slope * x
    freedom = len(x) - 1
    return slope, student(confidence, freedom) * (_dot(residual, residual) / freedom / spread) ** 0.5


def student(confidence: float, freedom: float) -> float:
    """Return how many standard errors a two-sided interval reaches."""
    from scipy.special import stdtrit  # noqa: PLC0415 heavy, and most tests have no line to fit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def average_evenly(time: Doubles, values: Doubles, parts: int) -> tuple[Doubles, Doubles]:
    """Return means over equal spans of time, so that records taken in haste count no more than others.

    Args:
        time: ascending.
        values: recorded then.
        parts: how many spans; one without records is left out.
    """
    span = float(time[-1] - time[0])
    part = (time - time[0]) * (parts / span) if span > 0 else np.zeros(len(time))
    place = np.minimum(part.astype(np.int64), parts - 1)
    records = np.bincount(place, minlength=parts)
    filled = records > 0
    mean = [np.bincount(place, weights=each, minlength=parts)[filled] / records[filled] for each in (time, values)]
    return mean[0], mean[1]


def find_step(values: Doubles) -> float:
    """Return the smallest distance between two recorded values: the quantum, or less where there is none.

    0 where there are not two values.
    """
    distinct = np.unique(values)
    if len(distinct) < 2:  # noqa: PLR2004 a distance is between two
        return 0.0
    steps = np.diff(distinct)
    # Doubles that print alike may differ in their last bits.
    real = steps[steps > ROUNDING * 10 * np.abs(distinct).max()]
    return float(real.min()) if len(real) else 0.0


def _dot(one: Doubles, other: Doubles) -> float:
    return float(np.sum(one * other))


def _part_of_news(residual: Doubles, values: Doubles) -> float:
    power = _dot(residual, residual)
    if power <= (ROUNDING * float(np.abs(values).max())) ** 2 * len(residual):
        return 1.0
    correlation = min(max(_dot(residual[1:], residual[:-1]) / power, 0.0), LARGEST_CORRELATION)
    return (1 - correlation) / (1 + correlation)

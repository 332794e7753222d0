"""The smooth bend of Bacon and Watts: where one rate of fade turns into another, and how gradually.

formula: R = a₀ + a₁(n - c) + a₂(n - c)·tanh((n - c)/w), a₂ < 0; the onset lies at c - w
formula: interval: Gauss-Newton covariance times Student's t, widened as that of a law
source: Bacon and Watts 1971; Fermín-Cueto et al. 2020, Energy and AI 1 (knee onset and knee point of cells)
condition: long series are fitted as means of neighbouring cycles; a bend narrower than these is as good as sharp
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import stdtrit

from warehouse.arrays import Doubles
from warehouse.life.breaks import Break, Interval, Line
from warehouse.life.fits import project
from warehouse.life.noise import correlate_neighbours, widen
from warehouse.life.recipe import LifeRecipe

PARAMETERS: Final = 5
MOST_MEANS: Final = 250
# Where the search begins: widths of the bend, on cycles from -1 to 1, and places of it.
WIDTHS: Final = (0.02, 0.08, 0.2, 0.5)
PLACES: Final = 24
WIDEST: Final = 1.0
STEPS: Final = 12
PARTS: Final = (1.0, 0.3, 0.05)
CONVERGED: Final = 1e-9


def fit_bacon_watts(cycle: Doubles, retention: Doubles, recipe: LifeRecipe) -> Break | None:
    """Fit a smooth bend behind which the cell fades faster; None where there is none.

    Args:
        cycle: numbers of the cycles, rising.
        retention: of each.
        recipe: how far a break lies from the first cycle, and the level of its interval.
    """
    many = -(-len(cycle) // MOST_MEANS)
    whole = slice(len(cycle) % many, None)
    means = Line(*(values[whole].reshape(-1, many).mean(axis=1) for values in (cycle, retention)))
    bend = _Bend(means, float(means.x[max(recipe.knee_lead // many, 1)]), float(means.x[-3]))
    start = bend.search()
    if start is None:
        return None
    place, width = bend.settle(*start)
    knee, onset = bend.bound(place, width, recipe)
    # The bend is that of the means; what it leaves is told of every cycle.
    line = Line(cycle, retention)
    here = (knee[0] - float(cycle[0])) / line.half - 1
    weights, fitted = _fit(line, here, width * means.half / line.half)
    if weights[2] >= 0:
        return None
    slopes = float(weights[1] - weights[2]), float(weights[1] + weights[2])
    corner = float(weights[0])
    return line.describe(fitted, recipe, knee=knee, onset=onset, slopes=slopes, retention=corner, parameters=PARAMETERS)


def _shape(x: Doubles, place: float, width: float) -> Doubles:
    away = x - place
    return np.array([np.ones_like(x), away, away * np.tanh(away / width)])


def _fit(line: Line, place: float, width: float) -> tuple[Doubles, Doubles]:
    """Return the weights of the best curve with this bend, and the curve."""
    rows = _shape(line.x, place, width)
    weights = project(rows, line.y)
    return weights, weights @ rows


class _Bend:
    """The search for a bend.

    Args:
        line: the series.
        low: the bend lies no earlier,
        high: and no later.
    """

    def __init__(self, line: Line, low: float, high: float) -> None:
        self.line, self.low, self.high = line, low, high
        # Between two neighbours any bend is as good as sharp.
        self.sharpest = float(np.median(np.diff(line.x)))

    def search(self) -> tuple[float, float] | None:
        """Return place and width of the best bend on a grid; None where none falls faster behind it."""
        # All bends on the grid at once: what a straight line takes of each is taken off first.
        widths = np.maximum(WIDTHS, self.sharpest)
        place, width = (grid.ravel() for grid in np.meshgrid(np.linspace(self.low, self.high, PLACES), widths))
        away = self.line.x - place[:, None]
        bends = away * np.tanh(away / width[:, None])
        bends -= (bends @ self.line.basis.T) @ self.line.basis
        seen = bends @ self.line.residual
        gain = np.where(seen < 0, seen**2 / np.sum(bends**2, axis=1), -np.inf)
        best = int(np.argmax(gain))
        return (float(place[best]), float(width[best])) if np.isfinite(gain[best]) else None

    def settle(self, place: float, width: float) -> tuple[float, float]:
        """Return place and width at the minimum near these, by damped steps of Gauss and Newton."""
        left = self._left(place, width)
        for _ in range(STEPS):
            rows, residual = self._derive(place, width)
            step = project(rows, residual)[3:]
            tries = [self._go(place, width, part * step) for part in PARTS]
            rests = [self._left(*tried) for tried in tries]
            least = min(rests)
            if left - least <= CONVERGED * left:
                break
            (place, width), left = tries[rests.index(least)], least
        return place, width

    def bound(self, place: float, width: float, recipe: LifeRecipe) -> tuple[Interval, Interval]:
        """Return knee and onset with their intervals; a sharp bend begins where it is."""
        rows, residual = self._derive(place, width)
        free = len(residual) - len(rows)
        scatter = max(float(np.sqrt(residual @ residual / free)), recipe.smallest_scatter)
        reach = scatter * float(stdtrit(free, 0.5 + recipe.knee_confidence / 2))
        reach *= float(np.sqrt(widen(correlate_neighbours(residual, recipe.smallest_scatter))))
        # What the cycles do not determine has an interval beyond them.
        covariance = np.linalg.pinv(rows @ rows.T, rcond=1e-14, hermitian=True)[3:, 3:]
        half = reach * float(np.sqrt(covariance[0, 0]))
        knee = self.line.round_out(place, place - half, place + half)
        if len(covariance) == 1:
            return knee, knee
        # The onset is place less width, of which the logarithm was varied.
        gradient = np.array([1.0, -width])
        half = reach * float(np.sqrt(gradient @ covariance @ gradient))
        return knee, self.line.round_out(place - width, place - width - half, place - width + half)

    def _go(self, place: float, width: float, step: Doubles) -> tuple[float, float]:
        there = float(np.clip(place + step[0], self.low, self.high))
        if len(step) == 1:
            return there, width
        return there, float(np.clip(width * np.exp(np.clip(step[1], -1, 1)), self.sharpest, WIDEST))

    def _left(self, place: float, width: float) -> float:
        residual = self.line.y - _fit(self.line, place, width)[1]
        return float(residual @ residual)

    def _derive(self, place: float, width: float) -> tuple[Doubles, Doubles]:
        """Return the derivatives by every parameter, of the width's logarithm only where the bend is not sharp."""
        weights, fitted = _fit(self.line, place, width)
        away = self.line.x - place
        sloped = np.tanh(away / width)
        curved = (1 - sloped**2) * away / width
        rows = [*_shape(self.line.x, place, width), -weights[1] - weights[2] * (sloped + curved)]
        if width > self.sharpest:
            rows.append(-weights[2] * away * curved)
        return np.array(rows), self.line.y - fitted

"""Two straight lines that meet: every place of the break is tried, in one pass of sums.

formula: R = a + b·n + d·max(n - c, 0), d < 0; for each c the sum of squares that is left follows from sums over the
    cycles behind it
formula: interval of c: where RSS(c) ≤ RSS·(1 + t²/free · (1+r)/(1-r)), t Student's
source: Hudson 1966, Fitting segmented curves whose join points have to be estimated
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import stdtrit

from warehouse.arrays import Doubles
from warehouse.life.breaks import Break, Interval, Line
from warehouse.life.noise import correlate_neighbours, widen
from warehouse.life.recipe import LifeRecipe

PARAMETERS: Final = 4
# Places between two cycles on either side of the best one.
FINER: Final = 65


def fit_segments(cycle: Doubles, retention: Doubles, recipe: LifeRecipe) -> Break | None:
    """Fit two lines that meet, the second one falling faster; None where no break makes it do so.

    Args:
        cycle: numbers of the cycles, rising.
        retention: of each.
        recipe: how far a break lies from the first cycle, and the level of its interval.
    """
    line = Line(cycle, retention)
    # A break lies on a cycle or between two; what lies closer to the ends would be one line and a point.
    places = np.sort(np.concatenate([line.x, (line.x[1:] + line.x[:-1]) / 2]))
    places = places[(places >= line.x[recipe.knee_lead]) & (places < line.x[-2])]
    left = _try_breaks(line, places)[1]
    near = int(np.argmin(left))
    if not np.isfinite(left[near]):
        return None
    # The least lies near the best of these, not on it.
    finer = np.linspace(places[max(near - 2, 0)], places[min(near + 2, len(places) - 1)], FINER)
    places = np.append(places, finer)
    bend, left = _try_breaks(line, places)
    best = int(np.argmin(left))
    hinge = bend[best] * np.maximum(line.x - places[best], 0.0)
    straight = (line.y - hinge) @ line.basis.T
    fitted = straight @ line.basis + hinge
    before = float(straight[1] * np.ptp(line.basis[1])) / 2
    after = before + float(bend[best])
    knee = _bound(line, places, left, line.y - fitted, recipe)
    corner = float(fitted[-1]) - after * (1 - float(places[best]))
    return line.describe(
        fitted, recipe, knee=knee, onset=None, slopes=(before, after), retention=corner, parameters=PARAMETERS
    )


def _try_breaks(line: Line, places: Doubles) -> tuple[Doubles, Doubles]:
    """Return for every break how far the slope changes there, and the sum of squares that is left.

    What is left is infinite where the slope would become less steep.
    """
    x, behind = line.x, np.searchsorted(line.x, places, side="right")
    rows = np.array([np.ones_like(x), x, x * x, line.residual, line.residual * x])
    sums = np.concatenate([np.cumsum(rows[:, ::-1], axis=1)[:, ::-1], np.zeros((len(rows), 1))], axis=1)
    n, once, twice, rest, sloped = sums[:, behind]
    # The hinge max(x - c, 0) without what a straight line would take of it.
    level = (once - places * n) / np.sqrt(len(x))
    tilt = (twice - (places + x.mean()) * once + places * x.mean() * n) * (np.ptp(line.basis[1]) / 2)
    own = twice - 2 * places * once + places**2 * n - level**2 - tilt**2
    seen = sloped - places * rest
    with np.errstate(divide="ignore", invalid="ignore"):
        bend = seen / own
    left = float(line.residual @ line.residual) - seen * bend
    return bend, np.where((bend < 0) & (own > 0), left, np.inf)


def _bound(line: Line, places: Doubles, left: Doubles, residual: Doubles, recipe: LifeRecipe) -> Interval:
    free = len(line.x) - PARAMETERS
    least = max(float(left.min()), len(line.x) * recipe.smallest_scatter**2)
    reach = float(stdtrit(free, 0.5 + recipe.knee_confidence / 2)) ** 2 / free
    reach *= widen(correlate_neighbours(residual, recipe.smallest_scatter))
    inside = places[left <= least * (1 + reach)]
    return line.round_out(float(places[int(np.argmin(left))]), float(inside.min()), float(inside.max()))

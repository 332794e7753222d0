"""What a fitted break is, and the straight line under it that every curve with a break is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warehouse.arrays import Doubles
from warehouse.life.noise import correlate_neighbours, widen
from warehouse.life.recipe import LifeRecipe

Interval = tuple[float, float, float]


@dataclass(frozen=True)
class Break:
    """A curve with a break.

    Args:
        knee: cycle of the break, with its interval.
        onset: cycle at which it begins, with its interval; None where lines meet.
        before: change of retention per cycle before the break.
        after: and behind it.
        before_deviation: standard error of the former.
        retention: at the break, by the curve.
        loss: retention lost from the break to the last cycle, by the curve.
        residual: of every cycle.
        correlation: of neighbouring residuals.
        parameters: of the curve, without the scatter.
    """

    knee: Interval
    onset: Interval | None
    before: float
    after: float
    before_deviation: float
    retention: float
    loss: float
    residual: Doubles
    correlation: float
    parameters: int


@dataclass(frozen=True)
class Line:
    """A series and the straight line through it, on cycles that run from -1 to 1.

    Args:
        cycle: numbers of the cycles, rising.
        y: retention of each.
    """

    cycle: Doubles
    y: Doubles

    @cached_property
    def half(self) -> float:
        """Cycles that a unit of ``x`` stands for."""
        return float(self.cycle[-1] - self.cycle[0]) / 2

    @cached_property
    def x(self) -> Doubles:
        """The cycles, from -1 to 1."""
        x: Doubles = (self.cycle - self.cycle[0]) / self.half - 1
        return x

    @cached_property
    def basis(self) -> Doubles:
        """Two orthonormal rows that span all straight lines: a level, and a slope about the mean."""
        level = np.full(len(self.x), len(self.x) ** -0.5)
        sloped = self.x - self.x.mean()
        return np.array([level, sloped / np.sqrt(sloped @ sloped)])

    @cached_property
    def residual(self) -> Doubles:
        """What the best straight line leaves."""
        rest: Doubles = self.y - (self.y @ self.basis.T) @ self.basis
        return rest

    def to_cycle(self, x: float) -> float:
        """Return the cycle that a place stands for."""
        return float(self.cycle[0]) + (x + 1) * self.half

    def round_out(self, best: float, low: float, high: float) -> Interval:
        """Return a place with its interval in cycles; none is known more finely than one cycle is from the next."""
        # An interval from hardly any noise would be shorter than a cycle.
        step = float(np.median(np.diff(self.cycle)))
        knee = self.to_cycle(best)
        return knee, min(self.to_cycle(low), knee - step), max(self.to_cycle(high), knee + step)

    def describe(
        self,
        fitted: Doubles,
        recipe: LifeRecipe,
        *,
        knee: Interval,
        onset: Interval | None,
        slopes: tuple[float, float],
        retention: float,
        parameters: int,
    ) -> Break:
        """Return a break.

        Args:
            fitted: the curve at every cycle.
            recipe: the smallest scatter.
            knee: where it is.
            onset: where it begins.
            slopes: before and behind it, per unit of ``x``.
            retention: at the break.
            parameters: of the curve, without the scatter.
        """
        residual = self.y - fitted
        correlation = correlate_neighbours(residual, recipe.smallest_scatter)
        # How well the slope before the break is known, from the scatter about the whole curve.
        first = self.cycle[self.cycle <= knee[0]]
        spread = float(np.sum((first - first.mean()) ** 2))
        variance = float(residual @ residual) / len(residual) * widen(correlation)
        return Break(
            knee,
            onset,
            slopes[0] / self.half,
            slopes[1] / self.half,
            float(np.sqrt(variance / spread)),
            retention,
            retention - float(fitted[-1]),
            residual,
            correlation,
            parameters,
        )

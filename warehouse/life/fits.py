"""Fits of fade laws by least squares.

formula: what a law is linear in is eliminated; its shape is found on a grid, then by steps of Gauss and Newton
formula: interval: Gauss-Newton covariance times Student's t, widened where neighbouring residuals are correlated
source: Golub and Pereyra 1973 (eliminating what a curve is linear in)
condition: retention itself is fitted, not its logarithm, which early cycles without a loss do not have
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import stdtrit

from warehouse.arrays import Doubles
from warehouse.life.laws import Law
from warehouse.life.noise import correlate_neighbours, judge, widen

STEPS: Final = 20
PARTS: Final = (1.0, 0.25, 0.05)
CONVERGED: Final = 1e-9
SINGULAR: Final = 1e-14
NOTHING: Final = 1e-200
# The criterion needs two residuals more than there are parameters.
FEWEST_FREE: Final = 2


@dataclass(frozen=True)
class Fit:
    """A law fitted to a series.

    Args:
        law: the law.
        span: cycles that ``u`` = 1 stands for.
        weights: retention at the reference, then the loss at ``u`` = 1 that goes with each term.
        shape: the shape parameter.
        covariance: of weights and, where there is one, shape; None where the data do not determine them.
        residual: of every cycle.
        scatter: standard deviation of one cycle about the law.
        correlation: of neighbouring residuals.
        aicc: corrected Akaike criterion.
    """

    law: Law
    span: float
    weights: Doubles
    shape: float
    covariance: Doubles | None
    residual: Doubles
    scatter: float
    correlation: float
    aicc: float

    @property
    def parameters(self) -> int:
        """Parameters of the law, without the scatter."""
        return len(self.weights) + (self.law.bend is not None)

    @property
    def free(self) -> int:
        """Residuals less parameters."""
        return len(self.residual) - self.parameters

    def describe(self, u: Doubles) -> tuple[Doubles, Doubles]:
        """Return retention at ``u`` and its derivatives by every parameter, one row each."""
        return describe_law(self.law, u, self.weights, self.shape)

    def reach(self, confidence: float) -> float:
        """Return how many standard errors an interval reaches to either side."""
        return float(stdtrit(self.free, 0.5 + confidence / 2))


def fit_law(law: Law, x: Doubles, retention: Doubles, smallest_scatter: float) -> Fit | None:
    """Fit a law; None where the cycles are hardly more than its parameters, or all the same.

    Args:
        law: the law.
        x: cycles since the reference, rising.
        retention: of each.
        smallest_scatter: scatter is not taken to be smaller.
    """
    span = float(x[-1])
    parameters = 1 + len(law.terms(np.ones(1), 1.0)) + (law.bend is not None)
    free = len(x) - parameters
    if free < FEWEST_FREE or span <= 0:
        return None
    weights, shape = _Search(law, x / span, retention).run()
    fitted, rows = describe_law(law, x / span, weights, shape)
    residual = retention - fitted
    scatter = max(float(np.sqrt(residual @ residual / free)), smallest_scatter)
    correlation = correlate_neighbours(residual, smallest_scatter)
    covariance = _invert(rows @ rows.T, scatter**2 * widen(correlation))
    criterion = judge(residual, parameters, smallest_scatter)
    return Fit(law, span, weights, shape, covariance, residual, scatter, correlation, criterion)


def describe_law(law: Law, u: Doubles, weights: Doubles, shape: float) -> tuple[Doubles, Doubles]:
    """Return retention at ``u`` and its derivatives by every parameter, one row each."""
    rows = [np.ones_like(u), *(-law.terms(u, shape))]
    fitted = weights @ np.array(rows)
    if law.bend is not None:
        rows.append(-weights[-1] * law.bend(u, shape))
    return fitted, np.array(rows)


def project(rows: Doubles, y: Doubles) -> Doubles:
    """Return the weights with which rows come closest to a series."""
    products = rows @ rows.T
    # Rows that repeat each other share the weight instead of failing, and rows of nothing get none.
    diagonal = np.diag(products) * (1 + SINGULAR)
    np.fill_diagonal(products, np.maximum(diagonal, NOTHING))
    return np.linalg.solve(products, rows @ y).astype(np.float64, copy=False)


@dataclass(frozen=True)
class _Search:
    """The search for a law's parameters.

    Args:
        law: the law.
        u: cycles as a part of those seen.
        y: retention.
    """

    law: Law
    u: Doubles
    y: Doubles

    def run(self) -> tuple[Doubles, float]:
        """Return weights and shape at the least sum of squares."""
        if self.law.bend is None:
            return self._solve(self.law.shapes[0])[0], self.law.shapes[0]
        shape = self._look()
        weights, left = self._solve(shape)
        for _ in range(STEPS):
            fitted, rows = describe_law(self.law, self.u, weights, shape)
            step = float(project(rows, self.y - fitted)[-1])
            shape, weights, least = self._go(shape, weights, step, left)
            if left - least <= CONVERGED * left:
                break
            left = least
        return weights, shape

    def _look(self) -> float:
        """Return the best of the shapes on the grid, all else eliminated."""
        terms = [self.law.terms(self.u, shape) for shape in self.law.shapes]
        # All terms but the last are the same for every shape.
        fixed, _ = np.linalg.qr(np.array([np.ones_like(self.u), *terms[0][:-1]]).T)
        last = np.array([each[-1] for each in terms])
        last -= (last @ fixed) @ fixed.T
        rest = self.y - fixed @ (fixed.T @ self.y)
        return self.law.shapes[int(np.argmax((last @ rest) ** 2 / np.sum(last**2, axis=1)))]

    def _go(self, shape: float, weights: Doubles, step: float, left: float) -> tuple[float, Doubles, float]:
        """Return shape, weights and what is left behind a step, shortened until less is left than before."""
        for part in PARTS:
            tried = float(np.clip(shape + part * step, self.law.shapes[0], self.law.shapes[-1]))
            found, least = self._solve(tried)
            if least < left:
                return tried, found, least
        return shape, weights, left

    def _solve(self, shape: float) -> tuple[Doubles, float]:
        """Return the weights for a shape, and the sum of squares that is left."""
        rows = np.array([np.ones_like(self.u), *(-self.law.terms(self.u, shape))])
        weights = project(rows, self.y)
        residual = self.y - weights @ rows
        return weights, float(residual @ residual)


def _invert(products: Doubles, variance: float) -> Doubles | None:
    """Return the covariance of parameters; None where the products of their derivatives are singular."""
    # Scaled first, so that the condition is that of the problem and not of its units.
    size = np.sqrt(np.diag(products))
    if not size.all():
        return None
    scaled = products / np.outer(size, size)
    if np.linalg.cond(scaled) > 1 / SINGULAR:
        return None
    covariance: Doubles = np.linalg.inv(scaled) / np.outer(size, size) * variance
    return covariance

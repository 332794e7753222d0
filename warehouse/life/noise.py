"""What residuals say: how much they scatter, whether neighbours resemble each other, and what a fit is worth.

formula: AICc = n ln(RSS/n) + 2k + 2k(k+1)/(n-k-1), k counts the scatter as a parameter too
formula: variances are widened by (1+r)/(1-r) where neighbouring residuals resemble each other, r their correlation
source: Hurvich and Tsai 1989 (AICc)
"""

from __future__ import annotations

from typing import Final

import numpy as np

from warehouse.arrays import Doubles

# A correlation this many standard errors of pure noise from zero is one.
CORRELATED: Final = 2.0
MOST_CORRELATED: Final = 0.99


def judge(residual: Doubles, parameters: int, smallest_scatter: float, worth: float = 1.0) -> float:
    """Return the corrected Akaike criterion.

    Args:
        residual: of every point.
        parameters: of the curve, without the scatter.
        smallest_scatter: scatter is not taken to be smaller.
        worth: how much one point counts where neighbours resemble each other.
    """
    n, k = len(residual) * worth, parameters + 1
    # Made data without noise would give a logarithm of nothing.
    variance = max(float(residual @ residual) / len(residual), smallest_scatter**2)
    return float(n * np.log(variance) + 2 * k + 2 * k * (k + 1) / max(n - k - 1, 1.0))


def correlate_neighbours(residual: Doubles, smallest_scatter: float) -> float:
    """Return how far neighbouring residuals resemble each other; 0 where that may be chance."""
    # What is left of made data is the rounding of doubles, which is correlated and means nothing.
    power = float(residual @ residual)
    if power <= len(residual) * smallest_scatter**2:
        return 0.0
    correlation = float(residual[1:] @ residual[:-1]) / power
    return min(correlation, MOST_CORRELATED) if correlation > CORRELATED / np.sqrt(len(residual)) else 0.0


def widen(correlation: float) -> float:
    """Return by how much variances grow where neighbouring residuals are correlated so."""
    return (1 + correlation) / (1 - correlation)

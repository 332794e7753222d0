"""Statistics of few cells: intervals that assume no distribution, yields of small lots, outliers, lives cut short.

Twelve dies are many here, and no distribution can be shown to fit twelve values. So nothing below assumes one: the
interval of a median comes from the order of the values alone, that of a yield from the binomial, and an outlier is
measured by the spread of the others. Where too few values are given to say anything, the answer is None.

formula: median interval: from x(r) to x(n+1-r), r the largest rank with 1 - 2·B(r-1; n, 1/2) ≥ confidence, B the
    binomial distribution function; 95 % need six values (ranks 1 and 6; of 8: 1, 8; 10: 2, 9; 12: 3, 10; 20: 6, 15)
formula: Wilson interval: (p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n), p = good/n
formula: modified z: 0.6745·(x - median) / MAD; above 3.5 flagged, never dropped
source: Conover, Practical Nonparametric Statistics (order statistics); Wilson 1927; Iglewicz and Hoaglin 1993
condition: values are of independent cells; dies of one wafer are not, so the number of wafers stands beside every n
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from math import inf, isfinite, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from warehouse.arrays import Doubles

# Modified z by Iglewicz and Hoaglin: a normal distribution's MAD is 0.6745 of its standard deviation, its mean
# absolute deviation 1/1.2533 of it.
MAD_OF_SIGMA: Final = 0.6745
SIGMA_OF_MEAN_DEVIATION: Final = 1.253314
# Of three or four values the third is often far from two that lie close by chance.
FEWEST_FOR_OUTLIERS: Final = 5
# Differences below this part of the median are the floats' own.
ROUNDING: Final = 1e-9


def wilson_interval(good: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a yield: which true yields make ``good`` of ``n`` credible.

    Args:
        good: successes, from 0 to ``n``.
        n: trials, one or more.
        confidence: level of the interval.

    Raises:
        ValueError: there is no trial, or there are more successes than trials.
    """
    if n < 1 or not 0 <= good <= n:
        raise ValueError(f"a yield needs 0 <= good <= n and n >= 1, not {good} of {n}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    part, weight = good / n, z * z / n
    middle = (part + weight / 2) / (1 + weight)
    half = z / (1 + weight) * sqrt(part * (1 - part) / n + weight / (4 * n))
    # At none and at all the interval ends exactly there; rounding must not move it past.
    return (0.0 if good == 0 else middle - half, 1.0 if good == n else middle + half)


def find_median_ranks(n: int, confidence: float = 0.95) -> tuple[int, int] | None:
    """Return the ranks, from 1, between which the median of a population lies; None where ``n`` is too small."""
    outside, rank, ways, all_ways = 0.0, 0, 1, 2**n
    while 2 * (rank + 1) <= n:
        outside += 2 * ways / all_ways
        if 1 - outside < confidence:
            break
        # From one binomial coefficient to the next, which for a thousand cells is a number of three hundred digits.
        ways = ways * (n - rank) // (rank + 1)
        rank += 1
    return (rank, n + 1 - rank) if rank else None


def find_middle(values: Sequence[float]) -> float:
    """Return the median of one or more values; of few it takes a tenth of the time that an array does."""
    return take_middle(sorted(values))


def take_middle(ordered: Sequence[float] | Doubles) -> float:
    """Return the median of one or more values, the least first."""
    # NumPy's own looks for NaN and axes first, which costs more than a wafer's dies; its quantiles likewise.
    return float((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)


def find_quantile(ordered: Doubles, part: float) -> float:
    """Return the value that a part of some values lies below, straight between the two around it.

    Args:
        ordered: one or more values, the least first.
        part: at least 0 and below 1.
    """
    place = part * (len(ordered) - 1)
    before = int(place)
    low, high = float(ordered[before]), float(ordered[min(before + 1, len(ordered) - 1)])
    rest = place - before
    # From the nearer of the two, as NumPy does: a half is then the same from either side.
    return low + (high - low) * rest if rest < 1 / 2 else high - (high - low) * (1 - rest)


def median_interval(values: Sequence[float] | Doubles, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return the interval of the median by order statistics, without any distribution; None below six values at 95 %.

    Args:
        values: of independent cells; finite.
        confidence: what the interval covers at least.
    """
    ranks = find_median_ranks(len(values), confidence)
    if ranks is None:
        return None
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    return float(ordered[ranks[0] - 1]), float(ordered[ranks[1] - 1])


def flag_outliers(values: Sequence[float] | Doubles, limit: float = 3.5) -> list[bool]:
    """Say of each value whether its modified z exceeds the limit; of fewer than five values none does."""
    array = np.asarray(values, dtype=np.float64)
    if len(array) < FEWEST_FOR_OUTLIERS:
        return [False] * len(array)
    middle = take_middle(np.sort(array))
    away = np.abs(array - middle)
    spread = take_middle(np.sort(away)) / MAD_OF_SIGMA
    if spread <= ROUNDING * abs(middle):
        # More than half are equal: their median deviation says nothing, their mean deviation still does.
        spread = float(np.mean(away)) * SIGMA_OF_MEAN_DEVIATION
    far = (away > limit * spread) & (away > ROUNDING * abs(middle))
    flags: list[bool] = far.tolist()
    return flags


def censored_median(lives: Sequence[float] | Doubles, ended: Sequence[bool]) -> float | None:
    """Return the median life by Kaplan and Meier; None where fewer than half of the lives end within what was seen.

    Args:
        lives: where each life ended, or how long it had lasted when it was last seen.
        ended: whether it ended; False is right-censored.
    """
    surviving, ordered = 1.0, sorted(float(life) for life in lives)
    ends_at = Counter(float(life) for life, end in zip(lives, ended, strict=True) if end)
    moments = sorted(ends_at)
    for moment, following in zip(moments, [*moments[1:], moments[-1]] if moments else [], strict=True):
        at_risk = len(ordered) - bisect_left(ordered, moment)
        surviving *= 1 - ends_at[moment] / at_risk
        excess = surviving - 0.5
        if abs(excess) < ROUNDING:
            # Exactly half are left until the next one ends: the middle, as of an even number of plain values.
            return (moment + following) / 2
        if excess < 0:
            return moment
    return None


def censored_median_interval(
    lives: Sequence[float] | Doubles, ended: Sequence[bool], confidence: float = 0.95
) -> tuple[float, float | None] | None:
    """Return the interval of the median life when some lives are censored; its upper end is None where it is open.

    Whatever ended the watching, a censored life lasts at least as long as it was seen and at most for ever: the lower
    end comes from the one, the upper from the other, so that the interval covers at least what it says.
    """
    seen = [float(life) for life in lives]
    longest = [life if end else inf for life, end in zip(seen, ended, strict=True)]
    low, high = median_interval(seen, confidence), median_interval(longest, confidence)
    if low is None or high is None:
        return None
    return low[0], high[1] if isfinite(high[1]) else None

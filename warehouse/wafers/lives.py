"""Lives that end or are cut short: Kaplan and Meier, with what wafers have in common in the interval and in the test.

formula: S(t) = Π (1 - d/n) over the cycles at which lives end, d of n at risk
formula: variance of S(t): S² · G/(G-1) · Σ over wafers (Σ over their dies of the influence φ(t))², φ the die's own end
    over those at risk, less what it was at risk of; interval on ln(-ln S) by Student's t with G - 1 degrees of freedom
formula: log-rank: ends of an arm less what its wafers were at risk of under one common hazard, a sum over wafers; its
    p-value over all rearrangements of the wafers
formula: restricted mean: area under S(t) up to the earliest cycle at which some wafer was last seen
source: Kaplan and Meier 1958; Ying and Wei 1994 (lives within groups); Andersen and Gill's martingale residuals
condition: ends are interpolated crossings of the recipe's threshold, the rest are right-censored at their last cycle;
    an interval needs two wafers
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import numpy as np

from warehouse.arrays import Doubles, Integers
from warehouse.wafers.groups import Flags, number_anew
from warehouse.wafers.profiles import find_quantile


@dataclass(frozen=True)
class Lives:
    """Lives of cells.

    Args:
        cycle: where each ended, or was last seen.
        ended: which it was.
        wafer: number of each cell's wafer, from 0 without a gap.
    """

    cycle: Doubles
    ended: Flags
    wafer: Integers

    @property
    def wafers(self) -> int:
        """Number of wafers."""
        return int(self.wafer.max(initial=-1)) + 1

    def pick(self, chosen: Flags) -> Lives:
        """Return some of the lives, with wafers numbered anew."""
        return Lives(self.cycle[chosen], self.ended[chosen], number_anew(self.wafer[chosen]))


@dataclass(frozen=True)
class Curve:
    """A survival curve: one entry for each cycle at which lives end."""

    cycle: Doubles
    at_risk: Integers
    ended: Integers
    survival: Doubles
    low: Doubles | None
    high: Doubles | None


def find_curve(lives: Lives, confidence: float) -> Curve:
    """Return the survival curve, with intervals by wafer; without where fewer than two wafers are."""
    moments = np.unique(lives.cycle[lives.ended])
    at_risk, ended = _count(lives, moments)
    survival = np.cumprod(1 - ended.sum(axis=0) / at_risk.sum(axis=0))
    counts = moments, at_risk.sum(axis=0), ended.sum(axis=0), survival
    if lives.wafers < 2:  # noqa: PLR2004 one wafer has nothing to differ from
        return Curve(*counts, None, None)
    error = _find_errors(at_risk, ended)
    width = find_quantile(lives.wafers - 1, confidence)
    halves = zip(survival.tolist(), (width * error).tolist(), strict=True)
    ends = np.array([_find_ends(middle, half) for middle, half in halves]).reshape(-1, 2)
    return Curve(*counts, ends[:, 0], ends[:, 1])


def _count(lives: Lives, moments: Doubles) -> tuple[Integers, Integers]:
    """Return of each wafer and moment how many cells were at risk, and how many lives ended."""
    at_risk = np.zeros((lives.wafers, len(moments)), dtype=np.int64)
    ended = np.zeros_like(at_risk)
    for wafer in range(lives.wafers):
        mine = lives.wafer == wafer
        at_risk[wafer] = mine.sum() - np.searchsorted(np.sort(lives.cycle[mine]), moments)
        np.add.at(ended[wafer], np.searchsorted(moments, lives.cycle[mine & lives.ended]), 1)
    return at_risk, ended


def _find_errors(at_risk: Integers, ended: Integers) -> Doubles:
    """Return the relative standard error of survival at each moment, from how wafers differ."""
    everywhere, ends = at_risk.sum(axis=0), ended.sum(axis=0)
    influence = np.cumsum(ended / everywhere - at_risk * (ends / everywhere**2), axis=1)
    wafers = len(at_risk)
    errors: Doubles = np.sqrt((influence**2).sum(axis=0) * wafers / (wafers - 1))
    return errors


def _find_ends(survival: float, half: float) -> tuple[float, float]:
    """Return the interval of a survival whose relative half width is known, on the scale of ln(-ln S)."""
    if survival <= 0 or survival >= 1:
        return max(survival, 0.0), survival
    # All wafers alike to the last digit: the interval is the value.
    shift = half / abs(log(survival))
    grown = log(-log(survival))
    return _survive(grown + shift), _survive(grown - shift)


def _survive(grown: float) -> float:
    """Return exp(-exp(x)), whatever x is."""
    return 0.0 if grown > 700 else exp(-exp(grown))  # noqa: PLR2004 beyond this the exponential overflows


def find_residuals(lives: Lives) -> Doubles:
    """Return of each wafer its ends less those that it was at risk of under one hazard for all wafers."""
    moments = np.unique(lives.cycle[lives.ended])
    at_risk, ended = _count(lives, moments)
    hazard = np.concatenate([[0.0], np.cumsum(ended.sum(axis=0) / at_risk.sum(axis=0))])
    exposed = hazard[np.searchsorted(moments, lives.cycle, side="right")]
    residuals: Doubles = np.bincount(lives.wafer, lives.ended - exposed).astype(np.float64)
    return residuals


def find_horizon(lives: Lives) -> float:
    """Return the cycle up to which every wafer was watched: the smallest of their last cycles."""
    last = np.zeros(lives.wafers)
    np.maximum.at(last, lives.wafer, lives.cycle)
    return float(last.min())


def restrict_means(lives: Lives, horizon: float) -> Doubles:
    """Return of each wafer the mean life up to a horizon: the area under its own survival curve."""
    return np.array([_restrict(lives.pick(lives.wafer == wafer), horizon) for wafer in range(lives.wafers)])


def _restrict(lives: Lives, horizon: float) -> float:
    moments = np.unique(lives.cycle[lives.ended & (lives.cycle < horizon)])
    at_risk, ended = _count(Lives(lives.cycle, lives.ended & (lives.cycle < horizon), lives.wafer), moments)
    survival = np.concatenate([[1.0], np.cumprod(1 - ended.sum(axis=0) / at_risk.sum(axis=0))])
    return float((survival * np.diff(np.concatenate([[0.0], moments, [horizon]]))).sum())

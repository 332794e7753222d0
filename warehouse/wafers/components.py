"""Variance components: how much of a quantity's scatter is between lots, between wafers of a lot, between dies.

A hundred dies of one wafer are one wafer, not a hundred: the interval of the mean comes from the scatter of wafers.

formula: value = mean + lot + wafer + die, each random; die variance s² = SS_within / (N - W), interval by chi-square
formula: wafer variance r·s²: Q(r) = Σ (m_ij - m_i(r))² / (r + 1/n_ij) over wafers of lots, m_i weighted likewise;
    r where Q(r) = (W - L)·s², its interval where Q(r)/((W - L)·s²) meets the quantiles of F(W - L, N - W)
formula: lot variance t: H(t) = Σ (m_i - m(t))² / (t + v_i) over lots, v_i the variance of m_i; t where H(t) = L - 1,
    its interval by F(L - 1, W - L)
formula: mean of the process by generalised least squares, interval by Student's t with L - 1 degrees of freedom where
    lots scatter, else W - 1; no interval where the wafers' component was refused
source: Wald 1940, Burdick and Graybill 1992 (the interval of r is exact however unequal wafers are); Paule, Mandel 1982
condition: two wafers of one lot for the wafers' component, two lots for the lots', two dies of one wafer for the dies';
    wafers of one process split, so that its effect is not taken for scatter
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from math import inf, sqrt
from typing import Final

import numpy as np

from warehouse.arrays import Doubles, Integers
from warehouse.wafers.profiles import FAINT, find_quantile

# An interval is open above beyond this many times what its means are uncertain by, and a root is sought this closely.
HIGHEST: Final = 1e12
SMALLEST: Final = 1e-14
# Values that differ by less than this part are one.
ROUNDING: Final = 1e-9
# Each step outward.
GROWTH: Final = 16.0


@dataclass(frozen=True)
class Nest:
    """Wafers of lots, by what their dies have in common.

    Args:
        mean: of each wafer's dies.
        dies: how many they are.
        lot: number of each wafer's lot, from 0.
        within: sum over all dies of the squared distance from their wafer's mean.
    """

    mean: Doubles
    dies: Doubles
    lot: Integers
    within: float

    @cached_property
    def lots(self) -> int:
        """Number of lots."""
        return int(self.lot.max()) + 1

    @cached_property
    def wafer_freedom(self) -> int:
        """Degrees of freedom between wafers of lots."""
        return len(self.dies) - self.lots

    @cached_property
    def per_die(self) -> Doubles:
        """One over the dies of each wafer."""
        parts: Doubles = 1 / self.dies
        return parts

    @property
    def die_freedom(self) -> int:
        """Degrees of freedom between dies of wafers."""
        return int(self.dies.sum()) - len(self.dies)


@dataclass(frozen=True)
class Variance:
    """A variance with its interval, whose upper end may be infinite; or the reason why there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Components:
    """Three variances and the mean of the process with its interval; None where wafers are too few for one."""

    lot: Variance
    wafer: Variance
    die: Variance
    mean: float
    mean_interval: tuple[float, float] | None


def make_nest(lot: Integers, wafer: Integers, values: Doubles) -> Nest:
    """Return what wafers and lots have in common.

    Args:
        lot: number of each die's lot, from 0 without a gap.
        wafer: number of each die's wafer, from 0 without a gap, each in one lot.
        values: of the dies; as :func:`warehouse.wafers.compared.list_values` takes them, none beyond its ``LARGEST``.
    """
    dies = np.bincount(wafer).astype(np.float64)
    mean = np.bincount(wafer, values) / dies
    of_wafer = np.zeros(len(dies), dtype=np.int64)
    of_wafer[wafer] = lot
    return Nest(mean, dies, of_wafer, float(((values - mean[wafer]) ** 2).sum()))


def find_components(nest: Nest, confidence: float) -> Components:
    """Return the variance components of nested random effects, however unequal lots and wafers are."""
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    die = _find_die(nest, tails)
    wafer = _find_wafer(nest, die, tails)
    means = _average_lots(nest, wafer, die)
    lot = _find_lot(nest, means, wafer, tails)
    mean, interval = _find_mean(nest, means, lot.value or 0.0, confidence)
    # Where the wafers' scatter is not known, nothing says how far the mean may be off.
    return Components(lot, wafer, die, mean, None if wafer.value is None else interval)


def _find_die(nest: Nest, tails: tuple[float, float]) -> Variance:
    if nest.die_freedom < 1:
        return Variance(reason="one_die_a_wafer")
    if nest.within <= max((ROUNDING * float(np.abs(nest.mean).max())) ** 2, FAINT):
        return Variance(reason="no_scatter")
    from scipy import special  # noqa: PLC0415 SciPy loads slowly, and most nights have no wafer

    low, high = (nest.within / float(special.chdtri(nest.die_freedom, tail)) for tail in tails)
    return Variance(nest.within / nest.die_freedom, low, high)


def _find_wafer(nest: Nest, die: Variance, tails: tuple[float, float]) -> Variance:
    if die.value is None:
        return Variance(reason=die.reason)
    if nest.wafer_freedom < 1:
        return Variance(reason="too_few_wafers")
    quantiles, unit = _find_quantiles(nest.wafer_freedom, nest.die_freedom, tails), die.value
    value, low, high = _invert(lambda part: _find_q(nest, part) / nest.wafer_freedom / unit, 1.0, quantiles)
    return Variance(value * unit, low * unit, high * unit)


def _find_q(nest: Nest, ratio: float) -> float:
    """Return the scatter of wafers within lots, weighted as if their variance were ``ratio`` times that of dies."""
    weight = 1 / (ratio + nest.per_die)
    lot_mean = np.bincount(nest.lot, weight * nest.mean) / np.bincount(nest.lot, weight)
    return float((weight * (nest.mean - lot_mean[nest.lot]) ** 2).sum())


def _average_lots(nest: Nest, wafer: Variance, die: Variance) -> tuple[Doubles, Doubles]:
    """Return the mean of each lot, weighted by how sure its wafers are, and that mean's variance without the lot's."""
    variance = (wafer.value or 0.0) + (die.value or 0.0) / nest.dies
    # Where nothing scatters, all dies are equally sure.
    weight = 1 / variance if (variance > 0).all() else nest.dies
    total = np.bincount(nest.lot, weight)
    return np.bincount(nest.lot, weight * nest.mean) / total, 1 / total


def _find_lot(nest: Nest, means: tuple[Doubles, Doubles], wafer: Variance, tails: tuple[float, float]) -> Variance:
    if nest.lots < 2:  # noqa: PLR2004 one lot has nothing to scatter against
        return Variance(reason="one_lot")
    if wafer.value is None:
        return Variance(reason=wafer.reason)
    mean, variance = means

    def find_h(part: float) -> float:
        weight = 1 / (part + variance)
        middle = float((weight * mean).sum() / weight.sum())
        return float((weight * (mean - middle) ** 2).sum()) / (nest.lots - 1)

    quantiles = _find_quantiles(nest.lots - 1, nest.wafer_freedom, tails)
    return Variance(*_invert(find_h, float(variance.mean()), quantiles))


def _find_quantiles(freedom: int, freedom_below: int, tails: tuple[float, float]) -> list[float]:
    from scipy import special  # noqa: PLC0415 SciPy loads slowly, and most nights have no wafer

    return [float(special.fdtri(freedom, freedom_below, tail)) for tail in tails]


def _invert(scatter: Callable[[float], float], unit: float, quantiles: list[float]) -> tuple[float, float, float]:
    """Return where a falling function meets 1 and its quantiles; 0 where it begins below."""
    # All three begin at the same two points, and a root is sought from points that are known already.
    known = cache(scatter)
    # A wafer may lie any number of times its dies' scatter away, and is then as far as that: only rounding ends it.
    value, low = (_meet(known, level, unit, inf) for level in (1.0, quantiles[1]))
    return value, low, _meet(known, quantiles[0], unit, HIGHEST)


def _meet(scatter: Callable[[float], float], level: float, unit: float, highest: float) -> float:
    if scatter(0.0) <= level:
        return 0.0
    low, high = 0.0, unit
    while scatter(high) > level:
        low, high = high, high * GROWTH
        if high > highest * unit:
            return inf
    from scipy import optimize  # noqa: PLC0415 SciPy loads slowly, and most nights have no wafer

    return float(optimize.brentq(lambda part: scatter(part) - level, low, high, xtol=SMALLEST * unit))


def _find_mean(
    nest: Nest, means: tuple[Doubles, Doubles], lot: float, confidence: float
) -> tuple[float, tuple[float, float] | None]:
    mean, variance = means
    weight = 1 / (lot + variance)
    middle = float((weight * mean).sum() / weight.sum())
    # What scatters at the top is what the mean was drawn from.
    freedom = nest.lots - 1 if lot > 0 else len(nest.dies) - 1
    if freedom < 1:
        return middle, None
    half = find_quantile(freedom, confidence) * sqrt(float(1 / weight.sum()))
    return middle, (middle - half, middle + half)

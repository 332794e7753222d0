"""The effect of one process split against another on a quantity, with the wafer as the unit of replication.

Dies of a wafer share what happened to the wafer, so they are averaged first; ten dies of one wafer are one observation.

formula: unpaired: difference of the means of wafers' means, interval by Welch's t with Satterthwaite's degrees of
    freedom; paired, where wafers hold both splits: mean of the wafers' own differences, by t; blocked, where wafers are
    of several lots: least squares with a term for each lot; by lot, where no lot holds both: lots' means, by Welch
formula: Hedges' g = effect / pooled standard deviation · (1 - 3/(4·f - 1)), interval ± z·√(1/n₁ + 1/n₂ + g²/(2·f))
formula: permutation: part of all rearrangements of the wafers whose effect is as large
source: Welch 1947; Hedges 1981
condition: two wafers or more of each split, two lots of each where no lot holds both; else it is pseudoreplication
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from math import comb, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from warehouse.arrays import Doubles, Integers
from warehouse.wafers.profiles import find_quantile

UNPAIRED: Final = "unpaired"
PAIRED: Final = "paired"
BLOCKED: Final = "blocked"
BY_LOT: Final = "by_lot"
# Sums that differ by less than this part are one, whatever order they were added in.
ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Arms:
    """Wafers' means of two splits.

    Args:
        values: mean of each wafer's dies with one split.
        treated: whether that is the split, or the reference.
        wafer: number of each wafer; one that holds both splits stands twice.
        lot: number of each wafer's lot.
    """

    values: Doubles
    treated: Integers
    wafer: Integers
    lot: Integers

    def of(self, arm: int) -> Doubles:
        """Return the values of one arm: 1 the split, 0 the reference."""
        values: Doubles = self.values[self.treated == arm]
        return values


@dataclass(frozen=True)
class Effect:
    """An effect: split minus reference."""

    design: str
    value: float
    low: float | None
    high: float | None
    freedom: float
    p_value: float | None
    permutation_p_value: float | None
    g: float | None
    g_low: float | None
    g_high: float | None


def refuse_effect(arms: Arms, fewest: int) -> str | None:
    """Return why two splits cannot be compared; None where they can."""
    held = [set(arms.wafer[arms.treated == arm].tolist()) for arm in (1, 0)]
    if not held[0] or not held[1]:
        return "one_split"
    if min(map(len, held)) < max(fewest, 2):
        return "pseudoreplication"
    away = np.abs(arms.values - np.where(arms.treated == 1, arms.of(1).mean(), arms.of(0).mean()))
    if away.max() <= ROUNDING * np.abs(arms.values).max():
        return "no_scatter"
    return "confounded_with_lot" if _is_by_lot(arms) and min(map(len, _lots_of(arms))) < max(fewest, 2) else None


def find_effect(arms: Arms, confidence: float, most_permutations: int) -> Effect:
    """Return the effect; :func:`refuse_effect` must have had nothing against it.

    Args:
        arms: the wafers.
        confidence: level of the intervals.
        most_permutations: no permutation test beyond this many rearrangements.
    """
    # Each design takes out what the one after it leaves in: the wafer, the lot, nothing.
    pairs = _find_pairs(arms)
    if len(pairs) >= 2:  # noqa: PLR2004 one pair has no scatter
        design, (value, error, freedom) = PAIRED, _compare_pairs(pairs)
    elif _is_by_lot(arms):
        arms = _average_lots(arms)
        design, (value, error, freedom) = BY_LOT, _compare_welch(arms)
    elif _can_block(arms):
        design, (value, error, freedom) = BLOCKED, _compare_blocked(arms)
    else:
        design, (value, error, freedom) = UNPAIRED, _compare_welch(arms)
    half = find_quantile(freedom, confidence) * error
    return Effect(
        design,
        value,
        value - half,
        value + half,
        freedom,
        _find_p(value, error, freedom),
        _permute(arms, pairs, design, most_permutations),
        *_find_g(arms, pairs, design, confidence),
    )


def _lots_of(arms: Arms) -> list[set[int]]:
    return [set(arms.lot[arms.treated == arm].tolist()) for arm in (1, 0)]


def _is_by_lot(arms: Arms) -> bool:
    """Say whether the splits are of different lots throughout, so that lots and not wafers are their replicates."""
    split, reference = _lots_of(arms)
    return len(split | reference) > 1 and not split & reference


def _average_lots(arms: Arms) -> Arms:
    lots = np.unique(arms.lot)
    means = np.array([float(arms.values[arms.lot == lot].mean()) for lot in lots])
    return Arms(means, np.array([int(arms.treated[arms.lot == lot][0]) for lot in lots]), lots, lots)


def _find_pairs(arms: Arms) -> Doubles:
    """Return the differences on the wafers that hold both splits."""
    both = np.intersect1d(arms.wafer[arms.treated == 1], arms.wafer[arms.treated == 0])
    means = [
        [float(arms.values[(arms.wafer == wafer) & (arms.treated == arm)].mean()) for arm in (1, 0)] for wafer in both
    ]
    return np.array([split - reference for split, reference in means])


def _compare_pairs(pairs: Doubles) -> tuple[float, float, float]:
    return float(pairs.mean()), float(pairs.std(ddof=1)) / sqrt(len(pairs)), float(len(pairs) - 1)


def _compare_welch(arms: Arms) -> tuple[float, float, float]:
    parts = [(float(arm.mean()), float(arm.var(ddof=1)) / len(arm), len(arm)) for arm in (arms.of(1), arms.of(0))]
    (mean, variance, n), (other_mean, other_variance, other_n) = parts
    total = variance + other_variance
    below = variance**2 / (n - 1) + other_variance**2 / (other_n - 1)
    # Without any scatter there is nothing for Satterthwaite to weigh.
    freedom = total**2 / below if below > 0 else float(n + other_n - 2)
    return mean - other_mean, sqrt(total), freedom


def _can_block(arms: Arms) -> bool:
    """Say whether wafers are of several lots, of which one holds both splits, and enough of them are left over."""
    lots = np.unique(arms.lot)
    mixed = [lot for lot in lots if len(np.unique(arms.treated[arms.lot == lot])) > 1]
    return len(lots) > 1 and bool(mixed) and len(arms.values) - len(lots) - 1 >= 1


def _compare_blocked(arms: Arms) -> tuple[float, float, float]:
    lots = np.unique(arms.lot)
    design = np.column_stack([arms.treated, *((arms.lot == lot) for lot in lots)]).astype(np.float64)
    terms, *_ = np.linalg.lstsq(design, arms.values, rcond=None)
    residuals = arms.values - design @ terms
    freedom = len(arms.values) - design.shape[1]
    variance = float(residuals @ residuals) / freedom * float(np.linalg.pinv(design.T @ design)[0, 0])
    return float(terms[0]), sqrt(variance), float(freedom)


def _find_p(value: float, error: float, freedom: float) -> float | None:
    if error <= 0:
        return None
    from scipy import special  # noqa: PLC0415 SciPy loads slowly, and most nights have no split

    return float(2 * special.stdtr(freedom, -abs(value) / error))


def _permute(arms: Arms, pairs: Doubles, design: str, most: int) -> float | None:
    """Return the exact p-value over rearrangements: of signs of pairs, of labels within lots, or of all labels."""
    if design == PAIRED:
        if 2 ** len(pairs) > most:
            return None
        signs = np.array(list(product((1.0, -1.0), repeat=len(pairs))))
        return _count_extreme(signs @ pairs, float(pairs.sum()))
    if design == BLOCKED:
        return permute_groups(
            [(arms.values[arms.lot == lot], arms.treated[arms.lot == lot]) for lot in np.unique(arms.lot)], most
        )
    return permute_groups([(arms.values, arms.treated)], most)


def permute_groups(groups: Sequence[tuple[Doubles, Integers]], most: int) -> float | None:
    """Return the two-sided p-value of a sum of differences over rearrangements of labels within groups.

    Args:
        groups: values and labels (1 or 0) of each group.
        most: rearrangements that are tried; None where there are more.
    """
    mixed = [(values, labels) for values, labels in groups if 0 < labels.sum() < len(labels)]
    if not mixed or np.prod([float(comb(len(labels), int(labels.sum()))) for _, labels in mixed]) > most:
        return None
    sums, seen = np.zeros(1), 0.0
    for values, labels in mixed:
        of, many = len(labels), int(labels.sum())
        chosen = np.fromiter(chain.from_iterable(combinations(range(of), many)), np.int64, comb(of, many) * many)
        # Against what the group's own mean leads one to expect, so that groups of any size add up.
        excess = (values[chosen.reshape(-1, many)] - values.mean()).sum(axis=1)
        sums = (sums[:, None] + excess).ravel()
        seen += float((values[labels == 1] - values.mean()).sum())
    return _count_extreme(sums, seen)


def _count_extreme(sums: Doubles, seen: float) -> float:
    slack = ROUNDING * max(float(np.abs(sums).max()), 1e-300)
    return float(np.mean(np.abs(sums) >= abs(seen) - slack))


def _find_g(
    arms: Arms, pairs: Doubles, design: str, confidence: float
) -> tuple[float | None, float | None, float | None]:
    """Return Hedges' g and its interval; of pairs by the scatter of the wafers, as for any other design."""
    split, reference = arms.of(1), arms.of(0)
    n, other = len(split), len(reference)
    freedom = n + other - 2
    pooled = ((n - 1) * split.var(ddof=1) + (other - 1) * reference.var(ddof=1)) / freedom
    if pooled <= 0:
        return None, None, None
    value = float(pairs.mean()) if design == PAIRED else float(split.mean() - reference.mean())
    g = value / sqrt(float(pooled)) * (1 - 3 / (4 * freedom - 1))
    half = NormalDist().inv_cdf((1 + confidence) / 2) * sqrt(1 / n + 1 / other + g * g / (2 * freedom))
    return g, g - half, g + half

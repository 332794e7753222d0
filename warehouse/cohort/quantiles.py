"""What may be said of one group: its quantiles, or why there are none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from warehouse.arrays import Doubles
from warehouse.cohort.figures import name_value, round_figure
from warehouse.cohort.rules import QUANTILES, Rules

# The values of one metric by firm and cell, and what is kept of them to see whether they changed.
Values = Mapping[str, Mapping[str, float]]
Digests = Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """Quantiles by name, None where one may not be told; or the reason why none is, a key of ``reasons``."""

    quantiles: Mapping[str, float | None]
    reason: str | None = None


def judge_group(metric: str, values: Values, earlier: Sequence[Digests], rules: Rules) -> Verdict:
    """Return what may be said of a group.

    Args:
        metric: what is compared.
        values: of the metric, by firm and cell.
        earlier: what was told of this group before, by firm, release by release.
        rules: when something may be said.
    """
    weights = weigh(values, rules)
    if len(weights) < rules.firms:
        return Verdict({}, "too_few_firms")
    # Whoever asks may be any of them, so the rules hold for the heaviest.
    shares = sorted((weight / sum(weights.values()) for weight in weights.values()), reverse=True)
    if shares[0] > rules.largest_share:
        return Verdict({}, "one_firm_dominates")
    digests = digest_firms(metric, values)
    if any(count_changed(before, digests) < rules.changed for before in earlier):
        return Verdict({}, "too_few_changed")
    quantiles = {
        name: round_figure(metric, find_quantile(values, weights, part))
        if rules.may_tell(part, sum(shares[:2]))
        else None
        for name, part in QUANTILES.items()
    }
    return Verdict(quantiles)


def weigh(values: Values, rules: Rules) -> dict[str, int]:
    """Return the weight of each firm that has values: its cells, up to the most that count."""
    return {firm: min(len(cells), rules.most_cells) for firm, cells in values.items() if cells}


def find_quantile(values: Values, weights: Mapping[str, float], part: float) -> float:
    """Return the smallest value at which the weights up to it reach a part of all; no two values are mixed."""
    pairs = sorted((value, weights[firm] / len(cells)) for firm, cells in values.items() for value in cells.values())
    reached: Doubles = np.cumsum([weight for _, weight in pairs])
    # Thirds do not add up to one exactly.
    place = int(np.searchsorted(reached, part * reached[-1] * (1 - 1e-12)))
    return pairs[place][0]


def digest_firms(metric: str, values: Values) -> dict[str, str]:
    """Return for each firm what changes when its values do."""
    return {
        firm: hashlib.sha256(
            "\n".join(f"{cell} {name_value(metric, value)}" for cell, value in sorted(cells.items())).encode()
        ).hexdigest()
        for firm, cells in values.items()
        if cells
    }


def count_changed(before: Digests, after: Digests) -> int:
    """Return how many firms came, left, or have other values."""
    return sum(before.get(firm) != after.get(firm) for firm in before.keys() | after.keys())

"""Process splits: what each makes of every quantity, and how long cells of each live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, Integers
from warehouse.wafers.compared import Values
from warehouse.wafers.effects import Arms, find_effect, permute_groups, refuse_effect
from warehouse.wafers.groups import Flags, divide, number_anew
from warehouse.wafers.lives import Lives, find_curve, find_horizon, find_residuals, restrict_means
from warehouse.wafers.recipe import WafersRecipe

Row = dict[str, Any]

LIFE: Final = "life"
ALL_SPLITS: Final = "*"


def compare_splits(values: Values, splits: pl.DataFrame, recipe: WafersRecipe) -> list[Row]:
    """Return rows of ``schema.SPLITS``: every split of a project against its first one, in every quantity.

    Args:
        values: of :func:`warehouse.wafers.compared.list_values`; cells without a split are left out.
        splits: rows of ``schema.PROCESS_SPLIT``.
        recipe: fewest wafers, confidence.
    """
    # All as numbers: words are only put into the rows.
    (projects, project_names), (of_split, names) = values.sites.projects, values.sites.splits
    known = values.pick(of_split[values.site] >= 0)
    # A few dozen rows, looked through for every pair of splits.
    parameters = splits.sort("parameter", "lot", "project").to_dicts() if splits.height else []
    split, project = of_split[known.site], projects[known.site]
    order = split * len(values.sites) + known.site
    rows: list[Row] = []
    for cells in divide((project, known.quantity, known.at_cycle), order):
        # The first by name is the reference: which one people call so, no column says.
        reference, *others = sorted(set(split[cells].tolist()))
        for other in others:
            pair = cells[(split[cells] == reference) | (split[cells] == other)]
            about = {"project": project_names[project[cells[0]]], "split": names[other]}
            about |= {"reference_split": names[reference], "confidence": recipe.confidence}
            told = {"varies": _describe(parameters, about), **known.name(cells[0])}
            rows.append(about | told | _compare(known, pair, split[pair] == other, recipe))
    return rows


def _compare(values: Values, pair: Integers, treated: Flags, recipe: WafersRecipe) -> Row:
    # A cell without a wafer is no replicate of anything.
    on_wafers = values.wafer[pair] >= 0
    cells = _Cells.choose(values, pair[on_wafers], treated[on_wafers].astype(np.int64))
    of_life = values.names[values.quantity[pair[0]]] == LIFE
    arms, horizon = _average_wafers(cells, of_life=of_life)
    counts = _count(treated, arms)
    reason = refuse_effect(arms, recipe.fewest_wafers)
    if reason is not None:
        return counts | {"status": "refused", "reason": reason}
    row = counts | _tell_effect(arms, recipe)
    if not of_life:
        return row
    return row | {"at_cycle": round(horizon), "log_rank_p_value": _test_lives(cells, arms, recipe)}


@dataclass(frozen=True)
class _Cells:
    """Cells on wafers with one of two splits: what was measured, and where they are."""

    value: Doubles
    censored: Flags
    treated: Integers
    wafer: Integers
    lot: Integers

    @classmethod
    def choose(cls, values: Values, places: Integers, treated: Integers) -> _Cells:
        """Return some of the values."""
        wafer, lot = (number_anew(one[values.site[places]]) for one in (values.sites.wafer, values.sites.lot))
        return cls(values.value[places], values.censored[places], treated, wafer, lot)

    @property
    def unit(self) -> Integers:
        """Number of what is one replicate: a wafer with one of the splits."""
        return number_anew(2 * self.wafer + self.treated)

    @property
    def lives(self) -> Lives:
        """The values as lives."""
        return Lives(self.value, ~self.censored, self.unit)


def _tell_effect(arms: Arms, recipe: WafersRecipe) -> Row:
    effect = find_effect(arms, recipe.confidence, recipe.most_permutations)
    reference = float(arms.of(0).mean())
    return {
        "status": "compared",
        "reason": None,
        "design": effect.design,
        "mean": float(arms.of(1).mean()),
        "reference_mean": reference,
        "effect": effect.value,
        "effect_low": effect.low,
        "effect_high": effect.high,
        "effect_part": effect.value / reference if reference else None,
        "degrees_of_freedom": effect.freedom,
        "p_value": effect.p_value,
        "permutation_p_value": effect.permutation_p_value,
        "hedges_g": effect.g,
        "hedges_g_low": effect.g_low,
        "hedges_g_high": effect.g_high,
    }


def _count(treated: Flags, arms: Arms) -> Row:
    wafers = [len(set(arms.wafer[arms.treated == arm].tolist())) for arm in (1, 0)]
    return {
        "wafers": wafers[0],
        "reference_wafers": wafers[1],
        "dies": int(treated.sum()),
        "reference_dies": int((~treated).sum()),
    }


def _average_wafers(cells: _Cells, *, of_life: bool) -> tuple[Arms, float]:
    """Return each wafer's mean with each split, and the cycle up to which mean lives were taken."""
    if not len(cells.value):
        nothing = np.zeros(0)
        return Arms(nothing, nothing.astype(np.int64), nothing.astype(np.int64), nothing.astype(np.int64)), 0.0
    unit, horizon = cells.unit, 0.0
    first = np.zeros(unit.max() + 1, dtype=np.int64)
    # Written from the last one on, so that the first of each stays.
    first[unit[::-1]] = np.arange(len(unit))[::-1]
    if of_life:
        lives = cells.lives
        # Beyond this some wafer was no longer watched, and means to there would be guesses.
        horizon = find_horizon(lives)
        means = restrict_means(lives, horizon)
    else:
        means = np.bincount(unit, cells.value) / np.bincount(unit)
    return Arms(means, cells.treated[first], cells.wafer[first], cells.lot[first]), horizon


def _test_lives(cells: _Cells, arms: Arms, recipe: WafersRecipe) -> float | None:
    """Return the log-rank test's p-value over rearrangements of the wafers within their lots."""
    if len(np.unique(arms.wafer)) < len(arms.wafer):
        # Where wafers hold both splits, there is nothing to rearrange between wafers.
        return None
    residuals = find_residuals(cells.lives)
    groups: list[tuple[Doubles, Integers]] = [
        (residuals[arms.lot == lot], arms.treated[arms.lot == lot]) for lot in np.unique(arms.lot)
    ]
    return permute_groups(groups, recipe.most_permutations)


def _describe(parameters: Sequence[Row], about: Row) -> str:
    """Return what two splits do differently: every parameter of either, as the manifest writes it."""
    named = (about["reference_split"], about["split"])
    told: dict[str, dict[str, str]] = {}
    for row in parameters:
        if row["split"] in named and row["project"] in {"", about["project"]}:
            value = " ".join(part for part in (row["value"], row["unit"]) if part)
            told.setdefault(row["parameter"], {})[row["split"]] = value
    return "; ".join(
        f"{parameter}: {' → '.join(values.get(name) or '?' for name in named)}" for parameter, values in told.items()
    )


def follow_lives(values: Values, recipe: WafersRecipe, threshold: float | None) -> list[Row]:
    """Return rows of ``schema.SURVIVAL`` for every project and each of its splits.

    Args:
        values: as :func:`compare_splits` takes them; cells without a split too.
        recipe: confidence.
        threshold: retention that ended the lives.
    """
    lives = values.of(LIFE)
    said = {"end_of_life_threshold": threshold, "confidence": recipe.confidence}
    rows: list[Row] = []
    for project, split, cells in _group_lives(lives):
        about = {"project": project, "process_split": split} | said
        rows += [about | row for row in _tell_curve(lives, cells, recipe)]
    return rows


def _group_lives(lives: Values) -> Iterator[tuple[str, str, Integers]]:
    (projects, project_names), (splits, names) = lives.sites.projects, lives.sites.splits
    project, split = projects[lives.site], splits[lives.site]
    for cells in divide((project,), lives.site):
        name = project_names[project[cells[0]]]
        yield name, ALL_SPLITS, cells
        known = cells[split[cells] >= 0]
        for places in divide((split[known],), lives.site[known]):
            yield name, names[split[known[places[0]]]], known[places]


def _tell_curve(values: Values, cells: Integers, recipe: WafersRecipe) -> Iterator[Row]:
    wafer = values.wafer[cells]
    strange = bool((wafer < 0).any())
    # A cell without a wafer may share one with any other, so that all of them are taken for one wafer.
    lives = Lives(values.value[cells], ~values.censored[cells], number_anew(wafer) * (not strange))
    curve = find_curve(lives, recipe.confidence)
    whole: Row = {"cells": len(cells), "wafers": 0 if strange else lives.wafers}
    yield whole | {"cycle": 0.0, "at_risk": len(cells), "ended": 0, "censored": 0, "survival": 1.0}
    nothing = np.full(len(curve.cycle), None)
    columns = {
        "cycle": curve.cycle,
        "at_risk": curve.at_risk,
        "ended": curve.ended,
        "censored": _count_censored(lives, curve.cycle),
        "survival": curve.survival,
        "survival_low": nothing if curve.low is None else curve.low,
        "survival_high": nothing if curve.high is None else curve.high,
    }
    whole["interval_reason"] = None if curve.low is not None else "no_wafer" if strange else "one_wafer"
    for row in zip(*(column.tolist() for column in columns.values()), strict=True):
        yield whole | dict(zip(columns, row, strict=True))


def _count_censored(lives: Lives, moments: Doubles) -> Integers:
    """Return how many lives were last seen since the moment before."""
    seen = np.sort(lives.cycle[~lives.ended])
    return np.diff(np.searchsorted(seen, np.concatenate([[0.0], moments]), side="right"))

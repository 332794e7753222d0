"""Process splits: what each makes of every quantity, and how long cells of each live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, Integers, doubles
from warehouse.wafers.effects import Arms, find_effect, permute_groups, refuse_effect
from warehouse.wafers.lives import Lives, find_curve, find_horizon, find_residuals, restrict_means
from warehouse.wafers.recipe import WafersRecipe

Row = dict[str, Any]

LIFE: Final = "life"
ALL_SPLITS: Final = "*"
KEY: Final = ("project", "quantity", "at_cycle")


def compare_splits(values: pl.DataFrame, splits: pl.DataFrame, recipe: WafersRecipe) -> pl.DataFrame:
    """Return rows of ``schema.SPLITS``: every split of a project against its first one, in every quantity.

    Args:
        values: one row a cell and quantity: ``project, lot, wafer, process_split, quantity, at_cycle, unit, value`` and
            ``censored``; cells without a split are left out.
        splits: rows of ``schema.PROCESS_SPLIT``.
        recipe: fewest wafers, confidence.
    """
    known = values.filter(pl.col("process_split").is_not_null()).with_columns(pl.col("project").fill_null(""))
    rows: list[Row] = []
    for key, cells in known.sort(*KEY, "process_split", "site").partition_by(KEY, as_dict=True).items():
        named = dict(zip(KEY, key, strict=True))
        # The first by name is the reference: which one people call so, no column says.
        names = cells["process_split"].unique().sort().to_list()
        for other in names[1:]:
            pair = cells.filter(pl.col("process_split").is_in([names[0], other]))
            about = named | {"split": other, "reference_split": names[0]}
            told = {"varies": _describe(splits, about), "unit": cells["unit"][0], "confidence": recipe.confidence}
            rows.append(about | told | _compare(pair, other, named["quantity"] == LIFE, recipe))
    return pl.DataFrame(rows, infer_schema_length=None)


def _compare(pair: pl.DataFrame, split: str, of_life: bool, recipe: WafersRecipe) -> Row:  # noqa: FBT001 which of two
    # A cell without a wafer is no replicate of anything.
    on_wafers = pair.filter(pl.col("wafer").is_not_null()).with_columns(treated=pl.col("process_split") == split)
    arms, horizon = _average_wafers(on_wafers, of_life=of_life)
    counts = _count(pair, arms, split)
    reason = refuse_effect(arms, recipe.fewest_wafers)
    if reason is not None:
        return counts | {"status": "refused", "reason": reason}
    effect = find_effect(arms, recipe.confidence, recipe.most_permutations)
    reference = float(arms.of(0).mean())
    row = counts | {
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
    if not of_life:
        return row
    return row | {"at_cycle": round(horizon), "log_rank_p_value": _test_lives(on_wafers, arms, recipe)}


def _count(pair: pl.DataFrame, arms: Arms, split: str) -> Row:
    cells = pair["process_split"].eq(split)
    wafers = [len(np.unique(arms.wafer[arms.treated == arm])) for arm in (1, 0)]
    return {
        "wafers": wafers[0],
        "reference_wafers": wafers[1],
        "dies": int(cells.sum()),
        "reference_dies": int((~cells).sum()),
    }


def _average_wafers(cells: pl.DataFrame, *, of_life: bool) -> tuple[Arms, float]:
    """Return each wafer's mean with each split, and the cycle up to which mean lives were taken."""
    if cells.is_empty():
        nothing = np.zeros(0)
        return Arms(nothing, nothing.astype(np.int64), nothing.astype(np.int64), nothing.astype(np.int64)), 0.0
    wafer, lot, unit = (_number(cells, names) for names in (("lot", "wafer"), ("lot",), ("lot", "wafer", "treated")))
    first = np.unique(unit, return_index=True)[1]
    treated = cells["treated"].to_numpy().astype(np.int64)
    horizon = 0.0
    if of_life:
        lives = Lives(doubles(cells["value"]), ~cells["censored"].to_numpy(), unit)
        # Beyond this some wafer was no longer watched, and means to there would be guesses.
        horizon = find_horizon(lives)
        means = restrict_means(lives, horizon)
    else:
        means = np.bincount(unit, doubles(cells["value"])) / np.bincount(unit)
    return Arms(means, treated[first], wafer[first], lot[first]), horizon


def _number(cells: pl.DataFrame, names: tuple[str, ...]) -> Integers:
    """Number what several columns name together, from 0 without a gap."""
    numbers: Integers = cells.select(pl.struct(names).rank("dense")).to_series().to_numpy().astype(np.int64) - 1
    return numbers


def _test_lives(cells: pl.DataFrame, arms: Arms, recipe: WafersRecipe) -> float | None:
    """Return the log-rank test's p-value over rearrangements of the wafers within their lots."""
    if len(np.unique(arms.wafer)) < len(arms.wafer):
        # Where wafers hold both splits, there is nothing to rearrange between wafers.
        return None
    lives = Lives(doubles(cells["value"]), ~cells["censored"].to_numpy(), _number(cells, ("lot", "wafer", "treated")))
    residuals = find_residuals(lives)
    groups: list[tuple[Doubles, Integers]] = [
        (residuals[arms.lot == lot], arms.treated[arms.lot == lot]) for lot in np.unique(arms.lot)
    ]
    return permute_groups(groups, recipe.most_permutations)


def _describe(splits: pl.DataFrame, about: Row) -> str:
    """Return what two splits do differently: every parameter of either, as the manifest writes it."""
    mine = splits.filter(
        pl.col("project").is_in(["", about["project"]]),
        pl.col("split").is_in([about["split"], about["reference_split"]]),
    )
    told: dict[str, dict[str, str]] = {}
    for row in mine.sort("parameter", "lot", "project").iter_rows(named=True):
        value = " ".join(part for part in (row["value"], row["unit"]) if part)
        told.setdefault(row["parameter"], {})[row["split"]] = value
    named = (about["reference_split"], about["split"])
    return "; ".join(
        f"{parameter}: {' → '.join(values.get(name) or '?' for name in named)}" for parameter, values in told.items()
    )


def follow_lives(values: pl.DataFrame, recipe: WafersRecipe, threshold: float | None) -> pl.DataFrame:
    """Return rows of ``schema.SURVIVAL`` for every project and each of its splits.

    Args:
        values: rows of lives, as :func:`compare_splits` takes them; cells without a split too.
        recipe: confidence.
        threshold: retention that ended the lives.
    """
    rows: list[Row] = []
    for project, split, cells in _group_lives(values.filter(pl.col("quantity") == LIFE)):
        about = {"project": project, "process_split": split, "end_of_life_threshold": threshold}
        rows += [about | row | {"confidence": recipe.confidence} for row in _tell_curve(cells, recipe)]
    return pl.DataFrame(rows, infer_schema_length=None)


def _group_lives(lives: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    known = lives.with_columns(pl.col("project").fill_null("")).sort("project", "site")
    for (project,), cells in known.partition_by("project", as_dict=True).items():
        yield str(project), ALL_SPLITS, cells
        split_cells = cells.filter(pl.col("process_split").is_not_null()).sort("process_split", "site")
        for (split,), of_split in split_cells.partition_by("process_split", as_dict=True).items():
            yield str(project), str(split), of_split


def _tell_curve(cells: pl.DataFrame, recipe: WafersRecipe) -> Iterator[Row]:
    ended = ~cells["censored"].to_numpy()
    strange = cells["wafer"].null_count() > 0
    # A cell without a wafer may share one with any other, so that all of them are taken for one wafer.
    wafer = _number(cells, ("lot", "wafer")) * (not strange)
    lives = Lives(doubles(cells["value"]), ended, wafer)
    curve = find_curve(lives, recipe.confidence)
    whole = {"cells": cells.height, "wafers": 0 if strange else lives.wafers}
    reason = None if curve.low is not None else "no_wafer" if strange else "one_wafer"
    yield whole | {"cycle": 0.0, "at_risk": cells.height, "ended": 0, "censored": 0, "survival": 1.0}
    before = 0.0
    for index, cycle in enumerate(curve.cycle.tolist()):
        left = int(((lives.cycle > before) & (lives.cycle <= cycle) & ~ended).sum())
        before = cycle
        yield whole | {
            "cycle": cycle,
            "at_risk": int(curve.at_risk[index]),
            "ended": int(curve.ended[index]),
            "censored": left,
            "survival": float(curve.survival[index]),
            "survival_low": None if curve.low is None else float(curve.low[index]),
            "survival_high": None if curve.high is None else float(curve.high[index]),
            "interval_reason": reason,
        }

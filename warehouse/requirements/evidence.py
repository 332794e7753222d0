"""What speaks for a requirement: of each cell the value measured under its conditions, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from warehouse.requirements.conditions import CONDITIONS, meets
from warehouse.requirements.frames import Frames
from warehouse.requirements.profiles import Requirement
from warehouse.requirements.quantities import QUANTITIES, Quantity
from warehouse.requirements.recipe import RequirementsRecipe
from warehouse.requirements.verdicts import Measured

COLUMNS = ("value", "low", "high")


@dataclass(frozen=True)
class Evidence:
    """Of one cell.

    Args:
        measured: the value with its interval; None where there is none.
        interval_source: measured, or assumed by the recipe.
        reason: why there is none; a key of ``warehouse.requirements.reasons``.
    """

    measured: Measured | None
    interval_source: str | None = None
    reason: str | None = None

    @property
    def censored(self) -> bool:
        """Whether only a bound of the value is known."""
        return self.measured is not None and self.measured.value is None


def gather_evidence(frames: Frames, requirement: Requirement, recipe: RequirementsRecipe) -> dict[str, Evidence]:
    """Return the evidence of every cell that the requirement's quantity was measured on."""
    quantity = QUANTITIES[requirement.quantity]
    frame = frames.read(quantity.frame, requirement.conditions)
    if frame.is_empty():
        return {}
    rows = _read_rows(frame, quantity, requirement.conditions, recipe)
    chosen = _choose(rows.lazy().filter("matching"), quantity).select("cell_id", *COLUMNS).collect()
    found = {str(cell): _weigh(Measured(*ends), recipe) for cell, *ends in chosen.rows()}
    # The nearest miss of all its rows is the reason of a cell.
    missing = rows.lazy().filter(~pl.col("cell_id").is_in(list(found)))
    reasons = missing.group_by("cell_id").agg(pl.col("reason").min()).collect().rows()
    return {**found, **{cell: Evidence(None, reason=reason[1:]) for cell, reason in reasons}}


def _read_rows(
    frame: pl.DataFrame, quantity: Quantity, required: Mapping[str, float], recipe: RequirementsRecipe
) -> pl.DataFrame:
    """Return values with whether the conditions are met; why not is led by a digit, the nearest miss first."""
    rows = frame.lazy() if quantity.where is None else frame.lazy().filter(quantity.where)
    under = [quantity.under[name].cast(pl.Float64).alias(f"at_{name}") for name in required]
    figures = (quantity.value.alias("value"), quantity.low.alias("low"), quantity.high.alias("high"))
    ranks = [rank.alias(f"rank_{number}") for number, rank in enumerate(quantity.prefer)]
    used = rows.select("cell_id", *(each.cast(pl.Float64).fill_nan(None) for each in figures), *under, *ranks)
    # What came nearest is said: a test that only has to go on is no other test.
    lasting = [name for name in required if CONDITIONS[name].lasting]
    met, known = _all(required, required, recipe), _known(required)
    short = _all([name for name in required if name not in lasting], required, recipe)
    reason = (
        pl.when(met & known)
        .then(pl.lit("1refused"))
        .when(short & known)
        .then(pl.lit("2not_long_enough"))
        .when(met)
        .then(pl.lit("3condition_unknown"))
        .otherwise(pl.lit("4other_conditions"))
    )
    measured = pl.col("value").is_not_null() | pl.col("low").is_not_null()
    return used.with_columns(matching=met & known & measured, reason=reason).collect()


def _all(names: Mapping[str, float] | list[str], required: Mapping[str, float], recipe: RequirementsRecipe) -> pl.Expr:
    """Return whether no condition is known to be missed."""
    tests = [meets(name, required[name], recipe).fill_null(value=True) for name in names]
    return pl.all_horizontal(pl.lit(value=True), *tests)


def _known(required: Mapping[str, float]) -> pl.Expr:
    return pl.all_horizontal(pl.lit(value=True), *(pl.col(f"at_{name}").is_not_null() for name in required))


def _choose(rows: pl.LazyFrame, quantity: Quantity) -> pl.LazyFrame:
    """Return one row per cell: the preferred one, or the one whose value is least, greatest or in the middle."""
    if quantity.prefer:
        ranks = [f"rank_{number}" for number in range(len(quantity.prefer))]
        return rows.sort("cell_id", *ranks, descending=[False, *(True for _ in ranks)]).unique(
            "cell_id", keep="first", maintain_order=True
        )
    # A measured value, not a mean of two: it keeps its own interval.
    ordered = rows.sort("cell_id", "value", nulls_last=True)
    place = {"min": pl.lit(0), "max": pl.len() - 1, "median": (pl.len() - 1) // 2}[quantity.take]
    return ordered.group_by("cell_id", maintain_order=True).agg(pl.col(COLUMNS).get(place))


def _weigh(measured: Measured, recipe: RequirementsRecipe) -> Evidence:
    """Return a value with its own interval, or with the one that the recipe assumes."""
    if measured.low is not None or measured.high is not None or measured.value is None:
        return Evidence(measured, "measured")
    half = abs(measured.value) * recipe.assumed_uncertainty
    return Evidence(Measured(measured.value, measured.value - half, measured.value + half), "assumed")

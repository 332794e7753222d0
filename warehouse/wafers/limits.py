"""Limits of specifications against what was measured under their conditions.

formula: pass where lower ≤ value ≤ upper, both ends included; typ: the interval of the median of all cells
condition: a figure counts when every condition that the limit states is known of it and is the same within the recipe's
    tolerances; what is not known is not assumed, so the verdict is not_tested
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, Final

import polars as pl

from warehouse.arrays import Integers, collect
from warehouse.statistics import median_interval
from warehouse.wafers.conditions import CONDITIONS, read_conditions
from warehouse.wafers.figures import Figures
from warehouse.wafers.groups import Flags
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import Sites

Row = dict[str, Any]

TYPICAL: Final = "typ"
# A value on a limit passes, whatever unit either came in.
ROUNDING: Final = 1e-9
# Of the figures of a quantity that nobody measured.
COLUMNS: Final = {
    "site": pl.Int64(),
    "value": pl.Float64(),
    "unit": pl.String(),
    "stands": pl.Boolean(),
    "censored": pl.Boolean(),
    **{name: pl.Float64() for name in CONDITIONS},
}


@dataclass(frozen=True)
class Limit:
    """A limit: a row of ``schema.SPEC_LIMIT``, numbered among all of its firm."""

    number: int
    row: Row

    @property
    def spec(self) -> tuple[str, int]:
        """Specification and revision."""
        return self.row["spec"], self.row["revision"]

    @property
    def quantity(self) -> str:
        """What is limited."""
        return str(self.row["quantity"])

    @property
    def is_typical(self) -> bool:
        """Whether it is for the median of all cells and for none alone."""
        return bool(self.row["statistic"] == TYPICAL)

    def find_sites(self, sites: pl.DataFrame) -> pl.DataFrame:
        """Return the sites that it is for."""
        named = ((name, self.row[name]) for name in ("project", "stack"))
        chosen = [pl.col(name) == value for name, value in named if value]
        # Most limits are for all sites, and a filter costs as much as the rest of a verdict.
        return sites.filter(chosen) if chosen else sites


@dataclass(frozen=True)
class Verdict:
    """The verdict of one limit on each site that it is for.

    Args:
        rows: columns ``site, measured, censored, verdict, reason``.
    """

    rows: pl.DataFrame

    @cached_property
    def site(self) -> Integers:
        """Number of each site."""
        return self.rows["site"].to_numpy()

    @cached_property
    def tested(self) -> Flags:
        """Whether something was measured there that the limit can judge."""
        return (self.rows["verdict"] != "not_tested").to_numpy()

    @cached_property
    def fails(self) -> Flags:
        """Whether it is out of the limit."""
        return (self.rows["verdict"] == "fail").to_numpy()


Verdicts = Mapping[int, Verdict]


def list_limits(specs: pl.DataFrame) -> list[Limit]:
    """Return all limits of all revisions, in a fixed order."""
    if specs.is_empty():
        return []
    ordered = specs.sort("spec", "revision", "quantity", "statistic", "conditions")
    return [Limit(number, row) for number, row in enumerate(ordered.iter_rows(named=True))]


def find_current(limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits of each specification's latest revision."""
    latest: dict[str, int] = {}
    for limit in limits:
        spec, revision = limit.spec
        latest[spec] = max(latest.get(spec, 0), revision)
    return [limit for limit in limits if limit.spec in latest.items()]


def judge_sites(
    limits: Sequence[Limit], sites: Sites, figures: Mapping[str, Figures], recipe: WafersRecipe
) -> Verdicts:
    """Return the verdict of every limit on the sites that it is for, by the limit's number.

    Args:
        limits: limits, typical ones included: their verdicts are those of single cells.
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        figures: of :func:`warehouse.wafers.figures.gather_figures`.
        recipe: tolerances of conditions.
    """
    if not limits:
        return {}
    # Only these few quantities become rows again: expressions are how conditions are best compared.
    frames = {name: figures[name].as_frame() for name in {limit.quantity for limit in limits} & figures.keys()}
    nothing = pl.DataFrame(schema=COLUMNS)
    return {
        limit.number: Verdict(_judge(limit, sites.frame, frames.get(limit.quantity, nothing), recipe))
        for limit in limits
    }


def _judge(limit: Limit, sites: pl.DataFrame, figures: pl.DataFrame, recipe: WafersRecipe) -> pl.DataFrame:
    conditions = read_conditions(limit.row["conditions"])
    same = [_is_same(name, value, recipe) for name, value in conditions.items()]
    # A null is a condition that nobody knows: it is not met, and it does not contradict either.
    met = reduce(pl.Expr.and_, (one.fill_null(value=False) for one in same), pl.lit(value=True))
    possible = reduce(pl.Expr.and_, (one.fill_null(value=True) for one in same), pl.lit(value=True))
    unknown = pl.coalesce(
        *(pl.when(pl.col(name).is_null()).then(pl.lit(f"{name}_unknown")) for name in conditions), pl.lit(None)
    )
    # A map's test may come in another unit than its limit, and numbers of two units are not compared.
    of_unit = figures.lazy().filter(pl.col("unit") == (limit.row["unit_si"] or ""))
    known = of_unit.with_columns(met=met, unknown=unknown.cast(pl.String)).filter(possible)
    chosen = known.sort("site", "met", "stands", descending=[False, True, True], maintain_order=True)
    best = chosen.filter(
        (pl.col("met") == pl.col("met").first().over("site"))
        & (pl.col("stands") == pl.col("stands").first().over("site"))
    )
    # Several figures that serve alike speak with one voice: their median.
    one = best.group_by("site", maintain_order=True).agg(
        pl.col("value").median().alias("measured"),
        pl.col("censored").any(),
        pl.col("met").first(),
        pl.col("unknown").first(),
    )
    mine = limit.find_sites(sites).lazy().select("site")
    joined = mine.join(one, on="site", how="left", maintain_order="left")
    return collect(_decide(joined, limit).select("site", "measured", "censored", "verdict", "reason"))


def _is_same(name: str, value: float, recipe: WafersRecipe) -> pl.Expr:
    condition = CONDITIONS[name]
    tolerance: float = getattr(recipe, condition.tolerance)
    return (pl.col(name) - value).abs() <= (tolerance if condition.absolute else tolerance * abs(value))


def _decide(joined: pl.LazyFrame, limit: Limit) -> pl.LazyFrame:
    lower, upper = limit.row["lower_si"], limit.row["upper_si"]
    above = pl.lit(value=True) if lower is None else pl.col("measured") >= lower - ROUNDING * abs(lower)
    below = pl.lit(value=True) if upper is None else pl.col("measured") <= upper + ROUNDING * abs(upper)
    # A life that goes on is at least as long as it was seen: enough to pass a lower limit, and to fail an upper one.
    open_end = pl.col("censored") & ~(
        (above if lower is not None and upper is None else pl.lit(value=False))
        | (~below if upper is not None else pl.lit(value=False))
    )
    reason = (
        pl.when(pl.col("measured").is_null())
        .then(pl.lit("not_measured"))
        .when(~pl.col("met"))
        .then("unknown")
        .when(open_end)
        .then(pl.lit("still_running"))
    )
    return joined.with_columns(reason=reason, censored=pl.col("censored").fill_null(value=False)).with_columns(
        verdict=pl.when(pl.col("reason").is_not_null())
        .then(pl.lit("not_tested"))
        .when(above & below)
        .then(pl.lit("pass"))
        .otherwise(pl.lit("fail"))
    )


def tell_specs(limits: Sequence[Limit], sites: Sites, verdicts: Verdicts, recipe: WafersRecipe) -> pl.DataFrame:
    """Return rows of ``schema.SPECS``: of every limit each cell's, then that of all cells together."""
    parts = []
    for limit in limits:
        rows = _place(verdicts[limit.number], sites)
        if not limit.is_typical:
            parts.append(_tell_cells(limit, rows))
        parts.append(pl.DataFrame([_tell_all(limit, rows, recipe)], infer_schema_length=None))
    return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame()


def _place(verdict: Verdict, sites: Sites) -> pl.DataFrame:
    """Return a verdict of single sites under their cells, wafers and dies, by which people find it."""
    cells = sites.frame[["cell_id", "lot", "wafer", "die_x", "die_y"]][verdict.site]
    placed = verdict.rows.drop("site").hstack(cells)
    # A die of a map that no cell is on says something only where the map holds that very value.
    return placed.filter(pl.col("cell_id").is_not_null() | (pl.col("verdict") != "not_tested"))


def _tell_cells(limit: Limit, rows: pl.DataFrame) -> pl.DataFrame:
    tested = (pl.col("verdict") != "not_tested").cast(pl.Int64)
    return rows.with_columns(
        **{name: pl.lit(value) for name, value in _describe(limit).items()},
        scope=pl.lit("cell"),
        tested=tested,
        passed=(pl.col("verdict") == "pass").cast(pl.Int64),
        cells=pl.lit(1, dtype=pl.Int64),
    )


def _tell_all(limit: Limit, rows: pl.DataFrame, recipe: WafersRecipe) -> Row:
    tested = rows.filter(pl.col("verdict") != "not_tested")
    values = tested["measured"].to_list()
    interval = median_interval(values, recipe.confidence) if not tested["censored"].any() else None
    verdict, reason = _decide_all(limit, tested, interval)
    return {
        **_describe(limit),
        "scope": "all",
        "measured": tested["measured"].median(),
        "measured_low": interval[0] if interval else None,
        "measured_high": interval[1] if interval else None,
        "censored": bool(tested["censored"].any()),
        "verdict": verdict,
        "reason": reason,
        "tested": tested.height,
        "passed": int((tested["verdict"] == "pass").sum()),
        "cells": rows.height,
    }


def _decide_all(limit: Limit, tested: pl.DataFrame, interval: tuple[float, float] | None) -> tuple[str, str | None]:
    """Return the verdict on all cells: of a min or max every one must pass, of a typ the median's interval."""
    if tested.is_empty():
        return "not_tested", "not_measured"
    if not limit.is_typical:
        return ("pass" if (tested["verdict"] == "pass").all() else "fail"), None
    if interval is None:
        return "undecided", "too_few_cells"
    lower, upper = limit.row["lower_si"], limit.row["upper_si"]
    low, high = (float("-inf") if lower is None else lower), (float("inf") if upper is None else upper)
    if low <= interval[0] and interval[1] <= high:
        return "pass", None
    return ("fail", None) if interval[1] < low or interval[0] > high else ("undecided", "interval_across_limit")


def _describe(limit: Limit) -> Row:
    same = {name: limit.row[name] for name in ("firm", "spec", "revision", "quantity", "statistic", "conditions")}
    limits = {"lower": limit.row["lower_si"], "upper": limit.row["upper_si"], "unit": limit.row["unit_si"] or ""}
    return {**same, **limits, "source": limit.row["source"]}

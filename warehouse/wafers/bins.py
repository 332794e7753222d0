"""Bins: why a die is no good, by its results and the limits of a specification; computed again whenever those change.

formula: the first that holds of: excluded rim (8), nothing measured (7), short (2), open (3), then the limits in the
    order of bins 4, 5, 6, 9; pass (1) where at least one limit was tested and none failed
condition: limits on the recipe's sort quantities; a die whose limits were never tested has no bin
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from warehouse.schema import DIE_BINS
from warehouse.wafers.limits import Limit
from warehouse.wafers.quantities import EXCLUDED, NOT_TESTED, OPEN, PASS, QUANTITIES, SHORT, bin_of
from warehouse.wafers.recipe import WafersRecipe

RESISTANCES: Final = ("resistance", "acir", "hf_resistance")
ORDER: Final = tuple(QUANTITIES)
SOFT: Final = 100
NO_QUANTITY: Final = 99


def choose_sorting(limits: Sequence[Limit], recipe: WafersRecipe) -> list[Limit]:
    """Return the limits that sort dies: on the recipe's quantities and on tests of maps, none of them typical."""
    sorting = {*recipe.sort_quantities}
    return [
        limit
        for limit in limits
        if not limit.is_typical and (limit.quantity in sorting or limit.quantity not in QUANTITIES)
    ]


def sort_dies(
    limits: Sequence[Limit], sites: pl.DataFrame, figures: pl.DataFrame, verdicts: pl.DataFrame, recipe: WafersRecipe
) -> pl.DataFrame:
    """Return one row a site: ``site, bin, soft_bin, bin_name, failed_quantity, reason, limits, limits_tested``.

    Args:
        limits: those to sort by.
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        figures: of :func:`warehouse.wafers.figures.gather_figures`.
        verdicts: on these limits at least.
        recipe: short and open.
    """
    own = verdicts.filter(pl.col("limit").is_in([limit.number for limit in limits]))
    told = _count_verdicts(limits, own)
    state = _find_state(sites, figures, recipe).join(told, on="site", how="left", maintain_order="left")
    # The order is what decides: a die on the rim is no loss, and a short has no capacity worth judging.
    number = (
        pl.when(pl.col("excluded"))
        .then(EXCLUDED)
        .when(~pl.col("measured"))
        .then(NOT_TESTED)
        .when(pl.col("short"))
        .then(SHORT)
        .when(pl.col("open"))
        .then(OPEN)
        .when(pl.col("failed_bin").is_not_null())
        .then("failed_bin")
        .when(pl.col("limits_tested") > 0)
        .then(PASS)
    )
    sorted_dies = state.with_columns(pl.col("limits", "limits_tested").fill_null(0), bin=number.cast(pl.Int64))
    failed = pl.when(pl.col("bin") == pl.col("failed_bin")).then("failed_quantity")
    return sorted_dies.with_columns(
        failed_quantity=failed,
        bin_name=pl.col("bin").replace_strict(DIE_BINS, default=None, return_dtype=pl.String),
        reason=pl.when(pl.col("bin").is_null())
        .then(pl.when(pl.col("limits") > 0).then(pl.lit("limits_not_tested")).otherwise(pl.lit("no_limits")))
        .otherwise(None),
    ).select(
        "site",
        "bin",
        soft_bin=pl.col("bin") * SOFT + pl.col("failed_quantity").replace_strict(_number(limits), default=0),
        bin_name="bin_name",
        failed_quantity="failed_quantity",
        reason="reason",
        limits=pl.col("limits").cast(pl.Int64),
        limits_tested=pl.col("limits_tested").cast(pl.Int64),
    )


def _number(limits: Sequence[Limit]) -> dict[str, int]:
    """Number the quantities for soft bins; tests of maps share a number of their own."""
    return {
        limit.quantity: ORDER.index(limit.quantity) + 1 if limit.quantity in ORDER else NO_QUANTITY for limit in limits
    } or {"": 0}


def _count_verdicts(limits: Sequence[Limit], verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return of each site how many limits there are and were tested, and the first quantity that fails."""
    bins = {limit.number: bin_of(limit.quantity) for limit in limits} or {-1: 0}
    names = {limit.number: limit.quantity for limit in limits} or {-1: ""}
    named = verdicts.with_columns(
        number=pl.col("limit").replace_strict(bins, default=None, return_dtype=pl.Int64),
        quantity=pl.col("limit").replace_strict(names, default=None, return_dtype=pl.String),
    )
    failed = (pl.col("verdict") == "fail").fill_null(value=False)
    return (
        named.sort("site", "number", "limit")
        .group_by("site", maintain_order=True)
        .agg(
            limits=pl.len(),
            limits_tested=(pl.col("verdict") != "not_tested").sum(),
            failed_bin=pl.col("number").filter(failed).first(),
            failed_quantity=pl.col("quantity").filter(failed).first(),
        )
    )


def _find_state(sites: pl.DataFrame, figures: pl.DataFrame, recipe: WafersRecipe) -> pl.DataFrame:
    """Return of each site whether it is excluded, measured at all, a short, or open."""
    voltage = pl.max_horizontal(
        pl.col("value").filter(pl.col("quantity") == "open_circuit_voltage").max(), pl.col("upper_voltage_volt").max()
    )
    # One figure that shows a path for the current is enough not to be open, hence the smallest.
    resistance = pl.col("value").filter(pl.col("quantity").is_in(RESISTANCES)).min()
    capacity = pl.col("value").filter(pl.col("quantity") == "capacity").max()
    seen = figures.group_by("site").agg(voltage=voltage, resistance=resistance, capacity=capacity)
    joined = sites.select("site", "excluded").join(seen, on="site", how="left", maintain_order="left")
    # Any figure at all, even one without a limit on it, shows that the die was measured.
    present = joined["site"].is_in(seen["site"].implode())
    return joined.select(
        "site",
        "excluded",
        measured=present,
        short=(pl.col("voltage") < recipe.short_volt).fill_null(value=False),
        open=((pl.col("resistance") > recipe.open_ohm) | (pl.col("capacity") <= 0)).fill_null(value=False),
    )

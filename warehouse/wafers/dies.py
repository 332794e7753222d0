"""One row per die: what stands for it in every quantity, how the map saw it, and which bin it went to."""

from __future__ import annotations

from typing import Final

import polars as pl

from warehouse.metrics.inputs import FirmInputs
from warehouse.wafers.limits import Limit
from warehouse.wafers.sites import DIE, WAFER

# Column of ``schema.WAFER_DIES`` → quantity whose standing figure it shows.
SHOWN: Final = {
    "capacity_ah": "capacity",
    "areal_capacity_ah_per_square_metre": "areal_capacity",
    "capacity_retention": "capacity_retention",
    "coulombic_efficiency": "coulombic_efficiency",
    "resistance_ohm": "resistance",
    "hf_resistance_ohm": "hf_resistance",
    "leakage_ampere": "leakage",
    "fade_rate_per_cycle": "fade_rate",
    "life_cycle": "life",
}
PLACES: Final = ("reticle_x", "reticle_y", "x_metre", "y_metre", "radius_metre", "process_split")


def describe_dies(
    inputs: FirmInputs, sites: pl.DataFrame, figures: pl.DataFrame, bins: pl.DataFrame, sorting: list[Limit]
) -> pl.DataFrame:
    """Return rows of ``schema.WAFER_DIES``.

    Args:
        inputs: the firm.
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        figures: of :func:`warehouse.wafers.figures.gather_figures`.
        bins: of :func:`warehouse.wafers.bins.sort_dies`, by the current specifications.
        sorting: the limits that it sorted by.
    """
    cycles = inputs.summary.select("cell_id", "cycles")
    lives = figures.filter(pl.col("quantity") == "life").select("site", life_censored="censored").unique("site")
    shown = list_standing(figures).pivot("quantity", index="site", values="value")
    named = [
        (pl.col(quantity) if quantity in shown.columns else pl.lit(None, dtype=pl.Float64)).alias(column)
        for column, quantity in SHOWN.items()
    ]
    joined = sites.filter(pl.col("wafer").is_not_null())
    for other, key in (
        (shown, "site"),
        (bins, "site"),
        (lives, "site"),
        (cycles, "cell_id"),
        (list_map_bins(inputs), DIE),
    ):
        joined = joined.join(other, on=key, how="left", maintain_order="left")
    specs = ", ".join(dict.fromkeys(f"{limit.spec[0]} r{limit.spec[1]}" for limit in sorting))
    bin_columns = [name for name in bins.columns if name != "site"]
    of_map = ("map_hard_bin", "map_soft_bin", "map_passed", "defects", "cycles", "life_censored")
    return joined.select(*DIE, "cell_id", *PLACES, *bin_columns, *of_map, *named, specs=pl.lit(specs))


def list_standing(figures: pl.DataFrame) -> pl.DataFrame:
    """Return of each site and quantity the one value that stands for it: the median where several do."""
    standing = figures.filter("stands")
    return standing.group_by("site", "quantity", maintain_order=True).agg(
        pl.col("value").median(), pl.col("censored").any(), pl.col("unit").first()
    )


def list_map_bins(inputs: FirmInputs) -> pl.DataFrame:
    """Return what the current maps say of each die: bins, verdict, defects, and the revision of the map of bins."""
    current = inputs.maps.filter("current").select(*WAFER, "revision")
    known = inputs.dies.join(current, on=(*WAFER, "revision"), how="semi")

    def pick(quantity: str) -> pl.Expr:
        return pl.col("value").filter(pl.col("quantity") == quantity).first().cast(pl.Int64)

    of_bins = pl.col("quantity") == "hard_bin"
    return known.group_by(DIE, maintain_order=True).agg(
        map_hard_bin=pick("hard_bin"),
        map_soft_bin=pick("soft_bin"),
        map_passed=pl.col("passed").filter(of_bins).first(),
        map_revision=pl.col("revision").filter(of_bins).first(),
        defects=pick("defects"),
    )

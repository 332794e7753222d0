"""One row per die: what stands for it in every quantity, how the map saw it, and which bin it went to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from warehouse import schema
from warehouse.arrays import Doubles
from warehouse.wafers.bins import Bins, number_softly
from warehouse.wafers.figures import Figures
from warehouse.wafers.limits import Limit
from warehouse.wafers.sites import DIE, Maps, Sites

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
OF_MAP: Final = ("map_hard_bin", "map_soft_bin", "map_passed", "defects")


@dataclass(frozen=True)
class Sorted:
    """How dies were sorted: the limits, and the bins by them."""

    limits: Sequence[Limit]
    bins: Bins


def describe_dies(
    sites: Sites, summary: pl.DataFrame, standing: Mapping[str, Figures], sort: Sorted, map_bins: pl.DataFrame
) -> pl.DataFrame:
    """Return rows of ``schema.WAFER_DIES``, of the sites on wafers.

    Args:
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        summary: what the firm's summary says of each cell.
        standing: of :func:`list_standing`.
        sort: by the current specifications.
        map_bins: of :func:`list_map_bins`.
    """
    told, cycles = sites.frame[[*DIE, "cell_id", *PLACES]], dict(summary[["cell_id", "cycles"]].rows())
    # A cell that was never cycled may be in no summary.
    known = [cycles.get(cell) for cell in told["cell_id"].to_list()]
    told = told.hstack([pl.Series("cycles", known, dtype=schema.WAFER_DIES.dtypes["cycles"])])
    if map_bins.is_empty():
        told = told.hstack([_repeat(name, None, len(sites)) for name in OF_MAP])
    else:
        told = told.join(map_bins, on=DIE, how="left", maintain_order="left")
    shown = [
        pl.Series(name, _spread(standing, quantity, len(sites)), nan_to_null=True) for name, quantity in SHOWN.items()
    ]
    specs = ", ".join(dict.fromkeys(f"{limit.spec[0]} r{limit.spec[1]}" for limit in sort.limits))
    lives = _tell_censored(standing, len(sites))
    told = told.hstack([*_tell_bins(sort.bins), lives, *shown, _repeat("specs", specs, len(sites))])
    on_wafers = sites.wafer >= 0
    return told if on_wafers.all() else told.filter(pl.Series(on_wafers))


def _repeat(name: str, value: str | None, many: int) -> pl.Series:
    return pl.Series(name, [value] * many, dtype=schema.WAFER_DIES.dtypes[name])


def _spread(standing: Mapping[str, Figures], quantity: str, many: int) -> Doubles:
    """Return a quantity of all sites, NaN where there is none."""
    values = np.full(many, np.nan)
    if quantity in standing:
        values[standing[quantity].site] = standing[quantity].value
    return values


def _tell_censored(standing: Mapping[str, Figures], many: int) -> pl.Series:
    said: list[bool | None] = [None] * many
    if "life" in standing:
        lives = standing["life"]
        for site, censored in zip(lives.site.tolist(), lives.censored.tolist(), strict=True):
            said[site] = censored
    return pl.Series("life_censored", said, dtype=pl.Boolean)


def _tell_bins(bins: Bins) -> list[pl.Series]:
    numbers = bins.bin.tolist()
    # Without any limit there was nothing to sort by.
    why = ("limits_not_tested" if limits else "no_limits" for limits in bins.limits.tolist())
    known = {
        "bin": [number or None for number in numbers],
        "soft_bin": [soft or None for soft in number_softly(bins).tolist()],
        "bin_name": [schema.DIE_BINS.get(number) for number in numbers],
        "failed_quantity": bins.failed.tolist(),
        "reason": [None if number else reason for number, reason in zip(numbers, why, strict=True)],
        "limits": bins.limits,
        "limits_tested": bins.tested,
    }
    return [pl.Series(name, values, dtype=schema.WAFER_DIES.dtypes[name]) for name, values in known.items()]


def list_standing(figures: Mapping[str, Figures]) -> dict[str, Figures]:
    """Return of each quantity the one value of each site that stands for it: the median where several do."""
    standing = {quantity: told.pick(told.stands) for quantity, told in figures.items()}
    return {quantity: _take_median(told) for quantity, told in standing.items() if len(told.site)}


def _take_median(told: Figures) -> Figures:
    # Most quantities have one such figure a site, and nothing to take the middle of.
    if np.bincount(told.site).max() == 1:
        return replace(told, conditions={})
    rows = pl.DataFrame({"site": told.site, "value": told.value, "censored": told.censored}).with_row_index("place")
    one = rows.group_by("site", maintain_order=True).agg(
        pl.col("value").median(), pl.col("censored").any(), pl.col("place").first()
    )
    unit, censored = told.unit[one["place"].to_numpy()], one["censored"].to_numpy()
    return Figures(one["site"].to_numpy(), one["value"].to_numpy(), unit, np.ones(len(unit), dtype=bool), censored)


def list_map_bins(maps: Maps) -> pl.DataFrame:
    """Return what the current maps say of each die: bins, verdict, defects, and the revision of the map of bins."""
    if maps.dies.is_empty():
        return pl.DataFrame()

    def pick(quantity: str) -> pl.Expr:
        return pl.col("value").filter(pl.col("quantity") == quantity).first().cast(pl.Int64)

    of_bins = pl.col("quantity") == "hard_bin"
    return maps.dies.group_by(DIE, maintain_order=True).agg(
        map_hard_bin=pick("hard_bin"),
        map_soft_bin=pick("soft_bin"),
        map_passed=pl.col("passed").filter(of_bins).first(),
        map_revision=pl.col("revision").filter(of_bins).first(),
        defects=pick("defects"),
    )

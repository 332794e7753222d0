"""The values that wafers and splits are compared in: one per working die, quantity and cycle."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from warehouse.arrays import doubles
from warehouse.wafers.components import Components, Variance, find_components, make_nest
from warehouse.wafers.dies import list_standing
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.uniformity import NOT_WORKING

Row = dict[str, Any]

# Also compared at single cycles.
AT_CYCLES: Final = "capacity_retention"
# A censored life is no value of a die; survival and splits know how to take it.
NOT_SPREAD: Final = ("life",)
KEY: Final = ("quantity", "at_cycle", "process_split")


def list_values(sites: pl.DataFrame, figures: pl.DataFrame, bins: pl.DataFrame, recipe: WafersRecipe) -> pl.DataFrame:
    """Return a row for each working site and quantity, with where it lies and which split it had.

    Args:
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        figures: of :func:`warehouse.wafers.figures.gather_figures`.
        bins: of :func:`warehouse.wafers.bins.sort_dies`.
        recipe: cycles of retention.
    """
    standing = list_standing(figures).with_columns(at_cycle=pl.lit(0, dtype=pl.Int64))
    # Where retention stands is another cycle for each cell, and no two such are comparable.
    alike = standing.filter(pl.col("quantity") != AT_CYCLES)
    at = figures.filter(
        pl.col("quantity") == AT_CYCLES,
        pl.col("cycle").cast(pl.Int64).is_in(list(recipe.retention_cycles)),
        ~pl.col("stands"),
    )
    later = at.select("site", "quantity", "value", "censored", "unit", at_cycle=pl.col("cycle").cast(pl.Int64))
    working = bins.filter(~pl.col("bin").is_in(NOT_WORKING) | pl.col("bin").is_null()).select("site")
    both = pl.concat([alike, later.select(alike.columns)]).join(working, on="site", how="semi", maintain_order="left")
    return both.join(sites, on="site", how="left", maintain_order="left").with_columns(pl.col("unit").fill_null(""))


def divide_variance(values: pl.DataFrame, recipe: WafersRecipe) -> pl.DataFrame:
    """Return rows of ``schema.VARIANCE_COMPONENTS``: of each quantity, cycle and split, how it scatters.

    Args:
        values: of :func:`list_values`, of dies on wafers.
        recipe: fewest wafers, confidence.
    """
    rows: list[Row] = []
    known = values.with_columns(pl.col("process_split").fill_null("")).sort(*KEY, "lot", "wafer", "site")
    for key, dies in known.partition_by(KEY, as_dict=True).items():
        lot, wafer = (
            dies.select(pl.struct(names).rank("dense")).to_series().to_numpy().astype(np.int64) - 1
            for names in (("lot",), ("lot", "wafer"))
        )
        about = dict(zip(KEY, key, strict=True)) | {
            "unit": dies["unit"][0],
            "lots": int(lot.max()) + 1,
            "wafers": int(wafer.max()) + 1,
            "dies": dies.height,
            "confidence": recipe.confidence,
        }
        if about["wafers"] < recipe.fewest_wafers:
            rows += [_refuse(about, name, "one_wafer") for name in ("lot", "wafer", "die")]
            continue
        rows += _tell(about, find_components(make_nest(lot, wafer, doubles(dies["value"])), recipe.confidence))
    return pl.DataFrame(rows, infer_schema_length=None)


def _tell(about: Row, found: Components) -> list[Row]:
    parts: dict[str, Variance] = {"lot": found.lot, "wafer": found.wafer, "die": found.die}
    total = sum(part.value or 0.0 for part in parts.values())
    low, high = found.mean_interval or (None, None)
    mean = {"mean": found.mean, "mean_low": low, "mean_high": high}
    return [_tell_part(about | mean, name, part, total) for name, part in parts.items()]


def _tell_part(about: Row, name: str, part: Variance, total: float) -> Row:
    if part.value is None or part.low is None or part.high is None:
        return _refuse(about, name, part.reason or "no_scatter")
    return about | {
        "component": name,
        "status": "fitted",
        "reason": None,
        "variance": part.value,
        "standard_deviation": part.value**0.5,
        "standard_deviation_low": part.low**0.5,
        "standard_deviation_high": part.high**0.5 if part.high < float("inf") else None,
        "part": part.value / total if total > 0 else None,
    }


def _refuse(about: Row, name: str, reason: str) -> Row:
    return about | {"component": name, "status": "refused", "reason": reason}

"""How evenly a quantity is spread over a wafer: every usual definition by its own name, and the pattern behind it.

formula: half range (max - min)/(2·mean); range over sum (max - min)/(max + min); s/mean, n - 1 (SEMI MF1618 SUP);
    robust 1.4826·MAD/median
formula: centre over edge: mean of the dies within a part of the farthest die's radius over that beyond another part
source: SEMI MF1618
condition: working dies only: a short, an open or an excluded die is counted by the yield, not here
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, doubles, integers
from warehouse.wafers.profiles import Profile, find_morans_i, fit_profile
from warehouse.wafers.quantities import EXCLUDED, NOT_TESTED, OPEN, SHORT
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import WAFER

Row = dict[str, Any]

NOT_WORKING: Final = (SHORT, OPEN, NOT_TESTED, EXCLUDED)
SIGMA_OF_MAD: Final = 1.4826
# Values that differ by less than this part are one.
ROUNDING: Final = 1e-9
QUADRANTS: Final = {
    "right_upper_mean": (1, 1),
    "left_upper_mean": (-1, 1),
    "left_lower_mean": (-1, -1),
    "right_lower_mean": (1, -1),
}


def map_uniformity(values: pl.DataFrame, recipe: WafersRecipe) -> pl.DataFrame:
    """Return rows of ``schema.UNIFORMITY``.

    Args:
        values: one row a working die and quantity: ``lot, wafer, quantity, at_cycle, unit, value`` and its place.
        recipe: fewest dies, centre and edge.
    """
    rows = [
        {**dict(zip(("lot", "wafer", "quantity", "at_cycle"), key, strict=True)), **_describe(dies, recipe)}
        for key, dies in _divide(values)
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def average_reticles(values: pl.DataFrame) -> pl.DataFrame:
    """Return rows of ``schema.RETICLES``: the mean of each reticle's working dies."""
    key = (*WAFER, "quantity", "at_cycle")
    whole = pl.col("value").mean().over(key)
    known = values.with_columns(whole=whole).drop_nulls(["reticle_x", "reticle_y"])
    averaged = known.group_by(*key, "reticle_x", "reticle_y", "unit", maintain_order=True).agg(
        dies=pl.len().cast(pl.Int64), mean=pl.col("value").mean(), whole=pl.col("whole").first()
    )
    part = pl.when(pl.col("whole") != 0).then(pl.col("mean") / pl.col("whole"))
    return averaged.with_columns(over_wafer_mean=part).drop("whole").sort(*key, "reticle_x", "reticle_y")


def _divide(values: pl.DataFrame) -> Iterator[tuple[tuple[Any, ...], pl.DataFrame]]:
    key = (*WAFER, "quantity", "at_cycle")
    yield from values.sort(*key, "die_x", "die_y", "site").partition_by(key, as_dict=True).items()


def _describe(dies: pl.DataFrame, recipe: WafersRecipe) -> Row:
    said: Row = {"unit": dies["unit"][0], "dies": dies.height, "confidence": recipe.confidence}
    if dies.height < recipe.fewest_dies:
        refused = {"status": "refused", "reason": "too_few_dies"}
        return said | refused | {"profile_status": "refused", "profile_reason": "too_few_dies"}
    value = doubles(dies["value"])
    return said | {"status": "measured", "reason": None} | _spread(value) | _shape(dies, value, recipe)


def _spread(value: Doubles) -> Row:
    low, high, mean, middle = float(value.min()), float(value.max()), float(value.mean()), float(np.median(value))
    deviation = float(value.std(ddof=1))
    robust = SIGMA_OF_MAD * float(np.median(np.abs(value - middle)))
    return {
        "mean": mean,
        "standard_deviation": deviation,
        "median": middle,
        "minimum": low,
        "maximum": high,
        "half_range_over_mean": _over(high - low, 2 * mean),
        "range_over_sum": _over(high - low, high + low),
        "deviation_over_mean": _over(deviation, mean),
        "robust_deviation_over_median": _over(robust, middle),
    }


def _over(value: float, by: float) -> float | None:
    """Return a part of a value that lies above zero; of one that does not, parts mean nothing."""
    return value / by if by > 0 else None


def _shape(dies: pl.DataFrame, value: Doubles, recipe: WafersRecipe) -> Row:
    """Return profile, quadrants and Moran's I of a wafer's dies."""
    if np.ptp(value) <= ROUNDING * np.abs(value).max():
        return {"profile_status": "refused", "profile_reason": "no_scatter"}
    x, y = doubles(dies["x_metre"]), doubles(dies["y_metre"])
    if np.isnan(x).any() or np.isnan(y).any():
        return _liken(dies, value, None) | {"profile_status": "refused", "profile_reason": "no_pitch"}
    areas = _compare_areas(x, y, value, recipe)
    if dies.height < recipe.fewest_for_profile:
        return areas | {"profile_status": "refused", "profile_reason": "too_few_dies"}
    # Without a diameter the farthest die stands for the edge, and the table says at which radius.
    radius = float(dies["diameter_metre"].fill_null(0.0)[0]) / 2 or float(np.hypot(x, y).max())
    profile = fit_profile(x, y, value, radius, recipe.confidence) if radius > 0 else None
    if profile is None:
        return _liken(dies, value, None) | areas | {"profile_status": "refused", "profile_reason": "dies_in_line"}
    return _liken(dies, value, profile) | areas | _tell(profile, radius)


def _tell(profile: Profile, radius: float) -> Row:
    row: Row = {"profile_status": "fitted", "profile_reason": None, "reference_radius_metre": radius}
    for name, interval in (("radial", profile.radial), ("tilt_x", profile.tilt_x), ("tilt_y", profile.tilt_y)):
        row |= {f"{name}_part{end}": part for end, part in zip(("", "_low", "_high"), interval, strict=True)}
    return row | {"centre_value": profile.centre, "profile_r_squared": profile.r_squared}


def _liken(dies: pl.DataFrame, value: Doubles, profile: Profile | None) -> Row:
    places = integers(dies["die_x"], 0), integers(dies["die_y"], 0)
    found = find_morans_i(*places, value)
    left = find_morans_i(*places, profile.residuals) if profile is not None else None
    return {
        "morans_i": found.value if found else None,
        "morans_i_expected": found.expected if found else None,
        "morans_i_p_value": found.p_value if found else None,
        "residual_morans_i": left.value if left else None,
    }


def _compare_areas(x: Doubles, y: Doubles, value: Doubles, recipe: WafersRecipe) -> Row:
    """Return centre over edge, and the means of the quadrants; a die on an axis is in none."""
    radius = np.hypot(x, y)
    centre, edge = radius <= recipe.centre_part * radius.max(), radius >= recipe.edge_part * radius.max()
    row: Row = {"centre_over_edge": None}
    if centre.any() and edge.any() and not (centre & edge).any():
        row["centre_over_edge"] = _over(float(value[centre].mean()), float(value[edge].mean()))
    for name, (right, upper) in QUADRANTS.items():
        inside = (np.sign(x) == right) & (np.sign(y) == upper)
        row[name] = float(value[inside].mean()) if inside.any() else None
    return row

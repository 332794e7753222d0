"""How evenly a quantity is spread over a wafer: every usual definition by its own name, and the pattern behind it.

formula: half range (max - min)/(2·mean); range over sum (max - min)/(max + min); s/mean, n - 1 (SEMI MF1618 SUP);
    robust 1.4826·MAD/median
formula: centre over edge: mean of the dies within a part of the farthest die's radius over that beyond another part
source: SEMI MF1618
condition: working dies only: a short, an open or an excluded die is counted by the yield, not here
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, Integers
from warehouse.statistics import take_middle
from warehouse.wafers.compared import Values
from warehouse.wafers.groups import Flags, divide
from warehouse.wafers.profiles import (
    Design,
    Neighbours,
    Profile,
    find_morans_i,
    find_neighbours,
    fit_profile,
    make_design,
)
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import WAFER, Sites

Row = dict[str, Any]

SIGMA_OF_MAD: Final = 1.4826
# Values that differ by less than this part are one.
ROUNDING: Final = 1e-9
QUADRANTS: Final = {
    "right_upper_mean": (1, 1),
    "left_upper_mean": (-1, 1),
    "left_lower_mean": (-1, -1),
    "right_lower_mean": (1, -1),
}


@dataclass(frozen=True)
class Layout:
    """Some dies of a wafer, and all that follows from where they lie: alike for every quantity that they all have."""

    sites: Sites
    site: Integers

    @cached_property
    def x(self) -> Doubles:
        """Metres from the wafer's centre."""
        return self.sites.x[self.site]

    @cached_property
    def y(self) -> Doubles:
        """Metres from the wafer's centre."""
        return self.sites.y[self.site]

    @cached_property
    def is_placed(self) -> bool:
        """Whether all of them have a place."""
        return not (np.isnan(self.x).any() or np.isnan(self.y).any())

    @cached_property
    def reference_radius(self) -> float:
        """Radius of the wafer; without a diameter the farthest die stands for the edge."""
        return float(self.sites.diameter[self.site[0]]) / 2 or float(self._radius.max())

    @cached_property
    def _radius(self) -> Doubles:
        radius: Doubles = np.hypot(self.x, self.y)
        return radius

    def find_ends(self, recipe: WafersRecipe) -> tuple[Flags, Flags] | None:
        """Return which dies are the centre and which the edge; None where that cannot be told."""
        farthest = self._radius.max()
        centre, edge = self._radius <= recipe.centre_part * farthest, self._radius >= recipe.edge_part * farthest
        return (centre, edge) if centre.any() and edge.any() and not (centre & edge).any() else None

    @cached_property
    def quadrants(self) -> dict[str, Flags]:
        """Which dies are in each quadrant; a die on an axis is in none."""
        right, upper = np.sign(self.x), np.sign(self.y)
        return {name: (right == x) & (upper == y) for name, (x, y) in QUADRANTS.items()}

    @cached_property
    def neighbours(self) -> Neighbours:
        """Which of them are neighbours."""
        return find_neighbours(self.sites.die_x[self.site], self.sites.die_y[self.site])

    @cached_property
    def design(self) -> Design | None:
        """What a profile is fitted by; None for one die at the centre."""
        radius = self.reference_radius
        return make_design(self.x, self.y, radius) if radius > 0 else None


def map_uniformity(values: Values, recipe: WafersRecipe) -> list[Row]:
    """Return rows of ``schema.UNIFORMITY``.

    Args:
        values: of :func:`warehouse.wafers.compared.list_values`, of dies on wafers.
        recipe: fewest dies, centre and edge.
    """
    sites, layouts, rows = values.sites, dict[bytes, Layout](), list[Row]()
    for dies in divide((values.wafer, values.quantity, values.at_cycle), sites.die_order[values.site]):
        site = values.site[dies]
        # The dies of a wafer mostly have all quantities, or none.
        layout = layouts.setdefault(site.tobytes(), Layout(sites, site))
        lot, wafer = sites.wafers[values.wafer[dies[0]]]
        about = {"lot": lot, "wafer": wafer, **values.name(dies[0]), "confidence": recipe.confidence}
        rows.append(about | _describe(layout, values.value[dies], recipe))
    return rows


def average_reticles(values: Values) -> pl.DataFrame:
    """Return rows of ``schema.RETICLES``: the mean of each reticle's working dies."""
    key = (*WAFER, "quantity", "at_cycle")
    reticles = values.sites.frame[["lot", "wafer", "reticle_x", "reticle_y"]]
    # Few manifests name reticles.
    if reticles["reticle_x"].null_count() == reticles.height:
        return pl.DataFrame()
    told = reticles[values.site].with_columns(
        quantity=pl.Series([values.names[place] for place in values.quantity], dtype=pl.String),
        at_cycle=pl.Series(values.at_cycle),
        unit=pl.Series(values.unit.tolist(), dtype=pl.String),
        value=pl.Series(values.value),
    )
    whole = pl.col("value").mean().over(key)
    known = told.with_columns(whole=whole).drop_nulls(["reticle_x", "reticle_y"])
    averaged = known.group_by(*key, "reticle_x", "reticle_y", "unit", maintain_order=True).agg(
        dies=pl.len().cast(pl.Int64), mean=pl.col("value").mean(), whole=pl.col("whole").first()
    )
    part = pl.when(pl.col("whole") != 0).then(pl.col("mean") / pl.col("whole"))
    return averaged.with_columns(over_wafer_mean=part).drop("whole").sort(*key, "reticle_x", "reticle_y")


def _describe(layout: Layout, value: Doubles, recipe: WafersRecipe) -> Row:
    said: Row = {"dies": len(value)}
    if len(value) < recipe.fewest_dies:
        refused = {"status": "refused", "reason": "too_few_dies"}
        return said | refused | {"profile_status": "refused", "profile_reason": "too_few_dies"}
    spread = _spread(value)
    low, high = spread["minimum"], spread["maximum"]
    said |= {"status": "measured", "reason": None} | spread
    if high - low <= ROUNDING * max(abs(low), abs(high)):
        return said | {"profile_status": "refused", "profile_reason": "no_scatter"}
    return said | _shape(layout, value, recipe)


def _spread(value: Doubles) -> Row:
    ordered, many = np.sort(value), len(value)
    low, high, middle = float(ordered[0]), float(ordered[-1]), take_middle(ordered)
    mean = float(value.sum() / many)
    deviation = float(np.sqrt(np.square(value - mean).sum() / (many - 1)))
    robust = SIGMA_OF_MAD * take_middle(np.sort(np.abs(value - middle)))
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


def _shape(layout: Layout, value: Doubles, recipe: WafersRecipe) -> Row:
    """Return profile, quadrants and Moran's I of a wafer's dies."""
    if not layout.is_placed:
        return _liken(layout, value, None) | {"profile_status": "refused", "profile_reason": "no_pitch"}
    areas = _compare_areas(layout, value, recipe)
    if len(value) < recipe.fewest_for_profile:
        return areas | {"profile_status": "refused", "profile_reason": "too_few_dies"}
    profile = fit_profile(layout.design, value, recipe.confidence) if layout.design is not None else None
    if profile is None:
        return _liken(layout, value, None) | areas | {"profile_status": "refused", "profile_reason": "dies_in_line"}
    # The table says at which radius, for without a diameter it is a die's.
    return _liken(layout, value, profile) | areas | _tell(profile, layout.reference_radius)


def _tell(profile: Profile, radius: float) -> Row:
    row: Row = {"profile_status": "fitted", "profile_reason": None, "reference_radius_metre": radius}
    for name, interval in (("radial", profile.radial), ("tilt_x", profile.tilt_x), ("tilt_y", profile.tilt_y)):
        row |= {f"{name}_part{end}": part for end, part in zip(("", "_low", "_high"), interval, strict=True)}
    return row | {"centre_value": profile.centre, "profile_r_squared": profile.r_squared}


def _liken(layout: Layout, value: Doubles, profile: Profile | None) -> Row:
    found = find_morans_i(layout.neighbours, value)
    left = find_morans_i(layout.neighbours, profile.residuals) if profile is not None else None
    return {
        "morans_i": found.value if found else None,
        "morans_i_expected": found.expected if found else None,
        "morans_i_p_value": found.p_value if found else None,
        "residual_morans_i": left.value if left else None,
    }


def _compare_areas(layout: Layout, value: Doubles, recipe: WafersRecipe) -> Row:
    """Return centre over edge, and the means of the quadrants."""
    row: Row = {"centre_over_edge": None}
    ends = layout.find_ends(recipe)
    if ends is not None:
        row["centre_over_edge"] = _over(*(float(value[end].mean()) for end in ends))
    for name, inside in layout.quadrants.items():
        row[name] = float(value[inside].mean()) if inside.any() else None
    return row

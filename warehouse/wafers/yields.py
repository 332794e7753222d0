"""Yields of wafers: good over tested and over gross, with Wilson intervals, and the densities of fatal defects.

formula: yield = good / tested, and good / gross; Wilson interval
formula: Poisson D = -ln(Y) / A; Murphy Y = ((1 - exp(-AD)) / (AD))²
formula: at cycle N: good by the sort, within every limit that is stated at N, and retention at N not below the end of
    life where no limit on it is stated there
source: Murphy 1964; Wilson 1927
condition: tested is bins 1 to 6 and 9; the rim (8) is neither tested nor gross; at cycle N only dies that were cycled,
    more than the recipe's sort cycles, and none when a die's fate at N is not known yet (survival tells those)
"""

from __future__ import annotations

from collections.abc import Sequence
from math import expm1, inf, log, sqrt
from typing import Any, Final

import polars as pl

from warehouse.schema import DIE_BINS
from warehouse.statistics import wilson_interval
from warehouse.wafers.conditions import read_conditions
from warehouse.wafers.limits import Limit
from warehouse.wafers.quantities import EXCLUDED, NOT_TESTED, PASS
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import WAFER

Row = dict[str, Any]

ALL_SPECS: Final = "*"
BY_MAP: Final = "(map)"
TESTED: Final = tuple(number for number in DIE_BINS if number not in {NOT_TESTED, EXCLUDED})
STEPS: Final = 80


def count_sort(sites: pl.DataFrame, bins: pl.DataFrame, spec: tuple[str, int]) -> pl.DataFrame:
    """Return of each wafer how its dies were sorted: counts for :func:`finish_yields`.

    Args:
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        bins: of :func:`warehouse.wafers.bins.sort_dies`.
        spec: specification and revision.
    """
    joined = _on_wafers(sites).join(bins, on="site", maintain_order="left")
    counted = joined.group_by(WAFER, maintain_order=True).agg(
        pl.col("bin").is_in(TESTED).sum().alias("tested"),
        (pl.col("bin") == PASS).sum().alias("good"),
        pl.lit(0, dtype=pl.Int64).alias("censored"),
        pl.col("limits").max(),
        pl.col("limits_tested").max(),
        *((pl.col("bin") == number).sum().alias(f"bin_{number}") for number in DIE_BINS),
    )
    return _label(counted, spec, 0)


def count_map(sites: pl.DataFrame, passed: pl.DataFrame) -> pl.DataFrame:
    """Return of each wafer how its current map sorted it; ``passed`` holds a verdict for each site of a map."""
    # A map judges dies, of which several cells may be parts.
    joined = _on_wafers(sites).join(passed, on="site", maintain_order="left").unique("die", maintain_order=True)
    counted = joined.group_by(WAFER, maintain_order=True).agg(
        pl.col("map_passed").is_not_null().sum().alias("tested"),
        pl.col("map_passed").sum().alias("good"),
        pl.col("map_revision").max().alias("revision"),
        pl.lit(0, dtype=pl.Int64).alias("censored"),
        pl.lit(0, dtype=pl.Int64).alias("limits"),
        pl.lit(0, dtype=pl.Int64).alias("limits_tested"),
        *(pl.lit(0, dtype=pl.Int64).alias(f"bin_{number}") for number in DIE_BINS),
    )
    return counted.with_columns(spec=pl.lit(BY_MAP), at_cycle=pl.lit(0, dtype=pl.Int64))


def count_at_cycle(
    cycle: int, sites: pl.DataFrame, bins: pl.DataFrame, fates: pl.DataFrame, recipe: WafersRecipe
) -> pl.DataFrame:
    """Return of each wafer how its cycled dies stand at a cycle.

    Args:
        cycle: the cycle.
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        bins: by the current specifications together.
        fates: of :func:`find_fates` at this cycle.
        recipe: what counts as cycled.
    """
    joined = (
        _on_wafers(sites).join(bins, on="site", maintain_order="left").join(fates, on="site", maintain_order="left")
    )
    known = pl.col("reached") | pl.col("ended")
    # Sorted dies were never meant to come that far, and say nothing of those that were.
    cycled = known | (pl.col("ageing_cycles") > recipe.sort_cycles)
    bad = (
        pl.col("ended")
        | pl.col("fails")
        | (pl.col("bin").is_in(TESTED) & (pl.col("bin") != PASS)).fill_null(value=False)
    )
    counted = joined.group_by(WAFER, maintain_order=True).agg(
        known.sum().alias("tested"),
        (known & ~bad).sum().alias("good"),
        (cycled & ~known).sum().alias("censored"),
        (pl.col("bin").is_in(TESTED).fill_null(value=True) & ~known).sum().alias("unknown"),
        pl.col("limits").max(),
        pl.col("limits_tested").max(),
        *(pl.lit(0, dtype=pl.Int64).alias(f"bin_{number}") for number in DIE_BINS),
    )
    seen = counted.filter(pl.col("tested") + pl.col("censored") > 0)
    return _label(seen, (ALL_SPECS, 0), cycle)


def find_fates(
    cycle: int, figures: pl.DataFrame, limits: Sequence[Limit], verdicts: pl.DataFrame, recipe: WafersRecipe
) -> pl.DataFrame:
    """Return of each site with cycles whether it reached a cycle, ended before, and fails a limit there."""
    at = (pl.col("cycle") - cycle).abs() <= recipe.same_cycle
    retention = pl.col("value").filter(at & (pl.col("quantity") == "capacity_retention")).first()
    capacity = pl.col("value").filter(at & (pl.col("quantity") == "capacity")).first()
    life = (pl.col("quantity") == "life") & ~pl.col("censored")
    found = figures.group_by("site", maintain_order=True).agg(
        retention=retention,
        capacity=capacity,
        life=pl.col("value").filter(life).first(),
        seen=pl.col("value").filter(pl.col("quantity") == "life").first(),
    )
    stated = [limit for limit in limits if abs(read_conditions(limit.row["conditions"]).get("cycle", inf) - cycle) < 1]
    failed = verdicts.filter(pl.col("limit").is_in([one.number for one in stated]), pl.col("verdict") == "fail")
    own = not any(limit.quantity == "capacity_retention" for limit in stated)
    below = (pl.col("retention") < recipe.end_of_life) if own else pl.lit(value=False)
    return found.select(
        "site",
        reached=pl.coalesce("retention", "capacity").is_not_null(),
        ended=(pl.col("life") <= cycle).fill_null(value=False),
        fails=pl.col("site").is_in(failed["site"].implode()) | below.fill_null(value=False),
        ageing_cycles=pl.col("seen").fill_null(0.0),
    )


def finish_yields(
    counts: pl.DataFrame, wafers: pl.DataFrame, sites: pl.DataFrame, recipe: WafersRecipe
) -> pl.DataFrame:
    """Return rows of ``schema.WAFER_YIELD`` from counts of wafers."""
    areas = _find_areas(sites)
    known = counts.join(wafers, on=WAFER, how="left", maintain_order="left").join(
        areas, on=WAFER, how="left", maintain_order="left"
    )
    return pl.DataFrame([_finish(row, recipe) for row in known.iter_rows(named=True)], infer_schema_length=None)


def _finish(row: Row, recipe: WafersRecipe) -> Row:
    reason = _refuse(row)
    tested = _divide(row["good"], row["tested"], "tested", recipe) if reason is None else {}
    gross = _find_gross(row)
    of_gross = _divide(row["good"], gross, "gross", recipe) if reason is None and gross else {}
    # Good at a cycle over all dies would count those as bad that nobody cycled so far.
    if row["at_cycle"] and row.get("unknown"):
        of_gross = {}
    partly = row["limits_tested"] < row["limits"]
    kept = ("lot", "wafer", "spec", "revision", "at_cycle", "tested", "good", "censored", "limits", "limits_tested")
    bins = (f"bin_{number}" for number in DIE_BINS)
    return {
        **{name: row[name] for name in (*kept, *bins)},
        "status": "refused" if reason else "partly_tested" if partly else "measured",
        "reason": reason,
        "gross": gross,
        **tested,
        **of_gross,
        **(_find_densities(row, tested) if reason is None else {}),
        "confidence": recipe.confidence,
    }


def _refuse(row: Row) -> str | None:
    if row["spec"] != BY_MAP and not row["at_cycle"] and not row["limits"]:
        return "no_limits"
    if row["censored"]:
        return "still_running"
    return None if row["tested"] else "not_measured"


def _find_gross(row: Row) -> int | None:
    """Return the dies that count: what the manifest says, else the map's without the rim's."""
    gross = row["gross_dies"]
    if gross is None and row["map_dies"] is not None:
        gross = row["map_dies"] - (row["rim_dies"] or 0)
    # Fewer than were tested is a count of something else.
    return gross if gross is not None and gross >= row["tested"] else None


def _divide(good: int, of: int, name: str, recipe: WafersRecipe) -> Row:
    low, high = wilson_interval(good, of, recipe.confidence)
    return {f"yield_of_{name}": good / of, f"yield_of_{name}_low": low, f"yield_of_{name}_high": high}


def _find_densities(row: Row, tested: Row) -> Row:
    area = row["die_area_square_metre"]
    if area is None:
        return {}
    found: Row = {"die_area_square_metre": area, "area_kind": row["area_kind"]}
    # The fewer dies are good, the more defects there are: the ends change places.
    ends = {"": "yield_of_tested", "low_": "yield_of_tested_high", "high_": "yield_of_tested_low"}
    for end, name in ends.items():
        found[f"poisson_density_{end}per_square_metre"] = _over(find_poisson(tested[name]), area)
        found[f"murphy_density_{end}per_square_metre"] = _over(find_murphy(tested[name]), area)
    return found


def _over(defects: float | None, area: float) -> float | None:
    return None if defects is None else defects / area


def find_poisson(part: float) -> float | None:
    """Return the fatal defects per die behind a yield, by Poisson; None where no die is good."""
    return -log(part) + 0.0 if part > 0 else None


def find_murphy(part: float) -> float | None:
    """Return the fatal defects per die behind a yield, by Murphy; None where no die is good."""
    if part <= 0:
        return None
    if part >= 1:
        return 0.0
    root = sqrt(part)
    # (1 - exp(-x)) / x falls from 1 and lies below 1 / x, which brackets the answer.
    low, high = 0.0, 1 / root
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if -expm1(-middle) / middle > root else (low, middle)
    return (low + high) / 2


def _find_areas(sites: pl.DataFrame) -> pl.DataFrame:
    """Return of each wafer a die's area, of the electrode, else the die, else by pitch; and the dies on its rim."""
    kinds = {
        "electrode": pl.col("active_area_square_metre").median(),
        "die": pl.col("die_area_square_metre").median(),
        "pitch": (pl.col("canonical_pitch_x_metre") * pl.col("canonical_pitch_y_metre")).first(),
    }
    grouped = _on_wafers(sites).group_by(WAFER, maintain_order=True)
    found = grouped.agg(
        *(value.alias(kind) for kind, value in kinds.items()),
        rim_dies=pl.col("die").filter("excluded").n_unique(),
    )
    named = pl.coalesce(*(pl.when(pl.col(kind).is_not_null()).then(pl.lit(kind)) for kind in kinds))
    return found.select(*WAFER, "rim_dies", die_area_square_metre=pl.coalesce(*kinds), area_kind=named)


def _on_wafers(sites: pl.DataFrame) -> pl.DataFrame:
    return sites.filter(pl.col("wafer").is_not_null()).with_columns(die=pl.struct("lot", "wafer", "die_x", "die_y"))


def _label(counted: pl.DataFrame, spec: tuple[str, int], cycle: int) -> pl.DataFrame:
    return counted.with_columns(
        spec=pl.lit(spec[0]), revision=pl.lit(spec[1], dtype=pl.Int64), at_cycle=pl.lit(cycle, dtype=pl.Int64)
    )

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import expm1, inf, isnan, log, nan, sqrt
from operator import itemgetter
from typing import Any, Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, Integers, doubles
from warehouse.replicates.stated import LEAST
from warehouse.schema import DIE_BINS
from warehouse.statistics import wilson_interval
from warehouse.wafers.bins import NO_BIN, Bins
from warehouse.wafers.conditions import read_conditions
from warehouse.wafers.figures import Figures
from warehouse.wafers.groups import Flags
from warehouse.wafers.limits import Limit, Verdict
from warehouse.wafers.quantities import EXCLUDED, NOT_TESTED, PASS
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import DIE, WAFER, Sites

Row = dict[str, Any]

ALL_SPECS: Final = "*"
BY_MAP: Final = "(map)"
TESTED: Final = tuple(number for number in DIE_BINS if number not in {NOT_TESTED, EXCLUDED})
STEPS: Final = 80
# A die's area as manifests state it.
AREAS: Final = {"electrode": "active_area_square_metre", "die": "die_area_square_metre"}
# What is not counted, as by a map that knows no limits.
NOTHING: Final = dict.fromkeys(("censored", "limits", "limits_tested", *(f"bin_{number}" for number in DIE_BINS)), 0)


def count_sort(sites: Sites, bins: Bins, spec: tuple[str, int]) -> list[Row]:
    """Return of each wafer how its dies were sorted: counts for :func:`finish_yields`.

    Args:
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        bins: of :func:`warehouse.wafers.bins.sort_dies`.
        spec: specification and revision.
    """
    in_bins = {number: _count(sites, bins.bin == number) for number in DIE_BINS}
    tested = sum((in_bins[number] for number in TESTED), np.zeros(len(sites.wafers), dtype=np.int64))
    columns = {f"bin_{number}": count for number, count in in_bins.items()}
    columns |= {"tested": tested, "good": in_bins[PASS], **_ask_limits(sites, bins)}
    return [NOTHING | row for row in _label(sites, columns, spec, 0)]


def _count(sites: Sites, chosen: Flags) -> Integers:
    """Return how many of some sites each wafer has."""
    return np.bincount(sites.wafer[chosen & (sites.wafer >= 0)], minlength=len(sites.wafers))


def _ask_limits(sites: Sites, bins: Bins) -> dict[str, Integers]:
    """Return of each wafer the limits that any of its dies was sorted by, and that any was tested on."""
    most = {"limits": bins.limits, "limits_tested": bins.tested}
    return {name: _find_most(sites, numbers) for name, numbers in most.items()}


def _find_most(sites: Sites, numbers: Integers) -> Integers:
    most = np.zeros(len(sites.wafers), dtype=np.int64)
    on_wafers = sites.wafer >= 0
    np.maximum.at(most, sites.wafer[on_wafers], numbers[on_wafers])
    return most


def _label(sites: Sites, columns: dict[str, Integers], spec: tuple[str, int], cycle: int) -> list[Row]:
    said = {"spec": spec[0], "revision": spec[1], "at_cycle": cycle}
    counts = zip(*(column.tolist() for column in columns.values()), strict=True)
    named = zip(sites.wafers, counts, strict=True)
    return [{"lot": lot, "wafer": wafer} | said | dict(zip(columns, row, strict=True)) for (lot, wafer), row in named]


def count_map(sites: Sites, map_bins: pl.DataFrame) -> list[Row]:
    """Return of each wafer how its current map sorted it; ``map_bins`` holds a verdict for each die of a map."""
    if map_bins.is_empty():
        return []
    of_map = map_bins.filter(pl.col("map_revision").is_not_null())
    # A map judges dies, of which several cells may be parts.
    dies = sites.frame.filter(pl.col("wafer").is_not_null()).select(DIE).unique(maintain_order=True)
    counted = (
        dies.join(of_map, on=DIE, maintain_order="left")
        .group_by(WAFER, maintain_order=True)
        .agg(
            pl.col("map_passed").is_not_null().sum().cast(pl.Int64).alias("tested"),
            pl.col("map_passed").sum().cast(pl.Int64).alias("good"),
            pl.col("map_revision").max().alias("revision"),
        )
    )
    said = NOTHING | {"spec": BY_MAP, "at_cycle": 0}
    return [said | row for row in counted.iter_rows(named=True)]


def count_at_cycle(cycle: int, sites: Sites, bins: Bins, fates: Fates, recipe: WafersRecipe) -> list[Row]:
    """Return of each wafer how its cycled dies stand at a cycle.

    Args:
        cycle: the cycle.
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        bins: by the current specifications together.
        fates: of :func:`find_fates` at this cycle.
        recipe: what counts as cycled.
    """
    known = fates.reached | fates.ended
    open_end = fates.measured & ~known
    sorts = np.isin(bins.bin, TESTED)
    # A die without a bin is not known to be bad.
    bad = fates.ended | fates.fails | (sorts & (bins.bin != PASS))
    chosen = {
        "tested": known,
        "good": known & ~bad,
        # Sorted dies were never meant to come that far, and say nothing of those that were.
        "censored": open_end & (fates.ageing_cycles > recipe.sort_cycles),
        "unknown": open_end & (sorts | (bins.bin == NO_BIN)),
    }
    columns = {name: _count(sites, of) for name, of in chosen.items()} | _ask_limits(sites, bins)
    rows = _label(sites, columns, (ALL_SPECS, 0), cycle)
    return [NOTHING | row for row in rows if row["tested"] + row["censored"]]


@dataclass(frozen=True)
class Fates:
    """What became of each site's cell by a cycle.

    Args:
        measured: whether anything is known of it.
        reached: whether it was cycled that far.
        ended: whether its life ended before.
        fails: whether it is out of a limit there.
        ageing_cycles: how far its ageing was watched, 0 where it was not.
    """

    measured: Flags
    reached: Flags
    ended: Flags
    fails: Flags
    ageing_cycles: Doubles


def find_fates(
    cycle: int,
    measured: Flags,
    figures: Mapping[str, Figures],
    judged: Sequence[tuple[Limit, Verdict]],
    recipe: WafersRecipe,
) -> Fates:
    """Return of each site whether it reached a cycle, ended before, and fails a limit there.

    Args:
        cycle: the cycle.
        measured: whether there is any figure of each site.
        figures: of :func:`warehouse.wafers.figures.gather_figures`.
        judged: the current limits with their verdicts.
        recipe: tolerance of cycles, and the end of life.
    """
    retention = _spread_first(figures, "capacity_retention", len(measured), (cycle, recipe.same_cycle))
    capacity = _spread_first(figures, "capacity", len(measured), (cycle, recipe.same_cycle))
    seen = _spread_first(figures, "life", len(measured), None)
    ended = np.zeros(len(measured), dtype=bool)
    if "life" in figures:
        lives = figures["life"]
        ended[lives.site[~lives.censored & (lives.value <= cycle)]] = True
    fails, own = np.zeros(len(measured), dtype=bool), True
    for limit, verdict in judged:
        if abs(read_conditions(limit.row["conditions"]).get("cycle", inf) - cycle) < 1:
            fails[verdict.site[verdict.fails]] = True
            own = own and limit.quantity != "capacity_retention"
    if own:
        fails |= retention < recipe.end_of_life
    return Fates(measured, ~np.isnan(retention) | ~np.isnan(capacity), ended, fails, np.nan_to_num(seen))


def _spread_first(figures: Mapping[str, Figures], quantity: str, many: int, at: tuple[float, float] | None) -> Doubles:
    """Return the first figure of each site, NaN where there is none; of a cycle within a tolerance, if one is given."""
    first = np.full(many, np.nan)
    if quantity in figures:
        told = figures[quantity] if at is None else figures[quantity].at(*at)
        # What is told first is written last.
        first[told.site[::-1]] = told.value[::-1]
    return first


def finish_yields(counts: Sequence[Row], wafers: pl.DataFrame, sites: Sites, recipe: WafersRecipe) -> list[Row]:
    """Return rows of ``schema.WAFER_YIELD`` from counts of wafers."""
    known = {
        (row["lot"], row["wafer"]): row for row in wafers[[*WAFER, "gross_dies", "map_dies"]].iter_rows(named=True)
    }
    areas = _find_areas(sites)
    nothing = {"gross_dies": None, "map_dies": None}
    rows = (row | known.get(wafer, nothing) | areas[wafer] for row in counts for wafer in [(row["lot"], row["wafer"])])
    # A table is easier to read by wafer than by what was counted first.
    finished = [_finish(row, recipe) for row in rows]
    return sorted(finished, key=itemgetter("lot", "wafer", "spec", "revision", "at_cycle"))


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
    # An area that no die can have is as unknown as one that nobody stated.
    if area is None or not LEAST < area < inf:
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


def _find_areas(sites: Sites) -> dict[tuple[str, str], Row]:
    """Return of each wafer a die's area, of the electrode, else the die, else by pitch; and the dies on its rim."""
    stated = {kind: doubles(sites.frame[column]) for kind, column in AREAS.items()}
    width, height = (doubles(sites.frame[f"canonical_pitch_{axis}_metre"]) for axis in "xy")
    excluded = sites.frame["excluded"].to_numpy()
    found: dict[tuple[str, str], Row] = {}
    for number, wafer in enumerate(sites.wafers):
        mine = np.flatnonzero(sites.wafer == number)
        areas = {kind: _take_middle(values[mine]) for kind, values in stated.items()}
        areas["pitch"] = float(width[mine[0]]) * float(height[mine[0]])
        kind = next((kind for kind, area in areas.items() if not isnan(area)), None)
        rim = mine[excluded[mine]]
        dies = set(zip(sites.die_x[rim].tolist(), sites.die_y[rim].tolist(), strict=True))
        area = None if kind is None else areas[kind]
        found[wafer] = {"rim_dies": len(dies), "die_area_square_metre": area, "area_kind": kind}
    return found


def _take_middle(values: Doubles) -> float:
    """Return the median of what is known; NaN where nothing is."""
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return nan
    low, high = float(known[(len(known) - 1) // 2]), float(known[len(known) // 2])
    return low + (high - low) / 2

"""Ageing by the calendar: what check-ups say of a cell that rests or floats between them.

formula: R = capacity of a check-up over that of the first; 1 - R = k·t^z, t in days, z given (0.5) and fitted too
formula: resistance at the edge, |ΔV|/|ΔI| from the rest to the first record of the check-up's discharge
condition: rests and holds, each of the recipe's hours, are most of the time from the first check-up to the last
condition: a check-up is a full discharge behind a full charge that was not stored; all at one current
condition: the fit needs the recipe's number of check-ups, at one temperature and one voltage
refused: a loss whose interval reaches 0; an exponent that the points do not determine
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.lines import fit_proportion, student
from warehouse.storage.recipe import StorageRecipe
from warehouse.storage.timeline import HOUR, Half, Timeline

Doubles = NDArray[np.float64]
Values = dict[str, Any]

DAY: Final = 86_400.0
EXPONENTS: Final = np.linspace(0.05, 3.0, 296)
# Of k and z.
FITTED: Final = 2


@dataclass(frozen=True)
class Period:
    """What lies between two check-ups: steps from ``first`` to ``last``, and the seconds that the cell was still."""

    first: int
    last: int
    resting: float
    holding: float

    @property
    def seconds(self) -> float:
        """Time at rest or at a held voltage."""
        return self.resting + self.holding

    @property
    def kind(self) -> str:
        """What it mostly was."""
        return "hold" if self.holding > self.resting else "storage"


@dataclass(frozen=True)
class Segment:
    """Discharges with no period between them, and the period before them; the first has none."""

    period: Period | None
    discharges: list[Half]


def describe_check_ups(
    timeline: Timeline, halves: Sequence[Half], leakage: pl.DataFrame, recipe: StorageRecipe
) -> list[Values]:
    """Return the rows of ``schema.CALENDAR`` of a cell; none where it was cycled most of the time.

    Args:
        timeline: of the cell.
        halves: its half cycles.
        leakage: rows of ``schema.FLOAT_LEAKAGE`` of its tests.
        recipe: thresholds.
    """
    segments = find_segments(timeline, halves, recipe)
    if len(segments) < 2:  # noqa: PLR2004 before a period and behind it
        return []
    chosen = choose_check_ups(timeline, halves, segments, recipe)
    known = [half for half in chosen if half is not None]
    if not known or chosen[0] is None or not _is_calendar(timeline, segments, known, recipe):
        return []
    rows = []
    for number, (segment, half) in enumerate(zip(segments, chosen, strict=True), start=1):
        row = {"check_up": number, **_describe_period(timeline, segment.period, leakage)}
        rows.append({**row, **_describe_check_up(timeline, half, chosen[0])})
    return _add_up(rows)


def find_segments(timeline: Timeline, halves: Sequence[Half], recipe: StorageRecipe) -> list[Segment]:
    """Divide the discharges where the cell was still for long between them."""
    segments: list[Segment] = []
    before: Half | None = None
    for half in halves:
        if half.way > 0:
            continue
        period = None
        # Without a clock between two tests the time is NaN, which is not long.
        if before and timeline.begin[half.first] - timeline.end[before.last] >= recipe.shortest_period_hour * HOUR:
            period = _measure(timeline, before, half)
            period = period if period.seconds >= recipe.shortest_period_hour * HOUR else None
        if period is not None or not segments:
            segments.append(Segment(period, []))
        segments[-1].discharges.append(half)
        before = half
    return segments


def choose_check_ups(
    timeline: Timeline, halves: Sequence[Half], segments: Sequence[Segment], recipe: StorageRecipe
) -> list[Half | None]:
    """Choose of each segment the discharge that can be compared with those of the others; None where there is none."""
    # Each discharge with the charge right before it, which must have been full and not been stored.
    charges = {after.first: before for before, after in itertools.pairwise(halves) if before.way > 0}
    top = max((charge.limit for charge in charges.values()), default=0.0)
    fit = [
        [
            half
            for half in segment.discharges
            if (charge := charges.get(half.first))
            and charge.limit >= top - recipe.same_limit_volt
            and timeline.begin[half.first] - timeline.end[charge.last] < recipe.shortest_storage_hour * HOUR
        ]
        for segment in segments
    ]
    ampere = _choose_current(fit, recipe)
    fit = [[half for half in part if abs(half.ampere - ampere) <= recipe.same_current * ampere] for part in fit]
    bottom = min((half.limit for part in fit for half in part), default=0.0)
    full = [[half for half in part if half.limit <= bottom + recipe.same_limit_volt] for part in fit]
    # Of the first the last, as the ageing begins there; of the others the first, before any cycling behind it.
    return [(part[-1] if number == 0 else part[0]) if part else None for number, part in enumerate(full)]


def fit_calendar(rows: Sequence[Values], recipe: StorageRecipe) -> Values | None:
    """Return the row of ``schema.CALENDAR_FIT`` of a cell's check-ups; None without any."""
    # The first check-up has lost nothing by definition and is no point of the fit.
    later = [row for row in rows[1:] if row["status"] == "measured" and row["calendar_day"] > 0]
    if not later:
        return None
    days, lost = (np.array([float(row[name]) for row in later]) for name in ("calendar_day", "capacity_retention"))
    lost = 1 - lost
    row: Values = {
        "check_ups": len(later),
        "span_day": float(days[-1]),
        "fixed_exponent": recipe.exponent,
        "temperature_celsius": _mean(later, "period_temperature_celsius"),
        "voltage_volt": _mean(later, "period_voltage_volt"),
        "status": "refused",
        "exponent_status": "refused",
    }
    reason = _find_lack(later, recipe)
    if reason:
        return {**row, "reason": reason, "exponent_reason": reason}
    return {**row, **_fit_fixed(days, lost, recipe), **_fit_free(days, lost, recipe)}


def _fit_fixed(days: Doubles, lost: Doubles, recipe: StorageRecipe) -> Values:
    power = days**recipe.exponent
    fitted = fit_proportion(power, lost, recipe.confidence)
    if fitted is None or fitted[0] <= fitted[1]:
        return {"status": "refused", "reason": "no_loss"}
    rate, reach = fitted
    # The first check-up scatters as the others do, and all losses count from it.
    reach *= float(1 + power.sum() ** 2 / (power @ power)) ** 0.5
    return {
        "status": "fitted",
        "loss_per_day_power": rate,
        "loss_low_per_day_power": rate - reach,
        "loss_high_per_day_power": rate + reach,
        "misfit": float(np.sqrt(np.sum((lost - rate * power) ** 2) / (len(days) - 1))),
    }


def _fit_free(days: Doubles, lost: Doubles, recipe: StorageRecipe) -> Values:
    refused: Values = {"exponent_status": "refused", "exponent_reason": "exponent_undetermined"}
    # For each exponent the best rate is a division, so only the exponent is searched.
    powers = days[:, None] ** EXPONENTS
    rates = lost @ powers / (powers**2).sum(0)
    misfit = ((lost[:, None] - rates * powers) ** 2).sum(0)
    best = int(misfit.argmin())
    if best in {0, len(EXPONENTS) - 1} or rates[best] <= 0:
        return refused
    exponent = _refine(misfit[best - 1 : best + 2], best)
    power = days**exponent
    rate = float(lost @ power / (power @ power))
    # How far z may go without leaving the points, from the slopes of the curve over k and z.
    slopes = np.stack([power, rate * power * np.log(days)])
    spread = slopes @ slopes.T
    freedom = len(days) - FITTED
    if freedom < 1 or np.linalg.det(spread) <= 0:
        return refused
    scatter = float(np.sum((lost - rate * power) ** 2)) / freedom
    # What the first check-up is off by, all points are off by.
    told = np.linalg.inv(spread) @ slopes
    reach = student(recipe.confidence, freedom) * float(scatter * (told[1] @ told[1] + told[1].sum() ** 2)) ** 0.5
    if reach > recipe.widest_interval * exponent:
        return refused
    return {
        "exponent_status": "fitted",
        "free_exponent": exponent,
        "free_exponent_low": exponent - reach,
        "free_exponent_high": exponent + reach,
        "free_loss_per_day_power": rate,
    }


def _refine(misfit: Doubles, best: int) -> float:
    """Return the exponent at the vertex of the parabola through the best one and its neighbours."""
    bend = float(misfit[0] - 2 * misfit[1] + misfit[2])
    shift = 0.5 * float(misfit[0] - misfit[2]) / bend if bend > 0 else 0.0
    return float(EXPONENTS[best] + shift * (EXPONENTS[1] - EXPONENTS[0]))


def _find_lack(later: Sequence[Values], recipe: StorageRecipe) -> str | None:
    if len(later) < recipe.fewest_check_ups:
        return "too_few_check_ups"
    limits = (
        ("period_temperature_celsius", recipe.same_temperature_kelvin),
        ("period_voltage_volt", recipe.same_voltage_volt),
    )
    for name, widest in limits:
        known = [row[name] for row in later if row[name] is not None]
        if known and max(known) - min(known) > widest:
            return "conditions_differ"
    return None


def _choose_current(candidates: Sequence[Sequence[Half]], recipe: StorageRecipe) -> float:
    """Return the current at which most segments have a discharge; of several the smallest."""
    # A check-up stands at an end of its segment; what was cycled between is not asked.
    amperes = sorted({half.ampere for part in candidates for half in (*part[:1], *part[-1:])})
    known = [np.array([half.ampere for half in part]) for part in candidates]
    near = [sum(bool((np.abs(part - one) <= recipe.same_current * one).any()) for part in known) for one in amperes]
    return amperes[near.index(max(near))] if amperes else 0.0


def _measure(timeline: Timeline, before: Half, after: Half) -> Period:
    part = slice(before.last + 1, after.first)
    seconds = timeline.numbers["duration_second"][part]
    resting, holding = timeline.resting[part], timeline.holding[part]
    # What nobody recorded between two steps was rest.
    silent = float(timeline.begin[after.first] - timeline.end[before.last] - seconds.sum())
    rested = float(seconds[resting].sum()) + (silent if silent > 0 else 0.0)
    return Period(before.last + 1, after.first - 1, rested, float(seconds[holding].sum()))


def _is_calendar(timeline: Timeline, segments: Sequence[Segment], known: Sequence[Half], recipe: StorageRecipe) -> bool:
    # A cell that idled for a weekend between weeks of cycling does not age by the calendar.
    elapsed = float(timeline.begin[known[-1].first] - timeline.begin[known[0].first])
    still = sum(segment.period.seconds for segment in segments if segment.period)
    return elapsed > 0 and still >= recipe.calendar_share * elapsed


def _describe_period(timeline: Timeline, period: Period | None, leakage: pl.DataFrame) -> Values:
    if period is None:
        return dict.fromkeys(("period_kind", "period_day", "period_voltage_volt", "period_temperature_celsius"))
    still = timeline.holding if period.kind == "hold" else timeline.resting
    begins, ends = (
        (pl.col("test_id") == timeline.name_test(step)) & (pl.col("step_count") * sign >= timeline.count(step) * sign)
        for step, sign in ((period.first, 1), (period.last, -1))
    )
    same = timeline.test[period.first] == timeline.test[period.last]
    held = leakage.filter((begins & ends) if same else (begins | ends))
    last = held.filter(pl.col("last_day_ampere").is_not_null()).tail(1)
    return {
        "period_kind": period.kind,
        "period_day": period.seconds / DAY,
        "period_voltage_volt": timeline.mean("mean_voltage_volt", period.first, period.last, still),
        "period_temperature_celsius": timeline.mean("mean_temperature_celsius", period.first, period.last, still),
        "hold_charge_ah": float(held["hold_charge_ah"].sum()) if held.height else None,
        "float_ampere": last["last_day_ampere"][0] if last.height else None,
        "float_offset_source": last["current_offset_source"][0] if last.height else None,
    }


def _describe_check_up(timeline: Timeline, half: Half | None, reference: Half) -> Values:
    if half is None:
        return {"status": "refused", "reason": "no_check_up"}
    begin = float(timeline.begin[half.first])
    resistance, at_first = (_read_edge(timeline, one) for one in (half, reference))
    return {
        "status": "measured",
        "reason": None,
        "test_id": timeline.name_test(half.first),
        "step_count": timeline.count(half.first),
        "start_unix_time_second": timeline.clock(begin),
        "calendar_day": (begin - float(timeline.begin[reference.first])) / DAY,
        "capacity_ah": half.charge,
        "capacity_retention": half.charge / reference.charge,
        "current_ampere": half.ampere,
        "edge_resistance_ohm": resistance,
        "edge_resistance_change": resistance / at_first - 1 if resistance and at_first else None,
    }


def _read_edge(timeline: Timeline, half: Half) -> float | None:
    """Return the resistance at the edge from rest to a discharge; None where no rest goes before."""
    step = half.first
    if step == 0 or not timeline.resting[step - 1] or timeline.test[step] != timeline.test[step - 1]:
        return None
    ampere = abs(timeline.numbers["first_current_ampere"][step] or timeline.numbers["mean_current_ampere"][step])
    volt = abs(timeline.numbers["last_voltage_volt"][step - 1] - timeline.numbers["first_voltage_volt"][step])
    return float(volt / ampere) if ampere > 0 and volt > 0 else None


def _add_up(rows: list[Values]) -> list[Values]:
    total = 0.0
    held = False
    for row in rows:
        charge = row.get("hold_charge_ah")
        held = held or charge is not None
        total += charge or 0.0
        row["cumulative_hold_charge_ah"] = total if held else None
    return rows


def _mean(rows: Sequence[Values], name: str) -> float | None:
    known = [row[name] for row in rows if row[name] is not None]
    return float(np.mean(known)) if known else None

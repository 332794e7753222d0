"""Self-discharge from capacities: before a storage, after it, and after a recharge.

formula: self-discharge = 1 - Q_rem/Q_0; irreversible = 1 - Q_rec/Q_0; reversible = (Q_rec - Q_rem)/Q_0
formula: over a year, linear SD·365/d, exponential 1 - (1 - SD)^(365/d); both are given, each under its name
formula: intervals from the repeatability of a capacity, the scatter of the differences between like discharges before
condition: full charge, rest of the recipe's hours, discharge, recharge, discharge: all discharges at one current, to
    one voltage, at one temperature; both charges to one voltage; nothing else moved charge meanwhile
condition: what is not recorded between two tests counts as rest, and the row says so
refused: a loss within its own interval: then its upper end says how large it may be at most
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np

from warehouse.lines import student
from warehouse.storage.recipe import StorageRecipe
from warehouse.storage.timeline import HOUR, Half, Timeline, are_alike

Values = dict[str, Any]

DAY_HOURS: Final = 24.0
YEAR_DAYS: Final = 365.0
ENDS: Final = (("low", -1), ("high", 1))


@dataclass(frozen=True)
class Storage:
    """A storage with the half cycles around it; one that has not happened yet is None.

    Args:
        former: full charge before that discharge.
        before: discharge before, Q_0.
        charge: full charge before.
        remaining: first discharge after, Q_rem.
        recharge: full charge after that.
        recovered: discharge after that, Q_rec.
        next_step: first step that moved the cell again.
    """

    former: Half | None
    before: Half | None
    charge: Half
    remaining: Half | None
    recharge: Half | None
    recovered: Half | None
    next_step: int | None


def describe_storages(timeline: Timeline, halves: Sequence[Half], recipe: StorageRecipe) -> list[Values]:
    """Return the rows of ``schema.STORAGE_LOSS`` of a cell.

    Args:
        timeline: of the cell.
        halves: its half cycles.
        recipe: thresholds.
    """
    rows: list[Values] = []
    for place, half in enumerate(halves):
        if half.way > 0 and _rests_long(timeline, halves, place, recipe):
            storage = _surround(halves, place)
            repeat = find_repeatability(_likes(halves[:place], storage.before, recipe), recipe)
            rows.append({"storage": len(rows) + 1, **_describe(timeline, storage, repeat, recipe)})
    return rows


def find_repeatability(charges: Sequence[float], recipe: StorageRecipe) -> tuple[float, float] | None:
    """Return the standard deviation of one capacity and its degrees of freedom; None where too few tell.

    Args:
        charges: capacities of like discharges in their order; a steady fade among them is no scatter.
        recipe: how many it takes.
    """
    if len(charges) < recipe.fewest_repeats:
        return None
    differences = np.diff(charges)
    # With two differences the fade between them cannot be told from scatter, so it counts as that.
    faded = len(differences) > 2  # noqa: PLR2004 a mean of two leaves one
    fade, freedom = (float(np.mean(differences)), len(differences) - 1) if faded else (0.0, len(differences))
    return (float(np.sum((differences - fade) ** 2)) / freedom / 2) ** 0.5, float(freedom)


def judge_storage(timeline: Timeline, storage: Storage, recipe: StorageRecipe) -> str | None:
    """Say why a storage tells no self-discharge; None where it does."""
    if storage.next_step is None or (storage.remaining is None and storage.recharge is None):
        return "not_discharged_yet"
    # What was left is only told by taking it out.
    if storage.remaining is None:
        return "recharged_first"
    if storage.before is None:
        return "no_capacity_before"
    moved = np.abs(timeline.charge[storage.charge.last + 1 : storage.next_step]).sum()
    if moved > recipe.disturbance * storage.before.charge:
        return "disturbed"
    # A storage that did not begin full would look like a loss.
    full = [charge.limit for charge in (storage.former, storage.recharge) if charge]
    if any(abs(limit - storage.charge.limit) > recipe.same_limit_volt for limit in full):
        return "limits_differ"
    return are_alike(storage.before, storage.remaining, recipe)


def judge_recovery(storage: Storage, recipe: StorageRecipe) -> str | None:
    """Say why a storage tells nothing of what came back; None where it does."""
    if storage.before is None:
        return "no_capacity_before"
    if storage.recharge is None or storage.recovered is None:
        return "not_recharged_yet"
    if abs(storage.recharge.limit - storage.charge.limit) > recipe.same_limit_volt:
        return "limits_differ"
    return are_alike(storage.before, storage.recovered, recipe)


def annualise(fraction: float, days: float) -> tuple[float, float | None]:
    """Return a fraction lost in some days over a year, linear and exponential; the latter of a fraction below 1."""
    return fraction * YEAR_DAYS / days, 1 - (1 - fraction) ** (YEAR_DAYS / days) if fraction < 1 else None


def _rests_long(timeline: Timeline, halves: Sequence[Half], place: int, recipe: StorageRecipe) -> bool:
    last = halves[place].last
    following = halves[place + 1].first if place + 1 < len(halves) else timeline.size - 1
    end = timeline.begin[following] if place + 1 < len(halves) else timeline.end[following]
    seconds = float(end - timeline.end[last])
    if not seconds >= recipe.shortest_storage_hour * HOUR:
        return False
    between = np.arange(last + 1, following + (place + 1 == len(halves)))
    busy = between[~timeline.resting[between]]
    return bool(timeline.numbers["duration_second"][busy].sum() <= (1 - recipe.rest_share) * seconds)


def _surround(halves: Sequence[Half], place: int) -> Storage:
    def at(offset: int, way: int) -> Half | None:
        index = place + offset
        return halves[index] if 0 <= index < len(halves) and halves[index].way == way else None

    following = halves[place + 1] if place + 1 < len(halves) else None
    remaining = at(1, -1)
    recharge = at(2, 1) if remaining else at(1, 1)
    recovered = at(3, -1) if remaining and recharge else None
    return Storage(
        at(-2, 1), at(-1, -1), halves[place], remaining, recharge, recovered, following.first if following else None
    )


def _likes(halves: Sequence[Half], pattern: Half | None, recipe: StorageRecipe) -> list[float]:
    """Return the charges of the last discharges that can be compared with one, in their order."""
    if pattern is None:
        return []
    likes = (half.charge for half in reversed(halves) if half.way < 0 and are_alike(pattern, half, recipe) is None)
    return [*islice(likes, recipe.most_repeats)][::-1]


def _describe(
    timeline: Timeline, storage: Storage, repeat: tuple[float, float] | None, recipe: StorageRecipe
) -> Values:
    last = storage.charge.last
    after = storage.next_step if storage.next_step is not None else timeline.size
    end = timeline.begin[after] if after < timeline.size else timeline.end[-1]
    days = float(end - timeline.end[last]) / HOUR / DAY_HOURS
    resting = np.flatnonzero(timeline.resting[last + 1 : after]) + last + 1
    flags = ["between_tests"] if after < timeline.size and timeline.test[after] != timeline.test[last] else []
    row: Values = {
        "test_id": timeline.name_test(last),
        "step_count": timeline.count(last),
        "next_test_id": timeline.name_test(after) if after < timeline.size else None,
        "next_step_count": timeline.count(after) if after < timeline.size else None,
        "start_unix_time_second": timeline.clock(float(timeline.end[last])),
        "storage_day": days,
        "first_voltage_volt": storage.charge.limit,
        "last_voltage_volt": float(timeline.numbers["last_voltage_volt"][resting[-1]]) if len(resting) else None,
        "temperature_celsius": timeline.mean("mean_temperature_celsius", last + 1, after - 1, timeline.resting),
        "capacity_before_ah": storage.before and storage.before.charge,
        "capacity_remaining_ah": storage.remaining and storage.remaining.charge,
        "capacity_recovered_ah": storage.recovered and storage.recovered.charge,
        "capacity_repeatability_ah": repeat and repeat[0],
        "flags": ",".join(flags if repeat else [*flags, "repeatability_unknown"]),
    }
    return {**row, **_describe_fractions(timeline, storage, days, repeat, recipe=recipe)}


def _describe_fractions(
    timeline: Timeline, storage: Storage, days: float, repeat: tuple[float, float] | None, *, recipe: StorageRecipe
) -> Values:
    reason, recovery = judge_storage(timeline, storage, recipe), judge_recovery(storage, recipe)
    row: Values = {}
    before, remaining, recovered = storage.before, storage.remaining, storage.recovered
    reach = None
    if before is not None and repeat is not None:
        # Each is a difference of two capacities.
        reach = student(recipe.confidence, repeat[1]) * repeat[0] * 2**0.5 / before.charge
    lost = 1 - remaining.charge / before.charge if before and remaining else 0.0
    if reason is None and before:
        reason = _weigh(lost, reach, recipe)
        row |= {f"self_discharge_{end}_fraction": lost + sign * reach for end, sign in ENDS if reach is not None}
        if reason is None:
            _put(row, "self_discharge", lost, reach, days)
            row["mean_self_discharge_ampere"] = lost * before.charge / days / DAY_HOURS
    # How much came back may be plain even where the loss is not.
    if recovery is None and reason in {None, "not_resolved"} and before and recovered:
        gone = 1 - recovered.charge / before.charge
        _put(row, "irreversible", gone, reach, days)
        _put(row, "reversible", lost - gone, reach, days)
    else:
        recovery = recovery or reason
    status = {"status": "refused" if reason else "measured", "reason": reason}
    return {**row, **status, "recovery_status": "refused" if recovery else "measured", "recovery_reason": recovery}


def _weigh(lost: float, reach: float | None, recipe: StorageRecipe) -> str | None:
    if reach is not None and reach > recipe.widest_interval * abs(lost):
        return "not_resolved"
    return "gained_capacity" if lost < 0 else None


def _put(row: Values, name: str, value: float, reach: float | None, days: float) -> None:
    """Put a fraction, its interval and what it is in a year into a row."""
    if reach is not None:
        row |= {f"{name}_low_fraction": value - reach, f"{name}_high_fraction": value + reach}
    row[f"{name}_fraction"] = value
    row[f"{name}_per_year_linear"], row[f"{name}_per_year_exponential"] = annualise(value, days)

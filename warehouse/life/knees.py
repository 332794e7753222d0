"""Rows of ``schema.KNEES``: whether a cell's fade has a knee, by two methods and by what they agree on.

A break can be fitted to any series. It is a knee when the cell fades at least half as fast again behind it, has lost
two points of retention since, was watched for twenty cycles more, and when no law without a break describes the series
as well; else the row says which of these is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from warehouse.life.bacon_watts import fit_bacon_watts
from warehouse.life.breaks import Break, Interval
from warehouse.life.fits import Fit
from warehouse.life.noise import judge, widen
from warehouse.life.recipe import LifeRecipe
from warehouse.life.segments import fit_segments
from warehouse.life.series import Series

Values = dict[str, object]

METHODS: Final = {"segmented": fit_segments, "bacon_watts": fit_bacon_watts}
CONSENSUS: Final = "consensus"
FEWEST_BEHIND: Final = 10


@dataclass(frozen=True)
class Verdict:
    """What one method says, or what both agree on.

    Args:
        method: its name.
        status: detected, insufficient, none or indeterminate.
        reason: why it is not detected, a key of ``warehouse.life.reasons``.
        found: the break that was judged.
        gain: by how much it lowers the criterion of the best law without a break.
    """

    method: str
    status: str
    reason: str | None = None
    found: Break | None = None
    gain: float | None = None


def judge_knees(series: Series | None, fits: Sequence[Fit], recipe: LifeRecipe) -> list[Verdict]:
    """Return the verdict of every method, and last what they agree on.

    Args:
        series: the ageing cycles; None where none has a retention.
        fits: laws without a break that were fitted to them.
        recipe: the gates.
    """
    # Whatever a recipe asks for, both lines need a few cycles.
    fewest = max(recipe.knee_fewest_points, recipe.knee_lead + FEWEST_BEHIND)
    if series is None or len(series.cycle) < fewest:
        reason = "no_reference" if series is None else "too_few_points"
        return [Verdict(method, "insufficient", reason) for method in (*METHODS, CONSENSUS)]
    verdicts = [_judge(method, series, fits, recipe) for method in METHODS]
    return [*verdicts, agree(verdicts[0], verdicts[1], series, recipe)]


def describe_knees(series: Series | None, verdicts: Sequence[Verdict], recipe: LifeRecipe) -> list[Values]:
    """Return a row for every verdict."""
    return [_describe(series, verdict, recipe) for verdict in verdicts]


def find_objection(series: Series, found: Break, gain: float, recipe: LifeRecipe) -> tuple[str, str] | None:
    """Say why a break is no knee, or not yet one: a status and a reason; None where it is."""
    follow_up = series.cycle[-1] - found.knee[0]
    # In this order: what is no break at all is not asked how long ago it was.
    objections = (
        (gain < recipe.knee_gain, "none", "law_without_break"),
        (accelerate(found) < recipe.knee_acceleration, "none", "no_acceleration"),
        (follow_up <= recipe.knee_last, "none", "at_the_end"),
        (follow_up < recipe.knee_follow_up, "insufficient", "short_follow_up"),
        (found.loss < recipe.knee_loss, "insufficient", "little_loss"),
        (found.knee[2] - found.knee[1] > recipe.knee_widest * _seen(series), "indeterminate", "interval_too_wide"),
    )
    return next(((status, reason) for missing, status, reason in objections if missing), None)


def find_gain(found: Break, fits: Sequence[Fit], recipe: LifeRecipe) -> float:
    """Return by how much a break lowers the criterion of the best law without one.

    Neighbouring cycles that resemble each other count for less: a slow wave of the chamber is no knee.
    """
    worth = 1 / widen(found.correlation)
    own = judge(found.residual, found.parameters, recipe.smallest_scatter, worth)
    return min(judge(fit.residual, fit.parameters, recipe.smallest_scatter, worth) for fit in fits) - own


def accelerate(found: Break) -> float:
    """Return how many times as fast the cell fades behind a break; at least, where it hardly faded before it."""
    # A cell that hardly faded would give any acceleration, by chance.
    before = max(-found.before, found.before_deviation)
    return -found.after / before


def agree(first: Verdict, second: Verdict, series: Series, recipe: LifeRecipe) -> Verdict:
    """Return what two methods agree on.

    A knee is detected when both detect it at the same place, and there is none when both find none. Otherwise what is
    lacking is more cycles, where either says so, or there is no telling.
    """
    statuses = {first.status, second.status}
    if statuses == {"detected"} and first.found is not None and second.found is not None:
        apart = abs(first.found.knee[0] - second.found.knee[0])
        if apart <= recipe.knee_agreement * _seen(series):
            return Verdict(CONSENSUS, "detected", None, _join(first.found, second.found), first.gain)
    elif len(statuses) == 1:
        return Verdict(CONSENSUS, first.status, first.reason)
    elif "detected" not in statuses and "insufficient" in statuses:
        lacking = first if first.status == "insufficient" else second
        return Verdict(CONSENSUS, "insufficient", lacking.reason)
    return Verdict(CONSENSUS, "indeterminate", "methods_differ")


def _judge(method: str, series: Series, fits: Sequence[Fit], recipe: LifeRecipe) -> Verdict:
    found = METHODS[method](series.cycle, series.retention, recipe)
    if found is None:
        return Verdict(method, "none", "no_acceleration")
    gain = find_gain(found, fits, recipe)
    status, reason = find_objection(series, found, gain, recipe) or ("detected", None)
    return Verdict(method, status, reason, found, gain)


def _join(first: Break, second: Break) -> Break:
    """Return the first break with the onset of the second, in an interval that holds those of both."""
    knee = first.knee[0], min(first.knee[1], second.knee[1]), max(first.knee[2], second.knee[2])
    return replace(first, knee=knee, onset=second.onset)


def _seen(series: Series) -> float:
    return float(series.cycle[-1] - series.cycle[0])


def _describe(series: Series | None, verdict: Verdict, recipe: LifeRecipe) -> Values:
    row: Values = {"method": verdict.method, "status": verdict.status, "reason": verdict.reason}
    row |= {"points": 0, "points_outlying": 0, "confidence": recipe.knee_confidence}
    if series is None:
        return row
    row |= {"points": len(series.cycle), "points_outlying": series.outlying, "last_cycle": int(series.cycle[-1])}
    found = verdict.found
    if found is None:
        return row
    row |= {
        "rate_before_per_cycle": found.before,
        "rate_after_per_cycle": found.after,
        "acceleration": accelerate(found),
        "loss_after": found.loss,
        "fit_gain": verdict.gain,
        "follow_up_cycles": float(series.cycle[-1] - found.knee[0]),
    }
    # The place of what is no knee is none that anybody should read.
    if verdict.status != "detected":
        return row
    row |= {"knee_retention": found.retention} | _name("knee", found.knee)
    return row if found.onset is None else row | _name("onset", found.onset)


def _name(name: str, interval: Interval) -> Values:
    return {f"{name}{word}_cycle": value for word, value in zip(("", "_low", "_high"), interval, strict=True)}

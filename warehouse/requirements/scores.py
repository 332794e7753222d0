"""The score sheet: for every requirement a verdict on each cell and on each group of like cells.

formula: each: the group fails when a cell fails and passes when every tested cell passes; its value is the worst cell's
formula: median: the cells' median with its interval by order statistics, judged as a cell's value is; dies of one wafer
    are no independent evidence, so that the wafers are counted where there are several
formula: yield: cells that pass over cells tested, with its Wilson interval
condition: a cell counts only where the quantity was measured under the required conditions
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from warehouse.replicates.summaries import Sample, Wafer, describe_intervals, find_median
from warehouse.requirements.evidence import Evidence
from warehouse.requirements.profiles import Profile, Requirement
from warehouse.requirements.quantities import QUANTITIES
from warehouse.requirements.recipe import RequirementsRecipe
from warehouse.requirements.verdicts import FAIL, INDETERMINATE, NOT_TESTED, PASS, Measured, decide
from warehouse.statistics import wilson_interval

Row = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """Like cells.

    Args:
        name: what they have in common.
        wafers: lot and wafer by cell; None where it is not known.
    """

    name: str
    wafers: Mapping[str, Wafer | None]


@dataclass(frozen=True)
class Verdict:
    """On one cell."""

    cell: str
    evidence: Evidence
    verdict: str


def score(
    profile: Profile,
    requirement: Requirement,
    evidence: Mapping[str, Evidence],
    groups: Sequence[Group],
    recipe: RequirementsRecipe,
) -> Iterator[Row]:
    """Yield the rows of ``schema.APPLICATION`` of one requirement.

    Args:
        profile: the set that it is of.
        requirement: what is asked.
        evidence: what was measured, by cell.
        groups: like cells.
        recipe: rule and confidence where the set names none.
    """
    # A firm and its customer agree on the rule before the test; the recipe's is for those who did not.
    rule = profile.decision_rule or recipe.decision_rule
    shared = _describe(profile, requirement, rule)
    for group in groups:
        verdicts = [_judge(cell, evidence.get(cell), requirement, rule) for cell in group.wafers]
        for one in verdicts:
            yield {**shared, **_score_cell(one, group), "scope": "cell", "subject": one.cell, "cell_id": one.cell}
        found = _score_group(verdicts, group, requirement, rule, recipe)
        yield {**shared, **found, "scope": "type", "subject": group.name}


def _describe(profile: Profile, requirement: Requirement, rule: str) -> Row:
    return {
        "profile": profile.name,
        "profile_version": profile.version,
        "example": profile.example,
        "requirement": requirement.name,
        "quantity": requirement.quantity,
        "statistic": requirement.statistic,
        "comparison": requirement.operator,
        "required_value": requirement.limit,
        "unit": QUANTITIES[requirement.quantity].unit,
        "conditions": json.dumps(dict(requirement.conditions)),
        "decision_rule": rule,
        "source": requirement.source,
        "note_en": requirement.note["en"] or None,
        "note_ko": requirement.note["ko"] or None,
    }


def _judge(cell: str, evidence: Evidence | None, requirement: Requirement, rule: str) -> Verdict:
    found = evidence or Evidence(None, reason="no_such_test")
    if found.measured is None:
        return Verdict(cell, found, NOT_TESTED)
    return Verdict(cell, found, decide(requirement.operator, requirement.limit, found.measured, rule))


def _score_cell(one: Verdict, group: Group) -> Row:
    found = one.evidence
    open_reason = "life_goes_on" if found.censored else "interval_contains_limit"
    tested = found.measured is not None
    known = tested and group.wafers[one.cell] is not None
    return {
        "replicate_group": group.name,
        "verdict": one.verdict,
        "reason": open_reason if one.verdict == INDETERMINATE else found.reason,
        **_write(found.measured, found.interval_source),
        "n": int(tested),
        "n_censored": int(found.censored),
        "n_missing": int(not tested),
        "wafers": 1 if known else None,
        "cells_passing": int(one.verdict == PASS),
    }


def _write(measured: Measured | None, source: str | None) -> Row:
    if measured is None:
        return {"interval_source": None}
    ends = {"value": measured.value, "value_low": measured.low, "value_high": measured.high}
    return {**ends, "interval_source": None if measured.low is measured.high is None else source}


def _score_group(
    verdicts: Sequence[Verdict], group: Group, requirement: Requirement, rule: str, recipe: RequirementsRecipe
) -> Row:
    tested = [one for one in verdicts if one.verdict != NOT_TESTED]
    wafers = [group.wafers[one.cell] for one in tested]
    passing = sum(one.verdict == PASS for one in tested)
    # Ten of ten are not all: the interval says how far.
    ends = wilson_interval(passing, len(tested), recipe.confidence) if tested else (None, None)
    judged = _judge_each if requirement.statistic == "each" else _judge_median
    found = judged(tested, wafers, requirement, rule, recipe) if tested else _explain_untested(verdicts)
    return {
        "replicate_group": group.name,
        **found,
        "n": len(tested),
        "n_censored": sum(one.evidence.censored for one in tested),
        "n_missing": len(verdicts) - len(tested),
        "wafers": None if None in wafers or not wafers else len(set(wafers)),
        "cells_passing": passing,
        "yield_low": ends[0],
        "yield_high": ends[1],
    }


def _explain_untested(verdicts: Sequence[Verdict]) -> Row:
    """Return why no cell of a group was tested: what came nearest, as most of them have it."""
    reasons = [one.evidence.reason or "" for one in verdicts]
    return {"verdict": NOT_TESTED, "reason": max(sorted(set(reasons)), key=reasons.count)}


def _judge_each(
    tested: Sequence[Verdict],
    _wafers: Sequence[Wafer | None],
    requirement: Requirement,
    _rule: str,
    _recipe: RequirementsRecipe,
) -> Row:
    """Return the worst cell and what it means for all."""
    worst = (min if requirement.operator == "at_least" else max)(tested, key=_rank)
    found = {one.verdict for one in tested}
    # One cell that surely fails decides, however many pass.
    verdict = FAIL if FAIL in found else PASS if found == {PASS} else INDETERMINATE
    reason = "some_cells_open" if verdict == INDETERMINATE else None
    return {"verdict": verdict, "reason": reason, **_write(worst.evidence.measured, worst.evidence.interval_source)}


def _rank(one: Verdict) -> float:
    """Return a cell's value; where only its lower bound is known, that."""
    measured = one.evidence.measured or Measured(0.0)
    bound = measured.low if measured.low is not None else measured.high
    return measured.value if measured.value is not None else bound or 0.0


def _judge_median(
    tested: Sequence[Verdict],
    wafers: Sequence[Wafer | None],
    requirement: Requirement,
    rule: str,
    recipe: RequirementsRecipe,
) -> Row:
    ended = [not one.evidence.censored for one in tested]
    sample = Sample([one.cell for one in tested], [_rank(one) for one in tested], ended, wafers, missing=0)
    interval = describe_intervals(sample, recipe.confidence)
    low, high = interval.get("median_low"), interval.get("median_high")
    measured = Measured(find_median(sample), _number(low), _number(high))
    verdict = decide(requirement.operator, requirement.limit, measured, rule)
    # Why there is no interval goes before where it lies.
    lacking = interval["interval_reason"] or ("life_goes_on" if sample.censored else "interval_contains_limit")
    reason = lacking if verdict == INDETERMINATE else None
    return {"verdict": verdict, "reason": reason, **_write(measured, "order_statistics")}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float | int) else None

"""The score sheet: for every requirement a verdict on each cell and on each group of like cells.

formula: each: the group fails when a cell fails and passes when every tested cell passes; its value is the worst cell's
formula: median: the cells' median with its interval by order statistics, judged as a cell's value is; dies of one wafer
    are no independent evidence, so that the wafers are counted where there are several
formula: yield: cells that pass over cells tested, with its Wilson interval
condition: a cell counts only where the quantity was measured under the required conditions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from warehouse.replicates.summaries import Sample, Wafer, describe_intervals, find_median
from warehouse.requirements.evidence import MISSES, Evidence
from warehouse.requirements.profiles import Requirement
from warehouse.requirements.recipe import RequirementsRecipe
from warehouse.requirements.verdicts import FAIL, INDETERMINATE, NOT_TESTED, PASS, Measured, decide, decide_all
from warehouse.statistics import wilson_interval

Row = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """Like cells.

    Args:
        name: what they have in common.
        wafers: lot and wafer by cell; None where it is not known.
        places: where its cells lie among those of all groups.
    """

    name: str
    wafers: Mapping[str, Wafer | None]
    places: slice


@dataclass(frozen=True)
class Scored:
    """What a requirement says of cells.

    Args:
        requirement: what is asked.
        rule: by which it is decided.
        evidence: what was measured on the cells.
        verdicts: on each of them.
    """

    requirement: Requirement
    rule: str
    evidence: Evidence
    verdicts: Sequence[str]


@dataclass(frozen=True)
class Tested:
    """The cells of a group that were tested.

    Args:
        cells: their names.
        wafers: lot and wafer of each; None where it is not known.
        scored: what the requirement says of them.
    """

    cells: Sequence[str]
    wafers: Sequence[Wafer | None]
    scored: Scored


def score(requirement: Requirement, rule: str, evidence: Evidence) -> Scored:
    """Return the verdicts on cells.

    Args:
        requirement: what is asked.
        rule: by which it is decided.
        evidence: what was measured on the cells.
    """
    figures = evidence.value, evidence.low, evidence.high
    decided = decide_all(requirement.operator, requirement.limit, figures, rule)
    tested = evidence.tested.tolist()
    verdicts = [verdict if one else NOT_TESTED for verdict, one in zip(decided, tested, strict=True)]
    return Scored(requirement, rule, evidence, verdicts)


def score_cells(scored: Scored, on_wafers: Sequence[bool]) -> dict[str, Sequence[Any]]:
    """Return the columns of ``schema.APPLICATION`` that say something of the cells; NaN where a figure is not known.

    Args:
        scored: what the requirement says of them.
        on_wafers: of which cells the wafer is known.
    """
    evidence, verdicts = scored.evidence, scored.verdicts
    tested, assumed = evidence.tested.tolist(), evidence.assumed.tolist()
    open_reasons = ("interval_contains_limit", "life_goes_on")
    each = zip(verdicts, evidence.censored.tolist(), evidence.missed.tolist(), strict=True)
    return {
        "verdict": verdicts,
        "reason": [
            MISSES[missed] if verdict == NOT_TESTED else open_reasons[censored] if verdict == INDETERMINATE else None
            for verdict, censored, missed in each
        ],
        "value": evidence.value.tolist(),
        "value_low": evidence.low.tolist(),
        "value_high": evidence.high.tolist(),
        "interval_source": [
            None if not one else "assumed" if own else "measured" for one, own in zip(tested, assumed, strict=True)
        ],
        "n": [int(one) for one in tested],
        "n_censored": [int(one) for one in evidence.censored.tolist()],
        "n_missing": [int(not one) for one in tested],
        "wafers": [1 if one and known else None for one, known in zip(tested, on_wafers, strict=True)],
        "cells_passing": [int(verdict == PASS) for verdict in verdicts],
    }


def score_group(scored: Scored, group: Group, recipe: RequirementsRecipe) -> Row:
    """Return the columns of ``schema.APPLICATION`` that say something of a group of like cells.

    Args:
        scored: what the requirement says of the cells of all groups.
        group: the group.
        recipe: level of confidence.
    """
    tested = _take_tested(scored, group)
    count, passing = len(tested.cells), sum(verdict == PASS for verdict in tested.scored.verdicts)
    # Ten of ten are not all: the interval says how far.
    ends = wilson_interval(passing, count, recipe.confidence) if count else (None, None)
    judged = _judge_each if scored.requirement.statistic == "each" else _judge_median
    return {
        **(judged(tested, recipe) if count else _explain_untested(scored.evidence.missed[group.places].tolist())),
        "n": count,
        "n_censored": int(tested.scored.evidence.censored.sum()),
        "n_missing": len(group.wafers) - count,
        "wafers": None if None in tested.wafers or not count else len(set(tested.wafers)),
        "cells_passing": passing,
        "yield_low": ends[0],
        "yield_high": ends[1],
    }


def _take_tested(scored: Scored, group: Group) -> Tested:
    first, cells, wafers = group.places.start, list(group.wafers), list(group.wafers.values())
    places = np.flatnonzero(scored.evidence.tested[group.places]).tolist()
    evidence = scored.evidence.take([first + place for place in places])
    verdicts = [scored.verdicts[first + place] for place in places]
    own = Scored(scored.requirement, scored.rule, evidence, verdicts)
    return Tested([cells[place] for place in places], [wafers[place] for place in places], own)


def _explain_untested(missed: list[int]) -> Row:
    """Return why no cell of a group was tested: what came nearest, as most of them have it."""
    reasons = [MISSES[one] for one in missed]
    return {"verdict": NOT_TESTED, "reason": max(sorted(set(reasons)), key=reasons.count)}


def _judge_each(tested: Tested, _recipe: RequirementsRecipe) -> Row:
    """Return the worst cell and what it means for all."""
    evidence, found = tested.scored.evidence, set(tested.scored.verdicts)
    at_least = tested.scored.requirement.operator == "at_least"
    worst = int(np.argmin(evidence.rank) if at_least else np.argmax(evidence.rank))
    # One cell that surely fails decides, however many pass.
    verdict = FAIL if FAIL in found else PASS if found == {PASS} else INDETERMINATE
    reason = "some_cells_open" if verdict == INDETERMINATE else None
    source = "assumed" if evidence.assumed[worst] else "measured"
    return {"verdict": verdict, "reason": reason, **_write(evidence.figures_of(worst), source)}


def _judge_median(tested: Tested, recipe: RequirementsRecipe) -> Row:
    evidence, requirement = tested.scored.evidence, tested.scored.requirement
    ended = (~evidence.censored).tolist()
    sample = Sample(tested.cells, evidence.rank.tolist(), ended, tested.wafers, missing=0)
    interval = describe_intervals(sample, recipe.confidence)
    low, high = interval.get("median_low"), interval.get("median_high")
    measured = Measured(find_median(sample), _number(low), _number(high))
    verdict = decide(requirement.operator, requirement.limit, measured, tested.scored.rule)
    # Why there is no interval goes before where it lies.
    lacking = interval["interval_reason"] or ("life_goes_on" if sample.censored else "interval_contains_limit")
    reason = lacking if verdict == INDETERMINATE else None
    return {"verdict": verdict, "reason": reason, **_write(measured, "order_statistics")}


def _write(measured: Measured, source: str) -> Row:
    ends = {"value": measured.value, "value_low": measured.low, "value_high": measured.high}
    return {**ends, "interval_source": None if measured.low is measured.high is None else source}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float | int) else None

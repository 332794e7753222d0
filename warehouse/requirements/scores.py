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
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from warehouse.replicates.summaries import Sample, Wafer, describe_intervals, find_median
from warehouse.requirements.conditions import Flags
from warehouse.requirements.evidence import MISSES, Evidence
from warehouse.requirements.profiles import Requirement
from warehouse.requirements.recipe import RequirementsRecipe
from warehouse.requirements.verdicts import FAIL, INDETERMINATE, NOT_TESTED, PASS, Measured, Words, decide, decide_all
from warehouse.statistics import wilson_interval

Row = dict[str, Any]

# What is said of a cell where the interval of its value contains the limit, and where its life goes on.
LEFT_OPEN: Final[Words] = np.array(["interval_contains_limit", "life_goes_on"], dtype=object)
MISSED: Final[Words] = np.array(MISSES, dtype=object)
# Of an interval that is not assumed, and of one that is.
SOURCES: Final[Words] = np.array(["measured", "assumed"], dtype=object)
NOTHING: Final[Words] = np.array(None, dtype=object)


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

    @cached_property
    def members(self) -> list[tuple[str, Wafer | None]]:
        """Its cells, each with lot and wafer."""
        return list(self.wafers.items())


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
    verdicts: Words


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
    return Scored(requirement, rule, evidence, np.where(evidence.tested, decided, NOT_TESTED))


def score_cells(scored: Scored, on_wafers: Flags) -> dict[str, NDArray[Any]]:
    """Return the columns of ``schema.APPLICATION`` that say something of the cells; NaN where a figure is not known.

    Args:
        scored: what the requirement says of them.
        on_wafers: of which cells the wafer is known.
    """
    evidence, verdicts = scored.evidence, scored.verdicts
    tested, censored = evidence.tested, evidence.censored
    reason = np.where(verdicts == INDETERMINATE, LEFT_OPEN[censored.astype(np.int64)], NOTHING)
    return {
        "verdict": verdicts,
        "reason": np.where(verdicts == NOT_TESTED, MISSED[evidence.missed], reason),
        "value": evidence.value,
        "value_low": evidence.low,
        "value_high": evidence.high,
        "interval_source": np.where(tested, SOURCES[evidence.assumed.astype(np.int64)], NOTHING),
        "n": tested,
        "n_censored": censored,
        "n_missing": ~tested,
        "wafers": np.where(tested & on_wafers, 1, NOTHING),
        "cells_passing": verdicts == PASS,
    }


def score_group(scored: Scored, group: Group, recipe: RequirementsRecipe) -> Row:
    """Return the columns of ``schema.APPLICATION`` that say something of a group of like cells.

    Args:
        scored: what the requirement says of the cells of all groups.
        group: the group.
        recipe: level of confidence.
    """
    tested = _take_tested(scored, group)
    count, passing = len(tested.cells), int((tested.scored.verdicts == PASS).sum())
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
    within = np.flatnonzero(scored.evidence.tested[group.places])
    places, members = group.places.start + within, [group.members[place] for place in within.tolist()]
    own = Scored(scored.requirement, scored.rule, scored.evidence.take(places), scored.verdicts[places])
    return Tested([cell for cell, _ in members], [wafer for _, wafer in members], own)


def _explain_untested(missed: list[int]) -> Row:
    """Return why no cell of a group was tested: what came nearest, as most of them have it."""
    reasons = [MISSES[one] for one in missed]
    return {"verdict": NOT_TESTED, "reason": max(sorted(set(reasons)), key=reasons.count)}


def _judge_each(tested: Tested, _recipe: RequirementsRecipe) -> Row:
    """Return the worst cell and what it means for all."""
    evidence, found = tested.scored.evidence, set(tested.scored.verdicts.tolist())
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

"""Where steps begin, and which records are at rest.

The instrument's own state is believed. Without it, a current is rest when it is small against the test's own currents
and noise, never against a fixed number of amperes: 50 nA is a step of a cell that is cycled at 50 nA.

A boundary is final once nothing that may follow can move it. Where the instrument's own step or its state changes, it
is so at once; a change of direction within the instrument's step waits until that step ends, because it must hold over
a part of its time; and elsewhere it waits for two records of one direction, because a lone record joins what follows.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes
from warehouse.derivation import DerivationRecipe
from warehouse.levels import SHORTEST_RUN
from warehouse.schema import STEP_TYPES
from warehouse.stretch import Stretch

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

# By step type: +1, -1 or 0 for charge, discharge and rest, and another number for each other.
UNSAID: Final = 2 + len(STEP_TYPES)
STATES: Final = [
    {"rest": 0, "charge": 1, "discharge": -1}.get(name.partition("_")[0], 2 + place)
    for place, name in enumerate(STEP_TYPES)
]
RESTS: Final = [int(name in {"rest", "pause"}) for name in STEP_TYPES]
HELD: Final = [int(name.endswith("_cv")) for name in STEP_TYPES]


class Directions(NamedTuple):
    """Per record +1, -1 or 0 for charge, discharge and rest, and whether the limit alone decides between them."""

    way: Integers
    undecided: Mask


class Bounds(NamedTuple):
    """Where steps begin.

    Args:
        starts: index of the first record of each step.
        settled: index of the first record whose step may still change when records follow.
        shown_by: index behind the last record that this rests on; never less than ``settled``.
    """

    starts: Integers
    settled: int
    shown_by: int


def find_directions(records: Stretch, limit: float) -> Directions:
    """Say of each record whether the cell is charged, discharged or at rest.

    Args:
        records: of one test.
        limit: current in A up to which a record is at rest.
    """
    current = records.doubles("current_ampere")
    sign = np.sign(current).astype(np.int64)
    way = np.where(np.abs(current) > limit, sign, 0)
    if not records.choice.typed:
        return Directions(way, np.ones(len(way), dtype=bool))
    said = records.table["step_type"]
    rest, active = _look_up(said, RESTS, 0) == 1, np.abs(_look_up(said, STATES, UNSAID)) == 1
    return Directions(np.where(rest, 0, np.where(active, sign, way)), ~(rest | active))


def find_bounds(records: Stretch, direction: Integers, recipe: DerivationRecipe, *, numbered: bool) -> Bounds:
    """Find the first record of each executed step.

    Args:
        records: of one test, from the start of a step on.
        direction: per record +1, -1 or 0, from :func:`find_directions`.
        recipe: thresholds.
        numbered: whether the instrument tells its steps apart.
    """
    begins, state = records.number_changes(), direction
    if records.choice.typed:
        state = _look_up(records.table["step_type"], STATES, UNSAID)
        begins[1:] |= (state[1:] != state[:-1]) & ~((np.abs(state[1:]) == 1) & (np.abs(state[:-1]) == 1))
    runs = _find_runs(state, begins)
    turns = _direction_begins(state, begins, runs)
    if numbered:
        turns &= ~_held_before(records)
        turns = _drop_short_parts(turns, begins, records.doubles("test_time_second"), recipe.shortest_part)
    # The instrument's own bounds stand, whatever follows.
    hard = int(np.flatnonzero(begins)[-1]) if begins.any() else 0
    begins |= turns
    begins[0] = True
    starts = np.flatnonzero(begins)
    return Bounds(starts, hard, hard) if numbered else _settle(starts, runs, len(state), hard)


def _look_up(said: pl.Series, values: list[int], missing: int) -> Integers:
    """Return one number per record by what the instrument says; values stand in the order of the step types."""
    found: Integers = np.array([*values, missing])[codes(said, len(STEP_TYPES))]
    return found


def _held_before(records: Stretch) -> Mask:
    """Mark records at a held voltage that follow such a record: there the cell decides which way the current flows."""
    if not records.choice.typed:
        return np.zeros(records.table.height, dtype=bool)
    held = _look_up(records.table["step_type"], HELD, 0) == 1
    both: Mask = held & np.append(False, held[:-1])
    return both


def _drop_short_parts(changes: Mask, begins: Mask, time: Doubles, shortest: float) -> Mask:
    """Forget changes of direction that hold only over a small part of the instrument's own step: they are noise."""
    outer = np.flatnonzero(np.append(True, begins[1:]))
    lasts = np.append(outer[1:], len(time)) - 1
    span = np.repeat(time[lasts] - time[outer], lasts - outer + 1)
    inner = np.flatnonzero(changes | begins | (np.arange(len(time)) == 0))
    ends = np.append(inner[1:], len(time)) - 1
    long_enough = time[ends] - time[inner] >= shortest * span[inner]
    kept = changes.copy()
    # A part and what follows it are told apart only where both last.
    before = np.append(True, long_enough[:-1])
    kept[inner[~(long_enough & before)]] = False
    return kept


def _find_runs(direction: Integers, begins: Mask) -> Integers:
    """Return where runs of one direction begin, within the instrument's steps."""
    return np.flatnonzero(np.append(True, (direction[1:] != direction[:-1]) | begins[1:]))


def _direction_begins(direction: Integers, begins: Mask, starts: Integers) -> Mask:
    """Mark where the direction changes for good; lone records join the run that follows in their step."""
    settled = direction.copy()
    ends = np.append(starts[1:], len(direction))
    short = ends - starts < SHORTEST_RUN
    for start, end in zip(starts[short][::-1], ends[short][::-1], strict=True):
        if end < len(direction) and not begins[end]:
            settled[start:end] = settled[end]
        elif start and not begins[start]:
            settled[start:end] = direction[start - 1]
    changed = np.zeros(len(direction), dtype=bool)
    changed[1:] = settled[1:] != settled[:-1]
    return changed


def _settle(starts: Integers, runs: Integers, records: int, hard: int) -> Bounds:
    """Settle the steps before that of the last run of more than a lone record, and those before the last hard bound."""
    # From here on lone records may join what is not yet recorded.
    certain = runs[np.diff(runs, append=records) >= SHORTEST_RUN]
    if not len(certain) or certain[-1] < hard:
        return Bounds(starts, hard, hard)
    soft = int(starts[np.searchsorted(starts, certain[-1], side="right") - 1])
    return Bounds(starts, soft, int(certain[-1]) + SHORTEST_RUN)

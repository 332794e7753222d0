"""Where steps begin, and which records are at rest.

The instrument's own state is believed. Without it, a current is rest when it is small against the test's own currents
and noise, never against a fixed number of amperes: 50 nA is a step of a cell that is cycled at 50 nA.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes, integers
from warehouse.recipe import Recipe
from warehouse.schema import STEP_TYPES

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
# A run of one record between two steps is the first or last record of one of them.
SHORTEST_RUN: Final = 2
# Noise seldom keeps its sign for more than a few records, and not once in a life for this many.
LONGEST_FLICKER: Final = 8
LONGEST_CHANCE: Final = 40
# What swings by more than this part of the largest current is a pulse, not noise.
NOISE_OF_LARGEST: Final = 0.05


def find_directions(measurements: pl.DataFrame, limit: float) -> Integers:
    """Say of each record whether the cell is charged (+1), discharged (-1) or at rest (0).

    Args:
        measurements: a conforming table.
        limit: current in A up to which a record is at rest, from :func:`rest_limit`.
    """
    current = measurements["current_ampere"].to_numpy()
    sign = np.sign(current).astype(np.int64)
    direction = np.where(np.abs(current) > limit, sign, 0)
    if "step_type" not in measurements.columns:
        return direction
    said = measurements["step_type"]
    rest, active = _look_up(said, RESTS, 0) == 1, np.abs(_look_up(said, STATES, UNSAID)) == 1
    return np.where(rest, 0, np.where(active, sign, direction))


def rest_limit(measurements: pl.DataFrame, recipe: Recipe) -> float:
    """Return the current in A up to which a record is at rest; 0 where rest cannot be told from anything else.

    Args:
        measurements: a conforming table.
        recipe: thresholds.
    """
    current = measurements["current_ampere"].to_numpy()
    starts = _block_starts(measurements, np.sign(current).astype(np.int64))
    length = np.diff(starts, append=len(current))
    spread = np.sqrt(np.add.reduceat(current**2, starts) / length)
    weak = spread < NOISE_OF_LARGEST * spread.max()
    # Noise averages out over a block, a set current does not; a block that swings both ways is no noise.
    level = np.where(weak, np.abs(np.add.reduceat(current, starts)) / length, spread)
    brief = weak & (length <= LONGEST_FLICKER) & (level > 0)
    flickers = brief & np.append(False, brief[:-1]) & np.append(brief[1:], False)
    quiet = (level < recipe.rest_of_largest * level.max()) | flickers
    if not quiet.any() or quiet.all():
        return 0.0
    noise = float(np.sqrt(np.average(spread[quiet] ** 2, weights=length[quiet])))
    quiet |= (level < recipe.noise_sigmas * noise) & (length <= LONGEST_CHANCE)
    # A lone record may lie on the way up to its current.
    smallest = float(level[~quiet & (length >= SHORTEST_RUN)].min(initial=level.max()))
    # Noise that reaches the smallest set current cannot be told from it, and the set current goes first.
    return min(max(recipe.noise_sigmas * noise, recipe.rest_of_smallest * smallest), 0.5 * smallest)


def find_bounds(measurements: pl.DataFrame, direction: Integers, recipe: Recipe) -> Integers:
    """Return the index of the first record of each executed step.

    Args:
        measurements: a conforming table.
        direction: per record +1, -1 or 0, from :func:`find_directions`.
        recipe: thresholds.
    """
    begins = _schedule_begins(measurements)
    # A count of executed steps holds even where it counts but one.
    numbered = "step_count" in measurements.columns or bool(begins.any())
    state = direction
    if "step_type" in measurements.columns:
        state = _look_up(measurements["step_type"], STATES, UNSAID)
        begins[1:] |= (state[1:] != state[:-1]) & ~((np.abs(state[1:]) == 1) & (np.abs(state[:-1]) == 1))
    turns = _direction_begins(state, begins)
    if numbered:
        turns &= ~_held_before(measurements)
        time = measurements["test_time_second"].to_numpy()
        turns = _drop_short_parts(turns, begins, time, recipe.shortest_part)
    begins |= turns
    begins[0] = True
    return np.flatnonzero(begins)


def _look_up(said: pl.Series, values: list[int], missing: int) -> Integers:
    """Return one number per record by what the instrument says; values stand in the order of the step types."""
    found: Integers = np.array([*values, missing])[codes(said, len(STEP_TYPES))]
    return found


def _held_before(measurements: pl.DataFrame) -> Mask:
    """Mark records at a held voltage that follow such a record: there the cell decides which way the current flows."""
    if "step_type" not in measurements.columns:
        return np.zeros(measurements.height, dtype=bool)
    held = _look_up(measurements["step_type"], HELD, 0) == 1
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


def _schedule_begins(measurements: pl.DataFrame) -> Mask:
    begins = np.zeros(measurements.height, dtype=bool)
    for name in ("step_count", "step_id"):
        if name in measurements.columns:
            number = integers(measurements[name], -1)
            begins[1:] |= number[1:] != number[:-1]
            # The executed step is the finer count; the schedule's number only stands in for it.
            break
    return begins


def _block_starts(measurements: pl.DataFrame, sign: Integers) -> Integers:
    """Return where the instrument's steps begin; without them, where the current changes its sign."""
    begins = _schedule_begins(measurements)
    if not begins.any():
        begins[1:] = sign[1:] != sign[:-1]
    begins[0] = True
    return np.flatnonzero(begins)


def _direction_begins(direction: Integers, begins: Mask) -> Mask:
    """Mark where the direction changes for good; lone records join the run that follows in their step."""
    settled = direction.copy()
    starts = np.flatnonzero(np.append(True, (direction[1:] != direction[:-1]) | begins[1:]))
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

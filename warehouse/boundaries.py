"""Where steps begin, and which records are at rest.

The instrument's own state is believed. Without it, a current is rest when it is small against the test's own currents
and noise, never against a fixed number of amperes: 50 nA is a step of a cell that is cycled at 50 nA.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.recipe import Recipe

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

AT_REST: Final = ("rest", "pause")
# A run of one record between two steps is the first or last record of one of them.
SHORTEST_RUN: Final = 2


def find_directions(measurements: pl.DataFrame, recipe: Recipe) -> Integers:
    """Say of each record whether the cell is charged (+1), discharged (-1) or at rest (0).

    Args:
        measurements: a conforming table.
        recipe: thresholds.
    """
    current = measurements["current_ampere"].to_numpy()
    sign = np.sign(current).astype(np.int64)
    limit = rest_limit(current, _block_starts(measurements, sign), recipe)
    direction = np.where(np.abs(current) > limit, sign, 0)
    if "step_type" not in measurements.columns:
        return direction
    said = measurements["step_type"]
    rest = said.is_in(AT_REST).fill_null(value=False).to_numpy()
    active = said.cast(pl.String).str.contains("charge").fill_null(value=False).to_numpy()
    return np.where(rest, 0, np.where(active, sign, direction))


def rest_limit(current: Doubles, starts: Integers, recipe: Recipe) -> float:
    """Return the current in A up to which a record is at rest.

    Args:
        current: all records' currents in A.
        starts: first record of each block of like records.
        recipe: thresholds.
    """
    ends = np.append(starts[1:], len(current))
    block = np.repeat(np.arange(len(starts)), ends - starts)
    grouped = pl.DataFrame({"block": block, "size": np.abs(current)}).group_by("block", maintain_order=True)
    level = grouped.agg(pl.col("size").median())["size"].to_numpy()
    largest = level.max()
    resting = level < recipe.rest_of_largest * largest
    if not resting.any() or resting.all():
        return 0.0
    noise = float(np.sqrt(np.mean(current[resting[block]] ** 2)))
    smallest = float(level[~resting].min())
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
    if "step_type" in measurements.columns:
        said = measurements["step_type"].cast(pl.String).fill_null("").str.extract(r"^([a-z]+)", 1).fill_null("")
        begins |= (said != said.shift(1).fill_null("")).to_numpy()
    else:
        changes = _direction_begins(direction, begins)
        if begins.any():
            time = measurements["test_time_second"].to_numpy()
            changes = _drop_short_parts(changes, begins, time, recipe.shortest_part)
        begins |= changes
    begins[0] = True
    return np.flatnonzero(begins)


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
            number = measurements[name].fill_null(-1).to_numpy()
            begins[1:] |= number[1:] != number[:-1]
            # The executed step is the finer count; the schedule's number only stands in for it.
            break
    return begins


def _block_starts(measurements: pl.DataFrame, sign: Integers) -> Integers:
    begins = _schedule_begins(measurements)
    begins[1:] |= sign[1:] != sign[:-1]
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

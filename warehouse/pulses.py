"""Which steps are pulses: short, sharp at both ends, and either small beside what the cell holds or one of a train.

A half cycle may be as short, at a high rate or of a cell that holds next to nothing. It ends at the voltage at which
longer half cycles end, and is followed by its opposite; a pulse is not.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes, doubles
from warehouse.schema import STEP_TYPES

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

RESTING: Final = np.array([kind in {"rest", "pause", "eis"} for kind in STEP_TYPES])
HELD: Final = np.array([kind.endswith("_cv") for kind in STEP_TYPES])
PULSE: Final = STEP_TYPES.index("pulse")
# A pulse may begin from a smaller current, as a radio wakes from its sleep; what changes less is a ramp.
JUMP: Final = 2.0
# Below this part of the test's largest current a short step is what is left of one, or a channel's own offset.
WEAKEST_PART: Final = 0.02
# A short step that moves more of what the longest steps move is a discharge at a high rate.
LARGEST_PART: Final = 0.05
# Beside the runs before and after it, the other way; what moves more is a half cycle between two others.
INTERRUPTING_PART: Final = 0.3
LIKE_CURRENT: Final = 0.05
LIMIT_WIDTH_VOLT: Final = 0.01
# Where no longer step says what the cell holds, a rest this many times longer makes a pulse.
LONGER_REST: Final = 2.0


def find_pulses(steps: pl.DataFrame, longest: float) -> Mask:
    """Mark the pulses among a test's steps.

    Args:
        steps: rows of ``schema.STEPS`` of one test, in their order.
        longest: a pulse lasts no longer, in seconds.
    """
    kind = codes(steps["kind"], 0)
    seconds = steps["duration_second"].to_numpy()
    active = ~RESTING[kind]
    current = np.where(active, steps["mean_current_ampere"].to_numpy(), 0.0)
    short = active & ~HELD[kind] & (seconds <= longest)
    chosen: Mask = short & (np.abs(current) >= WEAKEST_PART * np.abs(current).max(initial=0.0)) & (current != 0)
    # The last step may yet grow.
    chosen[-1:] = False
    if not chosen.any():
        return chosen
    chosen &= _is_sharp(steps, active, current)
    run = _number_runs(active, current)
    long = active & (seconds > longest)
    if long.any():
        single = _is_small(steps, long) & (_interrupts(steps, active, run) | ~_ends_at_limit(steps, current, long))
    else:
        single = _is_rested(chosen, active, seconds)
    chosen &= single | _is_in_train(chosen, run, current) | (kind == PULSE)
    return chosen


def _number_runs(active: Mask, current: Doubles) -> Integers:
    """Number what flows in one direction until the other follows."""
    way = np.sign(current[active])
    run = np.full(len(active), -1, dtype=np.int64)
    run[active] = np.cumsum(np.append(0, way[1:] != way[:-1]))
    return run


def _is_sharp(steps: pl.DataFrame, active: Mask, current: Doubles) -> Mask:
    """Say where a current is far above that of either neighbour, or flows the other way."""
    last, first = (np.where(active, steps[f"{end}_current_ampere"].to_numpy(), 0.0) for end in ("last", "first"))
    # The first record may still show the current before.
    begin = np.where(np.abs(first) > np.abs(current), first, current)
    sharp = np.ones(len(current), dtype=np.bool_)
    for other in (np.append(0.0, last[:-1]), np.append(begin[1:], 0.0)):
        sharp &= (current * other <= 0) | (np.abs(current) >= JUMP * np.abs(other))
    return sharp


def _is_small(steps: pl.DataFrame, long: Mask) -> Mask:
    """Say which steps move little beside the longer ones."""
    charge = np.abs(doubles(steps["primary_charge_ah"], 0.0))
    return np.asarray(charge <= LARGEST_PART * charge[long].max())


def _is_rested(chosen: Mask, active: Mask, seconds: Doubles) -> Mask:
    """Say which steps follow a long enough rest, where that is the rule: the first half cycle of a test often does."""
    before = np.append(0.0, np.where(active, 0.0, seconds)[:-1])
    rested = (before > 0) & (before >= LONGER_REST * seconds)
    return rested & (2 * np.count_nonzero(rested & chosen) >= np.count_nonzero(chosen))


def _interrupts(steps: pl.DataFrame, active: Mask, run: Integers) -> Mask:
    """Say which steps are one of several of their run, or small beside the runs before and after, the other way."""
    charge = np.abs(doubles(steps["primary_charge_ah"], 0.0))
    mine = run[active]
    size, many = np.bincount(mine, weights=charge[active]), np.bincount(mine) > 1
    bounded = np.concatenate([[np.inf], size, [np.inf]])
    near = np.minimum(bounded[:-2], bounded[2:])
    found = np.zeros(len(active), dtype=np.bool_)
    found[active] = many[mine] | (charge[active] <= INTERRUPTING_PART * near[mine])
    return found


def _is_in_train(chosen: Mask, run: Integers, current: Doubles) -> Mask:
    """Say which of the chosen steps have one of like current next to them, with no opposite between."""
    place = np.flatnonzero(chosen)
    mine, size = run[place], np.abs(current[place])
    like = (mine[1:] == mine[:-1]) & (np.abs(size[1:] - size[:-1]) <= LIKE_CURRENT * size[:-1])
    train = np.zeros(len(run), dtype=np.bool_)
    train[place] = np.append(False, like) | np.append(like, False)
    return train


def _ends_at_limit(steps: pl.DataFrame, current: Doubles, long: Mask) -> Mask:
    """Say which steps end where the longer ones of their direction end at most."""
    last, way = steps["last_voltage_volt"].to_numpy(), np.sign(current)
    ended = np.zeros(len(current), dtype=np.bool_)
    for sign in (-1, 1):
        limit = (sign * last[long & (way == sign)]).max(initial=-np.inf)
        # Where no longer step flows this way, nothing says where it would end.
        ended |= (way == sign) & (sign * last >= limit - LIMIT_WIDTH_VOLT) & (limit > -np.inf)
    return ended

"""Which steps of a test are a titration: pulses of like current parted by rests, or held voltages side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes, doubles
from warehouse.diffusion.recipe import DiffusionRecipe
from warehouse.schema import STEP_TYPES

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

# While a spectrum is measured no charge moves on the whole.
RESTING: Final = np.array([kind in {"rest", "pause", "eis"} for kind in STEP_TYPES])
HOLDING: Final = np.array([kind.endswith("cv") for kind in STEP_TYPES])
HOUR: Final = 3600.0
# An instrument that writes no record at a step's beginning writes the first one interval later, give or take.
NEAR_INTERVAL: Final = 1.5


@dataclass(frozen=True)
class Run:
    """Steps in a row that flow one way, or that rest.

    Args:
        way: +1 charge, -1 discharge, 0 rest.
        first: number of its first step, from 0.
        last: number of its last step.
        seconds: how long it lasted.
        ampere: size of its current, mean over time.
    """

    way: int
    first: int
    last: int
    seconds: float
    ampere: float


@dataclass(frozen=True)
class Pulse:
    """A pulse of a titration with the rests around it; a train begins and ends where these are missing.

    Args:
        run: the pulse itself.
        before: the rest before; None where there is none.
        after: the rest after.
    """

    run: Run
    before: Run | None
    after: Run | None


def find_pulse_trains(steps: pl.DataFrame, recipe: DiffusionRecipe) -> list[list[Pulse]]:
    """Return the titrations by current, each as its pulses in their order.

    Args:
        steps: rows of ``schema.STEPS`` of one test.
        recipe: what a titration is.
    """
    way = _ways(steps)
    active = np.flatnonzero(way)
    # Most tests are none, and are done with here: in those, what flows on the same way has not rested.
    again = (way[active[1:]] == way[active[:-1]]) & (np.diff(active) > 1)
    if np.count_nonzero(again) < recipe.fewest_pulses - 1:
        return []
    runs = list(_runs(steps, way))
    trains = [
        [_surround(runs, place) for place in train]
        for train in _divide(runs, recipe)
        if len(train) >= recipe.fewest_pulses
    ]
    return [train for train in trains if sum(pulse.after is not None for pulse in train) >= recipe.fewest_pulses - 1]


def find_hold_trains(steps: pl.DataFrame, recipe: DiffusionRecipe) -> list[list[int]]:
    """Return the titrations by voltage, each as the numbers of its steps from 0.

    Args:
        steps: rows of ``schema.STEPS`` of one test.
        recipe: what a titration is.
    """
    kinds = codes(steps["kind"], 0)
    # At a held voltage, mean and last agree; at the end of a charge by current they do not.
    mean, last = doubles(steps["mean_voltage_volt"]), doubles(steps["last_voltage_volt"])
    held = HOLDING[kinds] & (np.abs(mean - last) <= recipe.held_within_volt)
    move = np.diff(mean, prepend=np.nan)
    size = np.abs(move)
    stepped = (size >= recipe.smallest_voltage_step_volt) & (size <= recipe.largest_voltage_step_volt)
    # The hold at the end of each charge has no other hold beside it.
    if np.count_nonzero(held[1:] & held[:-1] & stepped[1:]) < recipe.fewest_voltage_steps - 1:
        return []
    trains: list[list[int]] = []
    for place in np.flatnonzero(held).tolist():
        follows = bool(trains) and trains[-1][-1] == place - 1 and bool(stepped[place])
        # The first move of a train may be of any size; from the second on the direction must stay.
        if follows and (len(trains[-1]) == 1 or move[place] * move[place - 1] > 0):
            trains[-1].append(place)
        else:
            trains.append([place])
    return [train for train in trains if len(train) >= recipe.fewest_voltage_steps]


def find_lead(time: Doubles, records: slice, missed_ah: float, ampere: float) -> tuple[float, float]:
    """Return for how long a step had run before its first record, and for how long at most.

    Args:
        time: of every record of the test.
        records: which of them are the step's.
        missed_ah: charge that flowed before the first record; 0 where no counter tells.
        ampere: size of the first current.
    """
    if not records.start:
        return 0.0, 0.0
    silent = float(time[records.start] - time[records.start - 1])
    if missed_ah > 0 and ampere > 0:
        return min(missed_ah * HOUR / ampere, silent), silent
    first = float(time[records.start + 1] - time[records.start]) if records.stop - records.start > 1 else 0.0
    return (silent if silent <= NEAR_INTERVAL * first else 0.0), silent


def _ways(steps: pl.DataFrame) -> Integers:
    charge, current = doubles(steps["primary_charge_ah"], 0.0), doubles(steps["mean_current_ampere"])
    heading = np.sign(np.where(charge != 0, charge, current)).astype(np.int64)
    return np.where(RESTING[codes(steps["kind"], 0)], 0, heading)


def _runs(steps: pl.DataFrame, way: Integers) -> Iterator[Run]:
    # Instruments may write a rest, or a pulse, as several steps.
    starts = np.flatnonzero(np.append(True, way[1:] != way[:-1]))
    ends = np.append(starts[1:], len(way)) - 1
    begin = doubles(steps["start_time_second"])
    end = begin + doubles(steps["duration_second"])
    current = np.abs(doubles(steps["mean_current_ampere"]))
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        yield Run(int(way[first]), first, last, float(end[last] - begin[first]), float(current[first]))


def _divide(runs: Sequence[Run], recipe: DiffusionRecipe) -> list[list[int]]:
    """Return the places of pulses, divided where the direction or the current changes, or a rest is too short."""
    trains: list[list[int]] = []
    for place, run in enumerate(runs):
        if run.way == 0 or run.seconds < recipe.shortest_pulse_second:
            continue
        rest = runs[place - 1] if place else None
        joins = (
            bool(trains)
            and trains[-1][-1] == place - 2
            and rest is not None
            and rest.seconds >= recipe.shortest_rest_second
            and _alike(runs[trains[-1][0]], run, recipe)
        )
        if joins:
            trains[-1].append(place)
        else:
            trains.append([place])
    return trains


def _alike(one: Run, other: Run, recipe: DiffusionRecipe) -> bool:
    near = abs(one.ampere - other.ampere) <= recipe.same_current * max(one.ampere, other.ampere)
    return one.way == other.way and near


def _surround(runs: Sequence[Run], place: int) -> Pulse:
    before = runs[place - 1] if place and runs[place - 1].way == 0 else None
    after = runs[place + 1] if place + 1 < len(runs) and runs[place + 1].way == 0 else None
    return Pulse(runs[place], before, after)

"""What the values of a test say of each other's units and signs.

Each check compares two things that an instrument recorded apart: charge and energy with their counters, test time with
the wall clock and the step's time, the way the voltage goes with the sign of the current, the names of steps with the
current that flowed. It speaks only where the records show enough against their own quantum and noise, and then of
factors: instruments differ by per cents, units by thousands. A refusal names the factor and what probably went wrong;
``X for Y`` stands for numbers in X that were taken for Y.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes, doubles
from warehouse.counters import KINDS, PREFIXES, Counter, counter_columns, make_counter
from warehouse.drives import RESTS, Drives, integrate, see_drives
from warehouse.errors import ContradictionError
from warehouse.schema import STEP_TYPES
from warehouse.stretch import see_columns, take_stretch

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]
Slips = tuple[tuple[float, str], ...]

FACTOR_TOLERANCE: Final = 0.1
FEWEST_SAMPLES: Final = 20
# A counter moves by a thousandfold or not, so a few records tell.
FEWEST_COUNTED: Final = 10
# Values that are compared have moved by as many of their quanta, so that rounding is no factor.
FEWEST_QUANTA: Final = 20.0
FEWEST_WINDOWS: Final = 5
MOST_WINDOWS: Final = 50
# This part of all comparisons has to tell of the same factor.
AGREEING: Final = 0.8
SPREAD: Final = 0.2
ROUNDING: Final = 1e-9

TIME_SLIPS: Final[Slips] = (
    (1e3, "ms for s"),
    (1e-3, "s for ms"),
    (60.0, "s for min"),
    (1 / 60.0, "min for s"),
    (3600.0, "s for h"),
    (1 / 3600.0, "h for s"),
)
CURRENT_SLIPS: Final[Slips] = ((1e3, "mA for A"), (1e-3, "A for mA"), (1e6, "µA for A"), (1e-6, "A for µA"))
CHARGE_SLIPS: Final[Slips] = (
    (1e3, "Ah for mAh"),
    (1e-3, "mAh for Ah"),
    (1e6, "Ah for µAh"),
    (1e-6, "µAh for Ah"),
    (3600.0, "Ah for As"),
    (1 / 3600.0, "As for Ah"),
    (-1.0, "the sign of the current"),
)
ENERGY_SLIPS: Final[Slips] = (
    (1e3, "Wh for mWh"),
    (1e-3, "mWh for Wh"),
    (1e6, "Wh for µWh"),
    (1e-6, "µWh for Wh"),
    (3600.0, "Wh for Ws"),
    (1 / 3600.0, "Ws for Wh"),
    (1e3, "mV for V"),
    (1e-3, "V for mV"),
)

# A voltage goes by less where a cell rests, holds, or only scatters.
LEAST_MOVE: Final = 0.005
LEAST_MOVES: Final = 0.05
LEAST_MOVES_ALONE: Final = 0.3
AGAINST: Final = 0.8
LEAST_EDGE: Final = 0.002
EDGE: Final = 0.3
LONGEST_EDGE: Final = 60.0
FEWEST_EDGES: Final = 10
EDGES_AGAINST: Final = 0.9
# What flows at rest is small against what drives the cell.
REST: Final = 0.5
REST_SHARE: Final = 0.5

COARSE: Final = 0.01


def check_plausibility(frame: pl.DataFrame, shown: str) -> Drives:
    """Refuse conforming rows whose values contradict each other; returns how their current runs.

    Raises:
        ContradictionError: with the factor, where there is one, and the likely cause.
    """
    timed = check_clocks(frame, shown)
    drives = see_drives(frame)
    check_counters(frame, drives, shown, timed=timed)
    check_slope(drives, shown)
    check_rests(frame, shown)
    return drives


def check_clocks(frame: pl.DataFrame, shown: str) -> bool:
    """Refuse a test time that runs by another unit than the wall clock or the step's time.

    Returns:
        Whether the wall clock agrees with it, so that the time is not in question any more.

    Raises:
        ContradictionError: code ``unit_factor``.
    """
    time = doubles(frame["test_time_second"])
    if "step_time_second" in frame.columns:
        step = doubles(frame["step_time_second"])
        _refuse_time(_small_ratios(time, step), "the step's time", shown)
    if "unix_time_second" not in frame.columns:
        return False
    ratios = _window_ratios(time, doubles(frame["unix_time_second"]))
    _refuse_time(ratios, "the wall clock", shown)
    return len(ratios) >= FEWEST_WINDOWS and bool(abs(np.median(ratios) - 1) < FACTOR_TOLERANCE)


def check_counters(frame: pl.DataFrame, drives: Drives, shown: str, *, timed: bool) -> None:
    """Refuse currents whose integral is a unit's factor away from what the instrument counted.

    Args:
        frame: the rows.
        drives: of the same rows.
        shown: the source as the user knows it.
        timed: whether the time is known to be right.

    Raises:
        ContradictionError: code ``unit_factor``, or ``sign`` where the counters run the other way.
    """
    frame = _complete_pairs(frame)
    seen = see_columns(frame)
    columns = [counter_columns(seen, *kind) for kind in KINDS]
    if not any(columns):
        return
    filled = take_stretch(frame, seen).counters
    slips = (*CURRENT_SLIPS, *(() if timed else TIME_SLIPS))
    for (what, _), names, own in zip(KINDS, columns, (CHARGE_SLIPS, ENERGY_SLIPS), strict=True):
        counter = make_counter(names, filled, 0.0)
        if counter is None:
            continue
        # Of a voltage below zero vendors count the energy in either direction.
        rate = drives.current if what == "capacity" else drives.current * np.abs(drives.voltage)
        ratios, records = _counter_ratios(counter, drives, integrate(drives.time, rate))
        if records >= FEWEST_COUNTED and (factor := _agreed(ratios)) is not None:
            _refuse_counter(factor, what, (*slips, *own), names[0], shown)


def check_slope(drives: Drives, shown: str) -> None:
    """Refuse currents under which the voltage goes the wrong way: charging raises it, and so does more current.

    Raises:
        ContradictionError: code ``sign``.
    """
    edges = _edges(drives)
    steep = edges[np.abs(edges) > 0]
    risen, all_moves, alone = moves(drives)
    against, along = int((steep < 0).sum()), int((steep > 0).sum())
    wrong_edges = against >= FEWEST_EDGES and against > EDGES_AGAINST * len(steep) and risen <= 0
    least = LEAST_MOVES if against else LEAST_MOVES_ALONE
    wrong_moves = all_moves >= least and risen < -AGAINST * all_moves and against >= along and (against > 0 or alone)
    if wrong_edges or wrong_moves:
        what = f"{-risen:.3g} V down" if wrong_moves else f"{against} of {len(steep)} times against the current's steps"
        raise ContradictionError(
            shown,
            f"the voltage goes {what} where the current says charge: the likely cause is the sign of the current",
            code="sign",
            column="current_ampere",
        )


def check_rests(frame: pl.DataFrame, shown: str) -> None:
    """Refuse steps that are called rest under a current as large as that of the driven ones.

    Raises:
        ContradictionError: code ``step_codes``.
    """
    if "step_type" not in frame.columns:
        return
    said, size = codes(frame["step_type"], len(STEP_TYPES)), np.abs(doubles(frame["current_ampere"]))
    resting = np.array([*(name in RESTS for name in STEP_TYPES), False])[said]
    driven = np.array([*(name.startswith(("charge", "discharge")) for name in STEP_TYPES), False])[said] & (size > 0)
    if resting.sum() < FEWEST_SAMPLES or driven.sum() < FEWEST_SAMPLES:
        return
    # Not the median: most records of a float test are of its leakage, which is no more than a channel's offset.
    flowing = float((size[resting] > REST * np.quantile(size[driven], 0.9)).mean())
    if flowing > REST_SHARE:
        raise ContradictionError(
            shown,
            f"a current as in charge and discharge flows in {flowing:.0%} of the rows that the instrument calls rest: "
            "the likely cause is another meaning of its step codes",
            code="step_codes",
            column="step_type",
        )


def _complete_pairs(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with a counter of nothing beside each whose direction never came: its column is left out then."""
    pairs = [
        (f"{prefix}charging_{what}_{unit}", f"{prefix}discharging_{what}_{unit}")
        for prefix in PREFIXES
        for what, unit in KINDS
    ]
    halves = {here: there for pair in pairs for here, there in (pair, pair[::-1])}
    missing = [there for here, there in halves.items() if here in frame.columns and there not in frame.columns]
    return frame.with_columns(pl.lit(0.0).alias(name) for name in missing) if missing else frame


def _small_ratios(time: Doubles, other: Doubles) -> Doubles:
    """Return by how much more the test time passed than another one, between neighbouring records."""
    passed, counted = np.diff(time), np.diff(other)
    both = (passed > 0) & (counted > 0)
    ratios = passed[both] / counted[both]
    return ratios if len(ratios) >= FEWEST_SAMPLES else np.empty(0)


def _window_ratios(time: Doubles, clock: Doubles) -> Doubles:
    """Return by how much more the test time passed than the clock, over windows that are long against its quantum."""
    known = np.isfinite(clock)
    time, clock = time[known], clock[known]
    steps = np.diff(clock)
    quantum = float(steps[steps > ROUNDING].min(initial=np.inf))
    if len(clock) < FEWEST_SAMPLES or not np.isfinite(quantum):
        return np.empty(0)
    windows = int(min(MOST_WINDOWS, len(clock) - 1, (clock[-1] - clock[0]) / (FEWEST_QUANTA * quantum)))
    if windows < FEWEST_WINDOWS:
        return np.empty(0)
    ends = np.linspace(0, len(clock) - 1, windows + 1).astype(np.int64)
    passed, counted = np.diff(time[ends]), np.diff(clock[ends])
    both = (passed > 0) & (counted >= FEWEST_QUANTA * quantum)
    return np.asarray(passed[both] / counted[both], dtype=np.float64)


def _refuse_time(ratios: Doubles, against: str, shown: str) -> None:
    factor = _agreed(ratios) if len(ratios) >= FEWEST_WINDOWS else None
    causes = _causes(factor, TIME_SLIPS) if factor is not None else []
    if causes:
        detail = f"test time passes {factor:.4g} times as fast as {against}: the likely cause is {' or '.join(causes)}"
        raise ContradictionError(shown, detail, code="unit_factor", column="test_time_second")


def _counter_ratios(counter: Counter, drives: Drives, integral: Doubles) -> tuple[Doubles, int]:
    """Return integral over counter for each block that both resolve, and how many records these blocks have."""
    blocks = drives.blocks
    if not len(blocks.first):
        return np.empty(0), 0
    counted = counter.within(blocks.first, blocks.last + 1)
    steps = np.abs(np.concatenate([np.diff(counter.charging), np.diff(counter.discharging)]))
    quantum = float(steps[steps > ROUNDING * steps.max(initial=0.0)].min(initial=np.inf))
    flowed = drives.within(blocks, integral)
    seconds = drives.within(blocks, drives.time)
    largest = np.abs(drives.within(blocks, drives.passed)) * 3600
    known = np.isfinite(counted) & (np.abs(counted) >= FEWEST_QUANTA * quantum)
    known &= (flowed != 0) & (largest >= FEWEST_QUANTA * drives.quantum * seconds)
    records = int((blocks.last - blocks.first + 1)[known].sum())
    return np.asarray(flowed[known] / counted[known], dtype=np.float64), records


def _refuse_counter(factor: float, what: str, slips: Slips, column: str, shown: str) -> None:
    causes = _causes(factor, slips)
    if not causes:
        return
    integral, counter = ("∫I·dt", "charge") if what == "capacity" else ("∫V·I·dt", "energy")
    detail = f"{integral} is {factor:.4g} times what the instrument counted as {counter}: "
    detail += f"the likely cause is {' or '.join(causes)}"
    raise ContradictionError(shown, detail, code="sign" if factor < 0 else "unit_factor", column=column)


def _agreed(ratios: Doubles) -> float | None:
    """Return the factor that nearly all comparisons tell of, or None."""
    if not len(ratios):
        return None
    factor = float(np.median(ratios))
    near = np.abs(ratios - factor) <= SPREAD * abs(factor)
    return factor if near.mean() >= AGREEING else None


def _causes(factor: float, slips: Slips) -> list[str]:
    return [cause for known, cause in slips if abs(factor / known - 1) < FACTOR_TOLERANCE]


class Moves(NamedTuple):
    """Volts that the voltage rose with the current, volts that it went at all, and whether they prove it alone."""

    risen: float
    gone: float
    alone: bool


def moves(drives: Drives) -> Moves:
    """Sum up which way the voltage goes at constant currents; nothing for a cell whose voltage turns with them."""
    stretches = drives.stretches
    # A cell of two equal electrodes has the voltage of its resistance, which may well fall while it is driven.
    if not len(stretches.first) or drives.voltage.min() < -LEAST_MOVE:
        return Moves(0.0, 0.0, alone=False)
    level = drives.current[stretches.last]
    seconds = drives.within(stretches, drives.time)
    kept = (seconds > 0) & (np.abs(level) >= COARSE * np.abs(level).max())
    moved = np.where(kept, drives.within(stretches, drives.voltage), 0.0)
    moved = np.where(np.abs(moved) >= LEAST_MOVE, moved, 0.0)
    # A current that is regulated hardly scatters, one that only leaks into the meter does.
    records = (stretches.last - stretches.first + 1)[moved != 0]
    spread = np.abs(drives.current[stretches.first] / level - 1)[moved != 0]
    alone = bool(records.sum() >= FEWEST_SAMPLES and (spread < COARSE).all())
    return Moves(float((np.sign(level) * moved).sum()), float(np.abs(moved).sum()), alone)


def _edges(drives: Drives) -> Doubles:
    """Return the change of voltage at each large step of the current, negative where it goes against it."""
    step, moved = np.diff(drives.current), np.diff(drives.voltage)
    large = np.abs(step) > EDGE * np.abs(drives.current).max(initial=0.0)
    large &= (np.diff(drives.time) <= LONGEST_EDGE) & (np.abs(moved) >= LEAST_EDGE)
    return np.asarray((np.sign(step) * moved)[large], dtype=np.float64)

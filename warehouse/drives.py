"""Where a current drives a cell: blocks of one direction, and the stretches of them at a constant current.

Nothing here knows amperes: what is constant is so against its own size and the quantum of what was recorded, so that a
cell of some nAh is looked at as sharply as one of some Ah.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes, doubles, integers
from warehouse.schema import STEP_TYPES

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

# A current that changes by more than this part of itself from one record to the next has been set anew.
JUMP: Final = 0.2
STEADY: Final = 0.95
QUANTA_OF_A_JUMP: Final = 2.5
SLACK_QUANTA: Final = 1.5
# Two neighbouring records that differ by less than half show the quantum; a set current's change does not.
TOGGLE: Final = 0.5
FEWEST_TOGGLES: Final = 10
ROUNDING: Final = 1e-9
FEWEST_RECORDS: Final = 5
NUMBERS: Final = ("step_count", "step_id")
RESTS: Final = frozenset({"rest", "pause"})
UNDRIVEN: Final = [name in RESTS or name in {"eis", "pulse", "other"} or name.endswith("_cv") for name in STEP_TYPES]


@dataclass(frozen=True)
class Drives:
    """The records of a test, or of a part of it, and how its current runs.

    Args:
        time: in s.
        voltage: in V.
        current: in A, positive where it charges.
        changes: where another step begins, by what the instrument says.
        undriven: records that the instrument calls rest, pause, pulse, impedance, or a held voltage.
        typed: whether it calls the records anything.
    """

    time: Doubles
    voltage: Doubles
    current: Doubles
    changes: Mask
    undriven: Mask
    typed: bool

    @cached_property
    def quantum(self) -> float:
        """The smallest step of the recorded current in A; 0 where nothing shows it."""
        return find_quantum(self.current)

    @cached_property
    def begins(self) -> Mask:
        """Where the direction turns, the current jumps, or another step begins."""
        sign, size = np.sign(self.current), np.abs(self.current)
        begins = self.changes.copy()
        larger = np.maximum(size[1:], size[:-1])
        jump = np.abs(np.diff(self.current)) > JUMP * larger + QUANTA_OF_A_JUMP * self.quantum
        begins[1:] |= jump | (sign[1:] != sign[:-1])
        begins[:1] = True
        return begins

    @cached_property
    def blocks(self) -> Spans:
        """Runs of one direction without a jump of the current, those without any current left out."""
        return _spans(self.begins, self.current != 0)

    @cached_property
    def stretches(self) -> Spans:
        """The parts of the blocks where the current stands, at the largest that it has there."""
        size, first = np.abs(self.current), np.flatnonzero(self.begins)
        if not len(first):
            return _spans(self.begins, self.begins)
        peak = np.repeat(np.maximum.reduceat(size, first), np.diff(np.append(first, len(size))))
        steady = (size > 0) & (size >= STEADY * peak - SLACK_QUANTA * self.quantum) & ~self.undriven
        begins = self.begins.copy()
        begins[1:] |= steady[1:] != steady[:-1]
        return _spans(begins, steady)

    @cached_property
    def passed(self) -> Doubles:
        """Charge from the first record to each, by trapezoid, in Ah."""
        return integrate(self.time, self.current)

    def within(self, spans: Spans, series: Doubles) -> Doubles:
        """Return by how much a series changed from each span's first record to its last."""
        return np.asarray(series[spans.last] - series[spans.first], dtype=np.float64)


@dataclass(frozen=True)
class Spans:
    """Runs of records, each from its first to its last."""

    first: Integers
    last: Integers

    def keep(self, mask: Mask) -> Spans:
        """Return those that are marked."""
        return Spans(self.first[mask], self.last[mask])


def see_drives(frame: pl.DataFrame) -> Drives:
    """Look at conforming rows."""
    changes = np.zeros(frame.height, dtype=bool)
    for name in NUMBERS:
        if name in frame.columns:
            number = integers(frame[name], -1)
            changes[1:] |= number[1:] != number[:-1]
            break
    undriven = np.zeros(frame.height, dtype=bool)
    if "step_type" in frame.columns:
        said = codes(frame["step_type"], len(STEP_TYPES))
        changes[1:] |= said[1:] != said[:-1]
        undriven = np.array([*UNDRIVEN, False])[said]
    time, voltage, current = (
        doubles(frame[f"{name}"]) for name in ("test_time_second", "voltage_volt", "current_ampere")
    )
    return Drives(time, voltage, current, changes, undriven, typed="step_type" in frame.columns)


def find_quantum(values: Doubles) -> float:
    """Return the smallest step between neighbouring records of like size; 0 where too few differ to show it."""
    size = np.abs(values)
    step = np.abs(np.diff(values))
    larger = np.maximum(size[1:], size[:-1])
    shown = step[(step > ROUNDING * larger) & (step <= TOGGLE * larger)]
    return float(shown.min()) if len(shown) >= FEWEST_TOGGLES else 0.0


def integrate(time: Doubles, rate: Doubles) -> Doubles:
    """Return the integral from the first record to each, by trapezoid, per hour."""
    parts = 0.5 * (rate[1:] + rate[:-1]) * np.diff(time) / 3600.0
    return np.concatenate([np.zeros(min(len(rate), 1)), np.cumsum(parts)])


def _spans(begins: Mask, wanted: Mask) -> Spans:
    """Return the runs whose first record is wanted and that have records enough."""
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(begins)) - 1
    keep = wanted[first] & (last - first + 1 >= FEWEST_RECORDS)
    return Spans(first[keep], last[keep])

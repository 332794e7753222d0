"""Loads on a cell of one resistor and one resistor beside a capacitor, whose every voltage can be worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from warehouse.schema import STEP_TYPE

Step = tuple[float, float, float]


@dataclass(frozen=True)
class Circuit:
    """A cell: ``ohmic`` at once, ``slow`` with the time constant ``tau``; its voltage at rest moves by ``slope``.

    Args:
        rest: voltage at rest, at the start.
        ohmic: in Ω.
        slow: in Ω.
        tau: in s.
        slope: V for each As.
    """

    rest: float = 3.9
    ohmic: float = 100.0
    slow: float = 50.0
    tau: float = 1.0
    slope: float = 0.0

    def resistance(self, after: float) -> float:
        """Return the resistance that a step of current shows after a time, from rest."""
        return self.ohmic + self.slow * (1 - float(np.exp(-after / self.tau))) + self.slope * after


def load(
    steps: Sequence[Step], circuit: Circuit | None = None, *, clock: bool = True, noise: float = 0.0
) -> pl.DataFrame:
    """Return the records of steps of constant current.

    Args:
        steps: current in A, seconds, and seconds between two records of each; the first record is one interval late.
        circuit: the cell.
        clock: whether the file has the step's own time.
        noise: standard deviation of the voltage.
    """
    cell, dice = circuit or Circuit(), np.random.default_rng(7)
    begin, moved, over, parts = 0.0, 0.0, 0.0, []
    for number, (ampere, seconds, interval) in enumerate(steps):
        time = interval * np.arange(1, round(seconds / interval) + 1)
        slow = ampere * cell.slow + (over - ampere * cell.slow) * np.exp(-time / cell.tau)
        volts = cell.rest + ampere * cell.ohmic + slow + cell.slope * (moved + ampere * time)
        parts.append(
            pl.DataFrame(
                {
                    "test_time_second": begin + time,
                    "voltage_volt": volts + dice.normal(0, noise, len(time)) if noise else volts,
                    "current_ampere": np.full(len(time), ampere),
                    "step_count": np.full(len(time), number + 1),
                    "step_type": ["rest" if ampere == 0 else "charge" if ampere > 0 else "discharge"] * len(time),
                    "step_time_second": time,
                }
            )
        )
        begin, moved, over = begin + seconds, moved + ampere * seconds, float(slow[-1])
    frame = pl.concat(parts).with_columns(pl.col("step_type").cast(STEP_TYPE))
    return frame if clock else frame.drop("step_time_second")


def train(pulses: int, ampere: float = -1e-3, on: Step = (0.0, 1.0, 0.01), off: Step = (0.0, 9.0, 0.1)) -> list[Step]:
    """Return a long rest, then pulses with rests between."""
    steps: list[Step] = [(0.0, 600.0, 10.0)]
    for _ in range(pulses):
        steps += [(ampere, on[1], on[2]), (0.0, off[1], off[2])]
    return steps

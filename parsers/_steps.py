"""Executed steps and the counters that restart with them, for files that count neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

# A step's first record may come an interval late, by which time its counter has moved.
SLACK: Final = 2.0
FEW_QUANTA: Final = 5.0


def count_steps(rows: pl.DataFrame, labels: Sequence[str], elapsed: str | None = None) -> pl.Series:
    """Number the executed steps from 1: a new one where a label changes or the elapsed time restarts.

    Args:
        rows: in the order of recording.
        labels: columns that stay the same within a step.
        elapsed: time within the step, if it restarts with steps alone; a loop over a single step shows in nothing else.
    """
    changes = [pl.col(name) != pl.col(name).shift(1) for name in labels]
    if elapsed is not None:
        changes.append(pl.col(elapsed) < pl.col(elapsed).shift(1))
    starts = pl.any_horizontal(changes).fill_null(value=False)
    return rows.select(step_count=starts.cum_sum().cast(pl.Int64) + 1).to_series()


def restarts_with_steps(frame: pl.DataFrame, counter: pl.Series, quantum: float) -> bool:
    """Whether a counter in Ah begins every step at what could have flowed since the step began.

    Args:
        frame: ``step_count``, ``step_time_second`` and ``current_ampere``.
        counter: what was counted, unsigned.
        quantum: the counter's smallest step.
    """
    first = frame["step_count"].diff().fill_null(1).to_numpy() > 0
    flowed = np.abs(frame["current_ampere"].to_numpy()) * frame["step_time_second"].to_numpy() / 3600
    return bool((counter.to_numpy()[first] <= SLACK * flowed[first] + FEW_QUANTA * quantum).all())

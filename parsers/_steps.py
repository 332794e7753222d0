"""Executed steps and the counters that restart with them, for files that count neither."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._few_rows import MOST_ROWS

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
    starts = np.zeros(rows.height, dtype=bool)
    for name in labels:
        starts[1:] |= _changes(rows[name])
    if elapsed is not None:
        # Nulls are NaN here, and nothing is less than that.
        starts[1:] |= np.diff(rows[elapsed].to_numpy()) < 0
    return pl.Series("step_count", np.cumsum(starts, dtype=np.int64) + 1)


def _changes(label: pl.Series) -> NDArray[np.bool_]:
    """Mark the rows but the first where a label differs from the row before; one that is missing does not."""
    if label.dtype.is_numeric():
        values = label.to_numpy()
        known = np.isfinite(values)
        return np.asarray((values[1:] != values[:-1]) & known[1:] & known[:-1])
    if len(label) <= MOST_ROWS:
        told = label.to_list()
        pairs = (this not in {None, before} and before is not None for before, this in pairwise(told))
        return np.fromiter(pairs, dtype=bool, count=max(len(told) - 1, 0))
    return (label != label.shift(1)).fill_null(value=False).to_numpy()[1:]


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

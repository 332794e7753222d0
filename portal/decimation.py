"""Fewer points for a screen, without losing an extreme."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

MOST: Final = 5000
EXTREMES: Final = ("arg_min", "arg_max")


def decimate(frame: pl.DataFrame, x: str, y: str, most: int = MOST) -> pl.DataFrame:
    """Return at most so many rows of a frame: both ends, and of every bucket the smallest and the largest ``y``.

    Args:
        frame: rows in the order of ``x``.
        x: column of the horizontal axis; rows without a value are left out.
        y: column of the vertical axis, likewise.
        most: the number of rows, 4 or more.

    Returns:
        Rows of the frame as they are, in their order.
    """
    seen = frame.filter(pl.col(x).is_not_null() & pl.col(y).is_not_null())
    if seen.height <= most:
        return seen
    values = seen[y].cast(pl.Float64).to_numpy()
    edges = np.linspace(1, seen.height - 1, (most - 2) // 2 + 1).astype(int).tolist()
    kept = {0, seen.height - 1}
    for start, end in pairwise(edges):
        bucket = values[start:end]
        kept |= {start + int(bucket.argmin()), start + int(bucket.argmax())}
    return seen[sorted(kept)]


def decimate_all(frame: pl.DataFrame, ys: Sequence[str], most: int = MOST) -> pl.DataFrame:
    """Return at most so many rows of a frame: both ends, and of every bucket the extremes of each of several columns.

    Args:
        frame: rows in their order.
        ys: columns whose extremes are kept; nulls are no extremes.
        most: the number of rows, at least two for the ends and two for each column.
    """
    buckets = (most - 2) // (2 * max(len(ys), 1))
    if frame.height <= most or buckets < 1:
        return frame.head(most)
    bucket = (pl.int_range(pl.len()) * buckets // pl.len()).alias("bucket")
    extremes = [pl.col("row").gather(getattr(pl.col(y), way)()).alias(f"{y} {way}") for y in ys for way in EXTREMES]
    numbered = frame.select(*ys).with_row_index("row").with_columns(bucket)
    found = numbered.group_by("bucket").agg(extremes).drop("bucket")
    rows = {0, frame.height - 1}
    for column in found.get_columns():
        rows |= set(column.explode().drop_nulls().to_list())
    return frame[sorted(rows)]

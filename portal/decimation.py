"""Fewer points for a screen, without losing an extreme."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

MOST: Final = 5000
Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


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


def decimate_all(frame: pl.DataFrame, ys: Sequence[str], most: int = MOST, owner: str | None = None) -> pl.DataFrame:
    """Return at most so many rows of a frame: both ends, and of every bucket the extremes of each of several columns.

    Args:
        frame: rows in their order.
        ys: columns whose extremes are kept; nulls are no extremes.
        most: the number of rows, at least two for the ends and two for each column.
        owner: column that tells whose a row is; so many rows of each, which stand together. All are one's by default.
    """
    if frame.is_empty():
        return frame
    buckets = (most - 2) // (2 * max(len(ys), 1))
    lengths = frame[owner].rle().struct.field("len").to_numpy().astype(np.int64) if owner else np.array([frame.height])
    firsts = np.cumsum(lengths) - lengths
    # Thousands of cells at once: a frame for each would take a hundred times as long.
    size = np.repeat(lengths, lengths)
    place = np.arange(frame.height) - np.repeat(firsts, lengths)
    if buckets < 1:
        return frame.filter(pl.Series(place < most))
    bucket = place * buckets // size
    begins = np.flatnonzero((place == 0) | (np.diff(bucket, prepend=-1) != 0))
    kept = (size <= most) | (place == 0) | (place == size - 1)
    for y in ys:
        values = frame[y].cast(pl.Float64)
        for sign in (1.0, -1.0):
            kept[_smallest(sign * values.fill_null(sign * np.inf).to_numpy(), begins)] = True
    return frame.filter(pl.Series(kept))


def _smallest(values: Floats, begins: Places) -> Places:
    """Return where the first of the smallest values of each bucket stands; nowhere in those that have no value."""
    lengths = np.diff(begins, append=len(values))
    least = np.repeat(np.minimum.reduceat(values, begins), lengths)
    found = np.flatnonzero((values == least) & (values < np.inf))
    bucket = np.repeat(np.arange(len(begins)), lengths)[found]
    places: Places = found[np.diff(bucket, prepend=-1) != 0]
    return places

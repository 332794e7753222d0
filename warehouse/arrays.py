"""Columns as NumPy arrays, without the detour through an expression that Polars takes for each method of a series.

That detour costs a quarter of a millisecond, whatever the length; a small file has dozens of columns to look at. So
does the beginning of its engine for large data, whatever the plan; a firm's results are dozens of small plans.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

# Columns up to this length are looked up word by word faster than by an expression.
FEW: Final = 256


def doubles(column: pl.Series, missing: float = float("nan")) -> Doubles:
    """Return a numeric column as doubles, ``missing`` where it has no value."""
    values: Doubles = column.to_numpy().astype(np.float64, copy=False)
    if column.null_count():
        # Nulls arrive as NaN; a table holds no NaN of its own.
        return np.where(np.isnan(values), missing, values)
    return values


def integers(column: pl.Series, missing: int) -> Integers:
    """Return a column of whole numbers, ``missing`` where it has no value."""
    values = column.to_numpy()
    if column.null_count():
        values = np.where(np.isnan(values), missing, values)
    return values.astype(np.int64, copy=False)


def codes(column: pl.Series, missing: int) -> Integers:
    """Return the place of each word in its enumeration, ``missing`` where there is none."""
    if isinstance(column.dtype, pl.Enum) and len(column) <= FEW:
        places = {word: place for place, word in enumerate(column.dtype.categories.to_list())}
        return np.array([places.get(word, missing) for word in column.to_list()], dtype=np.int64)
    return integers(column.to_physical(), missing)


def collect(plan: pl.LazyFrame) -> pl.DataFrame:
    """Return the rows of a plan over frames that are in memory already."""
    # What eager frames use too: both divide alike, down to the last bit, where one row is joined to all.
    return plan.collect(engine="in-memory")

"""What a manifest states of a cell, as far as it can be divided by."""

from __future__ import annotations

from typing import Final

import polars as pl

# In SI units: no cell has so little of anything, and a result over less would be no number.
LEAST: Final = 1e-100


def stated(value: pl.Expr) -> pl.Expr:
    """Return an area, a thickness or a capacity; null where zero, less or next to nothing was written down."""
    return pl.when(value > LEAST).then(value)

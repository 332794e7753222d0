"""Coulombic efficiencies without the digits that nobody knows: those below the floor are not shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import polars as pl

DASH: Final = "\N{EN DASH}"
# Without a floor nobody knows how true a value is; a tenth of a percent is what good cyclers promise.
UNKNOWN_DECIMALS: Final = 3
MOST_DECIMALS: Final = 6
EFFICIENCY: Final = "coulombic_efficiency"
FLOOR: Final = "coulombic_efficiency_floor"


def cut_digits(frame: pl.DataFrame, columns: Sequence[str] = (EFFICIENCY,), floor: str = FLOOR) -> pl.DataFrame:
    """Return a frame whose efficiencies end at their floors' first digit, and whose floors are rounded up to it.

    Args:
        frame: rows.
        columns: the efficiencies.
        floor: column of their floor; null where nobody knows it.
    """
    known = (pl.col(floor) > 0).fill_null(value=False)
    digit = pl.when(known).then((-pl.col(floor).log10().floor()).clip(0, MOST_DECIMALS))
    reach = (pl.col(floor) * 10.0**digit - 0.01).ceil().clip(lower_bound=1.0) / 10.0**digit
    decimals = (-(reach.log10() + 1e-9).floor()).clip(0, MOST_DECIMALS).fill_null(UNKNOWN_DECIMALS)
    # Where the floor is as large as the value itself, no digit is left.
    resolved = ~known | (reach < 1)
    cut = (
        pl.when(resolved)
        .then((pl.col(name) * 10.0**decimals).round() / 10.0**decimals)
        .round(MOST_DECIMALS)
        .alias(name)
        for name in columns
    )
    return frame.with_columns(*cut, reach.alias(floor))


def cut_without_floor(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose efficiencies have the digits that are shown where no floor stands beside them."""
    return frame.with_columns(pl.col(EFFICIENCY).round(UNKNOWN_DECIMALS))


def print_efficiency(value: float | None, floor: float | None) -> str:
    """Write an efficiency in percent with its floor: ``99.92 ± 0.09 %``; a dash where no digit is known."""
    if value is None or (floor is not None and floor >= 1):
        return DASH
    if not floor or floor <= 0:
        return f"{value * 100:.{UNKNOWN_DECIMALS - 2}f} %"
    digit = min(max(-math.floor(math.log10(floor)), 0), MOST_DECIMALS)
    reach = max(math.ceil(floor * 10**digit - 0.01), 1) / 10**digit
    decimals = max(-math.floor(math.log10(reach) + 1e-9) - 2, 0)
    return f"{value * 100:.{decimals}f} ± {reach * 100:.{decimals}f} %"

"""Small drawings within a page, as coordinates of an SVG: the course of a capacity, the dies of a wafer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from portal.charts.palette import GREY, LIGHT, viridis

WIDTH: Final = 120
HEIGHT: Final = 28
EDGE: Final = 2
MOST_POINTS: Final = 60
# What a line is drawn of.
SPARKED: Final = ("cell_id", "cycle", "capacity_retention")


def draw_spark(values: Sequence[float] | npt.NDArray[np.float64]) -> str:
    """Return the points of a line through values, from the smallest to the largest; empty below two."""
    if len(values) < 2:  # noqa: PLR2004 a line has two ends
        return ""
    count = min(len(values), MOST_POINTS)
    # A line of a hundred pixels has no room for more.
    picked = [values[round(place * (len(values) - 1) / (count - 1))] for place in range(count)]
    low, span = min(picked), (max(picked) - min(picked)) or 1.0
    across = (WIDTH - 2 * EDGE) / (count - 1)
    return " ".join(
        f"{EDGE + place * across:.1f},{HEIGHT - EDGE - (value - low) / span * (HEIGHT - 2 * EDGE):.1f}"
        for place, value in enumerate(picked)
    )


def draw_sparks(fade: pl.DataFrame) -> dict[str, str]:
    """Return the line of every cell's retention.

    Args:
        fade: columns of the question ``fade``, in the order of its rows: cell by cell, each cycle by cycle.
    """
    kept = fade.filter(pl.col("capacity_retention").is_not_null())
    lengths, cells = kept["cell_id"].rle().struct.unnest()
    ends = lengths.cum_sum().to_list()
    # A line looks at a few of a cell's values: no others are taken out of the column.
    values = kept["capacity_retention"].to_numpy()
    return {
        cell: draw_spark(values[end - length : end]) for cell, length, end in zip(cells, lengths, ends, strict=True)
    }


def draw_dies(dies: pl.DataFrame, column: str = "capacity_ah") -> dict[str, Any]:
    """Return a wafer's dies as squares in a box of 100 by 100, coloured by a column."""
    placed = dies.filter(pl.col("die_x").is_not_null(), pl.col("die_y").is_not_null())
    if placed.is_empty():
        return {"squares": [], "side": 0}
    # The centre die is (0, 0) in the canonical frame, so the box is symmetric.
    reach = max(max(abs(value) for value in placed[axis]) for axis in ("die_x", "die_y")) + 1
    side = 100 / (2 * reach + 1)
    values = [value for value in placed[column].to_list() if value is not None]
    low, span = min(values, default=0.0), (max(values, default=1.0) - min(values, default=0.0)) or 1.0
    squares = [
        {
            "x": round(50 + x * side - side * 0.45, 2),
            "y": round(50 - y * side - side * 0.45, 2),
            "fill": LIGHT if value is None else viridis((value - low) / span),
        }
        for x, y, value in placed.select("die_x", "die_y", column).rows()
    ]
    return {"squares": squares, "side": round(side * 0.9, 2), "edge": GREY}

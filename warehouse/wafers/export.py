"""Results back to the fab: one line a die, counted as the wafer's own map counts, with bins and values."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from warehouse.wafer_frame import frame_of

Row = dict[str, Any]

BINS: Final = ("bin", "soft_bin")
VALUES: Final = (
    "capacity_ah",
    "capacity_retention",
    "coulombic_efficiency",
    "resistance_ohm",
    "hf_resistance_ohm",
    "leakage_ampere",
    "fade_rate_per_cycle",
    "life_cycle",
)


def write_bins(dies: pl.DataFrame, frame: Row) -> pl.DataFrame:
    """Return the dies of one wafer as a bins table.

    Columns ``die_x, die_y`` as the map counts them, ``hard_bin, soft_bin, bin_name, cell_id``, the figures that stand
    for the die, and what the map itself said. Ordered by row and column. A die without a bin has an empty one.

    Args:
        dies: rows of the query ``wafer``, of one wafer; those that no die is known of are left out.
        frame: the map's row of ``schema.DIE_MAP``, or the wafer's of ``schema.WAFER``; empty for canonical counts.
    """
    placed = dies.drop_nulls(["die_x", "die_y"])
    axes = ("notch", "x_axis", "y_axis", "centre_die_x", "centre_die_y")
    way = frame_of({name: frame.get(name) for name in axes})
    counted = [way.count(x, y) for x, y in placed.select("die_x", "die_y").iter_rows()]
    columns, rows = ([die[axis] for die in counted] for axis in range(2))
    return placed.select(
        pl.Series("die_x", columns, dtype=pl.Int64),
        pl.Series("die_y", rows, dtype=pl.Int64),
        pl.col("bin").alias("hard_bin"),
        "soft_bin",
        "bin_name",
        "cell_id",
        *VALUES,
        "map_hard_bin",
        "map_soft_bin",
    ).sort("die_y", "die_x", "cell_id")

"""Under which conditions the tests ran: blocks of like cycles, and the steps as the instruments executed them."""

from __future__ import annotations

from typing import Final

import polars as pl

from portal.reports.look import Look

CLASSES: Final = ("formation", "ageing", "rpt", "rate", "pulse", "hold", "incomplete")
ORDER: Final = pl.Enum(CLASSES)


def gather_conditions(look: Look) -> pl.DataFrame:
    """Return the blocks of cycles under one set of conditions."""
    return look.frame("conditions").drop("firm")


def gather_program(look: Look) -> pl.DataFrame:
    """Return what the steps did, by class of cycle and kind of step, in the order in which they run.

    Currents from the smallest to the largest, else medians; the end reason is the commonest.
    """
    classes = look.frame("cycles").select("test_id", "cycle", "class")
    steps = look.frame("steps").join(classes, on=["test_id", "cycle"], how="inner", maintain_order="left")
    placed = steps.with_columns(place=pl.int_range(pl.len()).over("test_id", "cycle", order_by="step_count"))
    current = pl.col("mean_current_ampere")
    grouped = placed.group_by("class", "kind").agg(
        pl.len().alias("steps"),
        pl.col("place").median(),
        current.min().alias("smallest_current_ampere"),
        current.median().alias("current_ampere"),
        current.max().alias("largest_current_ampere"),
        pl.col("last_voltage_volt").median(),
        pl.col("last_current_ampere").median(),
        pl.col("duration_second").median(),
        pl.col("end_reason").drop_nulls().mode().sort().first(),
        pl.col("mean_temperature_celsius").median(),
    )
    # Steps in the order in which a cycle runs them, cycles in the order of a life.
    known = pl.col("class").cast(ORDER, strict=False)
    return grouped.sort(known, "place", "kind", nulls_last=True).drop("place")

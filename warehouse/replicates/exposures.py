"""Heat that a cell went through without current, and what capacity it had before and after.

A sterilisation, a solder reflow or a storage at high temperature shows in the records only where the instrument went on
recording the temperature; what happened outside is not known here.

formula: retention: capacity of the first complete cycle behind the exposure over that of the last one before it, both
    of one block of like cycles; null where one of them is missing
source: the steps' mean temperatures, as the instrument recorded them
condition: no current flows, and the step's mean temperature reaches the recipe's ``exposure_celsius``
"""

from __future__ import annotations

from typing import Any

import polars as pl

from warehouse.replicates.cycles import NO_FLOW
from warehouse.replicates.recipe import ReplicatesRecipe
from warehouse.schema import EXPOSURES

END = pl.col("start_unix_time_second") + pl.col("duration_second")


def list_exposures(placed: pl.DataFrame, cycles: pl.DataFrame, recipe: ReplicatesRecipe) -> pl.DataFrame:
    """Return the exposures of a cell in their order.

    Args:
        placed: the cell's steps in the order of its life.
        cycles: its complete cycles, with their block and capacity.
        recipe: how hot is hot.
    """
    still = pl.col("kind").cast(pl.String).is_in(NO_FLOW)
    hot = placed.filter(still & (pl.col("mean_temperature_celsius") >= recipe.exposure_celsius))
    if hot.is_empty():
        return EXPOSURES.empty()
    # Hot steps that follow each other without another step between, or within the pause, are one exposure.
    apart = (pl.col("place").diff() > 1) & (
        pl.col("start_unix_time_second") - END.shift() > recipe.exposure_pause_second
    )
    spells = hot.with_columns(exposure=1 + apart.fill_null(value=False).cast(pl.Int64).cum_sum())
    summed = spells.group_by("exposure", maintain_order=True).agg(
        pl.col("start_unix_time_second").min(),
        pl.col("duration_second").sum(),
        (pl.col("mean_temperature_celsius") * pl.col("duration_second")).sum() / pl.col("duration_second").sum(),
        pl.col("place").min().alias("begin"),
        pl.col("place").max().alias("end"),
    )
    rows = [{**row, **_compare_capacities(row, cycles)} for row in summed.iter_rows(named=True)]
    named = pl.DataFrame(rows, infer_schema_length=None).rename({"mean_temperature_celsius": "temperature_celsius"})
    return _shape(named)


def _compare_capacities(spell: dict[str, Any], cycles: pl.DataFrame) -> dict[str, Any]:
    """Return the cycles before and after an exposure that can be compared, and their capacities."""
    # Only whole cycles on either side: one that contains the heat is neither before nor behind it.
    before = cycles.filter(pl.col("last_place") < spell["begin"]).tail(1)
    after = cycles.filter(pl.col("first_place") > spell["end"])
    after = after.filter(pl.col("block").is_in(before["block"].to_list())).head(1)
    found: dict[str, Any] = {}
    for name, chosen in (("before", before), ("after", after)):
        found[f"cycle_{name}"] = chosen["cycle"][0] if chosen.height else None
        found[f"capacity_{name}_ah"] = chosen["capacity_ah"][0] if chosen.height else None
    known = found["capacity_before_ah"] and found["capacity_after_ah"] is not None
    found["capacity_ratio"] = found["capacity_after_ah"] / found["capacity_before_ah"] if known else None
    return found


def _shape(frame: pl.DataFrame) -> pl.DataFrame:
    kept = [name for name in EXPOSURES.names if name in frame.columns]
    return frame.select(pl.col(name).cast(EXPOSURES.dtypes[name]) for name in kept)

"""How the cells fade: cycle by cycle, in figures of each cell, and as statistics of like cells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from portal.reports.look import Look
from warehouse.replicates.courses import list_retentions, read_courses
from warehouse.replicates.summaries import Sample, Wafer, summarise

CYCLES: Final = (
    "cell_id",
    "cycle",
    "test_id",
    "class",
    "equivalent_full_cycles",
    "throughput_ah",
    "elapsed_day",
    "charging_capacity_ah",
    "discharging_capacity_ah",
    "capacity_retention",
    "coulombic_efficiency",
    "coulombic_efficiency_floor",
    "energy_efficiency",
)
# Column of the summary to unit.
METRICS: Final = {
    "reference_capacity_ah": "Ah",
    "areal_capacity_ah_per_square_metre": "Ah/m²",
    "coulombic_efficiency_median": "",
    "fade_rate_per_cycle": "",
    "end_of_life_cycle": "",
}
STATISTICS: Final = {
    "group": pl.String(),
    "metric": pl.String(),
    "unit": pl.String(),
    "at_cycle": pl.Int64(),
    "n": pl.Int64(),
    "n_censored": pl.Int64(),
    "n_missing": pl.Int64(),
    "wafers": pl.Int64(),
    "median": pl.Float64(),
    "lower_quartile": pl.Float64(),
    "upper_quartile": pl.Float64(),
    "minimum": pl.Float64(),
    "maximum": pl.Float64(),
    "median_low": pl.Float64(),
    "median_high": pl.Float64(),
    "cells_median_low": pl.Float64(),
    "cells_median_high": pl.Float64(),
    "interval_unit": pl.String(),
    "interval_reason": pl.String(),
    "confidence": pl.Float64(),
}
# One value is no statistic, it stands in the table of cells.
FEWEST: Final = 2


def gather_summary(look: Look) -> pl.DataFrame:
    """Return a row per cell that was measured."""
    # Joined to what was measured: a cell that nobody measured gets no row of blanks.
    items = look.subject.cells.select("cell_id", "lot", "wafer", "die_x", "die_y", "active_area_square_metre")
    areal = pl.col("reference_capacity_ah") / pl.col("active_area_square_metre")
    summary = look.frame("summary").drop("firm", "recipe")
    last = (
        look.frame("fade")
        .filter(pl.col("class") == "ageing")
        .group_by("cell_id")
        .agg(last_ageing_cycle=pl.col("cycle").max())
    )
    joined = summary.join(items, on="cell_id", how="left", maintain_order="left").join(
        last, on="cell_id", how="left", maintain_order="left"
    )
    return joined.with_columns(areal_capacity_ah_per_square_metre=areal).sort("cell_id")


def gather_cycles(look: Look) -> pl.DataFrame:
    """Return every cycle of every cell."""
    return look.frame("fade").select(CYCLES).sort("cell_id", "cycle")


def gather_statistics(look: Look) -> pl.DataFrame:
    """Return what is typical of the subject's like cells; nothing of a single cell.

    Which cells are like is what ``replicates`` says of the whole firm; the figures are of the subject's cells alone.
    """
    groups = _read_groups(look)
    rows = [
        {"group": name, **row}
        for name in sorted(set(groups.values()))
        for row in _describe_group(look, [cell for cell in groups if groups[cell] == name])
    ]
    return pl.DataFrame(rows, schema=STATISTICS, orient="row")


def _read_groups(look: Look) -> dict[str, str]:
    """Return the group of each cell, by its name; empty for a single cell, whose like are not in the report."""
    if look.subject.kind == "cell":
        return {}
    # Asked of the whole firm, for who is like whom must not depend on what a report is about.
    told = look.replicates().select("replicate_group", "cells").rows()
    groups = {cell: group for group, cells in told for cell in json.loads(cells)}
    return {cell: groups[cell] for cell in look.subject.cell_ids if cell in groups}


def _describe_group(look: Look, cells: list[str]) -> Iterator[dict[str, Any]]:
    """Yield a row per figure and age of a group's cells."""
    summary = gather_summary(look).filter(pl.col("cell_id").is_in(cells))
    aged = look.frame("fade").filter(pl.col("cell_id").is_in(cells))
    courses = read_courses(aged)
    for metric, unit in METRICS.items():
        yield from _describe(look, (metric, unit, None), _read_values(summary, metric), cells)
    for cycle, found in list_retentions(courses, look.recipe.replicates):
        rows = pl.DataFrame({"cell_id": list(found), "value": list(found.values())}).with_columns(ended=True)
        # Where some cells have not come so far, those that have are the better ones: no interval for the process.
        complete = rows.height == len(courses)
        yield from _describe(look, ("capacity_retention", "", cycle), rows, cells, complete=complete)


def _read_values(summary: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Return the cells' values; a life that goes on counts with the last ageing cycle that was seen."""
    value = pl.col(metric).cast(pl.Float64)
    if metric != "end_of_life_cycle":
        return summary.select("cell_id", value=value, ended=pl.lit(value=True)).drop_nulls()
    seen = pl.col("last_ageing_cycle").cast(pl.Float64)
    return summary.select("cell_id", value=pl.coalesce(value, seen), ended=~pl.col("end_of_life_censored")).drop_nulls()


def _describe(
    look: Look, figure: tuple[str, str, Any], values: pl.DataFrame, cells: list[str], *, complete: bool = True
) -> Iterator[dict[str, Any]]:
    """Yield the row of one figure (metric, unit, cycle); none of a single value."""
    if values.height < FEWEST:
        return
    metric, unit, cycle = figure
    wafers = _read_wafers(look)
    names = values["cell_id"].to_list()
    sample = Sample(
        names,
        values["value"].to_list(),
        values["ended"].to_list(),
        [wafers[name] for name in names],
        len(cells) - len(names),
        complete,
    )
    told = summarise(sample, look.recipe.replicates)
    yield {
        "metric": metric,
        "unit": unit,
        "at_cycle": cycle,
        **{name: told[name] for name in STATISTICS if name in told},
    }


def _read_wafers(look: Look) -> dict[str, Wafer | None]:
    rows = look.subject.cells.select("cell_id", "lot", "wafer").rows()
    # Lots count their wafers from one: a wafer is only told apart with its lot.
    return {cell: None if wafer is None else (lot or "", wafer) for cell, lot, wafer in rows}

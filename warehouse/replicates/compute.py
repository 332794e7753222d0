"""Cells in, rows of ``schema.REPLICATES`` and ``schema.REPLICATE_CELLS`` out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.groups import COMMON, DECLARED, group_cells
from warehouse.replicates.recipe import ReplicatesRecipe
from warehouse.replicates.summaries import Sample, Wafer, summarise
from warehouse.replicates.values import RETENTION, list_retentions, list_values, read_courses
from warehouse.schema import CONDITIONS, REPLICATE_CELLS, REPLICATES

Rows = list[dict[str, Any]]


def compute_replicates(inputs: FirmInputs, recipe: ReplicatesRecipe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what is typical of each group of like cells of a firm, and the group of each cell."""
    conditions = inputs.results.get(CONDITIONS.name, CONDITIONS.empty())
    grouped = group_cells(inputs.cells, conditions, recipe)
    values, courses = list_values(inputs, recipe), read_courses(inputs.fade)
    rows: Rows = []
    # By name, so that the rows do not depend on the order of the cells.
    for _, members in sorted(grouped.partition_by("replicate_group", as_dict=True, maintain_order=True).items()):
        own = {cell: courses[cell] for cell in members["cell_id"] if cell in courses}
        mine = values.filter(pl.col("cell_id").is_in(members["cell_id"].to_list()))
        found = pl.concat([mine, *list_retentions(own, recipe)])
        shared = _describe(members, inputs.firm)
        rows += [{**shared, **row} for row in _summarise_all(members, found, len(own), recipe)]
    cells = grouped.with_columns(firm=pl.lit(inputs.firm)).select(REPLICATE_CELLS.names)
    return pl.DataFrame(rows, schema=REPLICATES.dtypes), cells


def _describe(members: pl.DataFrame, firm: str) -> dict[str, Any]:
    """Return what the cells of a group have in common."""
    first = members.row(0, named=True)
    medians = {name: members[name].median() for name in COMMON}
    return {"firm": firm, "replicate_group": first["replicate_group"], **{n: first[n] for n in DECLARED}, **medians}


def _summarise_all(
    members: pl.DataFrame, found: pl.DataFrame, aged: int, recipe: ReplicatesRecipe
) -> Iterator[dict[str, Any]]:
    """Yield a row per metric and age; ``aged`` cells of the group have ageing cycles."""
    wafers = {cell: _name_wafer(lot, wafer) for cell, lot, wafer in members.select("cell_id", "lot", "wafer").rows()}
    keys = ["metric", "unit", "at_cycle"]
    for (metric, unit, age), rows in found.partition_by(keys, as_dict=True, maintain_order=True).items():
        cells = rows["cell_id"].to_list()
        sample = Sample(
            cells,
            rows["value"].to_list(),
            rows["ended"].to_list(),
            [wafers[cell] for cell in cells],
            members.height - len(cells),
            complete=metric != RETENTION or len(cells) == aged,
        )
        yield {"metric": metric, "unit": unit, "at_cycle": age, **summarise(sample, recipe)}


def _name_wafer(lot: str | None, wafer: str | None) -> Wafer | None:
    return None if wafer is None else (lot or "", wafer)

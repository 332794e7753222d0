"""Cells in, rows of ``schema.REPLICATES`` and ``schema.REPLICATE_CELLS`` out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.courses import list_courses, list_retentions
from warehouse.replicates.groups import COMMON, DECLARED, describe_groups, group_cells
from warehouse.replicates.recipe import ReplicatesRecipe
from warehouse.replicates.summaries import Sample, Wafer, summarise
from warehouse.replicates.values import RETENTION, Values, list_values
from warehouse.schema import CONDITIONS, REPLICATE_CELLS, REPLICATES

Row = dict[str, Any]


def compute_replicates(inputs: FirmInputs, recipe: ReplicatesRecipe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what is typical of each group of like cells of a firm, and the group of each cell."""
    conditions = inputs.results.get(CONDITIONS.name, CONDITIONS.empty())
    grouped = group_cells(inputs.cells, conditions, recipe)
    values, courses = list_values(inputs, recipe), list_courses(inputs)
    rows: list[Row] = []
    # By name, so that the rows do not depend on the order of the cells.
    for group in describe_groups(grouped, "replicate_group").sort("replicate_group").iter_rows(named=True):
        own = {cell: courses[cell] for cell in group["cell_id"] if cell in courses}
        shared = {"firm": inputs.firm, **{name: group[name] for name in ("replicate_group", *DECLARED, *COMMON)}}
        retentions = [(Values(RETENTION, "", found), age) for age, found in list_retentions(own, recipe)]
        compared = [*((each, None) for each in values), *retentions]
        rows += [{**shared, **row} for row in _summarise_all(group, compared, len(own), recipe)]
    cells = grouped.with_columns(firm=pl.lit(inputs.firm)).select(REPLICATE_CELLS.names)
    return pl.DataFrame(rows, schema=REPLICATES.dtypes), cells


def _summarise_all(
    group: Mapping[str, Any], compared: list[tuple[Values, int | None]], aged: int, recipe: ReplicatesRecipe
) -> Iterator[Row]:
    """Yield a row per metric and age; ``aged`` cells of the group have ageing cycles."""
    members = zip(group["cell_id"], group["lot"], group["wafer"], strict=True)
    wafers = {cell: _name_wafer(lot, wafer) for cell, lot, wafer in members}
    for values, age in compared:
        cells = [cell for cell in wafers if cell in values.of]
        if cells:
            sample = Sample(
                cells,
                [values.of[cell] for cell in cells],
                [cell not in values.lasting for cell in cells],
                [wafers[cell] for cell in cells],
                len(wafers) - len(cells),
                complete=values.metric != RETENTION or len(cells) == aged,
            )
            yield {"metric": values.metric, "unit": values.unit, "at_cycle": age, **summarise(sample, recipe)}


def _name_wafer(lot: str | None, wafer: str | None) -> Wafer | None:
    return None if wafer is None else (lot or "", wafer)

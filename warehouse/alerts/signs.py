"""A firm's cells in, rows of ``schema.SIGNS`` and ``schema.RESIDUALS`` out.

condition: a limit is crossed where the question ``specs`` says fail of a cell
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from operator import itemgetter
from typing import Final

import polars as pl

from warehouse.alerts.jumps import find_jumps
from warehouse.alerts.recipe import AlertsRecipe
from warehouse.alerts.residuals import compute_residuals
from warehouse.alerts.siblings import Member, find_falling
from warehouse.alerts.sign import Sign
from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.courses import list_ageing, list_courses
from warehouse.schema import REPLICATE_CELLS, SIGNS, SPECS

OF_LIMIT: Final = ("spec", "revision", "quantity", "statistic", "conditions", "measured", "lower", "upper", "unit")


def compute_signs(inputs: FirmInputs, recipe: AlertsRecipe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what a firm should look at among its cells, and how far each test lies from those of like cells."""
    courses, ageing = list_courses(inputs), list_ageing(inputs)
    signs = [
        *find_falling(_list_members(inputs), courses, recipe),
        *find_jumps(ageing, recipe),
        *find_crossed(inputs.results.get(SPECS.name, SPECS.empty())),
    ]
    rows = [
        {**asdict(sign), "firm": inputs.firm, "evidence": json.dumps(sign.evidence, sort_keys=True)} for sign in signs
    ]
    return pl.DataFrame(rows, schema=SIGNS.dtypes), compute_residuals(inputs, recipe)


def find_crossed(specs: pl.DataFrame) -> Iterator[Sign]:
    """Yield the cells that cross a limit of a specification.

    Args:
        specs: rows of ``schema.SPECS``.
    """
    if specs.is_empty():
        return
    # Dies without a cell fail by their wafer's map: that is yield, and the question specs tells it.
    failed = specs.filter(pl.col("verdict") == "fail", pl.col("scope") == "cell", pl.col("cell_id").is_not_null())
    for row in failed.iter_rows(named=True):
        subject = " ".join([row["cell_id"], row["spec"], row["quantity"], row["statistic"], row["conditions"]])
        yield Sign("limit_crossed", subject, row["cell_id"], {name: row[name] for name in OF_LIMIT})


def _list_members(inputs: FirmInputs) -> list[Member]:
    """Return the cells that are of a group, by name."""
    groups = inputs.results.get(REPLICATE_CELLS.name, REPLICATE_CELLS.empty())
    names = dict(groups[["cell_id", "replicate_group"]].rows())
    cells = sorted(inputs.cells[["cell_id", "lot", "wafer"]].rows(), key=itemgetter(0))
    return [Member(cell, names[cell], lot, wafer) for cell, lot, wafer in cells if cell in names]

"""A firm's own values on the grid: cells in, rows of ``schema.COHORT_VALUES`` out. They stay with the firm.

formula: retention at a cycle: between the ageing cycles before and after it, linear
condition: the figures are those of the question ``replicates``
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from warehouse.cohort.figures import CYCLES, FIGURES, RETENTION, Figure
from warehouse.cohort.grid import place_cell
from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.recipe import ReplicatesRecipe
from warehouse.replicates.values import READS as VALUES_READS
from warehouse.replicates.values import list_values, read_courses
from warehouse.schema import COHORT_VALUES, CONDITIONS

READS: Final = (*dict.fromkeys((CONDITIONS.name, *VALUES_READS)),)
# A metric that is of no cycle: keys of the registry may not be null.
NO_CYCLE: Final = 0
MANIFEST: Final = ("cell_id", "convention", "cathode", "chemistry", "nominal_capacity_ah", "active_area_square_metre")
MEASURED: Final = ("discharging_rate_per_hour", "temperature_celsius")


def compute_values(inputs: FirmInputs, recipe: ReplicatesRecipe) -> tuple[pl.DataFrame]:
    """Return one row per cell and figure, with the cell's place in the grid or why it has none."""
    conditions = inputs.results.get(CONDITIONS.name, CONDITIONS.empty())
    standing = conditions.filter("stands_for_cell").select("cell_id", *MEASURED)
    cells = inputs.cells.select(MANIFEST).join(standing, on="cell_id", how="left").sort("cell_id")
    places = {cell["cell_id"]: _place(cell) for cell in cells.iter_rows(named=True)}
    once = list_values(inputs, recipe)
    rows = [
        {"firm": inputs.firm, "cell_id": cell, "metric": figure.name, "unit": figure.unit, "at_cycle": age} | place
        for figure in FIGURES
        for cell, age, value in _list_figure(figure, once, inputs)
        if cell in places and (place := _weigh_in(figure, places[cell], value))
    ]
    return (pl.DataFrame(rows, schema=COHORT_VALUES.dtypes, orient="row"),)


def _place(cell: dict[str, Any]) -> dict[str, Any]:
    place, reason = place_cell(cell)
    return {**place, "reason": reason, "area": cell["active_area_square_metre"]}


def _list_figure(figure: Figure, once: pl.DataFrame, inputs: FirmInputs) -> Iterator[tuple[str, int, float]]:
    """Yield each cell's value of a figure, at each common cycle where it is of one."""
    if figure.name != RETENTION:
        for cell, value in once.filter(pl.col("metric") == figure.source).select("cell_id", "value").rows():
            yield cell, NO_CYCLE, value
        return
    for cell, course in read_courses(inputs.fade).items():
        for age in CYCLES:
            retention = course.at(age)
            if retention is not None:
                yield cell, age, retention


def _weigh_in(figure: Figure, place: dict[str, Any], value: float) -> dict[str, Any] | None:
    """Return place and value of a cell, its area counted in; None where there is none without an area."""
    area = place["area"]
    told = {name: each for name, each in place.items() if name != "area"}
    if area is None and figure.per_area:
        return None
    if area is None and figure.with_area:
        return {**dict.fromkeys(told), "reason": told["reason"] or "area_unknown", "value": value}
    return {**told, "value": value * area if figure.per_area else value}

"""A firm's own values on the grid: cells in, rows of ``schema.COHORT_VALUES`` out. They stay with the firm.

formula: retention at a cycle: between the ageing cycles before and after it, linear
condition: the figures are those of the question ``replicates``
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import polars as pl

from warehouse.cohort.figures import CYCLES, FIGURES, RETENTION, Figure
from warehouse.cohort.grid import Place, place_cell
from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.courses import list_courses
from warehouse.replicates.recipe import ReplicatesRecipe
from warehouse.replicates.values import READS as VALUES_READS
from warehouse.replicates.values import Values, list_values
from warehouse.schema import COHORT_VALUES, CONDITIONS

READS: Final = (*dict.fromkeys((CONDITIONS.name, *VALUES_READS)),)
Row = tuple[Any, ...]
# A metric that is of no cycle: keys of the registry may not be null.
NO_CYCLE: Final = 0
MANIFEST: Final = ("cell_id", "convention", "cathode", "chemistry", "nominal_capacity_ah", "active_area_square_metre")
MEASURED: Final = ("discharging_rate_per_hour", "temperature_celsius")

# The place of a cell that is not compared.
NOWHERE: Final = (None,) * len(fields(Place))


@dataclass(frozen=True)
class Placed:
    """Where a cell lies in the grid, why it has no place, and its active area."""

    place: Sequence[str | None]
    reason: str | None
    area: float | None


def compute_values(inputs: FirmInputs, recipe: ReplicatesRecipe) -> tuple[pl.DataFrame]:
    """Return one row per cell and figure, with the cell's place in the grid or why it has none."""
    conditions = inputs.results.get(CONDITIONS.name, CONDITIONS.empty())
    standing = conditions.filter(conditions["stands_for_cell"])[["cell_id", *MEASURED]]
    cells = inputs.cells[list(MANIFEST)].join(standing, on="cell_id", how="left")
    places = {cell["cell_id"]: _place(cell) for cell in cells.iter_rows(named=True)}
    rows = list(_list_rows(inputs, places, list_values(inputs, recipe)))
    columns = zip(*rows, strict=True) if rows else [()] * len(COHORT_VALUES.names)
    named = zip(COHORT_VALUES.dtypes.items(), columns, strict=True)
    return (pl.DataFrame([pl.Series(name, column, dtype) for (name, dtype), column in named]),)


def _list_rows(inputs: FirmInputs, places: Mapping[str, Placed], once: Sequence[Values]) -> Iterator[Row]:
    """Yield rows of ``schema.COHORT_VALUES``, figure by figure."""
    for figure in FIGURES:
        for cell, age, found in _list_figure(figure, once, inputs):
            told = _weigh_in(figure, places[cell], found) if cell in places else None
            if told is not None:
                place, value, reason = told
                yield inputs.firm, cell, *place, figure.name, figure.unit, age, value, reason


def _place(cell: dict[str, Any]) -> Placed:
    place, reason = place_cell(cell)
    return Placed(tuple(place.values()), reason, cell["active_area_square_metre"])


def _list_figure(figure: Figure, once: Sequence[Values], inputs: FirmInputs) -> Iterator[tuple[str, int, float]]:
    """Yield each cell's value of a figure, at each common cycle where it is of one."""
    if figure.name != RETENTION:
        for values in once:
            if values.metric == figure.source:
                yield from ((cell, NO_CYCLE, value) for cell, value in values.of.items())
        return
    for cell, course in list_courses(inputs).items():
        yield from ((cell, age, retention) for age, retention in course.at_all(CYCLES).items())


def _weigh_in(figure: Figure, placed: Placed, value: float) -> tuple[Sequence[str | None], float, str | None] | None:
    """Return place, value and reason of a cell, its area counted in; None where there is none without an area."""
    if placed.area is None and figure.per_area:
        return None
    if placed.area is None and figure.with_area:
        return NOWHERE, value, placed.reason or "area_unknown"
    return placed.place, value * placed.area if figure.per_area and placed.area is not None else value, placed.reason

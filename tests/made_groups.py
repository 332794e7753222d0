"""Cells and firms as computations are given them, with every figure chosen by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from warehouse.metrics.inputs import CellInputs, FirmInputs
from warehouse.replicates import ReplicatesRecipe
from warehouse.replicates.blocks import compute_conditions
from warehouse.schema import (
    CELL,
    CONDITIONS,
    EXPOSURES,
    FADE,
    PROCESS_SPLIT,
    STEP_TYPE,
    STEPS,
    SUMMARY,
    WAFER,
    Table,
    fill_columns,
)

RECIPE: Final = ReplicatesRecipe()
NOMINAL: Final = 1e-4
HOUR: Final = 3600.0
START: Final = 1.77e9


def rows_of(table: Table, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return rows of a table; columns that they leave out are null."""
    if not rows:
        return table.empty()
    given = pl.DataFrame(rows, infer_schema_length=None)
    known = given.select(pl.col(name).cast(table.dtypes[name]) for name in given.columns if name in table.dtypes)
    return fill_columns(known, table)


def cycle_steps(
    cycle: int, discharged: float, current: float = NOMINAL, celsius: float | None = None, lower: float = 3.0
) -> list[dict[str, Any]]:
    """Return the steps of one cycle: charge, rest, discharge, rest."""
    flows = (("charge_cccv", current, discharged / 0.999, 4.2), ("rest", 0.0, 0.0, 4.1))
    flows += (("discharge_cc", -current, -discharged, lower), ("rest", 0.0, 0.0, lower + 0.3))
    return [
        {
            "cycle": cycle,
            "kind": kind,
            "mean_current_ampere": ampere,
            "charge_ah": charge,
            "primary_charge_ah": charge,
            "energy_wh": charge * 3.8,
            "last_voltage_volt": volt,
            "mean_temperature_celsius": celsius,
            "duration_second": abs(charge / ampere) * HOUR if ampere else 600.0,
        }
        for kind, ampere, charge, volt in flows
    ]


def make_cell(
    name: str,
    capacities: Sequence[float],
    *,
    classes: Sequence[str] | None = None,
    currents: Sequence[float] | None = None,
    celsius: Sequence[float | None] | None = None,
    hot_after: int | None = None,
    **cell: Any,
) -> CellInputs:
    """Return a cell with one test whose cycles deliver these capacities.

    Args:
        name: of the cell.
        capacities: discharged charge of each cycle, Ah.
        classes: of each cycle; ageing by default.
        currents: of each cycle, A; the nominal capacity's 1 C by default.
        celsius: recorded temperature of each cycle; None for none.
        hot_after: number of the cycle behind which the cell lies at 134 °C for a quarter of an hour.
        cell: what the manifest says.
    """
    count = len(capacities)
    steps: list[dict[str, Any]] = []
    for number, capacity in enumerate(capacities, start=1):
        current = currents[number - 1] if currents else NOMINAL
        steps += cycle_steps(number, capacity, current, celsius[number - 1] if celsius else None)
        if number == hot_after:
            hot = {"kind": "rest", "mean_temperature_celsius": 134.0, "duration_second": 900.0}
            steps.append({**steps[-1], **hot})
    clock = START
    for place, step in enumerate(steps, start=1):
        step.update(test_id=f"T{name}", revision=1, step_count=place, start_unix_time_second=clock)
        clock += step["duration_second"]
    named = [{**step, "kind": step["kind"]} for step in steps]
    frame = pl.DataFrame(named, infer_schema_length=None).with_columns(pl.col("kind").cast(STEP_TYPE))
    fade = [
        {
            "cell_id": name,
            "firm": "A",
            "cycle": number,
            "test_id": f"T{name}",
            "class": classes[number - 1] if classes else "ageing",
            "discharging_capacity_ah": capacity,
            "capacity_retention": capacity / capacities[0] if not classes or classes[number - 1] == "ageing" else None,
            "coulombic_efficiency": 0.999,
            "energy_efficiency": 0.97,
        }
        for number, capacity in enumerate(capacities, start=1)
    ]
    row = {"cell_id": name, "firm": "A", "nominal_capacity_ah": NOMINAL, "voltage_lower_volt": 3.0, **cell}
    test = {"test_id": f"T{name}", "convention": cell.get("convention") or "full_charge_first"}
    steps_frame = fill_columns(frame.select(name for name in frame.columns if name in STEPS.dtypes), STEPS)
    assert len(fade) == count
    return CellInputs("A", name, row, [test], steps_frame, rows_of(FADE, fade))


def make_firm(
    cells: Sequence[CellInputs],
    summaries: Mapping[str, Mapping[str, Any]] | None = None,
    results: Mapping[str, pl.DataFrame] | None = None,
) -> FirmInputs:
    """Return the firm of some cells, with their conditions computed.

    Args:
        cells: as :func:`make_cell` makes them.
        summaries: further columns of ``schema.SUMMARY`` by cell.
        results: further result tables.
    """
    computed = [compute_conditions(cell, RECIPE) for cell in cells]
    summary = [
        {
            "cell_id": cell.cell_id,
            "firm": "A",
            "first_capacity_ah": cell.fade["discharging_capacity_ah"][0],
            "reference_capacity_ah": cell.fade["discharging_capacity_ah"][0],
            "coulombic_efficiency_median": 0.999,
            "end_of_life_censored": ((summaries or {}).get(cell.cell_id) or {}).get("end_of_life_cycle") is None,
            **((summaries or {}).get(cell.cell_id) or {}),
        }
        for cell in cells
    ]
    return FirmInputs(
        firm="A",
        cells=rows_of(CELL, [cell.cell or {} for cell in cells]),
        wafers=WAFER.empty(),
        splits=PROCESS_SPLIT.empty(),
        specs=pl.DataFrame(),
        summary=rows_of(SUMMARY, summary),
        fade=pl.concat([FADE.empty(), *(cell.fade for cell in cells)]),
        results={
            CONDITIONS.name: pl.concat([CONDITIONS.empty(), *(one[0] for one in computed)]),
            EXPOSURES.name: pl.concat([EXPOSURES.empty(), *(one[1] for one in computed)]),
            **(results or {}),
        },
    )

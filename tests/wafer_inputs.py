"""Firms with made wafers: every value is known, and nothing was measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from warehouse import schema
from warehouse.metrics.inputs import FirmInputs
from warehouse.wafer_frame import describe_frame
from warehouse.wafers import TABLES
from warehouse.wafers.compute import compute_wafers
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.units import limits_in_si

RECIPE = WafersRecipe()
FIRM = "A"
NOMINAL = 1e-4
PITCH = 0.016
RADIUS = 0.1
REACH = 5
DIES = tuple(
    (x, y)
    for y in range(-REACH, REACH + 1)
    for x in range(-REACH, REACH + 1)
    if (x * x + y * y) * PITCH**2 <= (RADIUS - PITCH) ** 2
)

Cell = dict[str, Any]
Fade = dict[int, float]


def rows(table: schema.Table, values: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return rows of a table; what they do not say is null."""
    return pl.DataFrame([dict.fromkeys(table.names) | dict(row) for row in values], schema=table.dtypes, orient="row")


def make_wafer(lot: str, wafer: str, **said: Any) -> dict[str, Any]:
    """Return a wafer of 200 mm with dies of 16 mm, drawn canonically."""
    metres = ("die_pitch_x_metre", "die_pitch_y_metre", "offset_x_metre", "offset_y_metre")
    row = dict.fromkeys(("notch", "x_axis", "y_axis", "centre_die_x", "centre_die_y"))
    row |= dict.fromkeys(metres[:2], PITCH) | dict.fromkeys(metres[2:], 0.0)
    row |= {"firm": FIRM, "lot": lot, "wafer": wafer, "diameter_metre": 2 * RADIUS, "updated_unix_second": 0.0} | said
    return row | describe_frame(row)


def make_cells(
    lot: str, wafer: str, dies: Iterable[tuple[int, int]] = DIES, split: str | None = None, **said: Any
) -> list[Cell]:
    """Return a cell on each of some dies of a wafer."""
    return [
        {
            "firm": FIRM,
            "cell_id": f"{lot}-{wafer}-{x:+d}{y:+d}",
            "lot": lot,
            "wafer": wafer,
            "die_x": x,
            "die_y": y,
            "process_split": split,
            "nominal_capacity_ah": NOMINAL,
            "updated_unix_second": 0.0,
            **said,
        }
        for x, y in dies
    ]


def make_summary(cell: Cell, **said: Any) -> dict[str, Any]:
    """Return the summary of a cell: capacity, and no end of life within 600 cycles."""
    known = {
        "cell_id": cell["cell_id"],
        "firm": FIRM,
        "cycles": 600,
        "reference_policy": "first_after_formation",
        "reference_cycle": 3,
        "reference_capacity_ah": NOMINAL,
        "end_of_life_threshold": 0.8,
        "end_of_life_censored": True,
        "knee_status": "none",
        "recipe": "made",
    }
    return known | said


def make_fade(cell: Cell, retention: Fade, capacity: float = NOMINAL) -> list[dict[str, Any]]:
    """Return ageing cycles of a cell with these retentions, by cycle."""
    return [
        {
            "cell_id": cell["cell_id"],
            "firm": FIRM,
            "cycle": cycle,
            "test_id": f"T-{cell['cell_id']}",
            "class": "ageing",
            "discharging_capacity_ah": capacity * part,
            "charging_capacity_ah": capacity * part,
            "capacity_retention": part,
            "coulombic_efficiency": 1.0,
        }
        for cycle, part in retention.items()
    ]


def make_limit(quantity: str, lower: float | None, upper: float | None, unit: str, **said: Any) -> dict[str, Any]:
    """Return a limit of specification S, revision 1, without conditions."""
    conditions = json.dumps(said.pop("conditions", {}))
    known = {
        "firm": FIRM,
        "spec": "S",
        "revision": 1,
        "quantity": quantity,
        "statistic": "",
        "updated_unix_second": 0.0,
    }
    limits = limits_in_si(quantity, unit, lower, upper)
    assert limits is not None
    return known | {"conditions": conditions, "lower": lower, "upper": upper, "unit": unit} | limits | said


def make_inputs(
    cells: list[Cell],
    summaries: Callable[[Cell], dict[str, Any]] = make_summary,
    *,
    wafers: Iterable[dict[str, Any]] = (),
    specs: Iterable[dict[str, Any]] = (),
    fade: Iterable[dict[str, Any]] = (),
    splits: Iterable[dict[str, Any]] = (),
    maps: Iterable[dict[str, Any]] = (),
    dies: Iterable[dict[str, Any]] = (),
    **results: pl.DataFrame,
) -> FirmInputs:
    """Return a firm as the engine hands it to the computation."""
    return FirmInputs(
        FIRM,
        rows(schema.CELL, cells),
        rows(schema.WAFER, wafers),
        rows(schema.PROCESS_SPLIT, splits),
        rows(schema.SPEC_LIMIT, specs),
        rows(schema.SUMMARY, map(summaries, cells)),
        rows(schema.FADE, fade),
        results,
        maps=rows(schema.DIE_MAP, maps),
        dies=rows(schema.DIE_RESULT, dies),
    )


def compute(inputs: FirmInputs, recipe: WafersRecipe = RECIPE) -> dict[str, pl.DataFrame]:
    """Return every table of the computation, by name, complete and stamped as the engine does it."""
    made = compute_wafers(inputs, recipe)
    return {
        table.name: schema.conform_columns(
            schema.fill_columns(frame.with_columns(recipe=pl.lit("made")), table), table, table.name
        )
        for table, frame in zip(TABLES, made, strict=True)
    }


def bowl(x: int, y: int, radial: float, tilt_x: float, tilt_y: float) -> float:
    """Return a profile over the wafer: 1 at the centre, the parts added at the edge."""
    right, up = x * PITCH / RADIUS, y * PITCH / RADIUS
    return 1 + radial * (right * right + up * up) + tilt_x * right + tilt_y * up


def seeded(number: int) -> np.random.Generator:
    """Return random numbers that are the same in every run."""
    return np.random.default_rng(20_260_302 + number)

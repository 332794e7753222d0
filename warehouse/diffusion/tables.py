"""Titrations of a test in, rows of the warehouse out."""

from __future__ import annotations

from typing import Any

import polars as pl

from warehouse.diffusion.recipe import DiffusionRecipe
from warehouse.diffusion.trains import find_hold_trains, find_pulse_trains
from warehouse.metrics.inputs import TestInputs
from warehouse.schema import GITT, PITT, Table, fill_columns


def compute_diffusion(inputs: TestInputs, recipe: DiffusionRecipe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read every titration of a test.

    Args:
        inputs: the test; its records are read only if there is a titration.
        recipe: thresholds.

    Returns:
        Rows of ``schema.GITT`` and of ``schema.PITT``.
    """
    pulses, holds = find_pulse_trains(inputs.steps, recipe), find_hold_trains(inputs.steps, recipe)
    if not pulses and not holds:
        return GITT.empty(), PITT.empty()
    # Only a test with a titration pays for what fits lines.
    from warehouse.diffusion.gitt import describe_train, read_titration  # noqa: PLC0415 most tests need none of it
    from warehouse.diffusion.pitt import describe_holds  # noqa: PLC0415 most tests need none of it

    thickness = (inputs.cell or {}).get("cathode_thickness_metre")
    by_current: list[dict[str, Any]] = []
    if pulses:
        titration = read_titration(inputs, recipe)
        for number, train in enumerate(pulses, start=1):
            by_current += describe_train(titration, number, train, thickness)
    by_voltage = [
        row
        for number, train in enumerate(holds, start=1)
        for row in describe_holds(inputs, number, train, thickness, recipe)
    ]
    return _frame(inputs, by_current, GITT), _frame(inputs, by_voltage, PITT)


def _frame(inputs: TestInputs, rows: list[dict[str, Any]], table: Table) -> pl.DataFrame:
    keys = {"test_id": inputs.test["test_id"], "revision": inputs.test["revision"]}
    frame = pl.DataFrame([{**keys, **row} for row in rows], schema=table.dtypes)
    floats = pl.col(pl.Float64)
    return fill_columns(frame.with_columns(pl.when(floats.is_finite()).then(floats).name.keep()), table)

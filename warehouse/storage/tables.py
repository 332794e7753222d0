"""Rests, holds and storages in, rows of the warehouse out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from warehouse.metrics.inputs import CellInputs, TestInputs
from warehouse.schema import CALENDAR, CALENDAR_FIT, FLOAT_LEAKAGE, STORAGE_LOSS, VOLTAGE_DECAY, Table, fill_columns
from warehouse.storage.recipe import StorageRecipe

Values = dict[str, Any]


def compute_leakage(inputs: TestInputs, recipe: StorageRecipe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the slope of every long rest and the current of every long hold of a test.

    Args:
        inputs: the test; its records are read only if it has such a rest or hold.
        recipe: thresholds.

    Returns:
        Rows of ``schema.VOLTAGE_DECAY`` and of ``schema.FLOAT_LEAKAGE``.
    """
    from warehouse.storage.decay import describe_rest, find_rests, read_records  # noqa: PLC0415 most tests need none
    from warehouse.storage.floats import describe_hold, find_holds  # noqa: PLC0415 most tests need none of it

    if not inputs.steps.height:
        return VOLTAGE_DECAY.empty(), FLOAT_LEAKAGE.empty()
    rests, holds = find_rests(inputs, recipe), find_holds(inputs, recipe)
    if not rests and not holds:
        return VOLTAGE_DECAY.empty(), FLOAT_LEAKAGE.empty()
    records = read_records(inputs)
    keys = {"test_id": inputs.test["test_id"], "revision": inputs.test["revision"]}
    decays = [describe_rest(records, first, last, recipe) for first, last in rests]
    leaks = [row for step in holds if (row := describe_hold(records, step, recipe)) is not None]
    return _frame(keys, decays, VOLTAGE_DECAY), _frame(keys, leaks, FLOAT_LEAKAGE)


def compute_storage(inputs: CellInputs, recipe: StorageRecipe) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Read what a cell lost while it was stored, and how it ages by the calendar.

    Args:
        inputs: the cell; ``results`` holds ``float_leakage``.
        recipe: thresholds.

    Returns:
        Rows of ``schema.STORAGE_LOSS``, of ``schema.CALENDAR`` and of ``schema.CALENDAR_FIT``.
    """
    from warehouse.storage.calendar import describe_check_ups, fit_calendar  # noqa: PLC0415 most cells need none of it
    from warehouse.storage.loss import describe_storages  # noqa: PLC0415 most cells need none of it
    from warehouse.storage.timeline import Timeline, is_still  # noqa: PLC0415 most cells need none of it

    if not inputs.steps.height or not is_still(inputs, recipe.shortest_storage_hour):
        return STORAGE_LOSS.empty(), CALENDAR.empty(), CALENDAR_FIT.empty()
    timeline = Timeline(inputs)
    keys = {"firm": inputs.firm, "cell_id": inputs.cell_id}
    leakage = inputs.results.get(FLOAT_LEAKAGE.name, FLOAT_LEAKAGE.empty())
    halves = timeline.find_halves(recipe, recipe.shortest_storage_hour)
    check_ups = describe_check_ups(timeline, halves, leakage, recipe)
    fit = fit_calendar(check_ups, recipe)
    return (
        _frame(keys, describe_storages(timeline, halves, recipe), STORAGE_LOSS),
        _frame(keys, check_ups, CALENDAR),
        _frame(keys, [fit] if fit else [], CALENDAR_FIT),
    )


def _frame(keys: Values, rows: Sequence[Values], table: Table) -> pl.DataFrame:
    frame = pl.DataFrame([{**keys, **row} for row in rows], schema=table.dtypes)
    floats = pl.col(pl.Float64)
    return fill_columns(frame.with_columns(pl.when(floats.is_finite()).then(floats).name.keep()), table)

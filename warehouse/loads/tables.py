"""The result tables of one test's loads: its records are read once, and only where there is something to read off."""

from __future__ import annotations

from typing import Final

import polars as pl

from warehouse.loads.bursts import cut_bursts
from warehouse.loads.charge_state import count_charge_state
from warehouse.loads.curves import draw_curves
from warehouse.loads.cycling import describe_cycles
from warehouse.loads.edges import Limits, find_resistances
from warehouse.loads.precision import find_precision
from warehouse.loads.pulses import describe_pulses
from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.records import COLUMNS, Records
from warehouse.metrics.inputs import TestInputs
from warehouse.schema import CYCLE_EXTRAS, DQDV, PRECISION, PULSES, RESISTANCE

TABLES: Final = (RESISTANCE, PULSES, DQDV, CYCLE_EXTRAS)


def compute_loads(inputs: TestInputs, recipe: LoadsRecipe) -> tuple[pl.DataFrame, ...]:
    """Return rows of :data:`TABLES`; none where no charge ever moved.

    Args:
        inputs: the test.
        recipe: thresholds.
    """
    # Cycles count every step that moves charge but what came before the first.
    if not inputs.cycles.height:
        return tuple(table.empty() for table in TABLES)
    rows = inputs.read_rows(COLUMNS)
    records = Records(inputs, rows, recipe.longest_pulse_second)
    known = inputs.results.get(PRECISION.name)
    precision = find_precision(inputs, rows, recipe) if known is None else known
    pieces, step = cut_bursts(inputs, rows)
    loads = records if pieces is inputs else Records(pieces, rows, recipe.longest_pulse_second)
    limits, state = Limits.of(precision, recipe), count_charge_state(inputs)[step]
    return (
        find_resistances(loads, state, limits, recipe),
        describe_pulses(loads, state, limits, recipe),
        draw_curves(records, precision, recipe),
        describe_cycles(records),
    )

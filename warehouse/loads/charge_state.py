"""State of charge by counting, within complete cycles of full cells."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.metrics.inputs import TestInputs

Doubles = NDArray[np.float64]

# Of a half cell it is a matter of taste which end is full.
FULL_CELLS: Final = {"full_charge_first": 1.0, "full_discharge_first": -1.0}


def count_charge_state(inputs: TestInputs) -> Doubles:
    """Return the state of charge before each step; NaN where it cannot be counted.

    A cycle's first half runs over its own charge from one end to the other, and so does its second half: what the
    half moved by then is the part of the way.

    Args:
        inputs: the test.
    """
    first = FULL_CELLS.get(inputs.test["convention"])
    unknown = np.full(inputs.steps.height, np.nan)
    if first is None or not inputs.cycles.height:
        return unknown
    complete = inputs.cycles.filter(pl.col("class") != "incomplete")["cycle"]
    charge = pl.col("primary_charge_ah").fill_null(0.0) * first
    moved = charge.cum_sum().over("cycle")
    # The turn from the first half to the second is where most has been moved the first way.
    place = pl.int_range(pl.len()).over("cycle")
    turn = pl.col("moved").arg_max().over("cycle")
    highest = pl.col("moved").max().over("cycle")
    # The lowest point behind the turn: rests and pulses may follow it.
    lowest = pl.col("moved").filter(pl.col("place") >= pl.col("turn")).min().over("cycle")
    before = pl.col("moved") - charge
    part = (
        pl.when(pl.col("place") <= pl.col("turn"))
        .then(before / highest)
        .otherwise(1 - (highest - before) / (highest - lowest))
    )
    state = part if first > 0 else 1 - part
    counted = (
        inputs.steps.select("cycle", "primary_charge_ah", moved=moved, place=place)
        .with_columns(turn=turn)
        .select(pl.when(pl.col("cycle").is_in(complete.implode())).then(state))
        .to_series()
    )
    values: Doubles = counted.fill_null(np.nan).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)

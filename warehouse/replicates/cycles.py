"""One row per complete cycle of a cell, from its steps: its currents, voltages, temperature, and where it lies."""

from __future__ import annotations

from typing import Final

import polars as pl

from warehouse.metrics.inputs import CellInputs

# A pulse moves charge and belongs to its cycle; a spectrum moves none on average.
NO_FLOW: Final = ("rest", "pause", "eis")
INTO = pl.col("mean_current_ampere") > 0
# The counter where it is fine enough, as the cycles themselves are made.
CHARGE = pl.coalesce("primary_charge_ah", "charge_ah").abs()
ENERGY = pl.coalesce("primary_energy_wh", "energy_wh").abs()
# A mean over charge, so that the long tail of a constant voltage does not hide the set current.
WEIGHTED = pl.col("mean_current_ampere").abs() * CHARGE
WARM = pl.col("mean_temperature_celsius").is_not_null()
SECONDS = pl.col("duration_second")

USED: Final = (
    "test_id",
    "step_count",
    "cycle",
    "kind",
    "start_unix_time_second",
    "duration_second",
    "mean_current_ampere",
    "mean_temperature_celsius",
    "last_voltage_volt",
    "charge_ah",
    "primary_charge_ah",
    "energy_wh",
    "primary_energy_wh",
)
AGGREGATES: Final = (
    (WEIGHTED.filter(INTO).sum() / CHARGE.filter(INTO).sum()).alias("charging_current_ampere"),
    (WEIGHTED.filter(~INTO).sum() / CHARGE.filter(~INTO).sum()).alias("discharging_current_ampere"),
    pl.col("last_voltage_volt").filter(INTO).max().alias("upper_voltage_volt"),
    pl.col("last_voltage_volt").filter(~INTO).min().alias("lower_voltage_volt"),
    ((pl.col("mean_temperature_celsius") * SECONDS).filter(WARM).sum() / SECONDS.filter(WARM).sum()).alias(
        "temperature_celsius"
    ),
    SECONDS.filter(INTO).sum().alias("charge_time_second"),
    CHARGE.filter(INTO).sum().alias("charged_ah"),
    CHARGE.filter(~INTO).sum().alias("discharged_ah"),
    ENERGY.filter(INTO).sum().alias("charged_wh"),
    ENERGY.filter(~INTO).sum().alias("discharged_wh"),
    pl.col("place").min().alias("first_place"),
    pl.col("place").max().alias("last_place"),
)


def place_steps(inputs: CellInputs) -> pl.DataFrame:
    """Return what is used of the cell's steps, in the order of its life, with their place in it."""
    order = {test["test_id"]: number for number, test in enumerate(inputs.tests)}
    ranked = inputs.steps.select(USED).with_columns(rank=pl.col("test_id").replace_strict(order, return_dtype=pl.Int64))
    return ranked.sort("rank", "step_count").with_row_index("place")


def list_cycles(inputs: CellInputs, placed: pl.DataFrame) -> pl.DataFrame:
    """Return the complete cycles by their number in the cell's life.

    Args:
        inputs: the cell.
        placed: its steps as :func:`place_steps` returns them.
    """
    flowing = placed.filter(~pl.col("kind").cast(pl.String).is_in(NO_FLOW))
    sums = flowing.group_by("test_id", own=pl.col("cycle")).agg(*AGGREGATES)
    # The answer counts over the cell's life, steps over their test.
    own = pl.int_range(1, pl.len() + 1).over("test_id")
    # A floor of the quantum alone leaves out an offset that nobody knows.
    whole_floor = pl.when(pl.col("coulombic_efficiency_floor_terms") != "quantum").then(
        pl.col("coulombic_efficiency_floor")
    )
    named = ("cycle", "test_id", "class", "coulombic_efficiency", "energy_efficiency")
    known = inputs.fade.sort("cycle").select(*named, own=own, coulombic_efficiency_floor=whole_floor)
    whole = known.filter(pl.col("class") != "incomplete").join(sums, on=("test_id", "own"), how="inner")
    # A division of nothing by nothing is unknown.
    return whole.with_columns(pl.col(pl.Float64).fill_nan(None)).sort("cycle")

"""Blocks of like cycles of a cell: the conditions it was cycled under, and what it gave there.

A block is every complete cycle of one class at one discharge current, to one upper voltage, at one temperature. One of
them stands for the cell: its longest block of ageing cycles, or where it never aged its longest block.

formula: capacity: median of the discharged charge of the block's first cycles; of an anode half cell the charged one
formula: rate: current / nominal capacity, per hour (C-rate)
formula: depth of discharge: 1 where the manifest's lower voltage limit was reached, else capacity / nominal capacity
source: the cell's steps and its answer to the question fade; nominal capacity and limits from the manifest
condition: complete cycles only; a temperature only where an instrument recorded one, never from a name
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from warehouse.arrays import Integers, doubles
from warehouse.metrics.inputs import CellInputs
from warehouse.replicates.cycles import list_cycles, place_steps
from warehouse.replicates.exposures import list_exposures
from warehouse.replicates.likeness import number_sets
from warehouse.replicates.recipe import ReplicatesRecipe
from warehouse.replicates.stated import stated
from warehouse.schema import CONDITIONS, EXPOSURES

# A cell is what it is in its loop; a rate test before it says less, however long it was.
STANDS_FIRST: Final = "ageing"
FLOOR: Final = pl.col("coulombic_efficiency_floor")
MEDIANS: Final = (
    "charging_current_ampere",
    "discharging_current_ampere",
    "upper_voltage_volt",
    "lower_voltage_volt",
    "temperature_celsius",
    "charge_time_second",
    "coulombic_efficiency",
    "energy_efficiency",
)


def compute_conditions(inputs: CellInputs, recipe: ReplicatesRecipe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of ``schema.CONDITIONS`` and ``schema.EXPOSURES`` of one cell."""
    if inputs.fade.is_empty() or inputs.steps.is_empty():
        return CONDITIONS.empty(), EXPOSURES.empty()
    placed = place_steps(inputs)
    cycles = list_cycles(inputs, placed)
    if cycles.is_empty():
        return CONDITIONS.empty(), EXPOSURES.empty()
    cycles = cycles.with_columns(block=pl.Series(_number_blocks(cycles, recipe)), capacity_ah=_choose(inputs, "ah"))
    cycles = cycles.with_columns(energy_wh=_choose(inputs, "wh"))
    blocks = _describe_blocks(cycles, inputs.cell or {}, recipe)
    # A test without an owner stands for a cell without a firm.
    key = {"firm": pl.lit(inputs.firm, dtype=pl.String), "cell_id": pl.lit(inputs.cell_id)}
    exposures = list_exposures(placed, cycles, recipe)
    return blocks.with_columns(**key).select(CONDITIONS.names), exposures.with_columns(**key).select(EXPOSURES.names)


def _choose(inputs: CellInputs, unit: str) -> pl.Expr:
    """Return what the cell delivers: of an anode half cell, which discharging fills, what is charged."""
    anodes = [test["test_id"] for test in inputs.tests if test["convention"] == "half_anode"]
    delivered = pl.when(pl.col("test_id").is_in(anodes)).then(pl.col(f"charged_{unit}"))
    return delivered.otherwise(pl.col(f"discharged_{unit}"))


def _number_blocks(cycles: pl.DataFrame, recipe: ReplicatesRecipe) -> Integers:
    """Return the number of each cycle's block, from 1 in the order in which they begin."""
    # The lower voltage is left out: at the end of a discharge that is cut by its charge it is a result.
    alike = np.column_stack(
        [
            np.unique(cycles["class"].to_numpy(), return_inverse=True)[1],
            number_sets(doubles(cycles["discharging_current_ampere"]), recipe.same_current, relative=True),
            number_sets(doubles(cycles["upper_voltage_volt"]), recipe.same_voltage_volt),
            number_sets(doubles(cycles["temperature_celsius"]), recipe.same_temperature_kelvin),
        ]
    )
    _, first, found = np.unique(alike, axis=0, return_index=True, return_inverse=True)
    numbers: Integers = (np.argsort(np.argsort(first)) + 1)[found.ravel()]
    return numbers


def _describe_blocks(cycles: pl.DataFrame, cell: Any, recipe: ReplicatesRecipe) -> pl.DataFrame:
    nominal = stated(pl.lit(cell.get("nominal_capacity_ah"), dtype=pl.Float64))
    limit = pl.lit(cell.get("voltage_lower_volt"), dtype=pl.Float64)
    # A bad cell that reaches its limit is discharged in full, however little that was.
    reached = pl.col("lower_voltage_volt") <= limit + recipe.same_voltage_volt
    blocks = (
        cycles.group_by("block", maintain_order=True)
        .agg(
            pl.col("class").first(),
            pl.len().cast(pl.Int64).alias("cycles"),
            pl.col("cycle").min().alias("first_cycle"),
            pl.col("cycle").max().alias("last_cycle"),
            pl.col(MEDIANS).median(),
            pl.when(FLOOR.is_not_null().all()).then(FLOOR.max()),
            pl.col("capacity_ah", "energy_wh").head(recipe.first_cycles).median(),
        )
        .with_columns(
            charging_rate_per_hour=pl.col("charging_current_ampere") / nominal,
            discharging_rate_per_hour=pl.col("discharging_current_ampere") / nominal,
            discharging_current_ampere=-pl.col("discharging_current_ampere"),
            depth_of_discharge=pl.when(reached).then(1.0).otherwise(pl.col("capacity_ah") / nominal),
        )
    )
    ageing = pl.col("class") == STANDS_FIRST
    chosen = blocks.sort(ageing, "cycles", -pl.col("block")).tail(1)["block"].item()
    return blocks.with_columns(stands_for_cell=pl.col("block") == chosen)

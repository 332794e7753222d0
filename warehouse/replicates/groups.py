"""Which cells are replicates of each other: like by their manifest, and cycled under like conditions.

condition: same project, chemistry, process split and nominal capacity by the manifest; same rates, voltage window,
    depth of discharge and temperature as measured, within the recipe's tolerances; unknown is like unknown
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, Integers, doubles
from warehouse.replicates.likeness import number_sets
from warehouse.replicates.recipe import ReplicatesRecipe

DECLARED: Final = ("project", "chemistry", "process_split")
MEASURED: Final = (
    "charging_rate_per_hour",
    "discharging_rate_per_hour",
    "upper_voltage_volt",
    "lower_voltage_volt",
    "temperature_celsius",
    "depth_of_discharge",
)
COMMON: Final = ("nominal_capacity_ah", *MEASURED)
CELL_COLUMNS: Final = (
    "cell_id",
    *DECLARED,
    "lot",
    "wafer",
    "nominal_capacity_ah",
    "active_area_square_metre",
    "voltage_lower_volt",
)
# Nominal capacities come from a person; what differs by more than rounding was meant to differ.
ROUNDING: Final = 1e-6
# Enough digits to tell neighbouring conditions apart, and no more.
WORDS: Final = {
    "nominal_capacity_ah": "{:.6g} Ah",
    "charging_rate_per_hour": "charge {:.3g} C",
    "discharging_rate_per_hour": "discharge {:.3g} C",
    "upper_voltage_volt": "to {:.2f} V",
    "lower_voltage_volt": "down to {:.2f} V",
    "temperature_celsius": "{:.0f} °C",
    "depth_of_discharge": "depth {:.2g}",
}


def group_cells(cells: pl.DataFrame, conditions: pl.DataFrame, recipe: ReplicatesRecipe) -> pl.DataFrame:
    """Return one row per cell with its group.

    Args:
        cells: rows of ``schema.CELL``.
        conditions: rows of ``schema.CONDITIONS``.
        recipe: what counts as like.

    Returns:
        What the cells are compared by, and ``replicate_group``, which says what those of one group have in common.
    """
    standing = conditions.filter(conditions["stands_for_cell"])[["cell_id", *MEASURED]]
    rows = cells[list(CELL_COLUMNS)].join(standing, on="cell_id", how="left").sort("cell_id")
    numbers = _number_groups(rows, recipe)
    grouped = rows.hstack([pl.Series("group", numbers, dtype=pl.Int64)])
    names: dict[int, str] = {}
    for members in describe_groups(grouped, "group").iter_rows(named=True):
        name = _name_group(members)
        # Two groups may round to the same words.
        names[members["group"]] = name if name not in names.values() else f"{name} ({members['group']})"
    return grouped.hstack([pl.Series("replicate_group", [names[number] for number in numbers], dtype=pl.String)])


def describe_groups(grouped: pl.DataFrame, group: str) -> pl.DataFrame:
    """Return one row per group with its cells, their lots and wafers, and what they have in common.

    Args:
        grouped: as :func:`group_cells` returns it.
        group: the column that names the group.
    """
    listed, alike = pl.col("cell_id", "lot", "wafer"), pl.col(DECLARED).first()
    return grouped.group_by(group, maintain_order=True).agg(listed, alike, pl.col(COMMON).median())


def _number_groups(rows: pl.DataFrame, recipe: ReplicatesRecipe) -> list[int]:
    """Return the number of each cell's group, in the order of their first cells."""
    # Cells without a project, chemistry or split are alike in that nobody named one.
    declared = ([word or "" for word in rows[name].to_list()] for name in DECLARED)
    measured = (numbers.tolist() for numbers in _number_conditions(rows, recipe))
    numbers: dict[tuple[object, ...], int] = {}
    return [numbers.setdefault(alike, len(numbers)) for alike in zip(*declared, *measured, strict=True)]


def _number_conditions(rows: pl.DataFrame, recipe: ReplicatesRecipe) -> list[Integers]:
    """Return for each measured condition which of its values are the same."""
    depth = _find_depths(rows, recipe)
    # Where the discharge ends by its charge, the voltage at its end is a result.
    lower = np.where(depth < recipe.full_depth, np.nan, doubles(rows["lower_voltage_volt"]))
    return [
        number_sets(doubles(rows["nominal_capacity_ah"]), ROUNDING, relative=True),
        number_sets(doubles(rows["charging_rate_per_hour"]), recipe.same_current, relative=True),
        number_sets(doubles(rows["discharging_rate_per_hour"]), recipe.same_current, relative=True),
        number_sets(doubles(rows["upper_voltage_volt"]), recipe.same_voltage_volt),
        number_sets(lower, recipe.same_voltage_volt),
        number_sets(doubles(rows["temperature_celsius"]), recipe.same_temperature_kelvin),
        number_sets(depth, recipe.same_depth, relative=True),
    ]


def _find_depths(rows: pl.DataFrame, recipe: ReplicatesRecipe) -> Doubles:
    """Return depths of discharge that are a condition: without a limit by manifest a small one may be a bad cell."""
    depth = doubles(rows["depth_of_discharge"])
    depth = np.where(depth >= recipe.full_depth, 1.0, depth)
    return np.where(np.isnan(doubles(rows["voltage_lower_volt"])), np.nan, depth)


def _name_group(group: Mapping[str, Any]) -> str:
    """Say in words what the cells of a group have in common."""
    declared = [str(group[name]) for name in DECLARED if group[name]]
    measured = [words.format(group[name]) for name, words in WORDS.items() if group[name] is not None]
    return " · ".join([*declared, *measured]) or "nothing known"

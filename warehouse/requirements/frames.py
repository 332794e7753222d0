"""Where quantities are read from: result tables with what the manifest says of each cell, and a few derived frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.values import read_courses
from warehouse.requirements.recipe import RequirementsRecipe
from warehouse.schema import CONDITIONS

# Area, thickness and nominal capacity come from the manifest, never from an instrument.
OF_CELL: Final = (
    "cell_id",
    "nominal_capacity_ah",
    "active_area_square_metre",
    "cathode_thickness_metre",
    "electrolyte_thickness_metre",
    "anode_thickness_metre",
)
# Half the rate and less counts as slow beside it.
SLOWER: Final = 0.5


class Frames:
    """The frames of one firm, each made when it is first asked for.

    Args:
        inputs: the firm.
        recipe: what counts as the same rate or temperature.
    """

    def __init__(self, inputs: FirmInputs, recipe: RequirementsRecipe) -> None:
        self._inputs = inputs
        self._recipe = recipe
        self._made: dict[str, pl.DataFrame] = {}
        self._courses = read_courses(inputs.fade)
        self._cells = inputs.cells.select(OF_CELL)

    def read(self, name: str, conditions: Mapping[str, float]) -> pl.DataFrame:
        """Return a frame; that of retentions at the cycle that the conditions name."""
        if name == "retentions":
            return self._list_retentions(conditions.get("cycle"))
        if name not in self._made:
            make = {"lives": self._list_lives, "ratios": self._list_ratios}.get(name)
            self._made[name] = make() if make else self._read_result(name)
        return self._made[name]

    def _read_result(self, name: str) -> pl.DataFrame:
        """Return a result table; of rows about a cycle of a test, with the cycle of the cell beside it."""
        # A table that nothing computes yet is one without rows.
        frame = self._inputs.results.get(name, pl.DataFrame(schema={"cell_id": pl.String}))
        if "test_id" in frame.columns and "cycle" in frame.columns:
            own = pl.int_range(1, pl.len() + 1).over("test_id")
            numbered = self._inputs.fade.select("cell_id", "test_id", "cycle").sort("cell_id", "cycle")
            life = numbered.select("test_id", cycle=own, cell_cycle=pl.col("cycle"))
            frame = frame.join(life, on=("test_id", "cycle"), how="left")
        return frame.join(self._cells, on="cell_id", how="left")

    def _standing(self) -> pl.DataFrame:
        conditions = self._inputs.results.get(CONDITIONS.name, CONDITIONS.empty())
        return conditions.filter("stands_for_cell").drop("firm", "class")

    def _list_lives(self) -> pl.DataFrame:
        ages = pl.DataFrame(
            {"cell_id": list(self._courses), "seen": [float(course.last) for course in self._courses.values()]},
            schema={"cell_id": pl.String, "seen": pl.Float64},
        )
        lives = self._inputs.summary.select("cell_id", "end_of_life_threshold", value=pl.col("end_of_life_cycle"))
        ended = pl.col("value").is_not_null()
        # A life that ended has the interval of any figure; one that goes on is open above what was seen of it.
        open_end = pl.when(~ended).then(pl.col("seen"))
        return (
            lives.join(ages, on="cell_id").with_columns(seen=open_end).join(self._standing(), on="cell_id", how="left")
        )

    def _list_retentions(self, cycle: float | None) -> pl.DataFrame:
        rows = [
            {
                "cell_id": cell,
                "value": course.at(course.last if cycle is None else round(cycle)),
                # A cell that has not come as far is at no cycle that could be required.
                "cycle": (cycle or course.last) if course.last >= (cycle or 0) else 0.0,
            }
            for cell, course in self._courses.items()
        ]
        frame = pl.DataFrame(rows, schema={"cell_id": pl.String, "value": pl.Float64, "cycle": pl.Float64})
        return frame.join(self._standing(), on="cell_id", how="left")

    def _list_ratios(self) -> pl.DataFrame:
        """Return every block with its capacity over that of a reference block of the same cell."""
        blocks = self._inputs.results.get(CONDITIONS.name, CONDITIONS.empty())
        others = blocks.select(
            "cell_id",
            other_capacity=pl.col("capacity_ah"),
            other_rate=pl.col("discharging_rate_per_hour"),
            other_celsius=pl.col("temperature_celsius"),
        )
        rate, celsius = pl.col("discharging_rate_per_hour"), pl.col("temperature_celsius")
        kelvin = self._recipe.same_temperature_kelvin
        # Blocks whose temperature nobody recorded were at one temperature as far as is known.
        as_warm = celsius.eq_missing(pl.col("other_celsius")) | ((celsius - pl.col("other_celsius")).abs() <= kelvin)
        slow = as_warm & (pl.col("other_rate") <= SLOWER * rate)
        as_fast = (rate - pl.col("other_rate")).abs() <= self._recipe.same_rate * rate
        at_reference = as_fast & ((pl.col("other_celsius") - self._recipe.reference_celsius).abs() <= kelvin)
        other = pl.col("other_capacity")
        ratios = (
            blocks.join(others, on="cell_id")
            .group_by("cell_id", "block")
            .agg(
                rate_ratio=pl.col("capacity_ah").first()
                / other.filter(slow).get(pl.col("other_rate").filter(slow).arg_min()),
                temperature_ratio=pl.col("capacity_ah").first() / other.filter(at_reference).median(),
            )
        )
        return blocks.join(ratios, on=("cell_id", "block"), how="left")

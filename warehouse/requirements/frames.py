"""Where quantities are read from: result tables with what the manifest says of each cell, and a few derived frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

import polars as pl

from warehouse.arrays import collect
from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.courses import list_courses
from warehouse.requirements.quantities import DERIVED, QUANTITIES, Quantity
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
        cells: which are asked about, each once.
    """

    def __init__(self, inputs: FirmInputs, recipe: RequirementsRecipe, cells: Sequence[str]) -> None:
        self.count = len(cells)
        self._inputs = inputs
        self._recipe = recipe
        self._place = pl.col("cell_id").cast(pl.Enum(cells), strict=False).to_physical().alias("cell")
        self._read: dict[tuple[object, ...], pl.DataFrame] = {}

    def read(self, quantity: str, conditions: Mapping[str, float]) -> pl.DataFrame:
        """Return the rows that hold a quantity.

        Args:
            quantity: a key of ``QUANTITIES``.
            conditions: that it is required under.

        Returns:
            ``cell``, the place among those asked about; ``value, low, high``, an ``at_`` column for each condition and
            a ``rank_`` column for each preference of the quantity.
        """
        # Several sets ask for the same, under the same conditions at other values.
        key = quantity, *conditions, conditions.get("cycle")
        if key not in self._read:
            self._read[key] = self._select(QUANTITIES[quantity], conditions)
        return self._read[key]

    def scan(self, quantity: Quantity, conditions: Mapping[str, float]) -> pl.LazyFrame:
        """Return the rows that hold a quantity with all that it is made of; of retentions those at the cycle required.

        Args:
            quantity: a value of ``QUANTITIES``.
            conditions: that it is required under.
        """
        if quantity.frame == "retentions":
            return self._list_retentions(conditions.get("cycle"))
        if quantity.frame == "ratios":
            return self._ratios
        return self._list_lives() if quantity.frame == "lives" else self._scan_result(quantity, conditions)

    def _select(self, quantity: Quantity, conditions: Mapping[str, float]) -> pl.DataFrame:
        # Most quantities of most firms were never measured.
        if quantity.frame not in DERIVED and self._read_result(quantity.frame).is_empty():
            return pl.DataFrame()
        figures = {"value": quantity.value, "low": quantity.low, "high": quantity.high}
        under = {f"at_{name}": quantity.under[name] for name in conditions}
        ranks = {f"rank_{number}": rank for number, rank in enumerate(quantity.prefer)}
        named = (each.cast(pl.Float64).alias(name) for name, each in (figures | under | ranks).items())
        return collect(self.scan(quantity, conditions).select(self._place, *named))

    def _read_result(self, name: str) -> pl.DataFrame:
        # A table that nothing computes yet is one without rows.
        return self._inputs.results.get(name, pl.DataFrame(schema={"cell_id": pl.String}))

    def _scan_result(self, quantity: Quantity, conditions: Mapping[str, float]) -> pl.LazyFrame:
        """Return rows of a result table; of those about a cycle of a test, with the cell's cycle if it is required."""
        frame = self._read_result(quantity.frame)
        rows = frame.lazy() if quantity.where is None else frame.lazy().filter(quantity.where)
        if "cycle" in conditions and {"test_id", "cycle"} <= set(frame.columns):
            rows = rows.join(self._life, on=("test_id", "cycle"), how="left")
        return rows.join(self._cells, on="cell_id", how="left")

    @cached_property
    def _cells(self) -> pl.LazyFrame:
        return self._inputs.cells.select(OF_CELL).lazy()

    @cached_property
    def _life(self) -> pl.LazyFrame:
        """Of each cycle of a test the cycle of its cell's life."""
        own = pl.int_range(1, pl.len() + 1).over("test_id")
        numbered = self._inputs.fade.lazy().select("cell_id", "test_id", "cycle").sort("cell_id", "cycle")
        return collect(numbered.select("test_id", cycle=own, cell_cycle=pl.col("cycle"))).lazy()

    @cached_property
    def _conditions(self) -> pl.DataFrame:
        return self._inputs.results.get(CONDITIONS.name, CONDITIONS.empty())

    @cached_property
    def _standing(self) -> pl.LazyFrame:
        return self._conditions.filter("stands_for_cell").drop("firm", "class").lazy()

    def _list_lives(self) -> pl.LazyFrame:
        courses = list_courses(self._inputs)
        ages = pl.LazyFrame(
            {"cell_id": list(courses), "seen": [float(course.last) for course in courses.values()]},
            schema={"cell_id": pl.String, "seen": pl.Float64},
        )
        summary = self._inputs.summary.lazy()
        lives = summary.select("cell_id", "end_of_life_threshold", value=pl.col("end_of_life_cycle"))
        ended = pl.col("value").is_not_null()
        # A life that ended has the interval of any figure; one that goes on is open above what was seen of it.
        open_end = pl.when(~ended).then(pl.col("seen"))
        return lives.join(ages, on="cell_id").with_columns(seen=open_end).join(self._standing, on="cell_id", how="left")

    def _list_retentions(self, cycle: float | None) -> pl.LazyFrame:
        courses = list_courses(self._inputs)
        ages = [course.last for course in courses.values()]
        columns = {
            "cell_id": list(courses),
            "value": [course.at(course.last if cycle is None else round(cycle)) for course in courses.values()],
            # A cell that has not come as far is at no cycle that could be required.
            "cycle": [float(cycle or age) if age >= (cycle or 0) else 0.0 for age in ages],
        }
        frame = pl.LazyFrame(columns, schema={"cell_id": pl.String, "value": pl.Float64, "cycle": pl.Float64})
        return frame.join(self._standing, on="cell_id", how="left")

    @cached_property
    def _ratios(self) -> pl.LazyFrame:
        """Every block with its capacity over that of a reference block of the same cell."""
        blocks = self._conditions.lazy()
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
                rate_ratio=_over(other.filter(slow).get(pl.col("other_rate").filter(slow).arg_min())),
                temperature_ratio=_over(other.filter(at_reference).median()),
            )
        )
        return collect(blocks.join(ratios, on=("cell_id", "block"), how="left")).lazy()


def _over(capacity: pl.Expr) -> pl.Expr:
    """Return a block's capacity over another; of one that gave nothing there is no part."""
    return pl.when(capacity != 0).then(pl.col("capacity_ah").first() / capacity)

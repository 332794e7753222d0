"""Where quantities are read from: result tables with what the manifest says of each cell, and a few derived frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, Integers, collect
from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.courses import list_courses
from warehouse.requirements.profiles import Requirement
from warehouse.requirements.quantities import DERIVED, NOTHING, QUANTITIES, WHERE, Quantity
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
FIGURES: Final = ("value", "low", "high")
# A table that nothing computes yet.
NO_ROWS: Final = pl.DataFrame(schema={"cell_id": pl.String})

# A frame; of retentions with the cycle that they are of.
Source = tuple[str, float | None]


@dataclass(frozen=True)
class Rows:
    """Rows that hold a quantity, of cells that are asked about; NaN where a figure is not known.

    Args:
        cell: place of each row's cell.
        figures: value, lower and upper end of its interval.
        under: conditions that it was measured under, by name.
        ranks: what the quantity prefers one row to another by.
    """

    cell: Integers
    figures: Doubles
    under: Mapping[str, Doubles]
    ranks: Sequence[Doubles]


class Frames:
    """The frames of one firm, each made when it is first asked for.

    Args:
        inputs: the firm.
        recipe: what counts as the same rate or temperature.
        cells: which are asked about, each once.
        asked: everything that is required of them.
    """

    def __init__(
        self, inputs: FirmInputs, recipe: RequirementsRecipe, cells: Sequence[str], asked: Iterable[Requirement] = ()
    ) -> None:
        self.count = len(cells)
        self._inputs = inputs
        self._recipe = recipe
        self._place = pl.col("cell_id").cast(pl.Enum(cells), strict=False).to_physical().cast(pl.Float64).alias("cell")
        self._asked: dict[Source, list[Requirement]] = {}
        for one in asked:
            self._asked.setdefault(_name_source(one), []).append(one)
        self._read: dict[Source, tuple[Integers, dict[str, Doubles]]] = {}

    def read(self, requirement: Requirement) -> Rows:
        """Return the rows that hold what a requirement asks for; one of those that the frames were made for."""
        source = _name_source(requirement)
        # What several requirements are read from is gone through once for all of them.
        if source not in self._read:
            self._read[source] = self._select(self._asked[source])
        cell, known = self._read[source]
        prefer, nothing = QUANTITIES[requirement.quantity].prefer, np.full(len(cell), np.nan)

        def take(name: str) -> Doubles:
            return known.get(f"{requirement.quantity} {name}", nothing)

        figures = np.array([take(name) for name in FIGURES])
        under = {name: take(f"at_{name}") for name in requirement.conditions}
        return Rows(cell, figures, under, [take(f"rank_{number}") for number in range(len(prefer))])

    def scan(self, quantity: Quantity, conditions: Mapping[str, float]) -> pl.LazyFrame:
        """Return the rows that hold a quantity with all that it is made of; of retentions those at the cycle required.

        Args:
            quantity: a value of ``QUANTITIES``.
            conditions: that it is required under.
        """
        if quantity.frame == "retentions":
            return self._list_retentions(conditions.get("cycle"))
        if quantity.frame == "ratios":
            return self._compare_blocks()
        return self._list_lives() if quantity.frame == "lives" else self._scan_result(quantity.frame, conditions)

    def _select(self, asked: Sequence[Requirement]) -> tuple[Integers, dict[str, Doubles]]:
        """Return the cells and all columns of what some requirements, all of one source, ask for."""
        quantity = QUANTITIES[asked[0].quantity]
        # Most quantities of most firms were never measured.
        if quantity.frame not in DERIVED and self._read_result(quantity.frame).is_empty():
            return np.zeros(0, dtype=np.int64), {}
        conditions = {name: value for one in asked for name, value in one.conditions.items()}
        columns = {name: each for one in asked for name, each in _name_columns(one).items()}
        named = (each.cast(pl.Float64).alias(name) for name, each in columns.items())
        cell, *found = collect(self.scan(quantity, conditions).select(self._place, *named)).to_numpy().T
        known = ~np.isnan(cell)
        return cell[known].astype(np.int64), {name: each[known] for name, each in zip(columns, found, strict=True)}

    def _read_result(self, name: str) -> pl.DataFrame:
        return self._inputs.results.get(name, NO_ROWS)

    def _scan_result(self, name: str, conditions: Mapping[str, float]) -> pl.LazyFrame:
        """Return rows of a result table; of those about a cycle of a test, with the cell's cycle if it is required."""
        frame = self._read_result(name)
        rows = frame.lazy().filter(WHERE[name]) if name in WHERE else frame.lazy()
        if "cycle" in conditions and {"test_id", "cycle"} <= set(frame.columns):
            rows = rows.join(self._life, on=("test_id", "cycle"), how="left")
        return rows.join(self._cells, on="cell_id", how="left")

    @cached_property
    def _cells(self) -> pl.LazyFrame:
        return self._inputs.cells[list(OF_CELL)].lazy()

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
        blocks = self._conditions.drop("firm", "class")
        return blocks.filter(blocks["stands_for_cell"]).lazy()

    def _list_lives(self) -> pl.LazyFrame:
        courses = list_courses(self._inputs)
        told = self._inputs.summary[["cell_id", "end_of_life_threshold", "end_of_life_cycle"]].rows()
        # A life that ended has the interval of any figure; one that goes on is open above what was seen of it.
        lives = [
            (cell, threshold, end, float(courses[cell].last) if end is None else None)
            for cell, threshold, end in told
            if cell in courses
        ]
        numbers = dict.fromkeys(("end_of_life_threshold", "value", "seen"), pl.Float64)
        frame = pl.LazyFrame(lives, schema={"cell_id": pl.String, **numbers}, orient="row")
        return frame.join(self._standing, on="cell_id", how="left")

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

    def _compare_blocks(self) -> pl.LazyFrame:
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
        return blocks.join(ratios, on=("cell_id", "block"), how="left")


def _name_source(requirement: Requirement) -> Source:
    frame = QUANTITIES[requirement.quantity].frame
    return frame, requirement.conditions.get("cycle") if frame == "retentions" else None


def _name_columns(requirement: Requirement) -> dict[str, pl.Expr]:
    """Return what is read of a quantity for a requirement, under names of its own."""
    quantity = QUANTITIES[requirement.quantity]
    columns = dict(zip(FIGURES, (quantity.value, quantity.low, quantity.high), strict=True))
    columns |= {f"at_{name}": quantity.under[name] for name in requirement.conditions}
    columns |= {f"rank_{number}": rank for number, rank in enumerate(quantity.prefer)}
    return {f"{requirement.quantity} {name}": each for name, each in columns.items() if each is not NOTHING}


def _over(capacity: pl.Expr) -> pl.Expr:
    """Return a block's capacity over another; of one that gave nothing there is no part."""
    return pl.when(capacity != 0).then(pl.col("capacity_ah").first() / capacity)

"""What cells are compared in: one value per cell, metric and age, from the results that are there.

A metric is one entry of a tuple below: the column of a frame that holds one value per cell, or its median over the rows
that a condition leaves.

formula: areal capacity: reference capacity / active (electrode) area by the manifest
formula: retention at a cycle: between the ageing cycles before and after it, linear
condition: a cell's life is censored while its retention stands above the threshold; it then counts with the cycles seen
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, doubles
from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.recipe import ReplicatesRecipe

VALUES: Final = {
    "cell_id": pl.String(),
    "metric": pl.String(),
    "unit": pl.String(),
    "at_cycle": pl.Int64(),
    "value": pl.Float64(),
    "ended": pl.Boolean(),
}
LIFE: Final = "end_of_life_cycle"
RETENTION: Final = "capacity_retention"


@dataclass(frozen=True)
class Metric:
    """A value that each cell has once.

    Args:
        name: of the metric, with its unit.
        unit: the same for machines.
        source: ``summary``, ``cells`` or a result table.
        value: of the source's rows.
        where: the rows of a cell that count; their median is taken.
    """

    name: str
    unit: str
    source: str
    value: pl.Expr
    where: pl.Expr | None = None


# Resistances of spectra are medians over the cell's spectra: which of them is typical is not for us to choose.
METRICS: Final = (
    Metric("initial_capacity_ah", "Ah", "summary", pl.col("first_capacity_ah")),
    Metric("reference_capacity_ah", "Ah", "summary", pl.col("reference_capacity_ah")),
    Metric(
        "areal_capacity_ah_per_square_metre",
        "Ah/m²",
        "summary",
        pl.col("reference_capacity_ah") / pl.col("active_area_square_metre"),
    ),
    Metric("fade_rate_per_cycle", "", "summary", pl.col("fade_rate_per_cycle")),
    Metric("coulombic_efficiency", "", "summary", pl.col("coulombic_efficiency_median")),
    Metric("energy_efficiency", "", "conditions", pl.col("energy_efficiency"), pl.col("stands_for_cell")),
    Metric("interface_resistance_ohm", "Ω", "spectrum_fits", pl.col("interface_resistance_ohm")),
    Metric("hf_resistance_ohm", "Ω", "spectrum_fits", pl.col("hf_resistance_ohm")),
)
READS: Final = (*dict.fromkeys(metric.source for metric in METRICS if metric.source != "summary"), "resistance")


@dataclass(frozen=True)
class Course:
    """Retention of one cell over its ageing cycles, in their order."""

    cycles: Doubles
    retentions: Doubles

    @property
    def last(self) -> int:
        """The last ageing cycle."""
        return int(self.cycles[-1])

    def at(self, cycle: int) -> float | None:
        """Return the retention at a cycle; None before the first ageing cycle and behind the last."""
        if not self.cycles[0] <= cycle <= self.cycles[-1]:
            return None
        return float(np.interp(cycle, self.cycles, self.retentions))


def list_values(inputs: FirmInputs, recipe: ReplicatesRecipe) -> pl.DataFrame:
    """Return every value that a cell has once, and its life, in the order of metrics and cells.

    Args:
        inputs: the firm.
        recipe: how long behind the beginning of a discharge its resistance is compared.
    """
    loaded = (pl.col("edge") == "load") & (pl.col("direction") == "discharge")
    in_time = loaded & (pl.col("after_second") == recipe.resistance_second)
    resistance = Metric("dc_resistance_ohm", "Ω", "resistance", pl.col("resistance_ohm"), in_time)
    areas = inputs.cells.select("cell_id", "active_area_square_metre")
    sources = {"summary": inputs.summary.join(areas, on="cell_id", how="left"), **inputs.results}
    parts = [_read(metric, sources[metric.source]) for metric in (*METRICS, resistance) if metric.source in sources]
    return pl.concat([pl.DataFrame(schema=VALUES), *parts, _list_lives(inputs)])


def _read(metric: Metric, source: pl.DataFrame) -> pl.DataFrame:
    chosen = source if metric.where is None else source.filter(metric.where)
    values = chosen.group_by("cell_id").agg(value=metric.value.median()).filter(pl.col("value").is_not_null())
    return _shape(values.with_columns(at_cycle=None, ended=pl.lit(value=True)), metric.name, metric.unit)


def _list_lives(inputs: FirmInputs) -> pl.DataFrame:
    """Return where each life ended; while it lasts, the last ageing cycle, and that it did not end."""
    # Without a reference there is no retention, and nothing is known of an end.
    known = inputs.summary.filter(pl.col("end_of_life_censored").is_not_null())
    last = inputs.fade.filter(pl.col("class") == "ageing").group_by("cell_id").agg(seen=pl.col("cycle").max())
    lives = known.join(last, on="cell_id", how="inner").select(
        "cell_id",
        at_cycle=None,
        # How long it was seen is the least that it lasts.
        value=pl.coalesce("end_of_life_cycle", pl.col("seen").cast(pl.Float64)),
        ended=pl.col("end_of_life_cycle").is_not_null(),
    )
    return _shape(lives, LIFE, "")


def _shape(values: pl.DataFrame, metric: str, unit: str) -> pl.DataFrame:
    named = values.with_columns(metric=pl.lit(metric), unit=pl.lit(unit)).sort("cell_id")
    return named.select(pl.col(name).cast(dtype) for name, dtype in VALUES.items())


def read_courses(fade: pl.DataFrame) -> dict[str, Course]:
    """Return the courses of retention by cell; a cell without ageing cycles has none."""
    used = fade.select("cell_id", "cycle", "class", "capacity_retention")
    ageing = used.filter((pl.col("class") == "ageing") & pl.col("capacity_retention").is_not_null())
    if ageing.is_empty():
        return {}
    ordered = ageing.sort("cell_id", "cycle")
    lengths = ordered.group_by("cell_id", maintain_order=True).len()
    # One array cut at the cells' ends: a frame for each cell takes longer than all that is asked of it.
    ends = np.cumsum(lengths["len"].to_numpy())[:-1]
    cut = (np.split(doubles(ordered[name]), ends) for name in ("cycle", "capacity_retention"))
    return {cell: Course(*course) for cell, *course in zip(lengths["cell_id"], *cut, strict=True)}


def list_retentions(courses: dict[str, Course], recipe: ReplicatesRecipe) -> Iterator[pl.DataFrame]:
    """Yield the retentions of a group's cells, age by age: at the recipe's, and at the last that all have reached.

    Args:
        courses: of the group's cells that aged.
        recipe: at which cycles they are compared.
    """
    if not courses:
        return
    common = min(course.last for course in courses.values())
    longest = max(course.last for course in courses.values())
    # Beyond the common age cells are missing; the row is given, its interval is not.
    for age in sorted({common, *(age for age in recipe.common_cycles if age <= longest)}):
        found = {cell: course.at(age) for cell, course in courses.items()}
        values = {cell: value for cell, value in found.items() if value is not None}
        if values:
            frame = pl.DataFrame({"cell_id": list(values), "value": list(values.values())})
            yield _shape(frame.with_columns(at_cycle=age, ended=pl.lit(value=True)), RETENTION, "")

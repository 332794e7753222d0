"""What cells are compared in: one value per cell and metric, from the results that are there.

A metric is one entry of a tuple below: the column of a frame that holds one value per cell, or its median over the rows
that a condition leaves.

formula: areal capacity: reference capacity / active (electrode) area by the manifest
condition: a cell's life is censored while its retention stands above the threshold; it then counts with the cycles seen
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import polars as pl

from warehouse.arrays import collect
from warehouse.metrics.inputs import FirmInputs
from warehouse.replicates.courses import find_runs, list_ageing
from warehouse.replicates.recipe import ReplicatesRecipe
from warehouse.replicates.stated import stated

LIFE: Final = "end_of_life_cycle"
RETENTION: Final = "capacity_retention"
SUMMARY: Final = "summary"


@dataclass(frozen=True)
class Metric:
    """A value that each cell has once.

    Args:
        name: of the metric, with its unit.
        unit: the same for machines.
        value: of the rows that hold it.
    """

    name: str
    unit: str
    value: pl.Expr


@dataclass(frozen=True)
class Source:
    """Where metrics are read from.

    Args:
        name: ``summary`` or a result table.
        metrics: in it; the median of a cell's rows counts.
        where: the rows of a cell that count.
    """

    name: str
    metrics: tuple[Metric, ...]
    where: pl.Expr | None = None


@dataclass(frozen=True)
class Values:
    """What the cells have of one metric.

    Args:
        metric: its name.
        unit: its unit for machines.
        of: the value of each cell that has one, in the order of cells.
        lasting: cells whose value is censored: it is only known to be larger.
    """

    metric: str
    unit: str
    of: Mapping[str, float]
    lasting: frozenset[str] = frozenset()


# Resistances of spectra are medians over the cell's spectra: which of them is typical is not for us to choose.
SOURCES: Final = (
    Source(
        SUMMARY,
        (
            Metric("initial_capacity_ah", "Ah", pl.col("first_capacity_ah")),
            Metric("reference_capacity_ah", "Ah", pl.col("reference_capacity_ah")),
            Metric(
                "areal_capacity_ah_per_square_metre",
                "Ah/m²",
                pl.col("reference_capacity_ah") / stated(pl.col("active_area_square_metre")),
            ),
            Metric("fade_rate_per_cycle", "", pl.col("fade_rate_per_cycle")),
            Metric("coulombic_efficiency", "", pl.col("coulombic_efficiency_median")),
        ),
    ),
    Source(
        "conditions", (Metric("energy_efficiency", "", pl.col("energy_efficiency")),), where=pl.col("stands_for_cell")
    ),
    Source(
        "spectrum_fits",
        (
            Metric("interface_resistance_ohm", "Ω", pl.col("interface_resistance_ohm")),
            Metric("hf_resistance_ohm", "Ω", pl.col("hf_resistance_ohm")),
        ),
    ),
)
RESISTANCE: Final = Metric("dc_resistance_ohm", "Ω", pl.col("resistance_ohm"))
# A charge's beginning and a release are other resistances.
LOADED: Final = (pl.col("edge") == "load") & (pl.col("direction") == "discharge")
READS: Final = (*(source.name for source in SOURCES if source.name != SUMMARY), "resistance")
COLUMNS: Final = {"resistance": ("edge", "direction", "after_second", "resistance_ohm")}


def list_values(inputs: FirmInputs, recipe: ReplicatesRecipe) -> Sequence[Values]:
    """Return every value that a cell has once, and its life, in the order of metrics.

    Args:
        inputs: the firm.
        recipe: how long behind the beginning of a discharge its resistance is compared.
    """
    results = (inputs.results.get(name) for name in READS)
    made_of = (inputs.summary, inputs.fade, inputs.cells, recipe, *results)
    return inputs.share("values", made_of, lambda: [*_read_all(inputs, recipe), _list_lives(inputs)])


def _read_all(inputs: FirmInputs, recipe: ReplicatesRecipe) -> Iterator[Values]:
    in_time = LOADED & (pl.col("after_second") == recipe.resistance_second)
    areas = inputs.cells.lazy().select("cell_id", "active_area_square_metre")
    summary = inputs.summary.lazy().join(areas, on="cell_id", how="left")
    for source in (*SOURCES, Source("resistance", (RESISTANCE,), in_time)):
        if source.name == SUMMARY:
            yield from _read(source, summary)
        elif source.name in inputs.results and not inputs.results[source.name].is_empty():
            yield from _read(source, inputs.results[source.name].lazy())


def _read(source: Source, rows: pl.LazyFrame) -> Iterator[Values]:
    chosen = rows if source.where is None else rows.filter(source.where)
    medians = (metric.value.median().cast(pl.Float64).alias(metric.name) for metric in source.metrics)
    cells, *columns = collect(chosen.group_by("cell_id").agg(*medians).sort("cell_id")).get_columns()
    for metric, column in zip(source.metrics, columns, strict=True):
        pairs = zip(cells.to_list(), column.to_list(), strict=True)
        yield Values(metric.name, metric.unit, {cell: value for cell, value in pairs if value is not None})


def _list_lives(inputs: FirmInputs) -> Values:
    """Return where each life ended; while it lasts, the last ageing cycle, and that it did not end."""
    ageing, summary = list_ageing(inputs), inputs.summary
    cycles = ageing["cycle"].to_numpy()
    seen = {cell: cycles[rows.stop - 1] for cell, rows in find_runs(ageing["cell_id"])}
    told = sorted(summary[["cell_id", "end_of_life_censored", LIFE]].rows(), key=itemgetter(0))
    # Without a reference there is no retention, and nothing is known of an end.
    ends = {cell: end for cell, censored, end in told if censored is not None and cell in seen}
    # How long it was seen is the least that it lasts.
    lives = {cell: float(seen[cell]) if end is None else end for cell, end in ends.items()}
    return Values(LIFE, "", lives, frozenset(cell for cell, end in ends.items() if end is None))

"""The computation of this package: everything that is said of a firm's wafers, specifications and splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from warehouse import schema
from warehouse.metrics.inputs import FirmInputs
from warehouse.wafers import TABLES
from warehouse.wafers.bins import choose_sorting, sort_dies
from warehouse.wafers.compared import NOT_SPREAD, divide_variance, list_values
from warehouse.wafers.conditions import read_conditions
from warehouse.wafers.dies import describe_dies, list_map_bins
from warehouse.wafers.figures import gather_figures
from warehouse.wafers.limits import Limit, find_current, judge_sites, list_limits, tell_specs
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import DIE, list_sites, list_wafers
from warehouse.wafers.splits import compare_splits, follow_lives
from warehouse.wafers.uniformity import average_reticles, map_uniformity
from warehouse.wafers.yields import ALL_SPECS, count_at_cycle, count_map, count_sort, find_fates, finish_yields


def compute_wafers(inputs: FirmInputs, recipe: WafersRecipe) -> tuple[pl.DataFrame, ...]:
    """Return the rows of :data:`warehouse.wafers.TABLES`; all empty for a firm without cells and maps."""
    work = _Work(inputs, recipe)
    if work.sites.is_empty():
        return tuple(table.empty() for table in TABLES)
    spread = work.values.filter(pl.col("wafer").is_not_null(), ~pl.col("quantity").is_in(NOT_SPREAD))
    made = (
        describe_dies(inputs, work.sites, work.figures, work.bins, work.sorting),
        work.count_yields(),
        map_uniformity(spread, recipe),
        average_reticles(spread),
        divide_variance(spread, recipe),
        tell_specs(work.current, work.sites, work.verdicts, recipe),
        compare_splits(work.values, inputs.splits, recipe),
        follow_lives(work.values, recipe, work.threshold),
    )
    return tuple(_shape(frame, table, inputs.firm) for frame, table in zip(made, TABLES, strict=True))


@dataclass(frozen=True)
class _Work:
    """What the tables of one firm have in common, each made once."""

    inputs: FirmInputs
    recipe: WafersRecipe

    @cached_property
    def sites(self) -> pl.DataFrame:
        """Cells and dies."""
        return list_sites(self.inputs)

    @cached_property
    def limits(self) -> list[Limit]:
        """All limits of all revisions."""
        return list_limits(self.inputs.specs)

    @cached_property
    def current(self) -> list[Limit]:
        """Those of the latest revisions."""
        return find_current(self.limits)

    @cached_property
    def figures(self) -> pl.DataFrame:
        """Everything that was measured."""
        stated = (read_conditions(limit.row["conditions"]).get("cycle") for limit in self.limits)
        cycles = {round(cycle) for cycle in stated if cycle is not None}
        cycles |= {*self.recipe.yield_cycles, *self.recipe.retention_cycles}
        return gather_figures(self.inputs, self.sites, cycles, self.recipe)

    @cached_property
    def verdicts(self) -> pl.DataFrame:
        """Of every limit and site."""
        return judge_sites(self.limits, self.sites, self.figures, self.recipe)

    @cached_property
    def sorting(self) -> list[Limit]:
        """The current limits that sort dies."""
        chosen = self.recipe.binning_spec
        return choose_sorting([limit for limit in self.current if chosen in {"", limit.spec[0]}], self.recipe)

    @cached_property
    def bins(self) -> pl.DataFrame:
        """Of every site, by the current limits together."""
        return self._sort(self.sorting)

    @cached_property
    def values(self) -> pl.DataFrame:
        """What wafers and splits are compared in."""
        return list_values(self.sites, self.figures, self.bins, self.recipe)

    @property
    def threshold(self) -> float | None:
        """Retention that ends life, as the summary took it."""
        known = self.inputs.summary["end_of_life_threshold"].drop_nulls()
        return float(known[0]) if len(known) else None

    def count_yields(self) -> pl.DataFrame:
        """Return rows of ``schema.WAFER_YIELD``."""
        counts = [count for count in self._count() if count.height]
        if not counts:
            return schema.WAFER_YIELD.empty()
        wafers = list_wafers(self.inputs)
        rows = finish_yields(pl.concat(counts, how="diagonal_relaxed"), wafers, self.sites, self.recipe)
        return rows.sort("lot", "wafer", "spec", "revision", "at_cycle") if rows.height else schema.WAFER_YIELD.empty()

    def _count(self) -> Iterator[pl.DataFrame]:
        yield count_sort(self.sites, self.bins, (ALL_SPECS, 0))
        for spec in dict.fromkeys(limit.spec for limit in self.limits):
            mine = choose_sorting([limit for limit in self.limits if limit.spec == spec], self.recipe)
            yield count_sort(self.sites, self._sort(mine), spec)
        of_map = list_map_bins(self.inputs).filter(pl.col("map_revision").is_not_null())
        if of_map.height:
            yield count_map(self.sites, self.sites.select("site", *DIE).join(of_map, on=DIE).drop(DIE))
        for cycle in self.recipe.yield_cycles:
            fates = find_fates(cycle, self.figures, self.current, self.verdicts, self.recipe)
            yield count_at_cycle(cycle, self.sites, self.bins, fates, self.recipe)

    def _sort(self, limits: Sequence[Limit]) -> pl.DataFrame:
        return sort_dies(limits, self.sites, self.figures, self.verdicts, self.recipe)


def _shape(frame: pl.DataFrame, table: schema.Table, firm: str) -> pl.DataFrame:
    """Return rows with the firm's code and the declared columns that there are, in the declared types."""
    if frame.is_empty():
        return table.empty()
    named = frame.with_columns(firm=pl.lit(firm))
    return named.select(pl.col(name).cast(dtype) for name, dtype in table.dtypes.items() if name in named.columns)

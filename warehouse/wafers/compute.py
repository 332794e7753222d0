"""The computation of this package: everything that is said of a firm's wafers, specifications and splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from warehouse import schema
from warehouse.metrics.inputs import FirmInputs
from warehouse.wafers import TABLES
from warehouse.wafers.bins import Bins, States, choose_sorting, find_states, sort_dies
from warehouse.wafers.compared import NOT_SPREAD, Row, Values, divide_variance, list_values
from warehouse.wafers.conditions import read_conditions
from warehouse.wafers.dies import Sorted, describe_dies, list_map_bins, list_standing
from warehouse.wafers.figures import Figures, gather_figures
from warehouse.wafers.limits import Limit, Verdicts, find_current, judge_sites, list_limits, tell_specs
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import Maps, Sites, find_maps, list_sites, list_wafers
from warehouse.wafers.splits import compare_splits, follow_lives
from warehouse.wafers.uniformity import average_reticles, map_uniformity
from warehouse.wafers.yields import ALL_SPECS, count_at_cycle, count_map, count_sort, find_fates, finish_yields


def compute_wafers(inputs: FirmInputs, recipe: WafersRecipe) -> tuple[pl.DataFrame, ...]:
    """Return the rows of :data:`warehouse.wafers.TABLES`; all empty for a firm without cells and maps."""
    work = _Work(inputs, recipe)
    if not len(work.sites):
        return tuple(table.empty() for table in TABLES)
    spread = work.spread
    made: tuple[pl.DataFrame | list[Row], ...] = (
        describe_dies(work.sites, inputs.summary, work.standing, Sorted(work.sorting, work.bins), work.map_bins),
        work.count_yields(),
        map_uniformity(spread, recipe),
        average_reticles(spread),
        divide_variance(spread, recipe),
        tell_specs(work.current, work.sites, work.verdicts, recipe),
        compare_splits(work.values, inputs.splits, recipe),
        follow_lives(work.values, recipe, work.threshold),
    )
    return tuple(_shape(told, table, inputs.firm) for told, table in zip(made, TABLES, strict=True))


@dataclass(frozen=True)
class _Work:
    """What the tables of one firm have in common, each made once."""

    inputs: FirmInputs
    recipe: WafersRecipe

    @cached_property
    def maps(self) -> Maps:
        """Current maps."""
        return find_maps(self.inputs)

    @cached_property
    def map_bins(self) -> pl.DataFrame:
        """How they sorted dies."""
        return list_map_bins(self.maps)

    @cached_property
    def wafers(self) -> pl.DataFrame:
        """Wafers with their geometry."""
        return list_wafers(self.inputs, self.maps)

    @cached_property
    def sites(self) -> Sites:
        """Cells and dies."""
        return list_sites(self.inputs.cells, self.wafers, self.maps)

    @cached_property
    def limits(self) -> list[Limit]:
        """All limits of all revisions."""
        return list_limits(self.inputs.specs)

    @cached_property
    def current(self) -> list[Limit]:
        """Those of the latest revisions."""
        return find_current(self.limits)

    @cached_property
    def figures(self) -> dict[str, Figures]:
        """Everything that was measured."""
        stated = (read_conditions(limit.row["conditions"]).get("cycle") for limit in self.limits)
        cycles = {round(cycle) for cycle in stated if cycle is not None}
        cycles |= {*self.recipe.yield_cycles, *self.recipe.retention_cycles}
        return gather_figures(self.inputs, self.sites, self.maps, cycles, self.recipe)

    @cached_property
    def standing(self) -> dict[str, Figures]:
        """What speaks for each site."""
        return list_standing(self.figures)

    @cached_property
    def verdicts(self) -> Verdicts:
        """Of every limit and site."""
        return judge_sites(self.limits, self.sites, self.figures, self.recipe)

    @cached_property
    def states(self) -> States:
        """Of every site."""
        return find_states(self.sites, self.figures, self.recipe)

    @cached_property
    def sorting(self) -> list[Limit]:
        """The current limits that sort dies."""
        chosen = self.recipe.binning_spec
        return choose_sorting([limit for limit in self.current if chosen in {"", limit.spec[0]}], self.recipe)

    @cached_property
    def bins(self) -> Bins:
        """Of every site, by the current limits together."""
        return self._sort(self.sorting)

    @cached_property
    def values(self) -> Values:
        """What wafers and splits are compared in."""
        return list_values(self.sites, self.figures, self.standing, self.bins.works, self.recipe)

    @property
    def spread(self) -> Values:
        """Those of dies on wafers that have a place in a distribution."""
        barred = [place for place, name in enumerate(self.values.names) if name in NOT_SPREAD]
        return self.values.pick((self.values.wafer >= 0) & ~np.isin(self.values.quantity, barred))

    @property
    def threshold(self) -> float | None:
        """Retention that ends life, as the summary took it."""
        return next((one for one in self.inputs.summary["end_of_life_threshold"].to_list() if one is not None), None)

    def count_yields(self) -> list[Row]:
        """Return rows of ``schema.WAFER_YIELD``."""
        counts = [row for rows in self._count() for row in rows]
        return finish_yields(counts, self.wafers, self.sites, self.recipe) if counts else []

    def _count(self) -> Iterator[list[Row]]:
        yield count_sort(self.sites, self.bins, (ALL_SPECS, 0))
        for spec in dict.fromkeys(limit.spec for limit in self.limits):
            mine = choose_sorting([limit for limit in self.limits if limit.spec == spec], self.recipe)
            yield count_sort(self.sites, self._sort(mine), spec)
        yield count_map(self.sites, self.map_bins)
        for cycle in self.recipe.yield_cycles:
            judged = [(limit, self.verdicts[limit.number]) for limit in self.current]
            fates = find_fates(cycle, self.states.measured, self.figures, judged, self.recipe)
            yield count_at_cycle(cycle, self.sites, self.bins, fates, self.recipe)

    def _sort(self, limits: Sequence[Limit]) -> Bins:
        return sort_dies(limits, self.states, self.verdicts)


def _shape(told: pl.DataFrame | list[Row], table: schema.Table, firm: str) -> pl.DataFrame:
    """Return rows with the firm's code and the declared columns but the recipe's, in the declared types."""
    if not len(told):
        return table.empty()
    dtypes = {name: dtype for name, dtype in table.dtypes.items() if name not in {"firm", "recipe"}}
    if isinstance(told, list):
        frame = pl.DataFrame(told, schema=dtypes)
    else:
        frame = pl.DataFrame([told[name].cast(dtype) for name, dtype in dtypes.items() if name in told.columns])
    # The recipe's label is stamped by whoever keeps the rows.
    return frame.insert_column(0, pl.Series("firm", [firm] * frame.height, dtype=pl.String))

"""The values that wafers and splits are compared in: one per working die, quantity and cycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from warehouse.arrays import Doubles, Integers
from warehouse.wafers.components import Components, Variance, find_components, make_nest
from warehouse.wafers.figures import Figures
from warehouse.wafers.groups import Flags, Words, divide, number_anew, number_words
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import Sites

Row = dict[str, Any]

# Also compared at single cycles.
AT_CYCLES: Final = "capacity_retention"
# A censored life is no value of a die; survival and splits know how to take it.
NOT_SPREAD: Final = ("life",)
# Of a greater value the fourth power, which statistics take, is no number any more.
LARGEST: Final = 1e60


@dataclass(frozen=True)
class Values:
    """One entry a working site, quantity and cycle.

    Args:
        sites: where they lie, and which split they had.
        names: quantities, in their order.
        quantity: place of each value's quantity among them.
        at_cycle: 0 where the value stands for the cell.
        site: number of each value's site.
        value: the values.
        unit: of each.
        censored: whether it is only a lower bound.
    """

    sites: Sites
    names: tuple[str, ...]
    quantity: Integers
    at_cycle: Integers
    site: Integers
    value: Doubles
    unit: Words
    censored: Flags

    def pick(self, chosen: Flags) -> Values:
        """Return some of them."""
        return Values(
            self.sites,
            self.names,
            self.quantity[chosen],
            self.at_cycle[chosen],
            self.site[chosen],
            self.value[chosen],
            self.unit[chosen],
            self.censored[chosen],
        )

    def of(self, quantity: str) -> Values:
        """Return those of a quantity."""
        place = self.names.index(quantity) if quantity in self.names else -1
        return self.pick(self.quantity == place)

    @cached_property
    def wafer(self) -> Integers:
        """Place of each value's wafer; -1 without one."""
        return self.sites.wafer[self.site]

    def name(self, place: int) -> Row:
        """Return quantity, cycle and unit of the value at a place."""
        quantity, cycle = self.names[self.quantity[place]], int(self.at_cycle[place])
        return {"quantity": quantity, "at_cycle": cycle, "unit": self.unit[place]}


def list_values(
    sites: Sites, figures: Mapping[str, Figures], standing: Mapping[str, Figures], works: Flags, recipe: WafersRecipe
) -> Values:
    """Return the values of working sites, but those that no statistics can be made of.

    Args:
        sites: of :func:`warehouse.wafers.sites.list_sites`.
        figures: of :func:`warehouse.wafers.figures.gather_figures`.
        standing: of :func:`warehouse.wafers.dies.list_standing`.
        works: whether each site holds a working die.
        recipe: cycles of retention.
    """
    parts = [(name, 0, told) for name, told in standing.items() if name != AT_CYCLES]
    # Where retention stands is another cycle for each cell, and no two such are comparable.
    if AT_CYCLES in figures:
        parts += [(AT_CYCLES, cycle, told) for cycle, told in _follow(figures[AT_CYCLES], recipe.retention_cycles)]
    names = tuple(sorted({name for name, _, _ in parts}))
    values = Values(
        sites,
        names,
        _join([np.full(len(told.site), names.index(name)) for name, _, told in parts], np.int64),
        _join([np.full(len(told.site), cycle) for _, cycle, told in parts], np.int64),
        _join([told.site for _, _, told in parts], np.int64),
        _join([told.value for _, _, told in parts], np.float64),
        _join([told.unit for _, _, told in parts], object),
        _join([told.censored for _, _, told in parts], bool),
    )
    return values.pick(works[values.site] & (np.abs(values.value) <= LARGEST))


def _join(parts: list[Any], dtype: Any) -> Any:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=dtype)


def _follow(figures: Figures, cycles: Iterable[int]) -> Iterator[tuple[int, Figures]]:
    """Yield the figures of each of some cycles; those that stand for a cell are of no cycle of their own."""
    later = figures.pick(~figures.stands)
    for cycle in sorted(set(cycles)):
        yield cycle, later.at(cycle, 0)


def divide_variance(values: Values, recipe: WafersRecipe) -> list[Row]:
    """Return rows of ``schema.VARIANCE_COMPONENTS``: of each quantity, cycle and split, how it scatters.

    Args:
        values: of :func:`list_values`, of dies on wafers.
        recipe: fewest wafers, confidence.
    """
    rows: list[Row] = []
    # Wafers without a split are one group here, whereas a comparison of splits leaves them out.
    splits, names = number_words(name or "" for name in values.sites.frame["process_split"].to_list())
    split, lots = splits[values.site], values.sites.lot[values.site]
    for dies in divide((values.quantity, values.at_cycle, split), values.site):
        lot, wafer = number_anew(lots[dies]), number_anew(values.wafer[dies])
        about = values.name(dies[0]) | {
            "process_split": names[split[dies[0]]],
            "lots": int(lot.max()) + 1,
            "wafers": int(wafer.max()) + 1,
            "dies": len(dies),
            "confidence": recipe.confidence,
        }
        if about["wafers"] < recipe.fewest_wafers:
            rows += [_refuse(about, name, "one_wafer") for name in ("lot", "wafer", "die")]
            continue
        rows += _tell(about, find_components(make_nest(lot, wafer, values.value[dies]), recipe.confidence))
    return rows


def _tell(about: Row, found: Components) -> list[Row]:
    parts: dict[str, Variance] = {"lot": found.lot, "wafer": found.wafer, "die": found.die}
    total = sum(part.value or 0.0 for part in parts.values())
    low, high = found.mean_interval or (None, None)
    mean = {"mean": found.mean, "mean_low": low, "mean_high": high}
    return [_tell_part(about | mean, name, part, total) for name, part in parts.items()]


def _tell_part(about: Row, name: str, part: Variance, total: float) -> Row:
    if part.value is None or part.low is None or part.high is None:
        return _refuse(about, name, part.reason or "no_scatter")
    return about | {
        "component": name,
        "status": "fitted",
        "reason": None,
        "variance": part.value,
        "standard_deviation": part.value**0.5,
        "standard_deviation_low": part.low**0.5,
        "standard_deviation_high": part.high**0.5 if part.high < float("inf") else None,
        "part": part.value / total if total > 0 else None,
    }


def _refuse(about: Row, name: str, reason: str) -> Row:
    return about | {"component": name, "status": "refused", "reason": reason}

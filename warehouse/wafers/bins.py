"""Bins: why a die is no good, by its results and the limits of a specification; computed again whenever those change.

formula: the first that holds of: excluded rim (8), nothing measured (7), short (2), open (3), then the limits in the
    order of bins 4, 5, 6, 9; pass (1) where at least one limit was tested and none failed
condition: limits on the recipe's sort quantities; a die whose limits were never tested has no bin
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from warehouse.arrays import Integers
from warehouse.wafers.figures import Figures
from warehouse.wafers.groups import Flags, Words
from warehouse.wafers.limits import Limit, Verdicts
from warehouse.wafers.quantities import EXCLUDED, NOT_TESTED, OPEN, PASS, QUANTITIES, SHORT, bin_of
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import Sites

RESISTANCES: Final = ("resistance", "acir", "hf_resistance")
ORDER: Final = tuple(QUANTITIES)
SOFT: Final = 100
NO_QUANTITY: Final = 99
# A die whose limits were never tested.
NO_BIN: Final = 0
NOT_WORKING: Final = (SHORT, OPEN, NOT_TESTED, EXCLUDED)


@dataclass(frozen=True)
class States:
    """What is seen of each site before any limit is asked."""

    excluded: Flags
    measured: Flags
    short: Flags
    open: Flags


@dataclass(frozen=True)
class Bins:
    """Bins of all sites by some limits.

    Args:
        bin: hard bin, :data:`NO_BIN` where there is none.
        failed: the quantity whose limit the site is out of; None where that is not why.
        limits: how many there are for the site.
        tested: how many of them were tested.
    """

    bin: Integers
    failed: Words
    limits: Integers
    tested: Integers

    @property
    def works(self) -> Flags:
        """Whether the site holds a working die, as far as anybody knows."""
        return ~np.isin(self.bin, NOT_WORKING)


def choose_sorting(limits: Sequence[Limit], recipe: WafersRecipe) -> list[Limit]:
    """Return the limits that sort dies: on the recipe's quantities and on tests of maps, none of them typical."""
    sorting = {*recipe.sort_quantities}
    return [
        limit
        for limit in limits
        if not limit.is_typical and (limit.quantity in sorting or limit.quantity not in QUANTITIES)
    ]


def sort_dies(limits: Sequence[Limit], states: States, verdicts: Verdicts) -> Bins:
    """Return the bin of each site.

    Args:
        limits: those to sort by.
        states: of :func:`find_states`.
        verdicts: on these limits at least.
    """
    many = len(states.excluded)
    stated, tested, failing = (np.zeros(many, dtype=np.int64) for _ in range(3))
    failed = np.full(many, None, dtype=object)
    # The first limit that fails names the bin, hence the last first.
    for limit in sorted(limits, key=lambda one: (bin_of(one.quantity), one.number), reverse=True):
        verdict = verdicts[limit.number]
        stated[verdict.site] += 1
        tested[verdict.site[verdict.tested]] += 1
        fails = verdict.site[verdict.fails]
        failing[fails], failed[fails] = bin_of(limit.quantity), limit.quantity
    number = _choose_bin(states, failing, tested)
    # A short that is also out of a limit was no good before anybody asked for the limit.
    failed[number != failing] = None
    return Bins(number, failed, stated, tested)


def _choose_bin(states: States, failing: Integers, tested: Integers) -> Integers:
    # The order is what decides: a die on the rim is no loss, and a short has no capacity worth judging.
    reasons = [states.excluded, ~states.measured, states.short, states.open, failing > 0, tested > 0]
    chosen: Integers = np.select(reasons, [EXCLUDED, NOT_TESTED, SHORT, OPEN, failing, PASS], default=NO_BIN)
    return chosen


def number_softly(bins: Bins) -> Integers:
    """Return soft bins: the quantities are numbered, and tests of maps share a number of their own."""
    places = {name: place for place, name in enumerate(ORDER, start=1)}
    number = [0 if name is None else places.get(name, NO_QUANTITY) for name in bins.failed.tolist()]
    soft: Integers = bins.bin * SOFT + np.array(number, dtype=np.int64)
    return soft


def find_states(sites: Sites, figures: Mapping[str, Figures], recipe: WafersRecipe) -> States:
    """Return of each site whether it is excluded, measured at all, a short, or open."""
    # What nobody measured is NaN, and NaN is neither above nor below anything.
    voltage, resistance, capacity = (np.full(len(sites), np.nan) for _ in range(3))
    measured = np.zeros(len(sites), dtype=bool)
    for quantity, told in figures.items():
        # Any figure at all, even one without a limit on it, shows that the die was measured.
        measured[told.site] = True
        if "upper_voltage_volt" in told.conditions:
            np.fmax.at(voltage, told.site, told.conditions["upper_voltage_volt"])
        if quantity == "open_circuit_voltage":
            np.fmax.at(voltage, told.site, told.value)
        if quantity == "capacity":
            np.fmax.at(capacity, told.site, told.value)
        if quantity in RESISTANCES:
            # One figure that shows a path for the current is enough not to be open, hence the smallest.
            np.fmin.at(resistance, told.site, told.value)
    is_open = (resistance > recipe.open_ohm) | (capacity <= 0)
    return States(sites.frame["excluded"].to_numpy(), measured, voltage < recipe.short_volt, is_open)

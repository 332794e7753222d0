"""What was measured at each site: of each quantity its values, and the conditions that are known of them.

A condition that a result does not tell is unknown: whoever asks for it gets no figure, never one by assumption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, Integers, collect, doubles
from warehouse.metrics.inputs import FirmInputs
from warehouse.wafers.conditions import CONDITIONS
from warehouse.wafers.fades import Fades, find_last, follow_cycles, read_fades
from warehouse.wafers.groups import Flags, Words
from warehouse.wafers.quantities import QUANTITIES, name_quantity
from warehouse.wafers.recipe import WafersRecipe
from warehouse.wafers.sites import DIE, Maps, Sites
from warehouse.wafers.units import find_unit, to_si

OF_SUMMARY: Final = {
    "capacity_retention": "last_capacity_retention",
    "coulombic_efficiency": "coulombic_efficiency_median",
    "fade_rate": "fade_rate_per_cycle",
}
USED: Final = (
    "cell_id",
    "first_capacity_ah",
    "reference_capacity_ah",
    "reference_cycle",
    *OF_SUMMARY.values(),
    "end_of_life_cycle",
    "end_of_life_censored",
)
OF_BLOCKS: Final = {
    "capacity": "capacity_ah",
    "energy": "energy_wh",
    "coulombic_efficiency": "coulombic_efficiency",
    "energy_efficiency": "energy_efficiency",
    "charge_time": "charge_time_second",
}
# The summary speaks for what it knows; of the rest, the block that stands for the cell does.
STAND_BY_BLOCK: Final = {*OF_BLOCKS} - {"capacity", *OF_SUMMARY}
BLOCK_CONDITIONS: Final = {
    "temperature_celsius": "temperature_celsius",
    "rate_per_hour": "discharging_rate_per_hour",
    "current_ampere": "discharging_current_ampere",
    "upper_voltage_volt": "upper_voltage_volt",
    "lower_voltage_volt": "lower_voltage_volt",
    "depth_of_discharge": "depth_of_discharge",
}
MEASURED: Final = pl.col("status") == "measured"
# Result table → which rows count, quantity → value, condition → column.
OF_RESULTS: Final[Mapping[str, tuple[pl.Expr, dict[str, str], dict[str, str]]]] = {
    "resistance": (
        (pl.col("status") == "resolved") & (pl.col("edge") == "load"),
        {"resistance": "resistance_ohm"},
        {
            "cycle": "cycle",
            "pulse_second": "after_second",
            "temperature_celsius": "temperature_celsius",
            "state_of_charge": "state_of_charge",
            "current_ampere": "current_change_ampere",
        },
    ),
    "spectrum_fits": (
        pl.lit(value=True),
        {
            "acir": "acir_modulus_ohm",
            "hf_resistance": "hf_resistance_ohm",
            "interface_resistance": "interface_resistance_ohm",
        },
        {
            "frequency_hertz": "acir_frequency_hertz",
            "temperature_celsius": "temperature_celsius",
            "state_of_charge": "state_of_charge",
        },
    ),
    "float_leakage": (
        MEASURED,
        {"leakage": "leakage_ampere"},
        {"upper_voltage_volt": "voltage_volt", "temperature_celsius": "temperature_celsius"},
    ),
    "voltage_decay": (
        MEASURED,
        {"self_discharge_current": "self_discharge_ampere"},
        {"upper_voltage_volt": "voltage_volt", "temperature_celsius": "temperature_celsius"},
    ),
    "storage_loss": (
        MEASURED,
        {"self_discharge": "self_discharge_per_year_linear", "irreversible_loss": "irreversible_per_year_linear"},
        {"upper_voltage_volt": "first_voltage_volt", "temperature_celsius": "temperature_celsius"},
    ),
}
BLOCKS: Final = "conditions"
BINS: Final = ("hard_bin", "soft_bin", "defects")


@dataclass(frozen=True)
class Figures:
    """Figures of one quantity, in the order in which they were told.

    Args:
        site: number of each figure's site.
        value: finite.
        unit: SI unit; as it was written where it is not known.
        stands: whether it speaks for the cell when nothing is asked of the conditions.
        censored: whether it is only a lower bound.
        conditions: those that are known of some, NaN where they are not.
    """

    site: Integers
    value: Doubles
    unit: Words
    stands: Flags
    censored: Flags
    conditions: Mapping[str, Doubles] = field(default_factory=dict)

    def pick(self, chosen: Flags) -> Figures:
        """Return some of them."""
        # Most often all are meant, and a firm's resistances are long to copy.
        if chosen.all():
            return self
        known = {name: values[chosen] for name, values in self.conditions.items()}
        site, value, unit = self.site[chosen], self.value[chosen], self.unit[chosen]
        return Figures(site, value, unit, self.stands[chosen], self.censored[chosen], known)

    def at(self, cycle: float, within: float) -> Figures:
        """Return those of a cycle."""
        cycles = self.conditions.get("cycle")
        return self.pick(np.zeros(len(self.site), bool) if cycles is None else abs(cycles - cycle) <= within)

    def as_frame(self) -> pl.DataFrame:
        """Return them as rows, with every condition."""
        nothing = np.full(len(self.site), np.nan)
        known = {name: self.conditions.get(name, nothing) for name in CONDITIONS}
        plain = {"site": self.site, "value": self.value, "stands": self.stands, "censored": self.censored}
        frame = pl.DataFrame(plain | known, nan_to_null=True)
        return frame.hstack([pl.Series("unit", self.unit.tolist(), dtype=pl.String)])


Told = Iterator[tuple[str, Figures]]


def gather_figures(
    inputs: FirmInputs, sites: Sites, maps: Maps, cycles: Iterable[int], recipe: WafersRecipe
) -> dict[str, Figures]:
    """Return every figure of every site, by quantity.

    Args:
        inputs: the firm.
        sites: its cells and dies.
        maps: current ones.
        cycles: at which capacity, retention and efficiencies are wanted.
        recipe: says which resistance stands for a cell.
    """
    told: dict[str, list[Figures]] = {}
    for quantity, figures in _tell_all(inputs, sites, maps, sorted(set(cycles)), recipe):
        if len(figures.site):
            told.setdefault(quantity, []).append(figures)
    gathered = {quantity: _join(parts) for quantity, parts in told.items()}
    areal = _over_area(gathered["capacity"], sites) if "capacity" in gathered else None
    if areal is None:
        return gathered
    tested = gathered.get("areal_capacity")
    return gathered | {"areal_capacity": areal if tested is None else _join([tested, areal])}


def _tell_all(inputs: FirmInputs, sites: Sites, maps: Maps, cycles: Sequence[int], recipe: WafersRecipe) -> Told:
    fades = read_fades(inputs.fade, sites)
    yield from _summarise(inputs.summary, sites, fades)
    for quantity, site, value, cycle in follow_cycles(fades, cycles):
        yield quantity, _make(quantity, site, value, {"cycle": cycle})
    yield from _list_blocks(inputs, sites)
    for name in OF_RESULTS:
        yield from _list_results(inputs, sites, name, recipe)
    yield from _list_tests(sites, maps)


def _make(
    quantity: str,
    site: Integers,
    value: Doubles,
    conditions: Mapping[str, Doubles],
    *,
    stands: bool | Flags = False,
    censored: Flags | None = None,
) -> Figures:
    """Return the figures that have a value, in the quantity's own unit."""
    marked = stands if isinstance(stands, np.ndarray) else np.full(len(site), stands)
    # One word in one place, for a firm's resistances may be millions.
    unit = np.broadcast_to(np.array(QUANTITIES[quantity].unit, dtype=object), len(site))
    open_end = np.zeros(len(site), dtype=bool) if censored is None else censored
    return Figures(site, value, unit, marked, open_end, conditions).pick(np.isfinite(value))


def _join(parts: Sequence[Figures]) -> Figures:
    """Return figures behind one another."""
    if len(parts) == 1:
        return parts[0]
    site, value, unit, stands, censored = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("site", "value", "unit", "stands", "censored")
    )
    names = dict.fromkeys(name for part in parts for name in part.conditions)
    conditions = {name: np.concatenate([_tell_condition(part, name) for part in parts]) for name in names}
    return Figures(site, value, unit, stands, censored, conditions)


def _tell_condition(part: Figures, name: str) -> Doubles:
    known = part.conditions.get(name)
    return np.full(len(part.site), np.nan) if known is None else known


def _summarise(summary: pl.DataFrame, sites: Sites, fades: Fades) -> Told:
    """Yield what the summary says of each cell; it stands for the cell."""
    joined = sites.cells.join(summary[list(USED)], on="cell_id", how="inner", maintain_order="left")
    site = joined["site"].to_numpy()
    capacity = _fill(doubles(joined["reference_capacity_ah"]), doubles(joined["first_capacity_ah"]))
    cycle = doubles(joined["reference_cycle"])
    yield "capacity", _make("capacity", site, capacity, {"cycle": cycle}, stands=True)
    for quantity, column in OF_SUMMARY.items():
        yield quantity, _make(quantity, site, doubles(joined[column]), {}, stands=True)
    said = joined["end_of_life_censored"].to_list()
    # A life that goes on lasts at least as long as its ageing was watched.
    life = _fill(doubles(joined["end_of_life_cycle"]), find_last(fades, sites)[site])
    life = np.where([one is None for one in said], np.nan, life)
    censored = np.array([bool(one) for one in said], dtype=bool)
    yield "life", _make("life", site, life, {}, stands=True, censored=censored)


def _fill(values: Doubles, otherwise: Doubles) -> Doubles:
    return np.where(np.isnan(values), otherwise, values)


def _list_blocks(inputs: FirmInputs, sites: Sites) -> Told:
    """Yield what the cell gave in each block of like cycles."""
    blocks = inputs.results.get(BLOCKS)
    if blocks is None or blocks.is_empty():
        return
    used = blocks[["cell_id", "stands_for_cell", *sorted({*OF_BLOCKS.values(), *BLOCK_CONDITIONS.values()})]]
    joined = sites.cells.join(used, on="cell_id", how="inner", maintain_order="left")
    site, stands = joined["site"].to_numpy(), joined["stands_for_cell"].to_numpy()
    conditions = {name: abs(doubles(joined[column])) for name, column in BLOCK_CONDITIONS.items()}
    conditions["temperature_celsius"] = doubles(joined["temperature_celsius"])
    for quantity, column in OF_BLOCKS.items():
        speaks = stands if quantity in STAND_BY_BLOCK else False
        yield quantity, _make(quantity, site, doubles(joined[column]), conditions, stands=speaks)


def _list_results(inputs: FirmInputs, sites: Sites, name: str, recipe: WafersRecipe) -> Told:
    rows = inputs.results.get(name)
    if rows is None or rows.is_empty():
        return
    counts, quantities, conditions = OF_RESULTS[name]
    # A firm has millions of resistances, each with two dozen columns.
    columns = ("cell_id", *sorted({*quantities.values(), *conditions.values()}))
    used = collect(rows.lazy().filter(counts).select(columns))
    joined = sites.cells.join(used, on="cell_id", how="inner", maintain_order="left")
    site = joined["site"].to_numpy()
    known = {condition: doubles(joined[column]) for condition, column in conditions.items()}
    known |= {condition: abs(known[condition]) for condition in known if condition == "current_ampere"}
    for quantity, column in quantities.items():
        # The frequency belongs to the modulus alone; the resistances are of the whole spectrum.
        mine = {key: value for key, value in known.items() if key != "frequency_hertz" or quantity == "acir"}
        value = doubles(joined[column])
        stands = STAND[name](site, value, mine, recipe) if name in STAND else True
        yield quantity, _make(quantity, site, value, mine, stands=stands)


def _mark_resistance(site: Integers, value: Doubles, conditions: Mapping[str, Doubles], recipe: WafersRecipe) -> Flags:
    """Mark the resistances that stand for a cell: at the recipe's time, of the earliest cycle that has any."""
    near = abs(conditions["pulse_second"] / recipe.resistance_second - 1) <= recipe.same_time
    known = near & ~np.isnan(value)
    # A cycle that nobody knows is never the first.
    first = np.full(site.max(initial=-1) + 1, np.nan)
    np.fmin.at(first, site[known], conditions["cycle"][known])
    marked: Flags = near & (conditions["cycle"] == first[site])
    return marked


STAND: Final[dict[str, Callable[..., Flags]]] = {"resistance": _mark_resistance}


def _list_tests(sites: Sites, maps: Maps) -> Told:
    """Yield the values of tests that the current wafer maps hold, in SI units where their unit is known."""
    if maps.dies.is_empty():
        return
    tests = maps.dies.filter(~pl.col("quantity").is_in(BINS), pl.col("value").is_not_null())
    known = tests.select(*DIE, "quantity", "value", pl.col("unit").fill_null(""))
    joined = sites.frame.select("site", *DIE).join(known, on=DIE, how="inner", maintain_order="left")
    for name, told in _name_tests(joined["quantity"].to_list()).items():
        rows = joined[told]
        value, unit = _convert(rows["value"].to_list(), rows["unit"].to_list())
        marks = np.ones(len(told), dtype=bool), np.zeros(len(told), dtype=bool)
        yield name, Figures(rows["site"].to_numpy(), value, unit, *marks).pick(np.isfinite(value))


def _name_tests(written: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of each quantity's tests, whatever name it is written by."""
    names = {name: name_quantity(name) for name in dict.fromkeys(written)}
    places: dict[str, list[int]] = {}
    for place, name in enumerate(written):
        places.setdefault(names[name], []).append(place)
    return places


def _convert(values: Sequence[float], written: Sequence[str]) -> tuple[Doubles, Words]:
    units: dict[str, Any] = {text: find_unit(text) or (text, None) for text in dict.fromkeys(written)}
    told = zip(values, (units[text][1] for text in written), strict=True)
    converted = [value if factor is None else to_si(value, factor) for value, factor in told]
    return np.array(converted, dtype=np.float64), np.array([units[text][0] for text in written], dtype=object)


def _over_area(capacities: Figures, sites: Sites) -> Figures | None:
    """Return capacities over the electrode's area, where the manifest states it."""
    area = doubles(sites.frame["active_area_square_metre"])[capacities.site]
    # An area of zero or less is none, whoever wrote it down.
    stated = area > 0
    if not stated.any():
        return None
    told = capacities.pick(stated)
    # Nor is one so small that nothing can be divided by it.
    with np.errstate(over="ignore"):
        value = told.value / area[stated]
    of_area = replace(told, value=value).pick(np.isfinite(value))
    return replace(of_area, unit=np.full(len(of_area.site), QUANTITIES["areal_capacity"].unit, dtype=object))

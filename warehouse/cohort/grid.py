"""The grid: which cells of different firms are like. It is fixed and published; nobody chooses a filter of his own.

A grid that could be chosen would let two questions differ by one firm.

condition: the family of a cathode by the words of the manifest's cathode, else of its chemistry; half cells apart
condition: decade of the nominal capacity by the manifest; bins of the temperature as recorded, and of the C-rate of
    discharge, of the block of cycles that stands for the cell; lower ends included, upper ends not
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, inf, log10
from typing import Any, Final

# Words that a cathode's name begins with, by family. A cell whose words tell of two families is of none.
FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "LCO": ("lco", "licoo2"),
    "NMC": ("nmc", "ncm", "linimncoo2", "linicomno2"),
    "NCA": ("nca",),
    "LMO": ("lmo", "limn2o4"),
    "LNMO": ("lnmo", "lini05mn15o4"),
    "LFP": ("lfp", "lifepo4"),
    "V2O5": ("v2o5",),
    "TiS2": ("tis2",),
}
HALF_CELLS: Final = frozenset({"half_anode", "half_cathode"})
WORD: Final = re.compile(r"[a-z0-9]+")
TEMPERATURES: Final = (-inf, 0.0, 15.0, 35.0, 50.0, 70.0, inf)
RATES: Final = (0.0, 0.15, 0.35, 0.7, 1.5, 3.5, inf)
NOT_RECORDED: Final = "not recorded"
# Nominal capacities are products of a decimal and a unit: 100 µAh is 99.99999999999999e-6 Ah at times.
ROUNDING: Final = 1e-9
PREFIXES: Final = {0: "Ah", -3: "mAh", -6: "µAh", -9: "nAh"}


@dataclass(frozen=True)
class Place:
    """Where a cell lies in the grid; published in words."""

    chemistry_family: str
    capacity_decade: str
    temperature_bin: str
    rate_bin: str


def place_cell(cell: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return the place of a cell, and why it has none: a key of ``reasons``.

    Args:
        cell: its manifest's row, with the temperature and the C-rate of the block that stands for it.
    """
    family, reason = find_family(cell)
    capacity, rate = cell["nominal_capacity_ah"], cell["discharging_rate_per_hour"]
    if reason is None and not (capacity and capacity > 0):
        reason = "capacity_unknown"
    if reason is None and not (rate and rate > 0):
        reason = "rate_unknown"
    if reason is not None:
        return dict.fromkeys(Place.__annotations__), reason
    temperature = cell["temperature_celsius"]
    recorded = NOT_RECORDED if temperature is None else _name_bin(temperature, TEMPERATURES, "°C")
    return vars(Place(family, name_decade(capacity), recorded, _name_bin(rate, RATES, "C"))), None


def find_family(cell: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the chemistry family of a cell, and why it has none."""
    if cell["convention"] == "symmetric":
        return "", "symmetric"
    words = WORD.findall((cell["cathode"] or cell["chemistry"] or "").casefold())
    found = {family for word in words for family, names in FAMILIES.items() if word.startswith(names)}
    if len(found) != 1:
        return "", "chemistry_unknown"
    return found.pop() + (" half cell" if cell["convention"] in HALF_CELLS else ""), None


def name_decade(capacity_ah: float) -> str:
    """Return the decade of a nominal capacity in words, as ``10 to 100 µAh``."""
    exponent = floor(log10(capacity_ah) + ROUNDING)
    prefix = min(max(3 * (exponent // 3), min(PREFIXES)), max(PREFIXES))
    return f"{10.0 ** (exponent - prefix):g} to {10.0 ** (exponent + 1 - prefix):g} {PREFIXES[prefix]}"


def _name_bin(value: float, edges: Sequence[float], unit: str) -> str:
    low, high = next((low, high) for low, high in pairwise(edges) if value < high or high == edges[-1])
    if low == edges[0]:
        return f"below {high:g} {unit}"
    return f"from {low:g} {unit}" if high == inf else f"{low:g} to {high:g} {unit}"

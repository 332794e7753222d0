"""What a cell or die can be judged by: names, units, and which bin a die goes to that fails there."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Quantity:
    """A quantity.

    Args:
        unit: SI unit; empty for numbers, fractions and counts.
        meaning: what it is.
        bin: of a die that is out of its limits; 9 where no other fits.
        also: other names.
    """

    unit: str
    meaning: str
    bin: int
    also: tuple[str, ...] = ()


PASS: Final = 1
SHORT: Final = 2
OPEN: Final = 3
LOW_CAPACITY: Final = 4
HIGH_RESISTANCE: Final = 5
HIGH_LEAKAGE: Final = 6
NOT_TESTED: Final = 7
EXCLUDED: Final = 8
OTHER_LIMIT: Final = 9
QUANTITIES: Final = {
    "capacity": Quantity("Ah", "Discharge capacity; of the reference cycle where no cycle is named", 4, ("용량",)),
    "areal_capacity": Quantity("Ah/m²", "Capacity over the electrode's area", 4, ("면적당 용량",)),
    "energy": Quantity("Wh", "Discharged energy", 4, ("에너지",)),
    "capacity_retention": Quantity(
        "", "Capacity over the reference capacity; the last where no cycle is named", 9, ("retention", "용량 유지율")
    ),
    "coulombic_efficiency": Quantity("", "Coulombic efficiency; median where no cycle is named", 9, ("쿨롱 효율",)),
    "energy_efficiency": Quantity("", "Energy efficiency", 9, ("에너지 효율",)),
    "fade_rate": Quantity("", "Slope of retention over cycle; negative when fading", 9, ("열화율",)),
    "life": Quantity("", "Cycles to the end of life; censored where it was not reached", 9, ("cycle_life", "수명")),
    "resistance": Quantity("Ω", "Direct-current resistance", 5, ("dcir", "저항")),
    "acir": Quantity("Ω", "Modulus of the impedance at one frequency", 5, ("impedance", "교류 저항")),
    "hf_resistance": Quantity("Ω", "Electrolyte and contacts, from a spectrum", 5, ()),
    "interface_resistance": Quantity("Ω", "Interfaces, from a spectrum", 5, ("계면 저항",)),
    "leakage": Quantity("A", "Current that holds the cell at a voltage", 6, ("leakage_current", "누설 전류")),
    "self_discharge_current": Quantity("A", "Current that the resting cell loses charge by", 6, ()),
    "self_discharge": Quantity("1/a", "Charge lost in storage, per year, linear", 6, ("자가 방전",)),
    "irreversible_loss": Quantity("1/a", "Lost for good in storage, per year, linear", 6, ("비가역 손실",)),
    "charge_time": Quantity("s", "Time to charge", 9, ("충전 시간",)),
    "open_circuit_voltage": Quantity("V", "Voltage at rest, as a wafer map states it", 2, ("ocv", "개방 전압")),
}


def name_quantity(text: str) -> str:
    """Return a quantity's own name; what is none of them is a test of a wafer map and keeps its name."""
    folded = _fold(text)
    return next((name for name, one in QUANTITIES.items() if folded in map(_fold, (name, *one.also))), text)


def bin_of(quantity: str) -> int:
    """Return the bin of a die that is out of a quantity's limits."""
    return QUANTITIES[quantity].bin if quantity in QUANTITIES else OTHER_LIMIT


def _fold(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", unicodedata.normalize("NFKC", text).casefold()).strip("_")

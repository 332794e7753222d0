"""Units of requirements as people write them, beyond those of limits and test values."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Final

from warehouse.wafers.units import find_unit

# Whole names, in small letters and without blanks: SI unit and factor.
FURTHER: Final = {
    "uwh/mm3": ("Wh/m³", Decimal(1000)),
    "wh/l": ("Wh/m³", Decimal(1000)),
    "wh/m3": ("Wh/m³", Decimal(1)),
}


def to_unit(value: float, unit: str, wanted: str) -> float | None:
    """Return a value in another unit; None where the unit is not known or of another kind."""
    plain = unicodedata.normalize("NFKC", unit).replace("\N{GREEK SMALL LETTER MU}", "u").casefold().replace(" ", "")
    found = FURTHER.get(plain) or find_unit(unit)
    if found is None or found[0] != wanted:
        return None
    # Decimals, so that 50 µAh are 0.00005 Ah and nothing besides.
    return float(Decimal(repr(value)) * found[1])

"""Units of limits and of test values, as people and testers write them, and the SI units behind them."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from itertools import product
from typing import Final

from warehouse.wafers.quantities import QUANTITIES

# Prefixes keep their case: a milliohm is no megohm.
PREFIXES: Final = {"": 0, "p": -12, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12}
BASES: Final = {
    "Ah": ("ah", "Ah", "AH"),
    "Wh": ("wh", "Wh", "WH"),
    "A": ("a", "A", "amp", "ampere"),
    "V": ("v", "V", "volt"),
    "Ω": ("ohm", "Ohm", "OHM"),
    "Hz": ("hz", "Hz"),
    "F": ("F", "farad"),
}
# Whole names, in small letters and without blanks: SI unit and factor.
NAMES: Final[dict[str, tuple[str, str]]] = {
    "": ("", "1"),
    "1": ("", "1"),
    "-": ("", "1"),
    "fraction": ("", "1"),
    "count": ("", "1"),
    "%": ("", "0.01"),
    "percent": ("", "0.01"),
    "ppm": ("", "0.000001"),
    "cycle": ("", "1"),
    "cycles": ("", "1"),
    "1/cycle": ("", "1"),
    "%/cycle": ("", "0.01"),
    "s": ("s", "1"),
    "sec": ("s", "1"),
    "ms": ("s", "0.001"),
    "us": ("s", "0.000001"),
    "min": ("s", "60"),
    "h": ("s", "3600"),
    "d": ("s", "86400"),
    "%/year": ("1/a", "0.01"),
    "%/yr": ("1/a", "0.01"),
    "%/a": ("1/a", "0.01"),
    "1/a": ("1/a", "1"),
    "1/year": ("1/a", "1"),
    "uah/cm2": ("Ah/m²", "0.01"),
    "mah/cm2": ("Ah/m²", "10"),
    "ah/m2": ("Ah/m²", "1"),
    "ohmcm2": ("Ω·m²", "0.0001"),
    "ohmm2": ("Ω·m²", "1"),
    "nm": ("m", "0.000000001"),
    "um": ("m", "0.000001"),
    "mm": ("m", "0.001"),
    "celsius": ("°C", "1"),
    "degc": ("°C", "1"),
}
PREFIXED: Final = {
    f"{prefix}{name}": (unit, Decimal(1).scaleb(power))
    for (prefix, power), (unit, names) in product(PREFIXES.items(), BASES.items())
    for name in names
}


def find_unit(text: str) -> tuple[str, Decimal] | None:
    """Return the SI unit behind a unit and the factor that leads there; None for a unit that is not known."""
    # NFKC would make a micro sign Greek, and a squared sign a plain two.
    plain = unicodedata.normalize("NFKC", text).replace("\N{GREEK SMALL LETTER MU}", "u")
    plain = plain.replace("\N{GREEK CAPITAL LETTER OMEGA}", "ohm").replace("^", "").replace("°c", "degc")
    plain = re.sub(r"[\s·*]+", "", plain)
    if plain in PREFIXED:
        return PREFIXED[plain]
    # Only whole names may be written in any case: a Pa is no pA.
    unit, factor = NAMES.get(plain.casefold(), (None, ""))
    return None if unit is None else (unit, Decimal(factor))


def to_si(value: float, factor: Decimal) -> float:
    """Return a decimal times a factor, without the residue of binary arithmetic."""
    return float(Decimal(repr(value)) * factor)


def limits_in_si(quantity: str, unit: str, lower: float | None, upper: float | None) -> dict[str, object] | None:
    """Return the columns of ``schema.SPEC_LIMIT`` in SI units; None for a unit that does not measure the quantity.

    Args:
        quantity: what is limited; a test of a wafer map may have any unit.
        unit: as the manifest writes it.
        lower: lower limit in that unit.
        upper: upper limit in it.
    """
    known = find_unit(unit)
    if quantity in QUANTITIES and (known is None or known[0] != QUANTITIES[quantity].unit):
        return None
    base, factor = known or (unit, Decimal(1))
    values = (None if value is None else to_si(value, factor) for value in (lower, upper))
    return dict(zip(("lower_si", "upper_si"), values, strict=True)) | {"unit_si": base}

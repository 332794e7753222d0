"""Values in the units that people who make cells think in, where these are not the SI units of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from portal.charts.efficiency import EFFICIENCY, print_efficiency
from portal.templating import DASH, format_number, format_si

# Quantities and metrics without a unit that people read as percent; the others are numbers and counts.
FRACTIONS: Final = frozenset(
    {
        "calendar_retention",
        "capacity_after_exposure",
        "capacity_of_nominal",
        "capacity_retention",
        "coulombic_efficiency",
        "energy_efficiency",
        "fade_rate",
        "fade_rate_per_cycle",
        "rate_capability",
        "temperature_capability",
    }
)
# Unit of the data to the factor and the unit on a screen.
EVERYDAY: Final[Mapping[str, tuple[float, str]]] = {
    "Ah/m²": (100.0, "µAh/cm²"),
    "Wh/m²": (100.0, "µWh/cm²"),
    "Ω·m²": (1e4, "Ω·cm²"),
    "Wh/m³": (1e-3, "Wh/L"),
    "1/a": (100.0, "%/a"),
    "1/m²": (1e-4, "/cm²"),
}
SPANS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))


def write_percent(part: float | None, times: float = 1.0) -> str:
    """Write a part as percent with two decimals."""
    return DASH if part is None else f"{part * times * 100:.2f} %"


def write_amount(value: float | None, unit: str | None, quantity: str = "") -> str:
    """Write a value of a quantity with the unit that people use for it."""
    if value is None:
        return DASH
    if quantity == EFFICIENCY:
        # What stands here has no floor beside it.
        return print_efficiency(value, None)
    if quantity in FRACTIONS:
        return write_percent(value)
    if unit == "s":
        return write_span(value)
    if unit is not None and unit in EVERYDAY:
        factor, shown = EVERYDAY[unit]
        return f"{format_number(value * factor)} {shown}"
    return format_si(value, unit or "")


def write_span(second: float) -> str:
    """Write a time in the largest unit that leaves two of it: ``2.47 h``."""
    for size, unit in SPANS:
        if abs(second) >= 2 * size:
            return f"{format_number(second / size, 3)} {unit}"
    return format_si(second, "s") if abs(second) < 1 else f"{format_number(second, 3)} s"

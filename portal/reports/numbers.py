"""Numbers as a report prints them: significant digits, one SI prefix a column, dates of Korea."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

KST: Final = ZoneInfo("Asia/Seoul")
# The Greek letter, which the font has, for the sign of micro, which it lacks.
PREFIXES: Final = {-12: "p", -9: "n", -6: "μ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
PREFIXED: Final = frozenset({"A", "Ah", "Wh", "V", "Ω", "Hz", "F", "S/m"})
DIGITS: Final = 4
BEFORE_MINUS: Final = " ~ "
BETWEEN: Final = " – "  # noqa: RUF001 the sign between two ends
LARGEST: Final = 1e7
SMALLEST: Final = 1e-4
# Unit of the data to unit on paper, with the factor between them.
FAMILIAR: Final = {
    "Ah/m²": ("μAh/cm²", 100.0),
    "m²": ("mm²", 1e6),
    "Ω·m²": ("Ω·cm²", 1e4),
    "%": ("%", 100.0),
}


def write_number(value: float | None, digits: int = DIGITS) -> str:
    """Write a number with so many significant digits; nothing for none."""
    if value is None or not math.isfinite(value):
        return ""
    if value == 0:
        return "0"
    size = abs(value)
    if not SMALLEST <= size < LARGEST:
        return f"{value:.{digits - 1}e}"
    places = max(digits - 1 - math.floor(math.log10(size)), 0)
    return f"{value:.{places}f}"


def write_column(values: Sequence[float | None], digits: int = DIGITS) -> list[str]:
    """Write the numbers of a column with one number of decimals, so that they can be compared; nothing for none."""
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    if not sizes or not (min(sizes) >= SMALLEST and max(sizes) < LARGEST):
        return [write_number(value, digits) for value in values]
    fewest, most = (max(digits - 1 - math.floor(math.log10(size)), 0) for size in (max(sizes), min(sizes)))
    places = min(most, fewest + 2)
    return ["" if value is None else f"{value:.{places}f}" if value else "0" for value in values]


def choose_scale(values: Iterable[float | None], unit: str) -> tuple[str, float]:
    """Return the unit with the prefix that suits most values, and what to multiply them with."""
    if unit in FAMILIAR:
        return FAMILIAR[unit]
    sizes = [abs(value) for value in values if value]
    if unit not in PREFIXED or not sizes:
        return unit, 1.0
    power = 3 * (math.floor(math.log10(median(sizes))) // 3)
    power = max(min(power, max(PREFIXES)), min(PREFIXES))
    return PREFIXES[power] + unit, 10.0**-power


def write_quantity(value: float | None, unit: str, digits: int = DIGITS) -> str:
    """Write one value with its unit; nothing for none."""
    if value is None:
        return ""
    shown, factor = choose_scale([value], unit)
    return f"{write_number(value * factor, digits)} {shown}".strip()


def write_scaled(value: float | None, unit: str, digits: int = 4) -> str:
    """Write one value in the unit that people use for it; nothing for none."""
    if value is None:
        return ""
    shown, factor = choose_scale([value], unit)
    return f"{write_number(value * factor, digits)} {shown}"


def join_parts(*parts: object) -> str:
    """Write what is there of several parts, divided by dots."""
    return " · ".join(str(part) for part in parts if part not in {None, ""})


def write_span(low: str, high: str) -> str:
    """Write two ends; an open one as an ellipsis, nothing where both are."""
    # A dash before a minus sign reads like two of either.
    between = BEFORE_MINUS if high.startswith("-") else BETWEEN
    return f"{low or '…'}{between}{high or '…'}" if low or high else ""


def write_moment(unix_second: float | None) -> str:
    """Write a moment as ``2026-03-02 09:00 KST``; nothing for none."""
    return "" if unix_second is None else f"{_at(unix_second):%Y-%m-%d %H:%M} KST"


def write_day(unix_second: float | None) -> str:
    """Write the day of a moment in Korea as ``2026-03-02``; nothing for none."""
    return "" if unix_second is None else f"{_at(unix_second):%Y-%m-%d}"


def write_duration(second: float | None) -> str:
    """Write a duration in the unit that suits it; nothing for none."""
    if second is None:
        return ""
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if second >= 2 * size:
            return f"{write_number(second / size, 3)} {unit}"
    return f"{write_number(second, 3)} s"


def _at(unix_second: float) -> datetime:
    return datetime.fromtimestamp(unix_second, UTC).astimezone(KST)

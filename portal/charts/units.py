"""SI prefixes for whole columns: one for all values of an axis, so that they stay comparable."""

from __future__ import annotations

import math
from typing import Final

import polars as pl

PREFIXES: Final = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
# Units that are read without a prefix whatever the size.
PLAIN: Final = frozenset({"", "%", "d", "h", "s", "V", "°C", "1/h", "1/a", "Ah/m²", "Ω·m²"})
DIGITS: Final = 7
EVERYDAY: Final = (1e-3, 1e6)


def pick_prefix(values: pl.Series, unit: str) -> tuple[float, str]:
    """Return the factor that values are multiplied with for an axis, and the unit with its prefix.

    Nine tenths of the values decide, so that one wild value does not hide the others behind a row of zeros.
    """
    sizes = values.drop_nulls().abs()
    sizes = sizes.filter(sizes > 0)
    # Millivolts on one axis and volts on the next would only be misread.
    if unit in PLAIN or sizes.is_empty():
        return 1.0, unit
    power = 3 * math.floor(math.log10(float(sizes.cast(pl.Float64).quantile(0.9) or 1.0)) / 3)
    power = max(min(power, max(PREFIXES)), min(PREFIXES))
    return 10.0**-power, f"{PREFIXES[power]}{unit}"


def to_plain(values: pl.Series, factor: float = 1.0) -> list[float | None]:
    """Return values for a chart: multiplied, with as many digits as a screen can tell, null where there is none."""
    # Shorter numbers are half of what goes over the wire.
    scaled = (values.cast(pl.Float64) * factor).round_sig_figs(DIGITS)
    return scaled.set(~scaled.is_finite().fill_null(True), None).to_list()

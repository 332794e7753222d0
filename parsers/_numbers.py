"""Exact decimals: what the instrument wrote, not what binary arithmetic left of it.

Instruments store single precision and print decimals. 3.7001 V stored as float32 is 3.70009994506836 as float64;
the number that was meant is the shortest decimal that gives the same float32 back. All functions here take and
return one-dimensional NumPy arrays and pass NaN and infinities through.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Powers = NDArray[np.int64]

# Six digits hold every shorter decimal too, but not below the smallest normal float32, where precision fades out.
FEWEST_DIGITS: Final = 6
# Nine significant digits distinguish all float32 numbers, so the search ends there.
MOST_DIGITS: Final = 9
SMALLEST_NORMAL: Final = float(np.finfo(np.float32).smallest_normal)
# 10**22 is the largest power of ten that float64 holds exactly.
LARGEST_EXACT_POWER: Final = 22
POWERS: Final[Doubles] = np.array([float(f"1e{power}") for power in range(LARGEST_EXACT_POWER + 1)])
DOUBLE_DIGITS: Final = 15
# Times a power of ten, more would leave the range of doubles.
LARGEST_SCALED: Final = 1e280


def shortest_decimals(values: NDArray[np.float32], shift: int = 0) -> Doubles:
    """Return the shortest decimal behind each float32, divided by ``10**shift``.

    Args:
        values: single-precision numbers.
        shift: decimal places to move, 3 for mA → A; negative multiplies.

    Returns:
        Float64 numbers, each the double nearest to the shortest decimal that rounds to the given float32. For three
        powers of two (2**-96, 2**87, 2**90) the decimal has one digit more than it need have.
    """
    single = np.ascontiguousarray(values, dtype=np.float32)
    result = single.astype(np.float64)
    open_rows = np.flatnonzero(np.isfinite(result) & (result != 0))
    remaining = result[open_rows]
    magnitude = _magnitude(remaining)
    fading = bool(np.any(np.abs(remaining) < SMALLEST_NORMAL))
    for digits in range(1 if fading else FEWEST_DIGITS, MOST_DIGITS + 1):
        if not len(open_rows):
            break
        places = digits - 1 - magnitude
        integers = np.rint(_times_power(remaining, places))
        with np.errstate(over="ignore"):  # rounding may leave the range of float32, and then nothing is found
            found = _decimals(integers, -places).astype(np.float32) == single[open_rows]
        result[open_rows[found]] = _decimals(integers[found], -(places[found] + shift))
        open_rows, remaining, magnitude = open_rows[~found], remaining[~found], magnitude[~found]
    return result


def shift_decimals(values: Doubles, shift: int, digits: int = DOUBLE_DIGITS) -> Doubles:
    """Divide decimals by ``10**shift`` without the residue that a binary division leaves.

    Args:
        values: doubles that were printed with at most ``digits`` significant digits.
        shift: decimal places to move, 3 for mA → A; negative multiplies.
        digits: significant digits to keep.

    Returns:
        The doubles nearest to the shifted decimals.
    """
    result = np.array(values, dtype=np.float64)
    if shift == 0:
        return result
    regular = np.isfinite(result) & (result != 0)
    result[regular] = _round_digits(result[regular], digits, shift)
    return result


def round_doubles(values: Doubles, decimals: int) -> Doubles:
    """Round to decimals as Polars does, without the expression that it takes to do so."""
    if np.any(np.abs(values) > LARGEST_SCALED):
        return pl.Series(values).round(decimals).to_numpy()
    return np.round(values, decimals)


def _round_digits(values: Doubles, digits: int, shift: int) -> Doubles:
    """Round finite, nonzero numbers to significant digits and divide by ``10**shift``."""
    places = digits - 1 - _magnitude(values)
    return _decimals(np.rint(_times_power(values, places)), -(places + shift))


def _decimals(integers: Doubles, powers: Powers) -> Doubles:
    """Return the doubles nearest to whole numbers times powers of ten."""
    # An integer times or over an exact power of ten is rounded once, which makes it the nearest double.
    beyond = np.abs(powers) > LARGEST_EXACT_POWER
    if not beyond.any():
        return _times_power(integers, powers)
    result = _times_power(integers, np.where(beyond, 0, powers))
    # A parser rounds once for any power; too slow for whole columns, but noise in A is what needs it.
    written = pl.DataFrame({"integer": integers[beyond].astype(np.int64), "power": powers[beyond]})
    parsed = written.select(pl.concat_str("integer", pl.lit("e"), "power").cast(pl.Float64)).to_series()
    result[beyond] = parsed.to_numpy()
    return result


def _magnitude(values: Doubles) -> Powers:
    """Return the decimal exponent of finite, nonzero numbers."""
    return np.floor(np.log10(np.abs(values))).astype(np.int64)


def _times_power(values: Doubles, powers: Powers) -> Doubles:
    """Multiply by powers of ten, dividing for negative ones; beyond 10**22 in two roundings."""
    low, high = (int(powers.min()), int(powers.max())) if len(powers) else (0, 0)
    # Nearly every column stays on one side of the point, many in one decade; looking powers up beats computing them.
    if low == high and abs(low) <= LARGEST_EXACT_POWER:
        scale = float(POWERS[abs(low)])
        return values * scale if low >= 0 else values / scale
    if low >= 0 and high <= LARGEST_EXACT_POWER:
        return values * POWERS[powers]
    if high <= 0 and low >= -LARGEST_EXACT_POWER:
        return values / POWERS[-powers]
    result = values.copy()
    remaining = powers.copy()
    while np.any(remaining):
        part = np.clip(remaining, -LARGEST_EXACT_POWER, LARGEST_EXACT_POWER)
        factor = 10.0 ** np.abs(part)
        result = np.where(part >= 0, result * factor, result / factor)
        remaining -= part
    return result

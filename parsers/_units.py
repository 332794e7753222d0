"""Units and durations as text exports write them: ``Current(µA)``, ``Capacity(mAs)``, ``1:02:03.5``, ``2d 01:00:00``.

A unit that is not in the table is unknown and stays unknown: a reader refuses the column, nobody guesses.
Look-alike signs are one sign here (NFKC): µ U+00B5, μ U+03BC and the single character ㎂ all mean micro.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl

from parsers._few_rows import MOST_ROWS
from parsers._numbers import Doubles, shift_decimals

HOUR: Final = 3600.0
# Sensors are not read finer than a microkelvin; the sum with the offset leaves binary residues below that.
OFFSET_DECIMALS: Final = 6


@dataclass(frozen=True)
class Unit:
    """One unit: what it measures and how its numbers become those of the schema's unit.

    Args:
        quantity: ``time, current, voltage, capacity, energy, power, resistance, temperature`` or
            ``frequency``; the schema's units are s, A, V, Ah, Wh, W, Ω, °C, Hz.
        shift: decimal places to move, 3 for mA → A.
        factor: multiplies after the shift; 60 for minutes.
        divisor: divides after the shift; 3600 for A·s → Ah.
        offset: added last; -273.15 for K → °C.
    """

    quantity: str
    shift: int = 0
    factor: float = 1.0
    divisor: float = 1.0
    offset: float = 0.0

    def convert(self, values: Doubles) -> Doubles:
        """Return numbers of this unit in the schema's unit, exact where only the decimal point moves."""
        if self.offset:
            return np.round(np.asarray(values, dtype=np.float64) + self.offset, OFFSET_DECIMALS)
        if self.factor == 1.0 and self.divisor == 1.0:
            return shift_decimals(values, self.shift)
        # The powers of ten go with the divisor, so that the quotient is rounded once.
        scaled = np.asarray(values, dtype=np.float64) * self.factor
        return np.asarray(scaled / (self.divisor * 10.0**self.shift), dtype=np.float64)


PREFIXES: Final = {"": 0, "m": 3, "u": 6, "n": 9, "p": 12}
BASES: Final = {
    "A": Unit("current"),
    "V": Unit("voltage"),
    "W": Unit("power"),
    "Ah": Unit("capacity"),
    "As": Unit("capacity", divisor=HOUR),
    "C": Unit("capacity", divisor=HOUR),
    "Wh": Unit("energy"),
    "Ws": Unit("energy", divisor=HOUR),
    "J": Unit("energy", divisor=HOUR),
    "ohm": Unit("resistance"),
    "s": Unit("time"),
}
UNITS: Final[dict[str, Unit]] = {
    f"{prefix}{base}": Unit(unit.quantity, shift, unit.factor, unit.divisor)
    for base, unit in BASES.items()
    for prefix, shift in PREFIXES.items()
} | {
    "sec": Unit("time"),
    "min": Unit("time", factor=60.0),
    "h": Unit("time", factor=HOUR),
    "hr": Unit("time", factor=HOUR),
    "d": Unit("time", factor=24 * HOUR),
    "°C": Unit("temperature"),
    "degC": Unit("temperature"),
    "K": Unit("temperature", offset=-273.15),
    "Hz": Unit("frequency"),
    "kHz": Unit("frequency", -3),
    "MHz": Unit("frequency", -6),
    # A prefix before these would be read as another unit, so they stand here by themselves.
    "kA": Unit("current", -3),
    "kV": Unit("voltage", -3),
    "kW": Unit("power", -3),
    "kWh": Unit("energy", -3),
    "kohm": Unit("resistance", -3),
    "Mohm": Unit("resistance", -6),
}
SPELLINGS: Final = {
    "μ": "u",
    "Ω": "ohm",
    "Ohm": "ohm",
    "OHM": "ohm",
    "ohms": "ohm",
    "·": "",
    "*": "",
    ".": "",
    "-": "",
    " ": "",
}
# Whole words, which a table of prefixes and bases does not make; compared without regard to case.
WORDS: Final = {
    "second": "s",
    "seconds": "s",
    "secs": "s",
    "minute": "min",
    "minutes": "min",
    "mins": "min",
    "hour": "h",
    "hours": "h",
    "decimal hours": "h",
    "decimal minutes": "min",
    "hrs": "h",
    "day": "d",
    "days": "d",
    "sec": "s",
    "min": "min",
    "volt": "V",
    "volts": "V",
    "amp": "A",
    "amps": "A",
    "ampere": "A",
    "amperes": "A",
    "deg c": "degC",
    "celsius": "degC",
    "kelvin": "K",
    "hertz": "Hz",
}

# How people write that a time is a clock's reading and no number, and that it is a spreadsheet's number of days.
DURATIONS: Final = frozenset({"h:m:s", "h:mm:ss", "hh:mm:ss", "hhh:mm:ss", "d hh:mm:ss", "d h:m:s", "0d 00:00:00"})
SERIALS: Final = frozenset({"excel", "excel serial", "excel days"})

BRACKETS: Final = re.compile(r"^(?P<label>.*?)\s*(?:\((?P<round>[^()]*)\)|\[(?P<square>[^\[\]]*)\])$")
SIXTY: Final = 60
DURATION: Final = r"^\s*(?:(\d+)\s*(?:d|D|days?|-)?[\s,]+|(\d+)[d-])?(\d+):([0-5]?\d):([0-5]?\d)(?:[.,](\d+))?\s*$"
PLAIN_DURATION: Final = re.compile(r"([0-9]{1,6}):([0-5]?[0-9]):([0-5]?[0-9])(?:\.([0-9]{1,9}))?")
EXCEL_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 serials are local wall clock and name no zone
DAY_MILLISECONDS: Final = 86_400_000
LAST_SERIAL: Final = 2_958_466.0


@lru_cache(maxsize=1024)
def parse_unit(text: str) -> Unit | None:
    """Return the unit that a text names, or None for one that is not in the table."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain in UNITS:
        return UNITS[plain]
    for spelling, ours in SPELLINGS.items():
        plain = plain.replace(spelling, ours)
    return UNITS.get(plain) or UNITS.get(WORDS.get(text.strip().lower(), ""))


def is_duration(text: str) -> bool:
    """Whether a text stands for durations such as 1:02:03 in place of a unit."""
    return text.strip().lower() in DURATIONS


def is_serial(text: str) -> bool:
    """Whether a text stands for a spreadsheet's day numbers in place of a unit."""
    return text.strip().lower() in SERIALS


@lru_cache(maxsize=4096)
def split_header(header: str) -> tuple[str, str]:
    """Split a column header into its label and the unit in its last brackets; no brackets, no unit."""
    plain = unicodedata.normalize("NFKC", header).strip().strip("\ufeff")
    match = BRACKETS.match(plain)
    if match is None:
        return plain, ""
    return match["label"].strip(), (match["round"] or match["square"] or "").strip()


def serial_times(serials: pl.Series) -> pl.Series:
    """Convert Excel's day numbers to naive local times, to the millisecond; null beyond the year 9999.

    Day 1 is 1900-01-01 and Excel believes in a 29 February of that year, so days count from 1899-12-30.
    """
    days = serials.cast(pl.Float64)
    plausible = days.set(~days.is_between(1.0, LAST_SERIAL, closed="left"), None)
    milliseconds = (plausible * DAY_MILLISECONDS).round(0).cast(pl.Int64)
    return (pl.Series(serials.name, [EXCEL_EPOCH]).cast(pl.Datetime("ms")) + milliseconds.cast(pl.Duration("ms"))).cast(
        pl.Datetime("us")
    )


def duration_seconds(text: pl.Series) -> pl.Series:
    """Convert ``[days] hours:minutes:seconds[.fraction]`` to seconds; null where a text is no duration.

    Digits beyond microseconds are cut. The result is the double nearest to the decimal that was written.
    """
    if len(text) <= MOST_ROWS and text.dtype == pl.String and (few := _few_durations(text.to_list())) is not None:
        return pl.Series(text.name, few, dtype=pl.Float64)
    texts = text.alias("duration").cast(pl.String)
    seconds = texts.to_frame().select(_plain_duration(pl.col("duration"))).to_series()
    # The usual spelling is taken apart at its colons, ten times faster than by a pattern, which the others need.
    unusual = (seconds.is_null() & texts.is_not_null()).arg_true()
    if len(unusual):
        seconds = seconds.scatter(
            unusual, texts[unusual].to_frame().select(_any_duration(pl.col("duration"))).to_series()
        )
    return seconds.alias(text.name)


def _few_durations(texts: list[str | None]) -> list[float | None] | None:
    """Convert the usual spelling without expressions; None if any text has another."""
    found: list[float | None] = []
    for text in texts:
        match = PLAIN_DURATION.fullmatch(text) if text is not None else None
        if match is None and text is not None and ":" in text:
            return None
        if match is None:
            found.append(None)
            continue
        seconds = (int(match[1]) * SIXTY + int(match[2])) * SIXTY + int(match[3])
        found.append((seconds * 1_000_000 + int((match[4] or "").ljust(6, "0")[:6])) / 1e6)
    return found


def _plain_duration(column: pl.Expr) -> pl.Expr:
    """Convert ``hours:minutes:seconds[.fraction]`` of plain digits; null for any other spelling."""
    fields = column.str.split_exact(":", 2).struct
    hours, minutes = (fields.field(f"field_{index}").cast(pl.UInt32, strict=False) for index in range(2))
    clock = fields.field("field_2").str.split_exact(".", 1).struct
    seconds, fraction = (clock.field(f"field_{index}") for index in range(2))
    micro = fraction.fill_null("").str.pad_end(6, "0").str.slice(0, 6).cast(pl.UInt32, strict=False)
    whole = seconds.cast(pl.UInt32, strict=False)
    plain = (minutes < SIXTY) & (whole < SIXTY)
    return pl.when(plain).then(_as_seconds(hours.cast(pl.Int64), minutes, whole, micro))


def _any_duration(column: pl.Expr) -> pl.Expr:
    part = [column.str.extract(DURATION, group) for group in range(1, 7)]
    days = pl.coalesce(part[0], part[1], pl.lit("0")).cast(pl.Int64, strict=False)
    hours, minutes, seconds = (entry.cast(pl.Int64, strict=False) for entry in part[2:5])
    micro = part[5].fill_null("").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64, strict=False)
    return _as_seconds(days * 24 + hours, minutes, seconds, micro)


def _as_seconds(hours: pl.Expr, minutes: pl.Expr, seconds: pl.Expr, micro: pl.Expr) -> pl.Expr:
    # Integers first: adding fractions to seconds would leave binary residues. Polars divides by a constant through
    # its reciprocal; the rounding brings the nearest double back.
    total = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micro
    return (total.cast(pl.Float64) / 1e6).round(6)

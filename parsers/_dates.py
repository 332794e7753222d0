"""Wall clocks as text exports write them: ``1/5/2019 2:01:39 PM``, ``19.06.2023 17:56:53``, ``2025-07-19 15:26:20``.

Day and month change places with the language of the exporting computer, and nothing in a single date tells which is
which. Here they are told apart by all dates together: by a number above 12, else by the time that passed between them.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from parsers._clock import unix_seconds
from parsers.contract import Source

MONTH_FIRST: Final = "month"
DAY_FIRST: Final = "day"
# The order that a pattern assumes; None where the pattern leaves no doubt.
DATES: Final = {
    "%Y-%m-%d": None,
    "%Y/%m/%d": None,
    "%d.%m.%Y": None,
    "%m/%d/%Y": MONTH_FIRST,
    "%d/%m/%Y": DAY_FIRST,
    "%m-%d-%Y": MONTH_FIRST,
    "%d-%m-%Y": DAY_FIRST,
    "%d.%m.%y": None,
}
CLOCKS: Final = ("%H:%M:%S%.f", "%I:%M:%S%.f %p", "%H:%M", "%I:%M %p")
# Wall clocks are written to the second and are set right now and then.
CLOCK_SLACK_SECONDS: Final = 90.0
NOON: Final = 12
PLAIN: Final = re.compile(
    r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([1-9][0-9]{3}) ([0-9]{1,2}):([0-9]{2}):([0-5][0-9])( [AP]M)?"
)
PLAIN_CELL: Final = re.compile(r"[0-9/.:-]+(?: [0-9.:]+)?(?: [AP]M)?")
FEW_CELLS: Final = 1024
LAST_MONTH: Final = 12
LAST_DAY: Final = 31
UNREADABLE: Final = "the wall clock is left out: {text!r} is no date that is known"
AMBIGUOUS: Final = "the wall clock is left out: {text!r} may be month first or day first, and nothing in the file tells"


def read_clock(
    text: pl.Series, elapsed: pl.Series, source: Source, *, prefer: str | None = None
) -> tuple[pl.Series, str | None]:
    """Convert local wall clocks to Unix time.

    Args:
        text: the cells.
        elapsed: test time of the same rows in seconds, to tell day from month.
        source: for the site's zone.
        prefer: ``month`` or ``day`` first where nothing tells, as the vendor's known files have it.

    Returns:
        Float64 ``unix_time_second``, null where unknown, and a warning if nothing could be read.
    """
    nothing = pl.Series("unix_time_second", [None] * text.len(), dtype=pl.Float64)
    if text.null_count() == text.len():
        return nothing, None
    plain = text if _is_plain(text) else text.str.strip_chars().str.replace_all(r"[T\s]+", " ")
    # Patterns hold one blank; exports pad with several, or write a T.
    readings = _fitting(plain)
    first = text.drop_nulls()[0]
    if not readings:
        return nothing, UNREADABLE.format(text=first)
    chosen = _choose(readings, elapsed, prefer)
    if chosen is None:
        return nothing, AMBIGUOUS.format(text=first)
    return unix_seconds(chosen, source.zone).alias("unix_time_second"), None


def parse_moment(text: str, *, order: str | None = None) -> datetime | None:
    """Return one naive local time, or None if it cannot be read or day and month cannot be told apart."""
    plain = " ".join(text.replace("T", " ").split())
    readings = _plain_moments(plain)
    if readings is None:
        readings = [(name, moment[0]) for name, moment in _fitting(pl.Series([plain]))]
    moments = {moment for name, moment in readings if order in {None, name} or name is None}
    return moments.pop() if len(moments) == 1 else None


def _plain_moments(text: str) -> list[tuple[str | None, datetime]] | None:
    """Read one time in the usual spelling under every order of day and month; None for any other spelling."""
    match = PLAIN.fullmatch(text)
    if match is None:
        return None
    first, second, year, hour, minute, seconds = (int(match[place]) for place in (1, 3, 4, 5, 6, 7))
    if match[8] and not 1 <= hour <= NOON:
        return []
    hour = hour % NOON + NOON * (match[8] == " PM") if match[8] else hour
    orders = {".": [(None, first, second)]}.get(match[2], [(MONTH_FIRST, second, first), (DAY_FIRST, first, second)])
    found: list[tuple[str | None, datetime]] = []
    for order, day, month in orders:
        with suppress(ValueError):
            found.append((order, datetime(year, month, day, hour, minute, seconds)))  # noqa: DTZ001 a local wall clock
    return found


def find_order(dates: list[str]) -> str | None:
    """Return ``month`` or ``day`` if one of several dates of one computer has a number above 12."""
    for date in dates:
        numbers = date.replace("-", "/").split("/")
        if len(numbers) == len(("day", "month", "year")) and all(number.isdigit() for number in numbers):
            if int(numbers[1]) > LAST_MONTH:
                return MONTH_FIRST
            if LAST_MONTH < int(numbers[0]) <= LAST_DAY:
                return DAY_FIRST
    return None


def _is_plain(text: pl.Series) -> bool:
    """Whether nothing stands around and between date and time but single blanks; not looked at in long columns."""
    return len(text) <= FEW_CELLS and all(PLAIN_CELL.fullmatch(cell) for cell in text.to_list() if cell is not None)


def _fitting(text: pl.Series) -> list[tuple[str | None, pl.Series]]:
    """Return every reading under which all cells are dates, by the order of day and month that it assumes."""
    if len(text) <= FEW_CELLS:
        return _fitting_few(text)
    # Clocks repeat: a second holds many records.
    known = text.drop_nulls().unique()
    first = known.item(0) if known.len() else ""
    found = []
    for date, order in DATES.items():
        for clock in CLOCKS:
            pattern = f"{date} {clock}"
            if not _may_be(first, date, clock) or known.head(1).str.to_datetime(pattern, strict=False).has_nulls():
                continue
            if not known.str.to_datetime(pattern, strict=False).has_nulls():
                found.append((order, text.str.to_datetime(pattern, strict=False)))
    return found


def _fitting_few(text: pl.Series) -> list[tuple[str | None, pl.Series]]:
    """Do the same for so few cells that what they have in common takes longer to find out than to read them all."""
    first = next((cell for cell in text.to_list() if cell is not None), "")
    found = []
    for date, order in DATES.items():
        for clock in CLOCKS:
            if _may_be(first, date, clock):
                local = text.str.to_datetime(f"{date} {clock}", strict=False)
                found += [(order, local)] if local.null_count() == text.null_count() else []
    return found


def _choose(readings: list[tuple[str | None, pl.Series]], elapsed: pl.Series, prefer: str | None) -> pl.Series | None:
    if len(readings) == 1:
        return readings[0][1]
    # A clock that was set during the test agrees with neither; then both stay in question.
    agreeing = [(order, local) for order, local in readings if _agrees(local, elapsed)] or readings
    if len(agreeing) == 1:
        return agreeing[0][1]
    orders = dict(agreeing)
    return orders.get(prefer)


def _agrees(local: pl.Series, elapsed: pl.Series) -> bool:
    """Whether the clock ran as far as the test time did."""
    clock = local.dt.epoch("ms").cast(pl.Float64).to_numpy() / 1e3
    both = np.isfinite(clock)
    moved, passed = clock[both] - clock[both][0], elapsed.to_numpy()[both] - elapsed.to_numpy()[both][0]
    return bool(np.abs(moved - passed).max() <= CLOCK_SLACK_SECONDS + passed.max() / 100)


def _may_be(text: str, date: str, clock: str) -> bool:
    """Say at a glance whether a cell may have a form; to try one out takes longer than to read a short file."""
    day = text.partition(" ")[0]
    return date[2] in day and day[:4].isdigit() == date.startswith("%Y") and text[-1:].isalpha() == clock.endswith("%p")

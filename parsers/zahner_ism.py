"""Zahner ``.ism``: one impedance measurement of Thales (IM6, Zennium), binary, big-endian.

Seen: a diode (Zennium, 2021), a dummy cell (2024) and three simulated spectra, all published by Zahner. The layout is
that of the reader which Zahner itself publishes; texts and numbers of the files confirm it.

=====================  =================================================================================
0x00                   6 bytes: ``00 00 FF FF FF FE`` or ``… FF``
0x06                   6 bytes: number of points, less one
0x0C                   f8 a point each, one list after the other: frequency in Hz, modulus in Ω, phase in radians,
                       time in seconds since 1980-01-01 of the instrument's own clock (its sign is no part of it)
then                   i2 a point: significance, of 1000; not carried over
then                   twelve texts: date ``ddmmyy``, system, potential, current, temperature, time, four comments,
                       area, serial; each an i2 for its length, then letters with small and capital swapped
then                   i2 flags, 32 f8 of settings. Flags above 256 and bit 15 of setting 27: pairs of f8 follow,
                       voltage in V and current in A of each point. A file edited in Python ends behind the texts
=====================  =================================================================================

* Phase is negative when capacitive: the 300 mV diode has +27° of 30 nH at 500 kHz, which is also what Zahner's own fit
  of that file says (0.1958 Ω, 29.8 nH).
* A measurement may begin in the middle of its range, go up, and then all the way down: two sweeps here.
* Simulated files count points instead of seconds. The clock is therefore believed where it agrees with the date in the
  texts (15 October 2021 and 16 July 2024 do, to the second of the texts' hours), and left out otherwise.
* Current: positive into the device under test, as its pairs with the voltage show; that charges a cell.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._clock import iso_utc, unix_seconds
from parsers._impedance import number_sweeps
from parsers.contract import Fact, Format, Peek, Reading, Source, still_growing
from warehouse.errors import ParseError

Doubles = NDArray[np.float64]

MAGICS: Final = (b"\x00\x00\xff\xff\xff\xfe", b"\x00\x00\xff\xff\xff\xff")
HEADER_BYTES: Final = 12
LISTS: Final = ("frequency", "modulus", "phase", "time")
POINT_BYTES: Final = 8 * len(LISTS) + 2
MOST_POINTS: Final = 1_000_000
LOWEST_HERTZ, HIGHEST_HERTZ = 1e-9, 1e9
TEXTS: Final = (
    *("date", "system", "potential", "current", "temperature", "time"),
    *("comment_1", "comment_2", "comment_3", "comment_4", "area", "serial"),
)
COMMENTS: Final = tuple(name for name in TEXTS if name.startswith("comment"))
FLAGS_WITH_PAIRS: Final = 256
SETTINGS: Final = 32
PAIRS_SETTING: Final = 27
PAIRS_BIT: Final = 1 << 15
CLOCK_BEGINS: Final = datetime(1980, 1, 1)  # noqa: DTZ001 the instrument's clock names no zone
# Two digits for the year, as Zahner reads them.
FIRST_YEAR: Final = 70
LARGEST_SECONDS: Final = 100 * 366 * 86400.0


class _Rest(NamedTuple):
    """What stands behind the lists: texts by name, voltage and current of each point, whether all of it is there."""

    texts: Mapping[str, str]
    pairs: Doubles | None
    whole: bool


def sniff(peek: Peek) -> bool:
    """Whether the file begins with Zahner's bytes, a number of points, and frequencies."""
    head = peek.head
    if not head.startswith(MAGICS) or len(head) < HEADER_BYTES + 8:
        return False
    count = int.from_bytes(head[6:HEADER_BYTES], "big") + 1
    known = min(count, (len(head) - HEADER_BYTES) // 8)
    return count <= MOST_POINTS and _are_frequencies(np.frombuffer(head, ">f8", known, HEADER_BYTES))


def read(source: Source) -> Reading:
    """Read the points of one measurement.

    Raises:
        ParseError: the file ends before its points do, or a point holds what is no impedance.
    """
    content = source.path.read_bytes()
    count = _count_points(content, source)
    lists = np.frombuffer(content, ">f8", count * len(LISTS), HEADER_BYTES).reshape(len(LISTS), count)
    points = {name: values.astype(np.float64) for name, values in zip(LISTS, lists, strict=True)}
    _check(points, source)
    rest = _read_rest(content, HEADER_BYTES + count * POINT_BYTES, count)
    frame = pl.DataFrame(
        {
            "spectrum_index": number_sweeps(points["frequency"]),
            "frequency_hertz": points["frequency"],
            "real_impedance_ohm": points["modulus"] * np.cos(points["phase"]),
            "imaginary_impedance_ohm": points["modulus"] * np.sin(points["phase"]),
            **_times(points["time"], rest.texts["date"], source),
            **_bias(rest.pairs),
        }
    )
    warnings = () if rest.whole else (still_growing("what follows the points", len(content)),)
    return Reading(spectra=frame, about=_facts(rest.texts, frame), warnings=warnings, incomplete=not rest.whole)


def _count_points(content: bytes, source: Source) -> int:
    if not content.startswith(MAGICS) or len(content) < HEADER_BYTES:
        raise ParseError(source.name, f"expected Zahner's first bytes, found {content[:6].hex(' ')}", byte=0)
    count = int.from_bytes(content[6:HEADER_BYTES], "big") + 1
    needed = HEADER_BYTES + count * POINT_BYTES
    if len(content) < needed:
        detail = f"{count} points take {needed} bytes, the file ends at {len(content)}"
        raise ParseError(source.name, detail, code="incomplete_file", byte=len(content))
    return count


def _are_frequencies(values: NDArray[np.float64]) -> bool:
    # Comparisons with NaN are false, and that is what is wanted.
    return bool(np.all((values > LOWEST_HERTZ) & (values < HIGHEST_HERTZ)))


def _check(points: Mapping[str, Doubles], source: Source) -> None:
    frequency = points["frequency"]
    wrong = ~((frequency > LOWEST_HERTZ) & (frequency < HIGHEST_HERTZ))
    wrong |= ~np.isfinite(points["modulus"]) | ~np.isfinite(points["phase"]) | (points["modulus"] < 0)
    if wrong.any():
        row = int(wrong.argmax())
        found = ", ".join(f"{name} {points[name][row]:.6g}" for name in LISTS[:3])
        byte = HEADER_BYTES + 8 * row
        raise ParseError(source.name, f"point {row + 1} is no impedance: {found}", byte=byte, column="frequency")


def _read_rest(content: bytes, place: int, count: int) -> _Rest:
    """Read what follows the points as far as it goes."""
    texts = dict.fromkeys(TEXTS, "")
    for name in TEXTS:
        length = int.from_bytes(content[place : place + 2], "big")
        if place + 2 + length > len(content):
            return _Rest(texts, None, whole=False)
        texts[name] = content[place + 2 : place + 2 + length].decode("cp1252", errors="replace").swapcase().strip()
        place += 2 + length
    if place == len(content):
        return _Rest(texts, None, whole=True)
    flags, place = int.from_bytes(content[place : place + 2], "big", signed=True), place + 2
    if len(content) < place + 8 * SETTINGS:
        return _Rest(texts, None, whole=False)
    (setting,) = struct.unpack_from(">d", content, place + 8 * PAIRS_SETTING)
    place += 8 * SETTINGS
    if flags <= FLAGS_WITH_PAIRS or not 0 <= setting < 2**31 or not int(setting) & PAIRS_BIT:
        return _Rest(texts, None, whole=True)
    if len(content) < place + 16 * count:
        return _Rest(texts, None, whole=False)
    pairs = np.frombuffer(content, ">f8", 2 * count, place).astype(np.float64).reshape(count, 2)
    return _Rest(texts, pairs if np.isfinite(pairs).all() else None, whole=True)


def _times(stamps: Doubles, date: str, source: Source) -> dict[str, pl.Series]:
    """Return times since the first point and by the clock; nothing where the clock is not that of the date."""
    seconds = np.abs(stamps)
    if not (seconds < LARGEST_SECONDS).all():
        return {}
    first = CLOCK_BEGINS + timedelta(seconds=float(seconds.min()))
    if first.date() != _date_of(date):
        return {}
    local = pl.Series([CLOCK_BEGINS]) + pl.Series((seconds * 1e6).round()).cast(pl.Duration("us"))
    since = pl.Series((seconds - seconds.min()).round(6))
    return {"test_time_second": since, "unix_time_second": unix_seconds(local, source.zone)}


def _date_of(text: str) -> object:
    try:
        day, month, year = (int(text[place : place + 2]) for place in (0, 2, 4))
        return datetime((2000 if year < FIRST_YEAR else 1900) + year, month, day, tzinfo=UTC).date()
    except ValueError:
        return None


def _bias(pairs: Doubles | None) -> dict[str, Doubles]:
    return {} if pairs is None else {"bias_voltage_volt": pairs[:, 0], "bias_current_ampere": pairs[:, 1]}


def _facts(texts: Mapping[str, str], frame: pl.DataFrame) -> dict[str, Fact]:
    facts: dict[str, Fact] = {"instrument": "Zahner", "technique": "EIS"}
    facts |= {name: texts[name] for name in ("potential", "current", "temperature", "area") if texts[name]}
    facts |= {"test_name": texts["system"]} if texts["system"] else {}
    comment = "\n".join(texts[name] for name in COMMENTS if texts[name])
    facts |= {"comment": comment} if comment else {}
    if "unix_time_second" in frame.columns:
        facts["start_time"] = iso_utc(float(frame["unix_time_second"].to_numpy().min()))
    return facts


FORMAT = Format(
    "zahner_ism",
    "Zahner",
    frozenset({".ism"}),
    "eis",
    sniff,
    read,
    lost="significance of each point, settings",
)

"""Exact decimals and wall clocks: what the instrument wrote, as the nearest double and as UTC."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from parsers._clock import iso_utc, unix_second, unix_seconds
from parsers._numbers import shift_decimals, shortest_decimals

SEOUL = ZoneInfo("Asia/Seoul")
BERLIN = ZoneInfo("Europe/Berlin")
# Their shortest decimal lies off the centre of the interval that rounds to them; the docstring names them.
LONGER = {2.0**-96, 2.0**87, 2.0**90}
# The first call pays for the start of Polars, and the machine may be busy.
UNHURRIED = settings(deadline=None)
SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False)
# What a cycler prints: up to nine digits, from picoamperes to kilovolts.
PRINTED = st.decimals(min_value=Decimal(-5000), max_value=Decimal(5000), places=6)


def shortest(value: float, shift: int = 0) -> float:
    return float(shortest_decimals(np.array([value], dtype=np.float32), shift)[0])


def written(value: float) -> str:
    return str(np.float32(value))


@UNHURRIED
@given(SINGLES)
@example(3.7001)
@example(1e-45)
@example(2.0**-149)
@example(3.4028234663852886e38)
@example(1.1754943508222875e-38)
def test_a_float32_becomes_its_shortest_decimal(value: float) -> None:
    """Any float32 becomes the double nearest to the shortest decimal that gives it back."""
    assume(abs(value) not in LONGER)
    assert shortest(value) == float(written(value))


@UNHURRIED
@given(SINGLES)
@example(1e-12)
@example(-4.7e-20)
def test_a_shift_moves_the_point_of_the_decimal(value: float) -> None:
    """With a shift of three, mA become A as if the decimal had been printed in A."""
    assume(abs(value) not in LONGER)
    assert shortest(value, 3) == float(Decimal(written(value)).scaleb(-3))


@pytest.mark.parametrize("value", sorted(LONGER))
def test_three_powers_of_two_keep_one_digit_more(value: float) -> None:
    """Even where the decimal is not the shortest, it gives the same float32."""
    assert np.float32(shortest(value)) == np.float32(value)


def test_every_power_of_two_gives_its_float32_back() -> None:
    """All 277 powers of two survive, those below the smallest normal number too."""
    powers = np.ldexp(np.float32(1), np.arange(-149, 128)).astype(np.float32)
    assert np.array_equal(shortest_decimals(powers).astype(np.float32), powers)


def test_a_column_keeps_its_order() -> None:
    """Values of many magnitudes in one column come out each in its own place."""
    column = np.array([3.7001, -1e-9, 0.0, 250.0, 1e-30, 4.2], dtype=np.float32)
    assert shortest_decimals(column).tolist() == [3.7001, -1e-9, 0.0, 250.0, 1e-30, 4.2]


@pytest.mark.parametrize("shift", [0, 3])
def test_nan_and_infinities_pass_float32(shift: int) -> None:
    """NaN and infinities come out as they went in."""
    found = shortest_decimals(np.array([np.nan, np.inf, -np.inf], dtype=np.float32), shift)
    assert math.isnan(found[0])
    assert found[1:].tolist() == [math.inf, -math.inf]


def test_nan_and_infinities_pass_float64() -> None:
    """NaN and infinities come out of a shift as they went in."""
    found = shift_decimals(np.array([np.nan, np.inf, -np.inf]), 3)
    assert math.isnan(found[0])
    assert found[1:].tolist() == [math.inf, -math.inf]


def test_a_binary_division_leaves_residue() -> None:
    """What shift_decimals is for: 0.03 mA over 1000 is not the double that 0.00003 A is."""
    assert 0.03 / 1000 != 0.00003
    assert shift_decimals(np.array([0.03]), 3).tolist() == [0.00003]


@UNHURRIED
@given(PRINTED, st.sampled_from([-3, 3, 6, 9]))
def test_a_shifted_decimal_has_no_residue(value: Decimal, shift: int) -> None:
    """A printed decimal in mA, µA or nA becomes the double that the same decimal in A is."""
    assert shift_decimals(np.array([float(value)]), shift)[0] == float(value.scaleb(-shift))


@UNHURRIED
@given(PRINTED, st.sampled_from([3, 6, 22, 30]))
def test_a_shift_can_be_undone(value: Decimal, shift: int) -> None:
    """There and back gives the same double, beyond the largest exact power of ten too."""
    there = shift_decimals(np.array([float(value)]), shift)
    assert shift_decimals(there, -shift)[0] == float(value)


def test_no_shift_changes_nothing() -> None:
    """A double with more digits than a decimal carries survives a shift of zero."""
    assert shift_decimals(np.array([0.1 + 0.2]), 0).tolist() == [0.1 + 0.2]


def test_empty_columns_stay_empty() -> None:
    """A column without values is no special case."""
    assert len(shortest_decimals(np.array([], dtype=np.float32), 3)) == 0
    assert len(shift_decimals(np.array([]), 3)) == 0


def local_seconds(zone: ZoneInfo, *moments: datetime) -> list[float | None]:
    return unix_seconds(pl.Series("clock", moments), zone).to_list()


def utc(text: str) -> float:
    return datetime.fromisoformat(text + "+00:00").timestamp()


def test_seoul_is_nine_hours_ahead() -> None:
    """Nine in the morning in Daejeon is midnight UTC, in winter and in summer."""
    moments = datetime(2026, 1, 15, 9), datetime(2026, 7, 15, 9)  # noqa: DTZ001 an instrument's clock names no zone
    assert local_seconds(SEOUL, *moments) == [utc("2026-01-15T00:00:00"), utc("2026-07-15T00:00:00")]


def test_milliseconds_survive() -> None:
    """A clock in milliseconds gives the double nearest to its decimal."""
    moment = datetime(2026, 3, 2, 9, 0, 0, 123000)  # noqa: DTZ001 an instrument's clock names no zone
    assert local_seconds(SEOUL, moment) == [float("1772409600.123")]


def test_a_repeated_hour_counts_as_its_first_occurrence() -> None:
    """Where clocks go back, the hour that comes twice is taken as summer time."""
    moment = datetime(2025, 10, 26, 2, 30)  # noqa: DTZ001 an instrument's clock names no zone
    assert local_seconds(BERLIN, moment) == [utc("2025-10-26T00:30:00")]


def test_a_skipped_hour_is_null() -> None:
    """Where clocks go forward, a time that never was has no UTC; its neighbours have."""
    moments = (datetime(2025, 3, 30, 1, 59), datetime(2025, 3, 30, 2, 30), datetime(2025, 3, 30, 3, 1))  # noqa: DTZ001 an instrument's clock names no zone
    assert local_seconds(BERLIN, *moments) == [utc("2025-03-30T00:59:00"), None, utc("2025-03-30T01:01:00")]


def test_no_clock_is_null() -> None:
    """A record without a clock has no UTC."""
    assert unix_seconds(pl.Series("clock", [None], dtype=pl.Datetime), SEOUL).to_list() == [None]


def test_a_single_time_agrees_with_the_column() -> None:
    """The function for one time and that for a column say the same, in a repeated hour too."""
    moment = datetime(2025, 10, 26, 2, 30)  # noqa: DTZ001 an instrument's clock names no zone
    assert [unix_second(moment, BERLIN)] == local_seconds(BERLIN, moment)


def test_iso_text_is_utc() -> None:
    """A Unix time is written in UTC, to the millisecond."""
    assert iso_utc(1772409600.123) == "2026-03-02T00:00:00.123+00:00"

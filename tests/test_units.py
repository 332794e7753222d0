"""Units and durations of text exports."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from parsers._units import duration_seconds, parse_unit, serial_times, split_header


@pytest.mark.parametrize("micro", ["\u00b5A", "\u03bcA", "\u3382", "uA"])
def test_every_micro_sign_is_one_unit(micro: str) -> None:
    """Micro sign, Greek mu, the single character for microampere and a plain u all mean microampere."""
    unit = parse_unit(micro)
    assert unit is not None
    assert (unit.quantity, unit.shift) == ("current", 6)


@pytest.mark.parametrize(
    ("text", "quantity", "value", "expected"),
    [
        ("A", "current", 0.5, 0.5),
        ("mA", "current", 3.7001, 0.0037001),
        ("nA", "current", 26.0, 2.6e-8),
        ("mV", "voltage", 3700.1, 3.7001),
        ("Ah", "capacity", 1.25, 1.25),
        ("mAh", "capacity", 0.1, 0.0001),
        ("mA.h", "capacity", 0.1, 0.0001),
        ("mAs", "capacity", 3600.0, 0.001),
        ("As", "capacity", 36.0, 0.01),
        ("C", "capacity", 3600.0, 1.0),
        ("mWh", "energy", 4.61, 0.00461),
        ("mWs", "energy", 3600.0, 0.001),
        ("J", "energy", 1800.0, 0.5),
        ("mW", "power", 4.162, 0.004162),
        ("\u2103", "temperature", 25.4, 25.4),
        ("\u00b0C", "temperature", -20.0, -20.0),
        ("m\u03a9", "resistance", 12.5, 0.0125),
        ("ms", "time", 463.0, 0.463),
        ("min", "time", 1.5, 90.0),
        ("h", "time", 0.25, 900.0),
    ],
)
def test_conversion_gives_the_nearest_double(text: str, quantity: str, value: float, expected: float) -> None:
    """A number of a known unit becomes the double nearest to its decimal in the schema's unit."""
    unit = parse_unit(text)
    assert unit is not None
    assert unit.quantity == quantity
    assert unit.convert(np.array([value])).tolist() == [expected]


@pytest.mark.parametrize("text", ["", "furlong", "MA", "mAh/g", "?", "mO", "a", "v"])
def test_unknown_unit_stays_unknown(text: str) -> None:
    """A unit outside the table is None, also where a letter's case would change its meaning."""
    assert parse_unit(text) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Current(\u00b5A)", ("Current", "\u03bcA")),
        ("Spec. Cap.(mAh/g)", ("Spec. Cap.", "mAh/g")),
        ("Test Time (s)", ("Test Time", "s")),
        ("Voltage [V]", ("Voltage", "V")),
        ("Current\uff08mA\uff09", ("Current", "mA")),
        ("\ufeffDate", ("Date", "")),
    ],
)
def test_header_is_split_at_its_last_brackets(header: str, expected: tuple[str, str]) -> None:
    """Label and unit are told apart with round, square and full-width brackets."""
    assert split_header(header) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:00", 0.0),
        ("0:00:01.6", 1.6),
        ("144:02:18", 518538.0),
        ("1:02:03,5", 3723.5),
        ("2d 01:00:00.25", 176400.25),
        ("2 01:00:00", 176400.0),
        ("3650d 00:00:00.001", 315360000.001),
    ],
)
def test_duration_is_exact(text: str, seconds: float) -> None:
    """Hours of any number, days, and fractions become the nearest double."""
    assert duration_seconds(pl.Series([text])).to_list() == [seconds]


@pytest.mark.parametrize("text", ["", "x", "1:60:00", "1:00:60", "-1:00:00", "12:00", "1.5"])
def test_what_is_no_duration_is_null(text: str) -> None:
    """A text that is not hours:minutes:seconds has no duration."""
    assert duration_seconds(pl.Series([text])).to_list() == [None]


def test_all_fractions_of_a_day_are_nearest_doubles() -> None:
    """No millisecond of a day picks up a binary residue."""
    milliseconds = np.arange(0, 86_400_000, 997)
    texts = [f"{ms // 3_600_000}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}" for ms in milliseconds]
    assert duration_seconds(pl.Series(texts)).to_list() == (milliseconds / 1000).tolist()


@pytest.mark.parametrize(
    ("text", "quantity", "value", "expected"),
    [
        ("K", "temperature", 298.15, 25.0),
        ("kOhm", "resistance", 1.5, 1500.0),
        ("MOhm", "resistance", 2.0, 2e6),
        ("mOhms", "resistance", 2.0, 0.002),
        ("kHz", "frequency", 1.5, 1500.0),
        ("\uff4d\uff21", "current", 5.0, 0.005),
        ("Hours", "time", 0.5, 1800.0),
        ("Decimal Hours", "time", 0.5, 1800.0),
        ("uWh", "energy", 5.0, 5e-06),
    ],
)
def test_words_prefixes_and_offsets(text: str, quantity: str, value: float, expected: float) -> None:
    """Written-out words, full-width forms, kelvin and the prefixes of ohm and hertz are known; M is no m."""
    unit = parse_unit(text)
    assert unit is not None
    assert unit.quantity == quantity
    assert unit.convert(np.array([value])).tolist() == [expected]


def test_days_before_a_dash_are_counted() -> None:
    """1-02:03:04 is a day and two hours, as Chinese testers write it."""
    assert duration_seconds(pl.Series(["1-02:03:04"])).to_list() == [93784.0]


def test_excel_serials_are_local_times() -> None:
    """Day 45000.5 is noon of 15 March 2023; what is no day is null."""
    found = serial_times(pl.Series([45000.5, -1.0, None])).to_list()
    assert found == [datetime(2023, 3, 15, 12), None, None]  # noqa: DTZ001 serials name no zone

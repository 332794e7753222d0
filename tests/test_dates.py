"""Wall clocks of text exports: which number is the month."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from parsers._dates import find_order, parse_moment, read_clock
from parsers.contract import Source

SOURCE = Source(Path("unused"), "unused")


def clock(texts: list[str | None], elapsed: list[float], prefer: str | None = None) -> tuple[list[object], str | None]:
    """Read clocks as months and days of Seoul."""
    unix, warning = read_clock(pl.Series(texts, dtype=pl.String), pl.Series(elapsed), SOURCE, prefer=prefer)
    local = pl.from_epoch(unix.cast(pl.Int64)).dt.offset_by("9h")
    return [None if moment is None else (moment.month, moment.day) for moment in local.to_list()], warning


@pytest.mark.parametrize(
    "text",
    [
        "2019-01-05 14:01:39",
        "2019/01/05 14:01:39",
        "05.01.2019 14:01:39",
        "2019-01-05T14:01:39.250",
        "2019-01-05 14:01",
    ],
)
def test_unambiguous_spellings_are_read(text: str) -> None:
    """Year first, or day first with dots, needs no second date to be understood."""
    assert clock([text], [0.0]) == ([(1, 5)], None)


def test_number_above_twelve_tells_the_order() -> None:
    """A single day above twelve decides for all dates of the file."""
    found, warning = clock(["1/5/2019 2:01:39 PM", "1/13/2019 2:01:39 PM"], [0.0, 691200.0])
    assert (found, warning) == ([(1, 5), (1, 13)], None)


def test_elapsed_time_tells_the_order() -> None:
    """Where both readings are dates, the one that agrees with the test time is taken."""
    day, month = 86400.0, 31 * 86400.0
    assert clock(["01/02/2020 10:00:00", "02/02/2020 10:00:00"], [0.0, day])[0] == [(2, 1), (2, 2)]
    assert clock(["01/02/2020 10:00:00", "02/02/2020 10:00:00"], [0.0, month])[0] == [(1, 2), (2, 2)]


def test_nothing_tells_and_nothing_is_guessed() -> None:
    """A single ambiguous day leaves the wall clock out with a warning."""
    found, warning = clock(["01/02/2020 10:00:00"], [0.0])
    assert found == [None]
    assert warning is not None
    assert "month first or day first" in warning


def test_vendors_habit_decides_a_tie() -> None:
    """A format whose known files are month first may say so."""
    assert clock(["01/02/2020 10:00:00"], [0.0], prefer="month")[0] == [(1, 2)]


def test_text_that_is_no_date_is_left_out_with_a_warning() -> None:
    """A clock column of another kind costs the clock and not the file."""
    found, warning = clock(["yesterday", None], [0.0, 1.0])
    assert found == [None, None]
    assert warning is not None
    assert "'yesterday' is no date" in warning


def test_order_of_a_header_is_told_by_any_of_its_dates() -> None:
    """One date with a day above twelve tells for all of the same computer."""
    assert find_order(["10-2-2020", "8/19/2019"]) == "month"
    assert find_order(["3/10/2019", "", "no date"]) is None
    assert find_order(["31/12/2019"]) == "day"


def test_moment_that_may_be_two_is_none() -> None:
    """A single ambiguous date is no moment, unless both readings are the same day."""
    assert parse_moment("3/10/2019 12:00:00") is None
    moment = parse_moment("12/12/2022 5:18:49 PM")
    assert moment is not None
    assert (moment.month, moment.hour) == (12, 17)

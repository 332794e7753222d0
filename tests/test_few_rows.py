"""What is done for small tables without Polars' expressions comes out as these have it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

from parsers import _blocks, _cells, _dates, _few_rows, _states, _steps, _units
from parsers._cells import LINE, Grid
from parsers._numbers import round_doubles
from parsers.contract import Source

SOURCE = Source(Path("table.csv"), "table.csv")
NUMBERS = ["1", "-2.5", "+3e-4", ".5", "7.", "1e999", ""]
CELLS = [*NUMBERS, " ", " 4 ", "nan", "inf", "1,5", "charge", "전압", "a b", "--", "e"]
ODD = ['"', "\r", "\0", "\x1c", "\xa0", "\x85", "\ufeff"]
TABLES = 1500
# Cells of a column for the comparisons of what is done to columns.
COLUMN = 300


@pytest.fixture
def chance() -> random.Random:
    """A source of tables and columns, the same in every run."""
    return random.Random(20261123)  # noqa: S311 not for secrets


def test_few_rows_are_split_as_polars_does(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is split without Polars' reader has the lines, cells and holes that it finds."""
    plain = 0
    for _ in range(TABLES):
        raw, grid = _make_table(chance)
        few = _few_rows.split_rows(raw, grid, LINE)
        if few is not None:
            plain += 1
            with monkeypatch.context() as patched:
                patched.setattr(_few_rows, "MOST_BYTES", -1)
                assert_frame_equal(_as_numbers(few), _as_numbers(_blocks.cut_cells(raw, grid, SOURCE)))
    assert plain > TABLES // 3


def test_a_small_file_has_the_cells_of_a_large_one(
    chance: random.Random, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rows below a file's head are those that Polars' reader finds when it skips that head."""
    for _ in range(TABLES // 5):
        raw, grid = _make_table(chance)
        (tmp_path / "file").write_bytes(b"head\n" * (grid.first_line - 1) + raw)
        few = _cells._read_few(tmp_path / "file", grid)
        if few is not None:
            with monkeypatch.context() as patched:
                patched.setattr(_cells, "MOST_BYTES", -1)
                assert_frame_equal(_as_numbers(few), _as_numbers(_cells._read_cells(tmp_path / "file", grid, SOURCE)))


@pytest.mark.parametrize("raw", [b"", b"\n", b"1,2\n\n3,4\n", b'"1",2\n', b"1,2\r3,4\n", b"\xff,2\n", b"1,\x1c\n"])
def test_what_is_not_plain_is_left_to_polars(raw: bytes) -> None:
    """Blank lines, quotes, lone carriage returns, broken UTF-8 and control characters are not split here."""
    assert _few_rows.split_rows(raw, Grid(1, ",", ("a", "b"), {"a": 0, "b": 1}), LINE) is None


def test_few_durations_are_those_of_many(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short column of durations becomes the same doubles as a long one."""
    for _ in range(20):
        cells = [_make_duration(chance) for _ in range(COLUMN)]
        column = pl.Series("time", cells, dtype=pl.String)
        few = _units.duration_seconds(column)
        with monkeypatch.context() as patched:
            patched.setattr(_units, "MOST_ROWS", -1)
            assert few.to_list() == _units.duration_seconds(column).to_list()


def test_a_plain_moment_is_what_polars_reads(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """One date and time is read, or refused, as a column of them is, under every order of day and month."""
    for _ in range(500):
        text, order = _make_moment(chance), chance.choice((None, _dates.MONTH_FIRST, _dates.DAY_FIRST))
        moment = _dates.parse_moment(text, order=order)
        with monkeypatch.context() as patched:
            patched.setattr(_dates, "_plain_moments", lambda _: None)
            assert moment == _dates.parse_moment(text, order=order), text


def test_few_clocks_are_read_as_many_are(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short column of dates has the readings of a long one."""
    for _ in range(40):
        separator, afternoon = chance.choice("/.-"), chance.choice(("", " PM"))
        days = [(chance.randint(1, 13), chance.randint(1, 13)) for _ in range(chance.choice((1, 9)))]
        cells = [f"{a}{separator}{b}{separator}2024 {chance.randint(1, 12)}:05:09{afternoon}" for a, b in days]
        column = pl.Series("clock", cells, dtype=pl.String)
        few = _dates._fitting(column)
        with monkeypatch.context() as patched:
            patched.setattr(_dates, "FEW_CELLS", -1)
            many = _dates._fitting(column)
        assert [(order, local.to_list()) for order, local in few] == [(order, local.to_list()) for order, local in many]


def test_doubles_are_rounded_as_polars_does(chance: random.Random) -> None:
    """Rounding gives Polars' doubles, bit for bit, from noise to the end of their range."""
    values = np.array([chance.uniform(-1, 1) * 10.0 ** chance.randint(-15, 12) for _ in range(20_000)])
    values = np.concatenate([values, np.arange(5000) * 0.01, [0.0, -0.0, -1e-12, np.nan]])
    for column in (values, np.array([1e300, -1e300, 2.5])):
        assert round_doubles(column, 9).tobytes() == pl.Series(column).round(9).to_numpy().tobytes()


def test_tabs_stand_for_blanks_with_and_without_patterns(chance: random.Random) -> None:
    """Rows parted by single tabs lose those at their ends as rows with other blanks do."""
    for _ in range(5000):
        raw = "".join(chance.choice("\t\n\r1a") for _ in range(chance.randint(0, 12))).encode()
        assert _blocks.tabs_for_blanks(raw) == _blocks.BLANKS.sub(b"\t", _blocks.LINE_BLANKS.sub(b"", raw))


def test_steps_are_counted_alike_in_words_and_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing label begins no step, whether labels are words of a short or a long table, or numbers."""
    numbers = [1, 1, None, 1, 2, None, None, 3, 3]
    words = pl.Series("label", [None if number is None else str(number) for number in numbers])
    steps = [_steps.count_steps(frame, ["label"]) for frame in (words.to_frame(), pl.DataFrame({"label": numbers}))]
    monkeypatch.setattr(_steps, "MOST_ROWS", -1)
    steps.append(_steps.count_steps(words.to_frame(), ["label"]))
    assert [step.to_list() for step in steps] == [[1, 1, 1, 1, 2, 2, 2, 2, 2]] * 3


def test_states_of_a_short_table_are_named_as_those_of_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words for what a step does become the same step types in a table of any length."""
    states = pl.Series("state", ["CC Charge", None, "Rest", "DChg", "pau", "?"])
    few = _states.step_types(states, {"pau": "rest"})
    monkeypatch.setattr(_states, "MOST_ROWS", -1)
    assert_series_equal(few, _states.step_types(states, {"pau": "rest"}))


def _make_table(chance: random.Random) -> tuple[bytes, Grid]:
    separator, width = chance.choice(",;\t"), chance.randint(1, 5)
    cells = [cell for cell in CELLS if separator not in cell] + (ODD if chance.random() < 0.3 else [])
    # Columns of numbers alone are what most tables are made of.
    rows = [
        separator.join(chance.choice(NUMBERS if place % 2 else cells) for place in range(max(1, length)))
        for length in chance.choices((width, width, width, width - 1, width + 1), k=chance.randint(1, 6))
    ]
    end = chance.choice(("\n", "\r\n"))
    wanted = {f"c{place}": place for place in range(width) if chance.random() < 0.8} or {"c0": 0}
    numeric = frozenset(name for name, place in wanted.items() if place % 2 or chance.random() < 0.3)
    headings = tuple(f"h{place}" for place in range(width))
    grid = Grid(chance.randint(2, 9), separator, headings, wanted, chance.choice(('"', None)), numeric)
    return (end.join(rows) + chance.choice(("", end))).encode(), grid


def _make_duration(chance: random.Random) -> str | None:
    fraction = chance.choice(("", ".5", ".123456789", f".{chance.randint(0, 999):03}"))
    hours = chance.randint(0, 10 ** chance.randint(1, 5))
    return chance.choice(
        (f"{hours}:{chance.randint(0, 59)}:{chance.randint(0, 59):02}{fraction}", None, "12.5", "word")
    )


def _make_moment(chance: random.Random) -> str:
    separator = chance.choice("/.-")
    day = f"{chance.randint(0, 33)}{separator}{chance.randint(0, 33)}{separator}{chance.choice((1066, 2019, 2020))}"
    clock = f"{chance.randint(0, 25)}:{chance.randint(0, 61):02}:{chance.randint(0, 61):02}"
    return f"{day} {clock}{chance.choice(('', ' AM', ' PM', ' pm'))}"


def _as_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Return text that holds numbers alone as numbers: which of the two a column is, no reader asks."""
    return frame.with_columns(
        frame[name].cast(pl.Float64)
        for name, dtype in frame.schema.items()
        if dtype == pl.String and frame[name].cast(pl.Float64, strict=False).null_count() == frame[name].null_count()
    )

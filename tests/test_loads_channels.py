"""What manifests say of channels: the platform's own instruments."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from manifest_files import load, text_of

from warehouse.home import Home
from warehouse.manifest import import_manifest
from warehouse.registry import SQL_TABLES, Row

ROW = {
    "channel": "X-1",
    "from": "2026-03-02 09:00+09:00",
    "current_offset_na": "10",
    "current_accuracy_of_range_percent": "0.02",
    "full_scale_ma": "1",
    "input_resistance_gohm": "10",
    "guard": "yes",
}


def _channels(home: Home) -> list[Row]:
    table = SQL_TABLES["channel"]
    return home.registry.rows(sa.select(table).order_by(table.c.channel, table.c.from_unix_second))


def test_channel_is_taken_in_si_units(home: Home, tmp_path: Path) -> None:
    """A channel's row lands in its table in SI units, with the manifest's number, and makes no firm."""
    receipt = load(home, tmp_path, text_of(ROW))
    row = _channels(home)[0]
    assert receipt.refused == ()
    assert row["from_unix_second"] == 1_772_409_600.0
    names = ("current_offset_ampere", "current_accuracy_of_range", "full_scale_ampere", "input_resistance_ohm", "guard")
    assert [row[name] for name in names] == [1e-8, 2e-4, 1e-3, 1e10, True]
    assert row["manifest_version"] == receipt.version
    assert home.registry.rows(sa.select(SQL_TABLES["firm"])) == []


def test_correction_of_a_channel_is_told(local_home: Home, tmp_path: Path) -> None:
    """A corrected offset is told with what it was before, and the rest of the row stays."""
    load(local_home, tmp_path, text_of(ROW))
    receipt = load(local_home, tmp_path, text_of({**ROW, "current_offset_na": "-2", "guard": ""}))
    assert [(one.column, one.before, one.after) for one in receipt.changes] == [("current_offset_ampere", 1e-8, -2e-9)]
    assert _channels(local_home)[0]["guard"] is True


def test_channel_may_be_calibrated_again(local_home: Home, tmp_path: Path) -> None:
    """Another first moment makes another row of the same channel."""
    load(local_home, tmp_path, text_of(ROW, {**ROW, "from": "2026-04-01 00:00Z", "current_offset_na": "3"}))
    assert [row["current_offset_ampere"] for row in _channels(local_home)] == [1e-8, 3e-9]


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [("to", "2026-03-02 09:00+09:00", "interval"), ("guard", "perhaps", "choice"), ("full_scale_ma", "-1", "positive")],
)
def test_bad_channel_is_refused(local_home: Home, tmp_path: Path, column: str, text: str, code: str) -> None:
    """An end not after the beginning, a guard neither yes nor no, and a range below zero are refused."""
    receipt = load(local_home, tmp_path, text_of({**ROW, column: text}))
    assert [error.code for error in receipt.refused] == [code]
    assert _channels(local_home) == []


def test_firm_says_nothing_of_channels(local_home: Home, tmp_path: Path) -> None:
    """Whoever imports for one firm cannot change the platform's channels."""
    path = tmp_path / "m.csv"
    path.write_text(text_of(ROW), encoding="utf-8")
    receipt = import_manifest(local_home, path, firm="A")
    assert [error.code for error in receipt.refused] == ["not_yours"]
    assert _channels(local_home) == []


def test_former_row_of_a_channel_comes_back(local_home: Home, tmp_path: Path) -> None:
    """An earlier manifest taken again leaves the channel as it was then."""
    first = text_of(ROW)
    load(local_home, tmp_path, first)
    load(local_home, tmp_path, text_of({**ROW, "current_offset_na": "7"}))
    load(local_home, tmp_path, first, again=True)
    assert _channels(local_home)[0]["current_offset_ampere"] == 1e-8

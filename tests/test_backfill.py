"""Backfill: a newer reader judges again what an older one refused or read, and states what is different."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cellar_runner import Runner
from made_cells import cycle, measure, write_bdf

import parsers
from flows import backfill as backfill_module
from flows.backfill import run_backfill
from flows.ingest import ingest_paths
from parsers.contract import Reading, Source
from warehouse.difference import Change, compare_tables
from warehouse.errors import Outdated, ParseError
from warehouse.home import Home
from warehouse.identity import ensure_owner
from warehouse.registry import TEST, Row
from warehouse.sources import find_source, newest_receipts

TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
FORMAT = "bdf_csv"
Alter = Callable[[pl.DataFrame], pl.DataFrame]


def take(home: Home, tmp_path: Path) -> dict[str, Any]:
    path = write_bdf(tmp_path / "in" / "a.csv", TWO_CYCLES)
    owner, _ = ensure_owner(home, "A", "C1")
    (receipt,) = ingest_paths(home, [path], owner)
    path.unlink()
    return receipt


def newer(monkeypatch: pytest.MonkeyPatch, change: Alter = lambda frame: frame) -> None:
    """Put a newer version in the place of a reader, which reads rows somewhat differently."""
    known = parsers.formats()
    old = known[FORMAT]

    def read(source: Source) -> Reading:
        reading = old.read(source)
        return replace(reading, measurements=change(reading.measurements))

    changed = {**known, FORMAT: replace(old, version=old.version + 1, read=read)}
    monkeypatch.setattr(parsers, "formats", lambda _=(): changed)


def row_of(home: Home, test_id: str) -> Row:
    row = home.registry.row(TEST, test_id=test_id)
    assert row is not None
    return row


# What was refused


def test_refused_is_tried_again_by_newer_readers(
    local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older set of readers refused is judged anew by a newer one, once, though its file is gone."""
    with monkeypatch.context() as patch:
        patch.setattr("parsers.claims", lambda *_: [])
        take(local_home, tmp_path)
        assert run_backfill(local_home).retried == []
    newer(monkeypatch)
    (receipt,) = run_backfill(local_home).retried
    assert (receipt["state"], receipt["cell_id"], receipt["rows"]) == ("committed", "C1", 88)
    assert run_backfill(local_home).retried == []


def test_still_refused_waits_for_other_readers(
    local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What newer readers refuse as well is not tried again by the same ones."""
    (tmp_path / "letter.txt").write_text("Dear lab")
    list(ingest_paths(local_home, [tmp_path / "letter.txt"]))
    newer(monkeypatch)
    assert [receipt["state"] for receipt in run_backfill(local_home).retried] == ["quarantined"]
    assert run_backfill(local_home).retried == []


# What was read


def test_nothing_to_do(local_home: Home, tmp_path: Path) -> None:
    """With the readers that it was read with, nothing is read again."""
    take(local_home, tmp_path)
    done = run_backfill(local_home)
    assert (done.retried, done.reread, done.same, done.refused) == ([], [], [], [])


def test_same_rows_change_the_version_alone(local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer reader that reads the same rows leaves the revision; its version is noted, and no receipt written."""
    receipt = take(local_home, tmp_path)
    newer(monkeypatch)
    assert run_backfill(local_home).same == [receipt["test_id"]]
    test = row_of(local_home, receipt["test_id"])
    assert (test["revision"], test["reader_version"]) == (1, parsers.formats()[FORMAT].version)
    assert len(newest_receipts(local_home)) == 1
    assert run_backfill(local_home).same == []


def test_other_rows_are_a_revision_with_its_difference(
    local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer reader that reads other rows makes a revision, whose receipt states each difference in figures."""
    first = take(local_home, tmp_path)

    def read_otherwise(frame: pl.DataFrame) -> pl.DataFrame:
        voltage = pl.when(pl.int_range(pl.len()) < 3).then(pl.col("voltage_volt") + 0.001).otherwise("voltage_volt")
        power = (pl.col("voltage_volt") * pl.col("current_ampere")).alias("power_watt")
        return frame.with_columns(voltage, power).drop("step_count").head(44)

    newer(monkeypatch, read_otherwise)
    (receipt,) = run_backfill(local_home).reread
    assert (receipt["state"], receipt["revision"], receipt["reason"]["code"]) == ("committed", 2, "reread")
    assert (receipt["firm"], receipt["cell_id"], receipt["rows"]) == ("A", "C1", 44)
    difference = receipt["difference"]
    told = difference["measurements"]
    assert (told["rows"], told["added"], told["lost"]) == ((88, 44), ("power_watt",), ("step_count",))
    assert told["changed"]["voltage_volt"] == {"rows": 3, "largest": pytest.approx(0.001)}
    assert difference["cycles"] == [2, 1]
    assert difference["last_capacity_ah"] == pytest.approx([0.9e-3, 1e-3])
    assert difference["sentence"] == (
        "measurements: 88 → 44 rows, new power_watt, lost step_count, voltage_volt differs in 3 rows by up to 0.001; "
        "cycles 2 → 1, last capacity 0.9 mAh → 1 mAh"
    )
    assert newest_receipts(local_home)[0]["difference"]["sentence"] == difference["sentence"]
    assert local_home.query("measurements", firm="A").height == 44
    assert run_backfill(local_home).reread == []
    assert first["revision"] == 1


def test_refused_by_a_newer_reader_stays(local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that a newer reader refuses stays as it is and is told, each time."""
    receipt = take(local_home, tmp_path)

    def refuse(_frame: pl.DataFrame) -> pl.DataFrame:
        raise ParseError("a.csv", "no longer", line=7)

    newer(monkeypatch, refuse)
    for _ in range(2):
        (refused,) = run_backfill(local_home).refused
        assert (refused["test_id"], refused["code"]) == (receipt["test_id"], "broken_file")
    assert row_of(local_home, receipt["test_id"])["revision"] == 1
    source = find_source(local_home, receipt["sha256"])
    assert source is not None
    assert source["state"] == "committed"


def test_reader_that_finds_no_rows_is_refused(
    local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer reader that finds nothing where rows were read does not empty a test."""
    take(local_home, tmp_path)
    newer(monkeypatch, lambda frame: frame.clear())
    assert run_backfill(local_home).refused[0]["code"] == "empty"
    assert local_home.query("measurements").height == 88


def test_test_that_changes_meanwhile_is_left_to_the_next_run(
    local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that another process revises while it is read again is not written over, and no file of ours stays."""
    receipt = take(local_home, tmp_path)
    before = set(local_home.store.folder.rglob("*.parquet"))
    newer(monkeypatch, lambda frame: frame.head(44))

    def outdated(*_arguments: Any) -> None:
        raise Outdated("changed")

    with monkeypatch.context() as patch:
        patch.setattr(backfill_module, "commit_prepared", outdated)
        assert run_backfill(local_home).busy == [receipt["test_id"]]
    assert set(local_home.store.folder.rglob("*.parquet")) == before
    assert len(run_backfill(local_home).reread) == 1


# Differences


def test_equal_tables_have_no_difference() -> None:
    """A table is not different from itself, nulls and columns without values included."""
    frame = pl.DataFrame({"a": [1.0, None], "b": ["x", None], "c": [None, None]})
    difference = compare_tables(frame, frame.drop("c"))
    assert (difference.rows, difference.added, difference.lost, difference.changed) == ((2, 2), (), (), {})


def test_changes_count_nulls_and_texts() -> None:
    """A value that came or went is a change; a text has no largest one."""
    before = pl.DataFrame({"a": [1.0, None, 3.0], "b": ["x", "y", "z"]})
    after = pl.DataFrame({"a": [1.5, 2.0, 3.0], "b": ["x", "Y", "z"]})
    assert compare_tables(before, after).changed == {"a": Change(2, 0.5), "b": Change(1, None)}


def test_many_changes_are_not_all_named() -> None:
    """The sentence names the first columns and counts the others."""
    before = pl.DataFrame({f"c{number}": [float(number)] for number in range(12)})
    assert str(compare_tables(before, before + 1)).endswith("c7 differs in 1 rows by up to 1, and 4 further columns")


def test_backfill_command(local_home: Home, tmp_path: Path) -> None:
    """``backfill --json`` is one document of what was done, and ends with 0 where nothing is left to look at."""
    take(local_home, tmp_path)
    with closing(Runner()) as runner:
        said = runner.run(["backfill", "--json", "--home", str(local_home.folder)], tmp_path)
        assert (said.code, set(said.json())) == (0, {"retried", "reread", "same", "refused", "busy"})
        assert "0 tried again" in runner.run(["backfill", "--home", str(local_home.folder)], tmp_path).out

"""The work list of tests that are nobody's: each with the owners it might have, ranked and explained."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cellar_runner import Runner
from made_cells import DAY, START, commit, cycle, measure, write_bdf

from flows.ingest import ingest_paths
from warehouse.home import Home
from warehouse.identity import add_firm, assign_channel, assign_test, find_cell, put_cells
from warehouse.publish import Owner
from warehouse.registry import TEST
from warehouse.unassigned import compare_names, unassigned_tests

TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
CHANNEL = "LAB #1-4"


@pytest.fixture
def firms(local_home: Home) -> Home:
    """A home with two cells of firm ACME and one of firm Beta Labs."""
    add_firm(local_home, "ACME", "Acme Batteries")
    add_firm(local_home, "BETA", "Beta Labs")
    cells = (("ACME", "W03-D12"), ("ACME", "W03-D13"), ("BETA", "B-7"))
    put_cells(local_home, [{"firm": firm, "cell_id": cell_id} for firm, cell_id in cells])
    return local_home


def suggested(home: Home) -> list[tuple[str, str | None, str]]:
    """Return the suggestions for the only test that waits."""
    (test,) = unassigned_tests(home)
    return [(row["firm"], row["cell_id"], row["why"]) for row in test["suggestions"]]


def commit_saying(home: Home, **about: Any) -> str:
    test_id = commit(home, "t", TWO_CYCLES)
    with home.registry.write() as connection:
        connection.execute(sa.update(TEST).values(about=json.dumps(about)))
    return test_id


def drop(home: Home, path: Path) -> dict[str, Any]:
    (receipt,) = ingest_paths(home, [write_bdf(path, TWO_CYCLES)], Owner())
    return receipt


def test_list_tells_what_is_known(firms: Home, tmp_path: Path) -> None:
    """Each test of nobody's is listed with its path, format, first time and rows; suggestions are not made up."""
    receipt = drop(firms, tmp_path / "x.csv")
    assert unassigned_tests(firms) == [
        {
            "test_id": receipt["test_id"],
            "path": str(tmp_path / "x.csv"),
            "format": "bdf_csv",
            "channel": None,
            "first_time": "2026-03-02T00:00:00+00:00",
            "rows": 88,
            "suggestions": [],
        }
    ]


def test_assigned_test_leaves_the_list(firms: Home) -> None:
    """A test that is assigned is on the list no more."""
    test_id = commit(firms, "t", TWO_CYCLES)
    assign_test(firms, test_id, find_cell(firms, "B-7"))
    assert unassigned_tests(firms) == []


def test_cell_that_came_to_be_known_is_first(firms: Home) -> None:
    """A cell whose manifest came after its file is suggested first, by the rule that finds it now."""
    commit_saying(firms, sample="W04-D01", test_name="w03d12")
    put_cells(firms, [{"firm": "BETA", "cell_id": "W04-D01"}])
    (first, second) = suggested(firms)
    assert first == (
        "BETA",
        "W04-D01",
        "file (sample 'W04-D01') says cell W04-D01 of BETA; sample 'W04-D01' is like its name",
    )
    assert second[:2] == ("ACME", "W03-D12")


def test_channels_other_times_are_told(firms: Home) -> None:
    """The cell that the channel held before comes before the one that it held after, each with its times."""
    assign_channel(firms, CHANNEL, find_cell(firms, "W03-D12"), START - 9 * DAY, START - DAY)
    assign_channel(firms, CHANNEL, find_cell(firms, "B-7"), START + DAY, START + 2 * DAY)
    commit(firms, "t", TWO_CYCLES, channel=CHANNEL)
    assert suggested(firms) == [
        (
            "ACME",
            "W03-D12",
            "channel LAB #1-4 held it from 2026-02-21T00:00:00+00:00 until 2026-03-01T00:00:00+00:00",
        ),
        ("BETA", "B-7", "channel LAB #1-4 held it from 2026-03-03T00:00:00+00:00 until 2026-03-04T00:00:00+00:00"),
    ]


def test_other_tests_of_the_channel_are_told(firms: Home) -> None:
    """The cell of another test on the channel is suggested."""
    other = commit(firms, "o", TWO_CYCLES, Owner("BETA", "B-7"), channel=CHANNEL)
    commit(firms, "t", measure(cycle([2e-3]), START + DAY), channel=CHANNEL)
    assert suggested(firms) == [("BETA", "B-7", f"{other} on channel LAB #1-4 is of this cell")]


def test_folder_like_a_firm_is_told(firms: Home, tmp_path: Path) -> None:
    """A folder that is like a firm's name suggests the firm."""
    drop(firms, tmp_path / "acme batteries 2026" / "x.csv")
    assert suggested(firms) == [("ACME", None, "folder 'acme batteries 2026' is like the firm's name")]


def test_name_like_a_cell_is_told(firms: Home, tmp_path: Path) -> None:
    """A file name that is like a cell's but for case and separators suggests the cell, and not its neighbour."""
    drop(firms, tmp_path / "w3_d12 formation.csv")
    assert suggested(firms) == [("ACME", "W03-D12", "name 'w3_d12 formation.csv' is like its name")]


def test_limits_that_fit_are_told(firms: Home) -> None:
    """A cell whose limits and capacity fit what was measured is suggested, one whose do not is not."""
    limits = {"voltage_upper_volt": 4.0, "voltage_lower_volt": 3.0}
    fits = {"firm": "BETA", "cell_id": "B-8", "nominal_capacity_ah": 1e-3, **limits}
    put_cells(firms, [fits, {**fits, "cell_id": "B-9", "nominal_capacity_ah": 1e-2}])
    commit(firms, "t", TWO_CYCLES)
    assert suggested(firms) == [("BETA", "B-8", "3 to 4 V and 1 mAh fit its limits")]


def test_damaged_test_is_listed(firms: Home) -> None:
    """A test whose files are gone is on the list all the same."""
    commit(firms, "t", TWO_CYCLES)
    for path in firms.store.folder.rglob("*.parquet"):
        path.unlink()
    assert suggested(firms) == []


@pytest.mark.parametrize(
    ("text", "name", "likeness"),
    [
        ("w3 d12", "W03-D12", 1.0),
        ("W03_D012", "W03-D12", 1.0),
        ("run W03-D12 b", "W03-D12", 0.9),
        ("W03-D13", "W03-D12", 0.0),
        ("W03-D121", "W03-D12", 0.0),
        ("W0-3D12", "W03-D12", 0.0),
        ("12", "12", 1.0),
        ("x12", "12", 0.0),
        ("셀가-01", "셀 가 1", 1.0),
        ("", "", 0.0),
        ("---", "A", 0.0),
    ],
)
def test_likeness_of_names(text: str, name: str, likeness: float) -> None:
    """Names are alike but for case, zeros and separators; a number that differs makes them two."""
    assert compare_names(text, name) == likeness


def test_slip_of_the_pen_is_alike() -> None:
    """A name with a letter wrong and the same numbers is alike, somewhat."""
    assert 0.6 <= compare_names("Wafr03-Die12", "Wafer03-Die12") < 1
    assert compare_names("Probe03-X12", "Wafer03-Die12") == 0


def test_many_cells_and_tests_take_no_time(firms: Home) -> None:
    """Ten tests among five thousand cells are listed in seconds."""
    put_cells(firms, [{"firm": "ACME", "cell_id": f"L{lot:02}-D{die:03}"} for lot in range(10) for die in range(500)])
    for number in range(10):
        commit(firms, f"t{number}", measure(cycle([1e-6 * (number + 1)])), channel=f"CH-{number}")
    with firms.registry.write() as connection:
        connection.execute(sa.update(TEST).values(about=json.dumps({"sample": "l4 d17", "test_name": "life test 3"})))
    began = time.perf_counter()
    tests = unassigned_tests(firms)
    assert time.perf_counter() - began < 5
    assert {test["suggestions"][0]["cell_id"] for test in tests} == {"L04-D017"}


def test_unassigned_command(firms: Home, tmp_path: Path) -> None:
    """``unassigned`` lists the tests with their suggestions, and ``assign`` takes a hash for its test."""
    receipt = drop(firms, tmp_path / "w03d12 [a].csv")
    where = ["--home", str(firms.folder)]
    with closing(Runner()) as runner:
        (listed,) = runner.run(["unassigned", "--json", *where], tmp_path).json()
        assert listed["suggestions"][0]["cell_id"] == "W03-D12"
        assert "cell W03-D12 of ACME? name 'w03d12 [a].csv'" in runner.run(["unassigned", *where], tmp_path).out
        said = runner.run(["assign", receipt["sha256"][:10], "W03-D12", "--json", *where], tmp_path).json()
        assert said["tests"] == [receipt["test_id"]]
        assert "Every test has its firm" in runner.run(["unassigned", *where], tmp_path).out

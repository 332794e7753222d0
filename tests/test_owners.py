"""Whose a test is: by option, assignment or folder, and nobody else ever sees it."""

from __future__ import annotations

import unicodedata
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from disk_spy import files_below
from made_cells import AMPERE, DAY, START, commit, cycle, measure, write_bdf

from flows.ingest import ingest_paths
from flows.nightly import run_night
from flows.virtual_lab import LabReport
from warehouse import home as home_module
from warehouse.errors import StoreBusy, UsageError
from warehouse.home import Home
from warehouse.identity import (
    add_firm,
    assign_channel,
    assign_test,
    ensure_owner,
    find_cell,
    put_cells,
    rederive_changed,
    resolve_owner,
)
from warehouse.manifest import import_manifest
from warehouse.publish import Owner
from warehouse.registry import CELL, TEST, Row

TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
DISCHARGE_FIRST = measure([(-AMPERE, 1e-3), (AMPERE, 1e-3)] * 2)
CHANNEL = "LAB #1-4"
QUESTIONS = ("tests", "steps", "cycles", "fade", "summary", "measurements", "quality")


@pytest.fixture
def firms(home: Home) -> Home:
    """A home with a cell C1 of firm A and a cell C2 of firm B."""
    return with_firms(home)


@pytest.fixture
def local_firms(local_home: Home) -> Home:
    """The same, on SQLite alone."""
    return with_firms(local_home)


def with_firms(home: Home) -> Home:
    for firm in "AB":
        add_firm(home, firm)
    put_cells(home, [{"firm": "A", "cell_id": "C1"}, {"firm": "B", "cell_id": "C2"}])
    return home


def take(home: Home, path: Path, wish: Owner | None = None) -> dict[str, Any]:
    (receipt,) = ingest_paths(home, [path], wish or Owner())
    return receipt


def cell(home: Home, firm: str, cell_id: str) -> Row:
    return find_cell(home, cell_id, firm)


def owner_of(home: Home, test_id: str) -> tuple[str | None, str | None, str | None]:
    row = home.registry.row(TEST, test_id=test_id)
    assert row is not None
    return row["firm"], row["cell_id"], row["assigned_by"]


# The rules


def test_option_comes_first(local_firms: Home) -> None:
    """What the user names wins over assignment and folder."""
    assign_channel(local_firms, CHANNEL, cell(local_firms, "B", "C2"), 0.0, None)
    wish = Owner("A", "C1", "option")
    assert resolve_owner(local_firms, wish, CHANNEL, START, ("B", "C2")) == wish


def test_assignment_comes_before_the_folder(local_firms: Home) -> None:
    """The channel's assignment wins over the folder."""
    assign_channel(local_firms, CHANNEL, cell(local_firms, "B", "C2"), 0.0, None)
    assert resolve_owner(local_firms, Owner(), CHANNEL, START, ("A", "C1")) == Owner("B", "C2", "assignment")


@pytest.mark.parametrize(
    ("folders", "owner"),
    [
        (("data", "A", "C1"), Owner("A", "C1", "folder")),
        (("data", "A", "C1", "raw"), Owner("A", "C1", "folder")),
        (("A", "unknown"), Owner("A", None, "folder")),
        (("A", "C2"), Owner("A", None, "folder")),
        (("A", "B"), Owner("B", None, "folder")),
        (("data", "a"), Owner()),
        ((), Owner()),
    ],
)
def test_folders_name_the_owner(local_firms: Home, folders: tuple[str, ...], owner: Owner) -> None:
    """The innermost folder named like a firm names it, the one below its cell if the firm has that cell."""
    assert resolve_owner(local_firms, Owner(), None, None, folders) == owner


def test_hangul_folders_of_a_mac_match(local_home: Home) -> None:
    """A folder whose Hangul is written in pieces is the firm's."""
    add_firm(local_home, "전지연구소")
    folder = unicodedata.normalize("NFD", "전지연구소")
    assert folder != "전지연구소"
    assert resolve_owner(local_home, Owner(), None, None, (folder,)).firm == "전지연구소"


@pytest.mark.parametrize(
    ("when", "cell_id"),
    [(START - 1e-3, None), (START, "C1"), (START + DAY - 1e-3, "C1"), (START + DAY, "C3"), (START + 9 * DAY, "C3")],
)
def test_assignment_is_half_open(firms: Home, when: float, cell_id: str | None) -> None:
    """An assignment holds from its first moment up to, and without, its end."""
    put_cells(firms, [{"firm": "A", "cell_id": "C3"}])
    assign_channel(firms, CHANNEL, cell(firms, "A", "C1"), START, START + DAY)
    assign_channel(firms, CHANNEL, cell(firms, "A", "C3"), START + DAY, None)
    assert resolve_owner(firms, Owner(), CHANNEL, when, ()).cell_id == cell_id


@pytest.mark.parametrize(
    ("begin", "end"),
    [(START, None), (START - DAY, None), (START + 1, START + 2), (START - 1, START + 1), (START, START + DAY)],
)
def test_overlapping_assignment_is_refused(local_firms: Home, begin: float, end: float | None) -> None:
    """A channel holds one cell at a time."""
    assign_channel(local_firms, CHANNEL, cell(local_firms, "A", "C1"), START, START + DAY)
    with pytest.raises(UsageError, match="already holds C1 of A"):
        assign_channel(local_firms, CHANNEL, cell(local_firms, "B", "C2"), begin, end)


@pytest.mark.parametrize("end", [START, START - DAY])
def test_empty_assignment_is_refused(local_firms: Home, end: float) -> None:
    """An assignment that ends before it begins is refused."""
    with pytest.raises(UsageError, match="before it begins"):
        assign_channel(local_firms, CHANNEL, cell(local_firms, "A", "C1"), START, end)


def test_channel_of_a_file_finds_its_cell(local_firms: Home, small_lab: LabReport) -> None:
    """A file that names its channel goes to the cell that the channel held at its first record."""
    source = next(path for path in small_lab.files if path.suffix == ".txt")
    assign_channel(local_firms, CHANNEL, cell(local_firms, "A", "C1"), START, None)
    assert take(local_firms, source)["cell_id"] == "C1"
    assert owner_of(local_firms, local_firms.query("tests")["test_id"].item()) == ("A", "C1", "assignment")


def test_unknown_owner_is_added(local_home: Home) -> None:
    """A firm and a cell that an option names and nobody knew are added, and that is said."""
    owner, warnings = ensure_owner(local_home, "NEW", "C9")
    assert owner == Owner("NEW", "C9", "option")
    assert [" ".join(warning.split()[:2]) for warning in warnings] == ["firm NEW", "cell C9"]
    assert ensure_owner(local_home, None, "C9") == (owner, [])


def test_cell_of_two_firms_needs_its_firm(local_firms: Home) -> None:
    """A cell's name alone is enough only where one firm has it."""
    put_cells(local_firms, [{"firm": "B", "cell_id": "C1"}])
    with pytest.raises(UsageError, match="2 firms have a cell 'C1'"):
        ensure_owner(local_firms, None, "C1")


@pytest.mark.parametrize("code", ["", "_unassigned", "..", "a/b", "x" * 41, "a b"])
def test_firm_code_is_a_folder_name(local_home: Home, code: str) -> None:
    """A code that could not be a folder's name is refused."""
    with pytest.raises(UsageError, match="cannot be a firm's code"):
        add_firm(local_home, code)


# Who sees what


def test_unassigned_test_is_invisible_to_firms(firms: Home) -> None:
    """A test without an owner shows to the platform and to no firm."""
    commit(firms, "t", TWO_CYCLES)
    for name in QUESTIONS:
        assert not firms.query(name).is_empty(), name
        for firm in "AB":
            assert firms.query(name, firm=firm).is_empty(), name


def test_firms_see_their_own_only(firms: Home) -> None:
    """Each firm sees its rows and none of the other's."""
    commit(firms, "a", TWO_CYCLES, Owner("A", "C1"))
    commit(firms, "b", DISCHARGE_FIRST, Owner("B", "C2"))
    for name in ("steps", "cycles", "fade", "summary", "measurements"):
        assert set(firms.query(name, firm="A")["cell_id"]) == {"C1"}, name
        assert set(firms.query(name, firm="B")["cell_id"]) == {"C2"}, name
    assert firms.query("cells", firm="A")["cell_id"].to_list() == ["C1"]


@pytest.mark.parametrize("name", QUESTIONS)
def test_another_firms_cell_does_not_exist(local_firms: Home, name: str) -> None:
    """To ask for another firm's cell or test is answered as for one that does not exist."""
    test_id = commit(local_firms, "b", TWO_CYCLES, Owner("B", "C2"))
    for wish, absent in (({"cell": "C2"}, {"cell": "C9"}), ({"test": test_id}, {"test": "t-9"})):
        with pytest.raises(UsageError) as foreign:
            local_firms.query(name, firm="A", **wish)
        with pytest.raises(UsageError) as unknown:
            local_firms.query(name, firm="A", **absent)
        there, nowhere = next(iter(wish.values())), next(iter(absent.values()))
        assert str(foreign.value).replace(there, nowhere) == str(unknown.value)


def test_unknown_firm_is_a_usage_error(local_firms: Home) -> None:
    """A firm that does not exist is told as such."""
    with pytest.raises(UsageError, match="no firm 'Z'"):
        local_firms.query("fade", firm="Z")


# Moving


def test_later_assignment_moves_the_test(firms: Home) -> None:
    """A test that is assigned later is the firm's from then on, in its next revision, and nobody else's."""
    test_id = commit(firms, "t", TWO_CYCLES)
    assign_test(firms, test_id, cell(firms, "A", "C1"))
    assert firms.query("tests", firm="A").select("test_id", "revision", "cell_id").row(0) == (test_id, 2, "C1")
    assert firms.query("measurements", firm="A").height == firms.query("measurements").height == TWO_CYCLES.height
    assert firms.query("steps").height == firms.query("steps", firm="A").height == 8


def test_move_is_one_step(firms: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks before the move's transaction sees all of the old, whoever looks after it all of the new."""
    test_id = commit(firms, "t", TWO_CYCLES, Owner("A", "C1"))
    seen = []
    write = firms.store.write

    def watched(*arguments: Any) -> Any:
        seen.append((firms.query("steps", firm="A").height, firms.query("steps", firm="B").height))
        return write(*arguments)

    monkeypatch.setattr(firms.store, "write", watched)
    assign_test(firms, test_id, cell(firms, "B", "C2"))
    assert set(seen) == {(8, 0)}
    assert (firms.query("steps", firm="A").height, firms.query("steps", firm="B").height) == (0, 8)


def test_answer_is_of_one_moment(firms: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that moves while a question is being answered is wholly in the answer or not at all."""
    test_id = commit(firms, "t", TWO_CYCLES, Owner("A", "C1"))
    honest = firms.registry.frame
    moved: list[str] = []

    def slow(table: Any, *conditions: Any, **options: Any) -> pl.DataFrame:
        frame = honest(table, *conditions, **options)
        if table.name == "test" and not moved:
            moved.append(test_id)
            with closing(Home(firms.folder, firms.registry.url.render_as_string(hide_password=False))) as other:
                put_cells(other, [{"firm": "A", "cell_id": "C1", "convention": "half_anode"}])
                rederive_changed(other)
        return frame

    monkeypatch.setattr(firms.registry, "frame", slow)
    assert firms.query("steps", firm="A").height == 8
    assert moved


def test_file_removed_while_asking_is_found_again(local_firms: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night that removes a file between the look at the registry and its opening is not noticed by who asks."""
    test_id = commit(local_firms, "t", TWO_CYCLES, Owner("A", "C1"))
    honest = local_firms.asker._look
    nights: list[Any] = []

    def slow(*arguments: Any) -> Any:
        looked = honest(*arguments)
        if not nights:
            nights.append(assign_test(local_firms, test_id, cell(local_firms, "A", "C1")))
            run_night(local_firms)
        return looked

    monkeypatch.setattr(local_firms.asker, "_look", slow)
    assert local_firms.query("measurements", firm="A").height == TWO_CYCLES.height


def test_left_firm_keeps_no_file(firms: Home) -> None:
    """After the night the folder of the firm that a test left holds nothing of it, nor does its mart."""
    test_id = commit(firms, "t", TWO_CYCLES, Owner("A", "C1"))
    run_night(firms)
    assert files_below(firms.store.folder / "firm=A")
    assign_test(firms, test_id, cell(firms, "B", "C2"))
    assert firms.query("steps", firm="A").is_empty()
    run_night(firms)
    assert files_below(firms.store.folder / "firm=A") == []
    assert firms.query("cycles", firm="B").height == 2


def test_channel_assignment_takes_what_waits(local_firms: Home) -> None:
    """An assignment takes the tests of its channel and time that had no cell, and no others."""
    later = measure(cycle([1e-3]), START + DAY)
    inside = commit(local_firms, "in", TWO_CYCLES, channel=CHANNEL)
    of_firm = commit(
        local_firms, "firm", measure(cycle([2e-3]), START + 9), Owner("A", None, "folder"), channel=CHANNEL
    )
    after = commit(local_firms, "after", later, channel=CHANNEL)
    elsewhere = commit(local_firms, "else", measure(cycle([3e-3]), START + 9), channel="other")
    foreign = commit(local_firms, "b", measure(cycle([4e-3]), START + 9), Owner("B", None, "folder"), channel=CHANNEL)
    assert set(assign_channel(local_firms, CHANNEL, cell(local_firms, "A", "C1"), START, START + DAY)) == {
        inside,
        of_firm,
    }
    assert owner_of(local_firms, inside) == ("A", "C1", "assignment")
    assert [owner_of(local_firms, test_id)[1] for test_id in (of_firm, after, elsewhere, foreign)] == [
        "C1",
        None,
        None,
        None,
    ]


def test_duplicate_with_owner_is_given(local_firms: Home, tmp_path: Path) -> None:
    """The same bytes dropped again with an owner's name give an unassigned test to that owner."""
    path = write_bdf(tmp_path / "t.csv", TWO_CYCLES)
    take(local_firms, path)
    receipt = take(local_firms, path, Owner("A", "C1", "option"))
    assert (receipt["state"], receipt["firm"], receipt["revision"]) == ("duplicate", "A", 2)
    assert local_firms.query("cycles", firm="A").height == 2


def test_duplicate_does_not_take_anothers_test(local_firms: Home, tmp_path: Path) -> None:
    """The same bytes dropped with another owner's name leave the test where it is, and say so."""
    path = write_bdf(tmp_path / "t.csv", TWO_CYCLES)
    take(local_firms, path, Owner("A", "C1", "option"))
    receipt = take(local_firms, path, Owner("B", "C2", "option"))
    assert receipt["warnings"] == ["the test keeps its owner; use 'cellar assign' to move it"]
    assert local_firms.query("cycles", firm="B").is_empty()


def test_unknown_test_cannot_be_assigned(local_firms: Home) -> None:
    """A test that does not exist cannot be given away."""
    with pytest.raises(UsageError, match="no test 't-9'"):
        assign_test(local_firms, "t-9", cell(local_firms, "A", "C1"))


def test_cells_wait_for_the_night(local_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest is imported before or after a night, never in the middle of it."""
    monkeypatch.setattr(home_module, "LOCK_SECONDS", 0.1)
    with (
        closing(Home(local_home.folder)) as other,
        local_home.writing(),
        pytest.raises(StoreBusy, match="has been writing"),
    ):
        put_cells(other, [{"firm": "A", "cell_id": "C1"}])
    assert local_home.registry.row(CELL, firm="A", cell_id="C1") is None


# Conventions


def manifest(folder: Path, convention: str) -> Path:
    path = folder / f"{convention}.csv"
    path.write_text(f"firm,cell_id,convention\nA,C1,{convention}\n")
    return path


def test_other_convention_derives_again(local_firms: Home, tmp_path: Path) -> None:
    """A manifest with another convention derives the cell's tests again: an anode half cell is charged last."""
    import_manifest(local_firms, manifest(tmp_path, "full_charge_first"))
    lossy = measure([(-AMPERE, 1e-3), (AMPERE, 0.8e-3)] * 3)
    test_id = commit(local_firms, "t", lossy, Owner("A", "C1"))
    before = local_firms.query("cycles", firm="A")
    receipt = import_manifest(local_firms, manifest(tmp_path, "half_anode"))
    after = local_firms.query("cycles", firm="A")
    assert receipt.rederived == (test_id,)
    assert (before.height, after.height) == (4, 3)
    assert after["coulombic_efficiency"].to_list() == pytest.approx([0.8] * 3)


def test_same_convention_derives_nothing(local_firms: Home, tmp_path: Path) -> None:
    """A manifest that repeats what is known derives nothing again."""
    import_manifest(local_firms, manifest(tmp_path, "half_anode"))
    commit(local_firms, "t", DISCHARGE_FIRST, Owner("A", "C1"))
    assert import_manifest(local_firms, manifest(tmp_path, "half_anode")).rederived == ()

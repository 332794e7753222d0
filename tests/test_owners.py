"""Whose a test is: by option, assignment, file, folder or name, and nobody else ever sees it."""

from __future__ import annotations

import unicodedata
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from disk_spy import files_below
from made_cells import AMPERE, DAY, START, commit, cycle, measure, write_bdf

from flows.ingest import ingest_paths
from flows.nightly import run_night
from flows.virtual_lab import LabReport
from warehouse.ask import questions
from warehouse.errors import ContradictionError, UsageError
from warehouse.home import Home
from warehouse.identity import (
    add_firm,
    assign_channel,
    assign_test,
    ensure_owner,
    find_cell,
    put_cells,
    rederive_changed,
)
from warehouse.manifest import import_manifest
from warehouse.owners import Evidence, resolve_owner, warn_overruled
from warehouse.publish import Owner
from warehouse.refresh import refresh_buckets
from warehouse.registry import TEST, Row
from warehouse.schema import SUMMARY

TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
DISCHARGE_FIRST = measure([(-AMPERE, 1e-3), (AMPERE, 1e-3)] * 2)
CHANNEL = "LAB #1-4"
NOBODY = Owner()
SPECTRUM = pl.DataFrame(
    {
        "spectrum_index": [1, 1],
        "frequency_hertz": [10.0, 1.0],
        "real_impedance_ohm": [5.0, 6.0],
        "imaginary_impedance_ohm": [-1.0, -2.0],
    }
)
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


def evidence(**known: Any) -> Evidence:
    return Evidence(**{"when": START, **known})


def resolve(home: Home, wish: Owner = NOBODY, **known: Any) -> Owner:
    return resolve_owner(home, wish, evidence(**known))


def test_option_overrules_every_sign(local_firms: Home) -> None:
    """What the user names wins over assignment, file, folder and name, and each of them is told."""
    assign_channel(local_firms, CHANNEL, cell(local_firms, "B", "C2"), 0.0, None)
    wish = Owner("A", "C1", "option")
    signs = {"channel": CHANNEL, "about": {"sample": "C2"}, "folders": ("B", "C2")}
    assert resolve(local_firms, wish, **signs) == wish
    assert warn_overruled(local_firms, wish, evidence(**signs)) == (
        "assignment (channel LAB #1-4) says cell C2 of B, but A/C1 was named and is believed",
        "file (sample 'C2') says cell C2 of B, but A/C1 was named and is believed",
        "folder (B/C2) says cell C2 of B, but A/C1 was named and is believed",
    )


def test_option_of_a_firm_is_completed(local_firms: Home) -> None:
    """Where the user names a firm alone, its cell is found by what agrees."""
    assert resolve(local_firms, Owner("A", None, "option"), name="C1.csv") == Owner("A", "C1", "name")
    assert resolve(local_firms, Owner("A", None, "option"), name="C2.csv") == Owner("A", None, "option")


SIGNS: Final[dict[str, dict[str, Any]]] = {
    "assignment": {"channel": CHANNEL},
    "file": {"about": {"sample": "C1"}},
    "folder": {"folders": ("data", "A", "C1")},
    "name": {"name": "C1_formation.csv"},
}


@pytest.mark.parametrize("rule", SIGNS)
def test_each_rule_alone_finds_the_cell(firms: Home, rule: str) -> None:
    """Assignment, file, folder and name each find the cell by themselves, and the rule is recorded."""
    if rule == "assignment":
        assign_channel(firms, CHANNEL, cell(firms, "A", "C1"), START, None)
    assert resolve(firms, **SIGNS[rule]) == Owner("A", "C1", rule)


def test_first_of_agreeing_rules_is_recorded(local_firms: Home) -> None:
    """Where all rules agree, the assignment is the one that is recorded."""
    assign_channel(local_firms, CHANNEL, cell(local_firms, "A", "C1"), START, None)
    signs = {key: value for sign in SIGNS.values() for key, value in sign.items()}
    assert resolve(local_firms, **signs) == Owner("A", "C1", "assignment")


OTHERS: Final[dict[str, dict[str, Any]]] = {
    "file": {"about": {"test_name": "C2"}},
    "folder": {"folders": ("B",)},
    "name": {"name": "x_C3.mpr"},
}


@pytest.mark.parametrize(("rule", "other"), list(combinations(SIGNS, 2)))
def test_two_rules_that_disagree_stop_the_source(local_firms: Home, rule: str, other: str) -> None:
    """Two rules that name different firms or cells are a contradiction that names both, whichever two they are."""
    put_cells(local_firms, [{"firm": "A", "cell_id": "C3"}])
    assign_channel(local_firms, CHANNEL, cell(local_firms, "A", "C1"), START, None)
    with pytest.raises(ContradictionError) as refused:
        resolve(local_firms, **SIGNS[rule], **OTHERS[other])
    assert refused.value.code == "owner_disagrees"
    assert all(words in refused.value.detail for words in (f"{rule} (", f"{other} (", "says cell C1 of A"))


def test_two_cells_of_one_firm_disagree(local_firms: Home) -> None:
    """A folder and a name that name two cells of one firm are a contradiction."""
    put_cells(local_firms, [{"firm": "A", "cell_id": "C3"}])
    with pytest.raises(
        ContradictionError, match=r"folder \(A/C1\) says cell C1 of A; name \('C3.csv'\) says cell C3 of A"
    ):
        resolve(local_firms, folders=("A", "C1"), name="C3.csv")


def test_less_is_no_disagreement(local_firms: Home) -> None:
    """A folder that names the firm alone is completed by a name that names its cell."""
    assert resolve(local_firms, folders=("A",), name="C1.csv") == Owner("A", "C1", "name")


# Assignments


@pytest.mark.parametrize(
    ("when", "cell_id"),
    [(START - 1e-3, None), (START, "C1"), (START + DAY - 1e-3, "C1"), (START + DAY, "C3"), (START + 9 * DAY, "C3")],
)
def test_assignment_is_half_open(firms: Home, when: float, cell_id: str | None) -> None:
    """An assignment holds from its first moment up to, and without, its end."""
    put_cells(firms, [{"firm": "A", "cell_id": "C3"}])
    assign_channel(firms, CHANNEL, cell(firms, "A", "C1"), START, START + DAY)
    assign_channel(firms, CHANNEL, cell(firms, "A", "C3"), START + DAY, None)
    assert resolve(firms, channel=CHANNEL, when=when).cell_id == cell_id


def test_file_without_a_clock_has_no_time(local_firms: Home) -> None:
    """A file without a wall clock is of the channel's cell only where the channel never held another."""
    assign_channel(local_firms, CHANNEL, cell(local_firms, "A", "C1"), START, START + DAY)
    assert resolve(local_firms, channel=CHANNEL, when=None).cell_id == "C1"
    assign_channel(local_firms, CHANNEL, cell(local_firms, "B", "C2"), START + DAY, None)
    assert resolve(local_firms, channel=CHANNEL, when=None) == NOBODY


def test_assignment_can_be_ended(local_firms: Home) -> None:
    """An assignment that is said again with an end ends there, and the channel is free."""
    assign_channel(local_firms, CHANNEL, cell(local_firms, "A", "C1"), START, None)
    assign_channel(local_firms, CHANNEL, cell(local_firms, "A", "C1"), START, START + DAY)
    assign_channel(local_firms, CHANNEL, cell(local_firms, "B", "C2"), START + DAY, None)
    assert resolve(local_firms, channel=CHANNEL, when=START + 2 * DAY).cell_id == "C2"


# What the file says


@pytest.mark.parametrize("key", ["sample", "barcode", "serial", "test_name", "comment"])
def test_file_names_its_cell(local_firms: Home, key: str) -> None:
    """Sample, barcode, serial, test name and comment name the cell where they equal its name."""
    assert resolve(local_firms, about={key: " C1 "}) == Owner("A", "C1", "file")


@pytest.mark.parametrize("said", ["c1", "C1 formation", "C", "", 1, "C9"])
def test_file_that_nearly_names_a_cell_says_nothing(local_firms: Home, said: object) -> None:
    """What is no cell's name, case as it is, says nothing."""
    assert resolve(local_firms, about={"sample": said}) == NOBODY


def test_file_that_names_two_cells_contradicts_itself(local_firms: Home) -> None:
    """A file whose sample and test name are different cells is stopped."""
    with pytest.raises(ContradictionError, match=r"sample 'C1'.*test_name 'C2'"):
        resolve(local_firms, about={"sample": "C1", "test_name": "C2"})


# Folders


@pytest.mark.parametrize(
    ("folders", "owner"),
    [
        (("data", "A", "C1"), Owner("A", "C1", "folder")),
        (("data", "A", "C1", "raw"), Owner("A", "C1", "folder")),
        (("A", "unknown"), Owner("A", None, "folder")),
        (("A", "C2"), Owner("A", None, "folder")),
        (("A", "A", "C1"), Owner("A", "C1", "folder")),
        (("data", "a"), Owner()),
        (("nobody", "C1"), Owner()),
        ((), Owner()),
    ],
)
def test_folders_name_the_owner(local_firms: Home, folders: tuple[str, ...], owner: Owner) -> None:
    """A folder named like a firm names it, the one below its cell if the firm has that cell; others say nothing."""
    assert resolve(local_firms, folders=folders) == owner


def test_folders_of_two_firms_disagree(local_firms: Home) -> None:
    """A firm's folder within another firm's names neither: nobody's data slips into another's by a folder's name."""
    with pytest.raises(ContradictionError, match=r"folder .A. says firm A; folder .B. says firm B"):
        resolve(local_firms, folders=("A", "B"))


def test_cell_called_like_a_firm_is_a_cell(local_firms: Home) -> None:
    """In its firm's folder a cell that is called like another firm is the cell."""
    put_cells(local_firms, [{"firm": "A", "cell_id": "B"}])
    assert resolve(local_firms, folders=("A", "B")) == Owner("A", "B", "folder")


def test_folders_above_the_inbox_say_nothing(local_firms: Home) -> None:
    """Where the platform itself lies tells nothing of its drops."""
    for part in local_firms.folder.parts[1:]:
        add_firm(local_firms, "".join(letter for letter in part if letter.isalnum()))
    inbox = (*local_firms.folder.parts, "inbox")
    assert resolve(local_firms, folders=inbox) == NOBODY
    assert resolve(local_firms, folders=(*inbox, "B")) == Owner("B", None, "folder")


def test_hangul_of_a_mac_matches(local_home: Home) -> None:
    """Folders, file names and samples whose Hangul is written in pieces are the firm's and the cell's."""
    add_firm(local_home, "전지연구소")
    put_cells(local_home, [{"firm": "전지연구소", "cell_id": "셀-1가"}])
    folder, name = (unicodedata.normalize("NFD", text) for text in ("전지연구소", "셀-1가"))
    assert folder != "전지연구소"
    owners = [
        resolve(local_home, folders=(folder, name)),
        resolve(local_home, name=f"{name}_2.csv"),
        resolve(local_home, about={"sample": name}),
    ]
    assert [(owner.firm, owner.cell_id) for owner in owners] == [("전지연구소", "셀-1가")] * 3
    assert ensure_owner(local_home, folder, name) == (Owner("전지연구소", "셀-1가", "option"), [])


# Names


@pytest.mark.parametrize(
    ("name", "cell_id"),
    [
        ("W03-D12.csv", "W03-D12"),
        ("formation W03-D12 (2).mpr", "W03-D12"),
        ("2026_W03-D12_C10.csv", "W03-D12"),
        ("W03-D121.csv", None),
        ("XW03-D12.csv", None),
        ("W03-D1.csv", "W03-D1"),
        ("W03-D12-b.csv", "W03-D12-b"),
        ("W03-D12 to W03-D1.csv", None),
        ("w03-d12.csv", None),
        ("12.csv", None),
        ("", None),
    ],
)
def test_name_holds_a_cell_as_a_whole_word(firms: Home, name: str, cell_id: str | None) -> None:
    """A known cell in a file's name counts as a whole word: the longest of overlapping ones, and the only one."""
    names = ("W03-D12", "W03-D1", "W03-D12-b", "D12", "12")
    put_cells(firms, [{"firm": "A", "cell_id": known} for known in names])
    assert resolve(firms, name=name) == (Owner("A", cell_id, "name") if cell_id else NOBODY)


def test_name_is_looked_for_in_the_folders_firm(local_firms: Home) -> None:
    """A folder's firm is asked for its own cells alone: another firm's cell of that name is not meant."""
    assert resolve(local_firms, folders=("A",), name="C2.csv") == Owner("A", None, "folder")
    assert resolve(local_firms, folders=("A",), name="x-C1-7.csv") == Owner("A", "C1", "name")
    put_cells(local_firms, [{"firm": "A", "cell_id": "7"}])
    assert resolve(local_firms, folders=("A",), name="7.csv") == Owner("A", "7", "name")


@pytest.mark.parametrize("sign", [{"about": {"sample": "C1"}}, {"name": "C1.csv"}])
def test_cell_of_two_firms_names_no_firm(local_firms: Home, sign: dict[str, Any]) -> None:
    """A cell's name that two firms use never tells the firm, and tells the cell where the firm is known."""
    put_cells(local_firms, [{"firm": "B", "cell_id": "C1"}])
    assert resolve(local_firms, **sign) == NOBODY
    for firm in "AB":
        owner = resolve(local_firms, folders=(firm,), **sign)
        assert (owner.firm, owner.cell_id) == (firm, "C1")


@pytest.mark.parametrize("sign", [{"about": {"serial": "0417"}}, {"name": "0417.csv"}])
def test_cell_called_by_a_number_names_no_firm(local_firms: Home, sign: dict[str, Any]) -> None:
    """A cell whose name is a short number is not found in every serial and date, only where the firm is known."""
    put_cells(local_firms, [{"firm": "B", "cell_id": "0417"}])
    assert resolve(local_firms, **sign) == NOBODY
    assert resolve(local_firms, folders=("B",), **sign).cell_id == "0417"


# Assigning


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


@pytest.mark.parametrize("name", questions())
def test_unassigned_test_is_invisible_to_firms(local_firms: Home, name: str) -> None:
    """A test without an owner changes no firm's answer to any question, by night or before it."""
    commit(local_firms, "a", DISCHARGE_FIRST, Owner("A", "C1"))
    # The comparison between firms begins with a night.
    run_night(local_firms)
    before = [local_firms.query(name, firm=firm) for firm in "AB"]
    commit(local_firms, "t", TWO_CYCLES, channel=CHANNEL, spectra=SPECTRUM)
    assert all(local_firms.query(name, firm=firm).equals(frame) for firm, frame in zip("AB", before, strict=True))
    run_night(local_firms)
    assert all(local_firms.query(name, firm=firm).equals(frame) for firm, frame in zip("AB", before, strict=True))


def test_unassigned_test_shows_to_the_platform(firms: Home) -> None:
    """A test without an owner shows to the platform."""
    commit(firms, "t", TWO_CYCLES)
    assert all(firms.query(name).height for name in QUESTIONS)


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
    """After the night the folder of the firm that a test left holds no row of any test, nor does its mart."""
    test_id = commit(firms, "t", TWO_CYCLES, Owner("A", "C1"))
    run_night(firms)
    assert files_below(firms.store.folder / "firm=A")
    assign_test(firms, test_id, cell(firms, "B", "C2"))
    assert firms.query("steps", firm="A").is_empty()
    run_night(firms)
    left = [pl.read_parquet(path) for path in files_below(firms.store.folder / "firm=A")]
    assert not any("test_id" in frame.columns and frame.height for frame in left)
    assert not any(test_id in frame[name].to_list() for frame in left for name in frame.columns)
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


def test_cells_outdate_a_night_under_way(local_firms: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest that is imported while a night computes an answer leaves no answer from the cells as they were."""
    commit(local_firms, "t", TWO_CYCLES, Owner("A", "C1"))
    honest = local_firms.asker.answer_rows

    def slow(name: str, *about: Any) -> pl.DataFrame:
        frame = honest(name, *about)
        put_cells(local_firms, [{"firm": "A", "cell_id": "C1", "nominal_capacity_ah": 1e-3}])
        return frame

    monkeypatch.setattr(local_firms.asker, "answer_rows", slow)
    assert {step.action for step in refresh_buckets(local_firms, "A")} == {"skipped"}
    assert local_firms.asker.find_stored_answer(SUMMARY.name, "A") is None


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

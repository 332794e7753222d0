"""Manifests as facts: versions, corrections, contradictions, and the walls between firms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from made_cells import AMPERE, DAY, START, commit, cycle, measure
from manifest_files import CELLS, FULL, WAFER, codes, find, load, load_rows, text_of

from flows.ingest import ingest_paths
from flows.nightly import run_night
from warehouse import manifest as manifest_module
from warehouse.errors import UsageError
from warehouse.files import hash_file
from warehouse.home import Home
from warehouse.manifest import import_manifest, list_versions, try_manifest
from warehouse.manifest_kinds import CELLS as CELL_KIND
from warehouse.manifest_kinds import KINDS
from warehouse.manifest_ledger import STAMPS, list_changes, restore_row
from warehouse.manifest_receipt import describe_change
from warehouse.manifest_sentences import NOTICES, REFUSALS
from warehouse.publish import Owner
from warehouse.registry import CELL, MANIFEST_VERSION, SQL_TABLES, TEST
from warehouse.schema import ANSWERS

CHANNEL = "LAB #1-4"
MORNING = "2026-03-02 09:00"  # START by the site's clock
NEXT_MORNING = "2026-03-03 09:00"
HELD = {**CELLS, "channel": CHANNEL, "from": MORNING, "to": ""}
B1 = {"firm": "B", "cell_id": "C1"}


def changed(receipt: Any) -> set[tuple[str, Any, Any]]:
    """Return column, old and new of each corrected value."""
    return {(change.column, change.before, change.after) for change in receipt.corrected}


def owner_of(home: Home, test_id: str) -> tuple[str | None, str | None]:
    row = home.registry.row(TEST, test_id=test_id)
    assert row is not None
    return row["firm"], row["cell_id"]


# What is taken


def test_every_column_is_taken(home: Home, tmp_path: Path) -> None:
    """Each column of the contract lands in the registry, in SI units."""
    receipt = load_rows(home, tmp_path, FULL)
    row = find(home)
    assert (receipt.cells, receipt.refused, receipt.firms_added, receipt.version) == (1, (), ("A",), 1)
    assert row["nominal_capacity_ah"] == 50.5e-6
    assert row["active_area_square_metre"] == 100e-6
    assert (row["die_x"], row["die_y"], row["voltage_upper_volt"]) == (2, -4, 4.2)
    same = ("project", "lot", "wafer", "convention", "chemistry", "process_split", "remarks")
    assert {name: row[name] for name in same} == {name: FULL[name] for name in same}


@pytest.mark.parametrize(
    ("table", "key", "rows", "values"),
    [
        ("firm", {"code": "A"}, [{"code": "A", "name": "Acme"}], {"name": "Acme"}),
        ("project", {"firm": "A", "project": "P"}, [{"firm": "A", "project": "P", "name": "Pilot"}], {"name": "Pilot"}),
        (
            "layer",
            {"firm": "A", "stack": "S", "layer_number": 2},
            [{"firm": "A", "stack": "S", "layer": "2", "material": "LiPON", "thickness_um": "1.5", "dep. temp": "40"}],
            {"material": "LiPON", "thickness_metre": 1.5e-6, "more": '{"dep. temp": "40"}'},
        ),
        (
            "process_split",
            {"firm": "A", "project": "", "lot": "L", "split": "hot", "parameter": "anneal"},
            [{"firm": "A", "lot": "L", "split": "hot", "parameter": "anneal", "value": "450", "unit": "°C"}],
            {"value": "450", "number": 450.0, "unit": "°C"},
        ),
        (
            "wafer",
            {"firm": "A", "lot": "L", "wafer": "W"},
            [{**WAFER, "gross_dies": "300"}],
            {"diameter_metre": 0.2, "canonical_pitch_y_metre": 0.02, "gross_dies": 300},
        ),
    ],
    ids=["firms", "projects", "layers", "splits", "wafers"],
)
def test_other_kinds_are_taken(
    home: Home, tmp_path: Path, *, table: str, key: dict[str, Any], rows: list[dict[str, str]], values: dict[str, Any]
) -> None:
    """Firms, projects, layers, splits and wafers land in tables of their own, and bring their firm with them."""
    receipt = load_rows(home, tmp_path, *rows)
    assert receipt.refused == ()
    assert values.items() <= find(home, table, **key).items()
    assert find(home, "firm", code="A")


def test_free_value_of_a_split_is_kept_as_text(local_home: Home, tmp_path: Path) -> None:
    """A split's value that is no number, or might be two, is kept as written and has no number."""
    row = {"firm": "A", "split": "s", "parameter": "p", "value": "1,234"}
    load_rows(local_home, tmp_path, row, {**row, "parameter": "q", "value": "argon"})
    rows = local_home.registry.rows(sa.select(SQL_TABLES["process_split"]))
    assert [(one["value"], one["number"]) for one in rows] == [("1,234", None), ("argon", None)]


def test_unknown_columns_are_kept(local_home: Home, tmp_path: Path) -> None:
    """Columns that no manifest names are kept as they came, those of earlier manifests beside them."""
    load(local_home, tmp_path, "firm,cell_id,Anneal  Temp\nA,C1,450 °C\n")
    receipt = load(local_home, tmp_path, "firm,cell_id,Fixture\nA,C1,7\n")
    assert json.loads(find(local_home)["more"]) == {"anneal temp": "450 °C", "fixture": "7"}
    assert receipt.notices == (("kept", "fixture"),)


def test_smaller_table_loses_no_facts(home: Home, tmp_path: Path) -> None:
    """A manifest without a column, or with an empty value, leaves what is known as it is."""
    load_rows(home, tmp_path, FULL)
    before = find(home)
    receipt = load_rows(home, tmp_path, {**CELLS, "lot": "", "chemistry": "LMO", "die_x": ""})
    assert changed(receipt) == {("chemistry", "LCO/LiPON/Li", "LMO")}
    after = find(home)
    assert {name for name in before if before[name] != after[name]} - STAMPS == {"chemistry"}


def test_dash_takes_a_value_back(local_home: Home, tmp_path: Path) -> None:
    """A dash says that there is no value, of a column of ours or of the lab's own."""
    load_rows(local_home, tmp_path, {**FULL, "fixture": "7"})
    load_rows(local_home, tmp_path, {**CELLS, "chemistry": "-", "nominal_capacity_uah": "–", "fixture": "—"})  # noqa: RUF001 the dashes that spreadsheets make
    row = find(local_home)
    assert (row["chemistry"], row["nominal_capacity_ah"], row["more"], row["lot"]) == (None, None, None, "L2603")


def test_known_limit_is_checked_with_the_new_one(local_home: Home, tmp_path: Path) -> None:
    """An upper limit that is not above the known lower one is refused."""
    load_rows(local_home, tmp_path, FULL)
    receipt = load_rows(local_home, tmp_path, {**CELLS, "voltage_upper_volt": "3.0"})
    assert codes(receipt) == [(2, "voltage_upper_volt", "voltage_order")]
    assert find(local_home)["voltage_upper_volt"] == 4.2


# Contradictions within a file


def test_contradicting_rows_are_all_refused(local_home: Home, tmp_path: Path) -> None:
    """Rows that say different things of one cell are refused, all of them; repetitions and additions are not."""
    rows = [
        {**CELLS, "lot": "L", "wafer": "W"},
        {**CELLS, "lot": "M"},
        {**CELLS, "lot": "", "wafer": "W"},
        {**CELLS, "cell_id": "C2", "lot": "L"},
        {**CELLS, "cell_id": "C2", "lot": "L"},
        {**CELLS, "cell_id": "C2", "wafer": "W2"},
    ]
    receipt = load_rows(local_home, tmp_path, *rows)
    assert codes(receipt) == [(row, "lot", "rows_contradict") for row in (2, 3, 4)]
    assert receipt.refused[0].found == "2, 3, 4"
    row = find(local_home, cell_id="C2")
    assert (row["lot"], row["wafer"], receipt.cells) == ("L", "W2", 3)


def test_one_die_of_two_firms_in_a_file_is_refused(local_home: Home, tmp_path: Path) -> None:
    """Two rows that give one cell of one die to two firms are both refused."""
    die = {"lot": "L", "wafer": "W", "die_x": "1", "die_y": "2"}
    receipt = load_rows(local_home, tmp_path, {**CELLS, **die}, {**B1, **die})
    assert codes(receipt) == [(2, "firm", "rows_contradict"), (3, "firm", "rows_contradict")]
    assert local_home.query("cells").is_empty()


# Walls


def test_cell_does_not_move_to_another_firm(home: Home, tmp_path: Path) -> None:
    """A row that gives a firm's cell to another firm is refused, without a word of whose it is."""
    load_rows(home, tmp_path, {**FULL, "firm": "SECRET"})
    for die in ({}, {"die_x": "", "die_y": ""}):
        receipt = load_rows(home, tmp_path, {**FULL, "firm": "B", **die})
        assert codes(receipt) == [(2, "firm", "other_firm")]
        assert "SECRET" not in json.dumps(receipt.as_dict(), ensure_ascii=False) + "".join(receipt.warnings)
    assert load_rows(home, tmp_path, {**FULL, "firm": "B", "die_x": "3"}).refused == ()
    assert home.query("cells", firm="SECRET").height == 1


def test_two_firms_may_use_one_name(local_home: Home, tmp_path: Path) -> None:
    """Cells of one name on other dies, or without a wafer, are two firms' own."""
    load_rows(local_home, tmp_path, {**CELLS, "lot": "L", "wafer": "W", "die_x": "1", "die_y": "1"})
    receipt = load_rows(local_home, tmp_path, {**B1, "lot": "L", "wafer": "W", "die_x": "2", "die_y": "1"})
    assert (receipt.refused, local_home.query("cells").height) == ((), 2)


def test_manifest_of_a_firm_is_its_own(local_home: Home, tmp_path: Path) -> None:
    """A manifest that comes from one firm has its rows of other firms refused."""
    path = tmp_path / "m.csv"
    path.write_text(text_of(CELLS, B1))
    receipt = import_manifest(local_home, path, firm="B")
    assert (codes(receipt), receipt.firms_added) == ([(2, "firm", "not_yours")], ("B",))
    assert local_home.query("cells")["firm"].to_list() == ["B"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_rows_change_their_own_firm_only(local_home: Home, tmp_path: Path, data: st.DataObject) -> None:
    """Whatever a manifest that names firm B says, no row of firm A changes in any table."""
    kinds = [kind for kind in KINDS if kind.owner]
    tables = [SQL_TABLES[kind.table.name] for kind in kinds]
    owned = [table.c.firm == "A" if "firm" in table.c else table.c.code == "A" for table in tables]
    if local_home.registry.row(CELL, **CELLS) is None:
        for row in (FULL, {**WAFER, "notch": "up"}, HELD, {"firm": "A", "stack": "S", "layer": "1"}):
            load_rows(local_home, tmp_path, row)
    before = [local_home.registry.rows(sa.select(table).where(mine)) for table, mine in zip(tables, owned, strict=True)]
    kind = data.draw(st.sampled_from(kinds))
    words = st.sampled_from(["", "-", "C1", "C2", "L", "W", "S", "P", "1", "2", CHANNEL, MORNING, NEXT_MORNING, "up"])
    rarely = st.sampled_from([*[""] * 30, "-", "C1", "1", "up"])
    own = [one for one in kind.fields if one.name not in {"firm", "code"}]
    rows = [{one.shown: data.draw(words if one.required else rarely) for one in own} for _ in range(3)]
    receipt = load_rows(local_home, tmp_path, *({kind.owner: "B", **row} for row in rows))
    event("taken" if receipt.taken else "refused")
    after = [local_home.registry.rows(sa.select(table).where(mine)) for table, mine in zip(tables, owned, strict=True)]
    assert after == before


# Versions


def test_same_bytes_change_nothing(home: Home, tmp_path: Path) -> None:
    """The same bytes imported again make no version and change no row."""
    load_rows(home, tmp_path, FULL)
    before = find(home)
    receipt = load(home, tmp_path, text_of(FULL), "other-name.csv")
    assert (receipt.version, receipt.cells, receipt.changes) == (1, 1, ())
    assert receipt.notices == (("known_before", "version 1"),)
    assert (find(home), len(list_versions(home))) == (before, 1)


def test_other_bytes_of_the_same_facts_change_no_row(home: Home, tmp_path: Path) -> None:
    """Other bytes are a new version, and rows of which they say nothing new keep the version that they had."""
    load_rows(home, tmp_path, FULL)
    before = find(home)
    receipt = load(home, tmp_path, text_of(FULL, delimiter=";"))
    assert (receipt.version, receipt.cells, receipt.changes, receipt.refreshed) == (2, 1, (), ())
    assert find(home) == before


def test_correction_tells_old_and_new(home: Home, tmp_path: Path) -> None:
    """A correction lists cell, column, old and new, and the former row can be had again."""
    load_rows(home, tmp_path, FULL)
    before = find(home)
    receipt = load_rows(home, tmp_path, {**FULL, "nominal_capacity_uah": "48", "lot": "L9"})
    assert changed(receipt) == {("nominal_capacity_ah", 50.5e-6, 48e-6), ("lot", "L2603", "L9")}
    assert "cell C1 of A: lot L2603 → L9" in receipt.warnings
    was = restore_row(home.registry, "cell", CELLS, 1)
    assert was is not None
    assert {name: was[name] for name in was if name not in STAMPS} == {
        name: before[name] for name in before if name not in STAMPS
    }
    assert restore_row(home.registry, "cell", CELLS, 0) is None


def test_earlier_manifest_comes_back_when_asked(local_home: Home, tmp_path: Path) -> None:
    """Known bytes bring nothing back by themselves; with ``again`` they are a new version."""
    load_rows(local_home, tmp_path, FULL)
    load_rows(local_home, tmp_path, {**FULL, "lot": "L9"})
    load_rows(local_home, tmp_path, FULL)
    assert find(local_home)["lot"] == "L9"
    assert load(local_home, tmp_path, text_of(FULL), again=True).version == 3
    assert find(local_home)["lot"] == "L2603"


def test_refused_rows_are_tried_again(local_home: Home, tmp_path: Path) -> None:
    """The same bytes again take the rows that were refused, once what they lacked is there, and no others."""
    both = text_of(
        {**CELLS, "channel": "X", "from": MORNING}, {**CELLS, "cell_id": "C2", "channel": "Y", "from": MORNING}
    )
    load_rows(local_home, tmp_path, CELLS)
    assert codes(load(local_home, tmp_path, both)) == [(3, "cell_id", "unknown_cell")]
    load_rows(local_home, tmp_path, {**CELLS, "cell_id": "C2"})
    receipt = load(local_home, tmp_path, both)
    assert (dict(receipt.taken), receipt.refused, receipt.version) == ({"assignments": 1}, (), 4)


def test_trial_changes_nothing(local_home: Home, tmp_path: Path) -> None:
    """A trial tells what an import would take, change and refuse, and leaves everything as it is."""
    load_rows(local_home, tmp_path, FULL)
    path = tmp_path / "trial.csv"
    path.write_text(text_of({**FULL, "lot": "L9"}, {**FULL, "cell_id": ""}))
    receipt = try_manifest(local_home, path)
    assert (receipt.version, changed(receipt), codes(receipt)) == (
        0,
        {("lot", "L2603", "L9")},
        [(3, "cell_id", "empty")],
    )
    assert (find(local_home)["lot"], len(list_versions(local_home))) == ("L2603", 1)


def test_version_is_kept_with_its_receipt(local_home: Home, tmp_path: Path) -> None:
    """Every import keeps number, hash, path, counts and the whole receipt."""
    receipt = load_rows(local_home, tmp_path, FULL, {**FULL, "cell_id": ""})
    row = find(local_home, "manifest_version", version=1)
    assert (row["sha256"], row["path"], row["taken"], row["refused"]) == (receipt.sha256, receipt.path, 1, 1)
    assert json.loads(row["record"]) == receipt.as_dict()


def test_import_is_one_transaction(local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that dies before its version is written has changed nothing at all."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(manifest_module._Import, "_record", die)
    with pytest.raises(KeyboardInterrupt):
        load_rows(local_home, tmp_path, FULL)
    assert local_home.registry.rows(sa.select(CELL)) == []
    assert list_changes(local_home.registry) == []


VALUES = st.sampled_from(["", "-", "1", "2"])
SMALL = st.fixed_dictionaries(dict.fromkeys(("lot", "die_x", "nominal_capacity_uah", "own"), VALUES))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(SMALL, min_size=1, max_size=2), max_size=4))
def test_every_former_row_comes_back(local_home: Home, tmp_path: Path, manifests: list[list[dict[str, str]]]) -> None:
    """After any history of manifests each cell can be had as each of them left it."""
    seen: dict[int, dict[str, Any]] = {}
    for manifest in manifests:
        rows = [{**CELLS, "cell_id": f"H{number}", **row} for number, row in enumerate(manifest)]
        version = load(local_home, tmp_path, text_of(*rows), again=True).version
        seen[version] = {f"H{n}": local_home.registry.row(CELL, firm="A", cell_id=f"H{n}") for n in range(2)}
    for version, cells in seen.items():
        for cell_id, row in cells.items():
            was = restore_row(local_home.registry, "cell", {"firm": "A", "cell_id": cell_id}, version)
            assert without_stamps(was) == without_stamps(row)


def without_stamps(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {name: row[name] for name in row if name not in STAMPS}


# What follows


def test_convention_taken_back_derives_again(local_home: Home, tmp_path: Path) -> None:
    """A cell whose convention is taken back has its tests derived as if none had been said."""
    load_rows(local_home, tmp_path, {**CELLS, "convention": "half_anode"})
    test_id = commit(local_home, "t", measure(cycle([1e-3, 0.9e-3])), Owner("A", "C1"))
    receipt = load_rows(local_home, tmp_path, {**CELLS, "convention": "-"})
    assert receipt.rederived == (test_id,)
    assert find(local_home, "test", test_id=test_id)["convention"] == "full_charge_first"


def test_killed_import_is_made_up_for(local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an import that died after its transaction left undone is done when it is imported again."""
    load_rows(local_home, tmp_path, CELLS)
    lossy = measure([(-AMPERE, 1e-3), (AMPERE, 0.8e-3)] * 3)
    test_id = commit(local_home, "t", lossy, Owner("A", "C1"))
    waiting = commit(local_home, "w", measure(cycle([1e-3])), channel=CHANNEL)
    with monkeypatch.context() as patch:
        patch.setattr(manifest_module, "follow_up", lambda _, receipt, __: receipt)
        load_rows(local_home, tmp_path, {**CELLS, "convention": "half_anode"})
        load_rows(local_home, tmp_path, HELD)
    assert load_rows(local_home, tmp_path, {**CELLS, "convention": "half_anode"}).rederived == (test_id,)
    assert load_rows(local_home, tmp_path, HELD).moved == (waiting,)
    assert json.loads(find(local_home, "manifest_version", version=3)["record"])["moved"] == [waiting]


@pytest.mark.parametrize("column", ["nominal_capacity_uah", "active_area_mm2"])
def test_new_facts_outdate_the_firms_answers(local_home: Home, tmp_path: Path, column: str) -> None:
    """Another capacity or area outdates the stored answers of its firm and of no other, and the receipt says so."""
    load_rows(local_home, tmp_path, {**CELLS, column: "1"}, B1)
    for firm, shift in (("A", 1.0), ("B", 2.0)):
        commit(local_home, firm, measure(cycle([shift * 1e-3])), Owner(firm, "C1"))
    run_night(local_home)
    receipt = load_rows(local_home, tmp_path, {**CELLS, column: "2"})
    assert receipt.refreshed == ("A",)
    assert "cells of A" in receipt.reason["en"]
    used = {firm: [local_home.asker.find_stored_answer(table.name, firm) for table in ANSWERS] for firm in "AB"}
    assert used["A"] == [None] * len(ANSWERS)
    assert None not in used["B"]


# Assignments


def test_assignment_takes_what_waits(home: Home, tmp_path: Path) -> None:
    """An assignment gives its cell the waiting tests of its channel and time, cells of the same file included."""
    inside = commit(home, "in", measure(cycle([1e-3])), channel=CHANNEL)
    after = commit(home, "after", measure(cycle([1e-3]), START + DAY), channel=CHANNEL)
    receipt = load_rows(home, tmp_path, CELLS)
    assert receipt.moved == ()
    receipt = load_rows(home, tmp_path, {**HELD, "to": NEXT_MORNING})
    assert receipt.moved == (inside,)
    assert (owner_of(home, inside), owner_of(home, after)) == (("A", "C1"), (None, None))


def test_overlap_is_refused_row_by_row(local_home: Home, tmp_path: Path) -> None:
    """Of assignments of one channel those that overlap are refused; others of the file are taken."""
    load_rows(local_home, tmp_path, CELLS, {**CELLS, "cell_id": "C2"})
    receipt = load_rows(
        local_home,
        tmp_path,
        {**HELD, "to": NEXT_MORNING},
        {**HELD, "cell_id": "C2", "from": "2026-03-03 08:59:59"},
        {**HELD, "channel": "other", "to": "2026-03-01"},
        {**HELD, "channel": "third"},
    )
    assert codes(receipt) == [(2, "from", "overlap"), (3, "from", "overlap"), (4, "to", "interval")]
    assert receipt.taken["assignments"] == 1


def test_one_file_ends_and_begins(local_home: Home, tmp_path: Path) -> None:
    """A row may end a known assignment and the next begin where it ends, in one file and in any order."""
    load_rows(local_home, tmp_path, CELLS, {**CELLS, "cell_id": "C2"})
    load_rows(local_home, tmp_path, HELD)
    assert codes(load_rows(local_home, tmp_path, {**HELD, "cell_id": "C2", "from": NEXT_MORNING})) == [
        (2, "from", "overlap")
    ]
    swap = ({**HELD, "cell_id": "C2", "from": NEXT_MORNING}, {**HELD, "to": NEXT_MORNING})
    assert load_rows(local_home, tmp_path, *swap).refused == ()


def test_channel_of_another_firm_is_refused(local_home: Home, tmp_path: Path) -> None:
    """A channel that another firm holds is refused to a second one, without a word of who holds it."""
    load_rows(local_home, tmp_path, {**CELLS, "cell_id": "SECRET"}, B1)
    load_rows(local_home, tmp_path, {**HELD, "cell_id": "SECRET"})
    for begin in (MORNING, NEXT_MORNING):
        receipt = load_rows(local_home, tmp_path, {**HELD, **B1, "from": begin})
        assert [code for _, _, code in codes(receipt)] == ["overlap"]
        assert "SECRET" not in json.dumps(receipt.as_dict())


def test_corrected_assignment_moves_its_tests(home: Home, tmp_path: Path) -> None:
    """An assignment corrected to another cell of the firm takes the tests that it had given along."""
    load_rows(home, tmp_path, CELLS, {**CELLS, "cell_id": "C2"})
    test_id = commit(home, "t", measure(cycle([1e-3])), channel=CHANNEL)
    load_rows(home, tmp_path, HELD)
    receipt = load_rows(home, tmp_path, {**HELD, "cell_id": "C2"})
    assert (receipt.moved, owner_of(home, test_id)) == ((test_id,), ("A", "C2"))


def test_withdrawn_assignment_tells_what_stays(local_home: Home, tmp_path: Path) -> None:
    """An assignment whose end is its beginning is withdrawn; the tests that it gave stay, and that is said."""
    load_rows(local_home, tmp_path, CELLS)
    test_id = commit(local_home, "t", measure(cycle([1e-3])), channel=CHANNEL)
    load_rows(local_home, tmp_path, HELD)
    receipt = load_rows(local_home, tmp_path, {**HELD, "to": MORNING})
    assert local_home.registry.rows(sa.select(SQL_TABLES["assignment"])) == []
    assert ("left_over", test_id) in receipt.notices
    assert [describe_change(change) for change in receipt.corrected] == [
        f"assignment {CHANNEL}/{START} of A was withdrawn"
    ]
    assert owner_of(local_home, test_id) == ("A", "C1")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T09:00:00", START),
        ("2026-03-02 00:00Z", START),
        ("2026. 3. 2. 09:00", START),
        ("2026/03/02 10:00:30.5+10:00", START + 30.5),
        ("2026-03-02", START - 9 * 3600),
        ("-", 0.0),
    ],
)
def test_moments_of_labs_are_read(local_home: Home, tmp_path: Path, text: str, moment: float) -> None:
    """Moments are read year first, by the site's clock where they name no offset."""
    load_rows(local_home, tmp_path, CELLS)
    load_rows(local_home, tmp_path, {**HELD, "from": text})
    assert find(local_home, "assignment", channel=CHANNEL)["from_unix_second"] == moment


@pytest.mark.parametrize(
    "text", ["02/03/2026", "2026-02-30", "45000.5", "9:00", "2026-03-02 25:00", "1969-12-31", "now"]
)
def test_moments_are_not_guessed(local_home: Home, tmp_path: Path, text: str) -> None:
    """A date with the day first, a serial number, or a day that does not exist is refused."""
    load_rows(local_home, tmp_path, CELLS)
    assert codes(load_rows(local_home, tmp_path, {**HELD, "from": text}))[0] == (2, "from", "moment")


# Wafers


def test_map_of_a_wafer_places_its_cells(home: Home, tmp_path: Path) -> None:
    """A wafer's map that comes after its cells moves their dies into the canonical frame, and that is told."""
    load_rows(home, tmp_path, {**CELLS, "lot": "L", "wafer": "W", "die_x": "2", "die_y": "5"})
    receipt = load_rows(home, tmp_path, {**WAFER, "notch": "up", "centre_die_x": "1", "centre_die_y": "3"})
    row = find(home)
    assert (row["die_x"], row["die_y"], row["source_die_x"], row["source_die_y"]) == (-1, -2, 2, 5)
    assert changed(receipt) == {("die_x", 2, -1), ("die_y", 5, -2)}
    load_rows(home, tmp_path, {**CELLS, "die_y": "4"})
    assert (find(home)["die_x"], find(home)["die_y"]) == (-1, -1)


def test_die_outside_its_wafer_is_refused(local_home: Home, tmp_path: Path) -> None:
    """A die whose centre would lie off the wafer is refused, as is a map that puts a known cell there."""
    on_wafer = {**CELLS, "lot": "L", "wafer": "W", "die_x": "10", "die_y": "0"}
    load_rows(local_home, tmp_path, WAFER)
    receipt = load_rows(local_home, tmp_path, on_wafer, {**on_wafer, "cell_id": "C2", "die_x": "11"})
    assert codes(receipt) == [(3, "die_x", "outside_wafer")]
    receipt = load_rows(local_home, tmp_path, {**WAFER, "diameter_mm": "150"})
    assert codes(receipt) == [(2, "wafer", "cells_outside")]
    assert find(local_home, "wafer", firm="A", lot="L", wafer="W")["diameter_metre"] == 0.2


# Words


def test_every_refusal_and_notice_has_both_languages() -> None:
    """Each code has what happened and what to do, in English and in Korean."""
    for sentence in (*REFUSALS.values(), *NOTICES.values()):
        assert all((sentence.en, sentence.en_do, sentence.ko, sentence.ko_do))
        assert any("가" <= sign <= "힣" for sign in sentence.ko)
        assert not any("가" <= sign <= "힣" for sign in sentence.en + sentence.en_do)


def test_receipt_fits_every_receipt(local_home: Home, tmp_path: Path) -> None:
    """The reason of a manifest's receipt has code, both languages and the place, however much was refused."""
    receipt = load_rows(local_home, tmp_path, *({**CELLS, "die_x": "x", "cell_id": f"C{n}"} for n in range(99)))
    assert set(receipt.reason) == {"code", "en", "ko", "where"}
    assert "99 rows refused" in receipt.reason["en"]
    assert "거부된 행 99개" in receipt.reason["ko"]
    assert len(receipt.warnings) == 99
    assert len(receipt.reason["where"]) < 400


def test_versions_of_many_imports_are_in_order(local_home: Home, tmp_path: Path) -> None:
    """Versions are numbered from 1 without gaps, the newest first in the list."""
    for number in range(3):
        load_rows(local_home, tmp_path, {**CELLS, "lot": str(number)})
    assert [row["version"] for row in list_versions(local_home)] == [3, 2, 1]
    assert "record" not in list_versions(local_home)[0]
    assert local_home.registry.row(MANIFEST_VERSION, version=3) is not None


def test_thousands_of_cells_are_quick(local_home: Home, tmp_path: Path) -> None:
    """A manifest of more cells than a statement takes parameters is imported whole."""
    rows = [{**FULL, "cell_id": f"C{number}", "lot": f"L{number}"} for number in range(1200)]
    assert load_rows(local_home, tmp_path, *rows).cells == 1200
    assert len(load_rows(local_home, tmp_path, *({**row, "lot": "L"} for row in rows)).corrected) == 1200
    assert CELL_KIND.key == ("cell_id", "firm")


def test_dropped_manifest_is_imported(local_home: Home, tmp_path: Path) -> None:
    """A manifest dropped like any file is kept in the archive and imported; dropped again it is a duplicate."""
    path = tmp_path / "m.csv"
    path.write_text(text_of(FULL, {**FULL, "cell_id": ""}))
    (receipt,) = ingest_paths(local_home, [path])
    assert (receipt["state"], receipt["kind"], receipt["reason"]["code"]) == ("committed", "manifest", "manifest")
    assert receipt["reason"]["where"] == "row 3, column cell_id"
    assert local_home.query("cells").height == 1
    assert hash_file(path) == list_versions(local_home)[0]["sha256"]
    assert [again["state"] for again in ingest_paths(local_home, [path])] == ["duplicate"]


def test_import_of_no_manifest_changes_nothing(local_home: Home, tmp_path: Path) -> None:
    """A file that is none leaves no version behind."""
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UsageError):
        import_manifest(local_home, path)
    assert list_versions(local_home) == []

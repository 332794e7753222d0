"""The night: what it stores is what the parts say, and a night without news writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from disk_spy import files_below
from made_cells import AMPERE, DAY, START, commit, cycle, measure
from polars.testing import assert_frame_equal

from flows import nightly, stages
from flows.nightly import run_night
from warehouse import crew
from warehouse.alerts.find import list_alerts
from warehouse.alerts.sign import Sign
from warehouse.home import Home
from warehouse.identity import add_firm, assign_test, find_cell, put_cells, rederive_changed
from warehouse.marts import Compaction
from warehouse.nights import is_night_due, last_scrub
from warehouse.publish import Owner
from warehouse.registry import ALERT, NIGHT, STORED_FILE
from warehouse.results import result_tables
from warehouse.schema import ANSWERS
from warehouse.scrub import ROUND_DAYS
from warehouse.verify import check_home

A1, A2, B1 = Owner("A", "A1", "option"), Owner("A", "A2", "option"), Owner("B", "B1", "option")
QUESTIONS = ("steps", "cycles", "fade", "summary", "quality")


@pytest.fixture
def firms(home: Home) -> Home:
    """Two cells of firm A and one of firm B, with a test each, and a test without an owner."""
    return fill(home)


@pytest.fixture
def local_firms(local_home: Home) -> Home:
    """The same, on SQLite alone."""
    return fill(local_home)


def fill(home: Home) -> Home:
    for firm in "AB":
        add_firm(home, firm)
    put_cells(home, [{"firm": owner.firm, "cell_id": owner.cell_id} for owner in (A1, A2, B1)])
    for number, owner in enumerate((A1, A2, B1, Owner())):
        commit(home, f"t{number}", measure(cycle([1e-3, 0.9e-3, 0.8e-3]), START + number * DAY), owner)
    return home


def answers(home: Home, firm: str | None) -> dict[str, pl.DataFrame]:
    return {name: home.query(name, firm=firm) for name in QUESTIONS}


def assert_same(before: dict[str, pl.DataFrame], after: dict[str, pl.DataFrame]) -> None:
    for name in QUESTIONS:
        assert_frame_equal(before[name], after[name])


def listed(home: Home, *conditions: Any) -> list[dict[str, Any]]:
    return home.registry.rows(sa.select(STORED_FILE).where(STORED_FILE.c.current, *conditions))


def actions(record: dict[str, Any], firm: str) -> dict[str, str]:
    return {step["table"]: step["action"] for step in record["done"] if step["firm"] == firm}


@pytest.mark.parametrize("firm", ["A", "B", None])
def test_answers_are_the_same_after_the_night(firms: Home, firm: str | None) -> None:
    """Every answer is the same, row by row and type by type, before and after the night."""
    before = answers(firms, firm)
    run_night(firms)
    assert_same(before, answers(firms, firm))


@pytest.mark.parametrize("table", ["steps", "cycles"])
def test_mart_is_its_parts(local_firms: Home, table: str) -> None:
    """A firm's mart holds the rows of its parts, row by row, and nothing else."""
    run_night(local_firms)
    for firm in "AB":
        rows = sorted(
            listed(local_firms, STORED_FILE.c.firm == firm, STORED_FILE.c.table_name == table),
            key=lambda row: row["test_id"] or "",
        )
        mart, *parts = (pl.read_parquet(local_firms.store.path_of(row["path"])) for row in rows)
        assert rows[0]["test_id"] is None
        assert_frame_equal(mart, pl.concat(parts))


def test_night_opens_one_file_a_table(local_firms: Home) -> None:
    """After the night a question about steps opens one file of the firm, where it opened one a test."""
    one = sa.and_(STORED_FILE.c.firm == "A", STORED_FILE.c.table_name == "steps", STORED_FILE.c.mart.is_(None))
    assert len(listed(local_firms, one)) == 2
    run_night(local_firms)
    assert len(listed(local_firms, one)) == 1


def test_second_night_writes_nothing(firms: Home) -> None:
    """A second night on the same data skips everything, says why, and touches no file."""
    first = run_night(firms)
    before = {path: path.stat().st_mtime_ns for path in files_below(firms.folder / "tables")}
    second = run_night(firms)
    assert (second["made"], second["skipped"]) == (0, first["made"])
    assert {step["why"] for step in second["done"]} == {"nothing changed"}
    assert {path: path.stat().st_mtime_ns for path in files_below(firms.folder / "tables")} == before


def count_statements(home: Home, work: Callable[[], object]) -> int:
    """Return how many statements some work asks the registry."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        asked.append(sql)

    sa.event.listen(home.registry.engine, "before_cursor_execute", note)
    work()
    sa.event.remove(home.registry.engine, "before_cursor_execute", note)
    return len(asked)


def test_firms_without_news_are_asked_about_together(local_firms: Home) -> None:
    """A night without news asks the registry as often for five firms as for two."""
    run_night(local_firms)
    of_two = count_statements(local_firms, lambda: run_night(local_firms))
    for number, code in enumerate("CDE"):
        add_firm(local_firms, code)
        put_cells(local_firms, [{"firm": code, "cell_id": f"{code}1"}])
        commit(local_firms, f"n{number}", measure(cycle([1e-3])), Owner(code, f"{code}1", "option"))
    run_night(local_firms)
    assert count_statements(local_firms, lambda: run_night(local_firms)) == of_two


def test_results_of_several_firms_are_those_of_each(firms: Home) -> None:
    """Results that are read for several firms are those of each, be its files of its data or older than these."""
    run_night(firms)
    commit(firms, "late", measure(cycle([1e-3] * 5), START + 9 * DAY), B1)
    for name, (computation, _) in result_tables().items():
        if computation.scope == "firm":
            each = pl.concat([firms.results.read(name, firm) for firm in "AB"])
            assert_frame_equal(firms.results.read_firms(name, ["A", "B"]), each)
    assert set(firms.results.read_firms("cohort_values", ["A", "B"])["firm"]) == {"A", "B"}


def test_night_without_cycles_settles(local_home: Home) -> None:
    """Tests that only rest have steps and no cycles; their second night skips everything too."""
    add_firm(local_home, "A")
    resting = measure(cycle([1e-3])).with_columns(current_ampere=0.0)
    commit(local_home, "rest", resting, Owner("A", None, "option"))
    run_night(local_home)
    assert run_night(local_home)["made"] == 0


def test_night_of_an_empty_home(local_home: Home) -> None:
    """A night without any test does nothing."""
    assert run_night(local_home)["done"] == []


def test_new_test_is_seen_at_once(local_firms: Home) -> None:
    """A test that comes after the night stands beside the mart in the next answer."""
    run_night(local_firms)
    test_id = commit(local_firms, "late", measure(cycle([0.7e-3]), START + 30 * DAY), A1)
    for name in ("steps", "cycles", "fade"):
        assert test_id in local_firms.query(name, firm="A")["test_id"]
    assert local_firms.query("summary", cell="A1")["cycles"].item() == 4


def test_next_night_takes_the_new_test_in(local_firms: Home) -> None:
    """The night after a new test makes the firm's tables again and skips the other firm's."""
    run_night(local_firms)
    commit(local_firms, "late", measure(cycle([0.7e-3]), START + 30 * DAY), A1)
    before = answers(local_firms, "A")
    record = run_night(local_firms)
    assert set(actions(record, "A").values()) == {"made"}
    assert set(actions(record, "B").values()) == {"skipped"}
    assert_same(before, answers(local_firms, "A"))


def test_rederived_test_appears_once(firms: Home) -> None:
    """A test that is derived again after the night shows its new revision and not the mart's."""
    run_night(firms)
    put_cells(firms, [{"firm": "A", "cell_id": "A1", "convention": "full_discharge_first"}])
    assert len(rederive_changed(firms)) == 1
    for moment in ("before", "after"):
        steps, cycles = firms.query("steps", cell="A1"), firms.query("cycles", cell="A1")
        assert (steps.height, steps["step_count"].n_unique()) == (12, 12), moment
        assert (cycles.height, cycles["cycle"].n_unique()) == (4, 4), moment
        run_night(firms)


@pytest.mark.parametrize("table", [table.name for table in ANSWERS])
def test_stored_answers_are_invalidated_and_refreshed(local_firms: Home, table: str) -> None:
    """A new test makes the firm's stored answer outdated, the night stores it anew; the other firm's stays."""

    def stored(firm: str) -> list[str]:
        rows = listed(local_firms, STORED_FILE.c.table_name == table, STORED_FILE.c.firm == firm)
        return [row["path"] for row in rows]

    run_night(local_firms)
    before = {firm: stored(firm) for firm in "AB"}
    commit(local_firms, "late", measure(cycle([0.7e-3]), START + 30 * DAY), A1)
    used = local_firms.asker.find_stored_answer
    assert (used(table, "A"), [path.name for path in used(table, "B") or []]) == (
        None,
        [Path(p).name for p in before["B"]],
    )
    run_night(local_firms)
    assert len(stored("A")) == 1
    assert stored("A") != before["A"]


def test_manifest_refreshes_the_answers(local_firms: Home) -> None:
    """A nominal capacity that comes after the night is in the next answer, and in the one after the next night."""
    run_night(local_firms)
    assert local_firms.query("fade", cell="A1")["equivalent_full_cycles"].null_count() == 3
    put_cells(local_firms, [{"firm": "A", "cell_id": "A1", "nominal_capacity_ah": 1e-3}])
    for _ in range(2):
        assert local_firms.query("fade", cell="A1")["equivalent_full_cycles"].last() == pytest.approx(2.7)
        run_night(local_firms)


def test_retired_files_are_removed(firms: Home) -> None:
    """Older revisions, older marts and older answers are gone after the night, from disk and registry."""
    run_night(firms)
    before = results_of(firms, "A")
    commit(firms, "late", measure(cycle([0.7e-3]), START + 30 * DAY), A1)
    put_cells(firms, [{"firm": "A", "cell_id": "A2", "convention": "full_discharge_first"}])
    rederive_changed(firms)
    record = run_night(firms)
    replaced = before - results_of(firms, "A")
    assert len(replaced) > len(before) / 3
    assert record["files_removed"] == 3 + len(("steps", "cycles")) + len(ANSWERS) + len(replaced)
    on_disk = {path.relative_to(firms.folder / "tables").as_posix() for path in files_below(firms.folder / "tables")}
    assert on_disk == {row["path"] for row in firms.registry.rows(sa.select(STORED_FILE))}
    assert len(listed(firms)) == len(on_disk)


def test_table_of_a_firm_with_the_same_rows_keeps_its_file(firms: Home) -> None:
    """A new test that changes nothing in a table about the whole firm leaves that table's file; the others are new."""
    run_night(firms)
    before = results_of(firms, "A")
    commit(firms, "late", measure(cycle([0.7e-3]), START + 30 * DAY), A1)
    run_night(firms)
    kept = {path.split("/")[1] for path in before & results_of(firms, "A")}
    assert "wafer_yield" in kept
    assert "replicates" not in kept
    moment = firms.results.name_moment("A")
    rows = listed(firms, STORED_FILE.c.firm == "A", STORED_FILE.c.table_name.in_(kept))
    assert {row["made_of"] for row in rows} == {moment}


def test_process_that_is_ended_costs_a_try(local_firms: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a process of the crew dies, the stage is tried again with new ones, and the night is whole."""
    monkeypatch.setattr(nightly, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(crew, "FEWEST_APART", 1)
    monkeypatch.setattr(stages, "count_cores", lambda: 2)
    serve, asked = crew.Crew.serve, []

    def serve_dying(self: crew.Crew, cells: Mapping[str, int]) -> dict[str, Callable[[], Iterable[Compaction]]]:
        asked.append(self)
        found = serve(self, cells)
        if len(asked) == 1:
            for process in self._start()._processes.values():
                process.kill()
        return found

    monkeypatch.setattr(crew.Crew, "serve", serve_dying)
    record = run_night(local_firms)
    assert [stage["tries"] for stage in record["stages"] if stage["stage"] == "aggregate"] == [2]
    assert (record["failed"], record["warnings"]) == ([], [])
    assert local_firms.query("fade", firm="A").height > 0


def results_of(home: Home, firm: str) -> set[str]:
    return {row["path"] for row in listed(home, STORED_FILE.c.firm == firm) if row["table_name"] in result_tables()}


@pytest.mark.parametrize("table", ["steps", "cycles", *(table.name for table in ANSWERS)])
def test_files_of_a_firm_hold_its_rows_only(local_firms: Home, table: str) -> None:
    """No file in a firm's folder holds a row of another firm's test, whatever moved between nights."""
    run_night(local_firms)
    assign_test(local_firms, local_firms.query("tests", cell="A2")["test_id"].item(), find_cell(local_firms, "B1", "B"))
    for _ in range(2):
        for firm in "AB":
            mine = set(local_firms.query("tests", firm=firm)["test_id"]) | set(
                local_firms.query("cells", firm=firm)["cell_id"]
            )
            for row in listed(local_firms, STORED_FILE.c.firm == firm, STORED_FILE.c.table_name == table):
                frame = pl.read_parquet(local_firms.store.path_of(row["path"]))
                assert set(frame["test_id" if "test_id" in frame.columns else "cell_id"]) <= mine
        run_night(local_firms)


def test_unassigned_tests_are_compacted_apart(local_firms: Home) -> None:
    """Tests without an owner have marts of their own, which no firm opens, and no stored answers."""
    record = run_night(local_firms)
    assert {"steps", "cycles"} <= actions(record, "").keys()
    assert not {"fade", "summary"} & actions(record, "").keys()
    assert all("firm=_unassigned/" in row["path"] for row in listed(local_firms, STORED_FILE.c.firm == ""))


def test_night_is_recorded(home: Home) -> None:
    """Each night is kept with the date that it stands for and what it did."""
    record = run_night(home, date(2026, 3, 2))
    (row,) = home.registry.rows(sa.select(NIGHT))
    assert (row["date"], json.loads(row["record"])) == ("2026-03-02", record)


def test_two_nights_of_a_date_are_two(local_home: Home) -> None:
    """A night that is fired twice is recorded twice."""
    for _ in range(2):
        run_night(local_home, date(2026, 3, 2))
    assert len(local_home.registry.rows(sa.select(NIGHT))) == 2


def test_leftovers_go_and_strangers_stay(local_firms: Home) -> None:
    """What a killed writer left of a known test goes in the night; a file of no known test is not touched."""
    part = listed(local_firms, STORED_FILE.c.firm == "A", STORED_FILE.c.table_name == "steps")[0]
    raw = local_firms.store.path_of(part["path"]).read_bytes()
    folder = local_firms.store.folder / "firm=B" / "steps"
    for name in (f"{part['test_id']}-r9.parquet", "mart-0123456789abcdef.parquet", "dead.tmp", "t-unknown-r1.parquet"):
        (folder / name).write_bytes(raw)
    assert sum(found.kind == "unlisted" for found in check_home(local_firms)) == 4
    run_night(local_firms)
    assert [Path(found.path).name for found in check_home(local_firms)] == ["t-unknown-r1.parquet"]


def test_impedance_alone_needs_no_mart(local_home: Home) -> None:
    """A firm whose tests hold impedance alone has nothing to compact, night after night."""
    add_firm(local_home, "A")
    point = {"spectrum_index": 1, "frequency_hertz": 1e3, "real_impedance_ohm": 5.0, "imaginary_impedance_ohm": -1.0}
    nothing = measure([(AMPERE, 1e-3)]).clear()
    commit(local_home, "eis", nothing, Owner("A", None, "option"), spectra=pl.DataFrame([point]))
    run_night(local_home)
    assert run_night(local_home)["made"] == 0
    assert local_home.query("spectra", firm="A").height == 1


def test_missed_night_is_due(local_firms: Home) -> None:
    """A night is due when none has run since two in the morning of the site, and not before there is a test."""
    moment = datetime.now(UTC)
    assert is_night_due(local_firms, moment)
    run_night(local_firms)
    assert not is_night_due(local_firms, moment)
    assert is_night_due(local_firms, moment + timedelta(days=1))


def test_empty_home_has_no_night_to_catch_up(local_home: Home) -> None:
    """A home without tests waits for its first two in the morning."""
    assert not is_night_due(local_home, datetime.now(UTC))


def test_failed_stage_is_told_and_the_others_run(local_firms: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that fails is tried three times, named in the record, and the stages behind it still run."""

    def fail(_night: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(nightly, "RETRY_SECONDS", 0.0)
    monkeypatch.setitem(nightly.STAGES, "platform", fail)
    record = run_night(local_firms)
    told = {stage["stage"]: stage for stage in record["stages"]}
    assert record["failed"] == ["platform"]
    assert (told["platform"]["tries"], told["platform"]["failed"]) == (3, "OSError: the disk is full")
    assert told["backup"]["failed"] is None
    assert (local_firms.folder / "backups").is_dir()


def test_scrub_reads_everything_within_a_round(local_firms: Home) -> None:
    """A damaged file that no night needs is found by the scrub, on one night of a round, and told."""
    (row, *_) = listed(local_firms, STORED_FILE.c.table_name == "measurements")
    break_file(local_firms, row)
    days = [date(2026, 3, 1) + timedelta(days=number) for number in range(ROUND_DAYS)]
    records = [record for day in days if (record := run_night(local_firms, day))["scrub_damaged"]]
    assert len(records) == 1
    assert f"damaged: table {row['path']}" in records[0]["warnings"]


def test_damage_costs_one_firm_its_night(local_firms: Home) -> None:
    """A table that cannot be read is named; its firm waits for repair, and the others have their tables."""
    (row, *_) = listed(local_firms, STORED_FILE.c.table_name == "steps", STORED_FILE.c.firm == "A")
    break_file(local_firms, row)
    record = run_night(local_firms)
    assert record["failed"] == ["aggregate"]
    assert f"damaged: table {row['path']}" in record["warnings"]
    assert "the comparison between firms waits for tables of A" in record["warnings"]
    assert actions(record, "B")["steps"] == "skipped"
    assert listed(local_firms, STORED_FILE.c.table_name == "summary", STORED_FILE.c.firm == "B")


def test_damage_leaves_the_alerts_of_its_firm(local_firms: Home) -> None:
    """Alerts of a firm whose tables cannot be read stay open; another firm's are closed when they no longer hold."""
    opened = {
        "kind": "capacity_step",
        "subject": "s",
        "evidence": "{}",
        "sentence_en": "",
        "sentence_ko": "",
        "times": 1,
    }
    rows = [{**opened, "alert_id": f, "firm": f, "state": "open", "first_seen_date": "2026-03-01"} for f in "AB"]
    with local_firms.registry.write() as connection:
        local_firms.registry.put(connection, ALERT, rows)
    (row, *_) = listed(local_firms, STORED_FILE.c.table_name == "steps", STORED_FILE.c.firm == "A")
    break_file(local_firms, row)
    record = run_night(local_firms)
    assert [alert["firm"] for alert in list_alerts(local_firms)] == ["A"]
    assert (record["alerts_open"], record["alerts_closed"]) == (1, 1)


def test_failed_delivery_does_not_lose_the_alert(local_firms: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert that cannot be sent stands in the table, is told of, and waits for the next night."""
    evidence = {"cycle": 3, "capacity_before_ah": 1e-3, "capacity_after_ah": 0.9e-3}
    monkeypatch.setattr(
        "warehouse.alerts.find._find_all", lambda *_: iter([Sign("capacity_step", "s", "C", evidence, "A")])
    )
    local_firms.settings = replace(local_firms.settings, delivery={"firm": {"A": {"webhook": "http://127.0.0.1:9/"}}})
    for opened in (1, 0):
        record = run_night(local_firms)
        assert (record["alerts_opened"], record["deliveries_failed"], record["failed"]) == (opened, 1, [])
        assert "1 messages about alerts were not delivered; they wait for the next night" in record["warnings"]
    (alert,) = list_alerts(local_firms)
    assert (alert["posted_unix_second"], alert["delivery_error"] is not None) == (None, True)


def test_comparison_is_made_once_in_its_time(local_firms: Home) -> None:
    """The night makes the release that is due; nights within its ninety-one days let it stand."""
    first = run_night(local_firms, date(2026, 3, 2))
    second = run_night(local_firms, date(2026, 3, 3))
    assert [(record["release"], record["released"]) for record in (first, second)] == [(1, 1), (1, 0)]


def test_night_says_what_it_found(local_firms: Home) -> None:
    """The record tells how many tests there were, and how many of them came since the last night."""
    assert run_night(local_firms)["inputs"] == {"firms": 2, "tests": 4, "changed_tests": 4, "new_drops": 0}
    commit(local_firms, "late", measure(cycle([0.7e-3]), START + 30 * DAY), A1)
    assert run_night(local_firms)["inputs"] == {"firms": 2, "tests": 5, "changed_tests": 1, "new_drops": 0}


def break_file(home: Home, row: dict[str, Any]) -> None:
    path = home.store.path_of(row["path"])
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def test_failed_scrub_is_made_up_for(local_firms: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a night could not scrub is due in the next one: the last scrub is that of the last night that had one."""
    run_night(local_firms, date(2026, 3, 1))

    def fail(_night: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(nightly, "RETRY_SECONDS", 0.0)
        patch.setitem(nightly.STAGES, "scrub", fail)
        run_night(local_firms, date(2026, 3, 2))
    assert last_scrub(local_firms) == date(2026, 3, 1)

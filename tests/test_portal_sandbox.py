from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from portal_site import FIRM_A, FIRM_B
from sandbox_attack import attack, open_sandbox, plant_canaries, torture
from sql_escapes import Places, write_attempts
from sql_tortures import TORTURES

from portal.sandbox import walls
from portal.sandbox.errors import SqlBusy, SqlCancelled, SqlDied, SqlError, SqlLate, SqlRefused, SqlWrong
from portal.sandbox.inside import kernel, rules
from portal.sandbox.limits import Limits
from portal.sandbox.pool import Sandbox
from portal.sandbox.walls import Walls, find_walls
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.identity import assign_test, find_cell

LIMITS = Limits(seconds=5.0)
SHORT = Limits(seconds=0.5)
ATTACKED = Limits(seconds=1.0)
# What stands in where bwrap is absent, and where Landlock is absent as well.
WITHOUT = {"landlock": {"bwrap": False}, "root": {"bwrap": False, "landlock": False}}
ENOUGH = 500


@pytest.fixture(scope="module")
def places(portal_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A home of two firms, with canaries in the files of the second."""
    folder = tmp_path_factory.mktemp("attacked")
    shutil.copytree(portal_home, folder / "home", ignore=shutil.ignore_patterns("shares"))
    return plant_canaries(folder / "home", folder / "out")


@pytest.fixture(scope="module")
def opened(places: Places) -> Iterator[Home]:
    with closing(Home(places.home)) as home:
        yield home


@pytest.fixture(scope="module")
def sandbox(opened: Home) -> Iterator[Sandbox]:
    with closing(Sandbox(opened, LIMITS)) as made:
        yield made


def stand_ins(name: str) -> Walls:
    """Return the walls that a machine without others has; skip where this one cannot have them."""
    if name == "root" and os.geteuid() != 0:
        pytest.skip("only root changes the root of all paths")
    if name == "landlock" and not kernel.landlock_version():
        pytest.skip("this kernel has no Landlock")
    return find_walls(**WITHOUT[name])


def ask_in_vain(sandbox: Sandbox, sql: str, query: str) -> None:
    """Ask what will be ended."""
    with suppress(SqlError):
        sandbox.ask(FIRM_A, sql, query=query)


@pytest.mark.parametrize("name", ["cells", "tests", "fade", "summary", "cycles", "steps", "spectra", "knees", "cohort"])
def test_relations_are_the_named_queries(opened: Home, sandbox: Sandbox, name: str) -> None:
    """SQL sees under a query's name what ``cellar query`` answers for the firm."""
    wanted = opened.query(name, firm=FIRM_A)
    told = sandbox.ask(FIRM_A, f"FROM {name}").frame
    assert_frame_equal(told, wanted, check_row_order=name != "spectra")


def test_raw_records_are_the_firms(opened: Home, sandbox: Sandbox) -> None:
    """SQL sees all raw records of the firm, each under its test."""
    told = sandbox.ask(
        FIRM_A, "SELECT test_id, count(*) AS n FROM measurements GROUP BY test_id ORDER BY test_id"
    ).frame
    tests = opened.query("tests", firm=FIRM_A).sort("test_id")
    assert told["test_id"].to_list() == tests["test_id"].to_list()
    assert told["n"].to_list() == tests["rows"].to_list()


def test_identity_is_the_firms(sandbox: Sandbox) -> None:
    """Of the registry's tables SQL sees the rows of its firm alone."""
    told = sandbox.ask(FIRM_A, "SELECT firm FROM cell UNION ALL SELECT firm FROM test UNION ALL SELECT code FROM firm")
    assert set(told.frame["firm"]) == {FIRM_A}


def test_share_holds_what_a_query_names(opened: Home) -> None:
    """A share holds files of the relations that the query names, every one of them the firm's."""
    with closing(Sandbox(opened, LIMITS)) as made:
        made.ask(FIRM_A, "SELECT count(*) FROM fade")
        share = made.share_of(FIRM_A)
        files = [path for path in share.rglob("*.parquet") if path.is_file()]
        assert files
        assert not (share / "files" / "measurements").exists()
        firms = {
            firm for path in files for firm in pl.read_parquet(path).get_column("firm", default=pl.Series([FIRM_A]))
        }
    assert firms == {FIRM_A}


def test_share_loses_what_the_firm_loses(places: Places, tmp_path: Path) -> None:
    """A test that is found to be another firm's is gone from the first firm's share before its next query."""
    shutil.copytree(places.home, tmp_path / "home", ignore=shutil.ignore_patterns("shares"))
    with closing(Home(tmp_path / "home")) as home, closing(Sandbox(home, LIMITS)) as made:
        before = made.ask(FIRM_A, "SELECT DISTINCT test_id FROM measurements ORDER BY 1").frame["test_id"].to_list()
        cell = home.query("cells", firm=FIRM_B)["cell_id"][0]
        assign_test(home, before[0], find_cell(home, cell, FIRM_B))
        left = made.ask(FIRM_A, "SELECT count(*) AS n FROM fade").frame
        names = {path.name for path in made.share_of(FIRM_A).glob("files/measurements/*")}
        after = made.ask(FIRM_A, "SELECT DISTINCT test_id FROM measurements ORDER BY 1").frame["test_id"].to_list()
    assert left.height == 1
    assert not any(name.startswith(before[0]) for name in names)
    assert after == before[1:]


def test_shares_of_dead_processes_are_removed(opened: Home) -> None:
    """What a process left that ended without closing goes when the next one comes."""
    left = opened.folder / "shares" / "left"
    left.mkdir(parents=True)
    (left / "lock").touch()
    with closing(Sandbox(opened, LIMITS)) as made:
        assert not left.exists()
        held = made.share_of(FIRM_A)
        with closing(Sandbox(opened, LIMITS)):
            assert held.exists()
    assert not held.exists()


def test_rules_refuse_every_attempt(places: Places) -> None:
    """Of more than 500 attempts the rules let pass only what reads nothing but offered relations."""
    attempts = write_attempts(replace(places, share="/share"))
    passed = []
    with duckdb.connect(":memory:") as connection:
        for sql in attempts:
            try:
                rules.check(connection, sql, ["fade", "cells", "cell", "test", "measurements", "firm"])
            except (rules.RefusedError, duckdb.Error, ValueError):
                continue
            passed.append(sql)
    assert len(attempts) >= ENOUGH
    assert not [sql for sql in passed if "canary" in sql or "read_" in sql or "glob" in sql]


def test_no_attempt_escapes(opened: Home, places: Places) -> None:
    """Attempts read nothing of another firm, write nothing, and end within their limit."""
    with open_sandbox(opened, ATTACKED, find_walls()) as made:
        result = attack(made, places, lambda attempts: attempts[::3])
    assert result.findings == []


def test_system_walls_hold_alone(opened: Home, places: Places) -> None:
    """The same without rules and without DuckDB's locks, for every attempt: the system's walls are enough."""
    with open_sandbox(opened, ATTACKED, find_walls(), rules=False) as made:
        result = attack(made, places)
    assert result.answered + result.refused >= ENOUGH
    assert result.findings == []


@pytest.mark.parametrize("name", WITHOUT)
def test_stand_ins_hold_alone(opened: Home, places: Places, name: str) -> None:
    """Where bwrap is absent, Landlock is enough; where that is absent too, a changed root is."""
    with open_sandbox(opened, ATTACKED, stand_ins(name), rules=False) as made:
        result = attack(made, places, lambda attempts: attempts[:: len(WITHOUT) * 4])
    assert result.findings == []


def test_attempts_bite(opened: Home, places: Places) -> None:
    """Without any wall the same attempts read the other firm's canaries: they would find a hole."""
    bare = find_walls(bwrap=False, landlock=False, root=False)
    with open_sandbox(opened, ATTACKED, bare, rules=False) as made:
        result = attack(made, places, lambda attempts: attempts[::24])
    assert sum(finding.startswith("read") for finding in result.findings) >= len(WITHOUT)


def test_torture_ends_in_time(opened: Home) -> None:
    """Queries that want all time or memory end within their limit, and the next one is answered."""
    with open_sandbox(opened, SHORT, find_walls()) as made:
        result = torture(made, TORTURES)
    assert result.findings == []
    assert result.answered + result.refused == len(TORTURES)


def test_every_query_has_a_process_of_its_own(sandbox: Sandbox) -> None:
    """What one query sets, the next one does not see."""
    with pytest.raises(SqlError):
        sandbox.ask(FIRM_A, "SET VARIABLE mine = 1; SELECT 1")
    with pytest.raises(SqlError):
        sandbox.ask(FIRM_A, "SELECT getvariable('mine')")
    assert sandbox.ask(FIRM_A, "SELECT 1 AS one").frame["one"].to_list() == [1]


def test_rows_and_bytes_are_capped(opened: Home) -> None:
    """An answer with more rows or bytes than are given out is cut, and says so."""
    with closing(Sandbox(opened, Limits(seconds=5.0, rows=1000, size=100_000))) as made:
        rows = made.ask(FIRM_A, "SELECT range FROM range(5000)")
        size = made.ask(FIRM_A, "SELECT repeat('x', 1000) AS x FROM range(5000)")
        whole = made.ask(FIRM_A, "SELECT range FROM range(1000)")
    assert (rows.frame.height, rows.cut) == (1000, "rows")
    assert (0 < size.frame.height < 110, size.cut) == (True, "size")
    assert (whole.frame.height, whole.cut) == (1000, "")


def test_time_is_limited(sandbox: Sandbox) -> None:
    """A query that takes longer than it may is ended, and its firm is answered again."""
    began = time.monotonic()
    with pytest.raises(SqlLate, match="longer than it may"):
        sandbox.ask(FIRM_A, TORTURES["cross join of sums"], seconds=0.3)
    assert time.monotonic() - began < 2
    assert sandbox.ask(FIRM_A, "SELECT 1").frame.height == 1


def test_deadly_queries_are_told(sandbox: Sandbox) -> None:
    """A query that ends its own process is told as such, or refused before."""
    with pytest.raises((SqlDied, SqlRefused, SqlWrong)):
        sandbox.ask(FIRM_A, TORTURES["deep nesting"])


def test_a_query_is_cancelled(sandbox: Sandbox) -> None:
    """Cancelling ends a query at once; another firm cannot cancel it."""
    found: list[Exception] = []

    def ask() -> None:
        try:
            sandbox.ask(FIRM_A, TORTURES["cross join of sums"], query="mine")
        except SqlError as error:
            found.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    deadline = time.monotonic() + 4
    assert not sandbox.cancel(FIRM_B, "mine")
    while not sandbox.cancel(FIRM_A, "mine") and time.monotonic() < deadline:
        time.sleep(0.02)
    thread.join(4)
    assert [type(error) for error in found] == [SqlCancelled]
    assert not sandbox.cancel(FIRM_A, "mine")


def test_one_firm_does_not_take_all(opened: Home) -> None:
    """A firm that asks more at a time than it may is told to wait, and others are answered meanwhile."""
    limits = Limits(seconds=3.0, of_firm=1, waiting=1, wait_second=0.2)
    with closing(Sandbox(opened, limits)) as made:
        made.prepare(FIRM_A)
        made.prepare(FIRM_B)
        sql = TORTURES["cross join of sums"]
        thread = threading.Thread(target=ask_in_vain, args=(made, sql, "long"))
        thread.start()
        while not made.is_running(FIRM_A, "long"):
            time.sleep(0.01)
        with pytest.raises(SqlBusy):
            made.ask(FIRM_A, "SELECT 1")
        assert made.ask(FIRM_B, "SELECT 1").frame.height == 1
        made.cancel(FIRM_A, "long")
        thread.join(5)


def test_errors_do_not_tell_where_files_are(opened: Home) -> None:
    """An error names what is wrong with the query, and no path of the platform."""
    with closing(Sandbox(opened, LIMITS, find_walls(bwrap=False))) as made, pytest.raises(SqlWrong) as caught:
        made.ask(FIRM_A, "SELECT voltage FROM measurements")
    assert str(opened.folder) not in str(caught.value)
    assert "voltage_volt" in str(caught.value)


def test_half_a_character_is_no_query(sandbox: Sandbox) -> None:
    """A text that cannot be written as UTF-8 is refused before any process sees it, and so is one that is too long."""
    with pytest.raises(SqlRefused, match="no text"):
        sandbox.ask(FIRM_A, "SELECT '\ud800'")
    with pytest.raises(SqlRefused, match="characters"):
        sandbox.ask(FIRM_A, "SELECT 1 -- " + "x" * LIMITS.text)


def test_unknown_firm_has_no_sandbox(sandbox: Sandbox) -> None:
    """A code that is no firm's opens nothing, whatever it looks like."""
    for code in ("FIRM-X", "", "..", f"../tables/firm={FIRM_B}"):
        with pytest.raises(UsageError, match="no firm"):
            sandbox.ask(code, "SELECT 1")


def test_absent_bwrap_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without bwrap the sandbox says so and goes on with what is left."""
    walls._try_bwrap.cache_clear()
    monkeypatch.setenv("PATH", "/nonexistent")
    found = find_walls()
    walls._try_bwrap.cache_clear()
    assert found.bwrap is None
    assert "bwrap is not installed" in found.warnings[0]


def test_bwrap_that_cannot_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where bwrap is installed and may not make namespaces, its own words are in the warning."""
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    walls._try_bwrap.cache_clear()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = find_walls()
    walls._try_bwrap.cache_clear()
    assert found.bwrap is None
    assert "No permissions to create new namespace" in found.warnings[0]


def test_a_home_among_programs_is_hidden(tmp_path: Path) -> None:
    """A home that lies below a folder of Python's, which the process is shown, is covered."""
    home = Path(sys.prefix) / "cellar-home"
    behind = Walls("/usr/bin/bwrap", landlock=True, root=False)
    assert f"--tmpfs {home}" in " ".join(behind.command(tmp_path, home, "{}"))
    assert "--tmpfs" not in behind.command(tmp_path, tmp_path / "home", "{}")


def test_nothing_is_left_running(opened: Home) -> None:
    """Closing ends every process, also one in the middle of a query."""
    made = Sandbox(opened, LIMITS)
    thread = threading.Thread(target=ask_in_vain, args=(made, TORTURES["cross join of sums"], "x"))
    thread.start()
    while not made.is_running(FIRM_A, "x"):
        time.sleep(0.01)
    made.close()
    thread.join(3)
    assert not thread.is_alive()
    with pytest.raises(SqlBusy):
        made.ask(FIRM_A, "SELECT 1")

"""The journal: a registry that is lost is made again, and answers as before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from time import sleep

import pytest
import sqlalchemy as sa
from made_cells import cycle, measure, write_bdf

from flows.commands.running import rebuild_registry
from flows.ingest import ingest_paths
from flows.nightly import run_night
from warehouse.errors import RegistryLost, UsageError
from warehouse.home import Home
from warehouse.identity import add_firm, assign_test, find_cell, put_cells
from warehouse.journal import Change, Journal
from warehouse.publish import Owner
from warehouse.registry import FIRM, METADATA
from warehouse.sources import count_states, newest_receipts
from warehouse.verify import check_home

ASKED = ("cells", "tests", "steps", "cycles", "fade", "summary", "measurements", "quality")


@pytest.fixture
def lived(home: Home, tmp_path: Path) -> Iterator[Home]:
    """A home with two firms, a test that grew and was moved, a source in quarantine, and a night behind it."""
    for firm in "AB":
        add_firm(home, firm, f"Firm {firm}")
    put_cells(home, [{"firm": "A", "cell_id": "C1"}, {"firm": "B", "cell_id": "C2", "nominal_capacity_ah": 1e-3}])
    path = write_bdf(tmp_path / "in" / "a.csv", measure(cycle([1e-3, 0.9e-3, 0.8e-3])))
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\n", len(whole) // 2) + 1])
    list(ingest_paths(home, [path], Owner("A", "C1", "option")))
    path.write_bytes(whole)
    list(ingest_paths(home, [path]))
    (tmp_path / "in" / "letter.txt").write_text("Dear lab")
    list(ingest_paths(home, [tmp_path / "in" / "letter.txt"]))
    assign_test(home, home.query("tests")["test_id"].item(), find_cell(home, "C2", "B"))
    run_night(home)
    return home


def lose_registry(home: Home) -> Home:
    """Empty the registry as if its database had been made anew; returns the home, opened again."""
    url = home.registry.url
    home.leases.close()
    with home.registry.engine.begin() as connection:
        METADATA.drop_all(connection)
    home.close()
    return Home(home.folder, url.render_as_string(hide_password=False))


def test_lost_registry_is_not_taken_for_a_new_one(lived: Home) -> None:
    """Where the journal tells of an earlier registry, an empty one is refused with what to do."""
    with closing(lose_registry(lived)) as lost, pytest.raises(RegistryLost, match=r"verify --repair.*저널"):
        lost.query("cells")


def test_registry_whose_first_change_is_being_committed_is_not_lost(
    local_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that opens a new home while another commits its first change waits for that, and sees it."""
    told, append = Event(), Journal.append

    def append_slowly(self: Journal, number: int, changes: list[Change]) -> None:
        append(self, number, changes)
        # The journal knows of the change by now, and the database does not yet.
        told.set()
        sleep(0.5)

    monkeypatch.setattr(Journal, "append", append_slowly)
    assert not list(local_home.query("cells")["cell_id"])
    with ThreadPoolExecutor(1) as other, closing(Home(local_home.folder)) as second:
        first = other.submit(add_firm, local_home, "A")
        assert told.wait(30)
        assert [row["code"] for row in second.registry.rows(sa.select(FIRM))] == ["A"]
        first.result()


def test_rebuilt_registry_answers_as_before(lived: Home) -> None:
    """After the journal is replayed every query, the counts of states and the receipts are what they were."""
    before = {name: lived.query(name) for name in ASKED}
    told = count_states(lived), newest_receipts(lived)
    with closing(lose_registry(lived)) as lost:
        assert lost.rebuild_registry() > 0
        assert all(lost.query(name).equals(frame) for name, frame in before.items())
        assert (count_states(lost), newest_receipts(lost)) == told


def test_rebuilt_registry_goes_on(lived: Home, tmp_path: Path) -> None:
    """A rebuilt registry takes drops, and can be lost and rebuilt once more."""
    with closing(lose_registry(lived)) as lost:
        lost.rebuild_registry()
        path = write_bdf(tmp_path / "in" / "b.csv", measure(cycle([1.2e-3])))
        list(ingest_paths(lost, [path], Owner("B", "C2", "option")))
        before = lost.query("cycles")
        with closing(lose_registry(lost)) as again:
            again.rebuild_registry()
            assert again.query("cycles").equals(before)


def test_repair_rebuilds_only_what_is_lost(lived: Home) -> None:
    """What ``cellar verify --repair`` begins with makes a lost registry again and leaves a sound one alone."""
    before = lived.query("fade")
    assert rebuild_registry(lived) == []
    with closing(lose_registry(lived)) as lost:
        (told,) = rebuild_registry(lost)
        assert told.startswith("registry, from")
        assert not [finding for finding in check_home(lost) if finding.serious]
        assert lost.query("fade").equals(before)


def test_registry_that_knows_something_is_not_replayed_onto(lived: Home) -> None:
    """A rebuild is refused where there is something to lose."""
    with pytest.raises(UsageError, match="not empty"):
        lived.rebuild_registry()


def test_cut_line_never_happened(home: Home) -> None:
    """A line that a crash cut short is left out, and the next change begins a line of its own."""
    add_firm(home, "A")
    (file,) = home.journal.folder.iterdir()
    with file.open("ab") as lines:
        lines.write(b'{"number": 2, "at": 1.0, "chan')
    add_firm(home, "B")
    with closing(lose_registry(home)) as lost:
        lost.rebuild_registry()
        assert [row["code"] for row in lost.registry.rows(sa.select(FIRM.c.code).order_by(FIRM.c.code))] == ["A", "B"]


def test_line_of_a_failed_commit_is_replaced(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written down but never committed gives way to the next change, which has its number."""

    class RefusedError(Exception):
        pass

    honest = home.registry.journal.append

    def refuse(number: int, changes: list[tuple[str, object]]) -> None:
        honest(number, changes)
        raise RefusedError

    monkeypatch.setattr(home.registry.journal, "append", refuse)
    with pytest.raises(RefusedError):
        add_firm(home, "A")
    monkeypatch.undo()
    add_firm(home, "B")
    with closing(lose_registry(home)) as lost:
        lost.rebuild_registry()
        assert [row["code"] for row in lost.registry.rows(sa.select(FIRM.c.code))] == ["B"]


def test_disk_that_refuses_the_line_refuses_the_change(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that cannot be written down is not made."""

    def full(_number: int, _changes: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(home.registry.journal, "append", full)
    with pytest.raises(OSError, match="No space"):
        add_firm(home, "A")
    assert home.registry.rows(sa.select(FIRM)) == []


def test_lines_are_json(lived: Home) -> None:
    """The journal can be read without this software: a JSON object a line, numbered."""
    (file,) = lived.journal.folder.iterdir()
    numbers = [json.loads(line)["number"] for line in file.read_text().splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))

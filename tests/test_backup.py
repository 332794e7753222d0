"""Copies of the registry: complete, of one moment, and good for either database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from made_cells import commit, cycle, measure
from polars.testing import assert_frame_equal

from warehouse.backup import backup_registry, choose_kept, list_backups, prune_backups, restore_registry
from warehouse.errors import RegistryLost, UsageError
from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.publish import Owner
from warehouse.verify import check_home

DAY = date(2026, 3, 2)


@pytest.fixture
def lived(local_home: Home) -> Home:
    """A home with a firm, a cell and a test."""
    add_firm(local_home, "A")
    put_cells(local_home, [{"firm": "A", "cell_id": "A1"}])
    commit(local_home, "t", measure(cycle([1e-3, 0.9e-3])), Owner("A", "A1", "option"))
    return local_home


@pytest.fixture
def moved(lived: Home, registry_url: str) -> Iterator[Home]:
    """The same home, whose registry was copied and put into an empty one, on SQLite and on PostgreSQL."""
    backup = backup_registry(lived, DAY)
    with closing(Home(lived.folder, registry_url)) as opened:
        assert restore_registry(opened, backup) > 0
        yield opened


def test_restored_registry_answers_as_before(lived: Home, moved: Home) -> None:
    """Every question has the same answer, and every file is where the registry says."""
    for name in ("tests", "steps", "fade", "summary"):
        assert_frame_equal(moved.query(name, firm="A"), lived.query(name, firm="A"))
    assert list(check_home(moved)) == list(check_home(lived))


def test_restored_registry_goes_on(moved: Home) -> None:
    """It takes in what comes next, and can be made again from its new journal."""
    commit(moved, "next", measure(cycle([0.8e-3])), Owner("A", "A1", "option"))
    before = moved.query("tests")
    with closing(Home(moved.folder, f"sqlite:///{moved.folder / 'third.sqlite'}")) as third:
        if moved.registry_url.startswith("sqlite"):
            third.rebuild_registry()
            assert_frame_equal(third.query("tests"), before)
    assert before.height == 2


def test_known_registry_is_not_restored_onto(lived: Home) -> None:
    """A registry with rows is not written over."""
    backup = backup_registry(lived, DAY)
    with pytest.raises(UsageError, match="not empty"):
        restore_registry(lived, backup)


def test_copy_put_in_place_by_hand_is_no_registry(lived: Home) -> None:
    """A copy that lies where the registry was is refused, for it knows less than the journal tells."""
    backup = backup_registry(lived, DAY)
    place = Path(str(lived.registry.url.database))
    lived.close()
    for beside in place.parent.glob(f"{place.name}*"):
        beside.unlink()
    shutil.copyfile(backup, place)
    with closing(Home(lived.folder)) as opened, pytest.raises(RegistryLost):
        opened.registry.count_changes()


def test_missing_backup_is_told(local_home: Home, tmp_path: Path) -> None:
    """A name that is no backup is answered with those that there are."""
    with pytest.raises(UsageError, match="there is no backup"):
        restore_registry(local_home, tmp_path / "none.sqlite")


def test_backup_of_a_day_is_one(lived: Home) -> None:
    """Made again on the same day it takes the first one's place, and leaves nothing else."""
    backup_registry(lived, DAY)
    backup_registry(lived, DAY)
    assert [path.name for path in (lived.folder / "backups").iterdir()] == ["registry-2026-03-02.sqlite"]


def test_days_weeks_and_months_are_kept() -> None:
    """Of two years of days stay the last 7, the last days of 5 weeks and of 12 months."""
    days = [DAY - timedelta(days=number) for number in range(730)]
    kept = set(choose_kept(days))
    assert set(days[:7]) <= kept
    sundays = [day for day in days if day.isoweekday() == 7][:4]
    assert set(sundays) <= kept
    last_days = [day for day in days if (day + timedelta(days=1)).day == 1][:11]
    assert set(last_days) <= kept
    assert kept == set(days[:7]) | set(sundays) | set(last_days)


def test_old_backups_go(lived: Home) -> None:
    """What the rule does not keep is removed, and nothing else is."""
    for number in range(9):
        backup_registry(lived, DAY - timedelta(days=number))
    (lived.folder / "backups" / "notes.txt").write_text("mine")
    removed = prune_backups(lived)
    assert removed > 0
    assert len(list_backups(lived)) == 9 - removed
    assert (lived.folder / "backups" / "notes.txt").exists()

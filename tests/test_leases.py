"""Leases: one owner at a time, a dead one loses it, and a paused one that wakes up later commits nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from made_cells import cycle, measure, write_bdf

from flows.watch import recover
from warehouse.errors import LeaseLost, StoreBusy
from warehouse.home import Home
from warehouse.leases import Lease, Leases
from warehouse.registry import WORKER
from warehouse.sources import count_states, newest_receipts
from warehouse.verify import check_home

HERE = Path(__file__).parent
SECONDS = 30.0
PROCESSES = 8
FILES = int(os.environ.get("CELLAR_QUEUE_FILES", "24"))


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ours(home: Home, clock: Clock) -> Leases:
    """The leases as this process sees them."""
    return Leases(home.registry, "ours", SECONDS, clock)


@pytest.fixture
def theirs(home: Home, clock: Clock) -> Leases:
    """The leases as a process on another machine sees them, which holds ``x``."""
    leases = Leases(home.registry, "theirs", SECONDS, clock)
    claim(home, leases)
    with home.registry.write() as connection:
        connection.execute(sa.update(WORKER).where(WORKER.c.owner == "theirs").values(host="elsewhere"))
    leases._stop.set()
    return leases


def claim(home: Home, leases: Leases, name: str = "x") -> Lease:
    with home.registry.write() as connection:
        return leases.claim(connection, name)


def beat(home: Home, owner: str) -> None:
    with home.registry.write() as connection:
        connection.execute(sa.update(WORKER).where(WORKER.c.owner == owner).values(beat=WORKER.c.beat + 1))


def test_living_owner_keeps_its_lease(home: Home, ours: Leases, theirs: Leases, clock: Clock) -> None:
    """A lease is not given to a second worker as long as the beat of the first moves, however long that takes."""
    assert theirs.owner == "theirs"
    for _ in range(4):
        with pytest.raises(StoreBusy):
            claim(home, ours)
        clock.now += SECONDS - 1
        beat(home, "theirs")


def test_dead_owner_loses_its_lease(home: Home, ours: Leases, theirs: Leases, clock: Clock) -> None:
    """A worker whose beat stood still for the time of a lease, by our clock, is dead; its lease has the next fence."""
    assert theirs.owner == "theirs"
    with pytest.raises(StoreBusy):
        claim(home, ours)
    clock.now += SECONDS
    assert claim(home, ours).fence == 2


def test_process_that_ended_loses_its_lease_at_once(home: Home, ours: Leases, theirs: Leases) -> None:
    """On the same machine a process that is not there any more is dead without waiting."""
    claim(home, ours, "y")
    with home.registry.write() as connection:
        mine = connection.execute(sa.select(WORKER.c.host).where(WORKER.c.owner == "ours")).scalar()
        gone = sa.update(WORKER).where(WORKER.c.owner == theirs.owner)
        connection.execute(gone.values(host=mine, born="long ago"))
    assert claim(home, ours).fence == 2


def test_late_owner_is_kept_out(home: Home, ours: Leases, theirs: Leases, clock: Clock) -> None:
    """Whoever lost a lease while it was paused can neither check nor release it, and its work is not committed."""
    held = Lease("x", 1)
    with pytest.raises(StoreBusy):
        claim(home, ours)
    clock.now += SECONDS
    claim(home, ours)
    for step in (theirs.check, theirs.release):
        with pytest.raises(LeaseLost), home.registry.write() as connection:
            step(connection, held)


def test_buried_owner_is_kept_out(home: Home, ours: Leases, theirs: Leases, clock: Clock) -> None:
    """A paused worker that was buried holds nothing, though nobody has taken its lease yet."""
    ours.living()
    clock.now += SECONDS
    assert ours.bury_dead() == 1
    with pytest.raises(LeaseLost), home.registry.write() as connection:
        theirs.release(connection, Lease("x", 1))


def test_released_lease_is_free(home: Home, ours: Leases, theirs: Leases) -> None:
    """A lease that was given back is free at once, and so are those of a worker that left."""
    claim(home, ours, "y")
    ours.close()
    assert claim(home, theirs, "y").fence == 2
    with home.registry.write() as connection:
        theirs.release(connection, Lease("y", 2))
    assert claim(home, ours, "y").fence == 1


def drive(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / "queue_driver.py"), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_until_stopped(process: int) -> None:
    deadline = time.monotonic() + 60.0
    while Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="pausing is watched through /proc")
def test_paused_owner_commits_nothing(local_home: Home, tmp_path: Path) -> None:
    """A process that is stopped before its commit, past its lease, commits nothing when it goes on: another has."""
    path = write_bdf(tmp_path / "t.csv", measure(cycle([1e-3, 0.9e-3])))
    paused = drive("pause", local_home.folder, path)
    wait_until_stopped(paused.pid)
    with closing(Home(local_home.folder)) as other:
        other.leases = Leases(other.registry, other.owner, seconds=0.3)
        assert recover(other) == []
        time.sleep(0.4)
        assert [receipt["state"] for receipt in recover(other)] == ["committed"]
    paused.send_signal(signal.SIGCONT)
    told, failed = paused.communicate(timeout=60)
    assert json.loads(told) == ["LeaseLost"], failed
    assert [receipt["state"] for receipt in newest_receipts(local_home)] == ["committed"]
    assert local_home.query("tests")["revision"].to_list() == [1]
    assert local_home.query("measurements").height == 88
    assert [finding for finding in check_home(local_home) if finding.serious] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes are forked")
def test_one_queue_is_taken_once(local_home: Home) -> None:
    """Eight processes that take in the same files at once commit each file once, and answer every drop."""
    local_home.registry.close()
    driver = drive("race", local_home.folder, PROCESSES, FILES)
    said, failed = driver.communicate(timeout=600)
    assert driver.returncode == 0, failed
    told = [Counter(json.loads(line)) for line in said.splitlines()]
    assert len(told) == PROCESSES, failed
    assert sum(told, Counter()) == {"committed": FILES, "duplicate": FILES * (PROCESSES - 1)}
    assert local_home.query("tests").height == FILES
    assert local_home.query("measurements").height == FILES * 44
    assert (count_states(local_home)["committed"], count_states(local_home)["in_progress"]) == (FILES, 0)
    assert [finding for finding in check_home(local_home) if finding.serious] == []

"""A kill at any step of an ingest, a move or a night: nothing is half visible, nothing is lost, it heals by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

HERE: Final = Path(__file__).parent
# Every step of an ingest; of the others every fourth, unless all are asked for.
STRIDES: Final = {"ingest": 1, "move": 4, "night": 4}
NOTHING: Final = [0, 0, 0]
WHOLE: Final = [88, 8, 2]
Record = dict[str, Any]


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Record]]]:
    """What was found after each kill, by scenario; the scenarios run beside each other."""
    everything = "CELLAR_EVERY_KILL" in os.environ
    running = {
        name: _start(name, tmp_path_factory.mktemp(name), 1 if everything else stride)
        for name, stride in STRIDES.items()
    }
    try:
        yield {name: _collect(driver) for name, driver in running.items()}
    finally:
        for driver in running.values():
            driver.kill()
            driver.wait()


def _start(scenario: str, folder: Path, stride: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / "crash_driver.py"), scenario, str(folder), str(stride)]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def _collect(driver: subprocess.Popen[str]) -> list[Record]:
    told, failed = driver.communicate(timeout=180)
    assert driver.returncode == 0, failed
    return [json.loads(line) for line in told.splitlines()]


@pytest.mark.parametrize(("scenario", "fewest"), [("ingest", 30), ("move", 8), ("night", 12)])
def test_every_step_is_killed(sweeps: dict[str, list[Record]], scenario: str, fewest: int) -> None:
    """The sweep kills at step after step, until the action has no further step."""
    killed = [record["killed"] for record in sweeps[scenario]]
    assert killed == [signal.SIGKILL] * (len(killed) - 1) + [0]
    assert len(killed) > fewest


def test_killed_ingest_shows_nothing_or_everything(sweeps: dict[str, list[Record]]) -> None:
    """After a killed ingest a query shows no row of the file, or all rows of all its tables."""
    between = [record["between"]["C1"] for record in sweeps["ingest"]]
    assert NOTHING in between
    assert WHOLE in between
    assert all(seen in (NOTHING, WHOLE) for seen in between)
    # Once it is visible it stays so.
    assert between == sorted(between)


def test_killed_move_shows_one_owner(sweeps: dict[str, list[Record]]) -> None:
    """After a killed move the test is wholly its old owner's or wholly its new one's."""
    owners = [(record["between"]["C1"], record["between"]["C2"]) for record in sweeps["move"]]
    assert set(map(str, owners)) == {str((WHOLE, NOTHING)), str((NOTHING, WHOLE))}


def test_killed_night_shows_the_same(sweeps: dict[str, list[Record]]) -> None:
    """A killed night changes no answer."""
    assert all(record["between"] == {"C1": WHOLE, "C2": NOTHING} for record in sweeps["night"])


@pytest.mark.parametrize("scenario", STRIDES)
def test_repetition_commits_once(sweeps: dict[str, list[Record]], scenario: str) -> None:
    """The same again after a kill, even if it is killed as well, ends with every row exactly once."""
    owner = {"C1": NOTHING, "C2": WHOLE} if scenario == "move" else {"C1": WHOLE, "C2": NOTHING}
    for record in sweeps[scenario]:
        assert record["seen"] == record["after"] == owner, record["step"]
        counts = record["counts"]
        assert (counts["committed"], counts["in_progress"], counts["quarantined"]) == (1, 0, 0), record["step"]


@pytest.mark.parametrize("scenario", STRIDES)
def test_nothing_serious_and_nothing_left(sweeps: dict[str, list[Record]], scenario: str) -> None:
    """After the repetition nothing that matters is missing or damaged, and after a night no leftover lies about."""
    for record in sweeps[scenario]:
        assert (record["serious"], record["left"]) == ([], []), record["step"]

"""A kill before any system call, or a call that fails: nothing acknowledged is lost, nothing half visible, it heals.

A sample of the points of three scenarios; ``python3 dev.py prove kill errors`` goes through all points of all.
"""

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
from strace_kill import missing

HERE: Final = Path(__file__).parent
# Scenario, points, and the error that calls fail with instead of a kill.
SAMPLES: Final = {
    "text": ("text", 14, ""),
    "grow": ("grow", 10, ""),
    "move": ("move", 10, ""),
    "full disk": ("text", 8, "ENOSPC"),
    "broken disk": ("text", 8, "EIO"),
}
# What the command line and the watcher tell in a sentence, and try again.
TYPED: Final = {"StoreFailed", "StoreBusy", "SourceBusy", "OSError", "OperationalError", "UsageError"}
MET: Final = 0.75
KILLED: Final = ("text", "grow", "move")
Record = dict[str, Any]


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Record]]]:
    """What was found after each point, by sample; the drivers run beside each other."""
    reason = missing()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    running = {
        name: start(scenario, tmp_path_factory.mktemp(name.replace(" ", "_")), points, error)
        for name, (scenario, points, error) in SAMPLES.items()
    }
    try:
        yield {name: collect(driver) for name, driver in running.items()}
    finally:
        for driver in running.values():
            driver.kill()
            driver.wait()


def start(scenario: str, folder: Path, points: int, error: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / "crash_driver.py"), str(folder), str(points), scenario]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "CELLAR_FAIL_WITH": error}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def collect(driver: subprocess.Popen[str]) -> list[Record]:
    told, failed = driver.communicate(timeout=300)
    assert driver.returncode == 0, failed
    return [json.loads(line) for line in told.splitlines()]


@pytest.mark.parametrize("name", KILLED)
def test_every_point_is_a_kill(sweeps: dict[str, list[Record]], name: str) -> None:
    """The chosen calls were killed, and recoveries were killed as well."""
    assert len(sweeps[name]) >= SAMPLES[name][1]
    killed = [record["killed"] for record in sweeps[name]]
    # Threads share their work anew in each run, so that now and then one does not come to its n-th call: no kill then.
    assert set(killed) <= {signal.SIGKILL, 0}
    assert killed.count(signal.SIGKILL) >= MET * len(killed)
    assert any(record["killed_again"] for record in sweeps[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_half_visible(sweeps: dict[str, list[Record]], name: str) -> None:
    """Before and after recovery readers see of each test all rows, steps and cycles that it has."""
    assert [(record["point"], record["half"]) for record in sweeps[name] if record["half"]] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_acknowledged_is_lost(sweeps: dict[str, list[Record]], name: str) -> None:
    """Whatever had its receipt is in the archive, bit for bit, and in its test."""
    assert [(record["point"], record["lost"]) for record in sweeps[name] if record["lost"]] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_everything_ends_as_undisturbed(sweeps: dict[str, list[Record]], name: str) -> None:
    """Recovery and the same again end with the tests and fates of an undisturbed run, and a night changes nothing."""
    wrong = [record for record in sweeps[name] if not (record["right"] and record["kept"]) or record["unfinished"]]
    assert [(record["point"], record["seen"]) for record in wrong] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_serious_and_nothing_left(sweeps: dict[str, list[Record]], name: str) -> None:
    """Nothing that matters is missing or damaged, and after a night no leftover lies about."""
    bad = [record for record in sweeps[name] if record["serious"] or record["left"]]
    assert [(record["point"], record["serious"], record["left"]) for record in bad] == []


@pytest.mark.parametrize("name", ["full disk", "broken disk"])
def test_failing_call_is_told_by_type(sweeps: dict[str, list[Record]], name: str) -> None:
    """A call that fails ends the action by an error that says it is tried again, or is not noticed at all."""
    told = {record["failed"] for record in sweeps[name]} - {None}
    assert told
    assert told <= TYPED

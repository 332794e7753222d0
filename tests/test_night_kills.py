"""A night that is killed in any stage: nobody sees half of it, and the next one ends it.

The middle of every stage and some of their starts; ``python3 dev.py prove nights`` goes through all of both.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from night_driver import MIDDLE, RECORD, START

from flows.stages import STAGES

HERE: Final = Path(__file__).parent
POINTS: Final = (*(f"{stage}:{MIDDLE}" for stage in (*STAGES, RECORD)), f"settle:{START}", f"cohort:{START}")
Record = dict[str, Any]


@pytest.fixture(scope="module")
def kills(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """What was found after each kill."""
    command = [sys.executable, str(HERE / "night_driver.py"), str(tmp_path_factory.mktemp("nights")), *POINTS]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_stage_is_killed(kills: list[Record]) -> None:
    """Every point was a kill."""
    assert {record["point"]: record["killed"] for record in kills} == dict.fromkeys(POINTS, signal.SIGKILL)


def test_nobody_sees_half_a_night(kills: list[Record]) -> None:
    """After the kill each firm's answers are of the night before, of this one, or what its tests say at this moment."""
    assert [(record["point"], record["half"]) for record in kills if record["half"]] == []


def test_next_night_ends_it(kills: list[Record]) -> None:
    """The next night ends with the answers and the bytes of an undisturbed one, no stage fails, and nothing is left."""
    wrong = [record for record in kills if record["other"] or record["left"] or record["failed"]]
    assert [(record["point"], record["other"], record["left"], record["failed"]) for record in wrong] == []

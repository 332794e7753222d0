"""Runs an action again and again, each time in a process that kills itself one step later than before.

A step is anything that changes the disk: a file opened for writing, synced, renamed or removed, a folder made, and both
sides of every commit of the registry. Children are forked before any thread is started, so that a kill costs a fork and
not a start of Python. Usage: ``crash_driver.py SCENARIO FOLDER STRIDE``; prints one JSON object a kill.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from made_cells import cycle, measure, write_bdf

import parsers
from flows.ingest import ingest_paths
from flows.nightly import run_night
from warehouse.home import Home
from warehouse.identity import add_firm, assign_test, find_cell, put_cells
from warehouse.publish import Owner
from warehouse.sources import count_states
from warehouse.verify import check_home

MOST_STEPS: Final = 200
TIMEOUT_SECONDS: Final = 60.0
SEEN: Final = ("measurements", "steps", "cycles")
EVENTS: Final = frozenset({"os.rename", "os.remove", "os.mkdir", "os.truncate"})
WRITING: Final = os.O_WRONLY | os.O_RDWR
Action = Callable[[Home], object]


def ingest(home: Home) -> object:
    """Take in a file."""
    return list(ingest_paths(home, [home.folder.parent / "new.csv"], Owner("A", "C1", "option")))


def move(home: Home) -> object:
    """Give a test to a cell of another firm."""
    return assign_test(home, home.query("tests")["test_id"].item(), find_cell(home, "C2", "B"))


ACTIONS: Final[dict[str, Action]] = {"ingest": ingest, "move": move, "night": run_night}


def prepare(home: Home, scenario: str) -> None:
    """Make what the scenario begins with: two cells, and but for the first scenario a test of the first."""
    put_cells(home, [{"firm": "A", "cell_id": "C1"}, {"firm": "B", "cell_id": "C2"}])
    for firm in "AB":
        add_firm(home, firm)
    write_bdf(home.folder.parent / "new.csv", measure(cycle([1e-3, 0.9e-3])))
    if scenario != "ingest":
        ingest(home)


def look(home: Home) -> dict[str, list[int]]:
    """Return how many rows each question shows of each cell."""
    answers = [home.query(name)["cell_id"] for name in SEEN]
    return {cell: [int((answer == cell).sum()) for answer in answers] for cell in ("C1", "C2")}


def count_steps(home: Path, last: int) -> None:
    """Kill this process at its ``last``-th step."""
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if (writes or event in EVENTS) and str(arguments[0]).startswith(str(home)):
            step()

    fsync, commit = os.fsync, sa.engine.default.DefaultDialect.do_commit

    def stepping_fsync(descriptor: Any) -> None:
        step()
        fsync(descriptor)

    def stepping_commit(self: Any, connection: Any) -> None:
        step()
        commit(self, connection)
        step()

    os.fsync = stepping_fsync
    sa.engine.default.DefaultDialect.do_commit = stepping_commit  # type: ignore[method-assign]  # that is the point
    sys.addaudithook(hear)


def in_child(work: Callable[[], object]) -> tuple[int, Any]:
    """Run something in a forked process; returns the signal that ended it, 0 if none, and what it returned."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with os.fdopen(writer, "w") as pipe:
            json.dump(work(), pipe, default=str)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"a child failed with {os.WEXITSTATUS(status)}")
    return (os.WTERMSIG(status), None) if os.WIFSIGNALED(status) else (0, json.loads(told))


def with_home(folder: Path, work: Callable[[Home], object], last: int = 0) -> tuple[int, Any]:
    """Open the home in a child, do something to it, killed at the ``last``-th step if that is not 0."""

    def run() -> object:
        signal.alarm(int(TIMEOUT_SECONDS))
        if last:
            count_steps(folder, last)
        with closing(Home(folder)) as home:
            return work(home)

    return in_child(run)


def recover(action: Action) -> Callable[[Home], object]:
    """Do the action again as a user would, then a night, and tell what is there."""

    def run(home: Home) -> object:
        action(home)
        findings = [(found.kind, found.path) for found in check_home(home) if found.serious]
        seen = look(home)
        run_night(home)
        left = [(found.kind, found.path) for found in check_home(home)]
        return {"seen": seen, "serious": findings, "left": left, "counts": count_states(home), "after": look(home)}

    return run


def finish_move(home: Home) -> object:
    """Move the test unless it has been moved."""
    return None if home.query("tests")["firm"].item() == "B" else move(home)


def main(scenario: str, folder: Path, stride: int) -> None:
    """Kill the scenario's action at every ``stride``-th step, and every second time its repetition as well."""
    # What children import alone, each would import again.
    parsers.formats()
    start = folder / "start"
    with_home(start / "home", lambda home: prepare(home, scenario))
    action = ACTIONS[scenario]
    again = finish_move if scenario == "move" else action
    for number, last in enumerate(range(1, MOST_STEPS, stride)):
        place = folder / str(last)
        shutil.copytree(start, place)
        began = time.monotonic()
        killed, _ = with_home(place / "home", action, last)
        _, seen = with_home(place / "home", look)
        if number % 2:
            with_home(place / "home", again, last // 2 + 1)
        _, told = with_home(place / "home", recover(again))
        record = {"step": last, "killed": killed, "between": seen, **told, "seconds": time.monotonic() - began}
        sys.stdout.write(json.dumps(record) + "\n")
        shutil.rmtree(place)
        if not killed:
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))

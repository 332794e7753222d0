"""Kills a night at the start and in the middle of each of its stages, and looks at what readers and the next one find.

The home has had a night; since then a recipe changed, a test came in parts, a file was contradictory, a process died
while it took one in, and ninety-one days went by. A step is a statement, a commit, or a file that is opened for
writing, renamed or removed. Children are forked before any thread is started. Usage:
``night_driver.py FOLDER [STAGE:start|STAGE:middle]…``, all points without one; prints one JSON object a kill.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import date
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, Final

import sqlalchemy as sa
from crash_driver import A1, Say, have_parts, must, two_cycles, with_home
from made_cells import write_bdf
from strace_kill import run

import parsers
import warehouse
from flows import nightly
from flows.ingest import ingest_paths
from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.registry import (
    ALERT,
    BUCKET,
    COHORT_CELL,
    COHORT_CONTRIBUTION,
    COHORT_RELEASE,
    PLATFORM_MONTH,
    SOURCE_FILE,
    STORED_FILE,
    TEST,
)
from warehouse.verify import check_home

BEFORE, TONIGHT = date(2026, 3, 2), date(2026, 6, 10)
RECORD: Final = "record"
START, MIDDLE = "start", "middle"
FIRMS: Final = ("A", "B")
QUESTIONS: Final = ("steps", "cycles", "fade", "summary", "signs", "cohort", "alerts")
# What is of the night before until it is of this one; each in one transaction.
KEPT: Final = (ALERT, COHORT_RELEASE, COHORT_CELL, COHORT_CONTRIBUTION, PLATFORM_MONTH)
# What depends on the moment at which something was done, and what a delivery adds.
TIMES: Final = ("delivery_error", "posted_unix_second", "mailed_unix_second", "median_wait_second")
CHANGES: Final = {"os.rename", "os.remove", "os.mkdir", "os.link"}
SETTINGS: Final = '[delivery.firm.A]\nwebhook = "http://127.0.0.1:9/"\n'
Point = tuple[str, int]
Seen = dict[str, dict[str, str]]


class Steps:
    """Counts the steps of each stage, and dies at one.

    Args:
        last: the stage and the number of the step that is not taken any more; never by default.
    """

    def __init__(self, last: Point | None = None) -> None:
        self.stage = ""
        self.count: Counter[str] = Counter()
        self._last = last

    def begin(self, stage: str) -> None:
        """Be in another stage; its first step is to begin."""
        self.stage = stage
        self.step()

    def step(self, *_: object) -> None:
        """Take a step; the beat of another thread is none."""
        if threading.current_thread() is not threading.main_thread():
            return
        self.count[self.stage] += 1
        if self._last == (self.stage, self.count[self.stage]):
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Count from here on."""
        sa.event.listen(sa.Engine, "before_cursor_execute", self.step)
        sa.event.listen(sa.Engine, "commit", self.step)
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event in CHANGES:
            self.step()


def main(folder: Path, points: list[str]) -> None:
    """Kill at some points, or at all."""
    # What children import alone, each would import again.
    parsers.formats()
    for module in walk_packages(warehouse.__path__, "warehouse."):
        import_module(module.name)
    start = folder / "start"
    for work in (prepare, die_taking):
        run(with_home(start / "home", work))
    before = must(run(partial(look_at, start / "home")))
    steps, wanted = measure(start, folder / "reference")
    for point in points or list_points():
        stage, _, where = point.partition(":")
        place = folder / "place"
        shutil.copytree(start, place)
        told = kill(place / "home", (stage, 1 if where == START else steps[stage] // 2 + 1), before, wanted)
        sys.stdout.write(json.dumps({"point": point, **told}) + "\n")
        sys.stdout.flush()
        shutil.rmtree(place)


def list_points() -> list[str]:
    """Return the start, which is between two stages, and the middle of each stage."""
    return [f"{stage}:{where}" for stage in (*nightly.STAGES, RECORD) for where in (START, MIDDLE)]


def prepare(home: Home, _say: Say) -> None:
    """Make two firms with tests, a night, and what changed since."""
    (home.folder / "settings.toml").write_text(SETTINGS)
    for firm, cell in (("A", "C1"), ("B", "C2")):
        add_firm(home, firm)
        put_cells(home, [{"firm": firm, "cell_id": cell, "nominal_capacity_ah": 1e-3}])
    files = home.folder.parent
    list(ingest_paths(home, [write_bdf(files / "old.csv", two_cycles(0.01))], A1))
    list(ingest_paths(home, [write_bdf(files / "other.csv", two_cycles(0.02))], A1.__class__("B", "C2", "option")))
    nightly.run_night(home, BEFORE)
    have_parts(home)
    (files / "letter.txt").write_text("Dear lab,\nthe cells have arrived.\n")
    list(ingest_paths(home, [files / "letter.txt"], A1))
    with home.registry.write() as connection:
        connection.execute(
            sa.update(SOURCE_FILE).where(SOURCE_FILE.c.state == "quarantined").values(reason_code="sign")
        )
        connection.execute(sa.update(TEST).values(derived_by="an earlier recipe"))


def die_taking(home: Home, _say: Say) -> None:
    """Die while a file is taken in."""
    path = write_bdf(home.folder.parent / "dying.csv", two_cycles(0.03))
    steps = Steps(("", 60))
    steps.watch()
    list(ingest_paths(home, [path], A1))


def measure(start: Path, place: Path) -> tuple[dict[str, int], dict[str, Any]]:
    """Run the night undisturbed; returns the steps of each stage, and what is there afterwards."""
    shutil.copytree(start, place)
    steps = must(run(with_home(place / "home", partial(night_of, Steps()))))
    wanted = must(run(partial(look_at, place / "home")))
    shutil.rmtree(place)
    return steps, wanted


def night_of(steps: Steps, home: Home, _say: Say) -> dict[str, int]:
    """Run the night, step by step; returns how many each stage has."""

    def stepping(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def staged(*arguments: Any) -> Any:
            steps.begin(name)
            return work(*arguments)

        return staged

    nightly.RETRY_SECONDS = 0.0  # type: ignore[misc]  # nobody waits for it here
    nightly.STAGES.update({name: stepping(name, work) for name, work in nightly.STAGES.items()})
    nightly._keep_record = stepping(RECORD, nightly._keep_record)
    steps.watch()
    record = nightly.run_night(home, TONIGHT)
    if record["failed"]:
        raise SystemExit(f"failed: {record['stages']}")
    return dict(steps.count)


def kill(home: Path, point: Point, before: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Kill a night at a point, look, and let the next one end it; returns what was found."""
    ended = run(with_home(home, partial(night_of, Steps(point))))
    if ended.failed:
        raise SystemExit(ended.failed)
    between = must(run(partial(look_at, home)))
    half = outside(between["kept"], before["kept"], wanted["kept"])
    if between["seen"] not in (before["seen"], wanted["seen"]):
        half += differing(between["seen"], must(run(partial(look_afresh, home)))["seen"])
    after = must(run(partial(end_night, home)))
    return {
        "killed": ended.killed,
        "half": half,
        "other": [name for name in ("seen", "stored", "kept") if after[name] != wanted[name]],
        "left": after["findings"],
        "failed": after["failed"],
    }


def end_night(home: Path, say: Say) -> dict[str, Any]:
    """Run the night again, and return what is there then."""
    failed = with_home(home, lambda opened, _say: nightly.run_night(opened, TONIGHT)["failed"])(say)
    return {**look_at(home, say), "failed": failed}


def differing(seen: Seen, fresh: Seen) -> list[str]:
    """Return the answers that are not what the tests alone say at this moment."""
    return [f"{firm} {name}" for firm in FIRMS for name in QUESTIONS if seen[firm][name] != fresh[firm][name]]


def outside(kept: dict[str, str], before: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """Return the tables that are neither of the night before nor of this one."""
    return [name for name in kept if kept[name] not in {before[name], wanted[name]}]


def look_at(home: Path, _say: Say) -> dict[str, Any]:
    """Return what readers see, which tables are stored, what is kept of the night, and what is wrong."""
    with closing(Home(home)) as opened:
        # A file's name tells which of its writers it is of; its bytes do not.
        columns = STORED_FILE.c.firm, STORED_FILE.c.table_name, STORED_FILE.c.sha256
        stored = opened.registry.rows(sa.select(*columns).where(STORED_FILE.c.current))
        return {
            "seen": {firm: {name: answer(opened, firm, name) for name in QUESTIONS} for firm in FIRMS},
            "stored": sorted([row["firm"] or "", row["table_name"], row["sha256"]] for row in stored),
            "kept": {table.name: digest(opened.registry.rows(sa.select(table))) for table in KEPT},
            "findings": [[found.kind, found.path] for found in check_home(opened)],
        }


def look_afresh(home: Path, say: Say) -> dict[str, Any]:
    """Return what readers of a copy see that has nothing stored but the tests themselves."""
    copy = home.with_name("afresh")
    shutil.copytree(home, copy)
    with closing(Home(copy)) as opened, opened.registry.write() as connection:
        connection.execute(sa.update(STORED_FILE).where(STORED_FILE.c.test_id.is_(None)).values(current=False))
        connection.execute(sa.update(STORED_FILE).values(mart=None))
        # Groups say what their files were made of; where there are none, all is computed.
        connection.execute(sa.delete(BUCKET))
    return look_at(copy, say)


def answer(home: Home, firm: str, name: str) -> str:
    """Return a hash of an answer; when something was committed is no part of it."""
    frame = home.query(name, firm=firm)
    timeless = frame.drop([column for column in frame.columns if column.startswith("committed_")])
    return hashlib.sha256(timeless.write_json().encode()).hexdigest()


def digest(rows: list[dict[str, Any]]) -> str:
    """Return a hash of rows, whatever their order."""
    timeless = [{name: value for name, value in row.items() if name not in TIMES} for row in rows]
    return hashlib.sha256(json.dumps(sorted(json.dumps(row, sort_keys=True) for row in timeless)).encode()).hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

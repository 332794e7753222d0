"""A firm's SQL: what a query costs in a process that waits, beside one that has to start, and beside no sandbox."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bench.measure import seconds
from flows.ingest import ingest_paths
from flows.nightly import run_night
from flows.virtual_lab import LabOptions, simulate
from portal.sandbox.pool import Sandbox
from portal.sandbox.walls import find_walls
from warehouse.home import Home
from warehouse.manifest import import_manifest

LAB = LabOptions(cells=10, cycles=80)
ROUNDS = 15
STARTS = 5
# Between two queries of a person there is time to make the next child.
PAUSED = 0.3
QUERIES = {
    "SELECT 1": "SELECT 1",
    "one cell's fade": "SELECT cycle, capacity_retention FROM fade WHERE cell_id = (SELECT min(cell_id) FROM cells)",
    "summary of all cells": "SELECT * FROM summary",
    "mean of all raw records": "SELECT avg(voltage_volt) FROM measurements",
    "100,000 rows out": "SELECT range AS a, range / 7 AS b FROM range(100000)",
}


def run() -> None:
    """Print medians and 95th percentiles of warm answers, and what a start costs."""
    folder = Path(tempfile.mkdtemp())
    try:
        with closing(_make_home(folder)) as home:
            _measure(home)
    finally:
        shutil.rmtree(folder)


def _make_home(folder: Path) -> Home:
    home = Home(folder / "home")
    report = simulate(folder / "lab", LAB)
    import_manifest(home, report.manifest)
    states = {receipt["state"] for receipt in ingest_paths(home, list(report.files))}
    assert states == {"committed"}
    run_night(home)
    return home


def _measure(home: Home) -> None:
    firm = LAB.firms[0]
    walls = find_walls()
    print(f"walls: {'bwrap, ' if walls.bwrap else ''}{'Landlock, ' if walls.landlock else ''}seccomp, limits")
    starts = [seconds(lambda: _ask_cold(home, firm)) for _ in range(STARTS)]
    print(f"{'cold: a process starts, and answers SELECT 1':46} {_tell(starts)}")
    with closing(Sandbox(home)) as sandbox:
        sandbox.prepare(firm)
        for name, sql in QUERIES.items():
            assert sandbox.ask(firm, sql).frame.height
            waits = [_ask_warm(sandbox, firm, sql) for _ in range(ROUNDS)]
            print(f"{'warm: ' + name:46} {_tell(waits)}")
        row = [seconds(lambda: sandbox.ask(firm, "SELECT 1")) for _ in range(ROUNDS)]
        print(f"{'warm, one behind the other: SELECT 1':46} {_tell(row)}")
        print(f"largest query took {sandbox.resident >> 20} MiB of memory")
    inside: list[Callable[[], object]] = [lambda: home.query("summary", firm=firm)] * ROUNDS
    print(f"{'no sandbox: cellar query summary':46} {_tell([seconds(job) for job in inside])}")


def _ask_cold(home: Home, firm: str) -> None:
    with closing(Sandbox(home)) as sandbox:
        assert sandbox.ask(firm, "SELECT 1").frame.height


def _ask_warm(sandbox: Sandbox, firm: str, sql: str) -> float:
    time.sleep(PAUSED)
    return seconds(lambda: sandbox.ask(firm, sql))


def _tell(waits: list[float]) -> str:
    worst = statistics.quantiles(waits, n=20)[-1] if len(waits) > STARTS else max(waits)
    return f"median {statistics.median(waits) * 1000:6.0f} ms, 95 % within {worst * 1000:6.0f} ms"

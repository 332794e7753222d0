"""Kills an action before each of its system calls that changes the disk, and looks at what a new process finds.

After each kill a reader looks, a second process recovers (every second time it is killed as well), and a third
recovers, does the action again as a user or the watcher would, runs a night and checks everything. Children are forked
before any thread is started. Usage: ``crash_driver.py FOLDER POINTS SCENARIO…``, with 0 for all points and no
scenario for all; prints one JSON object a kill.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import polars as pl
import sqlalchemy as sa
from made_cells import cycle, measure, write_bdf
from strace_kill import Ended, Point, fail_at, kill_at, record, run

import parsers
from flows.backfill import run_backfill
from flows.ingest import ingest_paths, repair_home
from flows.nightly import run_night
from flows.virtual_lab import LabOptions, simulate
from flows.watch import Look, Watcher, recover, scan_once
from warehouse import publish
from warehouse.home import Home
from warehouse.identity import add_firm, assign_test, find_cell, put_cells
from warehouse.publish import Owner
from warehouse.registry import SOURCE_FILE, STORED_FILE, TEST
from warehouse.sources import FINAL, count_states, find_source
from warehouse.verify import check_home

Say = Callable[[Any], None]
SOON_SECONDS: Final = 15
MANIFEST: Final = "firm,cell_id,nominal_capacity_uah,active_area_mm2\nA,C1,50.5,100\nB,C2,50.5,100\n"
SETTINGS: Final = "settle_seconds = 0.05\n"
A1: Final = Owner("A", "C1", "option")


def two_cycles(shift: float = 0.0) -> pl.DataFrame:
    """Return the records of two cycles; made in the child, since Polars' threads would not survive the fork."""
    frame = measure(cycle([1e-3, 0.9e-3]))
    return frame.with_columns(voltage_volt=frame["voltage_volt"] + shift)


def take(home: Home, say: Say, *names: str) -> None:
    """Take in files, and say of each what was acknowledged."""
    for receipt in ingest_paths(home, [home.folder.parent / name for name in names], A1):
        say({"receipt": [receipt["sha256"], receipt["state"], receipt["test_id"]]})


def nothing(_home: Home) -> None:
    """Begin with nothing."""


def have_test(home: Home) -> None:
    """Begin with one test."""
    list(ingest_paths(home, [write_bdf(home.folder.parent / "new.csv", two_cycles())], A1))


def write_text(home: Home) -> None:
    """Begin with a text file that was not taken."""
    write_bdf(home.folder.parent / "new.csv", two_cycles())


def write_layouts(home: Home) -> None:
    """Begin with files of several vendors' layouts that were not taken."""
    lab = simulate(home.folder.parent / "lab", LabOptions(cells=5, cycles=4, long_cells=0, points=6))
    for path in lab.files:
        shutil.copy(path, home.folder.parent / f"layout{path.suffix}")
    two_cycles().write_parquet(home.folder.parent / "layout.parquet")


def have_grown(home: Home) -> None:
    """Begin with the first part of a file taken, and all of it written."""
    path = write_bdf(home.folder.parent / "new.csv", two_cycles())
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\n", len(whole) // 2) + 1])
    list(ingest_paths(home, [path], A1))
    path.write_bytes(whole)


def have_rewritten(home: Home) -> None:
    """Begin with a file taken, and other values written in its place."""
    have_test(home)
    write_bdf(home.folder.parent / "new.csv", two_cycles(0.01))


def have_copy(home: Home) -> None:
    """Begin with a test and a copy of its file."""
    have_test(home)
    shutil.copy(home.folder.parent / "new.csv", home.folder.parent / "copy.csv")


def write_zip(home: Home) -> None:
    """Begin with a zip of two files that was not taken."""
    with zipfile.ZipFile(home.folder.parent / "z.zip", "w") as archive:
        archive.writestr("a.csv", two_cycles().write_csv())
        archive.writestr("b.csv", two_cycles(0.01).write_csv())


def write_letter(home: Home) -> None:
    """Begin with a file that no format claims."""
    (home.folder.parent / "letter.txt").write_text("Dear lab,\nthe cells have arrived.\n")


def write_manifest(home: Home) -> None:
    """Begin with a test, and a manifest that changes its cell."""
    have_test(home)
    (home.folder.parent / "manifest.csv").write_text(MANIFEST)


def have_parts(home: Home) -> None:
    """Begin with a test that came in six parts."""
    path = write_bdf(home.folder.parent / "new.csv", two_cycles())
    whole = path.read_bytes().splitlines(keepends=True)
    for rows in range(len(whole) - 10, len(whole) + 1, 2):
        path.write_bytes(b"".join(whole[:rows]))
        list(ingest_paths(home, [path], A1))


def have_damage(home: Home) -> None:
    """Begin with a test whose rows are damaged on the disk."""
    have_test(home)
    (row,) = home.registry.rows(sa.select(STORED_FILE).where(STORED_FILE.c.table_name == "measurements"))
    path = home.store.path_of(row["path"])
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def have_dropped(home: Home) -> None:
    """Begin with a file in the inbox."""
    (home.folder / "settings.toml").write_text(SETTINGS)
    write_bdf(home.folder / "inbox" / "A" / "C1" / "new.csv", two_cycles())


def have_refused(home: Home) -> None:
    """Begin with a file in quarantine that other readers refused."""
    claims, parsers.claims = parsers.claims, lambda _source, _tables: []
    have_test(home)
    parsers.claims = claims
    with home.registry.write() as connection:
        connection.execute(sa.update(SOURCE_FILE).values(readers="earlier"))


def move(home: Home, _say: Say) -> None:
    """Give the test to a cell of another firm, unless it has it."""
    (test,) = home.registry.rows(sa.select(TEST))
    if test["firm"] != "B":
        assign_test(home, test["test_id"], find_cell(home, "C2", "B"))


def watch(home: Home, say: Say) -> None:
    """Take in what lies in the inbox."""

    def tell(watcher: Watcher, looks: list[Look]) -> None:
        for receipt in watcher.take(looks):
            say({"receipt": [receipt["sha256"], receipt["state"], receipt["test_id"]]})

    scan_once(home, threading.Event(), tell)


def taking(*names: str) -> Callable[[Home, Say], None]:
    """Return the action that takes files in."""
    return lambda home, say: take(home, say, *names)


@dataclass(frozen=True)
class Scenario:
    """What a home begins with, and what is done to it."""

    prepare: Callable[[Home], None]
    act: Callable[[Home, Say], object]
    # Damaged rows have no reader until they are repaired.
    readable: bool = True


SCENARIOS: Final = {
    "text": Scenario(write_text, taking("new.csv")),
    "binary": Scenario(write_layouts, taking("layout.mpr")),
    "parquet": Scenario(write_layouts, taking("layout.parquet")),
    "grow": Scenario(have_grown, taking("new.csv")),
    "replace": Scenario(have_rewritten, taking("new.csv")),
    "duplicate": Scenario(have_copy, taking("copy.csv")),
    "zip": Scenario(write_zip, taking("z.zip")),
    "quarantine": Scenario(write_letter, taking("letter.txt")),
    "manifest": Scenario(write_manifest, taking("manifest.csv")),
    "move": Scenario(have_test, move),
    "night": Scenario(have_test, lambda home, _say: run_night(home)["made"]),
    "merge": Scenario(have_parts, lambda home, _say: run_night(home)["made"]),
    "repair": Scenario(have_damage, lambda home, _say: repair_home(home, list(check_home(home))), readable=False),
    "watch": Scenario(have_dropped, watch),
    "backfill": Scenario(have_refused, lambda home, _say: run_backfill(home) and None),
}


def look(home: Home) -> dict[str, Any]:
    """Return what readers see of each test, what the registry says there should be, and what became of each source."""
    tests = home.registry.rows(sa.select(TEST).order_by(TEST.c.test_id))
    seen = {name: home.query(name)["test_id"].value_counts() for name in ("measurements", "steps", "cycles")}
    counted = {name: dict(answer.iter_rows()) for name, answer in seen.items()}
    sources = home.registry.rows(sa.select(SOURCE_FILE.c.sha256, SOURCE_FILE.c.state).order_by(SOURCE_FILE.c.sha256))
    named = ("test_id", "firm", "cell_id", "data_sha256")
    return {
        "tests": [
            [*(test[key] for key in named), *(counted[name].get(test["test_id"], 0) for name in counted)]
            for test in tests
        ],
        "half": [
            test["test_id"]
            for test in tests
            if [counted[name].get(test["test_id"], 0) for name in counted]
            != [test["rows"], test["steps"], test["cycles"]]
        ]
        + [name for counts in counted.values() for name in counts if name not in {test["test_id"] for test in tests}],
        "sources": [[row["sha256"], row["state"]] for row in sources],
    }


def with_home(folder: Path, work: Callable[[Home, Say], object]) -> Callable[[Say], object]:
    """Return what a child does: open the home, do something to it, close it."""

    def child(say: Say) -> object:
        # All writing in one thread, so that its calls have one order and one numbering.
        publish.ThreadPoolExecutor = AtOnce  # type: ignore[misc,assignment]  # stands in for it
        with closing(Home(folder)) as home:
            return work(home, say)

    return child


class AtOnce:
    """An executor without threads."""

    def __init__(self, _workers: int) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Do it now."""
        done: Future[Any] = Future()
        done.set_result(work(*arguments))
        return done


def prepare(scenario: Scenario) -> Callable[[Home, Say], None]:
    """Return what makes the beginning of a scenario: two firms with a cell each, and what it adds."""

    def work(home: Home, _say: Say) -> None:
        for firm, cell in (("A", "C1"), ("B", "C2")):
            add_firm(home, firm)
            put_cells(home, [{"firm": firm, "cell_id": cell}])
        scenario.prepare(home)

    return work


def again(scenario: Scenario) -> Callable[[Home, Say], object]:
    """Return what a new process does: recover, and the action once more."""

    def work(home: Home, say: Say) -> object:
        recover(home)
        return scenario.act(home, say)

    return work


def finish(scenario: Scenario, acknowledged: list[Any]) -> Callable[[Home, Say], dict[str, Any]]:
    """Return what the last process does: recover, the action, look, a night, look again, and check everything."""

    def work(home: Home, say: Say) -> dict[str, Any]:
        again(scenario)(home, say)
        serious = [[found.kind, found.path] for found in check_home(home) if found.serious]
        seen = look(home)
        run_night(home)
        after = look(home)
        left = [[found.kind, found.path] for found in check_home(home)]
        counts = count_states(home)
        return {
            "seen": seen,
            "kept": after == seen,
            "serious": serious,
            "left": left,
            "unfinished": counts["in_progress"],
            "lost": [told for told in acknowledged if is_lost(home, *told)],
        }

    return work


def is_lost(home: Home, sha256: str, state: str, test_id: str | None) -> bool:
    """Say whether something acknowledged is not there any more: its bytes, its fate, or its test."""
    source = find_source(home, sha256)
    if source is None or source["state"] not in FINAL or not home.archive.is_sound(sha256):
        return True
    gone = test_id is not None and home.registry.row(TEST, test_id=test_id) is None
    return gone or (state == "committed" and source["state"] not in {"committed", "superseded"})


def must(ended: Ended) -> Any:
    """Return the last word of a child that should have ended well."""
    if ended.failed or ended.killed:
        raise SystemExit(ended.failed or f"a child was killed by signal {ended.killed}")
    return ended.said[-1]["last"]


def sweep(name: str, folder: Path, points: int, error: str | None = None) -> Iterator[dict[str, Any]]:
    """Kill a scenario's action at its points, or let them fail with an error; yields what was found after each.

    Args:
        name: the scenario.
        folder: where to work.
        points: how many points, evenly spread; 0 for all.
        error: name of the error that the calls fail with instead of a kill.
    """
    scenario = SCENARIOS[name]
    start = folder / "start"
    must(run(with_home(start / "home", prepare(scenario))))
    wanted, found = reference(scenario, start, folder / "reference")
    if error is not None:
        # The failing of a call that wakes another thread says nothing of disks.
        found = [point for point in found if point.alone]
    step = max(len(found) // points, 1) if points else 1
    for number, point in enumerate(found[::step]):
        began = time.monotonic()
        place = folder / "place"
        shutil.copytree(start, place)
        told = strike(scenario, place, point, found[(number * 7) % len(found)] if number % 2 else None, error)
        told["right"] = told["seen"]["tests"] == wanted["tests"] and told["seen"]["sources"] == wanted["sources"]
        told |= {"scenario": name, "point": [point.call, point.number], "of": len(found)}
        yield told | {"seconds": round(time.monotonic() - began, 3)}
        shutil.rmtree(place)


def reference(scenario: Scenario, start: Path, place: Path) -> tuple[dict[str, Any], list[Point]]:
    """Do an action undisturbed; returns what is there afterwards, and the calls that it made."""
    shutil.copytree(start, place)
    ended, found = record(with_home(place / "home", scenario.act), place)
    must(ended)
    wanted = must(run(with_home(place / "home", lambda home, _say: look(home))))
    shutil.rmtree(place)
    return wanted, found


def strike(
    scenario: Scenario, place: Path, point: Point, second: Point | None, error: str | None = None
) -> dict[str, Any]:
    """Kill the action at one point, and the recovery at another if there is one; returns what is found at the end."""
    home = place / "home"
    act = with_home(home, scenario.act)
    ended = kill_at(act, point) if error is None else fail_at(soon(act), point, error)
    between = must(run(with_home(home, lambda home, _say: look(home)))) if scenario.readable else {"half": []}
    killed_again = kill_at(with_home(home, again(scenario)), second).killed if second is not None else 0
    acknowledged = [said["receipt"] for said in ended.said if "receipt" in said]
    told = must(run(with_home(home, finish(scenario, acknowledged))))
    return {
        **told,
        "killed": ended.killed,
        "failed": ended.error,
        "killed_again": killed_again,
        "half": between["half"] + told["seen"]["half"],
        "acknowledged": len(acknowledged),
    }


def soon(work: Callable[[Say], object]) -> Callable[[Say], object]:
    """Let something be killed when it takes long: a thread that could not be woken is waited for in vain."""
    return lambda say: (signal.alarm(SOON_SECONDS), work(say))[1]


def main(folder: Path, points: int, names: list[str], error: str | None = None) -> None:
    """Sweep scenarios, and print one JSON object a point."""
    # What children import alone, each would import again.
    parsers.formats()
    for name in names or SCENARIOS:
        for told in sweep(name, folder / name, points, error):
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:], os.environ.get("CELLAR_FAIL_WITH") or None)

"""The night of 10,000 tests of 100 firms: the first one, after nothing changed, after 1 % changed; then answers.

The first firm has a tenth of all tests, 1,000 cells; fade and summary are asked of it. The tests are simulated and put
in without files. Each night is a process of its own, so that its memory is its own. ``CELLAR_BENCH_TESTS`` makes it
smaller; ``CELLAR_BENCH_AFRESH=1`` runs the first night once more on a copy, and compares the bytes (without asking, up
to a thousand tests).
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from bench.measure import seconds
from bench.simulated import put_test
from flows.nightly import run_night
from flows.virtual_lab import LabOptions
from flows.virtual_lab.design import draw_properties, identify
from flows.virtual_lab.manifest import write_manifest
from warehouse.home import Home
from warehouse.manifest import import_manifest
from warehouse.publish import Owner
from warehouse.registry import STORED_FILE

TESTS = int(os.environ.get("CELLAR_BENCH_TESTS", "10000"))
CYCLES = int(os.environ.get("CELLAR_BENCH_CYCLES", "60"))
FEW = 1000
AFRESH = os.environ.get("CELLAR_BENCH_AFRESH", str(int(TESTS <= FEW))) == "1"
TESTS_A_FIRM = 100
LATER_CYCLES = 40
ROUNDS = 9
BARS = {"changed": 0.05, "nothing": 5.0, "answer": 0.020}
DAY = date(2026, 11, 2)

BIG = LabOptions(firms=("FIRM-000",), cells=max(TESTS // 10, 10), cycles=CYCLES, long_cells=0, points=4, wafers=3)
REST = replace(
    BIG,
    firms=tuple(f"FIRM-{number:03}" for number in range(1, max(TESTS // TESTS_A_FIRM, 2))),
    cells=TESTS - BIG.cells,
)


@dataclass(frozen=True)
class Told:
    """What a night cost and did."""

    seconds: float
    processors: float
    own_megabytes: float
    largest_megabytes: float
    made: int
    stages: dict[str, float]


def run() -> None:
    """Print what nights cost, whether they repeat, and how fast the largest firm is answered."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "home"
        took = seconds(lambda: _fill(place))
        print(f"{TESTS:,} tests of {len(REST.firms) + 1} firms put in: {took:.1f} s", flush=True)
        copy = shutil.copytree(place, Path(folder) / "copy") if AFRESH else None
        first = _night(place, "first night")
        if copy is not None:
            _night(copy, "the same on a copy")
            print(f"the copy has the same bytes: {_stored(copy) == _stored(place)}")
        _repeat(place)
        _change(place, first)
        _time_answers(place)


def _fill(place: Path) -> None:
    """Put all cells and their tests in."""
    with closing(Home(place)) as home:
        for options in (BIG, REST):
            rng = np.random.default_rng(0)
            numbers = range(options.cells)
            cells = [(identify(options, number), draw_properties(options, number, 1.0, rng)) for number in numbers]
            manifest = place / "cells.csv"
            write_manifest(manifest, cells)
            import_manifest(home, manifest)
            for number in numbers:
                put_test(home, options, number, _owner(options, number))


def _owner(options: LabOptions, number: int) -> Owner:
    who = identify(options, number)
    return Owner(who.firm, who.cell_id, "folder")


def _repeat(place: Path) -> None:
    """Run the night again, with nothing new."""
    before = _stored(place)
    again = _night(place, "nothing changed")
    print(f"  bar {BARS['nothing']:.0f} s: {again.seconds <= BARS['nothing']}; same bytes: {_stored(place) == before}")


def _change(place: Path, first: Told) -> None:
    """Add a later test to one per cent of the cells: all of one firm, then at random, then one of each firm."""
    share = max(TESTS // TESTS_A_FIRM, 1)
    # Cells are dealt to the firms in turn, so the first ones are of as many firms.
    largest, spread = ([(options, number) for number in range(min(share, options.cells))] for options in (BIG, REST))
    rest = [(options, number) for options in (BIG, REST) for number in range(share, options.cells)]
    drawn = [rest[place] for place in np.random.default_rng(1).choice(len(rest), min(share, len(rest)), replace=False)]
    for what, chosen in (("of one firm", largest), ("at random", drawn), ("of all firms in turn", spread)):
        with closing(Home(place)) as home:
            for options, number in chosen:
                later = replace(options, cycles=LATER_CYCLES, seed=2)
                put_test(home, later, number, _owner(options, number), after=CYCLES)
        told = _night(place, f"{len(chosen)} tests {what} new")
        part, processors = told.seconds / first.seconds, told.processors / first.processors
        bar = BARS["changed"]
        print(
            f"  {part:.1%} of the first night's time, {processors:.1%} of its processors; bar {bar:.0%}: {part <= bar}"
        )


def _night(place: Path, title: str) -> Told:
    """Run a night in a process of its own, and print what it cost."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        told = pool.submit(_run_night, place).result()
    stages = ", ".join(f"{name} {took:.1f}" for name, took in told.stages.items())
    memory = f"{told.own_megabytes:,.0f} MB, its largest helper {told.largest_megabytes:,.0f} MB"
    print(f"{title}: {told.seconds:.1f} s ({told.processors:.1f} s of processors), {told.made} made, peak {memory}")
    print(f"  {stages}", flush=True)
    return told


def _run_night(place: Path) -> Told:
    started = time.perf_counter()
    with closing(Home(place)) as home:
        record = run_night(home, DAY)
    if record["failed"] or record["warnings"]:
        raise SystemExit(f"{record['failed']}, {record['warnings'][:3]}")
    took = time.perf_counter() - started
    own, others = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    stages = {stage["stage"]: stage["seconds"] for stage in record["stages"]}
    return Told(took, sum(os.times()[:4]), own, others, record["made"], stages)


def _stored(place: Path) -> list[tuple[str, str, str]]:
    """Return the firm, table and hash of everything stored."""
    with closing(Home(place)) as home:
        rows = home.registry.rows(sa.select(STORED_FILE).where(STORED_FILE.c.current))
    return sorted((row["firm"] or "", row["table_name"], row["sha256"]) for row in rows)


def _time_answers(place: Path) -> None:
    """Time the questions of the largest firm, in this process."""
    (firm,) = BIG.firms
    with closing(Home(place)) as home:
        for name in ("fade", "summary"):
            ask = partial(home.query, name, firm=firm)
            rows = ask().height
            took = statistics.median(seconds(ask) for _ in range(ROUNDS))
            judged = f"bar {BARS['answer'] * 1e3:.0f} ms: {took <= BARS['answer']}"
            print(f"{name} of {BIG.cells:,} cells: {took * 1e3:.1f} ms, {rows:,} rows, {judged}")

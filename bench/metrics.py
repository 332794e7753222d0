"""The night of 1,000 cells with 1,000 cycles each: every metric of every cell, and again after ten cells changed.

The home is made without files: the virtual lab's cells, some forty records a cycle, go through gate, derivation and
store as an ingest would send them. Seconds of processors stand beside those of the clock, which a busy machine
stretches; a part's are those of this process alone. ``CELLAR_BENCH_CELLS`` and ``CELLAR_BENCH_CYCLES`` make it smaller.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.simulated import put_test
from flows.nightly import run_night
from flows.virtual_lab import LabOptions
from flows.virtual_lab.design import draw_properties, identify
from flows.virtual_lab.manifest import write_manifest
from warehouse.crew import Crew, count_cores
from warehouse.home import Home
from warehouse.manifest import import_manifest
from warehouse.publish import Owner
from warehouse.refresh import refresh_firm

CELLS = int(os.environ.get("CELLAR_BENCH_CELLS", "1000"))
CYCLES = int(os.environ.get("CELLAR_BENCH_CYCLES", "1000"))
CHANGED = 10
LATER_CYCLES = 40
FIRM = "FIRM-A"
OPTIONS = LabOptions(
    firms=(FIRM,), cells=CELLS, cycles=CYCLES, long_cells=0, points=4, blocks=("resistance", "offset"), wafers=3
)


def run() -> None:
    """Print what the first night takes, part by part, and the next one after ten cells changed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        started = time.perf_counter()
        _describe(home, Path(folder))
        rows = _publish(home, OPTIONS, 0, CELLS)
        took = time.perf_counter() - started
        print(f"{CELLS:,} cells x {CYCLES:,} cycles, {rows:,} rows put in: {took:.1f} s, {rows / took:,.0f} rows/s")
        first = _night_by_parts(home, "first night")
        started = time.perf_counter()
        made = run_night(home)["made"]
        print(f"again: {time.perf_counter() - started:.2f} s, {made} tables made")
        later = replace(OPTIONS, cycles=LATER_CYCLES, seed=2)
        _publish(home, later, CYCLES, CHANGED)
        changed = _night_by_parts(home, f"after {CHANGED} of {CELLS:,} cells changed")
        print(f"that is {changed / first:.1%} of the first night for {CHANGED / CELLS:.1%} of the cells")
        home.close()


def _describe(home: Home, folder: Path) -> None:
    """Import the manifest of all cells: whose they are is known before their tests come."""
    rng = np.random.default_rng(0)
    cells = [(identify(OPTIONS, index), draw_properties(OPTIONS, index, 1.0, rng)) for index in range(CELLS)]
    write_manifest(folder / "cells.csv", cells)
    import_manifest(home, folder / "cells.csv")


def _publish(home: Home, options: LabOptions, after: int, count: int) -> int:
    """Put the first cells of a lab into the home, as tests that begin after so many cycles; returns their rows."""
    # Another seed places its cells elsewhere; these are the same cells again.
    owners = [Owner(FIRM, identify(OPTIONS, number).cell_id, "folder") for number in range(count)]
    return sum(put_test(home, options, number, owner, after) for number, owner in enumerate(owners))


def _night_by_parts(home: Home, title: str) -> float:
    """Do a night's work on the one firm, telling each part; returns the seconds that it took."""
    begun, begun_cpu = time.perf_counter(), sum(os.times()[:4])
    with closing(Crew(home, count_cores())) as crew:
        started, cpu = time.perf_counter(), time.process_time()
        for done in refresh_firm(home, FIRM, crew):
            took, used = time.perf_counter() - started, time.process_time() - cpu
            told = f"{took:7.2f} s ({used:6.2f} s of this process)"
            print(f"  {done.table:16} {told}  {done.why}, {done.rows:,} rows", flush=True)
            started, cpu = time.perf_counter(), time.process_time()
    # The crew's processes were waited for: their seconds count too.
    took, used = time.perf_counter() - begun, sum(os.times()[:4]) - begun_cpu
    print(f"{title}: {took:.1f} s ({used:.1f} s of processors)")
    return took

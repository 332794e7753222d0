"""The fade query for 100 cells of 1,000 cycles each, inside the process, before and after the night."""

from __future__ import annotations

import statistics
import tempfile
from functools import partial
from pathlib import Path

from bench.measure import seconds
from flows.ingest import ingest_paths
from flows.nightly import run_night
from flows.virtual_lab import LabOptions, simulate
from warehouse.home import Home
from warehouse.manifest import import_manifest

CELLS, CYCLES = 100, 1000
ROUNDS = 9


def run() -> None:
    """Print milliseconds of fade and summary before and after the night, and the night's own time."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        options = LabOptions(
            cells=CELLS, cycles=CYCLES, long_cells=0, points=4, firms=("FIRM-A",), formats=("arbin_csv",)
        )
        lab = simulate(Path(folder) / "lab", options)
        import_manifest(home, lab.manifest)
        took = seconds(lambda: sum(1 for _ in ingest_paths(home, list(lab.files))))
        print(
            f"{CELLS} cells x {CYCLES} cycles, {lab.rows:,} rows taken in: {took:.1f} s, {lab.rows / took:,.0f} rows/s"
        )
        _time_queries(home, "before the night")
        print(f"night: {seconds(lambda: run_night(home)):.2f} s; again: {seconds(lambda: run_night(home)):.2f} s")
        _time_queries(home, "after the night")
        home.close()


def _time_queries(home: Home, when: str) -> None:
    for name in ("fade", "summary"):
        rows = home.query(name, firm="FIRM-A").height
        took = statistics.median(seconds(partial(home.query, name, firm="FIRM-A")) for _ in range(ROUNDS))
        print(f"{name:8} {when}: {took * 1e3:6.1f} ms, {rows} rows")

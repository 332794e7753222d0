"""Twenty million simulated rows: rows a second and peak memory of the whole process that takes them in."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from flows.virtual_lab import LabOptions, simulate

ROWS = int(os.environ.get("CELLAR_BENCH_ROWS", "20000000"))
FILES = 10
CYCLES = 200
# Rows of a cycle per sample of a constant-current step, about: charge, hold, discharge and two rests.
ROWS_PER_POINT = 2.7
CHILD = """
import sys, time
from pathlib import Path
from flows.ingest import ingest_paths
from warehouse.home import Home
started = time.perf_counter()
home = Home(Path(sys.argv[1]))
rows = sum(receipt["new_rows"] for receipt in ingest_paths(home, [Path(path) for path in sys.argv[2:]]))
print(rows, time.perf_counter() - started)
"""


def run() -> None:
    """Print rows a second and peak memory for several files, and for one file that holds them all."""
    with tempfile.TemporaryDirectory() as folder:
        _measure("in ten files", Path(folder) / "many", FILES)
        _measure("in one file", Path(folder) / "one", 1)


def _measure(what: str, folder: Path, files: int) -> None:
    points = max(4, round(ROWS / files / CYCLES / ROWS_PER_POINT))
    options = LabOptions(cells=files, cycles=CYCLES, long_cells=0, points=points, formats=("neware_csv",))
    lab = simulate(folder / "lab", options)
    size = sum(path.stat().st_size for path in lab.files)
    command = [sys.executable, "-c", CHILD, str(folder / "home"), *map(str, lab.files)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    rows, took = done.stdout.split()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    speed = f"{int(rows) / float(took):,.0f} rows/s"
    print(f"{int(rows):,} rows {what} ({size / 1e6:.0f} MB): {speed}, peak so far {peak:.0f} MB", flush=True)

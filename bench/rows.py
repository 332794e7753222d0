"""Twenty million simulated rows: rows a second and peak memory of the whole process that takes them in."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from flows.virtual_lab import LabOptions, simulate

ROWS = int(os.environ.get("CELLAR_BENCH_ROWS", "20000000"))
FILES = 10
CYCLES = 200

# Rows of a cycle per sample of a constant-current step; the binary layout has more than twice as many in the hold.
ROWS_PER_POINT = 4.67
CHILD = """
import resource, sys, time
from pathlib import Path
from flows.ingest import ingest_paths
from warehouse.home import Home
started = time.perf_counter()
home = Home(Path(sys.argv[1]))
rows = sum(receipt["new_rows"] for receipt in ingest_paths(home, [Path(path) for path in sys.argv[2:]]))
print(rows, time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def run() -> None:
    """Print rows a second and peak memory for ten files of two million rows, of one layout and of all five."""
    with tempfile.TemporaryDirectory() as folder:
        for layout in (("biologic_mpr",), ("neware_csv",), ()):
            _measure(layout, Path(folder) / ("-".join(layout) or "all"))


def _measure(layouts: tuple[str, ...], folder: Path) -> None:
    points = max(4, round(ROWS / FILES / CYCLES / ROWS_PER_POINT))
    options = LabOptions(cells=FILES, cycles=CYCLES, long_cells=0, points=points, formats=layouts)
    lab = simulate(folder / "lab", options)
    size = sum(path.stat().st_size for path in lab.files)
    command = [sys.executable, "-c", CHILD, str(folder / "home"), *map(str, lab.files)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    rows, took, peak = done.stdout.split()
    speed = f"{int(rows) / float(took):,.0f} rows/s"
    what = ", ".join(layouts) or "five layouts"
    print(f"{int(rows):,} rows, {FILES} files, {what} ({size / 1e6:.0f} MB): {speed}, peak {peak} MB", flush=True)

"""A simulated file of 200 MB that grew by one per cent: what it costs beside taking it in for the first time."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import closing
from pathlib import Path

from flows.ingest import ingest_paths
from flows.virtual_lab import LabOptions, simulate
from warehouse.home import Home

MEGABYTES = int(os.environ.get("CELLAR_BENCH_GROWTH_MB", "200"))
CYCLES = 60
# Bytes of a cycle per sample of a constant-current step, measured on the layouts.
BYTES_PER_POINT = {"neware_csv": 800.0, "biologic_mpt": 2500.0, "arbin_csv": 740.0, "maccor_txt": 490.0}
STEPS = (1.02, 1.01, 1.0)


def run() -> None:
    """Print the seconds of the first ingest and of two continuations, and their ratio."""
    for layout in BYTES_PER_POINT:
        with tempfile.TemporaryDirectory() as folder:
            _measure(layout, Path(folder))


def _measure(layout: str, folder: Path) -> None:
    points = max(4, round(MEGABYTES * 1e6 / CYCLES / BYTES_PER_POINT[layout]))
    lab = simulate(folder / "lab", LabOptions(cells=1, cycles=CYCLES, long_cells=0, points=points, formats=(layout,)))
    content = lab.files[0].read_bytes()
    path = folder / lab.files[0].name
    took = []
    with closing(Home(folder / "home")) as home:
        for part in STEPS:
            # A tester flushes whole lines or not; the last version ends with one.
            path.write_bytes(content[: int(len(content) / part)])
            started = time.perf_counter()
            (receipt,) = ingest_paths(home, [path])
            took.append(time.perf_counter() - started)
    shares = ", ".join(f"{seconds:.2f} s ({seconds / took[0]:.1%})" for seconds in took[1:])
    rows, new = receipt["rows"], receipt["new_rows"]
    print(f"{layout}, {len(content) / 1e6:.0f} MB, {rows:,} rows, {new:,} new: first {took[0]:.2f} s, then {shares}")

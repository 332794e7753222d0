"""Small files a second: a folder of simulated files, and the corpus' small ones, from drop to committed."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from bench.measure import corpus, seconds
from flows.ingest import ingest_file
from flows.virtual_lab import LabOptions, simulate
from warehouse.home import Home

SMALL_BYTES = 200_000
CELLS = 100


def run() -> None:
    """Print files and rows a second for both sets."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        lab = simulate(scratch / "lab", LabOptions(cells=CELLS, cycles=5, long_cells=0))
        _measure("simulated, five layouts", list(lab.files), scratch / "simulated")
        real = corpus()
        if real:
            small = [path for path in sorted(real.rglob("*")) if path.is_file() and path.stat().st_size < SMALL_BYTES]
            _measure(f"corpus, under {SMALL_BYTES // 1000} kB", small, scratch / "corpus")


def _measure(what: str, paths: list[Path], folder: Path) -> None:
    home = Home(folder)
    home.query("tests")
    states: Counter[str] = Counter()
    rows = 0

    def take_all() -> None:
        nonlocal rows
        for path in paths:
            for receipt in ingest_file(home, path):
                states[receipt["state"]] += 1
                rows += receipt["new_rows"]

    took = seconds(take_all)
    print(f"{what}: {len(paths)} files in {took:.2f} s: {len(paths) / took:.0f} files/s, {rows / took:,.0f} rows/s")
    print(f"    {dict(states)}")
    home.close()

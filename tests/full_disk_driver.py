"""Fills a real small disk with drops, then makes room: run in a mount namespace of its own by ``tests/test_faults.py``.

Usage: ``unshare -Urm python full_disk_driver.py FOLDER``; prints as JSON what was told before and after there was room.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import polars as pl
from made_cells import cycle, measure, write_bdf

from flows.ingest import ingest_file
from flows.nightly import run_night
from flows.watch import recover
from warehouse.errors import StoreFailed
from warehouse.home import Home
from warehouse.verify import check_home

FILES = 12
SMALL = "size=2m"
LARGE = "size=64m"


def main(folder: Path) -> None:
    """Take in files until the disk is full, make room, and take them in again."""
    drops = [
        write_bdf(
            folder / "in" / f"{number}.csv", measure(cycle([1e-3] * 90)).with_columns(pl.col("voltage_volt") + number)
        )
        for number in range(FILES)
    ]
    disk = folder / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", SMALL, "tmpfs", str(disk))
    with closing(Home(disk / "home")) as home:
        before = take(home, drops)
        serious = [finding.path for finding in check_home(home) if finding.serious]
        mount("-o", f"remount,{LARGE}", str(disk))
        recover(home)
        after = take(home, drops)
        run_night(home)
        left = [finding.path for finding in check_home(home)]
        tests = home.query("tests")
        rows = sorted(set(tests["rows"].to_list()))
        told = {"before": before, "after": after, "serious": serious, "left": left, "tests": tests.height, "rows": rows}
        sys.stdout.write(json.dumps(told) + "\n")


def take(home: Home, drops: list[Path]) -> Counter[str]:
    """Take in files; returns how often what was told."""
    told: Counter[str] = Counter()
    for path in drops:
        try:
            told.update(receipt["state"] for receipt in ingest_file(home, path))
        except StoreFailed as error:
            told[type(error).__name__] += 1
    return told


def mount(*arguments: str) -> None:
    """Mount, inside our own namespace."""
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

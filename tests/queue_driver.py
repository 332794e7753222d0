"""Lets several processes take in one queue of files at once, or one that pauses where it hurts most.

``queue_driver.py race HOME PROCESSES FILES`` prints what each process was told, one JSON object a process;
``queue_driver.py pause HOME FILE`` stops itself before it commits, and prints what it was told after it was resumed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
from made_cells import cycle, measure

from flows.ingest import ingest_file
from flows.taking import Taking
from warehouse.errors import StoreBusy
from warehouse.home import Home

# A machine with other work lets a process wait for its turn; only one that never comes is a failure.
PATIENCE_SECONDS = 300.0


def race(folder: Path, processes: int, files: int) -> None:
    """Fork processes that all take in the same files, each in an order of its own."""
    with_child(lambda: make_files(folder / "inbox", files))
    with_child(lambda: Home(folder).registry and None)
    children = [spawn(lambda number=number: take_all(folder, number)) for number in range(processes)]
    if sum(os.waitpid(child, 0)[1] for child in children):
        raise SystemExit("a process failed")


def make_files(folder: Path, files: int) -> None:
    """Write files of one cycle each, no two alike."""
    frame = measure(cycle([1e-3]))
    for number in range(files):
        shifted = frame.with_columns(pl.col("voltage_volt") + number * 1e-4)
        shifted.write_csv(folder / f"{number}.csv")


def take_all(folder: Path, seed: int) -> None:
    """Take in every file of the inbox, again while it is busy; print what was told."""
    paths = sorted((folder / "inbox").iterdir())
    random.Random(seed).shuffle(paths)  # noqa: S311 an order needs no secrecy
    told: Counter[str] = Counter()
    with closing(Home(folder)) as home:
        for path in paths:
            told.update(receipt["state"] for receipt in take(home, path))
    os.write(1, (json.dumps(told) + "\n").encode())


def take(home: Home, path: Path) -> list[dict[str, Any]]:
    """Take in a file, again and again while another process works on it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return list(ingest_file(home, path))
        except StoreBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def pause(folder: Path, path: Path) -> None:
    """Take in a file, stopped before the commit; print how it ended."""
    settle = Taking._settle

    def stop_first(self: Taking, fate: Any) -> Any:
        os.kill(os.getpid(), signal.SIGSTOP)
        return settle(self, fate)

    Taking._settle = stop_first  # type: ignore[method-assign]  # that is the point
    with closing(Home(folder)) as home:
        try:
            told = [receipt["state"] for receipt in ingest_file(home, path)]
        except StoreBusy as error:
            told = [type(error).__name__]
    sys.stdout.write(json.dumps(told) + "\n")


def spawn(work: Any) -> int:
    """Do something in a forked process; returns its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 a forked process may not come back into its parent's code, whatever happened
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def with_child(work: Any) -> None:
    """Do something in a forked process and wait for it: the threads that it starts end with it."""
    _, status = os.waitpid(spawn(work), 0)
    if status:
        raise SystemExit("a child failed")


if __name__ == "__main__":
    if sys.argv[1] == "race":
        race(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        pause(Path(sys.argv[2]), Path(sys.argv[3]))

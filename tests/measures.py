"""What a look around costs with many known files, and how long a drop waits for its receipt."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from made_cells import cycle, measure, write_bdf

from flows.watch import Watcher, look_into
from warehouse.home import Home
from warehouse.registry import INBOX_FILE
from warehouse.sources import count_states

A_FOLDER = 500
START_SECONDS = 180.0


def measure_look(folder: Path, files: int, rounds: int = 5) -> tuple[float, float]:
    """Return the median seconds of one look around known files, and of a bare walk of the same folders."""
    inbox = folder / "home" / "inbox"
    for number in range(files):
        if number % A_FOLDER == 0:
            (inbox / f"{number // A_FOLDER}").mkdir(parents=True)
        (inbox / f"{number // A_FOLDER}" / f"{number}.csv").touch()
    with closing(Home(folder / "home")) as home:
        rows = [
            {"path": look.path, "size": look.size, "modified_ns": look.modified_ns, "sha256": None}
            | {"taken_unix_second": 0.0}
            for look in look_into(inbox)
        ]
        with home.registry.write() as connection:
            home.registry.put(connection, INBOX_FILE, rows)
        watcher = Watcher(home)
        pairs = [(seconds(watcher.poll), seconds(lambda: walk(inbox))) for _ in range(rounds)]
    return statistics.median(ours for ours, _ in pairs), statistics.median(bare for _, bare in pairs)


def measure_receipts(folder: Path, command: str, drops: int = 3) -> list[float]:
    """Return how long after it came to rest each of some drops had its receipt, under ``cellar watch`` or ``serve``."""
    home = Home(folder / command)
    with closing(home), running(home, command):
        waits = []
        for number in range(drops):
            path = write_bdf(folder / "t.csv", measure(cycle([1e-3] * (number + 1))))
            shutil.copy(path, home.folder / "inbox" / f"{number}.csv")
            dropped = time.monotonic()
            wait_for(lambda number=number: count_states(home)["committed"] > number)
            waits.append(time.monotonic() - dropped - home.settings.settle_seconds)
    return waits


def walk(folder: Path) -> int:
    """Walk a folder and look at each file: what no scan can do without."""
    size, folders = 0, [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_size
    return size


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait until something has happened.

    Raises:
        TimeoutError: it did not.
    """
    deadline = time.monotonic() + START_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError("no receipt came")
        time.sleep(0.05)


@contextmanager
def running(home: Home, command: str) -> Iterator[None]:
    """Run ``cellar watch`` or ``cellar serve`` on a home, and wait until it is up."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CELLAR_"))}
    log = home.folder / "log"
    with log.open("wb") as output:
        line = [sys.executable, "-m", "flows.cli", command, "--home", str(home.folder)]
        service = subprocess.Popen(line, stdout=output, stderr=output, env=environment)
        try:
            up = {"watch": "Watching", "serve": "being served"}[command]
            wait_for(lambda: up in log.read_text(encoding="utf-8"))
            yield
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(START_SECONDS)

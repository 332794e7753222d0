"""A small home for tests of technicians' and operators' pages: drops of several fates, and a watcher for new ones."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from portal_site import LAB, Site, open_site

from flows.ingest import ingest_paths
from flows.nightly import run_night
from flows.virtual_lab import simulate
from flows.watch import take_plainly, watch_inboxes
from warehouse.health import SERVICE
from warehouse.home import Home
from warehouse.identity import assign_channel, find_cell
from warehouse.manifest import import_manifest

QUICK: Final = "scan_seconds = 0.2\nsettle_seconds = 0.2\n"
BROKEN: Final = b"EC-Lab ASCII FILE\r\nNb header lines : 99\r\n\r\nmode\tox/red\r\n1\t2\r\n"
CHANNEL: Final = "rack1-ch07"
STRAY: Final = "L2603 W03 D+02-04 again.csv"
LONGEST_SECONDS: Final = 20.0


def build_lab(folder: Path) -> Path:
    """Build a home with committed tests, one of them nobody's, a duplicate, a broken file and a channel in use."""
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text(QUICK)
    lab = simulate(folder.parent / "lab", replace(LAB, cells=2, cycles=6))
    other = simulate(folder.parent / "other", replace(LAB, firms=("ELSEWHERE",), cells=1, cycles=4, seed=7))
    stray = folder.parent / "stray" / STRAY
    broken = folder / "inbox" / "FIRM-A" / "broken.mpt"
    for path in (stray, broken):
        path.parent.mkdir(parents=True)
    shutil.copy(other.files[0], stray)
    broken.write_bytes(BROKEN)
    with closing(Home(folder)) as home:
        import_manifest(home, lab.manifest)
        list(ingest_paths(home, [*lab.files, lab.files[-1], stray, broken]))
        cell = home.query("cells").row(0, named=True)
        assign_channel(home, CHANNEL, find_cell(home, cell["cell_id"], cell["firm"]), 1_700_000_000.0, None)
        run_night(home)
    return folder


@contextmanager
def watch(folder: Path) -> Iterator[None]:
    """Take in what is dropped into a home's inbox, as the service does."""
    stop = threading.Event()

    def work() -> None:
        with closing(Home(folder)) as home:
            with home.registry.write() as connection:
                home.leases.claim(connection, SERVICE)
            watch_inboxes(home, stop, take_plainly)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LONGEST_SECONDS)


def wait_for(holds: Callable[[], bool]) -> bool:
    """Wait until something holds; says whether it did."""
    end = time.monotonic() + LONGEST_SECONDS
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="session")
def lab_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of such a home; tests that change it copy it first."""
    return build_lab(tmp_path_factory.mktemp("lab") / "home")


@pytest.fixture
def lab(lab_home: Path, tmp_path: Path) -> Iterator[Site]:
    """A portal on a copy of that home."""
    shutil.copytree(lab_home, tmp_path / "home")
    site = open_site(tmp_path / "home")
    yield site
    site.close()


@pytest.fixture(scope="session")
def still_lab(lab_home: Path) -> Iterator[Site]:
    """A portal on that home itself, for tests that change nothing."""
    site = open_site(lab_home)
    yield site
    site.close()

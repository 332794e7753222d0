"""A backfill over two Dask workers beside one: files that other readers refused are judged anew.

The files are a virtual lab's, taken in while nobody claims them; each count of workers begins with a copy of that home.
Prefect's server and the workers are there before the clock starts. ``CELLAR_BENCH_FILES`` says how many files, 2,000
by default; ``CELLAR_REGISTRY_URL`` is not used, as copies are made of a home with SQLite.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from distributed import Client, LocalCluster

import parsers
from flows import reader_pool
from flows.backfill import plan_backfill
from flows.ingest import ingest_paths
from flows.service import API_VARIABLE, QUIET_SETTINGS, own_server
from flows.virtual_lab import LabOptions, simulate
from warehouse.home import Home
from warehouse.links import link_all
from warehouse.registry import SOURCE_FILE
from warehouse.sources import count_states

FILES = int(os.environ.get("CELLAR_BENCH_FILES", "2000"))
CYCLES, POINTS = 20, 20
WORKERS = (1, 2)


def run() -> None:
    """Print the seconds of the same backfill with one and with two workers, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder) / "start"
        rows = _refuse_all(start)
        os.environ |= QUIET_SETTINGS
        reader_pool.switch_on()
        with own_server(Path(folder) / "prefect") as url:
            os.environ[API_VARIABLE] = url
            took = [_backfill(shutil.copytree(start, Path(folder) / f"with{count}"), count, rows) for count in WORKERS]
        print(f"two workers take {took[1] / took[0]:.2f} of the time of one: {took[0] / took[1]:.2f} times as fast")


def _refuse_all(folder: Path) -> int:
    """Make a home with files that nobody claimed; returns how many rows they hold."""
    options = LabOptions(cells=FILES, cycles=CYCLES, points=POINTS, long_cells=0)
    lab = simulate(folder.with_name("lab"), options)
    claims, parsers.claims = parsers.claims, lambda _source, _tables: []
    with closing(Home(folder)) as home:
        for _ in ingest_paths(home, list(lab.files)):
            pass
        with home.registry.write() as connection:
            connection.execute(sa.update(SOURCE_FILE).values(readers="earlier"))
    parsers.claims = claims
    print(f"{len(lab.files):,} files with {lab.rows:,} rows wait for newer readers", flush=True)
    return lab.rows


def _backfill(folder: Path, workers: int, rows: int) -> float:
    # Prefect reads the address of its server when it is imported.
    from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 see above

    from flows.pipeline import spread_jobs  # noqa: PLC0415 see above

    with (
        closing(Home(folder)) as home,
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.run(_warm)
        jobs = plan_backfill(home)
        started = time.perf_counter()
        spread_jobs(str(folder), jobs, DaskTaskRunner(address=cluster.scheduler_address))
        link_all(home)
        took = time.perf_counter() - started
        counts = count_states(home)
    if counts["committed"] != FILES:
        raise SystemExit(f"of {FILES} files {counts} came in")
    told = f"{took:.1f} s, {FILES / took:.1f} files/s, {rows / took:,.0f} rows/s"
    print(f"{workers} worker{'s' * (workers > 1)}: {told}", flush=True)
    return took


def _warm() -> None:
    """Load in a worker what its first batch would."""
    import flows.pipeline  # noqa: PLC0415 in the worker

    parsers.formats()
    flows.pipeline.reader_pool.switch_on()
    flows.pipeline.reader_pool.prepare()

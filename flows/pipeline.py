"""The Prefect flows: thin wrappers that say when plain functions run, and what is tried again.

The registry is the truth and Prefect only schedules: a run that dies is repeated from the registry, whatever Prefect
believes. A run costs about a second, so a batch of files is one run, never a file.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import PrefectException

from flows import reader_pool
from flows.backfill import Backfill, Job, plan_backfill, run_jobs
from flows.ingest import ingest_paths
from flows.logs import write_log
from flows.nightly import run_night
from flows.watch import Look, Watcher, scan_once
from warehouse.errors import StoreBusy
from warehouse.home import Home, open_home
from warehouse.identity import ensure_owner
from warehouse.links import link_all
from warehouse.nights import NightRecord
from warehouse.settings import Settings

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State, TaskRun
    from prefect.task_runners import TaskRunner
    from prefect.tasks import Task

log: Final = logging.getLogger("cellar.pipeline")

RETRIES: Final = 5
RETRY_SECONDS: Final = 10
# Jobs of a backfill that are one task: a task costs a tenth of a second.
BATCH: Final = 16
BACKFILLED: Final = ("retried", "reread", "same", "refused", "busy")


def is_busy(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Say whether a task failed because another writer was at work: only then trying again can help."""
    return isinstance(state.result(raise_on_failure=False), StoreBusy)


@task(retries=RETRIES, retry_delay_seconds=RETRY_SECONDS, retry_condition_fn=is_busy)
def ingest_task(home: str | None, paths: list[str], firm: str | None, cell: str | None) -> dict[str, int]:
    """Take in a batch; what was taken before a failure is known and not taken again."""
    with at_home(home) as opened:
        wish, _ = ensure_owner(opened, firm, cell)
        receipts = list(ingest_paths(opened, [Path(path) for path in paths], wish))
    _publish_receipts(receipts)
    return dict(Counter(receipt["state"] for receipt in receipts))


@flow(name="ingest")
def ingest_batch(
    home: str | None, paths: list[str], firm: str | None = None, cell: str | None = None
) -> dict[str, int]:
    """Take in a batch of files; one run for all of them. Returns how many ended in which state."""
    return ingest_task(home, paths, firm, cell)


@flow(name="scan")
def scan(home: str | None = None) -> dict[str, int]:
    """Look into the inboxes now and take in what is new and at rest. Returns how many ended in which state."""
    states: Counter[str] = Counter()
    with at_home(home) as opened:
        scan_once(opened, threading.Event(), lambda watcher, looks: states.update(take_settled(watcher, looks)))
    return dict(states)


def take_as_run(watcher: Watcher, looks: list[Look]) -> None:
    """Take in what has come to rest, as one run that Prefect shows; without Prefect where it does not answer."""

    # Made here, for a run's parameters are sent to the server, which refuses those of some thousand files.
    @flow(name="scan")
    def take_batch() -> dict[str, int]:
        return take_settled(watcher, looks)

    try:
        take_batch()
    except (PrefectException, httpx.HTTPError) as error:
        log.warning("Prefect does not answer, the files are taken in without it: %s", error)
        for _ in watcher.take([look for look in looks if not watcher.is_taken(look)]):
            pass


@task(cache_policy=NO_CACHE)
def take_settled(watcher: Watcher, looks: list[Look]) -> dict[str, int]:
    """Take in a batch of settled files; one run for all of them."""
    receipts = list(watcher.take(looks))
    _publish_receipts(receipts)
    return dict(Counter(receipt["state"] for receipt in receipts))


@flow(name="backfill")
def backfill(home: str | None = None, workers: int | None = None) -> dict[str, int]:
    """Let today's readers judge what older ones refused or read; see :mod:`flows.backfill`.

    Args:
        home: its folder; None for this machine's own.
        workers: how many Dask workers to start for it, in place of what the settings say.
    """
    with at_home(home) as opened:
        jobs = plan_backfill(opened)
        runner = choose_runner(opened.settings, workers) if jobs else None
        parts = [run_jobs(opened, jobs)] if runner is None else spread_jobs(home, jobs, runner)
        link_all(opened)
    done = {name: [each for part in parts for each in getattr(part, name)] for name in BACKFILLED}
    _publish_receipts([*done["retried"], *done["reread"]])
    return {name: len(each) for name, each in done.items()}


def choose_runner(settings: Settings, workers: int | None = None) -> TaskRunner[Any] | None:
    """Return what spreads a backfill over processes or machines, or None where nothing says that it is to be spread."""
    count = settings.dask_workers if workers is None else workers
    if not count and not settings.dask_scheduler:
        return None
    # Dask takes a second to import, which nobody else should pay.
    from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 see above

    if settings.dask_scheduler:
        return DaskTaskRunner(address=settings.dask_scheduler)
    # One thread each: reading keeps a core busy. The dashboard would open a port.
    return DaskTaskRunner(cluster_kwargs={"n_workers": count, "threads_per_worker": 1, "dashboard_address": None})


def spread_jobs(home: str | None, jobs: Sequence[Job], runner: TaskRunner[Any]) -> list[Backfill]:
    """Do a backfill's jobs in batches, each a task; returns what became of each batch."""
    batches = [list(jobs[first : first + BATCH]) for first in range(0, len(jobs), BATCH)]

    # Made here, for a run's parameters are sent to the server, which refuses those of some thousand files.
    @flow(name="backfill-batches", task_runner=runner)
    def run_batches() -> list[Backfill]:
        return [future.result() for future in [backfill_batch.submit(home, batch) for batch in batches]]

    return run_batches()


@task(cache_policy=NO_CACHE, retries=RETRIES, retry_delay_seconds=RETRY_SECONDS, retry_condition_fn=is_busy)
def backfill_batch(home: str | None, jobs: list[Job]) -> Backfill:
    """Do some jobs of a backfill, wherever Dask lets them be done."""
    with at_home(home) as opened:
        return run_jobs(opened, [Job(*job) for job in jobs])


@task(retries=RETRIES, retry_delay_seconds=RETRY_SECONDS, retry_condition_fn=is_busy)
def night_task(home: str | None, day: str | None) -> NightRecord:
    """Run the night; it writes nothing that did not change, so trying again is safe."""
    with at_home(home) as opened:
        return run_night(opened, date.fromisoformat(day) if day else None)


@flow(name="nightly")
def nightly(home: str | None = None, day: str | None = None) -> NightRecord:
    """Compact, summarise, clean up; see :func:`flows.nightly.run_night`."""
    record = night_task(home, day)
    create_table_artifact(table=record["done"], key="night", description=f"Night of {record['date']}")
    create_table_artifact(table=record["stages"], key="night-stages", description=f"Stages of {record['date']}")
    return record


@contextmanager
def at_home(home: str | None) -> Iterator[Home]:
    """Open a run's home, and have what it logs in that home's log; let go of it at the end.

    Args:
        home: its folder; None for this machine's own, which a worker's environment names.
    """
    # A run is a process of its own, and no stranger's file should end it.
    reader_pool.switch_on()
    with closing(open_home(home)) as opened:
        write_log(opened)
        yield opened


def _publish_receipts(receipts: list[dict[str, Any]]) -> None:
    shown = ("path", "state", "format", "rows", "cell_id")
    rows = [{name: receipt[name] for name in shown} for receipt in receipts]
    create_table_artifact(table=rows, key="receipts", description="What became of each source")

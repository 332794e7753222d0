"""The Prefect flows: thin wrappers that say when plain functions run, and what is tried again.

The registry is the truth and Prefect only schedules: a run that dies is repeated from the registry, whatever Prefect
believes. A run costs about a second, so a batch of files is one run, never a file.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from prefect import flow, serve, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import PrefectException
from prefect.schedules import Cron, RRule

from flows.backfill import run_backfill
from flows.ingest import ingest_paths
from flows.nightly import NIGHT_HOUR, NightRecord, is_night_due, run_night
from flows.watch import Look, Watcher, scan_once
from warehouse.errors import StoreBusy
from warehouse.home import Home, open_home
from warehouse.identity import ensure_owner

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State, TaskRun
    from prefect.tasks import Task

log: Final = logging.getLogger("cellar.pipeline")

NIGHT_CRON: Final = f"0 {NIGHT_HOUR} * * *"
RETRIES: Final = 5
# A missed night begins this long after the service, once Prefect has its schedule.
SOON_SECONDS: Final = 20
RETRY_SECONDS: Final = 10


def is_busy(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Say whether a task failed because another writer was at work: only then trying again can help."""
    return isinstance(state.result(raise_on_failure=False), StoreBusy)


@task(retries=RETRIES, retry_delay_seconds=RETRY_SECONDS, retry_condition_fn=is_busy)
def ingest_task(home: str, paths: list[str], firm: str | None, cell: str | None) -> dict[str, int]:
    """Take in a batch; what was taken before a failure is known and not taken again."""
    opened = open_home(home)
    wish, _ = ensure_owner(opened, firm, cell)
    receipts = list(ingest_paths(opened, [Path(path) for path in paths], wish))
    _publish_receipts(receipts)
    return dict(Counter(receipt["state"] for receipt in receipts))


@flow(name="ingest")
def ingest_batch(home: str, paths: list[str], firm: str | None = None, cell: str | None = None) -> dict[str, int]:
    """Take in a batch of files; one run for all of them. Returns how many ended in which state."""
    return ingest_task(home, paths, firm, cell)


@flow(name="scan")
def scan(home: str) -> dict[str, int]:
    """Look into the inboxes now and take in what is new and at rest. Returns how many ended in which state."""
    states: Counter[str] = Counter()
    scan_once(open_home(home), threading.Event(), lambda watcher, looks: states.update(take_settled(watcher, looks)))
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
def backfill(home: str) -> dict[str, int]:
    """Let today's readers judge what older ones refused or read; see :func:`flows.backfill.run_backfill`."""
    done = run_backfill(open_home(home))
    _publish_receipts([*done.retried, *done.reread])
    return {name: len(getattr(done, name)) for name in ("retried", "reread", "same", "refused", "busy")}


@task(retries=RETRIES, retry_delay_seconds=RETRY_SECONDS, retry_condition_fn=is_busy)
def night_task(home: str, day: str | None) -> NightRecord:
    """Run the night; it writes nothing that did not change, so trying again is safe."""
    return run_night(open_home(home), date.fromisoformat(day) if day else None)


@flow(name="nightly")
def nightly(home: str, day: str | None = None) -> NightRecord:
    """Compact, summarise, clean up; see :func:`flows.nightly.run_night`."""
    record = night_task(home, day)
    create_table_artifact(table=record["done"], key="night", description=f"Night of {record['date']}")
    create_table_artifact(table=record["stages"], key="night-stages", description=f"Stages of {record['date']}")
    return record


def serve_home(home: Home) -> None:
    """Serve the night, and on demand a scan, an ingest or a backfill, until stopped."""
    folder = str(home.folder)
    at_night = [Cron(NIGHT_CRON, timezone=home.settings.zone)]
    if is_night_due(home, datetime.now(UTC)):
        # The machine was off at two.
        begin = datetime.now(UTC) + timedelta(seconds=SOON_SECONDS)
        at_night.append(RRule(f"DTSTART:{begin:%Y%m%dT%H%M%SZ}\nRRULE:FREQ=DAILY;COUNT=1"))
    deployments = (
        scan.to_deployment("scan", parameters={"home": folder}, concurrency_limit=1),
        nightly.to_deployment("nightly", parameters={"home": folder}, schedules=at_night, concurrency_limit=1),
        backfill.to_deployment("backfill", parameters={"home": folder}, concurrency_limit=1),
        ingest_batch.to_deployment("ingest", parameters={"home": folder, "paths": []}),
    )
    # Called without an event loop these are deployments; the signature also allows for one.
    serve(*(deployment for deployment in deployments if isinstance(deployment, RunnerDeployment)))


def _publish_receipts(receipts: list[dict[str, Any]]) -> None:
    shown = ("path", "state", "format", "rows", "cell_id")
    rows = [{name: receipt[name] for name in shown} for receipt in receipts]
    create_table_artifact(table=rows, key="receipts", description="What became of each source")

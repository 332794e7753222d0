"""The Prefect flows: thin wrappers that say when plain functions run, and what is tried again.

The registry is the truth and Prefect only schedules: a run that dies is repeated from the registry, whatever Prefect
believes. A run costs about a second, so a batch of files is one run, never a file.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefect import flow, serve, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval

from flows.ingest import ingest_paths
from flows.nightly import NightRecord, run_night
from flows.scan import Look, find_settled, take_in
from warehouse.errors import StoreBusy
from warehouse.home import Home, open_home
from warehouse.identity import ensure_owner

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State, TaskRun
    from prefect.tasks import Task

NIGHT_CRON: Final = "0 2 * * *"
RETRIES: Final = 5
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
    """Look into the inboxes and take in what is new and at rest. Returns how many ended in which state."""
    opened = open_home(home)
    looks = find_settled(opened)
    return take_settled(home, looks) if looks else {}


# A task and no flow: a flow's parameters are sent to the server, which refuses those of some thousand files.
@task(cache_policy=NO_CACHE)
def take_settled(home: str, looks: list[Look]) -> dict[str, int]:
    """Take in a batch of settled files; one run for all of them."""
    receipts = list(take_in(open_home(home), looks))
    _publish_receipts(receipts)
    return dict(Counter(receipt["state"] for receipt in receipts))


@task(retries=RETRIES, retry_delay_seconds=RETRY_SECONDS, retry_condition_fn=is_busy)
def night_task(home: str, day: str | None) -> NightRecord:
    """Run the night; it writes nothing that did not change, so trying again is safe."""
    return run_night(open_home(home), date.fromisoformat(day) if day else None)


@flow(name="nightly")
def nightly(home: str, day: str | None = None) -> NightRecord:
    """Compact, summarise, clean up; see :func:`flows.nightly.run_night`."""
    record = night_task(home, day)
    create_table_artifact(table=record["done"], key="night", description=f"Night of {record['date']}")
    return record


def serve_home(home: Home) -> None:
    """Serve the scan and the night until stopped."""
    folder = str(home.folder)
    every = Interval(timedelta(seconds=home.settings.scan_seconds))
    at_night = Cron(NIGHT_CRON, timezone=home.settings.zone)
    deployments = (
        scan.to_deployment("scan", parameters={"home": folder}, schedules=[every], concurrency_limit=1),
        nightly.to_deployment("nightly", parameters={"home": folder}, schedules=[at_night], concurrency_limit=1),
        ingest_batch.to_deployment("ingest", parameters={"home": folder, "paths": []}),
    )
    # Called without an event loop these are deployments; the signature also allows for one.
    serve(*(deployment for deployment in deployments if isinstance(deployment, RunnerDeployment)))


def _publish_receipts(receipts: list[dict[str, Any]]) -> None:
    shown = ("path", "state", "format", "rows", "cell_id")
    rows = [{name: receipt[name] for name in shown} for receipt in receipts]
    create_table_artifact(table=rows, key="receipts", description="What became of each source")

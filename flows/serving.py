"""What a service says to Prefect: which of its runs died with an earlier one, and what it serves from now on."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import signal
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from prefect import tags
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.schedules import Cron, RRule
from prefect.states import Crashed

from flows.pipeline import backfill, ingest_batch, nightly, scan, take_as_run
from warehouse.home import Home
from warehouse.nights import NIGHT_HOUR, is_night_due

if TYPE_CHECKING:
    from flows.watch import Look, Watcher

log: Final = logging.getLogger("cellar.serving")

NIGHT_CRON: Final = f"0 {NIGHT_HOUR} * * *"
# A missed night begins this long after the service, once Prefect has its schedule.
SOON_SECONDS: Final = 20
# What a run is in until it has ended.
GOING_ON: Final = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
PAGE: Final = 100


class Service(Runner):
    """Prefect's runner, which a SIGTERM ends as Ctrl-C does: its own way ends in a traceback."""

    def handle_sigterm(self, *_args: Any, **_options: Any) -> None:
        """Stop as on Ctrl-C."""
        signal.raise_signal(signal.SIGINT)


def name_service(home: Home) -> str:
    """Return the tag of all runs that a home's service on this machine starts."""
    return "cellar-" + hashlib.sha256(f"{socket.gethostname()} {home.folder}".encode()).hexdigest()[:12]


def take_tagged(watcher: Watcher, looks: list[Look], tag: str) -> None:
    """Take in what has come to rest as a run of this service."""
    with tags(tag):
        take_as_run(watcher, looks)


def reap_runs(tag: str) -> int:
    """Tell Prefect of the runs that died with an earlier service of this home on this machine; returns how many.

    Prefect takes them to go on, and holds their place under the limit of one at a time. Only whoever holds the
    service's lease may say so.
    """
    going_on = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(GOING_ON))), tags=FlowRunFilterTags(all_=[tag])
    )
    reaped = 0
    with get_client(sync_client=True) as client:
        while runs := client.read_flow_runs(flow_run_filter=going_on, limit=PAGE):
            for run in runs:
                client.set_flow_run_state(run.id, Crashed(message="died with its service"), force=True)
                log.warning("the run %s of %s died with its service", run.name, run.start_time)
            reaped += len(runs)
    return reaped


def serve_home(home: Home) -> None:
    """Serve the night, and on demand a scan, an ingest or a backfill, until stopped."""
    folder = str(home.folder)
    at_night = [Cron(NIGHT_CRON, timezone=home.settings.zone)]
    if is_night_due(home, datetime.now(UTC)):
        # The machine was off at two.
        begin = datetime.now(UTC) + timedelta(seconds=SOON_SECONDS)
        at_night.append(RRule(f"DTSTART:{begin:%Y%m%dT%H%M%SZ}\nRRULE:FREQ=DAILY;COUNT=1"))
    given: dict[str, Any] = {"parameters": {"home": folder}, "tags": [name_service(home)]}
    deployments = (
        scan.to_deployment("scan", **given, concurrency_limit=1),
        nightly.to_deployment("nightly", **given, schedules=at_night, concurrency_limit=1),
        backfill.to_deployment("backfill", **given, concurrency_limit=1),
        ingest_batch.to_deployment("ingest", **given | {"parameters": {"home": folder, "paths": []}}),
    )
    # Its schedules are given anew at each start; pausing them at the end asks a server that may be gone by then.
    service = Service(pause_on_shutdown=False)
    for deployment in deployments:
        # Called without an event loop these are deployments; the signature also allows for one.
        if isinstance(deployment, RunnerDeployment):
            service.add_deployment(deployment)
    log.info("scan, nightly, backfill and ingest are being served")
    try:
        asyncio.run(service.start())
    except KeyboardInterrupt:
        log.info("the service stops")

"""More than one machine: a real PostgreSQL, a real Prefect server, and two workers of one pool that share a queue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa
from made_cells import cycle, measure, write_bdf
from postgres import create_database

from flows.service import QUIET_SETTINGS, own_server
from warehouse.home import Home
from warehouse.registry import TEST, WORKER
from warehouse.sources import count_states
from warehouse.verify import check_home

ROOT: Final = Path(__file__).parent.parent
FILES: Final = 60
SECONDS: Final = 300.0
BUSY, TRIES = 503, 10
TWO_CYCLES: Final = measure(cycle([1e-3, 0.9e-3]))
# A worker asks for runs this often; by default every ten seconds.
QUICK: Final = {"PREFECT_WORKER_QUERY_SECONDS": "2"}
Environment = dict[str, str]


@pytest.fixture
def shared(tmp_path: Path, postgres: str) -> Iterator[Home]:
    """A home whose registry is on PostgreSQL, with files in its inbox."""
    with closing(Home(tmp_path / "home", create_database(postgres, "machines"))) as home:
        (home.folder / "settings.toml").write_text("settle_seconds = 0.3\n")
        for number in range(FILES):
            shifted = TWO_CYCLES.with_columns(voltage_volt=TWO_CYCLES["voltage_volt"] + number / 1000)
            write_bdf(home.folder / "inbox" / "A" / f"{number}.csv", shifted)
        yield home


@pytest.mark.server
def test_killed_worker_loses_nothing(shared: Home, tmp_path: Path) -> None:
    """Of two workers on one queue one is killed in the middle of it: each file is committed once, and all is sound."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CELLAR_"))}
    environment |= (
        QUIET_SETTINGS | QUICK | {"CELLAR_HOME": str(shared.folder), "CELLAR_REGISTRY_URL": shared.registry_url}
    )
    with own_server(tmp_path / "prefect") as url:
        environment |= {"PREFECT_API_URL": url, "PREFECT_HOME": str(tmp_path / "prefect")}
        with httpx.Client(base_url=url, timeout=SECONDS) as server, working(environment) as doomed:
            until("the pool", lambda: server.get("/work_pools/cellar").is_success)
            with working(environment) as other:
                prefect(environment, "--no-prompt", "deploy", "--all")
                first, second = start_scan(server), start_scan(server)
                until("both at work", lambda: len(workers_of(shared)) == 2 and count_committed(shared) >= 2)
                kill_tree(doomed.pid)
                assert 0 < count_committed(shared) < FILES
                until("the other's end", lambda: "COMPLETED" in {state_of(server, first), state_of(server, second)})
                third = start_scan(server)
                until("the third scan", lambda: state_of(server, third) == "COMPLETED")
                assert other.poll() is None
    counts = count_states(shared)
    # What was committed before its worker could say so is found known when it is looked at again.
    assert (counts["committed"], counts["seen"]) == (FILES, FILES + counts["duplicate"]), counts
    rows = shared.registry.rows(sa.select(TEST.c.source_sha256, TEST.c.rows))
    assert (len({row["source_sha256"] for row in rows}), {row["rows"] for row in rows}) == (FILES, {TWO_CYCLES.height})
    assert [found for found in check_home(shared) if found.serious] == []


@contextmanager
def working(environment: Environment) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker of the pool, as a machine would; what is left of it at the end is killed."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cellar", "--type", "process"]
    folder = Path(environment["CELLAR_HOME"])
    with (folder / "worker.log").open("ab") as log:
        worker = subprocess.Popen([*command, "--limit", "1"], env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            yield worker
        finally:
            kill_tree(worker.pid)
            worker.wait()


def prefect(environment: Environment, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def start_scan(server: httpx.Client) -> str:
    path = f"/deployments/{ask(server, 'GET', '/deployments/name/scan/scan')['id']}"
    # Only the runs that the test starts.
    ask(server, "PATCH", path, {"paused": True})
    return str(ask(server, "POST", f"{path}/create_flow_run", {"state": {"type": "SCHEDULED"}})["id"])


def state_of(server: httpx.Client, run: str) -> str:
    return str(ask(server, "GET", f"/flow_runs/{run}")["state_type"])


def ask(server: httpx.Client, method: str, path: str, json: object = None) -> dict[str, Any]:
    """Ask the server, again where it is busy, as Prefect's own client does."""
    for _ in range(TRIES):
        answer = server.request(method, path, json=json)
        if answer.status_code != BUSY:
            break
        time.sleep(1)
    return dict(answer.raise_for_status().json()) if answer.content else {}


def workers_of(home: Home) -> list[dict[str, Any]]:
    return [row for row in home.registry.rows(sa.select(WORKER)) if row["owner"] != home.owner]


def count_committed(home: Home) -> int:
    return count_states(home)["committed"]


def until(what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not come in {SECONDS} s"
        time.sleep(0.1)


def kill_tree(process: int) -> None:
    """Kill a process and all that it started, at once, as the end of their machine would."""
    family = [process]
    for each in family:
        listing = Path(f"/proc/{each}/task/{each}/children")
        family += [int(number) for number in listing.read_text().split()] if listing.exists() else []
    for each in family:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)

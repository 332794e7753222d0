"""The Prefect flows on a real server, and the service as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Final

import httpx
import pytest
from made_cells import cycle, measure, write_bdf

from flows.ingest import ingest_paths
from flows.service import QUIET_SETTINGS
from flows.watch import Look, Watcher
from warehouse.health import check_health
from warehouse.home import Home
from warehouse.registry import SOURCE_FILE
from warehouse.settings import Settings, read_settings
from warehouse.sources import count_states, newest_receipts

TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 60.0
FAST_SETTINGS: Final = "scan_seconds = 2\nsettle_seconds = 0.3\n"


@pytest.fixture
def inbox(local_home: Home) -> Path:
    """The inbox of a home that settles quickly."""
    (local_home.folder / "settings.toml").write_text(FAST_SETTINGS)
    local_home.settings = read_settings(local_home.folder)
    return local_home.folder / "inbox"


# The flows, on a server


@pytest.fixture(scope="session")
def pipeline() -> Iterator[ModuleType]:
    """The flows, with a Prefect server of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        # Prefect reads its settings when it is imported.
        for name, value in {**QUIET_SETTINGS, "CELLAR_READERS": "inside"}.items():
            patch.setenv(name, value)
        from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415 see above

        with prefect_test_harness(server_startup_timeout=int(START_SECONDS)):
            import flows.pipeline  # noqa: PLC0415 see above

            # All tests share this process, and none of them the log of another one's home.
            patch.setattr(flows.pipeline, "write_log", lambda _home: None)
            yield flows.pipeline


@pytest.mark.server
def test_ingest_flow(pipeline: ModuleType, local_home: Home, tmp_path: Path) -> None:
    """One flow run takes in a batch for its owner and counts what became of it."""
    paths = [str(write_bdf(tmp_path / "t.csv", TWO_CYCLES)), str(write_bdf(tmp_path / "u.csv", TWO_CYCLES))]
    letter = tmp_path / "letter.txt"
    letter.write_text("hello")
    counted = pipeline.ingest_batch(str(local_home.folder), [*paths, str(letter)], "A", "C1")
    assert counted == {"committed": 1, "duplicate": 1, "quarantined": 1}
    assert local_home.query("cycles", firm="A", cell="C1").height == 2


@pytest.mark.server
def test_nightly_flow(pipeline: ModuleType, local_home: Home, tmp_path: Path) -> None:
    """The nightly flow does what the night does, for the date that it is given."""
    write_bdf(tmp_path / "t.csv", TWO_CYCLES)
    pipeline.ingest_batch(str(local_home.folder), [str(tmp_path / "t.csv")], "A", "C1")
    record = pipeline.nightly(str(local_home.folder), "2026-03-02")
    assert (record["date"], record["made"] > 0) == ("2026-03-02", True)
    assert pipeline.nightly(str(local_home.folder))["made"] == 0


@pytest.mark.server
def test_scan_flow(pipeline: ModuleType, local_home: Home, inbox: Path) -> None:
    """The scan takes the file at rest, whatever its name, and a second scan finds nothing new."""
    path = write_bdf(inbox / "t.csv", TWO_CYCLES)
    path.rename(inbox / b"\xbc\xbf.csv".decode("utf-8", "surrogateescape"))
    assert pipeline.scan(str(local_home.folder)) == {"committed": 1}
    assert pipeline.scan(str(local_home.folder)) == {}


@pytest.mark.server
def test_run_takes_thousands(
    pipeline: ModuleType, local_home: Home, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share with thousands of new files is one run."""
    many = [Look(f"{inbox}/{'folder/' * 20}{number}.csv", number, number) for number in range(5000)]
    taken: list[Look] = []

    def take(_watcher: Watcher, looks: list[Look]) -> Iterator[dict[str, object]]:
        taken.extend(looks)
        return iter([receipt_of(look) for look in looks])

    monkeypatch.setattr(Watcher, "take", take)
    pipeline.take_as_run(Watcher(local_home), many)
    assert taken == many


@pytest.mark.server
def test_files_are_taken_without_prefect(
    pipeline: ModuleType, local_home: Home, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Prefect does not answer the files are taken all the same, each once."""
    path = write_bdf(inbox / "t.csv", TWO_CYCLES)
    status = path.stat()

    def gone(**_options: object) -> None:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(pipeline, "flow", lambda **_options: lambda _function: gone)
    watcher = Watcher(local_home)
    look = Look(str(path), status.st_size, status.st_mtime_ns)
    pipeline.take_as_run(watcher, [look])
    assert count_states(local_home)["committed"] == 1
    pipeline.take_as_run(watcher, [look])
    assert [receipt["state"] for receipt in newest_receipts(local_home)] == ["committed"]


def receipt_of(look: Look) -> dict[str, object]:
    return {"path": look.path, "state": "committed", "format": "bdf_csv", "rows": 88, "cell_id": None}


@pytest.mark.server
def test_busy_home_is_tried_again(pipeline: ModuleType, local_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night that finds another writer at work is tried again; any other failure is not."""
    from warehouse.errors import DamageError, StoreBusy  # noqa: PLC0415 beside what it is used for

    tries: list[type[Exception]] = []

    def busy_once(_home: Home, _day: object) -> dict[str, object]:
        tries.append(StoreBusy)
        if len(tries) == 1:
            raise StoreBusy("another writer")
        return {"date": "2026-03-02", "done": [], "stages": []}

    def damaged(_home: Home, _day: object) -> dict[str, object]:
        tries.append(DamageError)
        raise DamageError("bits")

    eager = pipeline.night_task.with_options(retry_delay_seconds=0)
    monkeypatch.setattr(pipeline, "night_task", eager)
    monkeypatch.setattr(pipeline, "run_night", busy_once)
    assert pipeline.nightly(str(local_home.folder))["date"] == "2026-03-02"
    monkeypatch.setattr(pipeline, "run_night", damaged)
    with pytest.raises(DamageError):
        pipeline.nightly(str(local_home.folder))
    assert tries == [StoreBusy, StoreBusy, DamageError]


# The service


@contextmanager
def serving(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``cellar serve`` on a home; what is left of it at the end is killed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CELLAR_"))}
    command = [sys.executable, "-m", "flows.cli", "serve", "--home", str(home.folder)]
    with (home.folder / "serve.log").open("wb") as log:
        service = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            yield service
        finally:
            for process in [*children_of(service.pid), service.pid]:
                if process == service.pid and service.poll() is not None:
                    continue
                os.kill(process, signal.SIGKILL)
            service.wait()


def children_of(process: int) -> list[int]:
    listing = Path(f"/proc/{process}/task/{process}/children")
    return [int(number) for number in listing.read_text().split()] if listing.exists() else []


def wait_until(seconds: float, home: Home, what: str, happened: object) -> None:
    assert callable(happened)
    deadline = time.monotonic() + seconds
    while not happened():
        log = (home.folder / "serve.log").read_text()
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds} s:\n{log}"
        time.sleep(0.5)


def is_running(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.server
def test_service_takes_what_is_dropped(local_home: Home, inbox: Path) -> None:
    """``cellar serve`` takes in what is dropped, before Prefect is up and after, is well, and ends on SIGTERM."""
    log = local_home.folder / "logs" / "cellar.jsonl"
    with serving(local_home) as service:
        write_bdf(inbox / "A" / "t.csv", TWO_CYCLES)
        wait_until(START_SECONDS, local_home, "the commit", lambda: count_states(local_home)["committed"] == 1)
        wait_until(START_SECONDS, local_home, "the start of Prefect", lambda: "being served" in log.read_text())
        write_bdf(inbox / "A" / "u.csv", TWO_CYCLES.head(44))
        wait_until(START_SECONDS, local_home, "the second commit", lambda: count_states(local_home)["committed"] == 2)
        wait_until(START_SECONDS, local_home, "the end of its run", lambda: "Completed()" in log.read_text())
        checks = {check.name: check for check in check_health(local_home, datetime.now(UTC))}
        assert [name for name, check in checks.items() if not check.sound] == []
        assert str(service.pid) in checks["service"].says
        (server,) = [child for child in children_of(service.pid) if b"server" in command_of(child)]
        service.send_signal(signal.SIGTERM)
        assert service.wait(STOP_SECONDS) == 0
        assert not is_running(server)
    assert "Traceback" not in (local_home.folder / "serve.log").read_text()
    assert local_home.query("tests").height == 2
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {*lines[0]} == {"time", "level", "logger", "message"}
    assert any(line["logger"] == "prefect.flow_runs" and line["flow_run"] for line in lines)
    assert not {check.name for check in check_health(local_home, datetime.now(UTC)) if check.sound} & {
        "service",
        "look",
    }


@pytest.mark.server
def test_dask_spreads_where_settings_say_so(pipeline: ModuleType) -> None:
    """A backfill is spread over the scheduler that the settings name, else over so many workers, else not at all."""
    assert pipeline.choose_runner(Settings()) is None
    assert pipeline.choose_runner(Settings(dask_scheduler="tcp://host:8786"), 3).address == "tcp://host:8786"
    assert pipeline.choose_runner(Settings(dask_workers=2)).cluster_kwargs["n_workers"] == 2
    assert pipeline.choose_runner(Settings(dask_workers=2), 0) is None


@pytest.mark.server
def test_backfill_is_spread(pipeline: ModuleType, local_home: Home, tmp_path: Path) -> None:
    """A backfill over two Dask workers does what one process does, and a second one finds nothing left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("parsers.claims", lambda *_: [])
        paths = [write_bdf(tmp_path / f"{rows}.csv", TWO_CYCLES.head(rows)) for rows in range(44, 64)]
        list(ingest_paths(local_home, paths))
    with local_home.registry.write() as connection:
        connection.execute(SOURCE_FILE.update().values(readers="earlier"))
    done = pipeline.backfill(str(local_home.folder), workers=2)
    assert done == {"retried": 20, "reread": 0, "same": 0, "refused": 0, "busy": 0}
    assert count_states(local_home)["committed"] == 20
    assert pipeline.backfill(str(local_home.folder), workers=2)["retried"] == 0


@pytest.mark.server
def test_dead_runs_are_reaped(pipeline: ModuleType) -> None:
    """Runs that a dead service left going on are crashed by the next one; those of others, and the ended, are left."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415 Prefect is loaded by the fixture
    from prefect.states import Completed, Running  # noqa: PLC0415 likewise

    from flows.serving import reap_runs  # noqa: PLC0415 likewise

    states = {"mine": Running(), "theirs": Running(), "ended": Completed()}
    with get_client(sync_client=True) as client:
        runs = {
            name: client.create_flow_run(pipeline.nightly, state=state, tags=["theirs" if name == "theirs" else "mine"])
            for name, state in states.items()
        }
        assert (reap_runs("mine"), reap_runs("mine")) == (1, 0)
        found = {name: client.read_flow_run(run.id).state for name, run in runs.items()}
    assert {name: state.name for name, state in found.items() if state is not None} == {
        "mine": "Crashed",
        "theirs": "Running",
        "ended": "Completed",
    }


@pytest.mark.server
def test_service_stopped_while_starting_leaves_no_server(local_home: Home, inbox: Path) -> None:
    """A service that is stopped before its server answers takes the server with it."""
    assert inbox.is_dir()
    with serving(local_home) as service:
        wait_until(START_SECONDS, local_home, "the start of the server", lambda: children_of(service.pid))
        (server,) = children_of(service.pid)
        service.send_signal(signal.SIGTERM)
        assert service.wait(STOP_SECONDS) == 0
        assert not is_running(server)


def command_of(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()

"""The Prefect flows on a real server, and the service as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from made_cells import cycle, measure, write_bdf

from flows.scan import Look, find_settled, look_around, take_in
from flows.service import QUIET_SETTINGS
from warehouse.home import Home
from warehouse.sources import count_states, newest_receipts

TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 60.0
FAST_SETTINGS: Final = "scan_seconds = 2\nsettle_seconds = 0.3\n"


@pytest.fixture
def inbox(local_home: Home) -> Path:
    """The inbox of a home that settles quickly."""
    (local_home.folder / "settings.toml").write_text(FAST_SETTINGS)
    return local_home.folder / "inbox"


# The scan, without a server


def test_file_at_rest_is_found(local_home: Home, inbox: Path) -> None:
    """A new file that does not change while we wait is found, in whatever folder of the inbox."""
    path = write_bdf(inbox / "A" / "C1" / "t.csv", TWO_CYCLES)
    waits: list[float] = []
    (look,) = find_settled(local_home, waits.append)
    assert (look.path, look.size, waits) == (str(path), path.stat().st_size, [local_home.settings.settle_seconds])


def test_growing_file_is_left(local_home: Home, inbox: Path) -> None:
    """A file that grows while we wait is left for the next scan, which finds it."""
    path = write_bdf(inbox / "t.csv", TWO_CYCLES)

    def grow(_seconds: float) -> None:
        with path.open("a") as file:
            file.write("\n")

    assert find_settled(local_home, grow) == []
    assert len(find_settled(local_home, lambda _: None)) == 1


def test_vanishing_file_is_left(local_home: Home, inbox: Path) -> None:
    """A file that goes away while we wait is no file."""
    path = write_bdf(inbox / "t.csv", TWO_CYCLES)
    assert find_settled(local_home, lambda _: path.unlink()) == []


def test_taken_file_is_not_opened_again(local_home: Home, inbox: Path) -> None:
    """What was taken is not found again until it changes; the inbox is never written to."""
    path = write_bdf(inbox / "t.csv", TWO_CYCLES)
    before = path.stat()
    assert [receipt["state"] for receipt in take_in(local_home, find_settled(local_home, lambda _: None))] == [
        "committed"
    ]
    assert find_settled(local_home, lambda _: None) == []
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)
    path.write_text(path.read_text() + "\n")
    assert len(find_settled(local_home, lambda _: None)) == 1


def test_quiet_inbox_does_not_wait(local_home: Home, inbox: Path) -> None:
    """Where nothing is new nobody waits for it to settle."""
    assert inbox.is_dir()
    waits: list[float] = []
    assert find_settled(local_home, waits.append) == []
    assert waits == []


def test_share_that_is_gone_has_no_files(local_home: Home, inbox: Path) -> None:
    """An inbox that is not there at the moment has no files, and those of the others are found."""
    local_home.folder.joinpath("settings.toml").write_text('inboxes = ["gone", "inbox"]\n')
    path = write_bdf(inbox / "t.csv", TWO_CYCLES)
    with closing(Home(local_home.folder)) as home:
        assert [look.path for look in look_around(home)] == [str(path)]


def test_read_only_inbox_is_enough(local_home: Home, inbox: Path) -> None:
    """Files of a read-only inbox are taken."""
    path = write_bdf(inbox / "t.csv", TWO_CYCLES)
    path.chmod(0o444)
    inbox.chmod(0o555)
    try:
        (receipt,) = take_in(local_home, find_settled(local_home, lambda _: None))
    finally:
        inbox.chmod(0o755)
    assert receipt["state"] == "committed"


# The flows, on a server


@pytest.fixture(scope="session")
def pipeline() -> Iterator[ModuleType]:
    """The flows, with a Prefect server of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        # Prefect reads its settings when it is imported.
        for name, value in QUIET_SETTINGS.items():
            patch.setenv(name, value)
        from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415 see above

        with prefect_test_harness(server_startup_timeout=int(START_SECONDS)):
            import flows.pipeline  # noqa: PLC0415 see above

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
def test_scan_flow(pipeline: ModuleType, local_home: Home, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan takes the file at rest, leaves the one that changes, and a second scan takes that."""
    write_bdf(inbox / "A" / "rest.csv", TWO_CYCLES)
    growing = inbox / "A" / "growing.csv"
    growing.write_text("test_time_second,voltage_volt")
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "find_settled", lambda home: find_settled(home, lambda _: grow(growing)))
        assert pipeline.scan(str(local_home.folder)) == {"committed": 1}
    assert Path(newest_receipts(local_home)[0]["path"]).name == "rest.csv"
    assert pipeline.scan(str(local_home.folder)) == {"quarantined": 1}
    assert pipeline.scan(str(local_home.folder)) == {}


def grow(path: Path) -> None:
    with path.open("a") as file:
        file.write(",")


@pytest.mark.server
def test_scan_flow_takes_any_name(pipeline: ModuleType, local_home: Home, inbox: Path) -> None:
    """A name that is no UTF-8 stops no scan."""
    path = write_bdf(inbox / "t.csv", TWO_CYCLES)
    path.rename(inbox / b"\xbc\xbf.csv".decode("utf-8", "surrogateescape"))
    assert pipeline.scan(str(local_home.folder)) == {"committed": 1}
    assert pipeline.scan(str(local_home.folder)) == {}


@pytest.mark.server
def test_scan_flow_takes_thousands(
    pipeline: ModuleType, local_home: Home, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share with thousands of new files is one scan."""
    many = [Look(f"{inbox}/{'folder/' * 20}{number}.csv", number, number) for number in range(5000)]
    monkeypatch.setattr(pipeline, "find_settled", lambda _home: many)
    monkeypatch.setattr(pipeline, "take_in", lambda _home, looks: iter([receipt_of(look) for look in looks]))
    assert pipeline.scan(str(local_home.folder)) == {"committed": 5000}


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
        return {"date": "2026-03-02", "done": []}

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
    """``cellar serve`` takes in what is dropped into the inbox, by its schedule, and ends when it is interrupted."""
    with serving(local_home) as service:
        write_bdf(inbox / "A" / "t.csv", TWO_CYCLES)
        wait_until(START_SECONDS, local_home, "the commit", lambda: count_states(local_home)["committed"] == 1)
        (server,) = [child for child in children_of(service.pid) if b"server" in command_of(child)]
        service.send_signal(signal.SIGINT)
        assert service.wait(STOP_SECONDS) == 0
        assert not is_running(server)
    assert local_home.query("cycles").height == 2


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

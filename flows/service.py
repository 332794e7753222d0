"""The pipeline service: a Prefect server of its own on loopback, unless one is named, and the scan and the night."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from flows.watch import Look, Watcher, take_plainly, watch_inboxes
from warehouse.errors import CellarError

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from warehouse.home import Home

API_VARIABLE: Final = "PREFECT_API_URL"
# Nothing is sent anywhere, and a slow machine gets the time that its server needs to start.
QUIET_SETTINGS: Final = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}
START_SECONDS: Final = 180.0
STOP_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.5


def run_service(home: Home) -> None:
    """Watch the inboxes and serve Prefect's flows until stopped by a signal.

    Raises:
        CellarError: the server did not come up.
    """
    os.environ.update({name: value for name, value in QUIET_SETTINGS.items() if name not in os.environ})
    # Until Prefect listens itself: a service that is stopped while it starts must not leave its server behind.
    signal.signal(signal.SIGTERM, _leave)
    ready = threading.Event()
    with watching(home, ready):
        if API_VARIABLE in os.environ:
            _serve(home, ready)
            return
        with own_server(home.folder / "prefect") as url:
            os.environ[API_VARIABLE] = url
            _serve(home, ready)


@contextmanager
def watching(home: Home, ready: threading.Event) -> Iterator[None]:
    """Watch the inboxes beside what is done inside: at once without Prefect, and as its runs once it is ready."""
    stop = threading.Event()

    def take(watcher: Watcher, looks: list[Look]) -> None:
        if ready.is_set():
            # Only now: Prefect reads its settings when it is imported.
            from flows.pipeline import take_as_run  # noqa: PLC0415 see above

            take_as_run(watcher, looks)
        else:
            take_plainly(watcher, looks)

    thread = threading.Thread(target=watch_inboxes, args=(home, stop, take), name="cellar-watch")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def own_server(folder: Path) -> Iterator[str]:
    """Run a Prefect server on a free loopback port, its database in ``folder``; yields the address of its API.

    Raises:
        CellarError: it ended, or did not answer in three minutes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    log = folder / "server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("ab") as output:
        environment = os.environ | {"PREFECT_HOME": str(folder)}
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            _await_health(server, port, log)
            yield f"http://127.0.0.1:{port}/api"
        finally:
            _stop(server)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _serve(home: Home, ready: threading.Event) -> None:
    # The API's address is read when Prefect is imported, so it has to stand in the environment before.
    from flows.pipeline import serve_home  # noqa: PLC0415 see above

    ready.set()
    serve_home(home)


def _await_health(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise CellarError(f"the Prefect server ended with code {server.returncode}; see {log}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(POLL_SECONDS)
    raise CellarError(f"the Prefect server did not answer in {START_SECONDS:.0f} s; see {log}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

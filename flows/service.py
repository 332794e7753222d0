"""The pipeline service: a Prefect server of its own on loopback, unless one is named, and the scan and the night."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from flows.logs import write_log
from flows.watch import Look, Watcher, take_plainly, watch_inboxes
from warehouse.errors import CellarError, LeaseLost, StoreBusy
from warehouse.health import SERVICE
from warehouse.leases import BEAT_SECONDS, LEASE_SECONDS, Lease
from warehouse.nights import NIGHT_HOUR

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from warehouse.home import Home

log: Final = logging.getLogger("cellar.service")
server_log: Final = logging.getLogger("cellar.prefect-server")

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
LAST_WORDS: Final = 20


def run_service(home: Home) -> None:
    """Watch the inboxes and serve Prefect's flows until stopped by a signal.

    Raises:
        CellarError: the server did not come up.
        StoreBusy: another service serves this home.
    """
    os.environ.update({name: value for name, value in QUIET_SETTINGS.items() if name not in os.environ})
    # Until Prefect listens itself: a service that is stopped while it starts must not leave its server behind.
    signal.signal(signal.SIGTERM, _leave)
    # Where a shell started us in the background it had it ignored, and nothing could stop us but a kill.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    write_log(home)
    ready = threading.Event()
    with the_only_service(home), watching(home, ready):
        if API_VARIABLE in os.environ:
            _serve(home, ready)
            return
        with own_server(home.folder / "prefect") as url:
            os.environ[API_VARIABLE] = url
            _serve(home, ready)


@contextmanager
def the_only_service(home: Home) -> Iterator[None]:
    """Hold the service's lease: two would run every night twice.

    Raises:
        StoreBusy: another service lives.
    """
    lease = _claim(home)
    try:
        yield
    finally:
        with suppress(LeaseLost), home.registry.write() as connection:
            home.leases.release(connection, lease)


def _claim(home: Home) -> Lease:
    """Claim the lease; whether one on another machine lives is known only once its beat has stood still."""
    deadline = time.monotonic() + LEASE_SECONDS + BEAT_SECONDS
    while True:
        try:
            with home.registry.write() as connection:
                return home.leases.claim(connection, SERVICE)
        except StoreBusy:
            if time.monotonic() > deadline:
                raise
        log.info("another service serves this home, or did a moment ago; waiting for its beat")
        time.sleep(BEAT_SECONDS)


@contextmanager
def watching(home: Home, ready: threading.Event) -> Iterator[None]:
    """Watch the inboxes beside what is done inside: at once without Prefect, and as its runs once it is ready."""
    stop = threading.Event()

    def take(watcher: Watcher, looks: list[Look]) -> None:
        if ready.is_set():
            # Only now: Prefect reads its settings when it is imported.
            from flows.serving import name_service, take_tagged  # noqa: PLC0415 see above

            take_tagged(watcher, looks, name_service(home))
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
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"PREFECT_HOME": str(folder)}
    # A session of its own: Ctrl-C reaches us alone, and we end it when nothing needs it any more.
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True, start_new_session=True
    )
    said: deque[str] = deque(maxlen=LAST_WORDS)
    up = threading.Event()
    listener = threading.Thread(target=_listen, args=(server, said, up), name="cellar-server-log")
    listener.start()
    try:
        _await_health(server, port, said)
        up.set()
        log.info("Prefect's dashboard, with every run: http://127.0.0.1:%d", port)
        yield f"http://127.0.0.1:{port}/api"
    finally:
        _stop(server)
        listener.join()


def _listen(server: subprocess.Popen[str], said: deque[str], up: threading.Event) -> None:
    """Hand on to our log what the server says: a file of its own would grow for ever."""
    if server.stdout is None:
        return
    with server.stdout as words:
        for line in words:
            if line.strip():
                said.append(line.rstrip())
                # Its greeting tells how to use it by hand, which is not for whoever starts Cellar.
                server_log.log(logging.INFO if up.is_set() else logging.DEBUG, "%s", line.rstrip())


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _serve(home: Home, ready: threading.Event) -> None:
    # The API's address is read when Prefect is imported, so it has to stand in the environment before.
    from flows.serving import name_service, reap_runs, serve_home  # noqa: PLC0415 see above

    reap_runs(name_service(home))
    ready.set()
    inboxes = ", ".join(str(home.folder / inbox) for inbox in home.settings.inboxes)
    log.info("watching %s; the night runs at %02d:00 (%s); Ctrl-C ends", inboxes, NIGHT_HOUR, home.settings.zone_info)
    serve_home(home)


def _await_health(server: subprocess.Popen[str], port: int, said: Iterable[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise CellarError(f"the Prefect server ended with code {server.returncode}: {' '.join(said)}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(POLL_SECONDS)
    raise CellarError(f"the Prefect server did not answer in {START_SECONDS:.0f} s: {' '.join(said)}")


def _stop(server: subprocess.Popen[str]) -> None:
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

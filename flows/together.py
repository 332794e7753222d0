"""The whole platform of a small lab in one command: the pipeline's service, and the portal beside it.

The portal is a process of its own, so that neither waits for the other; whichever of the two ends by itself ends the
other too, and whoever watches over the command starts both again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from flows.service import run_service
from warehouse.home import REGISTRY_VARIABLE
from warehouse.settings import HOME_VARIABLE

if TYPE_CHECKING:
    from warehouse.home import Home

STOP_SECONDS: Final = 20.0
# Tells a portal that it ends when its standard input does.
BOUND_VARIABLE: Final = "CELLAR_PORTAL_BOUND"


def run_together(home: Home, host: str, port: int, *, secure: bool = False, origins: Sequence[str] = ()) -> None:
    """Run the pipeline's service and the portal until stopped by a signal.

    Args:
        home: the platform.
        host: the address that the portal listens on.
        port: its port.
        secure: whether it is reached by https alone.
        origins: addresses of proxies from which forms may come.
    """
    options = ["--host", host, "--port", str(port), *(["--https"] if secure else [])]
    options += [part for origin in origins for part in ("--origin", origin)]
    # Before anything listens for it: a platform that is stopped while it starts leaves nothing behind.
    signal.signal(signal.SIGTERM, _leave)
    # Ctrl-C is how this is meant to end.
    with portal_process(home, options), suppress(KeyboardInterrupt):
        run_service(home)


@contextmanager
def portal_process(home: Home, options: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the portal beside what is done inside; ends it afterwards, and ends this process if it ends by itself."""
    # Through the module and not through PATH, where another Cellar may come first.
    command = [sys.executable, "-m", "flows.cli", "portal", *options]
    environment = os.environ | {
        HOME_VARIABLE: str(home.folder),
        REGISTRY_VARIABLE: home.registry_url,
        BOUND_VARIABLE: "1",
    }
    # A session of its own: Ctrl-C reaches us alone, and we end it when the service is done.
    # Its input ends when we do, however that comes, and it with it.
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=True)
    ending = threading.Event()
    guard = threading.Thread(target=_watch, args=(process, ending), name="cellar-portal", daemon=True)
    guard.start()
    try:
        yield process
    finally:
        ending.set()
        _stop(process)
        guard.join()


def _watch(process: subprocess.Popen[bytes], ending: threading.Event) -> None:
    process.wait()
    if not ending.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _leave(_signal: int, _frame: object) -> None:
    raise SystemExit(0)

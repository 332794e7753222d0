"""The portal's way into the audit log: what changes something is written before it is answered, reads a little later.

A read is noted once a minute for each caller and address; a transaction for every request would be worse for the disk
than the requests themselves.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import SQLAlchemyError

from warehouse.access.audit import Event, record
from warehouse.access.tokens import note_use

if TYPE_CHECKING:
    from portal.callers import Caller
    from warehouse.home import Home

log: Final = logging.getLogger("cellar.portal")

FLUSH_SECONDS: Final = 2.0
SAME_SECONDS: Final = 60.0
MOST_WAITING: Final = 10_000
REMEMBERED: Final = 50_000


class Trail:
    """Writes what is asked and done into the audit log.

    Args:
        home: the platform.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._waiting: list[Event] = []
        self._seen: dict[tuple[str, str, str, str | None], float] = {}
        self._used: set[str] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="cellar-audit", daemon=True)
        self._thread.start()

    def note(self, caller: Caller, action: str, subject: str, firm: str | None) -> None:
        """Note a read; it is in the log within seconds."""
        key = (caller.name, action, subject, firm)
        now = time.time()
        with self._lock:
            # A token is in use whether or not this very read is told again.
            self._used.add(caller.name)
            if now - self._seen.get(key, 0.0) < SAME_SECONDS or len(self._waiting) >= MOST_WAITING:
                return
            # Told once too often is better than a memory that grows.
            if len(self._seen) > REMEMBERED:
                self._seen.clear()
            self._seen[key] = now
            self._waiting.append(Event(caller.name, caller.role, action, subject, firm, at_unix_second=now))

    def write(
        self, caller: Caller, action: str, subject: str, firm: str | None, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Write down something done, durable when this returns."""
        with self._taking() as events, self._home.registry.write() as connection:
            record(connection, *events, Event(caller.name, caller.role, action, subject, firm, detail))

    def flush(self) -> None:
        """Write what waits."""
        with self._taking() as events:
            if events:
                with self._home.registry.write() as connection:
                    record(connection, *events)
        with self._lock:
            used, self._used = self._used, set()
        # Each in a transaction of its own, so that bad luck with one costs no row of the log.
        for name in used:
            note_use(self._home, name)

    def close(self) -> None:
        """Write what waits, and end."""
        self._stop.set()
        self._thread.join()
        self.flush()

    @contextmanager
    def _taking(self) -> Iterator[list[Event]]:
        """Hand out what waits; it waits on where it could not be written."""
        with self._lock:
            events, self._waiting = self._waiting, []
        written = False
        try:
            yield events
            written = True
        finally:
            if not written:
                with self._lock:
                    # In front of what came meanwhile: the log is in order of time.
                    self._waiting = events + self._waiting

    def _work(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            try:
                self.flush()
            except (SQLAlchemyError, OSError) as error:
                log.warning("the audit log could not be written: %s", error)

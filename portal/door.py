"""The door: who may come in, remembered for a moment so that not every request asks the registry."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Final, Literal

from warehouse.access.audit import Event, record
from warehouse.access.sessions import check_session, close_session, open_session
from warehouse.access.tokens import Grant, check_token
from warehouse.home import Home

# A token that is revoked on the command line is refused this much later.
REMEMBER_SECONDS: Final = 2.0
MOST_REMEMBERED: Final = 10_000
Kind = Literal["token", "session"]
CHECKS: Final[dict[Kind, Callable[[Home, str], Grant | None]]] = {"token": check_token, "session": check_session}


class Door:
    """Lets callers in.

    Args:
        home: the platform.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._known: dict[str, tuple[float, Grant | None]] = {}
        self._lock = threading.Lock()

    def check(self, kind: Kind, secret: str) -> Grant | None:
        """Return what a token or a session opens, or None; remembered for a moment."""
        grant = CHECKS[kind](self._home, secret)
        with self._lock:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[_name(kind, secret)] = (time.monotonic(), grant)
        return grant

    def recall(self, kind: Kind, secret: str) -> tuple[float, Grant | None] | None:
        """Return what was found a moment ago, and when; None where nothing was."""
        with self._lock:
            known = self._known.get(_name(kind, secret))
        return known if known is not None and time.monotonic() - known[0] < REMEMBER_SECONDS else None

    def log_in(self, token: str) -> str | None:
        """Open a session for a token; returns what the browser is to keep, or None."""
        grant = check_token(self._home, token)
        if grant is None:
            # Nothing of what was typed: it may be the secret of something else.
            self._record(Event("unknown", "none", "login.refused", ""))
            return None
        return self.let_in(grant, grant.name)

    def let_in(self, grant: Grant, token_id: str | None = None) -> str:
        """Open a session for somebody who is known; returns what the browser is to keep."""
        key = open_session(self._home, grant, token_id)
        self._record(Event(grant.name, grant.role, "login", grant.name, grant.firm))
        return key

    def log_out(self, key: str) -> None:
        """End a session."""
        grant = check_session(self._home, key)
        close_session(self._home, key)
        self.forget()
        if grant is not None:
            self._record(Event(grant.name, grant.role, "logout", grant.name, grant.firm))

    def forget(self) -> None:
        """Ask the registry about everyone again, for a token or session has just ended."""
        with self._lock:
            self._known.clear()

    def _record(self, event: Event) -> None:
        with self._home.registry.write() as connection:
            record(connection, event)


def _name(kind: Kind, secret: str) -> str:
    # Hashed, for secrets should not lie about in memory longer than a request.
    return f"{kind}:{hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()}"

"""The portal's sandbox: its walls are looked at when the portal starts, its processes are made at the first query."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Final

from portal.sandbox.errors import SqlRefused
from portal.sandbox.limits import Limits

if TYPE_CHECKING:
    from portal.sandbox.pool import Sandbox
    from warehouse.home import Home

log: Final = logging.getLogger("cellar.sandbox")


LINUX: Final = "linux"
NEEDS_LINUX: Final = "SQL is run in a sandbox that only Linux has; the named queries are answered everywhere"


class PortalSandbox:
    """A sandbox that comes to be when it is needed.

    Args:
        home: the platform.
        limits: what a query may take.
    """

    def __init__(self, home: Home, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._home = home
        self._lock = threading.Lock()
        self._made: Sandbox | None = None
        for warning in _list_warnings():
            log.warning("%s", warning)

    def get(self) -> Sandbox:
        """Return the sandbox, made now unless there is one.

        Raises:
            SqlRefused: the system has no walls that a stranger's SQL could be run behind.
        """
        if sys.platform != LINUX:
            raise SqlRefused(NEEDS_LINUX)
        from portal.sandbox.pool import Sandbox  # noqa: PLC0415 it cannot be loaded elsewhere

        with self._lock:
            if self._made is None:
                self._made = Sandbox(self._home, self.limits)
            return self._made

    def cancel(self, firm: str, query: str) -> bool:
        """Cancel a running query of a firm; says whether there is one."""
        made = self._made
        return made is not None and made.cancel(firm, query)

    def close(self) -> None:
        """End what was made."""
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None


def _list_warnings() -> tuple[str, ...]:
    """Return what walls this machine lacks."""
    if sys.platform != LINUX:
        return (NEEDS_LINUX,)
    from portal.sandbox.walls import find_walls  # noqa: PLC0415 it cannot be loaded elsewhere

    return find_walls().warnings

"""The portal's sandbox: its walls are looked at when the portal starts, its processes are made at the first query."""

from __future__ import annotations

import logging
import threading
from typing import Final

from portal.sandbox.limits import Limits
from portal.sandbox.pool import Sandbox
from portal.sandbox.walls import find_walls
from warehouse.home import Home

log: Final = logging.getLogger("cellar.sandbox")


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
        self._walls = find_walls()
        for warning in self._walls.warnings:
            log.warning("%s", warning)

    def get(self) -> Sandbox:
        """Return the sandbox, made now unless there is one."""
        with self._lock:
            if self._made is None:
                self._made = Sandbox(self._home, self.limits, self._walls)
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

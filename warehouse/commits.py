"""Whether anything was committed to a registry since somebody looked last, told in microseconds.

A question to the registry takes a hundred times as long, and a portal would ask it for each of its answers.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from warehouse.registry import Registry

# Differs between two looks of one connection if any other one, of whichever process, has committed between them.
LOOK: Final = "PRAGMA data_version"
IN_MEMORY: Final = frozenset({None, "", ":memory:"})


class Commits:
    """Looks at a registry's database without asking it anything.

    Args:
        registry: the registry; opened and closed by the caller.
    """

    def __init__(self, registry: Registry) -> None:
        self._lock = threading.Lock()
        told = registry.engine.dialect.name == "sqlite" and registry.url.database not in IN_MEMORY
        # Nothing is ever written through this connection: its own commits it would not tell.
        self._connection = registry.engine.raw_connection() if told else None
        if self._connection is not None:
            # Nobody else is to wait for it.
            self._connection.detach()

    def sign(self) -> int | None:
        """Return a number that is another one after every commit; None where the database tells no such thing.

        What was read of the registry after a look is as it was for as long as later looks return the same.
        """
        with self._lock:
            if self._connection is None:
                return None
            # All rows are fetched, for a statement that is not at its end would keep a reading transaction open.
            return int(self._connection.cursor().execute(LOOK).fetchall()[0][0])

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

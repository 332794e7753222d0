"""Who works on what: leases that a dead owner loses, and fences that keep a late one out.

Every process that writes is a worker with a beat that counts up while it lives. Whether another worker lives is judged
by what we see ourselves: its process on this machine, else its beat, which must move within ``LEASE_SECONDS`` of *our*
monotonic clock. No two machines have to agree on the time of day.

An owner may be paused past its lease and wake up later; it then believes to hold what another has finished. Therefore
each lease has a fence that counts its owners, and a commit checks in its own transaction that the fence still stands.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.errors import LeaseLost, StoreBusy
from warehouse.registry import LEASE, WORKER, Row

if TYPE_CHECKING:
    from warehouse.registry import Registry

log: Final = logging.getLogger("cellar.leases")

LEASE_SECONDS: Final = 30.0
BEAT_SECONDS: Final = 5.0
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
BORN_FIELD: Final = 19


@dataclass(frozen=True)
class Lease:
    """What this process holds, and the fence that it holds it under."""

    name: str
    fence: int


class Leases:
    """The leases of one registry, as one worker sees them.

    Args:
        registry: keeps leases and workers.
        owner: token of this worker, unique for all time.
        seconds: how long another's beat may stand still before it counts as dead.
        clock: our own monotonic clock; given by tests.
    """

    def __init__(
        self,
        registry: Registry,
        owner: str,
        seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.owner: Final = owner
        self._registry = registry
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}
        self._stop = threading.Event()
        self._enlisted = False
        self._looked: float | None = None

    def claim(self, connection: sa.Connection, name: str) -> Lease:
        """Take a lease inside the caller's transaction.

        Raises:
            StoreBusy: a living worker holds it, or it cannot be told yet whether its holder lives.
        """
        self._enlist(connection)
        held = connection.execute(sa.select(LEASE).where(LEASE.c.name == name)).mappings().first()
        if held is not None and held["owner"] not in {None, self.owner} and self._lives(connection, held["owner"]):
            raise StoreBusy(f"{name} is worked on by another process; it is taken up when that one is done or dead")
        lease = Lease(name, held["fence"] + 1 if held is not None else 1)
        self._registry.put(connection, LEASE, {"name": name, "owner": self.owner, "fence": lease.fence})
        return lease

    def check(self, connection: sa.Connection, lease: Lease) -> None:
        """Make sure, inside the committing transaction, that nobody has taken the lease over.

        Raises:
            LeaseLost: somebody has.
        """
        mine = sa.select(LEASE.c.fence).where(LEASE.c.name == lease.name, LEASE.c.owner == self.owner)
        if connection.execute(mine).scalar() != lease.fence:
            raise LeaseLost(f"{lease.name} was taken over by another process; nothing of ours was committed")

    def release(self, connection: sa.Connection, lease: Lease) -> None:
        """Give a lease back in the transaction that ends its work.

        Raises:
            LeaseLost: it is not ours any more.
        """
        self.check(connection, lease)
        connection.execute(sa.delete(LEASE).where(LEASE.c.name == lease.name))

    def note_look(self) -> None:
        """Note that the inboxes were looked into, for those who ask whether they are; told with the next beat."""
        self._looked = time.time()

    def living(self) -> frozenset[str]:
        """Return the workers that live, or may live; ourselves among them."""
        with self._registry.snapshot() as connection:
            owners = connection.execute(sa.select(WORKER.c.owner)).scalars().all()
            return frozenset(owner for owner in owners if self._lives(connection, owner)) | {self.owner}

    def bury_dead(self) -> int:
        """Forget workers that died without saying so, and free what they held. Returns how many."""
        living = self.living()
        with self._registry.write() as connection:
            dead = sa.not_(WORKER.c.owner.in_(living))
            buried = connection.execute(sa.delete(WORKER).where(dead)).rowcount
            connection.execute(sa.update(LEASE).where(sa.not_(LEASE.c.owner.in_(living))).values(owner=None))
        return buried

    def close(self) -> None:
        """Stop beating and leave the list of workers."""
        self._stop.set()
        if not self._enlisted:
            return
        self._enlisted = False
        with self._registry.write() as connection:
            connection.execute(sa.update(LEASE).where(LEASE.c.owner == self.owner).values(owner=None))
            connection.execute(sa.delete(WORKER).where(WORKER.c.owner == self.owner))

    def _enlist(self, connection: sa.Connection) -> None:
        """Enter the list of workers at the first claim; others may have buried us while we were paused."""
        here = sa.select(WORKER.c.beat).where(WORKER.c.owner == self.owner)
        if self._enlisted and connection.execute(here).scalar() is not None:
            return
        self._registry.put(connection, WORKER, {"owner": self.owner, **_describe_process(os.getpid()), "beat": 0})
        if not self._enlisted:
            self._enlisted = True
            threading.Thread(target=self._beat, name="cellar-beat", daemon=True).start()

    def _beat(self) -> None:
        mine = WORKER.c.owner == self.owner
        while not self._stop.wait(BEAT_SECONDS):
            try:
                with self._registry.write() as connection:
                    told = {"beat": WORKER.c.beat + 1, "looked_unix_second": self._looked}
                    connection.execute(sa.update(WORKER).where(mine).values(told))
            except sa.exc.DBAPIError as error:
                # Without beats others will take over, and our commits are refused: late, but not wrong.
                log.info("the beat was not written: %s", error)

    def _lives(self, connection: sa.Connection, owner: str) -> bool:
        found = connection.execute(sa.select(WORKER).where(WORKER.c.owner == owner)).mappings().first()
        if found is None:
            return False
        worker: Row = dict(found)
        here = _describe_process(worker["pid"])
        if worker["host"] == here["host"] and worker["born"] != here["born"]:
            return False
        beat, since = self._seen.get(owner, (None, 0.0))
        if beat != worker["beat"]:
            self._seen[owner] = (worker["beat"], self._clock())
            return True
        return self._clock() - since < self._seconds


def _describe_process(pid: int) -> Row:
    """Say which process this is: the machine since its last start, the number, and when it was born."""
    host = socket.gethostname()
    try:
        host = f"{host} {BOOT_ID.read_text().strip()}"
        # The name in parentheses may hold blanks; what follows it does not.
        born = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[BORN_FIELD]
    except OSError:
        # No such process, or no /proc on this system: then the beat alone decides.
        born = "" if BOOT_ID.exists() else "unknown"
    return {"host": host, "pid": pid, "born": born}

"""Whether a platform is well: its registry, its disk, its service, the last look into the inboxes, the last night."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.errors import CellarError
from warehouse.nights import begin_of_last, is_night_overdue, last_night
from warehouse.registry import LEASE, TEST, WORKER, Row

if TYPE_CHECKING:
    from warehouse.home import Home

SERVICE: Final = "service"
NIGHT: Final = "night"
# A look comes every few seconds, and after every file; a very large file takes this long.
LOOK_SECONDS: Final = 900.0
# A night begins at two, and takes its time.
GRACE: Final = timedelta(hours=3)
GIGABYTE: Final = 1e9


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: whether it is well, what is said of it, and since when it is so."""

    name: str
    sound: bool
    says: str
    at_unix_second: float | None = None


def check_health(home: Home, now: datetime) -> list[Check]:
    """Look at everything; what cannot be looked at is not well.

    Args:
        home: the platform.
        now: the moment, with a zone.
    """
    checks = [_check_disk(home)]
    try:
        home.registry.rows(sa.select(TEST.c.test_id).limit(1))
        checks.append(Check("registry", sound=True, says=home.registry.engine.dialect.name))
        checks += _check_service(home, now)
        checks.append(_check_night(home, now))
    except (CellarError, sa.exc.SQLAlchemyError) as error:
        checks.append(Check("registry", sound=False, says=f"{type(error).__name__}: {error}"))
    return checks


def _check_disk(home: Home) -> Check:
    disk = shutil.disk_usage(home.folder)
    sound = disk.free >= home.recipe.alerts.disk_free_part * disk.total
    return Check("disk", sound, f"{disk.free / GIGABYTE:.1f} of {disk.total / GIGABYTE:.1f} GB are free")


def _check_service(home: Home, now: datetime) -> Iterator[Check]:
    """Yield whether the service lives, and when it, or a plain watcher, last looked."""
    workers = {
        row["owner"]: row for row in home.registry.rows(sa.select(WORKER)) if row["owner"] in home.leases.living()
    }
    holder = _holder(home, SERVICE)
    if holder in workers:
        row = workers[holder]
        yield Check(SERVICE, sound=True, says=f"process {row['pid']} on {row['host'].split()[0]}")
    else:
        yield Check(SERVICE, sound=False, says="no service runs; 'cellar serve' is one")
    yield _check_look(list(workers.values()), now)


def _check_look(workers: list[Row], now: datetime) -> Check:
    looked = max((row["looked_unix_second"] or 0.0 for row in workers), default=0.0)
    if not looked:
        return Check("look", sound=False, says="nobody has looked into the inboxes")
    age = now.timestamp() - looked
    return Check("look", age <= LOOK_SECONDS, f"{age:.0f} s ago", looked)


def _check_night(home: Home, now: datetime) -> Check:
    record, began = last_night(home), begin_of_last(home)
    if _holder(home, NIGHT) in home.leases.living():
        return Check(NIGHT, sound=True, says="one runs", at_unix_second=began)
    if is_night_overdue(home, now - GRACE):
        last = (
            f"the last one began {datetime.fromtimestamp(began, UTC):%Y-%m-%d %H:%M} UTC" if began else "none ran yet"
        )
        return Check(NIGHT, sound=False, says=f"one is overdue; {last}", at_unix_second=began)
    failed = record["failed"] if record else []
    told = f"night of {record['date']}" if record else "none was due yet"
    return Check(NIGHT, not failed, told + (f"; failed: {', '.join(failed)}" if failed else ""), began)


def _holder(home: Home, lease: str) -> str | None:
    row = home.registry.row(LEASE, name=lease)
    return row["owner"] if row else None

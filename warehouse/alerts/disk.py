"""A disk that fills: too little of it is free, or it will be full soon if it goes on as in the last thirty days."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from warehouse.alerts.recipe import AlertsRecipe
from warehouse.alerts.sign import Sign
from warehouse.registry import SOURCE_FILE, STORED_FILE

if TYPE_CHECKING:
    from warehouse.home import Home

DAYS: Final = 30
DAY_SECONDS: Final = 86_400.0


def find_filling(home: Home, now: float, recipe: AlertsRecipe) -> Iterator[Sign]:
    """Yield the sign of a home whose disk fills.

    Args:
        home: the platform.
        now: the night's moment, seconds since 1970.
        recipe: thresholds.
    """
    disk = measure_disk(home, now)
    days = disk["days_left"]
    # A large disk may fill fast, and a small one be full though nothing comes.
    scarce = disk["free_bytes"] < recipe.disk_free_part * disk["total_bytes"]
    if scarce or (days is not None and days < recipe.disk_days):
        yield Sign("disk_filling", str(home.folder), None, disk)


def measure_disk(home: Home, now: float) -> dict[str, Any]:
    """Return ``free_bytes, total_bytes, daily_bytes, days_left`` of a home's disk; the last is None while none comes.

    Args:
        home: the platform.
        now: the moment, seconds since 1970.
    """
    disk = shutil.disk_usage(home.folder)
    daily = _measure_growth(home, now)
    days = disk.free / daily if daily else None
    return {"free_bytes": disk.free, "total_bytes": disk.total, "daily_bytes": daily, "days_left": days}


def _measure_growth(home: Home, now: float) -> float:
    """Return the bytes that a day adds: what was dropped, and what its tables take in proportion."""
    recent = SOURCE_FILE.c.first_seen_unix_second > now - DAYS * DAY_SECONDS
    dropped, fresh, stored = (
        home.registry.rows(sa.select(sa.func.coalesce(sa.func.sum(column), 0).label("bytes")).where(*where))[0]["bytes"]
        for column, where in (
            (SOURCE_FILE.c.size, ()),
            (SOURCE_FILE.c.size, (recent,)),
            (STORED_FILE.c.size, (STORED_FILE.c.current,)),
        )
    )
    return float(fresh) * (1 + float(stored) / float(dropped)) / DAYS if dropped else 0.0

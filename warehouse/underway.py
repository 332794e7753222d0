"""What is on its way: sources that are read at this moment, how long such a reading takes, whether anybody looks."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import PurePath
from statistics import median
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.health import SERVICE
from warehouse.registry import LEASE, RECEIPT, SOURCE_FILE, WORKER, Row

if TYPE_CHECKING:
    from warehouse.home import Home

REMEMBERED: Final = 400
# A watcher that has not looked for so long does not look.
STALE_SECONDS: Final = 120.0


def sources_underway(home: Home) -> list[Row]:
    """Return the sources that are worked on, oldest first; ``alive`` tells whether whoever does so lives."""
    query = sa.select(SOURCE_FILE).where(SOURCE_FILE.c.state == "in_progress")
    found = home.registry.rows(query.order_by(SOURCE_FILE.c.updated_unix_second))
    if not found:
        return []
    holders = {row["name"]: row["owner"] for row in home.registry.rows(sa.select(LEASE.c.name, LEASE.c.owner))}
    living = home.leases.living()
    return [{**row, "alive": holders.get(f"source:{row['sha256']}") in living} for row in found]


def measure_speeds(home: Home) -> dict[str, float]:
    """Return how many seconds a byte takes from begin to receipt, by the ending of the name; medians of the newest."""
    joined = sa.join(RECEIPT, SOURCE_FILE, RECEIPT.c.sha256 == SOURCE_FILE.c.sha256)
    newest = sa.select(RECEIPT.c.path, RECEIPT.c.record, SOURCE_FILE.c.size).select_from(joined)
    newest = newest.where(RECEIPT.c.state == "committed", SOURCE_FILE.c.size > 0)
    by_ending: dict[str, list[float]] = defaultdict(list)
    for row in home.registry.rows(newest.order_by(RECEIPT.c.receipt_id.desc()).limit(REMEMBERED)):
        by_ending[ending_of(row["path"])].append(json.loads(row["record"])["seconds"] / row["size"])
    return {ending: median(speeds) for ending, speeds in by_ending.items()}


def ending_of(shown: str) -> str:
    """Return the ending of a dropped file's name, in small letters."""
    return PurePath(shown.rpartition("!")[2]).suffix.lower()


def is_watched(home: Home, now: float) -> bool:
    """Say whether anybody looks into the inboxes: the service lives, or a plain watcher looked a moment ago."""
    living = home.leases.living()
    service = home.registry.row(LEASE, name=SERVICE)
    if service is not None and service["owner"] in living:
        return True
    rows = home.registry.rows(sa.select(WORKER.c.owner, WORKER.c.looked_unix_second))
    looks = (row["looked_unix_second"] or 0.0 for row in rows if row["owner"] in living)
    return now - max(looks, default=0.0) < STALE_SECONDS

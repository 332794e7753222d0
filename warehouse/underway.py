"""What is on its way: sources that are being read at this moment, how long such a reading takes, who looks for more."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import PurePath
from statistics import median
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.registry import LEASE, RECEIPT, SOURCE_FILE, WORKER, Row

if TYPE_CHECKING:
    from warehouse.home import Home

REMEMBERED: Final = 400


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


def last_look(home: Home) -> float | None:
    """Return when a living process last looked into the inboxes, in seconds since 1970; None where none does."""
    living = home.leases.living()
    rows = home.registry.rows(sa.select(WORKER.c.owner, WORKER.c.looked_unix_second))
    looks = [row["looked_unix_second"] for row in rows if row["owner"] in living and row["looked_unix_second"]]
    return max(looks, default=None)

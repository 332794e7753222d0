"""The night: compact what changed, refresh summaries, say what was done and what was skipped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from flows.receipts import prune_receipt_files
from flows.watch import recover
from warehouse.errors import LeaseLost
from warehouse.home import Home
from warehouse.marts import Compaction, compact_firm, remove_retired, store_answer
from warehouse.publish import merge_grown
from warehouse.registry import NIGHT, TEST
from warehouse.schema import ANSWERS
from warehouse.verify import remove_leftovers

NightRecord = dict[str, Any]


def run_night(home: Home, day: date | None = None) -> NightRecord:
    """Run the nightly aggregation; a second run on unchanged data writes nothing.

    Args:
        home: the platform.
        day: the date that the night stands for; today in the site's zone by default.

    Returns:
        What was done: per firm and table the action, its reason, tests and rows, and the durations.

    Raises:
        StoreBusy: another process runs a night.
    """
    started = time.time()
    stands_for = day or datetime.now(home.settings.zone_info).date()
    with the_only_night(home):
        finished = recover(home)
        leftovers = remove_leftovers(home)
        merged = merge_grown(home)
        done = [step for firm in _firms(home) for step in _serve_firm(home, firm)]
        removed = remove_retired(home)
        prune_receipt_files(home)
    record = {
        "date": stands_for.isoformat(),
        "done": [asdict(step) for step in done],
        "made": sum(step.action == "made" for step in done),
        "skipped": sum(step.action == "skipped" for step in done),
        "finished": len(finished),
        "merged": len(merged),
        "files_removed": removed + leftovers,
        "seconds": round(time.time() - started, 3),
    }
    _keep_record(home, record, started)
    return record


@contextmanager
def the_only_night(home: Home) -> Iterator[None]:
    """Hold the night's lease: two at once would do the same work twice.

    Raises:
        StoreBusy: another process runs a night.
    """
    with home.registry.write() as connection:
        lease = home.leases.claim(connection, "night")
    try:
        yield
    finally:
        with suppress(LeaseLost), home.registry.write() as connection:
            home.leases.release(connection, lease)


def _serve_firm(home: Home, firm: str) -> list[Compaction]:
    done = compact_firm(home, firm)
    # Unassigned tests have no firm that could ask.
    return [*done, *(store_answer(home, firm, table) for table in ANSWERS)] if firm else done


def _firms(home: Home) -> list[str]:
    rows = home.registry.rows(sa.select(TEST.c.firm).distinct())
    return sorted(row["firm"] or "" for row in rows)


def _keep_record(home: Home, record: NightRecord, started: float) -> None:
    row = {
        "night_id": f"{record['date']}-{int(started * 1000)}",
        "date": record["date"],
        "record": json.dumps(record, ensure_ascii=False),
        "started_unix_second": started,
        "ended_unix_second": time.time(),
    }
    with home.registry.write() as connection:
        home.registry.put(connection, NIGHT, row)

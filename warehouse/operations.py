"""What operators look at: nights, the disk, the platform's months, alerts of no firm, and what re-reads changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from warehouse.registry import ALERT, NIGHT, PLATFORM_MONTH, RECEIPT, SOURCE_FILE, STORED_FILE, TEST, Row

if TYPE_CHECKING:
    from warehouse.home import Home


def list_nights(home: Home, limit: int) -> list[Row]:
    """Return the newest nights, newest first, each row with its ``record`` opened."""
    rows = home.registry.rows(sa.select(NIGHT).order_by(NIGHT.c.started_unix_second.desc()).limit(limit))
    return [{**row, "record": json.loads(row["record"])} for row in rows]


def find_night(home: Home, night_id: str) -> Row | None:
    """Return one night with its ``record`` opened, or None."""
    row = home.registry.row(NIGHT, night_id=night_id)
    return None if row is None else {**row, "record": json.loads(row["record"])}


def list_months(home: Home) -> list[Row]:
    """Return what the platform did in each month, newest first, as of the last night."""
    return home.registry.rows(sa.select(PLATFORM_MONTH).order_by(PLATFORM_MONTH.c.month.desc()))


def open_alerts_of_platform(home: Home) -> list[Row]:
    """Return the open alerts that are of no firm: of the disk and the instruments."""
    mine = ALERT.c.firm.is_(None), ALERT.c.state == "open"
    return home.registry.rows(sa.select(ALERT).where(*mine).order_by(ALERT.c.first_seen_date.desc()))


def count_bytes(home: Home) -> dict[str, int]:
    """Return the bytes of what is kept: ``sources`` as they were dropped, and the stored files of each table."""
    dropped = sa.select(sa.func.coalesce(sa.func.sum(SOURCE_FILE.c.size), 0).label("bytes"))
    size = sa.func.sum(STORED_FILE.c.size).label("bytes")
    stored = sa.select(STORED_FILE.c.table_name, size).where(STORED_FILE.c.current)
    rows = home.registry.rows(stored.group_by(STORED_FILE.c.table_name).order_by(size.desc()))
    first = {"sources": int(home.registry.rows(dropped)[0]["bytes"])}
    return first | {row["table_name"]: int(row["bytes"]) for row in rows}


def count_tests_by_reader(home: Home) -> dict[tuple[str, int], int]:
    """Return how many tests each version of each format's reader read."""
    group = (TEST.c.format, TEST.c.reader_version)
    rows = home.registry.rows(sa.select(*group, sa.func.count().label("tests")).group_by(*group))
    return {(row["format"], row["reader_version"]): row["tests"] for row in rows}


def list_rereads(home: Home, limit: int) -> list[dict[str, Any]]:
    """Return the newest receipts of tests that were read again by a newer reader, each with its ``difference``."""
    query = sa.select(RECEIPT).where(RECEIPT.c.record.contains('"difference"', autoescape=True))
    # Only receipts of a backfill have this key; a sentence may name it too.
    rows = home.registry.rows(query.order_by(RECEIPT.c.receipt_id.desc()).limit(limit))
    receipts = [{**json.loads(row["record"]), "at_unix_second": row["at_unix_second"]} for row in rows]
    return [receipt for receipt in receipts if "difference" in receipt]

"""The ledger of drops: every content ever seen, its fate, and a receipt for every drop."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from warehouse.registry import RECEIPT, SOURCE_FILE, Row
from warehouse.schema import SOURCE_STATES

if TYPE_CHECKING:
    from warehouse.home import Home
    from warehouse.publish import Owner

FINAL: Final = frozenset(SOURCE_STATES) - {"in_progress"}
NEWEST_RECEIPTS: Final = 20


def find_source(home: Home, sha256: str) -> Row | None:
    """Return what is known of these bytes, or None."""
    return home.registry.row(SOURCE_FILE, sha256=sha256)


def begin_source(home: Home, sha256: str, size: int, shown: str, wish: Owner) -> None:
    """Record that these bytes were captured and are being worked on, for the owner that was named."""
    now = time.time()
    row: Row = {column.name: None for column in SOURCE_FILE.columns}
    row |= {"sha256": sha256, "path": shown, "size": size, "state": "in_progress"}
    row |= {"firm": wish.firm, "cell_id": wish.cell_id}
    row |= {"first_seen_unix_second": now, "updated_unix_second": now}
    with home.registry.write() as connection:
        home.registry.put(connection, SOURCE_FILE, row)


def end_source(connection: sa.Connection, sha256: str, **fate: object) -> None:
    """Record the fate of a source inside the caller's transaction: state, format, kind, test, reason."""
    connection.execute(
        sa.update(SOURCE_FILE).where(SOURCE_FILE.c.sha256 == sha256).values(updated_unix_second=time.time(), **fate)
    )


def write_receipt(connection: sa.Connection, record: dict[str, Any]) -> None:
    """Keep a receipt inside the caller's transaction."""
    connection.execute(
        sa.insert(RECEIPT).values(
            path=record["path"],
            sha256=record["sha256"],
            state=record["state"],
            record=json.dumps(record, ensure_ascii=False),
            at_unix_second=time.time(),
        )
    )


def count_states(home: Home) -> dict[str, int]:
    """Count what was seen by state; ``seen`` is the sum of the rest.

    Each content counts once under its fate, and each further drop of known bytes as a ``duplicate``.
    """
    by_state = sa.select(SOURCE_FILE.c.state, sa.func.count().label("n")).group_by(SOURCE_FILE.c.state)
    counts = dict.fromkeys(SOURCE_STATES, 0) | {row["state"]: row["n"] for row in home.registry.rows(by_state)}
    again = sa.select(sa.func.count().label("n")).select_from(RECEIPT).where(RECEIPT.c.state == "duplicate")
    counts["duplicate"] += home.registry.rows(again)[0]["n"]
    return {"seen": sum(counts.values()), **counts}


def newest_receipts(home: Home, limit: int = NEWEST_RECEIPTS) -> list[dict[str, Any]]:
    """Return the newest receipts, newest first."""
    rows = home.registry.rows(sa.select(RECEIPT).order_by(RECEIPT.c.receipt_id.desc()).limit(limit))
    return [{**json.loads(row["record"]), "at_unix_second": row["at_unix_second"]} for row in rows]


def list_quarantine(home: Home) -> list[Row]:
    """Return every source that waits in quarantine, oldest first."""
    query = sa.select(SOURCE_FILE).where(SOURCE_FILE.c.state == "quarantined")
    return home.registry.rows(query.order_by(SOURCE_FILE.c.first_seen_unix_second))

"""The ledger of drops: every content ever seen, its fate, and a receipt for every drop."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from warehouse.errors import Outdated, UsageError
from warehouse.registry import RECEIPT, SOURCE_FILE, TEST, Row
from warehouse.schema import SOURCE_STATES

if TYPE_CHECKING:
    from warehouse.archive import Capture
    from warehouse.errors import QuarantineError
    from warehouse.home import Home
    from warehouse.leases import Lease
    from warehouse.publish import Owner

FINAL: Final = frozenset(SOURCE_STATES) - {"in_progress"}
NEWEST_RECEIPTS: Final = 20
UNREAD: Final = "unread-"
PLACES: Final = {"quarantined": "in quarantine", "ignored": "set aside"}
HASH_BEGINNING: Final = f"({UNREAD})?[0-9a-f]{{6,64}}"


def find_source(home: Home, sha256: str) -> Row | None:
    """Return what is known of these bytes, or None."""
    return home.registry.row(SOURCE_FILE, sha256=sha256)


def begin_source(home: Home, captured: Capture, shown: str, wish: Owner, known: str | None = None) -> Lease:
    """Record that captured bytes are worked on by us, for the owner that was named; returns the lease on them.

    Args:
        home: the platform.
        captured: the bytes.
        shown: their path as the user knows it.
        wish: the owner that was named.
        known: the final state that they had when it was decided to take them again, if any.

    Raises:
        StoreBusy: another process works on them.
        Outdated: another process was done with them a moment ago.
    """
    now = time.time()
    row: Row = {column.name: None for column in SOURCE_FILE.columns}
    row |= {"sha256": captured.sha256, "path": shown, "size": captured.size, "state": "in_progress"}
    row |= {"head_sha256": captured.head_sha256, "firm": wish.firm, "cell_id": wish.cell_id}
    row |= {"first_seen_unix_second": now, "updated_unix_second": now}
    with home.registry.write() as connection:
        lease = home.leases.claim(connection, f"source:{captured.sha256}")
        here = SOURCE_FILE.c.sha256 == captured.sha256
        state = connection.execute(sa.select(SOURCE_FILE.c.state).where(here)).scalar()
        if state in FINAL and state != known:
            raise Outdated(f"{shown} was taken in by another process a moment ago: {state}")
        # Whoever had read it and died has not checked it: it is read again.
        again = {"format": None} if state == "in_progress" else {}
        if not connection.execute(sa.update(SOURCE_FILE).where(here).values(updated_unix_second=now, **again)).rowcount:
            connection.execute(sa.insert(SOURCE_FILE).values(row))
    return lease


def note_read(connection: sa.Connection, sha256: str, format_name: str) -> None:
    """Record inside the caller's transaction that a source in progress was read, by which format, and is checked."""
    reading = SOURCE_FILE.c.sha256 == sha256, SOURCE_FILE.c.state == "in_progress"
    connection.execute(sa.update(SOURCE_FILE).where(*reading).values(format=format_name))


def end_source(connection: sa.Connection, sha256: str, **fate: object) -> None:
    """Record the fate of a source inside the caller's transaction: state, format, kind, test, reason."""
    connection.execute(
        sa.update(SOURCE_FILE).where(SOURCE_FILE.c.sha256 == sha256).values(updated_unix_second=time.time(), **fate)
    )


def supersede_source(connection: sa.Connection, sha256: str) -> None:
    """Record inside the caller's transaction that a source in quarantine is settled by a later one."""
    waiting = SOURCE_FILE.c.sha256 == sha256, SOURCE_FILE.c.state == "quarantined"
    connection.execute(
        sa.update(SOURCE_FILE).where(*waiting).values(state="superseded", updated_unix_second=time.time())
    )


def supersede_refused(connection: sa.Connection, shown: str) -> None:
    """Record inside the caller's transaction that a good file at a path settles those that were refused there."""
    waiting = SOURCE_FILE.c.path == shown, SOURCE_FILE.c.state == "quarantined"
    connection.execute(
        sa.update(SOURCE_FILE).where(*waiting).values(state="superseded", updated_unix_second=time.time())
    )


def supersede_versions(connection: sa.Connection, test_id: str, newest: str) -> None:
    """Record inside the caller's transaction that one source stands for all earlier ones of a test."""
    earlier = (
        SOURCE_FILE.c.test_id == test_id,
        SOURCE_FILE.c.sha256 != newest,
        SOURCE_FILE.c.state.in_(["committed", "unchanged"]),
    )
    connection.execute(
        sa.update(SOURCE_FILE).where(*earlier).values(state="superseded", updated_unix_second=time.time())
    )


def refuse_unread(home: Home, connection: sa.Connection, shown: str, error: QuarantineError) -> None:
    """Record inside the caller's transaction a drop whose bytes could not be read; its path stands for its hash.

    One that a person has set aside stays so, and one that waits already goes on waiting.
    """
    now = time.time()
    here = sa.select(SOURCE_FILE).where(SOURCE_FILE.c.sha256 == name_unread(shown))
    known = connection.execute(here).mappings().first()
    if known is not None and known["reason_code"] == "set_aside":
        return
    since = known["first_seen_unix_second"] if known is not None and known["state"] == "quarantined" else now
    row: Row = {column.name: None for column in SOURCE_FILE.columns}
    row |= {"sha256": name_unread(shown), "path": shown, "state": "quarantined"}
    row |= {"reason_code": error.code, "reason_detail": error.detail, "reason_where": error.where}
    row |= {"first_seen_unix_second": since, "updated_unix_second": now}
    home.registry.put(connection, SOURCE_FILE, row)


def name_unread(shown: str) -> str:
    """Return what stands for the hash of a drop whose bytes could not be read."""
    return f"{UNREAD}{hashlib.sha256(shown.encode()).hexdigest()}"


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
    return [_open_receipt(row) for row in rows]


def receipts_before(home: Home, limit: int, before: int | None = None, *states: str) -> list[dict[str, Any]]:
    """Return receipts, newest first.

    Args:
        home: the platform.
        limit: how many.
        before: only those with a smaller number.
        states: only these states; all without.
    """
    query = sa.select(RECEIPT).order_by(RECEIPT.c.receipt_id.desc()).limit(limit)
    if before is not None:
        query = query.where(RECEIPT.c.receipt_id < before)
    if states:
        query = query.where(RECEIPT.c.state.in_(states))
    return [_open_receipt(row) for row in home.registry.rows(query)]


def receipts_of(home: Home, path_or_sha256: str) -> list[dict[str, Any]]:
    """Return the receipts of one file, newest first.

    Args:
        home: the platform.
        path_or_sha256: its path, the end of its path, or its hash or the beginning of that.
    """
    if re.fullmatch(HASH_BEGINNING, path_or_sha256.lower()):
        found = _receipts_where(home, RECEIPT.c.sha256.startswith(path_or_sha256.lower()))
        if found:
            return found
    absolute = str(Path(path_or_sha256).absolute())
    exact = _receipts_where(home, RECEIPT.c.path.in_([path_or_sha256, absolute]))
    ends = (RECEIPT.c.path.endswith(mark + path_or_sha256, autoescape=True) for mark in "/\\!")
    return exact or _receipts_where(home, sa.or_(*ends))


def receipts_of_source(home: Home, source: Row) -> list[dict[str, Any]]:
    """Return all receipts of one content, newest first; of what could not be read, those of its path."""
    if source["sha256"].startswith(UNREAD):
        return _receipts_where(home, RECEIPT.c.path == source["path"], RECEIPT.c.sha256 == "")
    return _receipts_where(home, RECEIPT.c.sha256 == source["sha256"])


def receipts_after(home: Home, receipt_id: int) -> list[dict[str, Any]]:
    """Return the receipts that came after one, oldest first."""
    rows = home.registry.rows(
        sa.select(RECEIPT).where(RECEIPT.c.receipt_id > receipt_id).order_by(RECEIPT.c.receipt_id)
    )
    return [_open_receipt(row) for row in rows]


def _receipts_where(home: Home, *conditions: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    rows = home.registry.rows(sa.select(RECEIPT).where(*conditions).order_by(RECEIPT.c.receipt_id.desc()))
    return [_open_receipt(row) for row in rows]


def _open_receipt(row: Row) -> dict[str, Any]:
    return {**json.loads(row["record"]), "receipt_id": row["receipt_id"], "at_unix_second": row["at_unix_second"]}


def find_by_hash(home: Home, beginning: str, *states: str) -> Row:
    """Return the one source in one of these states whose hash begins so.

    Raises:
        UsageError: there is none, or more than one.
    """
    conditions = SOURCE_FILE.c.state.in_(states), SOURCE_FILE.c.sha256.startswith(beginning.lower(), autoescape=True)
    found = home.registry.rows(sa.select(SOURCE_FILE).where(*conditions))
    if len(found) != 1:
        where = " or ".join(PLACES[state] for state in states)
        raise UsageError(f"{len(found)} sources {where} begin with {beginning!r}")
    return found[0]


def find_test(home: Home, name: str) -> str | None:
    """Return the test with this name, or the one that the rows of a source went to whose hash begins so, or None.

    Raises:
        UsageError: several sources begin so, or the one that does waits in quarantine.
    """
    if home.registry.row(TEST, test_id=name) is not None:
        return name
    if not re.fullmatch(HASH_BEGINNING, name.lower()):
        return None
    found = home.registry.rows(sa.select(SOURCE_FILE).where(SOURCE_FILE.c.sha256.startswith(name.lower())))
    if len(found) > 1:
        raise UsageError(f"{len(found)} sources begin with {name!r}")
    if found and found[0]["state"] == "quarantined":
        raise UsageError(f"{name!r} waits in quarantine; use 'cellar quarantine assign'")
    return found[0]["test_id"] if found else None


def list_quarantine(home: Home) -> list[Row]:
    """Return every source that waits in quarantine, oldest first."""
    query = sa.select(SOURCE_FILE).where(SOURCE_FILE.c.state == "quarantined")
    return home.registry.rows(query.order_by(SOURCE_FILE.c.first_seen_unix_second))


def receipts_of_firm(home: Home, firm: str, limit: int, after: int | None = None) -> list[dict[str, Any]]:
    """Return receipts that a firm may read: of files whose rows went into tests that are its own now.

    A file that was known already is left out: its path may be another firm's, who dropped the same bytes.

    Args:
        home: the platform.
        firm: code of the firm.
        limit: how many.
        after: only those with a larger number, oldest first; the newest first by default.
    """
    order = RECEIPT.c.receipt_id.desc() if after is None else RECEIPT.c.receipt_id
    query = (
        sa.select(RECEIPT)
        .join(SOURCE_FILE, SOURCE_FILE.c.sha256 == RECEIPT.c.sha256)
        .join(TEST, TEST.c.test_id == SOURCE_FILE.c.test_id)
        .where(TEST.c.firm == firm, RECEIPT.c.state == "committed", RECEIPT.c.receipt_id > (after or 0))
    )
    found = (_open_receipt(row) for row in home.registry.rows(query.order_by(order)))
    mine = [receipt for receipt in found if receipt["firm"] == firm]
    return mine[:limit]


def list_firm_tests(
    home: Home,
    firm: str,
    columns: Sequence[str],
    *,
    cell: str | None = None,
    test: str | None = None,
    after: float | None = None,
    most: int | None = None,
) -> list[Row]:
    """Return a firm's tests, newest commit first, each with the ``path`` of the file that it was read from.

    Args:
        home: the platform.
        firm: code of the firm.
        columns: these of ``schema.TEST``.
        cell: only those of this cell; a test without one stands for a cell of its own name.
        test: only this one.
        after: only those committed later, Unix time in s; all by default.
        most: how many; all by default.
    """
    named = [TEST.c.test_id == test] if test else []
    named += [sa.func.coalesce(TEST.c.cell_id, TEST.c.test_id) == cell] if cell else []
    listed = (
        sa.select(*(TEST.c[name] for name in columns), SOURCE_FILE.c.path)
        .join(SOURCE_FILE, SOURCE_FILE.c.sha256 == TEST.c.source_sha256, isouter=True)
        .where(*_committed(firm, after), *named)
        .order_by(TEST.c.committed_unix_second.desc(), TEST.c.test_id)
        .limit(most)
    )
    return home.registry.rows(listed)


def count_tests(home: Home, firm: str, *, after: float | None = None, unassigned: bool = False) -> int:
    """Return how many tests a firm has: those committed after a time, or those without a cell, or all."""
    without = [TEST.c.cell_id.is_(None)] if unassigned else []
    counted = sa.select(sa.func.count().label("number")).where(*_committed(firm, after), *without)
    return int(home.registry.rows(counted)[0]["number"])


def _committed(firm: str, after: float | None) -> list[sa.ColumnElement[bool]]:
    return [TEST.c.firm == firm, *([] if after is None else [TEST.c.committed_unix_second > after])]

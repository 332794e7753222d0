"""What a technician decides about a source in quarantine: try again, read as, whose it is, needs no action."""

from __future__ import annotations

import sqlalchemy as sa

from flows.accounts import Receipt, blank_receipt
from flows.described import formats_of
from flows.ingest import retry_source
from warehouse.errors import StoreBusy, UsageError
from warehouse.home import Home
from warehouse.publish import Owner
from warehouse.registry import SOURCE_FILE, Row
from warehouse.sentences import explain
from warehouse.sources import UNREAD, end_source, write_receipt


def retry_all(home: Home, sources: list[Row]) -> list[Receipt]:
    """Read sources again; what could never be read at all has nothing to be read from and is left out.

    Raises:
        StoreBusy: others work on some of them; the rest was read before this is raised.
    """
    receipts = []
    busy: StoreBusy | None = None
    for source in sources:
        if source["sha256"].startswith(UNREAD):
            continue
        try:
            receipts.append(retry_source(home, source["sha256"]))
        except StoreBusy as error:
            busy = error
    if busy is not None:
        raise busy
    return receipts


def read_source_as(home: Home, source: Row, format_name: str) -> Receipt:
    """Read a source with the named format, now and whenever it is read again, whatever its content says.

    Raises:
        UsageError: there is no such format, or there are no bytes to read.
    """
    if format_name not in formats_of(home):
        raise UsageError(f"there is no format {format_name!r}; 'cellar formats' lists them")
    return _decide(home, source, read_as=format_name)


def assign_source(home: Home, source: Row, owner: Owner) -> Receipt:
    """Say whose a source is, whatever its signs say, and read it again.

    Raises:
        UsageError: there are no bytes to read.
    """
    return _decide(home, source, firm=owner.firm, cell_id=owner.cell_id)


def release_source(home: Home, source: Row, note: str = "") -> Receipt:
    """Set a source aside for good: it stays in the archive and leaves the work list.

    Args:
        home: the platform.
        source: a source in quarantine.
        note: who decided so, or why.
    """
    receipt = blank_receipt(source["path"], _hash_of(source), "ignored")
    receipt |= {"format": source["format"], "kind": source["kind"], "reason": explain("set_aside", note)}
    fate = {"reason_code": "set_aside", "reason_detail": note or None, "reason_where": None}
    with home.registry.write() as connection:
        _refuse_changed(connection, source)
        end_source(connection, source["sha256"], state="ignored", **fate)
        write_receipt(connection, receipt)
    return receipt


def undo_release(home: Home, source: Row) -> Receipt | None:
    """Put a source back on the work list and judge it again; returns None where there are no bytes to judge.

    Raises:
        UsageError: it was not set aside by anyone.
    """
    if source["reason_code"] != "set_aside":
        raise UsageError(f"{source['sha256']} was not set aside by anyone")
    unread = source["sha256"].startswith(UNREAD)
    # The old reason is gone from the row; what can be read finds its own again at once.
    code = "cannot_open" if unread else "unreadable"
    with home.registry.write() as connection:
        _refuse_changed(connection, source)
        end_source(connection, source["sha256"], state="quarantined", reason_code=code, reason_detail=None)
    return None if unread else retry_source(home, source["sha256"])


def _decide(home: Home, source: Row, **decision: str | None) -> Receipt:
    """Keep a decision in the ledger, so that a killed retry and every later reading know it, and read again."""
    if source["sha256"].startswith(UNREAD):
        raise UsageError(f"{source['path']} could not be read, so there is nothing to read again; drop it once more")
    with home.registry.write() as connection:
        _refuse_changed(connection, source)
        mine = SOURCE_FILE.c.sha256 == source["sha256"]
        connection.execute(sa.update(SOURCE_FILE).where(mine).values(**decision))
    return retry_source(home, source["sha256"])


def _refuse_changed(connection: sa.Connection, source: Row) -> None:
    state = sa.select(SOURCE_FILE.c.state).where(SOURCE_FILE.c.sha256 == source["sha256"])
    if connection.execute(state).scalar() != source["state"]:
        raise UsageError(f"{source['sha256']} is not {source['state']} any more")


def _hash_of(source: Row) -> str:
    # Receipts say nothing where there is no hash; only the ledger needs a key.
    return "" if source["sha256"].startswith(UNREAD) else str(source["sha256"])

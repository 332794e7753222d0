"""The log of what was asked and done: rows that are only ever added, each with the hash of the one before.

Whoever changes, removes or inserts a row breaks the chain behind it, and ``cellar verify`` says where. That the end was
not cut off shows against the number and hash of the newest row as somebody noted them, and against the journal of the
registry, which holds every row once more.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from warehouse.registry import AUDIT, Row

if TYPE_CHECKING:
    from warehouse.home import Home

BEGIN: Final = "0" * 64
HASHED: Final = ("number", "at_unix_second", "name", "role", "firm", "action", "subject", "detail", "previous_sha256")
# Stands for all firms at once; no firm's code can be this.
EVERY: Final = "*"
LONGEST_TEXT: Final = 500
CHUNK: Final = 5_000


@dataclass(frozen=True)
class Event:
    """Something that was done: by whom, what, to what, and which firm it concerns."""

    name: str
    role: str
    action: str
    subject: str
    firm: str | None = None
    detail: Mapping[str, Any] | None = None
    at_unix_second: float | None = None


@dataclass(frozen=True)
class Chain:
    """What checking the log found: how many rows, the hash of the newest, and the first number that does not fit."""

    rows: int
    head_sha256: str
    broken_at: int | None = None


def record(connection: sa.Connection, *events: Event) -> None:
    """Add rows inside the caller's transaction, in their order.

    The registry has one writer at a time, so the newest row stays the newest until the transaction ends.
    """
    newest = connection.execute(sa.select(AUDIT).order_by(AUDIT.c.number.desc()).limit(1)).mappings().first()
    number, previous = (newest["number"], newest["sha256"]) if newest else (0, BEGIN)
    rows: list[Row] = []
    for event in events:
        number += 1
        rows.append(_make_row(event, number, previous))
        previous = rows[-1]["sha256"]
    # A portal writes hundreds at once: a statement for each would take half a second from those who ask.
    if rows:
        connection.execute(sa.insert(AUDIT), rows)


def list_audit(home: Home, firm: str | None = None, *, limit: int = 100, before: int | None = None) -> list[Row]:
    """Return rows, newest first.

    Args:
        home: the platform.
        firm: only what concerns this firm, by itself or with all others; None for everything, which only operators see.
        limit: how many.
        before: only rows with a smaller number.
    """
    query = sa.select(AUDIT).order_by(AUDIT.c.number.desc()).limit(limit)
    if firm is not None:
        query = query.where(AUDIT.c.firm.in_([firm, EVERY]))
    if before is not None:
        query = query.where(AUDIT.c.number < before)
    return home.registry.rows(query)


def verify_audit(home: Home) -> Chain:
    """Check the whole chain, in pieces that fit into memory."""
    number, previous = 0, BEGIN
    with home.registry.snapshot() as moment:
        while rows := home.registry.rows(
            sa.select(AUDIT).where(AUDIT.c.number > number).order_by(AUDIT.c.number).limit(CHUNK), moment
        ):
            for row in rows:
                fits = row["number"] == number + 1 and row["previous_sha256"] == previous
                if not fits or row["sha256"] != _hash_row(row):
                    return Chain(number, previous, number + 1)
                number, previous = row["number"], row["sha256"]
    return Chain(number, previous)


def _make_row(event: Event, number: int, previous: str) -> Row:
    at = time.time() if event.at_unix_second is None else event.at_unix_second
    row: Row = {"number": number, "at_unix_second": round(at, 3), "name": event.name, "role": event.role}
    row |= {"firm": event.firm, "action": event.action, "subject": event.subject[:LONGEST_TEXT]}
    row |= {"detail": json.dumps(event.detail or {}, ensure_ascii=False, sort_keys=True), "previous_sha256": previous}
    # No database keeps a NUL in a text, and half a surrogate is no UTF-8.
    row |= {key: _clean(value) for key, value in row.items() if isinstance(value, str)}
    return {**row, "sha256": _hash_row(row)}


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _hash_row(row: Mapping[str, Any]) -> str:
    told = json.dumps([row[name] for name in HASHED], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()

"""Marts: per firm one file of all steps and one of all cycles, so that a question opens two files, not thousands.

A mart is made from the parts that the registry lists and replaces them for readers in one transaction; the parts stay.
Tests that come later are read beside the mart until the next night.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
import sqlalchemy as sa

from warehouse.conform import hash_data
from warehouse.registry import GENERATION, STORED_FILE, Registry, Row
from warehouse.schema import ANSWERS, CYCLES, STEPS, Table
from warehouse.store import Store, Stored

if TYPE_CHECKING:
    from warehouse.home import Home

COMPACTED: Final = (STEPS, CYCLES)
KEY_DIGITS: Final = 16
CHANGED: Final = "changed meanwhile; the next night takes it in"


@dataclass(frozen=True)
class Compaction:
    """What was done for one table of one firm: ``made`` or ``skipped``, why, and how much it holds."""

    firm: str
    table: str
    action: str
    why: str
    tests: int
    rows: int


def compact_firm(home: Home, firm: str) -> list[Compaction]:
    """Compact the steps and cycles of one firm; ``""`` stands for the platform's own area of unassigned tests."""
    return [_compact(home, firm, table) for table in COMPACTED]


def store_answer(home: Home, firm: str, table: Table) -> Compaction:
    """Store a firm's answer to a question of ``schema.ANSWERS``, unless the stored one is current."""
    made_of = home.results.name_moment(firm)
    current = list_stored(home.registry, firm, table.name)
    if current and current[0]["made_of"] == made_of:
        return Compaction(firm, table.name, "skipped", "nothing changed", 0, current[0]["rows"])
    with home.registry.snapshot() as moment:
        generation = read_generation(moment, firm)
    frame = home.query(table.name, firm=firm)
    name = _unique_name(table.name, hashlib.sha256(f"{made_of} {hash_data(frame)}".encode()).hexdigest()[:KEY_DIGITS])
    stored = home.store.write(frame, table, firm or None, name, {})
    with home.registry.write() as connection:
        if read_generation(connection, firm) != generation:
            return Compaction(firm, table.name, "skipped", CHANGED, 0, frame.height)
        of_table = STORED_FILE.c.firm == firm, STORED_FILE.c.table_name == table.name
        connection.execute(sa.update(STORED_FILE).where(*of_table).values(current=False))
        home.registry.put(connection, STORED_FILE, mart_row(stored, firm, made_of))
    return Compaction(firm, table.name, "made", "tests, manifest or recipe changed", 0, frame.height)


def remove_retired(home: Home) -> int:
    """Delete files that no reader opens any more: older revisions and older marts. Returns how many."""
    query = sa.select(STORED_FILE).where(sa.not_(STORED_FILE.c.current))
    retired = home.registry.rows(query)
    with home.registry.write() as connection:
        connection.execute(sa.delete(STORED_FILE).where(sa.not_(STORED_FILE.c.current)))
    for row in retired:
        home.store.path_of(row["path"]).unlink(missing_ok=True)
    return len(retired)


def retire_marts(connection: sa.Connection, firm: str) -> None:
    """Take a firm's marts out of use inside the caller's transaction; its parts are read again."""
    of_firm = STORED_FILE.c.firm == firm
    connection.execute(sa.update(STORED_FILE).where(of_firm, STORED_FILE.c.test_id.is_(None)).values(current=False))
    connection.execute(sa.update(STORED_FILE).where(of_firm).values(mart=None))


def invalidate_answers(connection: sa.Connection, firm: str) -> None:
    """Note inside the caller's transaction that a firm's tests or cells change.

    Its stored answers are outdated, and so is whatever a night is making of it at this moment.
    """
    stored = STORED_FILE.c.table_name.in_([table.name for table in ANSWERS])
    connection.execute(sa.update(STORED_FILE).where(stored, STORED_FILE.c.firm == firm).values(current=False))
    mine = GENERATION.c.firm == firm
    if not connection.execute(sa.update(GENERATION).where(mine).values(number=GENERATION.c.number + 1)).rowcount:
        connection.execute(sa.insert(GENERATION).values(firm=firm, number=1))


def read_generation(connection: sa.Connection, firm: str) -> int:
    """Return the number of changes of a firm's tests and cells so far."""
    return connection.execute(sa.select(GENERATION.c.number).where(GENERATION.c.firm == firm)).scalar() or 0


def _compact(home: Home, firm: str, table: Table) -> Compaction:
    with home.registry.snapshot() as moment:
        generation = read_generation(moment, firm)
        listed = list_stored(home.registry, firm, table.name, moment)
    parts = [row for row in listed if row["test_id"] is not None]
    marts = [row for row in listed if row["test_id"] is None]
    rows = sum(part["rows"] for part in parts)
    key = hashlib.sha256("\n".join(part["sha256"] for part in parts).encode()).hexdigest()[:KEY_DIGITS]
    name = _unique_name("mart", key)
    if len(marts) == 1 and Path(marts[0]["path"]).stem == name:
        return Compaction(firm, table.name, "skipped", "nothing changed", len(parts), rows)
    retired = STORED_FILE.c.path.in_([mart["path"] for mart in marts])
    if not parts:
        with home.registry.write() as connection:
            connection.execute(sa.update(STORED_FILE).where(retired).values(current=False))
        return Compaction(firm, table.name, "skipped", "no tests", 0, 0)
    stored = _write_mart(home.store, table, firm, name, parts)
    with home.registry.write() as connection:
        if read_generation(connection, firm) != generation:
            return Compaction(firm, table.name, "skipped", CHANGED, len(parts), rows)
        connection.execute(sa.update(STORED_FILE).where(retired).values(current=False))
        home.registry.put(connection, STORED_FILE, mart_row(stored, firm))
        for part in parts:
            home.registry.put(connection, STORED_FILE, {**part, "mart": stored.path})
    return Compaction(firm, table.name, "made", "new tests or revisions" if marts else "first time", len(parts), rows)


def _write_mart(store: Store, table: Table, firm: str, name: str, parts: list[Row]) -> Stored:
    frame = pl.concat([pl.read_parquet(store.path_of(part["path"])) for part in parts])
    return store.write(frame, table, firm or None, name, {})


def list_stored(registry: Registry, firm: str, table: str, moment: sa.Connection | None = None) -> list[Row]:
    """Return what is listed of one table of a firm, of now or of a snapshot's moment."""
    conditions = STORED_FILE.c.firm == firm, STORED_FILE.c.table_name == table, STORED_FILE.c.current
    listed = sa.select(STORED_FILE).where(*conditions).order_by(STORED_FILE.c.test_id, STORED_FILE.c.path)
    return registry.rows(listed, moment)


def mart_row(stored: Stored, firm: str, made_of: str | None = None) -> Row:
    """Return how the registry lists a file that holds rows of a whole firm."""
    return {
        "path": stored.path,
        "table_name": stored.table,
        "firm": firm,
        "test_id": None,
        "revision": None,
        "first_row": 0,
        "rows": stored.rows,
        "size": stored.size,
        "sha256": stored.sha256,
        "mart": None,
        "made_of": made_of,
        "current": True,
    }


def _unique_name(kind: str, key: str) -> str:
    return f"{kind}-{key}"

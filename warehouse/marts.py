"""Marts, answers and results: files that the night makes of many tests, and what takes them out of use.

A mart holds the steps or cycles of a bucket of cells, so that a question opens a few files, not thousands. It is made
from the parts that the registry lists and replaces them for readers in one transaction; the parts stay. Tests that come
later are read beside the mart until the next night.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.buckets import hash_cell
from warehouse.registry import BUCKET, GENERATION, STORED_FILE, Registry, Row
from warehouse.schema import CYCLES, STEPS
from warehouse.store import Stored

if TYPE_CHECKING:
    from warehouse.home import Home

COMPACTED: Final = (STEPS, CYCLES)
# Nothing is known of what such a bucket was made of: it is made again.
UNKNOWN: Final = {"made_of": None, "moment": None, "keys": "{}"}


@dataclass(frozen=True)
class Compaction:
    """What was done for one table of one firm: ``made`` or ``skipped``, why, and how much it holds."""

    firm: str
    table: str
    action: str
    why: str
    tests: int
    rows: int


def remove_retired(home: Home) -> int:
    """Delete files that no reader opens any more: older revisions and older marts. Returns how many."""
    query = sa.select(STORED_FILE).where(sa.not_(STORED_FILE.c.current))
    retired = home.registry.rows(query)
    with home.registry.write() as connection:
        connection.execute(sa.delete(STORED_FILE).where(sa.not_(STORED_FILE.c.current)))
    for row in retired:
        home.store.path_of(row["path"]).unlink(missing_ok=True)
    return len(retired)


def retire_cell(connection: sa.Connection, firm: str, cell: str) -> None:
    """Take what the night made of a cell out of use inside the caller's transaction; its parts are read again.

    Args:
        connection: the caller's.
        firm: code of the firm.
        cell: the cell, or the test's name while it was unassigned.
    """
    names = connection.execute(sa.select(BUCKET.c.bucket).where(BUCKET.c.firm == firm)).scalars()
    held = [name for name in names if hash_cell(cell).startswith(name)]
    made = STORED_FILE.c.firm == firm, STORED_FILE.c.test_id.is_(None)
    # What is about the whole firm is about this cell too.
    about = sa.or_(STORED_FILE.c.bucket.is_(None), STORED_FILE.c.bucket.in_(held))
    paths = list(connection.execute(sa.select(STORED_FILE.c.path).where(*made, about)).scalars())
    retire_files(connection, paths)


def retire_files(connection: sa.Connection, paths: Collection[str]) -> None:
    """Take files that the night made out of use inside the caller's transaction; the next night makes them again."""
    chosen = STORED_FILE.c.path.in_(paths)
    of = sa.select(STORED_FILE.c.firm, STORED_FILE.c.bucket).where(chosen, STORED_FILE.c.bucket.is_not(None)).distinct()
    for firm, bucket in connection.execute(of).all():
        mine = BUCKET.c.firm == firm, BUCKET.c.bucket == bucket
        connection.execute(sa.update(BUCKET).where(*mine).values(UNKNOWN))
    connection.execute(sa.update(STORED_FILE).where(chosen).values(current=False))
    connection.execute(sa.update(STORED_FILE).where(STORED_FILE.c.mart.in_(paths)).values(mart=None))


def invalidate_answers(connection: sa.Connection, firm: str) -> None:
    """Note inside the caller's transaction that a firm's tests or cells change.

    Its stored answers are outdated, and so is whatever a night is making of it at this moment.
    """
    mine = GENERATION.c.firm == firm
    if not connection.execute(sa.update(GENERATION).where(mine).values(number=GENERATION.c.number + 1)).rowcount:
        connection.execute(sa.insert(GENERATION).values(firm=firm, number=1))


def read_generation(connection: sa.Connection, firm: str) -> int:
    """Return the number of changes of a firm's tests and cells so far."""
    return connection.execute(sa.select(GENERATION.c.number).where(GENERATION.c.firm == firm)).scalar() or 0


def read_generations(connection: sa.Connection) -> dict[str, int]:
    """Return the number of changes of each firm's tests and cells so far; firms without any are not among them."""
    return dict(connection.execute(sa.select(GENERATION.c.firm, GENERATION.c.number)).tuples().all())


def list_whole(
    registry: Registry, firm: str | None, tables: Collection[str] | None = None, moment: sa.Connection | None = None
) -> list[Row]:
    """Return the files that nights made of a whole firm, or of each firm; of some tables, or of all."""
    chosen = [STORED_FILE.c.test_id.is_(None), STORED_FILE.c.bucket.is_(None), STORED_FILE.c.current]
    chosen += [] if firm is None else [STORED_FILE.c.firm == firm]
    chosen += [] if tables is None else [STORED_FILE.c.table_name.in_(tables)]
    return registry.rows(sa.select(STORED_FILE).where(*chosen).order_by(STORED_FILE.c.path), moment)


def describe_made(stored: Stored, firm: str, made_of: str | None, bucket: str | None = None) -> Row:
    """Return how the registry lists a file that holds rows of a bucket, or of a whole firm."""
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
        "bucket": bucket,
        "made_of": made_of,
        "current": True,
    }

"""The stored files of one test: a table of it lies in one Parquet file, or in several after it has grown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count
from typing import TYPE_CHECKING, Final

import polars as pl
import sqlalchemy as sa

from warehouse.progress import Progress
from warehouse.registry import PROGRESS, STORED_FILE, Row
from warehouse.schema import MEASUREMENTS, Table

if TYPE_CHECKING:
    from warehouse.home import Home

OWNER_DIGITS: Final = 12
WRITTEN: Final = count(1)


def store_tables(home: Home, test: Row, tables: Sequence[tuple[Table, pl.DataFrame, int]]) -> tuple[Row, ...]:
    """Write tables of a test that have rows; returns what the registry is to list.

    Args:
        home: the platform.
        test: the row of the test's revision.
        tables: each with its rows and the number, within the test, of the first of them.
    """
    return tuple(_store_table(home, test, table, frame, first) for table, frame, first in tables if frame.height)


def read_stored(
    home: Home, test_id: str, table: Table, begin: int = 0, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return the rows of one table of a test's current revision, in their order, from row ``begin`` on.

    Args:
        home: the platform.
        test_id: the test.
        table: the table.
        begin: number of the first row.
        columns: these columns; all by default.
    """
    query = sa.select(STORED_FILE).where(
        STORED_FILE.c.test_id == test_id, STORED_FILE.c.table_name == table.name, STORED_FILE.c.current
    )
    return read_files(home, home.registry.rows(query.order_by(STORED_FILE.c.first_row)), table, begin, columns)


def list_parts(home: Home, tests: Collection[str]) -> dict[str, dict[str, list[Row]]]:
    """Return the files of the current revisions of some tests, by test and table, in the order of their rows."""
    query = sa.select(STORED_FILE).where(STORED_FILE.c.test_id.in_(tests), STORED_FILE.c.current)
    found: dict[str, dict[str, list[Row]]] = {}
    for row in home.registry.rows(query.order_by(STORED_FILE.c.first_row)):
        found.setdefault(row["test_id"], {}).setdefault(row["table_name"], []).append(row)
    return found


def read_files(
    home: Home, files: Sequence[Row], table: Table, begin: int = 0, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return the rows of one table of a test from its listed files, which are in the order of their rows."""
    chosen = list(table.names if columns is None else columns)
    parts = [
        pl.scan_parquet(home.store.path_of(row["path"])).select(chosen).slice(max(begin - row["first_row"], 0))
        for row in files
        if row["first_row"] + row["rows"] > begin
    ]
    return pl.concat(pl.collect_all(parts)) if parts else table.empty().select(chosen)


def read_progress(home: Home, test: Row) -> Progress | None:
    """Return how to go on with a test's derivation; None where that is not known, or was by other rules."""
    row = home.registry.row(PROGRESS, test_id=test["test_id"])
    if row is None or row["revision"] != test["revision"]:
        return None
    try:
        return Progress.from_json(row["state"])
    except ValueError:
        # Of an earlier version of the software: then all rows are derived once.
        return None


def name_file(test: Row, owner: str) -> str:
    """Return a file name that is unique for all time and tells test, revision and who wrote it."""
    return f"{test['test_id']}-r{test['revision']}-{owner[:OWNER_DIGITS]}-{next(WRITTEN)}"


def _store_table(home: Home, test: Row, table: Table, frame: pl.DataFrame, first_row: int) -> Row:
    about = {
        f"cellar.{key}": str(test[key]) for key in ("test_id", "revision", "source_sha256", "format", "reader_version")
    }
    stored = home.store.write(frame, table, test["firm"], name_file(test, home.owner), about)
    return {
        "path": stored.path,
        "table_name": table.name,
        "firm": test["firm"] or "",
        "test_id": test["test_id"],
        "revision": test["revision"],
        "first_row": first_row,
        "rows": stored.rows,
        "size": stored.size,
        "sha256": stored.sha256,
        "mart": None,
        "bucket": None,
        "made_of": None,
        "current": True,
    }


def read_between(
    home: Home, test_id: str, columns: Sequence[str], begin: float | None = None, end: float | None = None
) -> pl.DataFrame:
    """Return columns of a test's measurements within a stretch of its time, both ends included.

    Args:
        home: the platform.
        test_id: the test.
        columns: columns of ``schema.MEASUREMENTS``.
        begin: test time of the first row, s; from the start by default.
        end: test time of the last row, s; to the end by default.
    """
    query = sa.select(STORED_FILE).where(
        STORED_FILE.c.test_id == test_id, STORED_FILE.c.table_name == MEASUREMENTS.name, STORED_FILE.c.current
    )
    time = pl.col("test_time_second")
    within = ([time >= begin] if begin is not None else []) + ([time <= end] if end is not None else [])
    files = home.registry.rows(query.order_by(STORED_FILE.c.first_row))
    parts = [pl.scan_parquet(home.store.path_of(row["path"])).filter(*within).select(columns) for row in files]
    return pl.concat(pl.collect_all(parts)) if parts else MEASUREMENTS.empty().select(columns)

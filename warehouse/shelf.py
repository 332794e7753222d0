"""What the last night made of a firm: its files by table and bucket, and what these were made of."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from warehouse.buckets import hash_cell, overlap
from warehouse.registry import BUCKET, STORED_FILE, Registry, Row
from warehouse.schema import Table
from warehouse.store import Store

# More cells lie in most of a firm's buckets, and their names would be too long a list for a statement.
FEW_CELLS: Final = 32
MOST_BITS: Final = 16
# Tests and cells are named apart: a test without a cell stands for a cell of its own name.
NO_KEYS: Final[Mapping[str, dict[str, str]]] = {"test": {}, "cell": {}}


@dataclass
class State:
    """The rows of a computation's tables for one bucket, and what those about each test or cell were made of."""

    keys: dict[str, str] = field(default_factory=dict)
    frames: tuple[pl.DataFrame, ...] = ()


@dataclass(frozen=True)
class Shelf:
    """What is listed of one firm.

    Args:
        buckets: rows of ``schema.BUCKET`` by name.
        files: what the night made of the buckets, rows of ``schema.STORED_FILE``.
        tables: the tables whose files are among them; None for all.
    """

    buckets: Mapping[str, Row]
    files: Sequence[Row]
    tables: Collection[str] | None

    @cached_property
    def _files(self) -> dict[tuple[str, str], Row]:
        return {(row["table_name"], row["bucket"]): row for row in self.files}

    def is_of(self, moment: str) -> bool:
        """Say whether all of it was found to be of a moment."""
        return bool(self.buckets) and all(row["moment"] == moment for row in self.buckets.values())

    def holds(self, table: str) -> bool:
        """Say whether the files of a table are among those listed."""
        return self.tables is None or table in self.tables

    def find_file(self, table: Table, bucket: str) -> Row | None:
        """Return how the file of a table of a bucket is listed; None where there is none."""
        return self._files.get((table.name, bucket))

    def load(self, store: Store, bucket: str, scope: str, tables: Sequence[Table]) -> State:
        """Return the rows of some tables of one computation, from all buckets that have cells in common with this."""
        near = {name for name in self.buckets if overlap(name, bucket)}
        keys: dict[str, str] = {}
        for name in near:
            keys |= self._keys_of(name)[scope]
        frames = [self.read(store, table, near) for table in tables]
        # A table that has other columns by now is made anew.
        same = all(frame.columns == list(table.names) for frame, table in zip(frames, tables, strict=True))
        return State(keys, tuple(frames)) if keys and same else State()

    def _keys_of(self, bucket: str) -> Mapping[str, dict[str, str]]:
        found: dict[str, Any] = json.loads(self.buckets[bucket]["keys"])
        return {**NO_KEYS, **found}

    def read(
        self,
        store: Store,
        table: Table,
        buckets: Collection[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Return the rows of a table, of some buckets or of all; with some of its columns, or with all."""
        mine = [row for row in self.files if row["table_name"] == table.name]
        paths = [store.path_of(row["path"]) for row in mine if buckets is None or row["bucket"] in buckets]
        if not paths:
            return table.empty().select(pl.all() if columns is None else columns)
        return pl.read_parquet(paths, columns=None if columns is None else list(columns))


def read_shelf(registry: Registry, firm: str, tables: Collection[str] | None = None) -> Shelf:
    """Return what the last night made of a firm; of some tables, or of all."""
    mine = STORED_FILE.c.firm == firm, STORED_FILE.c.current, STORED_FILE.c.bucket.is_not(None)
    chosen = mine if tables is None else (*mine, STORED_FILE.c.table_name.in_(tables))
    with registry.snapshot() as moment:
        buckets = registry.rows(sa.select(BUCKET).where(BUCKET.c.firm == firm), moment)
        listed = sa.select(STORED_FILE).where(*chosen).order_by(STORED_FILE.c.bucket, STORED_FILE.c.path)
        return Shelf({row["bucket"]: row for row in buckets}, registry.rows(listed, moment), tables)


def find_current(
    registry: Registry, firm: str, table: str, moment: str, cells: Collection[str] | None = None
) -> list[str] | None:
    """Return the files that hold a table of a firm, if they were found to be of a moment; else None.

    Args:
        registry: the registry.
        firm: code of the firm.
        table: the table.
        moment: see :meth:`warehouse.results.Results.name_moment`.
        cells: only the buckets of these, unless they are many; all by default.
    """
    buckets = sa.select(BUCKET.c.bucket, BUCKET.c.moment).where(BUCKET.c.firm == firm)
    files = sa.select(STORED_FILE.c.path).where(
        STORED_FILE.c.firm == firm, STORED_FILE.c.table_name == table, STORED_FILE.c.current
    )
    if cells is not None and len(cells) <= FEW_CELLS:
        # However many buckets a firm has, a cell's is one of the beginnings of its hash.
        names = {hash_cell(cell)[:bits] for cell in cells for bits in range(MOST_BITS + 1)}
        buckets, files = buckets.where(BUCKET.c.bucket.in_(names)), files.where(STORED_FILE.c.bucket.in_(names))
    whole = files.where(STORED_FILE.c.bucket.is_(None), STORED_FILE.c.made_of == moment)
    files = files.where(STORED_FILE.c.bucket.is_not(None)).order_by(STORED_FILE.c.bucket, STORED_FILE.c.path)
    with registry.snapshot() as now:
        if cells is None and (path := now.execute(whole).scalar()) is not None:
            return [path]
        found = now.execute(buckets).all()
        if not found or any(row.moment != moment for row in found):
            return None
        return list(now.execute(files).scalars())


def read_in_order(paths: Sequence[Path], columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Return an answer in the order of its cells from its files, each of which is in order and holds some, or all.

    Args:
        paths: the files, at least one.
        columns: these columns, the cell's name among them; all by default.
    """
    rows = pl.read_parquet(list(paths), columns=None if columns is None else list(columns))
    return rows.sort("cell_id", maintain_order=True) if len(paths) > 1 else rows


def are_of(registry: Registry, firm: str, moment: str) -> bool:
    """Say whether a firm has buckets and all of them were found to be of a moment."""
    listed = sa.select(BUCKET.c.moment).where(BUCKET.c.firm == firm).distinct()
    return [row["moment"] for row in registry.rows(listed)] == [moment]


def count_buckets(registry: Registry, firm: str) -> int:
    """Return how many buckets a firm's cells lie in."""
    listed = sa.select(sa.func.count().label("number")).where(BUCKET.c.firm == firm)
    return int(registry.rows(listed)[0]["number"])


def sum_rows(registry: Registry, firm: str) -> dict[str, int]:
    """Return how many rows the files of a firm's buckets hold, by table."""
    return {table: number for _, table, number in registry.tuples(select_sums().where(STORED_FILE.c.firm == firm))}


def select_sums() -> sa.Select[tuple[str, str, int]]:
    """Return the SELECT of firm, table, and how many rows the files of the firm's buckets hold."""
    file = STORED_FILE.c
    # What the night made is of no test, and few of all files are; PostgreSQL's sum of integers is a decimal.
    made = file.current, file.test_id.is_(None), file.bucket.is_not(None)
    sums = sa.select(file.firm, file.table_name, sa.cast(sa.func.sum(file.rows), sa.BigInteger)).where(*made)
    return sums.group_by(file.firm, file.table_name)

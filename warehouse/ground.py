"""What the registry says of one firm at one moment, and the keys that tell whether a result is still of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from warehouse import schema
from warehouse.buckets import Bucket, divide_cells
from warehouse.recipe import hash_values
from warehouse.registry import CELL, SQL_TABLES, TEST, Registry, Row

# What a manifest's row says of itself and not of the cell.
STAMPS: Final = ("manifest_version", "updated_unix_second")
# Tables of a firm beside its cells and tests that results of the whole firm are made of, by their name in FirmInputs.
FIRM_TABLES: Final = {
    "cells": schema.CELL,
    "wafers": schema.WAFER,
    "splits": schema.PROCESS_SPLIT,
    "specs": schema.SPEC_LIMIT,
    "requirement_sets": schema.REQUIREMENT_SET,
    "maps": schema.DIE_MAP,
    "dies": schema.DIE_RESULT,
}
MOMENT: Final = "first_unix_second"


@dataclass(frozen=True)
class Ground:
    """Everything about one firm that is no row of its tests.

    Args:
        firm: code of the firm; ``""`` for tests without an owner.
        tests: rows of ``schema.TEST``, by their first clock.
        cells: rows of ``schema.CELL``, by their name.
        channels: rows of ``schema.CHANNEL``, by channel and time.
    """

    firm: str
    tests: tuple[Row, ...]
    cells: Mapping[str, Row]
    channels: tuple[Row, ...]

    @cached_property
    def tests_of(self) -> dict[str, list[Row]]:
        """The tests by their cell; one without a cell stands for a cell of its own name."""
        found: dict[str, list[Row]] = {}
        for test in self.tests:
            found.setdefault(test["cell_id"] or test["test_id"], []).append(test)
        return found

    @cached_property
    def buckets(self) -> tuple[Bucket, ...]:
        """The cells that have tests, in buckets."""
        return divide_cells(self.tests_of)

    def cell_of(self, test: Row) -> Row | None:
        """Return what the manifest says of a test's cell."""
        return self.cells.get(test["cell_id"]) if test["cell_id"] is not None else None

    def channel_of(self, test: Row) -> Row | None:
        """Return what is known of a test's channel at its beginning; where it has no clock, of what always held."""
        moment = test[MOMENT] or 0.0
        # The latest row that had begun: one without an end ends where the next begins.
        for row in reversed(self.channels):
            if row["channel"] == test["channel"] and row["from_unix_second"] <= moment:
                return row if row["to_unix_second"] is None or moment < row["to_unix_second"] else None
        return None

    @cached_property
    def test_hashes(self) -> dict[str, str]:
        """What each test's results depend on, its rows included: by test."""
        return {test["test_id"]: hash_values(self._describe(test)) for test in self.tests}

    @cached_property
    def cell_hashes(self) -> dict[str, str]:
        """What each cell's results depend on, by cell."""
        return {
            cell: hash_values([cell, [self.test_hashes[test["test_id"]] for test in tests]])
            for cell, tests in self.tests_of.items()
        }

    def _describe(self, test: Row) -> list[Any]:
        cell, channel = self.cell_of(test), self.channel_of(test)
        named = [test[name] for name in ("test_id", "revision", "convention", "firm", "cell_id", MOMENT)]
        # Its place among the cell's tests: a link that comes later numbers their cycles anew.
        named += [test.get(name) for name in ("chain", "part", "chain_offset_second", "chain_unix_second")]
        return [named, cell and _plain(cell), channel and _plain(channel)]


def read_ground(registry: Registry, firm: str, moment: sa.Connection) -> Ground:
    """Return what the registry says of a firm at a moment; ``""`` for what has no owner."""
    mine = TEST.c.firm == firm if firm else TEST.c.firm.is_(None)
    tests = registry.rows(sa.select(TEST).where(mine).order_by(TEST.c.first_unix_second, TEST.c.test_id), moment)
    return Ground(
        firm,
        # A test without a clock comes last, on either database.
        tuple(sorted(tests, key=lambda test: (test[MOMENT] is None, test[MOMENT] or 0.0, test["test_id"]))),
        {row["cell_id"]: row for row in registry.rows(sa.select(CELL).where(CELL.c.firm == firm), moment)},
        _read_channels(registry, moment),
    )


def read_tables(registry: Registry, firm: str, moment: sa.Connection) -> dict[str, pl.DataFrame]:
    """Return a firm's rows of :data:`FIRM_TABLES` at a moment."""
    return {name: _read_table(registry, table, firm, moment) for name, table in FIRM_TABLES.items()}


def _read_channels(registry: Registry, moment: sa.Connection) -> tuple[Row, ...]:
    table = SQL_TABLES[schema.CHANNEL.name]
    order = table.c.channel, table.c.from_unix_second
    return tuple(registry.rows(sa.select(table).order_by(*order), moment))


def _read_table(registry: Registry, table: schema.Table, firm: str, moment: sa.Connection) -> pl.DataFrame:
    frame = registry.frame(table, SQL_TABLES[table.name].c.firm == firm, moment=moment)
    return frame.sort([column.name for column in table.columns if column.key])


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in STAMPS}

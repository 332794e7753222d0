"""What numbers were made from: the firm's tests with the files that they were read from."""

from __future__ import annotations

import json
from pathlib import PureWindowsPath
from typing import Any, Final

import sqlalchemy as sa

from portal.pages.firm_view import View
from warehouse.registry import SOURCE_FILE, TEST

COLUMNS: Final = (
    "test_id",
    "cell_id",
    "kind",
    "format",
    "reader_version",
    "revision",
    "rows",
    "spectra",
    "source_sha256",
    "data_sha256",
    "channel",
    "committed_unix_second",
    "first_unix_second",
    "last_unix_second",
    "warnings",
)


def list_sources(view: View, *conditions: sa.ColumnElement[bool], most: int | None = None) -> list[dict[str, Any]]:
    """Return the firm's tests, newest commit first, with ``file``, the name of the file each was read from.

    Args:
        view: whose tests.
        conditions: which of them; all by default.
        most: how many; all by default.
    """
    registry = view.asking.home.registry
    listed = (
        sa.select(*(TEST.c[name] for name in COLUMNS), SOURCE_FILE.c.path)
        .join(SOURCE_FILE, SOURCE_FILE.c.sha256 == TEST.c.source_sha256, isouter=True)
        .where(TEST.c.firm == view.firm, *conditions)
        .order_by(TEST.c.committed_unix_second.desc(), TEST.c.test_id)
        .limit(most)
    )
    # Folders of the host say nothing to a firm; a name may come from any system.
    return [{**{name: row[name] for name in COLUMNS}, "file": _last_part(row["path"])} for row in registry.rows(listed)]


def count_sources(view: View, *conditions: sa.ColumnElement[bool]) -> int:
    """Return how many tests the firm has, of those that meet all conditions."""
    counted = sa.select(sa.func.count().label("number")).where(TEST.c.firm == view.firm, *conditions)
    return int(view.asking.home.registry.rows(counted)[0]["number"])


def describe_sources(view: View, cell: str | None = None, test: str | None = None) -> list[dict[str, Any]]:
    """Return the tests behind a number about a cell or a test, as rows for a page."""
    conditions = []
    if test:
        conditions = [TEST.c.test_id == test]
    elif cell:
        conditions = [sa.func.coalesce(TEST.c.cell_id, TEST.c.test_id) == cell]
    return [{**row, "warnings": json.loads(row["warnings"])} for row in list_sources(view, *conditions)]


def _last_part(path: str | None) -> str | None:
    return None if path is None else PureWindowsPath(path).name

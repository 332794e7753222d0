"""What numbers were made from: the firm's tests with the files that they were read from."""

from __future__ import annotations

import json
from pathlib import PureWindowsPath
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from portal.pages.firm_view import View
from warehouse import schema
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


def list_sources(view: View) -> pl.DataFrame:
    """Return the firm's tests, newest commit first, with ``file``, the name of the file each was read from."""
    registry = view.asking.home.registry
    tests = registry.frame(schema.TEST, TEST.c.firm == view.firm).select(COLUMNS)
    mine = sa.select(TEST.c.source_sha256).where(TEST.c.firm == view.firm)
    files = registry.frame(schema.SOURCE_FILE, SOURCE_FILE.c.sha256.in_(mine)).select("sha256", "path")
    # Folders of the host say nothing to a firm; a name may come from any system.
    named = files.with_columns(file=pl.col("path").map_elements(_last_part, return_dtype=pl.String)).drop("path")
    joined = tests.join(named, left_on="source_sha256", right_on="sha256", how="left")
    return joined.sort("committed_unix_second", "test_id", descending=[True, False])


def describe_sources(view: View, cell: str | None = None, test: str | None = None) -> list[dict[str, Any]]:
    """Return the tests behind a number about a cell or a test, as rows for a page."""
    rows = list_sources(view)
    if test:
        rows = rows.filter(pl.col("test_id") == test)
    elif cell:
        rows = rows.filter(pl.coalesce("cell_id", "test_id") == cell)
    return [{**row, "warnings": json.loads(row["warnings"])} for row in rows.iter_rows(named=True)]


def _last_part(path: str) -> str:
    return PureWindowsPath(path).name

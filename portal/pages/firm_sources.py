"""What numbers were made from: the firm's tests with the files that they were read from."""

from __future__ import annotations

import json
from pathlib import PureWindowsPath
from typing import Any, Final

from portal.pages.firm_view import View
from warehouse.registry import Row
from warehouse.sources import list_firm_tests

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


def list_sources(view: View, *, after: float | None = None, most: int | None = None) -> list[dict[str, Any]]:
    """Return the firm's tests, newest commit first, with ``file``, the name of the file each was read from.

    Args:
        view: whose tests.
        after: only those committed later, Unix time in s; all by default.
        most: how many; all by default.
    """
    rows = list_firm_tests(view.asking.home, view.firm, COLUMNS, after=after, most=most)
    return [_tell_file(row) for row in rows]


def describe_sources(view: View, cell: str | None = None, test: str | None = None) -> list[dict[str, Any]]:
    """Return the tests behind a number about a cell or a test, as rows for a page."""
    rows = list_firm_tests(view.asking.home, view.firm, COLUMNS, cell=None if test else cell, test=test)
    return [{**_tell_file(row), "warnings": json.loads(row["warnings"])} for row in rows]


def _tell_file(row: Row) -> dict[str, Any]:
    # Folders of the host say nothing to a firm; a name may come from any system.
    return {**{name: row[name] for name in COLUMNS}, "file": _last_part(row["path"])}


def _last_part(path: str | None) -> str | None:
    return None if path is None else PureWindowsPath(path).name

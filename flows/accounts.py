"""Receipts: what became of a drop, as one JSON-able record with the keys of the outward contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from warehouse.registry import Row

Receipt = dict[str, Any]

UNKNOWN: Final = ("format", "kind", "test_id", "revision", "firm", "cell_id")
COUNTS: Final = ("rows", "new_rows", "spectra", "steps", "cycles")
TIMES: Final = ("first_time", "last_time")
OF_TEST: Final = ("test_id", "revision", "firm", "cell_id", "rows", "spectra", "steps", "cycles")


def blank_receipt(shown: str, sha256: str, state: str) -> Receipt:
    """Return a receipt that says nothing yet but which source it is about, and its state."""
    return {
        "path": shown,
        "sha256": sha256,
        "state": state,
        **dict.fromkeys(UNKNOWN),
        **dict.fromkeys(COUNTS, 0),
        **dict.fromkeys(TIMES),
        "warnings": [],
        "reason": None,
        "seconds": 0.0,
    }


def describe_test(test: Row) -> Receipt:
    """Return what a receipt says of the test that a source's rows are in."""
    times = {"first_time": test["first_unix_second"], "last_time": test["last_unix_second"]}
    return {name: test[name] for name in OF_TEST} | {name: format_time(moment) for name, moment in times.items()}


def format_time(unix: float | None) -> str | None:
    """Return a moment as ISO 8601 in UTC, to the millisecond."""
    return None if unix is None else datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds")

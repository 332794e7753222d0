"""Versions of readers: which read what is here, which are outdated, and what reading again would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

import parsers
from flows.backfill import sources_to_retry, tests_to_reread
from flows.described import formats_of
from flows.taking import read_again
from warehouse.difference import compare_revisions
from warehouse.errors import QuarantineError
from warehouse.operations import count_tests_by_reader
from warehouse.publish import discard_prepared, prepare_reread
from warehouse.registry import TEST, Row

if TYPE_CHECKING:
    from warehouse.home import Home

MOST_PREVIEWED: Final = 3


@dataclass(frozen=True)
class ReaderUse:
    """A format's reader and what of the home it read.

    Args:
        format: the format.
        vendor: its vendor.
        version: of today's reader; None where the settings describe the format no more.
        tests: tests by the version that read them.
        outdated: tests that an older version read.
    """

    format: str
    vendor: str
    version: int | None
    tests: dict[int, int]
    outdated: int


def list_readers(home: Home) -> list[ReaderUse]:
    """Return every reader that read something of the home, by its format."""
    counts, known = count_tests_by_reader(home), formats_of(home)
    outdated = _formats_of_tests(home, tests_to_reread(home))
    found = []
    for name in sorted({name for name, _ in counts}):
        declared: parsers.Format | None = known.get(name)
        tests = {version: number for (of, version), number in sorted(counts.items()) if of == name}
        vendor, version = (declared.vendor, declared.version) if declared is not None else ("", None)
        found.append(ReaderUse(name, vendor, version, tests, sum(of == name for of in outdated.values())))
    return found


def count_retries(home: Home) -> int:
    """Return how many sources in quarantine were judged by other readers than today's."""
    return len(sources_to_retry(home))


def preview_rereads(home: Home, format_name: str) -> list[dict[str, Any]]:
    """Read a few outdated tests of a format again and tell what would change; nothing of it is kept.

    Each is ``test_id``, ``outcome`` (``same``, ``changed`` or ``refused``) and ``sentence``, in English.
    """
    names = [name for name, of in _formats_of_tests(home, tests_to_reread(home)).items() if of == format_name]
    tests = home.registry.rows(sa.select(TEST).where(TEST.c.test_id.in_(sorted(names)[:MOST_PREVIEWED])))
    return [_preview(home, test) for test in tests]


def _preview(home: Home, test: Row) -> dict[str, Any]:
    told = {"test_id": test["test_id"], "sentence": ""}
    try:
        incoming = read_again(home, test)
    except QuarantineError as error:
        return told | {"outcome": "refused", "sentence": str(error)}
    if incoming.data_sha256 == test["data_sha256"]:
        return told | {"outcome": "same"}
    prepared = prepare_reread(home, test, incoming)
    try:
        return told | {"outcome": "changed", "sentence": compare_revisions(home, test, prepared)["sentence"]}
    finally:
        # Its files are written but never listed.
        discard_prepared(home, prepared)


def _formats_of_tests(home: Home, names: list[str]) -> dict[str, str]:
    # Thousands of names are more than a database takes in one question.
    wanted = frozenset(names)
    rows = home.registry.rows(sa.select(TEST.c.test_id, TEST.c.format))
    return {row["test_id"]: row["format"] for row in rows if row["test_id"] in wanted}

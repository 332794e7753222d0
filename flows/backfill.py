"""What newer readers make of older drops: the refused are judged anew, the committed read again.

A revision that comes of this states what is different from the one before; where nothing is, only the reader's version
is brought up to date. A second run finds nothing to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlalchemy as sa

import parsers
from flows.accounts import Receipt, blank_receipt, describe_test
from flows.described import formats_of, tables_of
from flows.ingest import retry_source
from flows.taking import read_again
from warehouse.difference import compare_revisions
from warehouse.errors import Outdated, QuarantineError, StoreBusy
from warehouse.links import link_all
from warehouse.publish import Incoming, Prepared, commit_prepared, discard_prepared, prepare_reread
from warehouse.registry import TEST, Row
from warehouse.sentences import explain
from warehouse.sources import UNREAD, list_quarantine, write_receipt

if TYPE_CHECKING:
    from warehouse.home import Home

log: Final = logging.getLogger("cellar.backfill")


@dataclass
class Backfill:
    """What a backfill did.

    Args:
        retried: receipts of quarantined sources that were judged anew.
        reread: receipts of tests that have a new revision, each with its ``difference``.
        same: tests whose rows are the same; only the reader's version was brought up to date.
        refused: tests that today's reader refuses, with the reason; they stay as they are.
        busy: sources and tests that others worked on; the next run takes them up.
    """

    retried: list[Receipt] = field(default_factory=list)
    reread: list[Receipt] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)


class Job(NamedTuple):
    """One thing to do: ``retry`` a source, or ``reread`` a test."""

    action: str
    name: str


def run_backfill(home: Home) -> Backfill:
    """Judge anew what other readers refused, and read again what older versions of today's readers read."""
    done = run_jobs(home, plan_backfill(home))
    link_all(home)
    return done


def plan_backfill(home: Home) -> list[Job]:
    """Return what there is to do."""
    sources = [Job("retry", source["sha256"]) for source in sources_to_retry(home)]
    return sources + [Job("reread", name) for name in tests_to_reread(home)]


def run_jobs(home: Home, jobs: Iterable[Job]) -> Backfill:
    """Do some of it; what somebody else has done meanwhile is not done again."""
    done = Backfill()
    waiting = {source["sha256"] for source in sources_to_retry(home)}
    for job in jobs:
        try:
            if job.action == "reread":
                _reread_older(home, job.name, done)
            elif job.name in waiting:
                done.retried.append(retry_source(home, job.name))
        except StoreBusy:
            done.busy.append(job.name)
    return done


def sources_to_retry(home: Home) -> list[Row]:
    """Return the quarantined sources that were judged by other readers than today's."""
    today = parsers.fingerprint_readers(tables_of(home))
    waiting = (source for source in list_quarantine(home) if not source["sha256"].startswith(UNREAD))
    return [source for source in waiting if source["readers"] != today]


def tests_to_reread(home: Home) -> list[str]:
    """Return the tests that an older version of today's reader read."""
    chosen = sa.select(TEST.c.test_id).where(_is_outdated(home)).order_by(TEST.c.test_id)
    return [row["test_id"] for row in home.registry.rows(chosen)]


def _is_outdated(home: Home) -> sa.ColumnElement[bool]:
    older = [sa.and_(TEST.c.format == declared.name, _is_older(declared)) for declared in formats_of(home).values()]
    return sa.or_(*older)


def _reread_older(home: Home, test_id: str, done: Backfill) -> None:
    """Read a test again as it is at this moment: reading takes minutes, in which others may have grown or moved."""
    for test in home.registry.rows(sa.select(TEST).where(TEST.c.test_id == test_id, _is_outdated(home))):
        _reread(home, test, done)


def _is_older(declared: parsers.Format) -> sa.ColumnElement[bool]:
    # A description has no order of versions: any other one is out of date.
    return (
        (TEST.c.reader_version != declared.version)
        if declared.described
        else (TEST.c.reader_version < declared.version)
    )


def _reread(home: Home, test: Row, done: Backfill) -> None:
    started = time.perf_counter()
    try:
        incoming = read_again(home, test)
    except QuarantineError as error:
        log.warning("%s is refused by today's reader: %s", test["test_id"], error)
        # Its version stays the old one, so that a mended reader finds it again.
        done.refused.append({"test_id": test["test_id"], "code": error.code, "detail": str(error)})
        return
    if incoming.data_sha256 == test["data_sha256"]:
        _note_version(home, test, incoming.reader_version)
        done.same.append(test["test_id"])
    else:
        done.reread.append(_revise(home, test, incoming, started))


def _note_version(home: Home, test: Row, version: int) -> None:
    same = TEST.c.test_id == test["test_id"], TEST.c.revision == test["revision"]
    with home.registry.write() as connection:
        connection.execute(sa.update(TEST).where(*same).values(reader_version=version))


def _revise(home: Home, test: Row, incoming: Incoming, started: float) -> Receipt:
    """Commit the new revision together with a receipt that states the difference."""
    prepared = prepare_reread(home, test, incoming)
    difference = compare_revisions(home, test, prepared)
    receipt = _write_receipt(prepared, incoming, difference, started)
    try:
        with home.registry.write() as connection:
            commit_prepared(home, connection, prepared)
            write_receipt(connection, receipt)
    except Outdated:
        discard_prepared(home, prepared)
        raise
    return receipt


def _write_receipt(prepared: Prepared, incoming: Incoming, difference: dict[str, Any], started: float) -> Receipt:
    receipt = blank_receipt(incoming.shown, incoming.sha256, "committed")
    receipt |= {"format": incoming.format, "kind": incoming.kind, "warnings": list(incoming.warnings)}
    receipt |= describe_test(prepared.test)
    return receipt | {
        "reason": explain("reread", difference["sentence"]),
        "seconds": round(time.perf_counter() - started, 4),
        "difference": difference,
    }

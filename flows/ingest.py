"""From what lies somewhere to receipts, as plain functions; the Prefect flows and the command line call these."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from flows.accounts import Receipt, blank_receipt, describe_test
from flows.drops import Drop, drop_of, list_files, open_drops
from flows.reader_pool import prepare
from flows.receipts import write_receipt_file
from flows.taking import Taking, find_firm, give_test, read_again
from flows.versions import find_candidates, has_come_back, keep_lost
from warehouse.archive import Capture
from warehouse.errors import DamageError, Outdated, QuarantineError, StoreBusy, StoreFailed, UsageError
from warehouse.home import Home
from warehouse.publish import Owner, Prepared, prepare_reread, retire_listed, revise_test
from warehouse.registry import SOURCE_FILE, TEST, Row
from warehouse.sentences import explain
from warehouse.sources import (
    FINAL,
    begin_source,
    find_source,
    name_unread,
    refuse_unread,
    supersede_source,
    write_receipt,
)
from warehouse.verify import Finding, heal_archive

log: Final = logging.getLogger("cellar.ingest")

NO_OWNER: Final = Owner()
TRIES: Final = 5
# What a content is called whose name was never written down.
ADOPTED: Final = "found-in-archive"
ADOPTED_DIGITS: Final = 12


def ingest_paths(
    home: Home,
    paths: list[Path],
    wish: Owner = NO_OWNER,
    advance: Callable[[int, int], None] | None = None,
) -> Iterator[Receipt]:
    """Take in files, folders and zips.

    Args:
        home: the platform.
        paths: files or folders.
        wish: owner that the user named, for all of them.
        advance: told the number of files done and in all, after each file.

    Yields:
        A receipt per source, as soon as it is certain.

    Raises:
        UsageError: a path does not exist.
        StoreBusy: a file is still being written, or another process works on it; the others were taken in before this
            is raised.
    """
    prepare()
    files = list_files(paths)
    busy: StoreBusy | None = None
    for done, path in enumerate(files, start=1):
        try:
            yield from ingest_file(home, path, wish)
        except StoreBusy as error:
            busy = error
        if advance is not None:
            advance(done, len(files))
    if busy is not None:
        raise busy


def ingest_file(home: Home, path: Path, wish: Owner = NO_OWNER) -> Iterator[Receipt]:
    """Take in one file, or the members of one archive; see :func:`ingest_paths`."""
    yield from _ingest_whole(home, drop_of(path), wish)


def finish_unfinished(home: Home) -> list[Receipt]:
    """Take in again, from the archive, what dead processes had begun; what a living one works on is left to it."""
    unfinished = sa.select(SOURCE_FILE).where(SOURCE_FILE.c.state == "in_progress")
    receipts: list[Receipt] = []
    for source in home.registry.rows(unfinished.order_by(SOURCE_FILE.c.first_seen_unix_second)):
        try:
            with home.archive.materialise(source["sha256"]) as path:
                receipts.extend(_ingest_whole(home, drop_of(path, source["path"]), wish_of(source)))
        except StoreBusy:
            continue
    return receipts


def adopt_contents(home: Home, hashes: Collection[str]) -> list[Receipt]:
    """Take in contents that the archive has and no row tells of: whoever captured them was killed before that.

    Nobody knows what they were called; as long as the file lies in an inbox, the watcher takes it in by its name first.
    """
    receipts: list[Receipt] = []
    for sha256 in hashes:
        with suppress(StoreBusy), home.archive.materialise(sha256) as path:
            receipts.extend(_ingest_whole(home, drop_of(path, f"{ADOPTED}-{sha256[:ADOPTED_DIGITS]}"), NO_OWNER))
    return receipts


def retry_source(home: Home, sha256: str) -> Receipt:
    """Read a quarantined source again from the archive.

    Raises:
        UsageError: it is not in quarantine.
        StoreBusy: another process works on it.
    """
    source = find_source(home, sha256)
    if source is None or source["state"] != "quarantined" or source["size"] is None:
        raise UsageError(f"{sha256} is not in quarantine")
    with home.archive.materialise(sha256) as path:
        captured = Capture(sha256, source["size"], source["head_sha256"] or "")
        drop = drop_of(path, source["path"])
        lease = begin_source(home, captured, drop.shown, wish_of(source), source["state"])
        receipt = Taking(home, drop, captured, wish_of(source), lease, time.perf_counter()).finish()
    write_receipt_file(home, receipt)
    return receipt


def repair_test(home: Home, test: Row) -> Prepared:
    """Rebuild a test's stored files from its archived source.

    Raises:
        QuarantineError: the reader or the gate refuses today what it took then.
    """
    incoming = read_again(home, test)
    return revise_test(home, test["test_id"], lambda current: prepare_reread(home, current, incoming))


def repair_home(home: Home, findings: list[Finding]) -> list[str]:
    """Rebuild what can be rebuilt: sources from the inboxes, tests from their sources, marts in the next night."""
    healed = heal_archive(home, findings)
    damaged = [finding for finding in findings if finding.serious and finding.place == "table"]
    lost = {finding.test_id for finding in findings if finding.place == "archive" and finding.sha256 not in healed}
    strangers = [finding.sha256 for finding in findings if finding.kind == "unlisted" and finding.sha256]
    healed += [receipt["sha256"] for receipt in adopt_contents(home, strangers)]
    repaired = healed + retire_listed(home, [finding.path for finding in damaged if finding.test_id is None])
    for test_id in sorted({finding.test_id for finding in damaged if finding.test_id} - lost - {None}):
        test = home.registry.row(TEST, test_id=test_id)
        if test is None:
            continue
        try:
            repair_test(home, test)
            repaired.append(test_id)
        except (QuarantineError, DamageError) as error:
            log.error("%s cannot be rebuilt: %s", test_id, error)  # noqa: TRY400 the traceback tells nobody anything
    return repaired


def wish_of(source: Row) -> Owner:
    """Return the owner that a drop named when it came."""
    return Owner(source["firm"], source["cell_id"], "option" if source["firm"] else None)


def _ingest_whole(home: Home, whole: Drop, wish: Owner) -> Iterator[Receipt]:
    with open_drops(whole) as drops:
        for drop in drops:
            receipt = _ingest_told(home, drop, wish)
            yield receipt
            if drop.container and receipt["sha256"]:
                yield from _ingest_members(home, drop, receipt["sha256"], wish)
                return


def _ingest_members(home: Home, container: Drop, sha256: str, wish: Owner) -> Iterator[Receipt]:
    """Take in what an archive holds, from our copy of it: the one that was dropped may change or go meanwhile."""
    with home.archive.materialise(sha256) as path, open_drops(replace(container, path=path)) as drops:
        for drop in islice(drops, 1, None):
            yield _ingest_told(home, drop, wish)


def _ingest_told(home: Home, drop: Drop, wish: Owner) -> Receipt:
    receipt = _ingest_drop(home, drop, wish)
    write_receipt_file(home, receipt)
    return receipt


def _ingest_drop(home: Home, drop: Drop, wish: Owner) -> Receipt:
    """Take in one source; what changed under our hands is looked at again.

    Raises:
        StoreBusy: it is still being written, another process works on it, or our disk refused; try again later.
    """
    try:
        for _ in range(TRIES - 1):
            with suppress(Outdated):
                return _ingest_once(home, drop, wish)
        return _ingest_once(home, drop, wish)
    except (OSError, sa.exc.OperationalError) as error:
        raise StoreFailed(f"{drop.shown} could not be taken in and is tried again: {error}") from error


def _ingest_once(home: Home, drop: Drop, wish: Owner) -> Receipt:
    started = time.perf_counter()
    try:
        if drop.refusal is not None:
            raise drop.refusal
        if drop.packed:
            keep_lost(home, drop)
        captured = home.archive.capture(drop.path, drop.shown, find_candidates(home, drop.path, drop.shown))
    except QuarantineError as error:
        return _refuse_unread(home, drop.shown, error)
    known = find_source(home, captured.sha256)
    firm = find_firm(home, drop, wish)
    if known is not None and known["state"] in FINAL and not has_come_back(home, known, captured, drop.shown, firm):
        return _repeat(home, drop, known, wish, started)
    lease = begin_source(home, captured, drop.shown, wish, known["state"] if known is not None else None)
    return Taking(home, drop, captured, wish, lease, started).finish()


def _repeat(home: Home, drop: Drop, known: Row, wish: Owner, started: float) -> Receipt:
    """Answer a drop whose bytes are known; a test without a firm is given to the one that is named now."""
    receipt = blank_receipt(drop.shown, known["sha256"], "duplicate")
    receipt |= {"format": known["format"], "kind": known["kind"]}
    before = f"first as {known['path']}: {known['state']}"
    test = home.registry.row(TEST, test_id=known["test_id"]) if known["test_id"] else None
    if test is not None:
        test, receipt["warnings"] = give_test(home, test, wish)
        receipt |= describe_test(test)
    receipt["reason"] = explain("same_bytes", before)
    receipt["seconds"] = round(time.perf_counter() - started, 4)
    with home.registry.write() as connection:
        supersede_source(connection, name_unread(drop.shown))
        write_receipt(connection, receipt)
    return receipt


def _refuse_unread(home: Home, shown: str, error: QuarantineError) -> Receipt:
    """Keep account of a drop that cannot even be opened or unpacked, so that there are no bytes to keep."""
    receipt = blank_receipt(shown, "", "quarantined")
    receipt["reason"] = explain(error.code, error.detail, error.where)
    with home.registry.write() as connection:
        refuse_unread(home, connection, shown, error)
        write_receipt(connection, receipt)
    return receipt

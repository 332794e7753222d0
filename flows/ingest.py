"""One source from drop to receipt, as plain functions; the Prefect flows and the command line call these."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

import parsers
from flows.drops import Drop, drop_of, list_files, open_drops
from warehouse.archive import Capture
from warehouse.errors import QuarantineError, SourceBusy, UsageError
from warehouse.home import Home
from warehouse.identity import move_test, resolve_owner
from warehouse.publish import Incoming, Owner, Prepared, commit_prepared, prepare_reread, prepare_test
from warehouse.registry import SOURCE_FILE, TEST, Row
from warehouse.sentences import explain
from warehouse.sources import FINAL, begin_source, end_source, find_source, write_receipt

log: Final = logging.getLogger("cellar.ingest")

Receipt = dict[str, Any]
NO_OWNER: Final = Owner()


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
        SourceBusy: a file is still being written; the others were taken in before this is raised.
    """
    files = list_files(paths)
    busy: SourceBusy | None = None
    for done, path in enumerate(files, start=1):
        try:
            yield from ingest_file(home, path, wish)
        except SourceBusy as error:
            busy = error
        if advance is not None:
            advance(done, len(files))
    if busy is not None:
        raise busy


def ingest_file(home: Home, path: Path, wish: Owner = NO_OWNER) -> Iterator[Receipt]:
    """Take in one file, or the members of one archive; see :func:`ingest_paths`."""
    yield from _ingest_whole(home, drop_of(path), wish)


def finish_unfinished(home: Home) -> list[Receipt]:
    """Take in again, from the archive, what a killed process had begun; call it as the home's one writer."""
    unfinished = sa.select(SOURCE_FILE).where(SOURCE_FILE.c.state == "in_progress")
    receipts: list[Receipt] = []
    for source in home.registry.rows(unfinished.order_by(SOURCE_FILE.c.first_seen_unix_second)):
        whole = drop_of(home.archive.path_of(source["sha256"]), source["path"])
        receipts.extend(_ingest_whole(home, whole, _wish_of(source)))
    return receipts


def retry_source(home: Home, sha256: str) -> Receipt:
    """Read a quarantined source again from the archive.

    Raises:
        UsageError: it is not in quarantine.
    """
    source = find_source(home, sha256)
    if source is None or source["state"] != "quarantined":
        raise UsageError(f"{sha256} is not in quarantine")
    captured = Capture(sha256, source["size"], home.archive.path_of(sha256))
    with home.writing():
        return _work(home, drop_of(captured.path, source["path"]), captured, _wish_of(source), time.perf_counter())


def repair_test(home: Home, test: Row) -> Prepared:
    """Rebuild a test's stored files from its archived source.

    Raises:
        QuarantineError: the reader or the gate refuses today what it took then.
    """
    source = find_source(home, test["source_sha256"])
    shown = source["path"] if source else test["source_sha256"]
    path = home.archive.path_of(test["source_sha256"])
    reading = parsers.read_as(path, test["format"], shown.rpartition("!")[2], home.settings.zone_info)
    with home.writing():
        prepared = prepare_reread(home, test, make_incoming(reading, shown, test["source_sha256"]))
        with home.registry.write() as connection:
            commit_prepared(home, connection, prepared)
    return prepared


def make_incoming(reading: parsers.Reading, shown: str, sha256: str) -> Incoming:
    """Hand a reading over to the warehouse, which knows no formats."""
    return Incoming(
        shown=shown,
        sha256=sha256,
        format=reading.format,
        reader_version=parsers.formats()[reading.format].version,
        kind=reading.kind,
        measurements=reading.measurements,
        spectra=reading.spectra,
        about=reading.about,
        warnings=reading.warnings,
    )


def _ingest_whole(home: Home, whole: Drop, wish: Owner) -> Iterator[Receipt]:
    with open_drops(whole) as drops:
        for drop in drops:
            # Whoever takes the receipt may take its time; the next writer does not wait for that.
            with home.writing():
                receipt = _ingest_drop(home, drop, wish)
            yield receipt


def _wish_of(source: Row) -> Owner:
    return Owner(source["firm"], source["cell_id"], "option" if source["firm"] else None)


def _ingest_drop(home: Home, drop: Drop, wish: Owner) -> Receipt:
    started = time.perf_counter()
    try:
        if drop.refusal is not None:
            raise drop.refusal
        captured = home.archive.capture(drop.path, drop.shown)
    except QuarantineError as error:
        # It cannot even be opened or unpacked, so there are no bytes to keep under a hash.
        return _refuse_unopened(home, drop.shown, error)
    known = find_source(home, captured.sha256)
    if known is not None and known["state"] in FINAL:
        return _repeat(home, drop, known, wish, started)
    if known is None:
        begin_source(home, captured.sha256, captured.size, drop.shown, wish)
    return _work(home, drop, captured, wish, started)


def _work(home: Home, drop: Drop, captured: Capture, wish: Owner, started: float) -> Receipt:
    """Read, derive and commit a captured source, or set it aside with its reason."""
    task = _Task(home, drop, captured, wish, started)
    if drop.container:
        return task.settle("ignored", kind="companion", reason=explain("container"))
    if drop.is_system_file:
        return task.settle("ignored", kind="companion", reason=explain("system_file"))
    try:
        reading = parsers.read(captured.path, drop.name, home.settings.zone_info)
        if reading.kind in {"companion", "empty"}:
            return task.settle("ignored", reading, kind=reading.kind, reason=explain(reading.kind))
        return task.publish(reading)
    except QuarantineError as error:
        log.info("%s set aside: %s", drop.shown, error)
        return task.quarantine(error)


@dataclass(frozen=True)
class _Task:
    """A captured source on its way to one of its final states."""

    home: Home
    drop: Drop
    captured: Capture
    wish: Owner
    started: float

    def publish(self, reading: parsers.Reading) -> Receipt:
        """Commit a reading as a test, unless its rows are here already."""
        incoming = make_incoming(reading, self.drop.shown, self.captured.sha256)
        owner = resolve_owner(
            self.home, self.wish, reading.about.get("channel"), _first_clock(reading), self.drop.folders
        )
        outcome = prepare_test(self.home, incoming, owner)
        if isinstance(outcome, Prepared):
            return self.settle("committed", reading, prepared=outcome)
        test, warnings = _give(self.home, outcome, owner)
        reading = replace(reading, warnings=(*reading.warnings, *warnings))
        return self.settle("unchanged", reading, test=test, reason=explain("same_data", f"test {test['test_id']}"))

    def quarantine(self, error: QuarantineError) -> Receipt:
        """Set the source aside with the reason and the place."""
        reason = explain(error.code, error.detail, error.where)
        return self.settle("quarantined", reason=reason, detail=error.detail, format_name=self._claimant())

    def settle(
        self,
        state: str,
        reading: parsers.Reading | None = None,
        *,
        kind: str | None = None,
        prepared: Prepared | None = None,
        test: Row | None = None,
        reason: dict[str, str] | None = None,
        detail: str | None = None,
        format_name: str | None = None,
    ) -> Receipt:
        """Write test, fate and receipt in one transaction: from here on it is certain."""
        test = prepared.test if prepared else test
        receipt = _blank_receipt(self.drop.shown, self.captured.sha256, state)
        receipt["format"] = reading.format or None if reading else format_name
        receipt["kind"] = kind or (reading.kind if reading else None)
        receipt["warnings"] = list(reading.warnings) if reading else []
        receipt["reason"] = reason
        if test is not None:
            receipt |= _describe_test(test)
            receipt["new_rows"] = test["rows"] if prepared else 0
        with self.home.registry.write() as connection:
            if prepared is not None:
                commit_prepared(self.home, connection, prepared)
            end_source(
                connection,
                self.captured.sha256,
                state=state,
                format=receipt["format"],
                kind=receipt["kind"],
                test_id=receipt["test_id"],
                firm=self.wish.firm,
                cell_id=self.wish.cell_id,
                reason_code=reason["code"] if reason else None,
                reason_detail=detail,
                reason_where=reason["where"] if reason else None,
            )
            receipt["seconds"] = round(time.perf_counter() - self.started, 4)
            write_receipt(connection, receipt)
        return receipt

    def _claimant(self) -> str | None:
        found = parsers.detect(self.captured.path, self.drop.name)
        return found[0].name if len(found) == 1 else None


def _repeat(home: Home, drop: Drop, known: Row, wish: Owner, started: float) -> Receipt:
    """Answer a drop whose bytes are known; a test without a firm is given to the one that is named now."""
    receipt = _blank_receipt(drop.shown, known["sha256"], "duplicate")
    receipt |= {"format": known["format"], "kind": known["kind"]}
    before = f"first as {known['path']}: {known['state']}"
    test = home.registry.row(TEST, test_id=known["test_id"]) if known["test_id"] else None
    if test is not None:
        test, receipt["warnings"] = _give(home, test, wish)
        receipt |= _describe_test(test)
    receipt["reason"] = explain("same_bytes", before)
    receipt["seconds"] = round(time.perf_counter() - started, 4)
    with home.registry.write() as connection:
        write_receipt(connection, receipt)
    return receipt


def _give(home: Home, test: Row, owner: Owner) -> tuple[Row, list[str]]:
    """Give a known test to its owner if it has none; returns it, and what the technician should know."""
    if owner.firm is None or (test["firm"], test["cell_id"]) == (owner.firm, owner.cell_id):
        return test, []
    if test["firm"] is not None:
        return test, ["the test keeps its owner; use 'cellar assign' to move it"]
    return move_test(home, test, owner).test, [f"the test had no firm and now belongs to {owner.firm}"]


def _refuse_unopened(home: Home, shown: str, error: QuarantineError) -> Receipt:
    receipt = _blank_receipt(shown, "", "quarantined")
    receipt["reason"] = explain(error.code, error.detail, error.where)
    with home.registry.write() as connection:
        write_receipt(connection, receipt)
    return receipt


def _blank_receipt(shown: str, sha256: str, state: str) -> Receipt:
    empty = dict.fromkeys(("format", "kind", "test_id", "revision", "firm", "cell_id"))
    counts = dict.fromkeys(("rows", "new_rows", "spectra", "steps", "cycles"), 0)
    times = dict.fromkeys(("first_time", "last_time"))
    return {
        "path": shown,
        "sha256": sha256,
        "state": state,
        **empty,
        **counts,
        **times,
        "warnings": [],
        "reason": None,
        "seconds": 0.0,
    }


def _describe_test(test: Row) -> Receipt:
    same = ("test_id", "revision", "firm", "cell_id", "rows", "spectra", "steps", "cycles")
    times = {"first_time": test["first_unix_second"], "last_time": test["last_unix_second"]}
    return {name: test[name] for name in same} | {name: _iso(moment) for name, moment in times.items()}


def _iso(unix: float | None) -> str | None:
    return None if unix is None else datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds")


def _first_clock(reading: parsers.Reading) -> float | None:
    for frame in (reading.measurements, reading.spectra):
        if "unix_time_second" in frame.columns and frame.height:
            first = frame["unix_time_second"].drop_nulls().head(1)
            return float(first.item()) if first.len() else None
    return None

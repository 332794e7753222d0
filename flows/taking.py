"""One captured source on its way to its fate: read, placed among what is known, committed with its receipt."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import parsers
from flows import apart
from flows.accounts import Receipt, blank_receipt, describe_test
from flows.described import formats_of, require_format, tables_of
from flows.versions import contradicts, find_later_version, find_predecessor, find_same_run, is_open_to
from warehouse.chains import read_ends
from warehouse.errors import FormatUnknown, QuarantineError, StoreBusy, UsageError
from warehouse.identity import move_test
from warehouse.links import ends_onward, link_test
from warehouse.manifest import claims_manifest, import_manifest
from warehouse.owners import Evidence, find_claims, resolve_owner, warn_overruled
from warehouse.parts import read_stored
from warehouse.publish import (
    Incoming,
    Owner,
    Prepared,
    admit,
    check_capacity,
    commit_prepared,
    continues,
    discard_prepared,
    find_same_data,
    owner_of,
    prepare_onward,
    prepare_reread,
    prepare_test,
    take_over,
)
from warehouse.registry import TEST, Row
from warehouse.schema import MEASUREMENTS, STEPS
from warehouse.sentences import explain
from warehouse.sources import (
    end_source,
    find_source,
    name_unread,
    note_read,
    supersede_refused,
    supersede_source,
    supersede_versions,
    write_receipt,
)

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sa

    from flows.drops import Drop
    from flows.versions import Predecessor
    from warehouse.archive import Capture
    from warehouse.home import Home
    from warehouse.leases import Lease

log: Final = logging.getLogger("cellar.ingest")

# Smaller files are done before anybody has looked, and a transaction for each would cost the many.
WATCHED_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True)
class Taking:
    """A captured source on its way to one of its final states.

    Args:
        home: the platform.
        drop: what was dropped.
        captured: its bytes in the archive.
        wish: owner that the user named.
        lease: ours, while we work on it.
        started: when we began, by the performance counter.
    """

    home: Home
    drop: Drop
    captured: Capture
    wish: Owner
    lease: Lease
    started: float

    def finish(self) -> Receipt:
        """Read, derive and commit, or set aside with the reason.

        Raises:
            Outdated: what it was placed after has changed meanwhile; try again.
            LeaseLost: another process took over.
        """
        if self.drop.container:
            return self._settle(_Fate("ignored", kind="companion", reason=explain("container")))
        if self.drop.is_system_file:
            return self._settle(_Fate("ignored", kind="companion", reason=explain("system_file")))
        try:
            fate = self._decide()
        except QuarantineError as error:
            log.info("%s set aside: %s", self.drop.shown, error)
            fate = self._set_aside(error)
        return self._settle(fate)

    def _decide(self) -> _Fate:
        if self.drop.verdict is not None:
            raise self.drop.verdict
        later = find_later_version(self.home, self.captured, find_firm(self.home, self.drop, self.wish))
        if later is not None:
            reason = explain("older_version", later["path"])
            return _Fate("superseded", test=self._test(later["test_id"]), reason=reason)
        before = find_predecessor(self.home, self.captured, self.drop.shown)
        return (self._go_on(before) if before is not None else None) or self._take_whole(before)

    def _go_on(self, before: Predecessor) -> _Fate | None:
        """Read what came after the version before, and only that; None where this cannot be told apart."""
        test = before.test
        if test is None or not before.is_current or test["kind"] != "cycling" or test["spectra"]:
            return None
        tables = tables_of(self.home)
        read_by = parsers.formats(tables).get(test["format"])
        # Rows of another description than today's are no beginning of what today's would read.
        if read_by is None or (read_by.described and read_by.version != test["reader_version"]):
            return None
        known = parsers.Known(before.source["size"], test["rows"])
        with self.home.archive.open(self.captured.sha256) as file:
            zone = self.home.settings.zone_info
            name = self.drop.name
            tail = parsers.read_tail(file, test["format"], known, name, zone, tables=tables, read_part=apart.read_part)
        if tail is None or not (before.grown or self.captured.is_unchanged(*tail.same)):
            return None
        stored = read_stored(self.home, test["test_id"], MEASUREMENTS, test["rows"] - tail.overlap)
        steps = read_stored(self.home, test["test_id"], STEPS)
        shown = steps.select(step_type="kind", current_ampere="mean_current_ampere")
        new = parsers.join_tail(stored, tail, shown)
        if new is None or tail.reading.spectra.height:
            return None
        about = {**tail.reading.about, **json.loads(test["about"])}
        reading = replace(tail.reading, measurements=new, about=about)
        incoming = make_incoming(self.home, reading, self.drop.shown, self.captured.sha256)
        owner, warnings = self._find_owner(incoming, test["first_unix_second"])
        if not _is_keeper(test, owner):
            return None
        return self._append(before.source, test, replace(incoming, warnings=(*incoming.warnings, *warnings)))

    def _append(self, source: Row | None, test: Row, incoming: Incoming) -> _Fate:
        if not incoming.measurements.height:
            reason = explain("no_new_rows", f"test {test['test_id']}")
            return _Fate("unchanged", incoming, test=test, reason=reason, replaces=source, takes_over=True)
        return _Fate("committed", incoming, prepare_onward(self.home, test, incoming), replaces=source)

    def _take_whole(self, before: Predecessor | None) -> _Fate:
        with self.home.archive.materialise(self.captured.sha256) as path:
            try:
                reading = self._read(path)
            except FormatUnknown:
                if not claims_manifest(path, self.drop.name):
                    raise
                return self._import(path)
        if reading.kind in {"companion", "empty"}:
            return _Fate("ignored", reading, kind=reading.kind, reason=explain(reading.kind))
        if self.captured.size >= WATCHED_BYTES:
            self._tell_read(reading.format)
        incoming = admit(make_incoming(self.home, reading, self.drop.shown, self.captured.sha256))
        return self._place(incoming, before)

    def _tell_read(self, format_name: str) -> None:
        """Tell those who watch that reading is over and checking begins."""
        with self.home.registry.write() as connection:
            self.home.leases.check(connection, self.lease)
            note_read(connection, self.captured.sha256, format_name)

    def _place(self, incoming: Incoming, before: Predecessor | None) -> _Fate:
        """Find what the rows are to those that are here: the same, more of them, another version, or new."""
        owner, warnings = self._find_owner(incoming, incoming.first_clock)
        incoming = replace(incoming, warnings=(*incoming.warnings, *warnings))
        source = before.source if before is not None else None
        same = find_same_data(self.home, incoming, owner)
        if same is not None:
            test, told = give_test(self.home, same, owner)
            incoming = replace(incoming, warnings=(*incoming.warnings, *told))
            return _Fate("unchanged", incoming, test=test, reason=explain("same_data", f"test {test['test_id']}"))
        held = self._version_of(incoming, owner, before)
        if held is None:
            incoming = _warn_of_namesake(incoming, before, owner)
            check_capacity(self.home, incoming.measurements, owner, incoming.shown)
            return _Fate("committed", incoming, prepare_test(self.home, incoming, owner), replaces=_if_refused(source))
        return self._revise(incoming, owner, held, before)

    def _find_owner(self, incoming: Incoming, start: float | None) -> tuple[Owner, tuple[str, ...]]:
        evidence = Evidence(incoming.channel, start, incoming.about, self.drop.folders, self.drop.name)
        return resolve_owner(self.home, self.wish, evidence), warn_overruled(self.home, self.wish, evidence)

    def _version_of(self, incoming: Incoming, owner: Owner, before: Predecessor | None) -> Row | None:
        """Return the test that the rows are another version of, or None."""
        if before is not None and before.test is not None and before.is_current:
            test = before.test
            if is_open_to(test, owner) and (before.grown or not contradicts(test, incoming)):
                return test
        return find_same_run(self.home, incoming, owner)

    def _revise(self, incoming: Incoming, owner: Owner, test: Row, before: Predecessor | None) -> _Fate:
        """Put another version in the place of the one that a test has, if it holds more or lay where that one lay."""
        source = find_source(self.home, test["source_sha256"])
        keeper = owner_of(test) if test["firm"] is not None else owner
        if continues(test, incoming) and keeper.cell_id == test["cell_id"] and keeper.firm == test["firm"]:
            new = replace(incoming, measurements=incoming.measurements.slice(test["rows"]))
            return self._append(source, test, new)
        held = test["rows"] + test["spectra"]
        replaces = before is not None and before.is_current and before.source["test_id"] == test["test_id"]
        if incoming.size <= held and not replaces:
            return _Fate("superseded", incoming, test=test, reason=explain("same_run", f"test {test['test_id']}"))
        check_capacity(self.home, incoming.measurements, keeper, incoming.shown)
        prepared = prepare_reread(self.home, test, incoming, keeper)
        reason = None
        if before is None or not before.grown:
            code = "replaced_shorter" if incoming.size < held else "replaced"
            reason = explain(code, f"test {test['test_id']}: {held} → {incoming.size}")
        return _Fate("committed", incoming, prepared, reason, source)

    def _import(self, path: Path) -> _Fate:
        """Take a manifest in; what its rows change is derived again."""
        try:
            receipt = import_manifest(self.home, path, self.drop.shown, firm=find_firm(self.home, self.drop, self.wish))
        except UsageError as error:
            raise QuarantineError(self.drop.shown, str(error), code="manifest_unreadable") from error
        return _Fate("committed", kind="manifest", warnings=receipt.warnings, reason=receipt.reason)

    def _set_aside(self, error: QuarantineError) -> _Fate:
        reason = explain(error.code, error.detail, error.where)
        return _Fate("quarantined", reason=reason, detail=error.detail, format=self._claimant())

    def _settle(self, fate: _Fate) -> Receipt:
        """Write test, fate and receipt in one transaction: from here on it is certain."""
        receipt, ends = self._write_receipt(fate), self._find_ends(fate)
        try:
            with self.home.registry.write() as connection:
                self.home.leases.release(connection, self.lease)
                self._commit(connection, fate, receipt)
                if ends is not None and fate.prepared is not None:
                    told = link_test(self.home, connection, fate.prepared.test["test_id"], ends)
                    receipt["warnings"] += told
                receipt["seconds"] = round(time.perf_counter() - self.started, 4)
                write_receipt(connection, receipt)
        except StoreBusy:
            if fate.prepared is not None:
                discard_prepared(self.home, fate.prepared)
            raise
        return receipt

    def _find_ends(self, fate: _Fate) -> Row | None:
        """Return the first and the last record of a test that is to be committed, by which continuations are told."""
        if fate.prepared is None or not isinstance(fate.reading, Incoming) or not fate.reading.measurements.height:
            return None
        if fate.prepared.grows:
            return ends_onward(self.home, fate.prepared.test["test_id"], fate.reading.measurements)
        return read_ends(fate.reading.measurements)

    def _write_receipt(self, fate: _Fate) -> Receipt:
        receipt = blank_receipt(self.drop.shown, self.captured.sha256, fate.state)
        receipt |= {"format": fate.format, "kind": fate.kind, "warnings": list(fate.warnings), "reason": fate.reason}
        test = fate.prepared.test if fate.prepared else fate.test
        if test is not None:
            receipt |= describe_test(test)
        receipt["new_rows"] = fate.prepared.new_rows if fate.prepared else 0
        return receipt

    def _commit(self, connection: sa.Connection, fate: _Fate, receipt: Receipt) -> None:
        if fate.prepared is not None:
            commit_prepared(self.home, connection, fate.prepared)
            supersede_versions(connection, fate.prepared.test["test_id"], self.captured.sha256)
        elif fate.takes_over and fate.test is not None:
            take_over(connection, fate.test, self.captured.sha256)
        if fate.replaces is not None:
            supersede_source(connection, fate.replaces["sha256"])
        supersede_source(connection, name_unread(self.drop.shown))
        if fate.state in {"committed", "unchanged"}:
            supersede_refused(connection, self.drop.shown)
        reason = fate.reason or {}
        end_source(
            connection,
            self.captured.sha256,
            state=fate.state,
            format=fate.format,
            kind=fate.kind,
            test_id=receipt["test_id"],
            firm=self.wish.firm,
            cell_id=self.wish.cell_id,
            previous_sha256=fate.replaces["sha256"] if fate.replaces else None,
            readers=parsers.fingerprint_readers(tables_of(self.home)),
            reason_code=reason.get("code"),
            reason_detail=fate.detail,
            reason_where=reason.get("where"),
        )

    def _test(self, test_id: str) -> Row | None:
        return self.home.registry.row(TEST, test_id=test_id)

    def _read(self, path: Path) -> parsers.Reading:
        """Read as the technician said, or as the content says."""
        source = find_source(self.home, self.captured.sha256)
        zone, profile = self.home.settings.zone_info, self.home.settings.profile_of(self.drop.shown)
        if source is not None and source["read_as"]:
            name = require_format(self.home, source["read_as"], self.drop.shown)
            return apart.read(path, self.drop.name, zone, profile, tables=tables_of(self.home), format_name=name)
        return apart.read(path, self.drop.name, zone, profile, tables=tables_of(self.home))

    def _claimant(self) -> str | None:
        with self.home.archive.materialise(self.captured.sha256) as path:
            found = apart.detect(path, self.drop.name, tables=tables_of(self.home))
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class _Fate:
    """What becomes of a source, before it is written down.

    Args:
        state: its final state.
        reading: what was read, for format, kind and warnings.
        prepared: the revision to commit with it.
        reason: why, in both languages.
        replaces: the source that it stands for from now on.
        test: the test that its rows are in already.
        takes_over: whether that test's source is this one from now on.
        kind: of its content, where nothing was read.
        format: that claims it, where nothing was read.
        detail: what was found, in English.
        warnings: sentences beside those of the reader.
    """

    state: str
    reading: parsers.Reading | Incoming | None = None
    prepared: Prepared | None = None
    reason: dict[str, str] | None = None
    replaces: Row | None = None
    test: Row | None = None
    takes_over: bool = False
    kind: str | None = None
    format: str | None = None
    detail: str | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Take from the reading what was not said otherwise."""
        if self.reading is not None:
            object.__setattr__(self, "kind", self.kind or self.reading.kind)
            object.__setattr__(self, "format", self.reading.format or None)
            object.__setattr__(self, "warnings", (*self.reading.warnings, *self.warnings))


def make_incoming(home: Home, reading: parsers.Reading, shown: str, sha256: str) -> Incoming:
    """Hand a reading over to the warehouse, which knows no formats."""
    return Incoming(
        shown=shown,
        sha256=sha256,
        format=reading.format,
        reader_version=formats_of(home)[reading.format].version,
        kind=reading.kind,
        measurements=reading.measurements,
        spectra=reading.spectra,
        about=reading.about,
        warnings=reading.warnings,
    )


def read_again(home: Home, test: Row) -> Incoming:
    """Read a test's archived source with today's version of the reader that read it.

    Raises:
        QuarantineError: the reader or the gate refuses today what it took then.
    """
    source = find_source(home, test["source_sha256"])
    shown = source["path"] if source else test["source_sha256"]
    format_name = require_format(home, test["format"], shown)
    with home.archive.materialise(test["source_sha256"]) as path:
        settings = home.settings
        name, profile = shown.rpartition("!")[2], settings.profile_of(shown)
        tables = tables_of(home)
        reading = apart.read(path, name, settings.zone_info, profile, tables=tables, format_name=format_name)
    # Rows that were shown to a firm are not taken away because a reader has lost the sense for them.
    if reading.kind in {"companion", "empty"}:
        raise QuarantineError(shown, "holds no rows for today's reader", code="empty")
    return admit(make_incoming(home, reading, shown, test["source_sha256"]))


def give_test(home: Home, test: Row, owner: Owner) -> tuple[Row, list[str]]:
    """Give a known test to its owner if it has none; returns it, and what the technician should know."""
    if owner.firm is None or (test["firm"], test["cell_id"]) == (owner.firm, owner.cell_id):
        return test, []
    if test["firm"] is not None:
        return test, ["the test keeps its owner; use 'cellar assign' to move it"]
    return move_test(home, test, owner).test, [f"the test had no firm and now belongs to {owner.firm}"]


def find_firm(home: Home, drop: Drop, wish: Owner) -> str | None:
    """Return the firm that was named, or in whose folder a drop lay, before anything of it is read."""
    claims = find_claims(home, Evidence(folders=drop.folders))
    return wish.firm or next((claim.firm for claim in claims), None)


def _is_keeper(test: Row, owner: Owner) -> bool:
    """Say whether a test that goes on keeps its owner: nobody else is named for it."""
    if owner.firm is None:
        return True
    return owner.firm == test["firm"] and owner.cell_id in {None, test["cell_id"]}


def _warn_of_namesake(incoming: Incoming, before: Predecessor | None, owner: Owner) -> Incoming:
    """Tell that an earlier file of this name was another run, so that both stay; of another firm's, nothing."""
    if before is None or before.test is None or not is_open_to(before.test, owner):
        return incoming
    told = f"an earlier file of this name is another run, {before.test['test_id']}: both are kept"
    return replace(incoming, warnings=(*incoming.warnings, told))


def _if_refused(source: Row | None) -> Row | None:
    """Return the earlier version if it waits in quarantine: a good one settles its case."""
    return source if source is not None and source["state"] == "quarantined" else None

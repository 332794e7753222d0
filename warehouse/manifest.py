"""Manifests: the tables, csv or xlsx, that say which cells exist, whose they are, what they are made of and where.

A manifest is imported in one transaction as one version. Its good rows are taken and its bad ones told, what it changes
is kept with what was before, and what follows from it is derived again. The instrument's file is never asked for any of
this. ``docs/manifests.md`` lists the kinds and their columns.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from warehouse.errors import UsageError
from warehouse.manifest_effects import follow_up
from warehouse.manifest_ledger import Ledger
from warehouse.manifest_receipt import ManifestReceipt, count_kinds
from warehouse.manifest_rows import Fact, Reading, read_rows
from warehouse.manifest_rules import take_facts
from warehouse.manifest_tables import is_manifest, read_tables
from warehouse.manifest_values import Unfit
from warehouse.registry import MANIFEST_VERSION, Row

if TYPE_CHECKING:
    from warehouse.home import Home


def claims_manifest(path: Path, name: str = "") -> bool:
    """Say whether a file is a manifest, from its first rows alone; its name is no evidence.

    Args:
        path: where the bytes are.
        name: the file's name as the user knows it.
    """
    del name
    return is_manifest(path)


def import_manifest(
    home: Home, path: Path, shown: str | None = None, *, firm: str | None = None, again: bool = False
) -> ManifestReceipt:
    """Import a manifest: good rows are taken, bad ones told, and what follows from it is derived again.

    Bytes that were imported before change nothing; rows of them that were refused then are tried once more.

    Args:
        home: the platform.
        path: where the bytes are.
        shown: the manifest as the user knows it; the path by default.
        firm: the only firm whose rows are taken; None where the platform itself imports.
        again: take known bytes as a new version, to go back behind later ones.

    Raises:
        UsageError: the file cannot be read as a table, or none of its tables is a manifest's.
    """
    work = _Import.read(home, path, shown, firm)
    with home.registry.write() as connection:
        receipt = work.take(connection, again=again)
    return follow_up(home, receipt, work.reading.facts)


def try_manifest(home: Home, path: Path, shown: str | None = None, *, firm: str | None = None) -> ManifestReceipt:
    """Say what an import would do now, and do nothing; see :func:`import_manifest`."""
    work = _Import.read(home, path, shown, firm)
    with home.registry.snapshot() as moment:
        return work.plan(moment, work.reading.facts)[1]


def list_versions(home: Home) -> list[Row]:
    """Return every import without its receipt, the newest first."""
    columns = (column for column in MANIFEST_VERSION.columns if column is not MANIFEST_VERSION.c.record)
    return home.registry.rows(sa.select(*columns).order_by(MANIFEST_VERSION.c.version.desc()))


@dataclass(frozen=True)
class _Import:
    """A manifest that was read, on its way into the registry."""

    home: Home
    shown: str
    sha256: str
    reading: Reading

    @classmethod
    def read(cls, home: Home, path: Path, shown: str | None, firm: str | None) -> _Import:
        """Read every table of a manifest; with a firm, rows of others are refused."""
        # A name that is no Unicode can be shown, but not kept.
        shown = (shown or str(path)).encode(errors="replace").decode()
        whole = Reading()
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{shown} cannot be read as a table: {error}") from error
        tables, others = read_tables(raw, shown)
        for table in tables:
            part = read_rows(table, shown, home.settings.zone_info)
            whole.facts += part.facts
            whole.refused += part.refused
            whole.notices += part.notices
        whole.notices += [("sheet_unknown", name) for name in others]
        foreign = [fact for fact in whole.facts if firm is not None and fact.firm != firm]
        whole.refused += [
            fact.refuse(Unfit("not_yours", fact.firm, fact.kind.owner or fact.kind.key[0])) for fact in foreign
        ]
        whole.facts = [fact for fact in whole.facts if firm is None or fact.firm == firm]
        return cls(home, shown, hashlib.sha256(raw).hexdigest(), whole)

    def plan(self, moment: sa.Connection, facts: list[Fact]) -> tuple[Ledger, ManifestReceipt, list[Fact]]:
        """Work out what facts change, without changing anything."""
        ledger = Ledger(self.home.registry, moment, facts)
        taken, refused = take_facts(ledger, facts)
        changes = tuple(ledger.changes())
        errors = sorted((*self.reading.refused, *refused), key=lambda error: (error.sheet, error.row))
        receipt = ManifestReceipt(
            path=self.shown,
            sha256=self.sha256,
            version=0,
            taken=count_kinds([fact.kind.name for fact in taken]),
            refused=tuple(errors),
            changes=changes,
            firms_added=tuple(change.firm for change in changes if change.made and change.table == "firm"),
            notices=tuple(dict.fromkeys(self.reading.notices)),
        )
        return ledger, receipt, taken

    def take(self, connection: sa.Connection, *, again: bool) -> ManifestReceipt:
        """Write what the manifest changes as one version, inside the caller's transaction."""
        known = None if again else self._find_version(connection)
        facts = self.reading.facts
        if known is not None:
            # A later correction of a row that was taken must not be undone by a file that is dropped again.
            untaken = {(one["sheet"], one["row"]) for one in json.loads(known["record"])["refused"]}
            facts = [fact for fact in facts if (fact.sheet, fact.row) in untaken]
        ledger, receipt, taken = self.plan(connection, facts)
        if known is not None:
            receipt = replace(receipt, notices=(*receipt.notices, ("known_before", f"version {known['version']}")))
            if not taken:
                return replace(receipt, version=known["version"], taken=json.loads(known["record"])["taken"])
        version = (connection.execute(sa.select(sa.func.max(MANIFEST_VERSION.c.version))).scalar() or 0) + 1
        refreshed = ledger.write(connection, version, receipt.changes)
        receipt = replace(receipt, version=version, refreshed=refreshed)
        self._record(connection, receipt)
        return receipt

    def _find_version(self, connection: sa.Connection) -> Row | None:
        same = sa.select(MANIFEST_VERSION).where(MANIFEST_VERSION.c.sha256 == self.sha256)
        found = self.home.registry.rows(same.order_by(MANIFEST_VERSION.c.version.desc()).limit(1), connection)
        return found[0] if found else None

    def _record(self, connection: sa.Connection, receipt: ManifestReceipt) -> None:
        row = {
            "version": receipt.version,
            "sha256": self.sha256,
            "path": self.shown,
            "taken": sum(receipt.taken.values()),
            "refused": receipt.rows_refused,
            "record": json.dumps(receipt.as_dict(), ensure_ascii=False),
            "at_unix_second": time.time(),
        }
        self.home.registry.put(connection, MANIFEST_VERSION, row)

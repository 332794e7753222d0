"""The identity tables as a manifest finds them and as it leaves them, with the difference between the two.

Everything is looked up, compared and written within one transaction; what is written is each row that differs, what
differs in it, and the number of the manifest that did it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from warehouse.manifest_kinds import ASSIGNMENTS, CELLS, CHANNELS, FIRMS, TAKEN
from warehouse.manifest_rows import Fact
from warehouse.marts import invalidate_answers
from warehouse.registry import CHANNEL, FIRM, MANIFEST_CHANGE, SQL_TABLES, Registry, Row

if TYPE_CHECKING:
    from warehouse.manifest_fields import Kind

Key = tuple[Any, ...]

STAMPS: Final = frozenset({"manifest_version", "updated_unix_second", "created_unix_second"})
# Databases bound the number of parameters of a statement.
MOST_VALUES: Final = 1000
NAMES: Final = {kind.table.name: kind for kind in TAKEN}


@dataclass(frozen=True)
class Change:
    """A value that a manifest changed; without a column, a row that it made (no ``after``) or withdrew (``before``).

    Args:
        table: the registry's table.
        firm: whose row it is.
        key: the rest of the row's key.
        column: the changed column.
        before: its value before.
        after: its value after.
    """

    table: str
    firm: str
    key: Key
    column: str
    before: Any = None
    after: Any = None

    @property
    def made(self) -> bool:
        """Whether the row is new."""
        return not self.column and self.before is None

    @property
    def name(self) -> str:
        """The row as a person calls it."""
        return "/".join(str(part) for part in self.key if part != "") or self.firm


class Ledger:
    """Current rows of the firms that a manifest names, and what becomes of them.

    Args:
        registry: where they are.
        moment: the transaction that they are looked up in.
        facts: what the manifest says; tells which rows are needed.
    """

    def __init__(self, registry: Registry, moment: sa.Connection, facts: Sequence[Fact]) -> None:
        self._registry = registry
        self._moment = moment
        self._before: dict[str, dict[Key, Row]] = {}
        firms = {fact.firm for fact in facts}
        for kind in TAKEN:
            # A channel may be another firm's, which must be known to refuse it.
            of_channel = kind is ASSIGNMENTS or kind is CHANNELS
            named = {fact.values["channel"] for fact in facts if fact.kind is kind} if of_channel else firms
            rows = self._look(kind, "channel" if of_channel else kind.owner, named)
            self._before[kind.name] = {tuple(row[name] for name in kind.key): row for row in rows}
        self._now = {name: dict(rows) for name, rows in self._before.items()}
        self._namesakes = {fact.values["cell_id"] for fact in facts if fact.kind is CELLS}

    def find(self, kind: Kind, key: Key) -> Row | None:
        """Return a row as the manifest has it so far, or None."""
        return self._now[kind.name].get(key)

    def rows(self, kind: Kind) -> Iterable[Row]:
        """Return every row of a kind that was looked up, as the manifest has it so far."""
        return self._now[kind.name].values()

    def cells_called(self) -> list[Row]:
        """Return the cells, of whatever firm, that are called like one of the manifest's."""
        return self._look(CELLS, "cell_id", self._namesakes)

    def put(self, kind: Kind, row: Row) -> None:
        """Make or change a row."""
        self._now[kind.name][tuple(row[name] for name in kind.key)] = row
        firm = kind.firm_of(row)
        if firm and kind is not FIRMS and (firm,) not in self._now[FIRMS.name]:
            self._now[FIRMS.name][firm,] = {"code": firm, "name": firm}

    def withdraw(self, kind: Kind, key: Key) -> None:
        """Take a row out."""
        self._now[kind.name].pop(key, None)

    def changes(self) -> list[Change]:
        """Return what differs from before, in the order in which kinds are taken."""
        return [change for kind in TAKEN for change in self._compare(kind)]

    def write(self, connection: sa.Connection, version: int, changes: Sequence[Change]) -> tuple[str, ...]:
        """Write what differs, inside the caller's transaction.

        Returns:
            The firms whose stored answers are outdated by it.
        """
        for kind in TAKEN:
            self._write_kind(connection, kind, version, [one for one in changes if one.table == kind.table.name])
        records = [_record_change(version, change) for change in changes]
        self._registry.put(connection, MANIFEST_CHANGE, records)
        firms = tuple(sorted({change.firm for change in changes if change.table == CELLS.table.name}))
        for firm in _find_outdated(connection, changes):
            invalidate_answers(connection, firm)
        return firms

    def _look(self, kind: Kind, column: str, values: set[Any]) -> list[Row]:
        table = SQL_TABLES[kind.table.name]
        ordered = sorted(values)
        chunks = (ordered[start : start + MOST_VALUES] for start in range(0, len(ordered), MOST_VALUES))
        return [
            row
            for chunk in chunks
            for row in self._registry.rows(sa.select(table).where(table.c[column].in_(chunk)), self._moment)
        ]

    def _compare(self, kind: Kind) -> Iterator[Change]:
        before, now = self._before[kind.name], self._now[kind.name]
        for key in dict.fromkeys((*before, *now)):
            old, new = before.get(key), now.get(key)
            row = new or old or {}
            said = Change(kind.table.name, kind.firm_of(row), _rest_of_key(kind, row), "")
            if old is None:
                yield said
            elif new is None:
                yield Change(said.table, said.firm, said.key, "", before=old)
            # Rows that nothing was said of are the very same objects, and most are.
            elif old is not new:
                yield from (
                    Change(said.table, said.firm, said.key, name, old.get(name), new.get(name))
                    for name in kind.table.names
                    if name not in STAMPS and old.get(name) != new.get(name)
                )

    def _write_kind(self, connection: sa.Connection, kind: Kind, version: int, changes: Sequence[Change]) -> None:
        table = SQL_TABLES[kind.table.name]
        stamps = {"manifest_version": version, "updated_unix_second": time.time(), "created_unix_second": time.time()}
        written = []
        for key in dict.fromkeys(_full_key(kind, change) for change in changes):
            row = self._now[kind.name].get(key)
            if row is None:
                same = (table.c[name] == value for name, value in zip(kind.key, key, strict=True))
                connection.execute(sa.delete(table).where(*same))
                continue
            fresh = {name: stamps[name] for name in kind.table.names if name in stamps}
            made = {"created_unix_second": row["created_unix_second"]} if row.get("created_unix_second") else {}
            written.append({**dict.fromkeys(kind.table.names), **row, **fresh, **made})
        self._registry.put(connection, table, written)


def restore_row(registry: Registry, table: str, key: Row, version: int) -> Row | None:
    """Return a row of an identity table as a manifest left it; None where it did not exist then.

    Args:
        registry: where it is.
        table: the table.
        key: the whole key of the row.
        version: number of the manifest.
    """
    kind = NAMES[table]
    row = registry.row(SQL_TABLES[table], **key)
    mine = {"table_name": table, "firm": kind.firm_of(key), "row_key": _write_json(_rest_of_key(kind, key))}
    later = sa.select(MANIFEST_CHANGE).where(
        MANIFEST_CHANGE.c.version > version, *(MANIFEST_CHANGE.c[name] == value for name, value in mine.items())
    )
    for change in registry.rows(later.order_by(MANIFEST_CHANGE.c.version.desc())):
        before = json.loads(change["before"])
        if not change["column_name"]:
            row = before
        elif row is not None:
            row[change["column_name"]] = before
    return row


def list_changes(registry: Registry, *conditions: sa.ColumnElement[bool]) -> list[Change]:
    """Return stored changes that meet all conditions, the oldest first."""
    query = sa.select(MANIFEST_CHANGE).where(*conditions)
    order = (MANIFEST_CHANGE.c[name] for name in ("version", "table_name", "firm", "row_key", "column_name"))
    return [_read_change(row) for row in registry.rows(query.order_by(*order))]


def _record_change(version: int, change: Change) -> Row:
    return {
        "version": version,
        "table_name": change.table,
        "firm": change.firm,
        "row_key": _write_json(change.key),
        "column_name": change.column,
        "before": _write_json(change.before),
        "after": _write_json(change.after),
    }


def _read_change(row: Row) -> Change:
    key, before, after = (json.loads(row[name]) for name in ("row_key", "before", "after"))
    return Change(row["table_name"], row["firm"], tuple(key), row["column_name"], before, after)


def _write_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rest_of_key(kind: Kind, row: Row) -> Key:
    return tuple(row[name] for name in kind.key if name != kind.owner)


def _full_key(kind: Kind, change: Change) -> Key:
    rest = iter(change.key)
    return tuple(change.firm if name == kind.owner else next(rest) for name in kind.key)


def _find_outdated(connection: sa.Connection, changes: Sequence[Change]) -> list[str]:
    """Return the firms whose results a manifest may change; a channel has held anybody's cells, or nobody's."""
    if any(change.table == CHANNEL.name for change in changes):
        return ["", *connection.execute(sa.select(FIRM.c.code).order_by(FIRM.c.code)).scalars()]
    return sorted({change.firm for change in changes})

"""The registry: who owns what, what was dropped, which files readers may open.

SQLite in the home by default, PostgreSQL by URL; the same statements on both. A write is one transaction.
The DDL is a projection of :mod:`warehouse.schema`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from warehouse import schema
from warehouse.errors import RegistryLost, UsageError
from warehouse.journal import Change, Journal, changed_table
from warehouse.mounts import NETWORK_FILESYSTEMS, mount_kind

Row = dict[str, Any]

SQL_TYPES: Final[Mapping[pl.DataType, sa.types.TypeEngine[Any]]] = {
    schema.F64: sa.Double(),
    schema.I64: sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    schema.TEXT: sa.Text(),
    schema.FLAG: sa.Boolean(),
}
BUSY_SECONDS: Final = 60
# Tens of thousands of rows at a time have the garbage collector look through all there is, which takes as long again.
ROWS_AT_ONCE: Final = 1_000
WRITES: Final = "cellar_writes"
WRITERS_LOCK: Final = 0xCE11A6
CHANGES: Final = "cellar_changes"

METADATA: Final = sa.MetaData()


def _declare(table: schema.Table) -> sa.Table:
    columns: list[sa.Column[Any]] = [
        sa.Column(column.name, SQL_TYPES[column.dtype], primary_key=column.key, nullable=not column.required)
        for column in table.columns
    ]
    constraints = [sa.UniqueConstraint(*names) for names in table.unique]
    return sa.Table(table.name, METADATA, *columns, *constraints)


SQL_TABLES: Final = {table.name: _declare(table) for table in schema.TABLES if table.place == "registry"}
FIRM: Final = SQL_TABLES["firm"]
CELL: Final = SQL_TABLES["cell"]
ASSIGNMENT: Final = SQL_TABLES["assignment"]
CHANNEL: Final = SQL_TABLES["channel"]
RECIPE: Final = SQL_TABLES["recipe"]
REQUIREMENT_SET: Final = SQL_TABLES["requirement_set"]
MANIFEST_VERSION: Final = SQL_TABLES["manifest_version"]
MANIFEST_CHANGE: Final = SQL_TABLES["manifest_change"]
TEST: Final = SQL_TABLES["test"]
TEST_END: Final = SQL_TABLES["test_end"]
SOURCE_FILE: Final = SQL_TABLES["source_file"]
INBOX_FILE: Final = SQL_TABLES["inbox_file"]
RECEIPT: Final = SQL_TABLES["receipt"]
STORED_FILE: Final = SQL_TABLES["stored_file"]
PROGRESS: Final = SQL_TABLES["progress"]
WORKER: Final = SQL_TABLES["worker"]
LEASE: Final = SQL_TABLES["lease"]
JOURNAL: Final = SQL_TABLES["journal"]
GENERATION: Final = SQL_TABLES["generation"]
BUCKET: Final = SQL_TABLES["bucket"]
NIGHT: Final = SQL_TABLES["night"]
PLATFORM_MONTH: Final = SQL_TABLES["platform_month"]
COHORT_RELEASE: Final = SQL_TABLES["cohort_release"]
COHORT_CELL: Final = SQL_TABLES["cohort_cell"]
COHORT_CONTRIBUTION: Final = SQL_TABLES["cohort_contribution"]
ALERT: Final = SQL_TABLES["alert"]
ACCESS_TOKEN: Final = SQL_TABLES["access_token"]
ACCESS_SESSION: Final = SQL_TABLES["access_session"]
AUDIT: Final = SQL_TABLES["audit"]
COUNTED: Final = sa.select(JOURNAL.c.number).where(JOURNAL.c.name == "journal")
sa.Index("stored_file_by_firm", STORED_FILE.c.firm, STORED_FILE.c.table_name)
sa.Index("test_by_firm", TEST.c.firm)
sa.Index("stored_file_by_test", STORED_FILE.c.test_id)
sa.Index("stored_file_by_mart", STORED_FILE.c.mart)
sa.Index("receipt_by_hash", RECEIPT.c.sha256)
sa.Index("receipt_by_path", RECEIPT.c.path)
sa.Index("source_by_test", SOURCE_FILE.c.test_id)
sa.Index("test_by_channel", TEST.c.channel)
sa.Index("test_by_before", TEST.c.continues)
sa.Index("test_end_by_first", TEST_END.c.first_second)
sa.Index("test_end_by_last", TEST_END.c.last_second)
sa.Index("audit_by_firm", AUDIT.c.firm)
sa.Index("source_by_head", SOURCE_FILE.c.head_sha256)
INDEXES: Final = sorted(str(index.name) for table in METADATA.tables.values() for index in table.indexes)
# A database made by this very schema says so, and is not looked at again.
SCHEMA_NUMBER: Final = int(hashlib.sha256(repr((schema.TABLES, INDEXES)).encode()).hexdigest()[:12], 16)


class Registry:
    """One database with the registry's tables.

    Args:
        url: SQLAlchemy URL; tables that it lacks are created.
        journal: takes down every change before it is committed; none for a registry that may be lost.

    Raises:
        UsageError: the URL is none, its database does not answer, or it is SQLite on a network mount.
        RegistryLost: the registry knows nothing, but the journal tells of an earlier one.
    """

    def __init__(self, url: str, journal: Journal | None = None) -> None:
        self.journal = journal
        try:
            self.url = sa.make_url(url)
            self.engine = _make_engine(self.url)
            # SQLite's transactions are snapshots anyway.
            snapshots = {} if self.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
            self._reader = self.engine.execution_options(**snapshots)
            self._writer = self.engine.execution_options(**{WRITES: True})
            sa.event.listen(self.engine, "before_cursor_execute", _take_down)
            self._create_tables()
        except (sa.exc.DBAPIError, sa.exc.ArgumentError, ModuleNotFoundError) as error:
            raise UsageError(f"the registry cannot be opened: {error}") from error
        if self._is_lost():
            self.close()
            raise RegistryLost(
                f"the registry {self.url.render_as_string()} is gone; 'cellar verify --repair' makes it again from "
                "the journal / 레지스트리가 없습니다. 'cellar verify --repair' 명령으로 저널에서 다시 만드십시오"
            )

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open one transaction: all of it becomes visible and durable at the end, or nothing.

        One at a time, on either database: what a transaction looks up holds until it ends.
        """
        with self._writer.begin() as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITERS_LOCK)))
            changes: list[Change] = []
            connection.info[CHANGES] = changes
            try:
                yield connection
            finally:
                del connection.info[CHANGES]
            if self.journal is not None and changes:
                self.journal.append(_count_up(connection), changes)

    def replay(self, journal: Journal) -> int:
        """Make an empty registry again from a journal; returns the number of transactions.

        Raises:
            UsageError: the registry is not empty.
        """
        if self._counted():
            raise UsageError(f"the registry {self.url.render_as_string()} is not empty")
        number = count = 0
        with self._writer.begin() as connection:
            for number, changes in journal.read():  # noqa: B007 the last number is needed behind the loop
                count += 1
                for sql, rows in changes:
                    # One row is one tuple or mapping, as the driver took it.
                    connection.exec_driver_sql(sql, [row if isinstance(row, dict) else tuple(row) for row in rows])
            connection.execute(sa.insert(JOURNAL).values(name="journal", number=number))
        return count

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Open one reading transaction: all that is read through it is of one moment, whatever others write."""
        with self._reader.begin() as connection:
            yield connection

    def rows(self, statement: sa.Select[Any], moment: sa.Connection | None = None) -> list[Row]:
        """Return the result of a SELECT as dictionaries, of now or of a snapshot's moment."""
        if moment is None:
            with self.snapshot() as now:
                return self.rows(statement, now)
        result = moment.execute(statement)
        names = tuple(result.keys())
        # Mappings of the library's own take three times as long to become dictionaries.
        return [dict(zip(names, row, strict=True)) for row in result]

    def tuples(self, statement: sa.Select[Any], moment: sa.Connection | None = None) -> Iterator[sa.Row[Any]]:
        """Yield the rows of a SELECT as tuples, for whoever keeps little of many."""
        if moment is None:
            with self.snapshot() as now:
                yield from self.tuples(statement, now)
            return
        for rows in moment.execute(statement).partitions(ROWS_AT_ONCE):
            yield from rows

    def row(self, table: sa.Table, **key: object) -> Row | None:
        """Return the row with this key, or None."""
        found = self.rows(sa.select(table).where(*(table.c[name] == value for name, value in key.items())))
        return found[0] if found else None

    def frame(
        self,
        table: schema.Table,
        *conditions: sa.ColumnElement[bool],
        columns: Sequence[str] | None = None,
        moment: sa.Connection | None = None,
    ) -> pl.DataFrame:
        """Return a registry table as a Polars frame: the rows that meet all conditions; some columns, or all."""
        names = table.names if columns is None else columns
        listed = sa.select(*(SQL_TABLES[table.name].c[name] for name in names)).where(*conditions)
        return self.to_frame(listed, {name: table.dtypes[name] for name in names}, moment)

    def to_frame(
        self, statement: sa.Select[Any], dtypes: Mapping[str, pl.DataType], moment: sa.Connection | None = None
    ) -> pl.DataFrame:
        """Return the result of a SELECT as a Polars frame, whose columns are named and of the types that are given."""
        if moment is None:
            with self.snapshot() as now:
                return self.to_frame(statement, dtypes, now)
        columns: list[list[Any]] = [[] for _ in dtypes]
        for rows in moment.execute(statement).partitions(ROWS_AT_ONCE):
            for column, values in zip(columns, zip(*rows, strict=True), strict=True):
                column.extend(values)
        return pl.DataFrame(dict(zip(dtypes, columns, strict=True)), schema=dtypes)

    def count_changes(self) -> int:
        """Return how many transactions have changed what the journal tells of: while it stands, all of that stands."""
        rows = self.rows(COUNTED)
        return int(rows[0]["number"]) if rows else 0

    def put(self, connection: sa.Connection, table: sa.Table, rows: Row | Sequence[Row]) -> None:
        """Insert rows, replacing those with the same key."""
        rows = [rows] if isinstance(rows, dict) else list(rows)
        if not rows:
            return
        connection.execute(_make_upsert(table, self.engine.dialect.name, tuple(rows[0])), rows)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    def _create_tables(self) -> None:
        """Create what the database lacks, tables and columns, unless it is known to lack nothing."""
        if self._schema_number() == SCHEMA_NUMBER:
            return
        with self.write() as connection:
            METADATA.create_all(connection)
            for table in METADATA.sorted_tables:
                _add_columns(connection, table)
                for index in table.indexes:
                    index.create(connection, checkfirst=True)
            self.put(connection, JOURNAL, {"name": "schema", "number": SCHEMA_NUMBER})

    def _counted(self) -> bool:
        """Whether a change was ever counted: a registry without one is new, or was lost."""
        return bool(self.rows(COUNTED))

    def _is_lost(self) -> bool:
        """Whether the journal tells of changes that this registry knows nothing of."""
        if self.journal is None or self.journal.is_empty() or self._counted():
            return False
        # Whoever commits the very first change has told the journal of it before: that is waited for.
        with self.write() as connection:
            return connection.execute(COUNTED).first() is None

    def _schema_number(self) -> int | None:
        if not sa.inspect(self.engine).has_table(JOURNAL.name):
            return None
        rows = self.rows(sa.select(JOURNAL.c.number).where(JOURNAL.c.name == "schema"))
        return rows[0]["number"] if rows else None


def _add_columns(connection: sa.Connection, table: sa.Table) -> None:
    """Add the columns that a table of an earlier version lacks; what may not be null is 0 or empty in its rows."""
    present = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in present:
            kind = column.type.compile(connection.dialect)
            empty = "''" if isinstance(column.type, sa.Text) else "0"
            default = "" if column.nullable else f" NOT NULL DEFAULT {empty}"
            connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {kind}{default}')


def _take_down(
    connection: sa.Connection,
    _cursor: object,
    sql: str,
    values: Any,
    _context: object,
    executemany: bool,  # noqa: FBT001 as the event hands it over
) -> None:
    """Note a statement that changes a table, for the journal."""
    changes = connection.info.get(CHANGES)
    if changes is not None and changed_table(sql) is not None:
        changes.append((sql, values if executemany else [values]))


def _count_up(connection: sa.Connection) -> int:
    """Return the number of the next line of the journal."""
    mine = JOURNAL.c.name == "journal"
    if not connection.execute(sa.update(JOURNAL).where(mine).values(number=JOURNAL.c.number + 1)).rowcount:
        connection.execute(sa.insert(JOURNAL).values(name="journal", number=1))
    number: int = connection.execute(sa.select(JOURNAL.c.number).where(mine)).scalar_one()
    return number


@cache
def _make_upsert(table: sa.Table, dialect: str, names: tuple[str, ...]) -> sa.Insert:
    """Return the statement that inserts rows with these columns or replaces them; made once, for it is slow to make."""
    insert = postgresql_insert if dialect == "postgresql" else sqlite_insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def refuse_network_mount(database: Path) -> None:
    """Refuse to keep SQLite on a network mount, where its locks do not hold.

    Raises:
        UsageError: the database's folder lies on a network file system.
    """
    kind = mount_kind(database.absolute().parent)
    if kind in NETWORK_FILESYSTEMS:
        raise UsageError(
            f"{database} is on a {kind} mount, where SQLite's locks do not hold: "
            "keep the home on a local disk or set CELLAR_REGISTRY_URL to a PostgreSQL database"
        )


def _make_engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        refuse_network_mount(Path(url.database or ""))
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    return engine


def _prepare_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:
        # The driver's own transaction handling starts too late for BEGIN IMMEDIATE, so it is switched off.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS}000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A writer waits for its turn at the start, where waiting is safe; readers never wait for a writer.
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

"""The registry: who owns what, what was dropped, which files readers may open.

SQLite in the home by default, PostgreSQL by URL; the same statements on both. A write is one transaction.
The DDL is a projection of :mod:`warehouse.schema`.
"""

from __future__ import annotations

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
from warehouse.errors import UsageError

Row = dict[str, Any]

SQL_TYPES: Final[Mapping[pl.DataType, sa.types.TypeEngine[Any]]] = {
    schema.F64: sa.Double(),
    schema.I64: sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    schema.TEXT: sa.Text(),
    schema.FLAG: sa.Boolean(),
}
NETWORK_FILESYSTEMS: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs"})
MOUNTS: Final = Path("/proc/mounts")
BUSY_SECONDS: Final = 60
WRITES: Final = "cellar_writes"
TABLES_LOCK: Final = 0xCE11A6

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
TEST: Final = SQL_TABLES["test"]
SOURCE_FILE: Final = SQL_TABLES["source_file"]
INBOX_FILE: Final = SQL_TABLES["inbox_file"]
RECEIPT: Final = SQL_TABLES["receipt"]
STORED_FILE: Final = SQL_TABLES["stored_file"]
PROGRESS: Final = SQL_TABLES["progress"]
WORKER: Final = SQL_TABLES["worker"]
LEASE: Final = SQL_TABLES["lease"]
GENERATION: Final = SQL_TABLES["generation"]
NIGHT: Final = SQL_TABLES["night"]
sa.Index("stored_file_by_test", STORED_FILE.c.test_id)
sa.Index("receipt_by_hash", RECEIPT.c.sha256)
sa.Index("source_by_head", SOURCE_FILE.c.head_sha256)


class Registry:
    """One database with the registry's tables.

    Args:
        url: SQLAlchemy URL; tables that it lacks are created.

    Raises:
        UsageError: the URL is none, its database does not answer, or it is SQLite on a network mount.
    """

    def __init__(self, url: str) -> None:
        try:
            self.url = sa.make_url(url)
            self.engine = _make_engine(self.url)
            # SQLite's transactions are snapshots anyway.
            snapshots = {} if self.engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
            self._reader = self.engine.execution_options(**snapshots)
            self._writer = self.engine.execution_options(**{WRITES: True})
            self._create_tables()
        except (sa.exc.DBAPIError, sa.exc.ArgumentError, ModuleNotFoundError) as error:
            raise UsageError(f"the registry cannot be opened: {error}") from error

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open one transaction: all of it becomes visible and durable at the end, or nothing."""
        with self._writer.begin() as connection:
            yield connection

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
        return [dict(row) for row in moment.execute(statement).mappings()]

    def row(self, table: sa.Table, **key: object) -> Row | None:
        """Return the row with this key, or None."""
        found = self.rows(sa.select(table).where(*(table.c[name] == value for name, value in key.items())))
        return found[0] if found else None

    def frame(
        self, table: schema.Table, *conditions: sa.ColumnElement[bool], moment: sa.Connection | None = None
    ) -> pl.DataFrame:
        """Return a registry table, or the rows that meet all conditions, as a Polars frame."""
        rows = self.rows(sa.select(SQL_TABLES[table.name]).where(*conditions), moment)
        return pl.DataFrame(rows, schema=table.dtypes, orient="row")

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
        if METADATA.tables.keys() <= set(sa.inspect(self.engine).get_table_names()):
            return
        with self.write() as connection:
            if self.engine.dialect.name == "postgresql":
                # Two that open a new registry at once would both create its tables.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(TABLES_LOCK)))
            METADATA.create_all(connection)


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
    if not MOUNTS.exists():
        return
    folder = database.absolute().parent
    kinds = {fields[1]: fields[2] for line in MOUNTS.read_text().splitlines() if len(fields := line.split()) > 2}  # noqa: PLR2004 device, mount point, type
    nearest = max((point for point in kinds if folder.is_relative_to(point)), key=len, default="/")
    if kinds.get(nearest) in NETWORK_FILESYSTEMS:
        raise UsageError(
            f"{database} is on a {kinds[nearest]} mount, where SQLite's locks do not hold: "
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

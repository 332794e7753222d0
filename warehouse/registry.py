"""The registry: who owns what, what was dropped, which files readers may open.

SQLite in the home by default, PostgreSQL by URL; the same statements on both. A write is one transaction.
The DDL is a projection of :mod:`warehouse.schema`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
BUSY_SECONDS: Final = 60

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
NIGHT: Final = SQL_TABLES["night"]
sa.Index("stored_file_by_test", STORED_FILE.c.test_id)
sa.Index("receipt_by_hash", RECEIPT.c.sha256)


class Registry:
    """One database with the registry's tables.

    Args:
        url: SQLAlchemy URL; tables that it lacks are created.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        if self.url.get_backend_name() == "sqlite":
            refuse_network_mount(Path(self.url.database or ""))
        self.engine = sa.create_engine(self.url)
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine)
        METADATA.create_all(self.engine)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open one transaction: all of it becomes visible and durable at the end, or nothing."""
        with self.engine.begin() as connection:
            yield connection

    def rows(self, statement: sa.Select[Any]) -> list[Row]:
        """Return the result of a SELECT as dictionaries."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def row(self, table: sa.Table, **key: object) -> Row | None:
        """Return the row with this key, or None."""
        found = self.rows(sa.select(table).where(*(table.c[name] == value for name, value in key.items())))
        return found[0] if found else None

    def frame(self, table: schema.Table, *conditions: sa.ColumnElement[bool]) -> pl.DataFrame:
        """Return a registry table, or the rows that meet all conditions, as a Polars frame."""
        rows = self.rows(sa.select(SQL_TABLES[table.name]).where(*conditions))
        return pl.DataFrame(rows, schema=table.dtypes, orient="row")

    def put(self, connection: sa.Connection, table: sa.Table, rows: Row | Sequence[Row]) -> None:
        """Insert rows, replacing those with the same key."""
        rows = [rows] if isinstance(rows, dict) else list(rows)
        if not rows:
            return
        insert = postgresql_insert if self.engine.dialect.name == "postgresql" else sqlite_insert
        statement = insert(table)
        keys = [column.name for column in table.primary_key]
        changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def refuse_network_mount(database: Path) -> None:
    """Refuse to keep SQLite on a network mount, where its locks do not hold.

    Raises:
        UsageError: the database's folder lies on a network file system.
    """
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return
    folder = database.absolute().parent
    kinds = {fields[1]: fields[2] for line in mounts.read_text().splitlines() if len(fields := line.split()) > 2}  # noqa: PLR2004 device, mount point, type
    nearest = max((point for point in kinds if folder.is_relative_to(point)), key=len, default="/")
    if kinds.get(nearest) in NETWORK_FILESYSTEMS:
        raise UsageError(
            f"{database} is on a {kinds[nearest]} mount, where SQLite's locks do not hold: "
            "keep the home on a local disk or set CELLAR_REGISTRY_URL to a PostgreSQL database"
        )


def _prepare_sqlite(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:
        # The driver's own transaction handling starts too late for BEGIN IMMEDIATE, so it is switched off.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS}000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

"""Copies of the registry: one SQLite file each, whichever database the registry lies in.

The copy is of one moment and is complete: put into an empty registry, on SQLite or on PostgreSQL, it is the registry of
then. So it is also the way from one to the other. What the archive and the journal hold is not in it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.errors import UsageError
from warehouse.files import make_folder, publish_file, remove_temporaries, temporary_beside
from warehouse.registry import JOURNAL, METADATA, Registry

if TYPE_CHECKING:
    from warehouse.home import Home

FOLDER: Final = "backups"
NAMED: Final = re.compile(r"registry-(\d{4}-\d{2}-\d{2})\.sqlite")
DAILY: Final = 7
WEEKLY: Final = 5
MONTHLY: Final = 12
ROWS_AT_ONCE: Final = 5_000


def backup_registry(home: Home, day: date) -> Path:
    """Copy the registry into the home's backups under a date; one of the same date is replaced.

    Args:
        home: the platform.
        day: the date that the copy stands for.

    Raises:
        OSError: the disk is full or failed.
    """
    folder = home.folder / FOLDER
    make_folder(folder)
    remove_temporaries(folder, home.leases.living())
    final = folder / f"registry-{day.isoformat()}.sqlite"
    temporary = temporary_beside(final, home.owner)
    try:
        _copy_registry(home.registry, temporary)
        publish_file(temporary, final)
    finally:
        temporary.unlink(missing_ok=True)
    return final


def restore_registry(home: Home, backup: Path) -> int:
    """Put a copy into a registry that knows nothing yet; returns the number of rows.

    For a registry on another database, and for one whose journal is lost as well; where the journal is sound, making
    the registry again from that loses nothing. The journal of before is set aside, and a new one begins with the copy.

    Raises:
        UsageError: there is no such copy, or the registry has rows.
    """
    if not backup.is_file():
        raise UsageError(f"there is no backup {backup}; there are {', '.join(map(str, list_backups(home))) or 'none'}")
    with closing(Registry(home.registry_url)) as empty:
        if empty.row(JOURNAL, name="journal") is not None:
            raise UsageError(f"the registry {empty.url.render_as_string()} is not empty")
    if not home.journal.is_empty():
        folder = home.journal.folder
        folder.rename(folder.with_name(f"{folder.name}-until-{time.time_ns()}"))
    with (
        closing(Registry(home.registry_url, home.journal)) as target,
        _open_plain(f"sqlite:///{backup}") as copy,
        target.write() as connection,
    ):
        return _copy_tables(copy, connection)


def list_backups(home: Home) -> list[Path]:
    """Return the copies, oldest first."""
    return sorted(path for path in (home.folder / FOLDER).glob("registry-*.sqlite") if NAMED.fullmatch(path.name))


def prune_backups(home: Home) -> int:
    """Remove copies but the newest of the last 7 days, 5 weeks and 12 months that have one. Returns how many."""
    backups = {date.fromisoformat(path.name[9:19]): path for path in list_backups(home)}
    kept = set(choose_kept(sorted(backups, reverse=True)))
    for day in backups.keys() - kept:
        backups[day].unlink(missing_ok=True)
    return len(backups.keys() - kept)


def choose_kept(days: list[date]) -> Iterator[date]:
    """Yield the days whose copies stay; of each week and month the newest.

    Args:
        days: of all copies, newest first.
    """
    yield from days[:DAILY]
    for name, most in (("%G-%V", WEEKLY), ("%Y-%m", MONTHLY)):
        newest: dict[str, date] = {}
        for day in days:
            newest.setdefault(day.strftime(name), day)
        yield from list(newest.values())[:most]


def _copy_registry(registry: Registry, path: Path) -> None:
    if registry.url.get_backend_name() == "sqlite":
        # Page by page and of one moment, in a tenth of the time that all rows take.
        with _open_plain(registry.url) as source:
            source.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM INTO ?", (str(path),))
        # The count of transactions is the registry's own: put in its place by hand, a copy must not pass for it.
        with _open_plain(f"sqlite:///{path}") as copy:
            copy.execute(sa.delete(JOURNAL))
            copy.commit()
        return
    with registry.snapshot() as moment, _open_plain(f"sqlite:///{path}") as copy:
        METADATA.create_all(copy)
        _copy_tables(moment, copy)
        copy.commit()


def _open_plain(url: str | sa.URL) -> sa.Connection:
    """Open a database for a copy: no journal, one writer, one transaction."""
    return sa.create_engine(url, poolclass=sa.NullPool).connect()


def _copy_tables(source: sa.Connection, target: sa.Connection) -> int:
    """Copy the rows of every table that both have; returns how many."""
    present = set(sa.inspect(source).get_table_names())
    count = 0
    for table in METADATA.sorted_tables:
        # The count of transactions is the target's own.
        if table.name not in present or table is JOURNAL:
            continue
        known = {column["name"] for column in sa.inspect(source).get_columns(table.name)}
        columns = [column for column in table.columns if column.name in known]
        for rows in source.execute(sa.select(*columns)).partitions(ROWS_AT_ONCE):
            _insert(target, table, [column.name for column in columns], [tuple(row) for row in rows])
            count += len(rows)
    return count


def _insert(target: sa.Connection, table: sa.Table, names: list[str], rows: list[tuple[object, ...]]) -> None:
    if target.dialect.name == "sqlite":
        # As the driver takes them: every night copies all rows, and this takes a third of the time.
        listed = ", ".join(f'"{name}"' for name in names)
        places = ", ".join("?" for _ in names)
        target.exec_driver_sql(f'INSERT INTO "{table.name}" ({listed}) VALUES ({places})', rows)  # noqa: S608 names are ours
    else:
        target.execute(sa.insert(table), [dict(zip(names, row, strict=True)) for row in rows])

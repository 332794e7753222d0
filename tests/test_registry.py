"""The registry: one transaction is all or nothing, on SQLite as on PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from warehouse import mounts as mounts_module
from warehouse import schema
from warehouse.errors import UsageError
from warehouse.registry import ASSIGNMENT, FIRM, RECEIPT, SOURCE_FILE, SQL_TABLES, STORED_FILE, TEST, Registry, Row


@pytest.fixture
def registry(registry_url: str) -> Iterator[Registry]:
    with closing(Registry(registry_url)) as opened:
        yield opened


def firm(code: str, name: str = "") -> Row:
    return {"code": code, "name": name or code, "created_unix_second": 1.5}


def filled(table: sa.Table, **given: Any) -> Row:
    """A row of a table: what is not given is 0, "" or false where something must stand, else null."""
    blank = {sa.Text: "", sa.Boolean: False}
    return {
        column.name: given.get(column.name, None if column.nullable else blank.get(type(column.type), 0))
        for column in table.columns
    }


def test_put_replaces_by_key(registry: Registry) -> None:
    """Of two rows with one key the later one stands."""
    with registry.write() as connection:
        registry.put(connection, FIRM, [firm("A", "old"), firm("B")])
        registry.put(connection, FIRM, firm("A", "new"))
    assert registry.row(FIRM, code="A") == firm("A", "new")
    assert len(registry.rows(sa.select(FIRM))) == 2


def test_put_replaces_by_composite_key(registry: Registry) -> None:
    """An assignment is replaced only where channel and start are the same."""
    rows = [
        {"channel": channel, "firm": "A", "cell_id": cell, "from_unix_second": start, "to_unix_second": None}
        for channel, start, cell in (("1-1", 0.0, "C1"), ("1-1", 5.0, "C2"), ("1-2", 0.0, "C3"), ("1-1", 0.0, "C4"))
    ]
    with registry.write() as connection:
        registry.put(connection, ASSIGNMENT, rows)
    assert sorted(row["cell_id"] for row in registry.rows(sa.select(ASSIGNMENT))) == ["C2", "C3", "C4"]


def test_put_of_nothing(registry: Registry) -> None:
    """No rows are no statement."""
    with registry.write() as connection:
        registry.put(connection, FIRM, [])
    assert registry.rows(sa.select(FIRM)) == []


def test_absent_row_is_none(registry: Registry) -> None:
    """A key that nobody has gives None."""
    assert registry.row(FIRM, code="nobody") is None


def test_source_hash_is_unique(registry: Registry) -> None:
    """Two tests cannot come from the same bytes: the database refuses the second."""
    with registry.write() as connection:
        registry.put(connection, TEST, filled(TEST, test_id="t-1", source_sha256="ab"))
    with pytest.raises(sa.exc.IntegrityError), registry.write() as connection:
        registry.put(connection, TEST, filled(TEST, test_id="t-2", source_sha256="ab"))
    assert [row["test_id"] for row in registry.rows(sa.select(TEST))] == ["t-1"]


def test_source_file_is_one_row_per_content(registry: Registry) -> None:
    """A content has one row in the ledger, whatever its fate becomes."""
    with registry.write() as connection:
        registry.put(connection, SOURCE_FILE, filled(SOURCE_FILE, sha256="ab", state="in_progress"))
        registry.put(connection, SOURCE_FILE, filled(SOURCE_FILE, sha256="ab", state="committed"))
    assert [row["state"] for row in registry.rows(sa.select(SOURCE_FILE))] == ["committed"]


def test_transaction_rolls_back(registry: Registry) -> None:
    """A transaction that fails leaves nothing of itself."""

    def fail() -> None:
        with registry.write() as connection:
            registry.put(connection, FIRM, firm("A"))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert registry.rows(sa.select(FIRM)) == []


def test_unfinished_transaction_is_invisible(registry: Registry) -> None:
    """What a transaction wrote is seen by others only after its end, and reading does not wait for it."""
    with registry.write() as connection:
        registry.put(connection, FIRM, firm("A"))
        started = time.monotonic()
        assert registry.row(FIRM, code="A") is None
        assert time.monotonic() - started < 5
    assert registry.row(FIRM, code="A") is not None


def test_snapshot_is_of_one_moment(registry: Registry) -> None:
    """Two reads in a snapshot see the same, though another wrote between them."""
    with registry.write() as connection:
        registry.put(connection, FIRM, firm("A"))
    with registry.snapshot() as moment:
        before = registry.rows(sa.select(FIRM), moment)
        with registry.write() as connection:
            registry.put(connection, FIRM, firm("B"))
        assert registry.rows(sa.select(FIRM), moment) == before
    assert len(registry.rows(sa.select(FIRM))) == 2


@pytest.mark.parametrize("table", [table for table in schema.TABLES if table.place == "registry"], ids=lambda t: t.name)
def test_frame_has_schema_dtypes(registry: Registry, table: schema.Table) -> None:
    """A registry table comes as a frame with the schema's dtypes, empty or not."""
    assert registry.frame(table).schema == pl.Schema(table.dtypes)
    with registry.write() as connection:
        registry.put(connection, SQL_TABLES[table.name], filled(SQL_TABLES[table.name]))
    frame = registry.frame(table)
    # A registry says of itself by which schema it was made.
    assert (frame.schema, frame.height) == (pl.Schema(table.dtypes), 2 if table.name == "journal" else 1)


def test_frame_keeps_numbers_and_flags(registry: Registry) -> None:
    """Doubles, integers beyond 32 bits, flags, Hangul and nulls come back as they went in."""
    row = filled(STORED_FILE, path="firm=가/steps/x.parquet", size=2**53 + 1, rows=7, current=True, sha256="ab")
    with registry.write() as connection:
        registry.put(connection, STORED_FILE, row)
        registry.put(connection, FIRM, {**firm("나"), "created_unix_second": 1772409600.1234567})
    assert registry.frame(schema.STORED_FILE).row(0, named=True) == row
    assert registry.frame(schema.FIRM)["created_unix_second"].item() == 1772409600.1234567


def test_frame_takes_conditions(registry: Registry) -> None:
    """Only the rows that meet every condition are in the frame."""
    with registry.write() as connection:
        registry.put(connection, FIRM, [firm("A", "x"), firm("B", "x"), firm("C", "y")])
    assert registry.frame(schema.FIRM, FIRM.c.name == "x", FIRM.c.code != "A")["code"].to_list() == ["B"]


@pytest.mark.parametrize("codes", ["", "AB"])
def test_frame_of_some_columns(registry: Registry, codes: str) -> None:
    """A frame of some columns has these, of the schema's types and in the order asked for, with rows or without."""
    with registry.write() as connection:
        registry.put(connection, FIRM, [firm(code) for code in codes])
    frame = registry.frame(schema.FIRM, columns=("created_unix_second", "code"))
    assert frame.schema == {"created_unix_second": pl.Float64, "code": pl.String}
    assert sorted(frame.rows()) == [(1.5, code) for code in codes]


def test_receipts_are_numbered_in_order(registry: Registry) -> None:
    """Receipts get rising numbers by themselves."""
    for path in ("a", "b", "c"):
        with registry.write() as connection:
            values = {"path": path, "sha256": "", "state": "ignored", "record": "{}", "at_unix_second": 0.0}
            connection.execute(sa.insert(RECEIPT).values(**values))
    rows = registry.rows(sa.select(RECEIPT).order_by(RECEIPT.c.receipt_id))
    assert [row["path"] for row in rows] == ["a", "b", "c"]


def test_two_writers_take_turns(registry_url: str) -> None:
    """Two registries on one database write at once without losing a row or failing."""

    def write(name: str) -> None:
        with closing(Registry(registry_url)) as mine:
            for number in range(20):
                with mine.write() as connection:
                    mine.put(connection, FIRM, firm(f"{name}{number}"))

    failures: list[BaseException] = []
    workers = [threading.Thread(target=_collect(failures, write), args=(name,)) for name in "AB"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with closing(Registry(registry_url)) as registry:
        assert (failures, len(registry.rows(sa.select(FIRM)))) == ([], 40)


def _collect(failures: list[BaseException], work: Any) -> Any:
    def run(name: str) -> None:
        try:
            work(name)
        except BaseException as error:  # noqa: BLE001 a thread's failure must reach the test
            failures.append(error)

    return run


def test_tables_outlive_the_process(registry_url: str) -> None:
    """A registry that is opened again holds what was written."""
    with closing(Registry(registry_url)) as registry, registry.write() as connection:
        registry.put(connection, FIRM, firm("A"))
    with closing(Registry(registry_url)) as registry:
        assert registry.row(FIRM, code="A") == firm("A")


def test_sqlite_waits_for_the_disk(tmp_path: Path) -> None:
    """SQLite runs with a write-ahead log and full synchronisation."""
    with closing(Registry(f"sqlite:///{tmp_path / 'r.sqlite'}")) as registry, registry.write() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_network_mount_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """SQLite on a network mount is refused, with what to do instead."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path} {kind} rw 0 0\n")
    monkeypatch.setattr(mounts_module, "MOUNTS", mounts)
    with pytest.raises(UsageError, match=f"{kind} mount.*CELLAR_REGISTRY_URL"):
        Registry(f"sqlite:///{tmp_path / 'home' / 'registry.sqlite'}")


def test_local_disk_below_network_mount_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest mount counts: a local disk mounted below a share is fine."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path.parent} nfs rw 0 0\n/dev/sda1 {tmp_path} ext4 rw 0 0\n")
    monkeypatch.setattr(mounts_module, "MOUNTS", mounts)
    Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}").close()


@pytest.mark.parametrize(
    "url",
    ["no url", "oracle+nothing://x/y", "postgresql+psycopg://x:secret@127.0.0.1:1/nothing"],
    ids=["garbage", "unknown", "silent"],
)
def test_unreachable_registry_is_a_usage_error(url: str) -> None:
    """A registry URL that leads nowhere is told as such, without its password."""
    with pytest.raises(UsageError, match="registry cannot be opened") as caught:
        Registry(url)
    assert "secret" not in str(caught.value)


def test_registry_of_an_earlier_version_gets_its_columns(registry_url: str) -> None:
    """Columns and indexes that came later are added when a registry opens; its rows stay, 0 where null may not be."""
    with closing(Registry(registry_url)) as registry, registry.write() as connection:
        registry.put(connection, SQL_TABLES["stored_file"], filled(SQL_TABLES["stored_file"]))
        # An index cannot outlive its column.
        connection.exec_driver_sql("DROP INDEX stored_file_by_mart")
        for column in ("first_row", "mart"):
            connection.exec_driver_sql(f"ALTER TABLE stored_file DROP COLUMN {column}")
        connection.exec_driver_sql("UPDATE journal SET number = 0 WHERE name = 'schema'")
    with closing(Registry(registry_url)) as registry:
        (row,) = registry.rows(sa.select(SQL_TABLES["stored_file"]))
        indexes = {index["name"] for index in sa.inspect(registry.engine).get_indexes("stored_file")}
    assert (row["first_row"], row["mart"]) == (0, None)
    assert "stored_file_by_mart" in indexes

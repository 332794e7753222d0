"""The store: a Parquet file is whole, verified and durable before it has its name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
from disk_spy import DiskSpy, fail_fsync, files_below, full_disk

from warehouse import store as store_module
from warehouse.errors import DamageError, SchemaMismatch
from warehouse.files import remove_temporaries
from warehouse.schema import MEASUREMENTS, Table
from warehouse.store import Store, Stored

ABOUT = {"cellar.test_id": "t-1", "cellar.source_sha256": "ab" * 32}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "tables")


def frame(rows: int = 5) -> pl.DataFrame:
    """Measurements of the three required columns, incompressible enough to have a size."""
    seconds = pl.int_range(rows, eager=True).cast(pl.Float64)
    return pl.DataFrame(
        {"test_time_second": seconds, "voltage_volt": (seconds * 7.1).sin(), "current_ampere": (seconds * 3.3).cos()}
    )


def write(store: Store, rows: int = 5, firm: str | None = "ACME", table: Table = MEASUREMENTS) -> Stored:
    return store.write(frame(rows), table, firm, "t-1-r1", ABOUT)


def test_rows_come_back(store: Store) -> None:
    """What is read is what was written, with every declared column; those not given are null."""
    read = pl.read_parquet(store.path_of(write(store).path))
    assert read.schema == pl.Schema(MEASUREMENTS.dtypes)
    assert read.select(frame().columns).equals(frame())
    assert read["unix_time_second"].null_count() == 5


def test_a_firm_has_its_own_folder(store: Store) -> None:
    """A file lies below its firm's folder, by table; without a firm below _unassigned."""
    assert write(store).path == "firm=ACME/measurements/t-1-r1.parquet"
    assert write(store, firm=None).path == "firm=_unassigned/measurements/t-1-r1.parquet"


def test_receipt_of_a_file(store: Store) -> None:
    """Rows, size and hash that are told are those of the file under its final name."""
    stored = write(store)
    raw = store.path_of(stored.path).read_bytes()
    assert (stored.rows, stored.size, stored.sha256) == (5, len(raw), hashlib.sha256(raw).hexdigest())


def test_file_says_what_it_is(store: Store) -> None:
    """The Parquet metadata carry test, source hash, schema version and the unit of every column."""
    metadata = pl.read_parquet_metadata(store.path_of(write(store).path))
    assert {name: metadata[name] for name in ABOUT} == ABOUT
    assert metadata["cellar.schema"] == "1"
    units = json.loads(metadata["cellar.units"])
    assert units == {column.name: column.unit for column in MEASUREMENTS.columns if column.unit}
    assert units["current_ampere"] == "A"


def test_wrong_columns_are_refused(store: Store) -> None:
    """A frame with a column that the schema lacks is our defect and writes nothing."""
    with pytest.raises(SchemaMismatch, match="volts"):
        store.write(frame().with_columns(volts=1.0), MEASUREMENTS, "ACME", "t-1-r1", ABOUT)
    assert files_below(store.folder) == []


def test_durable_before_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced before it gets its name, and the folder after."""
    spy = DiskSpy(monkeypatch)
    stored = write(store)
    assert spy.around(store.path_of(stored.path)) == ["fsync file", "rename file", "fsync folder"]


def test_new_folders_are_durable(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder that had to be made is synced into its parent."""
    spy = DiskSpy(monkeypatch)
    folder = store.path_of(write(store).path).parent
    for made in (folder, folder.parent):
        assert ("fsync", made.parent.stat().st_ino) in spy.calls


def test_read_back_before_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that reads back with another number of rows is refused and not kept."""
    honest = pl.DataFrame.write_parquet

    def lossy(self: pl.DataFrame, *arguments: object, **options: object) -> None:
        honest(self.head(3), *arguments, **options)  # type: ignore[arg-type]  # passed through as they came

    monkeypatch.setattr(pl.DataFrame, "write_parquet", lossy)
    with pytest.raises(DamageError, match="wrote 5 rows, read back 3"):
        write(store)
    assert files_below(store.folder) == []


def test_full_disk_leaves_nothing(store: Store) -> None:
    """A disk that takes no more fails the write and leaves no file, though Polars leaves a partial one."""
    with full_disk(20_000), pytest.raises(OSError, match="File too large"):
        write(store, rows=50_000)
    assert files_below(store.folder) == []
    assert write(store, rows=50_000).rows == 50_000


def test_failed_fsync_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that could not be synced does not get its name."""
    store.path_of(write(store).path).unlink()
    fail_fsync(monkeypatch)
    with pytest.raises(OSError, match="Input/output"):
        write(store)
    assert files_below(store.folder) == []


def test_older_file_outlives_a_failed_write(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves the file that had the name before."""
    before = store.path_of(write(store).path).read_bytes()
    monkeypatch.setattr(store_module, "publish_file", lambda *_: (_ for _ in ()).throw(OSError("no")))
    with pytest.raises(OSError, match="no"):
        write(store, rows=9)
    assert [path.read_bytes() for path in files_below(store.folder)] == [before]


def test_leftovers_are_removed(store: Store) -> None:
    """What a killed writer left is removed, and nothing else."""
    kept = store.path_of(write(store).path)
    (kept.parent / "dead.tmp").write_bytes(b"half")
    assert remove_temporaries(store.folder) == 1
    assert files_below(store.folder) == [kept]

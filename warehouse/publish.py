"""From rows to a visible test revision: derive, write, and one registry transaction.

Nothing is visible before the transaction; whatever a killed process left behind is not listed and not read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import sqlalchemy as sa

from warehouse.arrays import doubles
from warehouse.conform import conform, hash_data
from warehouse.cycles import derive_cycles, infer_convention
from warehouse.marts import retire_marts
from warehouse.registry import CELL, STORED_FILE, TEST, Row
from warehouse.schema import ANSWERS, CYCLES, MEASUREMENTS, SPECTRA, STEPS, Table
from warehouse.steps import derive_steps

if TYPE_CHECKING:
    from warehouse.home import Home

HASH_DIGITS: Final = 12


@dataclass(frozen=True)
class Incoming:
    """What a reader hands over: a source's rows and what is known of them.

    Args:
        shown: the source as the user knows it.
        sha256: hash of its raw bytes.
        format: the format that read it.
        reader_version: version of that reader.
        kind: ``cycling`` or ``eis``.
        measurements: rows of ``schema.MEASUREMENTS``.
        spectra: rows of ``schema.SPECTRA``.
        about: what the file says of itself.
        warnings: sentences of the reader.
    """

    shown: str
    sha256: str
    format: str
    reader_version: int
    kind: str
    measurements: pl.DataFrame
    spectra: pl.DataFrame
    about: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Owner:
    """Whose test it is, and by which rule that was found: ``option``, ``assignment``, ``folder`` or None."""

    firm: str | None = None
    cell_id: str | None = None
    rule: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A revision whose files are written and that waits for its transaction."""

    test: Row
    files: tuple[Row, ...]


def prepare_test(home: Home, incoming: Incoming, owner: Owner) -> Prepared | Row:
    """Conform, derive and write a new test.

    Returns:
        The revision to commit, or the row of the test that holds the same data already.

    Raises:
        ContradictionError: the gate refuses the values.
    """
    measurements, spectra = conform(incoming.measurements, incoming.spectra, incoming.shown)
    data_sha256 = hash_data(measurements, spectra)
    channel = incoming.about.get("channel")
    same = find_same_data(home, data_sha256, incoming, owner)
    if same is not None:
        return same
    test: Row = {
        "test_id": name_test(incoming.sha256),
        "revision": 1,
        "source_sha256": incoming.sha256,
        "data_sha256": data_sha256,
        "format": incoming.format,
        "reader_version": incoming.reader_version,
        "kind": incoming.kind,
        "about": json.dumps(dict(incoming.about), ensure_ascii=False, sort_keys=True),
        "channel": None if channel is None else str(channel),
        "warnings": json.dumps(incoming.warnings, ensure_ascii=False),
        **_clock_range(measurements, spectra),
    }
    return _write_revision(home, test, owner, measurements, spectra)


def name_test(sha256: str) -> str:
    """Return the name of the test that comes from these bytes."""
    return f"t-{sha256[:HASH_DIGITS]}"


def find_same_data(home: Home, data_sha256: str, incoming: Incoming, owner: Owner) -> Row | None:
    """Return the test that holds these very rows from the same format and channel, or None.

    A drop that names no owner is of the owner that its rows have; rows without an owner are of the one that is named.
    """
    channel = incoming.about.get("channel")
    found = home.registry.rows(sa.select(TEST).where(TEST.c.data_sha256 == data_sha256))
    for test in found:
        same_place = test["format"] == incoming.format and test["channel"] == (
            None if channel is None else str(channel)
        )
        same_owner = (test["firm"], test["cell_id"]) == (owner.firm, owner.cell_id)
        if same_place and (same_owner or owner.firm is None or test["firm"] is None):
            return test
    return None


def prepare_reread(home: Home, test: Row, incoming: Incoming) -> Prepared:
    """Write a test again from what its source says now, as its next revision, for the owner that it has.

    Raises:
        ContradictionError: the gate refuses the values.
    """
    measurements, spectra = conform(incoming.measurements, incoming.spectra, incoming.shown)
    row = {
        **test,
        "revision": test["revision"] + 1,
        "data_sha256": hash_data(measurements, spectra),
        "reader_version": incoming.reader_version,
        "warnings": json.dumps(incoming.warnings, ensure_ascii=False),
        **_clock_range(measurements, spectra),
    }
    return _write_revision(home, row, Owner(test["firm"], test["cell_id"], test["assigned_by"]), measurements, spectra)


def prepare_rederived(home: Home, test: Row, owner: Owner) -> Prepared:
    """Derive a stored test again, for another owner or convention, as its next revision."""
    measurements = read_stored(home, test["test_id"], MEASUREMENTS)
    spectra = read_stored(home, test["test_id"], SPECTRA)
    return _write_revision(home, {**test, "revision": test["revision"] + 1}, owner, measurements, spectra)


def read_stored(home: Home, test_id: str, table: Table) -> pl.DataFrame:
    """Return the rows of one table of a test's current revision."""
    query = sa.select(STORED_FILE.c.path).where(
        STORED_FILE.c.test_id == test_id, STORED_FILE.c.table_name == table.name, STORED_FILE.c.current
    )
    paths = [home.store.path_of(row["path"]) for row in home.registry.rows(query)]
    return pl.read_parquet(paths) if paths else table.empty()


def commit_prepared(home: Home, connection: sa.Connection, prepared: Prepared) -> None:
    """List a prepared revision inside the caller's transaction, in place of the one before."""
    test = prepared.test
    mine = STORED_FILE.c.test_id == test["test_id"]
    left = connection.execute(
        sa.select(STORED_FILE.c.firm).where(mine, STORED_FILE.c.current, STORED_FILE.c.firm != (test["firm"] or ""))
    ).scalar()
    if left is not None:
        # The firm that the test leaves must not keep its rows in a mart until the night.
        retire_marts(connection, left)
    connection.execute(sa.update(STORED_FILE).where(mine).values(current=False))
    home.registry.put(connection, TEST, {**test, "committed_unix_second": time.time()})
    home.registry.put(connection, STORED_FILE, prepared.files)
    invalidate_answers(connection, test["firm"] or "")


def invalidate_answers(connection: sa.Connection, firm: str) -> None:
    """Mark a firm's stored answers as outdated: they are computed afresh until the next night."""
    stored = STORED_FILE.c.table_name.in_([table.name for table in ANSWERS])
    connection.execute(sa.update(STORED_FILE).where(stored, STORED_FILE.c.firm == firm).values(current=False))


def convention_of(home: Home, owner: Owner) -> str | None:
    """Return the cell convention that the manifest gives, or None."""
    if owner.cell_id is None:
        return None
    cell = home.registry.row(CELL, firm=owner.firm, cell_id=owner.cell_id)
    return cell["convention"] if cell else None


def _write_revision(home: Home, test: Row, owner: Owner, measurements: pl.DataFrame, spectra: pl.DataFrame) -> Prepared:
    test = {**test, "firm": owner.firm, "cell_id": owner.cell_id, "assigned_by": owner.rule}
    # The rows are written while steps are derived from them: together these are most of an ingest.
    with ThreadPoolExecutor(1) as writer:
        samples = writer.submit(_store_tables, home, test, ((MEASUREMENTS, measurements), (SPECTRA, spectra)))
        steps = derive_steps(measurements, home.recipe)
        convention = convention_of(home, owner) or infer_convention(steps, home.recipe)
        steps, cycles = derive_cycles(steps, convention, home.recipe)
        name = pl.lit(test["test_id"]).alias("test_id"), pl.lit(test["revision"], dtype=pl.Int64).alias("revision")
        derived = ((STEPS, steps.with_columns(*name)), (CYCLES, cycles.with_columns(*name)))
        files = (*_store_tables(home, test, derived), *samples.result())
    test |= {
        "convention": convention,
        "rows": measurements.height,
        "spectra": spectra.height,
        "steps": steps.height,
        "cycles": cycles.height,
    }
    return Prepared(test, files)


def _store_tables(home: Home, test: Row, tables: Sequence[tuple[Table, pl.DataFrame]]) -> tuple[Row, ...]:
    return tuple(_store_table(home, test, table, frame) for table, frame in tables if frame.height)


def _store_table(home: Home, test: Row, table: Table, frame: pl.DataFrame) -> Row:
    about = {
        f"cellar.{key}": str(test[key]) for key in ("test_id", "revision", "source_sha256", "format", "reader_version")
    }
    stored = home.store.write(frame, table, test["firm"], f"{test['test_id']}-r{test['revision']}", about)
    return {
        "path": stored.path,
        "table_name": table.name,
        "firm": test["firm"] or "",
        "test_id": test["test_id"],
        "revision": test["revision"],
        "first_row": 0,
        "rows": stored.rows,
        "size": stored.size,
        "sha256": stored.sha256,
        "mart": None,
        "current": True,
    }


def _clock_range(measurements: pl.DataFrame, spectra: pl.DataFrame) -> Row:
    frames = [frame for frame in (measurements, spectra) if "unix_time_second" in frame.columns]
    clocks = np.concatenate([np.empty(0), *(doubles(frame["unix_time_second"]) for frame in frames)])
    known = clocks[~np.isnan(clocks)]
    first, last = (float(known.min()), float(known.max())) if len(known) else (None, None)
    return {"first_unix_second": first, "last_unix_second": last}


def retire_listed(home: Home, paths: Sequence[str]) -> list[str]:
    """Take damaged marts out of use: their parts are read again until the next night. Returns the paths."""
    with home.registry.write() as connection:
        connection.execute(sa.update(STORED_FILE).where(STORED_FILE.c.path.in_(paths)).values(current=False))
        connection.execute(sa.update(STORED_FILE).where(STORED_FILE.c.mart.in_(paths)).values(mart=None))
    return list(paths)

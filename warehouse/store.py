"""Immutable Parquet files, one per test revision and table, below one folder per firm.

A file is written under a temporary name, fsynced, read back, renamed, and its folder fsynced; only then may a registry
transaction list it. Readers open the files that the registry lists and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
from pyarrow.parquet import read_metadata

from warehouse.errors import DamageError
from warehouse.files import hash_file, make_token, publish_file, temporary_beside
from warehouse.schema import SCHEMA_VERSION, Table, conform_columns, fill_columns

UNASSIGNED: Final = "_unassigned"
ROW_GROUP: Final = 262_144
# Against the usual level 3: two thirds of the time for 0 to 10 % more bytes, measured on real files.
LEVEL: Final = 1


@dataclass(frozen=True)
class Stored:
    """A file in the store: its path below ``tables/``, rows, bytes and hash."""

    path: str
    table: str
    rows: int
    size: int
    sha256: str


class Store:
    """The folder of Parquet files.

    Args:
        folder: ``tables/`` of a home.

    Attributes:
        owner: token of the process that writes, in the names of its temporaries.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.owner = make_token()

    def write(self, frame: pl.DataFrame, table: Table, firm: str | None, name: str, about: Mapping[str, str]) -> Stored:
        """Write one immutable file, durably and verified.

        Args:
            frame: the rows; columns that it lacks are stored as null.
            table: their schema.
            firm: the firm's code, None for the platform's own area.
            name: file name without ending, unique for all time.
            about: what the file says of itself in its Parquet metadata.

        Raises:
            DamageError: the file read back is not what was written.
            OSError: the disk is full or failed.
        """
        path = f"firm={firm or UNASSIGNED}/{table.name}/{name}.parquet"
        final = self.folder / path
        temporary = temporary_beside(final, self.owner)
        try:
            metadata = {**about, "cellar.schema": str(SCHEMA_VERSION), "cellar.units": _units(table)}
            _write_parquet(fill_columns(conform_columns(frame, table, name), table), temporary, metadata)
            stored = Stored(path, table.name, frame.height, temporary.stat().st_size, hash_file(temporary))
            _check_rows(temporary, frame.height)
            publish_file(temporary, final)
        finally:
            # Published, it has its final name; otherwise it is worth nothing.
            temporary.unlink(missing_ok=True)
        return stored

    def path_of(self, path: str) -> Path:
        """Return the absolute path of a stored file."""
        return self.folder / path


def _write_parquet(frame: pl.DataFrame, path: Path, metadata: dict[str, str]) -> None:
    try:
        frame.write_parquet(
            path, compression="zstd", compression_level=LEVEL, row_group_size=ROW_GROUP, metadata=metadata
        )
    except pl.exceptions.ComputeError as error:
        # Polars tells of a full disk as a defect of the file.
        raise OSError(f"{path} cannot be written: {error}") from error


def _units(table: Table) -> str:
    return json.dumps({column.name: column.unit for column in table.columns if column.unit}, ensure_ascii=False)


def _check_rows(path: Path, rows: int) -> None:
    found = read_metadata(path).num_rows
    if found != rows:
        raise DamageError(f"{path}: wrote {rows} rows, read back {found}")

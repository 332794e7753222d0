"""Writing what a night makes: immutable files that are named by what they were made of; what is the same is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl

from warehouse.marts import COMPACTED, describe_made
from warehouse.recipe import hash_values
from warehouse.schema import conform_columns, fill_columns

if TYPE_CHECKING:
    from warehouse.home import Home
    from warehouse.registry import Row
    from warehouse.schema import Table

KEY_DIGITS: Final = 16
MART: Final = "mart"


class Label(NamedTuple):
    """What files are of: their firm, the name that they share, what they were made of, and their bucket."""

    firm: str
    name: str
    made_of: str | None
    bucket: str | None


def name_made(values: list[Any]) -> str:
    """Return the name that files made of these values share."""
    return hash_values(values)[:KEY_DIGITS]


def write_made(home: Home, table: Table, frame: pl.DataFrame, label: Label) -> Row:
    """Write a file of one table; returns how the registry is to list it."""
    kind = MART if table in COMPACTED else table.name
    stored = home.store.write(frame, table, label.firm or None, f"{kind}-{label.name}", {})
    return describe_made(stored, label.firm, label.made_of, label.bucket)


def keep_made(home: Home, table: Table, frame: pl.DataFrame, label: Label, before: Row | None) -> Row:
    """Keep the file that holds these very rows, else write one; returns how the registry is to list it.

    Args:
        home: the platform.
        table: the rows' schema.
        frame: the rows.
        label: what they are of.
        before: how what is stored of the table is listed; None where nothing is.
    """
    if before is not None and _holds(home, before, table, frame):
        return {**before, "made_of": label.made_of}
    return write_made(home, table, frame, label)


def _holds(home: Home, row: Row, table: Table, frame: pl.DataFrame) -> bool:
    """Say whether a stored file holds these very rows."""
    if row["rows"] != frame.height:
        return False
    stored = pl.read_parquet(home.store.path_of(row["path"]))
    return stored.equals(fill_columns(conform_columns(frame, table, table.name), table))

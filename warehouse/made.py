"""Writing what a night makes: immutable files that are named by what they were made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from warehouse.marts import COMPACTED, describe_made
from warehouse.recipe import hash_values

if TYPE_CHECKING:
    import polars as pl

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

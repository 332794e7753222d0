"""What is different between two revisions of a test, stated in figures and in one sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from warehouse.parts import read_stored
from warehouse.schema import CYCLES, MEASUREMENTS, SPECTRA, Table

if TYPE_CHECKING:
    from warehouse.home import Home
    from warehouse.publish import Prepared
    from warehouse.registry import Row

MOST_NAMED: Final = 8


@dataclass(frozen=True)
class Change:
    """In how many rows a column differs, and by how much at most; None for what is no number."""

    rows: int
    largest: float | None


@dataclass(frozen=True)
class Difference:
    """Two versions of a table, compared row by row as far as both reach.

    Args:
        rows: how many there were and are.
        added: columns that had no values and have some.
        lost: columns that had values and have none.
        changed: columns with other values.
    """

    rows: tuple[int, int]
    added: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    changed: dict[str, Change] = field(default_factory=dict)

    def __str__(self) -> str:
        """State it in one sentence."""
        before, after = self.rows
        parts = [f"{before} → {after} rows" if before != after else f"{after} rows as before"]
        parts += [f"new {_list(self.added)}"] if self.added else []
        parts += [f"lost {_list(self.lost)}"] if self.lost else []
        parts += [_state(name, change) for name, change in list(self.changed.items())[:MOST_NAMED]]
        more = len(self.changed) - MOST_NAMED
        return ", ".join([*parts, f"and {more} further columns"] if more > 0 else parts)


def compare_tables(before: pl.DataFrame, after: pl.DataFrame) -> Difference:
    """Compare two versions of a table; a column without values counts as absent."""
    # Stored tables have every column of the schema, a reading only those that its file has.
    had, has = (
        [name for name in frame.columns if frame[name].null_count() < frame.height] for frame in (before, after)
    )
    both = min(before.height, after.height)
    changes = {name: _compare(before[name].head(both), after[name].head(both)) for name in has if name in had}
    return Difference(
        (before.height, after.height),
        tuple(name for name in has if name not in had),
        tuple(name for name in had if name not in has),
        {name: change for name, change in changes.items() if change.rows},
    )


def compare_revisions(home: Home, test: Row, prepared: Prepared) -> dict[str, Any]:
    """Compare what a test shows with a revision that waits to be committed.

    Returns:
        Per table ``rows, added, lost, changed``; further ``cycles`` and ``last_capacity_ah`` as before and after, and
        ``sentence``.
    """
    tables = {table.name: _compare_stored(home, test, prepared, table) for table in (MEASUREMENTS, SPECTRA)}
    told = {name: difference for name, difference in tables.items() if any(difference.rows)}
    cycles = (read_stored(home, test["test_id"], CYCLES), _read_prepared(home, prepared, CYCLES))
    capacities = [_last_capacity(frame) for frame in cycles]
    counts = [frame.height for frame in cycles]
    sentence = "; ".join(f"{name}: {difference}" for name, difference in told.items())
    shown = [f"{capacity * 1e3:.6g} mAh" if capacity is not None else "none" for capacity in capacities]
    return {name: asdict(difference) for name, difference in told.items()} | {
        "cycles": counts,
        "last_capacity_ah": capacities,
        "sentence": f"{sentence}; cycles {counts[0]} → {counts[1]}, last capacity {shown[0]} → {shown[1]}",
    }


def _compare_stored(home: Home, test: Row, prepared: Prepared, table: Table) -> Difference:
    return compare_tables(read_stored(home, test["test_id"], table), _read_prepared(home, prepared, table))


def _read_prepared(home: Home, prepared: Prepared, table: Table) -> pl.DataFrame:
    paths = [home.store.path_of(row["path"]) for row in prepared.files if row["table_name"] == table.name]
    return pl.read_parquet(paths) if paths else table.empty()


def _compare(before: pl.Series, after: pl.Series) -> Change:
    differs = before.ne_missing(after)
    # A null that came or went counts as a change, but has no size.
    numeric = before.dtype.is_numeric() and after.dtype.is_numeric()
    largest = (after - before).abs().max() if numeric else None
    return Change(int(differs.sum()), float(largest) if isinstance(largest, int | float) else None)


def _last_capacity(cycles: pl.DataFrame) -> float | None:
    known = cycles["discharging_capacity_ah"].drop_nulls()
    return float(known[-1]) if known.len() else None


def _state(name: str, change: Change) -> str:
    by = f" by up to {change.largest:.6g}" if change.largest is not None else ""
    return f"{name} differs in {change.rows} rows{by}"


def _list(names: tuple[str, ...]) -> str:
    return " and ".join(names)

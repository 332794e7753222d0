"""What a night makes of a whole firm: results across its cells, and its answers in one file each.

Each is known by the firm's moment, a hash of all that the firm's numbers are made of; what is of another moment is made
anew, in place of what is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from warehouse.made import Label, keep_made, name_made
from warehouse.marts import Compaction, list_whole, retire_files
from warehouse.registry import STORED_FILE
from warehouse.results import Whole, computations
from warehouse.schema import ANSWERS
from warehouse.shelf import count_buckets

if TYPE_CHECKING:
    import polars as pl

    from warehouse.home import Home
    from warehouse.metrics.computation import Computation
    from warehouse.registry import Row
    from warehouse.schema import Table
    from warehouse.standing import Standing

# So many files are read in the time that one takes and a few milliseconds.
FEW_BUCKETS: Final = 8


def refresh_wholes(home: Home, firm: str) -> Iterator[Compaction]:
    """Bring all that is about a whole firm up to date on the disk; yields what was done.

    All of it is listed in one transaction, in place of what was there.

    Args:
        home: the platform.
        firm: code of the firm, whose buckets are up to date; ``""`` for tests without an owner, of whom nobody asks.
    """
    if not firm:
        return
    moment = home.results.name_moment(firm)
    wanted, answers = _list_tables(count_buckets(home.registry, firm))
    stored = {row["table_name"]: row for row in list_whole(home.registry, firm)}
    if _are_of(stored.values(), [*wanted, *answers], moment):
        yield from tell_kept(firm, stored)
        return
    # The moment was read first: what changes from here on is of a later one, and made anew.
    work = _Work(home, firm, moment, stored)
    whole = home.results.begin_whole(firm)
    for one in _list_computations():
        yield work.make(one, whole)
    for table in answers:
        # The computations have read them.
        work.keep(table, whole.frames[table.name], moment)
    work.list_made()


def is_current(standing: Standing) -> bool:
    """Say whether everything that a night makes of a firm is of its data now."""
    if standing.buckets.keys() != {standing.moment}:
        return False
    wanted, answers = _list_tables(standing.buckets[standing.moment])
    return not standing.firm or _are_of(standing.wholes.values(), [*wanted, *answers], standing.moment)


def tell_kept(firm: str, stored: Mapping[str, Row]) -> Iterator[Compaction]:
    """Tell of what is about a whole firm, and of its data still; as it is listed, by table."""
    for one in _list_computations() if firm else ():
        rows = sum(stored[table.name]["rows"] for table in one.tables)
        yield Compaction(firm, one.name, "skipped", "nothing changed", 0, rows)


@dataclass
class _Work:
    """What is made of a whole firm, until it is listed.

    Args:
        home: the platform.
        firm: code of the firm.
        moment: what its data are now.
        stored: what is listed, by table.
        files: what is to be listed, by table.
    """

    home: Home
    firm: str
    moment: str
    stored: dict[str, Row]
    files: dict[str, Row] = field(default_factory=dict)

    def make(self, computation: Computation, whole: Whole) -> Compaction:
        """Make what one computation says of the firm."""
        frames, why = self.home.results.compute_firm(computation, whole)
        for table, frame in zip(computation.tables, frames, strict=True):
            # What failed is of no moment: the next night tries again.
            self.keep(table, frame, None if why else self.moment)
        told = "1 computed, 0 kept" + (", 1 failed" if why else "")
        return Compaction(self.firm, computation.name, "made", told, 1, sum(frame.height for frame in frames))

    def keep(self, table: Table, frame: pl.DataFrame, made_of: str | None) -> None:
        """Write a table, unless what is stored of it is the same."""
        label = Label(self.firm, name_made([self.moment, made_of is None]), made_of, None)
        self.files[table.name] = keep_made(self.home, table, frame, label, self.stored.get(table.name))

    def list_made(self) -> None:
        """List what was made in place of all that there was of the whole firm."""
        kept = {row["path"] for row in self.files.values()}
        with self.home.registry.write() as connection:
            self.home.note_recipe(connection, self.firm)
            retire_files(connection, [row["path"] for row in self.stored.values() if row["path"] not in kept])
            self.home.registry.put(connection, STORED_FILE, list(self.files.values()))


def _list_computations() -> list[Computation]:
    return [one for one in computations() if one.scope == "firm"]


def _list_tables(buckets: int) -> tuple[list[Table], list[Table]]:
    """Return the tables that are about a whole firm, and the answers that are put together for one of many buckets."""
    wanted = [table for one in _list_computations() for table in one.tables]
    return wanted, list(ANSWERS) if buckets > FEW_BUCKETS else []


def _are_of(stored: Collection[Row], tables: Sequence[Table], moment: str) -> bool:
    return len(stored) == len(tables) and all(row["made_of"] == moment for row in stored)

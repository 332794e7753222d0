"""What a night makes of a whole firm: results across its cells, and its answers in one file each.

Each is known by the firm's moment, a hash of all that the firm's numbers are made of; what is of another moment is made
anew, in place of what is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from warehouse.made import Label, name_made, write_made
from warehouse.marts import Compaction, list_whole, retire_files
from warehouse.registry import STORED_FILE
from warehouse.results import Whole, computations
from warehouse.schema import ANSWERS
from warehouse.shelf import are_of, count_buckets

if TYPE_CHECKING:
    import polars as pl

    from warehouse.home import Home
    from warehouse.metrics.computation import Computation
    from warehouse.registry import Registry, Row
    from warehouse.schema import Table

# So many files are read in the time that one takes and a few milliseconds.
FEW_BUCKETS: Final = 8


def refresh_wholes(home: Home, firm: str) -> Iterator[Compaction]:
    """Bring all that is about a whole firm up to date on the disk; yields what was done.

    Args:
        home: the platform.
        firm: code of the firm, whose buckets are up to date; ``""`` for tests without an owner, of whom nobody asks.
    """
    if not firm:
        return
    known: tuple[str, Whole] | None = None
    for one in computations():
        if one.scope != "firm":
            continue
        moment = home.results.name_moment(firm)
        stored = list_whole(home.registry, firm, [table.name for table in one.tables])
        if _are_of(stored, one.tables, moment):
            rows = sum(row["rows"] for row in stored)
            yield Compaction(firm, one.name, "skipped", "nothing changed", 0, rows)
            continue
        if known is None or known[0] != moment:
            known = moment, home.results.begin_whole(firm)
        yield _make_whole(home, one, known[1], moment, stored)
    _gather_answers(home, firm)


def is_current(registry: Registry, firm: str, moment: str) -> bool:
    """Say whether everything that a night makes of a firm is of a moment."""
    if not are_of(registry, firm, moment):
        return False
    tables = [table for one in computations() if one.scope == "firm" for table in one.tables] if firm else []
    many = bool(firm) and count_buckets(registry, firm) > FEW_BUCKETS
    wanted = [*tables, *(ANSWERS if many else ())]
    return _are_of(list_whole(registry, firm, [table.name for table in wanted]), wanted, moment)


def _are_of(stored: Sequence[Row], tables: Sequence[Table], moment: str) -> bool:
    return len(stored) == len(tables) and all(row["made_of"] == moment for row in stored)


def _make_whole(home: Home, computation: Computation, whole: Whole, moment: str, stored: Sequence[Row]) -> Compaction:
    """Make what one computation says of a whole firm, in place of what is stored."""
    firm = whole.ground.firm
    frames, why = home.results.compute_firm(computation, whole)
    # What failed is of no moment: the next night tries again.
    label = Label(firm, name_made([moment, bool(why)]), None if why else moment, None)
    files = _replace(home, label, dict(zip(computation.tables, frames, strict=True)), stored)
    told = "1 computed, 0 kept" + (", 1 failed" if why else "")
    return Compaction(firm, computation.name, "made", told, 1, sum(row["rows"] for row in files))


def _gather_answers(home: Home, firm: str) -> None:
    """Put the answers that lie in a file for each bucket into one, for a firm that has many."""
    many = count_buckets(home.registry, firm) > FEW_BUCKETS
    for table in ANSWERS:
        moment = home.results.name_moment(firm)
        stored = list_whole(home.registry, firm, [table.name])
        if _are_of(stored, [table] if many else [], moment):
            continue
        made = {table: home.asker.answer(table.name, firm=firm)} if many else {}
        _replace(home, Label(firm, name_made([moment]), moment, None), made, stored)


def _replace(home: Home, label: Label, made: dict[Table, pl.DataFrame], stored: Sequence[Row]) -> list[Row]:
    """Write files about a whole firm and list them in place of those before."""
    files = [write_made(home, table, frame, label) for table, frame in made.items()]
    with home.registry.write() as connection:
        home.note_recipe(connection, label.firm)
        retire_files(connection, [row["path"] for row in stored])
        home.registry.put(connection, STORED_FILE, files)
    return files

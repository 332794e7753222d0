"""What a night makes of a firm: marts, answers and results, bucket by bucket, then what is about the whole firm.

All files of a firm's buckets are listed in one transaction, in place of those before: readers see all of one night or
all of another. What changed while they were made is not listed; the next night takes it in.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl
import sqlalchemy as sa

from warehouse.buckets import Bucket, overlap
from warehouse.drafts import Made, make_files
from warehouse.errors import DamageError
from warehouse.ground import read_ground
from warehouse.marts import COMPACTED, Compaction, retire_files
from warehouse.registry import BUCKET, STORED_FILE
from warehouse.results import Work, computations
from warehouse.schema import ANSWERS
from warehouse.shelf import are_of, count_buckets, sum_rows
from warehouse.wholes import refresh_wholes, tell_kept

if TYPE_CHECKING:
    from warehouse.crew import Crew
    from warehouse.home import Home
    from warehouse.metrics.computation import Computation
    from warehouse.standing import Standing

# How a damaged file shows when it is read.
UNREADABLE: Final = (DamageError, pl.exceptions.PolarsError, FileNotFoundError)
CHANGED: Final = "changed meanwhile; the next night takes it in"


@dataclass(frozen=True)
class _Begun:
    """What is to be made of a firm.

    Args:
        firm: code of the firm.
        moment: what its data are now.
        work: what there is to make it from; None where all of its buckets are of that moment.
        stale: the buckets whose files are outdated.
    """

    firm: str
    moment: str
    work: Work | None = None
    stale: tuple[Bucket, ...] = ()


def refresh_firm(home: Home, firm: str, crew: Crew | None = None) -> Iterator[Compaction]:
    """Bring all that readers of a firm ask for up to date on the disk; yields what was done.

    Args:
        home: the platform.
        firm: code of the firm; ``""`` for tests without an owner, of whom nobody asks for answers.
        crew: processes that share the work; none by default.
    """
    yield from refresh_buckets(home, firm, crew)
    yield from refresh_wholes(home, firm)


def refresh_firms(home: Home, firms: Iterable[str]) -> Iterator[tuple[str, list[Compaction]]]:
    """Bring all that readers of some firms ask for up to date; yields each firm, when it is, with what was done.

    The buckets of all of them are made first, several firms' together.
    """
    begun = [_begin(home, firm) for firm in firms]
    wanted = [(one.work, bucket) for one in begun if one.work for bucket in one.stale]
    made = make_files(home, wanted)
    for one in begun:
        mine = [each for (work, _), each in zip(wanted, made, strict=True) if work is one.work]
        yield one.firm, [*_finish(home, one, mine), *refresh_wholes(home, one.firm)]


def refresh_buckets(home: Home, firm: str, crew: Crew | None = None) -> Iterator[Compaction]:
    """Bring the marts, answers and results of a firm's tests and cells up to date; yields what was done, by table."""
    begun = _begin(home, firm)
    if crew is not None and crew.takes(sum(len(bucket.cells) for bucket in begun.stale)):
        made = crew.make(firm, [bucket.name for bucket in begun.stale])
    else:
        made = make_files(home, [(begun.work, bucket) for bucket in begun.stale if begun.work])
    yield from _finish(home, begun, made)


def count_outdated(home: Home, firm: str) -> int:
    """Return about how many cells of a firm have something to be made, where something about it changed."""
    work = home.results.begin(firm, ())
    return sum(len(bucket.cells) for bucket in work.ground.buckets if work.is_stale(bucket)) or 1


def tell_unchanged(standing: Standing) -> Iterator[Compaction]:
    """Tell of a firm that nothing was to be made of, as everything about it is of its data still."""
    yield from _tell(standing.firm, [], [], sum(standing.buckets.values()), standing.rows)
    yield from tell_kept(standing.firm, standing.wholes)


def make_buckets(home: Home, firm: str, names: Collection[str]) -> list[Made]:
    """Make the files of some buckets of a firm; the caller lists them."""
    work = home.results.begin(firm)
    # A bucket that is gone meanwhile has changed.
    return make_files(home, [(work, bucket) for bucket in work.ground.buckets if bucket.name in names])


def _begin(home: Home, firm: str) -> _Begun:
    moment = home.results.name_moment(firm)
    if are_of(home.registry, firm, moment):
        return _Begun(firm, moment)
    work = home.results.begin(firm)
    return _Begun(firm, moment, work, tuple(bucket for bucket in work.ground.buckets if work.is_stale(bucket)))


def _finish(home: Home, begun: _Begun, made: Sequence[Made]) -> Iterator[Compaction]:
    """List what was made of a firm's buckets; yields what was done, by table."""
    listed = [] if begun.work is None else _list_made(home, begun.work, begun.moment, made)
    home.results.forget(begun.firm)
    buckets, rows = count_buckets(home.registry, begun.firm), sum_rows(home.registry, begun.firm)
    if buckets or made:
        yield from _tell(begun.firm, made, listed, buckets, rows)


def _list_made(home: Home, work: Work, moment: str, made: Sequence[Made]) -> list[Made]:
    """List what was made of a firm, in one transaction; returns what is still of the firm's data."""
    firm = work.firm
    with home.registry.write() as connection:
        stands = home.results.name_moment(firm) == moment
        if not stands:
            ground = read_ground(home.registry, firm, connection)
            now = {bucket.name: Work(ground, work.shelf, work.base).made_of(bucket) for bucket in ground.buckets}
            made = [one for one in made if now.get(one.bucket) == one.made_of]
        gone = {name for name in work.shelf.buckets if any(overlap(name, one.bucket) for one in made)}
        if stands:
            gone |= work.shelf.buckets.keys() - {bucket.name for bucket in work.ground.buckets}
        _retire_buckets(connection, firm, gone, {row["path"] for one in made for row in one.files})
        for one in made:
            _list_bucket(home, connection, firm, one)
        if stands:
            sound = BUCKET.c.firm == firm, BUCKET.c.made_of.is_not(None)
            connection.execute(sa.update(BUCKET).where(*sound).values(moment=moment))
        if made:
            home.note_recipe(connection, firm)
    return list(made)


def _retire_buckets(connection: sa.Connection, firm: str, names: Collection[str], kept: Collection[str]) -> None:
    mine = STORED_FILE.c.firm == firm, STORED_FILE.c.bucket.in_(names)
    paths = connection.execute(sa.select(STORED_FILE.c.path).where(*mine, STORED_FILE.c.current)).scalars()
    retire_files(connection, [path for path in paths if path not in kept])
    connection.execute(sa.delete(BUCKET).where(BUCKET.c.firm == firm, BUCKET.c.bucket.in_(names)))


def _list_bucket(home: Home, connection: sa.Connection, firm: str, made: Made) -> None:
    home.registry.put(connection, STORED_FILE, made.files)
    for row in made.files:
        if row["table_name"] in {table.name for table in COMPACTED}:
            parts = STORED_FILE.c.table_name == row["table_name"], STORED_FILE.c.test_id.in_(made.tests)
            connection.execute(sa.update(STORED_FILE).where(*parts, STORED_FILE.c.current).values(mart=row["path"]))
    # With a failed test or cell it is of nothing: the next night tries again.
    made_of = None if made.failed else made.made_of
    row = {"firm": firm, "bucket": made.bucket, "made_of": made_of, "moment": None}
    home.registry.put(connection, BUCKET, {**row, "keys": json.dumps(made.keys, sort_keys=True)})


def _tell(
    firm: str, made: Sequence[Made], listed: Sequence[Made], buckets: int, rows: Mapping[str, int]
) -> Iterator[Compaction]:
    """Tell for each table of a firm's buckets what was done; of so many buckets, and rows by table."""
    share = f"{len(listed)} of {buckets} groups of cells"
    share += f", {len(made) - len(listed)} {CHANGED}" if len(made) > len(listed) else ""
    tests = sum(len(one.tests) for one in listed)
    for table in (*COMPACTED, *(ANSWERS if firm else ())):
        told = ("made", share, tests) if listed else ("skipped", CHANGED if made else "nothing changed", 0)
        yield Compaction(firm, table.name, *told, rows.get(table.name, 0))
    for one in computations():
        if one.scope != "firm":
            yield _tell_results(firm, one, made, listed, sum(rows.get(table.name, 0) for table in one.tables))


def _tell_results(
    firm: str, computation: Computation, made: Sequence[Made], listed: Sequence[Made], rows: int
) -> Compaction:
    if not listed:
        return Compaction(firm, computation.name, "skipped", CHANGED if made else "nothing changed", 0, rows)
    counts = [one.counts[computation.name] for one in listed]
    computed, kept = sum(count.computed for count in counts), sum(count.kept for count in counts)
    failed = sum(name == computation.name for one in listed for name, _ in one.failed)
    why = f"{computed} computed, {kept} kept" + (f", {failed} failed" if failed else "")
    return Compaction(firm, computation.name, "made", why, computed, rows)

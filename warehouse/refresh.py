"""What a night makes of a firm: marts, answers and results, bucket by bucket, then what is about the whole firm.

All files of a firm's buckets are listed in one transaction, in place of those before: readers see all of one night or
all of another. What changed while they were made is not listed; the next night takes it in.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl
import sqlalchemy as sa

from warehouse.buckets import Bucket, overlap
from warehouse.ground import read_ground
from warehouse.marts import COMPACTED, Compaction, describe_made, list_made, retire_files
from warehouse.recipe import hash_values
from warehouse.registry import BUCKET, STORED_FILE, Row
from warehouse.results import Count, Failed, Whole, Work, computations, group_computations
from warehouse.schema import FADE, SUMMARY, Table
from warehouse.shelf import State

if TYPE_CHECKING:
    from warehouse.crew import Crew
    from warehouse.home import Home
    from warehouse.metrics.computation import Computation

KEY_DIGITS: Final = 16
MART: Final = "mart"
CHANGED: Final = "changed meanwhile; the next night takes it in"


@dataclass(frozen=True)
class Made:
    """What was made of one bucket, written and not listed yet.

    Args:
        bucket: the bucket.
        made_of: hash of all that its files were made of.
        keys: what the rows about each test and cell were made of; without those that failed.
        tests: the tests whose steps and cycles are in its marts.
        files: what the registry is to list.
        counts: for how many tests or cells each computation was made.
        failed: why there are no rows, by computation and test or cell.
    """

    bucket: str
    made_of: str
    keys: Mapping[str, dict[str, str]]
    tests: tuple[str, ...]
    files: tuple[Row, ...]
    counts: Mapping[str, Count]
    failed: Failed


class _Label(NamedTuple):
    """What files are of: their firm, the name that they share, what they were made of, and their bucket."""

    firm: str
    name: str
    made_of: str | None
    bucket: str | None


def refresh_firm(home: Home, firm: str, crew: Crew | None = None) -> Iterator[Compaction]:
    """Bring all that readers of a firm ask for up to date on the disk; yields what was done.

    Args:
        home: the platform.
        firm: code of the firm; ``""`` for tests without an owner, of whom nobody asks for answers.
        crew: processes that share the work; none by default.
    """
    yield from refresh_buckets(home, firm, crew)
    if firm:
        yield from _refresh_wholes(home, firm)


def refresh_buckets(home: Home, firm: str, crew: Crew | None = None) -> Iterator[Compaction]:
    """Bring the marts, answers and results of a firm's tests and cells up to date; yields what was done, by table."""
    moment = home.results.name_moment(firm)
    work = home.results.begin(firm)
    if work.shelf.is_of(moment):
        yield from _tell(work, [], [])
        return
    stale = [bucket for bucket in work.ground.buckets if _is_stale(work, bucket)]
    names = [bucket.name for bucket in stale]
    shared = crew is not None and crew.takes(sum(len(bucket.cells) for bucket in stale))
    made = crew.make(firm, names) if crew is not None and shared else make_buckets(home, firm, names)
    listed = _list_made(home, work, moment, made)
    home.results.forget(firm)
    yield from _tell(home.results.begin(firm), made, listed)


def make_buckets(home: Home, firm: str, names: Collection[str]) -> list[Made]:
    """Make the files of some buckets of a firm; the caller lists them."""
    made = []
    work = home.results.begin(firm)
    buckets = {bucket.name: bucket for bucket in work.ground.buckets}
    for name in names:
        # A bucket that is gone meanwhile has changed.
        if name in buckets:
            made.append(_make_bucket(home, Work(work.ground, work.shelf, work.base), buckets[name]))
            home.results.forget(firm)
    return made


def _make_bucket(home: Home, work: Work, bucket: Bucket) -> Made:
    tests = [test["test_id"] for test in work.tests_of(bucket)]
    states: dict[str, State] = {}
    for group in group_computations("test"):
        states |= home.results.bring_up(work, bucket, group)
    # Unassigned tests have no firm that could ask.
    answers: dict[Table, pl.DataFrame] = {}
    if work.firm:
        work.fade = answers[FADE] = home.asker.answer_cells(FADE.name, work.firm, bucket.cells)
    for group in group_computations("cell"):
        states |= home.results.bring_up(work, bucket, group)
    if work.firm:
        known = {FADE.name: answers[FADE]}
        answers[SUMMARY] = home.asker.answer_cells(SUMMARY.name, work.firm, bucket.cells, known)
    marts = {
        table: pl.concat([table.empty(), *home.results.read_parts(work, table, tests).values()]) for table in COMPACTED
    }
    results = {
        table: frame
        for one in computations()
        if one.name in states
        for table, frame in zip(one.tables, states[one.name].frames, strict=True)
    }
    made_of = work.made_of(bucket)
    name = hash_values([bucket.name, made_of, sorted(work.failed)])[:KEY_DIGITS]
    label = _Label(work.firm, name, made_of, bucket.name)
    tables = {**marts, **results, **answers}
    files = [_write(home, table, frame, label) for table, frame in tables.items() if frame.height]
    return Made(bucket.name, made_of, _join_keys(states), tuple(tests), tuple(files), work.counts, work.failed)


def _join_keys(states: Mapping[str, State]) -> dict[str, dict[str, str]]:
    """Return what the rows about each test and cell were made of, where every computation has them."""
    keys: dict[str, dict[str, str]] = {}
    for scope in ("test", "cell"):
        held = [states[one.name].keys for one in computations() if one.scope == scope]
        done = set(held[0]).intersection(*held[1:]) if held else set()
        keys[scope] = {name: held[0][name] for name in sorted(done)}
    return keys


def _write(home: Home, table: Table, frame: pl.DataFrame, label: _Label) -> Row:
    kind = MART if table in COMPACTED else table.name
    stored = home.store.write(frame, table, label.firm or None, f"{kind}-{label.name}", {})
    return describe_made(stored, label.firm, label.made_of, label.bucket)


def _is_stale(work: Work, bucket: Bucket) -> bool:
    row = work.shelf.buckets.get(bucket.name)
    return row is None or row["made_of"] != work.made_of(bucket)


def _list_made(home: Home, work: Work, moment: str, made: Sequence[Made]) -> list[Made]:
    """List what was made of a firm, in one transaction; returns what is still of the firm's data."""
    firm = work.firm
    with home.registry.write() as connection:
        stands = home.results.name_moment(firm) == moment
        if not stands:
            ground = read_ground(home.registry, firm)
            now = {bucket.name: Work(ground, work.shelf, work.base).made_of(bucket) for bucket in ground.buckets}
            made = [one for one in made if now.get(one.bucket) == one.made_of]
        gone = {name for name in work.shelf.buckets if any(overlap(name, one.bucket) for one in made)}
        if stands:
            gone |= work.shelf.buckets.keys() - {bucket.name for bucket in work.ground.buckets}
        _retire_buckets(connection, firm, gone)
        for one in made:
            _list_bucket(home, connection, firm, one)
        if stands:
            sound = BUCKET.c.firm == firm, BUCKET.c.made_of.is_not(None)
            connection.execute(sa.update(BUCKET).where(*sound).values(moment=moment))
        if made:
            home.note_recipe(connection, firm)
    return list(made)


def _retire_buckets(connection: sa.Connection, firm: str, names: Collection[str]) -> None:
    mine = STORED_FILE.c.firm == firm, STORED_FILE.c.bucket.in_(names)
    paths = list(connection.execute(sa.select(STORED_FILE.c.path).where(*mine, STORED_FILE.c.current)).scalars())
    retire_files(connection, paths)
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


def _tell(work: Work, made: Sequence[Made], listed: Sequence[Made]) -> Iterator[Compaction]:
    """Tell for each table of a firm's buckets what was done."""
    rows: dict[str, int] = {}
    for row in work.shelf.files:
        rows[row["table_name"]] = rows.get(row["table_name"], 0) + row["rows"]
    if not work.ground.buckets and not made:
        return
    share = f"{len(listed)} of {len(work.ground.buckets)} groups of cells"
    share += f", {len(made) - len(listed)} {CHANGED}" if len(made) > len(listed) else ""
    tests = sum(len(one.tests) for one in listed)
    answers = (FADE, SUMMARY) if work.firm else ()
    for table in (*COMPACTED, *answers):
        told = ("made", share, tests) if listed else ("skipped", CHANGED if made else "nothing changed", 0)
        yield Compaction(work.firm, table.name, *told, rows.get(table.name, 0))
    for one in computations():
        if one.scope != "firm":
            yield _tell_results(work.firm, one, made, listed, sum(rows.get(table.name, 0) for table in one.tables))


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


def _refresh_wholes(home: Home, firm: str) -> Iterator[Compaction]:
    """Bring all that is about a whole firm up to date on the disk."""
    known: tuple[str, Whole] | None = None
    for one in computations():
        if one.scope != "firm":
            continue
        moment = home.results.name_moment(firm)
        stored = list_made(home.registry, firm, [table.name for table in one.tables])
        if len(stored) == len(one.tables) and all(row["made_of"] == moment for row in stored):
            rows = sum(row["rows"] for row in stored)
            yield Compaction(firm, one.name, "skipped", "nothing changed", 0, rows)
            continue
        if known is None or known[0] != moment:
            known = moment, home.results.begin_whole(firm)
        yield _make_whole(home, one, known[1], moment, stored)


def _make_whole(home: Home, computation: Computation, whole: Whole, moment: str, stored: Sequence[Row]) -> Compaction:
    """Make what one computation says of a whole firm, in place of what is stored."""
    firm = whole.ground.firm
    frames, why = home.results.compute_firm(computation, whole)
    # What failed is of no moment: the next night tries again.
    label = _Label(firm, hash_values([moment, bool(why)])[:KEY_DIGITS], None if why else moment, None)
    files = [_write(home, table, frame, label) for table, frame in zip(computation.tables, frames, strict=True)]
    with home.registry.write() as connection:
        home.note_recipe(connection, firm)
        retire_files(connection, [row["path"] for row in stored])
        home.registry.put(connection, STORED_FILE, files)
    told = "1 computed, 0 kept" + (", 1 failed" if why else "")
    return Compaction(firm, computation.name, "made", told, 1, sum(row["rows"] for row in files))

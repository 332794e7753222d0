"""What a night makes of a firm: marts, answers and results, bucket by bucket, then what is about the whole firm.

All files of a firm's buckets are listed in one transaction, in place of those before: readers see all of one night or
all of another. What changed while they were made is not listed; the next night takes it in.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import polars as pl
import sqlalchemy as sa

from warehouse.ask import questions
from warehouse.buckets import Bucket, overlap
from warehouse.ground import read_ground
from warehouse.made import Label, keep_made, name_made
from warehouse.marts import COMPACTED, Compaction, retire_files
from warehouse.registry import BUCKET, STORED_FILE, Row
from warehouse.results import Count, Failed, Work, computations, group_computations, result_tables
from warehouse.schema import ANSWERS, FADE, SUMMARY, Table
from warehouse.shelf import State, are_of, count_buckets, sum_rows
from warehouse.wholes import is_current, refresh_wholes

if TYPE_CHECKING:
    from warehouse.crew import Crew
    from warehouse.home import Home
    from warehouse.metrics.computation import Computation

# Their rows are in memory together.
BUCKETS_AT_ONCE: Final = 4
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


def refresh_firm(home: Home, firm: str, crew: Crew | None = None) -> Iterator[Compaction]:
    """Bring all that readers of a firm ask for up to date on the disk; yields what was done.

    Args:
        home: the platform.
        firm: code of the firm; ``""`` for tests without an owner, of whom nobody asks for answers.
        crew: processes that share the work; none by default.
    """
    yield from refresh_buckets(home, firm, crew)
    yield from refresh_wholes(home, firm)


def refresh_buckets(home: Home, firm: str, crew: Crew | None = None) -> Iterator[Compaction]:
    """Bring the marts, answers and results of a firm's tests and cells up to date; yields what was done, by table."""
    moment = home.results.name_moment(firm)
    if are_of(home.registry, firm, moment):
        yield from _tell(home, firm, [], [])
        return
    work = home.results.begin(firm)
    stale = [bucket for bucket in work.ground.buckets if work.is_stale(bucket)]
    names = [bucket.name for bucket in stale]
    shared = crew is not None and crew.takes(sum(len(bucket.cells) for bucket in stale))
    made = crew.make(firm, names) if crew is not None and shared else _make_all(home, work, stale)
    listed = _list_made(home, work, moment, made)
    home.results.forget(firm)
    yield from _tell(home, firm, made, listed)


def count_outdated(home: Home, firm: str) -> int:
    """Return about how many cells of a firm have something to be made; 0 where nothing about it changed."""
    moment = home.results.name_moment(firm)
    if is_current(home.registry, firm, moment):
        return 0
    work = home.results.begin(firm, ())
    return sum(len(bucket.cells) for bucket in work.ground.buckets if work.is_stale(bucket)) or 1


def make_buckets(home: Home, firm: str, names: Collection[str]) -> list[Made]:
    """Make the files of some buckets of a firm; the caller lists them."""
    work = home.results.begin(firm)
    # A bucket that is gone meanwhile has changed.
    return _make_all(home, work, [bucket for bucket in work.ground.buckets if bucket.name in names])


def _make_all(home: Home, work: Work, buckets: Sequence[Bucket]) -> list[Made]:
    made = []
    for first in range(0, len(buckets), BUCKETS_AT_ONCE):
        made += _make_together(home, work, buckets[first : first + BUCKETS_AT_ONCE])
        home.results.forget(work.firm)
    return made


def _make_together(home: Home, work: Work, buckets: Sequence[Bucket]) -> list[Made]:
    """Make the files of a few buckets: what is asked about their cells is asked once."""
    drafts = [_Draft(home, Work(work.ground, work.shelf, work.base), bucket) for bucket in buckets]
    # Unassigned tests have no firm that could ask.
    cells = [cell for draft in drafts for cell in draft.lacking] if work.firm else []
    known: dict[str, pl.DataFrame] = {}
    # Results of cells are made of the answer before them, and what they come to is in the one behind them.
    for table, before in ((FADE, "test"), (SUMMARY, "cell")):
        for draft in drafts:
            draft.compute(before)
        if cells:
            known |= _join_results(drafts, table)
            known[table.name] = home.asker.answer_cells(table.name, work.firm, cells, known)
        for draft in drafts:
            draft.answer(table, known)
    return [draft.write() for draft in drafts]


def _join_results(drafts: Sequence[_Draft], answer: Table) -> dict[str, pl.DataFrame]:
    """Return the result tables of some buckets that an answer is made of."""
    tables = [result_tables()[name] for name in questions()[answer.name].reads if name in result_tables()]
    return {
        table.name: pl.concat(draft.states[one.name].frames[one.tables.index(table)] for draft in drafts)
        for one, table in tables
    }


@dataclass
class _Draft:
    """A bucket's rows while they are made.

    Args:
        home: the platform.
        work: what is known of the firm, and made of this bucket so far.
        bucket: the bucket.
        states: rows by computation.
        answers: answers about its cells.
    """

    home: Home
    work: Work
    bucket: Bucket
    states: dict[str, State] = field(default_factory=dict)
    answers: dict[Table, pl.DataFrame] = field(default_factory=dict)

    @cached_property
    def kept(self) -> State:
        """The answers that are stored, and what those about each cell were made of."""
        return self.work.shelf.load(self.home.store, self.bucket.name, "cell", ANSWERS)

    @cached_property
    def lacking(self) -> list[str]:
        """The cells that no stored answer is about, or one of what they were before."""
        keys = self.work.keys_of(self.bucket, "cell")
        return [cell for cell, key in keys.items() if self.kept.keys.get(cell) != key]

    def compute(self, scope: str) -> None:
        """Bring the results of one scope up to date."""
        for group in group_computations(scope):
            self.states |= self.home.results.bring_up(self.work, self.bucket, group)

    def answer(self, table: Table, known: Mapping[str, pl.DataFrame]) -> None:
        """Take the bucket's rows out of an answer about the lacking cells of several, beside those that are kept."""
        if not self.work.firm:
            return
        cell = pl.col("cell_id")
        made = known[table.name].filter(cell.is_in(self.lacking)) if self.lacking else table.empty()
        if self.kept.frames:
            same = cell.is_in(self.bucket.cells) & ~cell.is_in(self.lacking)
            stored = self.kept.frames[ANSWERS.index(table)].filter(same)
            made = pl.concat([stored, made]).sort("cell_id", maintain_order=True)
        self.answers[table] = made
        self.work.fade = self.answers[FADE]

    def write(self) -> Made:
        """Write all tables that have rows."""
        work, bucket = self.work, self.bucket
        tests = [test["test_id"] for test in work.tests_of(bucket)]
        marts = {
            table: pl.concat([table.empty(), *self.home.results.read_parts(work, table, tests).values()])
            for table in COMPACTED
        }
        results = {
            table: frame
            for one in computations()
            if one.name in self.states
            for table, frame in zip(one.tables, self.states[one.name].frames, strict=True)
        }
        made_of = work.made_of(bucket)
        name = name_made([bucket.name, made_of, sorted(work.failed)])
        label = Label(work.firm, name, made_of, bucket.name)
        tables = {**marts, **results, **self.answers}
        files = [
            keep_made(self.home, table, frame, label, work.shelf.find_file(table, bucket.name))
            for table, frame in tables.items()
            if frame.height
        ]
        return Made(bucket.name, made_of, self._join_keys(), tuple(tests), tuple(files), work.counts, work.failed)

    def _join_keys(self) -> dict[str, dict[str, str]]:
        """Return what the rows about each test and cell were made of, where every computation has them."""
        keys: dict[str, dict[str, str]] = {}
        for scope in ("test", "cell"):
            held = [self.states[one.name].keys for one in computations() if one.scope == scope]
            done = set(held[0]).intersection(*held[1:]) if held else set()
            keys[scope] = {name: held[0][name] for name in sorted(done)}
        # What is about a cell is made of the results of its tests: without one of them the next night tries again.
        tests = self.work.ground.tests_of
        whole = {cell for cell in self.bucket.cells if all(test["test_id"] in keys["test"] for test in tests[cell])}
        return {**keys, "cell": {cell: key for cell, key in keys["cell"].items() if cell in whole}}


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


def _tell(home: Home, firm: str, made: Sequence[Made], listed: Sequence[Made]) -> Iterator[Compaction]:
    """Tell for each table of a firm's buckets what was done."""
    buckets, rows = count_buckets(home.registry, firm), sum_rows(home.registry, firm)
    if not buckets and not made:
        return
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

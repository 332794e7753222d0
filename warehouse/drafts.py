"""Making the files of buckets: results, answers and marts of their cells, written and not listed yet.

Buckets are made a few at a time, those of several firms too where little of each has changed: what a question costs is
mostly its planning. Every row that a question reads carries its firm, and an answer is divided by firm before anything
is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import polars as pl

from warehouse.ask import questions
from warehouse.buckets import Bucket
from warehouse.made import Label, keep_made, name_made, write_made
from warehouse.marts import COMPACTED
from warehouse.registry import Row
from warehouse.results import Count, Failed, Work, computations, group_computations, result_tables
from warehouse.schema import ANSWERS, CELL, FADE, SUMMARY, TEST, Table
from warehouse.shelf import State

if TYPE_CHECKING:
    from warehouse.home import Home

# Their rows are in memory together.
BUCKETS_AT_ONCE: Final = 4
# Marts are written anew when more than one test in so many lies beside them: a reader opens that many files more.
LOOSE_PART: Final = 8


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


def make_files(home: Home, wanted: Sequence[tuple[Work, Bucket]]) -> list[Made]:
    """Make the files of some buckets, of one firm or of several; the caller lists them.

    Args:
        home: the platform.
        wanted: the buckets, each with what is known of its firm.
    """
    made = []
    for first in range(0, len(wanted), BUCKETS_AT_ONCE):
        together = wanted[first : first + BUCKETS_AT_ONCE]
        made += _make_together(home, together)
        for work, _ in together:
            home.results.forget(work.firm)
    return made


def _make_together(home: Home, wanted: Iterable[tuple[Work, Bucket]]) -> list[Made]:
    """Make the files of a few buckets: what is asked about their cells is asked once."""
    drafts = [_Draft(home, Work(work.ground, work.shelf, work.base), bucket) for work, bucket in wanted]
    # Results of cells are made of the answer before them, and what they come to is in the one behind them.
    for table, before in ((FADE, "test"), (SUMMARY, "cell")):
        for draft in drafts:
            draft.compute(before)
        for asked in _group_by_recipe(home, drafts):
            _ask(home, table, asked)
        for draft in drafts:
            draft.answer(table)
    return [draft.write() for draft in drafts]


@dataclass
class _Draft:
    """A bucket's rows while they are made.

    Args:
        home: the platform.
        work: what is known of the firm, and made of this bucket so far.
        bucket: the bucket.
        states: rows by computation.
        fresh: what was answered about its lacking cells.
        answers: answers about all its cells.
    """

    home: Home
    work: Work
    bucket: Bucket
    states: dict[str, State] = field(default_factory=dict)
    fresh: dict[Table, pl.DataFrame] = field(default_factory=dict)
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

    @property
    def tests(self) -> list[Row]:
        """The tests of the lacking cells."""
        return [test for cell in self.lacking for test in self.work.ground.tests_of[cell]]

    def compute(self, scope: str) -> None:
        """Bring the results of one scope up to date."""
        for group in group_computations(scope):
            self.states |= self.home.results.bring_up(self.work, self.bucket, group)

    def read(self, name: str) -> pl.DataFrame:
        """Return the rows of a relation that a question about the lacking cells reads."""
        if name in result_tables():
            one, table = result_tables()[name]
            return self.states[one.name].frames[one.tables.index(table)]
        if name == FADE.name:
            return self.fresh[FADE]
        (table,) = (table for table in COMPACTED if table.name == name)
        parts = self.home.results.read_parts(self.work, table, [test["test_id"] for test in self.tests])
        return pl.concat([table.empty(), *parts.values()])

    def answer(self, table: Table) -> None:
        """Put what was answered about the lacking cells beside what is kept."""
        if not self.work.firm:
            return
        made = self.fresh.get(table, table.empty())
        if self.kept.frames:
            cell = pl.col("cell_id")
            same = cell.is_in(self.bucket.cells) & ~cell.is_in(self.lacking)
            stored = self.kept.frames[ANSWERS.index(table)].filter(same)
            made = pl.concat([stored, made]).sort("cell_id", maintain_order=True)
        self.answers[table] = made
        self.work.fade = self.answers[FADE]

    def write(self) -> Made:
        """Write all tables that have rows."""
        work, bucket = self.work, self.bucket
        results = {
            table: frame
            for one in computations()
            if one.name in self.states
            for table, frame in zip(one.tables, self.states[one.name].frames, strict=True)
        }
        made_of = work.made_of(bucket)
        name = name_made([bucket.name, made_of, sorted(work.failed)])
        label = Label(work.firm, name, made_of, bucket.name)
        marts, tests = self._compact(label)
        tables = {**results, **self.answers}
        files = [
            keep_made(self.home, table, frame, label, work.shelf.find_file(table, bucket.name))
            for table, frame in tables.items()
            if frame.height
        ]
        return Made(bucket.name, made_of, self._join_keys(), tests, (*marts, *files), work.counts, work.failed)

    def _compact(self, label: Label) -> tuple[list[Row], tuple[str, ...]]:
        """Write steps and cycles of all tests, unless few lie beside the marts; returns these and the tests in them."""
        tests = [test["test_id"] for test in self.work.tests_of(self.bucket)]
        stored = [self.work.shelf.find_file(table, self.bucket.name) for table in COMPACTED]
        marts = [row for row in stored if row is not None]
        held = self._find_held(marts, tests)
        if len(marts) == len(COMPACTED) and (len(tests) - len(held)) * LOOSE_PART <= len(tests):
            return [{**row, "made_of": label.made_of} for row in marts], held
        parts = {table: self.home.results.read_parts(self.work, table, tests).values() for table in COMPACTED}
        frames = {table: pl.concat([table.empty(), *rows]) for table, rows in parts.items()}
        return [write_made(self.home, table, rows, label) for table, rows in frames.items() if rows.height], tuple(
            tests
        )

    def _find_held(self, marts: Sequence[Row], tests: Sequence[str]) -> tuple[str, ...]:
        """Return the tests whose rows all lie in some marts; none if these hold rows of others too."""
        files = self.home.results.list_files(self.work, tests)
        paths = {row["path"] for row in marts}
        parts = {test: [row for table in COMPACTED for row in files[test].get(table.name, [])] for test in tests}
        held = tuple(test for test in tests if all(row["mart"] in paths for row in parts[test]))
        rows = sum(row["rows"] for test in held for row in parts[test])
        return held if rows == sum(row["rows"] for row in marts) else ()

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


def _group_by_recipe(home: Home, drafts: Sequence[_Draft]) -> Iterable[list[_Draft]]:
    """Return the buckets with something to ask about, by the recipe of their firms: a question takes its values."""
    groups: dict[str, list[_Draft]] = {}
    for draft in drafts:
        # Unassigned tests have no firm that could ask.
        if draft.work.firm and draft.lacking:
            groups.setdefault(home.recipe_of(draft.work.firm).sha256, []).append(draft)
    return groups.values()


def _ask(home: Home, table: Table, drafts: Sequence[_Draft]) -> None:
    """Ask a question about the lacking cells of some buckets, and give each its own rows of the answer."""
    cells = [draft.work.ground.cells.get(cell) for draft in drafts for cell in draft.lacking]
    rows = {
        TEST.name: _frame(TEST, [test for draft in drafts for test in draft.tests]),
        CELL.name: _frame(CELL, [cell for cell in cells if cell is not None]),
    }
    for name in questions()[table.name].reads:
        if name not in rows:
            rows[name] = pl.concat([draft.read(name) for draft in drafts])
    answer = home.asker.answer_rows(table.name, home.recipe_of(drafts[0].work.firm), rows)
    for draft in drafts:
        mine = pl.col("firm") == draft.work.firm, pl.col("cell_id").is_in(draft.lacking)
        draft.fresh[table] = answer.filter(*mine)


def _frame(table: Table, rows: Iterable[Row]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row[name] for name in table.names) for row in rows], schema=table.dtypes, orient="row")

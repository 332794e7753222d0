"""Results that SQL cannot make: computed for each test, cell or firm, once for what it is made of.

The night makes all that a question about a firm may need, bucket by bucket (:mod:`warehouse.buckets`), and writes down
for every test and cell a hash over all that the rows about it were made of: the test's revision, what the manifest says
of its cell, the recipe, and the versions of the computations. What has another hash is computed, the other rows of its
bucket are kept, other buckets are not touched. A question that comes earlier computes the same for itself and keeps it
in memory. So an answer is never of yesterday's data, and what did not change costs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from warehouse import buckets
from warehouse.buckets import Bucket
from warehouse.ground import Ground, read_ground, read_tables
from warehouse.marts import list_whole, read_generation, read_generations
from warehouse.metrics.computation import Computation
from warehouse.metrics.inputs import CellInputs, FirmInputs, TestInputs
from warehouse.parts import list_parts, read_files
from warehouse.recipe import Recipe, hash_values
from warehouse.registry import Row
from warehouse.rows import Rows
from warehouse.schema import (
    ANSWERS,
    CYCLES,
    FADE,
    MEASUREMENTS,
    SPECTRA,
    STEPS,
    SUMMARY,
    Table,
    conform_columns,
    fill_columns,
    find_answer,
)
from warehouse.shelf import Shelf, State, find_current, read_shelf

if TYPE_CHECKING:
    import sqlalchemy as sa

    from warehouse.home import Home

log: Final = logging.getLogger("cellar.results")

# Packages below warehouse that name their computations, in the order in which these build on each other.
PACKAGES: Final = (
    "loads",
    "impedance",
    "diffusion",
    "storage",
    "life",
    "replicates",
    "wafers",
    "requirements",
    "cohort",
    "alerts",
)
SCOPE_COLUMN: Final = {"test": "test_id", "cell": "cell_id", "firm": "firm"}
# What a computation may end in when a test's rows are of a kind that nobody thought of; it costs that test its rows.
UNFORESEEN: Final = (ArithmeticError, ValueError, LookupError, pl.exceptions.PolarsError)
# Relations that a computation gets only when it says that it reads them: they are large.
LARGE: Final = (STEPS.name, FADE.name, SUMMARY.name)

# A night brings so many firms up to date together, more or less.
GROUNDS_KEPT: Final = 8

Group = tuple[Computation, ...]
Frames = tuple[pl.DataFrame, ...]
# Why there are no rows, by computation and the test, cell or firm that they would be about.
Failed = dict[tuple[str, str], str]


@cache
def computations() -> tuple[Computation, ...]:
    """Return every computation, each behind those that it reads."""
    return tuple(one for package in PACKAGES for one in import_module(f"warehouse.{package}").COMPUTATIONS)


@cache
def result_tables() -> dict[str, tuple[Computation, Table]]:
    """Return every result table with the computation that makes it, by name."""
    return {table.name: (one, table) for one in computations() for table in one.tables}


@cache
def hash_answers() -> str:
    """Return a hash of the SQL of the answers that are stored, but for its comments: other SQL may give other rows."""
    texts = [(resources.files("warehouse") / "queries" / f"{table.name}.sql").read_text("utf-8") for table in ANSWERS]
    return hash_values([[line for line in text.splitlines() if not line.startswith("--")] for text in texts])


@dataclass
class Count:
    """How many tests, cells or firms a computation was made for, and of how many its rows were kept."""

    computed: int = 0
    kept: int = 0


@dataclass
class Work:
    """What is known, and has been made so far, while a firm's results are brought up to date.

    Args:
        ground: what the registry says of the firm.
        shelf: what the last night made of it.
        base: what all its results are made of: the recipe and the computations.
        counts: what was computed so far, by computation.
        failed: what could not be computed.
        fade: the answer to the question ``fade`` of all cells that are worked on, where it is known.
        files: the files of tests, by test and table; listed once.
        parts: rows of tests that were read, by table and test; several computations ask for the same.
    """

    ground: Ground
    shelf: Shelf
    base: str
    counts: dict[str, Count] = field(default_factory=dict)
    failed: Failed = field(default_factory=dict)
    fade: pl.DataFrame | None = None
    files: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    parts: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)

    @property
    def firm(self) -> str:
        """Code of the firm."""
        return self.ground.firm

    def tests_of(self, bucket: Bucket) -> list[Row]:
        """Return the tests of a bucket, cell by cell."""
        return [test for cell in bucket.cells for test in self.ground.tests_of[cell]]

    def keys_of(self, bucket: Bucket, scope: str, cells: Collection[str] | None = None) -> dict[str, str]:
        """Return what the rows about each test or cell of a bucket are made of now; of all its cells, or of some."""
        chosen = [cell for cell in bucket.cells if cells is None or cell in cells]
        if scope == "cell":
            return {cell: hash_values([self.base, self.ground.cell_hashes[cell]]) for cell in chosen}
        tests = [test["test_id"] for cell in chosen for test in self.ground.tests_of[cell]]
        return {test: hash_values([self.base, self.ground.test_hashes[test]]) for test in tests}

    def made_of(self, bucket: Bucket) -> str:
        """Return a hash of all that a bucket's files are made of."""
        return hash_values([self.base, [self.ground.cell_hashes[cell] for cell in bucket.cells]])

    def is_stale(self, bucket: Bucket) -> bool:
        """Say whether a bucket's files are missing, or were made of something else."""
        row = self.shelf.buckets.get(bucket.name)
        return row is None or row["made_of"] != self.made_of(bucket)


@dataclass
class Whole:
    """What was read of a whole firm so far: several computations ask for the same.

    Args:
        ground: what the registry says of the firm.
        tables: more of that, by their names in :class:`FirmInputs`.
        shelf: what the last night made of it; None unless all of that is of its data now.
        frames: answers and result tables, by name.
        shared: what its computations made for each other.
    """

    ground: Ground
    tables: Mapping[str, pl.DataFrame]
    shelf: Shelf | None
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)


class Results:
    """The results of a home.

    Args:
        home: the platform.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._states: dict[tuple[str, str, str], State] = {}
        self._grounds: dict[str, tuple[str, Ground]] = {}

    def find(self, table: str, firm: str, cells: Collection[str] | None = None) -> list[Path] | pl.DataFrame:
        """Return a result table of one firm, up to date: the stored files where these are current, else a frame.

        Args:
            table: name of the table.
            firm: code of the firm; ``""`` for tests without an owner.
            cells: only what is about these cells has to be up to date, and there; all by default. A test without a
                cell stands for a cell of its own name.
        """
        computation, declared = result_tables()[table]
        if computation.scope == "firm":
            return self._find_of_firm(computation, declared, firm)
        current = find_current(self._home.registry, firm, table, self.name_moment(firm), cells)
        if current is not None:
            return [self._home.store.path_of(path) for path in current]
        shelf = read_shelf(self._home.registry, firm, [one.name for one in computation.tables])
        work = Work(self.read_ground(firm), shelf, self._base(firm))
        place = computation.tables.index(declared)
        touched = [one for one in work.ground.buckets if cells is None or any(cell in cells for cell in one.cells)]
        made = [self.bring_up(work, bucket, (computation,), cells) for bucket in touched]
        return pl.concat([declared.empty(), *(states[computation.name].frames[place] for states in made)])

    def read(self, table: str, firm: str, cells: Collection[str] | None = None) -> pl.DataFrame:
        """Return the rows of a result table of one firm, up to date; see :meth:`find`."""
        found = self.find(table, firm, cells)
        if isinstance(found, pl.DataFrame):
            return found
        return pl.read_parquet(found) if found else result_tables()[table][1].empty()

    def read_firms(self, table: str, firms: Sequence[str]) -> pl.DataFrame:
        """Return the rows of a result table about whole firms, up to date, firm by firm in the order of their codes.

        Files are read together, which takes a fifth of the time that they take one by one.
        """
        with self._home.registry.snapshot() as now:
            moments = self.name_moments(firms, now)
            listed = list_whole(self._home.registry, None, [table], now)
        stored = {row["firm"]: row["path"] for row in listed if row["made_of"] == moments.get(row["firm"])}
        paths = [self._home.store.path_of(stored[firm]) for firm in firms if firm in stored]
        frames = [pl.read_parquet(paths)] if paths else []
        frames += [self.read(table, firm) for firm in firms if firm not in stored]
        return pl.concat([result_tables()[table][1].empty(), *frames]).sort(SCOPE_COLUMN["firm"], maintain_order=True)

    def name_moments(self, firms: Iterable[str], now: sa.Connection) -> dict[str, str]:
        """Return what the results of some firms are of at a moment; see :meth:`name_moment`."""
        numbers = read_generations(now)
        return {firm: self._hash_moment(firm, numbers.get(firm, 0)) for firm in firms}

    def name_moment(self, firm: str) -> str:
        """Return what a firm's results are of now; it changes whenever its data, manifests or recipe do."""
        with self._home.registry.snapshot() as now:
            return self._name_moment(firm, now)

    def read_ground(self, firm: str) -> Ground:
        """Return what the registry says of a firm now."""
        with self._home.registry.snapshot() as now:
            return self._read_ground(firm, now)

    def begin(self, firm: str, tables: Collection[str] | None = None) -> Work:
        """Return what there is to bring results of a firm up to date from: some tables, or all."""
        return Work(self.read_ground(firm), read_shelf(self._home.registry, firm, tables), self._base(firm))

    def find_kept(self, firm: str, answer: Table) -> tuple[pl.DataFrame, list[str]]:
        """Return what is stored of an answer and still of a firm's data, and the cells that it lacks.

        Between two nights tests go on; they make their own buckets outdated and no other.

        Args:
            firm: code of the firm.
            answer: the answer.
        """
        shelf = read_shelf(self._home.registry, firm, [answer.name])
        work = Work(self.read_ground(firm), shelf, self._base(firm))
        stale = [one for one in work.ground.buckets if work.is_stale(one)]
        kept = [one for one in work.ground.buckets if one not in stale]
        lacking = [cell for one in stale for cell in one.cells]
        whole = list_whole(self._home.registry, firm, [answer.name])
        # One file of the whole firm is read faster than those of its buckets, if it is of the same night.
        if not whole or any(shelf.buckets[one.name]["moment"] != whole[0]["made_of"] for one in kept):
            return shelf.read(self._home.store, answer, {one.name for one in kept}), lacking
        cells = [cell for one in kept for cell in one.cells]
        stored = pl.read_parquet(self._home.store.path_of(whole[0]["path"]))
        return stored.filter(pl.col("cell_id").is_in(cells)), lacking

    def bring_up(
        self,
        work: Work,
        bucket: Bucket,
        group: Group,
        cells: Collection[str] | None = None,
    ) -> dict[str, State]:
        """Compute what is missing or outdated of a bucket, and keep the rest; returns the rows by computation.

        Args:
            work: what is known of the firm.
            bucket: the cells.
            group: computations that do not build on each other.
            cells: only these have to be up to date; all of the bucket's by default.
        """
        plans = {one.name: self._plan(work, bucket, one, cells) for one in group}
        jobs: dict[str, list[str]] = {}
        for one in group:
            for scope in plans[one.name].wanted:
                jobs.setdefault(scope, []).append(one.name)
        made = self._compute(work, bucket, jobs) if jobs else []
        for one in group:
            plan = plans[one.name]
            count = work.counts.setdefault(one.name, Count())
            count.computed += len(plan.wanted)
            count.kept += len(plan.current)
            if plan.wanted or plan.current != plan.state.keys.keys():
                state = _assemble(one, plan, made, work.failed)
                self._states[work.firm, bucket.name, one.name] = state
        return {
            one.name: self._states.get((work.firm, bucket.name, one.name)) or plans[one.name].state for one in group
        }

    def begin_whole(self, firm: str) -> Whole:
        """Return what there is to compute what is about a whole firm from."""
        moment, shelf = self.name_moment(firm), read_shelf(self._home.registry, firm)
        current = shelf if shelf.is_of(moment) else None
        with self._home.registry.snapshot() as now:
            return Whole(self._read_ground(firm, now), read_tables(self._home.registry, firm, now), current)

    def compute_firm(self, computation: Computation, whole: Whole) -> tuple[Frames, str | None]:
        """Compute what is about a whole firm; returns the rows, and why there are none if it failed."""
        firm = whole.ground.firm
        frames, why = self._run(computation, firm, self._gather_firm(whole, computation), self._home.recipe_of(firm))
        # Those behind it may read them before they are stored.
        whole.frames.update(zip((table.name for table in computation.tables), frames, strict=True))
        return frames, why

    def forget(self, firm: str) -> None:
        """Forget what was computed for a firm before its night."""
        self._states = {key: state for key, state in self._states.items() if key[0] != firm}

    def _find_of_firm(self, computation: Computation, table: Table, firm: str) -> list[Path] | pl.DataFrame:
        stored = list_whole(self._home.registry, firm, [table.name])
        moment = self.name_moment(firm)
        if stored and stored[0]["made_of"] == moment:
            return [self._home.store.path_of(stored[0]["path"])]
        kept = self._states.get((firm, "", computation.name))
        if kept is None or kept.keys.get(firm) != moment:
            frames, why = self.compute_firm(computation, self.begin_whole(firm))
            kept = State({} if why else {firm: moment}, frames)
            self._states[firm, "", computation.name] = kept
        return kept.frames[computation.tables.index(table)]

    def _name_moment(self, firm: str, now: sa.Connection) -> str:
        return self._hash_moment(firm, read_generation(now, firm))

    def _hash_moment(self, firm: str, generation: int) -> str:
        return hash_values([self._base(firm), buckets.MOST_CELLS, generation])

    def _read_ground(self, firm: str, now: sa.Connection) -> Ground:
        moment = self._name_moment(firm, now)
        known = self._grounds.get(firm)
        if known is None or known[0] != moment:
            known = moment, read_ground(self._home.registry, firm, now)
            others = [one for one in self._grounds.items() if one[0] != firm]
            # Another dictionary, not a changed one: several threads ask.
            self._grounds = {**dict(others[1 - GROUNDS_KEPT :]), firm: known}
        return known[1]

    def _base(self, firm: str) -> str:
        recipe = self._home.recipe_of(firm)
        return hash_values([recipe.sha256, [(one.name, one.version) for one in computations()], hash_answers()])

    def _plan(self, work: Work, bucket: Bucket, computation: Computation, cells: Collection[str] | None) -> _Plan:
        keys = work.keys_of(bucket, computation.scope)
        state = self._states.get((work.firm, bucket.name, computation.name))
        state = state or work.shelf.load(self._home.store, bucket.name, computation.scope, computation.tables)
        current = frozenset(scope for scope, key in keys.items() if state.keys.get(scope) == key)
        asked = keys if cells is None else work.keys_of(bucket, computation.scope, cells)
        return _Plan(keys, state, current, tuple(scope for scope in asked if scope not in current))

    def _compute(self, work: Work, bucket: Bucket, jobs: Mapping[str, Sequence[str]]) -> list[tuple[str, Frames]]:
        made = []
        recipe = self._home.recipe_of(work.firm)
        for scope, inputs in self._gather(work, bucket, jobs):
            for one in map(_named, jobs[scope]):
                frames, why = self._run(one, scope, inputs, recipe)
                if why is not None:
                    work.failed[one.name, scope] = why
                    continue
                made.append((one.name, frames))
                if isinstance(inputs, TestInputs):
                    inputs.results.update(zip((table.name for table in one.tables), frames, strict=True))
        return made

    def _run(
        self, one: Computation, scope: str, inputs: TestInputs | CellInputs | FirmInputs, recipe: Recipe
    ) -> tuple[Frames, str | None]:
        try:
            frames = one.compute(inputs, getattr(recipe, one.takes))
        except UNFORESEEN as error:
            log.exception("%s of %s %s cannot be computed", one.name, one.scope, scope)
            return tuple(table.empty() for table in one.tables), f"{type(error).__name__}: {error}"
        return tuple(map(_shape, frames, one.tables, [recipe] * len(frames))), None

    def _gather(
        self, work: Work, bucket: Bucket, jobs: Mapping[str, Sequence[str]]
    ) -> Iterator[tuple[str, TestInputs | CellInputs]]:
        group = [_named(name) for name in dict.fromkeys(name for names in jobs.values() for name in names)]
        if group[0].scope == "test":
            yield from self._gather_tests(work, bucket, jobs)
        else:
            yield from self._gather_cells(work, bucket, {name for one in group for name in one.reads}, jobs)

    def _gather_tests(self, work: Work, bucket: Bucket, wanted: Collection[str]) -> Iterator[tuple[str, TestInputs]]:
        tests = [test for test in work.tests_of(bucket) if test["test_id"] in wanted]
        names = [test["test_id"] for test in tests]
        files = self.list_files(work, names)
        steps, cycles = (self.read_parts(work, table, names) for table in (STEPS, CYCLES))
        for test in tests:
            name, mine = test["test_id"], files[test["test_id"]]
            cell, channel = work.ground.cell_of(test), work.ground.channel_of(test)
            rows = Rows(partial(self._read_part, mine, MEASUREMENTS))
            spectra = partial(self._read_part, mine, SPECTRA)
            yield name, TestInputs(test, cell, channel, steps[name], cycles[name], rows, spectra)

    def read_parts(self, work: Work, table: Table, tests: Sequence[str]) -> dict[str, pl.DataFrame]:
        """Return the rows of one table of some tests, by test, each of them read once."""
        missing = [test for test in tests if (table.name, test) not in work.parts]
        files = self.list_files(work, tests)
        compacted: dict[str, list[str]] = {}
        for test in missing:
            marts = {row["mart"] for row in files[test].get(table.name, [])}
            if len(marts) == 1 and (path := marts.pop()) is not None:
                compacted.setdefault(path, []).append(test)
            else:
                work.parts[table.name, test] = self._read_part(files[test], table)
        # A group's tests lie in one file since the last night, but for those that changed.
        for path, held in compacted.items():
            rows = pl.read_parquet(self._home.store.path_of(path), columns=list(table.names))
            divided = rows.filter(pl.col("test_id").is_in(held)).partition_by("test_id", as_dict=True)
            work.parts |= {(table.name, test): divided[test,] for test in held}
        return {test: work.parts[table.name, test] for test in tests}

    def list_files(self, work: Work, tests: Collection[str]) -> Mapping[str, dict[str, list[Row]]]:
        """Return the files of some tests, by test and table, listed once."""
        missing = [test for test in tests if test not in work.files]
        found = list_parts(self._home, missing) if missing else {}
        work.files |= {test: found.get(test, {}) for test in missing}
        return work.files

    def _read_part(
        self, files: Mapping[str, list[Row]], table: Table, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        return read_files(self._home, files.get(table.name, []), table, columns=columns)

    def _gather_cells(
        self, work: Work, bucket: Bucket, reads: Collection[str], wanted: Collection[str]
    ) -> Iterator[tuple[str, CellInputs]]:
        results = {
            name: _divide(self._frame(work, bucket, name, wanted)) for name in sorted(reads) if name not in LARGE
        }
        fade = work.fade
        if fade is None and FADE.name in reads:
            fade = self._home.asker.answer_cells(FADE.name, work.firm, wanted)
        fades = _divide(fade) if fade is not None else {}
        for scope in wanted:
            mine = work.ground.tests_of[scope]
            asked = [test["test_id"] for test in mine] if STEPS.name in reads else []
            yield (
                scope,
                CellInputs(
                    work.firm or None,
                    scope,
                    work.ground.cell_of(mine[0]),
                    mine,
                    pl.concat([STEPS.empty(), *self.read_parts(work, STEPS, asked).values()]),
                    fades.get(scope, FADE.empty()),
                    {name: frames.get(scope, _empty(name)) for name, frames in results.items()},
                ),
            )

    def _frame(self, work: Work, bucket: Bucket, name: str, cells: Collection[str]) -> pl.DataFrame:
        """Return a bucket's rows of a result table with the names of cells beside those of tests."""
        computation, table = result_tables()[name]
        shelf = work.shelf if work.shelf.holds(name) else read_shelf(self._home.registry, work.firm, [name])
        states = self.bring_up(Work(work.ground, shelf, work.base), bucket, (computation,), cells)
        frame = states[computation.name].frames[computation.tables.index(table)]
        return _name_cells(frame, work.ground) if computation.scope == "test" else frame

    def _gather_firm(self, whole: Whole, computation: Computation) -> FirmInputs:
        ground, known = whole.ground, whole.frames
        reads = [name for name in computation.reads if name not in LARGE]
        for name in {*reads, SUMMARY.name, FADE.name} - known.keys():
            known[name] = self._read_of_all(name, whole)
        results = {name: known[name] for name in reads}
        summary, fade = known[SUMMARY.name], known[FADE.name]
        return FirmInputs(
            firm=ground.firm, summary=summary, fade=fade, results=results, shared=whole.shared, **whole.tables
        )

    def _read_of_all(self, name: str, whole: Whole) -> pl.DataFrame:
        ground, shelf = whole.ground, whole.shelf
        if name not in result_tables():
            if shelf is None:
                return self._home.asker.answer(name, firm=ground.firm)
            return shelf.read(self._home.store, find_answer(name)).sort("cell_id", maintain_order=True)
        computation, table = result_tables()[name]
        if shelf is None or computation.scope == "firm":
            frame = self.read(name, ground.firm)
        else:
            frame = shelf.read(self._home.store, table, columns=_list_columns(computation, table))
        return _name_cells(frame, ground) if computation.scope == "test" else frame


@dataclass(frozen=True)
class _Plan:
    """What is there of a computation for a bucket, which of it is current, and what is to be computed."""

    keys: Mapping[str, str]
    state: State
    current: frozenset[str]
    wanted: tuple[str, ...]


def group_computations(scope: str) -> Iterator[Group]:
    """Divide the computations of a scope into groups, none of which reads what another in its group makes."""
    group: list[Computation] = []
    for one in computations():
        if one.scope != scope:
            continue
        made = {table.name for each in group for table in each.tables}
        if made & set(one.reads):
            yield tuple(group)
            group = []
        group.append(one)
    if group:
        yield tuple(group)


def _list_columns(computation: Computation, table: Table) -> list[str] | None:
    """Return the columns of a table that what is about a whole firm is made of; None where that takes all of them."""
    readers = [one for one in computations() if one.scope == "firm" and table.name in one.reads]
    if not all(table.name in one.columns for one in readers):
        return None
    taken = {SCOPE_COLUMN[computation.scope]}.union(*(one.columns[table.name] for one in readers))
    return [name for name in table.names if name in taken]


def _named(name: str) -> Computation:
    return next(one for one in computations() if one.name == name)


def _assemble(computation: Computation, plan: _Plan, made: Iterable[tuple[str, Frames]], failed: Failed) -> State:
    """Put what was computed beside what was kept."""
    mine = [frames for name, frames in made if name == computation.name]
    frames = tuple(
        _join(_keep(plan, number, table, computation), [each[number] for each in mine], computation)
        for number, table in enumerate(computation.tables)
    )
    done = {*plan.current, *plan.wanted} - {scope for name, scope in failed if name == computation.name}
    return State({scope: key for scope, key in plan.keys.items() if scope in done}, frames)


def _keep(plan: _Plan, number: int, table: Table, computation: Computation) -> pl.DataFrame:
    """Return the stored rows that are still current."""
    if not plan.state.frames or not plan.current:
        return table.empty()
    stored = plan.state.frames[number]
    if plan.current == plan.state.keys.keys():
        return stored
    return stored.filter(pl.col(SCOPE_COLUMN[computation.scope]).is_in(sorted(plan.current)))


def _join(kept: pl.DataFrame, made: Iterable[pl.DataFrame], computation: Computation) -> pl.DataFrame:
    """Return rows in the order of what they are about; those of one test or cell are in order."""
    made = [frame for frame in made if frame.height]
    return pl.concat([kept, *made]).sort(SCOPE_COLUMN[computation.scope], maintain_order=True) if made else kept


def _shape(frame: pl.DataFrame, table: Table, recipe: Recipe) -> pl.DataFrame:
    """Return rows with every declared column, stamped with the recipe."""
    if not frame.height:
        return table.empty()
    if "recipe" in table.dtypes:
        frame = frame.with_columns(recipe=pl.lit(recipe.label))
    return conform_columns(fill_columns(frame, table), table, table.name)


def _name_cells(frame: pl.DataFrame, ground: Ground) -> pl.DataFrame:
    cells = {test["test_id"]: test["cell_id"] or test["test_id"] for test in ground.tests}
    return frame.with_columns(cell_id=pl.col("test_id").replace_strict(cells, default=None, return_dtype=pl.String))


def _empty(name: str) -> pl.DataFrame:
    computation, table = result_tables()[name]
    empty = table.empty()
    return empty.with_columns(cell_id=pl.lit(None, dtype=pl.String)) if computation.scope == "test" else empty


def _divide(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Divide rows by their cell."""
    return {str(key[0]): rows for key, rows in frame.partition_by("cell_id", as_dict=True).items()}

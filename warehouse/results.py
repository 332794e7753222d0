"""Results that SQL cannot make: computed for each test, cell or firm, once for what it is made of.

A firm has one Parquet file per result table. Its metadata holds, for every test or cell, a hash over all that the rows
about it were made of: the test's revision, what the manifest says of its cell, the recipe, and the versions of the
computations. The night computes what has another hash now and keeps the other rows; a question that comes earlier
computes the same for itself and keeps it in memory. So an answer is never of yesterday's data, and what did not change
costs nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
import sqlalchemy as sa

from warehouse.conform import hash_data
from warehouse.ground import Ground, hash_keys, read_ground
from warehouse.marts import Compaction, list_stored, mart_row, read_generation
from warehouse.metrics.computation import Computation
from warehouse.metrics.inputs import CellInputs, FirmInputs, TestInputs
from warehouse.parts import read_files, read_stored
from warehouse.recipe import Recipe, hash_values
from warehouse.registry import STORED_FILE, Row
from warehouse.schema import (
    CYCLES,
    FADE,
    MEASUREMENTS,
    SPECTRA,
    STEPS,
    SUMMARY,
    Table,
    conform_columns,
    fill_columns,
)

if TYPE_CHECKING:
    from warehouse.crew import Crew
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
KEYS: Final = "cellar.keys"
NAME_DIGITS: Final = 16
# What a computation may end in when a test's rows are of a kind that nobody thought of; it costs that test its rows.
UNFORESEEN: Final = (ArithmeticError, ValueError, LookupError, pl.exceptions.PolarsError)
# Relations that a computation gets only when it says that it reads them: they are large.
LARGE: Final = (STEPS.name, FADE.name, SUMMARY.name)


Group = tuple[Computation, ...]
# Of each test, cell or firm the names of the computations that it needs.
Jobs = Mapping[str, Sequence[str]]
# Frames by the computation that made them; why there are none, by computation and scope.
Made = list[tuple[str, tuple[pl.DataFrame, ...]]]
Failed = dict[tuple[str, str], str]


@cache
def computations() -> tuple[Computation, ...]:
    """Return every computation, each behind those that it reads."""
    return tuple(one for package in PACKAGES for one in import_module(f"warehouse.{package}").COMPUTATIONS)


@cache
def result_tables() -> dict[str, tuple[Computation, Table]]:
    """Return every result table with the computation that makes it, by name."""
    return {table.name: (one, table) for one in computations() for table in one.tables}


@dataclass
class State:
    """The rows of a computation's tables for one firm, and what those about each scope were made of."""

    keys: dict[str, str] = field(default_factory=dict)
    frames: tuple[pl.DataFrame, ...] = ()


@dataclass(frozen=True)
class Refreshed:
    """What was computed for one firm: how many scopes anew, how many kept, which failed and why."""

    state: State
    computed: int
    kept: int
    failed: Mapping[str, str]


class Results:
    """The results of a home.

    Args:
        home: the platform.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._states: dict[tuple[str, str], State] = {}

    def find(self, table: str, firm: str, scopes: Collection[str] | None = None) -> Path | pl.DataFrame:
        """Return a result table of one firm, up to date.

        Args:
            table: name of the table.
            firm: code of the firm; ``""`` for tests without an owner.
            scopes: only these tests, or cells, have to be up to date; all by default.

        Returns:
            The stored file where that is current, else a frame.
        """
        computation, declared = result_tables()[table]
        stored = self._list(firm, declared)
        if stored is not None and stored["made_of"] == self.name_moment(firm):
            return self._home.store.path_of(stored["path"])
        refreshed = self._refresh(firm, (computation,), scopes)[computation.name]
        self._states[firm, computation.name] = refreshed.state
        return refreshed.state.frames[computation.tables.index(declared)]

    def compute(self, firm: str, jobs: Jobs) -> tuple[Made, Failed]:
        """Compute for each test, cell or firm the computations that it needs; see :class:`warehouse.crew.Crew`."""
        scope = _named(next(iter(jobs.values()))[0]).scope
        return self._compute(self._read_ground(firm, scope), jobs)

    def store(self, firm: str, scopes: Collection[str], crew: Crew | None = None) -> Iterator[Compaction]:
        """Bring all results of some kinds of scope of a firm up to date on the disk; yields what was done.

        Args:
            firm: code of the firm; ``""`` for tests without an owner.
            scopes: of ``test``, ``cell`` and ``firm``.
            crew: processes that share the work; none by default.
        """
        for group in _group(one for one in computations() if one.scope in scopes):
            if firm or group[0].scope != "firm":
                yield from self._store(firm, group, crew)

    def name_moment(self, firm: str) -> str:
        """Return what a firm's results are of now; it changes whenever its data, manifests or recipe do."""
        with self._home.registry.snapshot() as moment:
            return hash_values([self._base(firm), read_generation(moment, firm)])

    def _store(self, firm: str, group: Group, crew: Crew | None) -> Iterator[Compaction]:
        """Bring computations that do not build on each other up to date together: what they read is read once."""
        moment = self.name_moment(firm)
        stored = {one.name: [self._list(firm, table) for table in one.tables] for one in group}
        is_current = {name: all(row and row["made_of"] == moment for row in rows) for name, rows in stored.items()}
        outdated = tuple(one for one in group if not is_current[one.name])
        refreshed = self._refresh(firm, outdated, None, crew) if outdated else {}
        for one in group:
            rows = sum(row["rows"] for row in stored[one.name] if row is not None)
            if one.name not in refreshed:
                yield Compaction(firm, one.name, "skipped", "nothing changed", 0, rows)
            elif not refreshed[one.name].state.keys and not refreshed[one.name].failed and not rows:
                yield Compaction(firm, one.name, "skipped", f"no {one.scope}s", 0, 0)
            else:
                yield self._replace(firm, one, refreshed[one.name], moment)

    def _replace(self, firm: str, computation: Computation, done: Refreshed, moment: str) -> Compaction:
        """Write a computation's tables and list them in place of those before."""
        self._states.pop((firm, computation.name), None)
        # With a failed scope the file is of no moment: the next night tries again.
        made_of = None if done.failed else moment
        pairs = zip(computation.tables, done.state.frames, strict=True)
        files = [self._write(firm, table, frame, done.state.keys, made_of) for table, frame in pairs]
        with self._home.registry.write() as connection:
            names = [table.name for table in computation.tables]
            mine = STORED_FILE.c.firm == firm, STORED_FILE.c.table_name.in_(names), STORED_FILE.c.test_id.is_(None)
            connection.execute(sa.update(STORED_FILE).where(*mine).values(current=False))
            self._home.note_recipe(connection, firm)
            self._home.registry.put(connection, STORED_FILE, files)
        why = f"{done.computed} computed, {done.kept} kept" + (f", {len(done.failed)} failed" if done.failed else "")
        return Compaction(firm, computation.name, "made", why, done.computed, sum(row["rows"] for row in files))

    def _write(self, firm: str, table: Table, frame: pl.DataFrame, keys: Mapping[str, str], made_of: str | None) -> Row:
        name = hash_values([hash_keys(keys), hash_data(frame)])[:NAME_DIGITS]
        about = {KEYS: json.dumps(keys, sort_keys=True)}
        stored = self._home.store.write(frame, table, firm or None, f"{table.name}-{name}", about)
        return mart_row(stored, firm, made_of)

    def _list(self, firm: str, table: Table) -> Row | None:
        rows = list_stored(self._home.registry, firm, table.name)
        return rows[0] if rows else None

    def _read_ground(self, firm: str, scope: str) -> Ground:
        return read_ground(self._home.registry, firm, whole=scope == "firm")

    def _base(self, firm: str) -> str:
        recipe = self._home.recipe_of(firm)
        return hash_values([recipe.sha256, [(one.name, one.version) for one in computations()]])

    def _refresh(
        self, firm: str, group: Group, scopes: Collection[str] | None, crew: Crew | None = None
    ) -> dict[str, Refreshed]:
        """Compute what is missing or outdated, and keep the rest; by computation."""
        ground = self._read_ground(firm, group[0].scope)
        plans = {one.name: self._plan(ground, one, scopes) for one in group}
        jobs: dict[str, list[str]] = {}
        for one in group:
            for scope in plans[one.name].wanted:
                jobs.setdefault(scope, []).append(one.name)
        shared = crew is not None and group[0].scope != "firm" and crew.takes(len(jobs))
        made, failed = crew.compute(firm, jobs) if crew is not None and shared else self._compute(ground, jobs)
        return {one.name: _assemble(one, plans[one.name], made, failed) for one in group}

    def _plan(self, ground: Ground, computation: Computation, scopes: Collection[str] | None) -> _Plan:
        keys = ground.keys_of(computation, self._base(ground.firm))
        state = self._states.get((ground.firm, computation.name)) or self._load(ground.firm, computation)
        current = frozenset(scope for scope, key in keys.items() if state.keys.get(scope) == key)
        wanted = tuple(scope for scope in keys if scope not in current and (scopes is None or scope in scopes))
        return _Plan(keys, state, current, wanted)

    def _load(self, firm: str, computation: Computation) -> State:
        rows = [self._list(firm, table) for table in computation.tables]
        paths = [self._home.store.path_of(row["path"]) for row in rows if row is not None]
        if len(paths) < len(computation.tables):
            return State()
        keys = json.loads(pl.read_parquet_metadata(paths[0]).get(KEYS, "{}"))
        frames = tuple(pl.read_parquet(path) for path in paths)
        # A table that has other columns by now is made anew.
        same = all(frame.columns == list(table.names) for frame, table in zip(frames, computation.tables, strict=True))
        return State(keys, frames) if same else State()

    def _compute(self, ground: Ground, jobs: Jobs) -> tuple[Made, Failed]:
        made: Made = []
        failed: Failed = {}
        recipe = self._home.recipe_of(ground.firm)
        for scope, inputs in self._gather(ground, jobs):
            for one in map(_named, jobs[scope]):
                try:
                    frames = one.compute(inputs, getattr(recipe, one.takes))
                except UNFORESEEN as error:
                    log.exception("%s of %s %s cannot be computed", one.name, one.scope, scope)
                    failed[one.name, scope] = f"{type(error).__name__}: {error}"
                    continue
                shaped = tuple(map(_shape, frames, one.tables, [recipe] * len(frames)))
                made.append((one.name, shaped))
                if isinstance(inputs, TestInputs):
                    inputs.results.update(zip((table.name for table in one.tables), shaped, strict=True))
        return made, failed

    def _gather(self, ground: Ground, jobs: Jobs) -> Iterator[tuple[str, TestInputs | CellInputs | FirmInputs]]:
        if not jobs:
            return
        group = [_named(name) for name in dict.fromkeys(name for names in jobs.values() for name in names)]
        if group[0].scope == "test":
            files = self._list_files(ground.firm)
            tests = {test["test_id"]: test for test in ground.tests}
            for scope in jobs:
                yield scope, self._gather_test(ground, tests[scope], files.get(scope, {}))
        elif group[0].scope == "cell":
            yield from self._gather_cells(ground, {name for one in group for name in one.reads}, jobs)
        else:
            yield ground.firm, self._gather_firm(ground, group[0])

    def _list_files(self, firm: str) -> dict[str, dict[str, list[Row]]]:
        """Return the files of a firm's tests, by test and table."""
        mine = STORED_FILE.c.firm == firm, STORED_FILE.c.current, STORED_FILE.c.test_id.is_not(None)
        found: dict[str, dict[str, list[Row]]] = {}
        for row in self._home.registry.rows(sa.select(STORED_FILE).where(*mine).order_by(STORED_FILE.c.first_row)):
            found.setdefault(row["test_id"], {}).setdefault(row["table_name"], []).append(row)
        return found

    def _gather_test(self, ground: Ground, test: Row, files: Mapping[str, list[Row]]) -> TestInputs:
        def read(table: Table, columns: Sequence[str] | None = None) -> pl.DataFrame:
            return read_files(self._home, files.get(table.name, []), table, columns=columns)

        return TestInputs(
            test,
            ground.cell_of(test),
            ground.channel_of(test),
            read(STEPS),
            read(CYCLES),
            _Rows(partial(read, MEASUREMENTS)),
            partial(read, SPECTRA),
        )

    def _gather_cells(
        self, ground: Ground, reads: Collection[str], wanted: Collection[str]
    ) -> Iterator[tuple[str, CellInputs]]:
        results = {name: _divide(self._frame(name, ground.firm)) for name in sorted(reads) if name not in LARGE}
        fades = self._ask_fades(ground.firm, wanted) if FADE.name in reads else {}
        for scope in wanted:
            tests = ground.tests_of[scope]
            inputs = CellInputs(
                ground.firm or None,
                scope,
                ground.cell_of(tests[0]),
                tests,
                self._read_steps(tests) if STEPS.name in reads else STEPS.empty(),
                fades.get(scope, FADE.empty()),
                {name: frames.get(scope, self._empty(name)) for name, frames in results.items()},
            )
            yield scope, inputs

    def _gather_firm(self, ground: Ground, computation: Computation) -> FirmInputs:
        asked = {table.name: self._ask(table, ground.firm) for table in (SUMMARY, FADE)}
        results = {name: self._frame(name, ground.firm) for name in computation.reads if name not in LARGE}
        return FirmInputs(
            firm=ground.firm, summary=asked[SUMMARY.name], fade=asked[FADE.name], results=results, **ground.tables
        )

    def _ask_fades(self, firm: str, wanted: Collection[str]) -> dict[str, pl.DataFrame]:
        """Return the fade of each wanted cell; for one cell the others are not computed."""
        if len(wanted) == 1:
            (cell,) = wanted
            return {cell: self._home.asker.answer(FADE.name, firm=firm, cell=cell)}
        return _divide(self._ask(FADE, firm))

    def _ask(self, table: Table, firm: str) -> pl.DataFrame:
        return self._home.asker.answer(table.name, firm=firm)

    def _read_steps(self, tests: Collection[Row]) -> pl.DataFrame:
        return pl.concat([read_stored(self._home, test["test_id"], STEPS) for test in tests])

    def _frame(self, name: str, firm: str) -> pl.DataFrame:
        """Return a result table with the names of cells beside those of tests."""
        found = self.find(name, firm)
        frame = pl.read_parquet(found) if isinstance(found, Path) else found
        if result_tables()[name][0].scope != "test":
            return frame
        tests = read_ground(self._home.registry, firm).tests
        cells = {test["test_id"]: test["cell_id"] or test["test_id"] for test in tests}
        return frame.with_columns(cell_id=pl.col("test_id").replace_strict(cells, default=None, return_dtype=pl.String))

    def _empty(self, name: str) -> pl.DataFrame:
        computation, table = result_tables()[name]
        empty = table.empty()
        return empty.with_columns(cell_id=pl.lit(None, dtype=pl.String)) if computation.scope == "test" else empty


class _Rows:
    """Reads columns of a test's measurements, each of them once.

    Args:
        read: reads columns of the stored rows.
    """

    def __init__(self, read: Callable[[Sequence[str]], pl.DataFrame]) -> None:
        self._read = read
        self._known = pl.DataFrame()

    def __call__(self, columns: Sequence[str]) -> pl.DataFrame:
        missing = [name for name in columns if name not in self._known.columns]
        if missing:
            self._known = pl.concat([self._known, self._read(missing)], how="horizontal")
        return self._known.select(columns)


@dataclass(frozen=True)
class _Plan:
    """What is there of a computation for a firm, which of it is current, and what is to be computed."""

    keys: Mapping[str, str]
    state: State
    current: Collection[str]
    wanted: tuple[str, ...]


def _named(name: str) -> Computation:
    return next(one for one in computations() if one.name == name)


def _group(ordered: Iterable[Computation]) -> Iterator[Group]:
    """Divide computations into groups of one scope, none of which reads what another in its group makes."""
    group: list[Computation] = []
    for one in ordered:
        made = {table.name for each in group for table in each.tables}
        if group and (group[0].scope != one.scope or made & set(one.reads)):
            yield tuple(group)
            group = []
        group.append(one)
    if group:
        yield tuple(group)


def _assemble(computation: Computation, plan: _Plan, made: Made, failed: Failed) -> Refreshed:
    """Put what was computed beside what was kept."""
    column = SCOPE_COLUMN[computation.scope]
    mine = [frames for name, frames in made if name == computation.name]
    frames = tuple(
        pl.concat([_keep(plan.state, number, table, column, plan.current), *(each[number] for each in mine)]).sort(
            column, maintain_order=True
        )
        for number, table in enumerate(computation.tables)
    )
    errors = {scope: why for (name, scope), why in failed.items() if name == computation.name}
    done = {*plan.current, *plan.wanted} - errors.keys()
    fresh = {scope: key for scope, key in plan.keys.items() if scope in done}
    return Refreshed(State(fresh, frames), len(plan.wanted), len(plan.current), errors)


def _keep(state: State, number: int, table: Table, column: str, current: Collection[str]) -> pl.DataFrame:
    if not state.frames:
        return table.empty()
    return state.frames[number].filter(pl.col(column).is_in(list(current)))


def _shape(frame: pl.DataFrame, table: Table, recipe: Recipe) -> pl.DataFrame:
    """Return rows with every declared column, stamped with the recipe."""
    if "recipe" in table.dtypes:
        frame = frame.with_columns(recipe=pl.lit(recipe.label))
    return conform_columns(fill_columns(frame, table), table, table.name)


def _divide(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Divide rows by their cell."""
    return {str(key[0]): rows for key, rows in frame.partition_by("cell_id", as_dict=True).items()}

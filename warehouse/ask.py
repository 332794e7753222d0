"""Named questions in DuckDB: ``queries/<name>.sql``, one question a file.

A file's head says what it answers, which relations it reads, and its columns with their units::

    -- How do the cells' capacities fade?
    -- reads: cycles, test, cell
    -- formula: retention = capacity / reference capacity
    -- cycle | | Cycle of the cell, from 1
    -- charging_capacity_ah | Ah | Charge into the cell

A question sees only the files that the registry lists for the firm that asks: its walls are the list of paths.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
import sqlalchemy as sa

from warehouse import schema
from warehouse.errors import DamageError, UsageError
from warehouse.recipe import Recipe
from warehouse.registry import CELL, SQL_TABLES, STORED_FILE, TEST, Registry, Row
from warehouse.results import Results, result_tables
from warehouse.shelf import find_current, read_in_order
from warehouse.store import Store

PARQUET_TABLES: Final = {
    "measurements": schema.MEASUREMENTS,
    "spectra": schema.SPECTRA,
    "steps": schema.STEPS,
    "cycles": schema.CYCLES,
}
PER_TEST: Final = ("measurements", "spectra")
REGISTRY_TABLES: Final = {
    "cell": schema.CELL,
    "test": schema.TEST,
    "firm": schema.FIRM,
    "wafer_map": schema.WAFER,
    "process_split": schema.PROCESS_SPLIT,
    "layer": schema.LAYER,
    "cohort_release": schema.COHORT_RELEASE,
    "cohort_cell": schema.COHORT_CELL,
    "alert": schema.ALERT,
}
# What a question is narrowed by, whatever it reads.
ALWAYS_SEEN: Final = ("cell", "test", "firm")
# More cells are asked about together with all others, by as many threads as there are.
MOST_LACKING: Final = 1024
STORED_ANSWERS: Final = frozenset(table.name for table in schema.ANSWERS)
HEAD: Final = "-- "
# Lines of a head that say how its figures come about; docs/metrics.md is made of them.
NOTES: Final = ("formula", "condition", "source")
SAME_CELL: Final = (
    "SEMI JOIN test ON made.cell_id = coalesce(test.cell_id, test.test_id) AND made.firm IS NOT DISTINCT FROM test.firm"
)
PARAMETER: Final = re.compile(r"\$([a-z][a-z0-9_]*)")
# What DuckDB and Polars say of a file that is gone, or is no Parquet any more.
UNREADABLE: Final = (
    duckdb.IOException,
    duckdb.InvalidInputException,
    pl.exceptions.ComputeError,
    FileNotFoundError,
)


@dataclass(frozen=True)
class Question:
    """A named query: what it answers and reads, its columns as (name, unit, description), its notes as (kind, text)."""

    name: str
    asks: str
    reads: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]
    sql: str
    notes: tuple[tuple[str, str], ...] = ()


@cache
def questions() -> dict[str, Question]:
    """Return every named question, in alphabetical order."""
    files = sorted((resources.files("warehouse") / "queries").iterdir(), key=lambda file: file.name)
    parsed = [_parse_question(file.name[:-4], file.read_text("utf-8")) for file in files if file.name.endswith(".sql")]
    return {question.name: question for question in parsed}


def _parse_question(name: str, text: str) -> Question:
    lines = text.splitlines()
    head = [line[len(HEAD) :] for line in lines if line.startswith(HEAD)]
    reads = tuple(part.strip() for part in head[1].removeprefix("reads:").split(","))
    notes = tuple((kind, rest) for kind, _, rest in (line.partition(": ") for line in head[2:]) if kind in NOTES)
    columns = tuple(_parse_column(line) for line in head[2:] if "|" in line and line.partition(": ")[0] not in NOTES)
    return Question(name, head[0], reads, columns, text, notes)


def _parse_column(line: str) -> tuple[str, str, str]:
    name, unit, description = (part.strip() for part in line.split("|", 2))
    return name, unit, description


class Asker:
    """Answers named questions about a registry and its store.

    Args:
        registry: says which files exist and whose they are.
        store: where they are.
        results: what SQL cannot make.
        recipe_of: returns a firm's recipe, whose values questions take as parameters.
    """

    def __init__(
        self, registry: Registry, store: Store, results: Results, recipe_of: Callable[[str | None], Recipe]
    ) -> None:
        self._registry = registry
        self._store = store
        self._results = results
        self._recipe_of = recipe_of
        # As many threads as Polars: a crew has a process for each core.
        self._database = duckdb.connect(":memory:", config={"threads": pl.thread_pool_size()})
        self._lock = threading.Lock()

    @cached_property
    def _alone(self) -> duckdb.DuckDBPyConnection:
        # What is stored must not depend on how many threads there were: each would add up a part, and sums round.
        return duckdb.connect(":memory:", config={"threads": 1})

    def answer(
        self, name: str, *, firm: str | None = None, cell: str | None = None, test: str | None = None
    ) -> pl.DataFrame:
        """Answer one question; see :meth:`warehouse.home.Home.query`.

        Raises:
            UsageError: there is no such question, or the firm has no such cell or test.
            DamageError: a stored file is missing or cannot be read.
        """
        if name not in questions():
            raise UsageError(f"there is no query {name!r}; 'cellar query --list' shows them: {', '.join(questions())}")
        with suppress(*UNREADABLE):
            return self._answer_now(questions()[name], firm, cell, test)
        # A night may have removed a file after we looked at the registry, which lists its successor by now.
        try:
            return self._answer_now(questions()[name], firm, cell, test)
        except UNREADABLE as error:
            raise DamageError(f"a stored file cannot be read; 'cellar verify' tells which: {error}") from error

    def see_firm(self, firm: str, reads: Iterable[str]) -> Seen:
        """Return what a firm may see of some relations and of all that these are made of, all of one moment.

        Raises:
            UsageError: there is no such firm.
        """
        return self._see(Question("", "", tuple(reads), (), ""), firm, None, None)

    def answer_cells(self, name: str, firm: str, cells: Collection[str]) -> pl.DataFrame:
        """Answer one question about some cells of a firm from their tests, whatever the last night stored."""
        frames, files = self._look(questions()[name], firm, cells)
        return self._answer_alone(name, Seen(frames, files, self._recipe_of(firm)))

    def answer_rows(self, name: str, recipe: Recipe, rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """Answer one question from given rows, and from nothing else that is stored.

        Args:
            name: the question.
            recipe: the recipe of all firms whose rows these are.
            rows: what is seen of ``test``, ``cell`` and the relations that the question reads: steps, cycles and result
                tables as they are stored, answers as they were given.
        """
        return self._answer_alone(name, Seen({name: rows[name] for name in ("test", "cell")}, [], recipe, rows))

    def find_stored_answer(self, name: str, firm: str, cell: str | None = None) -> list[Path] | None:
        """Return the files of a firm's answer that the last night stored, while they are current.

        Args:
            name: the question.
            firm: code of the firm.
            cell: only the files that hold what is about this cell.
        """
        if name not in STORED_ANSWERS:
            return None
        moment = self._results.name_moment(firm)
        found = find_current(self._registry, firm, name, moment, None if cell is None else [cell])
        return None if found is None else [self._store.path_of(path) for path in found]

    def find_results(self, name: str, firm: str, tests: pl.DataFrame) -> list[Path] | pl.DataFrame:
        """Return a result table of one firm, up to date for the cells of some of its tests."""
        return self._results.find(name, firm, set(tests.select(pl.coalesce("cell_id", "test_id"))["cell_id"]))

    def close(self) -> None:
        """Close the DuckDB side."""
        self._database.close()
        if "_alone" in self.__dict__:
            self._alone.close()

    def _answer_now(self, question: Question, firm: str | None, cell: str | None, test: str | None) -> pl.DataFrame:
        cursor = self._open_cursor()
        try:
            if question.name in STORED_ANSWERS and test is None:
                stored = self._read_stored(question.name, firm, cell)
                if stored is not None and (stored.height or cell is None):
                    return stored
                partly = self._answer_partly(question.name, firm) if firm and cell is None else None
                if partly is not None:
                    return partly
            seen = self._see(question, firm, cell, test)
            return pl.concat([self._answer_seen(cursor, question, part) for part in self._divide(seen)])
        finally:
            cursor.close()

    def _answer_partly(self, name: str, firm: str) -> pl.DataFrame | None:
        """Answer from what is stored of the cells that have not changed, and ask about the others, if they are few."""
        stored, lacking = self._results.find_kept(firm, schema.find_answer(name))
        if not stored.height or len(lacking) > MOST_LACKING:
            return None
        asked = [self.answer_cells(name, firm, lacking)] if lacking else []
        return pl.concat([stored, *asked]).sort("cell_id", maintain_order=True)

    def _open_cursor(self, database: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyConnection:
        with self._lock:
            return (database or self._database).cursor()

    def _answer_alone(self, name: str, seen: Seen) -> pl.DataFrame:
        """Answer one question by one thread, as what is stored is answered."""
        cursor = self._open_cursor(self._alone)
        try:
            return self._answer_seen(cursor, questions()[name], seen)
        finally:
            cursor.close()

    def _answer_seen(self, cursor: duckdb.DuckDBPyConnection, question: Question, seen: Seen) -> pl.DataFrame:
        self._offer(cursor, question.reads, seen)
        return _fetch(cursor, question, fill_parameters(question.sql, seen.recipe))

    def _divide(self, seen: Seen) -> list[Seen]:
        """Divide what is seen by the recipes that its firms' numbers are made with; mostly there is one."""
        firms = sorted({firm or "" for frame in ("test", "cell") for firm in seen.frames[frame]["firm"]})
        recipes = {self._recipe_of(firm).sha256: self._recipe_of(firm) for firm in firms}
        if len(recipes) <= 1:
            return [replace(seen, recipe=next(iter(recipes.values()), seen.recipe))]
        return [
            seen.narrow([firm for firm in firms if self._recipe_of(firm) == recipe], recipe)
            for recipe in recipes.values()
        ]

    def _see(self, question: Question, firm: str | None, cell: str | None, test: str | None) -> Seen:
        """Return what may be seen, narrowed to what was named; refuse names that do not exist."""
        frames, files = self._look(question, firm, None if cell is None else [cell])
        if firm and frames["firm"].is_empty():
            raise UsageError(f"there is no firm {firm!r}")
        of_firm = f" of firm {firm}" if firm else ""
        if test is not None:
            frames["test"] = frames["test"].filter(pl.col("test_id") == test)
            if frames["test"].is_empty():
                raise UsageError(f"there is no test {test!r}{of_firm}")
        if cell is not None and frames["test"].is_empty() and frames["cell"].is_empty():
            raise UsageError(f"there is no cell {cell!r}{of_firm}")
        return Seen(frames, files, self._recipe_of(firm))

    def _look(
        self, question: Question, firm: str | None, cells: Collection[str] | None
    ) -> tuple[dict[str, pl.DataFrame], list[Row]]:
        """Return the registry's tables and the files that readers open, all of one moment; of some cells, or of all."""
        behind = names_behind(question)
        tables = {name: table for name, table in REGISTRY_TABLES.items() if name in ALWAYS_SEEN or name in behind}
        conditions = {name: _of_firm(table, firm) for name, table in tables.items()}
        if cells is not None:
            # A test without a cell goes by its own name until it is assigned.
            conditions["test"].append(sa.func.coalesce(TEST.c.cell_id, TEST.c.test_id).in_(cells))
            conditions["cell"].append(CELL.c.cell_id.in_(cells))
        with self._registry.snapshot() as moment:
            frames = {
                name: self._registry.frame(table, *conditions[name], moment=moment) for name, table in tables.items()
            }
            tests = None if cells is None else frames["test"]["test_id"].to_list()
            return frames, self._list_files(moment, behind & PARQUET_TABLES.keys(), firm, tests)

    def _list_files(
        self, moment: sa.Connection, tables: Collection[str], firm: str | None, tests: Collection[str] | None
    ) -> list[Row]:
        """List the files that together hold the rows of some tables once: marts, and what came after them."""
        listing = sa.select(STORED_FILE).where(STORED_FILE.c.table_name.in_(tables), STORED_FILE.c.current)
        if firm is not None:
            listing = listing.where(STORED_FILE.c.firm == firm)
        if tests is None:
            return self._registry.rows(listing.where(STORED_FILE.c.mart.is_(None)).order_by(STORED_FILE.c.path), moment)
        mine = self._registry.rows(listing.where(STORED_FILE.c.test_id.in_(tests)), moment)
        marts = {row["mart"]: {**row, "path": row["mart"], "test_id": None} for row in mine if row["mart"]}
        files = [*marts.values(), *(row for row in mine if not row["mart"])]
        return sorted(files, key=lambda row: str(row["path"]))

    def _offer(self, cursor: duckdb.DuckDBPyConnection, names: Iterable[str], seen: Seen) -> None:
        """Make the relations that a question reads, holding nothing but what may be seen."""
        for name in names:
            if name in REGISTRY_TABLES:
                cursor.register(name, seen.frames[name].to_arrow())
            elif name in result_tables() or name in PARQUET_TABLES:
                self._offer(cursor, ["test"], seen)
                self._offer_stored(cursor, name, seen)
            elif name in seen.known:
                cursor.register(name, seen.known[name].to_arrow())
            else:
                self._offer(cursor, questions()[name].reads, seen)
                sql = fill_parameters(questions()[name].sql, seen.recipe)
                cursor.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")

    def _offer_stored(self, cursor: duckdb.DuckDBPyConnection, name: str, seen: Seen) -> None:
        """Offer what is stored of a relation: the rows that are known, else what there is to read."""
        if name in seen.known:
            self._offer_rows(cursor, name, seen.known[name])
        elif name in PARQUET_TABLES:
            self._offer_files(cursor, name, seen.files_of(name))
        else:
            self._offer_rows(cursor, name, self._read_results(name, seen))

    def _offer_rows(self, cursor: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> None:
        """Offer rows as they are stored: of tests and cells only what may be seen, of a firm all that is of it."""
        cursor.register(f"rows_of_{name}", rows.to_arrow())
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {select_rows(name, f'rows_of_{name}')}")

    def _read_results(self, name: str, seen: Seen) -> pl.DataFrame:
        computation, table = result_tables()[name]
        found = [self.find_results(name, firm, tests) for firm, tests in seen.tests_by_firm(computation.scope).items()]
        # One reading of many files takes a third of many readings.
        frames = [one if isinstance(one, pl.DataFrame) else pl.read_parquet(one) for one in found if len(one)]
        return pl.concat([table.empty(), *frames])

    def _offer_files(self, cursor: duckdb.DuckDBPyConnection, name: str, files: list[Row]) -> None:
        if not files:
            cursor.register(name, lacking_files(name).to_arrow())
            return
        if name in PER_TEST:
            cursor.register(
                f"owner_of_{name}", name_owners(files, lambda row: str(self._store.path_of(row["path"]))).to_arrow()
            )
        paths = [str(self._store.path_of(row["path"])) for row in files]
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {select_files(name, paths, f'owner_of_{name}')}")

    def _read_stored(self, name: str, firm: str | None, cell: str | None) -> pl.DataFrame | None:
        """Return the answer that the last night stored, or None unless it covers every firm that is asked about."""
        if firm is None:
            of_tests = self._registry.rows(sa.select(TEST.c.firm).distinct())
            firms = sorted({row["firm"] or "" for row in of_tests})
        else:
            firms = [firm]
        found = [self.find_stored_answer(name, one, cell) for one in firms]
        if not found or "" in firms or any(files is None for files in found):
            return None
        rows = [read_in_order(files) for files in found if files]
        answer = pl.concat([schema.find_answer(name).empty(), *rows])
        return answer if cell is None else answer.filter(pl.col("cell_id") == cell)


@dataclass(frozen=True)
class Seen:
    """What a question may see: the registry's tables narrowed to the asking firm, and that firm's files."""

    frames: dict[str, pl.DataFrame]
    files: list[Row]
    recipe: Recipe
    known: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    def narrow(self, firms: list[str], recipe: Recipe) -> Seen:
        """Return what may be seen of some firms, whose numbers are made with one recipe."""
        mine = pl.col("firm").fill_null("").is_in(firms)
        frames = {name: frame.filter(mine) if "firm" in frame.columns else frame for name, frame in self.frames.items()}
        return Seen(frames, [row for row in self.files if row["firm"] in firms], recipe)

    def tests_by_firm(self, scope: str) -> dict[str, pl.DataFrame]:
        """Return the tests by their firm; those without one under ``""``, and firms without any where these count."""
        tests, cells = self.frames["test"], self.frames["cell"]
        firms = {firm or "" for firm in tests["firm"]} | (set(cells["firm"]) if scope == "firm" else set())
        return {firm: tests.filter(pl.col("firm").fill_null("") == firm) for firm in sorted(firms)}

    def files_of(self, name: str) -> list[Row]:
        """Return the stored files that together hold a table's rows once: marts, and what came after them."""
        tests = {*self.frames["test"]["test_id"], None}
        return [row for row in self.files if row["table_name"] == name and row["test_id"] in tests]


def select_files(name: str, paths: Iterable[str], owners: str) -> str:
    """Return the SQL that reads a table of ``PARQUET_TABLES`` from its files.

    Args:
        name: the table.
        paths: the files, as DuckDB is to open them.
        owners: relation that says whose each file is, see :func:`name_owners`; for tables of ``PER_TEST``.
    """
    listed = ", ".join(map(quote, paths))
    if name in PER_TEST:
        rows = f"read_parquet([{listed}], filename = true, file_row_number = true)"
        source = f"{rows} JOIN {owners} USING (filename) JOIN test USING (test_id)"
        # A test that grew lies in several files, one behind the other.
        place = "first_row + file_row_number AS file_row_number"
        chosen = f"test.cell_id, test.firm, test_id, {place}, " + ", ".join(PARQUET_TABLES[name].names)
    else:
        source = f"read_parquet([{listed}]) AS stored JOIN test USING (test_id, revision)"
        chosen = "test.cell_id, test.firm, stored.*"
    return f"SELECT {chosen} FROM {source}"  # noqa: S608 names are ours, paths are quoted


def name_owners(files: Iterable[Row], path_of: Callable[[Row], str]) -> pl.DataFrame:
    """Return whose each file of a table of ``PER_TEST`` is: it carries no test id of its own, the registry knows."""
    rows = [{"filename": path_of(row), "test_id": row["test_id"], "first_row": row["first_row"]} for row in files]
    return pl.DataFrame(rows)


def lacking_files(name: str) -> pl.DataFrame:
    """Return what :func:`select_files` gives of a table without files: its columns, and no row."""
    empty = PARQUET_TABLES[name].empty()
    labels = {"cell_id": pl.String, "test_id": pl.String, "firm": pl.String, "file_row_number": pl.Int64}
    lacking = [pl.lit(None, dtype=dtype).alias(label) for label, dtype in labels.items() if label not in empty.columns]
    return empty.with_columns(lacking)


def select_rows(name: str, rows: str) -> str:
    """Return the SQL that offers stored rows: of tests and cells only what may be seen, of a firm all of it.

    Args:
        name: a result table, or the steps or cycles of tests.
        rows: relation or expression that holds its rows.
    """
    chosen, source = {
        "test": ("test.cell_id, test.firm, made.*", "JOIN test USING (test_id, revision)"),
        "cell": ("made.*", SAME_CELL),
        "firm": ("made.*", ""),
    }["test" if name in PARQUET_TABLES else result_tables()[name][0].scope]
    return f"SELECT {chosen} FROM {rows} AS made {source}"  # noqa: S608 names are ours


def names_behind(question: Question) -> set[str]:
    """Return the relations that a question reads, by itself or through other questions."""
    names = set(question.reads)
    for name in names & questions().keys() - PARQUET_TABLES.keys() - result_tables().keys():
        names |= names_behind(questions()[name])
    return names


def _fetch(cursor: duckdb.DuckDBPyConnection, question: Question, sql: str) -> pl.DataFrame:
    """Return the rows of a query."""
    relation = cursor.sql(sql) if names_behind(question) & set(PER_TEST) else _hold(cursor, sql)
    frame: pl.DataFrame = relation.pl()
    return frame


def _hold(cursor: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation:
    """Return the rows of a query as a table of its connection.

    A relation is planned when it is made and again when it is read, and to plan takes longer than all else where rows
    are few. Rows of measurements are many, and would be in memory twice.
    """
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE held AS {sql}")
    return cursor.table("held")


def _of_firm(table: schema.Table, firm: str | None) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that leave a firm's rows; ``""`` stands for what has no owner, None for everything.

    What is of no firm, as the comparison between them, is for every one.
    """
    columns = SQL_TABLES[table.name].c
    if firm is None or (table is not schema.FIRM and "firm" not in columns):
        return []
    column = columns.code if table is schema.FIRM else columns.firm
    return [column == firm if firm or table is not schema.TEST else column.is_(None)]


def fill_parameters(sql: str, recipe: Recipe) -> str:
    """Return a question's SQL with the values of a recipe in place of ``$section_name``.

    A view cannot have parameters, and questions build on each other as views.
    """
    return PARAMETER.sub(lambda found: _write_literal(recipe.parameters[found[1]]), sql)


def _write_literal(value: object) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_write_literal, value))}]"
    # DuckDB reads 0.8 as a decimal, whose division rounds.
    return f"{value!r}::DOUBLE" if isinstance(value, float) else str(value).lower()


def quote(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"

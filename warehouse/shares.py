"""A firm's share: a folder that holds nothing but what one firm may read, and the views that make its questions of it.

Who runs a stranger's SQL is shown this folder and nothing else. Stored Parquet files lie in it under second names (hard
links: no byte is copied, and what a night removes stays readable until the query ends); what the registry knows, and
results that no night has stored yet, are written into it as small Parquet files. Views named as the questions of
``cellar query --list`` stand in the schema ``main``; what those read stands in ``base``.

Only what a query names is prepared, and everything anew for each query: an answer is never of yesterday's data.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import shutil
import threading
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from warehouse.ask import (
    PARQUET_TABLES,
    PER_TEST,
    REGISTRY_TABLES,
    Seen,
    fill_parameters,
    lacking_files,
    name_owners,
    questions,
    quote,
    select_files,
    select_rows,
)
from warehouse.errors import UsageError
from warehouse.files import make_folder, make_token
from warehouse.marts import read_generation
from warehouse.registry import FIRM
from warehouse.results import result_tables
from warehouse.schema import Table, find_answer

if TYPE_CHECKING:
    from warehouse.home import Home

FOLDER: Final = "shares"
LOCK: Final = "lock"
BASE: Final = "base"
FILES: Final = "files"
MADE: Final = "made"
WORD: Final = re.compile(r"\w+")
# Longer than any query may take: what nobody was given for so long is read by nobody.
KEPT_SECOND: Final = 600
HASH_DIGITS: Final = 20
# Whoever reads a share need not be the user who made it.
READABLE: Final = 0o644
TRIES: Final = 3


@dataclass(frozen=True)
class Share:
    """What one query needs: the folder, and the statements that make its views there, in their order."""

    folder: Path
    statements: tuple[str, ...]


def relations() -> frozenset[str]:
    """Return the name of everything that a query may read."""
    return frozenset(questions()) | PARQUET_TABLES.keys() | REGISTRY_TABLES.keys() | result_tables().keys()


def find_names(sql: str) -> frozenset[str]:
    """Return the relations that a text may name: what it does not contain as a word it cannot read."""
    return relations() & {word.casefold() for word in WORD.findall(sql)}


class Shares:
    """The shares that this process has made.

    Args:
        home: the platform.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._folder = home.folder / FOLDER / make_token()
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._used: dict[Path, float] = {}
        self._generations: dict[str, int] = {}
        remove_abandoned(home.folder / FOLDER)
        self._folder.mkdir(parents=True)
        # Held as long as this process lives: a share whose lock is free belongs to nobody.
        self._held = (self._folder / f"{LOCK}.new").open("w")
        fcntl.flock(self._held, fcntl.LOCK_EX)
        # Not found by others before it is held.
        (self._folder / f"{LOCK}.new").rename(self._folder / LOCK)

    def folder_of(self, firm: str) -> Path:
        """Return the folder of a firm's share, made when absent.

        Raises:
            UsageError: there is no such firm.
        """
        # Looked up, not taken from whoever asks: a code is part of a path.
        if self._home.registry.row(FIRM, code=firm) is None:
            raise UsageError(f"there is no firm {firm!r}")
        folder = self._folder / f"firm={firm}"
        make_folder(folder)
        return folder

    def open(self, firm: str, sql: str, root: str | None = None) -> Share:
        """Prepare what a query of a firm may read.

        Args:
            firm: code of the firm.
            sql: the query; only names that occur in it are prepared.
            root: where the folder is for the one who reads it; where it is by default.

        Raises:
            UsageError: there is no such firm.
        """
        folder = self.folder_of(firm)
        with self._lock:
            mine = self._locks.setdefault(firm, threading.Lock())
        # What one firm's results take to compute, the others do not wait for.
        with mine:
            for _ in range(TRIES - 1):
                # A night may remove a file behind our look at the registry, which lists its successor by then.
                with suppress(FileNotFoundError):
                    return self._open(firm, find_names(sql), folder, root)
            return self._open(firm, find_names(sql), folder, root)

    def close(self) -> None:
        """Remove all of them."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._held.close()

    def _open(self, firm: str, names: Iterable[str], folder: Path, root: str | None) -> Share:
        self._forget(firm, folder)
        wanted = sorted(names)
        reads = {read for name in wanted if name in questions() for read in questions()[name].reads}
        seen = self._home.asker.see_firm(firm, [*wanted, *reads])
        maker = _Maker(self._home, firm, folder, str(folder) if root is None else root, seen)
        for name in wanted:
            maker.offer_named(name)
        self._used.update(dict.fromkeys(maker.made, time.monotonic()))
        self._remove_unused(folder)
        return Share(folder, (*maker.statements, "SET schema = 'main'"))

    def _forget(self, firm: str, folder: Path) -> None:
        """Empty a share once the firm's tests have changed: what is no longer the firm's must not be found there."""
        with self._home.registry.snapshot() as moment:
            generation = read_generation(moment, firm)
        if self._generations.get(firm) == generation:
            return
        for name in (FILES, MADE):
            shutil.rmtree(folder / name, ignore_errors=True)
        self._generations[firm] = generation

    def _remove_unused(self, folder: Path) -> None:
        oldest = time.monotonic() - KEPT_SECOND
        for path in folder.glob(f"{MADE}/*"):
            if self._used.get(path, 0) < oldest:
                path.unlink(missing_ok=True)
                self._used.pop(path, None)


@dataclass
class _Maker:
    """Fills one share with what a query names.

    Args:
        home: the platform.
        firm: whose share.
        folder: the share.
        root: the share as its reader sees it.
        seen: what the firm may see.
    """

    home: Home
    firm: str
    folder: Path
    root: str
    seen: Seen
    statements: list[str] = field(default_factory=list)
    made: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin with the schema that everything is made in first."""
        self._offered: set[str] = set()
        self.statements += [f"CREATE SCHEMA {BASE}", f"SET schema = '{BASE}'"]

    def offer_named(self, name: str) -> None:
        """Offer a relation under its own name: a question as it is answered, anything else as it is kept."""
        self._offer(name)
        question = questions().get(name)
        if question is None or name not in PARQUET_TABLES.keys() | result_tables().keys():
            self._view(f"main.{name}", f"SELECT * FROM {BASE}.{name}")  # noqa: S608 the name is ours
            return
        # A question that is named as what it reads would read itself.
        for read in question.reads:
            self._offer(read)
        reads = ", ".join(f"{read} AS NOT MATERIALIZED (FROM {BASE}.{read})" for read in question.reads)
        sql = fill_parameters(question.sql, self.seen.recipe)
        # Millions of samples are not sorted for whoever wants their mean.
        told = sql.rpartition("\nORDER BY")[0] if name in PER_TEST else sql
        self._view(f"main.{name}", f"WITH {reads} SELECT * FROM (\n{told}\n)")  # noqa: S608 names and questions are ours

    def _offer(self, name: str) -> None:
        if name in self._offered:
            return
        self._offered.add(name)
        if name in REGISTRY_TABLES:
            self._view(name, f"FROM {self._write(name, self.seen.frames[name])}")
        elif name in PARQUET_TABLES:
            self._offer("test")
            self._offer_files(name)
        elif name in result_tables():
            self._offer("test")
            self._offer_results(name)
        else:
            self._offer_question(name)

    def _offer_files(self, name: str) -> None:
        files = self.seen.files_of(name)
        if not files:
            self._view(name, f"FROM {self._write(name, lacking_files(name))}")
            return
        places = {row["path"]: self._place(self._link_file(self.home.store.path_of(row["path"]))) for row in files}
        owners = name_owners(files, lambda row: places[row["path"]])
        # A table function has a file_row_number of its own, which a subquery hides.
        source = f"(FROM {self._write(f'owner_of_{name}', owners)})" if name in PER_TEST else ""
        self._view(name, select_files(name, places.values(), source))

    def _offer_results(self, name: str) -> None:
        scope = result_tables()[name][0].scope
        tests = self.seen.tests_by_firm(scope).get(self.firm)
        if tests is None:
            made: list[Path] | pl.DataFrame = result_tables()[name][1].empty()
        else:
            made = self.home.asker.find_results(name, self.firm, tests)
        rows = self._write(name, made) if isinstance(made, pl.DataFrame) else self._link(made, result_tables()[name][1])
        self._view(name, select_rows(name, rows))

    def _offer_question(self, name: str) -> None:
        stored = self.home.asker.find_stored_answer(name, self.firm)
        if stored is not None:
            self._view(name, f"FROM {self._link(stored, find_answer(name))}")
            return
        for read in questions()[name].reads:
            self._offer(read)
        self._view(name, fill_parameters(questions()[name].sql, self.seen.recipe))

    def _view(self, name: str, sql: str) -> None:
        self.statements.append(f"CREATE VIEW {name} AS {sql}")

    def _link(self, stored: Collection[Path], table: Table) -> str:
        """Give stored files of a table second names in the share; returns the SQL that reads them."""
        if not stored:
            return self._write(table.name, table.empty())
        return f"read_parquet([{', '.join(quote(self._place(self._link_file(path))) for path in stored)}])"

    def _link_file(self, stored: Path) -> Path:
        target = self.folder / FILES / stored.parent.name / stored.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            _link_or_copy(stored, target)
        return target

    def _write(self, name: str, frame: pl.DataFrame) -> str:
        """Write a small table into the share, once for what it holds; returns the SQL that reads it."""
        held = io.BytesIO()
        frame.write_parquet(held)
        path = self.folder / MADE / f"{name}-{hashlib.sha256(held.getvalue()).hexdigest()[:HASH_DIGITS]}.parquet"
        self.made.add(path)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            temporary = path.with_suffix(".tmp")
            temporary.write_bytes(held.getvalue())
            temporary.chmod(READABLE)
            temporary.replace(path)
        return f"read_parquet({quote(self._place(path))})"

    def _place(self, path: Path) -> str:
        """Return a file's path as the reader of the share sees it."""
        return f"{self.root}/{path.relative_to(self.folder)}"


def remove_abandoned(folder: Path) -> int:
    """Remove the shares of processes that are no more; returns how many."""
    removed = 0
    for lock in folder.glob(f"*/{LOCK}"):
        with suppress(OSError), lock.open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
            removed += 1
    return removed


def _link_or_copy(stored: Path, target: Path) -> None:
    try:
        os.link(stored, target)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:
        # A file system without second names.
        temporary = target.with_suffix(".tmp")
        shutil.copyfile(stored, temporary)
        temporary.replace(target)

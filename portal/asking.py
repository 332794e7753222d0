"""Asking the warehouse from many threads: one home, as many questions at once as there are cores, answers kept.

What a firm's answers are made of has a hash, :meth:`warehouse.results.Results.name_moment`; an answer that was given is
given again while that hash stands. The firm is part of the key under which an answer is kept.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import polars as pl

from warehouse.ask import questions
from warehouse.commits import Commits
from warehouse.identity import list_firms
from warehouse.recipe import hash_values
from warehouse.shelf import read_in_order

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.home import Home

KEPT_BYTES: Final = 128 * 1024 * 1024
# What is read of stored files, out of which single cells are taken.
FILES_BYTES: Final = 384 * 1024 * 1024
# In memory a value takes eight bytes, a text a few more.
VALUE_BYTES: Final = 16
# Things of whatever kind that were made of answers: lines of a list, rows of a table.
MOST_KEPT: Final = 200
# Parts of pages.
PARTS_BYTES: Final = 32 * 1024 * 1024
# What changes without a firm's data changing: the night writes it.
OF_THE_NIGHT: Final = frozenset({"alert", "cohort_release", "cohort_cell"})
# Few rows for each cell, none that depends on which cells are asked about, and none that takes reading all cycles: what
# is about one is taken out of what is about all, which is asked once for as long as the firm's data stand.
OF_WHOLE: Final = frozenset({"cells", "conditions", "fade_models", "forecast", "knees", "precision", "tests"})
# What tells of sources and readers, which may change while a test's rows stay as they are.
OF_SOURCES: Final = frozenset({"quality", "tests"})
# How a file shows that a night has just replaced it, or that it is damaged.
UNREADABLE: Final = (FileNotFoundError, pl.exceptions.ComputeError)
# Firms are told apart from these by their type.
ALL_FIRMS: Final = ("all firms",)
CHANGES: Final = ("changes",)
# A file, the first row, and how many.
Place = tuple["Path", int, int]
V = TypeVar("V")


class Kept(Generic[V]):
    """The answers that were given last, up to so many bytes; one that several wait for is made once.

    Args:
        size_of: tells the bytes of an answer.
        most_bytes: how many are kept.
    """

    def __init__(self, size_of: Callable[[V], int], most_bytes: int = KEPT_BYTES) -> None:
        self._size_of = size_of
        self._most = most_bytes
        self._answers: OrderedDict[Hashable, V] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the answer under a key, made now unless it is kept."""
        with self._lock:
            found = self._find(key)
            if found is not None:
                return found
            mine = self._making.setdefault(key, threading.Lock())
        with mine:
            with self._lock:
                found = self._find(key)
            if found is not None:
                return found
            try:
                made = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            with self._lock:
                self._keep(key, made)
        return made

    def look(self, key: Hashable) -> V | None:
        """Return the answer under a key where it is kept."""
        with self._lock:
            return self._find(key)

    def _find(self, key: Hashable) -> V | None:
        if key in self._answers:
            self._answers.move_to_end(key)
        return self._answers.get(key)

    def _keep(self, key: Hashable, made: V) -> None:
        size = self._size_of(made)
        if size > self._most or key in self._answers:
            return
        self._answers[key] = made
        self._bytes += size
        while self._bytes > self._most:
            _, dropped = self._answers.popitem(last=False)
            self._bytes -= self._size_of(dropped)


class Asking:
    """Answers named questions, whichever thread asks.

    Args:
        home: the platform; opened and closed by the caller.
        at_once: how many questions are worked on at once; more would only slow each other.
    """

    def __init__(self, home: Home, at_once: int | None = None) -> None:
        self.home = home
        # Opened here, for their first use must not be by two threads at once.
        _ = home.registry, home.results, home.asker
        self._commits = Commits(home.registry)
        self._told: dict[Hashable, tuple[int, Any]] = {}
        self._turns = threading.BoundedSemaphore(at_once or os.cpu_count() or 1)
        self._made: Kept[Any] = Kept(lambda _made: 1, MOST_KEPT)
        self._parts: Kept[str] = Kept(len, PARTS_BYTES)
        self._frames: Kept[pl.DataFrame] = Kept(lambda frame: int(frame.estimated_size()))
        # Apart, for one file may be as large as thousands of answers.
        self._files: Kept[pl.DataFrame] = Kept(lambda frame: int(frame.estimated_size()), FILES_BYTES)
        # Of each question and firm: the moment, and where the rows about each cell are.
        self._places: dict[tuple[str, str], tuple[str, dict[str, list[Place]]]] = {}

    def ask(self, name: str, firm: str | None, *, cell: str | None = None, test: str | None = None) -> pl.DataFrame:
        """Answer a named question; see :meth:`warehouse.home.Home.query`.

        Raises:
            UsageError: there is no such question, firm, cell or test.
        """

        def make() -> pl.DataFrame:
            with self._turns:
                return self.home.query(name, firm=firm, cell=cell, test=test)

        # Where no hash tells, any change of the registry may be one of the answer.
        key = (name, firm, cell, test, self.name_moment(name, firm) or self.count_changes())
        found = self._frames.look(key)
        if found is None and firm and test is None:
            # Not kept by itself: what it is taken out of is, and would lie in memory twice.
            found = self._find_cell(name, firm, cell) if cell else self._read_whole(name, firm)
        return found if found is not None else self._frames.get(key, make)

    def ask_columns(self, name: str, firm: str | None, columns: Sequence[str]) -> pl.DataFrame:
        """Answer a question about all of a firm's cells with some of its columns; no others are read, if it is stored.

        Args:
            name: the question.
            firm: the firm; None for all.
            columns: those that are wanted; the answer may have others besides.
        """
        wanted = tuple(dict.fromkeys(("cell_id", *columns)))
        # Named before it is looked for: what changes meanwhile must not be kept under the later name.
        moment = self.moment_of(firm) if firm else ""
        paths = self.home.asker.find_stored_answer(name, firm) if firm else None
        if not paths or not set(wanted) <= {column for column, _, _ in questions()[name].columns}:
            return self.ask(name, firm)

        def make() -> pl.DataFrame:
            with self._turns:
                return read_in_order(paths, wanted)

        try:
            return self._frames.get((name, firm, wanted, moment), make)
        except UNREADABLE:
            return self.ask(name, firm)

    def keep(self, key: Hashable, firm: str, make: Callable[[], V]) -> V:
        """Return what is made of a firm's data and of nothing else, made once while these stand.

        Args:
            key: tells it from everything else that is made of this firm's data, what was asked included.
            firm: the firm.
            make: makes it.
        """
        made: V = self._made.get((key, firm, self.moment_of(firm)), make)
        return made

    def keep_part(self, key: Hashable, firm: str, make: Callable[[], str]) -> str:
        """Return a part of a page that is made of a firm's data and of nothing else; see :meth:`keep`."""
        return self._parts.get((key, firm, self.moment_of(firm)), make)

    def name_moment(self, name: str, firm: str | None) -> str | None:
        """Return a hash of all that an answer is made of; None where only the answer itself tells."""
        if name not in questions() or name in OF_SOURCES or reads_of(name) & OF_THE_NIGHT:
            return None
        return self.moment_of(firm) if firm is not None else self._tell(ALL_FIRMS, self._moment_of_all)

    def moment_of(self, firm: str) -> str:
        """Return :meth:`warehouse.results.Results.name_moment`; the registry is asked if something was committed."""
        return self._tell(firm, lambda: self.home.results.name_moment(firm))

    def recall_moment(self, firm: str) -> str | None:
        """Return a firm's moment where that takes no question to the registry; else None."""
        sign = self._commits.sign()
        known = self._told.get(firm)
        return str(known[1]) if sign is not None and known is not None and known[0] == sign else None

    def count_changes(self) -> int:
        """Return how many transactions have changed the registry."""
        return self._tell(CHANGES, self.home.registry.count_changes)

    def _tell(self, key: Hashable, ask: Callable[[], V]) -> V:
        """Return what the registry says, which stands until something is committed to it."""
        # Looked at first: what is committed while the registry is asked makes the answer one of before.
        sign = self._commits.sign()
        known = self._told.get(key)
        if sign is not None and known is not None and known[0] == sign:
            found: V = known[1]
            return found
        told = ask()
        if sign is not None:
            self._told[key] = sign, told
        return told

    def _moment_of_all(self) -> str:
        firms = ["", *(row["code"] for row in list_firms(self.home))]
        return hash_values([(one, self.moment_of(one)) for one in firms])

    def _find_cell(self, name: str, firm: str, cell: str) -> pl.DataFrame | None:
        """Return what is known of a cell without a question of its own; None where that takes one."""
        if name not in OF_WHOLE:
            return self._read_stored(name, firm, cell)
        found = self.ask(name, firm).filter(pl.col("cell_id") == cell)
        return found if found.height else None

    def _read_stored(self, name: str, firm: str, cell: str) -> pl.DataFrame | None:
        """Return what the last night stored about a cell, while it is current: its file is read once for all of it.

        None where there is none; then the warehouse answers, or says that there is no such cell.
        """
        moment = self.moment_of(firm)
        held = self._places.get((name, firm))
        if held is None or held[0] != moment:
            # Places of a moment before are of no use to anybody any more.
            held = self._places[name, firm] = moment, {}
        try:
            if cell not in held[1]:
                # One reading of all cells takes as long as those of a few of their files.
                whole = self._find_whole(name, firm)
                paths = [whole] if whole else self.home.asker.find_stored_answer(name, firm, cell) or []
                places = self._locate(paths)
                # Of several files each may hold a part of another cell's rows.
                held[1].update(places if len(paths) == 1 else {one: places[one] for one in places if one == cell})
            found = [self._read(path).slice(start, length) for path, start, length in held[1].get(cell, ())]
        except UNREADABLE:
            # A night has just replaced it; or it is damaged, which the warehouse tells.
            self._places.pop((name, firm), None)
            return None
        return pl.concat(found) if found else None

    def _find_whole(self, name: str, firm: str) -> Path | None:
        """Return the one file of all that the last night stored of an answer, if it is small enough to be kept."""
        paths = self.home.asker.find_stored_answer(name, firm) or []
        if len(paths) != 1:
            return None
        rows: int = pl.scan_parquet(paths[0]).select(pl.len()).collect().item()
        return paths[0] if rows * len(questions()[name].columns) * VALUE_BYTES <= FILES_BYTES else None

    def _read_whole(self, name: str, firm: str) -> pl.DataFrame | None:
        """Return an answer about all cells as the last night stored it; None where the warehouse has to answer."""
        try:
            whole = self._find_whole(name, firm)
            return self._read(whole) if whole else None
        except UNREADABLE:
            return None

    def _locate(self, paths: Sequence[Path]) -> dict[str, list[Place]]:
        """Return where in files the rows about each cell are."""
        places: dict[str, list[Place]] = {}
        for path in paths:
            start = 0
            for length, cell in self._read(path)["cell_id"].rle().struct.unnest().rows():
                places.setdefault(cell, []).append((path, start, length))
                start += length
        return places

    def _read(self, path: Path) -> pl.DataFrame:
        return self._files.get(path, lambda: pl.read_parquet(path))

    def close(self) -> None:
        """Close the home."""
        self._commits.close()
        self.home.close()


@cache
def reads_of(name: str) -> frozenset[str]:
    """Return the relations that a question reads, by itself or through others."""
    found: set[str] = set()
    wanted = [name]
    while wanted:
        for read in questions()[wanted.pop()].reads:
            if read not in found:
                found.add(read)
                wanted += [read] if read in questions() else []
    return frozenset(found)

"""Asking the warehouse from many threads: one home, as many questions at once as there are cores, answers kept.

What a firm's answers are made of has a hash, :meth:`warehouse.results.Results.name_moment`; an answer that was given is
given again while that hash stands. The firm is part of the key under which an answer is kept.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import polars as pl

from warehouse.ask import questions
from warehouse.identity import list_firms
from warehouse.recipe import hash_values

if TYPE_CHECKING:
    from warehouse.home import Home

KEPT_BYTES: Final = 256 * 1024 * 1024
# Things of whatever kind that were made of answers: charts, lines of a list.
MOST_KEPT: Final = 200
# What changes without a firm's data changing: the night writes it.
OF_THE_NIGHT: Final = frozenset({"alert", "cohort_release", "cohort_cell"})
# Few rows for each cell, and none that depends on which cells are asked about: what is about one is taken out of what
# is about all, which is asked once for as long as the firm's data stand.
OF_WHOLE: Final = frozenset(
    {
        "cells",
        "conditions",
        "fade_models",
        "forecast",
        "knees",
        "normalised",
        "precision",
        "quality",
        "rate",
        "tests",
    }
)
# What tells of sources and readers, which may change while a test's rows stay as they are.
OF_SOURCES: Final = frozenset({"quality", "tests"})
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
        self._turns = threading.BoundedSemaphore(at_once or os.cpu_count() or 1)
        self._made: Kept[Any] = Kept(lambda _made: 1, MOST_KEPT)
        self._frames: Kept[pl.DataFrame] = Kept(lambda frame: int(frame.estimated_size()))

    def ask(self, name: str, firm: str | None, *, cell: str | None = None, test: str | None = None) -> pl.DataFrame:
        """Answer a named question; see :meth:`warehouse.home.Home.query`.

        Raises:
            UsageError: there is no such question, firm, cell or test.
        """

        def make() -> pl.DataFrame:
            found = self._find_cell(name, firm, cell) if firm and cell and test is None else None
            if found is not None:
                return found
            with self._turns:
                return self.home.query(name, firm=firm, cell=cell, test=test)

        # Where no hash tells, any change of the registry may be one of the answer.
        moment = self.name_moment(name, firm) or self.home.registry.count_changes()
        return self._frames.get((name, firm, cell, test, moment), make)

    def keep(self, key: Hashable, firm: str, make: Callable[[], V]) -> V:
        """Return what is made of a firm's data and of nothing else, made once while these stand.

        Args:
            key: tells it from everything else that is made of this firm's data, what was asked included.
            firm: the firm.
            make: makes it.
        """
        made: V = self._made.get((key, firm, self.home.results.name_moment(firm)), make)
        return made

    def name_moment(self, name: str, firm: str | None) -> str | None:
        """Return a hash of all that an answer is made of; None where only the answer itself tells."""
        if name not in questions() or name in OF_SOURCES or reads_of(name) & OF_THE_NIGHT:
            return None
        if firm is not None:
            return self.home.results.name_moment(firm)
        firms = ["", *(row["code"] for row in list_firms(self.home))]
        return hash_values([(one, self.home.results.name_moment(one)) for one in firms])

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
        paths = self.home.asker.find_stored_answer(name, firm, cell) or []
        try:
            frames = [self._frames.get(("file", path), partial(pl.read_parquet, path)) for path in paths]
        except (FileNotFoundError, pl.exceptions.ComputeError):
            # A night has just replaced it; or it is damaged, which the warehouse tells.
            return None
        found = [frame.filter(pl.col("cell_id") == cell) for frame in frames]
        return pl.concat(found) if any(frame.height for frame in found) else None

    def close(self) -> None:
        """Close the home."""
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

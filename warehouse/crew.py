"""Computing in several processes: what a night has to make for many tests or cells is shared out among the cores.

A firm of many cells is shared out bucket by bucket, so that no process is left with it when the others are done; the
other firms are dealt out a few at a time, each of which is one process's from the first bucket to the last table. The
caller's process works too: it takes the tasks from the end of the row, the others from its beginning.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from warehouse.drafts import Made
    from warehouse.home import Home
    from warehouse.marts import Compaction

T = TypeVar("T")

# Below this many scopes a process takes longer to start than it saves.
FEWEST_APART: Final = 64
BUCKETS_A_SHARE: Final = 4
# A firm with more of the night's work than this part of a process's is shared out.
SHARES_A_PROCESS: Final = 4
# Firms of more cells than these in a share would wait for each other without sparing anything.
CELLS_A_SHARE: Final = 64
# One thread each, as there are as many processes as cores.
SINGLE: Final = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Place(NamedTuple):
    """The home that a process works on, and the writer that its files go by: spared while that one lives."""

    folder: Path
    registry_url: str
    owner: str


@dataclass(eq=False)
class _Task(Generic[T]):
    """Some work for whichever process is free first, and what it comes to in another than this."""

    work: Callable[[Home], T]
    done: Future[T] = field(default_factory=Future)


class Crew:
    """Processes that compute, this one and others that are started when there is first something to share out.

    Args:
        home: the home.
        size: how many processes, with this one.
    """

    def __init__(self, home: Home, size: int) -> None:
        self._home = home
        self._place = Place(home.folder, home.registry_url, home.owner)
        self._size = size
        self._pool: ProcessPoolExecutor | None = None
        # What no process has begun.
        self._tasks: deque[_Task[Any]] = deque()

    def takes(self, scopes: int) -> bool:
        """Whether it is worth sharing out so many."""
        return self._size > 1 and scopes >= FEWEST_APART

    def prepare(self, scopes: int) -> None:
        """Let the processes start, if it is worth sharing out so many; they take a second."""
        if self.takes(scopes):
            self._start()

    def divide(self, cells: Mapping[str, int]) -> tuple[list[str], list[str]]:
        """Divide firms into those that are shared out bucket by bucket and those that are one process's.

        Args:
            cells: how many cells each firm has work in.
        """
        most = max(FEWEST_APART, sum(cells.values()) // (SHARES_A_PROCESS * self._size))
        large = [firm for firm, count in cells.items() if self.takes(count) and count > most]
        return large, [firm for firm in cells if firm not in large]

    def make(self, firm: str, buckets: Sequence[str]) -> list[Made]:
        """Make the files of some buckets; what comes back follows from the buckets alone."""
        # Small shares, so that no process waits long for another that had more to do.
        parts = [buckets[first : first + BUCKETS_A_SHARE] for first in range(0, len(buckets), BUCKETS_A_SHARE)]
        tasks = self._share_out([partial(make_share, firm=firm, buckets=part) for part in parts])
        made = [self._finish(task) for task in reversed(tasks)]
        return [one for share in reversed(made) for one in share]

    def serve(self, cells: Mapping[str, int]) -> dict[str, Callable[[], Iterable[Compaction]]]:
        """Begin to bring firms up to date, each in one process; returns how to wait for what was done for each.

        Args:
            cells: how many cells each firm has work in, one or more; few in all are left to the caller's process.
        """
        from warehouse.refresh import refresh_firm  # noqa: PLC0415 it knows of the crew

        if not self.takes(sum(cells.values())):
            return {firm: partial(refresh_firm, self._home, firm) for firm in cells}
        shares = self._deal(cells)
        tasks = self._share_out([partial(serve_firms, firms=firms) for firms in shares])
        # Whoever waits for them in this order does the work of the last ones until it meets the other processes.
        return {
            firm: partial(self._wait_for, task, firm)
            for firms, task in zip(reversed(shares), reversed(tasks), strict=True)
            for firm in firms
        }

    def close(self) -> None:
        """End the processes."""
        self._tasks.clear()
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _deal(self, cells: Mapping[str, int]) -> list[list[str]]:
        """Deal out firms, so many at a time that what is asked about them is asked once."""
        most = min(CELLS_A_SHARE, sum(cells.values()) // (SHARES_A_PROCESS * self._size))
        shares: list[list[str]] = []
        room = 0
        # The longest first, so that the others fill up the end.
        for firm in sorted(cells, key=lambda firm: -cells[firm]):
            if not shares or cells[firm] > room:
                shares.append([])
                room = most
            shares[-1].append(firm)
            room -= cells[firm]
        return shares

    def _wait_for(self, task: _Task[dict[str, list[Compaction]]], firm: str) -> Iterable[Compaction]:
        """Return what was done for a firm; what its share came to no end with is tried once more, by itself."""
        from warehouse.refresh import refresh_firm  # noqa: PLC0415 it knows of the crew

        done = self._finish(task)
        return done[firm] if firm in done else refresh_firm(self._home, firm)

    def _share_out(self, works: Iterable[Callable[[Home], T]]) -> list[_Task[T]]:
        """Put work in the row, and let the other processes begin; see :meth:`_finish`."""
        tasks = [_Task(work) for work in works]
        self._tasks.extend(tasks)
        for _ in range(self._size - 1):
            self._feed()
        return tasks

    def _finish(self, task: _Task[T]) -> T:
        """Return what a task comes to; done here, if nobody has begun it."""
        if self._claim(task):
            try:
                task.done.set_result(task.work(self._home))
            finally:
                # After a failure nobody shall wait for it.
                task.done.cancel()
        return task.done.result()

    def _claim(self, task: _Task[Any]) -> bool:
        """Take a task out of the row; returns whether no other process was faster."""
        try:
            self._tasks.remove(task)
        except ValueError:
            return False
        return True

    def _feed(self) -> None:
        """Give another process the task that has waited for longest."""
        try:
            task = self._tasks.popleft()
        except IndexError:
            return
        try:
            made = self._start().submit(_work, self._place, task.work)
        except BrokenExecutor as error:
            task.done.set_exception(error)
        else:
            made.add_done_callback(partial(self._hand_over, task))

    def _hand_over(self, task: _Task[T], made: Future[T]) -> None:
        """Pass on what another process has made, and give it something else to do."""
        self._feed()
        error = made.exception()
        if error is None:
            task.done.set_result(made.result())
        else:
            task.done.set_exception(error)

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            others = self._size - 1
            self._pool = ProcessPoolExecutor(others, mp_context=get_context("spawn"))
            # Each process starts with work that no other is free for, and has the environment of that moment.
            with _environment(SINGLE):
                for _ in range(others):
                    self._pool.submit(_begin, self._place)
        return self._pool


def make_share(home: Home, firm: str, buckets: Sequence[str]) -> list[Made]:
    """Make a share of a firm's buckets in this process."""
    from warehouse.refresh import make_buckets  # noqa: PLC0415 it knows of the crew

    return make_buckets(home, firm, buckets)


def serve_firms(home: Home, firms: Sequence[str]) -> dict[str, list[Compaction]]:
    """Bring some firms up to date in this process; returns what was done, up to one whose tables cannot be read."""
    from warehouse.refresh import UNREADABLE, refresh_firms  # noqa: PLC0415 it knows of the crew

    done: dict[str, list[Compaction]] = {}
    with suppress(*UNREADABLE):
        # It takes them in one by one: those before a failure stay.
        done.update(refresh_firms(home, firms))
    return done


def _work(place: Place, work: Callable[[Home], T]) -> T:
    """Do some work in a process of the crew."""
    return work(_open_home(place))


def _begin(place: Place) -> None:
    """Load what a process works with, so that its first firm does not wait for it."""
    from warehouse import refresh  # noqa: F401, PLC0415 it knows of the crew

    _open_home(place)


@cache
def _open_home(place: Place) -> Home:
    """Return the home that this process works on, opened once: to open it takes half as long as to serve a firm."""
    from warehouse.home import Home  # noqa: PLC0415 a home knows of its crew

    home = Home(place.folder, place.registry_url)
    home.store.owner = place.owner
    return home


def count_cores() -> int:
    """Return the number of cores that we may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value

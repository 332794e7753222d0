"""Processes that wait for a firm's queries, and whose turn it is.

A process belongs to one firm for good. After a query it waits for the next one of its firm; the firms that asked last
keep theirs warm, others are ended when processes become scarce.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from portal.sandbox.errors import SqlBusy, SqlCancelled, SqlRefused, SqlWrong
from portal.sandbox.inside.orders import Order
from portal.sandbox.limits import Limits
from portal.sandbox.process import Answer, Place, SqlProcess
from portal.sandbox.walls import Walls, find_walls
from warehouse.home import Home
from warehouse.shares import Shares, find_names

# What DuckDB says of a file that a change of the firm's tests has just taken away.
FILE_GONE: Final = "IO Error"


class Sandbox:
    """Answers firms' queries, each in a process of its own.

    Args:
        home: the platform.
        limits: what a query may take.
        walls: what hides other firms' files; whatever this machine has by default.
        locks: whether DuckDB's own locks are set; tests leave them out.
        rules: whether queries are looked at before they run; likewise.

    Attributes:
        resident: bytes of memory that the largest query took so far.
    """

    def __init__(
        self,
        home: Home,
        limits: Limits | None = None,
        walls: Walls | None = None,
        *,
        locks: bool = True,
        rules: bool = True,
    ) -> None:
        self.limits = limits or Limits()
        self.walls = walls or find_walls()
        self._home, self._locks, self._rules = home, locks, rules
        self._shares = Shares(home)
        # A process ends with the thread that started it, so one thread starts them all and lives as long as we do.
        self._starter = ThreadPoolExecutor(1, "sandbox")
        self._turn = threading.Condition()
        self._idle: dict[str, list[SqlProcess]] = {}
        self._busy: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._running: dict[tuple[str, str], Callable[[], None]] = {}
        self._is_open = True
        self.resident = 0

    def ask(self, firm: str, sql: str, *, query: str | None = None, seconds: float | None = None) -> Answer:
        """Answer a query of a firm.

        Args:
            firm: its code.
            sql: the query.
            query: a name under which it can be cancelled.
            seconds: that it may take, if less than the limits grant.

        Raises:
            SqlError: it has no answer; one of its subclasses says why.
            UsageError: there is no such firm.
        """
        if len(sql) > self.limits.text:
            raise SqlRefused(f"the query has {len(sql)} characters, and may have {self.limits.text}")
        try:
            sql.encode()
        except UnicodeEncodeError as error:
            raise SqlRefused(f"the query is no text: {error.reason} at character {error.start}") from error
        limits = replace(self.limits, seconds=min(seconds or self.limits.seconds, self.limits.seconds))
        try:
            return self._ask(firm, sql, query, limits)
        except SqlWrong as error:
            if FILE_GONE not in str(error):
                raise
            return self._ask(firm, sql, query, limits)

    def cancel(self, firm: str, query: str) -> bool:
        """Cancel a running query of a firm; says whether there is one."""
        with self._turn:
            stop = self._running.get((firm, query))
        if stop is None:
            return False
        stop()
        return True

    def is_running(self, firm: str, query: str) -> bool:
        """Say whether a query of a firm is running under this name."""
        with self._turn:
            return (firm, query) in self._running

    def share_of(self, firm: str) -> Path:
        """Return the folder that a firm's processes are shown.

        Raises:
            UsageError: there is no such firm.
        """
        return self._shares.folder_of(firm)

    def prepare(self, firm: str) -> None:
        """Have a process wait for a firm's first query.

        Raises:
            UsageError: there is no such firm.
        """
        with self._hold(firm):
            pass

    def close(self) -> None:
        """End all processes and remove what they were shown."""
        with self._turn:
            self._is_open = False
            running = list(self._running.values())
            idle = [process for processes in self._idle.values() for process in processes]
            self._idle.clear()
        for stop in running:
            stop()
        for process in idle:
            process.close()
        self._starter.shutdown()
        self._shares.close()

    def _ask(self, firm: str, sql: str, query: str | None, limits: Limits) -> Answer:
        cancelled = threading.Event()
        with self._hold(firm) as process, self._name(firm, query, cancelled, process):
            share = self._shares.open(firm, sql, self.walls.place(self._shares.folder_of(firm)))
            if cancelled.is_set():
                raise SqlCancelled("the query was cancelled")
            names = sorted(find_names(sql))
            order = Order(sql, list(share.statements), names, limits.seconds, limits.rows, limits.size)
            try:
                return process.ask(order)
            finally:
                self.resident = max(self.resident, process.resident)

    @contextmanager
    def _name(self, firm: str, query: str | None, cancelled: threading.Event, process: SqlProcess) -> Iterator[None]:
        """Let a query be cancelled by its name while it runs."""

        def stop() -> None:
            cancelled.set()
            process.cancel()

        key = (firm, query or f"{id(process)}")
        with self._turn:
            if key in self._running:
                raise SqlRefused(f"a query named {query!r} is running")
            self._running[key] = stop
        try:
            yield
        finally:
            with self._turn:
                del self._running[key]

    @contextmanager
    def _hold(self, firm: str) -> Iterator[SqlProcess]:
        """Lend a process of a firm; afterwards it waits for the next query, unless it has ended."""
        process = self._take(firm)
        try:
            yield process
        finally:
            self._give_back(firm, process)

    def _take(self, firm: str) -> SqlProcess:
        scarce = self._wait_for_turn(firm)
        if scarce is not None:
            scarce.close()
        with self._turn:
            waiting = self._idle.get(firm)
            if waiting:
                return waiting.pop()
        with ExitStack() as otherwise:
            otherwise.callback(self._leave, firm)
            process = self._starter.submit(self._start, firm).result()
            process.wait_until_ready()
            otherwise.pop_all()
        return process

    def _start(self, firm: str) -> SqlProcess:
        place = Place(self._shares.folder_of(firm), self._home.folder, self.walls)
        return SqlProcess(place, self.limits, locks=self._locks, rules=self._rules)

    def _wait_for_turn(self, firm: str) -> SqlProcess | None:
        """Wait until one more query of a firm may run; returns a process that has to end for it."""
        deadline = time.monotonic() + self.limits.wait_second
        with self._turn:
            self._waiting[firm] = self._waiting.get(firm, 0) + 1
            try:
                while self._is_full(firm):
                    # Who asks for more than it may get must not keep the others' threads.
                    left = 0.0 if self._waiting[firm] > self.limits.waiting else deadline - time.monotonic()
                    if left <= 0 or not self._turn.wait(left):
                        raise SqlBusy("too many queries are running; ask again in a moment")
            finally:
                self._waiting[firm] -= 1
            if not self._is_open:
                raise SqlBusy("the portal is stopping")
            self._busy[firm] = self._busy.get(firm, 0) + 1
            return None if self._idle.get(firm) else self._pick_scarce()

    def _is_full(self, firm: str) -> bool:
        of_all = sum(self._busy.values())
        return self._busy.get(firm, 0) >= self.limits.of_firm or of_all >= self.limits.processes

    def _pick_scarce(self) -> SqlProcess | None:
        """Take the process of the firm that has not asked for longest, where one more would be too many."""
        count = sum(self._busy.values()) + sum(map(len, self._idle.values()))
        owner = next((firm for firm, processes in self._idle.items() if processes), None)
        return self._idle[owner].pop() if owner is not None and count > self.limits.processes else None

    def _give_back(self, firm: str, process: SqlProcess) -> None:
        alive = process.is_alive
        with self._turn:
            if alive and self._is_open:
                # Put behind the others: the firm that asked last.
                self._idle[firm] = [*self._idle.pop(firm, []), process]
        if not (alive and self._is_open):
            process.close()
        self._leave(firm)

    def _leave(self, firm: str) -> None:
        with self._turn:
            self._busy[firm] -= 1
            self._turn.notify_all()

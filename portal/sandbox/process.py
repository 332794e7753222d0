"""One process that answers queries of one firm, seen from outside: started, asked, ended."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa

from portal.sandbox.errors import BY_CODE, SqlCancelled, SqlDied, SqlError, SqlLate, SqlWrong
from portal.sandbox.inside import orders
from portal.sandbox.inside.orders import FRAME, Order, Settings
from portal.sandbox.limits import Limits
from portal.sandbox.walls import ENVIRONMENT, Walls

log: Final = logging.getLogger("cellar.sandbox")

START_SECOND: Final = 20.0
# DuckDB ends a query by itself where it can; we end its process a little later.
GRACE_SECOND: Final = 0.2
CHUNK: Final = 1 << 18
# An Arrow stream is a little larger than its values.
ENVELOPE: Final = 1 << 20
LAST_WORDS: Final = 2000
CUTS: Final = frozenset({"rows", "size"})


@dataclass(frozen=True)
class Answer:
    """An answer: its rows, why it was cut (``rows``, ``size`` or empty), and what it took."""

    frame: pl.DataFrame
    cut: str
    seconds: float


@dataclass(frozen=True)
class Place:
    """Where a process works: the share, its home, and the walls around it."""

    share: Path
    home: Path
    walls: Walls


@dataclass
class _Heard:
    """What came back so far for one order."""

    pieces: bytearray = field(default_factory=bytearray)
    told: dict[str, Any] | None = None
    gone: dict[str, Any] | None = None


class SqlProcess:
    """A process that answers one query after another, each in a child of its own.

    Args:
        place: where it works.
        limits: what a query may take.
        locks: whether DuckDB's own locks are set; tests leave them out.
        rules: whether queries are looked at before they run; likewise.
    """

    def __init__(self, place: Place, limits: Limits, *, locks: bool = True, rules: bool = True) -> None:
        self._place, self._limits = place, limits
        self._cancelled, self._ended = threading.Event(), threading.Event()
        self._buffer = bytearray()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 open as long as the process may say something
        walls = place.walls
        settings = Settings(
            folder=walls.place(place.share) or str(place.share),
            memory=limits.memory,
            address_space=limits.address_space,
            files=limits.files,
            threads=limits.threads,
            landlock=walls.landlock,
            change_root=walls.root,
            locks=locks,
            rules=rules,
        )
        self._process = subprocess.Popen(
            walls.command(place.share, place.home, settings.to_json()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        self.walls: tuple[str, ...] = ()
        self.resident = 0

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return not self._ended.is_set() and self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until it says so.

        Raises:
            SqlDied: it did not get there.
        """
        deadline = time.monotonic() + START_SECOND
        while not self.walls:
            frame = self._next_frame(deadline)
            if frame is None or frame[0] == orders.GONE:
                self._kill()
                log.error("no process for queries can be started: %s", self._last_words())
                self.close()
                raise SqlDied("no process for queries can be started; the log says why")
            if frame[0] == orders.READY:
                self.walls = tuple(json.loads(frame[1])["walls"])

    def ask(self, order: Order) -> Answer:
        """Have one query answered.

        Raises:
            SqlError: it has no answer; one of its subclasses says why.
        """
        started = time.monotonic()
        heard = self._listen(order, started + order.seconds + GRACE_SECOND)
        if self._cancelled.is_set():
            raise SqlCancelled("the query was cancelled")
        if heard.told is None or heard.gone is None or heard.gone.get("status"):
            # What is still to come of this query must not be taken for the next one's answer.
            self._kill()
            raise _explain(heard, late=time.monotonic() - started >= order.seconds)
        if "failed" in heard.told:
            raise self._translate(heard.told)
        cut = str(heard.told.get("cut"))
        return Answer(_read_frame(heard.pieces), cut if cut in CUTS else "", time.monotonic() - started)

    def cancel(self) -> None:
        """End the query at hand, and the process with it."""
        self._cancelled.set()
        self._kill()

    def close(self) -> None:
        """End it."""
        self._kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()
        self._words.close()

    def _listen(self, order: Order, deadline: float) -> _Heard:
        heard = _Heard()
        with suppress(BrokenPipeError):
            self._send(order.to_bytes(), deadline)
        most = order.size + ENVELOPE
        while heard.gone is None:
            frame = self._next_frame(deadline)
            if frame is None:
                self._kill()
                break
            kind, content = frame
            if kind == orders.PIECE:
                heard.pieces += content
            elif kind == orders.END:
                heard.told = _read_told(content) or None
            elif kind == orders.GONE:
                heard.gone = _read_told(content)
                taken = heard.gone.get("resident")
                self.resident = max(self.resident, taken if isinstance(taken, int) else 0)
            # Whoever broke out of DuckDB may send what it likes; we hold no more than was agreed.
            if len(heard.pieces) > most:
                self._kill()
                break
        return heard

    def _send(self, content: bytes, deadline: float) -> None:
        """Write an order, as fast as it is taken."""
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        os.set_blocking(pipe.fileno(), False)
        rest = memoryview(content)
        waiting = select.poll()
        waiting.register(pipe, select.POLLOUT)
        while rest and waiting.poll(max(deadline - time.monotonic(), 0) * 1000):
            with suppress(BlockingIOError):
                rest = rest[os.write(pipe.fileno(), rest) :]

    def _next_frame(self, deadline: float) -> tuple[bytes, bytes] | None:
        """Return the next frame; None at the deadline or the end."""
        while True:
            if len(self._buffer) >= FRAME.size:
                kind, length = FRAME.unpack_from(self._buffer)
                end = FRAME.size + length
                if length > self._limits.size + ENVELOPE:
                    return None
                if len(self._buffer) >= end:
                    content = bytes(self._buffer[FRAME.size : end])
                    del self._buffer[:end]
                    return kind, content
            if not self._receive(deadline):
                return None

    def _receive(self, deadline: float) -> bool:
        pipe = self._process.stdout
        if pipe is None or pipe.closed:
            return False
        waiting = select.poll()
        waiting.register(pipe, select.POLLIN)
        left = deadline - time.monotonic()
        if left <= 0 or not waiting.poll(left * 1000):
            return False
        content = os.read(pipe.fileno(), CHUNK)
        self._buffer += content
        return bool(content)

    def _kill(self) -> None:
        self._ended.set()
        # It leads a group of its own, which the child is in; bwrap's children end with it besides.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _translate(self, told: dict[str, Any]) -> SqlError:
        place = self._place.walls.place(self._place.share)
        # Where the share lies is nobody's business.
        detail = str(told.get("detail")).replace(place, "") if place else str(told.get("detail"))
        error = BY_CODE.get(str(told["failed"]), SqlWrong)
        return error({"time": "the query took longer than it may"}.get(error.code, detail))

    def _last_words(self) -> str:
        self._words.seek(0)
        said = self._words.read()[-LAST_WORDS:].decode("utf-8", errors="replace").strip()
        return said.rpartition("\n")[2] or "it said nothing"


def _read_told(content: bytes) -> dict[str, Any]:
    """Return what a process says of an answer; nothing of it where it is not as agreed."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _explain(heard: _Heard, *, late: bool) -> SqlError:
    """Return why an answer did not come to its end."""
    if late or (heard.gone or {}).get("status") == -signal.SIGXCPU:
        return SqlLate("the query took longer than it may")
    if heard.gone is None:
        return SqlDied("the query's process ended before it answered")
    return SqlDied("the query ended its process: mostly it needs more memory than it may have, or nests too deeply")


def _read_frame(pieces: bytearray) -> pl.DataFrame:
    """Return what a process sent as a frame; believed only as far as it can be checked."""
    if not pieces:
        return pl.DataFrame()
    try:
        with pa.ipc.open_stream(pa.py_buffer(pieces)) as stream:
            table = stream.read_all()
        table.validate(full=True)
        frame = pl.from_arrow(table)
    except (pa.ArrowException, pl.exceptions.PolarsError, ValueError, TypeError) as error:
        raise SqlWrong(f"a column cannot be handed over; cast it to VARCHAR: {error}") from error
    return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()

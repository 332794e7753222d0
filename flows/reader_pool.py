"""Processes in which files are read, as :mod:`flows.apart` asks them.

Imports next to nothing, so that a command can start one before it loads all that itself needs: both get ready together.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from parsers._apart import Job

log: Final = logging.getLogger("cellar.apart")

VARIABLE: Final = "CELLAR_READERS"
APART: Final = "apart"
# Computing is limited by the system, waiting by us: on a busy machine it takes longer.
WALL_PER_SECOND: Final = 5
# A process that has grown beyond this gives its memory back by ending.
KEPT_RESIDENT: Final = 768 << 20
DYING_WORDS: Final = 2000
OUT_OF_MEMORY: Final = b"memory allocation of"


def is_on() -> bool:
    """Say whether files are read in a process of their own."""
    return os.environ.get(VARIABLE) == APART


def switch_on() -> None:
    """Read in a process of its own from here on, unless the environment says otherwise."""
    os.environ.setdefault(VARIABLE, APART)


def prepare() -> None:
    """Start a process ahead of the first file, if there is none."""
    if is_on():
        POOL.give_back(POOL.take())


class ReaderDied(Exception):  # noqa: N818 named for what happened, as our other errors are
    """A process that read ended before it answered.

    Args:
        cause: ``memory``, ``time``, ``defect`` or ``died``.
        detail: what is known of it.
    """

    def __init__(self, cause: str, detail: str) -> None:
        self.cause = cause
        super().__init__(detail)


class ReaderProcess:
    """One process that reads."""

    def __init__(self, command: Sequence[str]) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 open as long as the process may say something
        # The child finds our modules where we found them, installed or not.
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words, env=environment
        )
        self._owner = os.getpid()

    @property
    def is_ours(self) -> bool:
        """Whether this process started it, and not the one that this was forked from."""
        return self._owner == os.getpid()

    def ask(self, job: Job) -> dict[str, Any]:
        """Have a job done.

        Raises:
            ReaderDied: the process ended, or was ended for taking too long.
        """
        orders, answers = self._process.stdin, self._process.stdout
        if orders is None or answers is None:
            raise ReaderDied("died", "it has no pipes")
        late = threading.Event()
        timer = threading.Timer(job.seconds * WALL_PER_SECOND, self._end_late, (late,))
        timer.daemon = True
        timer.start()
        try:
            orders.write(pickle.dumps(job))
            orders.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = b""
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            raise self._explain(late.is_set())
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
        self._words.close()

    def _end_late(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()

    def _explain(self, late: bool) -> ReaderDied:  # noqa: FBT001 one private fact
        code = self._process.wait()
        self._words.seek(0)
        said = self._words.read()[-DYING_WORDS:]
        if late or code == -getattr(signal, "SIGXCPU", 0):
            return ReaderDied("time", "reading took longer than a file of this size may")
        if OUT_OF_MEMORY in said:
            return ReaderDied("memory", "reading took more memory than a file of this size may")
        log.warning("a reader ended with code %s: %s", code, said.decode("utf-8", errors="replace"))
        last = said.decode("utf-8", errors="replace").strip().rpartition("\n")[2]
        # Python ends like this when an exception is caught by nobody: a defect, which a second try would only repeat.
        return ReaderDied(
            "defect" if code == 1 else "died", f"the reader ended with code {code}{': ' if last else ''}{last}"
        )


@dataclass
class Pool:
    """Processes that wait for work: as many as were ever busy at once.

    Args:
        command: starts one.
    """

    command: tuple[str, ...] = (sys.executable, "-m", "parsers._apart")

    def __post_init__(self) -> None:
        """Begin without any."""
        self._idle: list[ReaderProcess] = []
        self._lock = threading.Lock()

    def ask(self, job: Job) -> dict[str, Any]:
        """Have a job done by one of them.

        Raises:
            ReaderDied: it died of it.
        """
        reader = self.take()
        with ExitStack() as otherwise:
            # Whatever ends the wait, its answer must not be taken for the next job's.
            otherwise.callback(reader.close)
            told = reader.ask(job)
            otherwise.pop_all()
        if told.get("failed") == "memory" or told.get("resident", 0) > KEPT_RESIDENT:
            reader.close()
        else:
            self.give_back(reader)
        return told

    def take(self) -> ReaderProcess:
        """Return one that is idle, or a new one."""
        with self._lock:
            self._idle = [reader for reader in self._idle if reader.is_ours]
            if self._idle:
                return self._idle.pop()
        return ReaderProcess(self.command)

    def give_back(self, reader: ReaderProcess) -> None:
        """Let one wait for the next job."""
        with self._lock:
            self._idle.append(reader)

    def close(self) -> None:
        """End those that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for reader in idle:
            if reader.is_ours:
                reader.close()


POOL: Final = Pool()
atexit.register(POOL.close)

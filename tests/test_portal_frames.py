"""What a process says that has been taken over is believed only as far as it can be checked."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from portal.sandbox.errors import SqlDied, SqlError, SqlLate
from portal.sandbox.inside.orders import Order
from portal.sandbox.limits import Limits
from portal.sandbox.process import Place, SqlProcess
from portal.sandbox.walls import Walls

LIMITS = Limits(seconds=0.5, size=1 << 16)
HEAD = """
import json, os, struct, sys, time
def say(kind, content):
    held = content if isinstance(content, bytes) else json.dumps(content).encode()
    os.write(1, struct.pack(">cI", kind, len(held)) + held)
def hear():
    os.read(0, struct.unpack(">I", os.read(0, 4))[0])
say(b"R", {"walls": ["none"]})
"""
GOOD = HEAD + 'hear(); say(b"E", {"rows": 0, "cut": "X: y"}); say(b"D", {"status": 0, "resident": 1}); time.sleep(60)'
BAD = {
    "no json": 'hear(); say(b"E", b"{"); say(b"D", b"[]")',
    "nested json": 'hear(); say(b"E", b"[" * 60000); say(b"D", {"status": 0})',
    "no arrow": 'hear(); say(b"A", b"nonsense"); say(b"E", {"cut": ""}); say(b"D", {"status": 0})',
    "other types": 'hear(); say(b"E", {"failed": 7, "detail": []}); say(b"D", {"status": 0, "resident": "much"})',
    "frame without an end": 'hear(); os.write(1, struct.pack(">cI", b"A", 2**32 - 1) + b"x" * 1000); time.sleep(60)',
    "too many pieces": 'hear()\nwhile True: say(b"A", b"x" * 60000)',
    "endless frames": 'hear()\nwhile True: say(b"Z", b"x")',
    "another's answer": 'say(b"D", {"status": -9}); hear(); say(b"E", {"cut": ""}); say(b"D", {"status": 0})',
    "silence": "time.sleep(60)",
    "end": "hear()",
}


class Script(Walls):
    """Walls behind which a script of the test runs."""

    text = ""

    def command(self, share: Path, home: Path, settings: str) -> list[str]:
        """Return what runs the script."""
        del share, home, settings
        return [sys.executable, "-c", self.text]


@contextmanager
def process_of(text: str, folder: Path) -> Iterator[SqlProcess]:
    """Start a process that says what the script says."""
    script = Script(None, landlock=False, root=False)
    object.__setattr__(script, "text", text)
    with closing(SqlProcess(Place(folder, folder, script), LIMITS)) as process:
        process.wait_until_ready()
        yield process


def order(size: int = 10) -> Order:
    """Return an order of about so many bytes."""
    return Order("x" * size, seconds=LIMITS.seconds, size=LIMITS.size)


def test_an_answer_as_agreed_is_taken(tmp_path: Path) -> None:
    """An answer without rows is an empty frame; why it was cut is one of two words."""
    with process_of(GOOD, tmp_path) as process:
        answer = process.ask(order())
        assert (answer.frame.width, answer.cut) == (0, "")
        assert process.is_alive


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_an_error(name: str, tmp_path: Path) -> None:
    """Whatever else comes is an error in time, and never another error than those of a query."""
    began = time.monotonic()
    with process_of(HEAD + BAD[name], tmp_path) as process, pytest.raises(SqlError):
        process.ask(order())
    assert time.monotonic() - began < 10


def test_a_process_that_broke_off_is_not_asked_again(tmp_path: Path) -> None:
    """After an end that was not agreed the process is gone, and with it what it might still say."""
    with process_of(HEAD + BAD["another's answer"], tmp_path) as process:
        with pytest.raises(SqlDied):
            process.ask(order())
        assert not process.is_alive


def test_an_order_that_nobody_reads_does_not_hold(tmp_path: Path) -> None:
    """An order larger than a pipe, to a process that does not read, ends with its time."""
    with process_of(HEAD + BAD["silence"], tmp_path) as process, pytest.raises(SqlLate):
        process.ask(order(1_000_000))

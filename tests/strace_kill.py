"""Kills a process at exactly one of its system calls, or lets that call fail: ``strace`` attached to a forked child.

A child costs a fork and not a start of Python. ``strace`` counts the calls of each thread and of each kind, so a point
is a kind and a number; the driver keeps all writing in one thread. The kill comes before the call is carried out: what
is on the disk is what the calls before it did.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

MUTATING: Final = (
    *("openat", "open", "creat", "write", "writev", "pwrite64", "pwritev", "ftruncate", "truncate", "fallocate"),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "link", "linkat"),
    *("symlink", "symlinkat", "fsync", "fdatasync", "sync_file_range", "copy_file_range", "sendfile"),
)
WRITING: Final = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC)")
LINE: Final = re.compile(r"^(?P<thread>\d+)\s+(?P<call>\w+)\((?P<arguments>.*)$")
ANYBODY: Final = ctypes.c_ulong(-1)
PR_SET_PTRACER: Final = 0x59616D61
ATTACH_SECONDS: Final = 20.0
TIMEOUT_SECONDS: Final = 60


@dataclass(frozen=True)
class Point:
    """One system call: the ``number``-th of its kind in its thread."""

    call: str
    number: int
    # Whether no other thread makes a call of that kind and number that is none of the disk's.
    alone: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class Ended:
    """How a child ended: the signal that killed it, what it said, the traceback and the name of its error if any."""

    killed: int
    said: tuple[Any, ...]
    failed: str | None = None
    error: str | None = None


def missing() -> str | None:
    """Return why there is no strace to attach, or None."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        return "strace is not installed"
    ended, points = record(lambda _say: None, Path("/"))
    return None if not ended.failed and isinstance(points, list) else f"strace may not attach: {ended.failed}"


def record(work: Callable[[Callable[[Any], None]], object], below: Path) -> tuple[Ended, list[Point]]:
    """Run something in a child; returns every mutating call that it made below a folder, or by descriptor."""
    with tempfile.NamedTemporaryFile("r") as log:
        ended = run(work, ["-y", "-e", f"trace={calls()}", "-o", log.name])
        lines = log.readlines()
    return ended, list(_points(lines, str(below)))


def kill_at(work: Callable[[Callable[[Any], None]], object], point: Point) -> Ended:
    """Run something in a child that is killed before it carries out a call."""
    return run(work, _inject(point, "signal=KILL"))


def fail_at(work: Callable[[Callable[[Any], None]], object], point: Point, error: str) -> Ended:
    """Run something in a child, one of whose calls fails with an error such as ``ENOSPC``."""
    return run(work, _inject(point, f"error={error}"))


def run(work: Callable[[Callable[[Any], None]], object], options: list[str] | None = None) -> Ended:
    """Run something in a forked child, traced if there are options; it may say JSON-able things as it goes."""
    said_reader, said_writer = os.pipe()
    go_reader, go_writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go_writer)
        _obey(work, go_reader, said_writer)
    os.close(said_writer)
    os.close(go_reader)
    tracer = _attach(child, options) if options is not None else None
    os.write(go_writer, b"go")
    os.close(go_writer)
    with os.fdopen(said_reader) as pipe:
        lines = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    if tracer is not None:
        tracer.wait(ATTACH_SECONDS)
    return _tell(status, lines)


def calls() -> str:
    """Return the mutating calls that this machine has, as strace wants them."""
    return ",".join(f"?{call}" for call in MUTATING)


def _inject(point: Point, what: str) -> list[str]:
    chosen = f"inject={point.call}:{what}:when={point.number}"
    return ["-e", f"trace={point.call}", "-e", chosen, "-o", "/dev/null"]


def _obey(work: Callable[[Callable[[Any], None]], object], go: int, said: int) -> None:
    """Do the work, as the child; never returns."""
    # Where only ancestors may trace: whoever we are, the parent's strace is no ancestor of ours.
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANYBODY, 0, 0, 0)
    signal.alarm(TIMEOUT_SECONDS)
    os.read(go, 2)

    def say(what: Any) -> None:
        os.write(said, (json.dumps(what, default=str) + "\n").encode())

    code = 0
    try:
        say({"last": work(say)})
    except BaseException as error:  # noqa: BLE001 whatever it is, the parent shall know
        say({"failed": traceback.format_exc(), "error": type(error).__name__})
        code = 1
    os._exit(code)


def _attach(child: int, options: list[str]) -> subprocess.Popen[bytes]:
    command = ["strace", "-f", "-qq", *options, "-p", str(child)]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + ATTACH_SECONDS
    while "TracerPid:\t0\n" in Path(f"/proc/{child}/status").read_text():
        if tracer.poll() is not None or time.monotonic() > deadline:
            # It goes on untraced; whoever asked for a kill sees that there was none.
            break
        time.sleep(0.001)
    return tracer


def _tell(status: int, lines: list[str]) -> Ended:
    said: list[dict[str, Any]] = []
    for line in lines:
        try:
            said.append(json.loads(line))
        except ValueError:
            # The kill cut its last word short.
            continue
    failed = next((each for each in said if "failed" in each), {})
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return Ended(killed, tuple(said), failed.get("failed"), failed.get("error"))


def _points(lines: list[str], below: str) -> Iterator[Point]:
    """Yield the calls of interest; where threads share a number, one that wakes another thread is no disk's call."""
    counts: Counter[tuple[str, str]] = Counter()
    targets: dict[Point, list[bool]] = {}
    for line in lines:
        found = LINE.match(line)
        if found is None:
            continue
        counts[found["thread"], found["call"]] += 1
        point = Point(found["call"], counts[found["thread"], found["call"]])
        writes = found["call"] not in {"openat", "open"} or WRITING.search(found["arguments"]) is not None
        targets.setdefault(point, []).append(writes and below in found["arguments"])
    for point, hits in targets.items():
        if any(hits):
            yield replace(point, alone=all(hits))

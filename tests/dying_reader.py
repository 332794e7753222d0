"""A reader's process that dies as the file's content says; takes the place of :mod:`parsers._apart` in its tests."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

import parsers
from parsers import _apart

WHOLE = parsers.read


def read(path: Path, *arguments: Any, **options: Any) -> parsers.Reading:
    """Do what the file says, or read it."""
    word = path.read_bytes()[:20].split(b"\n")[0].decode("latin-1")
    if word in WAYS:
        WAYS[word](path)
    return WHOLE(path, *arguments, **options)


def allocate(_path: Path) -> None:
    """Take more memory than any limit here, in Python's way."""
    np.ones(1 << 40, dtype=np.uint8)


def spin(_path: Path) -> None:
    """Compute without an end."""
    while True:
        pass


def fall_once(path: Path) -> None:
    """Die the first time."""
    mark = Path(os.environ["DYING_MARK"])
    if not mark.exists():
        mark.write_text(path.name)
        os.kill(os.getpid(), signal.SIGKILL)


def fail(_path: Path) -> None:
    """Raise what no reader may."""
    raise KeyError("a defect")


def chatter(_path: Path) -> None:
    """Print where answers go."""
    os.write(1, b"chatter\n")


WAYS = {
    "segfault": lambda _path: ctypes.string_at(0),
    "allocate": allocate,
    "spin": spin,
    "sleep": lambda _path: time.sleep(3600),
    "once": fall_once,
    "fail": fail,
    "chatter": chatter,
}

if __name__ == "__main__":
    parsers.read = read
    _apart.parsers.read = read
    _apart.main()

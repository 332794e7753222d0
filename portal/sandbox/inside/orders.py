"""What the sandbox is told and what it tells: JSON in, frames out.

An order is four bytes of length and JSON. A frame is a letter, four bytes of length and its content: ``R`` ready (the
walls that stand, as JSON), ``A`` a piece of an Arrow stream, ``E`` the end of an answer (JSON), ``D`` the process that
answered is no more (its status and what it took, as JSON).
"""

from __future__ import annotations

import json
import os
import struct
from dataclasses import asdict, dataclass, field
from typing import Any, Final

LENGTH: Final = struct.Struct(">I")
FRAME: Final = struct.Struct(">cI")
READY: Final = b"R"
PIECE: Final = b"A"
END: Final = b"E"
GONE: Final = b"D"
# What a process writes without waiting for the one that reads.
LARGEST: Final = 1 << 24


@dataclass(frozen=True)
class Settings:
    """What a process is told once, at its start.

    Args:
        folder: the share, as the process sees it.
        memory: bytes that DuckDB may take.
        address_space: bytes that the process may map, which is what the system limits.
        files: files that may be open at a time.
        threads: that DuckDB may use.
        landlock: whether the kernel is asked to wall off files.
        change_root: whether the folder becomes the root of all paths, where no other wall hides files.
        locks: whether DuckDB's own locks are set.
        rules: whether a query is looked at before it runs.
    """

    folder: str
    memory: int
    address_space: int
    files: int
    threads: int
    landlock: bool = True
    change_root: bool = False
    locks: bool = True
    rules: bool = True

    def to_json(self) -> str:
        """Write it down for the command line."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Order:
    """One query.

    Args:
        sql: the stranger's text.
        statements: ours, which make what it may read.
        names: relations that it may name.
        seconds: that it may take.
        rows: that its answer may have.
        size: bytes that its answer may have.
    """

    sql: str
    statements: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    seconds: float = 10.0
    rows: int = 1_000_000
    size: int = 64 << 20

    def to_bytes(self) -> bytes:
        """Write it down for the pipe."""
        text = json.dumps(asdict(self)).encode()
        return LENGTH.pack(len(text)) + text


def read_order(pipe: int) -> Order | None:
    """Take one order from a pipe and not a byte more; None at its end."""
    head = read_exactly(pipe, LENGTH.size)
    if head is None:
        return None
    text = read_exactly(pipe, LENGTH.unpack(head)[0])
    return None if text is None else Order(**json.loads(text))


def read_exactly(pipe: int, count: int) -> bytes | None:
    """Return so many bytes, or None where the pipe ends before."""
    parts = []
    while count:
        part = os.read(pipe, min(count, LARGEST))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def write_frame(pipe: int, kind: bytes, content: bytes | dict[str, Any]) -> None:
    """Put one frame into a pipe."""
    held = json.dumps(content).encode() if isinstance(content, dict) else content
    rest = memoryview(FRAME.pack(kind, len(held)) + held)
    while rest:
        rest = rest[os.write(pipe, rest) :]

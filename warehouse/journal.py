"""The journal: every change of the registry, appended to a file beside the archive before it is committed.

The registry can be lost with its disk, or deleted. What was dropped is in the archive and what was read is in Parquet
files, but who owns what, what was decided and which files count is only in the registry; so each of its transactions is
also one line of JSON, durable before the transaction is. Replayed in order onto an empty registry, the lines make it
again. A transaction that failed at its very commit leaves a line that never came true; the next one has the same
number, which is counted in the registry, and takes its place.

Several machines may share an archive, so each writes a file of its own; the numbers put their lines in one order.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from warehouse.files import make_folder, sync_folder

# Who works on what, or is logged in, at the moment means nothing to a registry made again.
LEFT_OUT: Final = frozenset({"worker", "lease", "journal", "access_session"})
CHANGE: Final = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)
FOLDER: Final = "journal"

Change = tuple[str, Any]


class Journal:
    """One machine's part of the journal.

    Args:
        folder: where the journal's files are; made at the first line.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, number: int, changes: list[Change]) -> None:
        """Write one transaction's changes durably.

        Raises:
            OSError: the disk is full or failing; then the transaction must not be committed.
        """
        statements = [{"sql": sql, "values": values} for sql, values in changes]
        record = {"number": number, "at": time.time(), "changes": statements}
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        make_folder(self.folder)
        path = self.folder / f"{_file_stem()}.jsonl"
        new = not path.exists()
        descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o644)
        try:
            _end_cut_line(descriptor)
            _write_whole(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(self.folder)

    def read(self) -> Iterator[tuple[int, list[Change]]]:
        """Yield all machines' transactions in order; a line that a crash cut short was never committed."""
        last: dict[int, dict[str, Any]] = {}
        for path in sorted(self.folder.glob("*.jsonl")):
            # Within a file the later line counts, whatever the clock did between.
            for number, record in {record["number"]: record for record in _read_file(path)}.items():
                if number not in last or last[number]["at"] <= record["at"]:
                    last[number] = record
        for number in sorted(last):
            yield number, [(change["sql"], change["values"]) for change in last[number]["changes"]]

    def is_empty(self) -> bool:
        """Whether nothing was ever written."""
        return not any(self.folder.glob("*.jsonl"))


def changed_table(statement: str) -> str | None:
    """Return the table that a statement changes, or None if it changes none that is journaled."""
    found = CHANGE.match(statement)
    return found[1] if found and found[1] not in LEFT_OUT else None


def _file_stem() -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", socket.gethostname())[:100] or "host"


def _end_cut_line(descriptor: int) -> None:
    """End a line that a crash or a full disk cut short, so that the next one is a line of its own."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        _write_whole(descriptor, b"\n")


def _write_whole(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _read_file(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                # Cut short by a crash: its transaction was not committed.
                continue

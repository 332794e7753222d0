"""What is new in the inboxes: files that are not known as they lie there, once they have come to rest."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.drops import printable
from flows.ingest import Receipt, ingest_file
from warehouse.errors import StoreBusy
from warehouse.home import Home
from warehouse.registry import INBOX_FILE
from warehouse.schema import INBOX_FILE as INBOX_TABLE


@dataclass(frozen=True)
class Look:
    """What a file looked like: its path, size and time of last change."""

    path: str
    size: int
    modified_ns: int


def find_settled(home: Home, wait: Callable[[float], None] = time.sleep) -> list[Look]:
    """Return the new or changed files of all inboxes that did not change while we waited.

    Args:
        home: the platform; its settings name the inboxes and the time to settle.
        wait: sleeps; given by tests.
    """
    known = {row["path"]: row for row in home.registry.frame(INBOX_TABLE).iter_rows(named=True)}
    fresh = [look for look in look_around(home) if not _is_known(look, known.get(printable(Path(look.path))))]
    if not fresh:
        return []
    wait(home.settings.settle_seconds)
    again = {look.path: look for look in look_around(home)}
    return [look for look in fresh if again.get(look.path) == look]


def look_around(home: Home) -> Iterator[Look]:
    """Stat every file below the inboxes; an inbox that is not there at the moment has no files."""
    for inbox in home.settings.inboxes:
        for folder, _, names in os.walk(home.folder / inbox):
            for name in sorted(names):
                path = os.path.join(folder, name)  # noqa: PTH118 a Path per file costs more than the stat
                try:
                    status = os.stat(path)  # noqa: PTH116 the same as above
                except OSError:
                    # It went away between the listing and the look; the next scan sees what is there.
                    continue
                yield Look(path, status.st_size, status.st_mtime_ns)


def take_in(home: Home, looks: list[Look]) -> Iterator[Receipt]:
    """Take in settled files and remember how they looked; one that changes meanwhile is left for the next scan."""
    for look in looks:
        try:
            yield from ingest_file(home, Path(look.path))
        except StoreBusy:
            continue
        row = {
            "path": printable(Path(look.path)),
            "size": look.size,
            "modified_ns": look.modified_ns,
            "taken_unix_second": time.time(),
        }
        with home.registry.write() as connection:
            home.registry.put(connection, INBOX_FILE, row)


def _is_known(look: Look, row: dict[str, object] | None) -> bool:
    return row is not None and (row["size"], row["modified_ns"]) == (look.size, look.modified_ns)

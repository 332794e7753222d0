"""The scrub: a part of all stored bytes is read and hashed again each night, so that silent damage is found.

Which night a file falls on follows from its name alone, so all of them are covered within :data:`ROUND_DAYS` days;
nights that were missed are made up for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from warehouse.files import hash_file
from warehouse.registry import SOURCE_FILE, STORED_FILE
from warehouse.verify import Finding

if TYPE_CHECKING:
    from warehouse.home import Home

ROUND_DAYS: Final = 30


@dataclass(frozen=True)
class Scrub:
    """What one night's scrub read, and what it found."""

    files: int
    size: int
    findings: tuple[Finding, ...]


def scrub(home: Home, day: date, last: date | None) -> Scrub:
    """Hash tonight's part of tables and archive again.

    Args:
        home: the platform.
        day: the night's date.
        last: the date of the last scrub; None where there was none.
    """
    parts = due_parts(day, last)
    files, size, findings = 0, 0, []
    for length, found in (*_scrub_tables(home, parts), *_scrub_archive(home, parts)):
        files, size = files + 1, size + length
        findings += [found] if found is not None else []
    return Scrub(files, size, tuple(findings))


def due_parts(day: date, last: date | None) -> set[int]:
    """Return the numbers of the parts that are due: tonight's, and those of nights that were missed."""
    missed = 1 if last is None else max(min((day - last).days, ROUND_DAYS), 1)
    return {(day.toordinal() - number) % ROUND_DAYS for number in range(missed)}


def part_of(name: str) -> int:
    """Return the part that a file belongs to."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % ROUND_DAYS


def _scrub_tables(home: Home, parts: set[int]) -> Iterator[tuple[int, Finding | None]]:
    columns = (STORED_FILE.c[name] for name in ("path", "sha256", "size", "test_id"))
    for name, sha256, size, test in _choose_due(home, sa.select(*columns).where(STORED_FILE.c.current), parts):
        path = home.store.path_of(name)
        if not path.exists():
            yield 0, Finding("missing", "table", name, test, serious=True)
        elif hash_file(path) != sha256:
            yield size, Finding("damaged", "table", name, test, serious=True)
        else:
            yield size, None


def _scrub_archive(home: Home, parts: set[int]) -> Iterator[tuple[int, Finding | None]]:
    columns = (SOURCE_FILE.c[name] for name in ("sha256", "size", "test_id"))
    for sha256, size, test in _choose_due(home, sa.select(*columns).where(SOURCE_FILE.c.size.is_not(None)), parts):
        if home.archive.is_sound(sha256):
            yield size, None
        else:
            path = home.archive.path_of(sha256).relative_to(home.archive.folder).as_posix()
            kind = "damaged" if home.archive.has(sha256) else "missing"
            yield size, Finding(kind, "archive", path, test, serious=True, sha256=sha256)


def _choose_due(home: Home, listed: sa.Select[Any], parts: set[int]) -> list[sa.Row[Any]]:
    """Return the rows whose name, the first of their columns, falls on some parts."""
    return [row for row in home.registry.tuples(listed) if part_of(row[0]) in parts]

"""Whether what the registry promises is on the disk, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from warehouse.files import TEMPORARY, hash_file
from warehouse.registry import SOURCE_FILE, STORED_FILE, TEST

if TYPE_CHECKING:
    from warehouse.home import Home


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Args:
        kind: ``missing``, ``damaged``, ``unlisted`` or ``unfinished``.
        place: ``table``, ``archive`` or ``registry``.
        path: the file, below its folder.
        test_id: the test that it belongs to, if one.
        serious: whether data is at stake; a leftover of a killed writer is not serious.
    """

    kind: str
    place: str
    path: str
    test_id: str | None
    serious: bool


def check_home(home: Home) -> Iterator[Finding]:
    """Compare every stored file and every archived source with its hash, and the registry with the disk."""
    yield from _check_tables(home)
    yield from _check_archive(home)
    yield from _check_unlisted(home)
    unfinished = sa.select(SOURCE_FILE).where(SOURCE_FILE.c.state == "in_progress")
    for source in home.registry.rows(unfinished):
        yield Finding("unfinished", "registry", source["path"], None, serious=False)


def _check_tables(home: Home) -> Iterator[Finding]:
    for row in home.registry.rows(sa.select(STORED_FILE).where(STORED_FILE.c.current)):
        path = home.store.path_of(row["path"])
        if not path.exists():
            yield Finding("missing", "table", row["path"], row["test_id"], serious=True)
        elif hash_file(path) != row["sha256"]:
            yield Finding("damaged", "table", row["path"], row["test_id"], serious=True)


def _check_archive(home: Home) -> Iterator[Finding]:
    tests = {row["source_sha256"]: row["test_id"] for row in home.registry.rows(sa.select(TEST))}
    for row in home.registry.rows(sa.select(SOURCE_FILE.c.sha256)):
        digest = row["sha256"]
        path = home.archive.path_of(digest)
        if not path.exists():
            yield Finding("missing", "archive", digest, tests.get(digest), serious=True)
        elif hash_file(path) != digest:
            yield Finding("damaged", "archive", digest, tests.get(digest), serious=True)


def _check_unlisted(home: Home) -> Iterator[Finding]:
    listed = {row["path"] for row in home.registry.rows(sa.select(STORED_FILE.c.path))}
    for path in sorted(home.store.folder.rglob("*")):
        below = path.relative_to(home.store.folder).as_posix()
        if path.is_file() and (path.suffix == TEMPORARY or below not in listed):
            yield Finding("unlisted", "table", below, None, serious=False)

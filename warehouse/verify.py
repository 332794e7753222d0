"""Whether what the registry promises is on the disk, byte for byte, and what lies there that it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.files import TEMPORARY, hash_file
from warehouse.publish import name_test
from warehouse.registry import SOURCE_FILE, STORED_FILE, TEST
from warehouse.schema import ANSWERS

if TYPE_CHECKING:
    from warehouse.home import Home

MADE_AT_NIGHT: Final = frozenset({"mart", *(table.name for table in ANSWERS)})


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


def remove_leftovers(home: Home) -> int:
    """Delete what killed writers left; call it only as the home's one writer. Returns how many files.

    An unlisted file goes only where the registry knows its source: a registry that was lost must not take the store
    with it.
    """
    known = {name_test(row["sha256"]) for row in home.registry.rows(sa.select(SOURCE_FILE.c.sha256))}
    known |= {row["test_id"] for row in home.registry.rows(sa.select(TEST.c.test_id))}
    known |= MADE_AT_NIGHT if known else set()
    left = [path for path in _unlisted(home) if path.stem.rpartition("-")[0] in known]
    for path in left:
        path.unlink()
    return len(left) + home.store.remove_temporaries() + home.archive.remove_temporaries()


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
    for path in _unlisted(home):
        yield Finding("unlisted", "table", _below(home, path), None, serious=False)
    for path in sorted(home.archive.folder.rglob(f"*{TEMPORARY}")):
        yield Finding("unlisted", "archive", path.relative_to(home.archive.folder).as_posix(), None, serious=False)


def _unlisted(home: Home) -> list[Path]:
    listed = {row["path"] for row in home.registry.rows(sa.select(STORED_FILE.c.path))}
    files = (path for path in sorted(home.store.folder.rglob("*")) if path.is_file())
    return [path for path in files if _below(home, path) not in listed]


def _below(home: Home, path: Path) -> str:
    return path.relative_to(home.store.folder).as_posix()

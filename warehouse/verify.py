"""Whether what the registry promises is on the disk, byte for byte, and what lies there that it does not know."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.access.audit import verify_audit
from warehouse.archive import Known
from warehouse.errors import QuarantineError, SourceBusy
from warehouse.files import TEMPORARY, hash_file, is_abandoned
from warehouse.publish import name_test
from warehouse.registry import INBOX_FILE, SOURCE_FILE, STORED_FILE, TEST, Row

if TYPE_CHECKING:
    from warehouse.home import Home

log: Final = logging.getLogger("cellar.verify")

# Far beyond any lease: whoever named a file this long ago will not list it any more.
SURELY_LEFT_SECONDS: Final = 86_400.0
# Test, revision, and who wrote it: see `warehouse.parts.name_file`.
FILE_NAME: Final = re.compile(r"(?P<test>.+)-r\d+(-(?P<owner>[0-9a-f]+)-\d+)?")


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Args:
        kind: ``missing``, ``damaged``, ``unlisted`` or ``unfinished``.
        place: ``table``, ``archive`` or ``registry``.
        path: the file, below its folder.
        test_id: the test that it belongs to, if one.
        serious: whether data is at stake; a leftover of a killed writer is not serious.
        sha256: the source that cannot be had, where the file is of the archive; many may be told by one file.
    """

    kind: str
    place: str
    path: str
    test_id: str | None
    serious: bool
    sha256: str | None = None


def check_home(home: Home) -> Iterator[Finding]:
    """Compare every stored file and every archived source with its hash, and the registry with the disk."""
    yield from check_tables(home)
    yield from _check_archive(home)
    yield from _check_unlisted(home)
    unfinished = sa.select(SOURCE_FILE).where(SOURCE_FILE.c.state == "in_progress")
    for source in home.registry.rows(unfinished):
        yield Finding("unfinished", "registry", source["path"], None, serious=False)
    broken_at = verify_audit(home).broken_at
    if broken_at is not None:
        yield Finding("damaged", "registry", f"row {broken_at} of the audit log", None, serious=True)


def heal_archive(home: Home, findings: Collection[Finding]) -> list[str]:
    """Write damaged sources anew from files that still have their bytes. Returns which are sound again.

    A file that has grown since begins with the bytes of its earlier versions, be it in an inbox or in the archive.
    """
    broken = (finding for finding in findings if finding.place == "archive" and finding.serious)
    hashes = {finding.sha256 for finding in broken if finding.sha256}
    sources = _sources(home)
    damaged = [Known(row["sha256"], row["size"]) for row in sources if row["sha256"] in hashes]
    heads = {row["head_sha256"] for row in sources if row["sha256"] in hashes} - {None}
    kin = hashes | {row["sha256"] for row in sources if row["head_sha256"] in heads}
    paths = [Path(row["path"]) for row in home.registry.rows(sa.select(INBOX_FILE)) if row["sha256"] in kin]
    paths += [path for sha256 in sorted(kin - hashes) if (path := home.archive.path_of(sha256)).exists()]
    for path in paths:
        try:
            home.archive.heal(path, str(path), damaged)
        except (SourceBusy, QuarantineError) as error:
            log.info("%s heals nothing: %s", path, error)
    return sorted(sha256 for sha256 in hashes if home.archive.is_sound(sha256))


def remove_leftovers(home: Home) -> int:
    """Delete what killed writers left, and nothing that a living one may be about to list. Returns how many files.

    An unlisted file goes only where the registry knows its source: a registry that was lost must not take the store
    with it.
    """
    present = _list_present(home)
    # Asked in this order, whoever wrote one of these files still lives, or else has listed it.
    living = home.leases.living()
    unlisted = _unlisted(home, present)
    known = _known_tests(home) if unlisted else set()
    left = [path for path in unlisted if is_abandoned(path, living)]
    left += [path for path in unlisted if known and _is_left(path, known, living - {home.owner})]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left) + home.archive.remove_temporaries(living)


def _known_tests(home: Home) -> set[str]:
    """Return the names of all tests that there are, or that a source may become."""
    sources = home.registry.tuples(sa.select(SOURCE_FILE.c.sha256))
    tests = home.registry.tuples(sa.select(TEST.c.test_id))
    return {name_test(sha256) for (sha256,) in sources} | {name for (name,) in tests}


def _is_left(path: Path, known: set[str], others: Collection[str]) -> bool:
    """Say whether an unlisted file is of a known test, or made at night, and of no other writer that lives."""
    named = FILE_NAME.fullmatch(path.stem)
    # The second test that is named after the same bytes has a number at its end.
    if named is not None and not known.isdisjoint({named["test"], named["test"].rpartition("-")[0]}):
        return not any(named["owner"] and other.startswith(named["owner"]) for other in others)
    # Files of the night tell no writer; one that is this old will not be listed any more.
    made_at_night = path.stem.rpartition("-")[0] in {"mart", path.parent.name}
    return made_at_night and (not others or time.time() - path.stat().st_mtime > SURELY_LEFT_SECONDS)


def check_tables(home: Home, firm: str | None = None) -> Iterator[Finding]:
    """Compare the stored files that readers open, of all firms or of one, with their hashes."""
    mine = () if firm is None else (STORED_FILE.c.firm == firm,)
    for row in home.registry.rows(sa.select(STORED_FILE).where(STORED_FILE.c.current, *mine)):
        path = home.store.path_of(row["path"])
        if not path.exists():
            yield Finding("missing", "table", row["path"], row["test_id"], serious=True)
        elif hash_file(path) != row["sha256"]:
            yield Finding("damaged", "table", row["path"], row["test_id"], serious=True)


def _check_archive(home: Home) -> Iterator[Finding]:
    tests = {row["source_sha256"]: row["test_id"] for row in home.registry.rows(sa.select(TEST))}
    for damage in home.archive.check(row["sha256"] for row in _sources(home)):
        path = damage.path.relative_to(home.archive.folder).as_posix()
        yield Finding(damage.kind, "archive", path, tests.get(damage.sha256), serious=True, sha256=damage.sha256)


def _sources(home: Home) -> list[Row]:
    """Return hash, size and head of every content that was taken; a drop that could not be read has no size."""
    taken = sa.select(SOURCE_FILE.c.sha256, SOURCE_FILE.c.size, SOURCE_FILE.c.head_sha256)
    return home.registry.rows(taken.where(SOURCE_FILE.c.size.is_not(None)))


def _check_unlisted(home: Home) -> Iterator[Finding]:
    for path in _unlisted(home, _list_present(home)):
        yield Finding("unlisted", "table", _below(home, path), None, serious=False)
    known = {row["sha256"] for row in _sources(home)}
    for sha256 in home.archive.contents():
        if sha256 not in known:
            path = home.archive.path_of(sha256).relative_to(home.archive.folder)
            yield Finding("unlisted", "archive", path.as_posix(), None, serious=False, sha256=sha256)
    for path in sorted(home.archive.folder.rglob(f"*{TEMPORARY}")):
        yield Finding("unlisted", "archive", path.relative_to(home.archive.folder).as_posix(), None, serious=False)


def _list_present(home: Home) -> set[str]:
    """Return the files of the store, below its folder."""
    found: set[str] = set()
    # Paths as texts: a night looks at tens of thousands of files, of which hardly one is not listed.
    store = os.path.join(home.store.folder, "")  # noqa: PTH118 ends in a separator, which no path does
    for folder, _, names in os.walk(store):
        below = os.path.join(folder, "").removeprefix(store).replace(os.sep, "/")  # noqa: PTH118 likewise
        found.update(below + name for name in names)
    return found


def _unlisted(home: Home, present: set[str]) -> list[Path]:
    """Return those of the store's files that are not listed."""
    listed = {path for (path,) in home.registry.tuples(sa.select(STORED_FILE.c.path))}
    return [home.store.folder / path for path in sorted(present - listed)]


def _below(home: Home, path: Path) -> str:
    return path.relative_to(home.store.folder).as_posix()

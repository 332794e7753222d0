"""What a source is to those before it: a continuation, an older version, a replacement, the same run again, or new.

Bytes come first, then what the file says of itself, then where it lay (``docs/reliability.md``). A name is a label: it
never makes two tests one when the files say that they are two.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

import parsers
from warehouse.archive import HEAD_BYTES, Known
from warehouse.errors import QuarantineError, SourceBusy
from warehouse.foreign import open_foreign
from warehouse.registry import RECEIPT, SOURCE_FILE, TEST, Row
from warehouse.sources import find_source

if TYPE_CHECKING:
    from flows.drops import Drop
    from warehouse.archive import Capture
    from warehouse.home import Home
    from warehouse.publish import Incoming, Owner

MOST_CANDIDATES: Final = 500
# Clocks are written to the second, or to the millisecond, by different exports of one run.
SAME_START_SECONDS: Final = 1.0
HOLDING: Final = ("committed", "superseded", "unchanged")
CURRENT: Final = ("committed", "unchanged")


@dataclass(frozen=True)
class Predecessor:
    """The version before this one.

    Args:
        source: its row in the ledger.
        test: the test that its rows are in, if any.
        grown: whether its bytes are the first bytes of the new version.
    """

    source: Row
    test: Row | None
    grown: bool

    @property
    def is_current(self) -> bool:
        """Whether its test still shows the rows of this version: a later one makes it superseded."""
        return self.test is not None and self.source["state"] in CURRENT


def find_candidates(home: Home, path: Path, shown: str) -> list[Known]:
    """Return the contents that a dropped file may be a later version of: the one at its path first.

    Others begin with the same bytes, wherever they lay.
    """
    before = find_at_path(home, shown)
    head = _hash_head(path, shown)
    alike = sa.select(SOURCE_FILE.c.sha256, SOURCE_FILE.c.size).where(SOURCE_FILE.c.head_sha256 == head)
    newest = alike.order_by(SOURCE_FILE.c.first_seen_unix_second.desc()).limit(MOST_CANDIDATES)
    found = [Known(row["sha256"], row["size"]) for row in home.registry.rows(newest)] if head else []
    first = [Known(before["sha256"], before["size"])] if before else []
    return first + [known for known in found if known not in first]


def find_at_path(home: Home, shown: str) -> Row | None:
    """Return the content that was last taken from a path, or None."""
    taken = sa.select(RECEIPT.c.sha256).where(RECEIPT.c.path == shown, RECEIPT.c.sha256 != "")
    newest = home.registry.rows(taken.order_by(RECEIPT.c.receipt_id.desc()).limit(1))
    return find_source(home, newest[0]["sha256"]) if newest else None


def keep_lost(home: Home, drop: Drop) -> None:
    """Add to a packed folder what its tester has overwritten since the version that lay at its path before.

    Raises:
        QuarantineError: the packed folder cannot be read.
    """
    before = find_at_path(home, drop.shown)
    if before is None or before["test_id"] is None or before["format"] is None:
        return
    with home.archive.materialise(before["sha256"]) as path:
        parsers.pack_lost(path, drop.path, before["format"])


def has_come_back(home: Home, known: Row, captured: Capture, shown: str, firm: str | None) -> bool:
    """Say whether known bytes lie again where the version that counts had taken their place: they count again."""
    at_path = find_at_path(home, shown)
    if known["state"] != "superseded" or at_path is None or at_path["state"] not in CURRENT:
        return False
    return at_path["test_id"] == known["test_id"] and find_later_version(home, captured, firm) is None


def find_predecessor(home: Home, captured: Capture, shown: str) -> Predecessor | None:
    """Return the version that a captured content continues, else the one that lay at its path before, else None.

    One that gave no rows is passed over: a file that was refused, or empty for a while, is the same file afterwards.
    """
    source = find_source(home, captured.base) if captured.grown and captured.base else find_at_path(home, shown)
    if source is None or source["sha256"] == captured.sha256:
        return None
    grown = captured.grown and source["sha256"] == captured.base
    if source["test_id"] is None and (held := _find_held(home, captured, shown)) is not None:
        source, grown = held, _begins_with(home, captured, held)
    test = home.registry.row(TEST, test_id=source["test_id"]) if source["test_id"] else None
    return Predecessor(source, test, grown)


def find_later_version(home: Home, captured: Capture, firm: str | None) -> Row | None:
    """Return a content that begins with these very bytes, goes on, and was taken in; or None.

    Args:
        home: the platform.
        captured: the bytes.
        firm: whose they are, where that is known: another firm's later version is nothing to it.
    """
    longer = (
        sa.select(SOURCE_FILE)
        .join(TEST, TEST.c.test_id == SOURCE_FILE.c.test_id)
        .where(
            SOURCE_FILE.c.head_sha256 == captured.head_sha256,
            SOURCE_FILE.c.size > captured.size,
            SOURCE_FILE.c.state.in_(HOLDING),
        )
    )
    if firm is not None:
        longer = longer.where(sa.or_(TEST.c.firm.is_(None), TEST.c.firm == firm))
    if captured.size < HEAD_BYTES:
        # The head of a file shorter than that is the whole file, so that no longer one shares its hash.
        return None
    for source in home.registry.rows(longer.order_by(SOURCE_FILE.c.size.desc()).limit(MOST_CANDIDATES)):
        if home.archive.hash_prefix(source["sha256"], captured.size) == captured.sha256:
            return source
    return None


def find_same_run(home: Home, incoming: Incoming, owner: Owner) -> Row | None:
    """Return the test of the same channel, start and kind: one run of an instrument, downloaded twice; or None.

    Only files that name their channel and their wall clock can tell. The binary file and the text export of a run count
    as one where both are of one cell, whose cycles would otherwise count twice.
    """
    start = incoming.first_clock
    if incoming.channel is None or start is None:
        return None
    near = TEST.c.first_unix_second.between(start - SAME_START_SECONDS, start + SAME_START_SECONDS)
    same = sa.select(TEST).where(TEST.c.channel == incoming.channel, TEST.c.kind == incoming.kind, near)
    found = home.registry.rows(same.order_by(TEST.c.rows.desc()))
    return next((test for test in found if _may_be_one(test, incoming, owner)), None)


def is_open_to(test: Row, owner: Owner) -> bool:
    """Say whether rows for an owner may go into a test: two firms never share one."""
    return owner.firm is None or test["firm"] in {None, owner.firm}


def contradicts(test: Row, incoming: Incoming) -> bool:
    """Say whether what two files say of themselves makes them two runs: another channel, or another start."""
    start, before = incoming.first_clock, test["first_unix_second"]
    if start is not None and before is not None and abs(start - before) > SAME_START_SECONDS:
        return True
    return bool(None not in {incoming.channel, test["channel"]} and incoming.channel != test["channel"])


def _find_held(home: Home, captured: Capture, shown: str) -> Row | None:
    """Return the longest content with rows that a captured one begins with, else the last one at its path, or None."""
    held = SOURCE_FILE.c.test_id.is_not(None), SOURCE_FILE.c.sha256 != captured.sha256
    shorter = sa.select(SOURCE_FILE).where(*held, SOURCE_FILE.c.head_sha256 == captured.head_sha256)
    shorter = shorter.where(SOURCE_FILE.c.size < captured.size).order_by(SOURCE_FILE.c.size.desc())
    for source in home.registry.rows(shorter.limit(MOST_CANDIDATES)):
        if _begins_with(home, captured, source):
            return source
    lay = sa.select(SOURCE_FILE).join(RECEIPT, RECEIPT.c.sha256 == SOURCE_FILE.c.sha256).where(*held)
    newest = home.registry.rows(lay.where(RECEIPT.c.path == shown).order_by(RECEIPT.c.receipt_id.desc()).limit(1))
    return newest[0] if newest else None


def _begins_with(home: Home, captured: Capture, source: Row) -> bool:
    shorter: bool = source["size"] < captured.size
    return shorter and home.archive.hash_prefix(captured.sha256, source["size"]) == source["sha256"]


def _may_be_one(test: Row, incoming: Incoming, owner: Owner) -> bool:
    """Say whether nothing in the files tells the runs apart: linked techniques of one start differ in name."""
    if not is_open_to(test, owner):
        return False
    same_cell = owner.cell_id is not None and (test["firm"], test["cell_id"]) == (owner.firm, owner.cell_id)
    if test["format"] != incoming.format and not same_cell:
        return False
    about = json.loads(test["about"])
    told = ("technique", "test_name", "schedule", "sample")
    return all(about.get(key) == incoming.about.get(key) for key in told if key in about and key in incoming.about)


def _hash_head(path: Path, shown: str) -> str | None:
    try:
        with open_foreign(path, shown) as file:
            return hashlib.sha256(file.read(0, HEAD_BYTES)).hexdigest()
    except (QuarantineError, SourceBusy):
        # The capture that follows says what is wrong with it.
        return None

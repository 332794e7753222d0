"""What follows from a manifest once it is in the registry: tests that go to their cells, tests derived again.

None of it is in the manifest's transaction, and each step can be done twice: the same manifest imported once more makes
up for what a killed import left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from warehouse.identity import move_test, move_waiting, rederive_changed, rederive_test
from warehouse.manifest_kinds import ASSIGNMENTS, CELLS
from warehouse.manifest_ledger import Change, list_changes
from warehouse.manifest_rows import Fact
from warehouse.manifest_sentences import explain_notice
from warehouse.owners import find_assignment
from warehouse.publish import Owner
from warehouse.registry import ASSIGNMENT, CELL, MANIFEST_CHANGE, MANIFEST_VERSION, TEST, Row

if TYPE_CHECKING:
    from warehouse.home import Home
    from warehouse.manifest_receipt import ManifestReceipt


def follow_up(home: Home, receipt: ManifestReceipt, facts: Sequence[Fact]) -> ManifestReceipt:
    """Move and derive again what a manifest changes, and tell it in its receipt.

    Args:
        home: the platform.
        receipt: what became of the manifest so far.
        facts: every row of it that can be read, whether it was taken now or before.
    """
    # Known bytes change nothing now; what they changed then may be waiting still.
    of_version = MANIFEST_CHANGE.c.version == receipt.version
    changes = receipt.changes or list_changes(home.registry, of_version)
    moved = _move_waiting(home, facts)
    corrected, left = _move_corrected(home, changes)
    rederived = (*_rederive_unsaid(home, receipt.changes), *rederive_changed(home))
    notices = (("left_over", ", ".join(left)),) if left else ()
    more = replace(receipt, moved=(*moved, *corrected), rederived=rederived, notices=(*receipt.notices, *notices))
    if more != receipt:
        _record(home, more, notices)
    return more


def _move_waiting(home: Home, facts: Iterable[Fact]) -> list[str]:
    """Give tests without a cell to the cells that the manifest's assignments name and the registry holds."""
    moved = []
    for fact in facts:
        if fact.kind is ASSIGNMENTS:
            row = home.registry.row(ASSIGNMENT, **dict(zip(fact.kind.key, fact.key, strict=True)))
            moved += move_waiting(home, row) if row is not None else []
    return list(dict.fromkeys(moved))


def _move_corrected(home: Home, changes: Iterable[Change]) -> tuple[list[str], list[str]]:
    """Move the tests that an assignment gave to a cell, and that its correction gives to another of the firm.

    Returns:
        The tests that moved, and those that no assignment names any more; they stay.
    """
    moved, left = [], []
    for change in changes:
        cell_id = _cell_before(home, change) if change.table == ASSIGNMENT.name and not change.made else None
        for test in _tests_of(home, change.firm, cell_id, str(change.key[0])) if cell_id is not None else ():
            held = find_assignment(home, test["channel"], test["first_unix_second"])
            # A correction moves tests within their firm; whose they are is not for a manifest to change.
            if held is None or held["firm"] != test["firm"]:
                left.append(str(test["test_id"]))
            elif held["cell_id"] != test["cell_id"]:
                move_test(home, test, Owner(held["firm"], held["cell_id"], "assignment"))
                moved.append(str(test["test_id"]))
    return moved, sorted(set(left) - set(moved))


def _cell_before(home: Home, change: Change) -> str | None:
    """Return the cell that a changed assignment named before."""
    if not change.column:
        return str(change.before["cell_id"])
    if change.column == "cell_id":
        return str(change.before)
    row = home.registry.row(ASSIGNMENT, channel=change.key[0], from_unix_second=change.key[1])
    return str(row["cell_id"]) if row is not None and change.column == "to_unix_second" else None


def _tests_of(home: Home, firm: str, cell_id: str, channel: str) -> list[Row]:
    conditions = TEST.c.firm == firm, TEST.c.cell_id == cell_id, TEST.c.channel == channel
    return home.registry.rows(sa.select(TEST).where(*conditions, TEST.c.assigned_by == "assignment"))


def _rederive_unsaid(home: Home, changes: Iterable[Change]) -> list[str]:
    """Derive tests again whose cell's convention was withdrawn: it is found from their steps as if never said."""
    found = []
    for change in changes:
        if change.table == CELLS.table.name and change.column == "convention" and change.after is None:
            cell = dict(zip((name for name in CELLS.key if name != "firm"), change.key, strict=True))
            of_cell = TEST.c.firm == change.firm, TEST.c.cell_id == cell[CELL.c.cell_id.name]
            found += [str(row["test_id"]) for row in home.registry.rows(sa.select(TEST.c.test_id).where(*of_cell))]
    for test_id in found:
        rederive_test(home, test_id)
    return found


def _record(home: Home, receipt: ManifestReceipt, notices: Iterable[tuple[str, str]]) -> None:
    """Write what followed into the version's record, beside what followed before."""
    with home.registry.write() as connection:
        mine = MANIFEST_VERSION.c.version == receipt.version
        record = json.loads(connection.execute(sa.select(MANIFEST_VERSION.c.record).where(mine)).scalar() or "{}")
        for name in ("moved", "rederived"):
            record[name] = list(dict.fromkeys((*record.get(name, ()), *getattr(receipt, name))))
        record["notices"] = [*record.get("notices", ()), *(explain_notice(code, found) for code, found in notices)]
        text = json.dumps(record, ensure_ascii=False)
        connection.execute(sa.update(MANIFEST_VERSION).where(mine).values(record=text))

"""Firms, cells and assignments: who owns a test, and by which rule that was found."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.errors import UsageError
from warehouse.links import relink_test
from warehouse.marts import invalidate_answers
from warehouse.owners import find_assignment, normalise
from warehouse.publish import Owner, Prepared, owner_of, prepare_rederived, revise_test
from warehouse.registry import ASSIGNMENT, CELL, FIRM, TEST, Row

if TYPE_CHECKING:
    from warehouse.home import Home

FIRM_CODE: Final = re.compile(r"[A-Za-z0-9가-힣][A-Za-z0-9가-힣._-]{0,39}")


def add_firm(home: Home, code: str, name: str | None = None) -> bool:
    """Add a firm, or give a known one another name.

    Returns:
        Whether the firm is new.

    Raises:
        UsageError: the code cannot be a folder's name.
    """
    if not FIRM_CODE.fullmatch(code):
        raise UsageError(f"{code!r} cannot be a firm's code: letters, digits, '.', '_' and '-', at most 40")
    known = home.registry.row(FIRM, code=code)
    row = {
        "code": code,
        "name": name or code,
        "created_unix_second": known["created_unix_second"] if known else time.time(),
    }
    if known is None or name is not None:
        with home.registry.write() as connection:
            home.registry.put(connection, FIRM, row)
    return known is None


def list_firms(home: Home) -> list[Row]:
    """Return all firms, by their code."""
    return home.registry.rows(sa.select(FIRM).order_by(FIRM.c.code))


def find_firms(home: Home, cell_id: str) -> list[str]:
    """Return the firms that have a cell of this name."""
    query = sa.select(CELL.c.firm).where(CELL.c.cell_id == cell_id).order_by(CELL.c.firm)
    return [row["firm"] for row in home.registry.rows(query)]


def ensure_owner(home: Home, firm: str | None, cell_id: str | None) -> tuple[Owner, list[str]]:
    """Return the owner that a user named, adding a firm or cell that was not known.

    Returns:
        The owner, and a warning for each thing that was added.

    Raises:
        UsageError: a cell is named without a firm and none, or more than one, firm has it.
    """
    firm, cell_id = (name if name is None else normalise(name) for name in (firm, cell_id))
    if cell_id is not None and firm is None:
        firm = find_cell(home, cell_id)["firm"]
    warnings = []
    if firm is not None and home.registry.row(FIRM, code=firm) is None:
        add_firm(home, firm)
        warnings.append(f"firm {firm} was not known and has been added")
    if firm is not None and cell_id is not None and home.registry.row(CELL, firm=firm, cell_id=cell_id) is None:
        put_cells(home, [{"firm": firm, "cell_id": cell_id}])
        warnings.append(f"cell {cell_id} of {firm} was not known and has been added; import its manifest")
    return Owner(firm, cell_id, "option" if firm else None), warnings


def find_cell(home: Home, cell_id: str, firm: str | None = None) -> Row:
    """Return the one cell with this name.

    Raises:
        UsageError: no firm has it, or more than one has and none is named.
    """
    cell_id, firm = normalise(cell_id), firm and normalise(firm)
    conditions = [CELL.c.cell_id == cell_id] + ([CELL.c.firm == firm] if firm else [])
    found = home.registry.rows(sa.select(CELL).where(*conditions))
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"there is no cell {cell_id!r}" + (f" of firm {firm}" if firm else "; name its firm with --firm")
        )
    raise UsageError(f"{len(found)} firms have a cell {cell_id!r}: name the firm with --firm")


def put_cells(home: Home, rows: Sequence[Row]) -> None:
    """Insert cells, or change known ones in the columns that a row names; what it does not name stays."""
    now = time.time()
    with home.registry.write() as connection:
        for row in rows:
            home.registry.put(connection, CELL, {**row, "updated_unix_second": now})
        for firm in sorted({str(row["firm"]) for row in rows}):
            invalidate_answers(connection, firm)


def assign_test(home: Home, test_id: str, cell: Row) -> Prepared:
    """Give a test to a cell: its rows move to the firm's folder and are derived by the cell's convention.

    Raises:
        UsageError: there is no such test.
    """
    return move_test(home, {"test_id": test_id}, Owner(cell["firm"], cell["cell_id"], "assignment"))


def move_test(home: Home, test: Row, owner: Owner) -> Prepared:
    """Store a test again under another owner, in one step for every reader."""
    moved = revise_test(home, test["test_id"], lambda current: prepare_rederived(home, current, owner))
    relink_test(home, test["test_id"])
    return moved


def assign_channel(home: Home, channel: str, cell: Row, begin: float, end: float | None) -> list[str]:
    """Say that a channel holds a cell from ``begin`` (inclusive) to ``end`` (exclusive, None while it lasts).

    Said again with another end, it holds until then.

    Returns:
        The tests of that channel and time without a cell, and without a firm or of the cell's; they are its now.

    Raises:
        UsageError: the interval is empty or overlaps another assignment of the channel.
    """
    if end is not None and end <= begin:
        raise UsageError(f"channel {channel} cannot hold {cell['cell_id']} until before it begins to")
    row = {
        "channel": channel,
        "firm": cell["firm"],
        "cell_id": cell["cell_id"],
        "from_unix_second": begin,
        "to_unix_second": end,
    }
    with home.registry.write() as connection:
        _refuse_overlap(connection, row)
        home.registry.put(connection, ASSIGNMENT, row)
    return move_waiting(home, row)


def move_waiting(home: Home, assignment: Row) -> list[str]:
    """Give an assignment's cell the tests of its channel and time that have no cell, and no firm or the cell's.

    Returns:
        The tests that are its now.
    """
    channel, firm, cell_id = assignment["channel"], assignment["firm"], assignment["cell_id"]
    takeable = sa.or_(TEST.c.firm.is_(None), sa.and_(TEST.c.firm == firm, TEST.c.cell_id.is_(None)))
    moved = []
    for test in home.registry.rows(sa.select(TEST).where(TEST.c.channel == channel, takeable)):
        holds = find_assignment(home, channel, test["first_unix_second"])
        if holds is not None and (holds["firm"], holds["cell_id"]) == (firm, cell_id):
            move_test(home, test, Owner(firm, cell_id, "assignment"))
            moved.append(test["test_id"])
    return moved


def _refuse_overlap(connection: sa.Connection, row: Row) -> None:
    begin, end = row["from_unix_second"], row["to_unix_second"]
    same = sa.select(ASSIGNMENT).where(ASSIGNMENT.c.channel == row["channel"])
    for other in connection.execute(same).mappings():
        if all(other[name] == row[name] for name in ("firm", "cell_id", "from_unix_second")):
            continue
        other_end = other["to_unix_second"]
        if (other_end is None or begin < other_end) and (end is None or other["from_unix_second"] < end):
            held = f"{other['cell_id']} of {other['firm']}"
            raise UsageError(f"channel {row['channel']} already holds {held} in that time")


def rederive_changed(home: Home) -> list[str]:
    """Derive every test again whose cell now has another convention. Returns their names."""
    same_cell = sa.and_(CELL.c.firm == TEST.c.firm, CELL.c.cell_id == TEST.c.cell_id)
    # A cell without a convention compares as unknown, and its tests stay as they are.
    other = sa.select(TEST.c.test_id).join(CELL, same_cell).where(CELL.c.convention != TEST.c.convention)
    changed = [str(row["test_id"]) for row in home.registry.rows(other.order_by(TEST.c.test_id))]
    for test_id in changed:
        rederive_test(home, test_id)
    return changed


def rederive_outdated(home: Home) -> list[str]:
    """Derive every test again whose firm's recipe says otherwise by now. Returns their names."""
    made = home.registry.tuples(sa.select(TEST.c.firm, TEST.c.derived_by).distinct())
    otherwise = {(firm, by) for firm, by in made if by != home.recipe_of(firm).derivation_hash}
    if not otherwise:
        return []
    tests = home.registry.tuples(sa.select(TEST.c.test_id, TEST.c.firm, TEST.c.derived_by).order_by(TEST.c.test_id))
    outdated = [test_id for test_id, firm, by in tests if (firm, by) in otherwise]
    for test_id in outdated:
        rederive_test(home, test_id)
    return outdated


def rederive_test(home: Home, test_id: str) -> Prepared:
    """Derive a test again by what its cell's manifest says now; whoever moved it meanwhile is not undone."""
    return revise_test(home, test_id, lambda current: prepare_rederived(home, current, owner_of(current)))

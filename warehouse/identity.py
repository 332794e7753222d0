"""Firms, cells and assignments: who owns a test, and by which rule that was found."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from warehouse.errors import UsageError
from warehouse.publish import Owner, Prepared, commit_prepared, convention_of, invalidate_answers, prepare_rederived
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


def ensure_owner(home: Home, firm: str | None, cell_id: str | None) -> tuple[Owner, list[str]]:
    """Return the owner that a user named, adding a firm or cell that was not known.

    Returns:
        The owner, and a warning for each thing that was added.

    Raises:
        UsageError: a cell is named without a firm and none, or more than one, firm has it.
    """
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
    """Insert or replace cells; columns that a row lacks become null."""
    now = time.time()
    complete = [
        {**{column.name: row.get(column.name) for column in CELL.columns}, "updated_unix_second": now} for row in rows
    ]
    # A night that runs meanwhile must not store answers from the cells as they were.
    with home.writing(), home.registry.write() as connection:
        home.registry.put(connection, CELL, complete)
        for firm in {str(row["firm"]) for row in complete}:
            invalidate_answers(connection, firm)


def resolve_owner(home: Home, wish: Owner, channel: object, when: float | None, folders: Sequence[str]) -> Owner:
    """Find whose a source is: what the user named, else the channel's assignment, else its folders.

    Args:
        home: the platform.
        wish: what the user named, if anything.
        channel: cycler and channel as the file names it.
        when: wall clock of the first record, UTC; assignments hold over times.
        folders: names of the folders that the file lay in, outermost first.
    """
    if wish.firm is not None:
        return wish
    if channel is not None and (held := _assigned(home, str(channel), when)):
        return Owner(held["firm"], held["cell_id"], "assignment")
    # A Mac writes Hangul in pieces, and means the same.
    folders = [unicodedata.normalize("NFC", folder) for folder in folders]
    firms = {row["code"] for row in home.registry.rows(sa.select(FIRM.c.code).where(FIRM.c.code.in_(folders)))}
    depth = max((depth for depth, folder in enumerate(folders) if folder in firms), default=None)
    if depth is None:
        return Owner()
    cell_id = next(iter(folders[depth + 1 :]), None)
    known = cell_id is not None and home.registry.row(CELL, firm=folders[depth], cell_id=cell_id) is not None
    return Owner(folders[depth], cell_id if known else None, "folder")


def _assigned(home: Home, channel: str, when: float | None) -> Row | None:
    moment = when if when is not None else time.time()
    found = home.registry.rows(
        sa.select(ASSIGNMENT).where(
            ASSIGNMENT.c.channel == channel,
            ASSIGNMENT.c.from_unix_second <= moment,
            sa.or_(ASSIGNMENT.c.to_unix_second.is_(None), ASSIGNMENT.c.to_unix_second > moment),
        )
    )
    return found[0] if found else None


def assign_test(home: Home, test_id: str, cell: Row) -> Prepared:
    """Give a test to a cell: its rows move to the firm's folder and are derived by the cell's convention."""
    test = home.registry.row(TEST, test_id=test_id)
    if test is None:
        raise UsageError(f"there is no test {test_id!r}")
    return move_test(home, test, Owner(cell["firm"], cell["cell_id"], "assignment"))


def move_test(home: Home, test: Row, owner: Owner) -> Prepared:
    """Store a test again under another owner or convention, in one step for every reader."""
    with home.writing():
        # Another may have moved it while we waited for our turn.
        test = home.registry.row(TEST, test_id=test["test_id"]) or test
        prepared = prepare_rederived(home, test, owner)
        with home.registry.write() as connection:
            commit_prepared(home, connection, prepared)
    return prepared


def assign_channel(home: Home, channel: str, cell: Row, begin: float, end: float | None) -> list[str]:
    """Say that a channel holds a cell from ``begin`` (inclusive) to ``end`` (exclusive, None while it lasts).

    Returns:
        The tests of that channel and time without a cell, and without a firm or of the cell's; they are its now.

    Raises:
        UsageError: the interval is empty or overlaps another assignment of the channel.
    """
    if end is not None and end <= begin:
        raise UsageError(f"channel {channel} cannot hold {cell['cell_id']} until before it begins to")
    with home.writing():
        return _assign_free_channel(home, channel, cell, begin, end)


def _assign_free_channel(home: Home, channel: str, cell: Row, begin: float, end: float | None) -> list[str]:
    same = sa.select(ASSIGNMENT).where(ASSIGNMENT.c.channel == channel)
    for other in home.registry.rows(same):
        other_end = other["to_unix_second"]
        if (other_end is None or begin < other_end) and (end is None or other["from_unix_second"] < end):
            raise UsageError(f"channel {channel} already holds {other['cell_id']} of {other['firm']} in that time")
    row = {
        "channel": channel,
        "firm": cell["firm"],
        "cell_id": cell["cell_id"],
        "from_unix_second": begin,
        "to_unix_second": end,
    }
    with home.registry.write() as connection:
        home.registry.put(connection, ASSIGNMENT, row)
    takeable = sa.or_(TEST.c.firm.is_(None), sa.and_(TEST.c.firm == cell["firm"], TEST.c.cell_id.is_(None)))
    waiting = home.registry.rows(sa.select(TEST).where(TEST.c.channel == channel, takeable))
    owner = Owner(cell["firm"], cell["cell_id"], "assignment")
    held = [
        test
        for test in waiting
        if begin <= (test["first_unix_second"] or begin) and (end is None or (test["first_unix_second"] or begin) < end)
    ]
    for test in held:
        move_test(home, test, owner)
    return [test["test_id"] for test in held]


def rederive_changed(home: Home) -> list[str]:
    """Derive every test again whose cell now has another convention. Returns their names."""
    changed = []
    for test in home.registry.rows(sa.select(TEST).where(TEST.c.cell_id.is_not(None))):
        owner = Owner(test["firm"], test["cell_id"], test["assigned_by"])
        wanted = convention_of(home, owner)
        if wanted is not None and wanted != test["convention"]:
            move_test(home, test, owner)
            changed.append(test["test_id"])
    return changed

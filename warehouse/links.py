"""Links between tests in the registry: made when a test is committed, in its transaction, on either side of it.

A test may come before or after the one that it continues, and may grow. So whatever is near it is judged again: the
tests that end where it begins, and those that begin where it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from warehouse.chains import CLOCK_SECONDS, TIME_GAP_SECONDS, End, judge, offset_after, read_ends
from warehouse.marts import invalidate_answers
from warehouse.parts import read_stored
from warehouse.registry import TEST, TEST_END, Row
from warehouse.schema import MEASUREMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from warehouse.home import Home

# The tests before one on its channel that it may continue.
NEAREST: Final = 5
LINK: Final = ("continues", "linked_by", "chain", "part", "chain_offset_second", "chain_unix_second")
UNLINKED: Final[Row] = dict.fromkeys(LINK)
BOTH: Final = (*TEST.columns, *(column for column in TEST_END.columns if column.name != "test_id"))


@dataclass(frozen=True)
class _Near:
    """How to find tests beside one: the condition, and which come first."""

    condition: sa.ColumnElement[bool]
    order: sa.ColumnElement[Any]


def ends_onward(home: Home, test_id: str, new: pl.DataFrame) -> Row:
    """Return the ends of a test that grew: its first record as before, its last of the new rows."""
    ends = read_ends(new)
    known = home.registry.row(TEST_END, test_id=test_id) or read_ends(read_stored(home, test_id, MEASUREMENTS).head(1))
    return {name: known[name] if name.startswith("first_") else value for name, value in ends.items()}


def link_test(home: Home, connection: sa.Connection, test_id: str, ends: Row) -> list[str]:
    """Link a committed test to what it continues and to what continues it, inside the caller's transaction.

    Returns:
        Why it was not linked although it looks like a continuation.
    """
    home.registry.put(connection, TEST_END, {**ends, "test_id": test_id})
    me = _find(connection, test_id)
    if me is None:
        return []
    doubts = _relink(connection, me)
    for other in _find_after(connection, me):
        _relink(connection, other)
    return doubts


def relink_test(home: Home, test_id: str) -> None:
    """Judge a test's links anew: it has another owner by now."""
    ends = home.registry.row(TEST_END, test_id=test_id)
    if ends is not None:
        with home.registry.write() as connection:
            link_test(home, connection, test_id, ends)


def link_all(home: Home) -> list[str]:
    """Link every test whose ends were never noted: those of earlier versions. Returns them."""
    known = sa.select(TEST_END.c.test_id)
    waiting = sa.select(TEST.c.test_id).where(TEST.c.kind == "cycling", TEST.c.rows > 0, TEST.c.test_id.not_in(known))
    names = [row["test_id"] for row in home.registry.rows(waiting.order_by(TEST.c.test_id))]
    for name in names:
        ends = read_ends(read_stored(home, name, MEASUREMENTS))
        with home.registry.write() as connection:
            link_test(home, connection, name, ends)
    return names


def _relink(connection: sa.Connection, me: End) -> list[str]:
    """Judge anew what a test continues; writes the link, and the places of all that follow it."""
    doubts: list[str] = []
    link = UNLINKED
    for other in _find_before(connection, me):
        verdict = judge(other, me)
        if verdict is None or (verdict.linked and _is_taken(connection, other, me)):
            continue
        if verdict.linked:
            link = {**UNLINKED, "continues": other["test_id"], "linked_by": verdict.reason}
            doubts = []
            break
        doubts.append(verdict.reason)
    if (me.test["continues"], me.test["linked_by"]) != (link["continues"], link["linked_by"]):
        _write(connection, me, link)
    _number(connection, _root_of(connection, str(me["test_id"])))
    if me.test["continues"] not in {None, link["continues"]}:
        _number(connection, _root_of(connection, me.test["continues"]))
    return doubts[:1]


def _find(connection: sa.Connection, test_id: str) -> End | None:
    found = _select(connection, [_Near(TEST.c.test_id == test_id, TEST.c.test_id)])
    return found[0] if found else None


def _find_before(connection: sa.Connection, me: End) -> list[End]:
    """Return the tests that one may continue, the nearest first."""
    near = []
    if me["channel"] is not None and me["first_unix_second"] is not None:
        earlier = TEST.c.last_unix_second <= me["first_unix_second"] + CLOCK_SECONDS
        near.append(_Near(sa.and_(TEST.c.channel == me["channel"], earlier), TEST.c.last_unix_second.desc()))
    if me["first_second"] > TIME_GAP_SECONDS:
        ended = TEST_END.c.last_second.between(me["first_second"] - TIME_GAP_SECONDS, me["first_second"])
        near.append(_Near(sa.and_(TEST.c.format == me["format"], ended), TEST_END.c.last_second.desc()))
    return _select(connection, near, me)


def _find_after(connection: sa.Connection, me: End) -> list[End]:
    """Return the tests that may continue one, the nearest first, and those that were thought to."""
    near = [_Near(TEST.c.continues == me["test_id"], TEST.c.test_id)]
    if me["channel"] is not None and me["last_unix_second"] is not None:
        later = TEST.c.first_unix_second >= me["last_unix_second"] - CLOCK_SECONDS
        near.append(_Near(sa.and_(TEST.c.channel == me["channel"], later), TEST.c.first_unix_second))
    if me["last_second"] > 0:
        begun = TEST_END.c.first_second.between(me["last_second"], me["last_second"] + TIME_GAP_SECONDS)
        near.append(_Near(sa.and_(TEST.c.format == me["format"], begun), TEST_END.c.first_second))
    return _select(connection, near, me)


def _select(connection: sa.Connection, near: Iterable[_Near], me: End | None = None) -> list[End]:
    found: dict[str, End] = {}
    for each in near:
        query = sa.select(*BOTH).join(TEST_END, TEST_END.c.test_id == TEST.c.test_id).where(each.condition)
        query = query if me is None else query.where(TEST.c.test_id != me["test_id"])
        # Tests of one moment come in one order on either database.
        for row in connection.execute(query.order_by(each.order, TEST.c.test_id).limit(NEAREST)).mappings():
            test = {column.name: row[column.name] for column in TEST.columns}
            ends = {column.name: row[column.name] for column in TEST_END.columns if column.name != "test_id"}
            found.setdefault(row["test_id"], End(test, ends))
    return list(found.values())


def _is_taken(connection: sa.Connection, before: End, me: End) -> bool:
    """Say whether another test continues one, and began before us."""
    others = _select(connection, [_Near(TEST.c.continues == before["test_id"], TEST.c.test_id)], me)
    return any(_begin(other) <= _begin(me) for other in others)


def _begin(end: End) -> tuple[float, float]:
    return (end["first_unix_second"] or 0.0, end["first_second"])


def _root_of(connection: sa.Connection, test_id: str) -> str:
    """Return the first test of a chain."""
    seen = {test_id}
    while True:
        query = sa.select(TEST.c.continues).where(TEST.c.test_id == test_id)
        before = connection.execute(query).scalar()
        if before is None or before in seen:
            return test_id
        seen.add(before)
        test_id = before


def _number(connection: sa.Connection, root: str) -> None:
    """Write the place and the time of every test of a chain, from its first on."""
    line: list[tuple[End, float]] = []
    end, offset = _find(connection, root), 0.0
    seen: set[str] = set()
    while end is not None and end["test_id"] not in seen:
        line.append((end, offset))
        seen.add(end["test_id"])
        following = _select(connection, [_Near(TEST.c.continues == end["test_id"], TEST.c.test_id)], end)
        following.sort(key=_begin)
        after = following[0] if following else None
        offset = offset_after(end, after, offset) if after is not None else offset
        end = after
    clocks = [each["first_unix_second"] - at - each["first_second"] for each, at in line if _has_clock(each)]
    for part, (each, at) in enumerate(line, start=1):
        unix = None if not clocks or _has_clock(each) else clocks[0] + at + each["first_second"]
        place = {"chain": root, "part": part, "chain_offset_second": at, "chain_unix_second": unix}
        told = {name: each.test[name] for name in ("continues", "linked_by")}
        _write(connection, each, {**told, **place} if len(line) > 1 else {**UNLINKED, **told})


def _has_clock(end: End) -> bool:
    return end["first_unix_second"] is not None


def _write(connection: sa.Connection, end: End, link: Row) -> None:
    if all(end.test[name] == link[name] for name in LINK):
        return
    connection.execute(sa.update(TEST).where(TEST.c.test_id == end["test_id"]).values(**link))
    invalidate_answers(connection, end["firm"] or "")

"""The board of channels: which cell sits where, since when, and when the channel is next free."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from warehouse.registry import ASSIGNMENT, TEST, Row

if TYPE_CHECKING:
    from warehouse.home import Home


@dataclass(frozen=True)
class Channel:
    """A channel of a cycler as it stands at a moment.

    Args:
        name: cycler and channel, as the files name it.
        holds: the assignment that is in force, or None.
        follows: the next assignment that was planned, or None.
        newest: the test on it with the newest record, or None.
        free_unix_second: when it is free: now for one that holds nothing; None where nobody has said when it will be.
    """

    name: str
    holds: Row | None
    follows: Row | None
    newest: Row | None
    free_unix_second: float | None


def channel_board(home: Home, now: float) -> list[Channel]:
    """Return every channel that an assignment or a test names, by its name.

    Args:
        home: the platform.
        now: the moment, seconds since 1970.
    """
    assigned: dict[str, list[Row]] = defaultdict(list)
    for row in home.registry.rows(sa.select(ASSIGNMENT).order_by(ASSIGNMENT.c.from_unix_second)):
        assigned[row["channel"]].append(row)
    newest = _newest_tests(home)
    return [_describe(name, assigned[name], newest.get(name), now) for name in sorted({*assigned, *newest})]


def _newest_tests(home: Home) -> dict[str, Row]:
    """Return the test with the newest record of each channel; one without a clock counts by when it came."""
    clock = sa.func.coalesce(TEST.c.last_unix_second, TEST.c.committed_unix_second).label("seen_unix_second")
    told = (TEST.c.test_id, TEST.c.channel, TEST.c.firm, TEST.c.cell_id, TEST.c.first_unix_second, clock)
    rows = home.registry.rows(sa.select(*told).where(TEST.c.channel.is_not(None)).order_by(clock))
    # The last of each channel stays.
    return {row["channel"]: row for row in rows}


def _describe(name: str, assigned: list[Row], newest: Row | None, now: float) -> Channel:
    holds = next((row for row in assigned if row["from_unix_second"] <= now and not _is_over(row, now)), None)
    follows = next((row for row in assigned if row["from_unix_second"] > now), None)
    return Channel(name, holds, follows, newest, now if holds is None else _next_gap(holds, assigned))


def _is_over(row: Row, now: float) -> bool:
    return row["to_unix_second"] is not None and row["to_unix_second"] <= now


def _next_gap(holds: Row, assigned: list[Row]) -> float | None:
    """Return when nothing is planned behind an assignment: others may follow it without a gap."""
    end: float | None = holds["to_unix_second"]
    for row in assigned:
        if end is not None and row["from_unix_second"] == end:
            end = row["to_unix_second"]
    return end

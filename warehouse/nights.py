"""The nights that were: what the newest did, and whether one was missed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from warehouse.registry import NIGHT, TEST

if TYPE_CHECKING:
    from warehouse.home import Home

NightRecord = dict[str, Any]
NIGHT_HOUR: Final = 2


def last_night(home: Home) -> NightRecord | None:
    """Return what the newest night did, or None before the first."""
    return next(_newest_first(home), None)


def last_scrub(home: Home) -> date | None:
    """Return the date of the newest night whose scrub did not fail, or None before the first."""
    sound = (record["date"] for record in _newest_first(home) if "scrub" not in record["failed"])
    found = next(sound, None)
    return date.fromisoformat(found) if found else None


def begin_of_last(home: Home) -> float | None:
    """Return when the newest night began, in seconds since 1970, or None before the first."""
    newest: float | None = home.registry.rows(sa.select(sa.func.max(NIGHT.c.started_unix_second).label("at")))[0]["at"]
    return newest


def is_night_due(home: Home, now: datetime) -> bool:
    """Say whether a night was missed: none has run since the hour at which the last one should have.

    Args:
        home: the platform.
        now: the moment, with a zone.
    """
    newest = begin_of_last(home)
    something = home.registry.rows(sa.select(TEST.c.test_id).limit(1))
    return bool(something) and (newest is None or newest < _newest_hour(home, now))


def is_night_overdue(home: Home, now: datetime) -> bool:
    """Say whether a night was missed of which there was something to make: of a new home the first is still to come.

    Args:
        home: the platform.
        now: the moment, with a zone.
    """
    first = home.registry.rows(sa.select(sa.func.min(TEST.c.committed_unix_second).label("at")))[0]["at"]
    return is_night_due(home, now) and first is not None and first < _newest_hour(home, now)


def _newest_hour(home: Home, now: datetime) -> float:
    """Return the last moment at which a night should have begun, in seconds since 1970."""
    local = now.astimezone(home.settings.zone_info)
    due = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return (due - timedelta(days=int(due > local))).timestamp()


def _newest_first(home: Home) -> Iterator[NightRecord]:
    """Yield the records of nights; one at a time, for those of years are large and hardly more than one is wanted."""
    chosen = sa.select(NIGHT.c.record).order_by(NIGHT.c.started_unix_second.desc()).limit(1)
    for number in count():
        rows = home.registry.rows(chosen.offset(number))
        if not rows:
            return
        record: NightRecord = json.loads(rows[0]["record"])
        yield record

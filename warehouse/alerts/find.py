"""The table of alerts: each is told once, closed when it no longer holds, and opened again when it holds again.

An alert keeps the evidence that it was opened with. What is found follows from the data and the night's date alone, so
a night that is run again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa

from warehouse import schema
from warehouse.alerts.channels import find_drifts
from warehouse.alerts.disk import find_filling
from warehouse.alerts.sign import Sign
from warehouse.alerts.sources import find_contradictions, find_stopped
from warehouse.alerts.words import say
from warehouse.recipe import hash_values
from warehouse.registry import ALERT, FIRM, SOURCE_FILE, TEST, Row
from warehouse.schema import RESIDUALS, SIGNS

if TYPE_CHECKING:
    from warehouse.home import Home

ID_DIGITS: Final = 16
OPEN: Final = "open"
CLOSED: Final = "closed"
DAY_SECONDS: Final = 86_400.0
# An alert that comes again so soon is not delivered again.
QUIET_DAYS: Final = 30
# Kinds about what a cell's cycles show.
OF_CELLS: Final = frozenset({"falling_faster", "capacity_step", "limit_crossed"})

# The kind that is found across the cells of all firms.
OF_ALL: Final = "channel_drift"


@dataclass(frozen=True)
class Round:
    """What one night found: how many alerts are open, and how many of them it opened, and closed."""

    open: int
    opened: int
    closed: int


def find_alerts(home: Home, day: date, unknown: Collection[str] = ()) -> Round:
    """Bring the table of alerts up to date.

    Args:
        home: the platform; its results should be of tonight, else they are computed for this.
        day: the night's date.
        unknown: firms whose tables cannot be read; their alerts stay as they are.
    """
    now = datetime.combine(day, time(), home.settings.zone_info).timestamp()
    found = {name_alert(sign): sign for sign in _find_all(home, now, unknown)}
    known = {row["alert_id"]: row for row in home.registry.rows(sa.select(ALERT))}
    # What is open keeps the evidence that it was opened with.
    fresh = {name: sign for name, sign in found.items() if name not in known or known[name]["state"] == CLOSED}
    recent = _drop_old(home, fresh, now) if fresh else {}
    opened = [_open(name, sign, known.get(name), day, home) for name, sign in recent.items()]
    standing = [row for row in known.values() if row["state"] == OPEN]
    ended = [row for row in standing if row["alert_id"] not in found and not _is_unknown(row, unknown)]
    closed = [row | {"state": CLOSED, "closed_date": day.isoformat()} for row in ended]
    # A night without news writes nothing.
    if opened or closed:
        with home.registry.write() as connection:
            home.registry.put(connection, ALERT, [*opened, *closed])
    return Round(len(standing) - len(closed) + len(opened), len(opened), len(closed))


def list_alerts(home: Home, firm: str | None = None, *, closed: bool = False) -> list[Row]:
    """Return alerts, the newest first.

    Args:
        home: the platform.
        firm: only this firm's; None for all, the operators' own among them.
        closed: whether those that no longer hold are wanted too.
    """
    chosen = sa.select(ALERT).order_by(ALERT.c.first_seen_date.desc(), ALERT.c.kind, ALERT.c.alert_id)
    if firm is not None:
        chosen = chosen.where(ALERT.c.firm == firm)
    return home.registry.rows(chosen if closed else chosen.where(ALERT.c.state == OPEN))


def name_alert(sign: Sign) -> str:
    """Return the name of a sign's alert: the same for the same thing, whatever its evidence is by now."""
    return hash_values([sign.kind, sign.firm, sign.subject])[:ID_DIGITS]


def _find_all(home: Home, now: float, unknown: Collection[str]) -> Iterator[Sign]:
    """Yield every sign there is, but of what the results of some firms show."""
    firms = sorted({row["code"] for row in home.registry.rows(sa.select(FIRM.c.code))} - set(unknown))
    yield from _read_signs(home, firms)
    yield from find_contradictions(home)
    yield from find_stopped(home, now)
    if firms and not unknown:
        residuals = home.results.read_firms(RESIDUALS.name, firms)
        yield from find_drifts(_name_channels(home, residuals), home.recipe.alerts)
    yield from find_filling(home, now, home.recipe.alerts)


def _is_unknown(row: Row, unknown: Collection[str]) -> bool:
    """Whether nothing can be said of an alert: its firm's results, or some of all firms', cannot be read."""
    return row["firm"] in unknown or (bool(unknown) and row["kind"] == OF_ALL)


def _read_signs(home: Home, firms: Sequence[str]) -> Iterator[Sign]:
    """Yield what the results of firms show."""
    for row in home.results.read_firms(SIGNS.name, firms).iter_rows(named=True):
        evidence = json.loads(row["evidence"])
        yield Sign(row["kind"], row["subject"], row["cell_id"], evidence, row["firm"], evidence.get("test_id"))


def _name_channels(home: Home, residuals: pl.DataFrame) -> pl.DataFrame:
    """Return residuals with the channel of each test."""
    channels = home.registry.frame(schema.TEST, columns=("test_id", "channel"))
    return residuals.join(channels, on="test_id", how="left")


def _drop_old(home: Home, signs: dict[str, Sign], now: float) -> dict[str, Sign]:
    """Return the signs without those about cells that nothing new is known of: the past is no alert."""
    seen = _last_seen(home)
    kept = {}
    for name, sign in signs.items():
        last = seen.get((sign.firm, sign.cell_id)) if sign.kind in OF_CELLS else None
        if last is None or now - last < home.recipe_of(sign.firm).alerts.recent_days * DAY_SECONDS:
            kept[name] = sign
    return kept


def _last_seen(home: Home) -> dict[tuple[Any, ...], float]:
    """Return when each cell was last heard of: its last record, or the arrival of its last file."""
    arrived = SOURCE_FILE.c.first_seen_unix_second
    joined = TEST.outerjoin(SOURCE_FILE, SOURCE_FILE.c.sha256 == TEST.c.source_sha256)
    columns = TEST.c.firm, TEST.c.cell_id, TEST.c.last_unix_second, arrived
    seen: dict[tuple[Any, ...], float] = {}
    for firm, name, last, first_seen in home.registry.tuples(sa.select(*columns).select_from(joined)):
        cell = firm, name
        seen[cell] = max(seen.get(cell, 0.0), last or 0.0, first_seen or 0.0)
    return seen


def _open(name: str, sign: Sign, before: Row | None, day: date, home: Home) -> Row:
    """Return the row of an alert that opens, for the first time or again."""
    english, korean = say(sign, home.settings.zone_info)
    quiet = before is not None and (day - date.fromisoformat(before["closed_date"])).days < QUIET_DAYS
    kept = before if quiet and before is not None else {}
    return {
        "alert_id": name,
        "firm": sign.firm,
        "kind": sign.kind,
        "subject": sign.subject,
        "cell_id": sign.cell_id,
        "test_id": sign.test_id,
        "evidence": json.dumps(sign.evidence, sort_keys=True, ensure_ascii=False),
        "sentence_en": english,
        "sentence_ko": korean,
        "state": OPEN,
        "first_seen_date": day.isoformat() if before is None else before["first_seen_date"],
        "closed_date": None,
        "times": 1 if before is None else before["times"] + 1,
        "mailed_unix_second": kept.get("mailed_unix_second"),
        "posted_unix_second": kept.get("posted_unix_second"),
        "delivery_error": kept.get("delivery_error"),
    }

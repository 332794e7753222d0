"""Releases: one snapshot of all groups at a time, the same for everybody until the next one.

Releases fall on a frozen cadence, not on days on which something changed: when one comes says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa

from warehouse.cohort.quantiles import Verdict, digest_firms, judge_group
from warehouse.cohort.rules import PLATFORM, QUANTILES, Rules, name_band
from warehouse.registry import COHORT_CELL, COHORT_CONTRIBUTION, COHORT_RELEASE, FIRM, Row
from warehouse.schema import COHORT_VALUES

if TYPE_CHECKING:
    from warehouse.home import Home

GRID: Final = ("chemistry_family", "capacity_decade", "temperature_bin", "rate_bin", "metric", "at_cycle")
PUBLISHED: Final = "published"
SUPPRESSED: Final = "suppressed"
NUMBERS: Final = (*QUANTILES, "firms", "of_release", "of_date")


@dataclass(frozen=True)
class Release:
    """One release: its number, whether it was made now, and how many groups have numbers."""

    release: int
    made: bool
    published: int
    suppressed: int


@dataclass(frozen=True)
class _Told:
    """What was told before: the last numbers by group and method, and what stood behind each group, by firm."""

    cells: dict[tuple[Any, ...], Row]
    digests: dict[tuple[Any, ...], list[dict[str, str]]]


def release_cohort(home: Home, day: date, rules: Rules = PLATFORM) -> Release:
    """Make the release that is due, or say which one stands.

    Args:
        home: the platform.
        day: the night's date; its place in the cadence says which release it belongs to.
        rules: when something may be said.
    """
    period = day.toordinal() // rules.cadence_days
    standing = _find_release(home, period)
    if standing is not None:
        return standing
    values = gather_values(home)
    with home.registry.write() as connection:
        rows = home.registry.rows(sa.select(COHORT_RELEASE), connection)
        # Another process may have been first.
        if any(row["period"] >= period for row in rows):
            return _describe(max(rows, key=_number), made=False)
        number = max((row["release"] for row in rows), default=0) + 1
        told = _read_told(home, connection)
        made = list(_judge_all(values, told, rules, {"of_release": number, "of_date": day.isoformat()}))
        cells = [{"release": number, **cell} for cell, _ in made]
        published = sum(cell["status"] == PUBLISHED for cell in cells)
        row = {
            "release": number,
            "period": period,
            "date": day.isoformat(),
            "next_date": date.fromordinal((period + 1) * rules.cadence_days).isoformat(),
            "rules": json.dumps(asdict(rules), sort_keys=True),
            "published": published,
            "suppressed": len(cells) - published,
        }
        home.registry.put(connection, COHORT_RELEASE, row)
        home.registry.put(connection, COHORT_CELL, cells)
        behind = [{"release": number, **each} for _, each in made if each is not None]
        home.registry.put(connection, COHORT_CONTRIBUTION, behind)
    return _describe(row, made=True)


def gather_values(home: Home) -> pl.DataFrame:
    """Return the placed values of all firms, with the method that each firm's are made by."""
    frames = [COHORT_VALUES.empty().with_columns(method=pl.lit("", dtype=pl.String))]
    for firm in sorted(row["code"] for row in home.registry.rows(sa.select(FIRM.c.code))):
        frame = home.results.read(COHORT_VALUES.name, firm)
        frames.append(frame.with_columns(method=pl.lit(home.recipe_of(firm).method, dtype=pl.String)))
    return pl.concat(frames).filter(pl.col("reason").is_null(), pl.col("value").is_finite())


def _find_release(home: Home, period: int) -> Release | None:
    """Return the release of a period or a later one; an earlier day makes none behind it."""
    rows = home.registry.rows(sa.select(COHORT_RELEASE).where(COHORT_RELEASE.c.period >= period))
    return _describe(max(rows, key=_number), made=False) if rows else None


def _number(row: Row) -> int:
    number: int = row["release"]
    return number


def _describe(row: Row, *, made: bool) -> Release:
    return Release(row["release"], made, row["published"], row["suppressed"])


def _read_told(home: Home, connection: sa.Connection) -> _Told:
    digests: dict[tuple[Any, ...], list[dict[str, str]]] = {}
    # Whatever the method: firms that change it together have nearly the values of before.
    for row in home.registry.rows(sa.select(COHORT_CONTRIBUTION), connection):
        digests.setdefault(tuple(row[name] for name in GRID), []).append(json.loads(row["firms"]))
    told = sa.select(COHORT_CELL).where(COHORT_CELL.c.status == PUBLISHED).order_by(COHORT_CELL.c.release)
    cells: dict[tuple[Any, ...], Row] = {}
    for row in home.registry.rows(told, connection):
        group = tuple(row[name] for name in GRID)
        cells[*group, row["method"]] = cells[*group, None] = row
    return _Told(cells, digests)


def _judge_all(values: pl.DataFrame, told: _Told, rules: Rules, stamp: Row) -> Iterator[tuple[Row, Row | None]]:
    """Yield what a release says of each group, and what stands behind it where its numbers are new."""
    names = [*GRID, "method"]
    groups = values.sort("firm", "cell_id").partition_by(names, as_dict=True, maintain_order=True)
    for key, rows in sorted(groups.items()):
        by_firm: dict[str, dict[str, float]] = {}
        for firm, cell, value in rows.select("firm", "cell_id", "value").rows():
            by_firm.setdefault(firm, {})[cell] = value
        place = dict(zip(names, key, strict=True))
        verdict = judge_group(place["metric"], by_firm, told.digests.get(key[:-1], []), rules)
        # Another method that changed hardly any value leaves the numbers as they were.
        before = told.cells.get(key) or told.cells.get((*key[:-1], None))
        cell_row = _write_cell(place, verdict, before, {**stamp, "firms": name_band(len(by_firm))})
        if verdict.reason is not None:
            yield cell_row, None
        else:
            firms = json.dumps(digest_firms(place["metric"], by_firm), sort_keys=True)
            yield cell_row, {**place, "firms": firms}


def _write_cell(place: Row, verdict: Verdict, before: Row | None, stamp: Row) -> Row:
    """Return what is said of a group: new numbers, those that stand, or why there are none."""
    if verdict.reason is None:
        return {**place, "status": PUBLISHED, "reason": None, **verdict.quantiles, **stamp}
    if verdict.reason == "too_few_changed" and before is not None:
        return {**place, "status": PUBLISHED, "reason": None, **{name: before[name] for name in NUMBERS}}
    return {**place, "status": SUPPRESSED, "reason": verdict.reason, **dict.fromkeys(NUMBERS)}

"""The stages of a night, each a function of the night that it is part of.

Killed, each leaves everything as good as it found it, and the next night does what is missing: what a stage makes is
known by what it was made of, not by a date.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Final

import sqlalchemy as sa

from flows.delivery import deliver_alerts
from flows.ingest import repair_home
from flows.receipts import prune_receipt_files
from flows.watch import recover
from warehouse.alerts.find import find_alerts
from warehouse.backup import backup_registry, prune_backups
from warehouse.cohort.release import release_cohort
from warehouse.crew import Crew, count_cores
from warehouse.errors import DamageError
from warehouse.home import Home
from warehouse.identity import rederive_outdated
from warehouse.marts import Compaction, remove_retired
from warehouse.nights import last_scrub
from warehouse.platform import measure_platform
from warehouse.publish import merge_grown
from warehouse.refresh import UNREADABLE, count_outdated, refresh_buckets, refresh_firm, tell_unchanged
from warehouse.registry import FIRM, PLATFORM_MONTH, TEST
from warehouse.scrub import scrub
from warehouse.standing import Standing, read_standings
from warehouse.verify import check_tables, remove_leftovers
from warehouse.wholes import is_current, refresh_wholes

log: Final = logging.getLogger("cellar.nightly")

Figures = dict[str, int]


@dataclass
class Night:
    """A night on its way.

    Args:
        home: the platform.
        day: the date that it stands for.
        done: what was made or skipped, per firm and table.
        waiting: firms whose tables are not of tonight yet.
        warnings: what somebody should look at.
    """

    home: Home
    day: date
    done: list[Compaction] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


def _settle(night: Night) -> Figures:
    """Finish what dead processes had begun, and remove what they left."""
    return {"finished": len(recover(night.home)), "files_removed": remove_leftovers(night.home)}


def _derive(night: Night) -> Figures:
    """Derive again what the recipe derives otherwise by now, and merge what came in parts."""
    return {"merged": len(merge_grown(night.home)), "rederived": len(rederive_outdated(night.home))}


def _aggregate(night: Night) -> Figures:
    """Make what readers of each firm ask for; a damaged file costs no other firm its night."""
    firms = _firms(night.home)
    night.waiting = set(firms)
    with closing(Crew(night.home, count_cores())) as crew:
        standings = read_standings(night.home, firms)
        cells = _count_cells(night.home, standings, crew)
        large, small = crew.divide(cells)
        shared = [firm for firm in large if _serve(night, firm, partial(refresh_buckets, night.home, firm, crew))]
        served = crew.serve({firm: cells[firm] for firm in small if cells[firm]})
        served |= {firm: partial(tell_unchanged, standings[firm]) for firm in small if not cells[firm]}
        # While other processes are at the small ones, this one does what is about all cells of a large one.
        served = {**{firm: partial(refresh_wholes, night.home, firm) for firm in shared}, **served}
        night.waiting -= {firm for firm, work in served.items() if _serve(night, firm, work)}
    # Told firm by firm, whichever was served first.
    night.done.sort(key=lambda step: step.firm)
    for firm in sorted(night.waiting):
        _mend_firm(night, firm)
    if night.waiting:
        raise DamageError(f"tables of {_name(night.waiting)} cannot be read")
    made = sum(step.action == "made" for step in night.done)
    return {"firms": len(firms), "tables_made": made, "tables_skipped": len(night.done) - made}


def _count_cells(home: Home, standings: Mapping[str, Standing], crew: Crew) -> dict[str, int]:
    """Return about how many cells of each firm have something to be made; 0 only where nothing about it changed."""
    cells: dict[str, int] = {}
    for firm, standing in standings.items():
        cells[firm] = 0 if is_current(standing) else count_outdated(home, firm)
        crew.prepare(sum(cells.values()))
    return cells


def _serve(night: Night, firm: str, work: Callable[[], Iterable[Compaction]]) -> bool:
    """Note what some work for a firm has made; returns whether it came to its end."""
    try:
        done = list(work())
    except UNREADABLE as error:
        log.warning("a table of firm %r cannot be read: %s", firm, error)
        return False
    night.done += done
    night.warnings += [
        f"{firm or 'unassigned tests'}, {step.table}: {step.why}" for step in done if _has_failures(step)
    ]
    return True


def _mend_firm(night: Night, firm: str) -> None:
    """Find the damaged files of a firm, rebuild them, and make its tables if that helped."""
    findings = [found for found in check_tables(night.home, firm) if found.serious]
    night.warnings += [f"{each.kind}: {each.place} {each.path}" for each in findings]
    repair_home(night.home, findings)
    if _serve(night, firm, partial(refresh_firm, night.home, firm)):
        night.waiting.discard(firm)
    else:
        log.error("tables of firm %r cannot be made", firm)


def _has_failures(step: Compaction) -> bool:
    return step.why.endswith(" failed")


def _release(night: Night) -> Figures:
    """Make the comparison between firms, if its day has come."""
    if night.waiting:
        # A release without one of them would tell of the one that is missing; any night of its 91 days makes it.
        night.warnings.append(f"the comparison between firms waits for tables of {_name(night.waiting)}")
        return {}
    found = release_cohort(night.home, night.day)
    return {
        "release": found.release,
        "released": int(found.made),
        "published": found.published,
        "suppressed": found.suppressed,
    }


def _measure(night: Night) -> Figures:
    """Renew the figures of the platform."""
    rows = measure_platform(night.home).to_dicts()
    if rows == night.home.registry.rows(sa.select(PLATFORM_MONTH).order_by(PLATFORM_MONTH.c.month)):
        return {"months": len(rows)}
    with night.home.registry.write() as connection:
        connection.execute(sa.delete(PLATFORM_MONTH))
        night.home.registry.put(connection, PLATFORM_MONTH, rows)
    return {"months": len(rows)}


def _alert(night: Night) -> Figures:
    """Bring the alerts up to date, and send the new ones; what cannot be sent stays in the table and waits."""
    found = find_alerts(night.home, night.day, night.waiting)
    sent = deliver_alerts(night.home)
    if sent.failed:
        night.warnings.append(f"{sent.failed} messages about alerts were not delivered; they wait for the next night")
    return {
        "alerts_open": found.open,
        "alerts_opened": found.opened,
        "alerts_closed": found.closed,
        "alerts_mailed": sent.mailed,
        "alerts_posted": sent.posted,
        "deliveries_failed": sent.failed,
    }


def _scrub(night: Night) -> Figures:
    """Hash tonight's part of everything stored, and mend what is damaged."""
    found = scrub(night.home, night.day, last_scrub(night.home))
    night.warnings += [f"{each.kind}: {each.place} {each.path}" for each in found.findings]
    repaired = repair_home(night.home, list(found.findings)) if found.findings else []
    return {
        "scrubbed_files": found.files,
        "scrubbed_bytes": found.size,
        "scrub_damaged": len(found.findings),
        "scrub_repaired": len(repaired),
    }


def _clean(night: Night) -> Figures:
    """Remove files that no reader opens any more."""
    removed = remove_retired(night.home)
    prune_receipt_files(night.home)
    return {"files_removed": removed}


def _copy(night: Night) -> Figures:
    """Copy the registry, and remove copies that are old."""
    backup_registry(night.home, night.day)
    return {"backups_removed": prune_backups(night.home)}


STAGES: Final[dict[str, Callable[[Night], Figures]]] = {
    "settle": _settle,
    "derive": _derive,
    "aggregate": _aggregate,
    "cohort": _release,
    "platform": _measure,
    "alerts": _alert,
    "scrub": _scrub,
    "clean": _clean,
    "backup": _copy,
}


def _firms(home: Home) -> list[str]:
    """Return the firms that there is something of, and the platform's own area."""
    tests = {row["firm"] or "" for row in home.registry.rows(sa.select(TEST.c.firm).distinct())}
    return sorted(tests | {row["code"] for row in home.registry.rows(sa.select(FIRM.c.code))})


def _name(firms: set[str]) -> str:
    return ", ".join(firm or "unassigned tests" for firm in sorted(firms))

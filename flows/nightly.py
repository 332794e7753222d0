"""The night: derive again what is outdated, compute what changed, compact, check, copy; and say what was done.

A night is a row of stages. Killed, each leaves everything as good as it found it, and the next night does what is
missing: what a stage makes is known by what it was made of, not by a date. A stage that fails is tried again, then
told of, and those behind it still run.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from flows.ingest import repair_home
from flows.receipts import prune_receipt_files
from flows.watch import recover
from warehouse.backup import backup_registry, prune_backups
from warehouse.crew import Crew, count_cores
from warehouse.errors import CellarError, DamageError, LeaseLost
from warehouse.home import Home
from warehouse.identity import rederive_outdated
from warehouse.marts import Compaction, compact_firm, remove_retired, store_answer
from warehouse.platform import measure_platform
from warehouse.publish import merge_grown
from warehouse.registry import FIRM, NIGHT, PLATFORM_MONTH, TEST
from warehouse.schema import FADE, SUMMARY
from warehouse.scrub import scrub
from warehouse.verify import check_tables, remove_leftovers

log: Final = logging.getLogger("cellar.nightly")

NightRecord = dict[str, Any]
TRIES: Final = 3
RETRY_SECONDS: Final = 1.0
# How a damaged file shows when it is read.
UNREADABLE: Final = (DamageError, pl.exceptions.PolarsError, FileNotFoundError)
NIGHT_HOUR: Final = 2


@dataclass
class Night:
    """A night on its way.

    Args:
        home: the platform.
        day: the date that it stands for.
        done: what was made or skipped, per firm and table.
        counts: further figures, by name.
        warnings: what somebody should look at.
    """

    home: Home
    day: date
    done: list[Compaction] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def run_night(home: Home, day: date | None = None) -> NightRecord:
    """Run the nightly aggregation; a second run on unchanged data writes nothing but its copy of the registry.

    Args:
        home: the platform.
        day: the date that the night stands for; today in the site's zone by default.

    Returns:
        What was done: per firm and table the action, its reason, tests and rows; per stage its duration and whether
        it failed.

    Raises:
        StoreBusy: another process runs a night.
    """
    started = time.time()
    night = Night(home, day or datetime.now(home.settings.zone_info).date())
    with the_only_night(home):
        stages = [_run_stage(night, name, work) for name, work in STAGES.items()]
    record = {
        "date": night.day.isoformat(),
        "done": [asdict(step) for step in night.done],
        "made": sum(step.action == "made" for step in night.done),
        "skipped": sum(step.action == "skipped" for step in night.done),
        **night.counts,
        "stages": stages,
        "failed": [stage["stage"] for stage in stages if stage["failed"]],
        "warnings": list(dict.fromkeys(night.warnings)),
        "seconds": round(time.time() - started, 3),
    }
    _keep_record(home, record, started)
    return record


def last_night(home: Home) -> NightRecord | None:
    """Return what the newest night did, or None before the first."""
    rows = home.registry.rows(sa.select(NIGHT.c.record).order_by(NIGHT.c.started_unix_second.desc()).limit(1))
    record: NightRecord | None = json.loads(rows[0]["record"]) if rows else None
    return record


def is_night_due(home: Home, now: datetime) -> bool:
    """Say whether a night was missed: none has run since the hour at which the last one should have.

    Args:
        home: the platform.
        now: the moment, with a zone.
    """
    local = now.astimezone(home.settings.zone_info)
    due = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    due -= timedelta(days=int(due > local))
    newest = home.registry.rows(sa.select(sa.func.max(NIGHT.c.started_unix_second).label("at")))[0]["at"]
    something = home.registry.rows(sa.select(TEST.c.test_id).limit(1))
    return bool(something) and (newest is None or newest < due.timestamp())


@contextmanager
def the_only_night(home: Home) -> Iterator[None]:
    """Hold the night's lease: two at once would do the same work twice.

    Raises:
        StoreBusy: another process runs a night.
    """
    with home.registry.write() as connection:
        lease = home.leases.claim(connection, "night")
    try:
        yield
    finally:
        with suppress(LeaseLost), home.registry.write() as connection:
            home.leases.release(connection, lease)


def _run_stage(night: Night, name: str, work: Callable[[Night], None]) -> dict[str, Any]:
    """Run one stage, again where it fails for now; returns how it went."""
    began = time.monotonic()
    failed = None
    for attempt in range(1, TRIES + 1):
        before = len(night.done)
        try:
            work(night)
        except (CellarError, OSError, sa.exc.SQLAlchemyError) as error:
            failed = f"{type(error).__name__}: {error}"
            log.warning("stage %s of the night failed (%d of %d): %s", name, attempt, TRIES, failed)
            if attempt < TRIES:
                # What was done is found done and said again.
                del night.done[before:]
                time.sleep(RETRY_SECONDS)
        else:
            failed = None
            break
    return {"stage": name, "seconds": round(time.monotonic() - began, 3), "tries": attempt, "failed": failed}


def _settle(night: Night) -> None:
    """Finish what dead processes had begun, and remove what they left."""
    night.counts["finished"] = len(recover(night.home))
    night.counts["files_removed"] = remove_leftovers(night.home)


def _derive(night: Night) -> None:
    """Derive again what the recipe derives otherwise by now, and merge what came in parts."""
    night.counts["merged"] = len(merge_grown(night.home))
    night.counts["rederived"] = len(rederive_outdated(night.home))


def _aggregate(night: Night) -> None:
    """Make what readers of each firm ask for; a damaged file costs no other firm its night."""
    left = []
    with closing(Crew(night.home.folder, night.home.registry_url, count_cores())) as crew:
        for firm in _firms(night.home):
            try:
                night.done += list(_serve_firm(night.home, firm, crew))
            except UNREADABLE as error:
                log.warning("a table of firm %r cannot be read: %s", firm, error)
                left += [firm] if not _mend_firm(night, firm, crew) else []
    if left:
        raise DamageError(f"tables of {', '.join(firm or 'unassigned tests' for firm in left)} cannot be read")


def _mend_firm(night: Night, firm: str, crew: Crew) -> bool:
    """Find the damaged files of a firm and rebuild them; says whether its tables could be made then."""
    findings = [found for found in check_tables(night.home, firm) if found.serious]
    night.warnings += [f"{each.kind}: {each.place} {each.path}" for each in findings]
    repair_home(night.home, findings)
    try:
        night.done += list(_serve_firm(night.home, firm, crew))
    except UNREADABLE as error:
        log.error("tables of firm %r cannot be made: %s", firm, error)  # noqa: TRY400 the traceback tells nobody more
        return False
    return True


def _serve_firm(home: Home, firm: str, crew: Crew) -> Iterator[Compaction]:
    """Make what readers of a firm ask for, each stage from those before it."""
    yield from compact_firm(home, firm)
    yield from home.results.store(firm, {"test"}, crew)
    # Unassigned tests have no firm that could ask.
    if firm:
        yield store_answer(home, firm, FADE)
    yield from home.results.store(firm, {"cell"}, crew)
    if firm:
        yield store_answer(home, firm, SUMMARY)
        yield from home.results.store(firm, {"firm"})


def _measure(night: Night) -> None:
    """Renew the figures of the platform."""
    rows = measure_platform(night.home).to_dicts()
    with night.home.registry.write() as connection:
        connection.execute(sa.delete(PLATFORM_MONTH))
        night.home.registry.put(connection, PLATFORM_MONTH, rows)


def _scrub(night: Night) -> None:
    """Hash tonight's part of everything stored, and mend what is damaged."""
    last = last_night(night.home)
    found = scrub(night.home, night.day, date.fromisoformat(last["date"]) if last else None)
    night.counts["scrubbed_files"], night.counts["scrubbed_bytes"] = found.files, found.size
    repaired = repair_home(night.home, list(found.findings)) if found.findings else []
    night.counts["scrub_damaged"], night.counts["scrub_repaired"] = len(found.findings), len(repaired)
    night.warnings += [f"{each.kind}: {each.place} {each.path}" for each in found.findings]


def _clean(night: Night) -> None:
    """Remove files that no reader opens any more."""
    night.counts["files_removed"] = night.counts.get("files_removed", 0) + remove_retired(night.home)
    prune_receipt_files(night.home)


def _copy(night: Night) -> None:
    """Copy the registry, and remove copies that are old."""
    backup_registry(night.home, night.day)
    night.counts["backups_removed"] = prune_backups(night.home)


STAGES: Final[dict[str, Callable[[Night], None]]] = {
    "settle": _settle,
    "derive": _derive,
    "aggregate": _aggregate,
    "platform": _measure,
    "scrub": _scrub,
    "clean": _clean,
    "backup": _copy,
}


def _firms(home: Home) -> list[str]:
    """Return the firms that there is something of, and the platform's own area."""
    tests = {row["firm"] or "" for row in home.registry.rows(sa.select(TEST.c.firm).distinct())}
    return sorted(tests | {row["code"] for row in home.registry.rows(sa.select(FIRM.c.code))})


def _keep_record(home: Home, record: NightRecord, started: float) -> None:
    row = {
        "night_id": f"{record['date']}-{int(started * 1000)}",
        "date": record["date"],
        "record": json.dumps(record, ensure_ascii=False),
        "started_unix_second": started,
        "ended_unix_second": time.time(),
    }
    with home.registry.write() as connection:
        home.registry.put(connection, NIGHT, row)

"""The night: derive again what is outdated, compute what changed, compact, compare, check, copy; and say what was done.

A night is a row of :mod:`stages <flows.stages>`. One that fails is tried again, then told of, and those behind it still
run.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

import polars as pl
import sqlalchemy as sa

from flows.stages import STAGES, Figures, Night
from warehouse.errors import CellarError, LeaseLost
from warehouse.home import Home
from warehouse.nights import NightRecord, begin_of_last
from warehouse.registry import FIRM, NIGHT, SOURCE_FILE, TEST

log: Final = logging.getLogger("cellar.nightly")

TRIES: Final = 3
RETRY_SECONDS: Final = 1.0
StageRecord = dict[str, Any]


def run_night(home: Home, day: date | None = None) -> NightRecord:
    """Run the nightly aggregation; a second run on unchanged data writes nothing but its copy of the registry.

    Args:
        home: the platform.
        day: the date that the night stands for; today in the site's zone by default.

    Returns:
        What was done: what there was and what of it had changed, per firm and table the action, its reason, tests and
        rows; per stage its figures, its duration and whether it failed.

    Raises:
        StoreBusy: another process runs a night.
    """
    started = time.time()
    night = Night(home, day or datetime.now(home.settings.zone_info).date())
    with the_only_night(home):
        inputs = count_inputs(home, begin_of_last(home))
        stages = [_run_stage(night, name, work) for name, work in STAGES.items()]
    record = {
        "date": night.day.isoformat(),
        "inputs": inputs,
        "done": [asdict(step) for step in night.done],
        "made": sum(step.action == "made" for step in night.done),
        "skipped": sum(step.action == "skipped" for step in night.done),
        **_add_figures(stages),
        "stages": stages,
        "failed": [stage["stage"] for stage in stages if stage["failed"]],
        "warnings": list(dict.fromkeys(night.warnings)),
        "seconds": round(time.time() - started, 3),
    }
    _keep_record(home, record, started)
    return record


def count_inputs(home: Home, since: float | None) -> Figures:
    """Return what a night finds: firms, tests, and what of them and of drops came or changed since the last one.

    Args:
        home: the platform.
        since: when the last night began; None before the first.
    """

    def count(column: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]) -> int:
        number: int = home.registry.rows(sa.select(sa.func.count(column).label("number")).where(*conditions))[0][
            "number"
        ]
        return number

    begun = since or 0.0
    return {
        "firms": count(FIRM.c.code),
        "tests": count(TEST.c.test_id),
        "changed_tests": count(TEST.c.test_id, TEST.c.committed_unix_second >= begun),
        "new_drops": count(SOURCE_FILE.c.sha256, SOURCE_FILE.c.first_seen_unix_second >= begun),
    }


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


def _run_stage(night: Night, name: str, work: Callable[[Night], Figures]) -> StageRecord:
    """Run one stage, again where it fails for now; returns how it went."""
    began = time.monotonic()
    failed, figures = None, {}
    for attempt in range(1, TRIES + 1):
        before = len(night.done)
        try:
            figures = work(night)
        except _failures() as error:
            failed = f"{type(error).__name__}: {error}"
            log.warning("stage %s of the night failed (%d of %d): %s", name, attempt, TRIES, failed)
            if attempt < TRIES:
                # What was done is found done and said again.
                del night.done[before:]
                time.sleep(RETRY_SECONDS)
        else:
            failed = None
            break
    took = round(time.monotonic() - began, 3)
    log.info("stage %s took %.1f s: %s", name, took, failed or figures)
    return {"stage": name, "seconds": took, "tries": attempt, "failed": failed, "figures": figures}


def _failures() -> tuple[type[Exception], ...]:
    """Return what a stage may end in; asked for when one does, as DuckDB's import is paid by no command for nothing."""
    import duckdb  # noqa: PLC0415 see above

    # A process of the crew that is ended, as for want of memory, takes the others' work along.
    return CellarError, OSError, sa.exc.SQLAlchemyError, pl.exceptions.PolarsError, duckdb.Error, BrokenExecutor


def _add_figures(stages: list[StageRecord]) -> Figures:
    """Return the figures of all stages by name; files are removed by two of them."""
    total: Counter[str] = Counter({"files_removed": 0})
    for stage in stages:
        total.update(stage["figures"])
    return dict(total)


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

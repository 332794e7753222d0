"""What files tell of themselves: values that contradict each other, and tests whose files grow no more.

formula: usual interval: median time between the versions of a growing file as they were seen
condition: a test stalls where its last cycle is cut off under current; where it is not, it has ended
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import sqlalchemy as sa

from warehouse.alerts.recipe import AlertsRecipe
from warehouse.alerts.sign import Sign
from warehouse.parts import read_stored
from warehouse.registry import SOURCE_FILE, TEST, Row
from warehouse.schema import CYCLES

if TYPE_CHECKING:
    from warehouse.home import Home

# Codes of quarantine that say that values, or names, contradict each other.
CONTRADICTIONS: Final = ("contradiction", "sign", "unit_factor", "owner_disagrees", "map_contradicts", "map_outside")
DAY_SECONDS: Final = 86_400.0


def find_contradictions(home: Home) -> Iterator[Sign]:
    """Yield the files in quarantine whose values contradict each other."""
    held = SOURCE_FILE.c.state == "quarantined", SOURCE_FILE.c.reason_code.in_(CONTRADICTIONS)
    for row in home.registry.rows(sa.select(SOURCE_FILE).where(*held).order_by(SOURCE_FILE.c.sha256)):
        evidence = {name: row[name] for name in ("path", "sha256", "reason_code", "reason_detail", "reason_where")}
        yield Sign("contradiction", row["sha256"], row["cell_id"], evidence, row["firm"])


def find_stopped(home: Home, now: float) -> Iterator[Sign]:
    """Yield the tests whose files do not grow any more.

    Args:
        home: the platform.
        now: the night's moment, seconds since 1970.
    """
    for test, seen in _list_growing(home):
        recipe = home.recipe_of(test["firm"]).alerts
        usual = float(np.median(np.diff(seen))) if len(seen) >= recipe.stall_versions else None
        if usual is None or not _is_recent(test, now, recipe):
            continue
        # Files are looked at every few seconds, so when a version was seen is when it grew.
        silence = now - seen[-1]
        if silence > max(recipe.stall_intervals * usual, recipe.stall_seconds):
            yield _tell_stopped(home, test, usual, seen[-1])


def _is_recent(test: Row, now: float, recipe: AlertsRecipe) -> bool:
    """Whether the test itself, and not only its files, is of these days: old files arrive in one go."""
    last = test["last_unix_second"]
    return last is not None and now - last < recipe.recent_days * DAY_SECONDS


def _list_growing(home: Home) -> Iterator[tuple[Row, list[float]]]:
    """Yield each test that a growing file made, with the times at which its versions were seen."""
    grown = sa.select(SOURCE_FILE.c.test_id).where(SOURCE_FILE.c.previous_sha256.is_not(None)).distinct()
    versions = sa.select(SOURCE_FILE.c.test_id, SOURCE_FILE.c.first_seen_unix_second.label("seen"))
    seen: dict[str, list[float]] = {}
    for row in home.registry.rows(versions.where(SOURCE_FILE.c.test_id.in_(grown)).order_by("seen")):
        seen.setdefault(row["test_id"], []).append(row["seen"])
    for test in home.registry.rows(sa.select(TEST).where(TEST.c.test_id.in_(grown)).order_by(TEST.c.test_id)):
        yield test, seen[test["test_id"]]


def _tell_stopped(home: Home, test: Row, usual: float, last: float) -> Sign:
    cycles = read_stored(home, test["test_id"], CYCLES)
    cut_off = cycles.height > 0 and "truncated" in (cycles["flags"][-1] or "").split(",")
    evidence = {
        "channel": test["channel"],
        "cycles": cycles.height,
        "last_growth_unix_second": last,
        "usual_interval_second": usual,
        "last_record_unix_second": test["last_unix_second"],
    }
    kind = "test_stalled" if cut_off else "test_ended"
    return Sign(kind, test["test_id"], test["cell_id"], evidence, test["firm"], test["test_id"])

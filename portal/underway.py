"""What is on its way to its receipt: uploads, files that come to rest in the inboxes, and files that are being read.

What lies in the inboxes is looked at as the watcher looks, and at most once a second however many pages ask; where a
look takes long, as on a share with many files, it is taken less often.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from flows.drops import drop_of
from flows.folders import Look, join_folders
from flows.watch import Watcher, look_into
from portal.problems import Problem
from portal.uploads import FOLDER, Uploads
from warehouse.sources import count_states, newest_receipts
from warehouse.underway import ending_of, is_watched, measure_speeds, sources_underway

if TYPE_CHECKING:
    from starlette.requests import Request

    from warehouse.home import Home
    from warehouse.registry import Row

LEAST_SECONDS: Final = 1.0
# A look takes at most this part of the time.
SHARE: Final = 10.0
# An estimate is no promise: only the receipt says that all is done.
MOST_PERCENT: Final = 99
Stage = Literal["receiving", "waiting", "settling", "reading", "checking", "stopped"]


@dataclass(frozen=True)
class Coming:
    """One thing that has no receipt yet.

    Args:
        path: as the user knows it.
        stage: receiving an upload, waiting its turn, settling until it lies still, reading, checking what was
            read; or stopped, because whoever read it died, and begun anew by the next look.
        size: its bytes.
        since_unix_second: since when it is at this stage, as far as is known.
        percent: how much of an upload is here, or about how much of the usual time of reading has gone.
    """

    path: str
    stage: Stage
    size: int | None
    since_unix_second: float
    percent: int | None = None


@dataclass(frozen=True)
class Moment:
    """Everything on the page of receipts at a moment.

    Args:
        coming: what is on its way.
        counts: what was seen, by state; see ``warehouse.sources.count_states``.
        is_watched: whether somebody looks into the inboxes.
        tag: changes whenever something else does.
    """

    coming: tuple[Coming, ...]
    counts: dict[str, int]
    is_watched: bool
    tag: str


class Underway:
    """Looks at what is on its way, for all pages at once.

    Args:
        home: the platform.
        uploads: the uploads of the portal.
        clock: tells the time; given by tests.
    """

    def __init__(self, home: Home, uploads: Uploads, clock: Callable[[], float] = time.time) -> None:
        self._home = home
        self._uploads = uploads
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[Look, float] = {}
        self._speeds: dict[str, float] = {}
        self._changes = -1
        self._kept: tuple[float, Moment] | None = None

    def look(self) -> Moment:
        """Return how everything stands, as of a moment ago."""
        with self._lock:
            now = self._clock()
            if self._kept is not None and now < self._kept[0]:
                return self._kept[1]
            moment = self._look(now)
            took = self._clock() - now
            self._kept = (now + max(LEAST_SECONDS, took * SHARE), moment)
            return moment

    def _look(self, now: float) -> Moment:
        watched = is_watched(self._home, now)
        coming = (*self._receiving(), *self._reading(now), *self._lying(now, watched=watched))
        counts = count_states(self._home)
        newest = newest_receipts(self._home, 1)
        told = repr(([asdict(one) for one in coming], counts, watched, [one["receipt_id"] for one in newest]))
        return Moment(coming, counts, watched, hashlib.sha256(told.encode()).hexdigest()[:16])

    def _receiving(self) -> Iterator[Coming]:
        for part in sorted((self._home.folder / FOLDER).glob("*.part")):
            try:
                upload = self._uploads.find(part.stem)
            except Problem:
                # It came into the inbox, or was dropped, between two looks.
                continue
            if upload.state == "receiving":
                percent = int(100 * upload.offset / upload.size) if upload.size else 0
                yield Coming(upload.name, "receiving", upload.size, upload.begun_unix_second, percent)

    def _reading(self, now: float) -> Iterator[Coming]:
        rows = sources_underway(self._home)
        changes = self._home.registry.count_changes() if rows else self._changes
        if changes != self._changes:
            self._changes, self._speeds = changes, measure_speeds(self._home)
        for row in rows:
            since = row["updated_unix_second"]
            percent = self._estimate(row, now - since) if row["alive"] else None
            if row["format"] is not None and row["alive"]:
                # Its format is told as soon as a reader is done with it.
                yield Coming(row["path"], "checking", row["size"], since)
                continue
            yield Coming(row["path"], "reading" if row["alive"] else "stopped", row["size"], since, percent)

    def _estimate(self, row: Row, elapsed: float) -> int | None:
        """Return about how much is done, by how long the newest files with this ending took."""
        speed = self._speeds.get(ending_of(row["path"]))
        expected = (speed or 0.0) * (row["size"] or 0)
        return min(int(100 * elapsed / expected), MOST_PERCENT) if expected else None

    def _lying(self, now: float, *, watched: bool) -> Iterator[Coming]:
        """Yield the files in the inboxes that were not taken in as they look now."""
        watcher = Watcher(self._home)
        reading = {row["path"] for row in sources_underway(self._home)}
        before, self._seen = self._seen, {}
        for inbox in watcher.reachable():
            settle = watcher.settle_seconds(inbox)
            for look, _ in join_folders(look_into(inbox)):
                if watcher.is_taken(look) or look.path in reading or drop_of(Path(look.path)).is_system_file:
                    continue
                # Clocks of shares say nothing about now, so it is by our own looks that a file lies still.
                since = self._seen[look] = before.get(look, now)
                settling = watched and now - since < settle
                yield Coming(look.path, "settling" if settling else "waiting", look.size, since)


def underway_of(request: Request) -> Underway:
    """Return the one that looks for this portal."""
    state = request.app.state
    found: Underway | None = getattr(state, "underway", None)
    if found is None:
        # Two requests at once may each make one; the later one counts, and both see the same.
        found = state.underway = Underway(state.asking.home, state.uploads)
    return found

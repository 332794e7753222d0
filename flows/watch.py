"""The watcher: looks into the inboxes again and again, and takes in what has come to rest.

Polling is what counts; events of the operating system only shorten the wait, for a share of another machine sends none.
A file is at rest when its size, its time of change and a hash of its two ends stood still over two looks and a time of
our own monotonic clock: the clocks of shares and instruments say nothing about now. A folder that is one source is at
rest when all its files are. Nothing in an inbox is ever written
or deleted, and a share that is gone has no files for the moment, which is not the same as deleted files.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa
from watchfiles import watch as watch_changes

from flows.accounts import Receipt
from flows.drops import drop_of, printable
from flows.folders import Look, join_folders
from flows.ingest import finish_unfinished, ingest_file
from warehouse.errors import CellarError, StoreBusy
from warehouse.mounts import is_on_network
from warehouse.registry import INBOX_FILE
from warehouse.verify import remove_leftovers

if TYPE_CHECKING:
    from warehouse.home import Home

__all__ = ["Look", "Watcher", "look_into", "recover", "scan_once", "take_plainly", "watch_inboxes"]

log: Final = logging.getLogger("cellar.watch")

END_BYTES: Final = 4096
MOST_ENDS: Final = 32
# Shares tell of changes this late: clients keep what they know of a file for up to a minute.
NETWORK_SETTLE_SECONDS: Final = 60.0
LISTEN_SECONDS: Final = 1.0
RECOVER_SECONDS: Final = 60.0


class _Rest(NamedTuple):
    """A file that may have come to rest: how it looked, a hash of its ends, and since when by our clock."""

    look: Look
    ends: bytes
    since: float


class Watcher:
    """Watches the inboxes of one home.

    Args:
        home: the platform; its settings name the inboxes and the times.
        clock: our own monotonic clock; given by tests.
    """

    def __init__(self, home: Home, clock: Callable[[], float] = time.monotonic) -> None:
        self._home = home
        self._clock = clock
        self._inboxes = [home.folder / inbox for inbox in home.settings.inboxes]
        self._known = _read_known(home)
        self._resting: dict[str, _Rest] = {}
        self._gone: set[Path] = set()
        self._changes: Iterator[object] = iter(())

    def poll(self) -> list[Look]:
        """Look around once; returns the files that are new or changed and have come to rest."""
        now = self._clock()
        before, self._resting = self._resting, {}
        settled = []
        for inbox in self.reachable():
            settle = self.settle_seconds(inbox)
            for look, members in join_folders(look_into(inbox)):
                if self.is_taken(look) or drop_of(Path(look.path)).is_system_file:
                    continue
                rest = _observe(look, members, before.get(look.path), now)
                if rest is None:
                    continue
                self._resting[look.path] = rest
                if rest.since < now and now - rest.since >= settle:
                    settled.append(look)
        return settled

    def take(self, looks: list[Look]) -> Iterator[Receipt]:
        """Take in files at rest; one that changes meanwhile, or that another process works on, settles again."""
        for look in looks:
            self._resting.pop(look.path, None)
            receipt = None
            try:
                for receipt in ingest_file(self._home, Path(look.path)):
                    yield receipt
            except StoreBusy as error:
                log.info("%s is looked at again later: %s", look.path, error)
                continue
            self._remember(look, receipt)
            self._home.leases.note_look()

    def is_taken(self, look: Look) -> bool:
        """Say whether a file was taken in as it looked."""
        known = self._known.get(look.path) or self._known.get(_key(look.path))
        return known == look[1:]

    def wait(self, stop: threading.Event) -> None:
        """Wait for the next look: until a file may have come to rest, something changes, or the time is over."""
        settings = self._home.settings
        if self._resting:
            # Not by events: the last write to a file that comes to rest would wake us at once.
            stop.wait(min(settings.scan_seconds, settings.settle_seconds))
            return
        until = self._clock() + settings.scan_seconds
        while not stop.is_set() and self._clock() < until:
            if self._has_changed(stop):
                return

    def _has_changed(self, stop: threading.Event) -> bool:
        """Listen for a while; False when nothing happened that the system would tell of."""
        try:
            return bool(next(self._changes))
        except StopIteration:
            local = [inbox for inbox in self.reachable() if not is_on_network(inbox)]
            if local:
                self._changes = _listen(local, stop)
            else:
                stop.wait(LISTEN_SECONDS)
        except OSError as error:
            # The system has no watches left, or the folder went away: polling finds what events would have told.
            log.info("no events for the inboxes: %s", error)
            stop.wait(LISTEN_SECONDS)
        return False

    def reachable(self) -> list[Path]:
        """Return the inboxes that are there at the moment."""
        for inbox in self._inboxes:
            if inbox.is_dir():
                self._gone.discard(inbox)
            elif inbox not in self._gone:
                self._gone.add(inbox)
                log.warning("the inbox %s cannot be reached at the moment; its files are not forgotten", inbox)
        return [inbox for inbox in self._inboxes if inbox not in self._gone]

    def settle_seconds(self, inbox: Path) -> float:
        """Return how long a file of an inbox has to lie still."""
        seconds = self._home.settings.settle_seconds
        return max(seconds, NETWORK_SETTLE_SECONDS) if is_on_network(inbox) else seconds

    def _remember(self, look: Look, receipt: Receipt | None) -> None:
        self._known[_key(look.path)] = look[1:]
        row = {
            "path": _key(look.path),
            "size": look.size,
            "modified_ns": look.modified_ns,
            "sha256": (receipt["sha256"] or None) if receipt else None,
            "taken_unix_second": time.time(),
        }
        with self._home.registry.write() as connection:
            self._home.registry.put(connection, INBOX_FILE, row)


def watch_inboxes(home: Home, stop: threading.Event, take: Callable[[Watcher, list[Look]], object]) -> None:
    """Watch until told to stop; what dead processes left unfinished is finished first, and from time to time.

    Args:
        home: the platform.
        stop: ends the watch, after the file that is being taken in.
        take: takes in what has come to rest, by ``watcher.take``.
    """
    watcher = Watcher(home)
    recovered = -math.inf
    while not stop.is_set():
        try:
            if time.monotonic() - recovered >= RECOVER_SECONDS:
                recover(home)
                recovered = time.monotonic()
            settled = watcher.poll()
            home.leases.note_look()
            if settled:
                take(watcher, settled)
        except (CellarError, OSError, sa.exc.DBAPIError) as error:
            # A full disk or a database that is away: the files still lie there, and the next look finds them.
            log.error("%s: %s; trying again", type(error).__name__, error)  # noqa: TRY400 the traceback is of no use to an operator
        watcher.wait(stop)


def scan_once(home: Home, stop: threading.Event, take: Callable[[Watcher, list[Look]], object]) -> None:
    """Take in what lies at rest now, after what dead processes left unfinished."""
    recover(home)
    watcher = Watcher(home)
    watcher.poll()
    stop.wait(max(map(watcher.settle_seconds, watcher.reachable()), default=0.0))
    if not stop.is_set() and (settled := watcher.poll()):
        take(watcher, settled)


def take_plainly(watcher: Watcher, looks: list[Look]) -> None:
    """Take in what has come to rest, without Prefect; what became of it is logged and kept in the registry."""
    for receipt in watcher.take(looks):
        log.info("%s: %s", receipt["state"], receipt["path"])


def recover(home: Home) -> list[Receipt]:
    """Bury dead workers, finish what they had begun, and remove what they left."""
    buried = home.leases.bury_dead()
    receipts = finish_unfinished(home)
    if buried:
        remove_leftovers(home)
    return receipts


def look_into(folder: Path | str) -> Iterator[Look]:
    """Yield every file below a folder as it looks; links are not followed, and what cannot be seen is left out."""
    folders = [os.fspath(folder)]
    while folders:
        files = []
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                # What went away since it was listed, or is not ours to see: the next look sees what is there then.
                with suppress(OSError):
                    if entry.is_file(follow_symlinks=False):
                        status = entry.stat(follow_symlinks=False)
                        files.append(Look(entry.path, status.st_size, status.st_mtime_ns))
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        yield from sorted(files)


def _listen(inboxes: list[Path], stop: threading.Event) -> Iterator[object]:
    return watch_changes(
        *inboxes,
        watch_filter=None,
        stop_event=stop,
        rust_timeout=int(LISTEN_SECONDS * 1000),
        yield_on_timeout=True,
        raise_interrupt=True,
        ignore_permission_denied=True,
    )


def _observe(look: Look, members: Sequence[Look], before: _Rest | None, now: float) -> _Rest | None:
    """Say since when a file, or all files of a folder, have looked like this; None when they cannot be looked at."""
    if before is not None and before.look != look:
        before = None
    try:
        # Those that changed last: a folder may hold thousands, of which all but a few are closed.
        newest = sorted(members, key=lambda member: member.modified_ns)[-MOST_ENDS:]
        ends = b"".join(map(_hash_ends, newest))
    except FileNotFoundError:
        return None
    except OSError:
        # It cannot be read, at the moment or at all: once it lies still, the receipt says so.
        ends = b""
    return before if before is not None and before.ends == ends else _Rest(look, ends, now)


def _hash_ends(look: Look) -> bytes:
    with open(look.path, "rb") as file:  # noqa: PTH123 a Path per file costs more than the look
        digest = hashlib.sha256(file.read(END_BYTES))
        file.seek(max(look.size - END_BYTES, 0))
        digest.update(file.read(END_BYTES))
        return digest.digest()


def _read_known(home: Home) -> dict[str, tuple[int, int]]:
    with home.registry.snapshot() as moment:
        rows = moment.execute(sa.select(INBOX_FILE.c.path, INBOX_FILE.c.size, INBOX_FILE.c.modified_ns)).all()
    return {path: (size, modified) for path, size, modified in rows}


def _key(path: str) -> str:
    r"""Return a path as it can be stored: bytes that are no UTF-8 as ``\xNN``."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return printable(Path(path))
    return path

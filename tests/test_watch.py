"""The watcher: what comes to rest is taken once, whatever shares, names and clocks do, and nothing is written to."""

from __future__ import annotations

import errno
import os
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from made_cells import cycle, measure, write_bdf

from flows import watch
from flows.accounts import Receipt
from flows.watch import Look, Watcher, look_into, recover, scan_once, take_plainly, watch_inboxes
from warehouse.errors import StoreFailed
from warehouse.foreign import Foreign
from warehouse.home import Home
from warehouse.publish import Owner
from warehouse.sources import begin_source, count_states, newest_receipts

TWO_CYCLES = measure(cycle([1e-3, 0.9e-3]))
NFC = unicodedata.normalize("NFC", "배터리 시험.csv")
NFD = unicodedata.normalize("NFD", NFC)
SETTLE = 5.0
SETTINGS = "scan_seconds = 0.5\nsettle_seconds = 0.2\n"


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class Site:
    """A home, its inbox, and a watcher whose clock is ours."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.inbox = home.folder / "inbox"
        self.clock = Clock()
        self.watcher = Watcher(home, self.clock)

    def look(self, later: float = 0.0) -> list[Look]:
        """Let time pass, then look around."""
        self.clock.now += later
        return self.watcher.poll()

    def settle(self) -> list[Look]:
        """Look twice, as far apart as a file has to lie still."""
        self.look(1.0)
        return self.look(SETTLE)

    def take(self) -> list[Receipt]:
        """Take in what has come to rest."""
        return list(self.watcher.take(self.settle()))

    def states(self) -> list[str]:
        """Take in what has come to rest; returns what became of it."""
        return [receipt["state"] for receipt in self.take()]


@pytest.fixture
def site(local_home: Home) -> Site:
    return Site(local_home)


def drop(site: Site, name: str = "A/C1/t.csv", shift: float = 0.0) -> Path:
    """Put a file into the inbox."""
    return write_bdf(site.inbox / name, TWO_CYCLES.with_columns(voltage_volt=TWO_CYCLES["voltage_volt"] + shift))


def failing(number: int, honest: Callable[..., Any], path: str) -> Callable[..., Any]:
    """Return a system call that fails for one path as a share does."""

    def call(name: Any, *arguments: Any, **options: Any) -> Any:
        if str(name) == path:
            raise OSError(number, os.strerror(number), path)
        return honest(name, *arguments, **options)

    return call


# Settling


def test_file_at_rest_is_found(site: Site) -> None:
    """A new file that looks the same over two looks and the time to settle is found, in whatever folder."""
    path = drop(site)
    assert site.settle() == [Look(str(path), path.stat().st_size, path.stat().st_mtime_ns)]


def test_one_look_is_not_enough(site: Site) -> None:
    """However old a file is, it is not taken at the first look, nor before the time to settle is over."""
    os.utime(drop(site), (0, 0))
    assert site.look(100.0) == []
    assert site.look(SETTLE - 0.1) == []
    assert len(site.look(0.1)) == 1


def test_growing_file_is_left(site: Site) -> None:
    """A file that grows between two looks settles anew."""
    path = drop(site)
    site.look()
    with path.open("a") as file:
        file.write("\n")
    assert site.look(SETTLE) == []
    assert len(site.look(SETTLE)) == 1


def test_file_written_in_place_is_left(site: Site) -> None:
    """A file whose bytes change while size and time stay settles anew: some programs set the time back."""
    path = drop(site)
    before = path.stat()
    site.look()
    path.write_bytes(path.read_bytes()[:-2] + b"9\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert site.look(SETTLE) == []
    assert len(site.look(SETTLE)) == 1


def test_vanishing_file_is_left(site: Site) -> None:
    """A file that goes away while it settles is no file."""
    path = drop(site)
    site.look()
    path.unlink()
    assert site.look(SETTLE) == []


@pytest.mark.parametrize("jump", [-1e6, 1e6, -3600.0])
def test_wall_clock_may_jump(site: Site, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    """Settling knows no wall clock: neither a jump of ours nor a file from the future hurries or delays it."""
    path = drop(site)
    honest = time.time
    os.utime(path, (honest() - jump, honest() - jump))
    site.look()
    monkeypatch.setattr(time, "time", lambda: honest() + jump)
    assert site.look(SETTLE - 0.1) == []
    assert len(site.look(0.1)) == 1
    assert site.states() == ["committed"]


def test_copy_that_stalls_is_taken_twice_and_counts_once(site: Site) -> None:
    """A copy that stalls longer than the time to settle is taken as far as it is, and whole when it went on."""
    path = drop(site)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\n", len(whole) // 2) + 1])
    assert site.states() == ["committed"]
    path.write_bytes(whole)
    (receipt,) = site.take()
    assert (receipt["state"], receipt["rows"]) == ("committed", 88)
    assert site.home.query("tests").height == 1
    assert site.home.query("measurements").height == 88


# Known files


def test_taken_file_is_not_opened_again(site: Site) -> None:
    """What was taken is not found again until it changes, by a later watcher either; its bytes and time stay."""
    path = drop(site)
    before = path.stat()
    assert site.states() == ["committed"]
    later = Site(site.home)
    assert site.settle() == later.settle() == []
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)
    path.write_text(path.read_text() + "\n")
    assert len(later.settle()) == 1


def test_known_files_are_not_opened(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look around opens only what is new or changed."""
    drop(site)
    site.take()
    opened: list[Look] = []
    monkeypatch.setattr(watch, "_hash_ends", lambda look: opened.append(look) or b"")
    new = drop(site, "A/C1/u.csv", 0.1)
    site.look()
    assert [look.path for look in opened] == [str(new)]


def test_system_files_are_left(site: Site) -> None:
    """Files of operating systems and half-finished copies are not taken."""
    for name in (".DS_Store", "Thumbs.db", "~$book.xlsx", "t.csv.part"):
        drop(site, name)
    assert site.settle() == []


def test_links_are_not_followed(site: Site, tmp_path: Path) -> None:
    """A link in an inbox leads nowhere, be it to a file, a folder, or round in a circle."""
    site.inbox.joinpath("file.csv").symlink_to(write_bdf(tmp_path / "elsewhere" / "t.csv", TWO_CYCLES))
    site.inbox.joinpath("folder").symlink_to(tmp_path / "elsewhere")
    site.inbox.joinpath("round").symlink_to(site.inbox)
    assert site.settle() == []


def test_known_files_ask_the_registry_nothing(site: Site) -> None:
    """A look around known files sends the registry no statement; the proof ``scan`` says what it costs."""
    drop(site)
    site.take()
    asked: list[str] = []
    sa.event.listen(site.home.registry.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    assert site.look() == []
    assert asked == []


# Shares


def test_share_that_is_gone_has_no_files(site: Site) -> None:
    """An inbox that goes away has no files for the moment, those of others are found, and its known stay known."""
    site.home.folder.joinpath("settings.toml").write_text('inboxes = ["share", "inbox"]\n')
    share = site.home.folder / "share"
    write_bdf(share / "t.csv", TWO_CYCLES)
    with closing(Home(site.home.folder)) as home:
        site = Site(home)
        assert site.states() == ["committed"]
        share.rename(share.with_name("away"))
        other = drop(site, "u.csv", 0.1)
        assert [look.path for look in site.settle()] == [str(other)]
        share.with_name("away").rename(share)
        write_bdf(share / "new.csv", TWO_CYCLES.with_columns(voltage_volt=TWO_CYCLES["voltage_volt"] + 0.2))
        assert [Path(look.path).name for look in site.settle()] == ["new.csv", "u.csv"]


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.ENOTCONN])
def test_share_that_does_not_answer_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A file whose share does not answer is neither quarantined nor forgotten, and taken once it answers."""
    path = drop(site)
    looks = site.settle()
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", failing(number, os.open, str(path)))
        assert list(site.watcher.take(looks)) == []
    assert count_states(site.home)["seen"] == 0
    assert site.states() == ["committed"]


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO])
def test_share_that_fails_in_the_middle_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """A share that fails while a file is read leaves nothing behind, and the file is taken once it answers."""
    path = drop(site)
    looks = site.settle()
    inode = path.stat().st_ino
    honest = os.read

    def broken(descriptor: int, size: int) -> bytes:
        if os.fstat(descriptor).st_ino == inode:
            raise OSError(number, os.strerror(number))
        return honest(descriptor, size)

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", broken)
        assert list(site.watcher.take(looks)) == []
    assert list((site.home.folder / "archive").rglob("*.tmp")) == []
    assert site.states() == ["committed"]


def test_folder_that_cannot_be_listed_hides_its_files(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that fails has no files for the moment; those of others are found, and its own afterwards."""
    path, other = drop(site), drop(site, "B/u.csv", 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", failing(errno.EIO, os.scandir, str(path.parent)))
        assert [look.path for look in site.settle()] == [str(other)]
    assert len(site.settle()) == 2


def test_file_that_goes_away_during_capture_is_no_failure(site: Site) -> None:
    """A file that is gone when it is to be taken is forgotten; the one after it is taken."""
    path = drop(site)
    drop(site, "A/C2/u.csv", 0.1)
    looks = site.settle()
    path.unlink()
    assert [Path(receipt["path"]).name for receipt in site.watcher.take(looks)] == ["u.csv"]


def test_file_that_changes_during_capture_settles_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written to while it is copied is taken when it is quiet, with all it has by then."""
    path = drop(site)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    looks = site.settle()
    honest = Foreign.chunks

    def written_to(self: Foreign, *span: int) -> Iterator[bytes]:
        yield from honest(self, *span)
        path.write_bytes(whole)

    with monkeypatch.context() as patch:
        patch.setattr(Foreign, "chunks", written_to)
        assert list(site.watcher.take(looks)) == []
    assert count_states(site.home)["seen"] == 0
    (receipt,) = site.take()
    assert (receipt["state"], receipt["rows"]) == ("committed", 88)


# Names


def test_twins_in_both_normal_forms_are_two_files(site: Site) -> None:
    """Two names that look alike, as Windows and macOS write them, are two files, and both are taken."""
    drop(site, f"A/{NFC}")
    drop(site, f"A/{NFD}", 0.1)
    taken = site.take()
    assert {receipt["path"] for receipt in taken} == {str(site.inbox / "A" / NFC), str(site.inbox / "A" / NFD)}
    assert [receipt["state"] for receipt in taken] == ["committed", "committed"]
    assert site.settle() == []


@pytest.mark.parametrize("name", ["x" * 251 + ".csv", "긴" * 83 + "12.csv", "a\nb.csv", "[red]x.csv"])
def test_any_name_is_taken_once(site: Site, name: str) -> None:
    """Names of 255 bytes, with line ends or brackets are taken like any other, and known by a later watcher."""
    drop(site, name)
    assert site.states() == ["committed"]
    assert Site(site.home).settle() == []


def test_name_that_is_no_utf8_is_taken_once(site: Site) -> None:
    """A name in another code page is taken, and known by a later watcher."""
    path = drop(site)
    path.rename(site.inbox / b"\xbc\xbf.csv".decode("utf-8", "surrogateescape"))
    assert site.states() == ["committed"]
    assert Site(site.home).settle() == []


# The loop


@pytest.fixture
def quick(local_home: Home) -> Home:
    """A home that settles quickly."""
    (local_home.folder / "settings.toml").write_text(SETTINGS)
    local_home.settings = Home(local_home.folder).settings
    return local_home


def run_watch(home: Home, until: Callable[[], bool], seconds: float = 30.0) -> None:
    """Watch in a thread until something has happened."""
    stop = threading.Event()
    thread = threading.Thread(target=watch_inboxes, args=(home, stop, take_plainly))
    thread.start()
    try:
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join()


def test_watch_takes_what_is_dropped(quick: Home) -> None:
    """The watch takes in what is dropped while it runs, and stops when it is told."""
    with closing(Home(quick.folder)) as other:
        write_bdf(quick.folder / "inbox" / "t.csv", TWO_CYCLES)
        run_watch(quick, lambda: count_states(other)["committed"] == 1)


def test_event_shortens_the_wait(quick: Home) -> None:
    """Between two looks a dropped file wakes the watcher where the system tells of it."""
    (quick.folder / "settings.toml").write_text("scan_seconds = 600\nsettle_seconds = 0.2\n")
    with closing(Home(quick.folder)) as home, closing(Home(quick.folder)) as other:
        write_bdf(home.folder / "inbox" / "first.csv", TWO_CYCLES)

        written = 0.0

        def both() -> bool:
            nonlocal written
            # Again and again, for nobody tells when the watcher has begun to listen; never without rest.
            if count_states(other)["committed"] == 1 and time.monotonic() - written > 2.0:
                write_bdf(home.folder / "inbox" / "t.csv", TWO_CYCLES.head(44))
                written = time.monotonic()
            return count_states(other)["committed"] == 2

        run_watch(home, both)


def test_watch_goes_on_after_a_failure(quick: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full for a while stops no watch: what lay there is taken afterwards."""
    honest = Watcher.poll
    failed: list[int] = []

    def poll(self: Watcher) -> list[Look]:
        if len(failed) < 2:
            failed.append(1)
            raise (StoreFailed("the disk is full"), OSError(errno.ENOSPC, "full"))[len(failed) - 1]
        return honest(self)

    monkeypatch.setattr(Watcher, "poll", poll)
    with closing(Home(quick.folder)) as other:
        write_bdf(quick.folder / "inbox" / "t.csv", TWO_CYCLES)
        run_watch(quick, lambda: count_states(other)["committed"] == 1)
    assert len(failed) == 2


def test_scan_takes_what_lies_there(quick: Home) -> None:
    """One scan takes in what lies at rest, and a second finds nothing new."""
    write_bdf(quick.folder / "inbox" / "t.csv", TWO_CYCLES)
    for _ in range(2):
        scan_once(quick, threading.Event(), take_plainly)
    assert [receipt["state"] for receipt in newest_receipts(quick)] == ["committed"]


def test_recovery_finishes_what_the_dead_began(quick: Home) -> None:
    """What a process had captured when it died is finished from the archive, and its worker is buried."""
    path = write_bdf(quick.folder / "t.csv", TWO_CYCLES)
    dead = Home(quick.folder)
    begin_source(dead, dead.archive.capture(path, str(path)), str(path), Owner("A", "C1", "option"))
    dead.leases._stop.set()
    dead.registry.close()
    path.unlink()
    with quick.registry.write() as connection:
        connection.exec_driver_sql("UPDATE worker SET born = 'long ago'")
    assert [receipt["state"] for receipt in recover(quick)] == ["committed"]
    assert count_states(quick)["in_progress"] == 0


def test_folders_are_walked_in_order(tmp_path: Path) -> None:
    """Files of a folder are seen in the order of their names, deep ones as well."""
    for name in ("b.csv", "a.csv", "deep/er/c.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [Path(look.path).name for look in look_into(tmp_path)] == ["a.csv", "b.csv", "c.csv"]

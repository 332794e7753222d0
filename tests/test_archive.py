"""The archive: what was dropped survives byte for byte, under its hash, or nothing is there at all."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from disk_spy import DiskSpy, fail_fsync, files_below, full_disk

from warehouse.archive import Archive
from warehouse.errors import QuarantineError, SourceBusy
from warehouse.files import CHUNK
from warehouse.foreign import Foreign

RAW = os.urandom(CHUNK + 4321)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "셀 1.mpr"
    path.write_bytes(RAW)
    return path


def content_of(archive: Archive, sha256: str) -> bytes:
    """Return a content's bytes as the archive gives them."""
    with archive.open(sha256) as file:
        return file.read()


def while_reading(patch: pytest.MonkeyPatch, happens: Callable[[], object], after: int = 1) -> None:
    """Let something happen to the source after some of its chunks were read."""
    read = Foreign.read
    chunks = 0

    def interrupted(self: Foreign, begin: int, size: int) -> bytes:
        nonlocal chunks
        chunk = read(self, begin, size)
        chunks += 1
        if chunks == after:
            happens()
        return chunk

    patch.setattr(Foreign, "read", interrupted)


def fail_reading(patch: pytest.MonkeyPatch, number: int) -> None:
    """Make the system refuse to read the source."""

    def refuse(_descriptor: int, _size: int) -> bytes:
        raise OSError(number, os.strerror(number))

    patch.setattr("warehouse.foreign.os.read", refuse)


def test_bytes_survive(archive: Archive, source: Path) -> None:
    """The archived bytes are those of the source, which stays as it was."""
    before = source.stat()
    captured = archive.capture(source, "shown")
    assert archive.path_of(captured.sha256).read_bytes() == source.read_bytes() == RAW
    assert (source.stat().st_mtime_ns, source.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_name_is_the_hash(archive: Archive, source: Path) -> None:
    """A source is kept under the SHA-256 of its bytes, below its first two digits."""
    digest = hashlib.sha256(RAW).hexdigest()
    captured = archive.capture(source, "shown")
    assert (captured.sha256, captured.size) == (digest, len(RAW))
    assert captured.head_sha256 == hashlib.sha256(RAW[:4096]).hexdigest()
    assert files_below(archive.folder) == [archive.folder / digest[:2] / digest] == [archive.path_of(digest)]


def test_same_bytes_are_kept_once(archive: Archive, source: Path) -> None:
    """The same bytes under another name add no file."""
    first = archive.capture(source, "shown")
    again = source.with_name("copy.mpr")
    again.write_bytes(RAW)
    assert archive.capture(again, "again") == first
    assert files_below(archive.folder) == [archive.path_of(first.sha256)]


def test_rotten_copy_is_healed(archive: Archive, source: Path) -> None:
    """A copy whose bits have changed on the disk is replaced by the next drop of the same bytes."""
    path = archive.path_of(archive.capture(source, "shown").sha256)
    path.write_bytes(b"\0" + RAW[1:])
    archive.capture(source, "shown")
    assert path.read_bytes() == RAW


def test_empty_file_is_kept(archive: Archive, source: Path) -> None:
    """A file without bytes is kept under the hash of nothing."""
    source.write_bytes(b"")
    assert archive.capture(source, "shown").sha256 == hashlib.sha256().hexdigest()


def test_growing_file_is_busy(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that grows while it is copied is not taken, and leaves nothing."""

    def grow() -> None:
        with source.open("ab") as file:
            file.write(b"more")

    while_reading(monkeypatch, grow)
    with pytest.raises(SourceBusy, match="shown changed while it was copied"):
        archive.capture(source, "shown")
    assert files_below(archive.folder) == []


def test_rewritten_file_is_busy(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written over with as many bytes while it is copied is not taken."""

    def rewrite() -> None:
        with source.open("r+b") as file:
            file.write(b"other")
        os.utime(source, ns=(0, 0))

    while_reading(monkeypatch, rewrite)
    with pytest.raises(SourceBusy):
        archive.capture(source, "shown")


def test_shrinking_file_is_busy(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is cut while it is copied is not taken."""
    while_reading(monkeypatch, lambda: os.truncate(source, 10))
    with pytest.raises(SourceBusy):
        archive.capture(source, "shown")


def test_file_deleted_while_copied_is_taken(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose name vanishes while it is copied is taken whole: it stays open until its end."""
    while_reading(monkeypatch, source.unlink)
    assert content_of(archive, archive.capture(source, "shown").sha256) == RAW


@pytest.mark.parametrize(
    ("kind", "code"), [("link", "symbolic_link"), ("folder", "cannot_open"), ("pipe", "cannot_open")]
)
def test_what_is_no_file_is_quarantined(archive: Archive, tmp_path: Path, source: Path, kind: str, code: str) -> None:
    """A link is not followed, a folder is no file, and a pipe is not waited for: each is set aside with its name."""
    path = tmp_path / "x"
    make: dict[str, Callable[[], object]] = {
        "link": lambda: path.symlink_to(source),
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
    }
    make[kind]()
    with pytest.raises(QuarantineError, match="shown: ") as caught:
        archive.capture(path, "shown")
    assert (caught.value.code, files_below(archive.folder)) == (code, [])


def test_file_that_went_away_is_busy(archive: Archive, tmp_path: Path) -> None:
    """A file that is gone when its turn comes is not set aside: there is nothing to decide about."""
    with pytest.raises(SourceBusy, match="went away"):
        archive.capture(tmp_path / "gone", "shown")


@pytest.mark.parametrize("name", ["ESTALE", "EIO", "ENOTCONN", "EHOSTDOWN"])
def test_share_that_fails_is_waited_for(
    archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A share that fails in the middle of a file is waited for, and nothing of the file is kept."""
    fail_reading(monkeypatch, getattr(errno, name))
    with pytest.raises(SourceBusy, match="its share is waited for"):
        archive.capture(source, "shown")
    assert files_below(archive.folder) == []


def test_file_that_may_not_be_read_is_quarantined(
    archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without permission to read it is set aside, for a person to decide."""
    fail_reading(monkeypatch, errno.EACCES)
    with pytest.raises(QuarantineError, match="Permission denied") as caught:
        archive.capture(source, "shown")
    assert caught.value.code == "cannot_open"


def test_what_we_lack_is_our_failure(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has no descriptor left blames neither the file nor its share."""
    fail_reading(monkeypatch, errno.EMFILE)
    with pytest.raises(OSError, match="Too many open files"):
        archive.capture(source, "shown")


def test_durable_before_named(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced before it gets its name, and the folder after."""
    spy = DiskSpy(monkeypatch)
    captured = archive.capture(source, "shown")
    assert spy.around(archive.path_of(captured.sha256)) == ["fsync file", "rename file", "fsync folder"]


def test_full_disk_leaves_nothing(archive: Archive, source: Path) -> None:
    """A disk that takes no more fails the capture and keeps no part of it, neither named nor temporary."""
    with full_disk(CHUNK), pytest.raises(OSError, match="File too large"):
        archive.capture(source, "shown")
    assert files_below(archive.folder) == []
    assert content_of(archive, archive.capture(source, "shown").sha256) == RAW


def test_failed_fsync_leaves_nothing(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that could not be synced does not get its name."""
    archive.path_of(archive.capture(source, "shown").sha256).unlink()
    fail_fsync(monkeypatch)
    with pytest.raises(OSError, match="Input/output"):
        archive.capture(source, "shown")
    assert files_below(archive.folder) == []


def test_leftovers_are_removed(archive: Archive, source: Path) -> None:
    """What a killed capture left is removed, and nothing else."""
    captured = archive.capture(source, "shown")
    (archive.folder / "incoming" / "dead.tmp").write_bytes(b"half")
    assert archive.remove_temporaries() == 1
    assert files_below(archive.folder) == [archive.path_of(captured.sha256)]


def test_temporaries_of_the_living_stay(archive: Archive) -> None:
    """What a living process works on is not taken for what a dead one left."""
    with archive.temporary() as mine:
        mine.write_bytes(b"half")
        assert (archive.remove_temporaries({archive.owner}), mine.exists()) == (0, True)
        assert (archive.remove_temporaries({"other"}), mine.exists()) == (1, False)

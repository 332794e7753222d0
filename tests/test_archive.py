"""The archive: what was dropped survives byte for byte, under its hash, or nothing is there at all."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from disk_spy import DiskSpy, fail_fsync, files_below, full_disk

from warehouse import archive as archive_module
from warehouse.archive import Archive
from warehouse.errors import QuarantineError, SourceBusy
from warehouse.files import CHUNK

RAW = os.urandom(CHUNK + 4321)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "셀 1.mpr"
    path.write_bytes(RAW)
    return path


def while_reading(patch: pytest.MonkeyPatch, happens: object) -> None:
    """Let something happen to the source between its first chunk and the second."""
    read = archive_module._read_chunks

    def interrupted(reader: BinaryIO, shown: str) -> Iterator[bytes]:
        chunks = read(reader, shown)
        yield next(chunks)
        assert callable(happens)
        happens()
        yield from chunks

    patch.setattr(archive_module, "_read_chunks", interrupted)


def test_bytes_survive(archive: Archive, source: Path) -> None:
    """The archived bytes are those of the source, which stays as it was."""
    before = source.stat()
    captured = archive.capture(source, "shown")
    assert captured.path.read_bytes() == source.read_bytes() == RAW
    assert (source.stat().st_mtime_ns, source.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_name_is_the_hash(archive: Archive, source: Path) -> None:
    """A source is kept under the SHA-256 of its bytes, below its first two digits."""
    digest = hashlib.sha256(RAW).hexdigest()
    captured = archive.capture(source, "shown")
    assert (captured.sha256, captured.size) == (digest, len(RAW))
    assert captured.path == archive.folder / digest[:2] / digest == archive.path_of(digest)


def test_same_bytes_are_kept_once(archive: Archive, source: Path) -> None:
    """The same bytes under another name add no file."""
    first = archive.capture(source, "shown")
    again = source.with_name("copy.mpr")
    again.write_bytes(RAW)
    assert archive.capture(again, "again") == first
    assert files_below(archive.folder) == [first.path]


def test_rotten_copy_is_healed(archive: Archive, source: Path) -> None:
    """A copy whose bits have changed on the disk is replaced by the next drop of the same bytes."""
    captured = archive.capture(source, "shown")
    captured.path.write_bytes(b"\0" + RAW[1:])
    assert archive.capture(source, "shown").path.read_bytes() == RAW


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
    assert archive.capture(source, "shown").path.read_bytes() == RAW


@pytest.mark.parametrize("kind", ["absent", "dangling", "folder"])
def test_what_cannot_be_opened_is_quarantined(archive: Archive, tmp_path: Path, kind: str) -> None:
    """What cannot be opened is set aside under the code cannot_open, with its name."""
    path = tmp_path / "x"
    if kind == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(QuarantineError, match="shown: cannot be opened") as caught:
        archive.capture(path, "shown")
    assert caught.value.code == "cannot_open"
    assert files_below(archive.folder) == []


def test_share_that_fails_is_quarantined(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A share that fails in the middle of a file is the source's failure, and nothing is kept."""

    def fail() -> None:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    class Stale:
        def read(self, _size: int) -> bytes:
            fail()
            return b""

    real = archive_module._read_chunks
    monkeypatch.setattr(archive_module, "_read_chunks", lambda _reader, shown: real(Stale(), shown))  # type: ignore[arg-type]  # it reads, which is all that is asked
    with pytest.raises(QuarantineError, match="cannot be read") as caught:
        archive.capture(source, "shown")
    assert (caught.value.code, files_below(archive.folder)) == ("cannot_open", [])


def test_durable_before_named(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced before it gets its name, and the folder after."""
    spy = DiskSpy(monkeypatch)
    captured = archive.capture(source, "shown")
    assert spy.around(captured.path) == ["fsync file", "rename file", "fsync folder"]


def test_full_disk_leaves_nothing(archive: Archive, source: Path) -> None:
    """A disk that takes no more fails the capture and keeps no part of it, neither named nor temporary."""
    with full_disk(CHUNK), pytest.raises(OSError, match="File too large"):
        archive.capture(source, "shown")
    assert files_below(archive.folder) == []
    assert archive.capture(source, "shown").path.read_bytes() == RAW


def test_failed_fsync_leaves_nothing(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that could not be synced does not get its name."""
    make_all = archive.capture(source, "shown")
    make_all.path.unlink()
    fail_fsync(monkeypatch)
    with pytest.raises(OSError, match="Input/output"):
        archive.capture(source, "shown")
    assert files_below(archive.folder) == []


def test_leftovers_are_removed(archive: Archive, source: Path) -> None:
    """What a killed capture left is removed, and nothing else."""
    captured = archive.capture(source, "shown")
    (archive.folder / "incoming" / "dead.tmp").write_bytes(b"half")
    assert archive.remove_temporaries() == 1
    assert files_below(archive.folder) == [captured.path]

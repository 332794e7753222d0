"""Versions of a file that grows, is rewritten, shrinks or is replaced: each is kept, and only the new is written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Self

import pytest
from disk_spy import DiskSpy, fail_fsync, files_below, full_disk
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import capture as capture_module
from warehouse import foreign, pieces, ranges
from warehouse.archive import Archive, Capture, Known
from warehouse.errors import DamageError, SourceBusy
from warehouse.foreign import Foreign
from warehouse.pieces import PiecesWriter, read_pieces

SIZE = 300_000
NEW = 1000


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "셀 1.mpr"
    path.write_bytes(os.urandom(SIZE))
    return path


def take(archive: Archive, source: Path, *before: Capture) -> Capture:
    """Capture a file as a later version of those given, the last one first."""
    return archive.capture(source, "shown", [Known(each.sha256, each.size) for each in reversed(before)])


def grow(source: Path, size: int = NEW) -> bytes:
    """Let a file grow; returns all its bytes."""
    with source.open("ab") as file:
        file.write(os.urandom(size))
    return source.read_bytes()


def rewrite(source: Path, begin: int, raw: bytes) -> bytes:
    """Write over some bytes of a file; returns all its bytes."""
    with source.open("r+b") as file:
        file.seek(begin)
        file.write(raw)
    return source.read_bytes()


def grown_versions(archive: Archive, source: Path, count: int) -> tuple[list[Capture], list[bytes]]:
    """Capture a file as it grows again and again."""
    captures, contents = [take(archive, source)], [source.read_bytes()]
    for _ in range(count):
        contents.append(grow(source))
        captures.append(take(archive, source, *captures))
    return captures, contents


def content_of(archive: Archive, sha256: str) -> bytes:
    """Return a content's bytes, all of them checked."""
    with archive.materialise(sha256) as path:
        return path.read_bytes()


def flip(path: Path, place: int) -> None:
    """Change one bit of a file."""
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)


# What is kept


def test_growth_costs_what_is_new(archive: Archive, source: Path) -> None:
    """Of a file that has grown only the new bytes are written, and a few to say so; both versions can be had."""
    first = take(archive, source)
    before = source.read_bytes()
    after = grow(source)
    second = take(archive, source, first)
    assert archive.pieces_of(second.sha256).stat().st_size < NEW + 300
    assert not archive.path_of(second.sha256).exists()
    assert [content_of(archive, each.sha256) for each in (first, second)] == [before, after]


def test_growth_is_told(archive: Archive, source: Path) -> None:
    """The capture of a file that has grown says from which content, and that all of its bytes are unchanged."""
    first = take(archive, source)
    grow(source)
    second = take(archive, source, first)
    assert (second.base, second.grown, second.same) == (first.sha256, True, ((0, SIZE),))
    assert second.is_unchanged(0, SIZE)
    assert not second.is_unchanged(SIZE - 1, SIZE + 1)
    assert second.head_sha256 == first.head_sha256 == hashlib.sha256(source.read_bytes()[:4096]).hexdigest()


def test_longest_prefix_is_the_base(archive: Archive, source: Path) -> None:
    """Of several earlier versions the longest that the file begins with is its base, wherever it stands in the list."""
    captures, _ = grown_versions(archive, source, 3)
    grow(source)
    latest = archive.capture(source, "shown", [Known(captures[i].sha256, captures[i].size) for i in (1, 3, 0, 2)])
    assert (latest.base, latest.grown) == (captures[3].sha256, True)


def test_longer_versions_are_no_base(archive: Archive, source: Path) -> None:
    """A file that was cut back to an earlier length is that earlier version, and nothing is written."""
    captures, contents = grown_versions(archive, source, 2)
    files = files_below(archive.folder)
    os.truncate(source, captures[1].size)
    again = take(archive, source, *captures)
    assert (again.sha256, again.base) == (captures[1].sha256, captures[0].sha256)
    assert files_below(archive.folder) == files
    assert content_of(archive, captures[2].sha256) == contents[2]


def test_rewritten_header_costs_what_is_new(archive: Archive, source: Path) -> None:
    """Of a file whose header is rewritten while it grows, the header and the new bytes are written."""
    first = take(archive, source)
    rewrite(source, 100, b"records: 2")
    after = grow(source)
    second = take(archive, source, first)
    assert archive.pieces_of(second.sha256).stat().st_size < NEW + 400
    assert (second.base, second.grown) == (first.sha256, False)
    assert second.is_unchanged(110, SIZE)
    assert not second.is_unchanged(100, 101)
    assert content_of(archive, second.sha256) == after


def test_change_in_the_middle_costs_what_is_new(archive: Archive, source: Path) -> None:
    """A change far behind bytes that agree is found as well."""
    first = take(archive, source)
    after = rewrite(source, 200_000, b"other")
    second = take(archive, source, first)
    assert archive.pieces_of(second.sha256).stat().st_size < 400
    assert second.is_unchanged(0, 200_000)
    assert content_of(archive, second.sha256) == after


def test_replaced_file_is_kept_whole(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that has little in common with the one before is kept whole, and names no base."""
    monkeypatch.setattr(capture_module, "REWRITTEN_BYTES", 1000)
    first = take(archive, source)
    source.write_bytes(os.urandom(SIZE))
    second = take(archive, source, first)
    assert archive.path_of(second.sha256).read_bytes() == source.read_bytes()
    assert (second.base, second.same) == (None, ())


def test_file_that_doubles_is_kept_whole(archive: Archive, source: Path) -> None:
    """A file of which most is new is kept whole, and is told to have grown all the same."""
    first = take(archive, source)
    after = grow(source, SIZE + 1)
    second = take(archive, source, first)
    assert archive.path_of(second.sha256).read_bytes() == after
    assert (second.base, second.grown) == (first.sha256, True)


def test_small_file_is_kept_whole(archive: Archive, source: Path) -> None:
    """A file of a few blocks is kept whole, and is told to have grown all the same."""
    source.write_bytes(b"header\n")
    first = take(archive, source)
    after = grow(source, 10)
    second = take(archive, source, first)
    assert archive.path_of(second.sha256).read_bytes() == after
    assert (second.base, second.grown) == (first.sha256, True)


def test_empty_file_grows(archive: Archive, source: Path) -> None:
    """A file that was empty before has grown from that."""
    source.write_bytes(b"")
    first = take(archive, source)
    grow(source)
    assert take(archive, source, first).grown


def test_base_that_is_gone_is_no_base(archive: Archive, source: Path) -> None:
    """A version that the archive lost is not built upon."""
    first = take(archive, source)
    archive.path_of(first.sha256).unlink()
    after = grow(source)
    second = take(archive, source, first)
    assert archive.path_of(second.sha256).read_bytes() == after


def test_base_that_is_broken_is_no_base(archive: Archive, source: Path) -> None:
    """A version whose pieces are damaged is not built upon."""
    captures, _ = grown_versions(archive, source, 1)
    flip(archive.pieces_of(captures[1].sha256), -100)
    after = grow(source)
    assert archive.path_of(take(archive, source, *captures).sha256).read_bytes() == after


@pytest.mark.parametrize("changes", [1, 2, 3])
def test_change_under_our_hands_is_busy(
    archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    """A file that changes at any read of its capture is not taken, even when its clock stands still."""
    first = take(archive, source)
    rewrite(source, 0, b"x")
    grow(source)
    files, stamp, reads = files_below(archive.folder), source.stat(), 0
    read = Foreign.read

    def interrupted(self: Foreign, begin: int, size: int) -> bytes:
        nonlocal reads
        chunk = read(self, begin, size)
        reads += 1
        if reads == changes:
            rewrite(source, SIZE + 10, b"y")
            os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        return chunk

    monkeypatch.setattr(Foreign, "read", interrupted)
    try:
        captured = take(archive, source, first)
    except SourceBusy:
        assert files_below(archive.folder) == files
    else:
        assert hashlib.sha256(content_of(archive, captured.sha256)).hexdigest() == captured.sha256


def test_tail_that_changes_after_it_was_hashed_is_busy(
    archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New bytes that are not those that were hashed a moment before are not kept."""
    first = take(archive, source)
    grow(source)
    stamp = source.stat()
    check = Foreign.check_unchanged

    def changed(self: Foreign, size: int) -> None:
        check(self, size)
        rewrite(source, SIZE + 10, b"y")
        os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    monkeypatch.setattr(Foreign, "check_unchanged", changed)
    files = files_below(archive.folder)
    with pytest.raises(SourceBusy):
        take(archive, source, first)
    assert files_below(archive.folder) == files


# Whatever happens to a file

Operation = tuple[str, int, bytes]
OPERATIONS = st.tuples(
    st.sampled_from(["grow", "header", "middle", "shrink", "replace", "return", "same"]),
    st.integers(0, 2000),
    st.binary(min_size=1, max_size=600),
)


@pytest.fixture
def fine_grained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes so small that short files have many chunks, blocks and pages; and no waiting for the disk."""
    for module, name, size in (
        (foreign, "CHUNK", 256),
        (capture_module, "SMALL", 32),
        (capture_module, "REWRITTEN_BYTES", 64),
        (ranges, "BLOCK", 64),
        (ranges, "PAGE", 16),
        (ranges, "WORTH_TELLING", 4),
        (pieces, "STRIDE", 3),
    ):
        monkeypatch.setattr(module, name, size)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


def change(content: bytes, operation: Operation, history: list[bytes]) -> bytes:
    """Return what a file holds after something happened to it."""
    name, number, raw = operation
    place = number % (len(content) + 1)
    done: dict[str, Callable[[], bytes]] = {
        "grow": lambda: content + raw,
        "header": lambda: raw[:8] + content[8:],
        "middle": lambda: content[:place] + raw[:9] + content[place + 9 :],
        "shrink": lambda: content[:place],
        "replace": lambda: raw * 3,
        "return": lambda: history[number % len(history)],
        "same": lambda: content,
    }
    return done[name]()


@pytest.mark.usefixtures("fine_grained")
@settings(max_examples=100, deadline=None, database=None)
@given(st.binary(min_size=50, max_size=900), st.lists(OPERATIONS, min_size=1, max_size=25))
def test_every_version_of_any_history_is_kept(start: bytes, operations: list[Operation]) -> None:
    """Whatever happens to a file, every version can be had bit for bit, and what is said of it is true."""
    history, captures = [start], list[Capture]()
    for operation in operations:
        history.append(change(history[-1], operation, history))
    with tempfile.TemporaryDirectory() as folder:
        archive, source = Archive(Path(folder) / "archive"), Path(folder) / "x"
        for content in history:
            source.write_bytes(content)
            captures.append(take(archive, source, *captures))
            assert_true(captures[-1], content, {hashlib.sha256(each).hexdigest(): each for each in history})
        assert {name: content_of(archive, name) for name in archive.contents()} == {
            hashlib.sha256(each).hexdigest(): each for each in history
        }
        assert list(archive.check()) == []
        assert_readable_anywhere(archive, captures[-1].sha256, history[-1])


def assert_true(capture: Capture, content: bytes, known: dict[str, bytes]) -> None:
    """Check what a capture says of a content."""
    assert (capture.sha256, capture.size) == (hashlib.sha256(content).hexdigest(), len(content))
    if capture.base is None:
        return
    base = known[capture.base]
    assert all(content[begin:end] == base[begin:end] and end <= len(content) for begin, end in capture.same)
    assert not capture.grown or content.startswith(base)


def assert_readable_anywhere(archive: Archive, sha256: str, content: bytes) -> None:
    """Check that a content can be read from any place on, and hashed up to any."""
    generator = random.Random(len(content))  # noqa: S311 places to look at, no secrets
    with archive.open(sha256) as file:
        for _ in range(10):
            place, size = generator.randrange(len(content) + 5), generator.randrange(200)
            assert (file.seek(place), file.read(size)) == (place, content[place : place + size])
        assert file.seek(0, os.SEEK_END) == len(content)
    assert archive.hash_prefix(sha256, place) == hashlib.sha256(content[:place]).hexdigest()


def test_thousands_of_versions(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last of 3,000 versions is told by some hundred files, the bytes written are a small multiple of the new."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    os.truncate(source, 70_000)
    known: list[Known] = []
    for _ in range(3000):
        grow(source, 20)
        captured = archive.capture(source, "shown", known[:1])
        known.insert(0, Known(captured.sha256, captured.size))
    written = sum(path.stat().st_size - 162 - 16 for path in archive.folder.rglob("*.pieces"))
    assert len(list(archive.walk(known[0].sha256))) <= 2 * pieces.STRIDE
    assert written < 3 * 3000 * 20
    assert content_of(archive, known[0].sha256) == source.read_bytes()
    assert archive.hash_prefix(known[0].sha256, known[1500].size) == known[1500].sha256
    assert list(archive.check()) == []


@pytest.mark.parametrize(("number", "step"), [(1, 1), (63, 1), (64, 64), (128, 64), (4096, 4096), (4160, 64)])
def test_some_versions_reach_back(number: int, step: int) -> None:
    """Every 64th version reaches back over 64, every 4096th over 4096."""
    assert pieces.step_back(number) == step


# Damage


@pytest.mark.parametrize("place", [3, 200, -50, -90, -1])
def test_flipped_bit_is_found(archive: Archive, source: Path, place: int) -> None:
    """A flipped bit anywhere in a pieces file is found, and every content that needs the file is named with it."""
    captures, _ = grown_versions(archive, source, 3)
    blamed = archive.pieces_of(captures[2].sha256)
    flip(blamed, place)
    found = list(archive.check())
    assert {(each.sha256, each.path, each.kind) for each in found} == {
        (each.sha256, blamed, "damaged") for each in captures[2:]
    }


def test_flipped_bit_at_the_root_is_found(archive: Archive, source: Path) -> None:
    """A flipped bit in the version that is kept whole damages all that are told by it."""
    captures, _ = grown_versions(archive, source, 2)
    flip(archive.path_of(captures[0].sha256), 5)
    assert {each.sha256 for each in archive.check()} == {each.sha256 for each in captures}


def test_missing_file_is_found(archive: Archive, source: Path) -> None:
    """A file that is gone is named by every content that needs it, and by what is expected alone."""
    captures, _ = grown_versions(archive, source, 1)
    gone = archive.path_of(captures[0].sha256)
    gone.unlink()
    assert [(each.path, each.kind) for each in archive.check([captures[0].sha256])] == [(gone, "missing")] * 2


@pytest.mark.parametrize("place", [3, 500, -50, -90, -1])
def test_damage_is_told_before_bytes_are_used(archive: Archive, source: Path, place: int) -> None:
    """No file with the bytes of a damaged content is handed out, whichever byte is damaged."""
    captures, _ = grown_versions(archive, source, 1)
    flip(archive.pieces_of(captures[1].sha256), place)
    if place == -1:
        # The last check is of use to the one who looks at files alone: the content is whole.
        assert content_of(archive, captures[1].sha256) == source.read_bytes()
        return
    if place == 3:
        assert content_of(archive, captures[1].sha256) == source.read_bytes()
        return
    with pytest.raises(DamageError):
        content_of(archive, captures[1].sha256)
    assert files_below(archive.folder / "incoming") == []


def test_damaged_whole_content_is_not_handed_out(archive: Archive, source: Path) -> None:
    """A damaged content that is kept whole is not handed out either."""
    first = take(archive, source)
    flip(archive.path_of(first.sha256), 5)
    with pytest.raises(DamageError, match="have the hash"):
        content_of(archive, first.sha256)


@pytest.mark.parametrize("cut", [0, 50, 170, 600])
def test_cut_pieces_are_damaged(archive: Archive, source: Path, cut: int) -> None:
    """A pieces file that ends too early is told to be damaged."""
    captures, _ = grown_versions(archive, source, 1)
    path = archive.pieces_of(captures[1].sha256)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DamageError):
        archive.open(captures[1].sha256)


def test_root_that_is_cut_is_damaged(archive: Archive, source: Path) -> None:
    """A content whose root ends too early is told to be damaged when the bytes are asked for."""
    captures, _ = grown_versions(archive, source, 1)
    os.truncate(archive.path_of(captures[0].sha256), 100)
    with archive.open(captures[1].sha256) as file, pytest.raises(DamageError, match="ends before"):
        file.read()


def test_renamed_pieces_are_damaged(archive: Archive, source: Path) -> None:
    """A pieces file under another content's name is not taken for that content."""
    captures, _ = grown_versions(archive, source, 2)
    archive.pieces_of(captures[1].sha256).replace(archive.pieces_of(captures[2].sha256))
    with pytest.raises(DamageError, match="it tells of"):
        archive.open(captures[2].sha256)


def test_unknown_content_is_missing(archive: Archive) -> None:
    """A content that was never taken cannot be opened."""
    with pytest.raises(DamageError, match="No such file"):
        archive.open("0" * 64)


@pytest.mark.parametrize("victim", [0, 1, 2, 3])
def test_same_file_again_heals_all_its_versions(archive: Archive, source: Path, victim: int) -> None:
    """The latest version dropped again heals every earlier one that it grew from."""
    captures, contents = grown_versions(archive, source, 3)
    flip(next(archive.folder.rglob(f"{captures[victim].sha256}*")), 20)
    flip(archive.path_of(captures[0].sha256), 20) if victim else None
    assert take(archive, source, *captures[:-1]).sha256 == captures[-1].sha256
    assert list(archive.check()) == []
    assert [content_of(archive, each.sha256) for each in captures] == contents


def test_rewritten_file_again_heals_itself(archive: Archive, source: Path) -> None:
    """A version whose base is damaged and is no beginning of it is kept whole when it is dropped again."""
    first = take(archive, source)
    after = rewrite(source, 0, b"other")
    second = take(archive, source, first)
    flip(archive.path_of(first.sha256), 1000)
    take(archive, source, first)
    assert content_of(archive, second.sha256) == after
    assert {each.sha256 for each in archive.check()} == {first.sha256}
    assert not archive.pieces_of(second.sha256).exists()


def test_healing_from_a_file_that_grew(archive: Archive, source: Path) -> None:
    """A file that begins with the bytes of damaged contents heals them, and tells which."""
    captures, contents = grown_versions(archive, source, 2)
    grow(source)
    flip(archive.path_of(captures[0].sha256), 0)
    flip(archive.pieces_of(captures[2].sha256), -1)
    damaged = [Known(each.sha256, each.size) for each in captures]
    assert archive.heal(source, "shown", damaged) == [captures[0].sha256, captures[2].sha256]
    assert [content_of(archive, each.sha256) for each in captures] == contents


# The disk


def test_pieces_are_durable_before_named(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are synced before they get their name, and the folder after."""
    first = take(archive, source)
    grow(source)
    spy = DiskSpy(monkeypatch)
    second = take(archive, source, first)
    assert spy.around(archive.pieces_of(second.sha256)) == ["fsync file", "rename file", "fsync folder"]


@pytest.mark.parametrize("alter", [lambda path: grow(path, 50_000), lambda path: rewrite(path, 0, os.urandom(50_000))])
def test_full_disk_leaves_nothing(archive: Archive, source: Path, alter: Callable[[Path], object]) -> None:
    """A disk that takes no more fails the capture of a version and keeps no part of it."""
    first = take(archive, source)
    files = files_below(archive.folder)
    alter(source)
    with full_disk(20_000), pytest.raises(OSError, match="File too large"):
        take(archive, source, first)
    assert files_below(archive.folder) == files
    assert content_of(archive, take(archive, source, first).sha256) == source.read_bytes()


def test_failed_fsync_leaves_nothing(archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces that could not be synced do not get their name."""
    first = take(archive, source)
    files = files_below(archive.folder)
    grow(source)
    fail_fsync(monkeypatch)
    with pytest.raises(OSError, match="Input/output"):
        take(archive, source, first)
    assert [path for path in files_below(archive.folder) if path not in files] == []


def test_broken_disk_under_the_base_is_no_failure(
    archive: Archive, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that the archive's disk cannot read any more is not built upon; the new one is kept."""
    first = take(archive, source)
    after = rewrite(source, 0, b"other")
    opened = archive.open

    class Broken:
        def __init__(self, file: BinaryIO) -> None:
            self.seek, self.close = file.seek, file.close

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def read(self, _size: int) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(archive, "open", lambda sha256: Broken(opened(sha256)))
        second = take(archive, source, first)
    assert (second.base, archive.path_of(second.sha256).read_bytes()) == (None, after)


def test_pieces_without_an_end_are_worth_nothing(tmp_path: Path) -> None:
    """A file whose writer was stopped before its end says nothing."""
    with PiecesWriter(tmp_path / "x") as writer:
        writer.write(os.urandom(500))
    with pytest.raises(DamageError):
        read_pieces(tmp_path / "x")


def test_killed_capture_leaves_the_archive_as_it_was(tmp_path: Path) -> None:
    """A capture killed at any step leaves every earlier version sound, and the next one heals what is left."""
    driver = [sys.executable, str(Path(__file__).parent / "archive_crash.py"), str(tmp_path)]
    told = subprocess.run(driver, check=True, capture_output=True, text=True, timeout=120).stdout
    found = [json.loads(line) for line in told.splitlines()]
    assert [record["alteration"] for record in found if not record["killed"]] == ["grown", "rewritten", "doubled"]
    assert {record["killed"] for record in found} == {0, signal.SIGKILL}
    assert len(found) > 15
    assert {record["seen"] for record in found} == {1, 2}
    assert all(record["whole"] and not record["damaged"] and not record["left"] for record in found)

"""Drops that mean harm or are no files at all: told by name, bounded in time and room, and nothing followed."""

from __future__ import annotations

import errno
import io
import os
import struct
import time
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from disk_spy import full_disk
from made_cells import cycle, measure, write_bdf

from flows import drops as drops_module
from flows.drops import drop_of, list_files, open_drops
from flows.ingest import ingest_paths
from flows.names import is_system_file
from parsers._folder import folder_view
from parsers._zips import measure_directory
from parsers.contract import Source
from warehouse.errors import ParseError, SourceBusy
from warehouse.home import Home
from warehouse.sentences import SENTENCES

END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
METHOD_IN_ENTRY, METHOD_IN_FILE = 10, 8
LINK_MODE = 0o120777
NEW_CODES = (
    "too_large",
    "too_large_together",
    "too_many_files",
    "packed_too_tightly",
    "nested_too_deep",
    "overlapping_files",
    "encrypted",
    "unknown_packing",
    "symbolic_link",
)


@pytest.fixture
def test_file(tmp_path: Path) -> bytes:
    return write_bdf(tmp_path / "scratch.csv", measure(cycle([1e-3]))).read_bytes()


def take(home: Home, path: Path) -> list[dict[str, Any]]:
    return list(ingest_paths(home, [path]))


def pack(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members:
            archive.writestr(name, raw)
    return path


def codes(receipts: list[dict[str, Any]]) -> list[str]:
    return [receipt["reason"]["code"] if receipt["reason"] else receipt["state"] for receipt in receipts]


def list_of_nothing(count: int) -> bytes:
    """Return a zip that lists a number of files, all of them one empty file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", b"")
    raw = packed.getvalue()
    entry = raw[raw.index(b"PK\x01\x02") : raw.index(b"PK\x05\x06")]
    start = raw.index(b"PK\x01\x02")
    most = min(count, 0xFFFF)
    return raw[:start] + entry * count + END.pack(b"PK\x05\x06", 0, 0, most, most, len(entry) * count, start, 0)


# Archives


def test_million_entries_are_told_at_once(local_home: Home, tmp_path: Path) -> None:
    """A zip that lists a million files is kept and set aside as one, in seconds and without listing them."""
    path = tmp_path / "many.zip"
    path.write_bytes(list_of_nothing(1_000_000))
    started = time.monotonic()
    (receipt,) = take(local_home, path)
    assert (receipt["state"], receipt["reason"]["code"]) == ("quarantined", "too_many_files")
    assert local_home.archive.has(receipt["sha256"])
    assert time.monotonic() - started < 10


def test_directory_is_measured_before_it_is_read() -> None:
    """The size of a directory is what its end claims, in the short form or the long one; other files have none."""
    assert measure_directory(io.BytesIO(list_of_nothing(3000))) == 3000 * 47
    long = END64.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, 2**40, 2**40, 2**41, 0) + bytes(20)
    end = END.pack(b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert measure_directory(io.BytesIO(b"PK\x03\x04" + long + end)) == 2**41
    assert measure_directory(io.BytesIO(b"no zip")) == measure_directory(io.BytesIO()) == 0


@pytest.mark.parametrize("beside", [0, 1])
def test_bomb_is_stopped(
    local_home: Home, tmp_path: Path, test_file: bytes, monkeypatch: pytest.MonkeyPatch, beside: int
) -> None:
    """A member that unpacks to a thousand times its size is not unpacked to its end, alone or beside others."""
    monkeypatch.setattr("parsers._zips.ALWAYS_UNPACKED", 1 << 20)
    path = pack(tmp_path / "bomb.zip", ("zeros.csv", bytes(30 << 20)), *[("one.csv", test_file)] * beside)
    with full_disk(8 << 20):
        receipts = take(local_home, path)
    assert codes(receipts) == [["packed_too_tightly"], ["container", "packed_too_tightly", "committed"]][beside]


def test_small_members_may_be_packed_tightly(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """A file of blanks is no bomb as long as it is small."""
    path = pack(tmp_path / "lab.zip", ("blank.txt", b" " * (4 << 20)), ("one.csv", test_file))
    assert codes(take(local_home, path)) == ["container", "format_unknown", "committed"]


def test_all_members_together_are_limited(
    local_home: Home, tmp_path: Path, test_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a zip and the zips in it unpack to is counted together, and the rest is told to be left."""
    monkeypatch.setattr(drops_module, "LARGEST_TOGETHER", 2 * len(test_file))
    inner = pack(tmp_path / "inner.zip", ("a.csv", test_file), ("b.csv", test_file + b"\n")).read_bytes()
    path = pack(tmp_path / "lab.zip", ("inner.zip", inner), ("c.csv", test_file), ("d.csv", test_file))
    receipts = take(local_home, path)
    assert codes(receipts) == ["container", "container", "committed", *["too_large_together"] * 2]


def test_encrypted_member_is_told(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """A member under a password is told as that."""
    path = pack(tmp_path / "lab.zip", ("one.csv", test_file), ("two.csv", test_file + b"\n"))
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    assert codes(take(local_home, path)) == ["container", "encrypted", "committed"]


def test_unknown_packing_is_told(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """A member that is packed by a method of other programs is told as that."""
    path = pack(tmp_path / "lab.zip", ("one.csv", test_file), ("two.csv", test_file + b"\n"))
    raw = bytearray(path.read_bytes())
    raw[METHOD_IN_FILE] = raw[raw.index(b"PK\x01\x02") + METHOD_IN_ENTRY] = 9
    path.write_bytes(raw)
    assert codes(take(local_home, path)) == ["container", "unknown_packing", "committed"]


def test_link_in_a_zip_is_told(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """A member that is a link on the system that packed it is told as that, and nothing is followed."""
    link = zipfile.ZipInfo("passwords.csv")
    link.create_system, link.external_attr = 3, LINK_MODE << 16
    path = pack(tmp_path / "lab.zip", (link, b"/etc/passwd"), ("one.csv", test_file))
    assert codes(take(local_home, path)) == ["container", "symbolic_link", "committed"]


def test_overlapping_members_are_told(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """Members that share a place in the zip are told as that, and the one beside them is taken."""
    path = pack(tmp_path / "lab.zip", ("one.csv", test_file), ("two.csv", test_file), ("ten.csv", test_file + b"\n"))
    raw = bytearray(path.read_bytes())
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 1)
    raw[second + 42 : second + 46] = bytes(4)
    path.write_bytes(raw)
    assert codes(take(local_home, path)) == ["container", "overlapping_files", "overlapping_files", "committed"]


def test_place_that_cannot_be_is_told(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """A directory that points before the file's beginning is damaged, whatever that does to arithmetic."""
    path = pack(tmp_path / "lab.zip", ("one.csv", test_file), ("two.csv", test_file))
    raw = bytearray(path.read_bytes())
    end = raw.index(b"PK\x05\x06")
    raw[end + 16 : end + 20] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(raw)
    assert {receipt["state"] for receipt in take(local_home, path)} <= {"quarantined", "ignored"}


def test_member_of_a_folder_that_claims_gigabytes_takes_no_memory(tmp_path: Path) -> None:
    """A stored member whose size in the directory is a lie is refused without memory for what it claims."""
    path = tmp_path / "folder.zip"
    with zipfile.ZipFile(path, "w") as container:
        container.writestr("ch01/data.csv", b"1,2,3\n" * 100)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    # Packed size and size, as the directory has them.
    struct.pack_into("<2L", content, entry + 20, 900 << 20, 900 << 20)
    path.write_bytes(content)
    tracemalloc.start()
    with folder_view(Source(path, path.name)) as members, pytest.raises(ParseError, match="damaged here"):
        members["ch01/data.csv"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20


def test_endless_nesting_ends(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """Zips in zips in zips end in one receipt a level, as far as they are opened."""
    raw = test_file
    for level in range(20):
        raw = pack(tmp_path / f"{level}.zip", ("inner.zip" if level else "one.csv", raw)).read_bytes()
    assert codes(take(local_home, tmp_path / "19.zip")) == ["container", "container", "nested_too_deep"]


def test_share_that_goes_away_while_unpacking_is_waited_for(
    tmp_path: Path, test_file: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share that fails in the middle of a zip is waited for: none of its members is called damaged."""
    path = pack(tmp_path / "lab.zip", ("one.csv", test_file), ("two.csv", test_file))

    def refuse(_descriptor: int, _size: int) -> bytes:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with open_drops(drop_of(path)) as opened:
        assert next(opened).container
        monkeypatch.setattr("warehouse.foreign.os.read", refuse)
        with pytest.raises(SourceBusy, match="its share is waited for"):
            list(opened)


def test_full_disk_while_unpacking_is_our_failure(tmp_path: Path, test_file: bytes) -> None:
    """A disk that takes no more while a zip is unpacked fails; the zip is not blamed."""
    path = pack(tmp_path / "lab.zip", ("one.csv", test_file), ("two.csv", test_file))
    with full_disk(100), pytest.raises(OSError, match="File too large"), open_drops(drop_of(path)) as opened:
        list(opened)


@pytest.mark.parametrize("code", NEW_CODES)
def test_every_refusal_has_its_sentences(code: str) -> None:
    """Each way to refuse an archive is told in both languages: what happened, and what to do."""
    sentence = SENTENCES[code]
    assert all(text.endswith(".") for text in (sentence.en, sentence.ko, sentence.en_do, sentence.ko_do))


# What is no file


def test_links_are_not_followed(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """A link in a folder, to a file or to a folder, gets a receipt; nothing is taken through it."""
    outside, inbox = tmp_path / "outside", tmp_path / "inbox"
    outside.mkdir()
    inbox.mkdir()
    (outside / "secret.csv").write_bytes(test_file)
    (inbox / "file.csv").symlink_to(outside / "secret.csv")
    (inbox / "folder").symlink_to(outside)
    (inbox / "gone").symlink_to(tmp_path / "nowhere")
    (inbox / "round").symlink_to(inbox)
    receipts = take(local_home, inbox)
    assert [Path(receipt["path"]).name for receipt in receipts] == ["file.csv", "folder", "gone", "round"]
    assert set(codes(receipts)) == {"symbolic_link"}
    assert list(local_home.archive.contents()) == []


def test_link_that_the_user_names_is_taken(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """A link that the user names himself stands for what it points to."""
    (tmp_path / "one.csv").write_bytes(test_file)
    (tmp_path / "link").symlink_to(tmp_path / "one.csv")
    (receipt,) = take(local_home, tmp_path / "link")
    assert (receipt["state"], receipt["path"]) == ("committed", str(tmp_path / "one.csv"))


def test_pipe_is_not_waited_for(local_home: Home, tmp_path: Path) -> None:
    """A pipe in a folder is told, and nobody waits for somebody to write into it."""
    (tmp_path / "inbox").mkdir()
    os.mkfifo(tmp_path / "inbox" / "pipe.csv")
    assert codes(take(local_home, tmp_path / "inbox")) == ["cannot_open"]


def test_folder_that_cannot_be_listed_is_told(
    local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder without permission to list it gets a receipt: its files are not passed over in silence."""
    (tmp_path / "inbox" / "locked").mkdir(parents=True)
    scan = os.scandir

    def refuse(path: str) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (receipt,) = take(local_home, tmp_path / "inbox")
    assert (receipt["reason"]["code"], receipt["path"]) == ("cannot_open", str(tmp_path / "inbox" / "locked"))


# Names


@pytest.mark.parametrize(
    "path",
    [
        ".DS_Store",
        "._one.csv",
        "Thumbs.db",
        "desktop.ini",
        "~$one.xlsx",
        ".~lock.one.xlsx#",
        "one.csv.part",
        "one.csv.crdownload",
        "one.csv.filepart",
        "one.TMP",
        ".one.csv.swp",
        "one.csv~",
        ".goutputstream-ABC123",
        ".nfs0000001",
        ".smbdeleteAAA0001",
        ".one.csv.Xy12ab",
        "@eaDir/one.csv",
        "#recycle/one.csv",
        ".Trash-1000/files/one.csv",
        "$RECYCLE.BIN/one.csv",
        "System Volume Information/one.csv",
        "__MACOSX/one.csv",
    ],
)
def test_what_no_person_dropped_is_known(path: str) -> None:
    """Files of operating systems and half-finished copies are known by their names or their folders."""
    assert is_system_file(Path(path).name, Path(path).parent.parts)


@pytest.mark.parametrize(
    "name", ["one.csv", "part.csv", "tmp", "셀.mpr", "one.tmp.csv", ".x", "lost.nda", "a.078", "~1"]
)
def test_what_a_person_dropped_is_taken(name: str) -> None:
    """A file is not passed over for a name that only resembles those."""
    assert not is_system_file(name, ("trash", "eaDir", "recycled cells"))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_long_korean_names_are_taken(local_home: Home, tmp_path: Path, test_file: bytes, form: Any) -> None:
    """A name of 255 bytes is shown as it is, in whichever normal form it was written."""
    name = unicodedata.normalize(form, "셀")
    name *= 250 // len(name.encode())
    path = tmp_path / f"{name}{'x' * (251 - len(name.encode()))}.csv"
    path.write_bytes(test_file)
    (receipt,) = take(local_home, path)
    assert (receipt["state"], receipt["path"]) == ("committed", str(path))


def test_both_normal_forms_of_a_name_are_two_files(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """Two files whose names differ by their normal form alone are two files."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for form, more in (("NFC", b""), ("NFD", b"\n")):
        (inbox / unicodedata.normalize(form, "셀.csv")).write_bytes(test_file + more)  # type: ignore[arg-type]  # both are forms
    assert len({receipt["path"] for receipt in take(local_home, inbox)}) == 2


def test_name_that_is_no_text_is_taken(local_home: Home, tmp_path: Path, test_file: bytes) -> None:
    """A file whose name is in no known encoding is taken, and shown with its bytes spelt out."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xc0.csv"))
    path.write_bytes(test_file)
    (receipt,) = take(local_home, path)
    assert (receipt["state"], receipt["path"]) == ("committed", f"{tmp_path}/\\xff\\xc0.csv")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_every_entry_is_listed(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """What lies in a folder is listed but for folders, in a fixed order."""
    for name in ("b", "a"):
        (tmp_path / name).write_bytes(b"")
    make(tmp_path / "c")
    assert [path.name for path in list_files([tmp_path])][:2] == ["a", "b"]

"""Zip archives: several files inside are several drops, and a bad one does not stop the others."""

from __future__ import annotations

import random
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from made_cells import cycle, measure, write_bdf

from flows import drops as drops_module
from flows.ingest import ingest_paths, retry_source
from flows.names import folders_of, label_members
from warehouse.home import Home
from warehouse.identity import add_firm, put_cells

ONE = measure(cycle([1e-3]))
TWO = measure(cycle([1e-3, 0.9e-3]))
CENTRAL_MAGIC, CENTRAL_FLAGS, CENTRAL_CRC, CENTRAL_SIZE, CENTRAL_OFFSET = b"PK\x01\x02", 8, 16, 24, 42
LOCAL_FLAGS = 6
ENCRYPTED = 1


def bdf_bytes(folder: Path, frame: pl.DataFrame) -> bytes:
    return write_bdf(folder / "scratch.csv", frame).read_bytes()


@pytest.fixture
def members(tmp_path: Path) -> dict[str, bytes]:
    return {"one.csv": bdf_bytes(tmp_path, ONE), "two.csv": bdf_bytes(tmp_path, TWO)}


def pack(path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return path


def take(home: Home, path: Path) -> list[dict[str, Any]]:
    return list(ingest_paths(home, [path]))


def states(receipts: list[dict[str, Any]]) -> list[str]:
    return [receipt["state"] for receipt in receipts]


def patch_entry(path: Path, number: int, offset: int, raw: bytes) -> None:
    """Overwrite some bytes of the central directory's entry with this number."""
    content = bytearray(path.read_bytes())
    place = -1
    for _ in range(number + 1):
        place = content.index(CENTRAL_MAGIC, place + 1)
    content[place + offset : place + offset + len(raw)] = raw
    path.write_bytes(content)


def test_zip_of_several_files_is_taken_one_by_one(home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """A zip of two tests gives three receipts: the container, kept and ignored, and the two tests by their names."""
    path = pack(tmp_path / "lab.zip", members)
    container, first, second = take(home, path)
    assert (container["state"], container["reason"]["code"]) == ("ignored", "container")
    assert home.archive.path_of(container["sha256"]).read_bytes() == path.read_bytes()
    assert (first["state"], first["path"], first["rows"]) == ("committed", f"{path}!one.csv", ONE.height)
    assert (second["state"], second["path"], second["rows"]) == ("committed", f"{path}!two.csv", TWO.height)


def test_members_are_those_of_the_kept_copy(home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """A zip that is removed once it is in the archive still gives all its files."""
    dropped = pack(tmp_path / "z.zip", members)
    receipts = ingest_paths(home, [dropped])
    assert next(receipts)["state"] == "ignored"
    dropped.unlink()
    assert [receipt["state"] for receipt in receipts] == ["committed"] * len(members)


def test_zip_of_one_file_is_that_file(home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """A zip of one test gives one receipt, and the test."""
    (receipt,) = take(home, pack(tmp_path / "one.zip", {"one.csv": members["one.csv"]}))
    assert (receipt["state"], receipt["rows"]) == ("committed", ONE.height)


def test_zip_again_is_all_duplicates(local_home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """The same zip dropped again adds nothing."""
    path = pack(tmp_path / "lab.zip", members)
    take(local_home, path)
    assert states(take(local_home, path)) == ["duplicate"] * 3


def test_entry_without_a_name_is_refused(local_home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """A zip whose directory lists an entry without a name is quarantined, by a name that says so."""
    named = pack(tmp_path / "x.zip", {"a": members["one.csv"]})
    raw = named.read_bytes()
    place = raw.rindex(b"PK\x01\x02")
    # The length of the entry's name in the directory, and the name behind its 46 bytes.
    raw = raw[: place + 28] + b"\0\0" + raw[place + 30 : place + 46] + raw[place + 47 :]
    end = raw.rindex(b"PK\x05\x06")
    size = int.from_bytes(raw[end + 12 : end + 16], "little") - 1
    named.write_bytes(raw[: end + 12] + size.to_bytes(4, "little") + raw[end + 16 :])
    (receipt,) = take(local_home, named)
    assert receipt["state"] == "quarantined"
    assert "an entry without a name" in receipt["reason"]["en"]


def test_folders_in_a_zip_name_firm_and_cell(local_home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """A folder of a firm inside a zip gives its files to that firm and its cell."""
    add_firm(local_home, "ACME")
    put_cells(local_home, [{"firm": "ACME", "cell_id": "C1"}])
    path = pack(tmp_path / "lab.zip", {"ACME/C1/one.csv": members["one.csv"], "two.csv": members["two.csv"]})
    _, first, second = take(local_home, path)
    assert (first["firm"], first["cell_id"]) == ("ACME", "C1")
    assert second["firm"] is None


def test_folders_in_a_zip_count_at_a_retry(
    local_home: Home, tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member that is tried again still lies in its folder inside the zip."""
    add_firm(local_home, "ACME")
    path = pack(tmp_path / "lab.zip", {"ACME/one.csv": members["one.csv"], "two.csv": members["two.csv"]})
    with monkeypatch.context() as patch:
        patch.setattr("parsers.claims", lambda *_: [])
        _, first, _ = take(local_home, path)
    assert retry_source(local_home, first["sha256"])["firm"] == "ACME"


def test_members_cannot_climb_out(
    local_home: Home, tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member named to lie elsewhere is read and written nowhere but into the archive."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    path = pack(tmp_path / "evil.zip", {"../../climbed.csv": members["one.csv"], "/root.csv": members["two.csv"]})
    assert states(take(local_home, path)) == ["ignored", "committed", "committed"]
    assert list(tmp_path.rglob("climbed.csv")) == []
    assert not Path("/root.csv").exists()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_korean_names_of_windows_are_read(local_home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """A member whose name a Korean Windows wrote in its code page has that name."""
    raw = "셀.csv".encode("cp949")
    path = pack(tmp_path / "lab.zip", {"x" * len(raw): members["one.csv"], "two.csv": members["two.csv"]})
    path.write_bytes(path.read_bytes().replace(b"x" * len(raw), raw))
    assert take(local_home, path)[1]["path"] == f"{path}!셀.csv"


def test_broken_member_is_quarantined(local_home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """A member whose packed bytes are damaged is set aside under its name, and the rest is taken."""
    path = pack(tmp_path / "lab.zip", members)
    content = bytearray(path.read_bytes())
    content[40:300] = bytes(260)
    path.write_bytes(content)
    _, broken, whole = take(local_home, path)
    assert (broken["state"], broken["path"]) == ("quarantined", f"{path}!one.csv")
    assert broken["reason"]["code"] == "broken_file"
    assert whole["state"] == "committed"


def test_encrypted_member_is_quarantined(local_home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """An encrypted member is set aside, and the rest is taken."""
    path = pack(tmp_path / "lab.zip", members)
    patch_entry(path, 0, CENTRAL_FLAGS, struct.pack("<H", ENCRYPTED))
    content = bytearray(path.read_bytes())
    content[LOCAL_FLAGS] |= ENCRYPTED
    path.write_bytes(content)
    _, locked, whole = take(local_home, path)
    assert (locked["state"], "encrypted" in locked["reason"]["en"]) == ("quarantined", True)
    assert whole["state"] == "committed"


@pytest.mark.parametrize(
    ("offset", "raw"),
    [
        (CENTRAL_SIZE, struct.pack("<I", 10)),
        (CENTRAL_SIZE, struct.pack("<I", 2**31)),
        (CENTRAL_CRC, b"\0\0\0\0"),
        (CENTRAL_OFFSET, struct.pack("<I", 10**6)),
    ],
    ids=["smaller", "larger", "checksum", "elsewhere"],
)
def test_lying_directory_is_quarantined(
    local_home: Home, tmp_path: Path, members: dict[str, bytes], offset: int, raw: bytes
) -> None:
    """A directory that lies of a member's size, checksum or place yields no half test, and the rest is taken."""
    path = pack(tmp_path / "lab.zip", members)
    patch_entry(path, 0, offset, raw)
    receipts = take(local_home, path)
    assert "committed" in states(receipts)
    assert receipts[-1]["rows"] == TWO.height
    assert receipts[1]["state"] == "quarantined" or receipts[1]["rows"] == ONE.height


def test_huge_member_is_quarantined(
    local_home: Home, tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unpacking stops at the limit, whatever the directory says, and the rest is taken."""
    monkeypatch.setattr("parsers._zips.LARGEST_MEMBER", len(members["one.csv"]) + 10)
    _, first, second = take(local_home, pack(tmp_path / "lab.zip", members))
    assert first["state"] == "committed"
    assert (second["state"], second["reason"]["code"]) == ("quarantined", "too_large")


def test_too_many_members_are_told(
    local_home: Home, tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more members than are taken at once none is dropped in silence."""
    monkeypatch.setattr(drops_module, "MOST_MEMBERS", 2)
    receipts = take(local_home, pack(tmp_path / "lab.zip", {**members, "three.csv": members["one.csv"]}))
    assert states(receipts) == ["ignored", "committed", "committed", "quarantined"]
    assert receipts[-1]["reason"]["code"] == "too_many_files"
    assert "3 files" in receipts[-1]["reason"]["en"]


def test_zip_without_directory_is_quarantined(local_home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """A zip that was cut off is one source that is told to end too early."""
    path = pack(tmp_path / "lab.zip", members)
    path.write_bytes(path.read_bytes()[:-60])
    (receipt,) = take(local_home, path)
    assert (receipt["state"], receipt["reason"]["code"]) == ("quarantined", "incomplete_file")


def test_zip_in_a_zip_is_opened(local_home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """A zip of several files inside a zip is a container as well, and its files are taken by their names."""
    inner = pack(tmp_path / "inner.zip", members).read_bytes()
    path = pack(tmp_path / "lab.zip", {"day/inner.zip": inner, "note.txt": b"no test"})
    receipts = take(local_home, path)
    assert states(receipts) == ["ignored", "ignored", "committed", "committed", "quarantined"]
    assert [receipt["path"].removeprefix(str(path)) for receipt in receipts] == [
        "",
        "!day/inner.zip",
        "!day/inner.zip!one.csv",
        "!day/inner.zip!two.csv",
        "!note.txt",
    ]


@pytest.mark.parametrize("names", [["one.csv", "two.csv"], ["one.csv"]])
def test_zip_alone_in_a_zip_is_opened(
    local_home: Home, tmp_path: Path, members: dict[str, bytes], names: list[str]
) -> None:
    """A zip that holds nothing but a zip of tests gives these tests."""
    inner = pack(tmp_path / "inner.zip", {name: members[name] for name in names}).read_bytes()
    receipts = take(local_home, pack(tmp_path / "lab.zip", {"inner.zip": inner}))
    assert states(receipts).count("committed") == len(names)


def test_zip_in_a_zip_in_a_zip_is_set_aside(local_home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """A zip two zips deep is kept, set aside by its name and not opened; what lies beside it is taken."""
    inmost = pack(tmp_path / "inmost.zip", members).read_bytes()
    inner = pack(tmp_path / "inner.zip", {"inmost.zip": inmost, "one.csv": members["one.csv"]}).read_bytes()
    receipts = take(local_home, pack(tmp_path / "lab.zip", {"inner.zip": inner, "two.csv": members["two.csv"]}))
    assert states(receipts) == ["ignored", "ignored", "quarantined", "committed", "committed"]
    assert receipts[2]["reason"]["code"] == "nested_too_deep"
    assert local_home.archive.path_of(receipts[2]["sha256"]).read_bytes() == inmost


def test_same_name_twice_is_two_labels(local_home: Home, tmp_path: Path, members: dict[str, bytes]) -> None:
    """Two members of one name are both taken, under labels that tell them apart."""
    path = pack(tmp_path / "lab.zip", {"day/one.csv": members["one.csv"], "day/two.csv": members["two.csv"]})
    path.write_bytes(path.read_bytes().replace(b"day/two.csv", b"day/one.csv"))
    _, first, second = take(local_home, path)
    assert (first["path"], second["path"]) == (f"{path}!day/one.csv", f"{path}!day/one (2).csv")
    assert first["state"] == second["state"] == "committed"


@pytest.mark.parametrize(
    ("name", "label", "folders"),
    [
        ("ACME\\C1\\one.csv", "ACME/C1/one.csv", ("ACME", "C1")),
        ("/etc/one.csv", "etc/one.csv", ("etc",)),
        ("C:\\data\\one.csv", "data/one.csv", ("data",)),
        ("../../one.csv", "../../one.csv", ()),
        ("/", "nameless", ()),
    ],
)
def test_names_in_a_zip_are_labels(name: str, label: str, folders: tuple[str, ...]) -> None:
    """A member's name is relative, with forward slashes, whatever system or whoever wrote it."""
    entry = zipfile.ZipInfo("x")
    entry.filename = name
    assert label_members([entry]) == [label]
    assert folders_of(label) == folders


def test_mutated_zips_end_in_receipts(local_home: Home, tmp_path: Path) -> None:
    """Whatever bytes of a zip are changed, its drop ends in receipts with states, never in another error."""
    whole = pack(tmp_path / "lab.zip", {"a.txt": b"no test", "b.txt": b"nor this"}).read_bytes()
    generator = random.Random(1)  # noqa: S311 a reproducible mutation, not a secret
    for number in range(60):
        content = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            content[generator.randrange(len(content))] = generator.randrange(256)
        path = tmp_path / f"{number}.zip"
        path.write_bytes(content)
        assert set(states(take(local_home, path))) <= {"ignored", "quarantined", "duplicate"}
    assert local_home.query("tests").is_empty()

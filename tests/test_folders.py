"""Folders that are one source: taken as one, settled as one; what grows is a new version, and nothing comes twice."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pne_files
import polars as pl
import pytest
import toyo_files
from made_cells import cycle, measure, write_bdf
from polars.testing import assert_frame_equal
from test_watch import SETTLE, Clock

import parsers
from flows import folders as folders_module
from flows.drops import drop_of, list_files
from flows.ingest import ingest_file, ingest_paths
from flows.watch import Watcher
from parsers.contract import Source
from warehouse.errors import FormatUnknown, ParseError, SourceBusy
from warehouse.foreign import Foreign
from warehouse.home import Home
from warehouse.parts import read_stored
from warehouse.registry import SOURCE_FILE, TEST
from warehouse.schema import MEASUREMENTS
from warehouse.settings import Settings

RUN: Final = pne_files.make_run()
LONGER: Final = pne_files.make_run(3)
CHANNEL: Final = "M01Ch003[003]"
CYCLES: Final = toyo_files.make_run(3)


def lay(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder; returns it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def pne(folder: Path, rows: list[pne_files.Row] = RUN, unit: str | None = "uA") -> Path:
    """Write the folder of a channel; returns it."""
    return lay(folder, pne_files.channel_folder(rows, unit)) / CHANNEL


def toyo(folder: Path, totals: int = 2) -> Path:
    """Write the folder of a channel with its first total cycles; returns it."""
    return lay(folder, toyo_files.channel_folder([row for row in CYCLES if row.total <= totals])) / "93"


def take(home: Home, path: Path) -> list[dict[str, Any]]:
    return list(ingest_paths(home, [path]))


def stored(home: Home, receipt: Mapping[str, Any]) -> pl.DataFrame:
    return read_stored(home, receipt["test_id"], MEASUREMENTS)


def expected(path: Path) -> pl.DataFrame:
    return parsers.read(path).measurements


# What is one source


@pytest.mark.parametrize("make", [pne, toyo])
def test_folder_is_one_source(local_home: Home, tmp_path: Path, make: Any) -> None:
    """A channel's folder gives one receipt that shows the folder, and every record of it."""
    folder = make(tmp_path / "drop")
    (receipt,) = take(local_home, tmp_path / "drop")
    assert (receipt["state"], receipt["path"]) == ("committed", str(folder))
    assert receipt["format"] in {"pne_restore", "toyo_channel"}
    assert receipt["rows"] == expected(folder).height > 0


def test_folder_named_itself(local_home: Home, tmp_path: Path) -> None:
    """A user may name the folder, the one above it, or the Restore folder inside: it is the same source."""
    folder = pne(tmp_path / "drop")
    states = [take(local_home, path)[0]["state"] for path in (folder, tmp_path / "drop", folder / "Restore")]
    assert states == ["committed", "duplicate", "duplicate"]


def test_folder_is_shown_as_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is found by a relative path is shown by one, and one that is the working folder by its own."""
    folder = pne(tmp_path / "drop")
    monkeypatch.chdir(tmp_path)
    assert list_files([Path("drop")]) == [Path("drop") / CHANNEL]
    monkeypatch.chdir(folder)
    assert list_files([Path("Restore")]) == list_files([Path()]) == [folder]


def test_every_byte_is_kept(local_home: Home, tmp_path: Path) -> None:
    """The archive has every file of the folder, under its name, byte for byte."""
    files = toyo_files.channel_folder(CYCLES)
    (receipt,) = take(local_home, lay(tmp_path / "drop", files))
    with local_home.archive.materialise(receipt["sha256"]) as path, zipfile.ZipFile(path) as kept:
        assert {name: kept.read(name) for name in kept.namelist()} == files


def test_other_files_stay_drops_of_their_own(local_home: Home, tmp_path: Path) -> None:
    """What lies beside channel folders, and each of several channels, is a drop of its own."""
    pne(tmp_path / "drop/test")
    toyo(tmp_path / "drop/test")
    write_bdf(tmp_path / "drop/test/other.csv", measure(cycle([1e-3])))
    receipts = take(local_home, tmp_path / "drop")
    assert sorted(receipt["format"] for receipt in receipts) == ["bdf_csv", "pne_restore", "toyo_channel"]


def test_lone_files_stay_files(tmp_path: Path) -> None:
    """A SaveData, .cyc or six-digit file in a folder of any other name is no folder's."""
    files = {"a/ch03_SaveData0001.csv": b"1", "a/x.cyc": b"1", "b/000001": b"1", "b/000002": b"1"}
    found = list_files([lay(tmp_path / "drop", files)])
    assert [path.relative_to(tmp_path / "drop").as_posix() for path in found] == sorted(files)


def test_restore_folder_under_another_name(tmp_path: Path) -> None:
    """A Restore folder below a folder that is not named like a channel takes the schedule beside it, and no more."""
    files = {"t/Restore/ch03_SaveData0001.csv": b"1", "t/a.sch": b"1", "t/a.cyc": b"1", "t/other.csv": b"1"}
    drop = lay(tmp_path / "drop", files)
    assert list_files([drop]) == [drop / "t/Restore", drop / "t/other.csv"]
    members = folders_module.find_members(drop / "t/Restore")
    assert [path.name for path in members] == ["ch03_SaveData0001.csv", "a.sch", "a.cyc"]


def test_toyo_folder_with_another_name(tmp_path: Path) -> None:
    """Six-digit files beside a CAPACITY.LOG are a channel's in a folder of any name; strangers there are not."""
    files = {"cell A/000001": b"1", "cell A/CAPACITY.LOG": b"1", "cell A/photo.jpg": b"1"}
    drop = lay(tmp_path / "drop", files)
    assert list_files([drop]) == [drop / "cell A", drop / "cell A/photo.jpg"]


def test_order_of_packing(tmp_path: Path) -> None:
    """Closed files come first in the order of their numbers, what grows comes last."""
    names = [
        "Restore/ch03_SaveData10.csv",
        "Restore/ch03_SaveData9.csv",
        "Restore/ch03_SaveEndData.csv",
        "a.cyc",
        "a.sch",
    ]
    folder = lay(tmp_path / CHANNEL, dict.fromkeys(names, b"1"))
    found = [path.relative_to(folder).as_posix() for path in folders_module.find_members(folder)]
    assert found == [names[1], names[0], names[4], names[2], names[3]]


def test_links_and_system_files_are_no_members(tmp_path: Path) -> None:
    """A link inside a folder is not followed, and what the system wrote there is not the tester's."""
    folder = toyo(tmp_path / "drop")
    (folder / "000009").symlink_to(tmp_path / "secret")
    (folder / "Thumbs.db").write_bytes(b"1")
    assert {path.name for path in folders_module.find_members(folder)} & {"000009", "Thumbs.db"} == set()
    assert set(list_files([tmp_path / "drop"])) == {folder, folder / "000009", folder / "Thumbs.db"}


def test_ordinary_folder_is_no_drop(tmp_path: Path) -> None:
    """A folder that is no source by itself is refused as a drop, as it always was."""
    refusal = drop_of(lay(tmp_path / "drop", {"a.csv": b"1"})).refusal
    assert refusal is not None
    assert refusal.code == "cannot_open"


# Versions


@pytest.mark.parametrize("make", [pne, toyo])
def test_dropped_again_is_a_duplicate(local_home: Home, tmp_path: Path, make: Any) -> None:
    """The same folder again, or a copy with other times elsewhere, is a duplicate."""
    make(tmp_path / "one")
    make(tmp_path / "two")
    assert [take(local_home, tmp_path / name)[0]["state"] for name in ("one", "one", "two")] == [
        "committed",
        "duplicate",
        "duplicate",
    ]


def test_grown_folder_adds_its_new_rows(local_home: Home, tmp_path: Path) -> None:
    """Another total cycle in a folder adds its records alone, and the rows are those of one reading, bit for bit."""
    (first,) = take(local_home, toyo(tmp_path / "drop", 2))
    (second,) = take(local_home, toyo(tmp_path / "drop", 3))
    assert (second["state"], second["test_id"], second["revision"]) == ("committed", first["test_id"], 2)
    assert second["new_rows"] == second["rows"] - first["rows"] > 0
    assert second["reason"] is None
    found, whole = stored(local_home, second), expected(tmp_path / "drop/93")
    assert_frame_equal(found.select(whole.columns), whole, check_exact=True)


def test_grown_channel_adds_its_new_rows(local_home: Home, tmp_path: Path) -> None:
    """The same for SaveData that grew, whose step ends and record counts were rewritten."""
    (first,) = take(local_home, pne(tmp_path / "drop"))
    (second,) = take(local_home, pne(tmp_path / "drop", LONGER))
    assert (second["test_id"], second["rows"]) == (first["test_id"], len(LONGER))
    found, whole = stored(local_home, second), expected(tmp_path / "drop" / CHANNEL)
    assert_frame_equal(found.select(whole.columns), whole, check_exact=True)


def test_old_version_is_superseded(local_home: Home, tmp_path: Path) -> None:
    """Of two versions of a folder the later one counts, and the archive keeps both."""
    (first,) = take(local_home, toyo(tmp_path / "drop", 2))
    (second,) = take(local_home, toyo(tmp_path / "drop", 3))
    rows = local_home.registry.rows(SOURCE_FILE.select())
    states = {row["sha256"]: row["state"] for row in rows}
    assert states == {first["sha256"]: "superseded", second["sha256"]: "committed"}
    assert all(local_home.archive.is_sound(sha256) for sha256 in states)


def test_overwritten_files_are_kept(local_home: Home, tmp_path: Path) -> None:
    """Records whose SaveData the controller has overwritten or removed stay in the test, and none comes twice."""
    folder = pne(tmp_path / "drop", RUN)
    (first,) = take(local_home, folder)
    (folder / "Restore/ch03_SaveData0002.csv").unlink()
    (folder / "Restore/ch03_SaveData0001.csv").write_bytes(pne_files.long_csv(LONGER[len(RUN) :]))
    (folder / "Restore/ch03_SaveEndData.csv").write_bytes(pne_files.long_csv(pne_files.ends_of(LONGER)))
    second, again = *take(local_home, folder), *take(local_home, folder)
    assert (second["test_id"], second["rows"], second["new_rows"]) == (
        first["test_id"],
        len(LONGER),
        len(LONGER) - len(RUN),
    )
    assert stored(local_home, second)["record_index"].to_list() == [row.index for row in LONGER]
    assert again["state"] == "duplicate"


def test_new_test_on_the_channel_is_another_test(local_home: Home, tmp_path: Path) -> None:
    """A new test wipes the channel's folder: the old one stays, the new one is its own."""
    (first,) = take(local_home, pne(tmp_path / "drop"))
    later = [
        replace(row, date=20260401, current=row.current // 2, charge=row.charge // 2, discharge=row.discharge // 2)
        for row in RUN
    ]
    (second,) = take(local_home, pne(tmp_path / "drop", later))
    assert second["state"] == "committed"
    assert second["test_id"] != first["test_id"]


# Zips


def test_zip_of_a_folder_is_the_same_data(local_home: Home, tmp_path: Path) -> None:
    """A zip of a channel's folder, dropped after the folder itself, brings nothing new."""
    folder = pne(tmp_path / "drop")
    packed = tmp_path / "channel.zip"
    packed.write_bytes(pne_files.zipped(pne_files.channel_folder(RUN)))
    assert [receipt["state"] for receipt in [*take(local_home, folder), *take(local_home, packed)]] == [
        "committed",
        "unchanged",
    ]


def test_zip_of_several_folders_and_files(local_home: Home, tmp_path: Path) -> None:
    """A zip of two channels and another file gives each of them as a drop of its own, by its place in the zip."""
    second = {name.replace("003", "004"): raw for name, raw in pne_files.channel_folder(LONGER).items()}
    second = {name.replace("ch03_", "ch04_"): raw for name, raw in second.items()}
    bdf = write_bdf(tmp_path / "other.csv", measure(cycle([1e-3]))).read_bytes()
    files = pne_files.channel_folder(RUN) | second | {"other.csv": bdf}
    packed = tmp_path / "test.zip"
    packed.write_bytes(pne_files.zipped({f"test/{name}": raw for name, raw in files.items()}))
    container, *receipts = take(local_home, packed)
    assert (container["state"], container["reason"]["code"]) == ("ignored", "container")
    assert {receipt["path"].rpartition("!")[2]: (receipt["state"], receipt["rows"]) for receipt in receipts} == {
        f"test/{CHANNEL}": ("committed", len(RUN)),
        "test/M01Ch004[004]": ("committed", len(LONGER)),
        "test/other.csv": ("committed", measure(cycle([1e-3])).height),
    }


def test_damaged_member_refuses_its_folder_alone(local_home: Home, tmp_path: Path) -> None:
    """One file with a wrong checksum sets its folder aside with the reason; the rest of the zip is taken."""
    files = pne_files.channel_folder(RUN) | toyo_files.channel_folder(CYCLES)
    raw = bytearray(pne_files.zipped(files))
    place = raw.index(b"ch03_SaveData0001.csv") + 40
    raw[place] ^= 0xFF
    packed = tmp_path / "two.zip"
    packed.write_bytes(raw)
    states = {receipt["path"].rpartition("!")[2]: receipt["state"] for receipt in take(local_home, packed)[1:]}
    assert states == {CHANNEL: "quarantined", "93": "committed"}


# Settling


class Site:
    """A home with its inbox, and a watcher whose clock is ours."""

    def __init__(self, home: Home) -> None:
        self.inbox = home.folder / "inbox"
        self.clock = Clock()
        self.watcher = Watcher(home, self.clock)

    def look(self, later: float = 0.0) -> list[Path]:
        """Let time pass, then look around."""
        self.clock.now += later
        return [Path(look.path) for look in self.watcher.poll()]


@pytest.fixture
def site(local_home: Home) -> Site:
    return Site(local_home)


def test_folder_settles_as_a_whole(site: Site) -> None:
    """A folder is found once all its files lie still, however long the others have."""
    folder = toyo(site.inbox / "A")
    site.look()
    with (folder / "CAPACITY.LOG").open("ab") as file:
        file.write(b"\r\n")
    assert site.look(SETTLE) == []
    assert site.look(SETTLE) == [folder]


def test_new_file_settles_the_folder_anew(site: Site) -> None:
    """A file more makes the whole folder settle again."""
    folder = toyo(site.inbox / "A", 2)
    site.look()
    toyo(site.inbox / "A", 3)
    assert site.look(SETTLE) == []
    assert site.look(SETTLE) == [folder]


def test_taken_folder_is_not_found_again(site: Site, local_home: Home) -> None:
    """What was taken in rests, until a file changes; another watcher knows that too."""
    folder = toyo(site.inbox / "A", 2)
    site.look()
    site.clock.now += SETTLE
    receipts = list(site.watcher.take(site.watcher.poll()))
    assert [receipt["state"] for receipt in receipts] == ["committed"]
    assert site.look(SETTLE) == site.look(SETTLE) == []
    assert Watcher(local_home, site.clock).poll() == []
    toyo(site.inbox / "A", 3)
    site.look(SETTLE)
    assert site.look(SETTLE) == [folder]


def test_change_while_packing_waits(local_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that comes while the folder is packed makes it busy: nothing is taken, and nothing set aside."""
    folder = toyo(tmp_path / "drop")
    honest = Foreign.check_unchanged

    def add(file: Foreign, size: int) -> None:
        (folder / "000003").write_bytes(b"1")
        honest(file, size)

    monkeypatch.setattr(Foreign, "check_unchanged", add)
    with pytest.raises(SourceBusy):
        list(ingest_file(local_home, folder))
    assert local_home.registry.rows(SOURCE_FILE.select()) == []


# What the site says


def settle_unit(home: Home, cyclers: dict[str, dict[str, str]]) -> None:
    home.settings = Settings(cycler=cyclers)


def test_no_unit_is_refused_and_says_where_to_write_it(local_home: Home, tmp_path: Path) -> None:
    """Without a unit the folder is set aside whole, with the lines to write into the settings, in both languages."""
    (receipt,) = take(local_home, pne(tmp_path / "drop", unit=None))
    assert (receipt["state"], receipt["reason"]["code"]) == ("quarantined", "unit_unknown")
    assert all("settings.toml" in receipt["reason"][language] for language in ("en", "ko"))
    row = local_home.registry.row(SOURCE_FILE, sha256=receipt["sha256"])
    assert row is not None
    assert '[cycler."NAME"] and current_unit' in row["reason_detail"]


@pytest.mark.parametrize("name", ["PNE-1", "PNE-*", "M01Ch*[[]003]", "*"])
def test_unit_of_the_settings(local_home: Home, tmp_path: Path, name: str) -> None:
    """The unit of the cycler whose name, or whose pattern, a folder above the test has is taken."""
    settle_unit(local_home, {"other": {"current_unit": "nA"}, name.replace("[[]", "["): {"current_unit": "µA"}})
    (receipt,) = take(local_home, pne(tmp_path / "PNE-1", unit=None))
    assert receipt["state"] == "committed"
    assert stored(local_home, receipt)["current_ampere"].max() == 1.2


def test_plain_name_counts_before_a_pattern(local_home: Home, tmp_path: Path) -> None:
    """Of a pattern and the folder's own name the name counts, whatever stands first."""
    settle_unit(local_home, {"PNE-*": {"current_unit": "uA"}, "PNE-1": {"current_unit": "nA"}})
    (receipt,) = take(local_home, pne(tmp_path / "PNE-1", unit=None))
    assert stored(local_home, receipt)["current_ampere"].max() == 1.2e-3


def test_wrong_unit_of_the_settings_is_refused(local_home: Home, tmp_path: Path) -> None:
    """A unit that the folder's .cyc contradicts stops the source with the factor."""
    settle_unit(local_home, {"PNE-1": {"current_unit": "nA"}})
    folder = pne(tmp_path / "PNE-1", unit=None)
    (folder / "a.cyc").write_bytes(pne_files.cyc(RUN))
    (receipt,) = take(local_home, folder)
    assert (receipt["state"], receipt["reason"]["code"]) == ("quarantined", "unit_factor")


def test_machine_stands_before_the_channel(local_home: Home, tmp_path: Path) -> None:
    """A cycler's plain name in the settings makes its channels differ from those of the same number elsewhere."""
    settle_unit(local_home, {"PNE-1": {"current_unit": "uA"}, "TOYO-2": {}})
    (one,) = take(local_home, pne(tmp_path / "PNE-1", unit=None))
    (two,) = take(local_home, toyo(tmp_path / "TOYO-2"))
    channels = {row["test_id"]: row["channel"] for row in local_home.registry.rows(TEST.select())}
    assert channels == {one["test_id"]: "PNE-1-M01Ch003", two["test_id"]: "TOYO-2-93"}


# Reading by itself


@pytest.mark.parametrize(("make", "name"), [(pne, "pne_restore"), (toyo, "toyo_channel")])
def test_folder_is_read_and_detected(tmp_path: Path, make: Any, name: str) -> None:
    """A folder is detected by its names alone, and read like its zip."""
    folder = make(tmp_path / "drop")
    assert [declared.name for declared in parsers.detect(folder)] == [name]
    assert parsers.read(folder).format == name


def test_folder_without_a_source_is_refused(tmp_path: Path) -> None:
    """A folder of other files is no source, and says so."""
    folder = lay(tmp_path / "drop", {"a.csv": b"1"})
    assert parsers.detect(folder) == []
    with pytest.raises(FormatUnknown):
        parsers.read(folder)


def test_folder_of_several_sources_is_refused(tmp_path: Path) -> None:
    """Two channels below one folder cannot be read as one test."""
    pne(tmp_path / "drop")
    toyo(tmp_path / "drop")
    with pytest.raises(ParseError) as refusal:
        parsers.read(tmp_path / "drop")
    assert refusal.value.code == "several_tests"


def test_first_day_is_read_from_the_cyc(tmp_path: Path) -> None:
    """Before SaveData exist a channel's folder is read from its .cyc, and says so."""
    folder = lay(tmp_path / "drop", {f"{CHANNEL}/aging.cyc": pne_files.cyc(RUN)}) / CHANNEL
    reading = parsers.read(folder)
    assert (reading.format, reading.measurements.height) == ("pne_restore", len(RUN))
    assert (reading.about["channel"], reading.about["test_name"]) == ("M01Ch003", "aging")
    assert "no SaveData files yet" in reading.warnings[0]


def test_midnight_puts_the_records_in_the_place_of_the_cyc(local_home: Home, tmp_path: Path) -> None:
    """What was read from the .cyc on the first day is replaced by the SaveData, and not counted twice."""
    (first,) = take(local_home, lay(tmp_path / "drop", {f"{CHANNEL}/aging.cyc": pne_files.cyc(RUN)}))
    (second,) = take(local_home, pne(tmp_path / "drop"))
    assert (second["state"], second["test_id"], second["revision"]) == ("committed", first["test_id"], 2)
    assert "step_type" in expected(tmp_path / "drop" / CHANNEL).columns


def test_test_is_named_by_its_schedule(tmp_path: Path) -> None:
    """Where one schedule or .cyc lies in the folder, its name is the test's."""
    folder = pne(tmp_path / "drop")
    (folder / "수명 시험.sch").write_bytes(pne_files.sch({1: (0x0201, 1200.0)}))
    assert parsers.read(folder).about["test_name"] == "수명 시험"


def test_source_carries_the_profile(tmp_path: Path) -> None:
    """Readers get the site's profile beside the zone, and none by default."""
    assert Source(tmp_path, "x").profile == {}
    folder = pne(tmp_path / "drop", unit=None)
    reading = parsers.read(folder, profile={"current_unit": "uA", "cycler": "P1"})
    assert reading.about["channel"] == "P1-M01Ch003"

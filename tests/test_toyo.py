"""Toyo: records of both languages back as they were written, CAPACITY.LOG as the judge, and every documented trap."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from damaged import cut, mutate, survives
from pne_files import zipped
from toyo_files import (
    BARE,
    BLK5200,
    DATED,
    ENGLISH,
    ENGLISH_CODES,
    JAPANESE_CODES,
    LOG,
    LOG_5200,
    OPTION,
    Row,
    capacity_log,
    channel_folder,
    charges_of,
    japanese_six_digits,
    make_run,
    pattern,
    renzoku,
    six_digits,
)

from parsers import toyo_channel, toyo_companion, toyo_raw, toyo_renzoku
from parsers._folder import DiskFolder, plain_name
from parsers.contract import Format, Peek, Reading, Source
from warehouse.errors import ContradictionError, ParseError

SEOUL: Final = ZoneInfo("Asia/Seoul")
RUN: Final = make_run()
ONE: Final = make_run(totals=1)
MODULES: Final = (toyo_channel, toyo_companion, toyo_raw, toyo_renzoku)


def read_file(folder: Path, content: bytes, declared: Format = toyo_raw.FORMAT, name: str = "000001") -> Reading:
    path = folder / name
    path.write_bytes(content)
    assert declared.sniff(Peek(path, name))
    return declared.read(Source(path, name, SEOUL))


def read_zip(folder: Path, files: dict[str, bytes]) -> Reading:
    return read_file(folder, zipped(files), toyo_channel.FORMAT, "93.zip")


def assert_same(reading: Reading, rows: Sequence[Row]) -> None:
    table = pl.DataFrame(
        {
            "test_time_second": [float(row.seconds) for row in rows],
            "voltage_volt": [float(f"{row.voltage:.4f}") for row in rows],
            "current_ampere": [row.ampere for row in rows],
            "cycle_count": [row.total for row in rows],
            "step_id": [row.mode for row in rows],
            "step_type": [row.state for row in rows],
        }
    )
    found = reading.measurements.select(pl.col(table.columns).exclude("step_type"), pl.col("step_type").cast(pl.String))
    assert found.select(table.columns).equals(table)


# --- written and read


@pytest.mark.parametrize("head", [ENGLISH, BLK5200, DATED, BARE], ids=["BLK3600", "BLK5200", "dated", "bare"])
def test_english_dialects_come_back_exactly(tmp_path: Path, head: str) -> None:
    """The Korean testers' four sets of labels give the same records, to the last digit."""
    assert_same(read_file(tmp_path, six_digits(ONE, head)), ONE)


def test_japanese_dialect_comes_back_exactly(tmp_path: Path) -> None:
    """Shift-JIS labels with katakana in half width and rest as 0 give the same records."""
    assert_same(read_file(tmp_path, japanese_six_digits(ONE)), ONE)


def test_channel_folder_comes_back_exactly(tmp_path: Path) -> None:
    """The files of a channel make one test; its number and what the pattern says of the cell are facts."""
    reading = read_zip(tmp_path, channel_folder(RUN))
    assert_same(reading, RUN)
    assert reading.warnings == ()
    assert reading.about["channel"] == "93"
    assert reading.about["pattern_capacity_milliampere_hour"] == "1689"
    assert reading.about["pattern_mass_gram"] == "0.001160"


def test_export_with_time_and_current_comes_back_exactly(tmp_path: Path) -> None:
    """A 連続データ.csv that has 経過時間 and 電流 gives the same records; its words are the states."""
    reading = read_file(tmp_path, renzoku(ONE), toyo_renzoku.FORMAT, "連続データ.csv")
    assert_same(reading, ONE)
    assert reading.about["test_name"] == "D:\\試験\\cell7"


def test_wall_clock_is_the_sites(tmp_path: Path) -> None:
    """Date and time are local; hours below ten may have one digit."""
    found = read_file(tmp_path, six_digits(ONE)).measurements["unix_time_second"]
    assert (found[0], found[-1] - found[0]) == (1767225600.0, 960.0)


# --- the traps


def test_current_gets_its_sign_from_the_state(tmp_path: Path) -> None:
    """Currents are magnitudes in the file; discharge becomes negative."""
    found = read_file(tmp_path, six_digits(ONE)).measurements
    signs = found.group_by("step_type", maintain_order=True).agg(pl.col("current_ampere").sum().sign())
    assert dict(signs.with_columns(pl.col("step_type").cast(pl.String)).rows()) == {
        "charge": 1.0,
        "rest": 0.0,
        "discharge": -1.0,
    }


def test_nanoamperes_are_kept(tmp_path: Path) -> None:
    """Currents of microamperes have six decimals of mA, and none is lost: 0.000123 mA is 1.23e-7 A."""
    rows = [replace(row, milliampere=0.000123 if row.state == "charge" else 0.0) for row in ONE[:5]]
    assert read_file(tmp_path, six_digits(rows)).measurements["current_ampere"].to_list() == [1.23e-7] * 5


def test_numbers_of_fixed_width(tmp_path: Path) -> None:
    """The same width holds 893.9000 and 0.000001."""
    rows = [replace(row, milliampere=value) for row, value in zip(ONE, (893.9, 12.34567, 1e-6), strict=False)]
    assert read_file(tmp_path, six_digits(rows)).measurements["current_ampere"].to_list() == [0.8939, 0.01234567, 1e-9]


def test_negative_current_is_refused(tmp_path: Path) -> None:
    """A sign where none is documented would make the direction doubtful."""
    content = six_digits(ONE).replace(b",0.012345,", b",-0.01235,", 1)
    with pytest.raises(ContradictionError) as refused:
        read_file(tmp_path, content)
    assert (refused.value.code, refused.value.line) == ("sign", 5)


def test_elapsed_time_that_restarts_makes_one_time(tmp_path: Path) -> None:
    """Elapsed time restarts between constant current and constant voltage; test time and step time do not."""
    found = read_file(tmp_path, six_digits(ONE)).measurements
    charge = found.filter(pl.col("step_type") == "charge")
    assert charge["step_count"].unique().to_list() == [1]
    assert charge["step_time_second"].to_list() == [60.0 * n for n in (0, 1, 2, 3, 4, 4, 5, 6, 7, 8)]


def test_charge_in_constant_voltage_is_the_integral(tmp_path: Path) -> None:
    """Elapsed time times current is no charge once the current falls; what the records give is."""
    found = read_file(tmp_path, six_digits(ONE)).measurements.filter(pl.col("step_type") == "charge")
    moved = (found["current_ampere"].rolling_mean(2) * found["test_time_second"].diff()).sum() / 3.6
    charges = [charge for _, state, charge in charges_of(ONE) if state == "charge"]
    assert moved == pytest.approx(sum(charges), rel=1e-9)


def test_step_that_begins_late_is_not_joined(tmp_path: Path) -> None:
    """A step whose first record has a later elapsed time than the step before ended began again at 0."""
    rows = [
        Row(0, 0, 3.5, 1.0, "charge", 1, 1),
        Row(10, 10, 3.6, 1.0, "charge", 1, 1),
        Row(70, 60, 3.55, 0.0, "rest", 2, 1),
    ]
    found = read_file(tmp_path, six_digits(rows)).measurements
    assert found["test_time_second"].to_list() == [0.0, 10.0, 70.0]
    assert found["step_time_second"].to_list() == [0.0, 10.0, 60.0]


def test_pause_is_the_wall_clocks(tmp_path: Path) -> None:
    """Where the tester stood still between steps, the wall clock went on, and test time with it."""
    rows = [*ONE[:10], *(replace(row, seconds=row.seconds + 3600) for row in ONE[10:])]
    assert_same(read_file(tmp_path, six_digits(rows)), rows)


def test_blank_and_duplicate_labels(tmp_path: Path) -> None:
    """Columns without a label are passed over, and the second Temp1 does not take the place of the first."""
    content = six_digits(ONE).replace(b",23.65\r\n", b",99.99\r\n")
    found = read_file(tmp_path, content)
    assert found.measurements["temperature_t1_celsius"].unique().to_list() == [23.65]
    assert found.warnings == ()


def test_unknown_label_is_reported(tmp_path: Path) -> None:
    """A label that nobody documented costs a warning."""
    reading = read_file(tmp_path, six_digits(ONE, ENGLISH.replace(",,,,Condition", ",,,Humidity[%],Condition")))
    assert reading.warnings == ("columns that are not known are passed over: Humidity[%]",)


def test_temperature_of_zero_is_no_sensor(tmp_path: Path) -> None:
    """0 °C in every record means that nothing is connected."""
    bare = [replace(row, temperature=0.0) for row in ONE]
    assert "temperature_t1_celsius" not in read_file(tmp_path, six_digits(bare)).measurements.columns


def test_half_and_full_width_are_one(tmp_path: Path) -> None:
    """ｻｲｸﾙ and サイクル are the same label."""
    wide = japanese_six_digits(ONE).decode("cp932").replace("総ｻｲｸﾙ", "総サイクル").replace("ﾓｰﾄﾞ", "モード")
    assert_same(read_file(tmp_path, wide.encode("cp932")), ONE)


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig"])
def test_japanese_in_the_encodings_of_the_site(tmp_path: Path, encoding: str) -> None:
    """Shift-JIS is what the tester writes, UTF-8 what an editor may have made of it."""
    assert_same(read_file(tmp_path, japanese_six_digits(ONE).decode("cp932").encode(encoding)), ONE)


def test_korean_names_in_cp949(tmp_path: Path) -> None:
    """Korean text beside the records, which Shift-JIS cannot hold, does not keep them from being read."""
    head = ENGLISH.replace(",,Temp1[Deg]", ",비고,Temp1[Deg]", 1)
    assert_same(read_file(tmp_path, six_digits(ONE, head, "cp949")), ONE)


def test_rest_as_zero_in_an_english_file(tmp_path: Path) -> None:
    """Sources disagree on rest: a file that writes 0 and never 3, with no current at 0, means rest by it."""
    assert_same(read_file(tmp_path, six_digits(ONE, codes=ENGLISH_CODES | {"rest": 0})), ONE)
    mixed = six_digits(ONE).replace(b",3, 3,", b",0, 3,", 1)
    with pytest.raises(ParseError, match="state '0' is not known in an English file"):
        read_file(tmp_path, mixed)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (six_digits(ONE, codes=ENGLISH_CODES | {"rest": 7}), "state '7' is not known in an English file"),
        (six_digits(ONE, codes=ENGLISH_CODES | {"charge": 0}), "state '0' is not known in an English file"),
        (japanese_six_digits(ONE).replace(b",0, 3,", b",3, 3,"), "state '3' is not known in a Japanese file"),
        (six_digits(ONE).replace(b"Condition", b"Kondition"), "no column for state"),
        (six_digits(ONE).replace(b",23.65\r\n", b",23.65,9\r\n", 1), "a row has not the 16 cells"),
        (six_digits(ONE).replace(b"     1,23.65\r\n", b"\r\n", 1), "a row has not the 16 cells"),
    ],
)
def test_other_layouts_are_refused_with_the_sample_to_send(tmp_path: Path, content: bytes, found: str) -> None:
    """What is not documented is refused, and the reason names the sample that would teach it."""
    with pytest.raises(ParseError) as refused:
        read_file(tmp_path, content)
    assert refused.value.code == "unknown_layout"
    assert found in refused.value.detail
    assert "send one channel folder" in refused.value.detail


def test_unit_must_be_stated(tmp_path: Path) -> None:
    """A label without a unit of current is refused, whatever the numbers look like."""
    with pytest.raises(ParseError) as refused:
        read_file(tmp_path, six_digits(ONE).replace(b"Current[mA]", b"Current"))
    assert refused.value.code == "unknown_unit"


def test_abort_has_no_direction(tmp_path: Path) -> None:
    """Records of an abort are left out, with a warning."""
    rows = [*ONE, Row(961, 1, 3.5, 0.01, "abort", 4, 1)]
    reading = read_file(tmp_path, japanese_six_digits(rows))
    assert_same(reading, ONE)
    assert reading.warnings == ("1 records of an abort (state 9, 中断) are left out: their current has no direction",)


def test_rest_with_a_current_has_no_direction(tmp_path: Path) -> None:
    """A record at rest that has a current could be either way and is left out, with a warning."""
    rows = [replace(row, milliampere=0.001) if number == 12 else row for number, row in enumerate(ONE)]
    reading = read_file(tmp_path, six_digits(rows))
    assert_same(reading, [*ONE[:12], *ONE[13:]])
    assert reading.warnings == ("1 records at rest with a current are left out: it has no direction",)


def test_elapsed_time_in_another_unit_is_refused(tmp_path: Path) -> None:
    """Elapsed seconds must run with the wall clock."""
    rows = [replace(row, elapsed=row.elapsed * 10) for row in ONE]
    with pytest.raises(ContradictionError) as refused:
        read_file(tmp_path, six_digits(rows))
    assert refused.value.code == "unit_factor"


def test_cut_last_line_is_left_out(tmp_path: Path) -> None:
    """A line that is still being written costs that line alone, also where it lost only digits."""
    long = [replace(row, total=1234) for row in ONE]
    for content in (six_digits(long)[:-30], japanese_six_digits(long)[:-4]):
        reading = read_file(tmp_path, content)
        assert_same(reading, long[:-1])
        assert reading.warnings == ("the last line of 000001 is cut off and left out",)


def test_broken_cell_names_file_and_line(tmp_path: Path) -> None:
    """A cell that is no number is reported with the file inside the archive and its own line."""
    files = channel_folder(RUN)
    files["93/000002"] = files["93/000002"].replace(b"+3.5125", b"+3.51x5", 1)
    with pytest.raises(ParseError) as refused:
        read_zip(tmp_path, files)
    assert (refused.value.path, refused.value.line) == ("93.zip!93/000002", 6)
    assert refused.value.column == "voltage"


# --- the folder


def test_capacity_log_judges_the_current(tmp_path: Path) -> None:
    """Currents a thousand times off are refused: CAPACITY.LOG counted the same charge in mAh."""
    files = channel_folder(RUN)
    files["93/CAPACITY.LOG"] = capacity_log([(*each[:2], each[2] * 1000) for each in charges_of(RUN)])
    with pytest.raises(ContradictionError, match=r"is 0\.001 of what CAPACITY\.LOG counted") as refused:
        read_zip(tmp_path, files)
    assert refused.value.code == "unit_factor"


def test_single_step_that_differs_is_reported(tmp_path: Path) -> None:
    """One step that is off by more than 2 % is named, with how much."""
    rows = make_run(totals=3, milliampere=1.2345)
    charges = charges_of(rows)
    charges[-1] = (*charges[-1][:2], charges[-1][2] * 1.05)
    files = channel_folder(rows) | {"93/CAPACITY.LOG": capacity_log(charges)}
    (warning,) = read_zip(tmp_path, files).warnings
    assert warning == "1 steps differ from CAPACITY.LOG by more than 2 %, most -4.8% (total cycle 3, discharge)"


def test_stages_of_a_charge_are_summed(tmp_path: Path) -> None:
    """A charge in stages has several rows of the log, and rests have none."""
    charges = charges_of(RUN)
    assert [(total, state) for total, state, _ in charges[:3]] == [(1, "charge"), (1, "charge"), (1, "discharge")]
    assert read_zip(tmp_path, channel_folder(RUN)).warnings == ()


@pytest.mark.parametrize("head", [LOG, LOG + ",DchCycle,PassedDate", LOG_5200])
def test_capacity_logs_of_the_programs(tmp_path: Path, head: str) -> None:
    """Logs of 17 and 19 columns and with the long labels of BLK5200 judge alike; codes are padded with blanks."""
    files = channel_folder(RUN) | {"93/CAPACITY.LOG": capacity_log(charges_of(RUN), head)}
    assert read_zip(tmp_path, files).warnings == ()


def test_missing_or_unknown_log_is_reported(tmp_path: Path) -> None:
    """Without a log, or with one whose labels are not known, the technician learns that nothing was compared."""
    files = channel_folder(RUN)
    unknown = read_zip(tmp_path, files | {"93/CAPACITY.LOG": "日付,時刻,容量\r\n".encode("cp932")})
    assert unknown.warnings == ("CAPACITY.LOG has labels that are not known and is passed over",)
    del files["93/CAPACITY.LOG"]
    assert read_zip(tmp_path, files).warnings == ("no CAPACITY.LOG to compare the charge with",)


def test_log_without_anything_in_common_is_passed_over(tmp_path: Path) -> None:
    """Records that name no total cycle are read; that CAPACITY.LOG could not be compared is told."""
    files = channel_folder(RUN)
    for name in [name for name in files if name.rpartition("/")[2].isdigit()]:
        files[name] = re.sub(rb"(?m) +\d+(?=,23\.65\r?$)", b" inf", files[name])
        assert b" inf,23.65" in files[name]
    reading = read_zip(tmp_path, files)
    assert reading.measurements.height > 0
    assert "the records name no total cycle by which CAPACITY.LOG could be compared" in reading.warnings


def test_files_are_joined_by_number_and_gaps_reported(tmp_path: Path) -> None:
    """Files count from 000001; one that is missing is reported, and its time is the wall clock's."""
    rows = make_run(totals=3)
    files = channel_folder(rows)
    del files["93/000002"]
    reading = read_zip(tmp_path, files)
    assert_same(reading, [row for row in rows if row.total != 2])
    assert "1 files before or between these are missing" in reading.warnings
    assert "2 steps of CAPACITY.LOG have no records here" in reading.warnings


def test_cycle_of_a_mode_restarts_but_the_total_does_not(tmp_path: Path) -> None:
    """Programs of several modes restart the cycle: the total cycle is the instrument's count."""
    rows = [replace(row, cycle=1) for row in make_run(totals=3)]
    assert read_zip(tmp_path, channel_folder(rows)).measurements["cycle_count"].unique().sort().to_list() == [1, 2, 3]


def test_two_channels_in_one_archive_are_refused(tmp_path: Path) -> None:
    """A zip of several channels is no single source."""
    with pytest.raises(ParseError, match="2 channels") as refused:
        read_zip(tmp_path, channel_folder(RUN) | channel_folder(RUN, "94/"))
    assert refused.value.code == "several_tests"


def test_files_of_two_programs_are_refused(tmp_path: Path) -> None:
    """All files of a channel have the same labels."""
    files = channel_folder(RUN) | {"93/000002": six_digits(RUN[20:], BLK5200)}
    with pytest.raises(ParseError, match="labels are others than in the first file") as refused:
        read_zip(tmp_path, files)
    assert refused.value.code == "unknown_layout"


def test_folder_names_keep_their_blanks(tmp_path: Path) -> None:
    """Names that differ by a blank are different channels: nothing is trimmed."""
    with pytest.raises(ParseError, match=r"2 channels \(cell  7/93, cell 7/93\)"):
        read_zip(tmp_path, channel_folder(RUN, "cell 7/93/") | channel_folder(RUN, "cell  7/93/"))


def test_file_that_has_just_begun_is_empty(tmp_path: Path) -> None:
    """A total cycle that has a name and no content yet changes nothing."""
    assert_same(read_zip(tmp_path, channel_folder(RUN) | {"93/000003": b""}), RUN)


def test_labels_without_records_are_empty(tmp_path: Path) -> None:
    """A file of labels alone is a test that has not recorded yet."""
    assert read_file(tmp_path, six_digits([])).measurements.is_empty()


def test_folder_on_disk_reads_as_its_zip(tmp_path: Path) -> None:
    """What a reader needs is names and bytes: a directory and a zip of it give the same test."""
    for name, content in channel_folder(RUN).items():
        path = tmp_path / "disk" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    source = Source(tmp_path / "disk", "disk", SEOUL)
    assert_same(toyo_channel.read(source), RUN)
    assert toyo_channel.read_folder(source, DiskFolder(source.path)).about["channel"] == "93"


@pytest.mark.parametrize(
    ("encoding", "zone", "name"), [("cp932", "Asia/Tokyo", "連続データ.csv"), ("cp949", "Asia/Seoul", "홍길동.PTN")]
)
def test_names_of_a_zip_without_utf8(tmp_path: Path, encoding: str, zone: str, name: str) -> None:
    """Windows stores names in the site's code page without saying so; zip readers show them in IBM's."""
    entry = zipfile.ZipInfo(name.encode(encoding).decode("cp437"))
    assert plain_name(entry, Source(tmp_path, "a.zip", ZoneInfo(zone))) == name


@pytest.mark.parametrize("spaced", [False, True])
def test_mass_in_both_dialects_of_the_pattern(tmp_path: Path, *, spaced: bool) -> None:
    """The mass stands at the same place, glued to its flag or behind a blank."""
    files = channel_folder(RUN) | {"93/a.PTN": pattern(0.00116, spaced=spaced)}
    assert float(str(read_zip(tmp_path, files).about["pattern_mass_gram"])) == 0.00116


# --- the export


def test_export_without_time_needs_the_folder(tmp_path: Path) -> None:
    """A 連続データ.csv without time and current is refused, and the channel folder is asked for."""
    with pytest.raises(ParseError) as refused:
        read_file(tmp_path, renzoku(ONE, timed=False), toyo_renzoku.FORMAT)
    assert refused.value.code == "needs_companions"
    assert "経過時間, 電流" in refused.value.detail


def test_charge_per_gram_is_not_taken_for_charge(tmp_path: Path) -> None:
    """電気量 is per gram where a mass was typed in, and no integral in constant voltage: it is not read."""
    columns = read_file(tmp_path, renzoku(ONE), toyo_renzoku.FORMAT).measurements.columns
    assert not [name for name in columns if "capacity" in name]


def test_unknown_word_for_a_state_is_refused(tmp_path: Path) -> None:
    """A state that is none of the six documented words is refused with the sample to send."""
    content = renzoku(ONE).decode("cp932").replace("充電休止", "待機").encode("cp932")
    with pytest.raises(ParseError, match="state '待機' is not known") as refused:
        read_file(tmp_path, content, toyo_renzoku.FORMAT)
    assert refused.value.code == "unknown_layout"


# --- recognised and kept


@pytest.mark.parametrize("content", [capacity_log(charges_of(RUN)), capacity_log([], LOG_5200), OPTION])
def test_companions_are_recognised(tmp_path: Path, content: bytes) -> None:
    """The log and the options are known by themselves, and no format of records claims them."""
    path = tmp_path / "x"
    path.write_bytes(content)
    peek = Peek(path, path.name)
    assert [each.FORMAT.name for each in MODULES if each.sniff(peek)] == ["toyo_companion"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (six_digits(RUN), "toyo_raw"),
        (japanese_six_digits(RUN), "toyo_raw"),
        (renzoku(RUN), "toyo_renzoku"),
        (zipped(channel_folder(RUN)), "toyo_channel"),
        (zipped({"000001": six_digits(RUN), "000002": six_digits(RUN)}), "toyo_channel"),
    ],
)
def test_records_are_claimed_by_one_format(tmp_path: Path, content: bytes, name: str) -> None:
    """Each file of records is claimed by its own format and no other of the vendor's."""
    path = tmp_path / "x"
    path.write_bytes(content)
    peek = Peek(path, path.name)
    assert [each.FORMAT.name for each in MODULES if each.sniff(peek)] == [name]


def test_no_real_file_of_another_vendor_is_claimed(corpus: Path) -> None:
    """None of the corpus's files, which are all of other vendors, is claimed."""
    sniffers = (toyo_channel, toyo_companion, toyo_raw, toyo_renzoku)
    peeks = [Peek(path, path.name) for path in sorted(corpus.rglob("*")) if path.is_file()]
    assert len(peeks) > 100
    assert [(peek.name, each.FORMAT.name) for peek in peeks for each in sniffers if each.sniff(peek)] == []


# --- damaged files

SMALL: Final = make_run(totals=2, points=3)
DAMAGED: Final = {
    "English": (toyo_raw.FORMAT, six_digits(SMALL[:12])),
    "Japanese": (toyo_raw.FORMAT, japanese_six_digits(SMALL[:12])),
    "folder": (toyo_channel.FORMAT, zipped(channel_folder(SMALL))),
    "export": (toyo_renzoku.FORMAT, renzoku(SMALL[:12])),
}


@pytest.mark.parametrize("which", DAMAGED)
def test_damaged_files_are_read_or_refused(tmp_path: Path, which: str) -> None:
    """A file cut anywhere or with bytes changed gives a reading or a refusal of ours, nothing else."""
    declared, content = DAMAGED[which]
    survives(cut(content), tmp_path / "cut", declared.sniff, declared.read)
    survives(mutate(content), tmp_path / "mutated", declared.sniff, declared.read)


def test_japanese_codes_have_an_abort() -> None:
    """The writer's two sets of codes differ in rest, which is the documented conflict."""
    assert (ENGLISH_CODES["rest"], JAPANESE_CODES["rest"]) == (3, 0)

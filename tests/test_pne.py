"""PNE: every record back as it was written, the unit from a person alone, and every documented trap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from damaged import cut, mutate, survives
from pne_files import (
    Row,
    channel_folder,
    cyc,
    ends_of,
    long_csv,
    long_line,
    make_run,
    named_csv,
    renumbered,
    sch,
    short_csv,
    zipped,
)

from parsers import _pne_unit, pne_companion, pne_csv, pne_cyc, pne_restore
from parsers.contract import Format, Peek, Reading, Source
from warehouse.errors import ContradictionError, ParseError
from warehouse.sentences import SENTENCES

SEOUL: Final = ZoneInfo("Asia/Seoul")
RUN: Final = make_run()
NANO: Final = make_run(current=850_000)
FIRST: Final = "M01Ch003[003]/Restore/ch03_SaveData0001.csv"
SECOND: Final = "M01Ch003[003]/Restore/ch03_SaveData0002.csv"
ENDS: Final = "M01Ch003[003]/Restore/ch03_SaveEndData.csv"
DRIVEN: Final = {1: (0x0201, 1200.0), 2: (0x0401, 0.0), 3: (0x0202, 1200.0)}
Write = Callable[[Sequence[Row]], bytes]
LAYOUTS: Final = {"long": long_csv, "short": short_csv, "named": named_csv}


@pytest.fixture
def site_counts_micro(monkeypatch: pytest.MonkeyPatch) -> None:
    """The site's settings say µA, as they will when they can."""
    monkeypatch.setattr(_pne_unit, "site_profile", lambda _source: "uA")


def read_zip(folder: Path, files: dict[str, bytes]) -> Reading:
    path = folder / "channel.zip"
    path.write_bytes(zipped(files))
    assert pne_restore.sniff(Peek(path, path.name))
    return pne_restore.read(Source(path, path.name, SEOUL))


def read_file(folder: Path, content: bytes, declared: Format, name: str = "file") -> Reading:
    path = folder / name
    path.write_bytes(content)
    return declared.read(Source(path, name, SEOUL))


def expected(rows: Sequence[Row], per_ampere: float) -> pl.DataFrame:
    """Return what the rows say, each number the double nearest to its decimal."""
    return pl.DataFrame(
        {
            "test_time_second": [row.ticks / 100 for row in rows],
            "voltage_volt": [row.voltage / 1e6 for row in rows],
            "current_ampere": [row.current / per_ampere for row in rows],
            "cycle_count": [row.cycle for row in rows],
            "step_id": [row.step for row in rows],
            "record_index": [row.index for row in rows],
            "step_time_second": [row.step_ticks / 100 for row in rows],
            "step_charging_capacity_ah": [row.charge / per_ampere for row in rows],
            "step_discharging_capacity_ah": [row.discharge / per_ampere for row in rows],
            "temperature_t1_celsius": [row.temperature / 1e3 for row in rows],
        }
    )


def assert_same(reading: Reading, rows: Sequence[Row], per_ampere: float = 1e6) -> None:
    table = expected(rows, per_ampere)
    if "temperature_t1_celsius" not in reading.measurements.columns:
        table = table.drop("temperature_t1_celsius")
    assert reading.measurements.select(table.columns).equals(table)


# --- written and read


def test_channel_folder_comes_back_exactly(tmp_path: Path) -> None:
    """Every record of a µA channel in two files comes back to the last digit."""
    reading = read_zip(tmp_path, channel_folder(RUN))
    assert_same(reading, RUN)
    assert reading.about["channel"] == "M01Ch003"


def test_nanoampere_channel_comes_back_exactly(tmp_path: Path) -> None:
    """The same columns under the profile nA are a thousandth; µV stay µV."""
    assert_same(read_zip(tmp_path, channel_folder(NANO, unit="nA")), NANO, 1e9)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.usefixtures("site_counts_micro")
def test_each_layout_comes_back_exactly(tmp_path: Path, layout: str) -> None:
    """One SaveData file of each of the three layouts comes back to the last digit."""
    write: Write = LAYOUTS[layout]
    assert_same(read_file(tmp_path, write(RUN), pne_csv.FORMAT), RUN)


@pytest.mark.parametrize("width", [46, 47, 48])
@pytest.mark.usefixtures("site_counts_micro")
def test_long_rows_of_three_widths(tmp_path: Path, width: int) -> None:
    """Rows of 46, 47 and 48 cells are the same layout, also within one file."""
    rest = "".join(long_line(row, 46 + row.index % 3) for row in RUN[1:]).encode()
    assert_same(read_file(tmp_path, long_csv(RUN[:1], width) + rest, pne_csv.FORMAT), RUN)


@pytest.mark.parametrize("width", [22, 29, 33, 39])
@pytest.mark.usefixtures("site_counts_micro")
def test_short_rows_of_the_unambiguous_widths(tmp_path: Path, width: int) -> None:
    """The 22 base columns stand first whatever a build appends."""
    assert_same(read_file(tmp_path, short_csv(RUN, width), pne_csv.FORMAT), RUN)


def test_cyc_comes_back_to_single_precision(tmp_path: Path) -> None:
    """A .cyc holds the same records in mA and mV, whatever the machine counts in; the shortest decimals come back."""
    reading = read_file(tmp_path, cyc(RUN), pne_cyc.FORMAT)
    found, written = reading.measurements, expected(RUN, 1e6)
    assert found["voltage_volt"].equals(written["voltage_volt"])
    assert found["record_index"].to_list() == [row.index for row in RUN]
    assert found["step_count"].n_unique() == 6
    for name in ("current_ampere", "step_charging_capacity_ah", "test_time_second"):
        assert found[name].to_list() == pytest.approx(written[name].to_list(), rel=1e-7)


def test_measured_rows_of_the_description(tmp_path: Path) -> None:
    """The public sample row's arithmetic holds: 17,492.6 mW is written 17492, and 71949013 is 07:19:49.013."""
    row = Row(1, 1, 1, 1, 3_875_900, 4_513_171, 0, 0, 0, 0)
    assert row.milliwatt == 17492
    reading = read_zip(
        tmp_path, channel_folder([row, replace(row, index=2, charge=1253, ticks=100, step_ticks=100, clock=71950013)])
    )
    assert reading.measurements["unix_time_second"][0] == 1772317189.013
    assert reading.about["start_time"] == "2026-02-28T22:19:49.013+00:00"


# --- the unit


def test_no_profile_is_refused(tmp_path: Path) -> None:
    """Without a profile nothing is read, and the technician is told what to write where, in both languages."""
    with pytest.raises(ParseError) as refusal:
        read_zip(tmp_path, channel_folder(RUN, unit=None))
    assert refusal.value.code == "unit_unknown"
    assert 'cellar.toml with the line unit = "uA" or unit = "nA"' in refusal.value.detail
    sentence = SENTENCES["unit_unknown"]
    assert all('unit = "nA"' in text and "cellar.toml" in text for text in (sentence.en_do, sentence.ko_do))


def test_no_profile_is_refused_even_if_the_cyc_would_tell(tmp_path: Path) -> None:
    """What the .cyc shows is a check and no statement: it does not take the profile's place."""
    with pytest.raises(ParseError) as refusal:
        read_zip(tmp_path, channel_folder(RUN, unit=None) | {"M01Ch003[003]/a.cyc": cyc(RUN)})
    assert refusal.value.code == "unit_unknown"


@pytest.mark.parametrize("text", [b'unit = "mA"', b"unit = uA", b"unit", b"\xff\xfe", b"[cycler]\nunit = 'uA'"])
def test_profile_that_says_nothing_known_is_refused(tmp_path: Path, text: bytes) -> None:
    """A sidecar with another unit, without one, or that is no TOML is no profile."""
    with pytest.raises(ParseError) as refusal:
        read_zip(tmp_path, channel_folder(RUN) | {"M01Ch003[003]/cellar.toml": text})
    assert refusal.value.code == "unit_unknown"


@pytest.mark.parametrize("unit", ["µA", "μA"])
def test_profile_with_either_micro_sign(tmp_path: Path, unit: str) -> None:
    """Both micro signs mean uA."""
    assert_same(read_zip(tmp_path, channel_folder(RUN, unit=unit)), RUN)


def test_cyc_confirms_or_contradicts_the_profile(tmp_path: Path) -> None:
    """The same record in the .cyc shows 10³ units per mA for µA and 10⁶ for nA."""
    files = channel_folder(RUN) | {"M01Ch003[003]/a.cyc": cyc(RUN)}
    assert not any("profile alone" in warning for warning in read_zip(tmp_path, files).warnings)
    with pytest.raises(
        ContradictionError, match=r"the profile says uA, but .*a\.cyc has 1e\+06 .* which is nA"
    ) as refusal:
        read_zip(tmp_path, channel_folder(RUN) | {"M01Ch003[003]/a.cyc": cyc(RUN, per_milliampere=1e6)})
    assert refusal.value.code == "unit_factor"


def test_schedule_confirms_or_contradicts_the_profile(tmp_path: Path) -> None:
    """The schedule's set current of a step, in mA, tells 10³ from 10⁶."""
    schedule = {"M01Ch003[003]/a.sch": sch(DRIVEN)}
    assert_same(read_zip(tmp_path, channel_folder(RUN) | schedule), RUN)
    with pytest.raises(ContradictionError, match=r"the profile says nA, .*a\.sch has 1000 .* which is uA"):
        read_zip(tmp_path, channel_folder(RUN, unit="nA") | schedule)
    odd = {"M01Ch003[003]/a.sch": sch({1: (0x0201, 1.2e6)})}
    with pytest.raises(ContradictionError, match="neither uA nor nA"):
        read_zip(tmp_path, channel_folder(RUN) | odd)


def test_profile_alone_is_reported(tmp_path: Path) -> None:
    """Where neither .sch nor .cyc lies in the folder, the technician learns that the profile alone is believed."""
    assert any("rests on the profile alone" in warning for warning in read_zip(tmp_path, channel_folder(RUN)).warnings)


# --- the traps


def test_files_are_ordered_by_their_records(tmp_path: Path) -> None:
    """The numbering of files wraps: what is called 0002 may be older than 0001, and 0010 sorts before 0009."""
    files = channel_folder(RUN)
    files[FIRST], files[SECOND] = files[SECOND], files[FIRST]
    assert_same(read_zip(tmp_path, files), RUN)


def test_records_copied_twice_are_taken_once(tmp_path: Path) -> None:
    """The same record in two files is one record."""
    files = channel_folder(RUN) | {SECOND: long_csv(RUN[15:])}
    assert_same(read_zip(tmp_path, files), RUN)


def test_records_recorded_again_after_a_restart_do_not_double_the_charge(tmp_path: Path) -> None:
    """The same total cycle under later record numbers is the same data, and its charge counts once."""
    files = channel_folder(RUN[:40]) | {SECOND: long_csv([*RUN[20:], *renumbered(RUN[60:], 1349)])}
    reading = read_zip(tmp_path, files)
    assert reading.measurements.height == len(RUN)
    assert "6 records that were recorded twice are taken once" in reading.warnings
    last = reading.measurements.group_by("step_count").agg(pl.col("step_discharging_capacity_ah").max())
    assert last["step_discharging_capacity_ah"].sum() == pytest.approx(0.4)


def test_same_number_with_other_values_is_two_tests(tmp_path: Path) -> None:
    """A new test wipes the folder and counts from 1: files of both together are refused."""
    other = [replace(row, voltage=row.voltage + 50_000) for row in RUN[:20]]
    with pytest.raises(ParseError) as refusal:
        read_zip(tmp_path, channel_folder(RUN) | {"M01Ch003[003]/Restore/ch03_SaveData0009.csv": long_csv(other)})
    assert refusal.value.code == "several_tests"


def test_two_channels_in_one_archive_are_refused(tmp_path: Path) -> None:
    """A zip of a whole test with several channels is no single source."""
    other = {name.replace("Ch003[003]", "Ch004[004]"): content for name, content in channel_folder(RUN).items()}
    with pytest.raises(ParseError, match="2 channels") as refusal:
        read_zip(tmp_path, channel_folder(RUN) | other)
    assert refusal.value.code == "several_tests"


def test_overwritten_files_leave_their_step_ends(tmp_path: Path) -> None:
    """Step ends whose SaveData file is gone come from SaveEndData, and the missing records are counted."""
    files = channel_folder(RUN)
    del files[FIRST]
    reading = read_zip(tmp_path, files)
    assert reading.measurements["record_index"].to_list() == [11, *range(21, 67)]
    assert any("1 step ends are known from SaveEndData alone" in warning for warning in reading.warnings)
    assert any("19 records before these or between them are not here" in warning for warning in reading.warnings)


@pytest.mark.usefixtures("site_counts_micro")
def test_step_ends_alone_need_the_folder(tmp_path: Path) -> None:
    """SaveEndData has the columns of SaveData but one row per step, and is refused by itself."""
    with pytest.raises(ParseError) as refusal:
        read_file(tmp_path, long_csv(ends_of(RUN)), pne_csv.FORMAT)
    assert refusal.value.code == "needs_companions"


def test_step_number_that_starts_again_does_not_join_steps(tmp_path: Path) -> None:
    """Steps 1 to 3 of two cycles are six executed steps, and a loop over one step shows in its time."""
    assert read_zip(tmp_path, channel_folder(RUN)).measurements["step_count"].n_unique() == 6
    looped = [replace(row, cycle=1, step=1) for row in RUN if row.kind == 1]
    assert read_zip(tmp_path, channel_folder(looped)).measurements["step_count"].n_unique() == 2


def test_loop_and_end_rows_hold_no_sample(tmp_path: Path) -> None:
    """Rows of type 8 and 6 mark the schedule and are left out, with a warning."""
    marks = [replace(RUN[-1], index=67, kind=8, voltage=0), replace(RUN[-1], index=68, kind=6, voltage=0)]
    reading = read_zip(tmp_path, channel_folder([*RUN, *marks]))
    assert_same(reading, RUN)
    assert any("2 rows that mark a loop or the end" in warning for warning in reading.warnings)


def test_days_of_step_and_test_are_joined(tmp_path: Path) -> None:
    """Times roll over into a column of days after 24 hours."""
    late = [replace(row, ticks=row.ticks + 8_600_000) for row in RUN]
    found = read_zip(tmp_path, channel_folder(late)).measurements["test_time_second"]
    assert (found[0], found[-1]) == (86000.0, 86000.0 + RUN[-1].ticks / 100)


def test_clock_keeps_its_lost_leading_zeros(tmp_path: Path) -> None:
    """Half a second after midnight is the number 500."""
    rows = [replace(row, clock=clock) for row, clock in zip(RUN[:2], (500, 100500), strict=True)]
    found = read_zip(tmp_path, channel_folder(rows)).measurements["unix_time_second"]
    assert found.to_list() == [1772290800.5, 1772290860.5]


def test_input_without_a_sensor_has_no_column(tmp_path: Path) -> None:
    """A temperature of 0 m°C in every record means that nothing is connected."""
    bare = [replace(row, temperature=0) for row in RUN]
    assert "temperature_t1_celsius" not in read_zip(tmp_path, channel_folder(bare)).measurements.columns
    assert read_zip(tmp_path, channel_folder(RUN)).measurements["temperature_t1_celsius"][0] == 23.125


def test_impedance_where_it_was_measured(tmp_path: Path) -> None:
    """µΩ become Ω; a zero is no measurement."""
    rows = [replace(row, resistance=12_345 if row.index == 3 else 0) for row in RUN]
    found = read_zip(tmp_path, channel_folder(rows)).measurements["internal_resistance_ohm"]
    assert (found.drop_nulls().to_list(), found[2]) == ([0.012345], 0.012345)


def test_counter_that_runs_on_is_left_out(tmp_path: Path) -> None:
    """Capacity columns are kept as counters of the step only while they restart with every step."""
    on = [replace(row, charge=row.charge + row.cycle * 300_000) for row in RUN]
    reading = read_zip(tmp_path, channel_folder(on))
    assert "step_charging_capacity_ah" not in reading.measurements.columns
    assert any("do not restart with every step" in warning for warning in reading.warnings)


def test_cyc_that_is_ahead_is_reported(tmp_path: Path) -> None:
    """Records that only the .cyc holds so far are counted, not mixed in."""
    reading = read_zip(tmp_path, channel_folder(RUN[:60]) | {"M01Ch003[003]/a.cyc": cyc(RUN)})
    assert reading.measurements.height == 60
    assert any("a.cyc holds 6 later records" in warning for warning in reading.warnings)


def test_cut_last_line_is_left_out(tmp_path: Path) -> None:
    """A line that is still being written costs that line alone."""
    files = channel_folder(RUN)
    files[SECOND] = files[SECOND][:-100]
    del files[ENDS]
    reading = read_zip(tmp_path, files)
    assert_same(reading, RUN[:-1])
    assert any("ch03_SaveData0002.csv is cut off" in warning for warning in reading.warnings)


# --- refusals


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (long_csv(RUN, 45), "45 columns"),
        (short_csv(RUN, 24), "24 columns"),
        (short_csv(RUN, 48), "48 columns"),
        (named_csv(RUN).replace(b", dMinAuxV ", b" ", 1), "59 columns"),
        (long_csv(RUN).replace(b"\n", b"\n1,2,3\n", 1), "a row has not 46 or 47 or 48 cells"),
        (long_csv(RUN).replace(b"\n", b",0,0\n", 2).replace(b",0,0\n", b"\n", 1), "a row has not"),
        (long_csv([replace(row, kind=17) for row in RUN]), "step type 17 is not known"),
    ],
)
@pytest.mark.usefixtures("site_counts_micro")
def test_other_layouts_are_refused_with_the_sample_to_send(tmp_path: Path, content: bytes, found: str) -> None:
    """What is not documented is refused, and the reason names the sample that would teach it."""
    with pytest.raises(ParseError) as refusal:
        read_file(tmp_path, content, pne_csv.FORMAT)
    assert refusal.value.code == "unknown_layout"
    assert found in refusal.value.detail
    assert "send one channel folder with Restore/, .sch and .cyc" in refusal.value.detail


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda row: replace(row, voltage=row.voltage * 1000), "power over voltage times current"),
        (lambda row: replace(row, charge=row.charge // 1000, discharge=row.discharge // 1000), "charge counters"),
        (lambda row: replace(row, clock=71949013 + row.index), "wall clock over test time"),
    ],
)
def test_columns_in_other_units_are_refused(tmp_path: Path, change: Callable[[Row], Row], what: str) -> None:
    """Power, charge and time must agree with voltage, current and the clock."""
    files = channel_folder(RUN)
    watt = {row.index: row.milliwatt for row in RUN}
    lines = [long_line(change(row)).split(",") for row in RUN]
    for cells in lines:
        cells[12], cells[13] = str(abs(watt[int(cells[0])])), "0"
    files |= {FIRST: "".join(",".join(cells) for cells in lines).encode(), SECOND: b"", ENDS: b""}
    with pytest.raises(ContradictionError, match=what) as refusal:
        read_zip(tmp_path, files)
    assert refusal.value.code == "unit_factor"


def test_currents_of_the_wrong_sign_are_refused(tmp_path: Path) -> None:
    """A discharge step with positive currents contradicts its type."""
    with pytest.raises(ContradictionError) as refusal:
        read_zip(tmp_path, channel_folder([replace(row, current=abs(row.current)) for row in RUN]))
    assert refusal.value.code == "sign"


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    """A later record with an earlier time is no record of the same test."""
    later = [replace(row, index=row.index + 66, voltage=row.voltage + 7) for row in RUN]
    with pytest.raises(ParseError) as refusal:
        read_zip(tmp_path, channel_folder([*RUN, *later]))
    assert refusal.value.code == "time_goes_back"


def test_cell_that_is_no_number_names_its_line(tmp_path: Path) -> None:
    """A damaged cell is reported with file, line and column."""
    files = channel_folder(RUN)
    files[FIRST] = files[FIRST].replace(b"3701120", b"37x1120")
    with pytest.raises(ParseError) as refusal:
        read_zip(tmp_path, files)
    assert (refusal.value.line, refusal.value.column) == (3, "voltage")
    assert refusal.value.path == f"channel.zip!{FIRST}"


@pytest.mark.parametrize("fields", [(1, 2, 6), (22, 12)])
def test_cyc_without_the_needed_fields_is_refused(tmp_path: Path, fields: tuple[int, ...]) -> None:
    """A .cyc whose table lacks time, voltage or current is not read."""
    with pytest.raises(ParseError) as refusal:
        read_file(tmp_path, cyc(RUN, fields=fields), pne_cyc.FORMAT)
    assert refusal.value.code == "unknown_layout"


# --- recognised and kept


@pytest.mark.parametrize(
    "content",
    [
        sch(DRIVEN),
        b"fileIndex 1, resultIndex 514, open_year 24, open_month 5\n",
        b"index, totalTime_day, totalTime, stepTime_day, stepTime, value(1)\n1, 0, 0, 0, 0, 23125\n",
    ],
)
def test_companions_are_recognised(tmp_path: Path, content: bytes) -> None:
    """Schedules, file numbering and auxiliary values are known, and no format of records claims them."""
    path = tmp_path / "x"
    path.write_bytes(content)
    peek = Peek(path, path.name)
    assert [each.sniff(peek) for each in (pne_companion, pne_csv, pne_cyc, pne_restore)] == [True, False, False, False]


@pytest.mark.parametrize("content", [long_csv(RUN), short_csv(RUN), named_csv(RUN), cyc(RUN)])
def test_records_are_claimed_by_one_format(tmp_path: Path, content: bytes) -> None:
    """Each file of records is claimed by its own format and no other of the vendor's."""
    path = tmp_path / "x"
    path.write_bytes(content)
    peek = Peek(path, path.name)
    assert sum(each.sniff(peek) for each in (pne_companion, pne_csv, pne_cyc, pne_restore)) == 1


def test_no_real_file_of_another_vendor_is_claimed(corpus: Path) -> None:
    """None of the corpus's files, which are all of other vendors, is claimed."""
    sniffers = (pne_companion, pne_csv, pne_cyc, pne_restore)
    peeks = [Peek(path, path.name) for path in sorted(corpus.rglob("*")) if path.is_file()]
    assert len(peeks) > 100
    assert [(peek.name, each.FORMAT.name) for peek in peeks for each in sniffers if each.sniff(peek)] == []


# --- damaged files

SMALL: Final = make_run(cycles=1, every=200)
DAMAGED: Final = {
    "restore": (
        pne_restore.FORMAT,
        zipped(channel_folder(SMALL, split=6) | {"a.cyc": cyc(SMALL), "a.sch": sch(DRIVEN)}),
    ),
    "long": (pne_csv.FORMAT, long_csv(SMALL)),
    "short": (pne_csv.FORMAT, short_csv(SMALL)),
    "named": (pne_csv.FORMAT, named_csv(SMALL)),
    "cyc": (pne_cyc.FORMAT, cyc(SMALL)),
}


@pytest.mark.parametrize("which", DAMAGED)
@pytest.mark.usefixtures("site_counts_micro")
def test_damaged_files_are_read_or_refused(tmp_path: Path, which: str) -> None:
    """A file cut anywhere or with bytes changed gives a reading or a refusal of ours, nothing else."""
    declared, content = DAMAGED[which]
    survives(cut(content), tmp_path / "cut", declared.sniff, declared.read)
    survives(mutate(content), tmp_path / "mutated", declared.sniff, declared.read)

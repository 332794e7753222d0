"""Neware: binary tests against the vendor's exports, exports by header, and bad files."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
import xlsxwriter
from neware_files import TWO_STEPS, Record, main_part, nda, ndax, ndc, run_part, step_part

from parsers import neware_csv, neware_nda, neware_ndax, neware_ndc, neware_ndc_part, neware_xlsx
from parsers._nda import BTS9, HEADER_BYTES, POINTERS, VERSION_AT, find_span
from parsers._neware_steps import step_kind
from parsers.contract import Format, Peek, Reading, Source, still_growing
from warehouse.errors import ParseError

SEOUL: Final = ZoneInfo("Asia/Seoul")
# Reference and reading have each been rounded to single precision, one of them twice.
SINGLE: Final = 2.5e-7
# Milliseconds cut, not rounded, and a stray digit behind them in the reference's own conversion.
CUT: Final = 1.01e-3
FORMATS: Final = {
    module.FORMAT.name: module.FORMAT
    for module in (neware_csv, neware_nda, neware_ndax, neware_ndc, neware_ndc_part, neware_xlsx)
}


def source(path: Path, zone: ZoneInfo = SEOUL) -> Source:
    return Source(path, path.name, zone)


def read_bytes(folder: Path, content: bytes, declared: Format) -> Reading:
    path = folder / f"file{min(declared.extensions)}"
    path.write_bytes(content)
    return declared.read(source(path))


# --- every row and column of the vendor's own exports


@dataclass(frozen=True)
class Export:
    """A vendor's export and the last digits that it prints: mV, µA, mA·s, mW·s, s; hours of its clock from UTC."""

    file: str
    stem: str
    hours: float
    voltage: float = 0.0501
    current: float = 0.501
    charge: float = 0.5
    energy: float = 0.5
    time: float = 0.0
    cycles: bool = True

    def __str__(self) -> str:
        return self.stem


NDA: Final = "neware_nda/EmpaEconversion-fastnda__unzipped__"
OLD: Final = "neware_nda/d-cogswell-NewareNDA__hist__"
NDAX: Final = "neware_ndax/EmpaEconversion-fastnda__"
EXPORTS: Final = (
    Export(f"{OLD}nda_v8.nda", "nda_v8", 1, 0.0, 0.0, charge=0.05, energy=1e-4),
    Export(f"{OLD}nda_v22.nda", "nda_v22", 1, 0.0, 0.0),
    Export(f"{NDA}nda_v23.nda", "nda_v23", 1, 0.0, 0.0),
    # Total times beyond 10**6 s are printed without decimals.
    Export(f"{NDA}nda_v26.nda", "nda_v26", 9, 0.0, 0.0, time=0.5),
    # Capacity to 0.001 mAh, energy to 0.01 mWh, current to six digits, time cut to milliseconds; no cycles in the file.
    Export(f"{NDA}2-1-6_61_07005012.nda", "2-1-6_61_07005012", 2, 0.0051, 5.0, 1.85, 18.2, CUT, cycles=False),
    Export(f"{NDA}SINTEF__G20M7_BTS91.nda", "SINTEF__G20M7_BTS91", 1, time=CUT),
    Export(f"{NDA}TestFile.nda", "TestFile", 2),
    Export(f"{NDAX}21_10_7_85.ndax", "21_10_7_85", 1),
    Export(f"{NDAX}46_1_5_60_bts16.ndax", "46_1_5_60_bts16", 9),
    Export(f"{NDAX}Unit27_Example_Corrupt.ndax", "Unit27_Example_Corrupt", 0),
    Export(f"{NDAX}interp-test.ndax", "interp-test", 1),
    Export(f"{NDAX}nw4-120-1-6-53.ndax", "nw4-120-1-6-53", 1, charge=5e-4, energy=1e-3),
    # BTSDA renumbered the cycles of this export for display.
    Export(f"{NDAX}test_2.ndax", "test_2", 1, charge=5e-4, energy=1e-3, cycles=False),
)


@pytest.mark.parametrize("export", EXPORTS, ids=str)
def test_every_row_equals_the_vendors_export(corpus: Path, export: Export) -> None:
    """Voltage, current, times, counters and steps equal the export in every row, to the digits that it prints."""
    reference = pl.read_parquet(corpus / "reference" / f"{export.stem}.parquet")
    declared = neware_ndax.FORMAT if export.file.endswith("x") else neware_nda.FORMAT
    found = declared.read(source(corpus / export.file)).measurements
    assert found.height == reference.height
    net = {
        what: found[f"step_charging_{what}"] + found[f"step_discharging_{what}"]
        for what in ("capacity_ah", "energy_wh")
    }
    assert_close(found["voltage_volt"] * 1e3, reference["Voltage(mV)"], export.voltage)
    assert_close(found["current_ampere"] * 1e6, reference["Current(uA)"], export.current)
    assert_close(found["test_time_second"], reference["Total Time"], export.time, relative=0)
    assert_close(found["step_time_second"], reference["Time"], min(export.time, CUT), relative=0)
    assert_close(net["capacity_ah"] * 3.6e6, reference["Capacity(mAs)"].abs(), export.charge)
    assert_close(net["energy_wh"] * 3.6e6, reference["Energy(mWs)"].abs(), export.energy)
    assert_same_labels(found, reference, cycles=export.cycles)


@pytest.mark.parametrize("export", EXPORTS, ids=str)
def test_wall_clock_equals_the_vendors_export(corpus: Path, export: Export) -> None:
    """The wall clock differs from the export's by the whole hours of the exporting PC, in every row."""
    reference = pl.read_parquet(corpus / "reference" / f"{export.stem}.parquet")
    declared = neware_ndax.FORMAT if export.file.endswith("x") else neware_nda.FORMAT
    found = declared.read(source(corpus / export.file)).measurements
    printed = reference["Date"].dt.epoch("ms").to_numpy() / 1e3 - export.hours * 3600
    assert np.abs(found["unix_time_second"].to_numpy() - printed).max() < 1.5e-3


def assert_close(found: pl.Series, expected: pl.Series, step: float, relative: float = SINGLE) -> None:
    ours, theirs = found.to_numpy(), expected.cast(pl.Float64).to_numpy()
    # 1e-9 stands for the unit conversion of the test itself.
    excess = np.abs(ours - theirs) - (step + 1e-9 + relative * np.abs(theirs))
    worst = int(np.argmax(excess))
    assert excess[worst] <= 0, f"row {worst}: {ours[worst]} against {theirs[worst]}"


def assert_same_labels(found: pl.DataFrame, reference: pl.DataFrame, *, cycles: bool) -> None:
    assert (found["step_id"] == reference["Step Index"]).all()
    assert (found["step_count"] == reference["Step Count"]).all()
    names = reference["Step Type"].cast(pl.String)
    assert (
        found["step_type"].cast(pl.String) == names.replace({name: step_kind(name) for name in names.unique()})
    ).all()
    if cycles:
        assert (found["cycle_count"] == reference["Cycle Index"]).all()


@pytest.mark.parametrize(
    ("stem", "column", "step"), [("TestFile.nda", "T1", 1e-4), ("46_1_5_60_bts16.ndax", "T1", 0.0)]
)
def test_auxiliary_temperature_equals_the_export(corpus: Path, stem: str, column: str, step: float) -> None:
    """The first auxiliary temperature is the vendor's T1."""
    prefix, declared = (NDA, neware_nda.FORMAT) if stem.endswith("a") else (NDAX, neware_ndax.FORMAT)
    reference = pl.read_parquet(corpus / "reference" / f"{stem.rpartition('.')[0]}.parquet")
    theirs = next(reference[name] for name in reference.columns if name.startswith(column))
    found = declared.read(source(corpus / f"{prefix}{stem}")).measurements
    assert_close(found["temperature_t1_celsius"], theirs, step)


def test_text_export_equals_the_binary_file(corpus: Path) -> None:
    """The same test as .csv and as .ndax has the same times, steps and counters."""
    text = neware_csv.read(source(corpus / "neware_csv_xlsx/EmpaEconversion-fastnda__interp-test.csv")).measurements
    binary = neware_ndax.read(source(corpus / f"{NDAX}interp-test.ndax")).measurements
    same = ["test_time_second", "step_time_second", "record_index", "step_count", "step_id", "step_type", "cycle_count"]
    assert text.select(same).equals(binary.select(same))
    assert_close(text["voltage_volt"], binary["voltage_volt"], 5e-5)


def test_container_without_records_is_empty(corpus: Path) -> None:
    """A test that has not recorded yet gives no rows and says whose it is."""
    reading = neware_ndax.read(source(corpus / f"{NDAX}empty.ndax"))
    assert reading.measurements.is_empty()
    assert reading.about["channel"] == "120-9-1"


def test_unreadable_test_information_costs_only_the_auxiliary_channels(corpus: Path) -> None:
    """Where TestInfo.xml does not describe its auxiliary channels they are left out and the technician is told."""
    reading = neware_ndax.read(source(corpus / f"{NDAX}Unit27_Example_Corrupt.ndax"))
    assert reading.warnings == ("2 auxiliary channels are left out: TestInfo.xml does not say what they measured",)
    assert reading.about["channel"] == "27-11-1"


def test_clock_that_goes_back_is_reported(corpus: Path) -> None:
    """A wall clock that was set back leaves the test time alone and becomes a warning."""
    reading = neware_nda.read(source(corpus / f"{NDA}TestFile.nda"))
    assert reading.warnings == ("the wall clock goes back at 1 records, by up to 165.000 s; the test time does not",)


# --- .nda


def test_integers_become_exact_decimals(tmp_path: Path) -> None:
    """Voltage in 0.1 mV and current in 0.1 µA come out as the decimals that were meant."""
    frame = read_bytes(tmp_path, nda(), neware_nda.FORMAT).measurements
    assert frame["voltage_volt"].to_list() == [2.4006, 2.4007, 2.41, 2.42, 2.415, 2.405]
    assert frame["current_ampere"].to_list() == [0.0, 0.0, 0.0008009, 0.0008009, -0.0008008, -0.0008008]


def test_test_time_adds_the_ends_of_earlier_steps(tmp_path: Path) -> None:
    """Test time is the step time plus the ends of all steps before, without residue."""
    frame = read_bytes(tmp_path, nda(), neware_nda.FORMAT).measurements
    assert frame["test_time_second"].to_list() == [0.0, 1.6, 1.6, 2.6, 2.6, 3.1]


def test_counters_restart_with_the_step(tmp_path: Path) -> None:
    """Charge and discharge stand in the counters that reset at each step, in Ah."""
    frame = read_bytes(tmp_path, nda(), neware_nda.FORMAT).measurements
    expected = 8009 * 1e-7 / 3600
    assert frame["step_charging_capacity_ah"].to_list() == pytest.approx([0, 0, 0, expected, 0, 0], rel=SINGLE)
    assert frame["step_discharging_capacity_ah"].to_list() == pytest.approx([0, 0, 0, 0, 0, 1.11222e-7], rel=1e-5)


def test_steps_are_named(tmp_path: Path) -> None:
    """Codes 4, 1 and 2 are rest, constant-current charge and discharge."""
    frame = read_bytes(tmp_path, nda(), neware_nda.FORMAT).measurements
    assert frame["step_type"].to_list() == ["rest"] * 2 + ["charge_cc"] * 2 + ["discharge_cc"] * 2


def test_header_says_who_and_when(tmp_path: Path) -> None:
    """Operator and start time come from the file; version 23 stores UTC, so the site's zone does not matter."""
    about = read_bytes(tmp_path, nda(), neware_nda.FORMAT).about
    assert about["operator"] == "Kim"
    assert about["start_time"] == "2023-11-14T22:13:21.000+00:00"
    assert about["start_time_local"] == "2023-11-15 07:13:20"


def test_foreign_step_types_are_named(tmp_path: Path) -> None:
    """A step type without an equal in the schema is 'other', and its name is reported."""
    records = (*TWO_STEPS, Record(4, 17, 0, 24000, 10), Record(5, 99, 0, 24000, 10))
    reading = read_bytes(tmp_path, nda(records), neware_nda.FORMAT)
    assert reading.measurements["step_type"].to_list()[-2:] == ["other", "other"]
    assert reading.warnings == ("step types stored as 'other': SIM, code 99",)


@pytest.mark.parametrize("lost", [1, 86, 87, 86 * 6])
def test_cut_records_are_read_to_the_last_whole_one(tmp_path: Path, lost: int) -> None:
    """A file that ends before its header says has the records that are there, and says at which byte it ends."""
    reading = read_bytes(tmp_path, nda()[:-lost], neware_nda.FORMAT)
    assert reading.measurements.height == (86 * 6 - lost) // 86
    assert (reading.incomplete, reading.warnings) == (True, (still_growing("its records", 2991 - lost),))


def test_cut_header_is_refused(tmp_path: Path) -> None:
    """A file that ends before its first record has nothing that can be read yet."""
    for size in (3, 500, 1024, 2400):
        with pytest.raises(ParseError) as refusal:
            read_bytes(tmp_path, nda()[:size], neware_nda.FORMAT)
        assert refusal.value.code == "incomplete_file"


def test_pointer_beyond_the_file_tells_of_no_records(tmp_path: Path) -> None:
    """A header whose pointer no file can be asked for is damaged, and no error of the system's."""
    head = bytearray(nda()[:HEADER_BYTES])
    head[VERSION_AT] = min(BTS9)
    place, form = POINTERS[True]
    struct.pack_into(form, head, place, 1 << 61, 86)
    path = tmp_path / "a.nda"
    path.write_bytes(head)
    with path.open("rb") as file:
        assert find_span(file).width == 0
    with pytest.raises(ParseError):
        read_bytes(tmp_path, bytes(head), neware_nda.FORMAT)


def test_time_that_goes_back_within_a_step_is_refused(tmp_path: Path) -> None:
    """Step times that fall within a step have no test time."""
    records = (Record(1, 4, 5000, 24006, 0), Record(1, 4, 4000, 24006, 0))
    with pytest.raises(ParseError, match="record 2 goes back") as refusal:
        read_bytes(tmp_path, nda(records), neware_nda.FORMAT)
    assert refusal.value.column == "test_time_second"


def test_unknown_version_is_refused(tmp_path: Path) -> None:
    """A version that fastnda does not know is refused by its number."""
    with pytest.raises(ParseError, match="nda version 77 is not yet supported"):
        read_bytes(tmp_path, nda(version=77), neware_nda.FORMAT)


def test_block_too_long_to_search_is_refused(tmp_path: Path) -> None:
    """A damaged length never makes the reader search megabytes byte by byte."""
    content = bytearray(nda().ljust(1 << 21, b"\0"))
    content[28:32] = (1 << 20 | 1).to_bytes(4, "little")
    with pytest.raises(ParseError, match="the test information cannot have 1048577 bytes"):
        read_bytes(tmp_path, bytes(content), neware_nda.FORMAT)


def test_file_without_records_is_empty(tmp_path: Path) -> None:
    """A header alone is a test that has not recorded yet."""
    assert read_bytes(tmp_path, nda(()), neware_nda.FORMAT).measurements.is_empty()


# --- .ndax


def test_records_between_run_info_are_continued(tmp_path: Path) -> None:
    """Times and counters between run-info records follow the sampling interval and the current."""
    frame = neware_ndax.read(source(ndax(tmp_path / "a.ndax"))).measurements
    assert frame["test_time_second"].to_list() == [0.0, 1.0, 2.0, 2.0, 3.0, 4.0]
    assert frame["step_count"].to_list() == [1, 1, 1, 2, 2, 2]
    assert frame["step_charging_capacity_ah"].to_list() == pytest.approx([0, 0, 0, 0, 5e-5 / 3600, 2.8e-8], abs=1e-12)


def test_single_precision_becomes_the_shortest_decimal(tmp_path: Path) -> None:
    """3.7001 V and 50 µA stored in single precision come back as written."""
    frame = neware_ndax.read(source(ndax(tmp_path / "a.ndax"))).measurements
    assert frame["voltage_volt"].to_list() == [3.7, 3.7001, 3.7001, 3.71, 3.72, 3.73]
    assert frame["current_ampere"].to_list() == pytest.approx([0, 0, 0, 5e-5, 5e-5, 5e-5], rel=SINGLE)


def test_channel_is_counted_in_units_of_eight(tmp_path: Path) -> None:
    """Channel 79 of a device counted through is unit 10, channel 7; entities in attributes are resolved."""
    about = neware_ndax.read(source(ndax(tmp_path / "a.ndax"))).about
    assert about["channel"] == "21-10-7"
    assert about["barcode"] == "die & 7"


def sixteen(path: Path, start: str) -> Path:
    """Write a container of version 16, whose clock the start time has to explain."""
    parts = {
        "data.ndc": main_part([(37001.0, 0.0), (37002.0, 0.0)], 16),
        "data_runInfo.ndc": run_part([(1, 1, 0, 0.0)], 16),
        "data_step.ndc": step_part([(0, 1, 4)], 16),
    }
    return ndax(path, parts, start)


@pytest.mark.parametrize(
    ("start", "hours"),
    [
        ("2023-11-14 22:13:00", -9),  # the records agree with it: they hold the site's clock
        ("2023-11-15 07:13:00", 0),  # nine hours apart: the records hold UTC
    ],
)
def test_start_time_decides_what_the_clock_means(tmp_path: Path, start: str, hours: int) -> None:
    """In version 16 the clock is the site's where it agrees with the start time, else UTC."""
    frame = neware_ndax.read(source(sixteen(tmp_path / "a.ndax", start))).measurements
    assert frame["unix_time_second"][0] == 1_700_000_000.0 + hours * 3600


def test_clock_that_nothing_explains_is_left_out(tmp_path: Path) -> None:
    """Without a start time a clock of version 16 could be either, so it is left out and that is said."""
    reading = neware_ndax.read(source(sixteen(tmp_path / "a.ndax", "")))
    assert "unix_time_second" not in reading.measurements.columns
    assert reading.warnings == ("the file does not say what its wall clock means, so it is left out",)


@pytest.mark.parametrize(
    ("part", "code"),
    [("data_runInfo.ndc", "needs_companions"), ("data_step.ndc", "needs_companions"), ("data.ndc", "broken_file")],
)
def test_missing_part_is_refused(tmp_path: Path, part: str, code: str) -> None:
    """A container without its times, its steps or its values is refused."""
    with pytest.raises(ParseError) as refusal:
        neware_ndax.read(source(ndax(tmp_path / "a.ndax", {part: b""})))
    assert refusal.value.code == code


def test_record_without_run_info_before_it_is_refused(tmp_path: Path) -> None:
    """A first record that no run-info record times has no place in the test."""
    parts = {"data_runInfo.ndc": run_part([(2, 1, 0, 0.0)])}
    with pytest.raises(ParseError, match="record 1 holds no number"):
        neware_ndax.read(source(ndax(tmp_path / "a.ndax", parts)))


def test_cut_container_is_claimed_and_refused(tmp_path: Path) -> None:
    """A zip that lost its directory is still known for what it was."""
    whole = ndax(tmp_path / "a.ndax").read_bytes()
    cut = tmp_path / "cut.ndax"
    cut.write_bytes(whole[:-30])
    assert neware_ndax.sniff(Peek(cut, "nameless"))
    with pytest.raises(ParseError, match="the zip container ends before its directory") as refusal:
        neware_ndax.read(source(cut))
    assert refusal.value.code == "incomplete_file"


# --- .ndc


def test_main_part_alone_needs_its_companions(tmp_path: Path) -> None:
    """Voltage and current without times are no measurement."""
    with pytest.raises(ParseError, match=r"drop the whole \.ndax export instead") as refusal:
        read_bytes(tmp_path, main_part([(3.7, 0.0)]), neware_ndc.FORMAT)
    assert refusal.value.code == "needs_companions"


@pytest.mark.parametrize(
    ("kind", "owner"), [(1, "neware_ndc"), *((kind, "neware_ndc_part") for kind in (5, 7, 9, 16, 18))]
)
def test_parts_are_told_apart_by_their_first_byte(tmp_path: Path, kind: int, owner: str) -> None:
    """The main part and its companions are recognised whatever they are called."""
    path = tmp_path / "nameless"
    path.write_bytes(ndc(kind, []))
    assert [name for name, declared in FORMATS.items() if declared.sniff(Peek(path, "nameless"))] == [owner]


# --- text and Excel

HEADER: Final = "DataPoint,Cycle Index,Step Index,Step Type,Time,Total Time,Current(mA),Voltage(V),Capacity(mAh),Date"
ROWS: Final = (
    "1,1,1,Rest,0:00:00,0:00:00,0,3.7,0,2024-01-02 03:04:05",
    "2,1,2,CC Chg,0:00:00,0:00:10,0.0265,3.7001,0,2024-01-02 03:04:15",
    "3,1,2,CC Chg,0:00:30,0:00:40,0.0265,3.7102,0.00022,2024-01-02 03:04:45",
    "4,1,3,CC DChg,0:00:00,0:00:40,-0.0265,3.7,0,2024-01-02 03:04:45.5",
    "5,1,3,CC DChg,0:00:30,0:01:10,-0.0265,3.6,0.00022,2024-01-02 03:05:15",
)


def text(header: str = HEADER, rows: tuple[str, ...] = ROWS) -> str:
    return "\r\n".join((header, *rows)) + "\r\n"


def read_text(folder: Path, content: str, encoding: str = "utf-8") -> Reading:
    return read_bytes(folder, content.encode(encoding), neware_csv.FORMAT)


def test_units_come_from_the_header(tmp_path: Path) -> None:
    """Numbers in mA and mAh become A and Ah without residue."""
    frame = read_text(tmp_path, text()).measurements
    assert frame["current_ampere"].to_list() == [0.0, 2.65e-5, 2.65e-5, -2.65e-5, -2.65e-5]
    assert frame["step_charging_capacity_ah"].to_list() == [0.0, 0.0, 2.2e-7, 0.0, 0.0]
    assert frame["step_discharging_capacity_ah"].to_list() == [0.0, 0.0, 0.0, 0.0, 2.2e-7]


def test_date_is_the_sites_wall_clock(tmp_path: Path) -> None:
    """03:04:05 in Seoul is 18:04:05 UTC of the day before."""
    frame = read_text(tmp_path, text()).measurements
    assert frame["unix_time_second"].to_list()[::3] == [1704132245.0, 1704132285.5]


@pytest.mark.parametrize(
    ("sign", "encoding"),
    [("\u00b5", "cp1252"), ("\u00b5", "utf-8"), ("\u03bc", "utf-8-sig"), ("\u03bc", "gb18030"), ("\u00b5", "utf-16")],
)
def test_micro_sign_is_read_in_every_encoding(tmp_path: Path, sign: str, encoding: str) -> None:
    """The encoding is the one in which the units make sense."""
    content = text(HEADER.replace("Current(mA)", f"Current({sign}A)"))
    reading = read_text(tmp_path, content, encoding)
    assert reading.measurements["current_ampere"][1] == 2.65e-8
    assert neware_csv.sniff(Peek(tmp_path / "file.csv", "nameless"))


def test_unknown_unit_is_refused(tmp_path: Path) -> None:
    """A unit that is not in the table refuses the file and names the header."""
    with pytest.raises(ParseError, match="names no unit of current that is known") as refusal:
        read_text(tmp_path, text(HEADER.replace("Current(mA)", "Current(?A)")))
    assert (refusal.value.line, refusal.value.column) == (1, "Current(?A)")


def test_unit_of_another_quantity_is_refused(tmp_path: Path) -> None:
    """A voltage in ampere is no voltage."""
    with pytest.raises(ParseError, match="names no unit of voltage"):
        read_text(tmp_path, text(HEADER.replace("Voltage(V)", "Voltage(A)")))


def test_unsigned_current_takes_its_sign_from_the_step(tmp_path: Path) -> None:
    """An export of magnitudes gets the minus of its discharge steps."""
    frame = read_text(tmp_path, text(rows=tuple(row.replace(",-", ",") for row in ROWS))).measurements
    assert frame["current_ampere"].to_list() == [0.0, 2.65e-5, 2.65e-5, -2.65e-5, -2.65e-5]


def test_unsigned_pulses_are_refused(tmp_path: Path) -> None:
    """Magnitudes in a pulse step could be either direction."""
    rows = (*(row.replace(",-", ",") for row in ROWS), "6,1,4,Pulse Step,0:00:00,0:01:10,1,3.6,0,2024-01-02 03:05:15")
    with pytest.raises(ParseError, match="do not say their direction"):
        read_text(tmp_path, text(rows=rows))


def test_test_time_is_derived_where_it_was_not_exported(tmp_path: Path) -> None:
    """Without a total time the step times are added up."""
    frame = read_text(tmp_path, text(HEADER.replace("Total Time", "Elsewhere"))).measurements
    assert frame["test_time_second"].to_list() == [0.0, 0.0, 30.0, 30.0, 60.0]


def test_times_may_be_numbers_with_a_unit(tmp_path: Path) -> None:
    """Time(ms) and Total Time(s) are read by their unit."""
    header = HEADER.replace("Total Time", "Total Time(s)").replace(",Time", ",Time(ms)")
    frame = read_text(tmp_path, text(header, ("1,1,1,Rest,1500,1.5,0,3.7,0,2024-01-02 03:04:05",))).measurements
    assert frame.select("step_time_second", "test_time_second").row(0) == (1.5, 1.5)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("6,1,3,CC DChg,0:00:40,0:01:20,x,3.6,0,2024-01-02 03:05:25", "Current(mA)"),
        ("6,1,3,CC DChg,0:00:40,80,0,3.6,0,2024-01-02 03:05:25", "Total Time"),
        ("6,1,3,CC DChg,0:00:40,0:01:20,0,inf,0,2024-01-02 03:05:25", "Voltage(V)"),
        ("6,1,3,CC DChg,0:00:40,0:01:20,0,3.6,0,yesterday", "Date"),
        ("6,1,3,CC DChg,0:00:40,0:01:20", "voltage_volt"),
        ("6,1,3,CC DChg,0:00:40,0:01:00,0,3.6,0,2024-01-02 03:05:25", "test_time_second"),
    ],
)
def test_bad_cell_is_named_by_line_and_column(tmp_path: Path, row: str, column: str) -> None:
    """A cell that is no number, no time, missing or out of order is refused at its place."""
    with pytest.raises(ParseError) as refusal:
        read_text(tmp_path, text(rows=(*ROWS, row)))
    assert (refusal.value.line, refusal.value.column) == (7, column)


def test_line_with_too_many_fields_is_refused(tmp_path: Path) -> None:
    """A line longer than the header cannot be matched to it."""
    with pytest.raises(ParseError, match="does not have the 10 fields of the header"):
        read_text(tmp_path, text(rows=(*ROWS, ",".join("1" * 12))))


def test_blank_lines_at_the_end_are_no_records(tmp_path: Path) -> None:
    """Editors add empty lines, and no record is missing for it."""
    assert read_text(tmp_path, text() + "\r\n\r\n").measurements.height == len(ROWS)


def test_header_alone_is_empty(tmp_path: Path) -> None:
    """An export without records is no error."""
    assert read_text(tmp_path, text(rows=())).measurements.is_empty()


def test_tabs_separate_as_well_as_commas(tmp_path: Path) -> None:
    """A tab-separated export reads the same."""
    tabbed = read_text(tmp_path, text().replace(",", "\t")).measurements
    assert tabbed.equals(read_text(tmp_path, text()).measurements)


def workbook(path: Path, sheets: dict[str, tuple[str, tuple[str, ...]]]) -> Path:
    """Write a workbook whose numbers are numbers and whose times are durations."""
    with xlsxwriter.Workbook(str(path)) as book:
        clock = book.add_format({"num_format": "[h]:mm:ss.000"})
        for name, (header, rows) in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, header.split(","))
            for line, row in enumerate(rows, 1):
                for column, cell in enumerate(row.split(",")):
                    if column == 5:
                        hours, minutes, seconds = cell.split(":")
                        days = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) / 86400
                        sheet.write_number(line, column, days, clock)
                    elif cell.replace(".", "").replace("-", "").isdigit():
                        sheet.write_number(line, column, float(cell))
                    else:
                        sheet.write_string(line, column, cell)
    return path


def test_excel_reads_like_text(tmp_path: Path) -> None:
    """Numbers, texts and Excel durations give the rows that the text export gives, over two record sheets."""
    path = workbook(
        tmp_path / "a.xlsx", {"unit": ("a", ("1",)), "record": (HEADER, ROWS[:3]), "record1": (HEADER, ROWS[3:])}
    )
    assert [name for name, declared in FORMATS.items() if declared.sniff(Peek(path, "nameless"))] == ["neware_xlsx"]
    found = neware_xlsx.read(source(path)).measurements
    assert found.equals(read_text(tmp_path, text()).measurements)


def test_workbook_without_record_sheet_is_refused(tmp_path: Path) -> None:
    """A workbook of something else is nobody's record."""
    path = workbook(tmp_path / "a.xlsx", {"cells": ("Name,Chemistry", ("A,B",))})
    assert not neware_xlsx.sniff(Peek(path, "nameless"))
    with pytest.raises(ParseError, match="no sheet begins with"):
        neware_xlsx.read(source(path))


# --- damage


def damaged(content: bytes, seed: int) -> bytes:
    """Overwrite a few bytes, near the start every other time."""
    chance = random.Random(seed)  # noqa: S311 repeatable damage, no secret
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 3, 10))):
        spoilt[chance.randrange(min(len(spoilt), 2600) if seed % 2 else len(spoilt))] = chance.randrange(256)
    return bytes(spoilt)


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One small healthy file of every format that has rows."""
    folder = tmp_path_factory.mktemp("wholes")
    return {
        "neware_nda": nda(),
        "neware_ndax": ndax(folder / "a.ndax").read_bytes(),
        "neware_ndc": main_part([(3.7, 0.0)]),
        "neware_csv": text().encode(),
        "neware_xlsx": workbook(folder / "a.xlsx", {"record": (HEADER, ROWS)}).read_bytes(),
    }


@pytest.mark.parametrize("name", ["neware_nda", "neware_ndax", "neware_ndc", "neware_csv", "neware_xlsx"])
@pytest.mark.parametrize("spoil", [damaged, lambda content, place: content[: place * len(content) // 120]])
def test_damage_gives_a_reading_or_a_refusal(
    tmp_path: Path, wholes: dict[str, bytes], name: str, spoil: Callable[[bytes, int], bytes]
) -> None:
    """Cut and overwritten files are read or refused by name, and nothing else happens."""
    declared = FORMATS[name]
    path = tmp_path / "spoilt"
    for case in range(120):
        path.write_bytes(spoil(wholes[name], case))
        declared.sniff(Peek(path, "spoilt"))
        assert refused_name(declared, path) in {"", "spoilt"}, case


def refused_name(declared: Format, path: Path) -> str:
    """Return the name in the refusal, or nothing where the file was read."""
    try:
        declared.read(source(path))
    except ParseError as refusal:
        return refusal.path
    return ""

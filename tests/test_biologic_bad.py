"""BioLogic readers against files written here: rules that no real file shows, and damage."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from biologic_files import (
    GCPL_IDS,
    GCPL_RECORD,
    GCPL_ROWS,
    MAGIC,
    OCV_IDS,
    OCV_RECORD,
    data,
    export,
    gcpl,
    log,
    module,
    mpr,
    settings,
)

from parsers import biologic_mpr, biologic_mpt, biologic_sta
from parsers.contract import Peek, Reading, Source
from warehouse.errors import ParseError

NAMES: Final = ("mode", "ox/red", "Ns", "time/s", "Ewe/V", "I/mA", "Temperature/°C")
TEXT_ROWS: Final = ((3, 0, 0, "0.0E+000", "3.7001000E+000", "0.0E+000", 25.1), (1, 1, 1, 1.5, 3.71, 0.3, 25.2))
START: Final = "06/01/2026 09:30:00.250"


def read_binary(tmp_path: Path, content: bytes) -> Reading:
    """Read a .mpr with this content."""
    path = tmp_path / "archived"
    path.write_bytes(content)
    return biologic_mpr.read(Source(path, "cell_7_C03.mpr"))


def read_text(tmp_path: Path, content: str, encoding: str = "cp1252") -> Reading:
    """Read an export with this content."""
    path = tmp_path / "archived"
    path.write_bytes(content.encode(encoding))
    assert biologic_mpt.sniff(Peek(path, "archived"))
    return biologic_mpt.read(Source(path, "cell_7.mpt"))


def refuse_binary(tmp_path: Path, content: bytes) -> ParseError:
    """Read a .mpr that must be refused and return the refusal."""
    with pytest.raises(ParseError) as refusal:
        read_binary(tmp_path, content)
    assert refusal.value.path == "cell_7_C03.mpr"
    return refusal.value


def refuse_text(tmp_path: Path, content: str) -> ParseError:
    """Read an export that must be refused and return the refusal."""
    with pytest.raises(ParseError) as refusal:
        read_text(tmp_path, content)
    assert refusal.value.path == "cell_7.mpt"
    return refusal.value


def refusal_of(action: Callable[[], Reading]) -> ParseError | None:
    """Return why a file was refused, None where it was read; any other error passes through."""
    try:
        action()
    except ParseError as refusal:
        return refusal
    return None


# --- .mpr: rules


@pytest.mark.parametrize("version", [0, 2, 3])
def test_every_version_of_the_data_module_reads_alike(tmp_path: Path, version: int) -> None:
    """Versions 0 (EC-Lab 11.50), 2 and 3 differ in where the column ids and the records lie, in nothing else."""
    frame = read_binary(tmp_path, gcpl(GCPL_ROWS, version)).measurements
    assert frame.equals(read_binary(tmp_path, gcpl(GCPL_ROWS)).measurements)
    assert frame["voltage_volt"].to_list() == [3.7001, 3.7001, 3.71, 3.72, 3.73, 4.2, 4.19, 4.18, 4.1]


def test_current_comes_from_charge_time_and_control(tmp_path: Path) -> None:
    """Charge over time, the control value where no time passed, zero at rest even if charge was left over."""
    frame = read_binary(tmp_path, gcpl(GCPL_ROWS)).measurements
    expected = [0, 0, 0.12e-3, 1.2e-3, 1.2e-3, 0.6e-3, 0, 0, -1.2e-3]
    assert frame["current_ampere"].to_list() == pytest.approx(expected, rel=1e-12)
    assert frame["current_ampere"][4] == 0.0012


def test_instant_at_constant_voltage_keeps_the_current_before(tmp_path: Path) -> None:
    """Where the mode is potentiostatic the control value is volts and no current."""
    rows = [*GCPL_ROWS[:6], (0x06, 1, 40.0, 0.0, 0.0052, 4.2, 4.2, 0)]
    frame = read_binary(tmp_path, gcpl(rows)).measurements
    assert frame["current_ampere"][-1] == frame["current_ampere"][-2] == pytest.approx(0.6e-3)


def test_steps_and_their_types(tmp_path: Path) -> None:
    """Ns and a lasting rest inside it begin steps; the mode names what each record does."""
    frame = read_binary(tmp_path, gcpl(GCPL_ROWS)).measurements
    assert frame["step_count"].to_list() == [1, 1, 2, 2, 2, 2, 3, 3, 4]
    assert frame["step_id"].to_list() == [0, 0, 1, 1, 1, 1, 1, 1, 2]
    kinds = ["rest", "rest", "charge_cc", "charge_cc", "charge_cc", "charge_cv", "rest", "rest", "discharge_cc"]
    assert frame["step_type"].to_list() == kinds


def test_binary_has_no_cycle_number(tmp_path: Path) -> None:
    """The half cycle of a .mpr is no cycle number, so there is no cycle count."""
    assert "cycle_count" not in read_binary(tmp_path, gcpl(GCPL_ROWS)).measurements.columns


def test_facts_of_settings_and_log(tmp_path: Path) -> None:
    """Technique, comment, channel, software and start come from the modules; the clock is the site's."""
    about = read_binary(tmp_path, gcpl(GCPL_ROWS)).about
    assert (about["technique"], about["channel"], about["software"]) == ("GCPL", "0042-3", "EC-Lab 11.50")
    assert (about["test_name"], about["schedule"], about["channel_serial"]) == ("cell_7_C03", "s", "70001")
    assert about["start_time"] == "2026-06-01T00:30:00.250+00:00"


def test_start_follows_the_zone(tmp_path: Path) -> None:
    """The same file read in another zone starts at that zone's half past nine."""
    path = tmp_path / "archived"
    path.write_bytes(gcpl(GCPL_ROWS))
    about = biologic_mpr.read(Source(path, "a.mpr", ZoneInfo("Europe/Paris"))).about
    assert about["start_time"] == "2026-06-01T07:30:00.250+00:00"


def test_no_log_no_wall_clock(tmp_path: Path) -> None:
    """Without a log there is a date and a warning, and no midnight is made up."""
    reading = read_binary(tmp_path, gcpl(GCPL_ROWS, with_log=False))
    assert "unix_time_second" not in reading.measurements.columns
    assert reading.about["start_date"] == "06/01/26"
    assert len(reading.warnings) == 1


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_nearly_empty_files_are_valid(tmp_path: Path, rows: int) -> None:
    """No record, one or two: data that has only begun."""
    assert read_binary(tmp_path, gcpl(GCPL_ROWS[:rows])).measurements.height == rows


def test_open_circuit_file_has_no_current(tmp_path: Path) -> None:
    """An OCV file has time and potential only; its current is zero by definition."""
    content = mpr(data(OCV_IDS, OCV_RECORD, [(0x03, 0.0, 3.3), (0x03, 1.0, 3.3)]), technique=11)
    assert read_binary(tmp_path, content).measurements["current_ampere"].to_list() == [0.0, 0.0]


def test_modulus_and_phase_make_an_impedance(tmp_path: Path) -> None:
    """A file with modulus and phase alone has real and imaginary part computed; rows without frequency are records."""
    record = struct.Struct("<dffHfff")
    rows = [(0.0, 3.7, 0.0, 0, 0.0, 0.0, 0.0), (1.0, 3.7, 0.1, 1, 1000.0, 50.0, -60.0), (2.0, 3.7, 0.1, 1, 10.0, 2, 0)]
    reading = read_binary(tmp_path, mpr(data((4, 6, 8, 131, 32, 36, 35), record, rows), technique=127))
    point = reading.spectra.row(0, named=True)
    assert (reading.measurements.height, reading.spectra.height) == (1, 2)
    assert point["real_impedance_ohm"] == pytest.approx(25)
    assert point["imaginary_impedance_ohm"] == pytest.approx(-43.30127)


def test_a_frequency_that_jumps_back_begins_a_spectrum(tmp_path: Path) -> None:
    """Without any counter two sweeps are told apart by the frequency, falling or rising."""
    record = struct.Struct("<dfff")
    for sweep in ([100.0, 10.0, 1.0], [1.0, 10.0, 100.0]):
        rows = [(float(row), frequency, 5.0, 1.0) for row, frequency in enumerate(sweep * 2)]
        frame = read_binary(tmp_path, mpr(data((4, 32, 37, 38), record, rows), technique=29)).spectra
        assert frame["spectrum_index"].to_list() == [1, 1, 1, 2, 2, 2]
        assert frame["imaginary_impedance_ohm"].unique().to_list() == [-1.0]


# --- .mpr: damage


def test_every_cut_before_the_first_record_is_refused(tmp_path: Path) -> None:
    """A .mpr cut before its first record ends too early, whatever the byte; nothing of it can be read yet."""
    whole = gcpl(GCPL_ROWS)
    first = whole.index(GCPL_RECORD.pack(*GCPL_ROWS[0]))
    for place in range(0, first, 13):
        refusal = refuse_binary(tmp_path, whole[:place])
        ends_a_module = place == len(MAGIC) + len(module("VMP Set", settings(4), 0))
        assert refusal.code == ("broken_file" if ends_a_module or place == len(MAGIC) else "incomplete_file"), place


def test_every_cut_inside_the_records_gives_the_whole_ones(tmp_path: Path) -> None:
    """A .mpr cut among its records is read up to the last whole one, and says at which byte it ends."""
    whole = gcpl(GCPL_ROWS)
    first = whole.index(GCPL_RECORD.pack(*GCPL_ROWS[0]))
    for place in range(first, first + GCPL_RECORD.size * len(GCPL_ROWS)):
        reading = read_binary(tmp_path, whole[:place])
        assert reading.incomplete
        assert reading.measurements.height == (place - first) // GCPL_RECORD.size
        assert f"the file ends inside its records at byte {place};" in reading.warnings[-1]


def test_every_cut_inside_the_log_leaves_the_log_out(tmp_path: Path) -> None:
    """A .mpr cut behind its records has all of them; the log, which is not whole, gives no start and no channel."""
    whole = gcpl(GCPL_ROWS)
    end = len(gcpl(GCPL_ROWS, with_log=False))
    assert not read_binary(tmp_path, whole[:end]).incomplete
    for place in range(end + 1, len(whole), 17):
        reading = read_binary(tmp_path, whole[:place])
        assert (reading.incomplete, reading.measurements.height) == (True, len(GCPL_ROWS))
        assert "unix_time_second" not in reading.measurements.columns
        assert "channel" not in reading.about


def test_damaged_bytes_read_or_are_refused(tmp_path: Path) -> None:
    """Whatever bytes are changed, the reader gives a reading or a ParseError and nothing else."""
    whole = gcpl(GCPL_ROWS)
    seeded = random.Random(20260601)  # noqa: S311 damage needs no secrecy
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(seeded.choice((1, 3, 30))):
            damaged[seeded.randrange(len(damaged))] = seeded.randrange(256)
        refusal = refusal_of(partial(read_binary, tmp_path, bytes(damaged)))
        assert refusal is None or refusal.path == "cell_7_C03.mpr"


def test_silly_length_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    """A data module that claims 4 GB in a small file contradicts its number of records."""
    content = bytearray(gcpl(GCPL_ROWS))
    place = content.index(b"VMP data") - len(b"MODULE")
    struct.pack_into("<I", content, place + 6 + 35, 0xFFFFFFF0)
    refusal = refuse_binary(tmp_path, bytes(content))
    assert refusal.byte == place + len(module("", b"", 0))
    assert "do not fill the module's 4294966874" in refusal.detail


def test_silly_lengths_that_agree_are_not_allocated(tmp_path: Path) -> None:
    """A header that announces 80 million records in a small file gives the few that are there."""
    content = bytearray(gcpl(GCPL_ROWS, with_log=False))
    place = content.index(b"VMP data") - len(b"MODULE")
    struct.pack_into("<I", content, place + 6 + 35, 406 + GCPL_RECORD.size * 80_000_000)
    struct.pack_into("<I", content, place + len(module("", b"", 0)), 80_000_000)
    reading = read_binary(tmp_path, bytes(content))
    assert (reading.incomplete, reading.measurements.height) == (True, len(GCPL_ROWS))


def test_wrong_number_of_records_is_refused(tmp_path: Path) -> None:
    """The record count must fill the module exactly."""
    content = bytearray(data(GCPL_IDS, GCPL_RECORD, GCPL_ROWS))
    struct.pack_into("<I", content, 0, len(GCPL_ROWS) + 1)
    assert "records of" in refuse_binary(tmp_path, mpr(bytes(content))).detail


def test_unknown_ids_are_all_named(tmp_path: Path) -> None:
    """Ids without a known width are refused under a code of their own, all of them in one message."""
    content = mpr(data((4, 6, 9001, 9002), struct.Struct("<df"), [(0.0, 3.0)]))
    refusal = refuse_binary(tmp_path, content)
    assert (refusal.code, refusal.detail) == ("unknown_columns", "unknown column ids 9001, 9002")


@pytest.mark.parametrize(
    ("ids", "form", "row"),
    [
        ((4, 9001, 6, 8), "<dqff", (0.0, 0, 3.7, 1.0)),
        ((9001, 9002, 4, 6, 8), "<Hqdff", (0, 0, 0.0, 3.7, 1.0)),
        ((4, 9001, 6, 9002, 8), "<dqfqf", (0.0, 0, 3.7, 0, 1.0)),
    ],
)
def test_unknown_ids_with_certain_places_are_left_out(
    tmp_path: Path, ids: tuple[int, ...], form: str, row: tuple[float, ...]
) -> None:
    """Unknown columns whose bytes can only be divided in one way, or lie side by side, cost nothing but themselves."""
    reading = read_binary(tmp_path, mpr(data(ids, struct.Struct(form), [row])))
    assert reading.measurements.row(0, named=True) | {"unix_time_second": None} == {
        "test_time_second": 0.0,
        "voltage_volt": 3.7,
        "current_ampere": 0.001,
        "unix_time_second": None,
    }
    unknown = ", ".join(str(number) for number in ids if number > 9000)
    assert reading.warnings == (f"columns with unknown ids are left out: {unknown}",)


def test_unknown_ids_without_certain_places_are_refused(tmp_path: Path) -> None:
    """Twelve bytes for two unknown columns apart may be 4 and 8 or 8 and 4: the value between them has no place."""
    content = mpr(data((4, 9001, 6, 9002, 8), struct.Struct("<difqf"), [(0.0, 0, 3.7, 0, 1.0)]))
    refusal = refuse_binary(tmp_path, content)
    assert (refusal.code, refusal.detail) == ("unknown_columns", "unknown column ids 9001, 9002")


def test_unknown_version_is_refused(tmp_path: Path) -> None:
    """A data module of a version that nobody has seen is not guessed at."""
    content = MAGIC + module("VMP Set", settings(4), 0) + module("VMP data", bytes(500), 9)
    assert "version 9, known are 0, 2, 3" in refuse_binary(tmp_path, content).detail


def test_missing_module_is_refused(tmp_path: Path) -> None:
    """A file without a data module holds no test."""
    refusal = refuse_binary(tmp_path, MAGIC + module("VMP Set", settings(4), 0))
    assert "'VMP data'" in refusal.detail


def test_second_data_module_is_refused(tmp_path: Path) -> None:
    """Two modules of one name contradict each other."""
    twice = module("VMP data", data(OCV_IDS, OCV_RECORD, []), 3)
    assert "second module" in refuse_binary(tmp_path, MAGIC + twice + twice).detail


def test_log_without_a_date_is_a_warning(tmp_path: Path) -> None:
    """A log whose start is no date does not stop the file; the wall clock stays unknown."""
    content = data(OCV_IDS, OCV_RECORD, [(0x03, 0.0, 3.3)])
    parts = module("VMP Set", settings(11), 0) + module("VMP data", content, 3) + module("VMP LOG", log(0.5), 0)
    reading = read_binary(tmp_path, MAGIC + parts)
    assert "unix_time_second" not in reading.measurements.columns
    assert "its log names no start" in reading.warnings[0]


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    """A record earlier than the one before is refused at its own byte."""
    rows = [*GCPL_ROWS, (0x21, 2, 65.0, 0.0, 0.0, -1.2, 4.0, 1)]
    content = gcpl(rows)
    refusal = refuse_binary(tmp_path, content)
    assert refusal.column == "time/s"
    assert refusal.byte == content.index(GCPL_RECORD.pack(*rows[-1]))


def test_potential_that_is_no_number_is_refused(tmp_path: Path) -> None:
    """NaN where a potential must be names the column and the record's byte."""
    refusal = refuse_binary(tmp_path, gcpl([*GCPL_ROWS, (0x21, 2, 80.0, 0.0, 0.0, -1.2, float("nan"), 1)]))
    assert (refusal.column, refusal.byte is not None) == ("Ewe/V", True)


def test_charge_that_is_no_number_is_refused(tmp_path: Path) -> None:
    """NaN in the charge is damage, not an instant: no control value takes its place."""
    refusal = refuse_binary(tmp_path, gcpl([*GCPL_ROWS, (0x21, 2, 80.0, float("nan"), 0.0, -1.2, 4.0, 1)]))
    assert refusal.column == "I/mA"


def test_unknown_current_is_refused(tmp_path: Path) -> None:
    """A galvanostatic record without current and charge is not taken for zero."""
    refusal = refuse_binary(tmp_path, mpr(data(OCV_IDS, OCV_RECORD, [(0x03, 0.0, 3.3), (0x01, 1.0, 3.4)])))
    assert refusal.column == "I/mA"


# --- text exports


@pytest.mark.parametrize("opening", ["EC-Lab ASCII FILE", "BT-Lab ASCII FILE"])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_encodings_of_an_export(tmp_path: Path, opening: str, encoding: str) -> None:
    """Windows-1252, UTF-8 and UTF-16 give the same, the temperature with its degree sign included."""
    reading = read_text(tmp_path, export(TEXT_ROWS, NAMES, header=opening, start=START), encoding)
    assert reading.measurements["temperature_t1_celsius"].to_list() == [25.1, 25.2]
    assert reading.about["channel"] == "0042-A3"
    assert reading.about["start_time"] == "2026-06-01T00:30:00.250+00:00"


def test_lost_degree_sign_is_still_a_temperature(tmp_path: Path) -> None:
    """A degree sign that an earlier conversion destroyed does not lose the column."""
    names = [*NAMES[:-1], "Temperature/ï¿½C"]
    assert "temperature_t1_celsius" in read_text(tmp_path, export(TEXT_ROWS, names)).measurements.columns


def test_milliamperes_leave_no_residue(tmp_path: Path) -> None:
    """0.3 mA is 0.0003 A, the nearest double, not 0.00029999999999999997."""
    assert read_text(tmp_path, export(TEXT_ROWS, NAMES)).measurements["current_ampere"].to_list() == [0.0, 0.0003]


def test_decimal_comma(tmp_path: Path) -> None:
    """An export from a computer with decimal commas gives the same numbers."""
    text = export(TEXT_ROWS, NAMES, header="EC-Lab ASCII FILE", start=START)
    head, columns, records = text.partition("mode")
    commas = read_text(tmp_path, head + columns + records.replace(".", ","))
    assert commas.measurements.equals(read_text(tmp_path, text).measurements)


def test_headless_export_may_begin_with_an_empty_line(tmp_path: Path) -> None:
    """The column line is the first that is not empty; the wall clock is unknown, and that is said."""
    reading = read_text(tmp_path, "\r\n" + export(TEXT_ROWS, NAMES))
    assert reading.measurements.height == 2
    assert "unix_time_second" not in reading.measurements.columns
    assert "wall clock is unknown" in reading.warnings[0]


def test_export_without_rows_is_empty(tmp_path: Path) -> None:
    """A header and no records is data that has not come yet."""
    reading = read_text(tmp_path, export([], NAMES, header="EC-Lab ASCII FILE", start=START))
    assert (reading.measurements.height, reading.about["technique"]) == (0, "MB")


def test_redacted_start_is_no_start(tmp_path: Path) -> None:
    """``xx/xx/xxxx`` in the header leaves the wall clock unknown."""
    text = export(TEXT_ROWS, NAMES, header="EC-Lab ASCII FILE", start="xx/xx/xxxx xx:xx:xx")
    assert "start_time" not in read_text(tmp_path, text).about


def test_wrong_cell_is_named(tmp_path: Path) -> None:
    """A cell that is no number is refused with its line and column."""
    refusal = refuse_text(tmp_path, export([*TEXT_ROWS, (1, 1, 1, 2.0, "3.7x", 0.3, 25)], NAMES))
    assert (refusal.line, refusal.column) == (4, "Ewe/V")
    assert "'3.7x'" in refusal.detail


def test_missing_cell_is_named(tmp_path: Path) -> None:
    """A line that ends before the current is refused with its line."""
    refusal = refuse_text(tmp_path, export([*TEXT_ROWS, (1, 1, 1, 2.0, 3.7)], NAMES))
    assert (refusal.line, refusal.column) == (4, "I/mA")


def test_time_going_back_in_a_text_is_refused(tmp_path: Path) -> None:
    """A record earlier than the one before is refused with its line."""
    refusal = refuse_text(tmp_path, export([*TEXT_ROWS, (1, 1, 1, 1.0, 3.7, 0.3, 25)], NAMES))
    assert (refusal.line, refusal.column) == (4, "time/s")


def test_wall_clock_that_is_no_date_is_refused(tmp_path: Path) -> None:
    """Month 13 is not taken for a day."""
    rows = [(3, 0, 0, "06/01/2026 09:30:00.250", 3.7, 0, 25), (3, 0, 0, "13/01/2026 09:30:01.250", 3.7, 0, 25)]
    refusal = refuse_text(tmp_path, export(rows, NAMES))
    assert (refusal.line, refusal.column) == (3, "time/s")


def test_column_without_potential_is_no_export(tmp_path: Path) -> None:
    """A header whose last line does not name a potential or an impedance is refused at that line."""
    refusal = refuse_text(tmp_path, export([(1, 2)], ("time/s", "x"), header="EC-Lab ASCII FILE", start=START))
    assert refusal.line == 10


def test_fractional_cycle_is_refused(tmp_path: Path) -> None:
    """A cycle number is a whole number or the file is damaged."""
    refusal = refuse_text(tmp_path, export([(0.0, 3.7, 0.0, 1.5)], ("time/s", "Ewe/V", "I/mA", "cycle number")))
    assert (refusal.line, refusal.column) == (2, "cycle number")


def test_cut_exports_read_or_are_refused(tmp_path: Path) -> None:
    """An export cut at any sign gives a reading or a refusal with the line."""
    text = export(TEXT_ROWS, NAMES, header="EC-Lab ASCII FILE", start=START)
    for place in range(len("EC-Lab ASCII FILE"), len(text)):
        refusal = refusal_of(partial(read_text, tmp_path, text[:place]))
        assert refusal is None or refusal.line is not None, place


# --- state of a channel


@pytest.mark.parametrize(("length", "claimed"), [(214, True), (213, False), (215, False)])
def test_state_is_known_by_its_whole_pattern(tmp_path: Path, length: int, claimed: bool) -> None:  # noqa: FBT001 given by parametrize
    """A .sta has no signature: length, opening and zeros must all fit."""
    content = bytearray(length)
    content[:6] = bytes((0, 0, 3, 0, 0, 0x62))
    content[0x9A] = 5
    path = tmp_path / "archived"
    path.write_bytes(content)
    assert biologic_sta.sniff(Peek(path, "a.sta")) is claimed

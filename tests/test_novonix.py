"""Novonix exports, in the smallest files that show a fact."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

import parsers
from parsers.contract import Peek, Reading
from parsers.novonix_csv import sniff
from warehouse.errors import ParseError

SUMMARY = "[Summary]\nNovonix HPC data file\nNovonix\nChannel: 07\nCell: c1\nSerial Number: ****\n"
SUMMARY += "Started: 1/3/2019 9:00:00 AM\nVersion: 3.0.2.1\n[End Summary]\n[Protocol]\n[End Protocol]\n"
HEADINGS = "Date and Time,Cycle Number,Step Number,Run Time (h), Step Time (h),Current (A),Potential (V),Capacity (Ah)"
HEADINGS += ",Temperature (°C),Circuit Temperature (°C)\n"
DATA = "[Data]\n" + HEADINGS


def row(hours: float, *, code: int = 1, amps: float = 1.0, charge: float = 0.0, clock: str = "9:00:00 AM") -> str:
    """Write one record of the HPC dialect."""
    return f"1/13/2019 {clock},1,{code},{hours:.7f},{hours:.7f},{amps},3.5,{charge},20.0,23.1\n"


def read(folder: Path, text: str) -> Reading:
    """Read a text as a file of the format."""
    path = folder / "file"
    path.write_bytes(text.encode())
    return parsers.read_as(path, "novonix_csv")


def test_hours_become_exact_seconds(tmp_path: Path) -> None:
    """Seven decimals of an hour are five of a second, without a binary residue."""
    reading = read(tmp_path, SUMMARY + DATA + row(0) + row(3.4131889))
    assert reading.measurements["test_time_second"].to_list() == [0.0, 12287.48004]


def test_constant_current_takes_its_direction_from_the_sign(tmp_path: Path) -> None:
    """Code 1 stands for both directions; the current of the step tells which."""
    reading = read(tmp_path, SUMMARY + DATA + row(0, code=0, amps=0) + row(1, amps=0) + row(2, amps=-1.5))
    assert reading.measurements["step_type"].to_list() == ["rest", "discharge_cc", "discharge_cc"]


def test_single_record_of_an_earlier_step_is_left_out(tmp_path: Path) -> None:
    """A stale record between two that go on in time is left out with a warning."""
    reading = read(tmp_path, SUMMARY + DATA + row(1) + row(2) + row(0.5) + row(3))
    assert reading.measurements["test_time_second"].to_list() == [3600.0, 7200.0, 10800.0]
    assert any("1 records of an earlier step" in warning for warning in reading.warnings)


def test_time_that_goes_back_for_good_is_refused(tmp_path: Path) -> None:
    """Two records in a row before the latest time are no stray ones."""
    with pytest.raises(ParseError, match="time goes back") as refusal:
        read(tmp_path, SUMMARY + DATA + row(1) + row(2) + row(0.5) + row(0.6))
    assert refusal.value.code == "time_goes_back"


def test_second_start_goes_on_by_the_wall_clock(tmp_path: Path) -> None:
    """A test that was started again goes on an hour later, with its charge on top of the first one's."""
    first = SUMMARY + DATA + row(0) + row(0.5, charge=0.5, clock="9:30:00 AM")
    again = SUMMARY + DATA + row(0, clock="10:30:00 AM") + row(0.25, charge=0.25, clock="10:45:00 AM")
    reading = read(tmp_path, first + again)
    assert reading.measurements["test_time_second"].to_list() == [0.0, 1800.0, 5400.0, 6300.0]
    assert reading.measurements["net_capacity_ah"].to_list() == [0.0, 0.5, 0.5, 0.75]
    assert reading.measurements["step_count"].to_list() == [1, 1, 2, 2]


def test_blotted_out_facts_are_no_facts(tmp_path: Path) -> None:
    """Asterisks for a serial number are nothing; the channel keeps its number."""
    about = read(tmp_path, SUMMARY + DATA + row(0)).about
    assert "serial" not in about
    assert (about["channel"], about["sample"], about["instrument"]) == ("Novonix-7", "c1", "Novonix HPC")


def test_quotes_around_whole_records_are_taken_off(tmp_path: Path) -> None:
    """A file that a spreadsheet saved anew has the values that it had before."""
    table = HEADINGS + row(0) + row(0.5, charge=0.5)
    quoted = "".join(f'"{line}"\n' for line in table.splitlines())
    found, wanted = (read(tmp_path, SUMMARY + "[Data]\n" + text).measurements for text in (quoted, table))
    assert_frame_equal(found, wanted)


def test_step_number_beside_step_type_is_the_protocols(tmp_path: Path) -> None:
    """Where both headings stand, the number is the schedule's and the type says what the step does."""
    headings = HEADINGS.replace("Step Number", "Step Type").rstrip("\n") + ",Step Number\n"
    reading = read(tmp_path, SUMMARY + "[Data]\n" + headings + row(0, code=7).rstrip("\n") + ",4\n")
    assert reading.measurements.select("step_id", "step_type").row(0) == (4, "charge_cc")


def test_unknown_unit_is_refused(tmp_path: Path) -> None:
    """A current in a unit outside the table stops the file and names the column."""
    with pytest.raises(ParseError, match=r"column Current \(furlong\)") as refusal:
        read(tmp_path, SUMMARY + DATA.replace("Current (A)", "Current (furlong)") + row(0))
    assert refusal.value.code == "unknown_unit"


def test_cell_that_is_no_number_is_named(tmp_path: Path) -> None:
    """A broken cell is refused with its line."""
    text = SUMMARY + DATA + row(0) + row(1, amps=2).replace(",2,", ",2x,") + row(2)
    with pytest.raises(ParseError, match=r"line 15, column current_ampere: expected a number, found '2x'"):
        read(tmp_path, text)


def test_file_that_ends_in_its_header_is_incomplete(tmp_path: Path) -> None:
    """Without headings nothing can be read yet."""
    with pytest.raises(ParseError) as refusal:
        read(tmp_path, SUMMARY)
    assert refusal.value.code == "incomplete_file"


@pytest.mark.parametrize("cut", range(1, len(SUMMARY + DATA + row(0) + row(1)), 7))
def test_cut_anywhere_gives_a_reading_or_a_refusal(tmp_path: Path, cut: int) -> None:
    """No cut makes anything but whole records or a ParseError."""
    text = (SUMMARY + DATA + row(0) + row(1)).encode()[:cut]
    path = tmp_path / "file"
    path.write_bytes(text)
    with suppress(ParseError):
        assert parsers.read_as(path, "novonix_csv").measurements.height <= 2


def test_other_summaries_are_not_claimed(tmp_path: Path) -> None:
    """A summary of another program is nobody's."""
    path = tmp_path / "file"
    path.write_text("[Summary]\nanother program\n")
    assert not sniff(Peek(path, "file.csv"))

"""BaSyTec result files, in the smallest texts that show a fact."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

import parsers
from parsers.contract import Reading
from warehouse.errors import ContradictionError, ParseError

TITLE = "~Resultfile from Basytec Battery Test System\n~Battery: c1\n~Testchannel: 1814 CH14 XCTS\n"
TITLE += "~Start of Test: 19.06.2023 17:56:53\n~\n"
HEADINGS = "~Time[s]\tDataSet\tt-Step[s]\tLine\tCommand\tU[V]\tI[A]\tAh[Ah]\tAh-Cyc-Discharge\tT1[°C]\tCyc-Count\n"


def row(
    time: str,
    amps: str = "0",
    command: str = "Pause",
    *,
    charge: str = "0",
    out: str = "0",
    line: int = 1,
    cycle: int = 1,
) -> str:
    """Write one record."""
    return f"{time}\t1\t{time}\t{line}\t{command}\t3.5\t{amps}\t{charge}\t{out}\t25.1\t{cycle}\n"


def read(folder: Path, text: str, encoding: str = "cp1252") -> Reading:
    """Read a text as a file of the format."""
    path = folder / "file"
    path.write_bytes(text.encode(encoding))
    return parsers.read_as(path, "basytec_txt")


def test_start_and_time_make_the_wall_clock(tmp_path: Path) -> None:
    """Without a DateTime column the wall clock is the test's start, day first, and the time since."""
    reading = read(tmp_path, TITLE + HEADINGS + row("0") + row("1.5"))
    assert reading.measurements["unix_time_second"].to_list() == [1687165013.0, 1687165014.5]
    assert (reading.about["channel"], reading.about["sample"]) == ("1814-CH14", "c1")


def test_hours_and_decimal_commas_are_read(tmp_path: Path) -> None:
    """An export in hours from a computer with decimal commas gives the same seconds."""
    text = TITLE + HEADINGS.replace("~Time[s]", "~Time[h]") + row("0").replace(".", ",") + row("0,5").replace(".", ",")
    found = read(tmp_path, text).measurements
    assert found["test_time_second"].to_list() == [0.0, 1800.0]
    assert found["temperature_t1_celsius"].to_list() == [25.1, 25.1]


def test_lost_degree_sign_is_still_celsius(tmp_path: Path) -> None:
    """A temperature's heading whose sign was lost in conversion names no other unit."""
    text = TITLE + HEADINGS.replace("°", "\ufffd") + row("0")
    assert read(tmp_path, text, "utf-8").measurements["temperature_t1_celsius"].to_list() == [25.1]


def test_balance_that_follows_the_current_is_kept(tmp_path: Path) -> None:
    """Ah that moves as the current's integral does is the net charge."""
    rows = row("0", "1", "Charge") + row("3600", "1", "Charge", charge="1")
    assert read(tmp_path, TITLE + HEADINGS + rows).measurements["net_capacity_ah"].to_list() == [0.0, 1.0]


def test_balance_that_was_set_back_is_left_out(tmp_path: Path) -> None:
    """Ah that jumps to nothing under current is no charge since the start."""
    rows = row("0", "1", "Charge", charge="1") + row("3600", "1", "Charge", charge="0")
    reading = read(tmp_path, TITLE + HEADINGS + rows)
    assert "net_capacity_ah" not in reading.measurements.columns
    assert any("set them back" in warning for warning in reading.warnings)


def test_discharging_counter_is_unsigned(tmp_path: Path) -> None:
    """A cycle's discharge that is written with a minus is a charge out of the cell."""
    rows = row("0", "-1", "Discharge") + row("3600", "-1", "Discharge", charge="-1", out="-1")
    assert read(tmp_path, TITLE + HEADINGS + rows).measurements["cycle_discharging_capacity_ah"].to_list() == [0.0, 1.0]


def test_cycle_number_that_comes_late_begins_no_step(tmp_path: Path) -> None:
    """The step goes on while its line and its time do."""
    found = read(tmp_path, TITLE + HEADINGS + row("0", cycle=0) + row("1") + row("2", line=2)).measurements
    assert found["step_count"].to_list() == [1, 1, 2]


def test_charge_with_negative_current_is_refused(tmp_path: Path) -> None:
    """A command that contradicts the sign stops the file."""
    with pytest.raises(ContradictionError):
        read(tmp_path, TITLE + HEADINGS + row("0", "-1", "Charge"))


def test_file_without_headings_is_incomplete(tmp_path: Path) -> None:
    """A file that ends in its title is still being written."""
    with pytest.raises(ParseError) as refusal:
        read(tmp_path, TITLE)
    assert refusal.value.code == "incomplete_file"


@pytest.mark.parametrize("cut", range(1, 320, 13))
def test_cut_anywhere_gives_a_reading_or_a_refusal(tmp_path: Path, cut: int) -> None:
    """No cut makes anything but whole records or a ParseError."""
    path = tmp_path / "file"
    path.write_bytes((TITLE + HEADINGS + row("0") + row("1")).encode("cp1252")[:cut])
    with suppress(ParseError):
        assert parsers.read_as(path, "basytec_txt").measurements.height <= 2

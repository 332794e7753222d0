"""Digatron exports: no real one is public, so the documented layout is written here from scratch."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

import parsers
from parsers.contract import Reading
from warehouse.errors import ContradictionError, ParseError

ENGLISH = "Program:,cycle life\nTime Stamp,Step,Status,Prog Time,Step Time,Cycle,Cycle Level,Procedure,Voltage,Current,"
ENGLISH += "Temperature,AhAccu,\n,,,,,,,,[V],[mA],[C],[Ah],\n"
GERMAN = "Zeitstempel\tSchritt\tStatus\tProgrammdauer\tSchrittdauer\tZyklus\tSpannung\tStrom\tAhAkku\n"
GERMAN += "\t\t\t\t\t\t[V]\t[A]\t[Ah]\n"


def row(time: str, *, status: str = "PAU", amps: str = "0", charge: str = "0", step: int = 1) -> str:
    """Write one record of the English layout."""
    return f"10/19/2018 4:06:37 PM,{step},{status},{time},{time},0,0,p,4.1,{amps},24.9,{charge},\n"


def read(folder: Path, text: str) -> Reading:
    """Read a text that must be claimed by Digatron's reader alone."""
    path = folder / "file.csv"
    path.write_bytes(text.encode("cp1252"))
    reading = parsers.read(path)
    assert reading.format == "digatron_csv"
    return reading


def test_units_stand_in_the_line_below(tmp_path: Path) -> None:
    """The second line's mA counts for the current, its C is a temperature."""
    found = read(tmp_path, ENGLISH + row("26:00:00.500", status="DCH", amps="-1000")).measurements.row(0, named=True)
    assert (found["test_time_second"], found["current_ampere"]) == (93600.5, -1.0)
    assert (found["temperature_t1_celsius"], found["step_type"]) == (24.9, "discharge")


def test_german_client_is_read(tmp_path: Path) -> None:
    """German headings between tabs, with German dates."""
    text = GERMAN + "19.10.2018 16:06:37\t1\tLAD\t00:00:00\t00:00:00\t0\t4.1\t0.5\t0\n"
    reading = read(tmp_path, text)
    assert reading.measurements["step_type"].to_list() == ["charge"]
    assert reading.about["start_time"] == "2018-10-19T07:06:37.000+00:00"


def test_records_of_a_step_change_are_left_out(tmp_path: Path) -> None:
    """A record with neither voltage nor current is left out with a warning."""
    change = "10/19/2018 4:06:38 PM,1,PRG,00:00:01,00:00:01,0,0,p,,,,,\n"
    reading = read(tmp_path, ENGLISH + row("00:00:00") + change + row("00:00:02"))
    assert reading.measurements.height == 2
    assert reading.warnings == ("1 records have neither voltage nor current and are left out",)


def test_unsigned_current_takes_its_sign_from_the_status(tmp_path: Path) -> None:
    """Without a negative number, DCH makes the current negative."""
    rows = row("00:00:00", status="CHA", amps="10") + row("00:00:01", status="DCH", amps="10", step=2)
    assert read(tmp_path, ENGLISH + rows).measurements["current_ampere"].to_list() == [0.01, -0.01]


def test_exchanged_signs_are_refused(tmp_path: Path) -> None:
    """A negative current while charging contradicts the status."""
    with pytest.raises(ContradictionError):
        read(tmp_path, ENGLISH + row("00:00:00", status="CHA", amps="-10"))


def test_counter_that_was_set_back_is_left_out(tmp_path: Path) -> None:
    """AhAccu that does not follow the current is no charge since the start."""
    rows = row("00:00:00", status="CHA", amps="10", charge="5") + row("01:00:00", status="CHA", amps="10", charge="0")
    assert "net_capacity_ah" not in read(tmp_path, ENGLISH + rows).measurements.columns


def test_heading_without_a_unit_is_refused(tmp_path: Path) -> None:
    """A current without a unit is never taken for A."""
    with pytest.raises(ParseError) as refusal:
        read(tmp_path, ENGLISH.replace("[mA]", "") + row("00:00:00"))
    assert refusal.value.code == "unknown_unit"


@pytest.mark.parametrize("cut", range(1, 330, 13))
def test_cut_anywhere_gives_a_reading_or_a_refusal(tmp_path: Path, cut: int) -> None:
    """No cut makes anything but whole records or a ParseError."""
    path = tmp_path / "file"
    path.write_bytes((ENGLISH + row("00:00:00") + row("00:00:01")).encode()[:cut])
    with suppress(ParseError):
        assert parsers.read_as(path, "digatron_csv").measurements.height <= 2

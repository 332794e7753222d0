"""PEC exports, in the smallest texts that show a fact."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

import parsers
from parsers.contract import Peek, Reading
from parsers.pec_csv import sniff
from warehouse.errors import ParseError

KEYS = "Request Year:,2026\nTest:,7\nTestRegime Name:,regime\nLotID:,839\n"
HEADINGS = "Test,Cell,Rack,Shelf,Position,Cell ID,Step,Instruction Name,Cycle,Total Time (Hours in hh:mm:ss.xxx),"
HEADINGS += "Step Time (Seconds),Real Time,Voltage (mV),Current (A),Charge Capacity (mAh),Charge Energy (mWh),"
HEADINGS += "ReasonCode,Internal Resistance 1 (mOhm),Temp (°C),\n"


def row(
    time: str,
    *,
    cell: int = 1,
    step: int = 0,
    amps: str = "0",
    instruction: str = "Idle",
    clock: str = "01/08/2026 17:45:08",
) -> str:
    """Write one record."""
    return f"7,{cell},ACT4,014,1,id9,{step},{instruction},0,{time},1,{clock},3500.1,{amps},12.5,40,30,0,21.5,\n"


def read(folder: Path, text: str) -> Reading:
    """Read a text as a file of the format."""
    path = folder / "file"
    path.write_text(text, encoding="utf-8")
    return parsers.read_as(path, "pec_csv")


def test_units_of_the_headings_are_used(tmp_path: Path) -> None:
    """mV, mAh and mWh become V, Ah and Wh exactly; hours beyond a day are counted on."""
    found = read(tmp_path, KEYS + HEADINGS + row("26:00:00.250")).measurements.row(0, named=True)
    assert (found["test_time_second"], found["voltage_volt"]) == (93600.25, 3.5001)
    assert (found["cycle_charging_capacity_ah"], found["cycle_charging_energy_wh"]) == (0.0125, 0.04)


def test_older_energy_heading_is_told_by_its_unit(tmp_path: Path) -> None:
    """Charge Capacity (mWh) is an energy."""
    text = KEYS + HEADINGS.replace("Charge Energy (mWh)", "Charge Capacity (mWh)") + row("00:00:01.000")
    assert read(tmp_path, text).measurements["cycle_charging_energy_wh"].to_list() == [0.04]


def test_resistance_of_zero_was_not_measured(tmp_path: Path) -> None:
    """A resistance that is 0 throughout is no column."""
    assert "internal_resistance_ohm" not in read(tmp_path, KEYS + HEADINGS + row("00:00:01.000")).measurements.columns


def test_clock_is_month_first(tmp_path: Path) -> None:
    """A single day that could be either is month first, as in the files known."""
    found = read(tmp_path, KEYS + HEADINGS + row("00:00:00.000"))
    assert found.about["start_time"] == "2026-01-08T08:45:08.000+00:00"


def test_place_in_the_rack_is_the_channel(tmp_path: Path) -> None:
    """Rack, shelf and position name the channel, Cell ID the cell."""
    about = read(tmp_path, KEYS + HEADINGS + row("00:00:01.000")).about
    assert (about["channel"], about["sample"], about["schedule"]) == ("ACT4-014-1", "id9", "regime")


def test_two_cells_in_one_file_are_refused(tmp_path: Path) -> None:
    """Records of another cell are another test; the message names line and cell."""
    with pytest.raises(ParseError, match=r"line 7, column Cell: records of cell '2' follow") as refusal:
        read(tmp_path, KEYS + HEADINGS + row("00:00:01.000") + row("00:00:02.000", cell=2))
    assert refusal.value.code == "several_tests"


def test_unknown_unit_is_refused(tmp_path: Path) -> None:
    """A voltage in a unit outside the table stops the file."""
    with pytest.raises(ParseError) as refusal:
        read(tmp_path, KEYS + HEADINGS.replace("(mV)", "(furlong)") + row("00:00:01.000"))
    assert refusal.value.code == "unknown_unit"


def test_list_of_column_names_is_not_claimed(tmp_path: Path) -> None:
    """Notes about an export are no export."""
    path = tmp_path / "file"
    path.write_text("Date and Time\tx\nVoltage EoD (V)\tx\nCurrent_dch (C)\tx\n")
    assert not sniff(Peek(path, "PEC.csv"))


@pytest.mark.parametrize("cut", range(1, 460, 17))
def test_cut_anywhere_gives_a_reading_or_a_refusal(tmp_path: Path, cut: int) -> None:
    """No cut makes anything but whole records or a ParseError."""
    path = tmp_path / "file"
    path.write_bytes((KEYS + HEADINGS + row("00:00:01.000") + row("00:00:02.000")).encode()[:cut])
    with suppress(ParseError):
        assert parsers.read_as(path, "pec_csv").measurements.height <= 2

"""Landt record tables, as text and as workbook, in the smallest files that show a fact."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import xlsxwriter

import parsers
from parsers.contract import Reading
from warehouse.errors import ContradictionError, ParseError

HEADINGS = "Record,TestTime/Sec,StepTime/Sec,Current/mA,Capacity/mAh,Voltage/V,AuxTemp/dC.,SysTime,Cycle-Index"
HEADINGS += ",Step-Index,Step-State\n"
CHINESE = "记录序号,测试时间,步骤时间,电流/uA,容量/uAh,电压/V,辅助温度/℃,系统时间,循环序号,工步序号,工步状态\n"


def row(
    record: int, time: str, amps: str, charge: str, state: str, *, step: int = 1, cycle: int = 1, step_time: str = ""
) -> str:
    """Write one record."""
    clock = f"2021-02-25 13:41:{record:02d}"
    return f"{record},{time},{step_time or time},{amps},{charge},2.8,-,{clock},{cycle},{step},{state}\n"


def read(folder: Path, text: str, encoding: str = "utf-8") -> Reading:
    """Read a text as a file of the format."""
    path = folder / "file"
    path.write_bytes(text.encode(encoding))
    return parsers.read_as(path, "landt_csv")


def test_capacity_goes_to_the_direction_of_its_step(tmp_path: Path) -> None:
    """The single counter of both directions runs on over a rest and restarts when the direction turns: per cycle."""
    reading = read(
        tmp_path,
        HEADINGS
        + row(1, "0", "-1", "0", "RateD")
        + row(2, "10", "-1", "2.5", "RateD")
        + row(3, "10", "0", "2.5", "R", step=2, step_time="0")
        + row(4, "20", "1", "0.5", "RateC", step=3, step_time="0"),
    )
    assert reading.measurements["cycle_discharging_capacity_ah"].to_list() == [0.0, 0.0025, None, None]
    assert reading.measurements["cycle_charging_capacity_ah"].to_list() == [None, None, None, 0.0005]
    assert reading.measurements["step_type"].to_list() == ["discharge_cc", "discharge_cc", "rest", "charge_cc"]


def test_counter_that_restarts_within_a_cycle_counts_per_step(tmp_path: Path) -> None:
    """Two discharges of a cycle that both begin at nothing are counted per step."""
    reading = read(
        tmp_path,
        HEADINGS
        + row(1, "0", "-1", "0", "CCD")
        + row(2, "10", "-1", "2.5", "CCD")
        + row(3, "20", "-1", "0.1", "CCD", step=2, step_time="0"),
    )
    assert reading.measurements["step_discharging_capacity_ah"].to_list() == [0.0, 0.0025, 0.0001]


def test_unsigned_current_takes_its_sign_from_the_state(tmp_path: Path) -> None:
    """A file without a negative number is turned where the state discharges."""
    reading = read(tmp_path, HEADINGS + row(1, "0", "1", "0", "CCC") + row(2, "1", "1", "0", "CCD", step=2))
    assert reading.measurements["current_ampere"].to_list() == [0.001, -0.001]


def test_current_against_its_state_is_refused(tmp_path: Path) -> None:
    """A negative current in a charge step contradicts the state."""
    with pytest.raises(ContradictionError) as refusal:
        read(tmp_path, HEADINGS + row(1, "0", "-1", "0", "CCC"))
    assert refusal.value.code == "sign"


def test_chinese_export_in_gb18030_is_read(tmp_path: Path) -> None:
    """Chinese headings, states and durations with days are those of the English export."""
    text = CHINESE + row(1, "0:00:00", "0", "0", "静置") + row(2, "1-01:00:00", "-5.5", "3", "恒流放电", step=2)
    found = read(tmp_path, text, "gb18030").measurements
    assert found["test_time_second"].to_list() == [0.0, 90000.0]
    assert found["current_ampere"].to_list() == [0.0, -5.5e-06]
    assert found["step_type"].to_list() == ["rest", "discharge_cc"]


def test_input_that_is_not_connected_is_left_out(tmp_path: Path) -> None:
    """A dash is no temperature and no error."""
    assert "temperature_t1_celsius" not in read(tmp_path, HEADINGS + row(1, "0", "0", "0", "R")).measurements.columns


def test_time_without_unit_is_refused(tmp_path: Path) -> None:
    """A plain number under a heading without a unit is never taken for seconds."""
    with pytest.raises(ParseError) as refusal:
        read(tmp_path, HEADINGS.replace("TestTime/Sec", "TestTime") + row(1, "5", "0", "0", "R"))
    assert refusal.value.code == "unknown_unit"


def test_table_without_test_time_is_refused(tmp_path: Path) -> None:
    """Records are of no use without the time since the test began."""
    with pytest.raises(ParseError) as refusal:
        read(tmp_path, HEADINGS.replace("TestTime", "BestTime") + row(1, "5", "0", "0", "R"))
    assert "TestTime" in refusal.value.detail


def test_table_with_units_behind_underscores_is_read(tmp_path: Path) -> None:
    """A laboratory's own headings hold their unit behind the last underscore; C is °C there and no coulomb."""
    headings = "channel_index,cycle_index,step_index,date_time_iso_string,test_time_s,step_time_s,current_A,voltage_V,"
    headings += "discharge_capacity_Ah,charge_capacity_Ah,temperature_1_C,step_name\n"
    reading = read(
        tmp_path, "cell:,,,\n" + headings + "1,1,1,04/30/2024 14:33:19,0.02,0.02,-0.1,2.9,0.1,0,25.5,discharge CC,\n"
    )
    found = reading.measurements.row(0, named=True)
    assert (found["current_ampere"], found["temperature_t1_celsius"], found["step_type"]) == (
        -0.1,
        25.5,
        "discharge_cc",
    )


@pytest.mark.parametrize("cut", range(1, 260, 11))
def test_cut_anywhere_gives_a_reading_or_a_refusal(tmp_path: Path, cut: int) -> None:
    """No cut makes anything but whole records or a ParseError."""
    path = tmp_path / "file"
    path.write_bytes((HEADINGS + row(1, "0", "0", "0", "R") + row(2, "1", "0", "0", "R")).encode()[:cut])
    with suppress(ParseError):
        assert parsers.read_as(path, "landt_csv").measurements.height <= 2


def write_book(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    """Write a workbook of plain cells."""
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, cells in enumerate(rows):
                sheet.write_row(number, 0, cells)
    return path


RECORDS = [
    ["Record", "TestTime/Sec", "StepTime/Sec", "Current/uA", "Voltage/V", "Cycle-Index", "Step-Index", "Step-State"],
    [1, 0, 0, 0, 3.1, 1, 1, "R"],
    [2, 60, 0, 250, 3.2, 1, 2, "CVC"],
]


def test_workbook_is_claimed_and_read(tmp_path: Path) -> None:
    """A sheet with the headings is the record table, whatever stands beside it; µA become A exactly."""
    reading = parsers.read(write_book(tmp_path / "a.xlsx", {"Cycle-Tab": [["Cycle"], [1]], "Record-Tab": RECORDS}))
    assert reading.format == "landt_xlsx"
    assert reading.measurements["current_ampere"].to_list() == [0.0, 0.00025]
    assert reading.measurements["step_type"].to_list() == ["rest", "charge_cv"]


def test_tables_side_by_side_follow_each_other(tmp_path: Path) -> None:
    """Two record tables in one sheet are read one behind the other."""
    later = [RECORDS[0], [3, 120, 0, 0, 3.15, 1, 3, "R"], [None] * 8]
    rows = [[*left, *right] for left, right in zip(RECORDS, later, strict=True)]
    reading = parsers.read(write_book(tmp_path / "a.xlsx", {"Record-Tab": rows}))
    assert reading.measurements["record_index"].to_list() == [1, 2, 3]


def test_damaged_workbook_is_refused(tmp_path: Path) -> None:
    """A workbook that was cut is no crash."""
    path = write_book(tmp_path / "a.xlsx", {"Record-Tab": RECORDS})
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ParseError):
        parsers.read_as(path, "landt_xlsx")

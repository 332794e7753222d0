"""Neware's text export of cycles, steps and records in layers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

import parsers
from parsers import neware_layers
from parsers.contract import Peek, Reading
from warehouse.errors import ParseError

HEADER: Final = (
    "Cycle Index,Chg. Cap.(Ah),DChg. Cap.(Ah),Chg. Time",
    ",Step Index,Step Number,Step Type,Step Time,Capacity(Ah)",
    ",,DataPoint,Time,Total Time,Current(A),Voltage(V),Capacity(Ah),Date,T1(?)",
)
CYCLES: Final = (
    "1,0.5,0.4,00:00:01,1,1,Rest,00:00:01,0.0",
    ",,1,00:00:00,00:00:00,0.0,3.7001,0.0,2026-03-06 12:37:25,26.6",
    ",2,2,CC Chg,00:00:01,0.5",
    ",,2,00:00:00,00:00:01,0.0105,3.8,0.0,2026-03-06 12:37:26,26.6",
    ",,3,00:00:01,00:00:02,0.0105,3.9,0.5,2026-03-06 12:37:27,26.6",
    "2,0.0,0.4,00:00:00",
    ",3,3,CC DChg,00:00:01,0.4",
    ",,4,00:00:00,00:00:03,-0.0105,3.8,0.4,2026-03-06 12:37:28,26.6",
)


def write(folder: Path, lines: tuple[str, ...], encoding: str = "utf-8", end: str = "\n") -> Path:
    path = folder / "export.csv"
    path.write_bytes(("\n".join(lines) + end).encode(encoding))
    return path


def read(folder: Path, lines: tuple[str, ...] = (*HEADER, *CYCLES)) -> Reading:
    return parsers.read(write(folder, lines))


def test_records_are_read_with_their_cycle_and_step(tmp_path: Path) -> None:
    """Each record has the cycle and the step that it stands below, also where the step shares its cycle's line."""
    found = read(tmp_path).measurements
    assert found["cycle_count"].to_list() == [1, 1, 1, 2]
    assert found["step_id"].to_list() == [1, 2, 2, 3]
    assert found["step_count"].to_list() == [1, 2, 2, 3]
    assert found["step_type"].to_list() == ["rest", "charge_cc", "charge_cc", "discharge_cc"]


def test_values_are_those_of_the_records(tmp_path: Path) -> None:
    """Time, voltage and current are the records' own, not what the lines above sum up."""
    found = read(tmp_path).measurements
    assert found["test_time_second"].to_list() == [0.0, 1.0, 2.0, 3.0]
    assert found["voltage_volt"].to_list() == [3.7001, 3.8, 3.9, 3.8]
    assert found["current_ampere"].to_list() == [0.0, 0.0105, 0.0105, -0.0105]
    assert found["step_discharging_capacity_ah"].to_list() == [0.0, 0.0, 0.0, 0.4]


def test_unknown_unit_of_a_temperature_costs_that_column(tmp_path: Path) -> None:
    """T1(?) is left out and told; the same column with its unit is kept."""
    lost = read(tmp_path)
    assert "temperature_t1_celsius" not in lost.measurements.columns
    assert [warning for warning in lost.warnings if "T1(?)" in warning] != []
    kept = read(tmp_path, (*HEADER[:2], HEADER[2].replace("T1(?)", "T1(℃)"), *CYCLES))
    assert kept.measurements["temperature_t1_celsius"].to_list() == [26.6] * 4


def test_unknown_unit_of_a_current_is_refused(tmp_path: Path) -> None:
    """No current is read in a unit that is not named."""
    with pytest.raises(ParseError) as refusal:
        read(tmp_path, (*HEADER[:2], HEADER[2].replace("Current(A)", "Current(?)"), *CYCLES))
    assert (refusal.value.line, refusal.value.column) == (1, "Current(?)")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "gb18030"])
def test_microamperes_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    """The micro sign is understood as each Windows writes it."""
    sign = "μ" if encoding == "gb18030" else "µ"
    header = (*HEADER[:2], HEADER[2].replace("Current(A)", f"Current({sign}A)"))
    found = parsers.read(write(tmp_path, (*header, *CYCLES), encoding)).measurements
    assert found["current_ampere"].to_list() == [0.0, 1.05e-8, 1.05e-8, -1.05e-8]


def test_wrong_cell_is_told_with_its_line(tmp_path: Path) -> None:
    """The line is that of the file, lines of cycles and steps counted."""
    lines = [*HEADER, *CYCLES]
    lines[7] = lines[7].replace("3.9", "3.x")
    with pytest.raises(ParseError) as refusal:
        read(tmp_path, tuple(lines))
    assert (refusal.value.line, refusal.value.column) == (8, "Voltage(V)")


@pytest.mark.parametrize("missing", [0, 5])
def test_record_below_no_step_is_refused(tmp_path: Path, missing: int) -> None:
    """A record whose step's line is missing is nobody's; its line is told."""
    lines = [*HEADER, *CYCLES]
    if missing == 0:
        lines[3] = "1,0.5,0.4,00:00:01"
    else:
        del lines[3 + missing + 1]
    with pytest.raises(ParseError) as refusal:
        read(tmp_path, tuple(lines))
    assert refusal.value.line == (5 if missing == 0 else 10)
    assert "below no step" in refusal.value.detail


def test_cut_record_is_left_out(tmp_path: Path) -> None:
    """An export that is still being written ends inside a record: what is whole is read, and the rest told."""
    found = parsers.read(write(tmp_path, (*HEADER, *CYCLES[:-1], ",,4,00:00:00,00:00:03,-0.01"), end=""))
    assert found.measurements.height == 3
    assert found.incomplete


@pytest.mark.parametrize("lines", [1, 2])
def test_file_that_ends_inside_its_header_is_incomplete(tmp_path: Path, lines: int) -> None:
    """Without all three header lines nothing says where the columns are."""
    with pytest.raises(ParseError) as refusal:
        parsers.read_as(write(tmp_path, HEADER[:lines]), "neware_layers")
    assert refusal.value.code == "incomplete_file"


def test_record_sheet_is_another_format(tmp_path: Path) -> None:
    """The export of records alone is not claimed."""
    header = "DataPoint,Cycle Index,Step Index,Step Type,Time,Total Time,Current(A),Voltage(V),Date"
    path = write(tmp_path, (header, "1,1,1,Rest,00:00:00,00:00:00,0,3.7,2026-03-06 12:37:25", ""))
    assert not neware_layers.sniff(Peek(path, path.name))


def test_empty_export_has_no_rows(tmp_path: Path) -> None:
    """A header alone is a test without records."""
    assert parsers.read(write(tmp_path, HEADER)).measurements.height == 0

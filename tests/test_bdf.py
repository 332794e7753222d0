"""Battery Data Format in CSV and Parquet, in the smallest files that show a fact."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import parsers
from parsers import bdf_csv, bdf_parquet
from parsers.contract import Peek, Reading, still_growing
from warehouse.errors import ContradictionError, ParseError

NAMES = "test_time_second,voltage_volt,current_ampere"
LABELS = "Test Time / h,Voltage / mV,Current / uA"


def read(folder: Path, *lines: str) -> Reading:
    """Read lines as a BDF file in CSV."""
    path = folder / "file.bdf.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return parsers.read_as(path, "bdf_csv")


def test_machine_names_are_ours(tmp_path: Path) -> None:
    """A file with machine names is read as it stands."""
    assert read(tmp_path, NAMES, "0.5,3.7001,-0.1").measurements.row(0) == (0.5, 3.7001, -0.1)


def test_labels_are_scaled_by_their_units(tmp_path: Path) -> None:
    """Hours, millivolts and microamperes become seconds, volts and amperes without residue."""
    reading = read(tmp_path, LABELS, "0.138888888888889,3700.1,7")
    assert reading.measurements.row(0) == (500.0, 3.7001, 7e-6)


def test_milliseconds_are_the_deprecated_name(tmp_path: Path) -> None:
    """test_time_millisecond is test time in ms."""
    reading = read(tmp_path, "test_time_millisecond,voltage_volt,current_ampere", "1500,3.7,0")
    assert reading.measurements["test_time_second"][0] == 1.5


def test_required_column_in_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    """A unit that is not known is not guessed."""
    with pytest.raises(ParseError, match="expected current_ampere in a known unit"):
        read(tmp_path, "Test Time / s,Voltage / V,Current / furlong", "0,3.7,0")


def test_missing_column_is_refused(tmp_path: Path) -> None:
    """Without current there is no measurement."""
    with pytest.raises(ParseError, match="line 1: expected current_ampere"):
        read(tmp_path, "test_time_second,voltage_volt", "0,3.7")


def test_unknown_columns_are_named(tmp_path: Path) -> None:
    """Columns that we have no place for are listed in a warning."""
    reading = read(tmp_path, NAMES + ",Protocol Name / 1,Ambient Pressure / Pa", "0,3.7,0,a,1")
    expected = "columns that no table of ours has are left out: Protocol Name / 1, Ambient Pressure / Pa"
    assert reading.warnings == (expected,)


def test_optional_column_in_an_unknown_unit_is_named(tmp_path: Path) -> None:
    """An optional column in a unit of another quantity is left out, not scaled."""
    reading = read(tmp_path, NAMES + ",Step Time / V", "0,3.7,0,1")
    assert reading.warnings == ("columns in unknown units are left out: Step Time / V",)


def test_cycle_that_is_no_count_is_left_out(tmp_path: Path) -> None:
    """A cycle of 6.283185307179586 does not stop the file and is not rounded."""
    reading = read(tmp_path, NAMES + ",cycle_count", "0,3.7,0,6.283185307179586")
    assert "cycle_count" not in reading.measurements.columns
    assert reading.warnings == ("cycle_count holds 6.283185307, which is no count; left out",)


def test_step_index_is_the_step_of_the_schedule(tmp_path: Path) -> None:
    """A step_index that stays through a step and recurs is the schedule's; executed steps are counted from it."""
    lines = [f"{time},3.7,0,{step}" for time, step in enumerate([1, 1, 1, 2, 2, 2, 1, 1])]
    found = read(tmp_path, NAMES + ",step_index", *lines).measurements
    assert found["step_id"].to_list() == [1, 1, 1, 2, 2, 2, 1, 1]
    assert found["step_count"].to_list() == [1, 1, 1, 2, 2, 2, 3, 3]


def test_step_index_that_counts_records_is_left_out(tmp_path: Path) -> None:
    """A step_index that changes with every record is the record's number within the step."""
    reading = read(tmp_path, NAMES + ",step_index", *(f"{time},3.7,0,{time}" for time in range(5)))
    assert "step_id" not in reading.measurements.columns
    assert reading.warnings == ("step_index counts records within the step and is left out",)


def test_restarting_counter_is_kept_under_what_it_does(tmp_path: Path) -> None:
    """charging_capacity_ah that restarts with every step is step_charging_capacity_ah."""
    lines = ["0,3.7,1,1,0", "1,3.7,1,1,0.5", "2,3.7,1,2,0", "3,3.7,1,2,0.25"]
    reading = read(tmp_path, NAMES + ",step_count,charging_capacity_ah", *lines)
    assert reading.measurements["step_charging_capacity_ah"].to_list() == [0, 0.5, 0, 0.25]


def test_counter_that_restarts_with_the_cycle(tmp_path: Path) -> None:
    """A counter that runs through steps and restarts with the cycle is the cycle's."""
    lines = ["0,3.7,1,1,1,0.1", "1,3.7,1,2,1,0.5", "2,3.7,1,3,2,0", "3,3.7,1,4,2,0.2"]
    reading = read(tmp_path, NAMES + ",step_count,cycle_count,charging_capacity_ah", *lines)
    assert "cycle_charging_capacity_ah" in reading.measurements.columns


def test_counter_that_falls_anywhere_is_left_out(tmp_path: Path) -> None:
    """A counter that falls inside a step, not to zero, counts nothing that we know."""
    reading = read(tmp_path, NAMES + ",step_count,charging_capacity_ah", "0,3.7,1,1,0.5", "1,3.7,1,1,0.4")
    assert reading.warnings == ("counters that fall at no known boundary are left out: charging_capacity_ah",)


def test_counter_that_never_falls_keeps_its_name(tmp_path: Path) -> None:
    """A counter that keeps its promise never to restart stays as it is."""
    reading = read(tmp_path, NAMES + ",step_count,charging_capacity_ah", "0,3.7,1,1,0.5", "1,3.7,1,2,0.6")
    assert reading.measurements["charging_capacity_ah"].to_list() == [0.5, 0.6]


def test_sensor_at_zero_throughout_is_left_out(tmp_path: Path) -> None:
    """A temperature of exactly 0 in every record was not measured."""
    reading = read(tmp_path, NAMES + ",ambient_temperature_celsius", "0,3.7,0,0", "1,3.7,0,0")
    assert reading.warnings == ("ambient_temperature_celsius is 0 in every record: no sensor; left out",)


def test_current_against_all_step_types_is_turned_round(tmp_path: Path) -> None:
    """Where every discharge is positive and every charge negative, the file's sign is the other one."""
    lines = ["0,3.7,0.1,discharge", "1,3.6,0,rest", "2,3.7,-0.1,charge"]
    reading = read(tmp_path, NAMES + ",step_type", *lines)
    assert reading.measurements["current_ampere"].to_list() == [-0.1, 0.0, 0.1]
    assert reading.warnings == ("current is positive in discharge steps throughout; its sign is turned round",)


def test_current_against_some_step_types_is_a_contradiction(tmp_path: Path) -> None:
    """A file of two minds about the sign is refused, with the first record that disagrees."""
    with pytest.raises(ContradictionError, match="line 3, column current_ampere: 1 records contradict") as refusal:
        read(tmp_path, NAMES + ",step_type", "0,3.7,0.1,charge", "1,3.6,0.1,CC_DCH")
    assert refusal.value.code == "sign"


def test_noise_of_the_wrong_sign_is_no_contradiction(tmp_path: Path) -> None:
    """Less than a thousandth of the largest current says nothing about the sign."""
    reading = read(tmp_path, NAMES + ",step_type", "0,3.7,0.1,charge", "1,3.7,-0.00001,charge")
    assert reading.warnings == ()


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    """A record at test time 0 in the middle is refused under its code, with its line."""
    with pytest.raises(ParseError, match="line 3: test time goes back from 10 s to 0 s") as refusal:
        read(tmp_path, NAMES, "10,3.7,0", "0,3.7,0")
    assert refusal.value.code == "time_goes_back"


def test_empty_required_cell_is_refused(tmp_path: Path) -> None:
    """A required cell that is empty or NaN is refused with its place."""
    with pytest.raises(ParseError, match="line 3, column voltage_volt: expected a number, found nothing"):
        read(tmp_path, NAMES, "0,3.7,0", "1,,0", "2,3.7,0")
    with pytest.raises(ParseError, match="line 2, column voltage_volt"):
        read(tmp_path, NAMES, "0,NaN,0")


def test_cut_last_line_is_left_out(tmp_path: Path) -> None:
    """A last line with too few cells is left out with a warning."""
    reading = read(tmp_path, NAMES, "0,3.7,0", "1,3.")
    assert (reading.incomplete, reading.measurements.height) == (True, 1)
    assert reading.warnings == (still_growing("a line", len(NAMES) + 13),)


def test_lone_quote_is_left_out(tmp_path: Path) -> None:
    """A file cut right after an opening quote, on which Polars 2.1 panics, is read without that line."""
    path = tmp_path / "file.bdf.csv"
    path.write_text(f'{NAMES}\n0,3.7,0\n1,3.7,"', encoding="utf-8")
    reading = parsers.read_as(path, "bdf_csv")
    assert (reading.incomplete, reading.measurements.height) == (True, 1)


def test_header_alone_is_no_data_yet(tmp_path: Path) -> None:
    """A file of one header line is empty."""
    assert read(tmp_path, NAMES).kind == "empty"


def test_another_vendors_header_is_not_claimed(tmp_path: Path) -> None:
    """Names with units in brackets are not BDF's labels."""
    path = tmp_path / "file.bdf.csv"
    path.write_text("Test Time (s),Voltage (V),Current (A)\n0,3.7,0\n")
    assert not bdf_csv.sniff(Peek(path, path.name))


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    """The same columns in Parquet, labels and integers included, give the same reading."""
    path = tmp_path / "file.parquet"
    pl.DataFrame({"Test Time / ms": [0, 1500], "Voltage / V": [3.7, 3.8], "Current / mA": [1, -2]}).write_parquet(path)
    assert bdf_parquet.sniff(Peek(path, path.name))
    assert parsers.read_as(path, "bdf_parquet").measurements.row(1) == (1.5, 3.8, -0.002)


def test_parquet_of_words_is_refused(tmp_path: Path) -> None:
    """Text where numbers belong is refused, not parsed."""
    path = tmp_path / "file.parquet"
    pl.DataFrame({"test_time_second": ["0"], "voltage_volt": [3.7], "current_ampere": [0.0]}).write_parquet(path)
    with pytest.raises(ParseError, match="column test_time_second: expected numbers, found String"):
        parsers.read_as(path, "bdf_parquet")


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    """Parquet whose pages are overwritten is refused with the file's name."""
    path = tmp_path / "file.parquet"
    times = [float(n) for n in range(1000)]
    pl.DataFrame(dict.fromkeys(NAMES.split(","), times)).write_parquet(path)
    raw = bytearray(path.read_bytes())
    raw[4:200] = bytes(196)
    path.write_bytes(raw)
    with pytest.raises(ParseError, match=r"file\.parquet"):
        parsers.read_as(path, "bdf_parquet")


def test_other_parquet_is_not_claimed(tmp_path: Path) -> None:
    """A Parquet file without the three columns is not BDF."""
    path = tmp_path / "file.bdf.parquet"
    pl.DataFrame({"Voltage(mV)": [1]}).write_parquet(path)
    assert not bdf_parquet.sniff(Peek(path, path.name))

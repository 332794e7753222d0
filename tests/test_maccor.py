"""Maccor text exports and impedance sweeps, in the smallest files that show a fact."""

from __future__ import annotations

from pathlib import Path

import pytest

import parsers
from parsers.contract import Peek, Reading
from parsers.maccor_txt import sniff
from warehouse.errors import ContradictionError, ParseError

PREAMBLE = "Today's Date 01/02/2020  Date of Test:\t01/02/2020\t Filename:\tC:\\Backup\\LAB #1\\cell.007 Procedure: p\n"
HEADINGS = "Rec#\tCyc#\tStep\tTest (Sec)\tStep (Sec)\tAmp-hr\tWatt-hr\tAmps\tVolts\tState\tES\tDPt Time\n"
KEYED = "Name:\ta\nChannel:\t7\nTester\tLab\n\nRec\tCycle P\tCycle C\tStep\tTestTime\tStepTime\tCap. [Ah]\tEner. [Wh]\t"
KEYED += "Current [A]\tVoltage [V]\tMd\tES\tDPT Time\n\n"
BARE = "Today's Date ,1-Jan-20\nRec,Cycle C,Step,Test Time (sec),Capacity,Energy,Current,Voltage,DPT Time,Temp 1\n"
SWEEP = "MACCOR, INC.    AC Impedance Test\r\nSweep\r\nproc\r\nTESTER_cell.EDA0001.041\r\n"
SWEEP += "Freq(Hz)\tPolar(V)\ttime(sec)\tZ'(a)\tZ''(b)\tV-DC\tisg\r\n\r\n"


def row(
    time: str, amps: str, state: str, *, step: int = 1, charge: str = "0", code: int = 1, volts: str = "3.7"
) -> str:
    """Write one record of the tab dialect."""
    return f"1\t0\t{step}\t{time}\t{time}\t{charge}\t{charge}\t{amps}\t{volts}\t{state}\t{code}\t01/02/2020 10:00:00\n"


def read(folder: Path, text: str | bytes, name: str = "maccor_txt") -> Reading:
    """Read a text as a file of the format."""
    path = folder / "file"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("cp1252"))
    return parsers.read_as(path, name)


def test_unsigned_discharge_becomes_negative(tmp_path: Path) -> None:
    """Where no record is negative, state D makes the current negative."""
    reading = read(tmp_path, PREAMBLE + HEADINGS + row("0", "0.5", "C") + row("1", "0.5", "D"))
    assert reading.measurements["current_ampere"].to_list() == [0.5, -0.5]


def test_signed_discharge_is_not_negated_twice(tmp_path: Path) -> None:
    """Where D records are negative already, they stay."""
    reading = read(tmp_path, PREAMBLE + HEADINGS + row("0", "0.5", "C") + row("1", "-0.5", "D"))
    assert reading.measurements["current_ampere"].to_list() == [0.5, -0.5]


def test_discharge_at_zero_is_plain_zero(tmp_path: Path) -> None:
    """A discharge record without current is 0.0, not -0.0."""
    reading = read(tmp_path, PREAMBLE + HEADINGS + row("0", "0", "D") + row("1", "0.5", "D"))
    assert str(reading.measurements["current_ampere"][0]) == "0.0"


def test_current_in_a_state_without_direction_is_refused(tmp_path: Path) -> None:
    """An unsigned current in a state that is neither charge nor discharge has no direction."""
    with pytest.raises(ParseError, match=r"line 4, column current: 0\.5 A flow in state 'X'"):
        read(tmp_path, PREAMBLE + HEADINGS + row("0", "0.1", "C") + row("1", "0.5", "X"))


def test_small_current_at_rest_is_kept_with_a_warning(tmp_path: Path) -> None:
    """What an unsigned channel shows at rest, up to 1 % of the largest current, stays as written and is told."""
    reading = read(tmp_path, PREAMBLE + HEADINGS + row("0", "0.5", "C") + row("1", "0.004", "R") + row("2", "0.5", "D"))
    assert reading.measurements["current_ampere"].to_list() == [0.5, 0.004, -0.5]
    assert any("1 records at rest show up to 0.004 A without a direction" in warning for warning in reading.warnings)


def test_both_directions_negative_is_a_contradiction(tmp_path: Path) -> None:
    """Charge and discharge cannot both be negative."""
    with pytest.raises(ContradictionError) as refusal:
        read(tmp_path, PREAMBLE + HEADINGS + row("0", "-0.5", "C") + row("1", "-0.5", "D"))
    assert refusal.value.code == "sign"


def test_current_against_voltage_is_a_contradiction(tmp_path: Path) -> None:
    """Without states, a current whose rise lowers the voltage has the wrong sign."""
    rows = "1,1,1,0,0,0,0,3.7,1-Jan-20 1:00:00 PM,25\n2,1,2,1,0,0,5,3.6,1-Jan-20 1:00:01 PM,25\n"
    with pytest.raises(ContradictionError, match="discharge is positive"):
        read(tmp_path, BARE + rows)


def test_headings_without_units_are_said(tmp_path: Path) -> None:
    """Bare headings are read in the tester's own units, and the reading says so."""
    reading = read(tmp_path, BARE + "1,1,1,0,0,0,0,3.7,1-Jan-20 1:00:00 PM,25\n")
    assert reading.warnings == (
        "current, voltage, capacity and energy are headed without a unit and read as A, V, Ah and Wh",
    )


def test_minutes_become_seconds(tmp_path: Path) -> None:
    """Test (Min) is minutes, without a binary residue."""
    text = PREAMBLE + HEADINGS.replace("(Sec)", "(Min)") + row("0.1692", "0", "R")
    assert read(tmp_path, text).measurements["test_time_second"][0] == 10.152


def test_duration_loses_its_single_precision_noise(tmp_path: Path) -> None:
    """The seconds 51.5699996948242 were 51.57 before they were stored in single precision."""
    text = PREAMBLE + HEADINGS.replace(" (Sec)", "Time") + row("  2d 00:52:51.5699996948242", "0", "R")
    assert read(tmp_path, text).measurements["test_time_second"][0] == 175971.57


@pytest.mark.parametrize(("clock", "seconds"), [("10:01:00", 1.0), ("11:00:00", 60.0)])
def test_unstated_unit_comes_from_the_wall_clock(tmp_path: Path, clock: str, seconds: float) -> None:
    """TestTime without a unit is seconds or minutes, as the records' clock shows."""
    rows = "1\t0\t1\t1\t0\t0\t0\t0\t0\t3.7\tR\t0\t1/2/2020 10:00:00\n2\t0\t1\t1\t60\t60\t0\t0\t0\t3.7\tR\t1\t1/2/2020 "
    assert read(tmp_path, f"{KEYED}{rows}{clock}\n").measurements["test_time_second"][1] == 60 * seconds


def test_unit_that_nothing_shows_is_refused(tmp_path: Path) -> None:
    """TestTime without a unit and without a clock that could tell is not guessed."""
    rows = "1\t0\t1\t1\t5\t5\t0\t0\t0\t3.7\tR\t0\tnever\n"
    with pytest.raises(ParseError, match="the unit of TestTime is not stated"):
        read(tmp_path, KEYED + rows)


def test_decimal_commas_and_the_day_first(tmp_path: Path) -> None:
    """A site with decimal commas writes the day before the month; the reading says what was assumed."""
    rows = "1\t0\t1\t1\t0,0\t0,0\t0,5\t0,0\t0,25\t3,75\tC\t0\t06/05/2021 11:00:00\n"
    reading = read(tmp_path, KEYED + rows)
    assert reading.measurements.row(0, named=True)["voltage_volt"] == 3.75
    assert reading.measurements["unix_time_second"][0] == 1620266400.0
    assert "day before month" in reading.warnings[0]


def test_clock_without_date_passes_midnight(tmp_path: Path) -> None:
    """A clock that falls back has come to the next day of the preamble's date."""
    rows = row("0", "0", "R").replace("01/02/2020 10:00:00", "23:59:59") + row("2", "0", "R").replace(
        "01/02/2020 10:00:00", "00:00:01"
    )
    unix = read(tmp_path, PREAMBLE + HEADINGS + rows).measurements["unix_time_second"]
    assert unix.to_list() == [1577977199.0, 1577977201.0]


def test_thousands_in_quotes(tmp_path: Path) -> None:
    """A comma inside quotes separates thousands."""
    text = "Cyc#,Step,TestTime(s),Current(A),Voltage(V),DPt Time\n0,1,999,0,3.7,1\n"
    assert read(tmp_path, text + '0,1,"1,020.50",0,3.7,1\n').measurements["test_time_second"][1] == 1020.5


def test_padding_bytes_end_a_value(tmp_path: Path) -> None:
    """Control characters and 0xFF after a value are padding."""
    text = KEYED.encode().replace(b"\n\nRec", b"\nDescription\tfoil  \x04 \x03 M-\xff\xff\xff\n\nRec")
    reading = read(tmp_path, text + b"1\t0\t1\t1\t0\t0\t0\t0\t0\t3.7\tR\t0\t1/2/2020 10:00:00\n")
    assert reading.about["comment"] == "foil"


def test_channel_is_the_extension_of_the_backup_file(tmp_path: Path) -> None:
    """A backup file cell.007 below LAB #1 was measured on channel 7 of LAB #1."""
    about = read(tmp_path, PREAMBLE + HEADINGS + row("0", "0", "R")).about
    assert (about["channel"], about["test_name"], about["schedule"]) == ("LAB #1-7", "cell", "p")


def test_counter_goes_to_the_side_of_its_step(tmp_path: Path) -> None:
    """Amp-hr restarts with every step and belongs to the step's direction."""
    rows = (
        row("0", "1", "C", charge="0.1") + row("1", "1", "C", charge="0.2") + row("2", "1", "D", step=2, charge="0.1")
    )
    found = read(tmp_path, PREAMBLE + HEADINGS + rows).measurements
    assert found["step_charging_capacity_ah"].to_list() == [0.1, 0.2, None]
    assert found["step_discharging_capacity_ah"].to_list() == [None, None, 0.1]


def test_counter_that_runs_through_a_pulse_block_is_left_out(tmp_path: Path) -> None:
    """A counter that a step inherits and lowers is not that step's; the reading says how many records that costs."""
    rows = row("0", "1", "D", charge="0.2") + row("1", "1", "C", step=2, charge="0.19")
    rows += row("2", "1", "C", step=2, charge="0.18") + row("3", "1", "C", step=2, charge="0.17")
    reading = read(tmp_path, PREAMBLE + HEADINGS + rows)
    assert "step_charging_capacity_ah" not in reading.measurements.columns
    assert reading.warnings[0].startswith("3 records of pulse blocks")


def test_step_repeated_at_once_counts_again(tmp_path: Path) -> None:
    """A step that ended (ES from 128) and begins anew with the same number is another step."""
    rows = row("5", "1", "C", code=133) + row("6", "1", "C", code=0).replace("\t6\t6\t", "\t6\t0\t")
    assert read(tmp_path, PREAMBLE + HEADINGS + rows).measurements["step_count"].to_list() == [1, 2]


def test_missing_sensor_is_null(tmp_path: Path) -> None:
    """Temperatures near -2500 °C mark an unconnected input; the column is left out when there is nothing else."""
    text = PREAMBLE + HEADINGS.strip() + "\tAux #1\t Units\tAux #2\t Units\n"
    reading = read(tmp_path, text + row("0", "0", "R").strip() + "\t-2501.7\t C  \t25.5\t C  \n")
    assert "temperature_t1_celsius" not in reading.measurements.columns
    assert reading.measurements["temperature_t2_celsius"][0] == 25.5


def test_auxiliary_input_in_volts_is_no_temperature(tmp_path: Path) -> None:
    """An auxiliary input that is not in °C is left out with a warning."""
    text = PREAMBLE + HEADINGS.strip() + "\tAux #1\t Units\n"
    reading = read(tmp_path, text + row("0", "0", "R").strip() + "\t1.5\t V  \n")
    assert reading.warnings == ("auxiliary input 1 is not in °C and left out",)


def test_time_that_goes_back_is_refused(tmp_path: Path) -> None:
    """Test time that decreases names the line and the code."""
    with pytest.raises(ParseError, match=r"line 4: test time goes back from 5 s to 4 s") as refusal:
        read(tmp_path, PREAMBLE + HEADINGS + row("5", "0", "R") + row("4", "0", "R"))
    assert refusal.value.code == "time_goes_back"


def test_cut_last_line_is_left_out(tmp_path: Path) -> None:
    """A last line with too few cells is left out with a warning, an earlier one is refused."""
    reading = read(tmp_path, PREAMBLE + HEADINGS + row("0", "0", "R") + "1\t0\t1\t5.0")
    assert (reading.incomplete, reading.measurements.height) == (True, 1)
    assert "the file ends inside a line at byte" in reading.warnings[-1]
    with pytest.raises(ParseError, match="line 3, column voltage: expected a number, found nothing"):
        read(tmp_path, PREAMBLE + HEADINGS + "1\t0\t1\t5.0\n" + row("6", "0", "R"))


def test_cell_that_is_no_number_is_named(tmp_path: Path) -> None:
    """A cell that is no number is refused with its line and column."""
    with pytest.raises(ParseError, match=r"line 3, column current: expected a number, found 'abc'"):
        read(tmp_path, PREAMBLE + HEADINGS + row("0", "abc", "R"))


def test_headings_without_records_are_no_data_yet(tmp_path: Path) -> None:
    """A file that ends after its headings has no data yet."""
    assert read(tmp_path, PREAMBLE + HEADINGS).kind == "empty"


def test_other_texts_are_not_claimed(tmp_path: Path) -> None:
    """A cycler's table without Maccor's DPt Time is not Maccor's."""
    path = tmp_path / "cell.007"
    path.write_text(HEADINGS.replace("DPt Time", "Date"))
    assert not sniff(Peek(path, path.name))


def test_sweep_is_a_spectrum(tmp_path: Path) -> None:
    """An impedance sweep has frequency, both parts, time and bias of every point."""
    reading = read(tmp_path, SWEEP + "1000\t6283\t38.2\t0.77\t-0.85\t3.9\r\n", "maccor_eis")
    assert reading.spectra.row(0) == (1, 1000.0, 0.77, -0.85, 38.2, 3.9)
    assert reading.about["channel"] == "TESTER-41"


def test_sweep_without_headings_is_refused(tmp_path: Path) -> None:
    """A sweep's title alone is not a sweep."""
    with pytest.raises(ParseError, match="expected the headings"):
        read(tmp_path, "MACCOR, INC.    AC Impedance Test\r\n", "maccor_eis")


def test_sweep_whose_frequency_stands_behind_the_last_cell_is_refused(tmp_path: Path) -> None:
    """Headings in another order, of which the rows have no cells, are none that can be read."""
    title, headings = SWEEP.splitlines(keepends=True)[:4], "V-DC\tFreq(Hz)\ttime(sec)\tZ'(a)\tZ''(b)\tisg\r\n"
    with pytest.raises(ParseError, match="expected the headings"):
        read(tmp_path, "".join(title) + headings + "3.9\t1000\t38.2\t0.77\t-0.85\r\n", "maccor_eis")


def test_sweep_at_no_frequency_is_refused(tmp_path: Path) -> None:
    """A frequency of zero is no point of a sweep."""
    with pytest.raises(ParseError, match="line 7, column frequency_hertz: expected a positive frequency"):
        read(tmp_path, SWEEP + "0\t0\t38.2\t0.77\t-0.85\t3.9\r\n", "maccor_eis")

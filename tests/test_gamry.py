"""Gamry's EXPLAIN files, in the smallest texts that show a fact."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

import parsers
from parsers.contract import Reading
from warehouse.errors import ParseError

HEADER = "EXPLAIN\nTAG\t{tag}\nTITLE\tLABEL\tmy test\tTest &Identifier\n"
HEADER += "DATE\tLABEL\t{date}\tDate\nTIME\tLABEL\t17:47:03\tTime\n"
NOTES = "NOTES\tNOTES\t1\t&Notes...\n\tCURVE\tTABLE\t3\n"
CURVE = "{name}\tTABLE\n\tPt\tT\tVf\tIm\tOver\n\t#\ts\tV vs. Ref.\tA\tbits\n"
WATCH = "OCVCURVE\tTABLE\t1\n\tPt\tT\tVf\tVm\tTemp\n\t#\ts\tV vs. Ref.\tV\tdeg C\n\t0\t5\t3.1\t3.1\t-327.6\n"
SWEEP = "ZCURVE\tTABLE\n\tPt\tTime\tFreq\tZreal\tZimag\tIdc\tVdc\n\t#\ts\tHz\tohm\tohm\tA\tV\n"


def header(tag: str, date: str = "5/31/2016") -> str:
    """Write the tags above the tables."""
    return HEADER.format(tag=tag, date=date)


def curve(name: str, *rows: str) -> str:
    """Write one table of measured data."""
    return CURVE.format(name=name) + "".join(f"\t{number}\t{row}\t....\n" for number, row in enumerate(rows))


def read(folder: Path, text: str) -> Reading:
    """Read a text that must be claimed by Gamry's reader alone."""
    path = folder / "file.DTA"
    path.write_bytes(text.encode("cp1252"))
    reading = parsers.read(path)
    assert reading.format == "gamry_dta"
    return reading


def test_galvanostatic_charge_becomes_measurements(tmp_path: Path) -> None:
    """A table with T, Vf and Im is one step; the tag of a charge names it."""
    found = read(tmp_path, header("PWR800_CHARGE") + curve("CURVE", "0\t3.1\t1E-3", "10\t3.2\t1E-3")).measurements
    assert found["current_ampere"].to_list() == [0.001, 0.001]
    assert found["step_type"].to_list() == ["charge", "charge"]


def test_current_in_milliampere_is_converted(tmp_path: Path) -> None:
    """The line of units counts, whatever the usual one is."""
    text = header("CHRONOA") + curve("CURVE", "0\t3.1\t1.5").replace("\tA\tbits", "\tmA\tbits")
    assert read(tmp_path, text).measurements["current_ampere"].to_list() == [0.0015]


def test_decimal_commas_are_points(tmp_path: Path) -> None:
    """A computer with decimal commas writes the same numbers."""
    found = read(tmp_path, header("CHRONOA") + curve("CURVE", "0,5\t3,1\t-1,5E-003")).measurements
    assert found.select("test_time_second", "voltage_volt", "current_ampere").row(0) == (0.5, 3.1, -0.0015)


def test_open_circuit_has_no_current(tmp_path: Path) -> None:
    """A table without Im is a rest at 0 A; a sensor below absolute zero is none."""
    found = read(tmp_path, header("CORPOT") + WATCH.replace("OCVCURVE", "CURVE")).measurements
    assert found.select("current_ampere", "step_type").row(0) == (0.0, "rest")
    assert "temperature_t1_celsius" not in found.columns


def test_clock_that_restarts_goes_on(tmp_path: Path) -> None:
    """Times of the curve behind the open circuit follow on, with a warning about the pause."""
    reading = read(tmp_path, header("CV") + WATCH + curve("CURVE1", "0.5\t3.1\t1E-3"))
    assert reading.measurements["test_time_second"].to_list() == [5.0, 5.5]
    assert any("CURVE1" in warning for warning in reading.warnings)


def test_curves_of_a_cv_are_its_cycles(tmp_path: Path) -> None:
    """CURVE1 and CURVE2 of a cyclic voltammetry are cycles 1 and 2."""
    found = read(tmp_path, header("CV") + curve("CURVE1", "0\t3.1\t0") + curve("CURVE2", "1\t3.1\t0")).measurements
    assert found["cycle_count"].to_list() == [1, 2]
    assert found["step_count"].to_list() == [1, 2]


def test_sweep_is_a_spectrum_and_what_was_watched_before_is_not(tmp_path: Path) -> None:
    """An impedance experiment gives its spectrum alone."""
    reading = read(tmp_path, header("EISPOT") + WATCH + SWEEP + "\t0\t1\t1000\t10\t-2\t0.5\t3.1\n")
    assert (reading.kind, reading.measurements.height) == ("eis", 0)
    found = reading.spectra.row(0, named=True)
    assert (found["imaginary_impedance_ohm"], found["bias_voltage_volt"], found["test_time_second"]) == (-2.0, 3.1, 1.0)


def test_two_sweeps_are_two_spectra(tmp_path: Path) -> None:
    """Every ZCURVE counts on."""
    point = "\t0\t{}\t1000\t10\t-2\t0.5\t3.1\n"
    reading = read(tmp_path, header("EISPOT") + SWEEP + point.format(1) + SWEEP + point.format(9))
    assert reading.spectra["spectrum_index"].to_list() == [1, 2]


def test_aborted_experiment_is_read(tmp_path: Path) -> None:
    """Tags behind a table end it."""
    text = header("CHRONOA") + curve("CURVE", "0\t3.1\t0") + "EXPERIMENTABORTED\tTOGGLE\tT\tExperiment Aborted\n"
    assert read(tmp_path, text).measurements.height == 1


def test_table_in_the_notes_is_none(tmp_path: Path) -> None:
    """What a user writes into the notes is indented and no table."""
    assert read(tmp_path, header("CHRONOA") + NOTES + curve("CURVE", "0\t3.1\t0")).measurements.height == 1


def test_ambiguous_date_leaves_the_clock_out(tmp_path: Path) -> None:
    """3/10/2016 is no date until another one of the header tells the order."""
    text = header("CHRONOA", "3/10/2016") + curve("CURVE", "0\t3.1\t0")
    assert "start_time" not in read(tmp_path, text).about
    told = text + "DCCALDATE\tLABEL\t2/28/2015\tDC Calibration Date\n"
    assert read(tmp_path, told).about["start_time"] == "2016-03-10T08:47:03.000+00:00"


def test_raw_waves_are_skipped_and_unknown_tables_named(tmp_path: Path) -> None:
    """FRACURVE is known to be left out; a table of other columns is left out with a warning."""
    other = "{}\tTABLE\n\tPt\tX\n\t#\tV\n\t0\t1\n"
    text = header("CHRONOA") + curve("CURVE", "0\t3.1\t0") + other.format("FRACURVE") + other.format("ODDCURVE")
    assert read(tmp_path, text).warnings == ("table ODDCURVE holds neither records nor a spectrum",)


def test_file_of_unknown_tables_is_refused(tmp_path: Path) -> None:
    """A file with nothing but unknown tables says which ones it holds."""
    with pytest.raises(ParseError, match="found ODDCURVE") as refusal:
        read(tmp_path, header("ODD") + "ODDCURVE\tTABLE\n\tPt\tX\n\t#\tV\n\t0\t1\n")
    assert refusal.value.code == "unknown_layout"


def test_header_alone_holds_no_data_yet(tmp_path: Path) -> None:
    """A file that ends before its first table is empty, not broken."""
    assert read(tmp_path, header("CV")).kind == "empty"


def test_broken_cell_is_named(tmp_path: Path) -> None:
    """A cell that is no number is refused with its line."""
    with pytest.raises(ParseError, match=r"line 10, column voltage_volt: expected a number, found '3\.x'"):
        read(tmp_path, header("CHRONOA") + curve("CURVE", "0\t3.1\t0", "1\t3.x\t0", "2\t3.1\t0"))


@pytest.mark.parametrize("cut", range(1, 330, 11))
def test_cut_anywhere_gives_a_reading_or_a_refusal(tmp_path: Path, cut: int) -> None:
    """No cut makes anything but whole records or a ParseError."""
    path = tmp_path / "file"
    path.write_bytes((header("CV") + WATCH + curve("CURVE1", "0\t3.1\t0", "1\t3.1\t0")).encode()[:cut])
    with suppress(ParseError):
        assert parsers.read_as(path, "gamry_dta").measurements.height <= 3

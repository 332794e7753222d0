"""Impedance tables of many programs, in the smallest texts that show a fact."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from polars.testing import assert_frame_equal

import parsers
from parsers._impedance import find_places, number_sweeps
from parsers.contract import Reading
from warehouse.errors import ContradictionError, FormatUnknown, ParseError

ZPLOT = "ZPLOT2 ASCII\n  Measured Data, ZPlot:       3.2c\n  Experiment Type:            Sweep Frequency, {control}\n"
ZPLOT += "  Date:                       10-12-2018\n  Time:                       12:32:21\n  Data Points:  {points}\n"
ZPLOT += "  Freq(Hz)\tAmpl\tBias\tTime(Sec)\tZ'(a)\tZ''(b)\tGD\tErr\tRange\nEnd Comments\n"
ZPLOT_POINT = "1.0E+03\t1.0E-02\t2.5E-01\t2.5E+00\t2.9E+01\t-6.0E-01\t0.0E+00\t{err}\t4\n"
Z60W = '"Z60W Data File: Version 1.1"\n""\n0,2,0\n2\n'
Z60W += "\"  Freq (Hz)    Ampl     Bias   Time(Sec)   Z'(a)    Z''(b)    GD   Err   Range\"\n"
CHI = "Feb. 20, 2020   15:55:08\nA.C. Impedance\nInstrument Model:  CHI660E\n\n"
CHI += "Init E (V) = 0.1\nAmplitude (V) = 0.025\n\n"
CHI += "Freq/Hz, Z'/ohm, Z\"/ohm, Z/ohm, Phase/deg\n\n"
CHI_POINT = "1.0e+4, 1.0e+1, -1.0e+0, 1.005e+1, -5.7\n"
PARSTAT = (
    "Potential (V)\tCurrent (A)\tElapsed Time (s)\tFrequency (Hz)\tZre (ohms)\tZim (ohms)\t|Vac| (V)\t|Iac| (A)\t\n"
)
POWERSUITE = "Frequency\t Zre\t Zimg\r\r\n\r\r\n0.1\t 42.5\t -4.5\r\r\n"
RELAXIS = "RelaxIS 3.0 Spectrum export\nDate: 12/16/2025 2:29:15 PM\nData: Frequency\tData: Z'\tData: Z''\n"
RELAXIS += "DC=0\tModel: none\t(WE/RE Spectrum) cell 7\n"
PAR = "<Application>\nName=VersaStudio\nVersion=2.60\n</Application>\n<Segment1>\nType=4\n"
PAR += "Definition=Segment #, Point #, E(V), I(A), Elapsed Time(s), Frequency(Hz), Z Real, Z Imag\n"
NOVA = "Index;Frequency (Hz);Z' (Ω);-Z'' (Ω);Z (Ω);-Phase (°);Time (s)\n"
IDF = (
    b"\0" * 16
    + b"@\1\0\0\r\0Version=12\r\nstarttime=12/12/2022 5:18:49 PM\r\nserialnumber=B1\r\nMethod=%s\r\nTitle=t\r\n"
)
IDF += b"Data Objects    \r\x000         \r\nprimary_data    \r\x00%d         \r\n2         \r\n"
IDF_ROWS = b"1.5E+01  -1.8E+00 1.0E+05 \r\n1.6E+01  -2.3E+00 6.3E+04 \r\n7         \r\n"


def read(folder: Path, text: str | bytes, claimed: str) -> Reading:
    """Read a text that must be claimed by the named reader alone."""
    path = folder / "file.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    reading = parsers.read(path)
    assert reading.format == claimed
    return reading


# --- names, signs, sweeps


@pytest.mark.parametrize(
    ("heading", "sign"),
    [
        ("Z''", 1),
        ("-Z''", -1),
        ('Z"', 1),
        ("Im(Z)", 1),
        ("-Im(Z)", -1),
        ("Zimag", 1),
        ("\u2212Z\u2033", -1),
        ("Z_im", 1),
    ],
)
def test_sign_of_the_imaginary_part_is_in_its_name(heading: str, sign: int) -> None:
    """A minus before the name, of whatever kind, turns the column."""
    assert find_places([f"{heading}/Ohm"])["imaginary"].sign == sign


@pytest.mark.parametrize("heading", ["freq/Hz", "Frequency (Hz)", "Freq[Hz]", "f / Hz", "FREQUENCY (HZ)"])
def test_frequency_is_recognised(heading: str) -> None:
    """Slash, round and square brackets part a name from its unit."""
    assert "frequency" in find_places([heading])


def test_frequency_that_turns_back_begins_a_sweep() -> None:
    """Down and down again are two sweeps, down and up two as well; an unsorted list is one."""
    assert number_sweeps(np.array([100.0, 10, 1, 100, 10, 1])).tolist() == [1, 1, 1, 2, 2, 2]
    assert number_sweeps(np.array([100.0, 10, 1, 10, 100])).tolist() == [1, 1, 1, 2, 2]
    assert set(number_sweeps(np.array([5.0, 1, 7, 2, 9, 3, 8, 1])).tolist()) == {1}


# --- any table


def test_table_with_units_and_signs_is_read(tmp_path: Path) -> None:
    """Headings that state everything make a spectrum in ohm, negative when capacitive."""
    reading = read(tmp_path, "f (kHz),Re(Z) (mOhm),-Im(Z) (mOhm)\n1,20,5\n0.1,30,6\n", "impedance_table")
    first = reading.spectra.row(0, named=True)
    assert (first["frequency_hertz"], first["real_impedance_ohm"], first["imaginary_impedance_ohm"]) == (
        1000.0,
        0.02,
        -0.005,
    )


def test_decimal_comma_beside_semicolons_is_read(tmp_path: Path) -> None:
    """Where semicolons part the cells a comma is the decimal sign."""
    reading = read(tmp_path, "freq/Hz;Z'/Ohm;Z''/Ohm\n1,5;20,25;-5,5\n", "impedance_table")
    assert reading.spectra.select("frequency_hertz", "real_impedance_ohm").row(0) == (1.5, 20.25)


def test_modulus_and_phase_make_the_parts(tmp_path: Path) -> None:
    """Without real and imaginary part they follow from modulus and phase in degrees."""
    reading = read(tmp_path, "freq/Hz,|Z|/Ohm,Phase(Z)/deg\n10,2,-90\n", "impedance_table")
    assert reading.spectra["imaginary_impedance_ohm"].to_list() == [-2.0]


@pytest.mark.parametrize("phase", ["inf", "", "nan"])
def test_modulus_without_its_phase_is_refused(tmp_path: Path, phase: str) -> None:
    """A point of which only the modulus is known has no impedance; its line is told."""
    text = f"freq/Hz,|Z|/Ohm,Phase(Z)/deg\n10,2,-90\n1,2,{phase}\n0.1,2,-90\n"
    with pytest.raises(ParseError) as refusal:
        read(tmp_path, text, "impedance_table")
    assert refusal.value.line == 3


def test_loops_are_spectra_and_points_without_frequency_are_none(tmp_path: Path) -> None:
    """A loop column numbers the spectra; a point at frequency 0 is left out with a warning."""
    text = "freq/Hz,Z'/Ohm,Z''/Ohm,loop_index\n10,1,-1,0\n0,0,0,0\n10,1,-1,1\n"
    reading = read(tmp_path, text, "impedance_table")
    assert reading.spectra["spectrum_index"].to_list() == [1, 2]
    assert len(reading.warnings) == 1


@pytest.mark.parametrize("headings", ["Frequency,Zreal,Zimag", "freq/Hz,Z',Z''", "freq/Hz,Z'/Ohm cm2,Z''/Ohm cm2"])
def test_unit_that_is_not_stated_is_refused(tmp_path: Path, headings: str) -> None:
    """No unit is guessed, and the message tells what to write."""
    with pytest.raises(ParseError, match=r"as in freq/Hz, Re\(Z\)/Ohm, -Im\(Z\)/Ohm") as refusal:
        read(tmp_path, f"{headings}\n10,1,-1\n", "impedance_table")
    assert refusal.value.code == "unknown_unit"


def test_sign_that_cannot_be_told_is_refused(tmp_path: Path) -> None:
    """Positive values under a plain name are either of two things; the message tells what to do."""
    with pytest.raises(ParseError, match="name the column -Z''") as refusal:
        read(tmp_path, "freq/Hz,Z'/Ohm,Z''/Ohm\n10,1,2\n1,1,3\n", "impedance_table")
    assert refusal.value.code == "sign"


def test_parts_that_do_not_fit_modulus_and_phase_are_refused(tmp_path: Path) -> None:
    """Two columns in other units than their headings say contradict each other."""
    with pytest.raises(ContradictionError, match="another unit, or another sign"):
        read(tmp_path, "freq/Hz,Z'/Ohm,Z''/Ohm,|Z|/Ohm,Phase/deg\n10,3,4,5,-53.13\n1,3,4,5,-53.13\n", "impedance_table")


@pytest.mark.parametrize("text", ["10 1 -1\n1 2 -2\n", "10,1,-1\n", "time/s,E/V,I/A\n1,2,3\n", "freq/Hz,gain\n1,2\n"])
def test_tables_without_such_headings_are_not_claimed(tmp_path: Path, text: str) -> None:
    """Numbers without headings, and headings of other things, belong to nobody."""
    path = tmp_path / "file.csv"
    path.write_text(text)
    with pytest.raises(FormatUnknown):
        parsers.read(path)


def test_negative_frequency_is_refused(tmp_path: Path) -> None:
    """There is no frequency below zero."""
    with pytest.raises(ParseError, match="expected a positive frequency, found -1"):
        read(tmp_path, "freq/Hz,Z'/Ohm,-Z''/Ohm\n10,1,1\n-1,1,1\n", "impedance_table")


# --- programs


def test_zplot_gives_time_amplitude_and_start(tmp_path: Path) -> None:
    """Under voltage control Ampl and Bias are volts; Date is month first."""
    text = ZPLOT.format(control="Control Voltage", points=1) + ZPLOT_POINT.format(err=0)
    reading = read(tmp_path, text, "zplot_z")
    found = reading.spectra.row(0, named=True)
    assert (found["amplitude_voltage_volt"], found["bias_voltage_volt"], found["test_time_second"]) == (0.01, 0.25, 2.5)
    assert reading.about["start_time"] == "2018-10-12T03:32:21.000+00:00"


def test_zplot_amplitude_under_current_control_is_left_out(tmp_path: Path) -> None:
    """What Ampl is in under current control is not stated."""
    text = ZPLOT.format(control="Control Current", points=1) + ZPLOT_POINT.format(err=0)
    assert "amplitude_voltage_volt" not in read(tmp_path, text, "zplot_z").spectra.columns


def test_zplot_tells_of_missing_points_and_error_codes(tmp_path: Path) -> None:
    """Fewer points than announced, and codes of unknown meaning, are warnings."""
    text = ZPLOT.format(control="Control Voltage", points=5) + ZPLOT_POINT.format(err=2)
    assert len(read(tmp_path, text, "zplot_z").warnings) == 2


def test_autolabs_zplot_file_is_read(tmp_path: Path) -> None:
    """Commas part the points; columns that are 0 throughout were not recorded."""
    reading = read(tmp_path, Z60W + "1000,0,0,0,0.01,-0.002,0,0,0\n100,0,0,0,0.02,-0.003,0,0,0\n", "zplot_z")
    assert reading.spectra["imaginary_impedance_ohm"].to_list() == [-0.002, -0.003]
    assert "test_time_second" not in reading.spectra.columns


def test_chi_gives_potential_and_amplitude(tmp_path: Path) -> None:
    """Init E and Amplitude are those of the sweep."""
    reading = read(tmp_path, CHI + CHI_POINT, "chi_txt")
    found = reading.spectra.row(0, named=True)
    assert (found["imaginary_impedance_ohm"], found["bias_voltage_volt"]) == (-1.0, 0.1)
    assert reading.about["instrument"] == "CHI660E"


def test_chi_of_another_technique_is_refused(tmp_path: Path) -> None:
    """A voltammogram is claimed and refused with the reason."""
    text = "Feb. 20, 2020   15:55:08\nCyclic Voltammetry\nInstrument Model:  CHI660E\n\n"
    text += "Potential/V, Current/A\n\n0.1, 1e-6\n"
    with pytest.raises(ParseError, match="found 'Cyclic Voltammetry' without them") as refusal:
        read(tmp_path, text, "chi_txt")
    assert refusal.value.code == "unknown_layout"


def test_parstat_parts_direct_current_from_impedance(tmp_path: Path) -> None:
    """A record at frequency 0 is a measurement, another a point with its mean potential."""
    text = PARSTAT + "3.5\t-0.15\t10\t0\t0\t0\t0\t0\t\n3.4\t0.02\t20\t1000\t0.01\t-0.002\t0.005\t0.1\t\n"
    reading = read(tmp_path, text, "parstat_txt")
    assert reading.measurements.select("voltage_volt", "current_ampere").row(0) == (3.5, -0.15)
    assert reading.spectra.select("bias_voltage_volt", "amplitude_current_ampere").row(0) == (3.4, 0.1)


def test_single_precision_is_brought_back(tmp_path: Path) -> None:
    """3.49322700500488 is how a double prints the single-precision 3.493227."""
    reading = read(tmp_path, PARSTAT + "3.49322700500488\t-0.15\t10\t0\t0\t0\t0\t0\t\n", "parstat_txt")
    assert reading.measurements["voltage_volt"].to_list() == [3.493227]


def test_powersuite_is_in_hertz_and_ohm(tmp_path: Path) -> None:
    """The three headings are the program's own, and so are their units."""
    assert read(tmp_path, POWERSUITE, "powersuite_txt").spectra["imaginary_impedance_ohm"].to_list() == [-4.5]


def test_relaxis_spectra_stand_side_by_side(tmp_path: Path) -> None:
    """Every Data: Frequency begins a spectrum."""
    two = RELAXIS.replace("Data: Z''\n", "Data: Z''\tData: Frequency\tData: Z'\tData: Z''\n")
    reading = read(tmp_path, two + "10\t1\t-1\t20\t2\t-2\n", "relaxis_txt")
    assert reading.spectra["spectrum_index"].to_list() == [1, 2]
    assert reading.about["sample"] == "cell 7"


def test_versastudio_segments_are_read(tmp_path: Path) -> None:
    """Points at frequency 0 are measurements, the others a spectrum."""
    text = PAR + "0,0,3.5,0.1,1.0,0,0,0\n1,0,3.5,0.001,2.0,1000,10.5,-0.5\n</Segment1>\n"
    reading = read(tmp_path, text, "versastudio_par")
    assert (reading.measurements.height, reading.spectra["imaginary_impedance_ohm"].to_list()) == (1, [-0.5])


def test_nova_turns_its_signs_and_commas(tmp_path: Path) -> None:
    """-Z'' and decimal commas of a Nova export become Z'' and points."""
    reading = read(tmp_path, NOVA + "1;1000;13,5;0,5;13,509;2,12;1,5\n", "autolab_nova")
    found = reading.spectra.row(0, named=True)
    assert (found["real_impedance_ohm"], found["imaginary_impedance_ohm"]) == (13.5, -0.5)


def test_nova_measured_data_are_measurements(tmp_path: Path) -> None:
    """The measured potential and current of the working electrode make the rows."""
    text = "Potential applied (V);Time (s);WE(1).Current (A);WE(1).Potential (V);Scan;Index\n0.1;0.5;1E-6;0.1001;1;1\n"
    found = read(tmp_path, text, "autolab_nova").measurements.row(0, named=True)
    assert (found["voltage_volt"], found["current_ampere"], found["cycle_count"]) == (0.1001, 1e-06, 1)


def test_ivium_impedance_is_read(tmp_path: Path) -> None:
    """Three nameless columns of Method=Impedance are Z', Z'' and frequency."""
    reading = read(tmp_path, IDF % (b"Impedance", 3) + IDF_ROWS, "ivium_idf")
    assert reading.spectra["frequency_hertz"].to_list() == [1e5, 6.3e4]
    assert reading.about["start_time"] == "2022-12-12T08:18:49.000+00:00"


def test_ivium_without_version_is_read(tmp_path: Path) -> None:
    """An older file begins with other keys; what it measured stands in the same place."""
    newer = IDF % (b"Impedance", 3) + IDF_ROWS
    older = newer.replace(b"Version=12", b"\r\nPeaks=false", 1)
    assert older != newer
    found, wanted = (read(tmp_path, text, "ivium_idf").spectra for text in (older, newer))
    assert_frame_equal(found, wanted)


def test_ivium_of_another_method_is_refused(tmp_path: Path) -> None:
    """Columns of another method have other meanings, which nothing in the file names."""
    with pytest.raises(ParseError, match="'CyclicVoltammetry'") as refusal:
        read(tmp_path, IDF % (b"CyclicVoltammetry", 3) + IDF_ROWS, "ivium_idf")
    assert refusal.value.code == "unknown_layout"


WHOLE = {
    "zplot_z": (ZPLOT.format(control="Control Voltage", points=1) + ZPLOT_POINT.format(err=0)).encode(),
    "chi_txt": (CHI + CHI_POINT).encode(),
    "parstat_txt": (
        PARSTAT + "3.5\t-0.15\t10\t0\t0\t0\t0\t0\t\n3.4\t0.02\t20\t1000\t0.01\t-0.002\t0.005\t0.1\t\n"
    ).encode(),
    "powersuite_txt": POWERSUITE.encode(),
    "relaxis_txt": (RELAXIS + "10\t1\t-1\n").encode(),
    "versastudio_par": (PAR + "0,0,3.5,0.1,1.0,0,0,0\n1,0,3.5,0.001,2.0,1000,10.5,-0.5\n</Segment1>\n").encode(),
    "autolab_nova": (NOVA + "1;1000;13,5;0,5;13,509;2,12;1,5\n").encode(),
    "ivium_idf": IDF % (b"Impedance", 3) + IDF_ROWS,
    "impedance_table": b"freq/Hz,Z'/Ohm,-Z''/Ohm\n10,1,1\n1,2,2\n",
}


@pytest.mark.parametrize("name", WHOLE)
def test_cut_anywhere_gives_a_reading_or_a_refusal(tmp_path: Path, name: str) -> None:
    """No cut at any byte makes anything but whole points or a ParseError."""
    path = tmp_path / "file"
    for cut in range(1, len(WHOLE[name])):
        path.write_bytes(WHOLE[name][:cut])
        with suppress(ParseError, ContradictionError):
            reading = parsers.read_as(path, name)
            assert reading.measurements.height + reading.spectra.height <= 2

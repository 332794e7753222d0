"""Zahner's .ism: confirmed by Zahner's own fits of two of the files and by the texts that stand in them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import numpy as np
import pytest

import parsers
from parsers.contract import Peek
from parsers.zahner_ism import FORMAT, sniff
from warehouse.errors import ParseError

PREFIX: Final = "eis_other/Zahner-elektrik-Zahner-Analysis-Python__"
SECONDS: Final = 1.318750019e9
TEXTS: Final = ("151021", "dIODE", "0.3250v, aMPL: 10Mv", "153.5Ma", "", "", "one", "", "", "two", "", "")


def ism(
    frequency: tuple[float, ...] = (1e3, 1e2, 1e1),
    modulus: tuple[float, ...] = (1.0, 2.0, 2.0),
    texts: tuple[str, ...] = TEXTS,
    rest: bytes = b"",
    seconds: float = SECONDS,
) -> bytes:
    """Write a file of points at -90° that are a second apart."""
    count = len(frequency)
    lists = [*frequency, *modulus, *[-np.pi / 2] * count, *[seconds + number for number in range(count)]]
    head = b"\x00\x00\xff\xff\xff\xfe" + (count - 1).to_bytes(6, "big")
    written = b"".join(struct.pack(">H", len(text)) + text.encode("cp1252") for text in texts)
    return head + struct.pack(f">{4 * count}d", *lists) + struct.pack(f">{count}h", *[1000] * count) + written + rest


def pairs(*values: float, flags: int = 864, setting: float = 32944.0) -> bytes:
    """Write flags, settings, and the voltage and current of points."""
    settings = [0.0] * 32
    settings[27] = setting
    return struct.pack(">h", flags) + struct.pack(">32d", *settings) + struct.pack(f">{len(values)}d", *values)


def read(folder: Path, content: bytes) -> parsers.Reading:
    path = folder / "file.ism"
    path.write_bytes(content)
    return parsers.read(path)


def test_diode_is_what_zahner_fitted(corpus: Path) -> None:
    """Zahner's fit of the 300 mV diode: 0.19582 Ω in series with 29.8 nH, within its errors of 3.9 and 9.2 %."""
    spectra = parsers.read(corpus / f"{PREFIX}300_mvdc.ism").spectra
    omega = 2 * np.pi * spectra["frequency_hertz"].to_numpy()
    assert spectra["real_impedance_ohm"].mean() == pytest.approx(0.19581517440963866, rel=0.039)
    inductance = np.median(spectra["imaginary_impedance_ohm"].to_numpy() / omega)
    assert inductance == pytest.approx(2.981400039126004e-08, rel=0.092)


def test_dummy_cell_is_what_zahner_fitted(corpus: Path) -> None:
    """Zahner's fit of the dummy cell: 98.866 MΩ beside 147.84 pF, within its errors of 0.7 and 1.8 %."""
    spectra = parsers.read(corpus / f"{PREFIX}rc-data.ism").spectra
    omega = 2 * np.pi * spectra["frequency_hertz"].to_numpy()
    admittance = 1 / (spectra["real_impedance_ohm"].to_numpy() + 1j * spectra["imaginary_impedance_ohm"].to_numpy())
    assert 1 / np.median(admittance.real[-10:]) == pytest.approx(98865833.09, rel=0.01)
    assert np.median(admittance.imag / omega) == pytest.approx(1.478386875429157e-10, rel=0.03)


def test_texts_and_numbers_agree(corpus: Path) -> None:
    """The pairs are the 0.3250 V and 153.5 mA of the texts, the clock their 15 October 2021, 07:26:58 to 07:27:56."""
    reading = parsers.read(corpus / f"{PREFIX}300_mvdc.ism")
    last = reading.spectra.row(-1, named=True)
    assert (round(last["bias_voltage_volt"], 3), round(last["bias_current_ampere"], 4)) == (0.325, 0.1535)
    assert reading.about["start_time"] == "2021-10-14T22:26:59.207+00:00"
    assert reading.spectra["test_time_second"].max() == pytest.approx(57, abs=1.5)


def test_overlapping_beginning_is_a_sweep_of_its_own(corpus: Path) -> None:
    """The dummy cell was measured from 1 kHz up to 100 kHz and from there down to 0.2 Hz."""
    spectra = parsers.read(corpus / f"{PREFIX}rc-data.ism").spectra
    up, down = spectra.partition_by("spectrum_index")
    assert (up["frequency_hertz"][0], up["frequency_hertz"].max(), down["frequency_hertz"].min()) == (1049.3, 1e5, 0.2)


def test_clock_of_another_date_is_left_out(tmp_path: Path) -> None:
    """A simulation counts points where others have seconds: no time comes of that."""
    assert "test_time_second" in read(tmp_path, ism()).spectra.columns
    assert "test_time_second" not in read(tmp_path, ism(seconds=0.0)).spectra.columns
    assert "unix_time_second" not in read(tmp_path, ism(texts=("",) * 12)).spectra.columns


def test_modulus_and_phase_become_parts(tmp_path: Path) -> None:
    """2 Ω at -90° are -2i Ω."""
    row = read(tmp_path, ism()).spectra.row(1, named=True)
    assert row["imaginary_impedance_ohm"] == -2.0
    assert row["real_impedance_ohm"] == pytest.approx(0.0, abs=1e-15)


def test_letters_are_swapped_back(tmp_path: Path) -> None:
    """Texts are stored with small and capital letters swapped."""
    about = read(tmp_path, ism()).about
    assert (about["test_name"], about["potential"], about["comment"]) == ("Diode", "0.3250V, Ampl: 10mV", "ONE\nTWO")


@pytest.mark.parametrize(
    ("rest", "incomplete", "biased"),
    [
        (b"", False, False),
        (pairs(3.0, 1e-3, 3.0, 1e-3, 3.0, 1e-3), False, True),
        (pairs(3.0, 1e-3, 3.0, 1e-3, 3.0), True, False),
        (pairs(3.0, 1e-3, 3.0, 1e-3, 3.0, float("nan")), False, False),
        (pairs(flags=1), False, False),
        (pairs(setting=float("inf")), False, False),
        (b"\x03", True, False),
    ],
)
def test_what_follows_the_points_is_read_as_far_as_it_goes(
    tmp_path: Path, rest: bytes, *, incomplete: bool, biased: bool
) -> None:
    """A file that ends behind its points is read, and says so; pairs are taken when they are announced and whole."""
    reading = read(tmp_path, ism(rest=rest))
    assert (reading.incomplete, "bias_voltage_volt" in reading.spectra.columns) == (incomplete, biased)
    assert bool(reading.warnings) == incomplete


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ism(modulus=(1.0, -1.0, 1.0)), "point 2 is no impedance"),
        (ism(modulus=(1.0, float("nan"), 1.0)), "point 2 is no impedance"),
        (ism(frequency=(1e3, 0.0, 1.0)), "point 2 is no impedance"),
        (ism()[:100], "3 points take 114 bytes"),
        (b"\x00\x00\xff", "first bytes"),
        (b"\x00\x00\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff" + bytes(100), "points take"),
    ],
)
def test_bad_points_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    """Cut lists and impossible points are refused with their place."""
    path = tmp_path / "file.ism"
    path.write_bytes(content)
    with pytest.raises(ParseError, match=said) as refusal:
        parsers.read_as(path, FORMAT.name)
    assert refusal.value.byte is not None


@pytest.mark.parametrize("content", [b"", b"\x00\x00\xff\xff\xff\xfe", ism(frequency=(0.0, 0.0, 0.0)), bytes(5000)])
def test_others_are_not_claimed(tmp_path: Path, content: bytes) -> None:
    """First bytes without frequencies behind them are not enough."""
    path = tmp_path / "file.ism"
    path.write_bytes(content)
    assert not sniff(Peek(path, path.name))

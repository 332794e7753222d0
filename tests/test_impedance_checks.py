"""What is looked at before any fit, and refused."""

from __future__ import annotations

import numpy as np
import pytest
from made_spectra import CELL, RECIPE, Arc, Truth, disturb, drift, fit, frame, overdrive, sweep

from warehouse.impedance.checks import check_spectrum
from warehouse.impedance.kramers_kronig import check_kramers_kronig
from warehouse.impedance.reasons import REASONS
from warehouse.impedance.spectrum import read_spectrum

HERTZ = sweep()
SOUND = disturb(CELL.at(HERTZ), 0.002)


def refusal(*arguments: object, **columns: object) -> tuple[object, object]:
    row = fit(*arguments, **columns)  # type: ignore[arg-type]  # the tests below pass arrays and floats
    return row["status"], row["reason"]


def test_sound_spectrum_passes() -> None:
    """A spectrum of a circuit with 0.2 % noise passes, and its residuals are the noise."""
    check = check_spectrum(read_spectrum(frame(HERTZ, SOUND)), RECIPE)
    assert check.reason is None
    assert not check.failing.any()
    assert check.kramers_kronig is not None
    assert 0.0015 < check.kramers_kronig.rms < 0.003


@pytest.mark.parametrize("exponent", [1.0, 0.99, 0.9, 0.7, 0.5])
def test_chain_describes_every_arc(exponent: float) -> None:
    """Without noise the Kramers-Kronig model describes sharp and flat arcs within 1 %."""
    truth = Truth(100.0, (Arc(800.0, 2e3, exponent),), 900.0, 0.7)
    test = check_kramers_kronig(read_spectrum(frame(HERTZ, truth.at(HERTZ))), RECIPE)
    assert np.abs(test.residuals).max() < 0.01


def test_blocking_electrode_passes() -> None:
    """A capacitance in series over ten decades of modulus is no violation."""
    truth = Truth(100.0, (Arc(400.0, 1e5),), 1e9, 0.95)
    assert not check_kramers_kronig(read_spectrum(frame(HERTZ, truth.at(HERTZ))), RECIPE).failing.any()


@pytest.mark.parametrize("part", [0.3, 0.5, 1.0])
def test_drifting_cell_is_refused(part: float) -> None:
    """A cell whose impedance grows by 30 % or more during the spectrum fails the Kramers-Kronig test."""
    assert refusal(HERTZ, disturb(drift(CELL, HERTZ, part), 0.002)) == ("refused", "kramers_kronig")


def test_drift_is_named_at_its_frequencies() -> None:
    """The points that fail are those at low frequency, where the time goes."""
    row = fit(HERTZ, disturb(drift(CELL, HERTZ, 0.5), 0.002))
    failing = [float(word) for word in str(row["failing_points"]).split(", ")]
    assert failing
    assert max(failing) < 1
    assert row["points_used"] == 0


def test_strong_nonlinearity_is_refused() -> None:
    """A reaction that is driven far beyond its thermal voltage fails the Kramers-Kronig test."""
    hertz = sweep(1e5, 0.1)
    assert refusal(hertz, overdrive(hertz, 0.4)) == ("refused", "kramers_kronig")


def test_kramers_kronig_is_blind_to_mild_nonlinearity() -> None:
    """At 100 mV the resistance is a quarter too small and the test passes: the amplitude itself has to be judged."""
    hertz = sweep(1e5, 0.1)
    measured = overdrive(hertz, 0.1)
    assert measured[-1].real < 0.8 * 350
    assert refusal(hertz, measured)[1] != "kramers_kronig"
    assert refusal(hertz, measured, amplitude_voltage_volt=0.1) == ("refused", "excitation_too_large")


def test_noise_is_refused() -> None:
    """Noise of 3 % of the modulus leaves nothing to rely on."""
    assert refusal(HERTZ, disturb(CELL.at(HERTZ), 0.03)) == ("refused", "kramers_kronig")


def test_single_outlier_is_left_out_and_named() -> None:
    """A mains line spoils one point; it is named, left out, and the rest is fitted."""
    spoilt = SOUND.copy()
    place = int(np.argmin(np.abs(HERTZ - 60)))
    spoilt[place] *= 1.2
    row = fit(HERTZ, spoilt)
    assert row["status"] == "fitted"
    assert row["points_used"] == len(HERTZ) - 1
    assert float(str(row["failing_points"])) == pytest.approx(HERTZ[place], rel=1e-5)


def test_two_neighbours_are_no_outlier() -> None:
    """Two failing neighbours are the cell's own doing."""
    spoilt = SOUND.copy()
    spoilt[40:42] *= 1.2
    assert refusal(HERTZ, spoilt) == ("refused", "kramers_kronig")


def test_bias_drift_is_refused() -> None:
    """A voltage that moves by more than half the amplitude during the spectrum was not at rest."""
    time = np.linspace(0, 600, len(HERTZ))
    moving = {"test_time_second": time, "bias_voltage_volt": 3.9 + 0.01 * time / 600}
    assert refusal(HERTZ, SOUND, amplitude_voltage_volt=0.01, **moving) == ("refused", "bias_drift")
    assert refusal(HERTZ, SOUND, **moving) == ("refused", "bias_drift")


def test_noise_of_the_bias_is_no_drift() -> None:
    """A coarse voltmeter's noise is not taken for a drift."""
    bias = 3.9 + 0.008 * np.random.default_rng(1).standard_normal(len(HERTZ))
    assert refusal(HERTZ, SOUND, amplitude_voltage_volt=0.01, bias_voltage_volt=bias)[0] == "fitted"


def test_temperature_drift_is_refused() -> None:
    """A temperature that moves by more than a kelvin is refused."""
    assert refusal(HERTZ, SOUND, temperature_celsius=np.linspace(25, 27, len(HERTZ)))[1] == "temperature_drift"


def test_turned_sign_is_refused() -> None:
    """A capacitive cell with a positive imaginary part is not in the schema's convention."""
    assert refusal(HERTZ, SOUND.conj()) == ("refused", "mostly_inductive")


def test_short_spectra_are_not_applicable() -> None:
    """Too few points, or too narrow a band, is not a failed fit but no case for one."""
    assert refusal(HERTZ[:10], SOUND[:10]) == ("not_applicable", "too_few_points")
    narrow = sweep(1e3, 1e2, 20)
    assert refusal(narrow, CELL.at(narrow)) == ("not_applicable", "band_too_narrow")


@pytest.mark.parametrize("spoil", ["frequency", "impedance"])
def test_zero_is_no_point_of_a_spectrum(spoil: str) -> None:
    """A frequency or an impedance of zero is told, not divided by."""
    hertz, impedance = HERTZ.copy(), SOUND.copy()
    (hertz if spoil == "frequency" else impedance)[-1] = 0
    assert refusal(hertz, impedance) == ("not_applicable", "not_a_spectrum")


def test_every_reason_is_said_in_two_languages() -> None:
    """Each reason has an English and a Korean sentence for what it means and for what to do."""
    for code, sentence in REASONS.items():
        assert sentence.en.endswith("."), code
        assert sentence.en_do.endswith("."), code
        assert sentence.ko.endswith("."), code
        assert sentence.ko_do.endswith("."), code
        assert any("가" <= letter <= "힣" for letter in sentence.ko), code

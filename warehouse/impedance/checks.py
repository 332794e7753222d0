"""Whether a spectrum may be fitted: enough of it, linear, unchanging, and in the convention of the schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from warehouse.impedance.kramers_kronig import KramersKronig, check_kramers_kronig
from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.impedance.spectrum import Mask, Spectrum

# A coarse voltmeter's noise has a slope too; only what exceeds it is a drift.
SIGMAS: Final = 2.0
MOSTLY: Final = 0.5


@dataclass(frozen=True)
class Check:
    """What was found before any fit.

    Args:
        reason: why there is no fit, a key of ``reasons``; null when there may be one.
        applicable: whether the spectrum is one that could be fitted at all.
        failing: the points that fail the Kramers-Kronig test, those left out among them.
        used: the points to fit.
        kramers_kronig: the test of the points to fit; null when it did not come to it.
    """

    reason: str | None
    applicable: bool
    failing: Mask
    used: Mask
    kramers_kronig: KramersKronig | None = None


def check_spectrum(spectrum: Spectrum, recipe: ImpedanceRecipe) -> Check:
    """Judge a spectrum: extent, sign, excitation, drift, and the Kramers-Kronig relations."""
    everything, nothing = np.ones(spectrum.size, dtype=bool), np.zeros(spectrum.size, dtype=bool)
    # Cheapest first; the first reason found is the one that is told.
    if reason := _find_lack(spectrum, recipe):
        return Check(reason, applicable=False, failing=nothing, used=nothing)
    if reason := _find_fault(spectrum, recipe):
        return Check(reason, applicable=True, failing=nothing, used=nothing)
    first = check_kramers_kronig(spectrum, recipe)
    out, last = _leave_out(spectrum, first, recipe)
    # A mains line or a range change spoils a point by itself; neighbours are the cell's own doing.
    if last.failing.any() or (out[1:] & out[:-1]).any():
        return Check("kramers_kronig", applicable=True, failing=first.failing, used=nothing, kramers_kronig=first)
    return Check(None, applicable=True, failing=out, used=everything & ~out, kramers_kronig=last)


def _leave_out(spectrum: Spectrum, test: KramersKronig, recipe: ImpedanceRecipe) -> tuple[Mask, KramersKronig]:
    """Leave out the worst point after the other while points fail, as far as the recipe allows.

    One by one, because a bad point bends the model, and its neighbours seem to fail with it.
    """
    out = np.zeros(spectrum.size, dtype=bool)
    for _ in range(int(recipe.kk_isolated * spectrum.size)):
        if not test.failing.any():
            break
        out[np.flatnonzero(~out)[np.argmax(np.abs(test.residuals))]] = True
        test = check_kramers_kronig(spectrum.keep(~out), recipe)
    return out, test


def _find_lack(spectrum: Spectrum, recipe: ImpedanceRecipe) -> str | None:
    if spectrum.size < recipe.fewest_points:
        return "too_few_points"
    if spectrum.frequency[-1] <= 0 or not spectrum.modulus.all():
        return "not_a_spectrum"
    if spectrum.decades < recipe.narrowest_band_decade:
        return "band_too_narrow"
    return None


def _find_fault(spectrum: Spectrum, recipe: ImpedanceRecipe) -> str | None:
    if np.mean(spectrum.impedance.imag > 0) > MOSTLY:
        return "mostly_inductive"
    if len(spectrum.amplitude) and spectrum.amplitude.max() > recipe.largest_amplitude_volt:
        return "excitation_too_large"
    if len(spectrum.celsius) and np.ptp(spectrum.celsius) > recipe.drift_kelvin:
        return "temperature_drift"
    if len(spectrum.bias) and _measure_drift(spectrum) > _allow_drift(spectrum, recipe):
        return "bias_drift"
    return None


def _measure_drift(spectrum: Spectrum) -> float:
    """Return how far the bias has surely moved during the spectrum, V: along a straight line, less its uncertainty."""
    time = spectrum.second if len(spectrum.second) else np.arange(spectrum.size, dtype=np.float64)
    if not (span := float(np.ptp(time))):
        return 0.0
    line, covariance = np.polyfit(time / span, spectrum.bias, 1, cov=True)
    return max(abs(float(line[0])) - SIGMAS * float(np.sqrt(covariance[0, 0])), 0.0)


def _allow_drift(spectrum: Spectrum, recipe: ImpedanceRecipe) -> float:
    if len(spectrum.amplitude) and np.median(spectrum.amplitude) > 0:
        return recipe.drift_of_amplitude * float(np.median(spectrum.amplitude))
    return recipe.drift_volt

"""Linear Kramers-Kronig test: can any linear, stable, unchanging cell have this spectrum?

A chain of a resistance, an inductance, a capacitance and M resistance-capacitance elements, their time constants spread
evenly over the band, satisfies the Kramers-Kronig relations whatever its values, and its values follow from one linear
least squares. What it cannot describe is the spectrum's own fault (Boukamp, J. Electrochem. Soc. 142 (1995) 1885).

The elements' density is fixed. Letting M grow until resistances of alternating sign appear (Schönleber et al.,
Electrochim. Acta 131 (2014) 20) stops too early at sharp arcs: an ideal one was refused at 17 elements over 8 decades
and described to 0.3 % at 33, while the residuals of a drifting cell hardly fall between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.impedance.spectrum import Complexes, Mask, Spectrum

# A point gives two equations; the chain takes fewer unknowns than half of them.
MOST_PER_POINT: Final = 0.75
# Neighbouring elements are nearly alike; below this their difference is rounding.
SINGULAR: Final = 1e-12


@dataclass(frozen=True)
class KramersKronig:
    """Outcome of the test.

    Args:
        residuals: (Z - Z_model) / |Z| per point.
        failing: the points beyond the recipe's limit.
        elements: how many elements the model took.
    """

    residuals: Complexes
    failing: Mask
    elements: int

    @property
    def rms(self) -> float:
        """Root mean square of the residuals, as a part of the modulus."""
        return float(np.sqrt(np.mean(np.abs(self.residuals) ** 2)))


def check_kramers_kronig(spectrum: Spectrum, recipe: ImpedanceRecipe) -> KramersKronig:
    """Test a spectrum of at least a few points."""
    wanted = int(recipe.kk_elements_per_decade * spectrum.decades) + 1
    elements = max(min(wanted, int(MOST_PER_POINT * spectrum.size)), 2)
    residuals = _fit_chain(spectrum, elements)
    return KramersKronig(residuals, np.abs(residuals) > recipe.kk_point, elements)


def _fit_chain(spectrum: Spectrum, elements: int) -> Complexes:
    omega = spectrum.omega
    times = np.geomspace(1 / omega[0], 1 / omega[-1], elements)
    series = np.stack([np.ones_like(omega) + 0j, 1j * omega, 1 / (1j * omega)], axis=1)
    columns = np.concatenate([series, 1 / (1 + 1j * omega[:, None] * times)], axis=1) / spectrum.modulus[:, None]
    matrix = np.concatenate([columns.real, columns.imag])
    measured = spectrum.impedance / spectrum.modulus
    # Columns of one length: inductance and capacitance differ from the rest by a dozen orders of magnitude.
    length = np.linalg.norm(matrix, axis=0)
    target = np.concatenate([measured.real, measured.imag])
    values = np.linalg.lstsq(matrix / length, target, rcond=SINGULAR)[0] / length
    residuals: Complexes = measured - columns @ values
    return residuals

"""Parameters of a circuit with their covariance, and the choice among circuits.

Residuals are weighted by the modulus of the measured point: an instrument's error is taken for a part of |Z|, the same
part at every frequency, real and imaginary errors independent. Their size is not assumed but taken from the fit itself.
Neighbouring residuals that resemble each other show that the circuit, not noise, is what is wrong: the covariance then
counts fewer points than there are, by (1 - r) / (1 + r) with r the correlation of neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.stats import t as student

from warehouse.arrays import Doubles
from warehouse.impedance.circuits import EXPONENTS, Circuit, Scale, scale_of
from warehouse.impedance.minimise import Problem
from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.impedance.spectrum import Complexes, Spectrum
from warehouse.impedance.starts import guess_start

# The optimiser stays inside its bounds by a little.
AT_BOUND: Final = 0.005
# Beyond this the widening would follow from a handful of points and say nothing.
HIGHEST_CORRELATION: Final = 0.95
# Residuals that resemble their neighbours less than this are noise, and no further arc is sought in them.
NOISE: Final = 0.15
# Beyond this an interval has no width worth telling.
LARGEST_REACH: Final = 20.0


@dataclass(frozen=True)
class Fit:
    """A circuit with its parameters.

    Args:
        circuit: what was fitted.
        scale: what its parameters are measured in.
        parameters: in the circuit's order.
        residuals: (Z_fit - Z) / |Z| per point.
        slope: derivatives of the weighted impedance by the parameters, real parts above imaginary ones.
        converged: whether the optimiser found a minimum.
    """

    circuit: Circuit
    scale: Scale
    parameters: Doubles
    residuals: Complexes
    slope: Doubles
    converged: bool

    @cached_property
    def values(self) -> dict[str, float]:
        """Parameters by name."""
        return dict(zip(self.circuit.names, self.parameters.tolist(), strict=True))

    @cached_property
    def misfit(self) -> float:
        """Root mean square of the residuals, as a part of the modulus."""
        return float(np.sqrt(np.mean(np.abs(self.residuals) ** 2)))

    @cached_property
    def farthest(self) -> float:
        """Largest residual, as a part of the modulus."""
        return float(np.abs(self.residuals).max())

    @cached_property
    def spare(self) -> int:
        """Degrees of freedom: two per point, less one per parameter."""
        return 2 * len(self.residuals) - len(self.parameters)

    @cached_property
    def correlation(self) -> float:
        """How far neighbouring residuals resemble each other; 0 for noise."""
        own = np.sum(np.abs(self.residuals) ** 2)
        shared = np.sum((self.residuals[1:] * self.residuals[:-1].conj()).real)
        return float(np.clip(shared / own, 0.0, HIGHEST_CORRELATION)) if own > 0 else 0.0

    @cached_property
    def criterion(self) -> float:
        """Akaike's criterion with the correction for few points; lower is better."""
        points, parameters = 2 * len(self.residuals), len(self.parameters) + 1
        penalty = 2 * parameters + 2 * parameters * (parameters + 1) / max(points - parameters - 1, 1)
        return float(points * np.log(max(self.misfit**2 / 2, np.finfo(float).tiny)) + penalty)

    @cached_property
    def covariance(self) -> Doubles:
        """Of the parameters, were the residuals independent; one that rests on its bound counts as free to move."""
        # Columns of one length, so that what is hardly determined shows as a large variance and not as a failure.
        length = np.maximum(np.linalg.norm(self.slope, axis=0), np.finfo(float).tiny)
        inverse = np.linalg.pinv((self.slope / length).T @ (self.slope / length), rcond=1e-15, hermitian=True)
        covariance: Doubles = inverse / np.outer(length, length) * self.misfit**2 * len(self.residuals) / self.spare
        return covariance

    @property
    def widening(self) -> float:
        """Factor on every standard error for residuals that resemble their neighbours."""
        return float(np.sqrt((1 + self.correlation) / (1 - self.correlation)))

    def quantile(self, confidence: float) -> float:
        """Return how many standard errors an interval reaches to either side."""
        return float(student.ppf(0.5 + confidence / 2, self.spare))


def fit_circuit(circuit: Circuit, spectrum: Spectrum, smaller: Fit | None = None) -> Fit:
    """Fit one circuit.

    Args:
        circuit: what to fit.
        spectrum: to what.
        smaller: the fit of the circuit with one arc less, a place to begin from.
    """
    scale = scale_of(spectrum)
    start = guess_start(circuit, spectrum, scale, smaller.values if smaller else {})
    problem = Problem(circuit, spectrum, scale, start)
    converged = problem.solve()
    return Fit(circuit, scale, problem.parameters, problem.residuals, problem.slope, converged)


def choose_fit(spectrum: Spectrum, recipe: ImpedanceRecipe) -> Fit | None:
    """Return the simplest circuit that describes a spectrum about as well as any whose parameters it determines.

    Null when no circuit's parameters are determined.
    """
    best: Fit | None = None
    latest: dict[bool, Fit] = {}
    for circuit in _circuits(spectrum, recipe):
        if best is not None and best.correlation < NOISE and circuit.arcs > best.circuit.arcs:
            break
        fit = latest[circuit.tail] = fit_circuit(circuit, spectrum, latest.get(circuit.tail))
        # An arc that the data do not determine lowers the misfit all the same, so misfit alone must not choose.
        if not is_determined(fit, recipe):
            continue
        gain = recipe.aicc_gain if best and len(circuit.names) > len(best.circuit.names) else 0.0
        if best is None or fit.criterion < best.criterion - gain:
            best = fit
    return best


def is_determined(fit: Fit, recipe: ImpedanceRecipe) -> bool:
    """Say whether a fit converged on parameters of its own.

    No arc or tail of unknown size, none as flat as the model allows, no two arcs in one place.
    """
    reach, errors = fit.quantile(recipe.confidence), np.sqrt(np.diag(fit.covariance))
    sizes = [place for place, name in enumerate(fit.circuit.names) if name[0] in "RA" and name != "R0"]
    widest = max(width_of(reach * errors[place]) for place in sizes)
    flattest = min((value for name, value in fit.values.items() if name[0] == "n"), default=1.0)
    times = np.sort([value for name, value in fit.values.items() if name[0] == "t"])
    apart = bool((np.diff(times) > np.log(recipe.closest_arcs)).all())
    return fit.converged and apart and widest <= recipe.widest_interval and flattest > EXPONENTS[0] + AT_BOUND


def width_of(reach: float) -> float:
    """Return the width, as a part of the value, of an interval that reaches so far to either side of its logarithm."""
    return float(2 * np.sinh(min(reach, LARGEST_REACH)))


def _circuits(spectrum: Spectrum, recipe: ImpedanceRecipe) -> Iterator[Circuit]:
    """Yield the circuits from the simplest on; an inductance where the spectrum begins inductive."""
    inductive = bool(spectrum.impedance[0].imag > 0)
    yield Circuit(0, tail=True, inductance=inductive)
    for arcs in range(1, recipe.most_arcs + 1):
        yield Circuit(arcs, tail=False, inductance=inductive)
        yield Circuit(arcs, tail=True, inductance=inductive)

"""Weighted least squares of a circuit's parameters between bounds, by SciPy's trust region with our derivatives."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import least_squares

from warehouse.arrays import Doubles
from warehouse.impedance.circuits import Circuit, Scale, bound, simulate
from warehouse.impedance.spectrum import Complexes, Spectrum

EVALUATIONS: Final = 50
# A relative change of the sum of squares that moves no parameter by a hundredth of its standard error.
TOLERANCE: Final = 1e-7


class Problem:
    """Residuals of a circuit, weighted by the modulus, and their slope.

    Args:
        circuit: what is fitted.
        spectrum: to what.
        scale: of its parameters.
        start: values to begin with.
    """

    def __init__(self, circuit: Circuit, spectrum: Spectrum, scale: Scale, start: Doubles) -> None:
        self._circuit, self._spectrum, self._scale = circuit, spectrum, scale
        self._evaluate(start)

    def solve(self) -> bool:
        """Move to the minimum; say whether there is one."""
        ends = bound(self._circuit, self._spectrum)
        found = least_squares(
            self._measure,
            self.parameters,
            jac=self._differentiate,
            bounds=ends,
            x_scale="jac",
            ftol=TOLERANCE,
            max_nfev=EVALUATIONS,
        )
        self._move(found.x)
        return bool(found.status > 0)

    def _evaluate(self, parameters: Doubles) -> None:
        self.parameters = parameters.copy()
        impedance, slope = simulate(self._circuit, parameters, self._scale)
        self.residuals: Complexes = (impedance - self._spectrum.impedance) / self._spectrum.modulus
        self.slope: Doubles = _stack(slope / self._spectrum.modulus[:, None])

    def _move(self, parameters: Doubles) -> None:
        # The optimiser asks for the residuals and for their slope at each place.
        if not np.array_equal(parameters, self.parameters):
            self._evaluate(parameters)

    def _measure(self, parameters: Doubles) -> Doubles:
        self._move(parameters)
        return _stack(self.residuals)

    def _differentiate(self, parameters: Doubles) -> Doubles:
        self._move(parameters)
        return self.slope


def _stack(values: Complexes) -> Doubles:
    return np.concatenate([values.real, values.imag])

"""The circuits that are fitted: impedance, derivatives and bounds over one vector of parameters.

A circuit is a series of a resistance R0, where the spectrum begins inductive an inductance L, up to three arcs (R|Q)
and, where the cell blocks or diffuses, a tail Q. Its parameters, in this order:

============== ===================================================================================================
``R0``         resistance, in units of the spectrum's smallest modulus; may come out negative, and is refused then
``L``          ln of the inductance, H
``R1, t1, n1`` arc ``R / (1 + (jωτ)^n)``: ln R (Ω), ln τ (s), n; its Q is τ^n / R, its capacitance
               (QR)^(1/n) / R is τ / R
``A, m``       tail ``A (jω/ω_low)^-m``: ln A, the modulus at the band's lower end (Ω), and m; its Q is
               1 / (A ω_low^m)
============== ===================================================================================================

Logarithms make relative errors of one size out of values that span ten decades, and keep positive what is positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from warehouse.arrays import Doubles
from warehouse.impedance.spectrum import Complexes, Spectrum

# Beyond the band by a factor of a thousand an arc is a resistance or a tail, and farther out it stays one.
TIME_MARGIN: Final = 7.0
RESISTANCE_MARGIN: Final = 12.0
# An arc flatter than this has no ends to speak of.
EXPONENTS: Final = (0.3, 1.0)
TAIL_EXPONENTS: Final = (0.1, 1.0)
# From 14 pH, less than any lead has, to 1 H.
INDUCTANCES: Final = (-25.0, 0.0)
# R0 may come out negative, so that its interval is honest where it is zero.
SERIES: Final = (-50.0, 50.0)


@dataclass(frozen=True)
class Circuit:
    """Which elements there are."""

    arcs: int
    tail: bool
    inductance: bool

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameters in their order."""
        arcs = [f"{letter}{number}" for number in range(1, self.arcs + 1) for letter in "Rtn"]
        return ("R0", *(["L"] if self.inductance else []), *arcs, *(["A", "m"] if self.tail else []))

    def __str__(self) -> str:
        """The circuit as chemists write it."""
        arcs = [f"(R{number}|Q{number})" for number in range(1, self.arcs + 1)]
        return "-".join([*(["L"] if self.inductance else []), "R0", *arcs, *(["Q"] if self.tail else [])])


@dataclass(frozen=True)
class Scale:
    """What a spectrum's parameters are measured in: jω as logarithm, the lowest ω, the smallest modulus."""

    log_omega: Complexes
    log_lowest: float
    smallest: float


def scale_of(spectrum: Spectrum) -> Scale:
    """Return the scale of a spectrum's parameters."""
    log_omega = np.log(spectrum.omega) + 0.5j * np.pi
    return Scale(log_omega, float(np.log(spectrum.omega[-1])), float(spectrum.modulus.min()))


def simulate(circuit: Circuit, parameters: Doubles, scale: Scale) -> tuple[Complexes, Complexes]:
    """Return the impedance at each frequency, and its derivative by each parameter (points x parameters)."""
    columns = [np.full(len(scale.log_omega), scale.smallest, dtype=np.complex128)]
    total, place = parameters[0] * columns[0], 1
    if circuit.inductance:
        columns.append(np.exp(parameters[1] + scale.log_omega))
        total, place = total + columns[-1], 2
    for _ in range(circuit.arcs):
        arc = _simulate_arc(parameters[place : place + 3], scale)
        columns += arc
        total, place = total + arc[0], place + 3
    if circuit.tail:
        tail = _simulate_tail(parameters[place:], scale)
        columns += tail
        total = total + tail[0]
    return total, np.stack(columns, axis=1)


def bound(circuit: Circuit, spectrum: Spectrum) -> tuple[Doubles, Doubles]:
    """Return the lowest and the highest value of each parameter."""
    resistances = np.log(spectrum.modulus.min()) - RESISTANCE_MARGIN, np.log(spectrum.modulus.max()) + RESISTANCE_MARGIN
    times = -np.log(spectrum.omega[0]) - TIME_MARGIN, -np.log(spectrum.omega[-1]) + TIME_MARGIN
    by_letter = {"L": INDUCTANCES, "R": resistances, "t": times, "n": EXPONENTS, "A": resistances, "m": TAIL_EXPONENTS}
    pairs = [SERIES if name == "R0" else by_letter[name[0]] for name in circuit.names]
    lowest, highest = zip(*pairs, strict=True)
    return np.array(lowest), np.array(highest)


def _simulate_arc(parameters: Doubles, scale: Scale) -> list[Complexes]:
    resistance, exponent = np.exp(parameters[0]), parameters[2]
    shifted = scale.log_omega + parameters[1]
    power = np.exp(exponent * shifted)
    part = 1 / (1 + power)
    slope = -resistance * power * part**2
    return [resistance * part, exponent * slope, shifted * slope]


def _simulate_tail(parameters: Doubles, scale: Scale) -> list[Complexes]:
    above = scale.log_omega - scale.log_lowest
    tail = np.exp(parameters[0] - parameters[1] * above)
    return [tail, -tail * above]

"""Impedance spectra from known circuits, with noise and with what spoils a measurement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import i1

from warehouse.impedance.figures import Geometry
from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.impedance.tables import SpectrumResults, fit_spectra

Doubles = NDArray[np.float64]
Complexes = NDArray[np.complex128]

RECIPE: Final = ImpedanceRecipe()
NOWHERE: Final = Geometry()
# Twice the thermal voltage at 25 °C: where a reaction's hyperbolic sine bends.
BEND_VOLT: Final = 0.0514


@dataclass(frozen=True)
class Arc:
    """A depressed semicircle: resistance, frequency of its apex, exponent."""

    ohm: float
    hertz: float
    exponent: float = 0.9


@dataclass(frozen=True)
class Truth:
    """A circuit: R0, arcs, and a tail given by its modulus at 10 mHz and its exponent."""

    ohm: float
    arcs: Sequence[Arc] = ()
    tail_ohm: float = 0.0
    tail_exponent: float = 0.6
    henry: float = 0.0

    def at(self, hertz: Doubles) -> Complexes:
        """Return its impedance."""
        total = self.ohm + 2j * np.pi * hertz * self.henry
        for arc in self.arcs:
            total = total + arc.ohm / (1 + (1j * hertz / arc.hertz) ** arc.exponent)
        if self.tail_ohm:
            total = total + self.tail_ohm * (1j * hertz / 0.01) ** -self.tail_exponent
        return np.asarray(total, dtype=np.complex128)


CELL: Final = Truth(100.0, (Arc(400.0, 5e3),), 200.0)


def sweep(highest: float = 1e6, lowest: float = 1e-2, per_decade: int = 10) -> Doubles:
    """Return frequencies from the highest to the lowest."""
    return np.geomspace(highest, lowest, round(np.log10(highest / lowest) * per_decade) + 1)


def disturb(impedance: Complexes, part: float, seed: int = 0) -> Complexes:
    """Add noise of a part of the modulus to both parts."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal(impedance.size) + 1j * random.standard_normal(impedance.size)
    return impedance + np.abs(impedance) * part * noise


def drift(truth: Truth, hertz: Doubles, part: float) -> Complexes:
    """Measure a cell whose impedance grows by a part while it is measured, two periods a point."""
    time = np.cumsum(2 / hertz)
    return truth.at(hertz) * (1 + part * time / time[-1])


def overdrive(hertz: Doubles, volt: float) -> Complexes:
    """Measure 300 Ω beside 3 µF, behind 50 Ω, by the fundamental alone: the resistance is a hyperbolic sine's."""

    def interface(omega: float, across: float) -> complex:
        bent = across / BEND_VOLT
        resistance = 300.0 if bent < 1e-6 else 300.0 * (bent / 2) / i1(bent)
        return complex(1 / (1 / resistance + 3e-6j * omega))

    def lack(across: float, omega: float) -> float:
        own = interface(omega, across)
        return across - volt * abs(own / (own + 50))

    across = [brentq(lack, 0, 1.001 * volt, args=(omega,)) for omega in 2 * np.pi * hertz]
    return np.array([50 + interface(omega, own) for omega, own in zip(2 * np.pi * hertz, across, strict=True)])


def frame(hertz: Doubles, impedance: Complexes, **columns: float | Doubles) -> pl.DataFrame:
    """Return a spectrum as rows of the warehouse, of test ``t``."""
    return pl.DataFrame(
        {
            "test_id": "t",
            "revision": 1,
            "spectrum_index": 1,
            "frequency_hertz": hertz,
            "real_impedance_ohm": impedance.real,
            "imaginary_impedance_ohm": impedance.imag,
            **columns,
        }
    )


def fit(
    hertz: Doubles, impedance: Complexes, geometry: Geometry = NOWHERE, **columns: float | Doubles
) -> dict[str, object]:
    """Return the row of one spectrum."""
    return fit_all(hertz, impedance, geometry, **columns).fits.row(0, named=True)


def fit_all(
    hertz: Doubles, impedance: Complexes, geometry: Geometry = NOWHERE, **columns: float | Doubles
) -> SpectrumResults:
    """Return everything about one spectrum."""
    return fit_spectra(frame(hertz, impedance, **columns), geometry, RECIPE)

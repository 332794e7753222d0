"""One spectrum as arrays, from the highest frequency to the lowest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import Doubles, doubles

Complexes = NDArray[np.complex128]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Spectrum:
    """The points of one spectrum; what was not recorded is empty.

    Args:
        frequency: Hz, falling.
        impedance: Ω; negative imaginary part when capacitive.
        second: test time of each point, or empty.
        bias: mean cell voltage during each point, V, or empty.
        amplitude: amplitude of the voltage, V, or empty.
        celsius: temperature of each point, or empty.
    """

    frequency: Doubles
    impedance: Complexes
    second: Doubles
    bias: Doubles
    amplitude: Doubles
    celsius: Doubles

    @cached_property
    def omega(self) -> Doubles:
        """Angular frequency, 1/s."""
        return 2 * np.pi * self.frequency

    @cached_property
    def modulus(self) -> Doubles:
        """Modulus of the impedance, Ω."""
        return np.abs(self.impedance)

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.frequency)

    @property
    def decades(self) -> float:
        """Width of the band in decades."""
        return float(np.log10(self.frequency[0] / self.frequency[-1]))

    def keep(self, wanted: Mask) -> Spectrum:
        """Return the spectrum without the points that are not wanted."""
        names = ("frequency", "impedance", "second", "bias", "amplitude", "celsius")
        arrays = {name: getattr(self, name) for name in names}
        return replace(self, **{name: array[wanted] for name, array in arrays.items() if len(array)})


def read_spectrum(frame: pl.DataFrame) -> Spectrum:
    """Take one spectrum out of rows of ``schema.SPECTRA``."""
    frequency = doubles(frame["frequency_hertz"])
    # Ties keep the order in which they were measured, so that the same rows always give the same numbers.
    order = np.argsort(-frequency, kind="stable")
    real, imaginary = doubles(frame["real_impedance_ohm"]), doubles(frame["imaginary_impedance_ohm"])
    return Spectrum(
        frequency[order],
        (real + 1j * imaginary)[order],
        _take(frame, "test_time_second", order),
        _take(frame, "bias_voltage_volt", order),
        _take(frame, "amplitude_voltage_volt", order),
        _take(frame, "temperature_celsius", order),
    )


def _take(frame: pl.DataFrame, name: str, order: NDArray[np.intp]) -> Doubles:
    """Return a column in order, or nothing unless each point has a value."""
    if name not in frame.columns or frame[name].null_count():
        return np.empty(0)
    return doubles(frame[name])[order]

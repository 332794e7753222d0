"""Impedance spectra to numbers: checked first, fitted second, refused rather than guessed.

``tables.fit_spectra`` makes rows of SPECTRUM_FITS and SPECTRUM_ELEMENTS, ``arrhenius.fit_arrhenius`` rows of ARRHENIUS
over the temperatures of a cell. ``spectrum`` holds the points, ``kramers_kronig`` and ``checks`` judge them,
``circuits`` and ``starts`` give a model and where to begin, ``minimise`` finds its parameters, ``fits`` chooses among
circuits, ``figures`` makes of them what a firm reads, ``reasons`` says in two languages why a figure is missing.
"""

from __future__ import annotations

from typing import Final

from warehouse.impedance.computations import compute_arrhenius, compute_fits
from warehouse.metrics.computation import Computation
from warehouse.schema import ARRHENIUS, SPECTRUM_ELEMENTS, SPECTRUM_FITS

COMPUTATIONS: Final = (
    Computation("spectrum_fits", "test", (SPECTRUM_FITS, SPECTRUM_ELEMENTS), compute_fits, section="impedance"),
    Computation("arrhenius", "cell", (ARRHENIUS,), compute_arrhenius, reads=("spectrum_fits",), section="impedance"),
)

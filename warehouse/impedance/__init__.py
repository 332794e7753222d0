"""Impedance spectra to numbers: checked first, fitted second, refused rather than guessed.

::

    results = fit_spectra(spectra, geometry, recipe)     # rows of SPECTRUM_FITS and SPECTRUM_ELEMENTS
    series = fit_arrhenius(fits, recipe)                 # rows of ARRHENIUS, over the temperatures of a cell

``spectrum`` holds the points, ``kramers_kronig`` and ``checks`` judge them, ``circuits`` and ``starts`` give a model
and where to begin, ``minimise`` finds its parameters, ``fits`` chooses among circuits, ``figures`` makes of them what a
firm reads, ``reasons`` says in two languages why a figure is missing.
"""

from __future__ import annotations

from warehouse.impedance.arrhenius import fit_arrhenius
from warehouse.impedance.figures import Geometry
from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.impedance.tables import SpectrumResults, fit_spectra

__all__ = ["Geometry", "ImpedanceRecipe", "SpectrumResults", "fit_arrhenius", "fit_spectra"]

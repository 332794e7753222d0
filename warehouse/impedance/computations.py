"""The computations of this package, as the night runs them; SciPy is loaded when there is a spectrum."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.metrics.inputs import CellInputs, TestInputs
from warehouse.schema import ARRHENIUS, SPECTRUM_ELEMENTS, SPECTRUM_FITS

# The electrode's area is what current flows through; a die or a package is named as what it is.
AREAS: Final = ("active_area_square_metre", "electrode"), ("die_area_square_metre", "die")


def compute_fits(inputs: TestInputs, recipe: ImpedanceRecipe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Check and fit every spectrum of a test; rows of ``SPECTRUM_FITS`` and ``SPECTRUM_ELEMENTS``."""
    if not inputs.test["spectra"]:
        return SPECTRUM_FITS.empty(), SPECTRUM_ELEMENTS.empty()
    from warehouse.impedance.figures import Geometry  # noqa: PLC0415 most tests have no spectra, and SciPy loads slowly
    from warehouse.impedance.tables import fit_spectra  # noqa: PLC0415 likewise

    named = {name: pl.lit(inputs.test[name]) for name in ("test_id", "revision")}
    geometry = Geometry(*_find_area(inputs.cell), (inputs.cell or {}).get("electrolyte_thickness_metre"))
    return fit_spectra(inputs.read_spectra().with_columns(**named), geometry, recipe)


def compute_arrhenius(inputs: CellInputs, recipe: ImpedanceRecipe) -> tuple[pl.DataFrame]:
    """Fit activation energies over the temperatures of a cell; rows of ``ARRHENIUS``."""
    fits = inputs.results[SPECTRUM_FITS.name]
    if fits["temperature_celsius"].null_count() == fits.height:
        return (ARRHENIUS.empty(),)
    from warehouse.impedance.arrhenius import fit_arrhenius  # noqa: PLC0415 SciPy loads slowly

    return (fit_arrhenius(fits.with_columns(firm=pl.lit(inputs.firm, dtype=pl.String)), recipe),)


def _find_area(cell: Any) -> tuple[float | None, str | None]:
    known = ((cell[name], kind) for name, kind in AREAS if cell and cell[name])
    return next(known, (None, None))

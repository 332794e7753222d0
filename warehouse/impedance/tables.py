"""Spectra of the warehouse in, rows of the warehouse out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from warehouse.arrays import Doubles, doubles
from warehouse.impedance.checks import Check, check_spectrum
from warehouse.impedance.figures import Element, Figure, Figures, Geometry, interpolate, read_figures
from warehouse.impedance.fits import Fit, choose_fit
from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.impedance.spectrum import Spectrum, read_spectrum
from warehouse.schema import SPECTRUM_ELEMENTS, SPECTRUM_FITS

Values = dict[str, object]
KEYS = ("test_id", "revision", "spectrum_index")


class SpectrumResults(NamedTuple):
    """Rows of ``schema.SPECTRUM_FITS`` and of ``schema.SPECTRUM_ELEMENTS``."""

    fits: pl.DataFrame
    elements: pl.DataFrame


def fit_spectra(
    spectra: pl.DataFrame,
    geometry: Geometry,
    recipe: ImpedanceRecipe,
    stated_celsius: Mapping[str, float] | None = None,
) -> SpectrumResults:
    """Check and fit every spectrum of one cell.

    Args:
        spectra: rows of ``schema.SPECTRA`` with ``test_id`` and ``revision``, in the order of measurement.
        geometry: of the cell, from its manifest.
        recipe: every threshold.
        stated_celsius: temperatures that somebody stated, by test; used where the file recorded none.

    Returns:
        One row per spectrum, in the order of test and spectrum, and the elements of the fits that were accepted.
    """
    fits: list[Values] = []
    elements: list[Values] = []
    for keys, rows in spectra.group_by(KEYS, maintain_order=True):
        key = dict(zip(KEYS, keys, strict=True))
        result = _fit_one(read_spectrum(rows), geometry, recipe)
        stated = (stated_celsius or {}).get(str(key["test_id"]))
        fits.append({**key, **_describe_conditions(rows, stated), **result.row(geometry, recipe)})
        elements += [{**key, **_describe_element(element)} for element in result.elements]
    return SpectrumResults(_frame(fits, SPECTRUM_FITS.dtypes), _frame(elements, SPECTRUM_ELEMENTS.dtypes))


class _Result(NamedTuple):
    """Everything that became of one spectrum."""

    spectrum: Spectrum
    check: Check
    fit: Fit | None
    figures: Figures | None
    status: str
    reason: str | None

    @property
    def elements(self) -> tuple[Element, ...]:
        return self.figures.elements if self.figures else ()

    def row(self, geometry: Geometry, recipe: ImpedanceRecipe) -> Values:
        """Return its columns of ``schema.SPECTRUM_FITS``."""
        return {
            "status": self.status,
            "reason": self.reason,
            **_describe_points(self.spectrum, self.check, recipe),
            **(_describe_fit(self.fit) if self.fit else {}),
            **(_describe_figures(self.figures, geometry) if self.figures else {}),
            "confidence": recipe.confidence,
        }


def _fit_one(spectrum: Spectrum, geometry: Geometry, recipe: ImpedanceRecipe) -> _Result:
    check = check_spectrum(spectrum, recipe)
    if check.reason is not None:
        return _Result(spectrum, check, None, None, "refused" if check.applicable else "not_applicable", check.reason)
    used = spectrum.keep(check.used)
    fit = choose_fit(used, recipe)
    if fit is None:
        return _Result(spectrum, check, None, None, "refused", "undetermined")
    # A small mean misfit may hide an end of the band that the circuit misses.
    if fit.misfit > recipe.misfit or fit.farthest > recipe.misfit_point:
        return _Result(spectrum, check, fit, None, "refused", "misfit")
    figures = read_figures(fit, used, geometry, recipe)
    status, reason = ("fitted", None) if figures.tells else ("refused", "no_resistance")
    return _Result(spectrum, check, fit, figures, status, reason)


def _describe_conditions(rows: pl.DataFrame, stated: float | None) -> Values:
    recorded = _mean(rows, "temperature_celsius")
    seconds = _column(rows, "test_time_second")
    source = "recorded" if recorded is not None else "stated" if stated is not None else None
    return {
        "temperature_celsius": stated if recorded is None else recorded,
        "temperature_source": source,
        "bias_voltage_volt": _mean(rows, "bias_voltage_volt"),
        "state_of_charge": _mean(rows, "state_of_charge"),
        "cycle_count": rows["cycle_count"][0] if "cycle_count" in rows.columns else None,
        "start_time_second": float(seconds.min()) if len(seconds) else None,
        "duration_second": float(np.ptp(seconds)) if len(seconds) else None,
        "start_unix_time_second": rows["unix_time_second"].min() if "unix_time_second" in rows.columns else None,
    }


def _describe_points(spectrum: Spectrum, check: Check, recipe: ImpedanceRecipe) -> Values:
    # What was measured at one frequency stands, whatever becomes of the fit.
    acir = interpolate(spectrum, recipe.acir_hertz) if check.applicable else None
    test = check.kramers_kronig
    return {
        "points": spectrum.size,
        "points_used": int(check.used.sum()),
        "failing_points": ", ".join(f"{hertz:.6g}" for hertz in spectrum.frequency[check.failing]),
        "lowest_frequency_hertz": float(spectrum.frequency[-1]),
        "highest_frequency_hertz": float(spectrum.frequency[0]),
        "kramers_kronig_rms": test.rms if test else None,
        "kramers_kronig_largest": float(np.abs(test.residuals).max()) if test else None,
        "acir_frequency_hertz": recipe.acir_hertz if acir is not None else None,
        "acir_modulus_ohm": abs(acir) if acir is not None else None,
        "acir_real_ohm": acir.real if acir is not None else None,
    }


def _describe_fit(fit: Fit) -> Values:
    return {"circuit": str(fit.circuit), "misfit": fit.misfit, "residual_correlation": fit.correlation}


def _describe_figures(figures: Figures, geometry: Geometry) -> Values:
    area = geometry.area_square_metre
    return {
        **_describe_figure(figures.hf, "hf_resistance", "ohm"),
        **_describe_figure(figures.interface, "interface_resistance", "ohm"),
        **_describe_figure(figures.conductivity, "ionic_conductivity", "siemens_per_metre"),
        "hf_area_resistance_ohm_square_metre": _times(figures.hf.value, area),
        "interface_area_resistance_ohm_square_metre": _times(figures.interface.value, area),
        "area_square_metre": area,
        "area_kind": geometry.area_kind,
        "interface_capacitance_farad": figures.interface_capacitance,
        "electrolyte_peak_hertz": figures.electrolyte_hertz,
    }


def _describe_element(element: Element) -> Values:
    return {
        "element": element.name,
        "place": element.place,
        **_describe_figure(element.resistance, "resistance", "ohm"),
        "exponent": element.exponent.value,
        "exponent_low": element.exponent.low,
        "exponent_high": element.exponent.high,
        "q_siemens_second_power": element.q,
        "capacitance_farad": element.capacitance,
        "apex_hertz": element.apex_hertz,
        "relative_permittivity": element.permittivity,
        "inductance_henry": element.inductance,
    }


def _describe_figure(figure: Figure, name: str, unit: str) -> Values:
    return {
        f"{name}_{unit}": figure.value,
        f"{name}_low_{unit}": figure.low,
        f"{name}_high_{unit}": figure.high,
        f"{name}_reason": figure.reason,
    }


def _times(value: float | None, factor: float | None) -> float | None:
    return None if value is None or factor is None else value * factor


def _mean(rows: pl.DataFrame, name: str) -> float | None:
    values = _column(rows, name)
    return float(values.mean()) if len(values) else None


def _column(rows: pl.DataFrame, name: str) -> Doubles:
    return doubles(rows[name].drop_nulls()) if name in rows.columns else np.empty(0)


def _frame(rows: list[Values], dtypes: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dtypes).sort(KEYS)

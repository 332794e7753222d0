"""Activation energies over the temperatures of a cell.

``ln y = ln y0 - Ea / (k T)`` by least squares, every spectrum one point; the interval is Student's, from the scatter
about the line. ``y`` is the conductivity where geometry and band give it, else 1/R. The same points give another energy
with T times y than with y, so both are stored, each under its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from scipy.stats import linregress
from scipy.stats import t as student

from warehouse.arrays import Doubles, doubles
from warehouse.impedance.recipe import ImpedanceRecipe
from warehouse.schema import ARRHENIUS

BOLTZMANN: Final = 8.617333262e-5
ZERO_CELSIUS: Final = 273.15
# Quantity, its column in spectrum_fits, whether it falls as the cell warms, and what its logarithms are called.
QUANTITIES: Final = (
    ("hf_resistance", "hf_resistance_ohm", -1.0, ("ln(1/R)", "ln(T/R)")),
    ("interface_resistance", "interface_resistance_ohm", -1.0, ("ln(1/R)", "ln(T/R)")),
    ("ionic_conductivity", "ionic_conductivity_siemens_per_metre", 1.0, ("ln(sigma)", "ln(sigma T)")),
)


@dataclass(frozen=True)
class Line:
    """A straight line over 1/T: energies in electronvolt."""

    energy: float
    low: float
    high: float
    intercept: float
    r_squared: float


def fit_arrhenius(fits: pl.DataFrame, recipe: ImpedanceRecipe) -> pl.DataFrame:
    """Fit every quantity of every cell over its temperatures.

    Args:
        fits: rows of ``schema.SPECTRUM_FITS`` with ``firm`` and ``cell_id``; those without a cell are left out.
        recipe: how many temperatures it takes, and when spectra are comparable.

    Returns:
        Rows of ``schema.ARRHENIUS``: per cell, quantity and form one, refused where there is no energy to tell. A cell
        of which no spectrum has a temperature has no row.
    """
    known = fits.filter(pl.col("cell_id").is_not_null() & pl.col("temperature_celsius").is_not_null())
    rows = [
        {"firm": firm, "cell_id": cell, **row}
        for (firm, cell), series in known.group_by(["firm", "cell_id"], maintain_order=True)
        for row in _fit_series(series, recipe)
    ]
    return pl.DataFrame(rows, schema=ARRHENIUS.dtypes).sort("firm", "cell_id", "quantity", "form")


def fit_line(kelvin: Doubles, logarithm: Doubles, confidence: float) -> Line:
    """Fit ``ln y`` over 1/T by least squares."""
    found = linregress(1 / kelvin, logarithm)
    reach = float(student.ppf(0.5 + confidence / 2, len(kelvin) - 2)) * float(found.stderr) * BOLTZMANN
    energy = -float(found.slope) * BOLTZMANN
    return Line(energy, energy - reach, energy + reach, float(found.intercept), float(found.rvalue) ** 2)


def _fit_series(series: pl.DataFrame, recipe: ImpedanceRecipe) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for quantity, column, sign, forms in QUANTITIES:
        used = series.filter(pl.col(column).is_not_null())
        if used.is_empty():
            continue
        reason = _find_lack(used, recipe)
        kelvin = doubles(used["temperature_celsius"]) + ZERO_CELSIUS
        logarithm = sign * np.log(doubles(used[column]))
        for form, values in zip(forms, (logarithm, logarithm + np.log(kelvin)), strict=True):
            line = None if reason else fit_line(kelvin, values, recipe.confidence)
            rows.append({"quantity": quantity, "form": form, **_describe(used, line, reason, recipe)})
    return rows


def _find_lack(used: pl.DataFrame, recipe: ImpedanceRecipe) -> str | None:
    celsius = np.sort(doubles(used["temperature_celsius"]))
    if 1 + int(np.sum(np.diff(celsius) > recipe.same_temperature_kelvin)) < recipe.fewest_temperatures:
        return "too_few_temperatures"
    if celsius[-1] - celsius[0] < recipe.smallest_span_kelvin:
        return "span_too_small"
    charge, bias = used["state_of_charge"], used["bias_voltage_volt"]
    # A state of charge is comparable across temperatures; the open voltage itself depends on them a little.
    known, widest = (charge, recipe.same_state_of_charge) if not charge.null_count() else (bias, recipe.same_bias_volt)
    values = doubles(known.drop_nulls())
    if len(values) and np.ptp(values) > widest:
        return "conditions_differ"
    return None


def _describe(used: pl.DataFrame, line: Line | None, reason: str | None, recipe: ImpedanceRecipe) -> dict[str, object]:
    if line is not None and line.energy <= 0:
        line, reason = None, "falls_with_temperature"
    celsius = doubles(used["temperature_celsius"])
    return {
        "status": "refused" if reason else "fitted",
        "reason": reason,
        "activation_energy_electronvolt": line and line.energy,
        "activation_energy_low_electronvolt": line and line.low,
        "activation_energy_high_electronvolt": line and line.high,
        "logarithm_at_infinite_temperature": line and line.intercept,
        "r_squared": line and line.r_squared,
        "confidence": recipe.confidence,
        "spectra": used.height,
        "lowest_temperature_celsius": float(celsius.min()),
        "highest_temperature_celsius": float(celsius.max()),
        "temperature_sources": ", ".join(sorted(set(used["temperature_source"].drop_nulls().to_list()))),
    }

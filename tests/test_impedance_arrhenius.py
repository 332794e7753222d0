"""Activation energies."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from made_spectra import CELL, NOWHERE, RECIPE, frame, sweep

from warehouse.impedance.arrhenius import BOLTZMANN, ZERO_CELSIUS, fit_arrhenius, fit_line
from warehouse.impedance.reasons import REASONS
from warehouse.impedance.tables import fit_spectra
from warehouse.schema import ARRHENIUS, SPECTRUM_FITS

CELSIUS = (-20.0, 0.0, 20.0, 40.0, 60.0)


def resistances(celsius: tuple[float, ...], energy: float = 0.5, scatter: float = 0.0, seed: int = 0) -> list[float]:
    random = np.random.default_rng(seed)
    kelvin = np.array(celsius) + ZERO_CELSIUS
    return list(1e-6 * np.exp(energy / BOLTZMANN / kelvin + scatter * random.standard_normal(len(celsius))))


def series(celsius: tuple[float, ...], ohm: list[float], **columns: object) -> pl.DataFrame:
    """Rows of one cell's fits, one a temperature."""
    rows = [
        {
            **dict.fromkeys(SPECTRUM_FITS.names),
            "test_id": f"t{number}",
            "temperature_celsius": warmth,
            "temperature_source": "recorded",
            "interface_resistance_ohm": value,
        }
        for number, (warmth, value) in enumerate(zip(celsius, ohm, strict=True))
    ]
    fits = pl.DataFrame(rows, schema=SPECTRUM_FITS.dtypes)
    return fits.with_columns(pl.lit("F").alias("firm"), pl.lit("C").alias("cell_id")).with_columns(
        pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items()
    )


def energies(fits: pl.DataFrame) -> dict[str, dict[str, object]]:
    return {row["form"]: row for row in fit_arrhenius(fits, RECIPE).iter_rows(named=True)}


def test_energy_comes_back() -> None:
    """An interface of 0.5 eV has 0.5 eV."""
    row = energies(series(CELSIUS, resistances(CELSIUS)))["ln(1/R)"]
    assert row["status"] == "fitted"
    assert row["activation_energy_electronvolt"] == pytest.approx(0.5, rel=1e-9)
    assert row["r_squared"] == pytest.approx(1.0)
    assert row["spectra"] == 5


def test_interval_covers_the_truth() -> None:
    """The 95 % interval holds the truth in 90 to 99 % of 300 series with scatter."""
    kelvin = np.array(CELSIUS) + ZERO_CELSIUS
    lines = [fit_line(kelvin, -np.log(resistances(CELSIUS, 0.5, 0.05, seed)), 0.95) for seed in range(300)]
    assert 0.90 <= np.mean([line.low <= 0.5 <= line.high for line in lines]) <= 0.99


def test_forms_give_different_energies() -> None:
    """ln(T/R) of the same points is higher by about k times the mean temperature, so each form is named."""
    rows = energies(series(CELSIUS, resistances(CELSIUS)))
    assert set(rows) == {"ln(1/R)", "ln(T/R)"}
    difference = float(str(rows["ln(T/R)"]["activation_energy_electronvolt"])) - 0.5
    assert difference == pytest.approx(BOLTZMANN * (ZERO_CELSIUS + 20), rel=0.02)


def test_known_pair_of_forms() -> None:
    """Nine points from -40 to 40 °C that give 0.328 eV by ln(sigma) give about 0.35 eV by ln(sigma T)."""
    kelvin = np.linspace(-40, 40, 9) + ZERO_CELSIUS
    plain = -0.328 / BOLTZMANN / kelvin
    assert fit_line(kelvin, plain, 0.95).energy == pytest.approx(0.328)
    assert fit_line(kelvin, plain + np.log(kelvin), 0.95).energy == pytest.approx(0.351, abs=0.002)


def test_conductivities_have_their_own_rows() -> None:
    """Where conductivities are known, ln(sigma) and ln(sigma T) stand beside the resistances."""
    sigma = [1 / value for value in resistances(CELSIUS, 0.4)]
    rows = energies(series(CELSIUS, resistances(CELSIUS), ionic_conductivity_siemens_per_metre=sigma))
    assert set(rows) == {"ln(1/R)", "ln(T/R)", "ln(sigma)", "ln(sigma T)"}
    assert rows["ln(sigma)"]["activation_energy_electronvolt"] == pytest.approx(0.4, rel=1e-9)


def refusal(fits: pl.DataFrame) -> object:
    rows = energies(fits)
    (reason,) = {row["reason"] for row in rows.values()}
    assert {row["status"] for row in rows.values()} == {"refused"}
    assert all(row["activation_energy_electronvolt"] is None for row in rows.values())
    assert reason in REASONS
    return reason


def test_two_temperatures_are_too_few() -> None:
    """A line through two points has no interval; two readings half a kelvin apart are one temperature."""
    assert refusal(series((0.0, 40.0), resistances((0.0, 40.0)))) == "too_few_temperatures"
    near = (0.0, 40.0, 40.5)
    assert refusal(series(near, resistances(near))) == "too_few_temperatures"


def test_span_below_ten_kelvins() -> None:
    """Temperatures within 9 K tell no energy."""
    near = (20.0, 23.0, 26.0, 29.0)
    assert refusal(series(near, resistances(near))) == "span_too_small"


def test_other_states_of_charge() -> None:
    """Spectra at different states of charge, or at different voltages where that is unknown, are no series."""
    ohm = resistances(CELSIUS)
    assert refusal(series(CELSIUS, ohm, state_of_charge=[0.1, 0.3, 0.5, 0.7, 0.9])) == "conditions_differ"
    assert refusal(series(CELSIUS, ohm, bias_voltage_volt=[3.6, 3.7, 3.8, 3.9, 4.0])) == "conditions_differ"


def test_resistance_that_rises_with_temperature() -> None:
    """A cell that gets worse while it is warmed has no activation energy."""
    assert refusal(series(CELSIUS, resistances(CELSIUS)[::-1])) == "falls_with_temperature"


def test_spectra_without_temperature_are_left_out() -> None:
    """A temperature that nobody recorded or stated is not made up."""
    fits = series(CELSIUS, resistances(CELSIUS)).with_columns(
        pl.lit(None, dtype=pl.Float64).alias("temperature_celsius")
    )
    assert fit_arrhenius(fits, RECIPE).is_empty()


def test_cells_stay_apart() -> None:
    """Cells of the same name of two firms are two series."""
    mine = series(CELSIUS, resistances(CELSIUS))
    theirs = series(CELSIUS, resistances(CELSIUS, 0.3)).with_columns(pl.lit("G").alias("firm"))
    both = fit_arrhenius(pl.concat([mine, theirs]), RECIPE).filter(pl.col("form") == "ln(1/R)")
    assert both["firm"].to_list() == ["F", "G"]
    assert both["activation_energy_electronvolt"].to_list() == pytest.approx([0.5, 0.3])


def test_rows_are_those_of_the_schema() -> None:
    """The table has the declared columns and dtypes, filled or empty."""
    fits = series(CELSIUS, resistances(CELSIUS))
    for rows in (fit_arrhenius(fits, RECIPE), fit_arrhenius(fits.clear(), RECIPE)):
        assert dict(rows.schema) == ARRHENIUS.dtypes
        assert not any(rows[name].null_count() for name in ARRHENIUS.required if name != "recipe")


def test_recorded_temperature_comes_before_a_stated_one() -> None:
    """What the instrument recorded is used; what a person stated, only where it recorded none."""
    rows = frame(sweep(), CELL.at(sweep()))
    stated = {"t": 40.0}
    (one,) = fit_spectra(rows, NOWHERE, RECIPE, stated).fits.iter_rows(named=True)
    assert (one["temperature_celsius"], one["temperature_source"]) == (40.0, "stated")
    warm = rows.with_columns(pl.lit(25.0).alias("temperature_celsius"))
    (one,) = fit_spectra(warm, NOWHERE, RECIPE, stated).fits.iter_rows(named=True)
    assert (one["temperature_celsius"], one["temperature_source"]) == (25.0, "recorded")
    (one,) = fit_spectra(rows, NOWHERE, RECIPE).fits.iter_rows(named=True)
    assert (one["temperature_celsius"], one["temperature_source"]) == (None, None)

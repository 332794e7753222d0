"""Fits: known circuits come back within the intervals that are stated."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from made_spectra import CELL, NOWHERE, RECIPE, Arc, Truth, disturb, fit, fit_all, frame, sweep

from warehouse.impedance.circuits import Circuit, scale_of, simulate
from warehouse.impedance.fits import choose_fit, fit_circuit
from warehouse.impedance.spectrum import read_spectrum
from warehouse.impedance.tables import fit_spectra
from warehouse.schema import SPECTRUM_ELEMENTS, SPECTRUM_FITS

CELLS = 200
HERTZ = sweep()
TWO_ARCS = Truth(50.0, (Arc(200.0, 1e4, 0.85), Arc(300.0, 20.0)), 150.0)


def draw_truth(random: np.random.Generator, arcs: int) -> Truth:
    ohm = 10 ** random.uniform(1, 3)
    fast = Arc(ohm * 10 ** random.uniform(-0.3, 1), 10 ** random.uniform(3, 4.3), random.uniform(0.75, 0.97))
    slow = Arc(ohm * 10 ** random.uniform(-0.3, 1), 10 ** random.uniform(0.8, 1.8), random.uniform(0.75, 0.97))
    tail = (ohm + fast.ohm) * random.uniform(0.3, 1)
    return Truth(ohm, (fast, slow)[:arcs], tail, random.uniform(0.45, 0.9))


@pytest.fixture(scope="module")
def cells() -> list[tuple[Truth, dict[str, object]]]:
    """200 cells with one arc or two, noise of 0.1 to 0.45 %, and what was made of them."""
    random = np.random.default_rng(7)
    truths = [draw_truth(random, 1 + number % 2) for number in range(CELLS)]
    noises = 10 ** random.uniform(-3, -2.35, CELLS)
    measured = [
        disturb(truth.at(HERTZ), noise, seed) for seed, (truth, noise) in enumerate(zip(truths, noises, strict=True))
    ]
    return [(truth, fit(HERTZ, impedance)) for truth, impedance in zip(truths, measured, strict=True)]


def test_cells_are_fitted(cells: list[tuple[Truth, dict[str, object]]]) -> None:
    """At least 98 of 100 sound spectra are fitted."""
    assert Counter(row["status"] for _, row in cells)["fitted"] >= 0.98 * CELLS


@pytest.mark.parametrize("quantity", ["hf", "interface"])
def test_intervals_cover_the_truth(cells: list[tuple[Truth, dict[str, object]]], quantity: str) -> None:
    """The 95 % intervals of both resistances hold the truth in 90 to 99 % of the cells."""
    names = [f"{quantity}_resistance_{end}ohm" for end in ("", "low_", "high_")]
    told = [(truth, *(row[name] for name in names)) for truth, row in cells if row[names[0]] is not None]
    held = [
        low <= (truth.ohm if quantity == "hf" else sum(arc.ohm for arc in truth.arcs)) <= high
        for truth, _, low, high in told
    ]
    assert len(told) >= 0.98 * CELLS
    assert 0.90 <= np.mean(held) <= 0.99


def test_number_of_arcs_is_found(cells: list[tuple[Truth, dict[str, object]]]) -> None:
    """One arc is taken for one and two for two, in at least 98 of 100 cells."""
    right = [str(row["circuit"]).count("|") == len(truth.arcs) for truth, row in cells]
    assert np.mean(right) >= 0.98


def test_noise_is_what_is_left(cells: list[tuple[Truth, dict[str, object]]]) -> None:
    """Residuals of a fit that is right do not resemble their neighbours."""
    assert np.median([float(str(row["residual_correlation"])) for _, row in cells if row["misfit"]]) < 0.1


def test_second_arc_within_the_noise_is_not_invented() -> None:
    """A single arc stays single under any of ten noises."""
    circuits = {fit(HERTZ, disturb(CELL.at(HERTZ), 0.003, seed))["circuit"] for seed in range(10)}
    assert circuits == {"R0-(R1|Q1)-Q"}


def test_elements_come_back() -> None:
    """Resistance, exponent, capacitance and apex of each arc come back within a per cent of the truth."""
    elements = fit_all(HERTZ, disturb(TWO_ARCS.at(HERTZ), 1e-4)).elements
    arcs = elements.filter(pl.col("place") == "interface").sort("apex_hertz", descending=True)
    for arc, row in zip(TWO_ARCS.arcs, arcs.iter_rows(named=True), strict=True):
        assert row["resistance_ohm"] == pytest.approx(arc.ohm, rel=0.01)
        assert row["exponent"] == pytest.approx(arc.exponent, rel=0.01)
        assert row["apex_hertz"] == pytest.approx(arc.hertz, rel=0.01)
        assert row["capacitance_farad"] == pytest.approx(1 / (2 * np.pi * arc.hertz * arc.ohm), rel=0.02)


def test_capacitance_is_that_of_q() -> None:
    """C = (QR)^(1/n) / R of the stored Q, R and n."""
    elements = fit_all(HERTZ, disturb(TWO_ARCS.at(HERTZ), 1e-4)).elements
    for row in elements.filter(pl.col("place") == "interface").iter_rows(named=True):
        by_formula = (row["q_siemens_second_power"] * row["resistance_ohm"]) ** (1 / row["exponent"])
        assert by_formula / row["resistance_ohm"] == pytest.approx(row["capacitance_farad"], rel=1e-9)


def test_tail_comes_back() -> None:
    """Q of the tail is that of Z = 1 / (Q (jω)^n)."""
    (row,) = fit_all(HERTZ, CELL.at(HERTZ)).elements.filter(pl.col("element") == "Q").iter_rows(named=True)
    assert row["exponent"] == pytest.approx(CELL.tail_exponent, rel=1e-3)
    expected = 1 / (CELL.tail_ohm * (2 * np.pi * 0.01) ** CELL.tail_exponent)
    assert row["q_siemens_second_power"] == pytest.approx(expected, rel=1e-2)


def test_inductance_is_fitted_where_it_is_seen() -> None:
    """A spectrum that begins inductive gets an inductance, and R_hf is not shifted by it."""
    measured = disturb(Truth(100.0, CELL.arcs, 200.0, henry=2e-6).at(HERTZ), 0.001)
    results = fit_all(HERTZ, measured)
    row, elements = results.fits.row(0, named=True), results.elements
    assert str(row["circuit"]).startswith("L-R0")
    assert elements.filter(pl.col("element") == "L")["inductance_henry"][0] == pytest.approx(2e-6, rel=0.05)
    assert row["hf_resistance_low_ohm"] < 100 < row["hf_resistance_high_ohm"]


def test_ideal_capacitor_is_no_refusal() -> None:
    """An exponent of 1 is the bound of the model and yet a cell: the arc is fitted and its interval holds the truth."""
    row = fit(HERTZ, disturb(Truth(100.0, (Arc(400.0, 5e3, 1.0),), 200.0).at(HERTZ), 0.002))
    assert row["status"] == "fitted"
    assert float(str(row["interface_resistance_low_ohm"])) < 400 < float(str(row["interface_resistance_high_ohm"]))


def test_interval_widens_where_the_circuit_is_wrong() -> None:
    """Residuals that resemble their neighbours widen the interval beyond what the noise alone would allow."""
    spectrum = read_spectrum(frame(HERTZ, disturb(TWO_ARCS.at(HERTZ), 0.001)))
    wrong = fit_circuit(Circuit(1, tail=True, inductance=False), spectrum)
    assert wrong.correlation > 0.7
    assert wrong.widening > 2


@pytest.mark.parametrize("circuit", [Circuit(2, tail=True, inductance=True), Circuit(1, tail=False, inductance=False)])
def test_derivatives_are_those_of_the_impedance(circuit: Circuit) -> None:
    """The derivatives agree with central differences."""
    scale = scale_of(read_spectrum(frame(HERTZ, CELL.at(HERTZ))))
    parameters = np.array([1.2, *([-14.0] if circuit.inductance else []), *([5.0, -9.0, 0.8] * circuit.arcs)])
    parameters = np.concatenate([parameters, [5.0, 0.6] if circuit.tail else []])
    slope = simulate(circuit, parameters, scale)[1]
    for place, step in enumerate(1e-6 * np.eye(len(parameters))):
        above, below = (simulate(circuit, parameters + sign * step, scale)[0] for sign in (1, -1))
        np.testing.assert_allclose(slope[:, place], (above - below) / 2e-6, rtol=1e-5, atol=1e-6)


def test_same_rows_give_the_same_numbers() -> None:
    """Fitting twice, and from rows in another order, gives identical numbers."""
    rows = frame(HERTZ, disturb(TWO_ARCS.at(HERTZ), 0.002))
    once, again, turned = (fit_spectra(each, NOWHERE, RECIPE) for each in (rows, rows, rows.reverse()))
    assert once.fits.equals(again.fits)
    assert once.elements.equals(again.elements)
    assert once.fits.equals(turned.fits)


def test_undetermined_circuit_is_not_chosen() -> None:
    """What is chosen has no arc of unknown size and no two arcs in one place."""
    spectrum = read_spectrum(frame(HERTZ, disturb(TWO_ARCS.at(HERTZ), 0.004)))
    best = choose_fit(spectrum, RECIPE)
    assert best is not None
    times = sorted(value for name, value in best.values.items() if name[0] == "t")
    assert all(later - sooner > np.log(RECIPE.closest_arcs) for sooner, later in pairwise(times))


def test_unknown_shape_is_refused() -> None:
    """A spectrum that passes every check and is none of the circuits is refused as a misfit, or as undetermined."""
    many = tuple(Arc(100.0, hertz, 1.0) for hertz in np.geomspace(3e-2, 3e5, 8))
    row = fit(HERTZ, disturb(Truth(10.0, many).at(HERTZ), 1e-4))
    assert row["status"] == "refused"
    assert row["reason"] in {"misfit", "undetermined"}
    assert row["hf_resistance_ohm"] is None
    assert row["interface_resistance_ohm"] is None


def test_rows_are_those_of_the_schema() -> None:
    """Both tables have the declared columns and dtypes, filled or empty, and required columns hold values."""
    for results in (fit_all(HERTZ, CELL.at(HERTZ)), fit_spectra(frame(HERTZ, CELL.at(HERTZ)).clear(), NOWHERE, RECIPE)):
        assert dict(results.fits.schema) == SPECTRUM_FITS.dtypes
        assert dict(results.elements.schema) == SPECTRUM_ELEMENTS.dtypes
        assert not any(results.fits[name].null_count() for name in SPECTRUM_FITS.required if name != "recipe")
        assert not any(results.elements[name].null_count() for name in SPECTRUM_ELEMENTS.required)


def test_spectra_of_a_test_stay_apart() -> None:
    """Each spectrum of each test has a row of its own, in their order."""
    rows = frame(HERTZ, CELL.at(HERTZ))
    parts = [rows.with_columns(test_id=pl.lit(test), spectrum_index=index) for test in "ba" for index in (2, 1)]
    fits = fit_spectra(pl.concat(parts, how="vertical_relaxed"), NOWHERE, RECIPE).fits
    assert fits.select("test_id", "spectrum_index").rows() == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]

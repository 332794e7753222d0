"""What a firm reads off a fit, and each case in which it is refused instead."""

from __future__ import annotations

import numpy as np
import pytest
from made_spectra import CELL, Arc, Truth, disturb, fit, sweep

from warehouse.impedance.figures import Geometry
from warehouse.impedance.reasons import REASONS

HERTZ = sweep()
# 1 µm of LiPON on 1 cm²: 50 Ω, its arc at 217 kHz with a relative permittivity of 16.6.
LIPON = Geometry(1e-4, "electrode", 1e-6)
LIPON_ARC = Arc(50.0, 217e3, 1.0)
DIE = Truth(5.0, (LIPON_ARC, Arc(120.0, 500.0)), 60.0)


def look(truth: Truth, highest: float = 1e7, lowest: float = 1e-2, **more: object) -> dict[str, object]:
    """Measure a truth over a band with 0.1 % noise and fit it."""
    hertz = sweep(highest, lowest)
    return fit(hertz, disturb(truth.at(hertz), 0.001), **more)  # type: ignore[arg-type]  # geometry and columns


def number(row: dict[str, object], name: str) -> float:
    value = row[name]
    assert isinstance(value, float)
    return value


def test_hf_and_interface() -> None:
    """R_hf is R0, R_interface the arc, each inside its interval."""
    row = fit(HERTZ, disturb(CELL.at(HERTZ), 0.002))
    for quantity, truth in (("hf", 100.0), ("interface", 400.0)):
        assert number(row, f"{quantity}_resistance_low_ohm") < truth < number(row, f"{quantity}_resistance_high_ohm")
        assert number(row, f"{quantity}_resistance_ohm") == pytest.approx(truth, rel=0.01)
        assert row[f"{quantity}_resistance_reason"] is None


def test_interface_capacitance() -> None:
    """The capacitance of the interface is 1 / (ω_max R)."""
    row = fit(HERTZ, disturb(CELL.at(HERTZ), 0.001))
    assert number(row, "interface_capacitance_farad") == pytest.approx(1 / (2 * np.pi * 5e3 * 400), rel=0.02)


def test_area_resistance_names_its_area() -> None:
    """A resistance is multiplied with the manifest's area, whose kind stands beside it."""
    row = fit(HERTZ, CELL.at(HERTZ), Geometry(2e-4, "die"))
    assert row["area_kind"] == "die"
    for quantity in ("hf", "interface"):
        ohm = number(row, f"{quantity}_resistance_ohm")
        assert row[f"{quantity}_area_resistance_ohm_square_metre"] == pytest.approx(ohm * 2e-4, rel=1e-12)


def test_without_area_no_area_resistance() -> None:
    """Nobody's area is not assumed."""
    row = fit(HERTZ, CELL.at(HERTZ))
    assert row["hf_area_resistance_ohm_square_metre"] is None
    assert row["area_square_metre"] is None


def test_acir_is_measured_and_says_which() -> None:
    """Modulus and real part at 1 kHz are the measured ones, between their neighbours."""
    row = fit(HERTZ, CELL.at(HERTZ))
    (exact,) = CELL.at(np.array([1e3]))
    assert row["acir_frequency_hertz"] == 1e3
    assert number(row, "acir_modulus_ohm") == pytest.approx(abs(exact), rel=1e-3)
    assert number(row, "acir_real_ohm") == pytest.approx(exact.real, rel=1e-3)


def test_acir_outside_the_band_is_unknown() -> None:
    """Above or below 1 kHz there is no figure at 1 kHz."""
    assert look(CELL, highest=900.0)["acir_modulus_ohm"] is None


def test_refused_spectrum_still_has_its_acir() -> None:
    """What was measured at 1 kHz does not depend on a fit."""
    row = fit(HERTZ, disturb(CELL.at(HERTZ), 0.03))
    assert row["status"] == "refused"
    assert row["acir_real_ohm"] is not None


# The electrolyte


def test_conductivity_of_a_resolved_electrolyte() -> None:
    """1 µm of LiPON on 1 cm² with 50 Ω conducts 2e-4 S/m (2e-6 S/cm), and its arc is at 217 kHz."""
    row = look(DIE, geometry=LIPON)
    low, high = (number(row, f"ionic_conductivity_{end}_siemens_per_metre") for end in ("low", "high"))
    assert number(row, "ionic_conductivity_siemens_per_metre") == pytest.approx(2e-4, rel=0.02)
    assert low < 2e-4 < high
    assert number(row, "electrolyte_peak_hertz") == pytest.approx(217e3, rel=0.02)


def test_lower_end_takes_contacts_for_electrolyte() -> None:
    """The lower end of the conductivity's interval is what R0 and the arc together would give."""
    low = number(look(DIE, geometry=LIPON), "ionic_conductivity_low_siemens_per_metre")
    assert low == pytest.approx(1e-6 / 1e-4 / 55.0, rel=0.02)


def test_hf_holds_the_electrolyte_whatever_the_band() -> None:
    """R_hf is 55 Ω where the band resolves the electrolyte's arc and where it ends at 10 kHz."""
    assert number(look(DIE, geometry=LIPON), "hf_resistance_ohm") == pytest.approx(55.0, rel=0.02)
    short = look(DIE, 1e4, geometry=LIPON)
    assert number(short, "hf_resistance_ohm") == pytest.approx(55.0, rel=0.02)
    assert short["highest_frequency_hertz"] == pytest.approx(1e4)


def test_band_below_the_electrolyte_gives_no_conductivity() -> None:
    """Up to 10 kHz only electrolyte and contacts together are known; where the arc would be is told."""
    row = look(DIE, 1e4, geometry=LIPON)
    assert row["ionic_conductivity_siemens_per_metre"] is None
    assert row["ionic_conductivity_reason"] == "band_below_electrolyte"
    assert number(row, "electrolyte_peak_hertz") == pytest.approx(217e3, rel=0.2)


def test_arc_at_the_top_of_the_band_gives_no_conductivity() -> None:
    """An arc whose apex is less than a third of the highest frequency away cannot be told from R0."""
    assert look(DIE, 5e5, geometry=LIPON)["ionic_conductivity_reason"] == "band_below_electrolyte"


def test_conductivity_needs_geometry() -> None:
    """Without area or thickness there is no conductivity."""
    for geometry in (Geometry(), Geometry(1e-4, "electrode"), Geometry(None, None, 1e-6)):
        row = look(DIE, geometry=geometry)
        assert row["ionic_conductivity_siemens_per_metre"] is None
        assert row["ionic_conductivity_reason"] == "no_geometry"


def test_fast_interface_is_no_electrolyte() -> None:
    """With geometry an arc at 200 kHz whose permittivity no solid has is an interface's."""
    thick = Geometry(1e-4, "electrode", 1e-3)
    row = look(DIE, geometry=thick)
    assert row["ionic_conductivity_siemens_per_metre"] is None
    assert number(row, "interface_resistance_ohm") == pytest.approx(170.0, rel=0.02)


def test_missing_electrolyte_is_told() -> None:
    """Where the band reaches the electrolyte's arc and none is seen, area or thickness may be wrong."""
    row = look(Truth(1e4, (Arc(4e3, 5.0),), 2e4), geometry=LIPON)
    assert row["ionic_conductivity_reason"] == "no_electrolyte_arc"


# Refusals


def refuse(row: dict[str, object], quantity: str) -> object:
    assert row[f"{quantity}_resistance_ohm"] is None
    reason = row[f"{quantity}_resistance_reason"]
    assert reason in REASONS
    return reason


def test_capacitive_top_without_crossing() -> None:
    """A band that ends on an arc of an interface gives no R_hf."""
    assert refuse(look(Truth(20.0, (Arc(400.0, 5e3, 0.7),), 200.0), 2e4), "hf") == "no_real_axis_crossing"


def test_extrapolated_interface() -> None:
    """Nor an R_interface, when a large part of it would be extrapolated."""
    row = look(Truth(20.0, (Arc(400.0, 5e3, 0.7),), 200.0), 5e3)
    assert refuse(row, "interface") in {"no_real_axis_crossing", "no_interface_arc", "interval_too_wide"}


def test_no_resistance_in_series() -> None:
    """A resistance of zero or below is not told."""
    assert refuse(look(Truth(-5.0, (Arc(400.0, 5e3),), 200.0)), "hf") == "not_positive"


def test_blocking_electrode_has_no_interface() -> None:
    """A resistance and a tail have no arc."""
    row = look(Truth(100.0, (), 1e6, 0.9))
    assert refuse(row, "interface") == "no_interface_arc"
    assert number(row, "hf_resistance_ohm") == pytest.approx(100.0, rel=0.01)


def test_arc_in_the_tail() -> None:
    """An arc that the tail exceeds at its own apex is not told as an interface."""
    assert refuse(look(Truth(100.0, (Arc(2e4, 0.3, 0.95),), 1e6, 0.9)), "interface") == "hidden_by_tail"


def test_arc_cut_off_by_the_band() -> None:
    """Where the band ends within the slowest arc, the sum of the faster ones is not taken for the interface."""
    row = look(Truth(100.0, (Arc(200.0, 5e3), Arc(500.0, 0.7, 1.0))), lowest=1.0)
    assert refuse(row, "interface") == "arc_at_band_edge"


def test_nothing_to_tell_is_a_refusal() -> None:
    """A spectrum of whose resistances none is known is refused, though a circuit describes it."""
    row = look(Truth(20.0, (Arc(200.0, 5e3, 0.7), Arc(500.0, 0.7, 1.0))), 2e4, 1.0)
    assert (row["status"], row["reason"]) == ("refused", "no_resistance")
    assert row["circuit"] is not None

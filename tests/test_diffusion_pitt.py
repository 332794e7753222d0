"""Titrations by voltage: diffusion coefficients of a film whose diffusion is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from frames import Part
from made_titrations import DIFFUSION, FIRST_VOLT, RATE, inputs_of, step_voltage

from warehouse.diffusion import COMPUTATIONS, DiffusionRecipe, compute_diffusion
from warehouse.diffusion.reasons import REASONS
from warehouse.metrics import inputs as given
from warehouse.schema import PITT

RECIPE = DiffusionRecipe()
LONG, SHORT = "long_time", "short_time"


def holds_of(inputs: given.TestInputs, recipe: DiffusionRecipe = RECIPE) -> list[dict[str, Any]]:
    """Return the rows of a test's titrations by voltage."""
    return list(compute_diffusion(inputs, recipe)[1].iter_rows(named=True))


def refusal(row: dict[str, Any], law: str) -> str:
    """Return why a hold has no figure by a law."""
    assert row[f"{law}_status"] == "refused"
    assert row[f"{law}_rate_per_second"] is None
    assert row[f"{law}_reason"] in REASONS
    return str(row[f"{law}_reason"])


def change(parts: list[Part], current: Any) -> list[Part]:
    """Return a titration whose holds draw another current, a function of time and of what they drew."""
    return [part if part.said == "rest" else replace(part, current=current(part.time, part.current)) for part in parts]


def test_known_diffusion_comes_back() -> None:
    """D of 1e-16 m²/s in a film of 1 µm by both laws, the long-time one within 0.1 %, the short-time one within 3 %."""
    rows = holds_of(inputs_of(step_voltage()))
    assert len(rows) == 6
    for row in rows:
        assert row["long_time_coefficient_square_metre_per_second"] == pytest.approx(DIFFUSION, rel=1e-3)
        assert row["short_time_coefficient_square_metre_per_second"] == pytest.approx(DIFFUSION, rel=0.03)
        assert row["flags"] == ""
        assert row["voltage_step_volt"] == pytest.approx(0.02)


def test_interval_covers_the_truth() -> None:
    """With noise of a hundredth of the current where it is read, the intervals hold the truth and are narrow."""
    random = np.random.default_rng(1)
    parts = change(step_voltage(12), lambda time, flow: flow + 1e-9 * random.standard_normal(len(time)))
    rows = holds_of(inputs_of(parts))
    told = [row for row in rows if row["long_time_status"] == "measured"]
    assert len(told) >= 10
    low, high = "long_time_rate_low_per_second", "long_time_rate_high_per_second"
    assert np.mean([row[low] <= RATE * 1.002 and row[high] >= RATE * 0.998 for row in told]) >= 0.9
    assert all(row[high] / row[low] < 1.2 for row in told)


def test_discharging_steps_are_read_alike() -> None:
    """Steps downwards, whose current is negative, give the same."""
    down = [
        replace(
            part,
            voltage=2 * FIRST_VOLT - part.voltage,
            current=-part.current,
            said=part.said.replace("charge", "discharge"),
        )
        for part in step_voltage()
    ]
    row = holds_of(inputs_of(down))[2]
    assert row["long_time_rate_per_second"] == pytest.approx(RATE, rel=1e-3)
    assert row["charge_ah"] < 0


def test_without_thickness_the_rate_is_given() -> None:
    """Without the cathode's thickness D is refused, and D/L² stands."""
    row = holds_of(inputs_of(step_voltage(), None))[0]
    for law in (LONG, SHORT):
        assert row[f"{law}_rate_per_second"] == pytest.approx(RATE, rel=0.03)
        assert row[f"{law}_coefficient_square_metre_per_second"] is None
        assert row[f"{law}_coefficient_reason"] == "no_thickness"


def test_series_resistance_spoils_the_short_time_law_first() -> None:
    """A resistance that flattens the first current leaves only the long-time figure, or a flag that they differ."""
    row = holds_of(inputs_of(step_voltage(ohm=5000.0)))[1]
    assert refusal(row, SHORT) in {"not_diffusion", "not_straight"}
    assert row["long_time_rate_per_second"] == pytest.approx(RATE, rel=0.1)


def test_interrupted_hold_is_refused_by_the_short_time_law() -> None:
    """A hold of 0.1 L²/D has not moved its whole charge, and is too short for the other law."""
    row = holds_of(inputs_of(step_voltage(seconds=0.05 / RATE)))[1]
    assert row["flags"] == "not_equilibrated"
    assert refusal(row, SHORT) == "not_equilibrated"
    assert refusal(row, LONG) in {"too_few_points", "falls_too_little"}


def test_leakage_bends_the_long_time_law() -> None:
    """A current that ends at a leakage as large as its fall is not the straight line of a diffusion."""
    row = holds_of(inputs_of(step_voltage(seconds=40_000.0, background=30e-9)))[1]
    assert refusal(row, LONG) in {"not_straight", "not_resolved", "falls_too_little"}


def test_steady_current_is_refused() -> None:
    """A hold whose current falls a little and then stands has no diffusion in it."""
    parts = change(step_voltage(), lambda time, _: 1e-6 * (1 + 0.1 * np.exp(-time / 2000)))
    row = holds_of(inputs_of(parts))[1]
    assert refusal(row, LONG) in {"falls_too_little", "current_does_not_fall", "not_straight"}
    assert refusal(row, SHORT) == "not_equilibrated"


def test_few_records_are_refused() -> None:
    """Twelve records of a hold are too few for either window."""
    row = holds_of(inputs_of(step_voltage(records=12)))[1]
    assert refusal(row, SHORT) == "too_few_points"


def test_coarse_current_ends_the_window() -> None:
    """Currents below five of the instrument's steps are not used; what is left of the fall is too little, or told."""
    parts = change(step_voltage(), lambda _, flow: np.round(flow / 1e-7) * 1e-7)
    row = holds_of(inputs_of(parts))[1]
    assert row["long_time_status"] == "refused" or row["long_time_rate_per_second"] == pytest.approx(RATE, rel=0.1)


def test_other_holds_are_no_titration() -> None:
    """Holds at one voltage, or up and down, or far apart, have no rows; nor have three steps."""
    assert holds_of(inputs_of(step_voltage(3))) == []
    assert holds_of(inputs_of(step_voltage(volt=0.2))) == []
    assert holds_of(inputs_of(step_voltage(volt=0.0005))) == []
    first, *held = step_voltage()
    there_and_back = [replace(part, voltage=part.voltage * 0 + 3.62 + 0.02 * (n % 2)) for n, part in enumerate(held)]
    assert holds_of(inputs_of([first, *there_and_back])) == []


def test_rows_are_the_table() -> None:
    """Every column is declared, the same input gives the same rows, and the computation says what it makes."""
    first, again = (compute_diffusion(inputs_of(step_voltage()), RECIPE)[1] for _ in range(2))
    assert dict(first.schema) == PITT.dtypes
    assert first.equals(again)
    assert [table.name for table in COMPUTATIONS[0].tables] == ["gitt", "pitt"]
    assert COMPUTATIONS[0].takes == "diffusion"


@pytest.mark.parametrize("code", sorted(REASONS))
def test_reasons_speak_both_languages(code: str) -> None:
    """Every reason has its sentences in English and Korean."""
    sentence = REASONS[code]
    assert sentence.en.endswith(".")
    assert sentence.en_do.endswith(".")
    assert any("가" <= letter <= "힣" for letter in sentence.ko)
    assert any("가" <= letter <= "힣" for letter in sentence.ko_do)

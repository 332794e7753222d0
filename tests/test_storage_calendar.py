"""Ageing by the calendar: check-ups of cells whose loss over time is known."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_storage import AMPERE, UPPER, Life

from warehouse.schema import CALENDAR, CALENDAR_FIT, FLOAT_LEAKAGE
from warehouse.storage import StorageRecipe, compute_storage
from warehouse.storage.reasons import REASONS

RECIPE = StorageRecipe()
Q0 = 100e-6
MONTH = 24 * 30.0
FLOAT_AMPERE = 8e-9
Rows = list[dict[str, Any]]


def aged(
    check_ups: int = 8,
    rate: float = 0.01,
    exponent: float = 0.5,
    *,
    hold: bool = False,
    scatter: float = 0.0,
    **rest: float,
) -> Life:
    """Return a cell that loses rate·t^exponent, t in days, between check-ups that are a month apart."""
    random = np.random.default_rng(11)
    life = Life().cycle(Q0, Q0)
    origin = life.now - (0.5 + Q0 / AMPERE) * 3600
    for _ in range(check_ups):
        left = Q0 * (1 - rate * ((life.now - origin) / 86_400) ** exponent)
        if hold:
            life.charge(left).hold(MONTH, FLOAT_AMPERE)
        else:
            life.charge(left).rest(MONTH, **rest).discharge(0.97 * left).rest(0.5, 3.3).charge(left).rest(0.5)
        days = (life.now - origin) / 86_400
        life.discharge(Q0 * (1 - rate * days**exponent) + scatter * Q0 * random.standard_normal()).rest(0.5, 3.3)
    return life


def compute(life: Life, leakage: pl.DataFrame | None = None) -> tuple[Rows, Rows]:
    """Return the check-ups and the fit of a life."""
    _, check_ups, fits = compute_storage(life.inputs(leakage), RECIPE)
    return list(check_ups.iter_rows(named=True)), list(fits.iter_rows(named=True))


def fit_of(life: Life) -> dict[str, Any]:
    """Return the only fit of a life."""
    (row,) = compute(life)[1]
    return row


def test_retention_by_days() -> None:
    """A cell that is stored charged: the discharge behind each recharge counts, not what was left before it."""
    rows, _ = compute(aged())
    assert [row["check_up"] for row in rows] == list(range(1, 10))
    assert [row["capacity_retention"] for row in rows] == pytest.approx(
        [1 - 0.01 * row["calendar_day"] ** 0.5 for row in rows], abs=1e-9
    )
    assert rows[1]["calendar_day"] == pytest.approx(32, abs=1.5)
    assert {row["period_kind"] for row in rows[1:]} == {"storage"}
    assert rows[1]["period_day"] == pytest.approx(30, abs=0.2)
    assert rows[0]["period_kind"] is None


def test_rate_of_loss_comes_back() -> None:
    """A k of 0.01 a root day, with the truth in its interval, and a free exponent of a half."""
    row = fit_of(aged(scatter=0.001))
    assert (row["status"], row["exponent_status"]) == ("fitted", "fitted")
    assert row["loss_per_day_power"] == pytest.approx(0.01, rel=0.03)
    assert row["loss_low_per_day_power"] < 0.01 < row["loss_high_per_day_power"]
    assert row["free_exponent"] == pytest.approx(0.5, abs=0.05)
    assert row["free_exponent_low"] < 0.5 < row["free_exponent_high"]
    assert row["misfit"] < 0.003


def test_free_exponent_of_a_line() -> None:
    """A loss that is a straight line of time has the exponent 1, whatever the recipe gives."""
    row = fit_of(aged(rate=0.0005, exponent=1.0))
    assert row["free_exponent"] == pytest.approx(1.0, abs=0.01)
    assert row["free_loss_per_day_power"] == pytest.approx(0.0005, rel=0.05)
    assert row["fixed_exponent"] == 0.5


def test_intervals_cover_the_truth() -> None:
    """Over 40 cells with scatter, both intervals hold the truth in most."""
    held = []
    for seed in range(40):
        life = aged()
        random = np.random.default_rng(seed)
        for row in life.rows[12:]:
            if row["kind"] == "discharge_cc":
                row["primary_charge_ah"] *= 1 + 0.002 * random.standard_normal()
        row = fit_of(life)
        held.append(row["loss_low_per_day_power"] <= 0.01 <= row["loss_high_per_day_power"])
    assert np.mean(held) >= 0.85


def test_float_current_and_charge() -> None:
    """A cell on float: its last day's current and its charge come from the test's holds and add up."""
    life = aged(6, hold=True)
    holds = [row for row in life.rows if row["kind"] == "charge_cv"]
    leakage = pl.DataFrame(
        [
            {
                "test_id": row["test_id"],
                "step_count": row["step_count"],
                "last_day_ampere": FLOAT_AMPERE,
                "current_offset_source": "channel",
                "hold_charge_ah": row["primary_charge_ah"],
            }
            for row in holds
        ],
        schema={name: FLOAT_LEAKAGE.dtypes[name] for name in FLOAT_NAMES},
    )
    rows, fits = compute(life, leakage)
    assert {row["period_kind"] for row in rows[1:]} == {"hold"}
    assert [row["float_ampere"] for row in rows] == [None, *[FLOAT_AMPERE] * 6]
    assert rows[-1]["cumulative_hold_charge_ah"] == pytest.approx(6 * MONTH * FLOAT_AMPERE)
    assert rows[1]["period_voltage_volt"] == pytest.approx(UPPER)
    assert rows[1]["float_offset_source"] == "channel"
    assert fits[0]["status"] == "fitted"


FLOAT_NAMES = ("test_id", "step_count", "last_day_ampere", "current_offset_source", "hold_charge_ah")


def test_resistance_at_the_edge() -> None:
    """The drop from rest to the check-up's first record over its current, and how it changed."""
    life = aged(4)
    for number, row in enumerate(row for row in life.rows if row["kind"] == "discharge_cc"):
        row["first_voltage_volt"] = UPPER - 0.05 - AMPERE * 1000 * (1 + 0.1 * (number // 2))
    rows, _ = compute(life)
    assert rows[0]["edge_resistance_ohm"] == pytest.approx(1000.0)
    assert rows[0]["edge_resistance_change"] == 0
    changes = [row["edge_resistance_change"] for row in rows]
    assert changes == sorted(changes)
    assert changes[-1] > 0.2


def test_cycled_cell_is_no_calendar() -> None:
    """A cell that was cycled for months and idled for three days in between has no check-ups."""
    life = Life().cycle(*[Q0] * 30).rest(72, 3.3).cycle(*[Q0] * 30)
    assert compute(life) == ([], [])


def test_gap_between_tests_is_storage() -> None:
    """Months in a drawer, with nothing recorded, are calendar time."""
    life = Life().cycle(Q0, Q0)
    for number in range(1, 6):
        life.begin_test(MONTH).cycle(Q0 * (1 - 0.01 * number))
    rows, fits = compute(life)
    assert [row["capacity_retention"] for row in rows] == pytest.approx([1, 0.99, 0.98, 0.97, 0.96, 0.95])
    assert fits[0]["free_exponent"] == pytest.approx(1.0, abs=0.02)


def test_other_current_is_no_check_up() -> None:
    """A period that is followed by fast discharges alone has a row that says so."""
    life = aged(4)
    life.charge(Q0).rest(MONTH).discharge(0.9 * Q0, 5 * AMPERE).charge(Q0).discharge(0.9 * Q0, 5 * AMPERE)
    life.charge(Q0).rest(MONTH).discharge(0.8 * Q0).charge(Q0).rest(0.5).discharge(0.85 * Q0)
    rows, _ = compute(life)
    assert (rows[5]["status"], rows[5]["reason"], rows[5]["capacity_ah"]) == ("refused", "no_check_up", None)
    assert rows[5]["reason"] in REASONS
    assert rows[6]["capacity_retention"] == pytest.approx(0.85)


def refusal(row: dict[str, Any]) -> str:
    """Return why a fit was refused."""
    assert row["status"] == "refused"
    assert row["loss_per_day_power"] is None
    assert row["reason"] in REASONS
    return str(row["reason"])


def test_three_check_ups_are_too_few() -> None:
    """Three points behind the first make no fit, with the given exponent or a free one."""
    row = fit_of(aged(3))
    assert refusal(row) == "too_few_check_ups"
    assert row["exponent_status"] == "refused"


def test_no_loss_is_no_rate() -> None:
    """A cell that keeps its capacity within the scatter has no rate of loss."""
    row = fit_of(aged(rate=0.0, scatter=0.002))
    assert refusal(row) == "no_loss"
    assert row["exponent_reason"] == "exponent_undetermined"
    assert row["exponent_reason"] in REASONS


def test_two_temperatures_are_no_series() -> None:
    """Periods at 25 and at 60 °C are not one series."""
    life = aged(4)
    for number, row in enumerate(row for row in life.rows if row["duration_second"] > 1e6):
        row["mean_temperature_celsius"] = 25.0 if number < 2 else 60.0
    row = fit_of(life)
    assert refusal(row) == "conditions_differ"


def test_thousand_cycles_cost_little() -> None:
    """A cell of a thousand cycles and ten storages is computed in a moment."""
    life = Life().cycle(*[Q0] * 40)
    inputs = life.inputs()
    cycled = pl.concat([inputs.steps.with_columns(pl.col("step_count") + 160 * n) for n in range(25)])
    grown = Life().cycle(*[Q0] * 40).rest(720).inputs()
    many = type(inputs)("F", "C", None, grown.tests, pl.concat([cycled, grown.steps]), pl.DataFrame(), {})
    began = time.perf_counter()
    compute_storage(many, RECIPE)
    assert time.perf_counter() - began < 0.5


def test_rows_are_the_tables() -> None:
    """Every column is declared, and the same input gives the same rows."""
    first, again = (compute_storage(aged().inputs(), RECIPE) for _ in range(2))
    assert dict(first[1].schema) == CALENDAR.dtypes
    assert dict(first[2].schema) == CALENDAR_FIT.dtypes
    assert all(one.equals(other) for one, other in zip(first, again, strict=True))


@pytest.mark.parametrize("code", sorted(REASONS))
def test_reasons_speak_both_languages(code: str) -> None:
    """Every reason has its sentences in English and Korean."""
    sentence = REASONS[code]
    assert sentence.en.endswith(".")
    assert sentence.en_do.endswith(".")
    assert any("가" <= letter <= "힣" for letter in sentence.ko)
    assert any("가" <= letter <= "힣" for letter in sentence.ko_do)

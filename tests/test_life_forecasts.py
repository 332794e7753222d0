"""Ends of life, and forecasts of them: a band, labelled, within reach, or none."""

from __future__ import annotations

import numpy as np
import pytest
from made_lives import BEGIN, Doubles, bend, lose, observe, tell

from warehouse.life.forecasts import find_end
from warehouse.life.reasons import REASONS
from warehouse.life.recipe import LifeRecipe


def end_naively(cycle: Doubles, retention: Doubles, threshold: float, sustained: int) -> float | None:
    """Return the end of life as a person would look for it, cycle after cycle."""
    for k in range(len(cycle) - sustained + 1):
        if all(retention[k + ahead] < threshold for ahead in range(sustained)):
            if k == 0:
                return float(cycle[0])
            fallen = (retention[k - 1] - threshold) / (retention[k - 1] - retention[k])
            return float(cycle[k - 1] + fallen * (cycle[k] - cycle[k - 1]))
    return None


def test_end_of_life_equals_a_plain_loop() -> None:
    """Over two hundred noisy lives with gaps the end is that of a plain loop, and some lives have none."""
    rng = np.random.default_rng(21)
    found = []
    for _ in range(200):
        cycle = np.sort(rng.choice(500, size=rng.integers(1, 80), replace=False)).astype(np.float64)
        retention = 1 - 5e-4 * cycle + 0.02 * rng.standard_normal(len(cycle))
        sustained = int(rng.integers(1, 5))
        end = find_end(cycle, retention, 0.85, sustained)
        assert end == end_naively(cycle, retention, 0.85, sustained)
        found.append(end)
    assert 0 < found.count(None) < 200


@pytest.mark.parametrize("law", ["linear", "sqrt", "power"])
def test_band_holds_the_end(law: str) -> None:
    """Seen for four fifths of their life, fifteen cells of each law end within their band, but for one at most."""
    rng = np.random.default_rng(22)
    missed = 0
    for _ in range(15):
        x = np.arange(900.0)
        true, coefficient, exponent = lose(law, x, rng.uniform(0.25, 0.4), rng.uniform(0.8, 1.2))
        end = (0.2 / coefficient) ** (1 / exponent)
        told = tell(observe(true, 1e-3, rng)[: round(0.8 * end)])
        assert told.forecast["status"] == "forecast"
        assert law in told.forecast["laws"]
        missed += not told.forecast["forecast_low_cycle"] <= end + BEGIN <= told.forecast["forecast_high_cycle"]
    assert missed <= 1


def test_behind_a_knee_only_what_is_behind_it_counts() -> None:
    """A life with a knee at cycle 200 of 300 is carried on with the slope behind the knee."""
    true = bend(np.arange(400.0), 200, 0.04, 5.0)
    end = 200 + (0.2 - 0.04) / 1e-3 + BEGIN
    forecast = tell(observe(true, 5e-4, np.random.default_rng(23))[:300]).forecast
    assert (forecast["status"], forecast["laws"]) == ("forecast", "linear")
    assert forecast["forecast_low_cycle"] < end < forecast["forecast_high_cycle"]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (np.linspace(1, 0.95, 100), "beyond_reach"),
        (np.ones(100), "beyond_reach"),
        (np.linspace(1, 0.95, 9), "too_few_points"),
        (bend(np.arange(200.0), 187, 0.04, 12.0), "knee_unclear"),
    ],
    ids=["too far", "no fade", "too short", "maybe a knee"],
)
def test_no_forecast_where_nobody_can_say(seen: Doubles, reason: str) -> None:
    """An end beyond reach, too few cycles, or a break that may be a knee: there is no band, but a reason."""
    forecast = tell(seen).forecast
    assert (forecast["status"], forecast["reason"]) == ("refused", reason)
    assert (forecast["forecast_low_cycle"], forecast["forecast_high_cycle"]) == (None, None)
    assert reason in REASONS


def test_life_that_has_ended_is_not_forecast() -> None:
    """Once the threshold is crossed for good there is nothing left to forecast."""
    forecast = tell(np.linspace(1, 0.7, 100)).forecast
    assert (forecast["status"], forecast["forecast_low_cycle"]) == ("reached", None)


def test_reach_is_a_part_of_what_was_seen() -> None:
    """A hundred and one cycles from the reference reach fifty cycles further, or as far as the recipe says."""
    seen = np.linspace(1, 0.85, 101)
    assert tell(seen).forecast["limit_cycle"] == BEGIN + 150
    assert tell(seen, LifeRecipe(forecast_reach=1.1)).forecast["status"] == "refused"

"""Knees: none where none was put in, each where it was put in, and every gate keeps out what it is there for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_lives import BEGIN, RECIPE, ageing, bend, lose, observe, tell

from warehouse.life.breaks import Break
from warehouse.life.knees import Verdict, accelerate, agree, find_objection
from warehouse.life.reasons import REASONS
from warehouse.life.segments import fit_segments
from warehouse.life.series import read_series

LAWS = ("linear", "sqrt", "power")
LIVES = 40


@pytest.mark.parametrize("law", LAWS)
def test_life_without_a_knee_has_none(law: str) -> None:
    """Of forty lives by one law, with noise of 0.01 to 0.5 %, none has a knee by either method."""
    rng = np.random.default_rng(11)
    for _ in range(LIVES):
        x = np.arange(rng.integers(100, 1001), dtype=np.float64)
        true, _, _ = lose(law, x, rng.uniform(0.03, 0.35), rng.uniform(0.7, 1.3))
        told = tell(observe(true, 10 ** rng.uniform(-4, -2.3), rng))
        assert set(told.knees["status"]) == {"none"}


def test_knee_is_found_within_its_interval() -> None:
    """Forty knees at 55 % of life, four to seven times as steep, all are found, 38 or more within the interval."""
    rng = np.random.default_rng(12)
    inside = 0
    for _ in range(LIVES):
        x = np.arange(rng.integers(100, 1001), dtype=np.float64)
        knee = round(0.55 * len(x))
        seen = observe(bend(x, knee, rng.uniform(0.03, 0.05), rng.uniform(4, 7)), 10 ** rng.uniform(-4, -2.3), rng)
        row = tell(seen).knee()
        assert row["status"] == "detected"
        inside += row["knee_low_cycle"] <= knee + BEGIN <= row["knee_high_cycle"]
        assert row["knee_high_cycle"] - row["knee_low_cycle"] < 0.2 * len(x)
    assert inside >= 38


def test_figures_of_a_knee() -> None:
    """A knee at cycle 203, after 4 % in 200 cycles and five times as fast behind it, is told with these figures."""
    row = tell(bend(np.arange(400.0), 200, 0.04, 5.0)).knee()
    wanted = {
        "knee_cycle": 200 + BEGIN,
        "knee_retention": 0.96,
        "rate_before_per_cycle": -2e-4,
        "rate_after_per_cycle": -1e-3,
        "acceleration": 5.0,
        "loss_after": 0.199,
        "follow_up_cycles": 199,
    }
    assert {name: row[name] for name in wanted} == pytest.approx(wanted, rel=1e-3)


def test_gradual_knee_has_an_onset_before_it() -> None:
    """Where fade turns over some eighty cycles, the onset lies before the knee, and a sharp one's lies on it."""
    x = np.arange(600.0)
    away = x - 350
    gradual = tell(1 - 5e-4 * x - 4e-4 * (away + away * np.tanh(away / 80))).knee("bacon_watts")
    sharp = tell(bend(x, 350, 0.04, 5.0)).knee("bacon_watts")
    assert gradual["onset_cycle"] == pytest.approx(350 - 80 + BEGIN, abs=3)
    assert gradual["knee_cycle"] == pytest.approx(350 + BEGIN, abs=3)
    assert sharp["knee_cycle"] - sharp["onset_cycle"] < 8


def test_segments_equal_a_naive_search() -> None:
    """The break from sums is that of least squares tried at every cycle, one after another."""
    seen = observe(bend(np.arange(120.0), 66, 0.04, 5.0), 2e-3, np.random.default_rng(13))
    series = read_series(ageing(seen), RECIPE)
    assert series is not None
    found = fit_segments(series.cycle, series.retention, RECIPE)
    assert found is not None
    left = {}
    for place in series.cycle[10:-2]:
        rows = np.array([np.ones(120), series.cycle, np.maximum(series.cycle - place, 0)])
        left[place] = float(np.linalg.lstsq(rows.T, seen, rcond=None)[1][0])
    naive = min(left, key=lambda place: left[place])
    assert abs(found.knee[0] - naive) <= 1
    assert float(found.residual @ found.residual) <= left[naive]


# The gates

KNEE = Break((60.0, 58.0, 62.0), None, -4e-4, -2e-3, 1e-5, 0.97, 0.1, np.zeros(100), 0.0, 4)
SERIES = read_series(ageing(np.linspace(1, 0.8, 110)), RECIPE)


@pytest.mark.parametrize(
    ("changed", "gain", "objection"),
    [
        ({}, 50.0, None),
        ({}, 9.0, ("none", "law_without_break")),
        ({"after": -5e-4}, 50.0, ("none", "no_acceleration")),
        ({"knee": (109.0, 108.0, 110.0)}, 50.0, ("none", "at_the_end")),
        ({"knee": (95.0, 94.0, 96.0)}, 50.0, ("insufficient", "short_follow_up")),
        ({"loss": 0.019}, 50.0, ("insufficient", "little_loss")),
        ({"knee": (60.0, 40.0, 80.0)}, 50.0, ("indeterminate", "interval_too_wide")),
    ],
)
def test_every_gate_objects(changed: dict[str, float], gain: float, objection: tuple[str, str] | None) -> None:
    """A knee passes every gate, and each gate keeps out the one that fails it."""
    assert SERIES is not None
    assert find_objection(SERIES, replace(KNEE, **changed), gain, RECIPE) == objection  # type: ignore[arg-type]  # fields of several types
    assert objection is None or objection[1] in REASONS


def test_acceleration_from_no_fade_is_bounded_by_what_is_known() -> None:
    """Where a cell did not fade before, the acceleration is measured against how well that is known."""
    assert accelerate(replace(KNEE, before=1e-6)) == pytest.approx(200)


@pytest.mark.parametrize(
    ("first", "second", "status", "reason"),
    [
        (("detected", None), ("detected", None), "detected", None),
        (("none", "law_without_break"), ("none", "no_acceleration"), "none", "law_without_break"),
        (("insufficient", "little_loss"), ("none", "law_without_break"), "insufficient", "little_loss"),
        (("detected", None), ("none", "law_without_break"), "indeterminate", "methods_differ"),
        (("detected", None), ("insufficient", "little_loss"), "indeterminate", "methods_differ"),
        (("indeterminate", "interval_too_wide"), ("none", "at_the_end"), "indeterminate", "methods_differ"),
    ],
)
def test_consensus(
    first: tuple[str, str | None], second: tuple[str, str | None], status: str, reason: str | None
) -> None:
    """A knee is detected when both methods detect it; what one lacks is said; else there is no telling."""
    assert SERIES is not None
    verdicts = [
        Verdict(method, *said, KNEE, 50.0)
        for method, said in zip(("segmented", "bacon_watts"), (first, second), strict=True)
    ]
    agreed = agree(verdicts[0], verdicts[1], SERIES, RECIPE)
    assert (agreed.status, agreed.reason) == (status, reason)
    assert (agreed.found is None) == (status != "detected")


def test_knees_far_apart_are_none() -> None:
    """Two methods that detect a knee at different places leave no knee, and an agreed one has both intervals."""
    assert SERIES is not None
    first = Verdict("segmented", "detected", None, KNEE, 50.0)
    near = Verdict("bacon_watts", "detected", None, replace(KNEE, knee=(62.0, 59.0, 65.0)), 50.0)
    far = Verdict("bacon_watts", "detected", None, replace(KNEE, knee=(80.0, 78.0, 82.0)), 50.0)
    agreed = agree(first, near, SERIES, RECIPE).found
    assert agreed is not None
    assert agreed.knee == (60.0, 58.0, 65.0)
    assert agree(first, far, SERIES, RECIPE).status == "indeterminate"


def test_short_life_is_insufficient() -> None:
    """Twenty-nine cycles are too few to look for a knee."""
    row = tell(bend(np.arange(29.0), 10, 0.03, 6.0)).knee()
    assert (row["status"], row["reason"], row["knee_cycle"]) == ("insufficient", "too_few_points", None)


def test_knee_just_before_the_end_is_insufficient() -> None:
    """A knee twelve cycles before the last has lost enough, and is not yet followed by twenty."""
    row = tell(observe(bend(np.arange(200.0), 187, 0.04, 12.0), 1e-4, np.random.default_rng(14))).knee("segmented")
    assert (row["status"], row["reason"], row["knee_cycle"]) == ("insufficient", "short_follow_up", None)
    assert row["follow_up_cycles"] == pytest.approx(12, abs=1)


@pytest.mark.parametrize("shape", ["rising", "step", "transient"])
def test_other_courses_have_no_knee(shape: str) -> None:
    """A cell that recovers, one that drops once, and one that fades fast at first have no knee."""
    x = np.arange(300.0)
    true = {
        "rising": 1 + 0.03 * (1 - np.exp(-x / 60)),
        "step": 1 - 1e-4 * x - 0.02 * (x > 150),
        "transient": 1 - 3e-4 * x - 0.04 * (1 - np.exp(-x / 30)),
    }[shape]
    assert tell(observe(true, 5e-4, np.random.default_rng(15))).knee()["status"] == "none"


@pytest.mark.parametrize("code", REASONS)
def test_reasons_speak_two_languages(code: str) -> None:
    """Every reason says in English and in Korean what it means and what to do."""
    sentence = REASONS[code]
    assert all(part.endswith(".") for part in (sentence.en, sentence.ko, sentence.en_do, sentence.ko_do))
    assert any("가" <= letter <= "힣" for letter in sentence.ko + sentence.ko_do)

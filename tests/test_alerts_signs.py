"""Signs: what is off is found, and what only looks so is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from made_groups import make_cell, make_firm, rows_of

from warehouse.alerts import AlertsRecipe
from warehouse.alerts.channels import find_drifts
from warehouse.alerts.jumps import find_jumps
from warehouse.alerts.signs import compute_signs, find_crossed
from warehouse.replicates import ReplicatesRecipe
from warehouse.replicates.compute import compute_replicates
from warehouse.replicates.courses import sort_ageing
from warehouse.schema import REPLICATE_CELLS, REPLICATES, RESIDUALS, SPECS

RECIPE: Final = AlertsRecipe()
CYCLES: Final = 40
WAFER: Final = {"lot": "L", "wafer": "W1", "project": "P", "chemistry": "LCO"}


def course(rate: float, cycles: int = CYCLES, noise: float = 2e-4, seed: int = 0) -> list[float]:
    """Return capacities that fade by a part a cycle, with noise."""
    scatter = np.random.default_rng(seed).normal(0, noise, cycles)
    return [1e-4 * (1 - rate * cycle + away) for cycle, away in enumerate(scatter)]


def firm_of(courses: dict[str, list[float]], **cell: Any) -> Any:
    """Return a firm of cells on one wafer with their groups computed."""
    cells = [make_cell(name, capacities, **{**WAFER, **cell}) for name, capacities in courses.items()]
    inputs = make_firm(cells)
    made = compute_replicates(inputs, ReplicatesRecipe())
    firm = make_firm(cells, results=dict(zip((REPLICATES.name, REPLICATE_CELLS.name), made, strict=True)))
    return replace(firm, fade=firm.fade.with_columns(capacity_ah="discharging_capacity_ah"))


def signs_of(courses: dict[str, list[float]], kind: str, **cell: Any) -> list[str]:
    signs, _ = compute_signs(firm_of(courses, **cell), RECIPE)
    return signs.filter(pl.col("kind") == kind)["cell_id"].to_list()


def like(count: int, rate: float = 1e-3) -> dict[str, list[float]]:
    return {f"C{number}": course(rate, seed=number) for number in range(count)}


def test_die_that_falls_faster_is_found() -> None:
    """Of seven dies of a wafer the one that fades four times as fast is told, and no other."""
    assert signs_of(like(6) | {"BAD": course(4e-3, seed=9)}, "falling_faster") == ["BAD"]


def test_young_die_is_compared_at_its_own_age() -> None:
    """A die that began later is compared at its last cycle, where it is as good as the others were."""
    assert signs_of(like(6) | {"NEW": course(1e-3, cycles=15, seed=9)}, "falling_faster") == []
    assert signs_of(like(6) | {"NEW": course(4e-3, cycles=15, seed=9)}, "falling_faster") == ["NEW"]


@pytest.mark.parametrize(
    "courses",
    [
        like(3) | {"BAD": course(4e-3, seed=9)},
        like(6) | {"SHORT": course(8e-3, cycles=6, seed=9)},
        like(6) | {"SLOW": course(1e-4, seed=9)},
        {f"C{number}": course(1e-3, noise=0) for number in range(6)} | {"C9": course(1.1e-3, noise=0)},
        {f"C{number}": course(1e-3 * (1 + number), seed=number) for number in range(7)},
    ],
    ids=["too few siblings", "too few cycles", "slower than the others", "less than a hundredth", "all differ"],
)
def test_die_that_may_be_like_its_siblings_is_not_told(courses: dict[str, list[float]]) -> None:
    """Few siblings, few cycles, a better die, a loss too small to matter, or siblings that differ anyway: no sign."""
    assert signs_of(courses, "falling_faster") == []


def test_capacity_step_is_found() -> None:
    """A loss of five percent from one cycle to the next is told once, with the cycle and both capacities."""
    capacities = course(1e-3)
    stepped = [value - (5e-6 if cycle >= 20 else 0) for cycle, value in enumerate(capacities)]
    fade = make_cell("A", stepped).fade.with_columns(capacity_ah="discharging_capacity_ah")
    (sign,) = find_jumps(sort_ageing(fade), RECIPE)
    assert (sign.subject, sign.evidence["cycle"]) == ("A at cycle 21", 21)
    assert sign.evidence["change"] == pytest.approx(-0.052, abs=0.002)


def gap(values: list[float]) -> pl.DataFrame:
    """Return a life whose cycle 20 was a check-up."""
    return make_cell("A", values, classes=["rpt" if n == 20 else "ageing" for n in range(len(values))]).fade


@pytest.mark.parametrize(
    ("values", "checked"),
    [
        (course(1e-3), False),
        ([value * (0.9 if cycle == 20 else 1) for cycle, value in enumerate(course(1e-3))], False),
        ([value - (5e-6 if cycle >= 38 else 0) for cycle, value in enumerate(course(1e-3))], False),
        ([value + (5e-6 if cycle > 20 else 0) for cycle, value in enumerate(course(1e-3))], True),
        ([value * (1 + 0.02 * (-1) ** cycle) for cycle, value in enumerate(course(1e-3))], False),
        (course(5e-2, cycles=15), False),
        ([1e-4, 1e-4, 5e-5, 5e-5], False),
    ],
    ids=["smooth", "one bad cycle", "too late to know", "behind a check-up", "as noisy always", "steep", "short"],
)
def test_what_is_no_step_is_not_told(values: list[float], checked: bool) -> None:  # noqa: FBT001 a case of the test
    """One bad cycle, one that nothing follows, a recovery behind a check-up, noise and steep fade are no steps."""
    fade = gap(values) if checked else make_cell("A", values).fade
    ageing = sort_ageing(fade.with_columns(capacity_ah="discharging_capacity_ah"))
    assert list(find_jumps(ageing, RECIPE)) == []


def test_crossed_limit_is_told_of_cells_alone() -> None:
    """A cell that fails its limit is told; what was not tested, dies without a cell and the verdict of all are not."""
    base = {"firm": "A", "spec": "S", "revision": 2, "quantity": "capacity", "statistic": "min", "conditions": "{}"}
    rows = [
        {**base, "scope": "cell", "cell_id": "C1", "verdict": "fail", "measured": 0.9, "lower": 1.0},
        {**base, "scope": "cell", "cell_id": "C2", "verdict": "not_tested"},
        {**base, "scope": "cell", "cell_id": None, "die_x": 3, "verdict": "fail"},
        {**base, "scope": "all", "cell_id": None, "verdict": "fail"},
    ]
    (sign,) = find_crossed(rows_of(SPECS, rows))
    assert (sign.kind, sign.cell_id, sign.evidence["lower"]) == ("limit_crossed", "C1", 1.0)


def test_residuals_are_against_like_cells() -> None:
    """A test's capacity is told as its part above the median of like cells, where these are enough."""
    courses = {f"C{number}": [1e-4] * 12 for number in range(5)} | {"HIGH": [1.02e-4] * 12}
    _, residuals = compute_signs(firm_of(courses), RECIPE)
    found = {row["cell_id"]: row["residual"] for row in residuals.filter(pl.col("metric") == "capacity").to_dicts()}
    assert found["HIGH"] == pytest.approx(0.02)
    assert found["C0"] == 0
    assert compute_signs(firm_of(dict(list(courses.items())[:4])), RECIPE)[1].is_empty()


def readings(offsets: dict[str, list[float]], metric: str = "coulombic_efficiency") -> pl.DataFrame:
    """Return residuals of cells by channel, of two firms."""
    rows = [
        {
            "firm": "AB"[place % 2],
            "test_id": f"{channel}{place}",
            "cell_id": f"{channel}{place}",
            "metric": metric,
            "residual": value,
            "like_cells": 6,
            "channel": channel,
        }
        for channel, values in offsets.items()
        for place, value in enumerate(values)
    ]
    frame = rows_of(RESIDUALS, rows)
    return frame.with_columns(channel=pl.Series([row["channel"] for row in rows], dtype=pl.String))


def sound(channels: int = 10, cells: int = 4) -> dict[str, list[float]]:
    random = np.random.default_rng(3)
    return {f"ch{number}": random.normal(0, 1e-4, cells).tolist() for number in range(channels)}


def test_channel_that_is_off_is_found() -> None:
    """A channel whose four cells of two firms all read 0.1 % too much is told, once, with its cells counted."""
    (sign,) = find_drifts(readings(sound() | {"off": [1e-3, 0.9e-3, 1.1e-3, 1e-3]}), RECIPE)
    assert (sign.kind, sign.firm, sign.subject) == ("channel_drift", None, "off coulombic_efficiency")
    assert (sign.evidence["cells"], sign.evidence["firms"]) == (4, 2)
    assert sign.evidence["residual"] == pytest.approx(1e-3)


@pytest.mark.parametrize(
    "values",
    [[1e-3, 1e-3], [1e-3, -1e-3, 1e-3, -1e-3, 9e-4], [1.5e-4, 1.6e-4, 1.4e-4, 1.5e-4], [5e-3, 1e-5, -2e-5, 3e-5]],
    ids=["two cells", "cells disagree", "too little to matter", "one odd cell"],
)
def test_channel_that_may_be_sound_is_not_told(values: list[float]) -> None:
    """Two cells, cells that disagree, a difference that does not matter, or one odd cell say nothing of a channel."""
    assert list(find_drifts(readings(sound() | {"x": values}), RECIPE)) == []


def test_test_without_a_channel_says_nothing() -> None:
    """Files that do not name their channel take no part."""
    frame = readings(sound() | {"off": [1e-3] * 5}).with_columns(channel=pl.lit(None, dtype=pl.String))
    assert list(find_drifts(frame, RECIPE)) == []

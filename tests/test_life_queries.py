"""The questions fade and summary: references, floors and printed digits, against figures worked out otherwise."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_lives import AMPERE, HOUR, ask, describe_cycles

from warehouse.life.reasons import REASONS
from warehouse.life.recipe import REFERENCE_POLICIES, LifeRecipe
from warehouse.recipe import Recipe, change_recipe

CAPACITIES = [1.2e-4, 1.0e-4, 1.1e-4, 0.9e-4, 1.05e-4, 0.8e-4, 1.15e-4]
CLASSES = ["formation", *["ageing"] * 6]


def summary_of(relations: dict[str, Any], **life: Any) -> dict[str, Any]:
    return ask("summary", relations, **life).row(0, named=True)


def with_nominal(relations: dict[str, Any], nominal: float | None) -> dict[str, Any]:
    return relations | {"cell": relations["cell"].with_columns(nominal_capacity_ah=pl.lit(nominal, pl.Float64))}


# References


@pytest.mark.parametrize(
    ("policy", "cycle", "capacity"),
    [
        ("first", 1, 1.2e-4),
        ("first_after_formation", 2, 1.0e-4),
        ("cycle_n", 4, 0.9e-4),
        ("max_of_first", 3, 1.1e-4),
        ("median_3_5", 5, 1.05e-4),
        ("nominal", None, 1.3e-4),
    ],
)
def test_reference_policies(policy: str, cycle: int | None, capacity: float) -> None:
    """Each policy takes its own cycle of seven as the reference, and retention is over its capacity."""
    relations = with_nominal(describe_cycles(CAPACITIES, CLASSES), 1.3e-4)
    life = {"reference_policy": policy, "reference_cycle_n": 4, "reference_first_n": 5}
    row, fade = summary_of(relations, **life), ask("fade", relations, **life)
    named = (row["reference_policy"], row["reference_status"], row["reference_cycle"])
    assert named == (policy, "found", cycle)
    assert row["reference_capacity_ah"] == capacity
    wanted = [None, *(value / capacity for value in CAPACITIES[1:])]
    assert fade["capacity_retention"].to_list() == wanted


def test_all_policies_are_tested() -> None:
    """There are six policies, and the default is the first cycle after formation."""
    assert len(REFERENCE_POLICIES) == 6
    assert LifeRecipe().reference_policy == "first_after_formation"


@pytest.mark.parametrize(
    ("policy", "capacities", "classes", "status"),
    [
        ("first", [1e-4], ["incomplete"], "no_complete_cycle"),
        ("first_after_formation", [1e-4] * 2, ["formation"] * 2, "no_ageing_cycle"),
        ("cycle_n", [1e-4] * 2, ["ageing"] * 2, "too_few_cycles"),
        ("cycle_n", [1e-4] * 4, ["ageing", "ageing", "incomplete", "ageing"], "cycle_incomplete"),
        ("max_of_first", [1e-4] * 5, ["formation", *["ageing"] * 4], "too_few_cycles"),
        ("median_3_5", [1e-4] * 4, ["ageing"] * 4, "too_few_cycles"),
        ("median_3_5", [1e-4] * 5, [*["ageing"] * 3, "incomplete", "ageing"], "cycle_incomplete"),
        ("nominal", [1e-4] * 9, ["ageing"] * 9, "no_nominal_capacity"),
    ],
)
def test_missing_reference_is_told(policy: str, capacities: list[float], classes: list[str], status: str) -> None:
    """Where a policy finds no reference there is no retention and no end of life, and the reason is named."""
    relations = describe_cycles(capacities, classes)
    row = summary_of(relations, reference_policy=policy)
    assert row["reference_status"] == status
    assert status in REASONS
    empty = ("reference_capacity_ah", "reference_cycle", "last_capacity_retention", "fade_rate_per_cycle")
    empty += ("end_of_life_cycle", "end_of_life_censored", "end_of_life")
    assert {row[name] for name in empty} == {None}
    assert ask("fade", relations, reference_policy=policy)["capacity_retention"].null_count() == len(capacities)
    if "ageing" in classes:
        assert row["last_capacity_ah"] == 1e-4


def test_first_of_equal_maxima_is_the_reference() -> None:
    """Of several largest capacities the first one's cycle is named."""
    row = summary_of(describe_cycles([0.9e-4, 1e-4, 1e-4, 1e-4, 0.9e-4]), reference_policy="max_of_first")
    assert row["reference_cycle"] == 2


@pytest.mark.parametrize(
    "wrong", [{"reference_policy": "second"}, {"reference_first_n": 0}, {"sustained_crossing": 0}], ids=str
)
def test_recipe_refuses_what_does_not_exist(wrong: dict[str, Any]) -> None:
    """A policy that does not exist, or a count below one, is refused when the recipe is read."""
    with pytest.raises(ValueError, match=r"cannot be 'second'; there are first, |count from 1"):
        change_recipe(Recipe(), {"life": wrong})


# End of life


def test_life_below_the_threshold_from_the_first_cycle() -> None:
    """With a nominal capacity of twice the first, life ended at or before the first ageing cycle, not censored."""
    relations = with_nominal(describe_cycles([1e-4, 0.9e-4, 0.8e-4]), 2e-4)
    row = summary_of(relations, reference_policy="nominal")
    assert (row["end_of_life_cycle"], row["end_of_life"], row["end_of_life_censored"]) == (1, "<= 1", False)


def test_summary_equals_a_plain_computation() -> None:
    """Retention, slope, last capacity and end of life of a noisy life equal those of plain Python to 1e-9."""
    rng = np.random.default_rng(31)
    classes = ["formation", "formation", *["ageing"] * 297, "incomplete"]
    classes[60] = classes[61] = "rpt"
    capacities = (1e-4 * (1 - 8e-4 * np.arange(300)) * (1 + 2e-3 * rng.standard_normal(300))).tolist()
    row = summary_of(describe_cycles(capacities, classes))
    aged = [(n, q) for n, (q, kind) in enumerate(zip(capacities, classes, strict=True), 1) if kind == "ageing"]
    retention = [q / aged[0][1] for _, q in aged]
    slope = statistics.linear_regression([n for n, _ in aged], retention).slope
    k = next(k for k in range(len(aged)) if retention[k] < 0.8 and retention[k + 1] < 0.8)
    (n, before), (after, _) = (aged[k - 1][0], retention[k - 1]), aged[k]
    wanted = {
        "cycles": 299,
        "reference_cycle": 3,
        "reference_capacity_ah": capacities[2],
        "first_capacity_ah": capacities[0],
        "last_capacity_ah": capacities[-2],
        "last_capacity_retention": retention[-1],
        "fade_rate_per_cycle": slope,
        "end_of_life_cycle": n + (before - 0.8) / (before - retention[k]) * (after - n),
    }
    assert {name: row[name] for name in wanted} == pytest.approx(wanted, rel=1e-9)


# Axes


def test_throughput_over_the_area() -> None:
    """Charge moved through a square millimetre is given per square metre, and not without an area."""
    relations = describe_cycles([1e-4, 1e-4])
    area = relations["cell"].with_columns(active_area_square_metre=pl.lit(1e-6))
    fade = ask("fade", relations | {"cell": area})
    assert fade["throughput_ah_per_square_metre"].to_list() == pytest.approx([200, 400])
    assert ask("fade", relations)["throughput_ah_per_square_metre"].null_count() == 2


def test_days_are_not_mixed_from_two_kinds_of_clock() -> None:
    """One test counts days by its own time; of two tests, one without a wall clock, nobody knows the days."""
    relations = describe_cycles([1e-4] * 3)
    bare = relations["cycles"].with_columns(start_time=pl.lit(None, pl.Float64))
    assert ask("fade", relations | {"cycles": bare})["elapsed_day"].to_list() == pytest.approx([0, 1 / 24, 2 / 24])
    other = relations["cycles"].with_columns(test_id=pl.lit("U"))
    tests = pl.concat([relations["test"], relations["test"].with_columns(test_id=pl.lit("U"))])
    mixed = relations | {"cycles": pl.concat([bare, other]), "test": tests}
    assert ask("fade", mixed)["elapsed_day"].null_count() == 6


# Floors


@pytest.mark.parametrize(
    ("known", "floor", "terms"),
    [
        ({"current_offset_ampere": 1e-8}, 0.0020, "offset"),
        ({"current_offset_ampere": -1e-8}, 0.0020, "offset"),
        ({"current_offset_ampere": 0.0, "current_quantum_ampere": 2e-8}, 0.0020, "offset, quantum"),
        (
            {"current_offset_ampere": 1e-8, "current_quantum_ampere": 2e-8, "current_noise_ampere": 1e-7},
            0.0020,
            "offset",
        ),
        ({"current_quantum_ampere": 2e-8}, None, None),
        ({"range_accuracy_ampere": 5e-8}, 0.0100, "range"),
        (
            {"current_offset_ampere": 1e-8, "current_quantum_ampere": 2e-9, "range_accuracy_ampere": 5e-8},
            0.0122,
            "offset, quantum, range",
        ),
        ({"voltage_quantum_volt": 1e-4}, None, None),
        ({"current_offset_ampere": 0.0}, None, None),
    ],
    ids=["offset", "negative", "quantum", "noisy", "bare", "range", "all", "nothing", "none"],
)
def test_floor_of_the_efficiency(known: dict[str, float], floor: float | None, terms: str | None) -> None:
    """Ten nanoampere on ten microampere are 0.0020 of the efficiency; where nothing is known there is no floor."""
    fade = ask("fade", describe_cycles([1e-4] * 2, **known))
    wanted = floor and pytest.approx(floor, rel=0.007)
    assert fade["coulombic_efficiency_floor"].to_list() == [wanted, wanted]
    assert set(fade["coulombic_efficiency_floor_terms"]) == {terms}


def test_floor_covers_an_injected_offset() -> None:
    """The efficiency that ten nanoampere pretend is off the true one by 0.20 %, and no more than the floor."""
    hours = 1e-4 / AMPERE
    charged, discharged = (AMPERE + 1e-8) * hours, (AMPERE - 1e-8) * hours
    shift = discharged / charged - 1
    assert shift == pytest.approx(-0.0020, abs=5e-6)
    relations = describe_cycles([discharged], current_offset_ampere=1e-8)
    relations["cycles"] = relations["cycles"].with_columns(
        charging_capacity_ah=charged, coulombic_efficiency=discharged / charged
    )
    relations["steps"] = relations["steps"].with_columns(duration_second=hours * HOUR)
    assert abs(shift) <= ask("fade", relations)["coulombic_efficiency_floor"].item() <= 0.00201


def test_taper_counts_for_as_long_as_it_lasts() -> None:
    """A charge that takes twice the time of its discharge has twice its part of the floor: 0.0030."""
    relations = describe_cycles([1e-4], current_offset_ampere=1e-8)
    into = pl.when(pl.col("charge_ah") > 0).then(2.0).otherwise(1.0)
    relations["steps"] = relations["steps"].with_columns(pl.col("duration_second") * into)
    assert ask("fade", relations)["coulombic_efficiency_floor"].item() == pytest.approx(0.0030, rel=0.003)


@pytest.mark.parametrize(
    ("efficiency", "offset", "printed"),
    [
        (0.99812, 1e-8, "0.998 ± 0.002"),
        (0.99812, 1.2e-8, "0.998 ± 0.003"),
        (0.99812, 4.9e-10, "0.9981 ± 0.0001"),
        (0.99812, 1e-13, "0.99812 ± 0.00001"),
        (0.9, 4e-7, "0.90 ± 0.08"),
        (0.9, 5e-7, "0.9 ± 0.1"),
        (0.9, 2e-6, "0.9 ± 0.5"),
        (0.9, 5.5e-6, "not_resolved"),
        (0.9, 2e-5, "not_resolved"),
    ],
)
def test_digits_stop_at_the_floor(efficiency: float, offset: float, printed: str) -> None:
    """An efficiency is printed to the decimal of its floor, which is rounded up, and not at all above one."""
    relations = describe_cycles([1e-4] * 3, current_offset_ampere=offset)
    relations["cycles"] = relations["cycles"].with_columns(coulombic_efficiency=pl.lit(efficiency))
    assert summary_of(relations)["coulombic_efficiency_printed"] == printed


def test_no_floor_nothing_printed() -> None:
    """Where only the quantum of the channel is known the median stands, and nothing is printed of it."""
    row = summary_of(describe_cycles([1e-4] * 3, current_quantum_ampere=2e-8))
    figures = (
        row["coulombic_efficiency_median"],
        row["coulombic_efficiency_floor"],
        row["coulombic_efficiency_printed"],
    )
    assert figures == (1.0, None, None)


def test_floor_of_a_summary_is_the_largest_and_needs_all() -> None:
    """Over two tests the larger floor counts, and if one test's channel is unknown there is none."""
    relations = describe_cycles([1e-4] * 3, current_offset_ampere=1e-8)
    for name in ("cycles", "steps", "test", "precision"):
        other = relations[name].with_columns(test_id=pl.lit("U"))
        if name == "precision":
            other = other.with_columns(current_offset_ampere=pl.lit(3e-8))
        relations[name] = pl.concat([relations[name], other])
    assert summary_of(relations)["coulombic_efficiency_floor"] == pytest.approx(0.006, rel=0.004)
    known = relations["precision"].filter(pl.col("test_id") == "T")
    assert summary_of(relations | {"precision": known})["coulombic_efficiency_floor"] is None

"""Conditions of cells, groups of like cells, and what is said of them, on cells whose figures are chosen by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_groups import NOMINAL, RECIPE, make_cell, make_firm, rows_of

from warehouse.metrics.inputs import CellInputs
from warehouse.replicates import COMPUTATIONS
from warehouse.replicates.blocks import compute_conditions
from warehouse.replicates.compute import compute_replicates
from warehouse.replicates.courses import list_ageing
from warehouse.replicates.likeness import number_sets
from warehouse.replicates.reasons import REASONS
from warehouse.schema import CONDITIONS, EXPOSURES, REPLICATES, RESISTANCE, conform_columns


def replicate(cells: Sequence[CellInputs], summaries: Mapping[str, Mapping[str, Any]] | None = None) -> pl.DataFrame:
    return compute_replicates(make_firm(cells, summaries), RECIPE)[0]


def of_metric(rows: pl.DataFrame, metric: str, at_cycle: int | None = None) -> dict[str, Any]:
    chosen = rows.filter((pl.col("metric") == metric) & pl.col("at_cycle").eq_missing(at_cycle))
    return chosen.row(0, named=True)


def lot_of(count: int, length: int = 12, **cell: Any) -> list[CellInputs]:
    """Return cells C0, C1, … whose first capacities are 1.00, 1.01, … of the nominal one."""
    return [make_cell(f"C{n:02}", [NOMINAL * (1 + n / 100)] * length, **cell) for n in range(count)]


def test_conditions_of_a_block_are_what_was_measured() -> None:
    """Rates are currents over the nominal capacity, the window and the temperature are those of the steps."""
    cell = make_cell("C", [9e-5] * 5, currents=[NOMINAL / 2] * 5, celsius=[37.0] * 5)
    (block,) = compute_conditions(cell, RECIPE)[0].to_dicts()
    assert block["discharging_rate_per_hour"] == pytest.approx(0.5)
    assert block["discharging_current_ampere"] == pytest.approx(-NOMINAL / 2)
    assert (block["upper_voltage_volt"], block["lower_voltage_volt"]) == (4.2, 3.0)
    assert block["temperature_celsius"] == pytest.approx(37.0)
    assert block["capacity_ah"] == pytest.approx(9e-5)
    assert block["energy_wh"] == pytest.approx(9e-5 * 3.8)


def test_cycles_at_another_temperature_are_another_block() -> None:
    """Cycles at 25 and at 60 °C are two blocks; the longer ageing one stands for the cell."""
    cell = make_cell("C", [1e-4] * 6 + [1.1e-4] * 3, celsius=[25.0] * 6 + [60.0] * 3)
    blocks = compute_conditions(cell, RECIPE)[0]
    assert blocks["cycles"].to_list() == [6, 3]
    assert blocks["stands_for_cell"].to_list() == [True, False]
    assert blocks["capacity_ah"].to_list() == pytest.approx([1e-4, 1.1e-4])


def test_ageing_stands_before_a_longer_rate_test() -> None:
    """The block that stands for a cell is of its ageing cycles, however many others there are."""
    classes = ["rate"] * 6 + ["ageing"] * 3
    cell = make_cell("C", [1e-4] * 9, classes=classes, currents=[2e-4] * 6 + [1e-4] * 3)
    assert compute_conditions(cell, RECIPE)[0].filter("stands_for_cell")["class"].to_list() == ["ageing"]


def test_a_full_discharge_of_a_bad_cell_is_full() -> None:
    """A cell that reaches its lower limit is discharged in full, however little it holds."""
    (block,) = compute_conditions(make_cell("C", [4e-5] * 3), RECIPE)[0].to_dicts()
    assert block["depth_of_discharge"] == 1.0


def test_a_discharge_above_the_limit_is_shallow() -> None:
    """Where the lower limit of 2.5 V is not reached the depth is the charge over the nominal capacity."""
    (block,) = compute_conditions(make_cell("C", [1e-5] * 3, voltage_lower_volt=2.5), RECIPE)[0].to_dicts()
    assert block["depth_of_discharge"] == pytest.approx(0.1)


def test_an_anode_half_cell_delivers_by_charge() -> None:
    """Of an anode half cell the charged capacity is the delivered one."""
    (block,) = compute_conditions(make_cell("C", [9.99e-5] * 3, convention="half_anode"), RECIPE)[0].to_dicts()
    assert block["capacity_ah"] == pytest.approx(1e-4)


def test_incomplete_cycles_are_in_no_block() -> None:
    """A truncated last cycle counts for no block, and a cell of incomplete cycles has none."""
    cell = make_cell("C", [1e-4] * 3, classes=["ageing", "ageing", "incomplete"])
    assert compute_conditions(cell, RECIPE)[0]["cycles"].to_list() == [2]
    assert compute_conditions(make_cell("C", [1e-4], classes=["incomplete"]), RECIPE)[0].is_empty()


def test_a_sterilisation_is_found_with_what_it_cost() -> None:
    """A quarter of an hour at 134 °C between the third cycle and the fourth, which delivers 4 % less."""
    exposures = compute_conditions(make_cell("C", [1e-4] * 3 + [9.6e-5] * 3, hot_after=3), RECIPE)[1]
    (spell,) = exposures.to_dicts()
    assert (spell["duration_second"], spell["temperature_celsius"]) == (900.0, 134.0)
    assert (spell["cycle_before"], spell["cycle_after"]) == (3, 4)
    assert spell["capacity_ratio"] == pytest.approx(0.96)


def test_a_sterilisation_without_a_cycle_after_it_has_no_ratio() -> None:
    """Heat behind the last cycle is told, its cost is not."""
    exposures = compute_conditions(make_cell("C", [1e-4] * 3, hot_after=3), RECIPE)[1]
    assert exposures["capacity_ratio"].to_list() == [None]
    assert exposures["cycle_before"].to_list() == [3]


def test_warm_cycling_is_no_exposure() -> None:
    """Cycling at 60 °C is a condition and no exposure."""
    assert compute_conditions(make_cell("C", [1e-4] * 3, celsius=[60.0] * 3), RECIPE)[1].is_empty()


@pytest.mark.parametrize("celsius", [None, [25.0, None, 25.0]])
def test_conditions_conform_to_the_schema(celsius: list[float | None] | None) -> None:
    """Conditions and exposures are rows of their tables, also where temperatures are missing."""
    conditions, exposures = compute_conditions(make_cell("C", [1e-4] * 3, celsius=celsius, hot_after=2), RECIPE)
    assert conform_columns(conditions, CONDITIONS, "test").height >= 1
    assert conform_columns(exposures, EXPOSURES, "test").height == 1


def test_sets_have_a_bounded_width() -> None:
    """Values within twice the tolerance of a set's smallest are one set; a chain of small steps is not."""
    assert number_sets(np.array([1.0, 1.05, 1.1, 1.15, np.nan]), 0.05, relative=True).tolist() == [0, 0, 0, 1, -1]


def test_median_and_spread_are_those_of_the_values() -> None:
    """Of seven cells at 1.00 to 1.06 of the nominal capacity the median is 1.03, the quartiles 1.015 and 1.045."""
    row = of_metric(replicate(lot_of(7)), "reference_capacity_ah")
    assert [row[name] / NOMINAL for name in ("minimum", "lower_quartile", "median", "upper_quartile", "maximum")] == (
        pytest.approx([1.0, 1.015, 1.03, 1.045, 1.06])
    )
    assert row["unit"] == "Ah"


def test_seven_cells_have_an_interval() -> None:
    """Without wafers the cell is the unit: of seven the interval runs from the smallest to the largest."""
    row = of_metric(replicate(lot_of(7)), "reference_capacity_ah")
    assert (row["n"], row["interval_unit"], row["interval_reason"], row["wafers"]) == (7, "cell", None, None)
    assert (row["median_low"], row["median_high"]) == pytest.approx((NOMINAL, 1.06 * NOMINAL))


def test_five_cells_have_none() -> None:
    """Below six cells the median has no interval, and the row says why."""
    row = of_metric(replicate(lot_of(5)), "reference_capacity_ah")
    assert row["median"] == pytest.approx(1.02 * NOMINAL)
    assert (row["median_low"], row["median_high"], row["interval_reason"]) == (None, None, "too_few_cells")


def test_dies_of_one_wafer_do_not_inflate_the_interval() -> None:
    """Twenty dies of two wafers are two wafers: no interval of the process, one of these wafers alone."""
    cells = [
        make_cell(f"C{n:02}", [NOMINAL * (1 + n / 100)] * 3, wafer=str(n % 2), process_split="A") for n in range(20)
    ]
    row = of_metric(replicate(cells), "reference_capacity_ah")
    assert (row["n"], row["wafers"], row["interval_unit"], row["interval_reason"]) == (20, 2, "wafer", "too_few_wafers")
    assert row["median_low"] is None
    assert (row["cells_median_low"], row["cells_median_high"]) == pytest.approx((1.05 * NOMINAL, 1.14 * NOMINAL))


def test_six_wafers_give_an_interval_over_their_medians() -> None:
    """Three dies on each of six wafers: the interval runs over the six medians, wider than over the dies."""
    cells = [
        make_cell(f"C{wafer}{die}", [NOMINAL * (1 + wafer / 10 + die / 1000)] * 3, wafer=str(wafer))
        for wafer in range(6)
        for die in range(3)
    ]
    row = of_metric(replicate(cells), "reference_capacity_ah")
    assert (row["interval_unit"], row["interval_reason"], row["wafers"]) == ("wafer", None, 6)
    assert (row["median_low"], row["median_high"]) == pytest.approx((1.001 * NOMINAL, 1.501 * NOMINAL))
    assert row["cells_median_low"] > row["median_low"]


def test_outlier_is_named_and_kept() -> None:
    """A cell at half the capacity of the nine others is named, and counts in median and minimum."""
    cells = [*lot_of(9), make_cell("bad", [NOMINAL / 2] * 12)]
    row = of_metric(replicate(cells), "reference_capacity_ah")
    assert (row["outliers"], row["n"], row["minimum"]) == ('["bad"]', 10, pytest.approx(NOMINAL / 2))


@pytest.mark.parametrize(
    "differs",
    [
        {"project": "P"},
        {"chemistry": "LTO"},
        {"process_split": "B"},
        {"nominal_capacity_ah": 2e-4},
        {"currents": [NOMINAL / 2] * 3},
        {"celsius": [37.0] * 3},
    ],
)
def test_unlike_cells_are_of_different_groups(differs: dict[str, Any]) -> None:
    """Another project, chemistry, split, nominal capacity, rate or temperature makes another group."""
    base: dict[str, Any] = {"celsius": [25.0] * 3}
    rows = replicate([make_cell("C1", [1e-4] * 3, **base), make_cell("C2", [1e-4] * 3, **{**base, **differs})])
    assert rows["replicate_group"].n_unique() == 2


def test_cells_of_slightly_different_rate_and_temperature_are_alike() -> None:
    """Rates 4 % apart and temperatures 2 K apart are one condition."""
    one = make_cell("C1", [1e-4] * 3, currents=[1e-4] * 3, celsius=[24.0] * 3)
    other = make_cell("C2", [1e-4] * 3, currents=[1.04e-4] * 3, celsius=[26.0] * 3)
    assert replicate([one, other])["replicate_group"].n_unique() == 1


def test_group_says_what_its_cells_have_in_common() -> None:
    """The group's name holds split, nominal capacity, rates, window and temperature."""
    (name,) = replicate(lot_of(2, process_split="thick", celsius=[25.0] * 12))["replicate_group"].unique()
    assert name.startswith("thick · 0.0001 Ah · charge 1 C · discharge 1 C · to 4.20 V · down to 3.00 V · 25 °C")


def test_retention_is_compared_where_all_cells_have_been() -> None:
    """Of cells seen for 12 and for 30 cycles retentions are compared at cycle 12, with an interval."""
    fading = [1 - n / 100 for n in range(30)]
    cells = [make_cell(f"C{n}", [NOMINAL * part for part in fading[: 12 if n else 30]]) for n in range(6)]
    rows = replicate(cells)
    common = of_metric(rows, "capacity_retention", 12)
    assert (common["n"], common["n_missing"], common["interval_reason"]) == (6, 0, None)
    assert common["median"] == pytest.approx(0.89)


def test_retention_that_not_all_reached_has_no_interval() -> None:
    """At cycle 20, which one of six cells has reached, five are missing and the interval is refused."""
    cells = [make_cell(f"C{n}", [NOMINAL] * (12 if n else 30)) for n in range(6)]
    row = of_metric(replicate(cells), "capacity_retention", 20)
    assert (row["n"], row["n_missing"], row["interval_reason"]) == (1, 5, "not_all_reached")


def test_retention_between_two_ageing_cycles_is_interpolated() -> None:
    """At a check-up between two ageing cycles the retention lies on the line between them."""
    classes = ["ageing"] * 9 + ["rpt"] + ["ageing"] * 2
    cell = make_cell("C", [NOMINAL] * 9 + [2 * NOMINAL] + [0.9 * NOMINAL] * 2, classes=classes)
    assert of_metric(replicate([cell]), "capacity_retention", 10)["median"] == pytest.approx(0.95)


def test_life_that_goes_on_is_censored() -> None:
    """Of six lives three ended at 5, 6 and 7; three go on at 12: no mean of the dead, a median by Kaplan and Meier."""
    ends = {f"C0{n}": {"end_of_life_cycle": 5.0 + n if n < 3 else None} for n in range(6)}
    row = of_metric(replicate(lot_of(6), ends), "end_of_life_cycle")
    assert (row["n"], row["n_censored"], row["minimum"], row["maximum"]) == (6, 3, 5.0, None)
    assert row["median"] == 7.0
    assert (row["median_low"], row["median_high"], row["lower_quartile"]) == (5.0, None, None)


def test_life_of_cells_that_all_go_on_has_no_median() -> None:
    """While no cell has died the median life is not known, and neither is the largest."""
    row = of_metric(replicate(lot_of(6)), "end_of_life_cycle")
    assert (row["n_censored"], row["median"], row["maximum"], row["minimum"]) == (6, None, None, 12.0)


def test_life_without_a_reference_is_missing() -> None:
    """A cell whose retention is not known has no life, not even a censored one."""
    unknown = {"C00": {"end_of_life_censored": None}}
    row = of_metric(replicate(lot_of(2), unknown), "end_of_life_cycle")
    assert (row["n"], row["n_missing"]) == (1, 1)


def test_areal_capacity_needs_an_area() -> None:
    """Only cells whose active area a manifest states have an areal capacity."""
    cells = [*lot_of(2, active_area_square_metre=1e-6), make_cell("C9", [NOMINAL] * 12)]
    row = of_metric(replicate(cells), "areal_capacity_ah_per_square_metre")
    assert (row["n"], row["n_missing"]) == (2, 1)
    assert row["median"] == pytest.approx(100.5)


@pytest.mark.parametrize("area", [0.0, -1e-6, 5e-324])
def test_an_area_of_nothing_is_none(area: float) -> None:
    """A cell whose area is written down as zero, less or next to nothing has no areal capacity."""
    cells = [*lot_of(2, active_area_square_metre=1e-6), make_cell("C9", [NOMINAL] * 12, active_area_square_metre=area)]
    row = of_metric(replicate(cells), "areal_capacity_ah_per_square_metre")
    assert (row["n"], row["n_missing"], row["median"]) == (2, 1, pytest.approx(100.5))


@pytest.mark.parametrize("nominal", [0.0, -1e-4, 5e-324])
def test_a_nominal_capacity_of_nothing_is_none(nominal: float) -> None:
    """Without a nominal capacity above zero there are no rates, and no depth of what did not reach the limit."""
    cell = make_cell("C", [9e-5] * 5, nominal_capacity_ah=nominal, voltage_lower_volt=2.0)
    (block,) = compute_conditions(cell, RECIPE)[0].to_dicts()
    rates = ("charging_rate_per_hour", "discharging_rate_per_hour", "depth_of_discharge")
    assert [block[name] for name in rates] == [None] * 3


def test_resistances_are_compared_at_one_time() -> None:
    """Of a cell's edges those of loading discharges count, at the recipe's second behind them, by their median."""
    load = {"test_id": "TC00", "edge": "load", "direction": "discharge", "after_second": 1.0}
    ohms = [{**load, "resistance_ohm": ohm} for ohm in (90.0, 100.0, 140.0)]
    others = [{**load, "after_second": 10.0}, {**load, "direction": "charge"}, {**load, "edge": "release"}]
    edges = rows_of(RESISTANCE, [*ohms, *({**other, "resistance_ohm": 500.0} for other in others)])
    named = {RESISTANCE.name: edges.with_columns(cell_id=pl.lit("C00"))}
    row = of_metric(compute_replicates(make_firm(lot_of(2), results=named), RECIPE)[0], "dc_resistance_ohm")
    assert (row["n"], row["n_missing"], row["median"], row["unit"]) == (1, 1, 100.0, "Ω")


def test_firm_without_results_has_no_rows() -> None:
    """A firm without cells, and one whose cells were never cycled, have no replicates."""
    assert replicate([]).is_empty()


def test_rows_conform_and_come_out_the_same_twice() -> None:
    """The rows are of the table, and the same cells in another order give the same rows."""
    cells = lot_of(4)
    rows = replicate(cells)
    assert conform_columns(rows, REPLICATES, "test").equals(replicate(cells[::-1]))


def test_every_reason_is_explained() -> None:
    """Each refusal has its sentence in both languages."""
    assert {"too_few_cells", "too_few_wafers", "not_all_reached"} == REASONS.keys()
    assert all(one.en and one.ko and one.en_do and one.ko_do for one in REASONS.values())


def test_computations_name_their_tables() -> None:
    """The package makes conditions and exposures of a cell, and replicates of a firm."""
    assert [(one.name, one.scope, [table.name for table in one.tables]) for one in COMPUTATIONS] == [
        ("conditions", "cell", ["conditions", "exposures"]),
        ("replicates", "firm", ["replicates", "replicate_cells"]),
    ]


def test_what_computations_share_is_made_once_of_the_same_frames() -> None:
    """The ageing cycles of a firm are put in order once; a copy of the firm with other cycles has its own."""
    firm = make_firm([make_cell("C", [NOMINAL] * 5)])
    first = list_ageing(firm)
    assert list_ageing(replace(firm, results={})) is first
    shorter = replace(firm, fade=firm.fade.head(3))
    assert list_ageing(shorter)["cycle"].to_list() == [1, 2, 3]

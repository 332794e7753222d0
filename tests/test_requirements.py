"""Score sheets: is a requirement met, by cells whose figures are chosen by hand?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest
from made_groups import NOMINAL, RECIPE, make_cell, make_firm, rows_of

from warehouse.metrics.inputs import CellInputs, FirmInputs
from warehouse.replicates.compute import compute_replicates
from warehouse.requirements import COMPUTATIONS, RequirementsRecipe
from warehouse.requirements.compute import compute_application
from warehouse.requirements.conditions import CONDITIONS
from warehouse.requirements.frames import Frames
from warehouse.requirements.quantities import DERIVED, QUANTITIES
from warehouse.requirements.reasons import REASONS
from warehouse.requirements.verdicts import Measured, decide
from warehouse.schema import (
    APPLICATION,
    CALENDAR,
    FLOAT_LEAKAGE,
    PULSES,
    REPLICATE_CELLS,
    REQUIREMENT_SET,
    RESISTANCE,
    SPECTRUM_FITS,
    STORAGE_LOSS,
    TABLES,
    Table,
    conform_columns,
)

REQUIREMENTS = RequirementsRecipe()
HEAD = 'name = "own"\ntitle = { en = "Own", ko = "자체" }\n'


def require(quantity: str, operator: str, value: float, unit: str = "fraction", **more: Any) -> str:
    """Return a requirement in TOML; ``more`` are its statistic and conditions."""
    statistic = more.pop("statistic", "each")
    conditions = ", ".join(f"{name} = {float(given)}" for name, given in more.items())
    return (
        f'[[requirement]]\nname = "R"\nquantity = "{quantity}"\noperator = "{operator}"\nvalue = {value}\n'
        f'unit = "{unit}"\nstatistic = "{statistic}"\nconditions = {{ {conditions} }}\nsource = "test"\n'
    )


def judge(
    cells: Sequence[CellInputs],
    requirement: str,
    results: Mapping[str, pl.DataFrame] | None = None,
    summaries: Mapping[str, Mapping[str, Any]] | None = None,
    rule: str = "",
) -> pl.DataFrame:
    """Return the rows of one requirement, cells first."""
    firm = make_firm(cells, summaries, results)
    rule_line = f'decision_rule = "{rule}"\n' if rule else ""
    document = {"firm": "A", "profile": "own", "version": 3, "document": HEAD + rule_line + requirement}
    inputs = FirmInputs(
        **{
            **firm.__dict__,
            "results": {**firm.results, REPLICATE_CELLS.name: compute_replicates(firm, RECIPE)[1]},
            "requirement_sets": rows_of(REQUIREMENT_SET, [document]),
        }
    )
    rows = compute_application(inputs, REQUIREMENTS)[0]
    assert conform_columns(rows, APPLICATION, "test").height == rows.height
    return rows.filter(pl.col("profile") == "own").sort("scope", "subject")


def of_cell(rows: pl.DataFrame, cell: str = "C") -> dict[str, Any]:
    return rows.filter(pl.col("cell_id") == cell).row(0, named=True)


def of_type(rows: pl.DataFrame) -> dict[str, Any]:
    return rows.filter(pl.col("scope") == "type").row(0, named=True)


def verdict_of(row: dict[str, Any]) -> tuple[str, str | None]:
    return row["verdict"], row["reason"]


def table_of(table: Table, **columns: Any) -> dict[str, pl.DataFrame]:
    """Return a result table with one row about cell C, as the engine hands it over."""
    frame = rows_of(table, [columns])
    return {table.name: frame if "cell_id" in frame.columns else frame.with_columns(cell_id=pl.lit("C"))}


@pytest.mark.parametrize(
    ("measured", "guarded", "simple"),
    [
        (Measured(1.05, 1.02, 1.08), "pass", "pass"),
        (Measured(1.01, 0.99, 1.03), "indeterminate", "pass"),
        (Measured(0.99, 0.97, 1.01), "indeterminate", "fail"),
        (Measured(0.95, 0.93, 0.97), "fail", "fail"),
        (Measured(1.0, 1.0, 1.0), "pass", "pass"),
        (Measured(None, 1.2, None), "pass", "pass"),
        (Measured(None, 0.5, None), "indeterminate", "indeterminate"),
        (Measured(1.5), "indeterminate", "pass"),
    ],
)
def test_verdicts_follow_the_stated_rule(measured: Measured, guarded: str, simple: str) -> None:
    """Against at least 1: with a guard band the whole interval decides, with simple acceptance the value alone."""
    assert decide("at_least", 1.0, measured, "guard_band") == guarded
    assert decide("at_least", 1.0, measured, "simple_acceptance") == simple


def test_an_upper_limit_is_judged_by_the_other_end() -> None:
    """Against at most 1 it is the interval's upper end that has to stay below, and its lower end that fails."""
    ends = [(0.8, 0.9), (0.9, 1.1), (1.1, 1.2)]
    verdicts = [decide("at_most", 1.0, Measured((a + b) / 2, a, b), "guard_band") for a, b in ends]
    assert verdicts == ["pass", "indeterminate", "fail"]


@pytest.mark.parametrize(("part", "verdict"), [(1.02, "pass"), (1.005, "indeterminate"), (0.98, "fail")])
def test_a_cell_is_judged_with_the_assumed_uncertainty(part: float, verdict: str) -> None:
    """A capacity has no interval of its own: one per cent is assumed, and the row says so."""
    row = of_cell(judge([make_cell("C", [part * NOMINAL] * 5)], require("capacity_of_nominal", ">=", 1.0)))
    assert row["verdict"] == verdict
    assert (row["interval_source"], row["value"]) == ("assumed", pytest.approx(part))
    assert (row["value_low"], row["value_high"]) == pytest.approx((0.99 * part, 1.01 * part))


def test_the_sets_own_rule_goes_before_the_recipes() -> None:
    """With simple acceptance the same capacity passes by its value alone, and the row names the rule."""
    cell = make_cell("C", [1.005 * NOMINAL] * 5)
    row = of_cell(judge([cell], require("capacity_of_nominal", ">=", 1.0), rule="simple_acceptance"))
    assert (row["verdict"], row["decision_rule"]) == ("pass", "simple_acceptance")


def test_limits_are_kept_in_si() -> None:
    """A limit of 95 µAh is 0.000095 Ah, exactly."""
    row = of_cell(judge([make_cell("C", [NOMINAL] * 5)], require("capacity", ">=", 95, "µAh")))
    assert (row["required_value"], row["unit"], row["comparison"], row["verdict"]) == (9.5e-5, "Ah", "at_least", "pass")


def test_a_capacity_at_another_temperature_is_no_evidence() -> None:
    """Measured at 25 °C, required at 37 °C: not tested, because of other conditions."""
    rows = judge(
        [make_cell("C", [NOMINAL] * 5, celsius=[25.0] * 5)],
        require("capacity_of_nominal", ">=", 0.9, temperature_celsius=37),
    )
    assert verdict_of(of_cell(rows)) == verdict_of(of_type(rows)) == ("not_tested", "other_conditions")
    assert of_cell(rows)["value"] is None


def test_the_block_under_the_required_conditions_counts() -> None:
    """Of blocks at 25 and 36 °C the latter, within 2 K of the required 37 °C, is the evidence, at 80 %."""
    cell = make_cell("C", [NOMINAL] * 6 + [0.8 * NOMINAL] * 3, celsius=[25.0] * 6 + [36.0] * 3)
    row = of_cell(judge([cell], require("capacity_of_nominal", ">=", 0.9, temperature_celsius=37)))
    assert (row["verdict"], row["value"]) == ("fail", pytest.approx(0.8))


@pytest.mark.parametrize("others", [0, 30])
def test_of_blocks_alike_in_all_that_is_preferred_the_first_counts(others: int) -> None:
    """Two blocks of three cycles, neither of which stands for the cell: the first counts, among few rows and many."""
    capacities = [part * NOMINAL for part in (1, 1, 1, 1, 0.8, 0.8, 0.8, 0.7, 0.7, 0.7)]
    currents = [part * NOMINAL for part in (1, 1, 1, 1, 0.5, 0.5, 0.5, 0.6, 0.6, 0.6)]
    celsius = [25.0] * 4 + [37.0] * 6
    alike = [make_cell(name, capacities, currents=currents, celsius=celsius) for name in "ABC"]
    more = [make_cell(f"D{number:02}", capacities, currents=currents, celsius=celsius) for number in range(others)]
    rows = judge([*alike, *more], require("capacity_of_nominal", ">=", 0.75, temperature_celsius=37))
    found = rows.filter(pl.col("scope") == "cell")["value"].to_list()
    assert found == pytest.approx([0.8] * (3 + others))


def test_a_temperature_that_nobody_recorded_is_no_evidence() -> None:
    """Without a recorded temperature a requirement at 37 °C is not tested, and the row says what is unknown."""
    rows = judge([make_cell("C", [NOMINAL] * 5)], require("capacity_of_nominal", ">=", 0.9, temperature_celsius=37))
    assert verdict_of(of_cell(rows)) == ("not_tested", "condition_unknown")


def test_a_quantity_that_was_never_measured_is_not_tested() -> None:
    """Without spectra an interface resistance is not tested."""
    rows = judge([make_cell("C", [NOMINAL] * 5)], require("interface_resistance", "<=", 100, "ohm"))
    assert verdict_of(of_cell(rows)) == ("not_tested", "no_such_test")


def test_a_figure_that_was_refused_is_not_tested() -> None:
    """A spectrum whose fit was refused is measured but carries no figure."""
    refused = table_of(SPECTRUM_FITS, test_id="TC", temperature_celsius=25.0)
    rows = judge([make_cell("C", [NOMINAL] * 5)], require("interface_resistance", "<=", 100, "ohm"), refused)
    assert verdict_of(of_cell(rows)) == ("not_tested", "refused")


@pytest.mark.parametrize(("high", "verdict"), [(90.0, "pass"), (110.0, "indeterminate")])
def test_a_figure_is_judged_by_its_own_interval(high: float, verdict: str) -> None:
    """An interface resistance of 80 Ω with its interval from the fit meets 100 Ω only when all of it does."""
    figures = {"interface_resistance_ohm": 80.0, "interface_resistance_low_ohm": 70.0}
    fits = table_of(SPECTRUM_FITS, test_id="TC", interface_resistance_high_ohm=high, **figures)
    row = of_cell(judge([make_cell("C", [NOMINAL] * 5)], require("interface_resistance", "<=", 100, "ohm"), fits))
    assert (row["verdict"], row["interval_source"]) == (verdict, "measured")


def test_retention_is_judged_at_the_required_cycle() -> None:
    """A cell that loses 1 % a cycle has 0.91 at cycle 10, whatever it has at its last."""
    cell = make_cell("C", [NOMINAL * (1 - n / 100) for n in range(30)])
    row = of_cell(judge([cell], require("capacity_retention", ">=", 0.88, cycle=10)))
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(0.91))


def test_retention_beyond_what_was_cycled_is_not_tested() -> None:
    """After 30 cycles a retention at cycle 31 is not tested: the test has not lasted long enough."""
    rows = judge([make_cell("C", [NOMINAL] * 30)], require("capacity_retention", ">=", 0.5, cycle=31))
    assert verdict_of(of_cell(rows)) == ("not_tested", "not_long_enough")


@pytest.mark.parametrize(
    ("required", "verdict"), [(20, ("pass", None)), (40, ("indeterminate", "life_goes_on"))], ids=["reached", "open"]
)
def test_a_life_that_goes_on_passes_as_far_as_it_was_seen(required: int, verdict: tuple[str, str | None]) -> None:
    """Alive after 30 cycles: at least 20 is met, at least 40 neither met nor missed."""
    summary = {"C": {"end_of_life_threshold": 0.8}}
    rows = judge(
        [make_cell("C", [NOMINAL] * 30)],
        require("life", ">=", required, "cycles", end_of_life=0.8),
        summaries=summary,
    )
    row = of_cell(rows)
    assert verdict_of(row) == verdict
    assert (row["value"], row["value_low"], row["value_high"], row["n_censored"]) == (None, 30.0, None, 1)


def test_a_life_that_ended_early_fails() -> None:
    """Dead at 12.5 cycles against at least 20."""
    summary = {"C": {"end_of_life_threshold": 0.8, "end_of_life_cycle": 12.5}}
    rows = judge([make_cell("C", [NOMINAL] * 30)], require("life", ">=", 20, "cycles"), summaries=summary)
    assert (of_cell(rows)["verdict"], of_cell(rows)["value"]) == ("fail", 12.5)


def test_a_life_to_another_threshold_is_no_evidence() -> None:
    """A life to 80 % says nothing of a life to 60 %."""
    summary = {"C": {"end_of_life_threshold": 0.8, "end_of_life_cycle": 12.5}}
    requirement = require("life", ">=", 10, "cycles", end_of_life=0.6)
    rows = judge([make_cell("C", [NOMINAL] * 30)], requirement, summaries=summary)
    assert verdict_of(of_cell(rows)) == ("not_tested", "other_conditions")


def test_a_shallow_depth_is_a_condition() -> None:
    """Cycled at a tenth of its depth, a cell has no evidence of full depth, but of 10 %."""
    cell = make_cell("C", [NOMINAL / 10] * 20, voltage_lower_volt=2.0)
    full = judge([cell], require("capacity_retention", ">=", 0.9, depth_of_discharge=1))
    shallow = judge([cell], require("capacity_retention", ">=", 0.9, depth_of_discharge=0.1))
    assert verdict_of(of_cell(full)) == ("not_tested", "other_conditions")
    assert of_cell(shallow)["verdict"] == "pass"


def test_a_sterilisation_is_judged_by_what_it_cost() -> None:
    """A quarter of an hour at 134 °C counts as 121 °C for as long, and cost 4 %."""
    cell = make_cell("C", [NOMINAL] * 3 + [0.96 * NOMINAL] * 3, hot_after=3)
    event = {"exposure_celsius": 121, "exposure_second": 900}
    row = of_cell(judge([cell], require("capacity_after_exposure", ">=", 0.95, **event)))
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(0.96))
    longer = require("capacity_after_exposure", ">=", 0.9, exposure_celsius=121, exposure_second=1800)
    assert verdict_of(of_cell(judge([cell], longer))) == ("not_tested", "other_conditions")


def test_rate_capability_is_against_the_slowest_block() -> None:
    """At 10 C a cell gives 70 % of what it gives at a tenth of that rate."""
    rates = [NOMINAL] * 6 + [10 * NOMINAL] * 3
    classes = ["ageing"] * 6 + ["rate"] * 3
    cell = make_cell("C", [NOMINAL] * 6 + [0.7 * NOMINAL] * 3, currents=rates, classes=classes)
    row = of_cell(judge([cell], require("rate_capability", ">=", 0.5, rate_per_hour=10)))
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(0.7))


def test_rate_capability_without_a_slower_block_is_refused() -> None:
    """A cell that was only ever cycled at 1 C has no rate capability at 1 C."""
    rows = judge([make_cell("C", [NOMINAL] * 6)], require("rate_capability", ">=", 0.5, rate_per_hour=1))
    assert verdict_of(of_cell(rows)) == ("not_tested", "refused")


def test_temperature_capability_is_against_25_degrees() -> None:
    """At -40 °C a cell gives 45 % of what it gives at 25 °C, at the same rate."""
    cell = make_cell("C", [NOMINAL] * 6 + [0.45 * NOMINAL] * 3, celsius=[25.0] * 6 + [-40.0] * 3)
    row = of_cell(judge([cell], require("temperature_capability", ">=", 0.5, temperature_celsius=-40)))
    assert (row["verdict"], row["value"]) == ("fail", pytest.approx(0.45))


def test_the_lowest_voltage_of_all_pulses_counts() -> None:
    """Of two like pulses to 3.2 and 2.9 V the lower one is judged, in the right direction."""
    shared = {"test_id": "TC", "direction": "discharge", "duration_second": 1.0, "current_ampere": -20 * NOMINAL}
    pulses = pl.concat(
        [
            table_of(PULSES, **shared, pulse=1, lowest_voltage_volt=3.2)[PULSES.name],
            table_of(PULSES, **shared, pulse=2, lowest_voltage_volt=2.9)[PULSES.name],
        ]
    )
    requirement = require("pulse_voltage", ">=", 3.0, "V", pulse_second=1, pulse_rate_per_hour=20)
    row = of_cell(judge([make_cell("C", [NOMINAL] * 5)], requirement, {PULSES.name: pulses}))
    assert (row["verdict"], row["value"]) == ("fail", 2.9)


def test_resistance_is_that_of_the_cells_cycle() -> None:
    """A resistance in cycle 4 of the cell's test is evidence for cycle 4 and none for cycle 100."""
    edge = {"edge": "load", "direction": "discharge", "after_second": 1.0, "resistance_ohm": 90.0}
    found = table_of(RESISTANCE, test_id="TC", cycle=4, **edge)
    cell = make_cell("C", [NOMINAL] * 5)
    here = judge([cell], require("resistance", "<=", 100, "ohm", pulse_second=1, cycle=4), found)
    later = judge([cell], require("resistance", "<=", 100, "ohm", pulse_second=1, cycle=100), found)
    assert (of_cell(here)["verdict"], of_cell(here)["value"]) == ("pass", 90.0)
    assert verdict_of(of_cell(later)) == ("not_tested", "not_long_enough")


def test_area_resistance_needs_an_area() -> None:
    """90 Ω on 1 mm² are 0.9 Ω·cm²; without a declared area there is no figure."""
    edge = {"edge": "load", "direction": "discharge", "after_second": 1.0, "resistance_ohm": 90.0}
    found = table_of(RESISTANCE, test_id="TC", cycle=4, **edge)
    requirement = require("area_resistance", "<=", 1, "ohm cm2")
    with_area = judge([make_cell("C", [NOMINAL] * 5, active_area_square_metre=1e-6)], requirement, found)
    without = judge([make_cell("C", [NOMINAL] * 5)], requirement, found)
    assert (of_cell(with_area)["verdict"], of_cell(with_area)["value"]) == ("pass", pytest.approx(9e-5))
    assert verdict_of(of_cell(without)) == ("not_tested", "refused")


def test_self_discharge_is_annual_with_its_interval() -> None:
    """0.2 % in 73 days are 1 % a year; its interval of 0.1 to 0.5 % reaches 2.5 % a year, above the limit of 2 %."""
    fractions = {"self_discharge_low_fraction": 0.001, "self_discharge_high_fraction": 0.005}
    loss = {"storage_day": 73.0, "temperature_celsius": 25.0, "self_discharge_per_year_linear": 0.01, **fractions}
    found = table_of(STORAGE_LOSS, cell_id="C", storage=1, **loss)
    requirement = require("self_discharge", "<=", 2, "%/year", storage_day=28, temperature_celsius=25)
    row = of_cell(judge([make_cell("C", [NOMINAL] * 5)], requirement, found))
    assert verdict_of(row) == ("indeterminate", "interval_contains_limit")
    assert (row["value"], row["value_low"], row["value_high"]) == pytest.approx((0.01, 0.005, 0.025))


def test_too_short_a_storage_is_not_tested() -> None:
    """Ten days of storage are no evidence for 28."""
    found = table_of(STORAGE_LOSS, cell_id="C", storage=1, storage_day=10.0, self_discharge_per_year_linear=0.01)
    requirement = require("self_discharge", "<=", 2, "%/year", storage_day=28)
    rows = judge([make_cell("C", [NOMINAL] * 5)], requirement, found)
    assert verdict_of(of_cell(rows)) == ("not_tested", "not_long_enough")


def test_leakage_over_a_year_is_over_nominal_capacity() -> None:
    """0.114 nA is 1 % a year of 100 µAh."""
    found = table_of(FLOAT_LEAKAGE, test_id="TC", leakage_ampere=0.1e-3 * 0.01 / 8760, voltage_volt=4.0)
    row = of_cell(judge([make_cell("C", [NOMINAL] * 5)], require("leakage_per_year", "<=", 5, "%/year"), found))
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(0.01))


def test_calendar_retention_is_that_of_the_first_check_up_behind() -> None:
    """Of check-ups at 100, 370 and 800 days the one at 370 answers for a year."""
    rows = [
        {"cell_id": "C", "check_up": n, "calendar_day": d, "capacity_retention": r}
        for n, (d, r) in enumerate([(100.0, 0.99), (370.0, 0.95), (800.0, 0.5)])
    ]
    requirement = require("calendar_retention", ">=", 0.9, storage_day=365)
    found = {CALENDAR.name: rows_of(CALENDAR, rows)}
    row = of_cell(judge([make_cell("C", [NOMINAL] * 5)], requirement, found))
    assert (row["verdict"], row["value"]) == ("pass", 0.95)


def test_energy_density_is_over_the_active_volume() -> None:
    """380 µWh in 100 mm² by 15 µm are 253 Wh/L."""
    layers = {"cathode_thickness_metre": 8e-6, "electrolyte_thickness_metre": 2e-6, "anode_thickness_metre": 5e-6}
    cell = make_cell("C", [NOMINAL] * 5, active_area_square_metre=1e-4, **layers)
    row = of_cell(judge([cell], require("energy_density", ">=", 200, "Wh/L")))
    assert (row["verdict"], row["value"]) == ("pass", pytest.approx(3.8e-4 / 1.5e-9))


LAYERS = ("cathode_thickness_metre", "electrolyte_thickness_metre", "anode_thickness_metre")


@pytest.mark.parametrize(
    ("quantity", "unit", "said"),
    [
        ("capacity_of_nominal", "fraction", {"nominal_capacity_ah": 0.0}),
        ("areal_capacity", "Ah/m2", {"active_area_square_metre": 0.0}),
        ("energy_density", "Wh/L", {"active_area_square_metre": 1e-4, **dict.fromkeys(LAYERS, 0.0)}),
        ("energy_density", "Wh/L", {"active_area_square_metre": -1e-4, **dict.fromkeys(LAYERS, 1e-6)}),
    ],
)
def test_nothing_is_judged_over_nothing(quantity: str, unit: str, said: dict[str, float]) -> None:
    """A figure over an area, a thickness or a capacity of zero or less is refused, and does not pass as endless."""
    row = of_cell(judge([make_cell("C", [NOMINAL] * 5, **said)], require(quantity, ">=", 0.1, unit)))
    assert (*verdict_of(row), row["value"]) == ("not_tested", "refused", None)


def test_rate_capability_against_a_block_that_gave_nothing_is_refused() -> None:
    """A cell that gave nothing at its slowest rate has no rate capability, and none that is endless."""
    cell = make_cell("C", [NOMINAL] * 6 + [0.9 * NOMINAL] * 3, currents=[NOMINAL / 10] * 6 + [NOMINAL] * 3)
    blocks = make_firm([cell]).results["conditions"]
    empty = blocks.with_columns(capacity_ah=pl.when(pl.col("block") == 1).then(0.0).otherwise("capacity_ah"))
    requirement = require("rate_capability", ">=", 0.5, rate_per_hour=1)
    rows = judge([cell], requirement, {"conditions": empty})
    assert verdict_of(of_cell(rows)) == ("not_tested", "refused")


def lot(parts: Sequence[float], **cell: Any) -> list[CellInputs]:
    return [make_cell(f"C{n:02}", [part * NOMINAL] * 5, **cell) for n, part in enumerate(parts)]


def test_each_is_judged_by_the_worst_cell() -> None:
    """Five good cells and one at 90 % against at least 95 %: the group fails, with the worst cell's value."""
    row = of_type(judge(lot([1.0, 1.0, 1.0, 1.0, 1.0, 0.9]), require("capacity_of_nominal", ">=", 0.95)))
    assert (row["verdict"], row["value"], row["n"], row["cells_passing"]) == ("fail", pytest.approx(0.9), 6, 5)
    assert (row["yield_low"], row["yield_high"]) == pytest.approx((0.4365, 0.9699), abs=1e-3)


def test_each_passes_when_every_tested_cell_does() -> None:
    """Ten of ten pass; the interval of the yield says how far ten are from all."""
    row = of_type(judge(lot([1.0] * 10), require("capacity_of_nominal", ">=", 0.95)))
    assert (row["verdict"], row["cells_passing"], row["yield_low"]) == ("pass", 10, pytest.approx(0.722, abs=1e-3))


def test_each_is_open_while_one_cell_is() -> None:
    """Without a failing cell, and with one whose interval contains the limit, the group is indeterminate."""
    row = of_type(judge(lot([1.0, 1.0, 0.955]), require("capacity_of_nominal", ">=", 0.95)))
    assert verdict_of(row) == ("indeterminate", "some_cells_open")


def test_median_is_judged_with_its_interval() -> None:
    """Of six cells from 0.96 to 1.01 the interval of the median is the whole range, above 0.95."""
    requirement = require("capacity_of_nominal", ">=", 0.95, statistic="median")
    row = of_type(judge(lot([0.96, 0.97, 0.98, 0.99, 1.0, 1.01]), requirement))
    assert (row["verdict"], row["interval_source"]) == ("pass", "order_statistics")
    assert (row["value"], row["value_low"], row["value_high"]) == pytest.approx((0.985, 0.96, 1.01))


def test_median_of_five_cells_is_indeterminate() -> None:
    """A median without an interval decides nothing with a guard band, and does with simple acceptance."""
    requirement = require("capacity_of_nominal", ">=", 0.5, statistic="median")
    assert verdict_of(of_type(judge(lot([1.0] * 5), requirement))) == ("indeterminate", "too_few_cells")
    assert verdict_of(of_type(judge(lot([1.0] * 5), requirement, rule="simple_acceptance"))) == ("pass", None)


def test_dies_of_two_wafers_do_not_decide_on_the_process() -> None:
    """Twelve dies of two wafers are no interval of a median."""
    requirement = require("capacity_of_nominal", ">=", 0.5, statistic="median")
    cells = [make_cell(f"C{n:02}", [NOMINAL] * 5, lot="L", wafer=str(n % 2)) for n in range(12)]
    row = of_type(judge(cells, requirement))
    assert verdict_of(row) == ("indeterminate", "too_few_wafers")
    assert (row["n"], row["wafers"]) == (12, 2)


def test_cells_without_evidence_are_counted_apart() -> None:
    """Two of three cells were never cycled that far: one is tested, two are missing."""
    cells = [make_cell(f"C{n}", [NOMINAL] * (40 if n == 0 else 10)) for n in range(3)]
    row = of_type(judge(cells, require("capacity_retention", ">=", 0.5, cycle=30)))
    assert (row["verdict"], row["n"], row["n_missing"]) == ("pass", 1, 2)


def test_shipped_examples_are_judged_and_marked() -> None:
    """The four shipped sets are scored for every firm, each row marked as an example with its source."""
    firm = make_firm([make_cell("C", [NOMINAL] * 5)])
    groups = {REPLICATE_CELLS.name: compute_replicates(firm, RECIPE)[1]}
    inputs = FirmInputs(**{**firm.__dict__, "results": {**firm.results, **groups}})
    rows = compute_application(inputs, REQUIREMENTS)[0]
    assert rows["profile"].unique().sort().to_list() == ["aerospace", "bio_implant", "defence", "iot_backup"]
    assert rows["example"].all()
    assert rows["source"].str.starts_with("Example.").all()


def test_a_firms_own_set_takes_the_place_of_the_example() -> None:
    """A set of the firm that is named as a shipped one is scored instead of it, in its latest version."""
    firm = make_firm([make_cell("C", [NOMINAL] * 5)])
    own = [
        {
            "firm": "A",
            "profile": "defence",
            "version": version,
            "document": HEAD.replace("own", "defence") + require("capacity", ">=", version, "uAh"),
        }
        for version in (1, 2)
    ]
    groups = {REPLICATE_CELLS.name: compute_replicates(firm, RECIPE)[1]}
    changed = {"results": {**firm.results, **groups}, "requirement_sets": rows_of(REQUIREMENT_SET, own)}
    rows = compute_application(FirmInputs(**{**firm.__dict__, **changed}), REQUIREMENTS)[0]
    mine = rows.filter(pl.col("profile") == "defence")
    assert mine.select("requirement", "profile_version", "required_value", "example").unique().rows() == [
        ("R", 2, 2e-6, False)
    ]


def test_a_firm_without_cells_has_no_sheet() -> None:
    """Nothing is scored where there is nothing."""
    assert judge([], require("capacity", ">=", 1, "Ah")).is_empty()


def test_scores_come_out_the_same_twice() -> None:
    """The same firm gives the same rows, bit for bit."""
    requirement = require("capacity_of_nominal", ">=", 0.95)
    assert judge(lot([1.0, 0.9]), requirement).equals(judge(lot([1.0, 0.9]), requirement))


@pytest.mark.parametrize("name", QUANTITIES)
def test_every_quantity_is_read_from_columns_that_exist(name: str) -> None:
    """Values, intervals, conditions and choices of a quantity name columns of its frame, and conditions there are."""
    quantity = QUANTITIES[name]
    tables = {table.name: table.empty() for table in TABLES}
    empty = make_firm([make_cell("C", [NOMINAL] * 5)], results=tables if quantity.frame not in DERIVED else None)
    results = {
        name: frame if "cell_id" in frame.columns else frame.with_columns(cell_id=pl.lit(None, dtype=pl.String))
        for name, frame in empty.results.items()
    }
    frames = Frames(FirmInputs(**{**empty.__dict__, "results": results}), REQUIREMENTS, ["C"])
    rows = frames.scan(quantity, dict.fromkeys(quantity.under, 1.0)).collect()
    named = [quantity.value, quantity.low, quantity.high, *quantity.under.values()]
    assert rows.select(expression.alias(str(n)) for n, expression in enumerate(named)).width == len(named)
    assert rows.sort(*quantity.prefer or ["cell_id"]).width
    assert set(quantity.under) <= set(CONDITIONS)


def test_every_reason_is_explained() -> None:
    """Each reason has its sentence in both languages."""
    assert all(one.en and one.ko and one.en_do and one.ko_do for one in REASONS.values())


def test_computation_names_its_table() -> None:
    """The package makes the score sheet of a firm, from the groups and every result that holds a quantity."""
    (one,) = COMPUTATIONS
    assert (one.name, one.scope, one.tables) == ("requirements", "firm", (APPLICATION,))
    assert {"replicate_cells", "conditions", "exposures", "storage_loss", "pulses"} <= set(one.reads)


@pytest.mark.parametrize(("floor", "verdict"), [(0.0005, "pass"), (0.002, "indeterminate")])
def test_coulombic_efficiency_is_judged_with_its_floor(floor: float, verdict: str) -> None:
    """An efficiency of 0.999 against 0.998 passes where the channel is known to 0.0005, and not to 0.002."""
    cell = make_cell("C", [NOMINAL] * 5)
    known = {"coulombic_efficiency_floor": pl.lit(floor), "coulombic_efficiency_floor_terms": pl.lit("offset,quantum")}
    cell = CellInputs(**{**cell.__dict__, "fade": cell.fade.with_columns(**known)})
    row = of_cell(judge([cell], require("coulombic_efficiency", ">=", 0.998)))
    assert (row["verdict"], row["interval_source"]) == (verdict, "measured")


def test_a_floor_without_the_offset_is_no_interval() -> None:
    """Where only the quantum of the current is known, the assumed uncertainty stands in: it decides nothing here."""
    cell = make_cell("C", [NOMINAL] * 5)
    known = {"coulombic_efficiency_floor": pl.lit(1e-6), "coulombic_efficiency_floor_terms": pl.lit("quantum")}
    cell = CellInputs(**{**cell.__dict__, "fade": cell.fade.with_columns(**known)})
    row = of_cell(judge([cell], require("coulombic_efficiency", ">=", 0.998)))
    assert (row["verdict"], row["interval_source"]) == ("indeterminate", "assumed")

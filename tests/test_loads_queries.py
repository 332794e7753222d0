"""The questions about loads, asked of a home: rates, pulses, resistances, curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from made_cells import DAY, START, Half, commit, measure
from made_loads import Circuit, load, train

from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.publish import Owner

MANIFEST = {"nominal_capacity_ah": 2e-3, "active_area_square_metre": 1e-4, "voltage_lower_volt": 3.75}
OWNER = Owner("A", "C", "option")
SLOW = (1e-4, [1e-3, 1e-3])


@pytest.fixture
def home(local_home: Home) -> Home:
    """A firm with one cell: 2 mAh nominal, 1 cm²."""
    add_firm(local_home, "A")
    put_cells(local_home, [{"firm": "A", "cell_id": "C", **MANIFEST}])
    return local_home


def blocks(*parts: tuple[float, Sequence[float]]) -> list[Half]:
    """Return charge-first cycles, all charged slowly: of each block the discharge current and the capacities."""
    return [half for ampere, charges in parts for charge in charges for half in ((1e-4, charge), (-ampere, charge))]


def rates(home: Home, *parts: tuple[float, Sequence[float]], owner: Owner = OWNER) -> pl.DataFrame:
    commit(home, "rates", measure(blocks(*parts)), owner)
    return home.query("rate")


# Rates


def test_rate_loss_and_recovery(home: Home) -> None:
    """Each block over the reference before it, and the reference after over that before: loss and fade apart."""
    found = rates(home, SLOW, (5e-4, [0.9e-3] * 2), (1e-3, [0.8e-3] * 2), (1e-4, [0.95e-3] * 2))
    assert found["status"].to_list() == ["reference", "bracketed", "bracketed", "reference"]
    assert found["capacity_ratio"].to_list() == pytest.approx([1.0, 0.9, 0.8, 1.0])
    assert found["recovery"].to_list() == [None, pytest.approx(0.95), pytest.approx(0.95), None]
    assert found["rate_per_hour"].to_list() == pytest.approx([0.05, 0.25, 0.5, 0.05])
    assert found["current_density_ampere_per_square_metre"].to_list() == pytest.approx([1.0, 5.0, 10.0, 1.0])
    assert set(found["rate_of"]) == {"nominal"}


def test_block_without_a_reference_behind_is_flagged(home: Home) -> None:
    """Without the slow rate behind it rate and fade cannot be told apart; the ratio is shown, the exponent is not."""
    found = rates(home, SLOW, (5e-4, [0.9e-3] * 2), (1e-3, [0.8e-3] * 2))
    assert found["status"].to_list() == ["reference", "not_bracketed", "not_bracketed"]
    assert found["capacity_ratio"].to_list() == pytest.approx([1.0, 0.9, 0.8])
    assert found["recovery"].null_count() == 3
    assert found["peukert_exponent"].null_count() == 3
    assert set(found["peukert_rates"]) == {1}


def test_rate_without_nominal_capacity_says_so(local_home: Home) -> None:
    """Without a manifest the C-rate is of the reference block's capacity, and the row says that."""
    found = rates(local_home, SLOW, (1e-3, [0.8e-3] * 2), SLOW, owner=Owner())
    assert set(found["rate_of"]) == {"reference"}
    assert found["rate_per_hour"].to_list() == pytest.approx([0.1, 1.0, 0.1])


def test_peukert_exponent_comes_back(home: Home) -> None:
    """Capacities that fall as I^(1-k) with k = 1.1 show that k, within an interval that holds it."""
    currents = [1e-4, 3e-4, 1e-3, 3e-3]
    parts = [(ampere, [1e-3 * (ampere / 1e-4) ** -0.1] * 2) for ampere in currents]
    row = rates(home, *parts, SLOW).row(0, named=True)
    assert row["peukert_rates"] == 4
    assert row["peukert_exponent"] == pytest.approx(1.1, abs=1e-6)
    assert row["peukert_exponent_low"] <= row["peukert_exponent"] <= row["peukert_exponent_high"]


def test_interval_of_the_exponent_is_students(home: Home) -> None:
    """Three rates leave one degree of freedom: the interval is 12.7 standard errors to either side."""
    found = rates(home, SLOW, (5e-4, [0.9e-3] * 2), (1e-3, [0.8e-3] * 2), SLOW).row(0, named=True)
    reach = found["peukert_exponent_high"] - found["peukert_exponent"]
    assert found["peukert_exponent"] == pytest.approx(1.0926, abs=0.01)
    assert reach == pytest.approx(0.3036, rel=0.02)


def test_two_rates_have_no_exponent(home: Home) -> None:
    """An exponent of two rates would be a line through two points."""
    found = rates(home, SLOW, (1e-3, [0.8e-3] * 2), SLOW)
    assert found["peukert_exponent"].null_count() == 3
    assert set(found["peukert_rates"]) == {2}


def test_cell_at_one_rate_has_no_rates(home: Home) -> None:
    """A cell that only ever saw one current is no rate test."""
    assert rates(home, (1e-4, [1e-3] * 5)).height == 0


def test_rates_run_over_the_tests_of_a_cell(home: Home) -> None:
    """A reference in a later test brackets the block in an earlier one."""
    commit(home, "first", measure(blocks(SLOW, (1e-3, [0.8e-3] * 3))), OWNER)
    commit(home, "second", measure(blocks(SLOW), START + 30 * DAY), OWNER)
    assert home.query("rate")["status"].to_list() == ["reference", "bracketed", "reference"]


def test_formation_is_no_reference_where_there_is_another(home: Home) -> None:
    """Slow cycles that formed the cell are compared with the check-ups between which the cell ages, not the reverse."""
    ageing, check = (1e-3, [0.8e-3] * 6), (5e-4, [0.9e-3])
    found = rates(home, (1e-4, [1.1e-3] * 2), ageing, check, ageing, check, ageing)
    assert found["status"].to_list()[0] == "not_bracketed"
    assert found.filter(pl.col("status") == "reference")["current_ampere"].to_list() == pytest.approx([5e-4, 5e-4])


# Pulses


def pulses(home: Home, circuit: Circuit, **options: Any) -> pl.DataFrame:
    commit(home, "pulses", load(train(6, **options), circuit), OWNER)
    return home.query("pulses")


def test_pulses_to_the_limit_are_counted(home: Home) -> None:
    """A voltage that sinks from pulse to pulse passes its limit in the fifth: four pulses, and what they moved."""
    found = pulses(home, Circuit(slope=4.0))
    below = (found["lowest_voltage_volt"] < 3.75).to_list()
    assert below == [False] * 4 + [True] * 2
    assert set(found["train_limit_passed"]) == {True}
    assert set(found["train_pulses_to_limit"]) == {4}
    assert found["train_charge_to_limit_ah"][0] == pytest.approx(4 * 1e-3 * 0.99 / 3600)


def test_limit_that_was_not_passed_is_no_number(home: Home) -> None:
    """A train that stays above the limit has more pulses than it shows, not as many."""
    found = pulses(home, Circuit())
    assert set(found["train_limit_passed"]) == {False}
    assert found["train_pulses_to_limit"].null_count() == 6
    assert set(found["train_pulses"]) == {6}


def test_coarse_train_passes_no_limit(home: Home) -> None:
    """Where the lowest voltage was not seen nobody knows whether the limit was passed."""
    found = pulses(home, Circuit(slope=3.0), on=(0.0, 1.0, 0.2))
    assert set(found["status"]) == {"not_resolved"}
    assert found["train_limit_passed"].null_count() == 6
    assert found["train_pulses_to_limit"].null_count() == 6


def test_resistances_stand_beside_their_pulse(home: Home) -> None:
    """The resistance at the times that were recorded; null at those behind the pulse's end."""
    row = pulses(home, Circuit()).row(0, named=True)
    assert row["resistance_10_millisecond_ohm"] == pytest.approx(Circuit().resistance(0.01))
    assert row["resistance_1_second_ohm"] == pytest.approx(Circuit().resistance(1.0))
    assert row["resistance_10_second_ohm"] is None
    assert row["current_density_ampere_per_square_metre"] == pytest.approx(-10.0)
    assert row["limit_voltage_volt"] == 3.75


# The others


def test_resistance_is_multiplied_with_the_area(home: Home) -> None:
    """Each edge has its resistance times the electrode's area, and the recipe that it was made with."""
    commit(home, "pulses", load(train(3)), OWNER)
    found = home.query("resistance").filter(pl.col("status") == "resolved")
    assert (found["area_resistance_ohm_square_metre"] / found["resistance_ohm"]).to_numpy() == pytest.approx(1e-4)
    assert found["recipe"].null_count() == 0


@pytest.mark.parametrize("name", ["dqdv", "cycle_extras", "precision", "resistance", "pulses"])
def test_every_table_has_its_question(home: Home, name: str) -> None:
    """Each result is asked by its name, of a cell with rows, and of a firm without any."""
    assert home.query(name).height == 0
    commit(home, "rates", measure(blocks(SLOW)), OWNER)
    commit(home, "pulses", load(train(3)), OWNER)
    assert home.query(name, firm="A").height > 0

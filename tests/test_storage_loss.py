"""Self-discharge from capacities: what a stored cell lost, and what came back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from made_cells import cycle, measure
from made_storage import AMPERE, START, UPPER, Life

from warehouse.derivation import PLATFORM
from warehouse.metrics.inputs import CellInputs
from warehouse.schema import STORAGE_LOSS
from warehouse.steps import derive_steps
from warehouse.storage import COMPUTATIONS, StorageRecipe, compute_storage
from warehouse.storage.loss import annualise, find_repeatability
from warehouse.storage.reasons import REASONS

RECIPE = StorageRecipe()
Q0 = 100e-6
NEAR = (1.0000, 1.0004, 0.9998, 1.0002)


def stored(days: float = 30.0, remaining: float = 0.95, recovered: float = 0.98) -> Life:
    """Return a cell of 100 µAh that was cycled, stored charged, discharged, recharged and discharged."""
    life = Life().cycle(*(Q0 * part for part in NEAR), Q0)
    life.charge(Q0).rest(24 * days).discharge(Q0 * remaining).rest(0.5, 3.3)
    return life.charge(Q0).rest(0.5).discharge(Q0 * recovered).rest(0.5, 3.3)


def rows_of(life: Life, recipe: StorageRecipe = RECIPE) -> list[dict[str, Any]]:
    """Return the storages of a life."""
    return list(compute_storage(life.inputs(), recipe)[0].iter_rows(named=True))


def only(life: Life) -> dict[str, Any]:
    """Return the only storage of a life."""
    (row,) = rows_of(life)
    return row


def refusal(life: Life) -> str:
    """Return why the only storage of a life tells no self-discharge."""
    row = only(life)
    assert row["status"] == "refused"
    assert row["self_discharge_fraction"] is None
    assert row["self_discharge_per_year_linear"] is None
    assert row["reason"] in REASONS
    return str(row["reason"])


def test_losses_come_back() -> None:
    """5 % lost in 30 days, of which 3 % came back and 2 % did not."""
    row = only(stored())
    assert (row["status"], row["recovery_status"], row["flags"]) == ("measured", "measured", "")
    assert row["storage_day"] == pytest.approx(30.0)
    assert row["self_discharge_fraction"] == pytest.approx(0.05)
    assert row["irreversible_fraction"] == pytest.approx(0.02)
    assert row["reversible_fraction"] == pytest.approx(0.03)
    assert row["mean_self_discharge_ampere"] == pytest.approx(0.05 * Q0 / 720)
    assert row["start_unix_time_second"] > START


def test_a_year_is_told_both_ways() -> None:
    """5 % in 30 days are 60.8 % a year as a line, and 46.4 % of what is left each time."""
    row = only(stored())
    assert row["self_discharge_per_year_linear"] == pytest.approx(0.05 * 365 / 30)
    assert row["self_discharge_per_year_exponential"] == pytest.approx(1 - 0.95 ** (365 / 30))
    assert annualise(0.01, 365.0) == (pytest.approx(0.01), pytest.approx(0.01))
    assert annualise(1.5, 30.0)[1] is None


def test_interval_is_from_the_discharges_before() -> None:
    """The capacities before the storage differ by 0.03 % or so, and the interval of the loss says as much."""
    row = only(stored())
    assert row["capacity_repeatability_ah"] == pytest.approx(3e-4 * Q0, rel=0.5)
    assert row["self_discharge_low_fraction"] < 0.05 < row["self_discharge_high_fraction"]
    assert row["self_discharge_high_fraction"] - 0.05 == pytest.approx(0.0012, rel=0.5)


def test_steady_fade_is_no_scatter() -> None:
    """Capacities that fall by the same step each time repeat exactly."""
    fading = [1 - 0.01 * number for number in range(6)]
    assert find_repeatability(fading, RECIPE) == (pytest.approx(0.0, abs=1e-12), 4.0)
    assert find_repeatability([1.0, 0.9], RECIPE) is None


def test_without_discharges_before_the_interval_is_unknown() -> None:
    """One cycle before the storage gives Q_0 and no repeatability; the row says so."""
    life = Life().cycle(Q0).charge(Q0).rest(720).discharge(0.95 * Q0)
    row = only(life)
    assert row["self_discharge_fraction"] == pytest.approx(0.05)
    assert row["self_discharge_low_fraction"] is None
    assert "repeatability_unknown" in row["flags"]


def test_storage_between_two_tests_counts() -> None:
    """A cell that was charged in one test and discharged in the next was stored in between, and the row says so."""
    life = Life().cycle(*(Q0 * part for part in NEAR), Q0).charge(Q0)
    life.begin_test(24 * 20).discharge(0.96 * Q0).rest(0.5, 3.3).charge(Q0).rest(0.5).discharge(0.99 * Q0)
    row = only(life)
    assert row["storage_day"] == pytest.approx(20.0)
    assert row["self_discharge_fraction"] == pytest.approx(0.04)
    assert row["irreversible_fraction"] == pytest.approx(0.01)
    assert (row["test_id"], row["next_test_id"], row["flags"]) == ("t1", "t2", "between_tests")


def test_tests_without_clock_are_not_set_side_by_side() -> None:
    """Where no instrument wrote a clock, nobody knows how long lay between two tests; within one it is known."""
    life = Life(clock=False).cycle(Q0, Q0).charge(Q0)
    assert rows_of(life.begin_test(480).discharge(0.96 * Q0)) == []
    row = only(Life(clock=False).cycle(Q0, Q0).charge(Q0).rest(240).discharge(0.96 * Q0))
    assert row["storage_day"] == pytest.approx(10.0)
    assert row["start_unix_time_second"] is None


def test_anode_half_cell_is_stored_after_a_discharge() -> None:
    """An anode against lithium is full after a discharge; its loss is told from charges."""
    life = Life(convention="half_anode")
    for ah in (*NEAR, 1.0):
        life.discharge(Q0 * ah).rest(0.5, 3.3).charge(Q0 * ah).rest(0.5)
    life.discharge(Q0).rest(720, 3.0).charge(0.95 * Q0)
    assert only(life)["self_discharge_fraction"] == pytest.approx(0.05)


def test_every_storage_has_its_row() -> None:
    """Two storages of one life are numbered, and each is compared with the discharge before it."""
    life = stored()
    life.charge(Q0).rest(24 * 60).discharge(0.98 * Q0 * 0.9)
    rows = rows_of(life)
    assert [row["storage"] for row in rows] == [1, 2]
    assert rows[1]["self_discharge_fraction"] == pytest.approx(0.1)
    assert rows[1]["recovery_reason"] == "not_recharged_yet"
    assert rows[1]["recovery_reason"] in REASONS


def test_short_rest_is_no_storage() -> None:
    """Twelve hours at rest are not asked for self-discharge."""
    assert rows_of(stored(0.5)) == []


def test_loss_within_its_interval_is_refused() -> None:
    """0.05 % lost, known to 0.1 %: no figure, but at most how much."""
    life = stored(remaining=0.9995, recovered=0.9999)
    assert refusal(life) == "not_resolved"
    assert 0.0005 < only(life)["self_discharge_high_fraction"] < 0.003


def test_gain_is_refused() -> None:
    """A cell that gives more after a storage than before has no self-discharge."""
    assert refusal(stored(remaining=1.05)) == "gained_capacity"


def test_unfinished_storage_is_refused() -> None:
    """A stored cell that has not been discharged yet."""
    assert refusal(Life().cycle(Q0, Q0).charge(Q0).rest(720)) == "not_discharged_yet"


def test_recharge_before_the_discharge_is_refused() -> None:
    """What was topped up first cannot be told any more."""
    life = Life().cycle(Q0, Q0).charge(Q0).rest(720).charge(0.1 * Q0).discharge(Q0)
    assert refusal(life) == "recharged_first"


def test_charge_that_was_moved_meanwhile_is_refused() -> None:
    """A pulse out of a stored cell is no self-discharge."""
    life = Life().cycle(Q0, Q0).charge(Q0).rest(360).discharge(0.01 * Q0).charge(0.01 * Q0).rest(360).discharge(Q0)
    assert refusal(life) == "disturbed"


def test_nothing_before_is_refused() -> None:
    """A cell whose first charge was stored has no capacity to compare with."""
    assert refusal(Life().charge(Q0).rest(720).discharge(0.9 * Q0)) == "no_capacity_before"


def test_other_current_is_refused() -> None:
    """A discharge at twice the current gives another capacity, lost or not."""
    life = Life().cycle(Q0, Q0).charge(Q0).rest(720).discharge(0.95 * Q0, 2 * AMPERE)
    assert refusal(life) == "currents_differ"


def test_other_limit_is_refused() -> None:
    """A discharge that was cut short, or a charge that was not full, proves nothing."""
    short = Life().cycle(Q0, Q0).charge(Q0).rest(720).discharge(0.5 * Q0, volt=3.5)
    assert refusal(short) == "limits_differ"
    half = Life().cycle(Q0, Q0).charge(0.5 * Q0, volt=UPPER - 0.2).rest(720).discharge(0.48 * Q0)
    assert refusal(half) == "limits_differ"


def test_other_temperature_is_refused() -> None:
    """A cell that is discharged warmer than before gives more; where it was stored does not matter."""
    warm = Life().cycle(Q0, Q0).charge(Q0).rest(720).discharge(0.95 * Q0, mean_temperature_celsius=45.0)
    assert refusal(warm) == "temperatures_differ"
    hot_store = Life().cycle(Q0, Q0).charge(Q0).rest(720, mean_temperature_celsius=60.0).discharge(0.9 * Q0)
    row = only(hot_store)
    assert row["status"] == "measured"
    assert row["temperature_celsius"] == pytest.approx(60.0)


def test_recovery_at_another_current_is_refused() -> None:
    """The loss stands; how much of it came back does not, when the second discharge was another."""
    life = Life().cycle(Q0, Q0).charge(Q0).rest(720).discharge(0.95 * Q0).charge(Q0).discharge(Q0, 3 * AMPERE)
    row = only(life)
    assert row["status"] == "measured"
    assert (row["recovery_status"], row["recovery_reason"]) == ("refused", "currents_differ")
    assert row["irreversible_fraction"] is None


def test_cycled_cells_cost_nothing() -> None:
    """A thousand cycles without a long rest have no rows, and are not set in order."""
    life = Life().cycle(*[Q0] * 20)
    assert [frame.height for frame in compute_storage(life.inputs(), RECIPE)] == [0, 0, 0]


def test_rows_are_the_table() -> None:
    """Every column is declared, the same input gives the same rows, and the computations say what they make."""
    first, again = (compute_storage(stored().inputs(), RECIPE)[0] for _ in range(2))
    assert dict(first.schema) == STORAGE_LOSS.dtypes
    assert first.equals(again)
    assert {one.takes for one in COMPUTATIONS} == {"storage"}


def test_steps_as_they_are_derived() -> None:
    """Records that went through step finding give the same as steps made by hand."""
    before = measure([*cycle([1e-3] * 4), (1e-3, 1e-3)], START)
    after = measure([(-1e-3, 0.9e-3), (1e-3, 1e-3), (-1e-3, 0.98e-3)], START + 40 * 86_400.0)
    tests, steps = [], []
    for number, rows in enumerate((before, after)):
        seconds = rows["unix_time_second"]
        tests.append(
            {
                "test_id": f"t{number}",
                "convention": "full_charge_first",
                "first_unix_second": seconds[0],
                "last_unix_second": seconds[-1],
            }
        )
        steps.append(derive_steps(rows, PLATFORM).with_columns(test_id=pl.lit(f"t{number}")))
    inputs = CellInputs(None, "C", None, tests, pl.concat(steps), pl.DataFrame())
    (row,) = compute_storage(inputs, replace(RECIPE, fewest_repeats=2))[0].iter_rows(named=True)
    assert row["self_discharge_fraction"] == pytest.approx(0.1)
    assert row["reversible_fraction"] == pytest.approx(0.08)
    assert row["firm"] is None

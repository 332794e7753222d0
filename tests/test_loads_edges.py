"""Direct-current resistance at edges: the circuit's own resistance comes back at every time that the records carry."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from load_inputs import inputs_of
from made_loads import Circuit, load, train

from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.tables import TABLES, compute_loads

RECIPE = LoadsRecipe()
CELL = Circuit()


def resistances(measurements: pl.DataFrame, recipe: LoadsRecipe = RECIPE, **options: Any) -> pl.DataFrame:
    tables = compute_loads(inputs_of(measurements, **options), recipe)
    return tables[[table.name for table in TABLES].index("resistance")]


def at(found: pl.DataFrame, after: float, edge: str = "load") -> dict[str, Any]:
    return found.filter((pl.col("after_second") == after) & (pl.col("edge") == edge)).row(0, named=True)


@pytest.mark.parametrize("after", [0.01, 0.1, 1.0])
def test_resistance_is_the_circuits(after: float) -> None:
    """R(t) of a pulse from rest is the circuit's own, at each time, with the step's clock."""
    row = at(resistances(load(train(3))), after)
    assert (row["status"], row["of"], row["direction"]) == ("resolved", "pulse", "discharge")
    assert row["resistance_ohm"] == pytest.approx(CELL.resistance(after), rel=1e-9)


def test_both_edges_are_read() -> None:
    """Where the current ends the voltage comes back by the same resistance."""
    row = at(resistances(load(train(3, off=(0.0, 60.0, 0.01)))), 0.01, "release")
    assert row["resistance_ohm"] == pytest.approx(CELL.resistance(0.01), rel=0.01)
    assert row["voltage_change_volt"] > 0


def test_charging_pulse_has_the_same_resistance() -> None:
    """A pulse that charges is read like one that discharges."""
    row = at(resistances(load(train(3, 1e-3))), 0.1)
    assert (row["direction"], row["resistance_ohm"]) == ("charge", pytest.approx(CELL.resistance(0.1), rel=1e-9))


def test_time_without_a_record_is_not_resolved() -> None:
    """A record every 100 ms says nothing of the first millisecond."""
    row = at(resistances(load(train(3, on=(0.0, 1.0, 0.1)))), 0.001)
    assert (row["status"], row["resistance_ohm"]) == ("not_resolved", None)


def test_times_behind_the_pulses_end_are_not_asked_for() -> None:
    """A pulse of a second has no resistance at ten."""
    found = resistances(load(train(3)))
    assert found.filter((pl.col("edge") == "load") & (pl.col("after_second") > 1)).height == 0


def test_last_record_has_a_row() -> None:
    """A pulse of 0.57 s has a row for its end."""
    found = resistances(load(train(3, on=(0.0, 0.57, 0.01))))
    last = found.filter(pl.col("at_end") & (pl.col("edge") == "load")).row(0, named=True)
    assert last["after_second"] == pytest.approx(0.57)
    assert last["resistance_ohm"] == pytest.approx(CELL.resistance(0.57), rel=1e-9)


def test_end_at_a_time_that_is_asked_for_is_one_row() -> None:
    """A pulse of a second has one row at 1 s, and that is its end."""
    found = resistances(load(train(3)))
    rows = found.filter((pl.col("edge") == "load") & (pl.col("after_second") == 1)).filter(pl.col("step_count") == 2)
    assert rows["at_end"].to_list() == [True]


def test_between_two_records_is_interpolated() -> None:
    """R(2 s) of records 0.8 s apart lies between its neighbours, and says so."""
    row = at(resistances(load(train(3, on=(0.0, 8.0, 0.8)))), 2.0)
    low, high = CELL.resistance(1.6), CELL.resistance(2.4)
    assert row["interpolated"]
    assert row["resistance_ohm"] == pytest.approx((low + high) / 2, rel=1e-9)


def test_nothing_is_interpolated_across_a_change_of_range() -> None:
    """Between two records of different current ranges there is no value."""
    time = pl.col("step_time_second")
    frame = load(train(3, on=(0.0, 8.0, 0.8)))
    ranged = frame.with_columns(current_range_ampere=pl.when(time < 2).then(1e-3).otherwise(1e-2))
    assert at(resistances(frame), 2.0)["status"] == "resolved"
    assert at(resistances(ranged), 2.0)["status"] == "not_resolved"


def test_range_of_the_edge_is_told() -> None:
    """A range that changes with the current is told, and null where the file has no ranges."""
    ranged = load(train(3)).with_columns(
        current_range_ampere=pl.when(pl.col("current_ampere") == 0).then(1e-6).otherwise(1e-2)
    )
    assert at(resistances(ranged), 1.0)["range_changed"]
    assert at(resistances(load(train(3))), 1.0)["range_changed"] is None


def test_edge_that_is_not_known_closely_is_not_resolved() -> None:
    """Without the step's clock the edge may lie a record earlier, which 10 ms do not bear and a second does."""
    found = resistances(load(train(3), clock=False))
    assert at(found, 0.01)["status"] == "not_resolved"
    assert at(found, 1.0)["resistance_ohm"] == pytest.approx(CELL.resistance(1.0), rel=1e-6)


def test_stale_voltage_before_the_edge_is_not_used() -> None:
    """A rest whose last record is a minute old says nothing of the voltage before the edge."""
    frame = load(train(3))
    stale = frame.filter(~((pl.col("step_count") == 1) & (pl.col("step_time_second") > 540)))
    first = resistances(stale).filter(pl.col("step_count") == 2)
    assert set(first["status"]) == {"not_resolved"}


def test_change_within_the_noise_is_no_resistance() -> None:
    """A pulse of 1 µV under noise of 100 µV has no resistance."""
    found = resistances(load(train(3, -1e-8), noise=1e-4))
    assert set(found.filter(pl.col("status") != "not_resolved")["status"]) == {"below_noise"}
    assert found["resistance_ohm"].null_count() == found.height


def test_rest_before_is_counted() -> None:
    """The time at rest before each pulse stands beside its resistance, over rests in a row too."""
    steps = [(0.0, 300.0, 10.0), *train(3)]
    rows = resistances(load(steps)).filter((pl.col("edge") == "load") & (pl.col("after_second") == 1.0))
    assert rows["rest_before_second"].to_list() == pytest.approx([880.0, 8.9, 8.9], abs=10.5)


def test_cycles_have_their_own_times() -> None:
    """An ordinary cycle has two edges, the beginnings of charge and discharge, at the recipe's two times each."""
    half = [(1e-3, 3600.0, 1.0), (0.0, 60.0, 1.0), (-1e-3, 3600.0, 1.0), (0.0, 60.0, 1.0)]
    found = resistances(load([(0.0, 60.0, 1.0), *half * 3], Circuit(slope=1e-5)))
    assert set(found["of"]) == {"cycle"}
    assert found.group_by("cycle", "direction").len()["len"].to_list() == [2] * 6
    first = at(found, 10.0)
    assert first["resistance_ohm"] == pytest.approx(Circuit(slope=1e-5).resistance(10.0), rel=1e-9)


def test_state_of_charge_is_counted_from_the_full_cell() -> None:
    """A pulse half way down a discharge is at half charge."""
    down = [(-1e-3, 1800.0, 1.0), (0.0, 600.0, 1.0), (-2e-3, 10.0, 0.1), (0.0, 600.0, 1.0), (-1e-3, 1780.0, 1.0)]
    found = resistances(load([(0.0, 60.0, 1.0), (1e-3, 3600.0, 1.0), (0.0, 60.0, 1.0), *down, (0.0, 60.0, 1.0)]))
    row = found.filter((pl.col("of") == "pulse") & (pl.col("after_second") == 1) & (pl.col("edge") == "load"))
    assert row["state_of_charge"].item() == pytest.approx(0.5, abs=0.002)


def test_half_cell_has_no_state_of_charge() -> None:
    """Which end of a half cell is full is a matter of taste."""
    half = [(1e-3, 3600.0, 1.0), (0.0, 60.0, 1.0), (-1e-3, 3600.0, 1.0), (0.0, 60.0, 1.0)]
    found = resistances(load([(0.0, 60.0, 1.0), *half]), cell={"convention": "half_cathode"})
    assert found["state_of_charge"].null_count() == found.height


def test_many_pulses_are_thinned() -> None:
    """Resistances are read at no more edges than the recipe says, from first to last pulse."""
    found = resistances(load(train(40)), LoadsRecipe(most_edges=4))
    loads = found.filter(pl.col("edge") == "load")["step_count"].unique().sort().to_list()
    assert loads == [2, 28, 54, 80]


def test_file_that_begins_with_a_pulse_has_no_edge_there() -> None:
    """Before a file's first record nothing is known."""
    found = resistances(load(train(4)[1:]))
    assert 1 not in found.filter(pl.col("edge") == "load")["step_count"].to_list()

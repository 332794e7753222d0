"""Bursts that a program drives within one step of the instrument."""

from __future__ import annotations

import polars as pl
import pytest
from load_inputs import inputs_of
from made_loads import Circuit, Step, load

from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.tables import TABLES, compute_loads

RECIPE = LoadsRecipe()
RADIO: list[Step] = [(-1e-6, 0.996, 0.012), (-5e-3, 0.004, 0.0002)]


def tables_of(measurements: pl.DataFrame) -> dict[str, pl.DataFrame]:
    made = compute_loads(inputs_of(measurements), RECIPE)
    return {table.name: frame for table, frame in zip(TABLES, made, strict=True)}


def in_one_step(bursts: int) -> pl.DataFrame:
    """Return a radio's load behind a rest, with the numbers that an instrument gives: one step for all of it."""
    frame = load([(0.0, 60.0, 1.0), *RADIO * bursts, RADIO[0]])
    return frame.drop("step_time_second").with_columns(step_count=pl.min_horizontal("step_count", 2))


def test_bursts_within_a_step_are_pulses() -> None:
    """Fifty bursts of 4 ms within one step are fifty pulses of one train, resolved at their 20 records."""
    found = tables_of(in_one_step(50))["pulses"]
    assert found.height == 50
    assert (set(found["train"]), set(found["status"]), set(found["step_count"])) == ({1}, {"resolved"}, {2})
    assert found["resistance_ohm"].to_numpy() == pytest.approx(Circuit().resistance(0.004), rel=0.01)


def test_charge_of_a_burst_is_its_own() -> None:
    """What flowed between a pause's last record and the burst's first is not known, and not counted."""
    found = tables_of(in_one_step(50))["pulses"]
    assert found["charge_ah"].to_numpy() == pytest.approx(-5e-3 * 0.0038 / 3600)


def test_resistances_of_bursts_have_their_pulse() -> None:
    """Each resistance names its pulse, for the step is the same."""
    found = tables_of(in_one_step(5))["resistance"].filter(pl.col("of") == "pulse")
    assert set(found["pulse"]) == {1, 2, 3, 4, 5}
    assert not found.select("start_time_second", "after_second").is_duplicated().any()


def test_single_records_are_no_bursts() -> None:
    """A current that jumps for one record may be noise."""
    frame = load([(0.0, 60.0, 1.0), (-1e-3, 600.0, 1.0), (0.0, 60.0, 1.0)])
    spikes = (pl.col("step_count") == 2) & (pl.int_range(pl.len()) % 50 == 0)
    noisy = frame.with_columns(current_ampere=pl.when(spikes).then(-4e-3).otherwise(pl.col("current_ampere")))
    assert tables_of(noisy)["pulses"].height == 0

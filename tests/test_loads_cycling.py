"""What of a cycle is read off its records: worked out on paper."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from load_inputs import inputs_of
from made_cells import cycle, measure
from made_loads import load

from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.tables import TABLES, compute_loads

RECIPE = LoadsRecipe()


def extras(measurements: pl.DataFrame, **options: Any) -> pl.DataFrame:
    tables = compute_loads(inputs_of(measurements, **options), RECIPE)
    return tables[[table.name for table in TABLES].index("cycle_extras")]


def test_times_of_a_constant_current() -> None:
    """A mAh at a mA takes an hour; 80 % of it 48 minutes, 90 % 54."""
    row = extras(measure(cycle([1e-3] * 3))).row(1, named=True)
    assert row["charging_second"] == pytest.approx(3600)
    assert row["discharging_second"] == pytest.approx(3600)
    assert row["charging_to_80_percent_second"] == pytest.approx(0.8 * 3600)
    assert row["charging_to_90_percent_second"] == pytest.approx(0.9 * 3600)


def test_rests_are_no_charging_time() -> None:
    """A charge in two parts with a rest between takes the time under charge alone."""
    row = extras(measure([(1e-3, 0.5e-3), (1e-3, 0.5e-3), (-1e-3, 1e-3)])).row(0, named=True)
    assert row["charging_to_80_percent_second"] == pytest.approx(0.8 * 3600)


def test_slow_second_part_counts() -> None:
    """Half of the charge at 1 mA and half at 0.1 mA: 80 % is in after half an hour and three."""
    row = extras(measure([(1e-3, 0.5e-3), (1e-4, 0.5e-3), (-1e-3, 1e-3)])).row(0, named=True)
    assert row["charging_to_80_percent_second"] == pytest.approx(1800 + 3 * 3600)


def test_polarisation_compares_the_mean_voltages() -> None:
    """0.2 V more under charge than under discharge are 0.2 V of polarisation."""
    higher = pl.when(pl.col("current_ampere") > 0).then(pl.col("voltage_volt") + 0.2).otherwise(pl.col("voltage_volt"))
    row = extras(measure(cycle([1e-3] * 2)).with_columns(voltage_volt=higher)).row(0, named=True)
    assert row["polarisation_volt"] == pytest.approx(0.2)
    assert row["voltage_efficiency"] == pytest.approx(3.5 / 3.7)


def test_incomplete_cycle_has_no_polarisation() -> None:
    """A charge without its discharge is compared with nothing."""
    row = extras(measure([(1e-3, 1e-3)])).row(0, named=True)
    assert (row["polarisation_volt"], row["voltage_efficiency"]) == (None, None)
    assert row["charging_second"] == pytest.approx(3600)


def test_cycle_with_a_gap_has_no_time_to_a_part() -> None:
    """Where records are missing it is not known when 80 % were in."""
    whole = load([(0.0, 60.0, 6.0), (1e-3, 3600.0, 10.0), (-1e-3, 3600.0, 10.0), (0.0, 60.0, 6.0)])
    time = pl.col("step_time_second")
    holed = whole.filter((pl.col("step_count") != 2) | (time < 400) | (time > 3200))
    found = [extras(frame).row(0, named=True) for frame in (whole, holed)]
    assert found[0]["charging_to_80_percent_second"] == pytest.approx(0.8 * 3590, rel=0.001)
    assert found[1]["charging_to_80_percent_second"] is None


def test_temperatures_are_the_extremes_of_the_records() -> None:
    """The lowest and highest record of each cycle, missing ones left out; null without a sensor."""
    frame = measure(cycle([1e-3] * 2))
    warm = frame.with_columns(
        surface_temperature_celsius=pl.when(pl.int_range(pl.len()) % 3 > 0).then(20 + pl.col("test_time_second") / 1000)
    )
    row = extras(warm).row(0, named=True)
    assert (row["lowest_temperature_celsius"], row["highest_temperature_celsius"]) == pytest.approx((20.36, 27.32))
    assert extras(frame)["lowest_temperature_celsius"].to_list() == [None, None]


def test_hold_is_told() -> None:
    """The rest between charge and discharge is the cycle's hold; what follows the discharge is not."""
    row = extras(measure(cycle([1e-3] * 2))).row(1, named=True)
    assert (row["longest_hold_second"], row["pulses"]) == (pytest.approx(60.0), 0)

"""dQ/dV: a curve that is known comes back, and none is drawn of records that cannot carry it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from load_inputs import inputs_of
from made_cells import cycle, measure

from warehouse.loads.curves import choose_cycles, differentiate, follow_voltage
from warehouse.loads.reasons import REASONS
from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.tables import TABLES, compute_loads

RECIPE = LoadsRecipe()
GRID = RECIPE.grid_volt
PEAK, WIDTH, HEIGHT = 3.5, 0.05, 1e-3


def capacity_at(volt: Any) -> Any:
    """Return the charge in Ah below a voltage: half of it under one bell at 3.5 V, the other spread evenly."""
    return 0.5 * HEIGHT * (1 / (1 + np.exp(-(volt - PEAK) / WIDTH)) + (volt - 3.0))


def slope_at(volt: Any) -> Any:
    bell = np.exp(-(volt - PEAK) / WIDTH)
    return 0.5 * HEIGHT * (bell / (1 + bell) ** 2 / WIDTH + 1)


def cycles_of(number: int, volts: Any, seen: Any = None, hours: float = 1.0) -> pl.DataFrame:
    """Return charge-first cycles at constant current whose charge over voltage is that of capacity_at.

    Args:
        number: how many.
        volts: voltage of each record.
        seen: the same as recorded.
        hours: duration of each half.
    """
    seen = volts if seen is None else seen
    parts, begin = [], 0.0
    charge = capacity_at(volts) - capacity_at(volts[0])
    time = charge / charge[-1] * hours * 3600
    for half in range(2 * number):
        way = 1 if half % 2 == 0 else -1
        along = time if way > 0 else time[-1] - time[::-1]
        volt = seen if way > 0 else seen[::-1]
        current = np.full(len(volt), way * charge[-1] / hours)
        columns = {"test_time_second": begin + along, "voltage_volt": volt, "current_ampere": current}
        parts.append(pl.DataFrame({**columns, "step_count": np.full(len(volt), half + 1)}))
        begin += time[-1] + 1.0
    return pl.concat(parts)


def curves(measurements: pl.DataFrame, recipe: LoadsRecipe = RECIPE) -> pl.DataFrame:
    tables = compute_loads(inputs_of(measurements), recipe)
    return tables[[table.name for table in TABLES].index("dqdv")]


VOLTS = np.linspace(3.0, 4.0, 4001)


@pytest.mark.parametrize("direction", ["charge", "discharge"])
def test_known_curve_comes_back(direction: str) -> None:
    """dQ/dV of a bell on a plain is found to half a per cent of its height, positive in either direction."""
    found = curves(cycles_of(2, VOLTS)).filter((pl.col("direction") == direction) & (pl.col("cycle") == 1))
    assert set(found["status"]) == {"shown"}
    volts = found["voltage_volt"].to_numpy()
    assert found["dqdv_ah_per_volt"].to_numpy() == pytest.approx(slope_at(volts), abs=0.005 * slope_at(PEAK))


def test_reciprocal_stands_beside() -> None:
    """dV/dQ is one over dQ/dV, point for point."""
    found = curves(cycles_of(2, VOLTS))
    assert (found["dqdv_ah_per_volt"] * found["dvdq_volt_per_ah"]).to_numpy() == pytest.approx(1.0)


def test_curve_says_how_it_was_made() -> None:
    """Each point names its grid and window, lies on a whole multiple of the grid, and the ends are dropped."""
    found = curves(cycles_of(2, VOLTS)).filter((pl.col("direction") == "charge") & (pl.col("cycle") == 1))
    places = found["voltage_volt"].to_numpy() / GRID
    assert (set(found["grid_volt"]), set(found["window"]), set(found["records"])) == ({GRID}, {5}, {4001})
    assert places == pytest.approx(np.round(places))
    assert (found["voltage_volt"].min(), found["voltage_volt"].max()) == pytest.approx((3.02, 3.98))


def test_charge_runs_along() -> None:
    """Under discharge the charge counts from the full cell."""
    found = curves(cycles_of(2, VOLTS)).filter((pl.col("direction") == "discharge") & (pl.col("cycle") == 1))
    volts = found["voltage_volt"].to_numpy()
    assert found["charge_ah"].to_numpy() == pytest.approx(capacity_at(4.0) - capacity_at(volts), abs=1e-8)


def test_window_is_made_odd() -> None:
    """An even window is the next odd one."""
    assert set(curves(cycles_of(2, VOLTS), replace(RECIPE, window=4))["window"]) == {5}


def test_back_steps_are_left_out() -> None:
    """Records that fall back while the voltage should rise carry nothing."""
    volts, charge = follow_voltage(np.array([3.0, 3.1, 3.05, 3.1, 3.2]), np.arange(5.0), 1)
    assert (volts.tolist(), charge.tolist()) == ([3.0, 3.1, 3.2], [0.0, 1.0, 4.0])


def test_falling_voltage_is_turned_over() -> None:
    """A straight line has the same slope read up or down."""
    volts, charge = np.linspace(3, 4, 101), np.linspace(0, 2, 101)
    up, down = differentiate(volts, charge, 0.01, 3), differentiate(volts[::-1], charge[::-1], 0.01, 3)
    assert up["dqdv_ah_per_volt"] == pytest.approx(2.0)
    assert down["dqdv_ah_per_volt"] == pytest.approx(up["dqdv_ah_per_volt"])


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (cycles_of(2, VOLTS, np.round(VOLTS / 2, 3) * 2), "grid_below_quantum"),
        (cycles_of(2, VOLTS, VOLTS + np.random.default_rng(3).normal(0, 0.002, len(VOLTS))), "grid_below_noise"),
        (cycles_of(2, np.linspace(3.45, 3.54, 1001)), "span_too_small"),
        (cycles_of(2, np.linspace(3.0, 4.0, 101) ** 1.1), "records_too_sparse"),
    ],
    ids=["quantum", "noise", "span", "records"],
)
def test_curve_that_records_cannot_carry_is_refused(frame: pl.DataFrame, reason: str) -> None:
    """Two millivolts' rounding or millivolts' noise, a span of 90 mV, a record every 10 mV: no curve of 5 mV."""
    found = curves(frame)
    assert set(found["status"]) == {"refused"}
    assert set(found["reason"]) == {reason}
    assert found["dqdv_ah_per_volt"].null_count() == found.height
    assert REASONS[reason].en


def test_cycles_are_spread_over_the_life() -> None:
    """About ten cycles are chosen, evenly, the first and the last among them."""
    ageing = inputs_of(measure(cycle([1e-3 - 1e-6 * n for n in range(101)]))).cycles
    chosen = choose_cycles(ageing, 10)
    assert (len(chosen), chosen[0], chosen[-1]) == (10, 1, 101)
    assert set(np.diff(chosen)) <= {11, 12}


def test_cycles_that_are_no_ageing_have_no_curve() -> None:
    """A test without a complete ageing cycle has no row."""
    assert curves(measure([(1e-3, 1e-3)])).height == 0

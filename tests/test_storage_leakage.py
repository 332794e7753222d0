"""Self-discharge from slopes of the open-circuit voltage, and leakage at held voltages."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from frames import Part, measure
from made_storage import AMPERE, FARAD_AH, HOUR, LEAK_OHM, OHM, UPPER, hold_voltage, leave_alone
from made_titrations import see

from warehouse.metrics import inputs as given
from warehouse.schema import FLOAT_LEAKAGE, VOLTAGE_DECAY
from warehouse.storage import StorageRecipe, compute_leakage
from warehouse.storage.reasons import REASONS

RECIPE = StorageRecipe()


def decay(inputs: given.TestInputs) -> dict[str, Any]:
    """Return the only row of a test's long rests."""
    (row,) = compute_leakage(inputs, RECIPE)[0].iter_rows(named=True)
    return row


def leak(inputs: given.TestInputs) -> dict[str, Any]:
    """Return the only row of a test's long holds."""
    (row,) = compute_leakage(inputs, RECIPE)[1].iter_rows(named=True)
    return row


def records(inputs: given.TestInputs) -> pl.DataFrame:
    """Return the records of a test, to be changed."""
    return inputs.read_rows(["test_time_second", "voltage_volt", "current_ampere", "step_count", "step_type"])


def refusal(row: dict[str, Any], figure: str) -> str:
    """Return why a row has no figure."""
    assert row["status"] == "refused"
    assert row[figure] is None
    assert row["reason"] in REASONS
    return str(row["reason"])


def test_leak_across_a_capacity_comes_back() -> None:
    """A cell of 100 µAh/V with 1 GΩ across it loses 4 nA at 4 V, through noise of 50 µV."""
    row = decay(leave_alone(noise=50e-6))
    truth = row["voltage_volt"] / LEAK_OHM
    assert row["status"] == "measured"
    assert row["self_discharge_ampere"] == pytest.approx(truth, rel=0.05)
    assert row["self_discharge_low_ampere"] < truth < row["self_discharge_high_ampere"]
    assert row["differential_capacity_ah_per_volt"] == pytest.approx(FARAD_AH, rel=0.02)


def test_relaxation_is_left_out() -> None:
    """30 mV that relax within 5 h do not reach the part that is fitted."""
    row = decay(leave_alone(relaxing_volt=0.03, noise=20e-6))
    assert row["self_discharge_ampere"] == pytest.approx(row["voltage_volt"] / LEAK_OHM, rel=0.1)
    assert row["fitted_hour"] == pytest.approx(96 - RECIPE.relaxation_hour)


def test_voltmeters_share_stands_beside() -> None:
    """A voltmeter of 1 GΩ draws all of the 4 nA, which its own column says."""
    row = decay(leave_alone(input_resistance_ohm=1e9))
    assert row["meter_bias_ampere"] == pytest.approx(row["self_discharge_ampere"], rel=0.01)
    assert decay(leave_alone())["meter_bias_ampere"] is None


def test_ohmic_drop_is_added_back() -> None:
    """Where the curve bends, dQ/dV is that at the rest's voltage, not 50 mV below, where the drop shows it."""
    rows = records(leave_alone(48))
    volts = pl.col("voltage_volt")
    top = float(rows.filter(pl.col("step_count") == 2)["voltage_volt"][-1])
    # Half of the capacity per volt above 3.95 V, as the cell itself sees it.
    inner = volts + AMPERE * OHM
    bent = top - pl.min_horizontal(2 * (top - inner), 0.1) - pl.max_horizontal(top - 0.05 - inner, 0.0) - AMPERE * OHM
    curve = pl.when(pl.col("step_count") == 3).then(bent).otherwise(volts)
    row = decay(see(rows.with_columns(voltage_volt=curve)))
    assert row["differential_capacity_ah_per_volt"] == pytest.approx(FARAD_AH / 2, rel=0.02)
    assert row["flags"] == ""


def test_discharge_without_a_rest_before_is_flagged() -> None:
    """Where the discharge of dQ/dV does not follow a rest, its drop cannot be told, and the row says so."""
    rows = records(leave_alone(48))
    charge, rest, down = (rows.filter(pl.col("step_count") == count) for count in (1, 2, 3))
    time, seconds = pl.col("test_time_second"), float(down["test_time_second"][-1] - down["test_time_second"][0])
    turned = [
        charge,
        down.with_columns(
            test_time_second=time - down["test_time_second"][0] + HOUR,
            voltage_volt=pl.col("voltage_volt") + 2 * AMPERE * OHM,
            step_count=pl.lit(2, pl.Int64),
        ),
        rest.with_columns(test_time_second=time + seconds, step_count=pl.lit(3, pl.Int64)),
    ]
    assert decay(see(pl.concat(turned)))["flags"] == "uncorrected_drop"


def test_short_rest_is_refused() -> None:
    """30 h leave 6 h behind the relaxation, which are too few; below 24 h nobody asks."""
    assert refusal(decay(leave_alone(30)), "self_discharge_ampere") == "rest_too_short"
    assert compute_leakage(leave_alone(20), RECIPE)[0].is_empty()


def test_coarse_voltage_is_refused() -> None:
    """A fall of 3 mV in steps of 1 mV tells no slope."""
    assert refusal(decay(leave_alone(quantum=1e-3)), "self_discharge_ampere") == "quantum_too_coarse"


def test_long_relaxation_is_refused() -> None:
    """30 mV that relax over 30 h look like self-discharge, but ever less so."""
    row = decay(leave_alone(relaxing_volt=0.03, relaxing_hours=20.0))
    assert refusal(row, "self_discharge_ampere") == "still_relaxing"


def test_rising_voltage_is_refused() -> None:
    """What rises relaxes from a discharge."""
    row = decay(leave_alone(relaxing_volt=-0.05, relaxing_hours=60.0))
    assert refusal(row, "self_discharge_ampere") == "voltage_rises"


def test_tight_cell_is_not_resolved() -> None:
    """0.04 nA behind 1 mV of noise are not seen."""
    row = decay(leave_alone(leak_ohm=1e11, noise=1e-3))
    assert refusal(row, "self_discharge_ampere") == "not_resolved"


def test_plateau_is_refused() -> None:
    """Where the discharge curve is flat within its noise, dQ/dV is not known, though the slope of the rest is."""
    rows = records(leave_alone(noise=20e-6))
    volt = float(rows.filter(pl.col("step_count") == 2)["voltage_volt"][-1])
    flat = pl.lit(volt - 0.05) - 1e-7 * pl.int_range(pl.len()) + 2e-3 * (pl.int_range(pl.len()) * 7919 % 13 - 6) / 6
    discharge = rows.filter(pl.col("step_count") == 3).with_columns(voltage_volt=flat)
    row = decay(see(pl.concat([rows.filter(pl.col("step_count") < 3), discharge])))
    assert refusal(row, "self_discharge_ampere") == "flat_plateau"
    assert row["voltage_slope_volt_per_hour"] is not None


def test_rest_without_a_discharge_is_refused() -> None:
    """A test that only rests knows no dQ/dV."""
    rows = records(leave_alone())
    assert refusal(decay(see(rows.filter(pl.col("step_count") < 3))), "self_discharge_ampere") == "no_discharge_curve"


def test_leakage_comes_back() -> None:
    """5 nA under a decay of 0.5 µA·√s and noise of 1 nA."""
    row = leak(hold_voltage(noise=1e-9))
    assert row["status"] == "measured"
    assert row["leakage_ampere"] == pytest.approx(5e-9, rel=0.05)
    assert row["leakage_low_ampere"] < 5e-9 < row["leakage_high_ampere"]
    assert row["root_time_ampere_root_second"] == pytest.approx(5e-7, rel=0.1)
    assert row["flags"] == "offset_unknown"


def test_interval_of_leakage_covers_the_truth() -> None:
    """The 95 % interval holds the truth in 90 to 100 % of 60 holds with 2 nA of noise; hardly any is refused."""
    rows = records(hold_voltage())
    ends = []
    for seed in range(60):
        noise = pl.Series(np.random.default_rng(seed).normal(0, 2e-9, len(rows)))
        row = leak(see(rows.with_columns(current_ampere=pl.col("current_ampere") + noise)))
        if row["status"] == "measured":
            ends.append((row["leakage_low_ampere"], row["leakage_high_ampere"]))
    assert len(ends) >= 57
    assert np.mean([low <= 5e-9 <= high for low, high in ends]) >= 0.9


def test_known_offset_is_subtracted() -> None:
    """An offset of 10 nA that the channel's manifest states is not taken for leakage."""
    row = leak(hold_voltage(offset=10e-9, current_offset_ampere=10e-9))
    assert row["leakage_ampere"] == pytest.approx(5e-9, rel=0.01)
    assert row["last_day_ampere"] == pytest.approx(5e-9 + 5e-7 / np.sqrt(36 * HOUR), rel=0.02)
    assert (row["current_offset_source"], row["flags"]) == ("channel", "")
    assert leak(hold_voltage(offset=10e-9))["leakage_ampere"] == pytest.approx(15e-9, rel=0.01)


def test_end_of_a_charge_is_a_hold() -> None:
    """Of a charge at constant current, then voltage, only the voltage's part is asked, from where it was reached."""
    inputs = hold_voltage()
    rows = inputs.read_rows(["test_time_second", "voltage_volt", "current_ampere"])
    row = leak(see(rows.with_columns(step_count=pl.lit(1, pl.Int64))))
    assert row["start_time_second"] == pytest.approx(HOUR, abs=70)
    assert row["leakage_ampere"] == pytest.approx(5e-9, rel=0.02)


def test_short_hold_is_refused() -> None:
    """8 h are too short for a leakage; below 6 h nobody asks."""
    assert refusal(leak(hold_voltage(8)), "leakage_ampere") == "hold_too_short"
    assert compute_leakage(hold_voltage(5), RECIPE)[1].is_empty()


def test_falling_current_is_refused() -> None:
    """A current that is still mostly decay would be extrapolated; so would an exponential taper, to below zero."""
    assert refusal(leak(hold_voltage(root=20e-6)), "leakage_ampere") == "not_settled"
    time = np.arange(0, 24 * HOUR, 60.0)
    taper = Part(time, np.full(len(time), UPPER), AMPERE * np.exp(-time / 20 / HOUR), "charge_cv")
    assert refusal(leak(see(measure(taper, typed=True))), "leakage_ampere") == "not_settled"


def test_leakage_below_the_noise_is_refused() -> None:
    """10 pA behind a quantum of 1 nA are not resolved."""
    rows = records(hold_voltage(leak=1e-11, root=1e-10))
    random = np.random.default_rng(0)
    noisy = pl.col("current_ampere") + pl.Series(random.normal(0, 2e-9, len(rows)))
    assert refusal(leak(see(rows.with_columns(current_ampere=(noisy / 1e-9).round() * 1e-9))), "leakage_ampere") in {
        "not_resolved",
        "not_settled",
    }


def test_other_tests_cost_nothing() -> None:
    """A test without a long rest or hold has no rows, and its records are not read."""
    inputs = leave_alone(2)

    def refuse(columns: object) -> pl.DataFrame:
        raise AssertionError(columns)

    quick = given.TestInputs(inputs.test, None, None, inputs.steps, inputs.cycles, refuse, pl.DataFrame)
    assert [frame.height for frame in compute_leakage(quick, RECIPE)] == [0, 0]


def test_rows_are_the_tables() -> None:
    """Every column is declared, and the same input gives the same rows."""
    first, again = (compute_leakage(leave_alone(), RECIPE)[0] for _ in range(2))
    assert dict(first.schema) == VOLTAGE_DECAY.dtypes
    assert first.equals(again)
    assert dict(compute_leakage(hold_voltage(), RECIPE)[1].schema) == FLOAT_LEAKAGE.dtypes

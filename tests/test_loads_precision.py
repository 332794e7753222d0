"""How finely and how truly a test was measured: injected noise, quanta and offsets come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from load_inputs import inputs_of
from made_loads import Circuit, load

import parsers
from warehouse.loads.precision import compute_precision, find_quantum
from warehouse.loads.recipe import LoadsRecipe
from warehouse.schema import STEPS

RECIPE = LoadsRecipe()
LONG = [(0.0, 600.0, 1.0), (1e-5, 1000.0, 1.0), (0.0, 600.0, 1.0), (-1e-5, 1000.0, 1.0), (0.0, 600.0, 1.0)]


def precision_of(measurements: pl.DataFrame, channel: dict[str, Any] | None = None) -> dict[str, Any]:
    return compute_precision(inputs_of(measurements, channel=channel), RECIPE)[0].row(0, named=True)


def noisy(offset: float = 0.0, noise: float = 1e-9, quantum: float = 0.0) -> pl.DataFrame:
    """Return a test of 10 µA whose current carries an offset, noise, and rounding."""
    frame = load(LONG)
    current = frame["current_ampere"].to_numpy() + offset
    current = current + np.random.default_rng(5).normal(0, noise, frame.height)
    return frame.with_columns(current_ampere=pl.Series(np.round(current / quantum) * quantum if quantum else current))


@pytest.mark.parametrize("quantum", [1e-4, 3.0518e-7, 2e-8, 1e-10])
def test_quantum_is_found(quantum: float) -> None:
    """The step of values that are multiples of it is found to six digits, whether a decimal or not."""
    values = np.random.default_rng(1).integers(-5000, 5000, 4000) * quantum
    assert find_quantum(values, RECIPE) == pytest.approx(quantum, rel=1e-5)


def test_quantum_is_found_though_no_neighbours_are() -> None:
    """Values that only differ by 4, 6 and 10 steps show the step of 2."""
    values = np.cumsum([4, 6, 10, 4, 4, 6, 10, 10, 6, 6, 4, 10] * 2) * 1e-6
    assert find_quantum(values, RECIPE) == pytest.approx(2e-6)


def test_converters_step_is_found_behind_its_print() -> None:
    """Values of a converter, printed to a hundredth of its step, show the step and not the print."""
    values = np.round(np.random.default_rng(6).integers(0, 3000, 3000) * 3.0518e-4, 6)
    assert find_quantum(values, RECIPE) == pytest.approx(3.0518e-4, rel=1e-3)


def test_like_steps_are_no_quantum() -> None:
    """Records every 10 mV or a little more have a step in common, but no quantum of it."""
    assert find_quantum(np.linspace(3.0, 4.0, 101) ** 1.1, RECIPE) is None


def test_doubles_have_no_quantum() -> None:
    """Values without a step of their own show none."""
    assert find_quantum(np.random.default_rng(2).normal(0, 1, 5000), RECIPE) is None


def test_few_values_show_no_quantum() -> None:
    """Three different values might have any step that divides them."""
    assert find_quantum(np.array([0.0, 2.6e-5, -2.6e-5] * 100), RECIPE) is None


@pytest.mark.parametrize("noise", [1e-10, 5e-9])
def test_noise_of_the_current_is_found(noise: float) -> None:
    """Injected noise comes back within five per cent."""
    assert precision_of(noisy(noise=noise))["current_noise_ampere"] == pytest.approx(noise, rel=0.05)


def test_noise_of_the_voltage_is_not_its_trend() -> None:
    """Injected noise of 20 µV comes back though the voltage relaxes by millivolts."""
    found = precision_of(load(LONG, noise=2e-5))
    assert found["voltage_noise_volt"] == pytest.approx(2e-5, rel=0.05)


def test_noise_is_no_less_than_rounding() -> None:
    """Where rounding hides the noise, rounding's own is told: a quantum over the root of twelve."""
    found = precision_of(load(LONG, Circuit(slope=1.0)).with_columns(pl.col("voltage_volt").round(4)))
    assert found["voltage_quantum_volt"] == pytest.approx(1e-4)
    assert found["voltage_noise_volt"] == pytest.approx(1e-4 / 12**0.5)


def test_offset_at_rest_is_read() -> None:
    """An instrument that says rest and records 10 nA has that offset."""
    found = precision_of(noisy(offset=1e-8))
    assert found["current_offset_source"] == "rest"
    assert found["current_offset_ampere"] == pytest.approx(1e-8, rel=0.01)
    assert found["resting_records"] == 1800


def test_zero_at_rest_is_no_offset() -> None:
    """An instrument that prints 0 at rest does not measure there: the offset is unknown, not 0."""
    found = precision_of(load(LONG))
    assert (found["current_offset_ampere"], found["current_offset_source"]) == (None, "unknown")


def test_rest_that_the_instrument_does_not_name_is_no_offset() -> None:
    """Without the instrument's own word a small current may be a current."""
    found = precision_of(noisy(offset=1e-8).drop("step_type"))
    assert found["current_offset_source"] == "unknown"


def test_channel_overrules_the_rest() -> None:
    """What a manifest states of the channel is believed, and its accuracy is a part of the range."""
    channel = {"current_offset_ampere": -2e-9, "current_accuracy_of_range": 2e-4, "full_scale_ampere": 1e-4}
    found = precision_of(noisy(offset=1e-8), channel)
    assert (found["current_offset_ampere"], found["current_offset_source"]) == (-2e-9, "channel")
    assert found["range_accuracy_ampere"] == pytest.approx(2e-8)


def test_range_in_the_file_goes_before_the_full_scale() -> None:
    """The largest range in use is what the accuracy is a part of."""
    frame = load(LONG).with_columns(current_range_ampere=pl.lit(1e-3))
    found = precision_of(frame, {"current_accuracy_of_range": 1e-3, "full_scale_ampere": 1.0})
    assert (found["current_range_ampere"], found["range_accuracy_ampere"]) == (1e-3, 1e-6)


def test_test_without_records_has_no_precision() -> None:
    """A test of spectra alone has no row."""
    frame = load(LONG)
    inputs = inputs_of(frame)
    bare = type(inputs)(inputs.test, None, None, STEPS.empty(), inputs.cycles, inputs.read_rows, inputs.read_spectra)
    assert compute_precision(bare, RECIPE)[0].height == 0


def test_single_record_is_enough() -> None:
    """A test of one record has a row that says nothing but that."""
    found = precision_of(load(LONG).head(1))
    assert found["current_offset_source"] == "unknown"
    assert found["sample_interval_second"] is None


def test_quanta_of_a_real_export(corpus: Path) -> None:
    """An export of eight decimals of an ampere and four of a volt shows 10 nA and 0.1 mV."""
    frame = parsers.read(corpus / "neware_csv_xlsx/jepegit-cellpy__neware_uio.csv").measurements
    found = precision_of(frame)
    assert found["current_quantum_ampere"] == pytest.approx(1e-8)
    assert found["voltage_quantum_volt"] == pytest.approx(1e-4)

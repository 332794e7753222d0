"""Pulses: which steps are, what each did, and how many a cell bears."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from load_inputs import inputs_of
from made_loads import Circuit, Step, load, train

from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.tables import TABLES, compute_loads
from warehouse.pulses import find_pulses

RECIPE = LoadsRecipe()
CELL = Circuit()
LIMITS = {"voltage_lower_volt": 3.5, "voltage_upper_volt": 4.2}
CYCLE: list[Step] = [(1e-3, 3600.0, 10.0), (0.0, 600.0, 10.0), (-1e-3, 3600.0, 10.0), (0.0, 600.0, 10.0)]


def pulses_of(measurements: pl.DataFrame, **options: Any) -> pl.DataFrame:
    tables = compute_loads(inputs_of(measurements, **options), RECIPE)
    return tables[[table.name for table in TABLES].index("pulses")]


def marked(steps: list[Step], circuit: Circuit | None = None) -> list[int]:
    """Return the numbers of the steps that are pulses."""
    derived = inputs_of(load(steps, circuit)).steps
    return derived.filter(pl.Series(find_pulses(derived, RECIPE.longest_pulse_second)))["step_count"].to_list()


def test_pulse_is_described() -> None:
    """Amplitude, duration, both parts of the voltage's change, recovery and resistance are the circuit's."""
    row = pulses_of(load(train(3, off=(0.0, 60.0, 0.1)))).row(0, named=True)
    drop = CELL.slow * 1e-3 * (CELL.resistance(1.0) - CELL.ohmic) / CELL.slow
    assert (row["direction"], row["status"], row["records"]) == ("discharge", "resolved", 100)
    assert row["current_ampere"] == pytest.approx(-1e-3)
    assert row["duration_second"] == pytest.approx(1.0)
    assert row["voltage_before_volt"] == pytest.approx(3.9)
    assert row["first_record_second"] == pytest.approx(0.01)
    assert row["ohmic_change_volt"] == pytest.approx(-1e-3 * CELL.resistance(0.01))
    assert row["polarisation_change_volt"] == pytest.approx(-1e-3 * (CELL.resistance(1.0) - CELL.resistance(0.01)))
    assert row["lowest_voltage_volt"] == pytest.approx(3.9 - 1e-3 * CELL.resistance(1.0))
    assert row["recovery_volt"] == pytest.approx(0.1 + drop, rel=1e-6)
    assert row["resistance_ohm"] == pytest.approx(CELL.resistance(1.0))


def test_charge_and_energy_are_the_pulses() -> None:
    """A milliampere over the second between first and last record moves that charge, at the voltage that it has."""
    row = pulses_of(load(train(3))).row(0, named=True)
    assert row["charge_ah"] == pytest.approx(-1e-3 * 0.99 / 3600)
    assert row["energy_wh"] == pytest.approx(row["charge_ah"] * 3.78, rel=0.005)


def test_coarse_pulse_is_refused() -> None:
    """A pulse of nine records has no figure of its voltage; it is counted all the same."""
    row = pulses_of(load(train(3, on=(0.0, 0.9, 0.1))), cell=LIMITS).row(0, named=True)
    read = ("lowest_voltage_volt", "ohmic_change_volt", "recovery_volt", "resistance_ohm", "largest_current_ampere")
    assert (row["status"], row["records"]) == ("not_resolved", 9)
    assert [row[name] for name in read] == [None] * 5


def test_change_within_the_noise_is_no_resistance() -> None:
    """A pulse that moves the voltage by less than its noise has no resistance and no largest current."""
    row = pulses_of(load(train(3, -1e-8), noise=1e-4), cell=LIMITS).row(0, named=True)
    assert (row["status"], row["resistance_ohm"], row["largest_current_ampere"]) == ("below_noise", None, None)


@pytest.mark.parametrize(("ampere", "room"), [(-1e-3, 0.4), (1e-3, 0.3)])
def test_largest_current_would_just_reach_the_limit(ampere: float, room: float) -> None:
    """The room to the limit in the pulse's direction over its resistance."""
    row = pulses_of(load(train(3, ampere)), cell=LIMITS).row(0, named=True)
    assert row["largest_current_ampere"] == pytest.approx(room / CELL.resistance(1.0))


def test_largest_current_needs_a_limit() -> None:
    """Without a limit in the manifest there is no largest current, nor with the cell beyond it already."""
    beyond = {"voltage_lower_volt": 3.95, "voltage_upper_volt": 4.2}
    for cell in (None, {"voltage_lower_volt": None, "voltage_upper_volt": 4.2}, beyond):
        assert pulses_of(load(train(3)), cell=cell)["largest_current_ampere"].to_list() == [None] * 3


def test_trains_are_told_apart() -> None:
    """Pulses of another current, and pulses after a longer load, begin another train."""
    steps = [*train(3), *train(2, -2e-3)[1:], (-1e-3, 600.0, 1.0), *train(2, -2e-3)]
    found = pulses_of(load(steps))
    assert found["train"].to_list() == [1, 1, 1, 2, 2, 3, 3]
    assert found["pulse_of_train"].to_list() == [1, 2, 3, 1, 2, 1, 2]


# Which steps are pulses


def test_pulses_within_a_discharge_are_found() -> None:
    """Pulses at some states of charge, discharging and charging, are pulses; the steps between are none."""
    part: list[Step] = [
        (-1e-3, 600.0, 10.0),
        (0.0, 600.0, 10.0),
        (-5e-3, 10.0, 0.1),
        (0.0, 40.0, 1.0),
        (4e-3, 10.0, 0.1),
        (0.0, 40.0, 1.0),
    ]
    assert marked([(0.0, 60.0, 1.0), *CYCLE[:2], *part * 4, (0.0, 60.0, 1.0)]) == [
        number for first in (6, 12, 18, 24) for number in (first, first + 2)
    ]


def test_bursts_on_a_standing_current_are_pulses() -> None:
    """A radio that wakes from its sleep current draws pulses, with no rest between."""
    steps = [(0.0, 60.0, 1.0), *[(-1e-6, 10.0, 1.0), (-5e-3, 0.01, 0.001)] * 5, (-1e-6, 10.0, 1.0)]
    assert marked(steps) == [3, 5, 7, 9, 11]


def test_half_cycles_of_seconds_are_no_pulses() -> None:
    """A cell that is charged and discharged within half a minute has cycles, not pulses."""
    fast: list[Step] = [(1e-3, 30.0, 1.0), (0.0, 10.0, 1.0), (-1e-3, 30.0, 1.0), (0.0, 10.0, 1.0)]
    assert marked([(0.0, 60.0, 1.0), *fast * 8], Circuit(slope=1e-2)) == []


def test_fast_discharges_of_a_rate_test_are_no_pulses() -> None:
    """A discharge of seconds that ends where the slow ones end is a half cycle at a high rate."""
    circuit = Circuit(slope=0.1, ohmic=52.0, slow=1e-9)
    slow: list[Step] = [(1e-3, 5000.0, 50.0), (0.0, 60.0, 1.0), (-1e-3, 5000.0, 50.0), (0.0, 60.0, 1.0)]
    fast: list[Step] = [(1e-2, 32.0, 1.0), (0.0, 60.0, 1.0), (-1e-2, 32.0, 1.0), (0.0, 60.0, 1.0)]
    assert marked([(0.0, 60.0, 1.0), *slow * 2, *fast * 3, *slow], circuit) == []


def test_steps_of_a_held_voltage_are_no_pulses() -> None:
    """A short top-up behind a charge at a lower current is its end."""
    assert marked([(0.0, 60.0, 1.0), (1e-3, 3600.0, 10.0), (0.9e-3, 20.0, 1.0), (0.0, 60.0, 1.0), *CYCLE[2:]]) == []


def test_last_step_is_no_pulse_yet() -> None:
    """A current whose end is not in the file may still go on."""
    assert marked([(0.0, 600.0, 10.0), *CYCLE, (-2e-3, 10.0, 0.1)]) == []

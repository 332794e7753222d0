"""Cycles of pulses and of holds are told apart from those that age a cell, and a loop of such cycles is a loop."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from load_inputs import inputs_of
from made_cells import cycle, measure
from made_loads import Circuit, Step, load

import parsers

CIRCUIT = Circuit(slope=0.1)
PLAIN: list[Step] = [(1e-3, 3600.0, 36.0), (0.0, 60.0, 6.0), (-1e-3, 3600.0, 36.0), (0.0, 60.0, 6.0)]
PULSED: list[Step] = [*PLAIN[:2], *[(-1e-3, 900.0, 9.0), (0.0, 60.0, 6.0), (-5e-3, 10.0, 0.1), (0.0, 60.0, 6.0)] * 3]
HELD: list[Step] = [PLAIN[0], (0.0, 90_000.0, 900.0), *PLAIN[2:]]
BEGIN: list[Step] = [(0.0, 60.0, 6.0)]


def classes(steps: list[Step]) -> list[str]:
    # A last rest, so that the last half cycle is over.
    found: list[str] = inputs_of(load([*BEGIN, *steps], CIRCUIT)).cycles["class"].to_list()
    return found


def test_cycle_of_several_pulses_is_a_pulse_test() -> None:
    """Three pulses within a discharge make a pulse test of a cycle among plain ones."""
    assert classes(PLAIN * 3 + PULSED + PLAIN * 2) == ["ageing"] * 3 + ["pulse"] + ["ageing"] * 2


def test_single_pulse_test_is_one() -> None:
    """A file of one cycle with pulses is a pulse test, not a cell that ages."""
    assert classes(PULSED) == ["pulse"]


def test_one_pulse_a_cycle_is_a_measured_resistance() -> None:
    """A pulse in every cycle, as many labs run it, changes no class."""
    one = [*PLAIN[:2], (-5e-3, 10.0, 0.1), (0.0, 60.0, 6.0), *PLAIN[2:]]
    assert classes(one * 4) == ["ageing"] * 4


def test_loop_of_pulsed_cycles_ages() -> None:
    """Twelve cycles of pulses and nothing else are how this cell is aged."""
    assert set(classes(PULSED * 12)) == {"ageing"}


def test_long_rest_between_charge_and_discharge_is_a_hold() -> None:
    """A day at full charge makes a hold of a cycle; the slow rates beside it keep their class."""
    assert classes(PLAIN * 3 + HELD + PLAIN * 2) == ["ageing"] * 3 + ["hold"] + ["ageing"] * 2


def test_cell_left_lying_is_no_hold() -> None:
    """A day behind the discharge holds nothing."""
    assert classes([*PLAIN * 2, *PLAIN[:3], (0.0, 90_000.0, 900.0)]) == ["ageing"] * 3


def test_storage_loop_ages() -> None:
    """Twelve cycles with a day's rest each are the loop of a calendar test."""
    assert set(classes(HELD * 12)) == {"ageing"}


def test_classes_do_not_depend_on_the_growth_of_the_file() -> None:
    """Ordinary cycles keep their class whatever follows."""
    grown = [inputs_of(measure(cycle([1e-3] * n))).cycles["class"].to_list() for n in (3, 6)]
    assert grown == [["ageing"] * 3, ["ageing"] * 6]


@pytest.mark.parametrize(
    ("name", "pulsed"),
    [
        ("maccor/ROVI-org-battery-data-toolkit__hist__example_hppc.062", [2]),
        ("maccor/ROVI-org-battery-data-toolkit__hist__example_cycl.062", [51, 104, 155, 159, 211, 212, 263, 264]),
        ("maccor/ROVI-org-battery-data-toolkit__hist__example_rate.062", []),
    ],
)
def test_real_pulse_tests_are_told(corpus: Path, name: str, pulsed: list[int]) -> None:
    """The pulse tests that the schedule of a real cell's life runs every fifty cycles, and none in its rate test."""
    cycles = inputs_of(parsers.read(corpus / name).measurements).cycles
    assert cycles.filter(pl.col("class") == "pulse")["cycle"].to_list() == pulsed

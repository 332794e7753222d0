"""Cycles: which steps belong together, what came out over what went in, and which cycles may be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from frames import HOUR, MICRO, Part, cycles_of, hold_current, hold_voltage, measure, rest, steps_of
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.classes import group_currents
from warehouse.cycles import derive_cycles, infer_convention, number_cycles
from warehouse.derivation import PLATFORM
from warehouse.schema import CONVENTIONS, CYCLES, STEPS

RATE = 10 * MICRO
# The first call pays for the start of Polars, and the machine may be busy.
UNHURRIED = settings(deadline=None)
RECORDS = 11


def charge(microampere_hours: float, rate: float = RATE, volts: tuple[float, float] = (3.2, 4.2)) -> Part:
    return hold_current(rate, microampere_hours * MICRO / rate * HOUR, volts, RECORDS)


def discharge(microampere_hours: float, rate: float = RATE, volts: tuple[float, float] = (4.0, 3.0)) -> Part:
    return hold_current(-rate, microampere_hours * MICRO / rate * HOUR, volts, RECORDS)


def pause(volt: float) -> Part:
    return rest(volt, records=RECORDS)


def charge_first(*pairs: tuple[float, float], rate: float = RATE) -> list[Part]:
    """Cycles of a cell that is charged first, from what goes in and out of each, in µAh."""
    return [part for into, out in pairs for part in (charge(into, rate), pause(4.15), discharge(out, rate), pause(3.1))]


def discharge_first(*pairs: tuple[float, float]) -> list[Part]:
    """Cycles of a cell that is discharged first, from what goes out and in of each, in µAh."""
    return [part for out, into in pairs for part in (discharge(out), pause(3.1), charge(into), pause(4.15))]


def efficiencies(parts: Sequence[Part], convention: str) -> list[float | None]:
    found: list[float | None] = cycles_of(measure(*parts), convention)["coulombic_efficiency"].to_list()
    return found


def numbers_of(parts: Sequence[Part], convention: str = "full_charge_first") -> list[int]:
    found: list[int] = derive_cycles(steps_of(measure(*parts)), convention, PLATFORM)[0]["cycle"].to_list()
    return found


def classes_of(rates: Sequence[float], pairs: Sequence[tuple[float, float]] | None = None) -> list[str]:
    """Return the classes of cycles with the given C-rates, of a cell of 10 µAh."""
    pairs = pairs or [(10.0, 9.9)] * len(rates)
    parts = [part for rate, pair in zip(rates, pairs, strict=True) for part in charge_first(pair, rate=rate * RATE)]
    found: list[str] = cycles_of(measure(*parts))["class"].to_list()
    return found


def test_a_charge_first_cell_cycles_from_charge_to_charge() -> None:
    """A cycle is a charge, its rest, a discharge and its rest."""
    assert numbers_of(charge_first((10, 9.9), (9.9, 9.8))) == [1] * 4 + [2] * 4


def test_a_discharge_first_cell_cycles_from_discharge_to_discharge() -> None:
    """A cycle of a cell that is delivered charged begins with the discharge."""
    assert numbers_of(discharge_first((10, 9.9), (9.9, 9.8)), "full_discharge_first") == [1] * 4 + [2] * 4


def test_rests_belong_to_the_half_before() -> None:
    """A rest before the first current is in no cycle, one after the discharge in the cycle that ended."""
    assert numbers_of([pause(3.0), *charge_first((10, 9.9), (9.9, 9.8))]) == [0] + [1] * 4 + [2] * 4


def test_several_steps_make_one_half_cycle() -> None:
    """Charge in two currents and a hold, discharge in two currents: one cycle, with the sum of their charges."""
    parts = [
        charge(5, volts=(3.2, 3.9)),
        charge(3, RATE / 2, (3.9, 4.2)),
        hold_voltage(RATE / 2, 600, 1800, 4.2, 181),
        pause(4.15),
        discharge(6, volts=(4.0, 3.0)),
        pause(3.3),
        discharge(2, RATE / 10, (3.2, 3.0)),
        pause(3.1),
    ]
    steps, cycles = derive_cycles(steps_of(measure(*parts, *parts)), "full_charge_first", PLATFORM)
    assert steps["cycle"].to_list() == [1] * 8 + [2] * 8
    held = steps["charge_ah"][2]
    assert cycles["charging_capacity_ah"].to_list() == pytest.approx([8 * MICRO + held] * 2)
    assert cycles["discharging_capacity_ah"].to_list() == pytest.approx([8 * MICRO] * 2)
    assert cycles["cv_fraction"].to_list() == pytest.approx([held / (8 * MICRO + held)] * 2, rel=1e-9)


def test_the_instruments_count_is_not_touched() -> None:
    """cycle_count is what the instrument says at the cycle's start, however odd; cycle counts from 1."""
    frame = measure(*charge_first((10, 9.9), (9.9, 9.8), (9.8, 9.7)))
    said = [7, 7, 7, 8, 8, 8, 8, 3, 3, 3, 3, 3]
    numbers = pl.DataFrame({"step_count": np.arange(1, 13), "cycle_count": said})
    cycles = cycles_of(frame.join(numbers, on="step_count", maintain_order="left"))
    assert cycles.select("cycle", "cycle_count").rows() == [(1, 7), (2, 8), (3, 3)]


@pytest.mark.parametrize(
    ("convention", "parts", "expected"),
    [
        ("full_charge_first", charge_first((10, 9.9), (9.9, 9.8)), [9.9 / 10, 9.8 / 9.9]),
        ("full_discharge_first", discharge_first((10, 9.9), (9.9, 9.8)), [10 / 9.9, 9.9 / 9.8]),
        ("half_cathode", charge_first((10, 9.0), (9.0, 8.9)), [9.0 / 10, 8.9 / 9.0]),
        ("half_anode", discharge_first((10, 8.0), (8.0, 7.9)), [8.0 / 10, 7.9 / 8.0]),
        ("symmetric", charge_first((10, 9.5), (9.5, 9.4)), [9.5 / 10, 9.4 / 9.5]),
        ("symmetric", discharge_first((10, 9.5), (9.5, 9.4)), [9.5 / 10, 9.4 / 9.5]),
    ],
)
def test_coulombic_efficiency_by_convention(convention: str, parts: list[Part], expected: list[float]) -> None:
    """Out of the electrode over into it: discharge over charge, but charge over discharge of an anode half cell."""
    assert efficiencies(parts, convention) == pytest.approx(expected, rel=1e-9)


def test_an_anode_cycle_holds_lithiation_and_what_came_out_again() -> None:
    """In a discharge-first cycle the discharge is divided by nothing that came before it."""
    cycles = cycles_of(measure(*discharge_first((10, 8.0), (8.0, 7.9))), "half_anode")
    assert cycles["discharging_capacity_ah"].to_list() == pytest.approx([10 * MICRO, 8 * MICRO])
    assert cycles["charging_capacity_ah"].to_list() == pytest.approx([8 * MICRO, 7.9 * MICRO])


def test_an_offset_shifts_the_efficiency() -> None:
    """10 nA more than flows, shown on a perfect cell at 10 µA, shifts the efficiency by -0.20 % (metrics §2.1)."""
    shown = [replace(part, current=part.current + 10e-9) for part in charge_first((10, 10), (10, 10))]
    assert efficiencies(shown, "full_charge_first") == pytest.approx([1 - 0.0020] * 2, abs=1e-5)


def test_energy_efficiency() -> None:
    """At 4.0 V in and 3.8 V out, energy efficiency is the coulombic one times 3.8 over 4.0."""
    parts = [charge(10, volts=(4.0, 4.0)), pause(3.9), discharge(9.9, volts=(3.8, 3.8)), pause(3.9)]
    cycle = cycles_of(measure(*parts)).row(0, named=True)
    assert cycle["energy_efficiency"] == pytest.approx(0.99 * 3.8 / 4.0)
    assert cycle["mean_charging_voltage_volt"] == pytest.approx(4.0)
    assert cycle["mean_discharging_voltage_volt"] == pytest.approx(3.8)


def test_a_symmetric_cell_has_no_energy_efficiency() -> None:
    """Neither direction of a symmetric cell stores energy."""
    assert cycles_of(measure(*charge_first((10, 9.9))), "symmetric")["energy_efficiency"].to_list() == [None]


def test_end_of_rest_voltages() -> None:
    """The voltages at the end of the rests after charge and after discharge are those of their last records."""
    relax = hold_current(0.0, 600, (4.15, 4.10), RECORDS), hold_current(0.0, 600, (3.1, 3.25), RECORDS)
    cycle = cycles_of(measure(charge(10), relax[0], discharge(9.9), relax[1])).row(0, named=True)
    assert (cycle["charge_rest_voltage_volt"], cycle["discharge_rest_voltage_volt"]) == pytest.approx((4.10, 3.25))


def test_voltage_limits() -> None:
    """The highest voltage under charge and the lowest under discharge, not those of the rests."""
    cycle = cycles_of(measure(charge(10), pause(4.5), discharge(9.9), pause(2.5))).row(0, named=True)
    assert (cycle["upper_voltage_volt"], cycle["lower_voltage_volt"]) == (4.2, 3.0)


def hppc() -> list[Part]:
    """A full charge, then ten discharges of a tenth, each after a pulse out and a smaller one in."""
    parts = [charge(10), pause(4.15)]
    for tenth in range(10):
        volt = 4.0 - 0.1 * tenth
        out, into = (
            hold_current(-50 * MICRO, 10, (volt, volt - 0.1)),
            hold_current(37.5 * MICRO, 10, (volt, volt + 0.1)),
        )
        parts += [out, rest(volt, 40), into, discharge(0.96, volts=(volt, volt - 0.1)), pause(volt - 0.05)]
    return parts


def test_pulses_open_no_cycle() -> None:
    """The regenerating pulses of an HPPC test, a tenth of the discharge between them, are part of its one discharge."""
    assert set(numbers_of([*hppc(), *charge_first((10, 9.9))])) == {1, 2}


def test_pulses_end_no_half_cycle() -> None:
    """The rest voltage after charge is that of the full charge, not of the last pulse's."""
    cycle = cycles_of(measure(*hppc(), *charge_first((10, 9.9)))).row(0, named=True)
    assert cycle["charge_rest_voltage_volt"] == 4.15


def test_a_small_reversal_opens_no_cycle() -> None:
    """A leakage of a thousandth between two charges leaves one charge."""
    parts = [charge(5), discharge(0.01), charge(5), pause(4.15), discharge(9.9), pause(3.1)]
    assert numbers_of(parts * 2) == [1] * 6 + [2] * 6


def test_a_fading_cell_keeps_its_cycles() -> None:
    """A cell that fades a hundredfold over its life still has every cycle counted."""
    capacity = 10 * np.geomspace(1, 0.01, 60)
    cycles = cycles_of(measure(*charge_first(*zip(capacity, 0.99 * capacity, strict=True))))
    assert cycles["cycle"].to_list() == list(range(1, 61))
    assert cycles["coulombic_efficiency"].to_list() == pytest.approx([0.99] * 60)


def test_a_check_up_swallows_no_faded_cycle() -> None:
    """Cycles that move a two-hundredth of the slow check-up in their midst are cycles all the same."""
    faded = charge_first(*[(0.05, 0.049)] * 5)
    assert max(numbers_of([*faded, *charge_first((10, 9.9), rate=RATE / 10), *faded])) == 11


def test_cycles_of_seconds_count() -> None:
    """At a very high rate whole cycles last seconds; they are no pulses, for none interrupts a larger one."""
    parts = [*charge_first((10, 9.9)), *charge_first(*[(0.2, 0.2)] * 3, rate=100 * RATE), *charge_first((10, 9.9))]
    assert max(numbers_of(parts)) == 5


def test_a_discharge_cut_short_is_truncated() -> None:
    """The last discharge that stopped above the voltage of the others makes its cycle incomplete, without CE."""
    cut = [*charge_first((10, 9.9), (9.9, 9.8)), charge(9.8), pause(4.15), discharge(5, volts=(4.0, 3.5))]
    cycle = cycles_of(measure(*cut)).row(-1, named=True)
    assert (cycle["cycle"], cycle["class"], cycle["flags"]) == (3, "incomplete", "truncated")
    assert cycle["coulombic_efficiency"] is None
    assert cycle["energy_efficiency"] is None


def test_a_charge_cut_short_is_truncated() -> None:
    """A test that stops within a charge has a last cycle without discharge."""
    cycle = cycles_of(measure(*charge_first((10, 9.9)), charge(5, volts=(3.2, 3.7)))).row(-1, named=True)
    assert (cycle["class"], cycle["flags"]) == ("incomplete", "charge_only,truncated")


def test_a_charge_that_has_just_begun_belongs_to_no_earlier_cycle() -> None:
    """A few seconds of the next charge open the next cycle and leave the efficiency of the last one alone."""
    parts = [*charge_first((10, 9.9), (9.9, 9.8)), charge(0.05, volts=(3.2, 3.25))]
    assert efficiencies(parts, "full_charge_first") == pytest.approx([0.99, 9.8 / 9.9, None])


def test_a_test_that_ended_well_is_whole() -> None:
    """A last discharge that reached the voltage of the others is complete, with and without a rest behind it."""
    parts = charge_first((10, 9.9), (9.9, 9.8))
    for last in (parts, parts[:-1]):
        assert cycles_of(measure(*last))["flags"].to_list() == ["", ""]


def test_a_second_half_of_several_steps_is_compared_as_a_whole() -> None:
    """An anode's charge in two steps is cut short when its first step is the last: earlier halves ended higher."""
    two = [discharge(10), pause(0.1), charge(4, volts=(0.1, 0.5)), charge(4, RATE / 2, (0.5, 1.0)), pause(0.9)]
    cut = [*two, *two, *two[:3]]
    assert cycles_of(measure(*cut), "half_anode")["flags"].to_list() == ["", "", "truncated"]


def test_a_cell_that_is_only_charged() -> None:
    """A charge without a discharge is one incomplete cycle, with what went in."""
    cycle = cycles_of(measure(pause(3.0), charge(10), pause(4.15))).row(0, named=True)
    assert (cycle["class"], cycle["flags"]) == ("incomplete", "charge_only")
    assert cycle["charging_capacity_ah"] == pytest.approx(10 * MICRO)
    assert cycle["discharging_capacity_ah"] is None


def test_a_cell_that_only_rests_has_no_cycle() -> None:
    """Rests make no cycle."""
    assert cycles_of(measure(pause(3.0), pause(3.1))).height == 0


def test_no_steps_no_cycles() -> None:
    """An empty table of steps gives an empty table of cycles with all columns."""
    cycles = derive_cycles(STEPS.empty(), "full_charge_first", PLATFORM)[1]
    assert (cycles.height, tuple(cycles.columns)) == (0, CYCLES.names)


def test_formation_goes_before_ageing() -> None:
    """A few slower cycles before the loop are formation."""
    assert classes_of([0.1, 0.1, *[1.0] * 10]) == ["formation"] * 2 + ["ageing"] * 10


def test_check_ups_are_slower_cycles_within_the_loop() -> None:
    """Single slow cycles between the ageing ones are check-ups, single fast ones are rate."""
    rates = [0.1, *[1.0] * 6, 0.2, *[1.0] * 6, 0.2, *[1.0] * 6, 2.0, *[1.0] * 2]
    expected = ["formation", *["ageing"] * 6, "rpt", *["ageing"] * 6, "rpt", *["ageing"] * 6, "rate", *["ageing"] * 2]
    assert classes_of(rates) == expected


def test_a_rate_test_before_the_loop_is_rate() -> None:
    """Cycles of a rate test are rate, those at the ageing current and the slow ones around it too."""
    rates = [0.1, 0.1, *np.repeat([0.2, 1.0, 2.0, 5.0, 0.2], 3), *[1.0] * 20]
    assert classes_of(rates) == ["formation"] * 2 + ["rate"] * 15 + ["ageing"] * 20


def test_a_rate_test_may_reach_the_ageing_current_last() -> None:
    """Where the loop runs at the fastest rate of the test before it, that block is still rate."""
    rates = [*np.repeat([0.2, 1.0, 2.0], 3), 0.2, *[2.0] * 20]
    assert classes_of(rates) == ["rate"] * 10 + ["ageing"] * 20


def test_a_rate_test_after_the_loop_is_rate_and_check_up() -> None:
    """After the loop, slower cycles are check-ups and faster ones rate."""
    assert classes_of([*[1.0] * 10, 0.2, 2.0, 5.0]) == ["ageing"] * 10 + ["rpt", "rate", "rate"]


def test_many_slow_cycles_are_no_formation() -> None:
    """More than ten cycles at another current before the loop did not form the cell."""
    assert classes_of([0.5] * 11 + [1.0] * 12) == ["rate"] * 11 + ["ageing"] * 12


def test_currents_within_five_per_cent_are_one_class() -> None:
    """Small differences of the measured current do not make another class."""
    assert set(classes_of([1.0, 1.02, 0.99, 1.01, 1.0])) == {"ageing"}


def test_incomplete_cycles_are_of_no_other_class() -> None:
    """The cycle that was cut short is incomplete whatever its current."""
    parts = [*charge_first((10, 9.9), (9.9, 9.8)), charge(9.8), pause(4.15), discharge(5, volts=(4.0, 3.5))]
    assert cycles_of(measure(*parts))["class"].to_list() == ["ageing", "ageing", "incomplete"]


def test_convention_of_a_cell_that_is_charged_first() -> None:
    """Without a manifest, a cell whose first half cycle is a charge is charged first."""
    assert infer_convention(steps_of(measure(*charge_first((10, 9.9), (9.9, 9.8)))), PLATFORM) == "full_charge_first"


def test_convention_of_a_cell_that_is_discharged_first() -> None:
    """Without a manifest, a cell whose first half cycle is a whole discharge is discharged first."""
    steps = steps_of(measure(*discharge_first((10, 9.9), (9.9, 9.8))))
    assert infer_convention(steps, PLATFORM) == "full_discharge_first"


def test_a_short_first_discharge_only_prepares() -> None:
    """A discharge of a third of the later ones empties what the cell was shipped with; the cycles begin with charge."""
    steps = steps_of(measure(discharge(3, volts=(3.5, 3.0)), pause(3.1), *charge_first((10, 9.9), (9.9, 9.8))))
    assert infer_convention(steps, PLATFORM) == "full_charge_first"
    cycles = derive_cycles(steps, "full_charge_first", PLATFORM)[1]
    assert cycles["flags"].to_list() == ["discharge_only", "", ""]
    assert cycles["coulombic_efficiency"].to_list() == pytest.approx([None, 0.99, 9.8 / 9.9])


def test_convention_of_nothing() -> None:
    """A test without current is taken for a full cell that will be charged first."""
    assert infer_convention(steps_of(measure(pause(3.0))), PLATFORM) == "full_charge_first"


def test_a_missing_temperature_is_null() -> None:
    """A test without a sensor has no temperature, and not 0 °C."""
    assert cycles_of(measure(*charge_first((10, 9.9))))["mean_temperature_celsius"].to_list() == [None]


def test_temperature_is_the_mean_over_measured_time() -> None:
    """Steps weigh by their time; those without a value do not count."""
    frame = measure(charge(10), pause(4.15), discharge(5), pause(3.1))
    by_step = pl.DataFrame({"step_count": [1, 2, 3, 4], "temperature_t1_celsius": [30.0, None, 36.0, None]})
    frame = frame.join(by_step, on="step_count", maintain_order="left")
    assert cycles_of(frame)["mean_temperature_celsius"].to_list() == pytest.approx([32.0])


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("parts", [[charge(10)], [discharge(10)], charge_first((10, 9.9)), discharge_first((10, 9.9))])
def test_no_figure_is_nan(convention: str, parts: list[Part]) -> None:
    """What cannot be computed is null: a NaN would make DuckDB prune wrongly."""
    finite = cycles_of(measure(*parts), convention).select(pl.col(pl.Float64).is_finite().all())
    assert finite.row(0).count(False) == 0


def test_flags_of_steps_reach_their_cycle() -> None:
    """A gap inside a step is told by its cycle."""
    time = np.append(np.arange(100.0), HOUR + np.arange(100.0))
    broken = Part(time, np.linspace(3.5, 4.2, 200), np.full(200, RATE), "charge")
    assert cycles_of(measure(*charge_first((10, 9.9)), broken, *charge_first((10, 9.9))[1:]))["flags"][1] == "gap"


@UNHURRIED
@given(st.lists(st.sampled_from([-1, 0, 1])), st.sampled_from([-1, 1]))
def test_cycles_are_numbered_without_holes(headings: list[int], first: int) -> None:
    """Numbers rise by one, from the first active step, wherever the first direction follows the second."""
    heading = np.array(headings, dtype=np.int64)
    found = number_cycles(heading, first)
    active = heading[heading != 0]
    opened = 1 + sum(1 for before, after in pairwise(active.tolist()) if (before, after) == (-first, first))
    assert not len(found) or (set(np.diff(found)) <= {0, 1} and found[0] in {0, 1})
    assert found.max(initial=0) == (opened if len(active) else 0)


@UNHURRIED
@given(st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=30))
def test_groups_of_currents_are_apart(currents: list[float]) -> None:
    """Two neighbouring currents are of one group exactly when they differ by no more than the width."""
    size = np.sort(np.array(currents))
    group = group_currents(size, 0.05)
    assert np.array_equal(np.diff(group) == 1, size[1:] > size[:-1] * 1.05)
    assert set(np.diff(group)) <= {0, 1}

"""Steps: where they begin, what they are called, how much charge and energy they moved, by integral and by counter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from frames import HOUR, MICRO, Doubles, Part, hold_current, hold_voltage, kinds_of, measure, rest, steps_of
from hypothesis import given, settings
from hypothesis import strategies as st

import parsers
from warehouse.schema import MEASUREMENTS, STEP_TYPE, STEP_TYPES, STEPS

Row = tuple[float, float, float, int, str | None]

CHARGE = hold_current(10 * MICRO, HOUR, (3.2, 4.2))
DISCHARGE = hold_current(-10 * MICRO, HOUR, (4.0, 3.0))
REST = rest(3.6)
FIVE = (rest(3.0), CHARGE, rest(4.1), DISCHARGE, rest(3.1))


def noisy(part: Part, sigma: float, seed: int, offset: float = 0.0) -> Part:
    noise = np.random.default_rng(seed).standard_normal(len(part.current))
    return replace(part, current=part.current + offset + sigma * noise)


def long_five(sigma: float, seed: int, offset: float = 0.0) -> list[Part]:
    """Five steps of 200 records with noise."""
    parts = [
        rest(3.0, records=200),
        hold_current(10 * MICRO, HOUR, (3.2, 4.2), 200),
        rest(4.1, records=200),
        hold_current(-10 * MICRO, HOUR, (4.0, 3.0), 200),
        rest(3.1, records=200),
    ]
    return [noisy(part, sigma, seed + place, offset) for place, part in enumerate(parts)]


def test_trapezoid_is_exact_for_a_linear_current() -> None:
    """A current that rises from 1 to 3 µA within an hour moves 2 µAh, however unevenly it is sampled."""
    time = np.cumsum(np.append(0.0, np.random.default_rng(1).uniform(1, 4, 30)))
    time *= HOUR / time[-1]
    ramp = Part(time, np.full(31, 3.7), (1 + 2 * time / HOUR) * MICRO, "charge")
    assert steps_of(measure(ramp))["charge_ah"].to_list() == pytest.approx([2 * MICRO], rel=1e-12)


def test_energy_is_the_trapezoid_of_power() -> None:
    """At 10 µA from 3.2 to 4.2 V an hour's energy is 10 µA times 3.7 V times an hour."""
    assert steps_of(measure(CHARGE))["energy_wh"].to_list() == pytest.approx([37 * MICRO], rel=1e-12)


def test_a_discharge_counts_negative() -> None:
    """Charge and energy of a discharge are negative."""
    step = steps_of(measure(DISCHARGE)).row(0, named=True)
    assert (step["charge_ah"], step["energy_wh"]) == pytest.approx((-10 * MICRO, -35 * MICRO), rel=1e-12)


def test_nothing_is_integrated_across_a_boundary() -> None:
    """The hundred seconds between two steps' records belong to neither, though current flows at both ends."""
    steps = steps_of(measure(CHARGE, CHARGE, pause=100))
    assert steps["charge_ah"].to_list() == pytest.approx([10 * MICRO] * 2, rel=1e-12)


def test_a_gap_is_flagged_and_its_charge_left_out() -> None:
    """An hour without records inside a step moves no charge that anyone measured."""
    time = np.append(np.arange(100.0), HOUR + np.arange(100.0))
    steps = steps_of(measure(Part(time, np.linspace(3.5, 3.9, 200), np.full(200, 10 * MICRO), "charge")))
    assert steps["flags"].to_list() == ["gap"]
    assert steps["charge_ah"].to_list() == pytest.approx([10 * MICRO * 198 / HOUR], rel=1e-12)
    assert steps["largest_gap_second"].to_list() == [HOUR - 99]


@pytest.mark.parametrize("place", [1, 199])
def test_first_and_last_interval_are_no_gap(place: int) -> None:
    """A long first or last interval has one neighbour only, which proves nothing: its charge counts."""
    time = np.arange(200.0) + np.where(np.arange(200) >= place, 500.0, 0.0)
    steps = steps_of(measure(Part(time, np.linspace(3.5, 3.9, 200), np.full(200, 10 * MICRO), "charge")))
    assert steps["flags"].to_list() == [""]
    assert steps["charge_ah"].to_list() == pytest.approx([10 * MICRO * time[-1] / HOUR], rel=1e-12)


def test_a_relaxing_cell_has_no_gaps() -> None:
    """At rest, instruments record by change of voltage: ever longer intervals are no gap."""
    time = np.cumsum(np.array([0.0, 1, 1, 1, 1, 10, 100, 5, 5, 5]))
    relaxing = Part(time, np.linspace(4.1, 4.0, 10), np.zeros(10), "rest")
    assert steps_of(measure(CHARGE, relaxing))["flags"].to_list() == ["", ""]


@pytest.mark.parametrize("current", [26 * MICRO, 50e-9, 5e-9])
@pytest.mark.parametrize("numbered", [True, False])
def test_small_currents_are_steps(current: float, *, numbered: bool) -> None:
    """26 µA, 50 nA and 5 nA are charge and discharge of cells that are cycled at such currents."""
    parts = REST, hold_current(current, HOUR, (3.2, 4.2)), REST, hold_current(-current, HOUR, (4.0, 3.0)), REST
    steps = steps_of(measure(*parts, numbered=numbered))
    assert kinds_of(steps) == ["rest", "charge_cc", "rest", "discharge_cc", "rest"]


@pytest.mark.parametrize("numbered", [True, False])
def test_a_leakage_step_beside_a_large_current(*, numbered: bool) -> None:
    """50 nA is a step in a file that also holds 26 µA."""
    leak = hold_current(-50e-9, HOUR, (4.1, 4.0))
    steps = steps_of(measure(hold_current(26 * MICRO, HOUR, (3.2, 4.2)), rest(4.1), leak, numbered=numbered))
    assert kinds_of(steps) == ["charge_cc", "rest", "discharge_cc"]


@pytest.mark.parametrize("offset", [10e-9, -10e-9])
@pytest.mark.parametrize("numbered", [True, False])
def test_an_offset_is_no_current(offset: float, *, numbered: bool) -> None:
    """A rest that shows 10 nA beside steps of 10 µA is a rest."""
    parts = [replace(part, current=part.current + offset) for part in FIVE]
    steps = steps_of(measure(*parts, numbered=numbered))
    assert kinds_of(steps) == ["rest", "charge_cc", "rest", "discharge_cc", "rest"]


@pytest.mark.parametrize("sigma", [1e-9, 1e-8, 5e-8])
@pytest.mark.parametrize("numbered", [True, False])
def test_noise_at_rest_makes_no_steps(sigma: float, *, numbered: bool) -> None:
    """Noise of up to half a per cent of the set current at rest changes neither the number of steps nor their kind."""
    for seed in range(3):
        steps = steps_of(measure(*long_five(sigma, 10 * seed), numbered=numbered))
        assert [kind.partition("_")[0] for kind in kinds_of(steps)] == ["rest", "charge", "rest", "discharge", "rest"]


def test_a_few_records_of_a_small_current_are_steps() -> None:
    """Sparse slow cycles at the end of a file without step numbers are no noise."""
    slow = hold_current(10e-8, HOUR, (3.2, 4.2), 5), hold_current(-10e-8, HOUR, (4.0, 3.0), 5)
    steps = steps_of(measure(CHARGE, rest(4.1), DISCHARGE, rest(3.1), *slow, numbered=False))
    assert kinds_of(steps)[-2:] == ["charge_cc", "discharge_cc"]


def test_noise_with_an_offset_makes_no_steps() -> None:
    """Noise that seldom crosses zero is still noise."""
    steps = steps_of(measure(*long_five(10e-9, 5, offset=10e-9), numbered=False))
    assert kinds_of(steps) == ["rest", "charge_cc", "rest", "discharge_cc", "rest"]


def test_a_pulse_inside_a_numbered_rest_is_a_step_of_its_charge() -> None:
    """A step that rests but for a short strong pulse is a discharge: the pulse carries its charge."""
    current = np.where(np.arange(1000) // 10 == 50, -1e-3, 0.0)
    pulsed = Part(np.arange(1000.0), np.full(1000, 3.9), current, "pulse")
    assert kinds_of(steps_of(measure(CHARGE, REST, pulsed))) == ["charge_cc", "rest", "discharge"]


def test_a_last_current_at_the_start_of_a_rest_is_no_step() -> None:
    """The first record of a rest may still show the current of the step before."""
    current = np.append(10 * MICRO, np.zeros(20))
    steps = steps_of(measure(CHARGE, replace(rest(4.1), current=current), numbered=True))
    assert kinds_of(steps) == ["charge_cc", "rest"]


def test_a_taper_is_cccv_and_its_charge_the_analytic_one() -> None:
    """One step of constant current, then taper: cv_charge is the analytic integral, too large by the trapezoid.

    For a sampling interval of h time constants the trapezoid of an exponential is (h/2)·coth(h/2) too large: 0.02 %
    for 10 s over 200 s.
    """
    tau, interval, seconds = 200.0, 10.0, 600.0
    steps = steps_of(
        measure(CHARGE, hold_voltage(10 * MICRO, tau, seconds, 4.2, int(seconds / interval) + 1), numbered=False)
    )
    analytic = 10 * MICRO * tau * -np.expm1(-seconds / tau) / HOUR
    half = interval / tau / 2
    assert kinds_of(steps) == ["charge_cccv"]
    assert steps["cv_charge_ah"].to_list() == pytest.approx([analytic * half / np.tanh(half)], rel=1e-9)
    assert steps["cv_charge_ah"].to_list() == pytest.approx([analytic], rel=half**2 / 3 * 1.01)
    assert steps["end_reason"].to_list() == ["current"]


def test_separate_instrument_steps_stay_apart() -> None:
    """Where the instrument counts two steps, they are charge_cc and charge_cv."""
    steps = steps_of(measure(CHARGE, hold_voltage(10 * MICRO, 200, 600, 4.2, 61)))
    assert kinds_of(steps) == ["charge_cc", "charge_cv"]
    assert steps["cv_charge_ah"][0] == 0


def test_a_pure_taper_is_charge_cv() -> None:
    """A charge without any constant-current part is charge_cv, and all of its charge is cv_charge."""
    steps = steps_of(measure(REST, hold_voltage(10 * MICRO, 200, 600, 4.2, 61), numbered=False))
    assert kinds_of(steps) == ["rest", "charge_cv"]
    assert steps["cv_charge_ah"][1] == pytest.approx(steps["charge_ah"][1], rel=1e-12)


def test_a_flat_plateau_is_no_hold() -> None:
    """A constant current at constant voltage, as on the plateau of LFP, is constant current."""
    assert kinds_of(steps_of(measure(hold_current(1e-5, HOUR, (3.45, 3.451))))) == ["charge_cc"]


def test_one_step_of_the_instrument_may_be_cc_and_cv() -> None:
    """Where the instrument says charge_cc, then charge_cv, within one step of its own, the step is charge_cccv."""
    taper = hold_voltage(10 * MICRO, 200, 600, 4.2, 61)
    both = measure(replace(CHARGE, said="charge_cc"), replace(taper, said="charge_cv"), typed=True)
    steps = steps_of(both.with_columns(step_count=pl.lit(1, dtype=pl.Int64)))
    assert kinds_of(steps) == ["charge_cccv"]


def test_a_held_voltage_is_one_step_whatever_its_noise() -> None:
    """A current that changes its sign at a held voltage is one step, in the direction of its net charge."""
    current = np.append(-1e-4, np.random.default_rng(3).standard_normal(400) * 1e-6 + 1e-6)
    said = np.where(current > 0, "charge_cv", "discharge_cv")
    frame = measure(Part(np.arange(401.0), np.full(401, -0.4), current, "rest"))
    steps = steps_of(frame.with_columns(step_type=pl.Series(said, dtype=STEP_TYPE)))
    assert kinds_of(steps) == ["charge_cv" if steps["charge_ah"][0] > 0 else "discharge_cv"]
    assert steps["flags"].to_list() == ["current_reverses"]


def test_a_real_chronoamperometry_is_one_step(corpus: Path) -> None:
    """EC-Lab's CA with a noisy current round zero is one step, by binary file and by text export."""
    for name in (
        "biologic_mpr/cheminfo-biologic-converter__test.mpr",
        "biologic_mpt/cheminfo-biologic-converter__test.mpt",
    ):
        assert steps_of(parsers.read(corpus / name).measurements).height == 1


def test_a_lone_record_of_the_other_sign_joins_its_step() -> None:
    """Some cyclers write one record of the other sign when a step begins; it belongs to that step."""
    crooked = replace(DISCHARGE, current=np.append(2e-6, DISCHARGE.current[1:]))
    frame = measure(CHARGE, crooked, typed=True)
    said = ["charge_cc"] * 22 + ["discharge_cc"] * 20
    steps = steps_of(frame.with_columns(step_type=pl.Series(said, dtype=STEP_TYPE)))
    assert kinds_of(steps) == ["charge_cc", "discharge_cc"]


def test_a_pause_is_never_joined() -> None:
    """A single record that the instrument calls a pause cuts a step in two: nothing is integrated across it."""
    said = ["charge"] * 10 + ["pause"] + ["charge"] * 10
    frame = measure(CHARGE).with_columns(step_type=pl.Series(said, dtype=STEP_TYPE))
    assert kinds_of(steps_of(frame)) == ["charge_cc", "pause", "charge_cc"]


@pytest.mark.parametrize("word", ["pulse", "eis", "pause"])
def test_the_instruments_own_word_is_kept(word: str) -> None:
    """What the instrument calls a pulse, a pause or impedance is not renamed by its current."""
    assert kinds_of(steps_of(measure(CHARGE, replace(DISCHARGE, said=word), typed=True)))[1] == word


def test_a_wrong_sign_shows_in_the_charge() -> None:
    """A step whose current contradicts its word keeps the word; its charge has the current's sign."""
    steps = steps_of(measure(CHARGE, replace(DISCHARGE, said="charge"), typed=True))
    assert kinds_of(steps) == ["charge_cc", "charge"]
    assert steps["charge_ah"][1] == pytest.approx(-10 * MICRO)


def test_a_reversing_current_is_flagged() -> None:
    """Within one step of the instrument a short reversal is flagged, not cut out."""
    current = CHARGE.current.copy()
    current[10:12] = -2e-6
    short = replace(CHARGE, current=current, time=np.append(np.arange(20.0), HOUR))
    assert steps_of(measure(short))["flags"].to_list() == ["current_reverses"]


# Counters: two cycles of charge, rest, discharge, rest, counted as each vendor resets.
CYCLE = (CHARGE, REST, DISCHARGE, rest(3.1))


def counted_columns(frame: pl.DataFrame, group: Doubles, prefix: str, factor: float = 1.0) -> pl.DataFrame:
    """Add counters that start from zero in every group of records."""
    time, current = frame["test_time_second"].to_numpy(), frame["current_ampere"].to_numpy()
    same = np.append(False, np.diff(frame["step_count"].to_numpy()) == 0)
    moved = np.append(0.0, 0.5 * (current[1:] + current[:-1]) * np.diff(time)) * same / HOUR * factor
    columns = {}
    for way, part in (("charging", np.maximum(moved, 0)), ("discharging", np.maximum(-moved, 0))):
        total = np.cumsum(part)
        first = np.searchsorted(group, group)
        columns[f"{prefix}{way}_capacity_ah"] = total - (total - part)[first]
    return frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def group_of(frame: pl.DataFrame, prefix: str) -> Doubles:
    step = frame["step_count"].to_numpy().astype(np.float64)
    return {"": 0 * step, "step_": step, "cycle_": (step - 1) // 4, "schedule_": (step + 1) // 4}[prefix]


@pytest.mark.parametrize("prefix", ["", "step_", "cycle_", "schedule_"])
def test_every_resetting_of_a_counter_is_understood(prefix: str) -> None:
    """A counter that resets never, at a step, at a cycle or where the schedule says gives each step's charge."""
    frame = measure(*CYCLE, *CYCLE)
    steps = steps_of(counted_columns(frame, group_of(frame, prefix), prefix))
    expected = pytest.approx([1e-5, 0, -1e-5, 0] * 2, rel=1e-9, abs=1e-18)
    assert steps["counter_charge_ah"].to_list() == expected
    assert steps["primary_charge_ah"].to_list() == expected
    assert steps["flags"].to_list() == [""] * 8


def test_a_net_counter_is_understood() -> None:
    """A signed counter that never resets gives each step's charge with its sign."""
    frame = measure(*CYCLE, *CYCLE)
    both = counted_columns(frame, group_of(frame, ""), "")
    net = both.select(
        *frame.columns, net_capacity_ah=pl.col("charging_capacity_ah") - pl.col("discharging_capacity_ah")
    )
    assert steps_of(net)["counter_charge_ah"].to_list() == pytest.approx([1e-5, 0, -1e-5, 0] * 2, abs=1e-18)


def test_energy_counters_stand_beside_the_integral() -> None:
    """The instrument's energy is kept apart, and relied upon like its charge."""
    frame = measure(CHARGE).with_columns(
        charging_energy_wh=pl.Series(np.linspace(0, 36.9 * MICRO, 21)),
        discharging_energy_wh=pl.Series(np.zeros(21)),
    )
    step = steps_of(frame).row(0, named=True)
    assert step["energy_wh"] == pytest.approx(37 * MICRO)
    assert step["counter_energy_wh"] == step["primary_energy_wh"] == pytest.approx(36.9 * MICRO)


@pytest.mark.parametrize("prefix", ["", "step_"])
def test_a_lead_in_counts(prefix: str) -> None:
    """What flowed before a step's first record is in the counter, and in primary_charge_ah, but in no trapezoid."""
    lead = 10.0
    late = [replace(part, time=lead + part.time) for part in CYCLE]
    frame = measure(*late)
    step = frame["step_count"].to_numpy()
    since = np.concatenate([part.time for part in late]) * 1e-5 / HOUR
    columns = {}
    for way, mine in (("charging", 1), ("discharging", 3)):
        kept = 1e-5 * (1 + lead / HOUR) if prefix == "" else 0.0
        counter = np.where(step == mine, since, np.where(step > mine, kept, 0.0))
        columns[f"{prefix}{way}_capacity_ah"] = pl.Series(counter)
    steps = steps_of(frame.with_columns(**columns))
    more = 1e-5 * lead / HOUR
    assert steps["charge_ah"].to_list() == pytest.approx([1e-5, 0, -1e-5, 0], abs=1e-18)
    assert steps["counter_charge_ah"].to_list() == pytest.approx([1e-5, 0, -1e-5, 0], abs=1e-18)
    # Nothing is known of what flowed before the very first record, unless the counter began with the step.
    first = 1e-5 + (more if prefix else 0.0)
    assert steps["primary_charge_ah"].to_list() == pytest.approx([first, 0, -1e-5 - more, 0], abs=1e-18)


def test_a_counter_in_whole_milliampere_hours_is_not_used() -> None:
    """A counter too coarse for a step stands beside it, is not relied upon, and is no difference worth a flag."""
    frame = measure(hold_current(9.9e-3, HOUR, (3.2, 4.2))).with_columns(
        charging_capacity_ah=pl.Series(np.floor(np.linspace(0, 9.9, 21)) / 1000),
        discharging_capacity_ah=pl.Series(np.zeros(21)),
    )
    step = steps_of(frame).row(0, named=True)
    assert (step["counter_charge_ah"], step["flags"]) == (0.009, "")
    assert step["primary_charge_ah"] == step["charge_ah"] == pytest.approx(9.9e-3)


@pytest.mark.parametrize("size", [1e-14, 3e-11])
def test_a_counter_that_begins_small_is_not_coarse(size: float) -> None:
    """What was counted of a tiny current rounds to zero, and is no whole multiple of anything for that."""
    counter = np.append(np.linspace(0, 20 * size, 2500), np.linspace(20 * size, 1.001e-5, 21))
    parts = hold_current(1e-12, HOUR, (3.1, 3.2), 2500), hold_current(10 * MICRO, HOUR, (3.2, 4.2))
    frame = measure(*parts).with_columns(net_capacity_ah=pl.Series(counter))
    step = steps_of(frame).row(1, named=True)
    assert (step["charge_ah"], step["primary_charge_ah"]) == pytest.approx((1e-5, 1.001e-5), rel=1e-4)


@pytest.mark.parametrize(
    ("factor", "seconds", "flags"),
    [(1.006, 100, "counter_differs"), (0.994, 100, "counter_differs"), (1.004, 100, ""), (1.006, 59, "")],
)
def test_a_differing_counter_is_flagged(factor: float, seconds: float, flags: str) -> None:
    """Integral and counter may differ by half a per cent; steps of a minute or less are not compared."""
    frame = measure(hold_current(10 * MICRO, seconds, (3.2, 4.2)))
    steps = steps_of(counted_columns(frame, group_of(frame, ""), "", factor))
    assert steps["flags"].to_list() == [flags]
    assert steps["counter_ratio"].to_list() == pytest.approx([1 / factor])


@pytest.mark.parametrize("prefix", ["cycle_", "step_"])
@pytest.mark.parametrize("place", [5, 15])
def test_a_reset_inside_a_step_makes_its_counter_unknown(prefix: str, place: int) -> None:
    """A counter that starts afresh in the middle of a step says nothing of it, early or late; the integral counts."""
    frame = measure(CHARGE)
    group = (np.arange(21) >= place).astype(np.float64)
    step = steps_of(counted_columns(frame, group, prefix)).row(0, named=True)
    assert step["counter_charge_ah"] is None
    assert step["counter_ratio"] is None
    assert step["primary_charge_ah"] == step["charge_ah"] == pytest.approx(1e-5)


def test_a_paused_discharge_is_not_cut_short(corpus: Path) -> None:
    """A real counter that went back to zero twice inside a discharge is not taken for the whole discharge."""
    file = corpus / "neware_nda" / "EmpaEconversion-fastnda__unzipped__SINTEF__G20M7_BTS91.nda"
    step = steps_of(parsers.read(file).measurements).row(4, named=True)
    assert step["counter_charge_ah"] is None
    assert step["primary_charge_ah"] == step["charge_ah"]


def test_a_single_record_is_a_step() -> None:
    """A step of one record moves nothing, lasts no time and says so; nothing in it is NaN."""
    one = Part(np.zeros(1), np.array([3.9]), np.array([-1e-5]), "discharge")
    step = steps_of(measure(CHARGE, one, REST)).row(1, named=True)
    assert (step["charge_ah"], step["duration_second"], step["records"], step["flags"]) == (0, 0, 1, "single_record")
    assert (step["mean_current_ampere"], step["mean_voltage_volt"]) == (-1e-5, 3.9)


def test_an_empty_table_has_no_steps() -> None:
    """No records, no steps, but all columns."""
    steps = steps_of(MEASUREMENTS.empty())
    assert (steps.height, tuple(steps.columns)) == (0, STEPS.names)


def test_means_are_over_time() -> None:
    """The mean current of a taper weighs by time, not by record."""
    tau, seconds = 200.0, 600.0
    late = np.append(np.linspace(0, 60, 601), np.linspace(61, seconds, 540))
    taper = Part(late, np.full(len(late), 4.2), 1e-5 * np.exp(-late / tau), "charge")
    mean = 1e-5 * tau / seconds * -np.expm1(-seconds / tau)
    assert steps_of(measure(taper))["mean_current_ampere"].to_list() == pytest.approx([mean], rel=1e-4)


def test_end_reasons() -> None:
    """Steps end by their voltage, their current or the clock; where none shows, nothing is claimed."""
    half = hold_current(-10 * MICRO, HOUR / 2, (4.0, 3.6))
    parts = CHARGE, hold_voltage(10 * MICRO, 200, 600, 4.2, 61), REST, half, REST, DISCHARGE
    assert steps_of(measure(*parts))["end_reason"].to_list() == ["voltage", "current", "time", None, "time", "voltage"]


def test_the_temperature_is_the_first_sensor_that_measured() -> None:
    """A sensor without values is passed over; a file without a sensor has no temperature."""
    frame = measure(CHARGE).with_columns(
        surface_temperature_celsius=pl.lit(None, dtype=pl.Float64), temperature_t1_celsius=pl.lit(37.0)
    )
    assert steps_of(frame)["mean_temperature_celsius"].to_list() == [37.0]
    assert steps_of(measure(CHARGE))["mean_temperature_celsius"].to_list() == [None]


CURRENTS = st.sampled_from([0.0, 1e-9, -1e-9, 1e-5, -1e-5, 1e-2]) | st.floats(-1e-3, 1e-3)
WORDS = st.sampled_from([None, *STEP_TYPES])
RECORDS = st.lists(
    st.tuples(st.floats(0, 1e4), st.floats(0, 5), CURRENTS, st.integers(0, 1), WORDS), min_size=1, max_size=40
)


@settings(max_examples=100, deadline=None)  # the first call pays for Polars' start
@given(rows=RECORDS, numbered=st.booleans(), typed=st.booleans())
def test_steps_divide_the_records_among_them(rows: list[Row], *, numbered: bool, typed: bool) -> None:
    """Whatever the records: each is in one step, in order; no figure is NaN; the instrument's own steps stay apart."""
    passed, volts, currents, begins, words = zip(*rows, strict=True)
    count = np.cumsum(begins)
    frame = pl.DataFrame(
        {"test_time_second": np.cumsum(passed), "voltage_volt": volts, "current_ampere": currents}
        | ({"step_count": count} if numbered else {})
        | ({"step_type": pl.Series(words, dtype=STEP_TYPE)} if typed else {})
    )
    steps = steps_of(frame)
    assert steps["records"].sum() == len(rows)
    assert steps["step_count"].to_list() == list(range(1, steps.height + 1))
    assert steps.select(pl.col(pl.Float64).is_finite().all()).row(0).count(False) == 0
    if numbered:
        ends = np.cumsum(steps["records"].to_numpy())
        assert set(np.flatnonzero(np.diff(count)) + 1) <= set(ends.tolist())

"""The gate against slips of unit and sign: sharp for cells of Ah as of nAh, silent for healthy tests however odd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_cells import commit, write_bdf
from made_healthy import Bench, cycles, float_hold, leakage, make_healthy, pulses, record, slow

from flows.ingest import ingest_paths
from warehouse.conform import conform
from warehouse.drives import see_drives
from warehouse.errors import ContradictionError
from warehouse.home import Home
from warehouse.identity import add_firm, assign_test, find_cell, put_cells
from warehouse.proportions import COARSE_FLAG, check_rate, flag_coarse
from warehouse.publish import Incoming, Owner, admit, commit_prepared, prepare_onward
from warehouse.registry import TEST
from warehouse.schema import SPECTRA

HEALTHY = 234
SIZES = (1.0, 1e-3, 1e-6, 1e-9)
BARE = ("test_time_second", "voltage_volt", "current_ampere")
CURRENT, TIME = pl.col("current_ampere"), pl.col("test_time_second")
each_size = pytest.mark.parametrize("size", SIZES, ids=["Ah", "mAh", "µAh", "nAh"])


def cycled(size: float, *columns: str, seed: int = 3, protocol: Callable[[Bench], None] = cycles) -> pl.DataFrame:
    """Cycle a cell of this capacity in Ah; the file has these columns beside time, voltage and current."""
    for attempt in range(seed, seed + 50):
        bench = Bench(size, np.random.default_rng(attempt))
        protocol(bench)
        frame = record(bench, whole=True)
        if set(columns) <= set(frame.columns):
            return frame.select(*BARE, *columns)
    raise LookupError(columns)


def passed(frame: pl.DataFrame) -> pl.DataFrame:
    return conform(frame, SPECTRA.empty(), "file.csv")[0]


def refused(frame: pl.DataFrame) -> ContradictionError:
    with pytest.raises(ContradictionError) as refusal:
        passed(frame)
    return refusal.value


PAIR = ("charging_capacity_ah", "discharging_capacity_ah")


# --- what is healthy


def test_healthy_tests_raise_no_alarm() -> None:
    """Of 234 tests of cells between 0.5 nAh and 10 Ah, of nine kinds, with any columns, not one is refused."""
    kinds = set()
    for seed in range(HEALTHY):
        frame, nominal, kind = make_healthy(seed)
        kinds.add(kind)
        found = passed(frame)
        # The manifest of two equal electrodes says that they are, and has no capacity to compare with.
        if kind != "plating":
            check_rate(see_drives(found), nominal, f"{kind} {seed}")
    assert len(kinds) == 9


# --- counters, clocks and power


@each_size
@pytest.mark.parametrize(
    ("change", "factor", "cause"),
    [
        ([CURRENT * 1000], 1e3, "mA for A"),
        ([CURRENT / 1000], 1e-3, "A for mA"),
        ([CURRENT * 1e6], 1e6, "µA for A"),
        ([TIME * 1000], 1e3, "ms for s"),
        ([pl.col(PAIR) / 1000], 1e3, "Ah for mAh"),
        ([pl.col(PAIR) * 3600], 1 / 3600, "As for Ah"),
    ],
)
def test_charge_contradicts_its_counter(size: float, change: list[pl.Expr], factor: float, cause: str) -> None:
    """The current's integral against the instrument's counter shows a slip of either, and of the time."""
    error = refused(cycled(size, *PAIR).with_columns(change))
    assert error.code == "unit_factor"
    assert "times what the instrument counted as charge" in error.detail
    assert cause in error.detail
    stated = float(error.detail.split(" is ")[1].split(" times")[0])
    assert stated == pytest.approx(factor, rel=0.05)


@each_size
@pytest.mark.parametrize(
    "family", [("step_charging_capacity_ah", "step_discharging_capacity_ah"), ("net_capacity_ah",), PAIR[:1]]
)
def test_every_family_of_counters_tells(size: float, family: tuple[str, ...]) -> None:
    """Counters that restart with the step, signed ones, and a pair of which only one direction ever came."""
    frame = cycled(size, *family, seed=40)
    assert passed(frame).height
    assert refused(frame.with_columns(CURRENT * 1000)).code == "unit_factor"


@each_size
def test_counters_tell_the_sign(size: float) -> None:
    """A charging counter that runs while the current discharges stops the source."""
    error = refused(cycled(size, *PAIR).with_columns(-CURRENT))
    assert error.code == "sign"
    assert "the sign of the current" in error.detail


@each_size
def test_test_time_contradicts_the_wall_clock(size: float) -> None:
    """Milliseconds that were taken for seconds show against the clock, and the message says so alone."""
    error = refused(cycled(size, "unix_time_second").with_columns(TIME * 1000))
    assert (error.code, error.column) == ("unit_factor", "test_time_second")
    assert error.detail.endswith("times as fast as the wall clock: the likely cause is ms for s")


def test_a_clock_that_agrees_clears_the_time() -> None:
    """With the clock on its side the time is not named among the likely causes."""
    error = refused(cycled(1e-6, "unix_time_second", *PAIR).with_columns(CURRENT * 1000))
    assert "mA for A" in error.detail
    assert "ms for s" not in error.detail


def test_test_time_contradicts_the_steps_time() -> None:
    """Two times of one file in two units contradict each other."""
    frame = cycled(1e-6).with_columns(step_time_second=TIME * 1.0, test_time_second=TIME * 60)
    assert refused(frame).detail.endswith("as fast as the step's time: the likely cause is s for min")


@each_size
@pytest.mark.parametrize("factor", [1e3, 1e-3])
def test_power_contradicts_volts_times_amperes(size: float, factor: float) -> None:
    """A recorded power is compared in its own size, however small."""
    frame = cycled(size, "power_watt")
    assert passed(frame).height
    assert refused(frame.with_columns(pl.col("power_watt") * factor)).column == "power_watt"


def test_energy_contradicts_its_counter() -> None:
    """What an energy counter moved is compared with the integral of voltage and current."""
    frame = cycled(1e-6, *PAIR, seed=40)
    energy = frame.with_columns(
        (pl.col(name) * 3.7).alias(name.replace("capacity_ah", "energy_wh")) for name in PAIR
    ).drop(PAIR)
    assert passed(energy).height
    slip = energy.with_columns(pl.col("charging_energy_wh", "discharging_energy_wh") * 1000)
    assert "mWh for Wh" in refused(slip).detail


def test_a_counter_of_a_few_quanta_says_nothing() -> None:
    """A counter in tenths of a mAh beside µAh has no factor, only rounding."""
    frame = cycled(1e-6, *PAIR, seed=40)
    assert passed(frame.with_columns((pl.col(PAIR) / 1e-4).round() * 1e-4)).height


# --- sign against the voltage


@each_size
def test_voltage_that_falls_in_charge_is_a_sign(size: float) -> None:
    """Without counters and names of steps the voltage alone shows a current of the wrong sign."""
    frame = cycled(size)
    assert passed(frame).height
    error = refused(frame.with_columns(-CURRENT))
    assert error.code == "sign"
    assert "down where the current says charge" in error.detail


def test_a_single_discharge_shows_its_sign() -> None:
    """One step without any rest is enough if the voltage goes far."""
    frame = cycled(1e-6).filter(CURRENT < -0.02e-6)
    first = frame.head(30)
    assert passed(first).height
    assert refused(first.with_columns(-CURRENT)).code == "sign"


def test_pulses_show_their_sign() -> None:
    """Loads too short for the voltage to go anywhere show it by the way it jumps."""
    frame = cycled(1e-6, protocol=pulses)
    assert passed(frame).height
    assert refused(frame.with_columns(-CURRENT)).code == "sign"


# --- step codes


def test_a_current_at_rest_is_another_meaning_of_the_codes() -> None:
    """Where discharge is called rest, as with another locale's codes, the source stops."""
    frame = cycled(1e-6, "step_type", "step_count")
    assert passed(frame).height
    said = pl.col("step_type").cast(pl.String)
    swapped = pl.when(said == "discharge_cc").then(pl.lit("rest")).otherwise(said).cast(frame["step_type"].dtype)
    error = refused(frame.filter(said != "rest").with_columns(swapped.alias("step_type")))
    assert (error.code, error.column) == ("step_codes", "step_type")


# --- nominal capacity


@each_size
@pytest.mark.parametrize(
    "change", [CURRENT * 1000, CURRENT / 1000, TIME * 1000], ids=["mA for A", "A for mA", "ms for s"]
)
def test_the_manifest_tells_what_no_column_does(size: float, change: pl.Expr) -> None:
    """With nothing but time, voltage and current, the nominal capacity shows a thousandfold slip."""
    frame = cycled(size)
    check_rate(see_drives(frame), size, "file.csv")
    with pytest.raises(ContradictionError) as refusal:
        check_rate(see_drives(frame.with_columns(change)), size, "file.csv")
    assert refusal.value.code == "nominal_capacity"
    assert "the likely cause is a thousandfold unit" in refusal.value.detail


@pytest.mark.parametrize("protocol", [leakage, float_hold, pulses, slow])
@pytest.mark.parametrize("typed", [True, False])
def test_what_is_no_step_at_constant_current_is_exempt(protocol: Callable[[Bench], None], *, typed: bool) -> None:
    """Leakage and sleep currents far below C/1000, floats, and pulses far above, say nothing of a slip."""
    frame = cycled(1e-6, *(("step_type", "step_count") if typed else ()), protocol=protocol)
    check_rate(see_drives(frame), 1e-6, "file.csv")


# --- coarse currents


@each_size
def test_a_coarse_export_is_flagged(size: float) -> None:
    """Currents in steps of more than a hundredth of the step's current pass with a warning that says the step."""
    frame = cycled(size)
    quantum = 10.0 ** np.floor(np.log10(frame["current_ampere"].abs().max() / 5))
    places = round(-np.log10(quantum))
    told = flag_coarse(see_drives(frame.with_columns(CURRENT.round(places) if places >= 0 else CURRENT)))
    assert told is not None
    assert told.startswith(f"{COARSE_FLAG} {quantum:.3g} A")
    fine = frame.with_columns(CURRENT.round(places + 4))
    assert flag_coarse(see_drives(fine)) is None


def test_the_warning_comes_with_the_test() -> None:
    """The gate hands the warning on beside those of the reader."""
    frame = cycled(1e-3, seed=11).with_columns(CURRENT.round(4))
    incoming = Incoming("a", "ab" * 32, "made", 1, "cycling", frame, SPECTRA.empty(), {}, ("said before",))
    assert [warning[: len(COARSE_FLAG)] for warning in admit(incoming).warnings] == ["said before", COARSE_FLAG]


# --- in a home


def go_on_row_by_row(home: Home, test_id: str, frame: pl.DataFrame) -> None:
    for row in range(1, frame.height):
        test = home.registry.row(TEST, test_id=test_id)
        assert test is not None
        incoming = Incoming("b", "cd" * 32, "hand_made", 1, "cycling", frame[row], SPECTRA.empty(), {})
        prepared = prepare_onward(home, test, incoming)
        with home.registry.write() as connection:
            commit_prepared(home, connection, prepared)


def test_a_slip_against_the_manifest_is_quarantined(local_home: Home, tmp_path: Path) -> None:
    """Dropped for a cell of 1 µAh, currents in mA that were taken for A wait with reasons in both languages."""
    add_firm(local_home, "A")
    put_cells(local_home, [{"firm": "A", "cell_id": "C1", "nominal_capacity_ah": 1e-6}])
    owner = Owner("A", "C1", "option")
    frame = cycled(1e-6)
    good, bad = (write_bdf(tmp_path / name / "a.csv", each) for name, each in (("1", frame), ("2", frame * 1.0)))
    write_bdf(bad, frame.with_columns(CURRENT * 1000))
    (receipt,) = ingest_paths(local_home, [bad], owner)
    assert (receipt["state"], receipt["reason"]["code"]) == ("quarantined", "nominal_capacity")
    assert "공칭 용량" in receipt["reason"]["ko"]
    (receipt,) = ingest_paths(local_home, [good], owner)
    assert receipt["state"] == "committed"


def test_a_slip_is_found_however_few_rows_a_look_brings(local_home: Home) -> None:
    """A running test whose rows come one by one is judged among those before them."""
    frame = cycled(1e-6)
    charging = frame.filter(CURRENT > 0.02e-6).head(40).with_columns(-CURRENT)
    test_id = commit(local_home, "first", charging.head(1))
    with pytest.raises(ContradictionError) as refusal:
        go_on_row_by_row(local_home, test_id, charging)
    assert refusal.value.code == "sign"


def test_a_manifest_that_comes_later_takes_nothing_away(local_home: Home) -> None:
    """Rows that were taken in stay when their cell turns out to be another, and the test carries a warning."""
    add_firm(local_home, "A")
    put_cells(local_home, [{"firm": "A", "cell_id": "C1", "nominal_capacity_ah": 1e-9}])
    test_id = commit(local_home, "first", cycled(1e-3))
    for nominal, warned in ((1e-9, True), (1e-3, False)):
        put_cells(local_home, [{"firm": "A", "cell_id": "C1", "nominal_capacity_ah": nominal}])
        assign_test(local_home, test_id, find_cell(local_home, "C1"))
        test = local_home.registry.row(TEST, test_id=test_id)
        assert test is not None
        assert ("the manifest contradicts the rows" in test["warnings"]) == warned

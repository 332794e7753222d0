"""A test that grew is derived onward, and every figure is, bit for bit, that of deriving all rows at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from frames import HOUR, MICRO, Part, hold_current, hold_voltage, kinds_of, measure, rest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import parsers
from flows.virtual_lab import LabOptions, simulate
from warehouse import counters, rowhash
from warehouse.conform import conform, hash_data
from warehouse.cycles import derive_cycles
from warehouse.derivation import PLATFORM
from warehouse.levels import Levels
from warehouse.progress import Progress, derive_all, derive_onward
from warehouse.rowhash import hash_rows, join_digests
from warehouse.schema import MEASUREMENTS, SPECTRA, STEP_TYPE, STEP_TYPES, STEPS
from warehouse.steps import derive_steps

BLOCK = 16
FIVE = (
    rest(3.0),
    hold_current(10 * MICRO, HOUR, (3.2, 4.2)),
    hold_voltage(10 * MICRO, 200, 600, 4.2, 21),
    rest(4.1),
    hold_current(-10 * MICRO, HOUR, (4.0, 3.0)),
)
BRIEF = (
    rest(3.0, records=8),
    hold_current(10 * MICRO, HOUR, (3.2, 4.2), 8),
    rest(4.1, records=8),
    hold_current(-10 * MICRO, HOUR, (4.0, 3.0), 8),
)
# One of each way of counting and of naming steps, and one with no number that the derivation could lean on.
REAL = (
    "arbin_csv/TRI-AMDD-beep__2017-05-09_test-TC-contact_CH33.csv",
    "biologic_mpr/dgbowl-yadg__gcpl.issue_211.mpr",
    "biologic_mpt/ixdat-ixdat__Pt_poly_cv.mpt",
    "maccor/TRI-AMDD-beep__xTESLADIAG_000038con.078",
    "neware_nda/EmpaEconversion-fastnda__unzipped__TestFile.nda",
)


@pytest.fixture(scope="module", autouse=True)
def small_blocks() -> Iterator[None]:
    """Blocks and samples so small that a few records fill them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rowhash, "BLOCK_ROWS", BLOCK)
        patch.setattr(counters, "SAMPLED", 20)
        yield


class Grown(NamedTuple):
    """What became of a test that grew: its steps, how to go on, and at how many rows all were derived again."""

    steps: pl.DataFrame
    progress: Progress
    again: list[int]


def grow(frame: pl.DataFrame, cuts: Sequence[int]) -> Grown:
    """Derive a test as it grows from cut to cut, and compare each time with all rows derived at once."""
    steps, progress = derive_all(frame.head(cuts[0]), PLATFORM)
    again = []
    for cut in cuts[1:]:
        rows = frame.slice(progress.keep_from, cut - progress.keep_from)
        found = derive_onward(Progress.from_json(progress.to_json()), steps, rows, PLATFORM)
        whole = derive_all(frame.head(cut), PLATFORM)
        if found is None:
            again.append(cut)
        else:
            assert bits(found[0]) == bits(whole[0])
            assert found[1] == whole[1]
        steps, progress = whole
    return Grown(steps, progress, again)


def bits(steps: pl.DataFrame) -> dict[str, list[Any]]:
    """Return every value, and numbers by their bits: minus zero and zero differ."""
    return {
        column.name: column.to_list()
        if column.dtype != pl.Float64
        else [column.is_null().to_list(), column.fill_null(0.0).to_numpy().view(np.int64).tolist()]
        for column in steps
    }


def some_cuts(rows: int, count: int, seed: int = 1) -> list[int]:
    """Return random places to cut at, and the end."""
    chosen = np.random.default_rng(seed).choice(np.arange(1, rows), size=min(count, rows - 1), replace=False)
    return [*sorted(chosen.tolist()), rows]


def cuts_at_edges(frame: pl.DataFrame, edges: int) -> list[int]:
    """Return the rows around some of a test's steps' edges, one by one, and the end."""
    ends = np.cumsum(derive_steps(frame, PLATFORM)["records"].to_numpy())[:-1]
    near = {int(end) + by for end in ends[:: len(ends) // edges + 1] for by in range(-2, 4)}
    return sorted({cut for cut in near if 0 < cut < frame.height} | {frame.height})


def noisy(part: Part, sigma: float, seed: int) -> Part:
    return replace(part, current=part.current + sigma * np.random.default_rng(seed).standard_normal(len(part.current)))


def counted(frame: pl.DataFrame, names: Sequence[str], factor: float = 1.0) -> pl.DataFrame:
    """Add counters that never reset, as an instrument displays them: with seven decimals of a mAh."""
    time, current = frame["test_time_second"].to_numpy(), frame["current_ampere"].to_numpy()
    moved = np.append(0.0, 0.5 * (current[1:] + current[:-1]) * np.diff(time)) / HOUR * factor
    ways = (np.maximum(moved, 0), np.maximum(-moved, 0))
    return frame.with_columns(
        pl.Series(name, np.round(np.cumsum(way), 10)) for name, way in zip(names, ways, strict=True)
    )


PAIR = ("charging_capacity_ah", "discharging_capacity_ah")


@pytest.mark.parametrize("sigma", [0.0, 1e-7])
@pytest.mark.parametrize("typed", [True, False])
@pytest.mark.parametrize("numbered", [True, False])
def test_row_by_row_is_at_once(sigma: float, *, numbered: bool, typed: bool) -> None:
    """Whatever the instrument tells and however noisy it is: a test that grows by single rows has the same steps."""
    parts = [noisy(part, sigma, seed) for seed, part in enumerate(BRIEF * 2)]
    frame = counted(measure(*parts, numbered=numbered, typed=typed), PAIR)
    grown = grow(frame, range(1, frame.height + 1))
    # The counter's finest decimal shows within its first values, and so few records of noise hardly tell its size.
    assert len(grown.again) <= 6


CURRENTS = st.sampled_from([0.0, 1e-9, -1e-9, 1e-7, 1e-5, -1e-5, 1e-2]) | st.floats(-1e-3, 1e-3)
RECORD = st.tuples(
    st.floats(0, 1e3),
    st.floats(0, 5),
    CURRENTS,
    st.sampled_from([0, 0, 0, 1]),
    st.none() | st.sampled_from(STEP_TYPES),
    st.none() | st.floats(0, 1).map(lambda value: round(value, 4)),
)
LIFE = st.lists(RECORD, min_size=20, max_size=80)
COUNTERS = st.sampled_from(
    [(), PAIR, ("step_charging_capacity_ah", "step_discharging_capacity_ah"), ("net_capacity_ah",)]
)


@settings(max_examples=40, deadline=None)  # the first call pays for Polars' start
@given(
    rows=LIFE,
    number=st.sampled_from(["step_count", "step_id", None]),
    typed=st.booleans(),
    named=COUNTERS,
    seed=st.integers(0, 99),
)
def test_any_records_grow_to_the_same(
    rows: list[Any], number: str | None, named: tuple[str, ...], seed: int, *, typed: bool
) -> None:
    """Whatever the records, with holes where an instrument leaves them, and wherever the file was cut."""
    passed, volts, currents, begins, words, values = zip(*rows, strict=True)
    columns: dict[str, Any] = {
        "test_time_second": np.cumsum(passed),
        "voltage_volt": volts,
        "current_ampere": currents,
        "temperature_t1_celsius": pl.Series(values, dtype=pl.Float64),
    }
    columns |= {name: pl.Series([*np.roll(np.array(values), 3)], dtype=pl.Float64) for name in named}
    columns |= {number: np.cumsum(begins)} if number else {}
    columns |= {"step_type": pl.Series(words, dtype=STEP_TYPE)} if typed else {}
    grow(pl.DataFrame(columns), some_cuts(len(rows), 10, seed))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> list[pl.DataFrame]:
    """The rows of five virtual cells, one for each format."""
    report = simulate(
        tmp_path_factory.mktemp("lab"), LabOptions(cells=5, cycles=20, long_cells=0, rate_blocks=True, points=6)
    )
    readings = [parsers.read(path) for path in report.files]
    return [conform(each.measurements, each.spectra, each.format)[0] for each in readings]


def test_virtual_cells_grow_to_the_same(lab: list[pl.DataFrame]) -> None:
    """Cells of the virtual lab, cut at random and around their steps' edges; hardly ever are all rows needed."""
    increments = again = 0
    for frame in lab:
        cuts = sorted({*some_cuts(frame.height, 15), *cuts_at_edges(frame, 3)})
        increments += len(cuts)
        again += len(grow(frame, cuts).again)
    assert again <= 0.05 * increments


@pytest.mark.parametrize("name", REAL)
def test_real_files_grow_to_the_same(corpus: Path, name: str) -> None:
    """Real files of every way of counting, cut at random and around their steps' edges."""
    frame = parsers.read(corpus / name).measurements.head(3000)
    grown = grow(frame, sorted({*some_cuts(frame.height, 12), *cuts_at_edges(frame, 3)}))
    assert len(grown.again) <= 2


def begun(frame: pl.DataFrame, rows: int) -> tuple[Progress, pl.DataFrame]:
    steps, progress = derive_all(frame.head(rows), PLATFORM)
    assert progress.keep_from > 0
    return progress, steps


def onward(frame: pl.DataFrame, rows: int, head: pl.DataFrame | None = None) -> tuple[pl.DataFrame, Progress] | None:
    """Derive a test that had its first rows, or others than those, and then had all."""
    progress, steps = begun(frame.head(rows) if head is None else head, rows)
    return derive_onward(progress, steps, frame.slice(progress.keep_from), PLATFORM)


LONG = measure(*FIVE, *FIVE, *FIVE)


def test_only_what_is_open_is_handed_in_again() -> None:
    """Rows are wanted again from the unsettled step on, or from the last whole block, and one before."""
    sizes = np.cumsum([len(part.time) for part in FIVE * 3])
    for rows in range(BLOCK + 1, LONG.height):
        progress = derive_all(LONG.head(rows), PLATFORM)[1]
        begin = int(sizes[np.searchsorted(sizes, rows) - 1]) if rows > sizes[0] else 0
        assert progress.keep_from >= min(begin, rows - rows % BLOCK) - 1


def test_what_was_stored_can_be_gone_on_with(tmp_path: Path) -> None:
    """Steps that went through cycles, names and a Parquet file serve as well as fresh ones."""
    steps, progress = derive_all(LONG.head(150), PLATFORM)
    named, _ = derive_cycles(steps, "full_charge_first", PLATFORM)
    named.with_columns(test_id=pl.lit("t-1"), revision=pl.lit(4, dtype=pl.Int64)).write_parquet(tmp_path / "steps")
    found = derive_onward(progress, pl.read_parquet(tmp_path / "steps"), LONG.slice(progress.keep_from), PLATFORM)
    assert found is not None
    assert bits(found[0]) == bits(derive_all(LONG, PLATFORM)[0])


def test_no_further_row_changes_nothing() -> None:
    """A test that was looked at again, without a new row, is what it was."""
    steps, progress = derive_all(LONG, PLATFORM)
    found = derive_onward(progress, steps, LONG.slice(progress.keep_from), PLATFORM)
    assert found is not None
    assert (bits(found[0]), found[1]) == (bits(steps), progress)


def test_earlier_ends_are_judged_by_later_voltages() -> None:
    """A step that ended at the highest voltage so far no longer does when a later one goes higher."""
    frame = measure(*FIVE[:2], rest(4.1, records=60), hold_current(10 * MICRO, HOUR, (4.1, 4.5), 60), rest(4.4))
    assert derive_all(frame.head(82), PLATFORM)[0]["end_reason"][1] == "voltage"
    found = onward(frame, 82)
    assert found is not None
    assert found[0]["end_reason"][1] is None


def test_a_larger_current_is_no_news_to_steps_that_stay_the_same() -> None:
    """The limit of rest moves with the test's currents; where no kept record lies between, nothing is derived again."""
    frame = measure(*FIVE, hold_current(-1e-3, 60, (4.0, 3.0)))
    before, after = (derive_all(each, PLATFORM)[1] for each in (frame.head(105), frame))
    assert before.grounds.limit != after.grounds.limit
    assert onward(frame, 105) is not None


def test_a_current_that_turns_rests_into_steps_needs_all_rows() -> None:
    """Beside 10 mA, a few nA are noise; they were charge and discharge as long as there was nothing else."""
    tiny = hold_current(5e-9, HOUR, (3.2, 4.2)), hold_current(-5e-9, HOUR, (4.0, 3.0))
    frame = measure(*tiny, *tiny, hold_current(1e-2, HOUR, (3.2, 4.2)), numbered=False)
    assert onward(frame, 84) is None


def test_a_bound_that_a_larger_current_takes_away_needs_all_rows() -> None:
    """10 nA after a rest are a step until 1 mA comes; then they belong to the rest, which was settled before them."""
    frame = measure(rest(3.0), hold_current(1e-8, HOUR, (3.2, 3.3)), hold_current(1e-3, 60, (3.2, 4.2)), numbered=False)
    assert derive_all(frame.head(42), PLATFORM)[1].settled.rows == 21
    assert derive_steps(frame, PLATFORM)["records"].to_list() == [42, 21]
    assert onward(frame, 42) is None


# Two of its records flow, and carry a mean of 45 nA.
PULSED = Part(
    np.arange(40.0) - 0.5 * (np.arange(40) == 21),
    np.full(40, 3.9),
    np.where(np.arange(40) // 2 == 10, MICRO, 0.0),
    "pulse",
)


def test_a_pulse_that_noise_drowns_needs_all_rows() -> None:
    """Two records that carried a step make it a rest once the noise at rest is larger than what they carried."""
    frame = measure(FIVE[1], PULSED, rest(3.9), *(noisy(rest(3.9, records=60), 1e-7, seed) for seed in range(4)))
    before, after = derive_steps(frame.head(82), PLATFORM), derive_steps(frame, PLATFORM)
    assert [kinds_of(steps)[1] for steps in (before, after)] == ["charge", "rest"]
    assert onward(frame, 82) is None


def test_a_pulse_that_rises_from_noise_needs_all_rows() -> None:
    """Two records that were drowned carry their step once the noise, over longer rests, is small."""
    noise = [noisy(rest(3.9, records=60), 3e-8, seed) for seed in range(2)]
    frame = measure(FIVE[1], *noise, PULSED, rest(3.9, records=1200), typed=True)
    before, after = derive_steps(frame.head(190), PLATFORM), derive_steps(frame, PLATFORM)
    assert [steps["end_reason"][3] for steps in (before, after)] == ["time", None]
    assert onward(frame, 190) is None


def test_a_part_of_a_step_waits_for_its_whole() -> None:
    """A rest at the start of the instrument's step is a part of it, until it is but a hundredth of its time."""
    part = rest(3.0, seconds=20), hold_current(10 * MICRO, 2000, (3.0, 4.2), 101)
    frame = measure(*FIVE, *part).with_columns(step_count=pl.Series(np.minimum(np.arange(227) // 21, 5)))
    assert derive_steps(frame.head(130), PLATFORM).height == 7
    assert derive_steps(frame, PLATFORM).height == 6
    assert grow(frame, [120, 130, 160, 227]).again == []


def test_the_first_number_needs_all_rows() -> None:
    """A schedule's number that changes for the first time tells that steps are numbered, the earlier ones too."""
    frame = measure(*FIVE, numbered=False).with_columns(step_id=pl.Series(np.arange(105) // 90, dtype=pl.Int64))
    assert onward(frame, 80) is None
    assert onward(frame, 100) is not None


@pytest.mark.parametrize("name", ["step_type", "charging_capacity_ah", "surface_temperature_celsius"])
def test_a_column_that_decides_and_comes_late_needs_all_rows(name: str) -> None:
    """A word, a better counter or a better temperature that is first seen now would have served earlier steps too."""
    known = {"step_charging_capacity_ah": 0.1, "step_discharging_capacity_ah": 0.1, "discharging_capacity_ah": 0.1}
    frame = LONG.with_columns(temperature_t1_celsius=pl.lit(25.0), **{key: pl.lit(each) for key, each in known.items()})
    value = pl.lit("rest", dtype=STEP_TYPE) if name == "step_type" else pl.lit(0.5)
    late = frame.with_columns(pl.when(pl.int_range(LONG.height) >= 200).then(value).alias(name))
    assert onward(late, 190) is None
    assert onward(late, 190, frame.head(190)) is None
    assert onward(late, 230) is not None


def test_a_column_that_does_not_decide_may_come_late() -> None:
    """A second temperature, or the cycler's own power, changes no step."""
    late = LONG.with_columns(
        temperature_t1_celsius=pl.lit(25.0),
        power_watt=pl.when(pl.int_range(LONG.height) >= 200).then(1.0),
        temperature_t2_celsius=pl.when(pl.int_range(LONG.height) >= 200).then(26.0),
    )
    assert onward(late, 190) is not None
    assert onward(late, 190, late.head(190).drop("power_watt", "temperature_t2_celsius")) is not None


def test_a_column_that_is_no_longer_written_is_missed() -> None:
    """A counter without a value in all new rows stands, as it does within a file."""
    frame = counted(LONG, PAIR).with_columns(
        pl.when(pl.int_range(LONG.height) < 190).then(pl.col(name)).alias(name) for name in PAIR
    )
    progress, steps = begun(frame, 260)
    found = derive_onward(progress, steps, frame.slice(progress.keep_from).drop(PAIR), PLATFORM)
    assert found is not None
    assert bits(found[0]) == bits(derive_all(frame, PLATFORM)[0])


def test_a_finer_decimal_needs_all_rows() -> None:
    """A counter that was taken for coarse, until it shows a finer decimal, serves earlier steps too."""
    coarse = counted(LONG, PAIR).with_columns(pl.col(PAIR).round(6))
    finer = coarse.with_columns(
        pl.when(pl.int_range(LONG.height) > 92).then(pl.col(PAIR) + 1e-9).otherwise(pl.col(PAIR))
    )
    assert onward(coarse, 190) is not None
    assert onward(finer, 90) is None


def test_rows_that_do_not_continue_are_noticed() -> None:
    """Too few rows, a shifted row or a changed one is no continuation."""
    progress, steps = begun(LONG, 190)
    rows = LONG.slice(progress.keep_from)
    changed = rows.with_columns(
        pl.when(pl.int_range(rows.height) == 12).then(9.0).otherwise("voltage_volt").alias("voltage_volt")
    )
    wrong = [
        rows.head(3),
        LONG.slice(progress.keep_from + 1),
        changed,
    ]
    assert [derive_onward(progress, steps, each, PLATFORM) for each in wrong] == [None] * 3


def test_rows_that_end_at_a_block_must_all_be_there() -> None:
    """Where the last whole block is the last row, nothing is left to compare, and the number of rows still tells."""
    progress, steps = begun(LONG, 12 * BLOCK)
    assert derive_onward(progress, steps, LONG.slice(progress.keep_from, 3), PLATFORM) is None


def test_steps_that_are_missing_are_noticed() -> None:
    """Fewer stored steps than were settled cannot be gone on with."""
    progress, _ = begun(LONG, 190)
    assert derive_onward(progress, STEPS.empty(), LONG.slice(progress.keep_from), PLATFORM) is None


def test_other_thresholds_need_all_rows() -> None:
    """What another recipe made is not gone on with."""
    progress, steps = begun(LONG, 190)
    other = replace(PLATFORM, taper=0.9)
    assert derive_onward(progress, steps, LONG.slice(progress.keep_from), other) is None


def test_an_empty_test_may_begin() -> None:
    """A file with a head and no records is gone on with from its first row."""
    steps, progress = derive_all(MEASUREMENTS.empty(), PLATFORM)
    found = derive_onward(progress, steps, LONG, PLATFORM)
    assert (steps.height, progress.rows, progress.last_time_second) == (0, 0, None)
    assert found is not None
    assert bits(found[0]) == bits(derive_steps(LONG, PLATFORM))


def test_the_state_comes_back_from_its_text() -> None:
    """As JSON and back, every number of the state is the same, to the bit."""
    parts = [noisy(part, 1e-7, seed) for seed, part in enumerate(FIVE)]
    progress = derive_all(counted(measure(*parts, numbered=False), PAIR), PLATFORM)[1]
    assert Progress.from_json(progress.to_json()) == progress
    assert progress.rows == 105


@pytest.mark.parametrize("text", ["", "{}", "[]", "7", '{"rules": "1"}'])
def test_a_state_of_another_version_is_refused(text: str) -> None:
    """What is no state, or lacks a part, is told apart from one."""
    with pytest.raises(ValueError, match="no progress of this version"):
        Progress.from_json(text)


def test_a_part_too_many_is_refused() -> None:
    """A state with an unknown part was written by other rules."""
    text = json.dumps(json.loads(derive_all(LONG, PLATFORM)[1].to_json()) | {"more": 1})
    with pytest.raises(ValueError, match="more"):
        Progress.from_json(text)


def test_the_state_knows_the_hash_of_the_data() -> None:
    """The digest of the rows so far, with that of the spectra, is the hash of the data."""
    found = onward(LONG, 190)
    assert found is not None
    spectra = SPECTRA.empty()
    assert join_digests([found[1].row_hash.digest, hash_rows(spectra).digest]) == hash_data(LONG, spectra)


def test_a_known_hash_is_not_made_again() -> None:
    """Who hashed the rows already hands the hash over."""
    known = hash_rows(LONG)
    assert derive_all(LONG, PLATFORM, known)[1] == derive_all(LONG, PLATFORM)[1]


def levels_of(current: NDArray[np.float64], begins: NDArray[np.bool_], cuts: Sequence[int]) -> Levels:
    levels = Levels()
    for first, stop in pairwise(cuts):
        levels = levels.onward(current[first:stop], begins[first:stop], first, BLOCK)
    return levels


@settings(max_examples=50, deadline=None)  # the first call pays for NumPy's start
@given(
    st.lists(st.tuples(CURRENTS, st.booleans()), min_size=1, max_size=120),
    st.sets(st.integers(1, 7)),
)
def test_levels_do_not_depend_on_increments(records: list[tuple[float, bool]], cuts: set[int]) -> None:
    """Blocks counted at once or from one whole number of rows to the next: the same numbers, to the bit."""
    current = np.array([record[0] for record in records])
    begins = np.array([True, *(record[1] for record in records[1:])])
    ends = [0, *sorted(cut * BLOCK for cut in cuts if cut * BLOCK < len(current)), len(current)]
    assert levels_of(current, begins, ends) == levels_of(current, begins, [0, len(current)])


def test_noise_fills_a_bounded_table() -> None:
    """However long a noisy test rests, its levels are a few hundred counts."""
    current = np.random.default_rng(2).standard_normal(200_000) * 1e-8
    sign = np.sign(current)
    begins = np.append(True, sign[1:] != sign[:-1])
    levels = levels_of(current, begins, [0, len(current)])
    assert len(levels.keys) < 1500
    assert sum(levels.records) + sum(block[0] for block in levels.recent[1:]) == len(current)


# 30 nA of noise lie on the border between two limits, where it takes longest to settle.
@pytest.mark.parametrize(("sigma", "moves"), [(1e-9, 0), (2e-8, 0), (3e-8, 5)])
def test_the_limit_stands_still_while_a_test_goes_on(sigma: float, moves: int) -> None:
    """Over forty cycles of noise, which no number tells apart, the limit hardly moves, and at last stands still."""
    parts = [noisy(replace_length(part, 60), sigma, seed) for seed, part in enumerate(FIVE * 40)]
    frame = measure(*parts, numbered=False)
    limits = [derive_all(frame.head(rows), PLATFORM)[1].grounds.limit for rows in range(1200, frame.height, 200)]
    moved = [after != before for before, after in pairwise(limits)]
    assert sum(moved) == moves
    assert not any(moved[-15:])


def replace_length(part: Part, records: int) -> Part:
    """Sample a part with more records."""
    time = np.linspace(0, part.time[-1], records)
    return replace(
        part,
        time=time,
        voltage=np.interp(time, part.time, part.voltage),
        current=np.interp(time, part.time, part.current),
    )

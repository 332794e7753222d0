"""The virtual lab: its files are valid, its truth is what a reader finds in them, and it repeats to the byte."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from galvani import BioLogic
from numpy.typing import NDArray
from typer.testing import CliRunner

import parsers
from flows.cli import app
from flows.virtual_lab import LabOptions, LabReport, blocks, layouts, simulate, trace, wafer
from flows.virtual_lab.cell import OPEN_CIRCUIT, SOC
from flows.virtual_lab.design import VirtualCell, design_cell
from flows.virtual_lab.layout import Layout
from warehouse.errors import UsageError

MANIFEST_COLUMNS = (
    "firm,project,lot,wafer,die_x,die_y,cell_id,convention,nominal_capacity_uah,active_area_mm2,"
    "voltage_upper_volt,voltage_lower_volt,chemistry,process_split,remarks"
)
SMALL = LabOptions(cells=5, cycles=6, long_cells=0)
# Of every block three cells, and three cycled ones with all that a life can have.
BLOCKS = ("calendar", "float", "gitt", "pulse", "storage", "temperature")
FULL = LabOptions(
    firms=("FIRM-A",),
    cells=3,
    cycles=20,
    long_cells=0,
    formats=("arbin_csv",),
    blocks=("rate", "resistance", "offset", *BLOCKS),
    wafers=2,
)
FORMATS = ("arbin_csv", "biologic_mpr", "biologic_mpt", "maccor_txt", "neware_csv")
Truth = dict[str, Any]
Doubles = NDArray[np.float64]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> LabReport:
    return simulate(tmp_path_factory.mktemp("lab"), LabOptions())


@pytest.fixture(scope="module")
def cells(lab: LabReport) -> list[Truth]:
    return load_cells(lab)


@pytest.fixture(scope="module")
def designed() -> list[VirtualCell]:
    """A wafer and a half of cells, designed and not written."""
    options = LabOptions(firms=("FIRM-A",), cells=120, long_cells=0)
    return [design_cell(options, index, any_layout()) for index in range(options.cells)]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> LabReport:
    return simulate(tmp_path_factory.mktemp("full"), FULL)


@pytest.fixture(scope="module")
def played(full: LabReport) -> dict[str, tuple[Truth, pl.DataFrame]]:
    """Of each block its second cell: the truth and what our reader makes of its file."""
    truth = json.loads(full.truth.read_text(encoding="utf-8"))
    second = {cell["block"]: cell for cell in truth["block_cells"][1 :: FULL.cells]}
    root = full.manifest.parent
    return {name: (cell, parsers.read(root / cell["file"]).measurements) for name, cell in second.items()}


def load_cells(report: LabReport) -> list[Truth]:
    found: list[Truth] = json.loads(report.truth.read_text(encoding="utf-8"))["cells"]
    return found


def any_layout() -> Layout:
    return layouts()["arbin_csv"]


def first_of(cells: list[Truth], name: str) -> Truth:
    return next(cell for cell in cells if cell["format"] == name)


def all_bytes(report: LabReport) -> list[bytes]:
    return [path.read_bytes() for path in (*report.files, report.manifest, report.truth)]


def array(cell: Truth, name: str) -> Doubles:
    return np.array(cell["cycles"][name], dtype=np.float64)


def cycle_charges(
    reading: parsers.Reading, cell: Truth, rule: Callable[[Doubles, Doubles], Doubles]
) -> tuple[Doubles, Doubles]:
    """Charge into and out of the cell per cycle; every cycle of a virtual cell has as many rows as the next."""
    table = reading.measurements
    time, current = table["test_time_second"].to_numpy(), table["current_ampere"].to_numpy()
    cycles = len(cell["cycles"]["c_rate"])
    per_cycle = table.height // cycles
    # Nothing may be integrated across steps.
    same = np.diff(table["step_count"].to_numpy()) == 0
    charge = np.where(same, rule(time, current), 0.0) / 3600.0
    cycle = (np.arange(table.height) - table.height % cycles) // per_cycle
    inside = [charge[cycle[1:] == number] for number in range(cycles)]
    return np.array([part[part > 0].sum() for part in inside]), -np.array([part[part < 0].sum() for part in inside])


def trapezoid(time: Doubles, current: Doubles) -> Doubles:
    return 0.5 * (current[1:] + current[:-1]) * np.diff(time)


def test_the_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    """Two labs from the same options are equal to the byte, all files, manifest and truth."""
    assert all_bytes(simulate(tmp_path / "a", SMALL)) == all_bytes(simulate(tmp_path / "b", SMALL))


def test_another_seed_gives_other_cells(tmp_path: Path) -> None:
    """Another seed changes every file."""
    first, second = simulate(tmp_path / "a", SMALL), simulate(tmp_path / "b", replace(SMALL, seed=2))
    assert not set(map(Path.read_bytes, first.files)) & set(map(Path.read_bytes, second.files))


def test_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many cycles are held in memory at once does not change a byte."""
    whole = all_bytes(simulate(tmp_path / "a", SMALL))
    monkeypatch.setattr(trace, "BLOCK_ROWS", 1)
    assert all_bytes(simulate(tmp_path / "b", SMALL)) == whole


def test_a_cell_does_not_depend_on_the_others(tmp_path: Path) -> None:
    """A lab with more cells begins with the same files."""
    small, large = simulate(tmp_path / "a", SMALL), simulate(tmp_path / "b", replace(SMALL, cells=7))
    assert [path.read_bytes() for path in large.files[:5]] == [path.read_bytes() for path in small.files]


def test_all_layouts_are_dealt_in_turn(cells: list[Truth]) -> None:
    """Twelve cells hold every layout, each named like the format that reads it."""
    assert [cell["format"] for cell in cells[:6]] == [*FORMATS, FORMATS[0]]


def test_files_lie_where_the_folder_rule_looks(lab: LabReport, cells: list[Truth]) -> None:
    """A file's folders are its firm and its cell."""
    root = lab.manifest.parent
    places = [path.relative_to(root).parts[:2] for path in lab.files]
    assert places == [(cell["firm"], cell["cell_id"]) for cell in cells]


def test_manifest_has_the_contract_s_columns(lab: LabReport) -> None:
    """The manifest's first line is the outward contract's list of columns."""
    assert lab.manifest.read_text(encoding="utf-8").splitlines()[0] == MANIFEST_COLUMNS


def test_manifest_and_truth_name_the_same_cells(lab: LabReport, cells: list[Truth]) -> None:
    """Row by row, manifest and truth agree on identity and nominal capacity."""
    with lab.manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = [(row["firm"], row["cell_id"], int(row["die_x"]), float(row["nominal_capacity_uah"])) for row in rows]
    meant = [(cell["firm"], cell["cell_id"], cell["die_x"], cell["nominal_capacity_ah"] * 1e6) for cell in cells]
    assert [(*row[:3], pytest.approx(row[3])) for row in told] == meant


def test_cell_ids_are_unique(designed: list[VirtualCell]) -> None:
    """Cells beyond the dies of one wafer lie on the next; no name occurs twice."""
    identities = [cell.truth.identity for cell in designed]
    assert len({identity.cell_id for identity in identities}) == len(identities)
    assert len({identity.wafer for identity in identities}) > 1


def test_a_channel_holds_one_cell(designed: list[VirtualCell]) -> None:
    """No two cells of a lab, however large, sit on the same channel of the same cycler."""
    assert len({(cell.run.instrument, cell.run.channel) for cell in designed}) == len(designed)


def test_the_last_cells_run_longer(cells: list[Truth]) -> None:
    """Two cells of the default lab run twice as long as the others."""
    assert [len(cell["cycles"]["class"]) for cell in cells] == [60] * 10 + [120] * 2


def test_galvani_reads_every_mpr(lab: LabReport, cells: list[Truth]) -> None:
    """The library galvani finds the rows, voltages and start that were written, and no current column."""
    for cell in (cell for cell in cells if cell["format"] == "biologic_mpr"):
        with (lab.manifest.parent / cell["file"]).open("rb") as file:
            mpr = BioLogic.MPRfile(file)
        assert len(mpr.data) == cell["rows"]
        assert 2.999 < mpr.data["Ewe/V"].min() < mpr.data["Ewe/V"].max() < 4.201
        assert mpr.timestamp.isoformat(timespec="seconds") + "+09:00" == cell["start_time"]
        assert not {"I/mA", "<I>/mA"} & set(mpr.data.dtype.names)


def test_galvani_reads_the_mpt(lab: LabReport, cells: list[Truth]) -> None:
    """The library galvani reads the text export with as many rows as were written."""
    cell = first_of(cells, "biologic_mpt")
    with (lab.manifest.parent / cell["file"]).open("rb") as file:
        table, _ = BioLogic.MPTfile(file, encoding="cp1252")
    assert len(table) == cell["rows"]


def test_formation_loses_what_was_injected(cells: list[Truth]) -> None:
    """The first cycle's true efficiency is the injected initial one, at C/10."""
    for cell in cells:
        assert array(cell, "true_coulombic_efficiency")[0] == pytest.approx(cell["initial_coulombic_efficiency"])
        assert cell["cycles"]["class"][:3] == ["formation", "formation", "ageing"]
        assert cell["cycles"]["c_rate"][:3] == [0.1, 0.1, 1.0]


def test_an_offset_shifts_the_displayed_efficiency(cells: list[Truth]) -> None:
    """Displayed minus true efficiency is minus twice offset over current, a little more for the hold's low current."""
    for cell in cells:
        shift = array(cell, "displayed_coulombic_efficiency") - array(cell, "true_coulombic_efficiency")
        expected = -2.0 * cell["current_offset_ampere"] / array(cell, "set_current_ampere")
        assert shift[2:] == pytest.approx(expected[2:], rel=0.2, abs=1e-9)


def test_retention_follows_the_law(cells: list[Truth]) -> None:
    """Without a knee the true retention is one minus the stated law, but for the scatter."""
    for cell in (cell for cell in cells if cell["knee_cycle"] is None):
        x = np.arange(len(cell["cycles"]["class"])) + 1.0 - cell["reference_cycle"]
        law = 1.0 - cell["fade_coefficient"] * np.maximum(x, 0.0) ** cell["fade_exponent"]
        retention = np.array(cell["cycles"]["true_capacity_retention"][2:])
        assert retention == pytest.approx(law[2:], abs=1e-3)


def test_a_knee_is_at_least_three_times_steeper(designed: list[VirtualCell]) -> None:
    """The mean slope behind a knee is the stated ratio times the slope before it."""
    knees = [cell for cell in designed if cell.truth.life.knee_cycle is not None]
    assert len(knees) == 30
    for cell in knees:
        life = cell.truth.life
        discharged = cell.operation.discharged
        bend = (life.knee_cycle or 0) - 1
        before = (discharged[life.reference_cycle - 1] - discharged[bend]) / (bend - life.reference_cycle + 1)
        behind = (discharged[bend] - discharged[-1]) / (len(discharged) - 1 - bend)
        assert behind / before == pytest.approx(life.knee_slope_ratio, rel=0.1)
        assert (life.knee_slope_ratio or 0.0) >= 3.0


def test_some_cells_end_their_life_and_some_do_not(cells: list[Truth]) -> None:
    """End of life lies where retention crosses 0.8, and is null where it never does."""
    ended = [cell["end_of_life_cycle"] is not None for cell in cells]
    crossed = [min(cell["cycles"]["true_capacity_retention"][2:]) < 0.8 for cell in cells]
    assert ended == crossed
    assert 0 < sum(ended) < len(ended)


def test_the_wafer_gradient_can_be_found(designed: list[VirtualCell]) -> None:
    """Least squares over the dies gives back radial, tilt and split coefficients."""
    identity = [cell.truth.identity for cell in designed]
    x = np.array([who.die_x for who in identity]) * wafer.PITCH_MM / wafer.RADIUS_MM
    y = np.array([who.die_y for who in identity]) * wafer.PITCH_MM / wafer.RADIUS_MM
    split = np.array([who.process_split == wafer.SPLITS[1] for who in identity])
    terms = np.stack([np.ones(len(x)), x**2 + y**2, x, y, split], axis=1)
    factors = [cell.truth.properties.capacity_factor for cell in designed]
    found = np.linalg.lstsq(terms, np.array(factors), rcond=None)[0]
    gradient = wafer.GRADIENT
    expected = [1.0, gradient.radial, gradient.tilt_x, gradient.tilt_y, gradient.split]
    assert found == pytest.approx(expected, abs=2e-3)


def test_a_rate_block_is_bracketed(tmp_path: Path) -> None:
    """C/5, 1C, 2C, 5C and C/5 again: capacity falls with rate and comes back."""
    report = simulate(tmp_path, replace(SMALL, cells=1, cycles=20, rate_blocks=True))
    cell = load_cells(report)[0]
    assert cell["cycles"]["class"][2:18] == ["rate"] * 15 + ["ageing"]
    assert cell["cycles"]["c_rate"][2:17:3] == [0.2, 1.0, 2.0, 5.0, 0.2]
    discharged = array(cell, "true_discharging_capacity_ah")[2:17:3]
    assert list(np.diff(discharged) < 0) == [True, True, True, False]
    assert discharged[-1] / discharged[0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("name", FORMATS)
def test_our_reader_finds_format_rows_and_range(lab: LabReport, cells: list[Truth], name: str) -> None:
    """Exactly one format claims a virtual file, and reads all rows, within the voltage window."""
    cell = first_of(cells, name)
    reading = parsers.read(lab.manifest.parent / cell["file"])
    voltage = reading.measurements["voltage_volt"].to_numpy()
    assert (reading.format, reading.kind, reading.measurements.height) == (name, "cycling", cell["rows"])
    assert 2.999 < voltage.min() < voltage.max() < 4.201


@pytest.mark.parametrize("name", FORMATS)
def test_the_trapezoid_gives_the_truth(lab: LabReport, cells: list[Truth], name: str) -> None:
    """The trapezoid of what our reader found is the truth's, charge and discharge, in every cycle."""
    for cell in (cell for cell in cells if cell["format"] == name):
        reading = parsers.read(lab.manifest.parent / cell["file"])
        charged, discharged = cycle_charges(reading, cell, trapezoid)
        # The stated tolerance: printed decimals, and the sliver before a step's first record.
        assert charged == pytest.approx(array(cell, "trapezoid_charging_capacity_ah"), rel=1e-4)
        assert discharged == pytest.approx(array(cell, "displayed_discharging_capacity_ah"), rel=1e-4)


@pytest.mark.parametrize("name", FORMATS)
def test_files_start_when_the_truth_says(lab: LabReport, cells: list[Truth], name: str) -> None:
    """The first record's wall clock is the start, within the delay of a step's first record."""
    cell = first_of(cells, name)
    reading = parsers.read(lab.manifest.parent / cell["file"])
    start = datetime.fromisoformat(cell["start_time"]).timestamp()
    assert reading.measurements["unix_time_second"][0] == pytest.approx(start, abs=0.05)


@pytest.mark.parametrize("name", ["biologic_mpt", "neware_csv", "arbin_csv", "maccor_txt"])
def test_the_hold_s_trapezoid_is_close(cells: list[Truth], name: str) -> None:
    """With twelve points the curvature of the hold adds less than 0.1 % to the charge, where currents are momentary."""
    cell = first_of(cells, name)
    excess = array(cell, "trapezoid_charging_capacity_ah") / array(cell, "displayed_charging_capacity_ah") - 1.0
    assert 0.0 < excess.max() < 1e-3


def test_mean_currents_sum_to_the_counter(lab: LabReport, cells: list[Truth]) -> None:
    """In an mpr, derived current times interval is the displayed charge, hold included."""
    cell = first_of(cells, "biologic_mpr")
    reading = parsers.read(lab.manifest.parent / cell["file"])
    charged, discharged = cycle_charges(reading, cell, lambda time, current: current[1:] * np.diff(time))
    assert charged == pytest.approx(array(cell, "displayed_charging_capacity_ah"), rel=1e-4)
    assert discharged == pytest.approx(array(cell, "displayed_discharging_capacity_ah"), rel=1e-4)


def test_the_derived_current_is_the_displayed_one(tmp_path: Path) -> None:
    """Of one run as mpr and as mpt, the derived current equals the displayed one within 0.1 % at constant current."""
    tables = []
    for name in ("biologic_mpr", "biologic_mpt"):
        report = simulate(tmp_path / name, replace(SMALL, cells=1, formats=(name,)))
        tables.append(parsers.read(report.files[0]).measurements)
    derived, displayed = tables
    current = displayed["current_ampere"].to_numpy()
    # The set currents of formation and ageing; in the hold a mean cannot equal a momentary current.
    constant = np.isin(np.round(np.abs(current), 15), (5e-6, 50e-6))
    assert constant.sum() >= 6 * 24
    assert derived["current_ampere"].to_numpy()[constant] == pytest.approx(current[constant], rel=1e-3)
    assert derived["voltage_volt"].to_list() == pytest.approx(displayed["voltage_volt"].to_list(), abs=1e-6)
    assert derived["test_time_second"].to_list() == pytest.approx(displayed["test_time_second"].to_list(), abs=1e-6)


def test_unsigned_amps_carry_their_state(lab: LabReport, cells: list[Truth]) -> None:
    """The layout with a State column has no negative number in Amps."""
    cell = first_of(cells, "maccor_txt")
    lines = (lab.manifest.parent / cell["file"]).read_text(encoding="cp1252").splitlines()[2:]
    assert {line.split("\t")[9] for line in lines} == {"C", "D", "R"}
    assert min(float(line.split("\t")[7]) for line in lines) == 0.0


def test_points_make_a_file_dense(tmp_path: Path) -> None:
    """Rows grow with the points asked for, and the report counts them."""
    report = simulate(tmp_path, replace(SMALL, cells=1, points=1000))
    assert report.rows == 6 * (1000 + 2000 + 333 + 1000 + 333)


def test_progress_is_told_per_cell(tmp_path: Path) -> None:
    """Progress is called with cells done and cells in all."""
    calls: list[tuple[int, int]] = []
    simulate(tmp_path, replace(SMALL, cells=2), lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]


def steps_of(table: pl.DataFrame) -> list[pl.DataFrame]:
    """The executed steps of a program, from the first."""
    return table.partition_by("step_count", maintain_order=True)


def discharges(table: pl.DataFrame) -> Doubles:
    """What the discharges to the limit delivered, by the file's own counter."""
    counter = pl.col("schedule_discharging_capacity_ah").max()
    return table.group_by("cycle_count", maintain_order=True).agg(counter).to_series(1).to_numpy()


def test_what_nobody_asked_for_is_not_told(lab: LabReport) -> None:
    """The default lab's truth has none of the options, keys or files that blocks bring."""
    truth = json.loads(lab.truth.read_text(encoding="utf-8"))
    assert not {"blocks", "scatter", "roles", "wafers"} & truth["options"].keys()
    assert not {"resistance", "rest_current_ampere", "rate_factors"} & truth["cells"][0].keys()
    assert "block_cells" not in truth
    assert lab.wafers is None


def test_every_block_is_found(full: LabReport) -> None:
    """A block is a module; each asked for brings as many cells as are cycled, all of them in the manifest."""
    truth = json.loads(full.truth.read_text(encoding="utf-8"))
    assert tuple(blocks()) == BLOCKS
    assert [cell["block"] for cell in truth["block_cells"]] == [name for name in BLOCKS for _ in range(3)]
    assert full.manifest.read_text(encoding="utf-8").count("\n") == 1 + 3 * (1 + len(BLOCKS))


def test_another_block_leaves_the_others_alone(tmp_path: Path, full: LabReport) -> None:
    """A block's files depend neither on the other blocks nor on the lives."""
    alone = simulate(tmp_path, replace(FULL, blocks=("storage",)))
    known = {path.name: path.read_bytes() for path in full.files[-6:] if path.name == "storage.csv"}
    assert [path.read_bytes() for path in alone.files[-1:]] == list(known.values())


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_read_whole(played: dict[str, tuple[Truth, pl.DataFrame]], name: str) -> None:
    """Our reader finds every row of a block, its temperature, and no step longer than the truth's run."""
    cell, table = played[name]
    assert table.height == cell["rows"]
    assert table["temperature_t1_celsius"].null_count() == 0
    assert table["test_time_second"][-1] == pytest.approx(cell["duration_second"], abs=1e-3)


def test_another_layout_tells_the_same_program(tmp_path: Path, played: dict[str, tuple[Truth, pl.DataFrame]]) -> None:
    """A storage test in the other vendor's layout has the same times, currents, temperatures and capacities."""
    report = simulate(tmp_path, replace(FULL, formats=("neware_csv",), blocks=("storage",)))
    other = parsers.read(report.files[-2])
    table, twin = played["storage"][1], other.measurements
    assert other.format == "neware_csv"
    for name, within in (("test_time_second", 1e-3), ("current_ampere", 1e-10), ("temperature_t1_celsius", 0.05)):
        assert twin[name].to_numpy() == pytest.approx(table[name].to_numpy(), abs=within)
    found = twin.group_by("cycle_count", maintain_order=True).agg(pl.col("step_discharging_capacity_ah").max())
    assert found.to_series(1).to_numpy() == pytest.approx(discharges(table), rel=1e-6)


@pytest.mark.parametrize("name", ["pulse", "gitt"])
def test_a_coarse_layout_is_not_asked(name: str) -> None:
    """What a clock in ms or a voltmeter of 0.1 mV would hide is written in a layout that shows it."""
    able = [layout.name for layout in layouts().values() if blocks()[name].shows_in(layout)]
    assert able == ["arbin_csv"]


def test_resistance_grows_and_shows(full: LabReport) -> None:
    """Where a rest ends, the voltage jumps by the truth's ohmic resistance times the current, in every cycle."""
    cell = load_cells(full)[1]
    table = parsers.read(full.manifest.parent / cell["file"]).measurements
    steps = steps_of(table)
    told = np.array(cell["resistance"]["ohmic_resistance_ohm"])
    pairs = [(rest, step) for rest, step in pairwise(steps) if step["current_ampere"][0] < -1e-6]
    jumps = [(rest["voltage_volt"][-1] - step["voltage_volt"][0], -step["current_ampere"][0]) for rest, step in pairs]
    found = np.array([volts / ampere for volts, ampere in jumps])
    assert found == pytest.approx(told, rel=0.01)
    assert told[-1] / told[0] > 1.2


def test_a_resting_channel_shows_its_offset(full: LabReport) -> None:
    """At rest the displayed current is the truth's offset, within its noise."""
    cell = load_cells(full)[1]
    table = parsers.read(full.manifest.parent / cell["file"]).measurements
    resting = table.filter(pl.col("current_ampere").abs() < 0.01 * cell["nominal_capacity_ah"])["current_ampere"]
    assert cell["rest_current_ampere"] == cell["current_offset_ampere"] != 0.0
    assert float(np.mean(resting.to_numpy())) == pytest.approx(cell["rest_current_ampere"], abs=2e-10)


def test_pulses_drop_by_the_told_resistance(played: dict[str, tuple[Truth, pl.DataFrame]]) -> None:
    """Voltage change over current at the told times is the truth's resistance, in every well-sampled pulse."""
    cell, table = played["pulse"]
    steps = steps_of(table)
    for pulse in (pulse for pulse in cell["injected"]["pulses"] if pulse["train"] == "long"):
        step, before = steps[pulse["step_count"] - 1], steps[pulse["step_count"] - 2]["voltage_volt"][-1]
        at = [int(np.argmin(np.abs(step["step_time_second"].to_numpy() - second))) for second in pulse["told_second"]]
        found = (step["voltage_volt"].to_numpy()[at] - before) / pulse["current_ampere"]
        assert found == pytest.approx(pulse["resistance_ohm"], rel=2e-3)


def test_one_train_is_sampled_too_coarsely(played: dict[str, tuple[Truth, pl.DataFrame]]) -> None:
    """Of the two trains of bursts one has eleven samples a burst, the other two."""
    cell, table = played["pulse"]
    records = dict(table.group_by("step_count").len().iter_rows())
    trains = {
        name: {records[pulse["step_count"]] for pulse in cell["injected"]["pulses"] if pulse["train"] == name}
        for name in ("fine", "coarse")
    }
    assert trains == {"fine": {11}, "coarse": {2}}


def test_storage_loses_what_was_injected(played: dict[str, tuple[Truth, pl.DataFrame]]) -> None:
    """The counter's capacities before, after and once recharged scatter around the truth's; part of it came back."""
    cell, table = played["storage"]
    told, found = cell["injected"], discharges(table)
    before, after = [told["capacity_before_ah"]] * 5, [told["capacity_remaining_ah"], told["capacity_recovered_ah"]]
    assert found == pytest.approx([*before, *after], rel=1e-3)
    assert 0.0 < told["irreversible"] < told["self_discharge"] < 0.06


def test_the_open_circuit_falls_by_the_drain(played: dict[str, tuple[Truth, pl.DataFrame]]) -> None:
    """After relaxation the stored cell's voltage falls as the curve says that the drained charge lets it."""
    cell, table = played["storage"]
    stored = max(steps_of(table), key=lambda step: step["step_time_second"][-1])
    hours = stored["step_time_second"].to_numpy() / 3600.0
    soc = 1.0 - cell["injected"]["self_discharge_current_ampere"] * hours / cell["fresh_capacity_ah"]
    late = hours > 72.0
    assert stored["voltage_volt"].to_numpy()[late] == pytest.approx(np.interp(soc, SOC, OPEN_CIRCUIT)[late], abs=5e-5)


def test_a_float_current_ends_at_the_leakage(played: dict[str, tuple[Truth, pl.DataFrame]]) -> None:
    """Least squares over 1, 1/√t gives leakage plus offset and the decaying part."""
    cell, table = played["float"]
    held = max(steps_of(table), key=lambda step: step["step_time_second"][-1])
    terms = np.stack([np.ones(held.height), held["step_time_second"].to_numpy() ** -0.5], axis=1)
    found = np.linalg.lstsq(terms, held["current_ampere"].to_numpy(), rcond=None)[0]
    told = cell["injected"]
    noise = 2e-5 * cell["nominal_capacity_ah"]
    assert found[0] == pytest.approx(told["leakage_ampere"] + told["rest_current_ampere"], abs=0.5 * noise)
    assert found[1] == pytest.approx(told["decaying_ampere_root_second"], rel=0.01)


def test_calendar_loss_is_a_root_of_time(played: dict[str, tuple[Truth, pl.DataFrame]]) -> None:
    """One minus retention after months is the stated coefficient times the root of days, at the stated temperature."""
    cell, table = played["calendar"]
    told = cell["injected"]
    retained = np.array(told["capacities_ah"]) / told["capacities_ah"][0]
    assert 1.0 - retained == pytest.approx(told["loss_per_root_day"] * np.sqrt(told["days"]), abs=1e-3)
    assert set(table["temperature_t1_celsius"]) == {told["temperature_celsius"]} == {45.0}
    assert discharges(table)[::2] == pytest.approx(told["capacities_ah"], rel=1e-3)


def test_titration_gives_the_diffusion_coefficient(played: dict[str, tuple[Truth, pl.DataFrame]]) -> None:
    """Weppner and Huggins' formula over the pulses gives the median D/L² that the exact diffusion was made with."""
    cell, table = played["gitt"]
    told, steps = cell["injected"], steps_of(table)
    found = []
    for number in range(told["pulses"]):
        place = told["first_pulse_step_count"] - 1 + 2 * number
        before, pulse, after = steps[place - 1], steps[place], steps[place + 1]
        root = np.sqrt(pulse["step_time_second"].to_numpy())
        slope = np.polyfit(root[root > 2.0], pulse["voltage_volt"].to_numpy()[root > 2.0], 1)[0]
        steady = after["voltage_volt"][-1] - before["voltage_volt"][-1]
        tau = told["pulse_second"]
        found.append(4.0 / (np.pi * tau) * (steady / (slope * np.sqrt(tau))) ** 2)
    assert float(np.median(found)) == pytest.approx(told["diffusion_per_second"], rel=0.05)


def test_a_sweep_returns_to_room(played: dict[str, tuple[Truth, pl.DataFrame]]) -> None:
    """Temperatures are soaked in the stated order, and the last capacity is the first again."""
    cell, table = played["temperature"]
    told = cell["injected"]
    order = table["temperature_t1_celsius"].rle().struct.field("value").to_list()
    assert order == told["temperatures_celsius"]
    assert told["capacity_factors"][-1] == pytest.approx(1.0, abs=1e-3)
    assert told["capacity_factors"][4] == pytest.approx(0.81, abs=0.01)


def test_wafers_are_of_one_split_each() -> None:
    """With wafers asked for, every wafer has one process split, and as many wafers have each."""
    options = replace(FULL, cells=80)
    who = [design_cell(options, index, any_layout()).truth.identity for index in range(80)]
    splits = {(one.wafer, one.process_split) for one in who}
    assert sorted(split for _, split in splits) == ["S1", "S1", "S2", "S2"]
    assert len({wafer_name for wafer_name, _ in splits}) == 4
    assert len({one.cell_id for one in who}) == 80


def test_a_wafer_has_an_effect_of_its_own() -> None:
    """Dies of one wafer have in common what the coefficients leave; it differs from wafer to wafer."""
    effects = [wafer.effect(1, number) for number in range(200)]
    assert float(np.std(effects)) == pytest.approx(wafer.BETWEEN_WAFERS, rel=0.15)
    assert wafer.effect(1, 7) == effects[7]


def test_the_wafer_table_counts_from_the_centre(full: LabReport) -> None:
    """The wafers' manifest has one row per wafer, notch down, with the pitch that dies are placed by."""
    rows = list(csv.DictReader((full.wafers or Path()).read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 4
    assert {(row["notch"], row["centre_die_x"], float(row["die_pitch_x_mm"])) for row in rows} == {("down", "0", 16.0)}


def test_scatter_and_roles_are_as_asked() -> None:
    """All cells have the role asked for; the series scatters as asked around its law."""
    options = replace(SMALL, cells=40, cycles=60, roles=("slow",), scatter=2e-3)
    cells = [design_cell(options, index, any_layout()) for index in range(40)]
    assert {cell.truth.life.role for cell in cells} == {"slow"}
    steps = np.concatenate([np.diff(cell.operation.discharged[10:]) / cell.operation.fresh for cell in cells])
    assert float(np.std(steps)) / np.sqrt(2.0) == pytest.approx(2e-3, rel=0.1)


def test_the_command_takes_blocks(tmp_path: Path) -> None:
    """``cellar simulate --blocks`` writes a cell of each block for every cell that is cycled."""
    command = f"simulate {tmp_path} --cells 1 --cycles 4 --blocks float,storage --wafers 1 --scatter 0.001"
    assert CliRunner().invoke(app, command).exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("*/*/*.*")) == ["cycle_life.csv", "float.csv", "storage.csv"]
    assert (tmp_path / "wafers.csv").exists()


def test_an_unknown_block_is_refused(tmp_path: Path) -> None:
    """A block that does not exist is named, together with those that do."""
    with pytest.raises(UsageError, match="has no block weather; it has calendar, float, gitt, offset, pulse, rate"):
        simulate(tmp_path, replace(SMALL, blocks=("weather",)))


def test_an_unknown_layout_is_refused(tmp_path: Path) -> None:
    """A layout that does not exist is named, together with those that do."""
    with pytest.raises(UsageError, match="has no layout punch_cards; it has arbin_csv, biologic_mpr"):
        simulate(tmp_path, replace(SMALL, formats=("punch_cards",)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cycles": 3}, "cycles must be 4 or more, not 3"),
        ({"cycles": 19, "rate_blocks": True}, "cycles must be 20 or more, not 19"),
        ({"cycles": 19, "blocks": ("rate",)}, "cycles must be 20 or more, not 19"),
        ({"wafers": -1}, "wafers must be 0 or more, not -1"),
        ({"roles": ("hero",)}, "has no role hero; it has slow, fast, knee, medium"),
        ({"points": 1}, "points must be 4 or more, not 1"),
        ({"firms": ()}, "needs at least one firm"),
        ({"start": datetime(2026, 1, 1)}, "needs a time zone"),  # noqa: DTZ001 that is what is refused
    ],
)
def test_impossible_options_are_refused(changes: dict[str, Any], message: str) -> None:
    """Options that cannot be simulated raise UsageError when they are made."""
    with pytest.raises(UsageError, match=message):
        replace(SMALL, **changes)

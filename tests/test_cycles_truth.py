"""Steps and cycles against truths from outside: the virtual lab's own figures, and a plain loop over real records."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import parsers
from flows.virtual_lab import LabOptions, simulate
from warehouse.conform import conform
from warehouse.cycles import derive_cycles, infer_convention
from warehouse.derivation import PLATFORM
from warehouse.steps import derive_steps

Truth = dict[str, Any]
FORMATS = ("arbin_csv", "biologic_mpr", "biologic_mpt", "maccor_txt", "neware_csv")
LABS = {
    "ageing": LabOptions(cells=5, cycles=25, long_cells=1, seed=7),
    "rate": LabOptions(cells=5, cycles=30, long_cells=1, seed=11, rate_blocks=True),
    "short": LabOptions(cells=5, cycles=20, long_cells=0, seed=3, rate_blocks=True),
    "sparse": LabOptions(cells=5, cycles=6, long_cells=0, seed=5, points=4),
}
# The files' own boundaries are the derived ones here, and no gap or minor run complicates the loop below.
REAL = {
    "biologic_mpr/dgbowl-yadg__gcpl.issue_211.mpr": "full_charge_first",
    "neware_nda/EmpaEconversion-fastnda__unzipped__TestFile.nda": "full_discharge_first",
    "neware_ndax/EmpaEconversion-fastnda__nw4-120-1-6-53.ndax": "full_charge_first",
    "maccor/TRI-AMDD-beep__xTESLADIAG_000038con.078": "full_charge_first",
}


class Derived:
    """What reading, gate and derivation make of one cell of a virtual lab, and its truth."""

    def __init__(self, folder: Path, lab: Truth, cell: Truth) -> None:
        reading = parsers.read(folder / cell["file"])
        measurements, _ = conform(reading.measurements, reading.spectra, cell["file"])
        steps = derive_steps(measurements, PLATFORM)
        self.convention = infer_convention(steps, PLATFORM)
        self.steps, self.cycles = derive_cycles(steps, self.convention, PLATFORM)
        self.truth = cell["cycles"]
        self.tolerance = lab["capacity_tolerance"]

    def differs(self, column: str, truth: str) -> float:
        """Return the largest relative difference over all cycles."""
        expected = np.array(self.truth[truth])
        return float(np.max(np.abs(self.cycles[column].to_numpy() / expected - 1)))


@pytest.fixture(scope="module", params=LABS)
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Derived]:
    """Every cell of a lab, by its format."""
    folder = tmp_path_factory.mktemp(request.param)
    report = simulate(folder, LABS[request.param])
    truth = json.loads(report.truth.read_text(encoding="utf-8"))
    return {cell["format"]: Derived(folder, truth, cell) for cell in truth["cells"]}


@pytest.mark.parametrize("name", FORMATS)
def test_every_cycle_is_found(lab: dict[str, Derived], name: str) -> None:
    """A charge-first cell is known as such, with as many cycles as it ran."""
    assert lab[name].convention == "full_charge_first"
    assert lab[name].cycles["cycle"].to_list() == list(range(1, len(lab[name].truth["class"]) + 1))


@pytest.mark.parametrize("name", FORMATS)
def test_capacities_are_the_displayed_ones(lab: dict[str, Derived], name: str) -> None:
    """Charge and discharge capacity of every cycle are the instrument's, within the lab's stated tolerance."""
    cell = lab[name]
    assert cell.differs("charging_capacity_ah", "displayed_charging_capacity_ah") < cell.tolerance
    assert cell.differs("discharging_capacity_ah", "displayed_discharging_capacity_ah") < cell.tolerance


@pytest.mark.parametrize("name", FORMATS)
def test_efficiency_is_the_displayed_one(lab: dict[str, Derived], name: str) -> None:
    """Coulombic efficiency of every cycle is the instrument's, within the tolerance of both capacities."""
    cell = lab[name]
    assert cell.differs("coulombic_efficiency", "displayed_coulombic_efficiency") < 2 * cell.tolerance


@pytest.mark.parametrize("name", FORMATS)
def test_the_trapezoid_is_the_one_that_was_foretold(lab: dict[str, Derived], name: str) -> None:
    """Without the counter, the charge of every cycle is the trapezoid that the lab computed in closed form."""
    cell = lab[name]
    into = cell.steps.filter((pl.col("charge_ah") > 0) & (pl.col("cycle") > 0))
    charge = into.group_by("cycle", maintain_order=True).agg(pl.col("charge_ah").sum())["charge_ah"].to_numpy()
    assert np.abs(charge / cell.truth["trapezoid_charging_capacity_ah"] - 1).max() < cell.tolerance


@pytest.mark.parametrize("name", FORMATS)
def test_classes_are_the_ones_that_were_run(lab: dict[str, Derived], name: str) -> None:
    """Formation, rate and ageing are told apart as they were scheduled."""
    assert lab[name].cycles["class"].to_list() == lab[name].truth["class"]


@pytest.mark.parametrize("name", FORMATS)
def test_currents_are_the_set_ones(lab: dict[str, Derived], name: str) -> None:
    """The mean discharging current of every cycle is the set current."""
    cell = lab[name]
    currents = -cell.cycles["mean_discharging_current_ampere"].to_numpy()
    assert currents == pytest.approx(cell.truth["set_current_ampere"], rel=cell.tolerance)


def naive_steps(measurements: pl.DataFrame) -> list[tuple[float, float]]:
    """Charge in Ah and energy in Wh of each of the file's own steps, record by record."""
    names = ("step_count", "test_time_second", "voltage_volt", "current_ampere")
    rows = measurements.select(names).rows()
    found = [[0.0, 0.0]]
    for (step, t0, v0, i0), (following, t1, v1, i1) in pairwise(rows):
        if following != step:
            found.append([0.0, 0.0])
            continue
        found[-1][0] += (i0 + i1) / 2 * (t1 - t0) / 3600
        found[-1][1] += (v0 * i0 + v1 * i1) / 2 * (t1 - t0) / 3600
    return [(charge, energy) for charge, energy in found]


def naive_efficiencies(charges: list[float], first: int) -> list[float]:
    """Discharge over charge of each pair of half cycles that is whole."""
    halves: list[float] = []
    for charge in charges:
        if charge and halves and halves[-1] * charge > 0:
            halves[-1] += charge
        elif charge:
            halves.append(charge)
    pairs = list(zip(halves[::2], halves[1::2], strict=False))
    return [-out / into if first > 0 else -into / out for into, out in pairs]


@pytest.fixture(scope="module", params=REAL)
def real(request: pytest.FixtureRequest, corpus: Path) -> tuple[pl.DataFrame, str]:
    """A real file without its counters, and the convention of its cell."""
    found = parsers.read(corpus / request.param).measurements
    kept = [name for name in found.columns if not name.endswith(("capacity_ah", "energy_wh"))]
    return found.select(kept), REAL[request.param]


def test_charge_agrees_with_a_plain_loop(real: tuple[pl.DataFrame, str]) -> None:
    """The charge of every step of a real file is that of a loop over its records, to 1e-9."""
    expected = [charge for charge, _ in naive_steps(real[0])]
    assert derive_steps(real[0], PLATFORM)["charge_ah"].to_list() == pytest.approx(expected, rel=1e-9, abs=1e-20)


def test_energy_agrees_with_a_plain_loop(real: tuple[pl.DataFrame, str]) -> None:
    """The energy of every step of a real file is that of a loop over its records, to 1e-9."""
    expected = [energy for _, energy in naive_steps(real[0])]
    assert derive_steps(real[0], PLATFORM)["energy_wh"].to_list() == pytest.approx(expected, rel=1e-9, abs=1e-20)


def test_efficiency_agrees_with_a_plain_loop(real: tuple[pl.DataFrame, str]) -> None:
    """The coulombic efficiency of every cycle of a real file is that of a loop over its steps, to 1e-9."""
    measurements, convention = real
    first = 1 if convention == "full_charge_first" else -1
    expected = naive_efficiencies([charge for charge, _ in naive_steps(measurements)], first)
    cycles = derive_cycles(derive_steps(measurements, PLATFORM), convention, PLATFORM)[1]
    found = cycles.filter(pl.col("class") != "incomplete")["coulombic_efficiency"].to_list()
    assert found == pytest.approx(expected[: len(found)], rel=1e-9)
    assert len(expected) - len(found) <= 1

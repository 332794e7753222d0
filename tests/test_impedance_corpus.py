"""Real spectra: what an independent library makes of them, and a real temperature series."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from made_spectra import NOWHERE, RECIPE

import parsers
from warehouse.impedance.arrhenius import fit_arrhenius
from warehouse.impedance.figures import Geometry
from warehouse.impedance.tables import SpectrumResults, fit_spectra

REFERENCE: Final = tomllib.loads((Path(__file__).parent / "corpus" / "impedance_reference.toml").read_text("utf-8"))
WHOLE: Final = [entry for entry in REFERENCE["spectrum"] if entry["whole"]]
UPPER: Final = [entry for entry in REFERENCE["spectrum"] if not entry["whole"]]
# As the technician who measured them named the files: the files themselves hold no temperature.
STATED: Final = {
    "jdhuang-csm-hybrid-drt__hist__PEIS_TSeq2_25C_#60_C01.mpr": 25.0,
    "jdhuang-csm-hybrid-drt__hist__PEIS_TSeq3_15C_#56_C01.mpr": 15.0,
    "jdhuang-csm-hybrid-drt__hist__PEIS_TSeq4_5C_#58_C01.mpr": 5.0,
    "jdhuang-csm-hybrid-drt__hist__PEIS_TSeq5_-5C_#58_C01.mpr": -5.0,
    "jdhuang-csm-hybrid-drt__hist__PEIS_TSeq6_-15C_#56_C01.mpr": -15.0,
    "jdhuang-csm-hybrid-drt__PEIS_LPSCl_IonBlocking_-25C.mpr": -25.0,
}


def load(path: Path) -> pl.DataFrame:
    spectra = parsers.read(path).spectra
    return spectra.with_columns(pl.lit(path.name).alias("test_id"), pl.lit(1, dtype=pl.Int64).alias("revision"))


def label(entry: dict[str, Any]) -> str:
    return f"{Path(entry['file']).stem}-{entry['spectrum_index']}"


@pytest.fixture(scope="module")
def series(corpus: Path) -> SpectrumResults:
    """A pressed electrolyte between blocking electrodes, from 25 to -25 °C."""
    frames = [load(corpus / "biologic_mpr" / name) for name in STATED]
    return fit_spectra(pl.concat(frames, how="diagonal"), NOWHERE, RECIPE, STATED)


@pytest.mark.parametrize("entry", WHOLE, ids=label)
def test_cells_agree_with_impedance_py(corpus: Path, entry: dict[str, Any]) -> None:
    """Every resistance that impedance.py finds lies in our interval, its misfit is ours."""
    results = fit_spectra(load(corpus / entry["file"]), NOWHERE, RECIPE)
    mine = pl.col("spectrum_index") == entry["spectrum_index"]
    assert results.fits.filter(mine)["misfit"][0] == pytest.approx(entry["misfit"], rel=1e-3)
    arcs = results.elements.filter(mine, pl.col("element").str.starts_with("R"), pl.col("element") != "R0")
    assert arcs.height == 3
    for row in arcs.drop_nulls("resistance_ohm").iter_rows(named=True):
        other, error = entry[row["element"]]
        assert row["resistance_low_ohm"] < other < row["resistance_high_ohm"]
        assert row["resistance_ohm"] == pytest.approx(other, abs=error)


@pytest.mark.parametrize("entry", UPPER, ids=label)
def test_blocking_cells_agree_with_impedance_py(series: SpectrumResults, entry: dict[str, Any]) -> None:
    """R_hf over ten decades of modulus holds what impedance.py finds with another circuit from 1 kHz up."""
    (row,) = series.fits.filter(pl.col("test_id") == Path(entry["file"]).name).iter_rows(named=True)
    other = entry["R0"][0] + entry["R1"][0]
    assert row["hf_resistance_low_ohm"] < other < row["hf_resistance_high_ohm"]


def test_blocking_cells_have_no_interface(series: SpectrumResults) -> None:
    """Between blocking electrodes no resistance of an interface is told."""
    assert series.fits["interface_resistance_ohm"].null_count() == len(STATED)
    assert set(series.fits["interface_resistance_reason"]) <= {"no_interface_arc", "hidden_by_tail"}


def test_activation_energy_of_a_real_series(series: SpectrumResults) -> None:
    """The series gives 0.36 eV by ln(1/R) with an interval of a few hundredths, in the range known for argyrodites."""
    fits = series.fits.with_columns(pl.lit("F").alias("firm"), pl.lit("pellet").alias("cell_id"))
    rows = {row["form"]: row for row in fit_arrhenius(fits, RECIPE).iter_rows(named=True)}
    plain, by_temperature = rows["ln(1/R)"], rows["ln(T/R)"]
    assert plain["status"] == "fitted"
    assert plain["temperature_sources"] == "stated"
    assert plain["spectra"] == 6
    assert plain["activation_energy_electronvolt"] == pytest.approx(0.358, abs=0.005)
    width = plain["activation_energy_high_electronvolt"] - plain["activation_energy_low_electronvolt"]
    assert 0.001 < width < 0.03
    assert by_temperature["activation_energy_electronvolt"] == pytest.approx(0.382, abs=0.005)
    assert plain["r_squared"] > 0.999


def test_temperature_is_not_taken_from_a_name(corpus: Path) -> None:
    """A file whose name says -25C has no temperature until somebody states it."""
    fits = fit_spectra(load(corpus / "biologic_mpr" / next(reversed(STATED))), NOWHERE, RECIPE).fits
    assert fits["temperature_celsius"].to_list() == [None]
    assert fits["temperature_source"].to_list() == [None]


def test_conductivity_only_where_the_band_reaches(corpus: Path) -> None:
    """With a geometry stated, the coldest spectrum's arc is far enough inside the band; at 25 °C it lies above."""
    pellet = Geometry(0.785e-4, "electrode", 0.8e-3)
    cold, warm = (
        fit_spectra(load(corpus / "biologic_mpr" / name), pellet, RECIPE).fits.row(0, named=True)
        for name in (next(reversed(STATED)), next(iter(STATED)))
    )
    assert cold["ionic_conductivity_low_siemens_per_metre"] < cold["ionic_conductivity_siemens_per_metre"]
    assert warm["ionic_conductivity_siemens_per_metre"] is None
    assert warm["ionic_conductivity_reason"] == "band_below_electrolyte"


def test_full_solid_state_cell_is_refused_not_bent(corpus: Path) -> None:
    """The solid-state full cell has more overlapping processes than the circuits: sound, but refused as a misfit."""
    row = fit_spectra(load(corpus / "biologic_mpr" / "jdhuang-csm-hybrid-drt__PEIS_SSB.mpr"), NOWHERE, RECIPE).fits
    assert row["reason"].to_list() == ["misfit"]
    assert row["kramers_kronig_rms"][0] < 0.005
    assert row["acir_real_ohm"][0] == pytest.approx(154.7, abs=0.5)


@pytest.mark.parametrize(
    "name",
    [
        "biologic_mpt/cheminfo-biologic-converter__peis.mpt",
        "biologic_mpt/kbknudsen-PyEIS__ex1.mpt",
        "eis_other/ECSHackWeek-impedance.py__exampleDataBioLogic.mpt",
        "biologic_mpr/dgbowl-yadg__geis.issue_149.mpr",
    ],
)
def test_noisy_files_are_refused(corpus: Path, name: str) -> None:
    """Spectra with scatter of several per cent fail the Kramers-Kronig test, and their points are named."""
    fits = fit_spectra(load(corpus / name), NOWHERE, RECIPE).fits
    assert set(fits["reason"]) == {"kramers_kronig"}
    assert fits["failing_points"].str.len_chars().min() > 0  # type: ignore[operator]  # the column is not empty


def test_single_point_is_not_applicable(corpus: Path) -> None:
    """A resistance measurement at one frequency is no spectrum to fit."""
    fits = fit_spectra(load(corpus / "biologic_mpt" / "cheminfo-biologic-converter__zir.mpt"), NOWHERE, RECIPE).fits
    assert fits.select("status", "reason", "points").rows() == [("not_applicable", "too_few_points", 1)]

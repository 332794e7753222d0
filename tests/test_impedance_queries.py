"""The questions about impedance, asked of stored tables."""

from __future__ import annotations

import polars as pl
import pytest
from made_cells import commit, cycle, measure
from made_spectra import CELL, RECIPE, disturb, frame, sweep

from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.impedance import Geometry, fit_arrhenius, fit_spectra
from warehouse.parts import store_tables
from warehouse.publish import Owner
from warehouse.registry import STORED_FILE, TEST
from warehouse.schema import ARRHENIUS, SPECTRUM_ELEMENTS, SPECTRUM_FITS, Table

HERTZ = sweep()
AREA = Geometry(1e-4, "electrode")


@pytest.fixture
def home(local_home: Home) -> Home:
    """Two firms, each with a cell C1 whose spectra at three temperatures were fitted and stored."""
    for number, firm in enumerate("AB"):
        add_firm(local_home, firm)
        put_cells(local_home, [{"firm": firm, "cell_id": "C1"}])
        store(local_home, firm, 25.0 * number)
    return local_home


def store(home: Home, firm: str, warmer: float) -> None:
    """Commit three tests of a firm's cell and store what the night would."""
    fits = []
    for celsius, factor in ((0.0, 1.0), (20.0, 0.4), (40.0, 0.2)):
        name = commit(home, f"{firm}-{celsius}", measure(cycle([1e-3 * factor])), Owner(firm, "C1", "option"))
        test = home.registry.row(TEST, test_id=name)
        assert test is not None
        points = frame(HERTZ, disturb(CELL.at(HERTZ) * factor, 0.001), temperature_celsius=celsius + warmer)
        results = fit_spectra(points.with_columns(pl.lit(name).alias("test_id")), AREA, RECIPE)
        keep(home, test, SPECTRUM_FITS, results.fits)
        keep(home, test, SPECTRUM_ELEMENTS, results.elements)
        fits.append(results.fits)
    cell = pl.concat(fits).with_columns(pl.lit(firm).alias("firm"), pl.lit("C1").alias("cell_id"))
    keep(home, {**test, "test_id": None}, ARRHENIUS, fit_arrhenius(cell, RECIPE))


def keep(home: Home, test: dict[str, object], table: Table, rows: pl.DataFrame) -> None:
    listed = store_tables(home, test, ((table, rows, 0),))
    with home.registry.write() as connection:
        home.registry.put(connection, STORED_FILE, listed)


@pytest.mark.parametrize("name", ["spectrum_fits", "spectrum_elements", "arrhenius"])
def test_firm_sees_its_own_rows(home: Home, name: str) -> None:
    """A firm gets the rows of its own tests and cells, all firms together get both."""
    own = home.query(name, firm="A")
    assert own.height > 0
    assert home.query(name).height == own.height + home.query(name, firm="B").height


def test_fits_are_as_stored(home: Home) -> None:
    """Three spectra of the cell, fitted, each with its area resistance."""
    fits = home.query("spectrum_fits", firm="A", cell="C1")
    assert fits["status"].to_list() == ["fitted"] * 3
    assert (fits["hf_area_resistance_ohm_square_metre"] / fits["hf_resistance_ohm"]).to_list() == pytest.approx(
        [1e-4] * 3
    )


def test_energy_is_that_of_the_firms_cell(home: Home) -> None:
    """Cells of one name have the energies of their own temperatures."""
    energies = home.query("arrhenius").filter(pl.col("form") == "ln(1/R)", pl.col("quantity") == "hf_resistance")
    assert energies["firm"].to_list() == ["A", "B"]
    assert energies["lowest_temperature_celsius"].to_list() == [0.0, 25.0]
    assert energies["activation_energy_electronvolt"].n_unique() == 2

"""The questions about impedance, before any night."""

from __future__ import annotations

import polars as pl
import pytest
from made_cells import commit, cycle, measure
from made_spectra import CELL, disturb, frame, sweep

from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.publish import Owner
from warehouse.schema import SPECTRA, fill_columns

HERTZ = sweep()


@pytest.fixture
def home(local_home: Home) -> Home:
    """Two firms, each with a cell C1 whose spectra at three temperatures were fitted and stored."""
    for number, firm in enumerate("AB"):
        add_firm(local_home, firm)
        put_cells(local_home, [{"firm": firm, "cell_id": "C1", "active_area_square_metre": 1e-4}])
        measure_cell(local_home, firm, 25.0 * number)
    return local_home


def measure_cell(home: Home, firm: str, warmer: float) -> None:
    """Commit three tests of a firm's cell, each with a spectrum at another temperature."""
    for celsius, factor in ((0.0, 1.0), (20.0, 0.4), (40.0, 0.2)):
        points = frame(HERTZ, disturb(CELL.at(HERTZ) * factor, 0.001), temperature_celsius=celsius + warmer)
        points = points.drop("test_id", "revision").cast({"spectrum_index": pl.Int64})
        spectra = fill_columns(points, SPECTRA)
        records = measure(cycle([1e-3 * factor]))
        commit(home, f"{firm}-{celsius}", records, Owner(firm, "C1", "option"), spectra=spectra)


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

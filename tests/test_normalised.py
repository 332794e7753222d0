"""Figures per area and volume, on rows that are registered by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import polars as pl
import pytest
from made_groups import rows_of

from warehouse.ask import fill_parameters, questions
from warehouse.recipe import Recipe, change_recipe
from warehouse.schema import CELL, CONDITIONS, RESISTANCE, SPECTRUM_FITS

QUESTION = questions()["normalised"]
# 100 µAh on 1 cm² of 2 µm LCO, 1.5 µm LiPON and 1.5 µm lithium: 50 µAh·cm⁻²·µm⁻¹.
FACTS = {
    "firm": "A",
    "cell_id": "C",
    "cathode": "LiCoO2",
    "active_area_square_metre": 1e-4,
    "cathode_thickness_metre": 2e-6,
    "electrolyte_thickness_metre": 1.5e-6,
    "anode_thickness_metre": 1.5e-6,
}
BLOCK = {"firm": "A", "cell_id": "C", "stands_for_cell": True, "capacity_ah": 1e-4, "energy_wh": 3.9e-4}


def normalise(
    cell: dict[str, Any],
    *,
    blocks: Sequence[dict[str, Any]] = (BLOCK,),
    fits: Sequence[dict[str, Any]] = (),
    edges: Sequence[dict[str, Any]] = (),
    recipe: Recipe | None = None,
) -> list[dict[str, Any]]:
    """Return the answer about one cell."""
    names = pl.lit("C").alias("cell_id"), pl.lit("A").alias("firm")
    with duckdb.connect() as database:
        database.register("cell", rows_of(CELL, [{**FACTS, **cell}]).to_arrow())
        database.register("conditions", rows_of(CONDITIONS, blocks).to_arrow())
        database.register("spectrum_fits", rows_of(SPECTRUM_FITS, fits).with_columns(names).to_arrow())
        database.register("resistance", rows_of(RESISTANCE, edges).with_columns(names).to_arrow())
        answer: pl.DataFrame = database.sql(fill_parameters(QUESTION.sql, recipe or Recipe())).pl()
    assert answer.columns == [name for name, _, _ in QUESTION.columns]
    return answer.to_dicts()


def test_units_of_the_field_come_out() -> None:
    """100 µAh/cm² are 1 Ah/m², 50 µAh·cm⁻²·µm⁻¹ are 500,000 Ah/m³, 390 µWh in 0.5 mm³ are 780,000 Wh/m³."""
    (row,) = normalise({})
    assert row["areal_capacity_ah_per_square_metre"] == pytest.approx(1.0)
    assert row["cathode_capacity_ah_per_cubic_metre"] == pytest.approx(5e5)
    assert row["energy_density_wh_per_cubic_metre"] == pytest.approx(7.8e5)
    assert (row["area_kind"], row["reason"], row["flags"]) == ("electrode", None, "")


def test_the_ceiling_of_lco_is_that_of_its_lattice() -> None:
    """137 mAh/g times 5.05 g/cm³ are 69 µAh·cm⁻²·µm⁻¹, which the recipe holds in Ah/m³."""
    ampere_hours_per_gram, grams_per_cubic_metre = 0.137, 5.05e6
    ceiling = Recipe().requirements.lco_ceiling_ah_per_cubic_metre
    assert ampere_hours_per_gram * grams_per_cubic_metre == pytest.approx(ceiling, rel=5e-3)
    assert normalise({})[0]["ceiling_ah_per_cubic_metre"] == 6.9e5


@pytest.mark.parametrize(("thickness", "flags"), [(1.45e-6, ""), (1.39e-6, ""), (1.37e-6, "above_ceiling")])
def test_more_than_the_lattice_holds_is_flagged(thickness: float, flags: str) -> None:
    """100 µAh/cm² in 1.39 µm is 4 % above 69 µAh·cm⁻²·µm⁻¹, which the margin allows; in 1.37 µm it is flagged."""
    assert normalise({"cathode_thickness_metre": thickness})[0]["flags"] == flags


def test_a_wrong_unit_of_the_area_is_flagged() -> None:
    """An area that was meant in cm² and taken in mm² puts a hundred times too much into the cathode."""
    assert normalise({"active_area_square_metre": 1e-6})[0]["flags"] == "above_ceiling"


def test_a_cathode_without_a_ceiling_is_not_flagged() -> None:
    """Nothing is known of what another cathode can hold."""
    (row,) = normalise({"cathode": "LVP", "cathode_thickness_metre": 1e-7})
    assert (row["ceiling_ah_per_cubic_metre"], row["flags"]) == (None, "")


def test_each_kind_of_area_has_its_row() -> None:
    """The same cell gives 100 µAh/cm² of electrode, 50 of die and 25 of package, and volumes of its electrode alone."""
    rows = normalise({"die_area_square_metre": 2e-4, "package_area_square_metre": 4e-4})
    found = {row["area_kind"]: row["areal_capacity_ah_per_square_metre"] for row in rows}
    assert found == pytest.approx({"electrode": 1.0, "die": 0.5, "package": 0.25})
    assert [row["energy_density_wh_per_cubic_metre"] is None for row in rows] == [True, False, True]


def test_areas_in_the_wrong_order_are_flagged() -> None:
    """A die smaller than its electrode, or a package smaller than its die, is a slip of the manifest."""
    rows = normalise({"die_area_square_metre": 5e-5, "package_area_square_metre": 2e-5})
    flags = {row["area_kind"]: row["flags"] for row in rows}
    assert flags == {
        "electrode": "",
        "die": "smaller_than_electrode",
        "package": "smaller_than_electrode,smaller_than_die",
    }


def test_without_an_area_nothing_is_normalised() -> None:
    """A cell whose manifest declares no area has one row, which says so."""
    (row,) = normalise({"active_area_square_metre": None})
    assert (row["area_kind"], row["reason"], row["areal_capacity_ah_per_square_metre"]) == (None, "no_area", None)


def test_without_cycles_there_is_no_capacity() -> None:
    """A cell that was never cycled has areas and no figures of capacity."""
    (row,) = normalise({}, blocks=())
    assert (row["reason"], row["areal_capacity_ah_per_square_metre"]) == ("no_capacity", None)


@pytest.mark.parametrize("layer", ["cathode", "electrolyte", "anode"])
def test_without_a_thickness_there_is_no_volume(layer: str) -> None:
    """One unknown layer leaves the areal figures, and no energy density."""
    (row,) = normalise({f"{layer}_thickness_metre": None})
    assert (row["reason"], row["energy_density_wh_per_cubic_metre"]) == ("no_thickness", None)
    assert row["areal_capacity_ah_per_square_metre"] == pytest.approx(1.0)


def test_only_the_block_that_stands_for_the_cell_counts() -> None:
    """Another block at a higher rate does not make another row."""
    (row,) = normalise({}, blocks=[BLOCK, {**BLOCK, "stands_for_cell": False, "capacity_ah": 5e-5}])
    assert row["capacity_ah"] == 1e-4


def test_resistances_become_area_resistances() -> None:
    """50 Ω on 1 cm² are 50 Ω·cm², 0.005 Ω·m²; of several spectra the median, of edges those at one second."""
    fits = [{"interface_resistance_ohm": ohm, "hf_resistance_ohm": 10.0} for ohm in (40.0, 50.0, 60.0)]
    load = {"edge": "load", "direction": "discharge", "after_second": 1.0, "resistance_ohm": 80.0}
    others = [{**load, "after_second": 10.0}, {**load, "direction": "charge"}, {**load, "edge": "release"}]
    edges = [load, *({**other, "resistance_ohm": 500.0} for other in others)]
    (row,) = normalise({}, fits=fits, edges=edges)
    assert row["interface_area_resistance_ohm_square_metre"] == pytest.approx(0.005)
    assert row["hf_area_resistance_ohm_square_metre"] == pytest.approx(0.001)
    assert row["dc_area_resistance_ohm_square_metre"] == pytest.approx(0.008)


def test_refused_resistances_are_missing() -> None:
    """A spectrum without a figure and a cell without edges have no area resistance."""
    (row,) = normalise({}, fits=[{"status": "refused"}])
    assert row["interface_area_resistance_ohm_square_metre"] is None
    assert row["dc_area_resistance_ohm_square_metre"] is None


def test_the_ceiling_is_of_the_recipe() -> None:
    """A firm that knows its cathode better changes names and ceiling in its recipe."""
    changed = {"requirements": {"lco_names": ["nmc"], "lco_ceiling_ah_per_cubic_metre": 4e5}}
    (row,) = normalise({"cathode": "NMC"}, recipe=change_recipe(Recipe(), changed))
    assert (row["ceiling_ah_per_cubic_metre"], row["flags"]) == (4e5, "above_ceiling")

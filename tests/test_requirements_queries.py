"""Groups, score sheets and normalised figures as a firm asks for them, from records to answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from made_cells import commit, cycle, measure

from warehouse.ask import questions
from warehouse.home import Home
from warehouse.identity import add_firm
from warehouse.manifest import import_manifest
from warehouse.publish import Owner

MANIFEST = "firm,cell_id,nominal_capacity_uah,active_area_mm2,voltage_upper_volt,voltage_lower_volt,process_split\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Seven cells of two splits, twelve cycles each; one cell of another firm."""
    folder: Path = tmp_path_factory.mktemp("home")
    made = Home(folder / "home")
    for firm in ("ACME", "OTHER"):
        add_firm(made, firm, firm)
    rows = [f"ACME,C{n},1000,100,4.0,3.0,{'AB'[n == 0]}\n" for n in range(7)]
    (folder / "cells.csv").write_text(MANIFEST + "".join(rows) + "OTHER,X,1000,100,4.0,3.0,A\n", encoding="utf-8")
    import_manifest(made, folder / "cells.csv")
    for firm, cell in [*(("ACME", f"C{n}") for n in range(7)), ("OTHER", "X")]:
        commit(made, f"{firm}{cell}", measure(cycle([1e-3] * 12, 0.999)), Owner(firm, cell, "option"))
    yield made
    made.close()


@pytest.mark.parametrize("name", ["conditions", "exposures", "replicates", "application", "normalised"])
def test_answers_have_the_columns_of_their_heads(home: Home, name: str) -> None:
    """An answer's columns are those that the question's head declares, in this order."""
    assert home.query(name, firm="ACME").columns == [column for column, _, _ in questions()[name].columns]


def test_a_firm_sees_its_own_groups(home: Home) -> None:
    """Six cells of split A and one of B are two groups; the other firm's cell is in none of them."""
    rows = home.query("replicates", firm="ACME").filter(pl.col("metric") == "reference_capacity_ah")
    assert sorted(rows.select("process_split", "n").rows()) == [("A", 6), ("B", 1)]
    assert rows["cells"].str.contains("X").any() is False


def test_asked_about_a_cell_the_answer_is_about_its_group(home: Home) -> None:
    """Of one cell the replicates are its group's, and the score sheet is its own and its group's."""
    assert home.query("replicates", firm="ACME", cell="C0")["process_split"].unique().to_list() == ["B"]
    sheet = home.query("application", firm="ACME", cell="C0")
    assert sheet.select("scope", "cell_id").unique().sort("scope").rows() == [("cell", "C0"), ("type", None)]
    assert sheet["replicate_group"].n_unique() == 1


def test_answers_name_the_recipe(home: Home) -> None:
    """Each row says which recipe it was made with."""
    label = home.query("replicates", firm="ACME")["recipe"].unique().to_list()
    assert len(label) == 1
    assert label == home.query("application", firm="ACME")["recipe"].unique().to_list()
    assert label == home.query("normalised", firm="ACME")["recipe"].unique().to_list()


def test_areal_capacity_is_the_same_by_either_question(home: Home) -> None:
    """1 mAh on 100 mm² are 10 Ah/m², in the normalised figures and in the median of the replicates."""
    per_cell = home.query("normalised", firm="ACME", cell="C0")["areal_capacity_ah_per_square_metre"].item()
    rows = home.query("replicates", firm="ACME", cell="C0")
    of_group = rows.filter(pl.col("metric") == "areal_capacity_ah_per_square_metre")["median"].item()
    assert (per_cell, of_group) == pytest.approx((10.0, 10.0))

"""A second opinion on real files: what the warehouse says of them, computed again by another way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from load_inputs import inputs_of
from naive import Half, by_net_counter, by_two_counters, naive_dqdv, naive_halves

import parsers
from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.tables import TABLES, compute_loads
from warehouse.metrics import inputs as given

Rise = Callable[[dict[str, float], dict[str, float], int], float]
FILES: dict[str, tuple[str, Rise, int]] = {
    "neware_ndax": ("neware_ndax/EmpaEconversion-fastnda__test_2.ndax", by_two_counters("step"), 1),
    "biologic_mpr": ("biologic_mpr/cheminfo-biologic-converter__jdb11-1.mpr", by_net_counter, 1),
    "landt_xlsx": ("landt/jepegit-cellpy__custom_data_002.xlsx", by_two_counters("cycle"), -1),
}
RECIPE = LoadsRecipe()
CLOSE = 1e-9


@dataclass(frozen=True)
class Both:
    """A file's cycles as the warehouse has them, and its halves by the naive way."""

    inputs: given.TestInputs
    cycles: list[dict[int, Half]]


@pytest.fixture(scope="module", params=FILES)
def both(request: pytest.FixtureRequest, corpus: Path) -> Both:
    """A real file, seen both ways."""
    name, rise, first = FILES[request.param]
    frame = parsers.read(corpus / name).measurements
    cycles: list[dict[int, Half]] = []
    for half in naive_halves(frame, rise):
        if half.way == first or not cycles:
            cycles.append({})
        cycles[-1][half.way] = half
    return Both(inputs_of(frame), cycles)


def complete(both: Both) -> list[tuple[dict[int, Half], dict[str, float]]]:
    rows = both.inputs.cycles.to_dicts()
    pairs = zip(both.cycles, rows, strict=True)
    return [(halves, row) for halves, row in pairs if row["class"] != "incomplete"]


def test_capacities_and_efficiency_agree(both: Both) -> None:
    """Capacity and coulombic efficiency of every complete cycle agree to a billionth."""
    found = complete(both)
    assert len(found) >= 5
    for halves, row in found:
        assert row["charging_capacity_ah"] == pytest.approx(halves[1].charge, rel=CLOSE)
        assert row["discharging_capacity_ah"] == pytest.approx(halves[-1].charge, rel=CLOSE)
        assert row["coulombic_efficiency"] == pytest.approx(halves[-1].charge / halves[1].charge, rel=CLOSE)


def test_fade_agrees(both: Both) -> None:
    """Retention over the first ageing cycle agrees to a billionth."""
    ageing = [(halves, row) for halves, row in complete(both) if row["class"] == "ageing"]
    reference, first = ageing[0][0][-1].charge, ageing[0][1]["discharging_capacity_ah"]
    for halves, row in ageing:
        assert row["discharging_capacity_ah"] / first == pytest.approx(halves[-1].charge / reference, rel=CLOSE)


def test_dqdv_agrees(both: Both) -> None:
    """Every point of every curve that is shown agrees to a billionth of the curve's largest."""
    curves = compute_loads(both.inputs, RECIPE)[[table.name for table in TABLES].index("dqdv")]
    shown = curves.filter(pl.col("status") == "shown").partition_by("cycle", "direction", as_dict=True)
    assert len(shown) >= 10
    for (cycle, direction), curve in shown.items():
        half = both.cycles[cycle - 1][1 if direction == "charge" else -1]
        naive = naive_dqdv(half, RECIPE.grid_volt, RECIPE.window)
        points = {round(volt, 9): value for volt, value in curve.select("voltage_volt", "dqdv_ah_per_volt").iter_rows()}
        assert points.keys() == naive.keys()
        largest = max(naive.values())
        assert all(abs(points[volt] - value) <= CLOSE * largest for volt, value in naive.items())

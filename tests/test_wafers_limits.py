"""Specifications: limits with conditions, the bins that follow from them, and the yields that follow from bins."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy import special
from wafer_inputs import (
    FIRM,
    PITCH,
    RECIPE,
    Cell,
    compute,
    make_cells,
    make_fade,
    make_inputs,
    make_limit,
    make_summary,
    make_wafer,
    rows,
)

from warehouse import schema
from warehouse.home import Home
from warehouse.manifest import import_manifest
from warehouse.registry import SQL_TABLES
from warehouse.schema import DIE_BINS
from warehouse.statistics import wilson_interval
from warehouse.wafers.conditions import CONDITIONS
from warehouse.wafers.quantities import QUANTITIES, name_quantity
from warehouse.wafers.reasons import REASONS
from warehouse.wafers.units import find_unit, limits_in_si
from warehouse.wafers.yields import find_murphy, find_poisson

ROW = [(x, 0) for x in range(10)]
CAPACITY = make_limit("capacity", 90, None, "uAh")


def write_csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def by_capacity(capacity: dict[int, float]) -> Any:
    """Return the summaries of cells whose capacity is given in µAh by their die's column; 100 elsewhere."""

    def summarise(cell: Cell) -> dict[str, Any]:
        return make_summary(cell, reference_capacity_ah=capacity.get(cell["die_x"], 100.0) * 1e-6)

    return summarise


def verdicts(made: dict[str, pl.DataFrame], quantity: str) -> list[tuple[str, str | None]]:
    """Return verdict and reason of each cell on one quantity's limit."""
    told = made["specs"].filter(pl.col("scope") == "cell", pl.col("quantity") == quantity)
    return told.select("verdict", "reason").rows()


def one(frame: pl.DataFrame, **where: Any) -> dict[str, Any]:
    """Return the one row that these columns tell."""
    found = frame.filter(*(pl.col(name) == value for name, value in where.items()))
    assert found.height == 1
    return found.row(0, named=True)


def resistance(cell: Cell, **said: Any) -> pl.DataFrame:
    """Return one resistance of a cell, as the results of its test tell it."""
    known = {"test_id": "T", "revision": 1, "step_count": 1, "cycle": 3, "of": "cycle", "edge": "load"}
    known |= {"direction": "discharge", "status": "resolved", "at_end": False, "after_second": 1.0, "recipe": "made"}
    return rows(schema.RESISTANCE, [known | said]).with_columns(cell_id=pl.lit(cell["cell_id"]))


@pytest.mark.parametrize(
    ("unit", "found"),
    [
        ("uAh", ("Ah", 1e-6)),
        ("µAh", ("Ah", 1e-6)),
        ("㎂", ("A", 1e-6)),
        ("kΩ", ("Ω", 1e3)),
        ("Mohm", ("Ω", 1e6)),
        ("mohm", ("Ω", 1e-3)),
        ("%", ("", 0.01)),
        ("% / year", ("1/a", 0.01)),
        ("µAh/cm²", ("Ah/m²", 0.01)),
        ("Ω·cm²", ("Ω·m²", 1e-4)),
        ("min", ("s", 60.0)),
        ("Pa", None),
        ("furlong", None),
    ],
)
def test_units_lead_to_si(unit: str, found: tuple[str, float] | None) -> None:
    """A unit is taken as people write it, with the case of its prefix; what is not known is not guessed."""
    known = find_unit(unit)
    assert (known and (known[0], float(known[1]))) == found


def test_limits_are_exact_decimals() -> None:
    """A limit of 50.5 µAh is 5.05e-05 Ah to the last digit, and no resistance is measured in µAh."""
    assert limits_in_si("capacity", "uAh", 50.5, None) == {"lower_si": 5.05e-5, "upper_si": None, "unit_si": "Ah"}
    assert limits_in_si("resistance", "uAh", None, 1.0) is None
    assert name_quantity("용량 유지율") == "capacity_retention"


def test_manifest_of_limits(local_home: Home, tmp_path: Path) -> None:
    """Limits come by manifest, with conditions and units in the columns' names; what cannot be taken is told."""
    path = write_csv(
        tmp_path / "specs.csv",
        "firm,spec,revision,quantity,statistic,lower,upper,unit,cycle,temperature_celsius,c_rate,dod_percent,source",
        "A,DS1,1,용량,min,45,,µAh,,25,0.5,,data sheet",
        "A,DS1,1,retention,,80,,%,500,,,80,",
        "A,DS1,1,Leak check,max,,50,nA,,,,,",
        "A,DS1,1,resistance,max,,2,uAh,,,,,",
        "A,DS1,1,life,,,,cycles,,,,,",
        "A,DS1,1,energy,,3,2,uWh,,,,,",
        "A,DS1,0,energy,,3,,uWh,,,,,",
    )
    receipt = import_manifest(local_home, path)
    assert receipt.taken == {"specs": 3}
    assert [error.code for error in receipt.refused] == ["limit_unit", "limit_missing", "limit_order", "positive"]
    stored = local_home.registry.rows(SQL_TABLES["spec_limit"].select().order_by(SQL_TABLES["spec_limit"].c.quantity))
    assert [(row["quantity"], row["conditions"], row["lower_si"], row["upper_si"]) for row in stored] == [
        ("Leak check", "{}", None, 5e-8),
        ("capacity", '{"temperature_celsius": 25.0, "rate_per_hour": 0.5}', 4.5e-5, None),
        ("capacity_retention", '{"cycle": 500, "depth_of_discharge": 0.8}', 0.8, None),
    ]


def test_corrected_limit_is_converted_once(local_home: Home, tmp_path: Path) -> None:
    """A later manifest that corrects one side of a limit leaves the other where it was."""
    head = "firm,spec,revision,quantity,lower,upper,unit"
    import_manifest(local_home, write_csv(tmp_path / "a.csv", head, "A,S,1,capacity,45,60,uAh"))
    import_manifest(local_home, write_csv(tmp_path / "b.csv", head, "A,S,1,capacity,,65,uAh"))
    (row,) = local_home.registry.rows(SQL_TABLES["spec_limit"].select())
    assert (row["lower_si"], row["upper_si"]) == (4.5e-5, 6.5e-5)


def test_both_ends_of_a_limit_pass() -> None:
    """A value on a limit is within it; one beyond either end is not."""
    limit = make_limit("capacity", 90, 110, "uAh")
    values = {0: 90.0, 1: 110.0, 2: 89.999, 3: 110.001}
    made = compute(make_inputs(make_cells("L", "W", ROW[:4]), by_capacity(values), specs=[limit]))
    assert [verdict for verdict, _ in verdicts(made, "capacity")] == ["pass", "pass", "fail", "fail"]


def test_what_was_not_measured_is_not_tested() -> None:
    """A limit on what nobody measured is listed for every cell, as not tested and why."""
    made = compute(make_inputs(make_cells("L", "W", ROW[:2]), specs=[make_limit("leakage", None, 5, "nA")]))
    assert verdicts(made, "leakage") == [("not_tested", "not_measured")] * 2
    whole = one(made["specs"], scope="all", quantity="leakage")
    assert (whole["verdict"], whole["tested"], whole["cells"]) == ("not_tested", 0, 2)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (37.0, ("pass", None)),
        (38.9, ("pass", None)),
        (25.0, ("not_tested", "not_measured")),
        (None, ("not_tested", "temperature_celsius_unknown")),
    ],
)
def test_a_condition_must_be_known_and_met(measured: float | None, verdict: tuple[str, str | None]) -> None:
    """A figure counts at the limit's own temperature only; one of unknown temperature is shown and does not count."""
    (cell,) = make_cells("L", "W", ROW[:1])
    limit = make_limit("resistance", None, 2, "kohm", conditions={"temperature_celsius": 37.0, "pulse_second": 1.0})
    results = resistance(cell, resistance_ohm=1500.0, temperature_celsius=measured)
    made = compute(make_inputs([cell], specs=[limit], resistance=results))
    assert verdicts(made, "resistance") == [verdict]
    shown = one(made["specs"], scope="cell")["measured"]
    assert shown == (None if verdict[1] == "not_measured" else 1500.0)


def test_limit_at_a_cycle() -> None:
    """Retention at a cycle lies straight between the ageing cycles around it; before the cycle there is none."""
    cells = make_cells("L", "W", ROW[:3])
    fades = ({3: 1.0, 90: 0.84, 110: 0.80}, {3: 1.0, 110: 0.78}, {3: 1.0, 90: 0.9})
    fade = [row for cell, retention in zip(cells, fades, strict=True) for row in make_fade(cell, retention)]
    limit = make_limit("capacity_retention", 82, None, "%", conditions={"cycle": 100})
    made = compute(make_inputs(cells, fade=fade, specs=[limit]))
    told = made["specs"].filter(pl.col("scope") == "cell")
    assert told["verdict"].to_list() == ["pass", "fail", "not_tested"]
    assert told["measured"].to_list() == [pytest.approx(0.82), pytest.approx(1 - 0.22 * 97 / 107), None]


@pytest.mark.parametrize(
    ("life", "seen", "limit", "verdict"),
    [
        (None, 600, (500, None), ("pass", None)),
        (None, 400, (500, None), ("not_tested", "still_running")),
        (450.0, 600, (500, None), ("fail", None)),
        (550.0, 600, (500, None), ("pass", None)),
        (None, 600, (None, 500), ("fail", None)),
    ],
)
def test_life_that_goes_on(
    life: float | None, seen: int, limit: tuple[float | None, float | None], verdict: tuple[str, str | None]
) -> None:
    """A life that was not over passes a limit that it outlived, and is not tested by one that it has not reached."""
    (cell,) = make_cells("L", "W", ROW[:1])
    summary = make_summary(cell, end_of_life_cycle=life, end_of_life_censored=life is None)
    inputs = make_inputs(
        [cell],
        lambda _: summary,
        fade=make_fade(cell, {3: 1.0, seen: 0.9}),
        specs=[make_limit("life", *limit, "cycles")],
    )
    assert verdicts(compute(inputs), "life") == [verdict]


def test_typical_value_is_judged_by_the_interval() -> None:
    """A typical value holds for the median: decided where its interval is on one side, and of no cell alone."""
    cells = make_cells("L", "W", ROW)
    values = by_capacity({x: 95.0 + x for x in range(10)})
    for lower, verdict in ((90, "pass"), (99, "undecided"), (110, "fail")):
        limit = make_limit("capacity", lower, None, "uAh", statistic="typ")
        told = compute(make_inputs(cells, values, specs=[limit]))["specs"]
        assert told.select("scope", "verdict").rows() == [("all", verdict)]
    few = compute(make_inputs(cells[:3], values, specs=[make_limit("capacity", 90, None, "uAh", statistic="typ")]))
    assert one(few["specs"], scope="all")["reason"] == "too_few_cells"


def test_limits_of_a_stack_are_for_its_cells() -> None:
    """A specification for one layer stack says nothing of cells with another."""
    cells = [*make_cells("L", "W", ROW[:1], stack="A"), *make_cells("L", "W", ROW[1:2], stack="B")]
    made = compute(make_inputs(cells, specs=[CAPACITY | {"stack": "B"}]))
    assert made["specs"].filter(pl.col("scope") == "cell")["die_x"].to_list() == [1]
    assert made["wafer_dies"].sort("die_x")["bin"].to_list() == [None, 1]


def test_bins_say_what_is_wrong() -> None:
    """Each die goes to the bin of the first thing that is wrong with it."""
    cells = make_cells("L", "W", ROW[:7])
    given = [
        resistance(cells[1], resistance_ohm=2e6),
        resistance(cells[2], resistance_ohm=5e3),
        resistance(cells[3], resistance_ohm=5e3),
    ]
    leak = {"status": "measured", "leakage_ampere": 1e-8, "test_id": "T", "revision": 1, "step_count": 1, "recipe": "x"}
    leakage = rows(schema.FLOAT_LEAKAGE, [leak]).with_columns(cell_id=pl.lit(cells[4]["cell_id"]))
    limits = [CAPACITY, make_limit("resistance", None, 2, "kohm"), make_limit("leakage", None, 5, "nA")]
    inputs = make_inputs(
        cells,
        by_capacity({3: 50.0, 5: 0.0}),
        wafers=[make_wafer("L", "W", edge_exclusion_metre=0.004)],
        specs=limits,
        resistance=pl.concat(given),
        float_leakage=leakage,
    )
    dies = compute(inputs)["wafer_dies"].sort("die_x")
    # Dies 1 and 5 are open, 3 fails capacity before resistance, 6 lies on the rim.
    assert dies["bin"].to_list() == [1, 3, 5, 4, 6, 3, 8]
    assert dies["bin_name"].to_list() == [DIE_BINS[number] for number in dies["bin"]]
    assert dies["soft_bin"].to_list() == [100, 300, 509, 401, 613, 300, 800]
    assert dies["failed_quantity"].to_list() == [None, None, "resistance", "capacity", "leakage", None, None]


def test_short_is_told_by_its_voltage() -> None:
    """A die that a map measured at next to no volts is a short, whatever else is within limits."""
    die = {"firm": FIRM, "lot": "L", "wafer": "W", "revision": 1, "die_x": 0, "die_y": 0, "source_die_x": 0}
    value = die | {"source_die_y": 0, "quantity": "OCV", "value": 20.0, "unit": "mV", "passed": False}
    inputs = make_inputs(make_cells("L", "W", ROW[:1]), specs=[CAPACITY], maps=[made_map()], dies=[value])
    assert one(compute(inputs)["wafer_dies"], die_x=0)["bin_name"] == "short"


def made_map(**said: Any) -> dict[str, Any]:
    """Return an imported map of wafer W of lot L."""
    axes = {"notch": "down", "x_axis": "right", "y_axis": "up", "centre_die_x": 0, "centre_die_y": 0}
    known = {"firm": FIRM, "lot": "L", "wafer": "W", "revision": 1, "kind": "bins", "current": True, "format": "stdf"}
    return known | axes | {"dies": 10, "good_dies": 8} | said


def test_no_limit_gives_no_bin_and_no_yield() -> None:
    """Without a specification a measured die has no bin, and a wafer no yield; both say so."""
    made = compute(make_inputs(make_cells("L", "W", ROW[:3])))
    assert made["wafer_dies"]["reason"].to_list() == ["no_limits"] * 3
    row = one(made["wafer_yield"], spec="*", at_cycle=0)
    assert (row["status"], row["reason"], row["yield_of_tested"]) == ("refused", "no_limits", None)


def test_unmeasured_die_is_not_tested() -> None:
    """A die of which nothing is known is bin 7, and neither good nor tested."""
    cells = make_cells("L", "W", ROW[:2])
    empty = make_summary(cells[1], reference_capacity_ah=None, end_of_life_censored=None)
    made = compute(make_inputs(cells, lambda cell: empty if cell["die_x"] else make_summary(cell), specs=[CAPACITY]))
    assert made["wafer_dies"].sort("die_x")["bin"].to_list() == [1, 7]
    assert one(made["wafer_yield"], spec="*", at_cycle=0)["tested"] == 1


def test_yield_of_tested_and_of_gross() -> None:
    """Yield is good over tested and over gross, each within its Wilson interval."""
    inputs = make_inputs(
        make_cells("L", "W", ROW, active_area_square_metre=1e-4),
        by_capacity({0: 80.0}),
        wafers=[make_wafer("L", "W", gross_dies=12)],
        specs=[CAPACITY],
    )
    row = one(compute(inputs)["wafer_yield"], spec="*", at_cycle=0)
    assert (row["good"], row["tested"], row["gross"], row["status"]) == (9, 10, 12, "measured")
    assert (row["yield_of_tested"], row["yield_of_gross"]) == (0.9, 0.75)
    assert (row["yield_of_gross_low"], row["yield_of_gross_high"]) == wilson_interval(9, 12)
    assert (row["bin_1"], row["bin_4"]) == (9, 1)
    assert row["poisson_density_per_square_metre"] == pytest.approx(-log(0.9) / 1e-4)
    assert row["poisson_density_low_per_square_metre"] < row["poisson_density_per_square_metre"]
    assert row["area_kind"] == "electrode"


@pytest.mark.parametrize("kind", ["active_area_square_metre", "die_area_square_metre"])
@pytest.mark.parametrize("area", [0.0, -1e-4, 5e-324])
def test_an_area_that_no_die_has_gives_no_density(kind: str, area: float) -> None:
    """Yield over an area of zero, less or next to nothing has no density of defects, as without an area."""
    made = compute(make_inputs(make_cells("L", "W", ROW, **{kind: area}), by_capacity({0: 80.0}), specs=[CAPACITY]))
    row = one(made["wafer_yield"], spec="*", at_cycle=0)
    assert (row["yield_of_tested"], row["status"]) == (0.9, "measured")
    assert {row[name] for name in row if "density" in name or "area" in name} == {None}


@pytest.mark.parametrize("area", [0.0, -1e-4, 5e-324])
def test_an_area_that_no_die_has_gives_no_areal_capacity(area: float) -> None:
    """Capacity over an area of zero, less or next to nothing is no figure."""
    made = compute(make_inputs(make_cells("L", "W", ROW, active_area_square_metre=area), by_capacity({})))
    assert made["wafer_dies"]["areal_capacity_ah_per_square_metre"].null_count() == len(ROW)
    assert "areal_capacity" not in made["uniformity"]["quantity"].to_list()


@pytest.mark.parametrize("defects", [1e-3, 0.01, 0.3, 1.0, 3.0, 10.0])
def test_defect_models_invert(defects: float) -> None:
    """The densities behind a yield are those that give it, by Poisson and by Murphy."""
    assert find_poisson(exp(-defects)) == pytest.approx(defects)
    yielded = ((1 - exp(-defects)) / defects) ** 2
    root = yielded**0.5
    other = 1 / root + float(special.lambertw(-exp(-1 / root) / root).real)
    assert find_murphy(yielded) == pytest.approx(other, rel=1e-6)


def test_no_good_die_has_no_density() -> None:
    """Without a good die the density is open to above; with all good it is zero."""
    assert (find_poisson(0.0), find_murphy(0.0)) == (None, None)
    assert (find_poisson(1.0), find_murphy(1.0)) == (0.0, 0.0)


def test_rebinning_without_a_retest() -> None:
    """A new revision of a specification sorts the same results anew; the yield by the former one stays to compare."""
    tighter = make_limit("capacity", 96, None, "uAh", revision=2)
    cells, values = make_cells("L", "W", ROW), by_capacity({x: 91.0 + x for x in range(10)})
    before, after = (compute(make_inputs(cells, values, specs=specs)) for specs in ([CAPACITY], [CAPACITY, tighter]))
    assert before["wafer_dies"]["bin"].to_list() == [1] * 10
    assert after["wafer_dies"].sort("die_x")["bin"].to_list() == [4] * 5 + [1] * 5
    good = {(row["spec"], row["revision"]): row["good"] for row in after["wafer_yield"].iter_rows(named=True)}
    assert (good["S", 1], good["S", 2]) == (10, 5)
    assert good["*", 0] == 5


def test_untested_limits_are_counted() -> None:
    """A yield by limits of which some were never tested says so."""
    inputs = make_inputs(make_cells("L", "W", ROW), specs=[CAPACITY, make_limit("resistance", None, 2, "kohm")])
    row = one(compute(inputs)["wafer_yield"], spec="*", at_cycle=0)
    assert (row["status"], row["limits"], row["limits_tested"]) == ("partly_tested", 2, 1)


def cycled(last: dict[int, tuple[int, float]]) -> pl.DataFrame:
    """Return the yields of a wafer whose dies end at a cycle with a retention, straight from 1."""
    cells = make_cells("L", "W", ROW)
    ends = {x: last.get(x, (600, 0.95)) for x, _ in ROW}
    fade = [row for cell in cells for row in make_fade(cell, {3: 1.0, ends[cell["die_x"]][0]: ends[cell["die_x"]][1]})]

    def summarise(cell: Cell) -> dict[str, Any]:
        cycle, retention = ends[cell["die_x"]]
        life = 3 + (cycle - 3) * 0.2 / (1 - retention) if retention < 0.8 else None
        return make_summary(cell, end_of_life_cycle=life, end_of_life_censored=life is None, cycles=cycle)

    return compute(make_inputs(cells, summarise, fade=fade, specs=[CAPACITY]))["wafer_yield"]


def test_yield_at_a_cycle() -> None:
    """At a later cycle those dies are good that are within limits there; one that died before is not."""
    told = cycled({0: (300, 0.7), 1: (600, 0.7)})
    good = {row["at_cycle"]: (row["good"], row["tested"]) for row in told.filter(spec="*").iter_rows(named=True)}
    # The first dies at cycle 201, the second at 401.
    assert good[100] == (10, 10)
    assert good[500] == (8, 10)


def test_yield_is_refused_while_dies_run() -> None:
    """Where a die was last seen alive before the cycle, the yield there is not known yet."""
    row = one(cycled({0: (300, 0.7), 1: (300, 0.95)}), spec="*", at_cycle=500)
    assert (row["status"], row["reason"], row["censored"]) == ("refused", "still_running", 1)
    assert row["yield_of_tested"] is None


def test_maps_own_verdict_is_a_yield_of_its_own() -> None:
    """What a prober called good stands beside our own sort, and never instead of it."""
    die = {"firm": FIRM, "lot": "L", "wafer": "W", "revision": 1, "source_die_x": 0, "source_die_y": 0, "unit": None}
    bins = [
        die | {"die_x": x, "die_y": 0, "quantity": "hard_bin", "value": float(1 + (x > 7)), "passed": x <= 7}
        for x in range(10)
    ]
    inputs = make_inputs(make_cells("L", "W", ROW[:4]), specs=[CAPACITY], maps=[made_map()], dies=bins)
    made = compute(inputs)
    row = one(made["wafer_yield"], spec="(map)")
    assert (row["good"], row["tested"], row["gross"]) == (8, 10, 10)
    assert made["wafer_dies"].height == 10
    assert made["wafer_dies"].sort("die_x")["map_hard_bin"].to_list() == [1] * 8 + [2] * 2


def test_place_of_a_die() -> None:
    """A die's centre lies its counts times the pitch from the centre die, whose own offset counts."""
    wafers = [make_wafer("L", "W", offset_x_metre=0.002)]
    row = one(compute(make_inputs(make_cells("L", "W", [(3, -2)]), wafers=wafers))["wafer_dies"], die_x=3)
    assert (row["x_metre"], row["y_metre"]) == (pytest.approx(3 * PITCH + 0.002), pytest.approx(-2 * PITCH))


def test_firm_without_anything_has_empty_tables() -> None:
    """A firm without cells and maps costs nothing and gets tables without rows."""
    assert all(frame.is_empty() for frame in compute(make_inputs([])).values())


def test_same_input_gives_the_same_rows() -> None:
    """Twice the same input, the cells in another order, gives the same rows to the last bit."""
    cells = make_cells("L", "W", ROW)
    values = by_capacity({x: 95.0 + x / 7 for x in range(10)})
    first, second = (compute(make_inputs(some, values, specs=[CAPACITY])) for some in (cells, cells[::-1]))
    assert all(first[name].equals(second[name]) for name in first)


def test_a_spec_can_be_chosen_to_sort_by() -> None:
    """Of several specifications the recipe may name the one that dies are sorted by."""
    strict = make_limit("capacity", 200, None, "uAh", spec="T")
    cells = make_cells("L", "W", ROW[:1])
    for chosen, number in (("", 4), ("S", 1), ("T", 4)):
        made = compute(make_inputs(cells, specs=[CAPACITY, strict]), replace(RECIPE, binning_spec=chosen))
        assert made["wafer_dies"]["bin"].to_list() == [number]


def test_every_reason_has_its_sentences() -> None:
    """Each condition has the reason by which a figure is refused that does not tell it, in both languages."""
    assert {f"{name}_unknown" for name in CONDITIONS} <= REASONS.keys()
    for sentence in REASONS.values():
        assert sentence.en.endswith(".")
        assert sentence.ko.endswith("니다.")
        assert sentence.ko_do.endswith(("니다.", "시오."))


def test_every_quantity_has_its_bin() -> None:
    """Each quantity names the bin of a die that fails in it."""
    assert all(one.bin in DIE_BINS for one in QUANTITIES.values())

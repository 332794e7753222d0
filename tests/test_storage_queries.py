"""The questions about diffusion, storage and temperature, asked of frames by their names."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import duckdb
import polars as pl
import pytest
from frames import measure
from made_cells import commit
from made_storage import Life, hold_voltage, leave_alone
from made_titrations import DIFFUSION, THICKNESS, inputs_of, step_voltage, titrate

from warehouse.ask import questions
from warehouse.diffusion import DiffusionRecipe, compute_diffusion
from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.publish import Owner
from warehouse.schema import (
    CALENDAR,
    CALENDAR_FIT,
    CELL,
    FLOAT_LEAKAGE,
    GITT,
    PITT,
    STORAGE_LOSS,
    TEST,
    VOLTAGE_DECAY,
    fill_columns,
)
from warehouse.storage import StorageRecipe, compute_leakage, compute_storage
from warehouse.storage.reasons import REASONS

RECIPE = StorageRecipe()
PARAMETERS = {**{f"storage_{name}": value for name, value in asdict(RECIPE).items()}, "recipe": "test@1"}
Q0 = 100e-6
HOURS = 10.0


def ask(name: str, **relations: pl.DataFrame) -> pl.DataFrame:
    """Ask a question of frames; its answer has the columns that its head says."""
    question = questions()[name]
    connection = duckdb.connect()
    for relation, frame in relations.items():
        connection.register(relation, frame.to_arrow())
    asked = {key: value for key, value in PARAMETERS.items() if f"${key}" in question.sql}
    answer: pl.DataFrame = connection.sql(question.sql, params=asked).pl()
    assert answer.columns == [column[0] for column in question.columns]
    return answer


def of_cell(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows of tests as questions see them, with the cell and the firm."""
    return frame.with_columns(cell_id=pl.lit("C"), firm=pl.lit("F"))


def swept(*visits: tuple[float, float], ampere: float = 1e-5, cycles: int = 3, drift: float = 0.2) -> dict[str, Any]:
    """Return the relations of a cell that was at each of some temperatures, with a capacity at each."""
    rows = [
        {
            "test_id": "t",
            "cycle": number + 1,
            "class": "rate",
            "start_time": 3600 * HOURS * number,
            "start_time_second": 3600 * HOURS * number,
            "duration_second": 3600 * HOURS,
            "mean_temperature_celsius": celsius,
            "discharging_capacity_ah": capacity,
            "mean_discharging_voltage_volt": 3.9 + (celsius - 25) / 1000,
            "mean_discharging_current_ampere": -ampere,
        }
        for number, (celsius, capacity) in enumerate(visit for visit in visits for _ in range(cycles))
    ]
    cycled = of_cell(pl.DataFrame(rows))
    steps = [
        {"test_id": "t", "cycle": row["cycle"], "mean_temperature_celsius": row["mean_temperature_celsius"] + shift}
        for row in rows
        for shift in (-drift / 2, drift / 2)
    ]
    tests = fill_columns(pl.DataFrame({"test_id": ["t"], "first_unix_second": [0.0]}), TEST)
    return {"cycles": cycled, "steps": pl.DataFrame(steps), "test": tests}


def test_sweep_over_temperatures() -> None:
    """Capacities at -20 and 60 °C against that at 25 °C before, with the way there and the return."""
    answer = ask("temperature", **swept((25.0, Q0), (-20.0, 0.4 * Q0), (60.0, 1.1 * Q0), (25.5, 0.99 * Q0)))
    assert answer["capacity_ratio"].to_list() == pytest.approx([1.0, 0.4, 1.1, 0.99])
    assert answer["direction"].to_list() == [None, "down", "up", "down"]
    assert answer["voltage_difference_volt"].to_list() == pytest.approx([0, -0.045, 0.035, 0.0005])
    assert answer["return_status"].to_list() == ["returned", "returned", "returned", "no_return"]
    assert answer["return_ratio"].to_list()[:3] == pytest.approx([0.99] * 3)
    assert answer["reference_celsius"].to_list() == [25.0] * 4


def test_cell_that_did_not_come_back() -> None:
    """A cell that lost 5 % in the heat has its sweep marked."""
    answer = ask("temperature", **swept((25.0, Q0), (80.0, Q0), (25.0, 0.95 * Q0)))
    assert answer["return_status"].to_list()[:2] == ["not_returned"] * 2


def test_cell_at_one_temperature_has_no_sweep() -> None:
    """A cell that was always at 25 °C, give or take a kelvin, has no rows."""
    assert ask("temperature", **swept((25.0, Q0), (26.0, Q0), (24.5, Q0))).is_empty()


def refusals(relations: dict[str, Any]) -> list[str | None]:
    """Return why the visits have no ratio."""
    answer = ask("temperature", **relations)
    assert (answer["capacity_ratio"].is_null() == answer["reason"].is_not_null()).all()
    assert set(answer["reason"].drop_nulls()) <= REASONS.keys()
    reasons: list[str | None] = answer["reason"].to_list()
    return reasons


def test_sweep_without_reference_is_refused() -> None:
    """A cell that was never at 25 °C is compared with nothing."""
    assert refusals(swept((0.0, Q0), (60.0, Q0))) == ["no_reference"] * 2


def test_sweep_without_soak_is_refused() -> None:
    """Cycles during which the temperature moved by 5 K are none at a temperature."""
    assert refusals(swept((25.0, Q0), (60.0, Q0), drift=5.0)) == ["not_soaked"] * 2


def test_sweep_at_another_current_is_refused() -> None:
    """A discharge at twice the current is not compared."""
    relations = swept((25.0, Q0), (60.0, Q0))
    faster = pl.when(pl.col("cycle") > 3).then(-2e-5).otherwise(pl.col("mean_discharging_current_ampere"))
    relations["cycles"] = relations["cycles"].with_columns(mean_discharging_current_ampere=faster)
    assert refusals(relations) == [None, "currents_differ"]


def test_titrations_are_asked() -> None:
    """Both titrations answer as they were computed, each with its cell."""
    by_current, _ = compute_diffusion(inputs_of(titrate()), DiffusionRecipe())
    _, by_voltage = compute_diffusion(inputs_of(step_voltage()), DiffusionRecipe())
    gitt, pitt = ask("gitt", gitt=of_cell(by_current)), ask("pitt", pitt=of_cell(by_voltage))
    assert gitt["cell_id"].to_list() == ["C"] * 8
    assert gitt["diffusion_rate_per_second"].to_list() == by_current["diffusion_rate_per_second"].to_list()
    assert pitt["long_time_rate_per_second"].to_list() == by_voltage["long_time_rate_per_second"].to_list()
    unassigned = by_current.with_columns(cell_id=pl.lit(None, pl.String), firm=pl.lit(None, pl.String))
    assert set(ask("gitt", gitt=unassigned)["cell_id"]) == {"t"}


def test_self_discharge_by_three_methods() -> None:
    """One answer holds the capacity method, the slope of the voltage and the float, each with what it knows."""
    life = Life().cycle(Q0, Q0).charge(Q0).rest(720).discharge(0.95 * Q0).charge(Q0).rest(0.5).discharge(0.98 * Q0)
    loss = compute_storage(life.inputs(), RECIPE)[0].with_columns(cell_id=pl.lit("C"))
    cell = pl.DataFrame({"firm": ["F"], "cell_id": ["C"], "nominal_capacity_ah": [Q0]}, schema_overrides=CELL.dtypes)
    answer = ask(
        "self_discharge",
        storage_loss=loss,
        voltage_decay=of_cell(compute_leakage(leave_alone(input_resistance_ohm=1e10), RECIPE)[0]),
        float_leakage=of_cell(compute_leakage(hold_voltage(), RECIPE)[1]),
        cell=cell,
    )
    rows = {row["method"]: row for row in answer.iter_rows(named=True)}
    assert set(rows) == {"capacity", "voltage", "float"}
    assert {row["status"] for row in rows.values()} == {"measured"}
    assert rows["capacity"]["self_discharge_per_year_linear"] == pytest.approx(0.05 * 365 / 30)
    assert rows["capacity"]["self_discharge_per_year_exponential"] == pytest.approx(1 - 0.95 ** (365 / 30))
    current = rows["voltage"]["self_discharge_ampere"]
    assert rows["voltage"]["self_discharge_per_year_linear"] == pytest.approx(current * 8760 / Q0)
    assert rows["voltage"]["meter_bias_ampere"] == pytest.approx(4e-10, rel=0.05)
    assert rows["float"]["flags"] == "offset_unknown"
    assert rows["capacity"]["meter_bias_ampere"] is None


def test_calendar_has_the_fit_beside_each_check_up() -> None:
    """Each check-up of a cell shows the cell's fit; of two firms' cells of one name each its own."""
    life = Life().cycle(Q0, Q0)
    for number in range(1, 6):
        life.begin_test(720).cycle(Q0 * (1 - 0.01 * number**0.5))
    _, check_ups, fits = compute_storage(life.inputs(), RECIPE)
    other = fits.with_columns(firm=pl.lit("G"), loss_per_day_power=pl.lit(1.0))
    answer = ask("calendar", calendar=check_ups, calendar_fit=pl.concat([fits, other]))
    assert answer["fit_status"].to_list() == ["fitted"] * 6
    assert set(answer["loss_per_day_power"]) == set(fits["loss_per_day_power"])
    assert answer["free_exponent"][0] == pytest.approx(0.5, abs=0.05)


def test_empty_tables_are_asked() -> None:
    """Without a row anywhere each question answers with none, and with all its columns."""
    assert ask("gitt", gitt=of_cell(GITT.empty())).is_empty()
    assert ask("pitt", pitt=of_cell(PITT.empty())).is_empty()
    assert ask("calendar", calendar=CALENDAR.empty(), calendar_fit=CALENDAR_FIT.empty()).is_empty()
    assert ask(
        "self_discharge",
        storage_loss=STORAGE_LOSS.empty(),
        voltage_decay=of_cell(VOLTAGE_DECAY.empty()),
        float_leakage=of_cell(FLOAT_LEAKAGE.empty()),
        cell=CELL.empty(),
    ).is_empty()


def test_home_answers_from_what_was_committed(local_home: Home) -> None:
    """A committed titration, rest and hold of a firm's cell answer through the home, and another firm sees none."""
    for firm in "AB":
        add_firm(local_home, firm)
    put_cells(local_home, [{"firm": "A", "cell_id": "C", "cathode_thickness_metre": THICKNESS}])
    owner = Owner("A", "C", "option")
    names = ["test_time_second", "voltage_volt", "current_ampere", "step_count", "step_type"]
    commit(local_home, "titration", measure(*titrate(), typed=True), owner)
    commit(local_home, "steps of voltage", measure(*step_voltage(), typed=True), owner)
    commit(local_home, "rest", leave_alone().read_rows(names), owner)
    commit(local_home, "hold", hold_voltage().read_rows(names), owner)
    pulses = local_home.query("gitt", firm="A", cell="C")["diffusion_coefficient_square_metre_per_second"]
    assert pulses.drop_nulls().to_list() == pytest.approx([DIFFUSION] * 7, rel=1e-4)
    assert local_home.query("pitt", firm="A").height == 6
    methods = local_home.query("self_discharge", firm="A").filter(pl.col("status") == "measured")["method"]
    assert sorted(methods) == ["float", "voltage"]
    assert local_home.query("gitt", firm="B").is_empty()
    assert local_home.query("self_discharge", firm="B").is_empty()

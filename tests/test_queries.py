"""The named questions: their columns are as declared, and their figures are those worked out on paper."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from made_cells import AMPERE, DAY, REST_SECONDS, START, commit, cycle, measure

from warehouse.ask import PARQUET_TABLES, REGISTRY_TABLES, questions
from warehouse.errors import DamageError, UsageError
from warehouse.home import Home
from warehouse.identity import add_firm, put_cells
from warehouse.publish import Owner
from warehouse.recipe import Recipe, Recipes
from warehouse.results import result_tables

# The columns that the outward contract promises.
PROMISED = {
    "cycles": "cell_id test_id cycle cycle_count class start_time charging_capacity_ah discharging_capacity_ah "
    "charging_energy_wh discharging_energy_wh coulombic_efficiency energy_efficiency mean_charging_voltage_volt "
    "mean_discharging_voltage_volt flags",
    "steps": "cell_id test_id step_count step_id kind cycle start_time_second duration_second charge_ah "
    "counter_charge_ah energy_wh first_voltage_volt last_voltage_volt mean_current_ampere records flags",
    "fade": "cell_id cycle equivalent_full_cycles throughput_ah elapsed_day charging_capacity_ah "
    "discharging_capacity_ah capacity_retention coulombic_efficiency coulombic_efficiency_floor energy_efficiency "
    "class",
    "summary": "cell_id firm cycles reference_policy reference_cycle reference_capacity_ah last_capacity_retention "
    "fade_rate_per_cycle end_of_life_threshold end_of_life_cycle end_of_life_censored coulombic_efficiency_median "
    "coulombic_efficiency_floor knee_status knee_cycle recipe",
}
UNITS = {"second": "s", "volt": "V", "ampere": "A", "ah": "Ah", "wh": "Wh", "ohm": "Ω", "hertz": "Hz", "watt": "W"}
C1 = Owner("A", "C1", "option")
# They answer for a cell that was not tested: by what its manifest says, and that nothing is known.
OF_CELLS = {"cells", "application", "normalised"}


@pytest.fixture
def home(local_home: Home) -> Home:
    """A home with firm A and its cell C1 of 1 mAh."""
    return with_cell(local_home)


def with_cell(home: Home) -> Home:
    add_firm(home, "A")
    put_cells(home, [{"firm": "A", "cell_id": "C1", "nominal_capacity_ah": 1e-3}])
    return home


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with cycling and impedance of C1, and a test of nobody."""
    with closing(Home(tmp_path_factory.mktemp("example") / "home")) as opened:
        with_cell(opened)
        point = {"spectrum_index": 1, "real_impedance_ohm": 5.0, "imaginary_impedance_ohm": -1.0}
        points = pl.DataFrame([{**point, "frequency_hertz": hertz} for hertz in (1e3, 1e2)])
        commit(opened, "one", measure(cycle([1e-3, 0.9e-3])), C1, spectra=points)
        commit(opened, "nobody", measure(cycle([0.5e-3]), START + DAY))
        yield opened


def fade_of(home: Home, discharges: list[float], **options: float) -> pl.DataFrame:
    commit(home, str(discharges), measure(cycle(discharges, **options)), C1)
    return home.query("fade", cell="C1")


def life_of(home: Home, retentions: list[float]) -> dict[str, object]:
    commit(home, str(retentions), measure(cycle([retention * 1e-3 for retention in retentions])), C1)
    return home.query("summary", cell="C1").row(0, named=True)


# What is declared


@pytest.mark.parametrize("name", questions())
def test_columns_are_as_declared(example: Home, name: str) -> None:
    """An answer has the columns that the question's head declares, in that order."""
    assert example.query(name).columns == [column for column, _, _ in questions()[name].columns]


@pytest.mark.parametrize("name", PROMISED)
def test_promised_columns_are_there(example: Home, name: str) -> None:
    """The columns of the outward contract are all there."""
    assert set(PROMISED[name].split()) <= set(example.query(name).columns)


@pytest.mark.parametrize("name", questions())
def test_units_are_those_of_the_names(name: str) -> None:
    """A column whose name ends with a unit declares that unit, and each column says what it is."""
    for column, unit, description in questions()[name].columns:
        assert description, column
        rest, per, ending = column.rpartition("_per_")
        over = UNITS.get(rest.rpartition("_")[2], "") if per else ""
        named = UNITS.get(ending.rpartition("_")[2], unit)
        assert unit == (f"{over}/{named}" if over and "_" not in ending else unit if per else named), column


@pytest.mark.parametrize("name", questions())
def test_question_says_what_it_asks(name: str) -> None:
    """Each question's first line is a question, and it reads what exists."""
    question = questions()[name]
    assert question.asks.endswith("?")
    known = {*questions(), *PARQUET_TABLES, *REGISTRY_TABLES, *result_tables()}
    assert set(question.reads) <= known


@pytest.mark.parametrize("name", questions())
def test_answers_hold_no_nan(example: Home, name: str) -> None:
    """Where there is no figure an answer holds null, never NaN or infinity."""
    floats = example.query(name).select(pl.col(pl.Float64))
    assert all(column.drop_nulls().is_finite().all() for column in floats.get_columns())


@pytest.mark.parametrize("name", questions())
@pytest.mark.parametrize("firm", [None, "A"])
def test_home_without_tests_answers(home: Home, name: str, firm: str | None) -> None:
    """Without any test every question answers, with all its columns; only those that speak of cells have rows."""
    answer = home.query(name, firm=firm)
    assert answer.columns == [column for column, _, _ in questions()[name].columns]
    assert (answer.height > 0) == (name in OF_CELLS)


@pytest.mark.parametrize("name", questions())
def test_dtypes_do_not_depend_on_rows(example: Home, tmp_path: Path, name: str) -> None:
    """An empty answer has the same dtypes as a full one."""
    with closing(Home(tmp_path / "empty")) as empty:
        with_cell(empty)
        assert empty.query(name).schema == example.query(name).schema


def test_unknown_question_is_a_usage_error(example: Home) -> None:
    """A question that does not exist is told with those that do."""
    with pytest.raises(UsageError, match=r"no query 'fades'.*fade, .*measurements"):
        example.query("fades")


# Narrowing


@pytest.mark.parametrize("name", ["steps", "cycles", "measurements", "fade", "quality", "tests"])
def test_narrowing_to_a_cell(example: Home, name: str) -> None:
    """A question about a cell answers with its rows and no others."""
    whole, part = example.query(name), example.query(name, cell="C1")
    assert set(part["cell_id"]) == {"C1"}
    assert part.equals(whole.filter(pl.col("cell_id") == "C1"))


@pytest.mark.parametrize("name", ["steps", "cycles", "measurements", "quality", "tests"])
def test_narrowing_to_a_test(example: Home, name: str) -> None:
    """A question about a test answers with its rows and no others."""
    test_id = example.query("tests", cell="C1")["test_id"].item()
    assert set(example.query(name, test=test_id)["test_id"]) == {test_id}
    assert example.query(name, test=test_id).equals(example.query(name, cell="C1"))


@pytest.mark.parametrize("wish", [{"cell": "C9"}, {"test": "t-9"}, {"cell": "'; DROP TABLE cycles; --"}])
def test_unknown_names_are_usage_errors(example: Home, wish: dict[str, str]) -> None:
    """A cell or test that does not exist is told as such."""
    with pytest.raises(UsageError, match="there is no"):
        example.query("fade", **wish)


def test_cell_without_tests_answers(home: Home) -> None:
    """A cell that exists and was never tested answers without rows."""
    assert home.query("fade", cell="C1").is_empty()


def test_unassigned_test_goes_by_its_own_name(example: Home) -> None:
    """A test without a cell stands in fade and summary under its own name, and can be asked for by it."""
    (nobody,) = example.query("tests").filter(pl.col("cell_id").is_null())["test_id"]
    assert nobody in example.query("fade")["cell_id"]
    assert example.query("fade", cell=nobody)["discharging_capacity_ah"].to_list() == pytest.approx([0.5e-3])
    assert example.query("summary", cell=nobody)["cell_id"].to_list() == [nobody]


# Steps and cycles


def test_steps_of_a_cycle(home: Home) -> None:
    """One mAh in, a rest, one mAh out, a rest: four steps with their charge, energy, times and voltages."""
    commit(home, "t", measure(cycle([1e-3])), C1)
    steps = home.query("steps")
    assert steps["kind"].to_list() == ["charge_cc", "rest", "discharge_cc", "rest"]
    assert steps["charge_ah"].to_list() == pytest.approx([1e-3, 0, -1e-3, 0])
    assert steps["energy_wh"].to_list() == pytest.approx([3.5e-3, 0, -3.5e-3, 0])
    assert steps["duration_second"].to_list() == pytest.approx([3600, REST_SECONDS, 3600, REST_SECONDS])
    assert steps["last_voltage_volt"].to_list() == [4, 4, 3, 3]
    assert steps["records"].to_list() == [11] * 4


def test_cycle_figures(home: Home) -> None:
    """Capacities, energies, efficiencies and mean voltages of a cycle are those of its two steps."""
    commit(home, "t", measure(cycle([0.9e-3], efficiency=0.9)), C1)
    row = home.query("cycles").row(0, named=True)
    wanted = {
        "charging_capacity_ah": 1e-3,
        "discharging_capacity_ah": 0.9e-3,
        "charging_energy_wh": 3.5e-3,
        "discharging_energy_wh": 3.15e-3,
        "coulombic_efficiency": 0.9,
        "energy_efficiency": 0.9,
        "mean_charging_voltage_volt": 3.5,
        "mean_discharging_voltage_volt": 3.5,
        "start_time": START,
    }
    assert {name: row[name] for name in wanted} == pytest.approx(wanted)


def test_measurements_are_as_recorded(example: Home) -> None:
    """The rows of a test come back in their order, bit by bit."""
    recorded = measure(cycle([1e-3, 0.9e-3]))
    assert example.query("measurements", cell="C1").select(recorded.columns).equals(recorded)


def test_spectra_are_as_recorded(example: Home) -> None:
    """Impedance points come back in their order with their cell."""
    spectra = example.query("spectra", firm="A")
    assert (spectra["frequency_hertz"].to_list(), set(spectra["cell_id"])) == ([1e3, 1e2], {"C1"})


# Fade


def test_retention_is_one_at_the_reference(home: Home) -> None:
    """Retention is a cycle's capacity over that of the first ageing cycle, where it is 1."""
    fade = fade_of(home, [1e-3, 0.9e-3, 0.85e-3])
    assert fade["capacity_retention"].to_list() == pytest.approx([1, 0.9, 0.85])
    assert set(fade["reference_cycle"]) == {1}
    assert fade["reference_capacity_ah"].to_list() == pytest.approx([1e-3] * 3)


def test_formation_has_no_retention(home: Home) -> None:
    """Slower cycles before the loop are formation: without retention, and not the reference."""
    slow, fast = cycle([1.2e-3], ampere=AMPERE / 10), cycle([1e-3, 0.9e-3, 0.8e-3])
    commit(home, "t", measure([*slow, *fast]), C1)
    fade = home.query("fade", cell="C1")
    assert fade["class"].to_list() == ["formation", "ageing", "ageing", "ageing"]
    assert fade["capacity_retention"].to_list() == pytest.approx([None, 1, 0.9, 0.8])
    assert set(fade["reference_cycle"]) == {2}


def test_throughput_and_equivalent_cycles(home: Home) -> None:
    """Throughput counts what flowed both ways; over twice the nominal mAh it is equivalent full cycles."""
    fade = fade_of(home, [0.9e-3, 0.8e-3], efficiency=0.8)
    assert fade["throughput_ah"].to_list() == pytest.approx([0.9e-3 / 0.8 + 0.9e-3, 1.7e-3 / 0.8 + 1.7e-3])
    assert fade["equivalent_full_cycles"].to_list() == pytest.approx([1.0125, 1.9125])


def test_no_equivalent_cycles_without_nominal_capacity(home: Home) -> None:
    """A cell whose manifest gives no nominal capacity has no equivalent cycles, and all else."""
    put_cells(home, [{"firm": "A", "cell_id": "C1", "nominal_capacity_ah": None}])
    fade = fade_of(home, [1e-3, 0.9e-3])
    assert fade["equivalent_full_cycles"].null_count() == 2
    assert fade["throughput_ah"].last() == pytest.approx(3.8e-3)


def test_elapsed_days(home: Home) -> None:
    """Days count from the start of the cell's first cycle to the start of each, over all its tests."""
    commit(home, "one", measure(cycle([1e-3, 0.9e-3])), C1)
    commit(home, "two", measure(cycle([0.8e-3]), START + 10 * DAY), C1)
    first_cycle = (2 * 3600 + 2 * REST_SECONDS) / DAY
    assert home.query("fade", cell="C1")["elapsed_day"].to_list() == pytest.approx([0, first_cycle, 10])


def test_two_tests_continue_the_count(home: Home) -> None:
    """A second test of the cell, by its clock, continues cycles, retention and throughput, whatever came in first."""
    commit(home, "two", measure(cycle([0.8e-3, 0.7e-3]), START + 10 * DAY), C1)
    commit(home, "one", measure(cycle([1e-3, 0.9e-3])), C1)
    fade = home.query("fade", cell="C1")
    assert fade["cycle"].to_list() == [1, 2, 3, 4]
    assert fade["capacity_retention"].to_list() == pytest.approx([1, 0.9, 0.8, 0.7])
    assert fade["throughput_ah"].last() == pytest.approx(6.8e-3)
    assert home.query("summary", cell="C1")["cycles"].item() == 4


def test_same_cell_name_of_two_firms_stays_apart(home: Home) -> None:
    """Cells of one name in two firms are two lives."""
    add_firm(home, "B")
    put_cells(home, [{"firm": "B", "cell_id": "C1"}])
    commit(home, "a", measure(cycle([1e-3, 0.9e-3])), C1)
    commit(home, "b", measure(cycle([2e-3, 1e-3]), START + DAY), Owner("B", "C1", "option"))
    fade = home.query("fade")
    assert fade["cycle"].to_list() == [1, 2, 1, 2]
    assert fade["capacity_retention"].to_list() == pytest.approx([1, 0.9, 1, 0.5])
    assert fade["equivalent_full_cycles"].is_null().to_list() == [False, False, True, True]


def test_anode_half_cell_uses_its_charge(home: Home) -> None:
    """The capacity of an anode half cell is what is charged (delithiated), its efficiency charged over discharged."""
    put_cells(home, [{"firm": "A", "cell_id": "C1", "convention": "half_anode"}])
    halves = [half for back in (0.8e-3, 0.6e-3) for half in ((-AMPERE, 1e-3), (AMPERE, back))]
    commit(home, "t", measure(halves), C1)
    fade = home.query("fade", cell="C1")
    assert fade["reference_capacity_ah"].to_list() == pytest.approx([0.8e-3] * 2)
    assert fade["capacity_retention"].to_list() == pytest.approx([1, 0.75])
    assert fade["coulombic_efficiency"].to_list() == pytest.approx([0.8, 0.6])


def test_incomplete_cycle_has_no_retention(home: Home) -> None:
    """A last charge without its discharge is incomplete: no retention, no efficiency, not counted."""
    commit(home, "t", measure([*cycle([1e-3, 0.9e-3]), (AMPERE, 0.5e-3)]), C1)
    last = home.query("fade", cell="C1").row(-1, named=True)
    assert (last["class"], last["capacity_retention"], last["coulombic_efficiency"]) == ("incomplete", None, None)
    assert home.query("summary", cell="C1")["cycles"].item() == 2


# Summary


def test_end_of_life_is_interpolated(home: Home) -> None:
    """Life ends where the line between the last cycle above 80 % and the first below crosses it: 3 + 0.02/0.04."""
    life = life_of(home, [1, 0.9, 0.82, 0.78, 0.76])
    assert life["end_of_life_cycle"] == pytest.approx(3.5)
    assert (life["end_of_life_censored"], life["end_of_life"], life["end_of_life_threshold"]) == (False, "3.5", 0.8)


def test_single_dip_is_no_end_of_life(home: Home) -> None:
    """One cycle below the threshold among others above it ends no life."""
    life = life_of(home, [1, 0.9, 0.75, 0.9, 0.85])
    assert (life["end_of_life_cycle"], life["end_of_life_censored"], life["end_of_life"]) == (None, True, "> 5")


def test_last_cycle_alone_is_no_end_of_life(home: Home) -> None:
    """A last cycle below the threshold needs a second one to count."""
    assert life_of(home, [1, 0.9, 0.79])["end_of_life"] == "> 3"


def test_dip_before_the_end_is_passed_over(home: Home) -> None:
    """After a single dip life ends at the sustained crossing: between cycles 4 and 5 of 0.85 and 0.75."""
    assert life_of(home, [1, 0.79, 0.9, 0.85, 0.75, 0.7])["end_of_life_cycle"] == pytest.approx(4.5)


def test_recovery_after_the_end_does_not_undo_it(home: Home) -> None:
    """Two cycles in a row below the threshold end life, whatever comes later."""
    assert life_of(home, [1, 0.9, 0.7, 0.7, 0.9, 0.9])["end_of_life_cycle"] == pytest.approx(2.5)


def test_censored_life(home: Home) -> None:
    """A cell that never falls below the threshold lives longer than the cycles seen."""
    life = life_of(home, [1, 0.99, 0.98])
    assert (life["end_of_life_cycle"], life["end_of_life_censored"], life["end_of_life"]) == (None, True, "> 3")


def test_fade_rate_is_a_slope(home: Home) -> None:
    """The fade rate is the slope of retention over cycle; a straight fade of 5 % a cycle gives -0.05."""
    life = life_of(home, [1, 0.95, 0.9, 0.85])
    assert life["fade_rate_per_cycle"] == pytest.approx(-0.05)
    assert life["last_capacity_retention"] == pytest.approx(0.85)
    assert life["last_capacity_ah"] == pytest.approx(0.85e-3)


def test_two_cycles_have_no_slope(home: Home) -> None:
    """Two ageing cycles are too few for a rate."""
    assert life_of(home, [1, 0.95])["fade_rate_per_cycle"] is None


def test_efficiency_is_the_median_after_the_reference(home: Home) -> None:
    """The median efficiency leaves out the reference cycle itself."""
    efficiencies = (0.5, 0.99, 0.98, 0.9)
    halves = [half for efficiency in efficiencies for half in cycle([1e-3], efficiency)]
    commit(home, "t", measure(halves), C1)
    assert home.query("summary", cell="C1")["coulombic_efficiency_median"].item() == pytest.approx(0.98)


def test_summary_names_its_recipe(home: Home) -> None:
    """A summary names the policy and the recipe that it was made by."""
    life = life_of(home, [1, 0.95])
    assert (life["reference_policy"], life["recipe"]) == ("first_after_formation", Recipe().label)
    assert (life["knee_status"], life["knee_cycle"]) == ("insufficient", None)


def test_summary_has_knee_and_law(home: Home) -> None:
    """A knee at cycle 61, four times as steep behind it, stands in the summary and in knees, and is carried on."""
    before, after = [1 - 5e-4 * n for n in range(61)], [0.97 - 2e-3 * n for n in range(1, 60)]
    life = life_of(home, before + after)
    assert (life["knee_status"], life["knee_cycle"]) == ("detected", pytest.approx(61, abs=0.1))
    knees = home.query("knees", cell="C1")
    assert knees["status"].to_list() == ["detected"] * 3
    assert home.query("forecast", cell="C1")["laws"].item() == "linear"
    assert life["fade_model"] in home.query("fade_models", cell="C1").filter(pl.col("chosen"))["model"].to_list()


def test_recipe_is_what_counts(home: Home) -> None:
    """Another threshold and another number of cycles below it give another end of life."""
    commit(home, "t", measure(cycle([1e-3, 0.95e-3, 0.85e-3, 0.95e-3])), C1)
    (home.folder / "recipe.toml").write_text("[life]\nend_of_life = 0.9\nsustained_crossing = 1\n")
    home.recipes = Recipes(home.folder)
    row = home.query("summary", cell="C1").row(0, named=True)
    assert (row["end_of_life_cycle"], row["end_of_life_threshold"]) == (pytest.approx(2.5), 0.9)


# Quality


def test_quality_compares_integral_and_counter(home: Home) -> None:
    """The ratio of integral to counter is 1 where they agree, and steps where they differ are counted."""
    recorded = measure(cycle([1e-3, 1e-3]))
    out = pl.col("current_ampere") < 0
    into = pl.col("current_ampere") > 0
    hours = (pl.col("test_time_second") - pl.col("test_time_second").min().over("step_count")) / 3600
    counted = recorded.with_columns(
        step_charging_capacity_ah=pl.when(into).then(hours * AMPERE).otherwise(0.0),
        step_discharging_capacity_ah=pl.when(out).then(hours * AMPERE / 1.25).otherwise(0.0),
    )
    commit(home, "t", counted, C1)
    row = home.query("quality").row(0, named=True)
    assert (row["steps"], row["steps_compared"], row["steps_counter_differs"]) == (8, 4, 2)
    assert (row["counter_ratio_low"], row["counter_ratio_high"]) == (pytest.approx(1), pytest.approx(1.25))
    assert row["counter_ratio_median"] == pytest.approx(1.125)


def test_quality_without_a_counter(home: Home) -> None:
    """A file without counters has nothing to compare, and says so."""
    commit(home, "t", measure(cycle([1e-3])), C1)
    row = home.query("quality").row(0, named=True)
    assert (row["steps_compared"], row["counter_ratio_median"], row["largest_gap_second"]) == (
        0,
        None,
        pytest.approx(360),
    )


# Damage and company


@pytest.mark.parametrize("harm", ["gone", "emptied", "cut"])
def test_damaged_file_is_told(home: Home, harm: str) -> None:
    """A stored file that is gone or cut is told as damage, with the command that finds it."""
    commit(home, "t", measure(cycle([1e-3])), C1)
    (path,) = (home.store.folder / "firm=A" / "steps").iterdir()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 200 if harm == "cut" else 0])
    with pytest.raises(DamageError, match="'cellar verify' tells which"):
        home.query("steps")


def test_many_ask_at_once(example: Home) -> None:
    """Threads that ask at once, narrowed differently, each get their own answer."""
    wanted = {cell: example.query("fade", cell=cell) for cell in example.query("fade")["cell_id"].unique()}
    wrong: list[str] = []

    def ask(cell: str) -> None:
        wrong.extend(cell for _ in range(5) if not example.query("fade", cell=cell).equals(wanted[cell]))

    threads = [threading.Thread(target=ask, args=(cell,)) for cell in list(wanted) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []

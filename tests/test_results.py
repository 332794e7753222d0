"""Results that SQL cannot make: computed once for what they are made of, by the night or before it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import sqlalchemy as sa
from made_cells import DAY, START, commit, cycle, measure
from polars.testing import assert_frame_equal

from flows import stages
from flows.ingest import repair_home
from flows.nightly import run_night
from warehouse import buckets, crew, results, wholes
from warehouse.ask import Asker
from warehouse.buckets import MOST_CELLS, divide_cells, hash_cell
from warehouse.home import Home
from warehouse.identity import add_firm, assign_test, find_cell, put_cells
from warehouse.marts import list_whole, retire_files
from warehouse.metrics.computation import Computation
from warehouse.publish import Owner
from warehouse.recipe import Recipe, Recipes
from warehouse.refresh import UNREADABLE, refresh_buckets, refresh_firms
from warehouse.registry import STORED_FILE
from warehouse.verify import check_home

A1, A2, B1 = Owner("A", "A1", "option"), Owner("A", "A2", "option"), Owner("B", "B1", "option")
TABLE = "precision"


@pytest.fixture
def home(local_home: Home) -> Home:
    """Two cells of firm A and one of firm B, with a test each."""
    for firm in "AB":
        add_firm(local_home, firm)
    put_cells(local_home, [{"firm": owner.firm, "cell_id": owner.cell_id} for owner in (A1, A2, B1)])
    for number, owner in enumerate((A1, A2, B1)):
        commit(local_home, f"t{number}", measure(cycle([1e-3, 0.9e-3]), START + number * DAY), owner)
    return local_home


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tests for which the table was computed, in order."""
    (mine,) = (one for one in results.computations() if one.name == TABLE)
    made: list[str] = []

    def watched(inputs: results.TestInputs, recipe: object) -> tuple[pl.DataFrame, ...]:
        made.append(inputs.test["test_id"])
        return mine.compute(inputs, recipe)

    replaced = Computation(TABLE, "test", mine.tables, watched, section=mine.section)
    change_computations(monkeypatch, lambda one: replaced if one is mine else one)
    return made


def change_computations(monkeypatch: pytest.MonkeyPatch, change: Callable[[Computation], Computation]) -> None:
    changed = tuple(map(change, results.computations()))
    monkeypatch.setattr(results, "computations", lambda: changed)
    monkeypatch.setattr(
        results, "result_tables", lambda: {table.name: (one, table) for one in changed for table in one.tables}
    )


def ask(home: Home, firm: str | None = None, cell: str | None = None) -> pl.DataFrame:
    return home.query(TABLE, firm=firm, cell=cell).sort("test_id")


def stored(home: Home) -> dict[str, str]:
    rows = home.registry.rows(sa.select(STORED_FILE).where(STORED_FILE.c.table_name == TABLE, STORED_FILE.c.current))
    return {row["firm"]: row["sha256"] for row in rows}


def test_answer_is_the_same_before_and_after_the_night(home: Home) -> None:
    """What a question computes for itself is what the night stores."""
    before = ask(home)
    run_night(home)
    assert before.height == 3
    assert stored(home).keys() == {"A", "B"}
    assert_frame_equal(ask(home), before)


def test_question_after_the_night_computes_nothing(home: Home, computed: list[str]) -> None:
    """Stored rows are read, not made again."""
    run_night(home)
    computed.clear()
    ask(home)
    assert computed == []


def test_night_computes_what_changed(home: Home, computed: list[str]) -> None:
    """A new test is computed, the other of its firm is kept, another firm's file is not touched."""
    run_night(home)
    computed.clear()
    before = stored(home)
    new = commit(home, "late", measure(cycle([0.8e-3]), START + 9 * DAY), A1)
    run_night(home)
    assert computed == [new]
    assert stored(home)["B"] == before["B"]
    assert ask(home, "A").height == 3


def test_second_night_writes_the_same_bytes(home: Home) -> None:
    """A night on unchanged data leaves the files as they are, and a home made anew has the same."""
    run_night(home)
    before = stored(home)
    run_night(home)
    assert stored(home) == before


def test_question_computes_for_its_cell_only(home: Home, computed: list[str]) -> None:
    """A question about one cell does not wait for the others; asked again, it computes nothing."""
    answer = ask(home, "A", "A1")
    ask(home, "A", "A1")
    assert computed == answer["test_id"].to_list()


def test_moved_test_takes_its_rows_along(home: Home) -> None:
    """A test that goes to another firm is in that firm's results, and no more in the first one's."""
    run_night(home)
    moved = ask(home, "A", "A2")["test_id"].item()
    assign_test(home, moved, find_cell(home, "B1", "B"))
    assert moved not in ask(home, "A")["test_id"].to_list()
    assert moved in ask(home, "B")["test_id"].to_list()
    run_night(home)
    files = home.registry.rows(sa.select(STORED_FILE).where(STORED_FILE.c.table_name == TABLE, STORED_FILE.c.current))
    held = {row["firm"]: pl.read_parquet(home.store.path_of(row["path"]))["test_id"].to_list() for row in files}
    assert moved not in held["A"]
    assert moved in held["B"]


def test_other_recipe_computes_anew(home: Home, computed: list[str]) -> None:
    """A firm's own threshold makes that firm's rows anew, under another label, and nobody else's."""
    run_night(home)
    computed.clear()
    (home.folder / "recipes").mkdir()
    (home.folder / "recipes" / "A.toml").write_text("[impedance]\nmisfit = 0.03\n")
    home.recipes = Recipes(home.folder)
    run_night(home)
    assert sorted(computed) == ask(home, "A")["test_id"].to_list()


def test_failed_computation_costs_one_test(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the rows of one test are unforeseen, it has no result and the night goes on; the next night tries again."""
    (mine,) = (one for one in results.computations() if one.name == TABLE)
    odd = ask(home, "A", "A1")["test_id"].item()

    def fail(inputs: results.TestInputs, recipe: object) -> tuple[pl.DataFrame, ...]:
        if inputs.test["test_id"] == odd:
            raise ZeroDivisionError("nobody thought of it")
        return mine.compute(inputs, recipe)

    with monkeypatch.context() as patched:
        change_computations(
            patched,
            lambda one: (
                Computation(TABLE, "test", mine.tables, fail, version=2, section="loads") if one is mine else one
            ),
        )
        record = run_night(home)
        told = [step["why"] for step in record["done"] if step["table"] == TABLE and step["firm"] == "A"]
        assert told == ["2 computed, 0 kept, 1 failed"]
        assert odd not in ask(home, "A", "A2")["test_id"].to_list()
    run_night(home)
    assert odd in ask(home, "A")["test_id"].to_list()


def test_processes_make_the_same_rows(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that is shared out among processes gives the rows that one process makes."""
    monkeypatch.setattr(crew, "FEWEST_APART", 1)
    with closing(Home(home.folder)) as other:
        alone = {name: other.query(name) for name in (TABLE, "knees")}
    with closing(crew.Crew(home, 2)) as processes:
        done = list(refresh_buckets(home, "A", processes))
    assert {step.action for step in done} == {"made"}
    for name, before in alone.items():
        assert_frame_equal(home.query(name), before)


@pytest.fixture
def namesakes(home: Home) -> Home:
    """The same home, where firm B has a cell of the same name as one of firm A, of another capacity and with more."""
    put_cells(home, [{"firm": "B", "cell_id": "A1", "nominal_capacity_ah": 4e-3}])
    commit(home, "t9", measure(cycle([2e-3, 1.5e-3, 1.2e-3]), START + DAY), Owner("B", "A1", "option"))
    return home


def test_firms_are_asked_about_together_and_answered_apart(namesakes: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """One question serves two firms; each has what it is told of its own cells alone, of namesakes too."""
    with monkeypatch.context() as patched:
        asked = watch_questions(patched)
        done = dict(refresh_firms(namesakes, ["A", "B"]))
    assert asked == [(name, ["A1", "A2", "B1"]) for name in ("fade", "summary")]
    assert {step.action for steps in done.values() for step in steps} == {"made"}
    for name in ("fade", "summary"):
        assert namesakes.asker.find_stored_answer(name, "A")
        for firm, cells in (("A", ["A1", "A2"]), ("B", ["A1", "B1"])):
            assert_frame_equal(namesakes.query(name, firm=firm), namesakes.asker.answer_cells(name, firm, cells))


def test_firms_of_other_recipes_are_asked_about_apart(namesakes: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question takes the values of one recipe: a firm with thresholds of its own is asked about by itself."""
    own = namesakes.folder / "recipes" / "B.toml"
    own.parent.mkdir()
    own.write_text("[life]\nend_of_life = 0.7\n", encoding="utf-8")
    with closing(Home(namesakes.folder)) as renewed:
        asked = watch_questions(monkeypatch)
        dict(refresh_firms(renewed, ["A", "B"]))
        told = {firm: renewed.query("summary", firm=firm)["end_of_life_threshold"].unique().to_list() for firm in "AB"}
    assert [cells for name, cells in asked if name == "fade"] == [["A1", "A2"], ["A1", "B1"]]
    assert told == {"A": [0.8], "B": [0.7]}


def test_share_of_firms_goes_on_without_a_damaged_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of firms that one process serves together, one whose files are gone is told of; the others have their night."""
    monkeypatch.setattr(crew.Crew, "_deal", lambda _, cells: [list(cells)])
    steps = STORED_FILE.c.table_name == "steps", STORED_FILE.c.firm == "A"
    (path, *_) = home.registry.rows(sa.select(STORED_FILE.c.path).where(*steps))
    home.store.path_of(path["path"]).unlink()
    with closing(crew.Crew(home, 2)) as processes:
        served = processes.serve({"A": crew.FEWEST_APART, "B": 1})
        with pytest.raises(UNREADABLE):
            list(served["A"]())
        assert {step.action for step in served["B"]()} == {"made"}


class Pretended:
    """Processes that note which firms they are given: each is done with them at once, or never."""

    def __init__(self, *, done: bool) -> None:
        self.done, self.dealt = done, list[list[str]]()

    def __call__(self, *_: object, **__: object) -> Pretended:
        """Start nothing."""
        return self

    def submit(self, _: object, __: object, work: Any = None) -> Future[Any]:
        """Note the firms of some work."""
        future: Future[Any] = Future()
        if work is not None:
            self.dealt.append(work.keywords["firms"])
            if self.done:
                future.set_result({})
        return future

    def shutdown(self) -> None:
        """End nothing."""


def test_firms_are_dealt_out_in_shares_of_few_cells(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every firm with work is in one share, the longest first; of small ones a share has a few."""
    others = Pretended(done=True)
    monkeypatch.setattr(crew, "ProcessPoolExecutor", others)
    with closing(crew.Crew(home, 2)) as processes:
        processes.serve({"small": 20, "large": 500, "middle": 40, "other": 30})
    assert others.dealt == [["large"], ["middle"], ["other", "small"]]


def test_what_no_process_has_begun_is_done_here(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """While other processes are at the first firms, the one that waits for the last ones serves these itself."""
    others = Pretended(done=False)
    monkeypatch.setattr(crew, "ProcessPoolExecutor", others)
    with closing(crew.Crew(home, 3)) as processes:
        served = processes.serve({"A": 60, "B": 50, "C": 40})
        assert next(iter(served)) == "C"
        add_firm(home, "C")
        assert list(served["C"]())
    assert others.dealt == [["A"], ["B"]]


def test_few_scopes_are_not_shared_out(home: Home) -> None:
    """Starting processes for two tests would take longer than to compute them."""
    with closing(crew.Crew(home, 2)) as processes:
        assert not processes.takes(2)
        assert processes.takes(crew.FEWEST_APART)


# Buckets


def test_cells_are_divided_evenly_enough() -> None:
    """A thousand cells lie in 64 groups of some sixteen, each cell in one."""
    cells = [f"C{number}" for number in range(1000)]
    found = divide_cells(cells)
    assert len(found) == 64
    assert sorted(cell for bucket in found for cell in bucket.cells) == sorted(cells)
    assert max(len(bucket.cells) for bucket in found) < 3 * MOST_CELLS


def test_cell_stays_in_its_bucket_until_there_are_twice_as_many() -> None:
    """A firm that grows from 17 to 32 cells keeps its two groups; with 33 each of them is divided."""
    cells = [f"C{number}" for number in range(33)]
    few, many, more = (divide_cells(cells[:count]) for count in (17, 32, 33))
    assert [bucket.name for bucket in few] == [bucket.name for bucket in many] == ["0", "1"]
    assert all(set(one.cells) <= set(other.cells) for one, other in zip(few, many, strict=True))
    assert {bucket.name[:1] for bucket in more} == {"0", "1"}
    assert {len(bucket.name) for bucket in more} == {2}


@pytest.fixture
def divided(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The same home, whose cells lie in a group each where that is possible."""
    monkeypatch.setattr(buckets, "MOST_CELLS", 1)
    return home


@pytest.mark.parametrize("name", ["fade", "summary", "cycles", TABLE, "knees", "replicates"])
def test_answers_do_not_depend_on_the_division(divided: Home, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A firm in several groups has the answers, in the order, that it has in one."""
    run_night(divided)
    apart = divided.query(name, firm="A")
    assert len(divided.asker.find_stored_answer("fade", "A") or []) == 2
    monkeypatch.undo()
    run_night(divided)
    assert len(divided.asker.find_stored_answer("fade", "A") or []) == 1
    assert_frame_equal(divided.query(name, firm="A"), apart)


def test_division_that_changes_keeps_what_was_computed(
    divided: Home, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups that are joined or divided take their rows along; nothing is computed for that."""
    run_night(divided)
    computed.clear()
    monkeypatch.setattr(buckets, "MOST_CELLS", 16)
    run_night(divided)
    assert computed == []
    assert ask(divided, "A").height == 2


def list_marts(home: Home) -> tuple[set[str], int]:
    """Return the files of firm A's marts, and how many of its tests' files lie beside them."""
    rows = home.registry.rows(sa.select(STORED_FILE).where(STORED_FILE.c.firm == "A", STORED_FILE.c.current))
    mine = [row for row in rows if row["table_name"] in {"steps", "cycles"}]
    return {row["path"] for row in mine if row["bucket"] is not None}, sum(
        row["test_id"] is not None and row["mart"] is None for row in mine
    )


def test_few_tests_lie_beside_the_marts(home: Home) -> None:
    """One new test among nine leaves the marts as they are, a second one writes them anew with all; none is lost."""
    for number in range(7):
        commit(home, f"more{number}", measure(cycle([0.8e-3]), START + (9 + number) * DAY), A1)
    run_night(home)
    before, loose = list_marts(home)
    assert (len(before), loose) == (2, 0)
    for number, (kept, beside) in enumerate([(True, 2), (False, 0)]):
        commit(home, f"late{number}", measure(cycle([0.7e-3]), START + (30 + number) * DAY), A1)
        run_night(home)
        after, loose = list_marts(home)
        assert (after == before, loose) == (kept, beside)
        assert home.query("cycles", cell="A1").height == 10 + number
    assert list(check_home(home)) == []


def test_marts_without_a_test_that_left_are_written_anew(home: Home) -> None:
    """Of nine tests one is given to another firm: no mart of the first firm keeps its rows."""
    for number in range(7):
        commit(home, f"more{number}", measure(cycle([0.8e-3]), START + (9 + number) * DAY), A1)
    run_night(home)
    moved = home.query("tests", cell="A2")["test_id"].item()
    assign_test(home, moved, find_cell(home, "B1", "B"))
    run_night(home)
    marts, _ = list_marts(home)
    assert len(marts) == 2
    assert (
        moved not in pl.concat(pl.read_parquet(home.store.path_of(path)).select("test_id") for path in marts)["test_id"]
    )


def test_change_leaves_other_buckets_alone(divided: Home) -> None:
    """A new test of one cell writes the files of its group anew, and none of the other group's."""
    run_night(divided)
    (a1, a2) = (hash_cell(cell)[:1] for cell in ("A1", "A2"))
    before = {row["path"]: row["bucket"] for row in listed(divided)}
    commit(divided, "late", measure(cycle([0.8e-3]), START + 9 * DAY), A1)
    run_night(divided)
    after = {row["path"]: row["bucket"] for row in listed(divided)}
    assert a1 != a2
    assert {path for path, bucket in before.items() if bucket == a2} <= after.keys()
    assert not {path for path, bucket in before.items() if bucket == a1} & after.keys()


def test_damaged_bucket_is_made_again(divided: Home) -> None:
    """A result's file that is gone is taken out of use by the repair, and the next night makes it again."""
    run_night(divided)
    before = ask(divided, "A")
    (row, *_) = [row for row in listed(divided) if row["table_name"] == TABLE]
    divided.store.path_of(row["path"]).unlink()
    repair_home(divided, list(check_home(divided)))
    assert_frame_equal(ask(divided, "A"), before)
    run_night(divided)
    assert divided.store.path_of(row["path"]).exists()
    assert_frame_equal(ask(divided, "A"), before)


def watch_questions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Note each question that a night asks, with the cells that it is about, in order."""
    asked: list[tuple[str, list[str]]] = []
    answer_rows = Asker.answer_rows

    def watched(self: Asker, name: str, recipe: Recipe, rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        asked.append((name, rows["test"]["cell_id"].unique(maintain_order=True).to_list()))
        return answer_rows(self, name, recipe, rows)

    monkeypatch.setattr(Asker, "answer_rows", watched)
    return asked


def test_night_asks_about_changed_cells_only(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a group's cells the changed one is asked about; its answers and the kept ones are what all asked anew give."""
    run_night(home)
    commit(home, "late", measure(cycle([0.8e-3]), START + 9 * DAY), A1)
    with monkeypatch.context() as patched:
        asked = watch_questions(patched)
        run_night(home)
    assert asked == [("fade", ["A1"]), ("summary", ["A1"])]
    for name in ("fade", "summary"):
        assert_frame_equal(home.query(name, firm="A"), home.asker.answer_cells(name, "A", ["A1", "A2"]))


def test_answer_about_a_cell_does_not_depend_on_the_others(home: Home) -> None:
    """Bit by bit, a cell is told the same alone and among others, though sums of its cycles round."""
    rng = np.random.default_rng(3)
    cells = [f"B{number}" for number in range(10, 22)]
    put_cells(home, [{"firm": "B", "cell_id": cell} for cell in cells])
    for cell in cells:
        capacities = 1e-3 * rng.uniform(0.5, 1.0, 40)
        commit(home, cell, measure(cycle(capacities.tolist()), START + 10 * DAY), Owner("B", cell, "option"))
    together = home.asker.answer_cells("fade", "B", cells)
    apart = pl.concat([home.asker.answer_cells("fade", "B", [cell]) for cell in cells])
    assert together.height == 12 * 40
    assert_frame_equal(together, apart, check_exact=True)


def test_other_question_outdates_what_is_stored(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer is stored as what a text of SQL gave: with another text, as of a new release, it is asked again."""
    run_night(home)
    assert home.asker.find_stored_answer("fade", "A") is not None
    monkeypatch.setattr(results, "hash_answers", lambda: "another")
    assert home.asker.find_stored_answer("fade", "A") is None


def test_cell_whose_test_failed_is_asked_about_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test without its results leaves its cell's answers lacking: the night that has them makes these anew."""
    (mine,) = (one for one in results.computations() if one.name == TABLE)
    odd = home.query("tests", cell="A1")["test_id"].item()

    def fail(inputs: results.TestInputs, recipe: object) -> tuple[pl.DataFrame, ...]:
        if inputs.test["test_id"] == odd:
            raise ZeroDivisionError("only tonight")
        return mine.compute(inputs, recipe)

    failing = Computation(TABLE, "test", mine.tables, fail, mine.reads, mine.version, mine.section)
    with monkeypatch.context() as patched:
        change_computations(patched, lambda one: failing if one is mine else one)
        run_night(home)
    asked = watch_questions(monkeypatch)
    run_night(home)
    assert asked == [("fade", ["A1"]), ("summary", ["A1"])]


def test_table_with_the_same_rows_keeps_its_file(home: Home) -> None:
    """What a manifest changes of a cell makes its group anew; a table that comes out the same is not written again."""
    run_night(home)
    before = {row["table_name"]: row["path"] for row in listed(home)}
    put_cells(home, [{"firm": "A", "cell_id": "A1", "nominal_capacity_ah": 2e-3}])
    run_night(home)
    after = {row["table_name"]: row["path"] for row in listed(home)}
    assert after["precision"] == before["precision"]
    assert after["fade"] != before["fade"]
    assert list(check_home(home)) == []


def test_columns_that_are_taken_are_the_tables() -> None:
    """A computation that takes some columns of a table names columns that the table has."""
    taken = {(table, name) for one in results.computations() for table, names in one.columns.items() for name in names}
    assert ("resistance", "resistance_ohm") in taken
    assert all(name in results.result_tables()[table][1].names for table, name in taken)


def test_whole_firm_is_computed_from_the_columns_that_it_takes(home: Home) -> None:
    """Read narrow from the night's files, a long table gives what all of its columns give."""
    run_night(home)
    narrow, wide = home.results.begin_whole("A"), replace(home.results.begin_whole("A"), shelf=None)
    for one in results.computations():
        if one.scope == "firm":
            for mine, other in zip(*(home.results.compute_firm(one, each)[0] for each in (narrow, wide)), strict=True):
                assert_frame_equal(mine, other)
    assert narrow.frames["resistance"].height > 0
    assert set(narrow.frames["resistance"].columns) < set(wide.frames["resistance"].columns)


def listed(home: Home) -> list[dict[str, Any]]:
    mine = STORED_FILE.c.firm == "A", STORED_FILE.c.bucket.is_not(None), STORED_FILE.c.current
    return home.registry.rows(sa.select(STORED_FILE).where(*mine))


# Answers of a whole firm


@pytest.fixture
def gathered(divided: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The same home after a night, for which two groups are many."""
    monkeypatch.setattr(wholes, "FEW_BUCKETS", 1)
    run_night(divided)
    return divided


@pytest.mark.parametrize("name", ["fade", "summary"])
def test_answer_of_a_large_firm_is_one_file(gathered: Home, name: str) -> None:
    """A firm in many groups is answered from one file, a cell of it from its group's; the rows are the same."""
    (whole,) = gathered.asker.find_stored_answer(name, "A") or []
    (of_cell,) = gathered.asker.find_stored_answer(name, "A", "A1") or []
    assert whole != of_cell
    apart = pl.concat([gathered.query(name, firm="A", cell=cell) for cell in ("A1", "A2")])
    assert_frame_equal(gathered.query(name, firm="A"), apart)


def test_answer_of_yesterday_is_not_given(gathered: Home) -> None:
    """After a new test the file of the whole firm is of no use until the next night has made it anew."""
    before = gathered.query("fade", firm="A")
    commit(gathered, "late", measure(cycle([0.8e-3]), START + 9 * DAY), A1)
    assert gathered.asker.find_stored_answer("fade", "A") is None
    assert gathered.query("fade", firm="A").height == before.height + 1
    run_night(gathered)
    assert len(gathered.asker.find_stored_answer("fade", "A") or []) == 1
    assert gathered.query("fade", firm="A").height == before.height + 1


@pytest.mark.parametrize("name", ["fade", "summary"])
@pytest.mark.parametrize("few", [1, 8])
def test_only_what_changed_is_asked_again(divided: Home, name: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By day a new test costs its own group of cells; of the others the night's rows are given, from either file."""
    monkeypatch.setattr(wholes, "FEW_BUCKETS", few)
    run_night(divided)
    commit(divided, "late", measure(cycle([0.8e-3]), START + 9 * DAY), A1)
    asked: list[str] = []
    answer_cells = Asker.answer_cells

    def watched(self: Asker, name: str, firm: str, cells: Collection[str]) -> pl.DataFrame:
        asked.extend(cells)
        return answer_cells(self, name, firm, cells)

    monkeypatch.setattr(Asker, "answer_cells", watched)
    found = divided.query(name, firm="A")
    assert set(asked) == {"A1"}
    monkeypatch.undo()
    run_night(divided)
    assert_frame_equal(found, divided.query(name, firm="A"))


@pytest.mark.parametrize("few", [1, 8])
def test_cell_that_went_to_another_firm_is_not_told(divided: Home, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By day a test that was given to another firm is in no answer of the first one, whatever the night stored."""
    monkeypatch.setattr(wholes, "FEW_BUCKETS", few)
    run_night(divided)
    moved = ask(divided, "A", "A2")["test_id"].item()
    assign_test(divided, moved, find_cell(divided, "B1", "B"))
    assert divided.query("fade", firm="A")["cell_id"].unique().to_list() == ["A1"]
    assert moved in divided.query("fade", firm="B")["test_id"].to_list()


def test_firm_that_shrinks_has_no_file_of_its_whole(gathered: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where few groups are left, the file of the whole firm goes, and answers come from the groups."""
    before = gathered.query("fade", firm="A")
    monkeypatch.setattr(wholes, "FEW_BUCKETS", 8)
    commit(gathered, "late", measure(cycle([0.8e-3]), START + 9 * DAY), A1)
    run_night(gathered)
    assert list_whole(gathered.registry, "A", ["fade", "summary"]) == []
    assert len(gathered.asker.find_stored_answer("fade", "A") or []) == 2
    assert gathered.query("fade", firm="A").height == before.height + 1


# Firms shared out among processes


def test_large_firm_is_shared_out(home: Home) -> None:
    """A firm with most of the work is no single process's; without much work in all, none is shared out."""
    with closing(crew.Crew(home, 2)) as processes:
        assert processes.divide({"A": 1000, "B": 90, "C": 0}) == (["A"], ["B", "C"])
        assert processes.divide({"A": 10, "B": 1}) == ([], ["A", "B"])


def test_firms_served_by_processes_have_the_same_answers(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night whose firms are each one process's makes the bytes that one process makes."""
    run_night(home)
    alone = stored(home)
    with home.registry.write() as connection:
        mine = STORED_FILE.c.test_id.is_(None), STORED_FILE.c.current
        retire_files(connection, list(connection.execute(sa.select(STORED_FILE.c.path).where(*mine)).scalars()))
    monkeypatch.setattr(crew, "FEWEST_APART", 1)
    monkeypatch.setattr(stages, "count_cores", lambda: 2)
    record = run_night(home)
    assert (record["failed"], record["warnings"]) == ([], [])
    assert stored(home) == alone

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from portal_site import FIRM_A, FIRM_B

from portal.asking import OF_WHOLE, Asking, reads_of
from warehouse.ask import questions
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.identity import put_cells


@pytest.fixture
def home(portal_home: Path, tmp_path: Path) -> Iterator[Home]:
    """A copy of the portal's home that a test may change."""
    shutil.copytree(portal_home, tmp_path / "home")
    with closing(Home(tmp_path / "home")) as opened:
        yield opened


def first_cell(asking: Asking) -> str:
    return str(asking.ask("cells", FIRM_A)["cell_id"][0])


@pytest.mark.parametrize("name", sorted(questions()))
def test_answers_are_the_warehouses(home: Home, name: str) -> None:
    """What is kept and what is read from stored files is what the warehouse answers, the second time too."""
    asking = Asking(home)
    cell = first_cell(asking)
    for narrowed in (None, cell):
        wanted = home.query(name, firm=FIRM_A, cell=narrowed)
        for _ in range(2):
            assert asking.ask(name, FIRM_A, cell=narrowed).equals(wanted)


@pytest.mark.parametrize("name", sorted(OF_WHOLE))
def test_answers_taken_out_of_others_have_rows(home: Home, name: str) -> None:
    """What is taken out of the answer about all cells has rows to compare, so the comparison means something."""
    assert home.query(name, firm=FIRM_A)["cell_id"].n_unique() > 1


def test_answer_changes_with_the_manifest(home: Home) -> None:
    """An answer is kept until something that it is made of changes; its hash changes with it, and no other firm's."""
    asking = Asking(home)
    cell = first_cell(asking)
    before, other = asking.name_moment("fade", FIRM_A), asking.name_moment("fade", FIRM_B)
    old = asking.ask("fade", FIRM_A, cell=cell)
    put_cells(home, [{"firm": FIRM_A, "cell_id": cell, "nominal_capacity_ah": 1.0}])
    new = asking.ask("fade", FIRM_A, cell=cell)
    assert not new["equivalent_full_cycles"].equals(old["equivalent_full_cycles"])
    assert new.equals(home.query("fade", firm=FIRM_A, cell=cell))
    assert asking.name_moment("fade", FIRM_A) != before
    assert asking.name_moment("fade", FIRM_B) == other


def test_registry_answers_change_at_once(home: Home) -> None:
    """What the registry alone answers is as the registry is now."""
    asking = Asking(home)
    asking.ask("cells", FIRM_A)
    put_cells(home, [{"firm": FIRM_A, "cell_id": "a new one"}])
    assert "a new one" in asking.ask("cells", FIRM_A)["cell_id"].to_list()


def test_missing_file_is_made_good(home: Home) -> None:
    """A stored answer whose file is gone is answered from the tests, as the warehouse does."""
    asking = Asking(home)
    cell = first_cell(asking)
    wanted = asking.ask("fade", FIRM_A, cell=cell)
    paths = home.asker.find_stored_answer("fade", FIRM_A, cell) or []
    for path in paths:
        path.rename(path.with_suffix(".away"))
    again = Asking(home)
    assert again._read_stored("fade", FIRM_A, cell) is None
    for path in paths:
        path.with_suffix(".away").rename(path)
    assert again._read_stored("fade", FIRM_A, cell) is not None
    assert again.ask("fade", FIRM_A, cell=cell).equals(wanted)


def test_stored_answers_are_read_for_their_firm_alone(home: Home) -> None:
    """A cell of another firm is none, whether or not its stored answer was read a moment ago."""
    asking = Asking(home)
    theirs = str(asking.ask("cells", FIRM_B)["cell_id"][0])
    asking.ask("fade", FIRM_B, cell=theirs)
    with pytest.raises(UsageError):
        asking.ask("fade", FIRM_A, cell=theirs)


def test_things_are_made_once(home: Home) -> None:
    """What is made of a firm's data is made once, for each firm, and again when the data change."""
    asking = Asking(home)
    made: list[str] = []

    def make() -> str:
        made.append("x")
        return "thing"

    assert [asking.keep("a", firm, make) for firm in (FIRM_A, FIRM_A, FIRM_B)] == ["thing"] * 3
    put_cells(home, [{"firm": FIRM_A, "cell_id": "another"}])
    asking.keep("a", FIRM_A, make)
    asking.keep("a", FIRM_B, make)
    assert len(made) == 3


def test_questions_know_what_they_read() -> None:
    """A question's relations include those of the questions that it builds on."""
    assert {"cycles", "test", "cell"} <= reads_of("summary")
    assert "cohort_cell" in reads_of("cohort")

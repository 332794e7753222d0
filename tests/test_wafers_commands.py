"""``cellar wafer`` and the questions about wafers, from a map and real rows of tests to bins and back to a map."""

from __future__ import annotations

import csv
import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from made_cells import commit, cycle, measure
from map_files import Part, draw, write_sinf, write_stdf
from typer.testing import CliRunner

from flows.cli import app
from warehouse.ask import questions
from warehouse.errors import ParseError, UsageError
from warehouse.home import Home
from warehouse.publish import Owner
from warehouse.schema import TABLES
from warehouse.wafers import COMPUTATIONS

QUESTIONS = ("wafer", "wafer_yield", "uniformity", "reticles", "variance_components", "specs", "splits", "survival")
# Discharge capacities in µAh of the cells of two wafers, by their die as the lab counts it.
CAPACITIES = {("W1", 5, 4): 102, ("W1", 6, 4): 88, ("W1", 5, 5): 99, ("W2", 5, 4): 80, ("W2", 6, 4): 82}
CELLS = "firm,lot,wafer,die_x,die_y,cell_id,process_split,active_area_mm2"
WAFERS = "firm,lot,wafer,notch,x_axis,y_axis,centre_die_x,centre_die_y,diameter_mm,die_pitch_x_mm,die_pitch_y_mm"
SPECS = "firm,spec,revision,quantity,lower,upper,unit"


def say(*arguments: str) -> Any:
    """Run a command and return its JSON."""
    said = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two wafers of firm A, their limits and cycled cells; firm B has one cell of the same name."""
    folder = tmp_path_factory.mktemp("fab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELLAR_HOME", str(folder / "home"))
        fill(folder)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that home, to change."""
    shutil.copytree(made / "home", tmp_path / "home")
    monkeypatch.setenv("CELLAR_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(tmp_path: Path) -> None:
    """Fill a home by manifests and tests."""
    cells = [f"A,L,{w},{x},{y},{w}-{x}{y},{'S1' if w == 'W1' else 'S2'},25" for w, x, y in CAPACITIES]
    say("manifest", "import", write(tmp_path / "cells.csv", CELLS, *cells, "B,X,W1,5,4,W1-54,S1,25"))
    wafers = [f"A,L,{w},left,right,down,5,4,200,16,16" for w in ("W1", "W2")]
    say("manifest", "import", write(tmp_path / "wafers.csv", WAFERS, *wafers))
    say("manifest", "import", write(tmp_path / "specs.csv", SPECS, "A,S,1,capacity,85,,uAh"))
    with closing(Home(tmp_path / "home")) as home:
        for (wafer, x, y), capacity in CAPACITIES.items():
            rows = measure(cycle([capacity * 1e-6] * 5))
            commit(home, f"{wafer}{x}{y}", rows, Owner("A", f"{wafer}-{x}{y}", "option"))
        commit(home, "other", measure(cycle([5e-5] * 5)), Owner("B", "W1-54", "option"))
    # After a night, only what a test changes is computed anew.
    say("nightly")


def ask(name: str, firm: str = "A") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = say("query", name, "--firm", firm)
    return rows


def bins() -> dict[str, int | None]:
    """Return the bin of each die with a cell."""
    return {row["cell_id"]: row["bin"] for row in ask("wafer") if row["cell_id"]}


def test_wafer_is_sorted_by_its_specification(folder: Path) -> None:
    """From rows of tests and a manifest of limits follow each die's place, capacity and bin."""
    assert folder.exists()
    assert bins() == {"W1-54": 1, "W1-64": 1, "W1-55": 1, "W2-54": 4, "W2-64": 4}
    (row,) = (row for row in ask("wafer") if row["cell_id"] == "W1-64")
    # On a map with the notch on the left, what is drawn to the right lies above.
    assert (row["die_x"], row["die_y"], row["x_metre"], row["y_metre"]) == (0, 1, 0.0, 0.016)
    assert row["capacity_ah"] == pytest.approx(88e-6)


def test_new_revision_sorts_anew(folder: Path) -> None:
    """A new revision of the limits moves dies to other bins without any new test, and at once."""
    assert [row["good"] for row in ask("wafer_yield") if row["spec"] == "*" and not row["at_cycle"]] == [3, 0]
    say("manifest", "import", write(folder / "again.csv", SPECS, "A,S,2,capacity,95,,uAh"))
    assert bins()["W1-64"] == 4
    told = {(row["wafer"], row["revision"]): row["good"] for row in ask("wafer_yield") if row["spec"] == "S"}
    assert told == {("W1", 1): 3, ("W1", 2): 2, ("W2", 1): 0, ("W2", 2): 0}


def test_limits_are_answered_cell_by_cell(folder: Path) -> None:
    """The question ``specs`` lists each limit with measured value and verdict, and what was never tested."""
    say("manifest", "import", write(folder / "more.csv", SPECS, "A,T,1,resistance,,2,kohm"))
    told = {(row["quantity"], row["cell_id"]): row["verdict"] for row in ask("specs") if row["scope"] == "cell"}
    assert told["capacity", "W2-54"] == "fail"
    assert told["capacity", "W1-54"] == "pass"
    assert told["resistance", "W1-54"] == "not_tested"


def test_map_in_and_bins_out(folder: Path) -> None:
    """A map's dies meet our cells, and the export counts dies as the map does, with our bins and the map's."""
    parts = [Part(x, y, hard_bin=1 + (x > 6), values={"leak": 3.5}) for x in (4, 5, 6, 7) for y in (4, 5)]
    (folder / "w1.stdf").write_bytes(write_stdf(parts, draw("L", "R", "D", (5, 4)), lot="L", wafer="W1"))
    (receipt,) = say("wafer", "import", "w1.stdf", "--firm", "A")
    assert (receipt["state"], receipt["dies"], receipt["good_dies"], receipt["cells"]) == ("committed", 8, 6, 3)
    say("wafer", "export", "--firm", "A", "--lot", "L", "--wafer", "W1", "--out", "bins.csv")
    with (folder / "bins.csv").open(encoding="utf-8", newline="") as file:
        rows = {(int(row["die_x"]), int(row["die_y"])): row for row in csv.DictReader(file)}
    assert set(rows) == {(part.x, part.y) for part in parts}
    assert (rows[6, 4]["cell_id"], rows[6, 4]["hard_bin"], rows[6, 4]["map_hard_bin"]) == ("W1-64", "1", "1")
    assert float(rows[6, 4]["capacity_ah"]) == pytest.approx(88e-6)
    assert (rows[7, 5]["cell_id"], rows[7, 5]["map_hard_bin"]) == ("", "2")


def test_export_without_a_map_counts_as_the_manifest(folder: Path) -> None:
    """Without an imported map dies are counted as the manifest counts them; canonical counts on request."""
    arguments = ("wafer", "export", "--firm", "A", "--lot", "L", "--wafer", "W2", "--out", "bins.csv")
    for further, dies in (((), [(5, 4), (6, 4)]), (("--canonical",), [(0, 0), (0, 1)])):
        say(*arguments, *further)
        assert pl.read_csv(folder / "bins.csv").select("die_x", "die_y").rows() == dies


def test_map_is_kept_and_listed(folder: Path) -> None:
    """The archive keeps a map's bytes, and the list says how it lies and whether it is current."""
    raw = write_sinf(["01 02 01"], LOT="L", WAFER="W9")
    (folder / "w9.txt").write_bytes(raw)
    say("wafer", "import", "w9.txt", "--firm", "A", "--centre", "0,0")
    (row,) = say("wafer", "list", "--firm", "A")
    assert (row["frame_source"], row["centre_die_x"], row["current"]) == ("file, stated", 0, True)
    with closing(Home(folder / "home")) as home, home.archive.open(row["source_sha256"]) as kept:
        assert kept.read() == raw


def test_people_are_told_in_words(folder: Path) -> None:
    """Without ``--json`` an import is one sentence, and its warnings follow."""
    (folder / "w1.txt").write_bytes(write_sinf(["01 02 01"], LOT="L", WAFER="W1"))
    said = CliRunner().invoke(app, ["wafer", "import", "w1.txt", "--firm", "A", "--centre", "0,0"])
    assert "committed: wafer W1 of lot L, map 1: 3 dies, 2 good" in said.stdout
    assert "of 3 cells lie on no die" in said.output


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("import", "nothing.stdf", "--firm", "A"), UsageError),
        (("import", "bad.stdf", "--firm", "A"), ParseError),
        (("import", "w.txt", "--firm", "A", "--centre", "middle"), UsageError),
        (("import", "w.txt", "--firm", "Z"), UsageError),
        (("export", "--firm", "A", "--wafer", "W7", "--out", "x.csv"), UsageError),
        (("export", "--firm", "A", "--lot", "L", "--wafer", "W1", "--out", "no/x.csv"), UsageError),
    ],
)
def test_wrong_use_is_refused(folder: Path, arguments: tuple[str, ...], error: type[Exception]) -> None:
    """What does not exist or cannot be read ends in one clear error."""
    (folder / "bad.stdf").write_bytes(b"\x02\x00\x00\x0a\x02")
    (folder / "w.txt").write_bytes(write_sinf(["01"], LOT="L", WAFER="W1"))
    with pytest.raises(error):
        CliRunner().invoke(app, ["wafer", *arguments], catch_exceptions=False)


def test_firm_sees_its_own_wafers(folder: Path) -> None:
    """A firm gets the dies of its own wafers, whatever another calls its own."""
    assert folder.exists()
    assert [(row["firm"], row["lot"], row["cell_id"]) for row in ask("wafer", "B")] == [("B", "X", "W1-54")]
    assert {row["firm"] for row in ask("wafer_yield", "B")} == {"B"}


def test_split_on_one_wafer_each_is_refused(folder: Path) -> None:
    """Two splits on a wafer each are no experiment, however many dies there are."""
    assert folder.exists()
    told = {(row["status"], row["reason"]) for row in ask("splits")}
    assert told == {("refused", "pseudoreplication")}


def test_questions_answer_their_columns(folder: Path) -> None:
    """Each question has the columns that its head tells, with formula and source, and answers a firm without wafers."""
    with closing(Home(folder / "home")) as home:
        for name in QUESTIONS:
            question = questions()[name]
            assert {kind for kind, _ in question.notes} >= {"formula", "source"}
            for firm in "AB":
                assert home.query(name, firm=firm).columns == [column for column, _, _ in question.columns]


def test_tables_of_the_computation_are_declared() -> None:
    """The computation's tables are among those that the schema declares, each with the firm as its first key."""
    (computation,) = COMPUTATIONS
    assert set(computation.tables) <= set(TABLES)
    assert all(table.columns[0].name == "firm" and table.columns[0].key for table in computation.tables)

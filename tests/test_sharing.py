from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from portal_site import FIRM_A, FIRM_B
from typer.testing import CliRunner

from flows.cli import app
from warehouse.ask import questions
from warehouse.errors import DamageError, UsageError
from warehouse.exports import MANIFEST, SCRIPT, export_firm
from warehouse.files import hash_file
from warehouse.home import Home

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def opened(portal_home: Path) -> Iterator[Home]:
    with closing(Home(portal_home)) as home:
        yield home


@pytest.fixture(scope="module")
def exported(opened: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_firm(opened, FIRM_A, tmp_path_factory.mktemp("export") / "a").folder


def read_manifest(folder: Path) -> dict[str, list[dict[str, object]]]:
    """Return what an export says of itself."""
    told: dict[str, list[dict[str, object]]] = json.loads((folder / MANIFEST).read_text())
    return told


def test_manifest_tells_every_file(exported: Path) -> None:
    """An export holds the files of its manifest, with those bytes and rows, a script, and nothing else."""
    files = read_manifest(exported)["files"]
    on_disk = {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()}
    assert on_disk == {str(file["path"]) for file in files} | {MANIFEST, SCRIPT}
    for file in files:
        path = exported / str(file["path"])
        assert hash_file(path) == file["sha256"]
        assert pl.scan_parquet(path).select(pl.len()).collect().item() == file["rows"]


def test_script_makes_every_question(exported: Path, opened: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB alone, given the script, answers every named question as Cellar does."""
    monkeypatch.chdir(exported)
    with duckdb.connect(":memory:") as connection:
        connection.execute(Path(SCRIPT).read_text())
        for name in questions():
            wanted = opened.query(name, firm=FIRM_A)
            if wanted.height:
                assert_frame_equal(connection.sql(f"FROM {name}").pl(), wanted, check_row_order=False)


def test_units_are_told(exported: Path) -> None:
    """Units stand in the manifest and in each file."""
    tables = json.loads((exported / MANIFEST).read_text())["tables"]
    columns = {column["name"]: column["unit"] for column in tables["fade"]["columns"]}
    assert columns["discharging_capacity_ah"] == "Ah"
    about = pl.read_parquet_metadata(exported / "fade.parquet")
    assert json.loads(about["cellar.units"])["discharging_capacity_ah"] == "Ah"


def test_nothing_of_another_firm_is_exported(exported: Path, opened: Home) -> None:
    """No file of an export names another firm, or one of its cells or tests."""
    strangers = {FIRM_B, *opened.query("cells", firm=FIRM_B)["cell_id"], *opened.query("tests", firm=FIRM_B)["test_id"]}
    for file in exported.rglob("*.parquet"):
        frame = pl.read_parquet(file)
        labels = frame.select(name for name in ("firm", "cell_id", "test_id") if name in frame.columns)
        assert not strangers & {value for column in labels.iter_columns() for value in column.unique()}
    assert not any(name in (exported / SCRIPT).read_text() for name in strangers)


def test_the_same_data_have_the_same_bytes(opened: Home, exported: Path, tmp_path: Path) -> None:
    """An export of unchanged data changes nothing, and another one elsewhere has the same manifest."""
    before = {path: path.stat().st_mtime_ns for path in exported.rglob("*")}
    assert not export_firm(opened, FIRM_A, exported).changed
    assert {path: path.stat().st_mtime_ns for path in exported.rglob("*")} == before
    again = export_firm(opened, FIRM_A, tmp_path / "again")
    assert (again.folder / MANIFEST).read_bytes() == (exported / MANIFEST).read_bytes()


def test_a_damaged_export_is_made_again(opened: Home, tmp_path: Path) -> None:
    """What was changed or lost since the last export is as it was after the next one; what was added is gone."""
    folder = export_firm(opened, FIRM_A, tmp_path / "a").folder
    (folder / "fade.parquet").write_bytes(b"changed")
    (folder / "added.txt").write_text("added")
    assert export_firm(opened, FIRM_A, folder).changed
    assert hash_file(folder / "fade.parquet") in (folder / MANIFEST).read_text()
    assert not (folder / "added.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_a_foreign_folder_is_left_alone(opened: Home, tmp_path: Path) -> None:
    """A folder that holds something else, or another firm's export, is refused and keeps what it has."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="no export"):
        export_firm(opened, FIRM_A, tmp_path / "notes")
    assert (tmp_path / "notes" / "thesis.txt").read_text() == "years of work"
    with pytest.raises(UsageError, match="no firm"):
        export_firm(opened, "FIRM-X", tmp_path / "x")
    export_firm(opened, FIRM_B, tmp_path / "b")
    with pytest.raises(UsageError, match=f"export of firm {FIRM_B}"):
        export_firm(opened, FIRM_A, tmp_path / "b")


def test_a_broken_export_leaves_the_last_one(opened: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that fails half-way leaves the one before as it was, and nothing beside it."""
    folder = export_firm(opened, FIRM_A, tmp_path / "a").folder
    manifest = (folder / MANIFEST).read_bytes()
    answer = opened.query

    def fail_late(name: str, **narrowed: str) -> pl.DataFrame:
        if name == "summary":
            raise DamageError("a stored file cannot be read")
        return answer(name, **narrowed)

    monkeypatch.setattr(opened, "query", fail_late)
    with pytest.raises(DamageError):
        export_firm(opened, FIRM_A, folder)
    assert (folder / MANIFEST).read_bytes() == manifest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_sql_prints_and_writes(portal_home: Path, tmp_path: Path) -> None:
    """``cellar sql`` answers as a table, as JSON, as CSV, and into a file named by its ending."""
    asked = ["sql", "SELECT cell_id, count(*) AS n FROM fade GROUP BY ALL ORDER BY ALL"]
    asked += ["--home", str(portal_home), "--firm", FIRM_A]
    rows = json.loads(RUNNER.invoke(app, [*asked, "--json"], catch_exceptions=False).stdout)
    assert [row["n"] > 0 for row in rows] == [True] * 3
    text = RUNNER.invoke(app, [*asked, "--format", "csv"], catch_exceptions=False).stdout
    assert text.splitlines()[0] == "cell_id,n"
    done = RUNNER.invoke(app, [*asked, "--out", str(tmp_path / "answer.parquet")], catch_exceptions=False)
    assert done.exit_code == 0
    assert pl.read_parquet(tmp_path / "answer.parquet").to_dicts() == rows


def test_sql_refuses_what_is_not_a_query(portal_home: Path) -> None:
    """``cellar sql`` tells what it does not run, and leaves no share behind."""
    asked = ["sql", "COPY (SELECT 1) TO 'x.csv'", "--home", str(portal_home), "--firm", FIRM_A]
    done = RUNNER.invoke(app, asked)
    assert isinstance(done.exception, UsageError)
    assert "only SELECT is run" in str(done.exception)


def test_export_tells_what_it_wrote(portal_home: Path, tmp_path: Path) -> None:
    """``cellar export --json`` counts files and rows."""
    asked = ["export", "--home", str(portal_home), "--firm", FIRM_A, "--out", str(tmp_path / "a"), "--json"]
    told = json.loads(RUNNER.invoke(app, asked, catch_exceptions=False).stdout)
    assert told["files"] == len(told["written"])
    assert told["changed"]
    assert told["rows"] == sum(file["rows"] for file in told["written"])

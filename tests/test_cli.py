"""The command line: the main path as a user walks it, in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from cellar_runner import Runner, Said
from made_cells import cycle, measure, write_bdf

from flows.commands.asking import Shape
from warehouse.ask import questions
from warehouse.files import hash_file
from warehouse.schema import SOURCE_STATES

DONE, FAILED, USAGE, CHECK = 0, 1, 2, 3
LETTER = "The cells have arrived.\n"


@dataclass(frozen=True)
class Site:
    """A home, and beside it a lab's files."""

    folder: Path
    runner: Runner

    @property
    def home(self) -> Path:
        """The home."""
        return self.folder / "home"

    @property
    def lab(self) -> Path:
        """The files of the lab that was taken in."""
        return self.folder / "lab"

    def cellar(self, *arguments: str | Path, home: bool = True, code: int = DONE) -> Said:
        """Run a command on the home and check its exit code."""
        where = ["--home", str(self.home)] if home else []
        said = self.runner.run([*map(str, arguments), *where], self.folder)
        assert said.code == code, f"{arguments}: {said.code}\n{said.out}\n{said.err}"
        assert "Traceback" not in said.err
        return said


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with closing(Runner()) as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, runner: Runner) -> Site:
    """A home with a lab of four cells taken in; the tests below only ask it, or put back what they change."""
    made = Site(tmp_path_factory.mktemp("site"), runner)
    options = "--cells 4 --cycles 5 --points 6 --formats arbin_csv,maccor_txt"
    made.cellar("simulate", made.lab, *options.split(), home=False)
    made.cellar("init")
    made.cellar("cells", "import", made.lab / "manifest.csv")
    for name in ("manifest.csv", "truth.json"):
        (made.lab / name).rename(made.folder / name)
    (made.lab / "letter [to] you.txt").write_text(LETTER)
    made.cellar("ingest", made.lab, code=CHECK)
    return made


@pytest.fixture
def fresh(tmp_path: Path, runner: Runner) -> Site:
    return Site(tmp_path, runner)


# The program itself


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [("query --list", DONE, "fade: "), ("query fades", USAGE, "there is no query"), ("", USAGE, "Usage: ")],
)
def test_program_runs(tmp_path: Path, arguments: str, code: int, message: str) -> None:
    """The installed program runs by itself and ends with its exit code."""
    command = [str(Path(sys.executable).with_name("cellar")), *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == code
    assert message in done.stdout + done.stderr


# Identity


def test_init_makes_a_home(fresh: Site) -> None:
    """``init`` makes a home and says where it and its inbox are."""
    said = fresh.cellar("init", "--json").json()
    assert said == {
        "home": str(fresh.home),
        "registry": f"sqlite:///{fresh.home}/registry.sqlite",
        "inbox": str(fresh.home / "inbox"),
    }
    assert Path(said["inbox"]).is_dir()


def test_firm_is_added_once(fresh: Site) -> None:
    """``firm add`` adds a firm, and the second time says that it was known."""
    said = [fresh.cellar("firm", "add", "ACME", "--name", "Acme Ltd", "--json").json() for _ in range(2)]
    assert said[0] == {"firm": "ACME", "name": "Acme Ltd", "added": True}
    assert said[1]["added"] is False


def test_manifest_with_bad_rows_ends_with_3(fresh: Site) -> None:
    """``cells import`` takes the good rows, tells the bad ones by number and reason, and ends with 3."""
    manifest = fresh.folder / "m.csv"
    manifest.write_text("firm,cell_id,die_x\nA,C1,1\nA,C2,half\nB,C3,\n")
    said = fresh.cellar("cells", "import", manifest, "--json", code=CHECK).json()
    assert (said["cells"], said["firms_added"], said["rederived"]) == (2, ["A", "B"], [])
    assert [refused["row"] for refused in said["refused"]] == [3]
    listed = fresh.cellar("cells", "list", "--json").json()
    assert [cell["cell_id"] for cell in listed] == ["C1", "C3"]


def test_cells_of_a_firm(site: Site) -> None:
    """``cells list --firm`` lists that firm's cells, with their number of tests."""
    cells = site.cellar("cells", "list", "--firm", "FIRM-A", "--json").json()
    assert {cell["firm"] for cell in cells} == {"FIRM-A"}
    assert [cell["tests"] for cell in cells] == [1, 1]


def test_assign_gives_a_test_to_a_cell(fresh: Site) -> None:
    """``assign`` gives a test to a cell, and from then on its firm sees it."""
    fresh.cellar("firm", "add", "A")
    manifest = fresh.folder / "m.csv"
    manifest.write_text("firm,cell_id\nA,C1\n")
    fresh.cellar("cells", "import", manifest)
    path = write_bdf(fresh.folder / "t.csv", measure(cycle([1e-3])))
    (receipt,) = fresh.cellar("ingest", path, "--json").lines()
    said = fresh.cellar("assign", receipt["test_id"], "C1", "--json").json()
    assert (said["firm"], said["tests"]) == ("A", [receipt["test_id"]])
    assert len(fresh.cellar("query", "cycles", "--firm", "A", "--json").json()) == 1
    said = fresh.cellar("assign", "CH-1", "C1", "--from", "2026-03-02", "--to", "2026-03-03T12:00", "--json").json()
    assert said["tests"] == []


# Reading without a home


def test_formats_are_listed(site: Site) -> None:
    """``formats`` lists name, vendor, endings, kind and whether a real file confirmed it."""
    said = site.cellar("formats", "--json", home=False).json()
    assert all(set(row) == {"name", "vendor", "extensions", "kind", "verified"} for row in said)
    assert {"arbin_csv", "bdf_csv"} <= {row["name"] for row in said}


def test_detect_prints_a_line_a_file(site: Site) -> None:
    """``detect`` prints one JSON object a file, the format null where none claims it."""
    said = site.cellar("detect", site.lab, "--json", home=False).lines()
    assert all(set(row) == {"path", "format", "candidates", "kind"} for row in said)
    assert sorted(str(row["format"]) for row in said) == ["None", *["arbin_csv"] * 2, *["maccor_txt"] * 2]


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_convert_needs_no_home(site: Site, tmp_path: Path, ending: str) -> None:
    """``convert`` writes a source in the common schema and says what it read."""
    source = next(site.lab.rglob("*.csv"))
    target = tmp_path / f"out.{ending}"
    said = site.cellar("convert", source, "--to", target, "--json", home=False).json()
    frame = pl.read_parquet(target) if ending == "parquet" else pl.read_csv(target)
    assert (said["format"], said["rows"], said["written"]) == ("arbin_csv", frame.height, [str(target)])
    assert frame.columns == said["columns"]
    assert frame.columns[:3] == ["test_time_second", "voltage_volt", "current_ampere"]


def test_convert_of_a_letter_ends_with_3(site: Site, tmp_path: Path) -> None:
    """``convert`` of what no format claims says so in two languages and ends with 3."""
    letter = next(site.lab.glob("*.txt"))
    said = site.cellar("convert", letter, "--to", tmp_path / "x.csv", home=False, code=CHECK)
    assert "No known cycler format" in said.err
    assert "일치하지 않습니다" in said.err
    assert "[to]" in said.err


# Ingest and status


def test_ingest_prints_receipts_by_line(site: Site) -> None:
    """``ingest --json`` prints one receipt a line; what is known is a duplicate and ends with 0."""
    source = next(site.lab.rglob("*.csv"))
    (receipt,) = site.cellar("ingest", source, "--json").lines()
    assert (receipt["state"], receipt["path"], receipt["seconds"] > 0) == ("duplicate", str(source), True)


def test_names_with_brackets_are_printed_whole(site: Site) -> None:
    """A name with brackets is printed as it is, not taken for a style."""
    said = site.cellar("ingest", site.lab / "letter [to] you.txt")
    assert "letter [to] you.txt" in said.out


def test_status_adds_up(site: Site) -> None:
    """``status --json`` counts every state, ``seen`` is their sum, and the newest receipts follow."""
    said = site.cellar("status", "--json").json()
    assert said["seen"] == sum(said[state] for state in SOURCE_STATES)
    assert (said["committed"], said["quarantined"], said["in_progress"]) == (4, 1, 0)
    assert said["receipts"][0]["state"] in SOURCE_STATES
    assert "committed" in site.cellar("status").out


def test_quarantine_is_a_work_list(site: Site) -> None:
    """``quarantine list`` and ``show`` tell what waits, why, and what to do, in two languages."""
    (row,) = site.cellar("quarantine", "list", "--json").json()
    shown = site.cellar("quarantine", "show", row["sha256"][:8], "--json").json()
    assert shown.items() >= row.items()
    assert (row["reason"]["code"], row["size"]) == ("format_unknown", len(LETTER))
    text = site.cellar("quarantine", "show", row["sha256"][:8]).out
    assert "Check that it is a result file" in text
    assert "운영자에게" in text


def test_quarantine_retry_ends_with_3_while_it_waits(site: Site) -> None:
    """``quarantine retry`` tries again and ends with 3 while something stays in quarantine."""
    (receipt,) = site.cellar("quarantine", "retry", "--json", code=CHECK).lines()
    assert (receipt["state"], receipt["reason"]["code"]) == ("quarantined", "format_unknown")


def test_ingest_for_an_owner(fresh: Site) -> None:
    """``ingest --firm --cell`` gives the files to that cell, and says that it was not known."""
    path = write_bdf(fresh.folder / "t.csv", measure(cycle([1e-3])))
    said = fresh.cellar("ingest", path, "--firm", "A", "--cell", "C1", "--json")
    (receipt,) = said.lines()
    assert (receipt["firm"], receipt["cell_id"]) == ("A", "C1")
    assert "cell C1 of A was not known" in said.err


# Asking


def test_query_list_explains_every_question(site: Site) -> None:
    """``query --list`` names each question with its columns and units."""
    said = site.cellar("query", "--list", "--json").json()
    assert [row["name"] for row in said] == list(questions())
    assert all(set(column) == {"name", "unit", "description"} for row in said for column in row["columns"])
    assert "capacity_retention" in site.cellar("query", "--list").out


def test_query_formats_agree(site: Site, tmp_path: Path) -> None:
    """The same question as JSON, csv and Parquet, printed or written, gives the same rows."""
    rows = site.cellar("query", "fade", "--firm", "FIRM-A", "--format", "json").json()
    printed = site.cellar("query", "fade", "--firm", "FIRM-A", "--format", "csv").out
    files = [tmp_path / f"fade.{shape}" for shape in (Shape.JSON, Shape.CSV, Shape.PARQUET)]
    for path in files:
        site.cellar("query", "fade", "--firm", "FIRM-A", "--out", path)
    frames = [pl.read_json(files[0]), pl.read_csv(files[1]), pl.read_csv(printed.encode()), pl.read_parquet(files[2])]
    assert {row["cell_id"] for row in rows} == {row["cell_id"] for row in frames[3].to_dicts()}
    for frame in frames:
        assert frame.columns == list(rows[0])
        assert frame["capacity_retention"].to_list() == [row["capacity_retention"] for row in rows]


def test_query_table_is_for_people(site: Site) -> None:
    """Without a format a question prints a table, with the number of rows beside it on the error stream."""
    said = site.cellar("query", "summary")
    assert "cell_id" in said.out.splitlines()[0]
    assert "4 rows" in said.err


# Night and verification


def test_night_says_what_it_did(site: Site) -> None:
    """``nightly --json`` tells date, actions and reasons; the second time everything is skipped."""
    record = site.cellar("nightly", "--date", "2026-03-02", "--json").json()
    assert record["date"] == "2026-03-02"
    assert {step["firm"] for step in record["done"]} == {"FIRM-A", "FIRM-B"}
    again = site.cellar("nightly", "--json").json()
    assert (again["made"], again["skipped"]) == (0, len(record["done"]))


@pytest.mark.parametrize("table", ["measurements", "steps"])
def test_flipped_byte_is_found_and_repaired(site: Site, table: str) -> None:
    """A flipped byte is found with code 3, ``--repair`` rebuilds the test, and the answers are as before."""
    before = site.cellar("query", table, "--json").json()
    # The last by name is the last revision of its test; an earlier one is nobody's any more.
    path = max((site.home / "tables").glob(f"firm=*/{table}/t-*.parquet"), key=lambda file: file.name)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    said = site.cellar("verify", "--json", code=CHECK).json()
    assert [(found["kind"], found["place"]) for found in said["findings"]] == [("damaged", "table")]
    assert said["sound"] is False
    repaired = site.cellar("verify", "--repair", "--json").json()
    assert (repaired["sound"], len(repaired["repaired"])) == (True, 1)
    assert site.cellar("verify", "--json").json()["findings"] == []
    assert site.cellar("query", table, "--json").json() == before


def test_lost_mart_is_repaired_by_its_parts(site: Site) -> None:
    """A mart that is gone is found; after ``--repair`` its parts answer, and the next night makes it again."""
    site.cellar("nightly")
    before = site.cellar("query", "cycles", "--json").json()
    mart = next((site.home / "tables").glob("firm=*/cycles/mart-*.parquet"))
    mart.unlink()
    found = site.cellar("verify", "--json", code=CHECK).json()["findings"]
    assert [(row["kind"], row["test_id"]) for row in found] == [("missing", None)]
    assert site.cellar("verify", "--repair", "--json").json()["sound"] is True
    assert site.cellar("query", "cycles", "--json").json() == before
    site.cellar("nightly")
    assert mart.exists()


def test_damaged_archive_is_told(site: Site) -> None:
    """A damaged source in the archive is serious, and the same file dropped again heals it."""
    source = next(site.lab.rglob("*.csv"))
    archived = next(path for path in (site.home / "archive").glob("*/*") if path.name == hash_file(source))
    archived.write_bytes(b"\0" + archived.read_bytes()[1:])
    found = site.cellar("verify", "--json", code=CHECK).json()["findings"]
    assert [(row["kind"], row["place"]) for row in found] == [("damaged", "archive")]
    site.cellar("ingest", source)
    assert site.cellar("verify", "--json").json()["sound"] is True


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("query fades", "there is no query 'fades'"),
        ("query", "which question"),
        ("query fade --firm NOBODY", "there is no firm 'NOBODY'"),
        ("query fade --firm FIRM-A --cell C9", "there is no cell 'C9' of firm FIRM-A"),
        ("query fade --format parquet", "name it with --out"),
        ("query fade --format table --out x.txt", "a table is for the terminal"),
        ("query fade --out nowhere/x.csv", "cannot be written"),
        ("query fade --format yaml", "yaml"),
        ("ingest nowhere", "there is no file or folder nowhere"),
        ("ingest [/nowhere]", "there is no file or folder [/nowhere]"),
        ("ingest", "Missing argument"),
        ("cells import nowhere.csv", "cannot be read as a table"),
        ("firm add a/b", "cannot be a firm's code"),
        ("assign t-1 C9", "there is no cell 'C9'"),
        ("quarantine show zz", "0 sources in quarantine or set aside begin with 'zz'"),
        ("nightly --date tomorrow", "is no date such as"),
        ("frobnicate", "No such command"),
    ],
)
def test_wrong_usage_ends_with_2(site: Site, arguments: str, message: str) -> None:
    """Wrong usage ends with 2 and one clear line, without a traceback."""
    said = site.cellar(*arguments.split(), code=USAGE)
    assert message in " ".join(said.err.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("convert nowhere.csv --to x.csv", "there is no file nowhere.csv"),
        ("convert nowhere.csv --to x.xlsx", "ends neither in .parquet nor in .csv"),
        ("simulate x --cells 0", "cells must be 1 or more"),
        ("simulate x --formats nothing", "no layout nothing"),
        ("simulate x --blocks weather", "no block weather"),
        ("simulate x --wafers -1", "wafers must be 0 or more"),
        ("detect nowhere", "there is no file or folder"),
    ],
)
def test_wrong_usage_without_a_home_ends_with_2(site: Site, arguments: str, message: str) -> None:
    """Commands that need no home tell wrong usage likewise."""
    said = site.cellar(*arguments.split(), home=False, code=USAGE)
    assert message in " ".join(said.err.split())


def test_damage_ends_with_1(fresh: Site) -> None:
    """A question that meets a damaged file ends with 1 and names the command that finds it."""
    path = write_bdf(fresh.folder / "t.csv", measure(cycle([1e-3])))
    fresh.cellar("ingest", path)
    next((fresh.home / "tables").rglob("steps/*.parquet")).unlink()
    assert "cellar verify" in fresh.cellar("query", "steps", code=FAILED).err


def test_settings_that_cannot_be_end_with_2(fresh: Site) -> None:
    """A home whose settings cannot be is told by every command."""
    fresh.cellar("init")
    (fresh.home / "settings.toml").write_text("scan_seconds = 'often'\n")
    assert "scan_seconds cannot be 'often'" in fresh.cellar("status", code=USAGE).err


# The demonstration


def test_demonstration(fresh: Site) -> None:
    """``demo`` makes a home, takes in a virtual lab, shows each firm's fade table and keys to the portal; once more."""
    for _ in range(2):
        said = fresh.cellar("demo", fresh.home, home=False)
    assert "20 committed" in said.out
    assert "quarantined" not in said.out
    assert "FIRM-A: what it sees, and nobody else" in said.out
    assert len(fresh.cellar("query", "cells", "--json").json()) == 20
    assert len(fresh.cellar("token", "list", "--json").json()) == 4


def test_demonstration_touches_no_other_folder(fresh: Site) -> None:
    """``demo`` refuses a folder that is not an earlier demonstration."""
    fresh.cellar("init")
    assert "is no demonstration" in fresh.cellar("demo", fresh.home, home=False, code=USAGE).err

"""Described tables in a home: taken in, refused, tried anew, read on, converted; and proposed by ``cellar detect``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from cellar_runner import Runner

import parsers
from flows.backfill import run_backfill, sources_to_retry
from flows.described import tables_of
from flows.ingest import ingest_paths
from flows.quarantine import read_source_as
from warehouse.described import check_tables
from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.registry import TEST
from warehouse.sources import list_quarantine

SETTINGS = """\
[[table]]
name = "smu"
delimiter = ";"
[table.columns]
"t/s" = { to = "test_time_second" }
"V" = { to = "voltage_volt", unit = "V" }
"I" = { to = "current_ampere", unit = "UNIT", sign = 1 }
"""
HEAD = "t/s;V;I\n"


def rows(first: int, count: int) -> str:
    """Records of a charge at 10 (µA or nA), one every ten seconds."""
    return "".join(f"{n * 10};{3 + n / 1000:.3f};10\n" for n in range(first, first + count))


def open_with(folder: Path, unit: str, text: str = SETTINGS) -> Home:
    """Open a home whose settings describe the table with this unit of current."""
    (folder / "home").mkdir(exist_ok=True)
    (folder / "home" / "settings.toml").write_text(text.replace("UNIT", unit), encoding="utf-8")
    return Home(folder / "home")


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    """A process that runs commands."""
    with closing(Runner()) as started:
        yield started


def take(home: Home, path: Path) -> dict[str, Any]:
    (receipt,) = ingest_paths(home, [path])
    return receipt


def test_a_described_table_is_taken_in_like_any_other(tmp_path: Path) -> None:
    """The receipt names the described format, and the test holds its fingerprint as the reader's version."""
    path = tmp_path / "a.dat"
    path.write_text(HEAD + rows(0, 100))
    with closing(open_with(tmp_path, "µA")) as home:
        receipt = take(home, path)
        assert (receipt["state"], receipt["format"], receipt["rows"]) == ("committed", "table_smu", 100)
        test = home.registry.row(TEST, test_id=receipt["test_id"])
        assert test is not None
        assert test["reader_version"] == tables_of(home)[0].fingerprint


def test_an_answered_question_is_tried_anew(tmp_path: Path) -> None:
    """What waits for a missing unit is read by the next backfill once the settings say it."""
    path = tmp_path / "a.dat"
    path.write_text(HEAD + rows(0, 100))
    with closing(open_with(tmp_path, "?")) as home:
        receipt = take(home, path)
        assert (receipt["state"], receipt["format"]) == ("quarantined", "table_smu")
        assert receipt["reason"]["code"] == "table_not_described"
        assert "column 'I': unit" in receipt["reason"]["ko"]
        assert sources_to_retry(home) == []
    with closing(open_with(tmp_path, "nA")) as home:
        (retried,) = run_backfill(home).retried
        assert (retried["state"], retried["rows"]) == ("committed", 100)
        assert run_backfill(home).retried == []


def test_a_corrected_description_reads_committed_tests_again(tmp_path: Path) -> None:
    """With another unit the test has a new revision with other currents, and a second run finds nothing to do."""
    path = tmp_path / "a.dat"
    path.write_text(HEAD + rows(0, 100))
    with closing(open_with(tmp_path, "µA")) as home:
        take(home, path)
    with closing(open_with(tmp_path, "nA")) as home:
        (reread,) = run_backfill(home).reread
        assert reread["revision"] == 2
        assert home.query("measurements")["current_ampere"].unique().to_list() == [1e-8]
        assert run_backfill(home).reread == []


def test_a_grown_table_appends_its_new_rows(tmp_path: Path) -> None:
    """A second look at a file that grew adds what came after."""
    path = tmp_path / "a.dat"
    path.write_text(HEAD + rows(0, 1500))
    with closing(open_with(tmp_path, "µA")) as home:
        first = take(home, path)
        path.write_text(HEAD + rows(0, 1700))
        second = take(home, path)
        assert (second["test_id"], second["rows"], second["new_rows"]) == (first["test_id"], 1700, 200)


def test_growth_under_another_description_is_read_whole(tmp_path: Path) -> None:
    """Rows of another unit are no beginning of what today's description reads."""
    path = tmp_path / "a.dat"
    path.write_text(HEAD + rows(0, 1500))
    with closing(open_with(tmp_path, "µA")) as home:
        take(home, path)
    path.write_text(HEAD + rows(0, 1700))
    with closing(open_with(tmp_path, "nA")) as home:
        take(home, path)
        found = home.query("measurements")["current_ampere"]
        assert (found.len(), found.unique().to_list()) == (1700, [1e-8])


def test_a_removed_description_takes_nothing_away(tmp_path: Path) -> None:
    """Tests stay, their source is quarantined only if it is dropped as something new, and a backfill leaves them."""
    path = tmp_path / "a.dat"
    path.write_text(HEAD + rows(0, 1500))
    with closing(open_with(tmp_path, "µA")) as home:
        test_id = take(home, path)["test_id"]
    path.write_text(HEAD + rows(0, 1700))
    with closing(open_with(tmp_path, "µA", "")) as home:
        assert run_backfill(home).refused == []
        assert take(home, path)["reason"]["code"] == "format_unknown"
        test = home.registry.row(TEST, test_id=test_id)
        assert test is not None
        assert test["rows"] == 1500


def test_a_technician_may_name_the_described_format(tmp_path: Path) -> None:
    """``read-as`` takes the name of a description, whatever the name of the file would say."""
    text = SETTINGS.replace('name = "smu"', 'name = "smu"\nmatch = { file = "smu*" }')
    path = tmp_path / "other.dat"
    path.write_text(HEAD + rows(0, 100))
    with closing(open_with(tmp_path, "µA", text)) as home:
        assert take(home, path)["reason"]["code"] == "format_unknown"
        (source,) = list_quarantine(home)
        assert read_source_as(home, source, "table_smu")["state"] == "committed"


def test_a_slip_in_the_settings_is_told_when_the_home_is_opened(tmp_path: Path) -> None:
    """Nothing is taken in with half a description: the message names file, table, column and entry."""
    with pytest.raises(UsageError, match=r"settings\.toml: table 'smu', column 'V': 'volts' is no column"):
        open_with(tmp_path, "µA", SETTINGS.replace("voltage_volt", "volts"))


# Commands


def test_convert_knows_the_homes_tables(tmp_path: Path, runner: Runner) -> None:
    """``cellar convert --home`` reads a described table; without a home it is unknown."""
    open_with(tmp_path, "nA").close()
    (tmp_path / "a.dat").write_text(HEAD + rows(0, 30))
    said = runner.run(["convert", "a.dat", "--to", "a.parquet", "--home", "home", "--json"], tmp_path)
    assert said.json()["format"] == "table_smu"
    assert pl.read_parquet(tmp_path / "a.parquet")["current_ampere"].unique().to_list() == [1e-8]
    assert runner.run(["convert", "a.dat", "--to", "b.parquet"], tmp_path).code != 0


def test_formats_and_detect_know_the_homes_tables(tmp_path: Path, runner: Runner) -> None:
    """Both list the described format where the home is named."""
    open_with(tmp_path, "nA").close()
    (tmp_path / "a.dat").write_text(HEAD + rows(0, 30))
    assert "table_smu" in {row["name"] for row in runner.run(["formats", "--home", "home", "--json"], tmp_path).json()}
    assert runner.run(["detect", "a.dat", "--home", "home", "--json"], tmp_path).json()["format"] == "table_smu"
    assert not (tmp_path / "cellar-home").exists()


def test_detect_explains_an_unknown_table(tmp_path: Path, runner: Runner) -> None:
    """What it prints can be pasted into the settings as it is, and leaves open what the file does not state."""
    (tmp_path / "a.dat").write_text("Time/s;Voltage;Current [uA]\n" + rows(0, 30))
    said = runner.run(["detect", "--explain", "a.dat"], tmp_path)
    text = said.out.partition("\n")[2]
    entries = tomllib.loads(text)["table"]
    check_tables(entries)
    assert parsers.make_description(entries[0]).unsaid == ("column 'Voltage': unit", "column 'Current [uA]': sign")


# Proposals


def propose(folder: Path, text: str, encoding: str = "utf-8") -> dict[str, Any]:
    """Return the proposed entry for a text."""
    path = folder / "file.txt"
    path.write_bytes(text.encode(encoding))
    proposal = parsers.propose_description(path)
    assert proposal is not None
    (entry,) = tomllib.loads(proposal)["table"]
    check_tables([entry])
    return dict(entry)


def test_a_proposal_whose_questions_are_answered_reads_the_file(tmp_path: Path) -> None:
    """Sign and unit put in, the proposed description reads what it was proposed for."""
    path = tmp_path / "file.txt"
    path.write_text("Zeit/s;Spannung;Strom (nA)\n" + "0,5;3,1;1,5\n" * 3)
    proposal = str(parsers.propose_description(path)).replace('sign = "?"', "sign = 1").replace('"?" }', '"mV" }')
    entries = tomllib.loads(proposal)["table"]
    reading = parsers.read(path, tables=[parsers.make_description(entry) for entry in entries])
    assert reading.measurements.row(0)[:3] == (0.5, 0.0031, 1.5e-9)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("시간[s],전압[V],전류[㎂],온도[℃]\n1,2,3,4\n2,3,4,5\n", "cp949"),
        ("経過時間[s],電圧[V],電流[mA],温度[℃]\n1,2,3,4\n2,3,4,5\n", "cp932"),
        ("Zeit/s,Spannung/V,Strom/µA,Temperatur/°C\n1,2,3,4\n2,3,4,5\n", "cp1252"),
        ("Time (s),Voltage (V),Current (uA),Temperature (°C)\n1,2,3,4\n2,3,4,5\n", "utf-8"),
    ],
)
def test_columns_are_known_by_their_names(tmp_path: Path, text: str, encoding: str) -> None:
    """Korean, Japanese, German and English headings in the encodings of their sites, with the units they state."""
    entry = propose(tmp_path, text, encoding)
    assert entry["encoding"] == encoding
    assert [said["to"] for said in entry["columns"].values()] == [
        "test_time_second",
        "voltage_volt",
        "current_ampere",
        "temperature_t1_celsius",
    ]
    assert "?" not in {said["unit"] for said in entry["columns"].values()}


def test_units_below_the_headings_are_taken(tmp_path: Path) -> None:
    """A line of units states them as well as the headings would."""
    entry = propose(tmp_path, "Time\tVoltage\tCurrent\n[s]\t[mV]\t[mA]\n1\t2\t3\n2\t3\t4\n")
    assert (entry["skip_rows"], entry["delimiter"]) == (1, "tab")
    assert [said["unit"] for said in entry["columns"].values()] == ["s", "mV", "mA"]


def test_no_unit_is_guessed(tmp_path: Path) -> None:
    """Headings without units leave every unit and the sign open."""
    entry = propose(tmp_path, "made by\nTime Voltage Current Capacity\n1  2 3 4\n2  3 4 5\n")
    assert {said["unit"] for said in entry["columns"].values()} == {"?"}
    assert (entry["delimiter"], entry["header_row"]) == ("blanks", 2)
    assert entry["columns"]["Capacity"]["to"] == "?"


@pytest.mark.parametrize(
    ("moment", "pattern"),
    [
        ("2024-05-06 10:11:12", "%Y-%m-%d %H:%M:%S"),
        ("06.05.2024 10:11:12", "%d.%m.%Y %H:%M:%S"),
        ("2024-05-06T10:11:12.250", "%Y-%m-%dT%H:%M:%S.%f"),
        ("5/6/2024 10:11:12 AM", "?"),
        ("5/16/2024 10:11:12 AM", "%m/%d/%Y %I:%M:%S %p"),
    ],
)
def test_patterns_of_clocks(tmp_path: Path, moment: str, pattern: str) -> None:
    """A pattern is proposed where only one fits; whether day or month comes first is asked."""
    entry = propose(tmp_path, f"Date;Voltage (V);Current (A);x\n{moment};2;3;4\n{moment};2;3;4\n")
    assert entry["columns"]["Date"]["format"] == pattern


def test_states_are_listed(tmp_path: Path) -> None:
    """Words that say charge, discharge or rest are taken, and others asked for."""
    line = "{};1;2;{}\n"
    words = ("Charge", "방전", "SIM", "Rest")
    entry = propose(tmp_path, "Time/s;U/V;I/A;Status\n" + "".join(line.format(n, word) for n, word in enumerate(words)))
    assert entry["states"] == {"Charge": "charge", "방전": "discharge", "SIM": "?", "Rest": "rest"}


@pytest.mark.parametrize("content", [b"", b"hello, world\n", b"\0\1\2" * 99, b"a;b;c\n1;2;3\n2;3;4\n"])
def test_what_is_no_table_gets_no_proposal(tmp_path: Path, content: bytes) -> None:
    """Empty, binary and other texts, and tables none of whose names are known."""
    path = tmp_path / "file"
    path.write_bytes(content)
    assert parsers.propose_description(path) is None

"""What a command loads before it does anything, and how often it looks at a file to recognise it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from made_cells import cycle, measure, write_bdf

from parsers import Peek, formats

HEAVY = ["duckdb", "prefect", "sqlalchemy", "scipy", "pyarrow", "dask", "httpx", "warehouse.home", "flows.cli"]
SCRIPT = """
import atexit, json, sys
import flows.main
atexit.register(lambda: print(json.dumps([name for name in {heavy} if name in sys.modules])))
sys.argv = {arguments}
flows.main.main()
"""


def _run(*arguments: str | Path, code: int = 0) -> tuple[list[str], list[str], str]:
    """Run a command in a process of its own; returns what it printed, which heavy modules it loaded, its errors."""
    script = SCRIPT.format(heavy=HEAVY, arguments=["cellar", *map(str, arguments)])
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stderr
    *said, loaded = ran.stdout.splitlines()
    return said, json.loads(loaded), ran.stderr


def test_convert_loads_no_warehouse(tmp_path: Path) -> None:
    """``convert`` writes its file without a database, a query engine or another command's modules."""
    source = write_bdf(tmp_path / "test.csv", measure(cycle([0.001])))
    said, loaded, _ = _run("convert", source, "--to", tmp_path / "test.parquet", "--json")
    assert loaded == []
    assert json.loads(said[0])["rows"] == pl.read_parquet(tmp_path / "test.parquet").height > 0


@pytest.mark.parametrize("command", ["formats", "detect"])
def test_commands_without_a_home_load_none(command: str, tmp_path: Path) -> None:
    """``formats`` and ``detect`` are told without a database or a query engine either."""
    _, loaded, _ = _run(command, *([tmp_path] if command == "detect" else []))
    assert loaded == []


def test_errors_of_convert_are_told_as_by_all_commands(tmp_path: Path) -> None:
    """Wrong usage ends with 2 and one line, a file that is refused with 3 and its reason in both languages."""
    _, _, told = _run("convert", tmp_path / "none.csv", "--to", tmp_path / "x.parquet", code=2)
    assert "there is no file" in told
    (tmp_path / "letter.txt").write_text("The cells have arrived.\n")
    _, _, told = _run("convert", tmp_path / "letter.txt", "--to", tmp_path / "x.parquet", code=3)
    assert "letter.txt" in told
    assert "Traceback" not in told


def test_each_format_is_asked_once(tmp_path: Path) -> None:
    """A sniffer that other sniffers ask for too looks at a file once."""
    asked: list[str] = []

    def sniff(peek: Peek) -> bool:
        asked.append(peek.name)
        return True

    declared = replace(formats()["impedance_table"], sniff=sniff)
    peek = Peek(tmp_path / "file.csv", "file.csv")
    assert [peek.is_of(declared), peek.is_of(declared), asked] == [True, True, ["file.csv"]]

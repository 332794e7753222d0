"""``cellar cells`` and ``cellar manifest``, in the process of the test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from manifest_files import CELLS, FULL, text_of
from typer.testing import CliRunner

from flows.cli import app
from flows.console import EXIT_CHECK
from warehouse.errors import UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with two manifests, and a home beside them."""
    monkeypatch.setenv("CELLAR_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.csv").write_text(text_of(FULL), encoding="utf-8")
    (tmp_path / "two.csv").write_text(text_of({**FULL, "lot": "L9"}, {**FULL, "cell_id": ""}), encoding="utf-8")
    return tmp_path


def say(*arguments: str, code: int = 0) -> Any:
    """Run a command and return its JSON."""
    said = CliRunner().invoke(app, [*arguments, "--json"])
    assert said.exit_code == code, said.output
    return json.loads(said.stdout)


def show(*arguments: str, code: int = 0) -> str:
    """Run a command and return what it shows."""
    said = CliRunner().invoke(app, list(arguments))
    assert said.exit_code == code, said.output
    return said.output


def test_import_tells_what_changed(folder: Path) -> None:
    """``cells import`` tells rows taken, values changed with old and new, and refused rows in both languages."""
    assert folder.exists()
    say("cells", "import", "one.csv")
    said = say("cells", "import", "two.csv", code=EXIT_CHECK)
    assert (said["version"], said["taken"], said["rows_refused"]) == (2, {"cells": 1}, 1)
    change = {"table": "cell", "firm": "A", "row": "C1", "column": "lot", "before": "L2603", "after": "L9"}
    assert said["changes"] == [change]
    assert (said["refused"][0]["row"], said["refused"][0]["column"]) == (3, "cell_id")
    assert "비어" in said["refused"][0]["ko"]


def test_check_changes_nothing(folder: Path) -> None:
    """``manifest check`` shows what an import would do and leaves no version."""
    say("cells", "import", "one.csv")
    assert "lot L2603 → L9" in show("manifest", "check", "two.csv", code=EXIT_CHECK)
    assert [row["version"] for row in say("manifest", "list")] == [1]
    assert folder.exists()


def test_history_of_a_cell(folder: Path) -> None:
    """``cells history`` lists what each version changed of a cell."""
    say("cells", "import", "one.csv")
    say("cells", "import", "two.csv", code=EXIT_CHECK)
    found = say("cells", "history", "C1", "--firm", "A")
    assert [(one["version"], one["column"], one["after"]) for one in found] == [(1, "", None), (2, "lot", "L9")]
    assert "L2603" in show("cells", "history", "C1")
    assert folder.exists()


def test_versions_are_shown(folder: Path) -> None:
    """``manifest list`` and ``manifest show`` tell what was imported; a number that is none is told as such."""
    say("cells", "import", "two.csv", code=EXIT_CHECK)
    assert "two.csv" in show("manifest", "list")
    assert say("manifest", "show", "1")["rows_refused"] == 1
    assert "cell_id" in show("manifest", "show", "1")
    assert isinstance(CliRunner().invoke(app, ["manifest", "show", "9"]).exception, UsageError)
    assert folder.exists()


def test_rows_of_a_kind(folder: Path) -> None:
    """``manifest rows`` lists what is known of a kind, of one firm or of all."""
    (folder / "layers.csv").write_text("firm,stack,layer,material\nA,S,1,Si\nB,S,1,Si\n")
    say("manifest", "import", "layers.csv")
    assert [row["firm"] for row in say("manifest", "rows", "layers")] == ["A", "B"]
    assert [row["material"] for row in say("manifest", "rows", "layers", "--firm", "B")] == ["Si"]
    assert "Si" in show("manifest", "rows", "layers")
    assert isinstance(CliRunner().invoke(app, ["manifest", "rows", "dice"]).exception, UsageError)


def test_columns_are_listed() -> None:
    """``manifest columns`` lists every column with its meaning, those that must be there among them."""
    required = [(row["kind"], row["column"]) for row in say("manifest", "columns") if row["required"]]
    assert {("cells", name) for name in CELLS} == {pair for pair in required if pair[0] == "cells"}
    assert "뜻" in show("manifest", "columns")

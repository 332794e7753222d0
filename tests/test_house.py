"""The house rules that no linter knows."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("parsers", "warehouse", "flows", "portal", "tests", "bench")
CODE = [*sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")), ROOT / "dev.py"]
VENDORS = re.compile(r"(?<![a-z])(biologic|neware|arbin|maccor|ec-lab|eclab)(?![a-z])", re.IGNORECASE)
REASON = r"[^\W\d_]{3,}"
SPOKEN_OF = {"noqa": r"#\s*noqa\b(:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*)?", "type": r"#\s*type:\s*ignore(\[[\w,\s-]*\])?"}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def ids(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_with(pattern: str) -> list[tuple[str, re.Match[str]]]:
    """Return every line of code that matches, by its place, this file's own patterns left out."""
    return [
        (f"{ids(path)}:{number}", match)
        for path in CODE
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := re.search(pattern + "(?P<rest>.*)", line))
    ]


def test_contract_names_every_module_of_the_warehouse() -> None:
    """The parsers' import contract forbids all of the warehouse but schema, errors, arrays and workbook."""
    contracts = project()["tool"]["importlinter"]["contracts"]
    (contract,) = (each for each in contracts if each["source_modules"] == ["parsers"])
    forbidden = {name for name in contract["forbidden_modules"] if name.startswith("warehouse.")}
    modules = {f"warehouse.{path.stem}" for path in (ROOT / "warehouse").glob("*.py") if path.stem != "__init__"}
    modules |= {f"warehouse.{path.parent.name}" for path in (ROOT / "warehouse").glob("*/__init__.py")}
    assert forbidden == modules - {"warehouse.schema", "warehouse.errors", "warehouse.arrays", "warehouse.workbook"}


@pytest.mark.parametrize(
    "path",
    [
        path
        for folder in ("warehouse", "flows", "portal")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".sql", ".html", ".js", ".css"} and not path.name.startswith("write_")
    ],
    ids=ids,
)
def test_no_vendor_outside_its_reader(path: Path) -> None:
    """Warehouse and flows name no vendor; only the virtual lab's writers, one layout each, do."""
    assert VENDORS.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("kind", SPOKEN_OF)
def test_every_silenced_rule_has_its_reason(kind: str) -> None:
    """A rule that is silenced on a line is named, and the reason stands on the same line."""
    found = lines_with(SPOKEN_OF[kind])
    assert found
    assert [place for place, match in found if match[1] is None] == []
    assert [place for place, match in found if not re.search(REASON, match["rest"])] == []


def test_every_ignored_rule_has_its_reason() -> None:
    """Each rule that pyproject ignores, and each override of mypy, carries a comment on its line."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    codes = re.findall(r'^\s+"[A-Z]+[0-9]+",(.*)$', text, re.MULTILINE)
    warnings = re.findall(r'^\s+"ignore::.*",(.*)$', text, re.MULTILINE)
    overrides = re.findall(r"^module = \[.*\](.*)$", text, re.MULTILINE)
    assert len(codes) > 10
    assert all(re.match(r"\s*# \w", rest) for rest in (*codes, *warnings, *overrides))


def test_every_dependency_has_its_reason() -> None:
    """Each dependency says on its line what it is for."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    lines = [line for line in section.splitlines() if re.match(r'\s+"', line)]
    assert len(lines) > 15
    assert [line for line in lines if not re.search(r"# \w", line)] == []


def test_every_expected_failure_has_its_reason() -> None:
    """A test that is expected to fail, or skipped, says why."""
    marks = lines_with(r"mark\.(xfail|skip|skipif)\b")
    assert [place for place, match in marks if "reason=" not in match["rest"]] == []
    assert project()["tool"]["pytest"]["ini_options"]["xfail_strict"] is True


def test_every_tests_docstring_is_a_fact() -> None:
    """Each test begins with a sentence that states what it proves."""
    without = [
        f"{ids(path)}::{match[1]}"
        for path in CODE
        for match in re.finditer(
            r"^def (test_\w+)\([^\"]*?\) -> None:\n(?!    r?\"\"\"[^\"]*\.)", path.read_text("utf-8"), re.MULTILINE
        )
    ]
    assert without == []


@pytest.mark.parametrize("word", ["except Exception", "except:", "print("])
def test_words_that_are_not_used(word: str) -> None:
    """The project's own code catches nothing it does not name, and prints through its console alone."""
    places = [place for place, _ in lines_with(r"^\s*" + re.escape(word)) if place.split("/")[0] in FOLDERS[:4]]
    assert places == []


def test_lock_has_hashes_and_no_address() -> None:
    """Every locked requirement has its hashes, and no line names a host."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    entries = re.findall(r"^\S+==\S+.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)*", text, re.MULTILINE)
    assert len(entries) > 50
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_lock_holds_what_the_project_asks_for() -> None:
    """Each direct dependency is in the lock."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = {name.lower() for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    wanted = project()["project"]["dependencies"] + project()["project"]["optional-dependencies"]["dev"]
    names = {re.split(r"[\[<>=~; ]", line)[0].lower() for line in wanted}
    assert names <= locked

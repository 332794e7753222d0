from __future__ import annotations

import re
from pathlib import Path

from typer.main import get_command

from flows.cli import app
from flows.docs import PAGES, ROOT
from flows.docs import main as docs_main
from warehouse.schema import CYCLES, FIRM, MEASUREMENTS, TABLES

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_generated_pages_are_current() -> None:
    """Every generated page equals what its source would generate now."""
    assert docs_main(["--check"]) == 0


def test_schema_page_names_every_column() -> None:
    """docs/schema.md names every column of every table."""
    page = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
    for table in TABLES:
        assert f"## {table.name}\n" in page
        assert all(f"`{name}`" in page for name in table.names)


def test_units_stand_in_the_names() -> None:
    """A physical quantity's column name ends with its unit."""
    endings = {
        "s": "second",
        "V": "volt",
        "A": "ampere",
        "Ah": "ah",
        "Wh": "wh",
        "°C": "celsius",
        "Ω": "ohm",
        "W": "watt",
    }
    for table in (MEASUREMENTS, CYCLES, FIRM):
        for column in table.columns:
            if column.unit in endings and column.name != "start_time":
                assert column.name.endswith(endings[column.unit]), column.name


def test_readme_commands_exist() -> None:
    """Every cellar command that the README shows is a command."""
    known = set(get_command(app).commands)  # type: ignore[attr-defined]  # the app has subcommands, so it is a group
    shown = set(re.findall(r"^\.venv/bin/cellar (\w+)", README, flags=re.MULTILINE))
    assert shown
    assert shown <= known


def test_links_lead_somewhere() -> None:
    """Every relative link of the README and of docs/ leads to a file."""
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_pages_lie_in_the_project() -> None:
    """The generator writes inside the project only."""
    assert all(Path(path).is_relative_to(ROOT) for path in PAGES)

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest
from browsing import serve
from portal_site import FIRM_A, Site, open_site
from starlette.routing import Match
from typer.core import TyperGroup
from typer.main import get_command

from flows.cli import app
from flows.docs import ROOT
from portal.client import Cellar
from warehouse.ask import questions

if TYPE_CHECKING:
    from fastapi import FastAPI

GUIDES: Final = ROOT / "docs" / "guides"
PAGES: Final = (ROOT / "README.md", *sorted(GUIDES.glob("*.md")))
FIRM_GUIDE: Final = GUIDES / "firm.md"
NOTEBOOK: Final = GUIDES / "first_hour.ipynb"
LARGEST_PICTURE_BYTES: Final = 120_000
CALL: Final = re.compile(r"^(?:\.venv/bin/)?cellar (.+?)(?:\s+#.*)?$", re.MULTILINE)
# What is written for the demonstration's cell, and stands for whichever cell the reader has.
CELL: Final = "L2603-W03-D+02+00"
WAFER: Final = "L2603-W03"


def read_blocks(page: Path, language: str = "") -> list[str]:
    """Return a page's code blocks of one language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [block for name, block in found if name == language]


def read_spans(page: Path) -> list[str]:
    """Return the pieces of code within a page's sentences."""
    return re.findall(
        r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    )


def read_calls(page: Path) -> list[tuple[list[str], bool]]:
    """Return the arguments of every call of cellar in a page, and whether it is one to be typed as it stands."""
    typed = [shlex.split(call) for block in read_blocks(page) for call in CALL.findall(block)]
    named = [shlex.split(call) for span in read_spans(page) for call in CALL.findall(span)]
    return [(call, True) for call in typed] + [(call, False) for call in named]


def find_command(arguments: list[str]) -> tuple[Any, list[str]]:
    """Return the command that a call names, with the arguments left for it."""
    command: Any = get_command(app)
    while isinstance(command, TyperGroup) and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        assert name in command.commands, f"no command {name}"
        command = command.commands[name]
    return command, arguments


def name_paths(page: Path) -> list[str]:
    """Return the addresses on the portal that a page names, without its host."""
    text = page.read_text(encoding="utf-8")
    whole = re.findall(r"(?:\$CELLAR_URL|http://127\.0\.0\.1:8640)(/[^\s\"`]*)", text)
    return [
        *whole,
        *(span for span in read_spans(page) if re.fullmatch(r"/[a-z][\w/+.-]*", span) and span != "/srv/cellar"),
    ]


def is_routed(app: FastAPI, path: str) -> bool:
    """Say whether a portal has a page, or an address of its API, of this path."""
    scopes = [{"type": "http", "method": method, "path": path, "headers": []} for method in ("GET", "POST")]
    return any(route.matches(scope)[0] is Match.FULL for route in app.routes for scope in scopes)


@pytest.fixture(scope="module")
def served(portal_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Site]]:
    """A portal on a port of this machine."""
    site = open_site(shutil.copytree(portal_home, tmp_path_factory.mktemp("guides") / "home"))
    with serve(site.app) as address:
        yield address, site
    site.close()


@pytest.fixture
def firm_shell(served: tuple[str, Site], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The variables that a firm sets, and what stands in for the demonstration's cell and wafer."""
    address, site = served
    monkeypatch.setenv("CELLAR_URL", address)
    monkeypatch.setenv("CELLAR_TOKEN", site.tokens["a"])
    first = site.app.state.asking.ask("cells", FIRM_A).row(0, named=True)
    wafer = f"{first['lot']}-{first['wafer']}"
    return {CELL: first["cell_id"], CELL.replace("+", "%2B"): first["cell_id"].replace("+", "%2B"), WAFER: wafer}


def put_in(text: str, names: dict[str, str]) -> str:
    """Write a text for the cell and wafer that there are; the longest names first."""
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(pattern, lambda found: names[found[0]], text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_called_as_they_are(page: Path) -> None:
    """Every call of cellar that a guide shows parses: the command is there, with its options and all it needs."""
    calls = read_calls(page)
    assert calls or page.stem == "firm"
    for call, typed in calls:
        command, rest = find_command(list(call))
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        assert {part for part in rest if part.startswith("--")} <= known, call
        if typed:
            command.make_context("cellar", list(rest))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_that_are_named_are_routed(page: Path, portal: Site) -> None:
    """Every page and every address of the API that a guide names is one of the portal's."""
    assert not is_routed(portal.app, "/nowhere")
    for path in name_paths(page):
        assert is_routed(portal.app, urlsplit(path).path), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_parameters_of_addresses_are_known(page: Path, portal: Site) -> None:
    """Every parameter in an address of the API stands in its description."""
    described = portal.app.openapi()["paths"]
    known = {one["name"] for item in described.values() for call in item.values() for one in call.get("parameters", [])}
    for path in name_paths(page):
        assert {name for name, _ in parse_qsl(urlsplit(path).query)} <= known, path


@pytest.mark.parametrize("page", [*PAGES, NOTEBOOK], ids=lambda page: page.stem)
def test_questions_that_are_named_are_asked(page: Path) -> None:
    """Every question that a guide names, by command, address, client or SQL, is one of the warehouse's."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(
        r"cellar query (\w+)|/queries/(\w+)|\bcellar\.(\w+)\(|(?:FROM|JOIN) (\w+)|(?:query|질문) `(\w+)`", text
    )
    asked = {name for names in named for name in names if name}
    ours = {name for name in vars(Cellar) if not name.startswith("_")}
    assert asked - ours <= set(questions())


def test_addresses_of_the_firms_guide_answer(served: tuple[str, Site], firm_shell: dict[str, str]) -> None:
    """Every page and address that the firm's guide names opens with a firm's token."""
    client = served[1].client("a")
    for path in name_paths(FIRM_GUIDE):
        if path not in {"/api/v1/sql?format=csv", "/login"}:
            assert client.get(put_in(path, firm_shell)).status_code == 200, path


def test_calls_with_curl_work(served: tuple[str, Site], firm_shell: dict[str, str], tmp_path: Path) -> None:
    """Every call with curl in the firm's guide, typed as it stands, is answered."""
    _ = served
    blocks = [put_in(block, firm_shell) for block in read_blocks(FIRM_GUIDE, "sh")]
    lines = "\n".join(re.sub(r"^export .*$", "", block, flags=re.MULTILINE) for block in blocks)
    script = "set -e\n" + lines.replace("curl ", "curl --fail --silent --show-error ")
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=dict(os.environ), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "cell.pdf").read_bytes().startswith(b"%PDF-")
    assert (tmp_path / "fade.parquet").read_bytes().startswith(b"PAR1")


def test_python_of_the_firms_guide_runs(served: tuple[str, Site], firm_shell: dict[str, str]) -> None:
    """The Python code of the firm's guide runs as it stands."""
    _ = served
    found: dict[str, Any] = {}
    for block in read_blocks(FIRM_GUIDE, "python"):
        exec(put_in(block, firm_shell), found)  # noqa: S102 it is our own guide
    found["cellar"].close()
    assert found["trace"].columns == ["test_time_second", "voltage_volt"]
    assert found["fade"].height


def test_sql_of_the_firms_guide_runs(portal: Site) -> None:
    """The SQL of the firm's guide runs in the portal."""
    for block in read_blocks(FIRM_GUIDE, "sql"):
        answer = portal.client("a").post("/api/v1/sql", json={"sql": block})
        assert (answer.status_code, len(answer.json()) > 0) == (200, True), answer.text


def test_notebook_runs(
    served: tuple[str, Site], firm_shell: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebook's cells run in order against a portal, and it is committed without outputs."""
    _ = served, firm_shell
    monkeypatch.setenv("CELLAR_OUT", str(tmp_path))
    cells = [cell for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    found: dict[str, Any] = {}
    for cell in cells:
        exec("".join(cell["source"]), found)  # noqa: S102 it is our own notebook
        assert cell["outputs"] == []
    assert found["ageing"]["capacity_retention"].max() <= 1.1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fade.parquet", "summary.csv"]


def test_pictures_are_shown_and_small() -> None:
    """Every picture of the guides stands in one of them, and is small enough for a repository."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in GUIDES.glob("*.png"):
        assert picture.name in text
        assert picture.stat().st_size <= LARGEST_PICTURE_BYTES

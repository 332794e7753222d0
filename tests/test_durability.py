"""What is promised is on the disk before it is promised: every fsync and every rename is there, and in its order."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
# Every call that makes something durable, by module and line as they stand there.
CALLS = re.compile(r" +(?:sync_file|sync_folder|os\.fsync)\(.*\)")
HEALING = "sync_folder(self.path_of(sha256).parent)"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the watch finds a file's name through /proc")


def durable_calls() -> list[tuple[str, int, str]]:
    """Return module, line and text of each call; healing a damaged archive has its own tests."""
    found = []
    # An export is a copy that is made again; nothing is promised by it.
    for path in sorted({*(ROOT / "warehouse").glob("*.py")} - {ROOT / "warehouse" / "exports.py"}):
        for number, line in enumerate(path.read_text().splitlines()):
            if CALLS.fullmatch(line) and HEALING not in line:
                found.append((path.name, number, line.strip()))
    return found


def run_scenario(packages: Path) -> dict[str, Any]:
    """Run the scenario with the packages of a folder; returns what it saw."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(packages), str(Path(__file__).parent)])}
    command = [sys.executable, str(Path(__file__).parent / "durability.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        pytest.fail(done.stderr)
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def copy_without(folder: Path, module: str, number: int) -> Path:
    """Copy the packages, one line of one module doing nothing; returns where."""
    for package in ("parsers", "warehouse", "flows"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "warehouse" / module
    lines = path.read_text().splitlines()
    lines[number] = lines[number][: len(lines[number]) - len(lines[number].lstrip())] + "pass"
    path.write_text("\n".join(lines) + "\n")
    return folder


def test_everything_is_durable_before_it_is_promised() -> None:
    """An ingest, a continuation and a night sync every file and folder before the commit that tells of it."""
    seen = run_scenario(ROOT)
    assert seen["found"] == []
    assert min(seen["renames"], seen["commits"]) >= 10


@pytest.mark.parametrize(("module", "number", "call"), durable_calls(), ids=str)
def test_every_sync_is_needed(tmp_path: Path, module: str, number: int, call: str) -> None:
    """Without any one of the calls that make something durable the watch finds something out of order."""
    assert run_scenario(copy_without(tmp_path, module, number))["found"] != [], call


def test_rename_before_the_sync_is_found(tmp_path: Path) -> None:
    """A file that gets its name before its bytes are on the disk is found."""
    packages = copy_without(tmp_path, "files.py", 0)
    path = packages / "warehouse" / "files.py"
    text = (ROOT / "warehouse" / "files.py").read_text()
    right = "    sync_file(temporary)\n    temporary.replace(final)\n"
    assert right in text
    path.write_text(text.replace(right, "    temporary.replace(final)\n    sync_file(final)\n"))
    assert any("renamed before it was synced" in found for found in run_scenario(packages)["found"])

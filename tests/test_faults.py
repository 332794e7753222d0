"""A disk that is really full, and a real file that grows for a week: nothing is lost, and nothing differs."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from growing import VERSIONS, cut_versions

import parsers
from flows.ingest import ingest_file
from flows.nightly import run_night
from warehouse.conform import conform
from warehouse.home import Home
from warehouse.parts import read_stored
from warehouse.progress import derive_all
from warehouse.schema import CYCLES, MEASUREMENTS, STEPS
from warehouse.verify import check_home

HERE = Path(__file__).parent
INCREMENTS = int(os.environ.get("CELLAR_INCREMENTS", "40"))
GROWING = {
    "biologic_mpr": "biologic_mpr/cheminfo-biologic-converter__jdb11-1.mpr",
    "neware_nda": "neware_nda/EmpaEconversion-fastnda__unzipped__nda_v23.nda",
}


def small_disk_is_refused() -> str | None:
    """Return why no small disk can be mounted here, or None."""
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    tried = ["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"no mount namespace for us: {done.stderr.strip()}"


def test_full_disk_is_told_and_heals(tmp_path: Path) -> None:
    """On a disk of 2 MB drops are refused once it is full, by an error that says so; with room all are taken once."""
    reason = small_disk_is_refused()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    command = ["unshare", "-Urm", sys.executable, str(HERE / "full_disk_driver.py"), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["before"]["StoreFailed"] > 0
    assert told["before"]["committed"] > 0
    # A drop that was committed may be told as failed, where the disk was full for its receipt: it is a duplicate then.
    assert told["after"]["duplicate"] >= told["before"]["committed"]
    assert told["after"]["committed"] >= 12 - told["before"]["committed"] - told["before"]["StoreFailed"]
    assert sum(told["after"].values()) == 12
    assert (told["tests"], len(told["rows"]), told["serious"], told["left"]) == (12, 1, [], [])


@pytest.mark.parametrize("name", ["biologic_mpr", "neware_nda"])
def test_real_file_grows_through_the_pipeline(corpus: Path, local_home: Home, tmp_path: Path, name: str) -> None:
    """A real file that is taken in random increments ends with the tables of one reading, to the last bit."""
    content = (corpus / GROWING[name]).read_bytes()
    dice = random.Random(INCREMENTS)  # noqa: S311 places to cut need no secrecy
    places = sorted({*(dice.randrange(len(content) // 20, len(content)) for _ in range(INCREMENTS - 1)), len(content)})
    path = tmp_path / f"growing{Path(GROWING[name]).suffix}"
    for number, version in enumerate(VERSIONS.get(name, cut_versions)(content, places)):
        path.write_bytes(version)
        list(ingest_file(local_home, path))
        if number % (INCREMENTS // 4) == INCREMENTS // 8:
            run_night(local_home)
    tests = local_home.query("tests")
    assert tests.height == 1
    whole = conform(parsers.read(path).measurements, parsers.read(path).spectra, path.name)[0]
    stored = read_stored(local_home, tests["test_id"].item(), MEASUREMENTS)
    assert_same(stored, whole)
    steps, _ = derive_all(stored, local_home.recipe.derivation)
    assert_same(read_stored(local_home, tests["test_id"].item(), STEPS).drop("test_id", "revision", "cycle"), steps)
    assert read_stored(local_home, tests["test_id"].item(), CYCLES).height == tests["cycles"].item()
    assert [finding for finding in check_home(local_home) if finding.serious] == []


def assert_same(stored: pl.DataFrame, wanted: pl.DataFrame) -> None:
    """Compare tables bit for bit; columns that the wanted one lacks are empty."""
    names = [name for name in stored.columns if name in wanted.columns]
    assert stored.select(names).equals(wanted.select(names))
    assert all(stored[name].null_count() == stored.height for name in stored.columns if name not in names)

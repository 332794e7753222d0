"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from corpus_files import corpus_folder
from portal_lab import lab, lab_home, still_lab  # noqa: F401 fixtures of the portal's tests
from portal_site import portal, portal_home  # noqa: F401 fixtures of the portal's tests
from postgres import create_database, find_binaries, running_server

from flows.virtual_lab import LabOptions, LabReport, simulate
from warehouse.home import Home

DATABASE_NUMBERS: Final = count(1)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real cycler files; its absence skips a test here and fails it in CI."""
    folder = corpus_folder()
    if not (folder / "INDEX.tsv").is_file():
        reason = f"no corpus at {folder}; CELLAR_CORPUS names another place"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server for the whole session; its absence skips a test here and fails it in CI."""
    binaries = find_binaries()
    if binaries is None:
        reason = "no PostgreSQL server in /usr/lib/postgresql; install Debian's package postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with running_server(binaries) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def registry_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty registry, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.sqlite'}"
    return create_database(request.getfixturevalue("postgres"), f"test_{next(DATABASE_NUMBERS)}")


@pytest.fixture
def home(tmp_path: Path, registry_url: str) -> Iterator[Home]:
    """An empty home, once on SQLite and once on PostgreSQL."""
    with closing(Home(tmp_path / "home", registry_url)) as opened:
        yield opened


@pytest.fixture
def local_home(tmp_path: Path) -> Iterator[Home]:
    """An empty home on SQLite, for facts that do not depend on the database."""
    with closing(Home(tmp_path / "home")) as opened:
        yield opened


@pytest.fixture(scope="session")
def small_lab(tmp_path_factory: pytest.TempPathFactory) -> LabReport:
    """Five small virtual cells of two firms, one in each layout."""
    return simulate(tmp_path_factory.mktemp("small") / "lab", LabOptions(cells=5, cycles=5, long_cells=0, points=6))

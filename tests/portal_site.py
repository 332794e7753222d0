"""A small portal for tests: two firms with three virtual cells each, tokens of every role, and clients in-process."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from flows.ingest import ingest_paths
from flows.nightly import run_night
from flows.virtual_lab import LabOptions, simulate
from warehouse.access.tokens import create_token
from warehouse.home import Home
from warehouse.manifest import import_manifest

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.testclient import TestClient

FIRM_A: Final = "FIRM-A"
FIRM_B: Final = "FIRM-B"
LAB: Final = LabOptions(firms=(FIRM_A, FIRM_B), cells=6, cycles=14, long_cells=0, points=6)
ADDRESS: Final = "http://portal.test"


@dataclass
class Site:
    """A portal that answers in this process.

    Args:
        folder: its home.
        app: the portal.
        tokens: a token for each of ``a``, ``b`` (the firms), ``technician`` and ``operator``.
    """

    folder: Path
    app: FastAPI
    tokens: dict[str, str]
    _clients: list[TestClient] = field(default_factory=list)

    def client(self, who: str | None = None) -> TestClient:
        """Return a client that sends the token of ``a``, ``b``, ``technician`` or ``operator``, or none."""
        headers = {"authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return self._open(headers)

    def browser(self, who: str) -> TestClient:
        """Return a client that has logged in to the pages and keeps its cookie."""
        client = self._open({"origin": ADDRESS})
        answer = client.post("/login", data={"token": self.tokens[who], "next": "/login"}, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return client

    def _open(self, headers: dict[str, str]) -> TestClient:
        with warnings.catch_warnings():
            # It would rather have httpx2, which nothing else here needs.
            warnings.simplefilter("ignore")
            from starlette.testclient import TestClient  # noqa: PLC0415 only tests of the portal pay for it

        client = TestClient(self.app, base_url=ADDRESS, headers=headers)
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Let go of everything."""
        for client in self._clients:
            client.close()
        self.app.state.closing.close()


def build_home(folder: Path, lab: LabOptions = LAB) -> Path:
    """Build a home from a virtual lab, with a night behind it."""
    with closing(Home(folder)) as home:
        report = simulate(folder.parent / f"{folder.name}-lab", lab)
        import_manifest(home, report.manifest)
        states = {receipt["state"] for receipt in ingest_paths(home, list(report.files))}
        assert states == {"committed"}
        run_night(home)
    return folder


def open_site(folder: Path, firm_b: str = FIRM_B) -> Site:
    """Open a portal on a home, without limits on how much may be asked; ``b`` is the firm besides FIRM-A."""
    from portal.app import build_app  # noqa: PLC0415 only tests of the portal pay for it
    from portal.options import PortalOptions  # noqa: PLC0415 likewise

    wishes = {"a": ("firm", FIRM_A), "b": ("firm", firm_b), "technician": ("technician", None)}
    wishes["operator"] = ("operator", None)
    with closing(Home(folder)) as home:
        tokens = {who: create_token(home, role, firm, label="tests")[0] for who, (role, firm) in wishes.items()}
    return Site(folder, build_app(folder, PortalOptions(rate_per_second=0, logins_per_minute=0)), tokens)


@pytest.fixture(scope="session")
def portal_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a home with two firms and a night; tests that change it copy it first."""
    return build_home(tmp_path_factory.mktemp("portal") / "home")


@pytest.fixture(scope="session")
def portal(portal_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A portal on a copy of that home: reads are written down, and reports are numbered."""
    site = open_site(shutil.copytree(portal_home, tmp_path_factory.mktemp("served") / "home"))
    yield site
    site.close()

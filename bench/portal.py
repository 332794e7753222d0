"""The portal under 16 clients on a home of 1,000 cells of 1,000 cycles: fade of a cell, comparisons, pages, reports.

The tests are simulated and put in without files; a night runs; the portal is a process of its own, and so are the
clients. ``CELLAR_BENCH_CELLS`` and ``CELLAR_BENCH_CYCLES`` make it smaller, ``CELLAR_BENCH_HOME`` names a folder that
keeps the home for the next run.
"""

from __future__ import annotations

import http.client
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import numpy as np

from bench.measure import seconds
from bench.simulated import put_test
from flows.nightly import run_night
from flows.virtual_lab import LabOptions
from flows.virtual_lab.design import draw_properties, identify
from flows.virtual_lab.manifest import write_manifest
from warehouse.access.tokens import create_token
from warehouse.home import Home
from warehouse.manifest import import_manifest
from warehouse.publish import Owner

CELLS = int(os.environ.get("CELLAR_BENCH_CELLS", "1000"))
CYCLES = int(os.environ.get("CELLAR_BENCH_CYCLES", "1000"))
KEPT = os.environ.get("CELLAR_BENCH_HOME", "")
CLIENTS = 16
REQUESTS = 640
REPORTS = 20
FEW_REQUESTS = 160
START_SECONDS = 120.0
FIRM = "FIRM-000"
LAB = LabOptions(firms=(FIRM,), cells=CELLS, cycles=CYCLES, long_cells=0, points=4, wafers=3)
COMPARISON = "/api/v1/queries/fade?columns=cell_id,cycle,capacity_retention&format=arrow"
BARS = {
    "fade of a cell": 0.05,
    "comparison": 1.0,
    "comparison, 200 points a cell": 1.0,
    "comparison as a chart": 1.0,
    "page": 0.3,
    "report as PDF": 1.0,
}


def run() -> None:
    """Print the 50th and 95th percentile of each kind of request, over all clients, beside its bar."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(KEPT or folder) / "home"
        if not place.exists():
            print(f"{CELLS:,} cells x {CYCLES:,} cycles put in: {seconds(lambda: _fill(place)):.0f} s", flush=True)
        with closing(Home(place)) as home:
            token, _ = create_token(home, "firm", FIRM, days=1)
            cells = [str(name) for name in home.query("cells", firm=FIRM)["cell_id"]]
        with _portal(place) as port:
            _measure(port, token, cells)


def _measure(port: int, token: str, cells: list[str]) -> None:
    chance = random.Random(1)  # noqa: S311 not for secrets
    headers = {"Authorization": f"Bearer {token}"}

    def fade(cell: str) -> str:
        return f"/api/v1/cells/{quote(cell, safe='')}/fade?format=arrow"

    first = seconds(lambda: _ask(port, COMPARISON, headers))
    print(f"first comparison after the night: {first * 1e3:.0f} ms", flush=True)
    # Never asked before: these are read from the stored answer.
    _tell("fade of a cell", port, headers, [fade(cell) for cell in chance.sample(cells, len(cells))][:REQUESTS])
    _tell("fade of a cell", port, headers, [fade(chance.choice(cells)) for _ in range(REQUESTS)])
    _tell("comparison", port, headers, [COMPARISON] * FEW_REQUESTS)
    thin = f"{COMPARISON}&max_points=200"
    _tell("comparison, 200 points a cell", port, headers, [thin] * FEW_REQUESTS)
    chart = "/charts/compare?lang=en"
    print(f"first chart: {seconds(lambda: _ask(port, chart, headers)) * 1e3:.0f} ms", flush=True)
    _tell("comparison as a chart", port, headers, [chart] * FEW_REQUESTS)
    pages = ["/overview", "/compare", *(f"/cells/{quote(cell, safe='')}" for cell in chance.sample(cells, 8))]
    for page in dict.fromkeys(path.split("/")[1] for path in pages):
        wanted = [path for path in pages if path.split("/")[1] == page]
        cold = seconds(lambda: _ask(port, wanted[0], headers))  # noqa: B023 used at once
        print(f"first /{page}: {cold * 1e3:.0f} ms", flush=True)
        _tell("page", port, headers, [chance.choice(wanted) for _ in range(FEW_REQUESTS)], f" /{page}")
    # Others at each run: a report that was made once is kept in the home.
    reports = [f"/api/v1/reports/{quote(cell, safe='')}" for cell in random.SystemRandom().sample(cells, REPORTS)]
    print(f"first report: {seconds(lambda: _ask(port, reports[0], headers)) * 1e3:.0f} ms", flush=True)
    _tell("report as PDF", port, headers, reports[1:], clients=1)


def _tell(
    name: str, port: int, headers: dict[str, str], paths: list[str], more: str = "", *, clients: int = CLIENTS
) -> None:
    """Send requests from all clients and print how long they took."""
    with ThreadPoolExecutor(clients) as crowd:
        took = sorted(crowd.map(lambda path: seconds(lambda: _ask(port, path, headers)), paths))
    late = took[int(len(took) * 0.95) - 1]
    verdict = "held" if late <= BARS[name] else "MISSED"
    told = f"p50 {statistics.median(took) * 1e3:.0f} ms, p95 {late * 1e3:.0f} ms"
    bar = f"bar {BARS[name] * 1e3:.0f} ms: {verdict}"
    print(f"{name}{more}, {clients} clients, {len(took)} requests: {told} ({bar})", flush=True)


def _ask(port: int, path: str, headers: dict[str, str]) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == http.client.OK, (path, answer.status, body[:200])


def _fill(place: Path) -> None:
    with closing(Home(place)) as home:
        rng = np.random.default_rng(0)
        cells = [(identify(LAB, number), draw_properties(LAB, number, 1.0, rng)) for number in range(CELLS)]
        manifest = place / "manifest.csv"
        write_manifest(manifest, cells)
        import_manifest(home, manifest)
        for number in range(CELLS):
            put_test(home, LAB, number, Owner(FIRM, cells[number][0].cell_id, "option"))
        took = seconds(lambda: run_night(home))
        print(f"night: {took:.0f} s", flush=True)


@contextmanager
def _portal(place: Path) -> Iterator[int]:
    """Run a portal without limits on how much may be asked; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = (
        "import sys, uvicorn; from portal.app import build_app; from portal.options import PortalOptions; "
        "uvicorn.run(build_app(sys.argv[1], PortalOptions(rate_per_second=0)), port=int(sys.argv[2]), "
        "log_level='warning', access_log=False)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(place), str(port)])
    try:
        _wait(lambda: _ask(port, "/healthz", {}))
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait(attempt: Callable[[], None]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            attempt()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return

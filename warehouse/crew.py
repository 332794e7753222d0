"""Computing in several processes: what a night has to make for many tests or cells is shared out among the cores."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

# Below this many scopes a process takes longer to start than it saves.
FEWEST_APART: Final = 64
# One thread each, as there are as many processes as cores.
SINGLE: Final = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

# As in ``warehouse.results``, which is loaded only where something is computed.
Made = list[tuple[str, tuple[pl.DataFrame, ...]]]
Failed = dict[tuple[str, str], str]


class Share(NamedTuple):
    """What one process is to make for a firm of a home: of each test or cell the computations that it needs."""

    folder: Path
    registry_url: str
    firm: str
    jobs: dict[str, list[str]]


class Crew:
    """Processes that compute, started when there is first something to share out.

    Args:
        folder: the home.
        registry_url: its registry.
        size: how many processes.
    """

    def __init__(self, folder: Path, registry_url: str, size: int) -> None:
        self._place = folder, registry_url
        self._size = size
        self._pool: ProcessPoolExecutor | None = None

    def takes(self, scopes: int) -> bool:
        """Whether it is worth sharing out so many."""
        return self._size > 1 and scopes >= FEWEST_APART

    def compute(self, firm: str, jobs: Mapping[str, Sequence[str]]) -> tuple[Made, Failed]:
        """Compute for each scope its computations; see ``Results``. What comes back follows from the jobs alone."""
        if self._pool is None:
            with _environment(SINGLE):
                self._pool = ProcessPoolExecutor(self._size, mp_context=get_context("spawn"))
                # The processes start with their first work, and read the environment then.
                list(self._pool.map(_wait_for_start, range(self._size)))
        ordered = sorted(jobs)
        parts = [ordered[first :: self._size] for first in range(self._size)]
        shares = [Share(*self._place, firm, {scope: list(jobs[scope]) for scope in part}) for part in parts if part]
        made: Made = []
        failed: Failed = {}
        for frames, errors in self._pool.map(compute_share, shares):
            made += frames
            failed |= errors
        return made, failed

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


def compute_share(share: Share) -> tuple[Made, Failed]:
    """Compute a share in this process."""
    from warehouse.home import Home  # noqa: PLC0415 a home knows of its crew

    with closing(Home(share.folder, share.registry_url)) as home:
        return home.results.compute(share.firm, share.jobs)


def count_cores() -> int:
    """Return the number of cores that we may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _wait_for_start(number: int) -> int:
    return number


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value

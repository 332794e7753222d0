"""Computing in several processes: what a night has to make for many tests or cells is shared out among the cores."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from warehouse.refresh import Made

# Below this many scopes a process takes longer to start than it saves.
FEWEST_APART: Final = 64
BUCKETS_A_SHARE: Final = 4
# One thread each, as there are as many processes as cores.
SINGLE: Final = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Share(NamedTuple):
    """What one process is to make for a firm of a home: the names of its buckets."""

    folder: Path
    registry_url: str
    firm: str
    buckets: tuple[str, ...]


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

    def make(self, firm: str, buckets: Sequence[str]) -> list[Made]:
        """Make the files of some buckets; what comes back follows from the buckets alone."""
        if self._pool is None:
            with _environment(SINGLE):
                self._pool = ProcessPoolExecutor(self._size, mp_context=get_context("spawn"))
                # The processes start with their first work, and read the environment then.
                list(self._pool.map(_wait_for_start, range(self._size)))
        # Small shares, so that no process waits long for another that had more to do.
        parts = [buckets[first : first + BUCKETS_A_SHARE] for first in range(0, len(buckets), BUCKETS_A_SHARE)]
        shares = [Share(*self._place, firm, tuple(part)) for part in parts]
        return [made for share in self._pool.map(make_share, shares) for made in share]

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


def make_share(share: Share) -> list[Made]:
    """Make a share in this process."""
    from warehouse.home import Home  # noqa: PLC0415 a home knows of its crew
    from warehouse.refresh import make_buckets  # noqa: PLC0415 likewise

    with closing(Home(share.folder, share.registry_url)) as home:
        return make_buckets(home, share.firm, share.buckets)


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

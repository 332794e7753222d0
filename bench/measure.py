"""Timing, and where the corpus is."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def corpus() -> Path | None:
    """Return the folder of real cycler files, or None where it is absent."""
    folder = Path(os.environ.get("CELLAR_CORPUS", ROOT.parent / "shared" / "corpus"))
    return folder if folder.is_dir() else None


def seconds(job: Callable[[], object]) -> float:
    """Return how long a job takes, once."""
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def call(command: Sequence[str]) -> None:
    """Run a command as a user does: with the compiled modules that an installation has."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, capture_output=True, check=True, env=environment)


def alternate(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Run two jobs in turn, so that a busy moment hits both.

    Returns:
        Median seconds of ours, of theirs, and the median of the ratios round by round.
    """
    ours(), theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    ratio = statistics.median(mine / other for mine, other in pairs)
    return statistics.median(mine for mine, _ in pairs), statistics.median(other for _, other in pairs), ratio

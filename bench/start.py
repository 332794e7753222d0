"""What a command costs before it does anything."""

from __future__ import annotations

import statistics
import subprocess
import sys
from functools import partial

from bench.measure import seconds

ROUNDS = 5
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import polars, duckdb'": [sys.executable, "-c", "import polars, duckdb"],
    "cellar formats": [sys.executable, "-m", "flows.cli", "formats"],
}


def run() -> None:
    """Print the median seconds of starting Python, the libraries, and a command."""
    for name, command in COMMANDS.items():
        took = statistics.median(seconds(partial(_run, command)) for _ in range(ROUNDS))
        print(f"{name:36} {took:.2f} s")


def _run(command: list[str]) -> None:
    subprocess.run(command, capture_output=True, check=True)

"""What a command costs before it does anything."""

from __future__ import annotations

import statistics
import sys
from functools import partial

from bench.measure import call, seconds

ROUNDS = 5
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import polars, duckdb'": [sys.executable, "-c", "import polars, duckdb"],
    "cellar formats": [sys.executable, "-m", "flows.main", "formats"],
    "cellar cells --help": [sys.executable, "-m", "flows.main", "cells", "--help"],
}


def run() -> None:
    """Print the median seconds of starting Python, the libraries, and a command."""
    for name, command in COMMANDS.items():
        call(command)
        took = statistics.median(seconds(partial(call, command)) for _ in range(ROUNDS))
        print(f"{name:36} {took:.2f} s")

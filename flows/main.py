"""The entry point of ``cellar``: what takes files in starts a reader's process before it loads its own modules."""

from __future__ import annotations

import sys
from typing import Final

from flows import reader_pool

TAKING_IN: Final = frozenset({"ingest"})


def main() -> None:
    """Run one command; see :mod:`flows.cli`."""
    reader_pool.switch_on()
    if TAKING_IN & set(sys.argv[1:2]):
        reader_pool.prepare()
    from flows.cli import main as run  # noqa: PLC0415 loaded while the reader gets ready

    run()

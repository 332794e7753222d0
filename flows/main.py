"""The entry point of ``cellar``: a command's modules are loaded, for some commands no others.

What takes files in starts a reader's process before it loads its own modules.
"""

from __future__ import annotations

import sys
from typing import Final

from flows import reader_pool

TAKING_IN: Final = frozenset({"ingest"})
# Commands without a home: half of what they took was to load what only others need.
READING: Final = frozenset({"convert", "detect", "formats"})


def main() -> None:
    """Run one command; see :mod:`flows.cli`."""
    named = set(sys.argv[1:2])
    if READING & named:
        from flows.commandline import make_app, run  # noqa: PLC0415 not what all commands together load
        from flows.commands import reading  # noqa: PLC0415 not what all commands together load

        run(make_app([reading]))
        return
    reader_pool.switch_on()
    if TAKING_IN & named:
        reader_pool.prepare()
    from flows.cli import main as run_all  # noqa: PLC0415 loaded while the reader gets ready

    run_all()


if __name__ == "__main__":
    main()

"""The command line: ``cellar COMMAND``, see ``cellar --help``.

Exit codes: 0 done, 1 our failure, 2 wrong usage, 3 done but something was quarantined or failed a check.
"""

from __future__ import annotations

from typing import Final

import typer

from flows.commandline import make_app, run
from flows.commands import (
    alerts,
    asking,
    health,
    identity,
    ingesting,
    keeping,
    manifests,
    portal,
    profiles,
    quarantine,
    reading,
    recipes,
    reporting,
    running,
    sharing,
    wafers,
)

app: Final[typer.Typer] = make_app(
    (
        identity,
        manifests,
        profiles,
        reading,
        ingesting,
        quarantine,
        asking,
        alerts,
        recipes,
        wafers,
        running,
        keeping,
        health,
        portal,
        reporting,
        sharing,
    )
)


def main() -> None:
    """Run one command."""
    run(app)


if __name__ == "__main__":
    main()

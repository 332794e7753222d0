"""The command line: ``cellar COMMAND``, see ``cellar --help``.

Exit codes: 0 done, 1 our failure, 2 wrong usage, 3 done but something was quarantined or failed a check.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

import typer
from rich.markup import escape

from flows import reader_pool
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
from flows.console import EXIT_CHECK, EXIT_FAILED, EXIT_USAGE, err
from warehouse.errors import CellarError, QuarantineError, UsageError
from warehouse.sentences import explain

app: Final = typer.Typer(
    name="cellar",
    help="Cycler files in, fade curves out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (
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
):
    module.register(app)


def main() -> None:
    """Run one command and end with its exit code; errors raised on purpose become one clear line."""
    reader_pool.switch_on()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except QuarantineError as error:
        reason = explain(error.code, error.detail, error.where)
        where = f": {error.where}" if error.where else ""
        err.print(f"[red]{escape(error.path)}[/red]" + escape(f"{where}\n{reason['en']}\n{reason['ko']}"))
        sys.exit(EXIT_CHECK)
    except UsageError as error:
        err.print(f"[red]cellar:[/red] {escape(str(error))}", highlight=False)
        sys.exit(EXIT_USAGE)
    except (CellarError, OSError) as error:
        err.print(f"[red]cellar:[/red] {type(error).__name__}: {escape(str(error))}", highlight=False)
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()

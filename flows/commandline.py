"""A command line of some commands, and what becomes of the errors that they raise on purpose."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Protocol

import typer
from rich.markup import escape

from flows import reader_pool
from flows.console import EXIT_CHECK, EXIT_FAILED, EXIT_USAGE, err
from warehouse.errors import CellarError, QuarantineError, UsageError
from warehouse.sentences import explain


class Commands(Protocol):
    """A module of :mod:`flows.commands`."""

    def register(self, app: typer.Typer) -> None:
        """Add the commands."""


def make_app(modules: Iterable[Commands]) -> typer.Typer:
    """Return the command line of these modules' commands."""
    app = typer.Typer(
        name="cellar",
        help="Cycler files in, fade curves out.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for module in modules:
        module.register(app)
    return app


def run(app: typer.Typer) -> None:
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

"""``cellar health``: whether the platform is well, for people, timers and monitors."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import typer

from flows.console import EXIT_CHECK, HomeOption, JsonOption, print_json, print_rows
from warehouse.health import check_health
from warehouse.home import open_home


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(health)


def health(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """Say whether registry, disk, service, the last look into the inboxes and the last night are well; else exit 3."""
    checks = check_health(open_home(home), datetime.now(UTC))
    sound = all(check.sound for check in checks)
    if json:
        print_json({"sound": sound, "checks": list(map(asdict, checks))})
    else:
        print_rows([{"what": each.name, "well": "yes" if each.sound else "NO", "says": each.says} for each in checks])
    if not sound:
        raise typer.Exit(EXIT_CHECK)

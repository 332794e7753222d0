"""``cellar backup, restore, platform``: copies of the registry, and the platform's own figures."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from flows.console import HomeOption, JsonOption, out, print_frame, print_json
from warehouse.backup import backup_registry, prune_backups, restore_registry
from warehouse.errors import UsageError
from warehouse.home import open_home
from warehouse.platform import measure_platform


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)
    app.command()(platform)


def backup(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """Copy the registry now, as every night does: 7 days, 5 weeks and 12 months of copies are kept."""
    opened = open_home(home)
    path = backup_registry(opened, datetime.now(opened.settings.zone_info).date())
    removed = prune_backups(opened)
    if json:
        print_json({"backup": str(path), "removed": removed})
        return
    out.print(f"{path}\n{removed} old copies removed", highlight=False, soft_wrap=True)


def restore(
    copy: Annotated[Path, typer.Argument(help="A copy of the registry, from backups/.", show_default=False)],
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Put a copy into an empty registry: after a loss of registry and journal, or on another database.

    With a sound journal 'cellar verify --repair' loses less: it goes up to the last commit.
    """
    opened = open_home(home)
    rows = restore_registry(opened, copy)
    if json:
        print_json({"restored": str(copy), "rows": rows})
        return
    out.print(f"{rows:,} rows restored; now run 'cellar verify --repair'", highlight=False)


def platform(
    home: HomeOption = None,
    *,
    since: Annotated[str, typer.Option(help="First month, as 2026-01.", show_default=False)] = "",
    json: JsonOption = False,
) -> None:
    """Show what the platform did, month by month, for its yearly report; no firm's values are in it."""
    try:
        _ = date.fromisoformat(f"{since}-01") if since else None
    except ValueError as error:
        raise UsageError(f"{since!r} is no month such as 2026-01") from error
    frame = measure_platform(open_home(home))
    frame = frame.filter(frame["month"] >= since)
    if json:
        print_json(frame.to_dicts())
        return
    print_frame(frame)

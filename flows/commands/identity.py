"""``cellar init, firm, assign``: the home, who takes part, and which test is of which cell."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from flows.console import FirmOption, HomeOption, JsonOption, out, print_json
from warehouse.errors import UsageError
from warehouse.home import Home, open_home
from warehouse.identity import add_firm, assign_channel, assign_test, find_cell
from warehouse.sources import find_test


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(assign)
    firm = typer.Typer(help="Participating firms.", no_args_is_help=True)
    firm.command("add")(firm_add)
    app.add_typer(firm, name="firm")


def init(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """Make a home: inbox, archive, tables, registry, settings."""
    made = open_home(home)
    registry = made.registry.url.render_as_string(hide_password=True)
    if json:
        print_json({"home": str(made.folder), "registry": registry, "inbox": str(made.folder / "inbox")})
        return
    where = f"Home: {made.folder}\nRegistry: {registry}\nDrop files into {made.folder / 'inbox'}/<firm>/<cell>/"
    out.print(where, markup=False)


def firm_add(
    code: Annotated[str, typer.Argument(help="Short code, used as a folder's name.")],
    home: HomeOption = None,
    *,
    name: Annotated[str | None, typer.Option(help="The firm's name.", show_default=False)] = None,
    json: JsonOption = False,
) -> None:
    """Add a firm, or give a known one another name."""
    new = add_firm(open_home(home), code, name)
    if json:
        print_json({"firm": code, "name": name or code, "added": new})
        return
    out.print(f"Firm {code} {'added' if new else 'was known already'}.")


def assign(
    test_or_channel: Annotated[
        str, typer.Argument(help="A test's name, the hash of its source, or a channel as the files name it.")
    ],
    cell: Annotated[str, typer.Argument(help="The cell.")],
    home: HomeOption = None,
    *,
    firm: FirmOption = None,
    begin: Annotated[str | None, typer.Option("--from", help="First moment, ISO 8601.", show_default=False)] = None,
    end: Annotated[str | None, typer.Option("--to", help="First moment after, ISO 8601.", show_default=False)] = None,
    json: JsonOption = False,
) -> None:
    """Say which cell a test belongs to, or which cell a cycler channel holds over a time."""
    opened = open_home(home)
    row = find_cell(opened, cell, firm)
    test_id = find_test(opened, test_or_channel)
    if test_id is not None:
        if begin or end:
            raise UsageError("--from and --to are for channels; a test has its own times")
        assign_test(opened, test_id, row)
        moved = [test_id]
    else:
        moved = assign_channel(opened, test_or_channel, row, _moment(opened, begin) or 0.0, _moment(opened, end))
    if json:
        print_json({"firm": row["firm"], "cell_id": cell, "assigned": test_or_channel, "tests": moved})
        return
    out.print(f"{test_or_channel} → {cell} of {row['firm']}; {len(moved)} tests moved.", markup=False)


def _moment(home: Home, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no moment such as 2026-03-02T09:00") from error
    zone: ZoneInfo = home.settings.zone_info
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()

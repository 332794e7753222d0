"""``cellar init, firm, cells, assign``: the home, who takes part, and which cells exist."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from flows.console import EXIT_CHECK, FirmOption, HomeOption, JsonOption, err, out, print_frame, print_json
from warehouse.errors import UsageError
from warehouse.home import Home, open_home
from warehouse.identity import add_firm, assign_channel, assign_test, find_cell
from warehouse.manifest import import_manifest
from warehouse.registry import TEST


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(assign)
    firm = typer.Typer(help="Participating firms.", no_args_is_help=True)
    firm.command("add")(firm_add)
    cells = typer.Typer(help="Cells and their manifests.", no_args_is_help=True)
    cells.command("import")(cells_import)
    cells.command("list")(cells_list)
    app.add_typer(firm, name="firm")
    app.add_typer(cells, name="cells")


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


def cells_import(
    file: Annotated[Path, typer.Argument(help="Manifest, csv or xlsx.")],
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Import a manifest of cells; good rows are taken, bad ones reported."""
    receipt = import_manifest(open_home(home), file)
    refused = [{"row": error.row, "reason": error.detail} for error in receipt.refused]
    if json:
        print_json(
            {
                "cells": receipt.cells,
                "refused": refused,
                "firms_added": list(receipt.firms_added),
                "rederived": list(receipt.rederived),
            }
        )
    else:
        out.print(f"{receipt.cells} cells imported.")
        if receipt.firms_added:
            out.print(f"Firms added: {', '.join(receipt.firms_added)}")
        if receipt.rederived:
            out.print(f"{len(receipt.rederived)} tests derived again, their cell's convention changed.")
        for error in receipt.refused:
            err.print(f"[yellow]row {error.row}[/yellow]: {escape(error.detail)}")
    if refused:
        raise typer.Exit(EXIT_CHECK)


def cells_list(home: HomeOption = None, *, firm: FirmOption = None, json: JsonOption = False) -> None:
    """List the cells."""
    frame = open_home(home).query("cells", firm=firm)
    if json:
        print_json(frame.to_dicts())
    else:
        print_frame(frame)


def assign(
    test_or_channel: Annotated[str, typer.Argument(help="A test's name, or a channel as the files name it.")],
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
    if opened.registry.row(TEST, test_id=test_or_channel) is not None:
        if begin or end:
            raise UsageError("--from and --to are for channels; a test has its own times")
        assign_test(opened, test_or_channel, row)
        moved = [test_or_channel]
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

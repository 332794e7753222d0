"""``cellar profiles``: what applications ask of a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.console import FirmOption, HomeOption, JsonOption, out, print_json, print_rows
from warehouse.home import open_home
from warehouse.owners import normalise
from warehouse.requirements.shelf import find_profile, import_profile, list_profiles

SHOWN = ("firm", "profile", "version", "requirements", "title_en", "title_ko")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    profiles = typer.Typer(help="Sets of requirements: what applications ask of a cell.", no_args_is_help=True)
    profiles.command("list")(profiles_list)
    profiles.command("show")(profiles_show)
    profiles.command("import")(profiles_import)
    app.add_typer(profiles, name="profiles")


def profiles_list(home: HomeOption = None, *, firm: FirmOption = None, json: JsonOption = False) -> None:
    """List the shipped examples and the firms' own sets, version by version."""
    rows = list_profiles(open_home(home), normalise(firm) if firm is not None else None)
    if json:
        print_json(rows)
    else:
        print_rows([{**row, "firm": row["firm"] or "shipped"} for row in rows], SHOWN)


def profiles_show(
    name: Annotated[str, typer.Argument(help="Name of the set.")],
    home: HomeOption = None,
    *,
    firm: FirmOption = None,
    version: Annotated[int | None, typer.Option(help="Version; the latest by default.", show_default=False)] = None,
) -> None:
    """Show a set as it was written; a copy of it is where a firm's own begins."""
    profile = find_profile(open_home(home), name, normalise(firm) if firm is not None else None, version)
    out.print(profile.document, markup=False, highlight=False, end="")


def profiles_import(
    file: Annotated[Path, typer.Argument(help="Set of requirements, TOML.")],
    firm: Annotated[str, typer.Option("--firm", help="Code of the firm.", show_default=False)],
    home: HomeOption = None,
    *,
    json: JsonOption = False,
) -> None:
    """Take a firm's own set; another text of the same name is its next version."""
    profile, new = import_profile(open_home(home), file, normalise(firm))
    if json:
        counted = len(profile.requirements)
        print_json({"profile": profile.name, "version": profile.version, "requirements": counted, "new": new})
        return
    known = "" if new else ", known already"
    out.print(f"{profile.name} version {profile.version}: {len(profile.requirements)} requirements{known}")

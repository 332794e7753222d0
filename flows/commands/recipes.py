"""``cellar recipe``: the thresholds and policies behind the numbers."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
import typer

from flows.console import FirmOption, HomeOption, JsonOption, out, print_json, print_rows
from warehouse.errors import UsageError
from warehouse.home import open_home
from warehouse.registry import RECIPE


def register(app: typer.Typer) -> None:
    """Add the commands."""
    recipe = typer.Typer(help="The thresholds and policies behind the numbers.", no_args_is_help=True)
    recipe.command("show")(show)
    recipe.command("list")(list_recipes)
    app.add_typer(recipe, name="recipe")


def show(
    label: Annotated[
        str | None,
        typer.Argument(help="A recipe that numbers were made with, version@hash.", show_default=False),
    ] = None,
    home: HomeOption = None,
    *,
    firm: FirmOption = None,
    json: JsonOption = False,
) -> None:
    """Print every value of a recipe as TOML: of the one in use, or of one that results name.

    Change it in recipe.toml of the home, or for one firm in recipes/FIRM.toml.
    """
    opened = open_home(home)
    if label is None:
        recipe = opened.recipe_of(firm)
        named, text = recipe.label, recipe.to_toml()
    else:
        rows = opened.registry.rows(sa.select(RECIPE).where(RECIPE.c.label == label))
        if not rows:
            raise UsageError(f"no number was made with a recipe {label!r}; 'cellar recipe list' shows those that were")
        named, text = label, rows[0]["text"]
    if json:
        print_json({"recipe": named, "text": text})
        return
    out.print(f"# {named}\n{text}", markup=False, highlight=False, soft_wrap=True)


def list_recipes(home: HomeOption = None, *, json: JsonOption = False) -> None:
    """List every recipe that numbers were made with, and those in use."""
    opened = open_home(home)
    used = [row["label"] for row in opened.registry.rows(sa.select(RECIPE).order_by(RECIPE.c.first_used_unix_second))]
    now = {opened.recipe.label: "platform"} | {one.label: firm for firm, one in opened.recipes.of_firms.items()}
    rows = [{"recipe": label, "in_use": now.get(label, "")} for label in dict.fromkeys([*used, *now])]
    if json:
        print_json(rows)
        return
    print_rows(rows, ("recipe", "in_use"), title="Recipes")

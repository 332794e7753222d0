"""The recipe: what a file changes, what it refuses, and what tells two recipes apart."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from warehouse.ask import fill_parameters
from warehouse.errors import UsageError
from warehouse.recipe import Recipe, Recipes, change_recipe


def test_written_recipe_reads_back() -> None:
    """Every value of the default, written as TOML and read again, is the same."""
    assert change_recipe(Recipe(), tomllib.loads(Recipe().to_toml())) == Recipe()


def test_any_value_changes_the_hash() -> None:
    """A recipe that differs in one threshold has another hash, though it has the same version."""
    other = change_recipe(Recipe(), {"impedance": {"misfit": 0.03}})
    assert other.version == Recipe().version
    assert other.sha256 != Recipe().sha256


def test_whole_number_stands_for_a_float(tmp_path: Path) -> None:
    """A threshold written without a point is the same threshold."""
    (tmp_path / "recipe.toml").write_text("[impedance]\nacir_hertz = 1000\n")
    assert Recipes(tmp_path).platform == Recipe()


def test_firm_changes_the_platforms_recipe(tmp_path: Path) -> None:
    """A firm's file lies over the home's, which lies over the default."""
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipe.toml").write_text('version = "site-1"\n[impedance]\nmisfit = 0.03\n')
    (tmp_path / "recipes" / "A.toml").write_text("[impedance]\nmost_arcs = 2\n")
    recipes = Recipes(tmp_path)
    mine = recipes.of("A").impedance
    assert (recipes.of("A").version, mine.misfit, mine.most_arcs) == ("site-1", 0.03, 2)
    assert recipes.of("B") == recipes.platform


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[impedence]\nmisfit = 1.0\n", "no section 'impedence'"),
        ("[impedance]\nmissfit = 1.0\n", "has no missfit"),
        ('[impedance]\nmisfit = "little"\n', "misfit cannot be 'little'"),
        ("[impedance]\nmost_arcs = true\n", "most_arcs cannot be True"),
        ("impedance = 3\n", "'impedance' must be a table"),
        ("[impedance\n", "recipe.toml"),
    ],
)
def test_wrong_recipe_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """A recipe that says what it cannot is refused, with its file and the place."""
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(UsageError, match=told):
        Recipes(tmp_path)


def test_text_in_a_recipe_stays_text() -> None:
    """A value cannot become SQL."""
    recipe = Recipe(version="x' OR '1'='1")
    assert fill_parameters("SELECT $recipe", recipe) == f"SELECT 'x'' OR ''1''=''1@{recipe.sha256[:12]}'"

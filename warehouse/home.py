"""A home: the folder with inbox, archive, tables, registry and settings of one platform."""

from __future__ import annotations

import os
import uuid
from contextlib import closing
from functools import cached_property
from os import PathLike
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Final

import polars as pl
import sqlalchemy as sa

from warehouse.archive import Archive
from warehouse.files import make_folder
from warehouse.journal import FOLDER as JOURNAL_FOLDER
from warehouse.journal import Journal
from warehouse.leases import Leases
from warehouse.recipe import Recipe, Recipes
from warehouse.registry import RECIPE, Registry
from warehouse.settings import FILE_NAME, HOME_VARIABLE, TEMPLATE, Settings, read_settings
from warehouse.store import Store

if TYPE_CHECKING:
    from warehouse.ask import Asker
    from warehouse.results import Results

REGISTRY_VARIABLE: Final = "CELLAR_REGISTRY_URL"
DEFAULT_HOME: Final = "cellar-home"


class Home:
    """One platform's data.

    Args:
        folder: the home; what it lacks is created.
        registry_url: SQLAlchemy URL of the registry; the home's own SQLite file by default.
    """

    def __init__(self, folder: Path, registry_url: str | None = None) -> None:
        self.folder = folder.absolute()
        self.owner: Final = uuid.uuid4().hex
        for name in ("inbox", "archive", "tables"):
            make_folder(self.folder / name)
        if not (self.folder / FILE_NAME).exists():
            (self.folder / FILE_NAME).write_text(TEMPLATE, encoding="utf-8")
        self.settings: Settings = read_settings(self.folder)
        self.recipes = Recipes(self.folder)
        self._noted: set[str] = set()
        self.archive = Archive(self.folder / "archive")
        self.store = Store(self.folder / "tables")
        self.archive.owner = self.store.owner = self.owner
        self.registry_url = registry_url or f"sqlite:///{self.folder / 'registry.sqlite'}"

    @property
    def journal(self) -> Journal:
        """What the registry went through, beside the archive."""
        return Journal(self.archive.folder / JOURNAL_FOLDER)

    def rebuild_registry(self) -> int:
        """Make a lost registry again from the journal; returns the number of transactions.

        Raises:
            UsageError: the registry is not empty.
        """
        with closing(Registry(self.registry_url)) as empty:
            return empty.replay(self.journal)

    @cached_property
    def registry(self) -> Registry:
        """The registry, opened at first use."""
        return Registry(self.registry_url, self.journal)

    @cached_property
    def leases(self) -> Leases:
        """Who works on what, seen by this process."""
        return Leases(self.registry, self.owner)

    @cached_property
    def asker(self) -> Asker:
        """The DuckDB side, opened at first use."""
        from warehouse.ask import Asker  # noqa: PLC0415 DuckDB's import is a tenth of a second that only questions pay

        return Asker(self.registry, self.store, self.results, self.recipe_of)

    @cached_property
    def results(self) -> Results:
        """What SQL cannot make, computed where the night has not."""
        from warehouse.results import Results  # noqa: PLC0415 likewise, SciPy's

        return Results(self)

    @property
    def recipe(self) -> Recipe:
        """The platform's recipe."""
        return self.recipes.platform

    def recipe_of(self, firm: str | None) -> Recipe:
        """Return the recipe that a firm's numbers are made with."""
        return self.recipes.of(firm)

    def note_recipe(self, connection: sa.Connection, firm: str | None) -> None:
        """Keep the text of a firm's recipe inside the caller's transaction, for the numbers that name its hash."""
        recipe = self.recipe_of(firm)
        if recipe.sha256 in self._noted:
            return
        if connection.execute(sa.select(RECIPE.c.sha256).where(RECIPE.c.sha256 == recipe.sha256)).first():
            # Only what an earlier transaction wrote is sure to stay.
            self._noted.add(recipe.sha256)
            return
        row = {"sha256": recipe.sha256, "label": recipe.label, "derivation": recipe.derivation_hash}
        self.registry.put(connection, RECIPE, {**row, "text": recipe.to_toml(), "first_used_unix_second": time()})

    def query(
        self, name: str, *, firm: str | None = None, cell: str | None = None, test: str | None = None
    ) -> pl.DataFrame:
        """Answer a named question.

        Args:
            name: one of ``cellar query --list``.
            firm: only what this firm owns; None for everything, which only the platform may ask.
            cell: only this cell.
            test: only this test.

        Raises:
            UsageError: there is no such question, firm, cell or test.
        """
        return self.asker.answer(name, firm=firm, cell=cell, test=test)

    def close(self) -> None:
        """Let go of leases, of DuckDB and of the registry."""
        for name in ("leases", "asker", "registry"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()


def open_home(folder: str | PathLike[str] | None = None, registry_url: str | None = None) -> Home:
    """Open a home, creating what it lacks.

    Args:
        folder: the home; ``CELLAR_HOME`` or ``./cellar-home`` by default.
        registry_url: ``CELLAR_REGISTRY_URL`` or the home's own SQLite file by default.
    """
    chosen = Path(folder or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)
    return Home(chosen, registry_url or os.environ.get(REGISTRY_VARIABLE))

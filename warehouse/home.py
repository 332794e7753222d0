"""A home: the folder with inbox, archive, tables, registry and settings of one platform."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl
from filelock import FileLock, Timeout

from warehouse.archive import Archive
from warehouse.errors import StoreBusy
from warehouse.files import make_folder
from warehouse.recipe import PLATFORM, Recipe
from warehouse.registry import Registry
from warehouse.settings import FILE_NAME, TEMPLATE, Settings, read_settings
from warehouse.store import Store

if TYPE_CHECKING:
    from warehouse.ask import Asker

HOME_VARIABLE: Final = "CELLAR_HOME"
REGISTRY_VARIABLE: Final = "CELLAR_REGISTRY_URL"
DEFAULT_HOME: Final = "cellar-home"
LOCK_SECONDS: Final = 120.0


class Home:
    """One platform's data.

    Args:
        folder: the home; what it lacks is created.
        registry_url: SQLAlchemy URL of the registry; the home's own SQLite file by default.
    """

    def __init__(self, folder: Path, registry_url: str | None = None) -> None:
        self.folder = folder.absolute()
        for name in ("inbox", "archive", "tables"):
            make_folder(self.folder / name)
        if not (self.folder / FILE_NAME).exists():
            (self.folder / FILE_NAME).write_text(TEMPLATE, encoding="utf-8")
        self.settings: Settings = read_settings(self.folder)
        self.recipe: Recipe = PLATFORM
        self.archive = Archive(self.folder / "archive")
        self.store = Store(self.folder / "tables")
        self._registry_url = registry_url or f"sqlite:///{self.folder / 'registry.sqlite'}"
        self._lock = FileLock(self.folder / "writer.lock", timeout=LOCK_SECONDS)

    @cached_property
    def registry(self) -> Registry:
        """The registry, opened at first use."""
        return Registry(self._registry_url)

    @cached_property
    def asker(self) -> Asker:
        """The DuckDB side, opened at first use."""
        from warehouse.ask import Asker  # noqa: PLC0415 DuckDB's import is a tenth of a second that only questions pay

        return Asker(self.registry, self.store, self.recipe)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the home's one writer's place.

        Raises:
            StoreBusy: another process holds it for longer than two minutes.
        """
        try:
            with self._lock:
                yield
        except Timeout as error:
            raise StoreBusy(f"another process has been writing to {self.folder} for {LOCK_SECONDS:.0f} s") from error

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
        """Let go of the registry and of DuckDB."""
        for name in ("asker", "registry"):
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

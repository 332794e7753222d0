"""The tables that a home's settings describe, for the readers: they are formats there as if they had been built in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import parsers
from warehouse.errors import FormatUnknown, UsageError
from warehouse.settings import HOME_VARIABLE, Settings, read_settings

if TYPE_CHECKING:
    from warehouse.home import Home


def make_tables(settings: Settings) -> tuple[parsers.Description, ...]:
    """Return the tables that settings describe."""
    return tuple(parsers.make_description(entry) for entry in settings.table)


def tables_of(home: Home) -> tuple[parsers.Description, ...]:
    """Return the tables that a home describes."""
    return make_tables(home.settings)


def formats_of(home: Home) -> dict[str, parsers.Format]:
    """Return every format that a home reads, by name."""
    return parsers.formats(tables_of(home))


def require_format(home: Home, name: str, shown: str) -> str:
    """Return the name of a format that a source was read as before.

    Raises:
        FormatUnknown: the settings describe it no more.
    """
    if name not in formats_of(home):
        raise FormatUnknown(shown, f"it was read as {name!r}, which the settings describe no more")
    return name


def find_settings(home: Path | None) -> Settings:
    """Return the settings of a home that is there, for what needs nothing else of it; the defaults without one.

    Raises:
        UsageError: there is no such folder, or its settings cannot be.
    """
    chosen = home or Path(os.environ.get(HOME_VARIABLE) or os.devnull)
    if home is not None and not home.is_dir():
        raise UsageError(f"there is no home {home}")
    return read_settings(chosen) if chosen.is_dir() else Settings()

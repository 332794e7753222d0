"""What a site may set, in ``settings.toml`` of its home; every value has a default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from warehouse.errors import UsageError

FILE_NAME: Final = "settings.toml"
LONGEST_SECONDS: Final = 86_400
LONGEST_DAYS: Final = 36_500
OWN_FOLDERS: Final = ("archive", "tables")
TEMPLATE: Final = """\
# Settings of this home; every line is optional.

# Time zone of instruments whose files do not name one.
# zone = "Asia/Seoul"

# Folders to scan; relative to this file.
# inboxes = ["inbox"]

# Seconds between two scans, and how long a file must be unchanged before it is taken.
# scan_seconds = 10
# settle_seconds = 5

# Folder for a small text file about every drop, for people who never open a page; relative to this file, "" for none.
# Those older than so many days are removed; the registry keeps every receipt.
# receipts = ""
# receipts_days = 90
"""


@dataclass(frozen=True)
class Settings:
    """The settings of a home.

    Args:
        zone: time zone of instruments whose files name none.
        inboxes: folders that are scanned, relative to the home.
        scan_seconds: time between two scans.
        settle_seconds: how long a file must be unchanged before it is taken.
        receipts: folder that gets a text file about every drop, relative to the home; empty for none.
        receipts_days: how long these are left there.
    """

    zone: str = "Asia/Seoul"
    inboxes: tuple[str, ...] = ("inbox",)
    scan_seconds: float = 10.0
    settle_seconds: float = 5.0
    receipts: str = ""
    receipts_days: float = 90.0

    @property
    def zone_info(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.zone)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_SECONDS


def _is_days(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_DAYS


CHECKS: Final[dict[str, Callable[[object], bool]]] = {
    "zone": _is_text,
    "inboxes": _is_texts,
    "scan_seconds": _is_seconds,
    "settle_seconds": _is_seconds,
    "receipts": _is_text,
    "receipts_days": _is_days,
}


def read_settings(home: Path) -> Settings:
    """Read a home's settings.

    Raises:
        UsageError: the file is not TOML, names an unknown setting, or a value that cannot be.
    """
    path = home / FILE_NAME
    if not path.exists():
        return Settings()
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    unknown = sorted(set(given) - {field.name for field in fields(Settings)})
    if unknown:
        raise UsageError(f"{path}: unknown settings {', '.join(unknown)}")
    for name, value in given.items():
        if not CHECKS[name](value):
            raise UsageError(f"{path}: {name} cannot be {value!r}")
    if "inboxes" in given:
        given["inboxes"] = tuple(given["inboxes"])
    settings = Settings(**given)
    try:
        _ = settings.zone_info
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"{path}: there is no time zone {settings.zone!r}") from error
    _refuse_receipts_among_drops(home, settings)
    return settings


def _refuse_receipts_among_drops(home: Path, settings: Settings) -> None:
    """Refuse a receipts folder whose files would be taken for drops, or for the platform's own."""
    if not settings.receipts:
        return
    receipts = _normalise(home / settings.receipts)
    for name in (*settings.inboxes, *OWN_FOLDERS):
        if receipts.is_relative_to(_normalise(home / name)):
            raise UsageError(f"{home / FILE_NAME}: receipts cannot be {settings.receipts!r}, which lies in {name!r}")


def _normalise(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))

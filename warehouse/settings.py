"""What a site may set, in ``settings.toml`` of its home; every value has a default."""

from __future__ import annotations

import os
import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from warehouse.access.provider import parse_provider
from warehouse.deliveries import parse_delivery
from warehouse.described import check_tables
from warehouse.errors import UsageError
from warehouse.reports.site import Site, parse_site

HOME_VARIABLE: Final = "CELLAR_HOME"
FILE_NAME: Final = "settings.toml"
LONGEST_SECONDS: Final = 86_400
LONGEST_DAYS: Final = 36_500
MOST_MEGABYTES: Final = 10_000
MOST_FILES: Final = 1000
MOST_WORKERS: Final = 256
OWN_FOLDERS: Final = ("archive", "tables")
OF_CYCLER: Final = frozenset({"current_unit"})
PARTS: Final = re.compile(r"[/\\!]")
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

# The service's log, logs/cellar.jsonl: how large it grows before it is set aside, and how many are kept.
# log_megabytes = 10
# log_files = 10

# Backfills over several processes: the address of a Dask scheduler, or how many workers are started on this machine.
# dask_scheduler = ""
# dask_workers = 0

# A cycler: what its files do not say of it. Its name is that of a folder above its files, or a pattern for one
# ("PNE-*"); a plain name also stands before the channel's where the files do not name their machine.
# [cycler."PNE-1"]
# current_unit="uA"

# Where alerts go beside the table 'cellar alerts'. The password of the mail server stands in the environment variable
# CELLAR_SMTP_PASSWORD; smtp_security is "starttls", "tls" or "none".
# [delivery]
# smtp_host="mail.example.org"
# smtp_port=587
# smtp_security="starttls"
# smtp_user="cellar"
# sender="cellar@example.org"
# [delivery.operator]
# mail=["operator@example.org"]
# [delivery.firm.ACME]
# mail=["cells@example.com"]
# webhook="https://example.com/cellar"

# What the site says of itself in test reports; what is not stated here is printed as not stated. A text may stand in
# English too, under its name with _en. The relative standard uncertainties are those that no file states.
# [report]
# laboratory="마이크로전지 시험실"
# laboratory_en="Micro Battery Laboratory"
# address="..."
# location="..."
# contact="..."
# environment="..."
# sampling="..."
# external="..."
# tested_by="..."
# reviewed_by="..."
# authorised_by="..."
# time_relative=...
# integration_relative=...
# temperature_relative=...
# [report.firm.ACME]
# contact="..."
# address="..."
# [[report.calibration]]
# channel="PNE-1-*"
# quantity="current"
# laboratory="..."
# certificate="..."
# date=2026-01-15
# due=2027-01-15
# range="100 uA"
# uncertainty="..."

# Log-in to the portal with the site's own accounts, by OpenID Connect; the client's secret, if it has one, stands in
# the environment variable CELLAR_OIDC_SECRET. Which group of the provider is which role or firm:
# [portal.oidc]
# issuer="https://login.example.org/realms/lab"
# client_id="cellar"
# claim="groups"
# [portal.oidc.roles]
# cellar-operators="operator"
# cellar-technicians="technician"
# acme-cells="firm:ACME"

# Exports that no reader knows are described here as tables; docs/tables.md says how, and
# 'cellar detect --explain FILE' writes a description to start from.
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
        log_megabytes: size at which the service's log is set aside.
        log_files: how many of these are kept.
        dask_scheduler: address of a Dask scheduler that backfills are spread by; empty for none.
        dask_workers: how many Dask workers a backfill starts on its own machine; 0 for none.
        cycler: what the files of a cycler do not say of it, by the name of a folder above them or a pattern for one.
        table: tables of instruments that no reader knows, as ``docs/tables.md`` says.
        delivery: where alerts are sent to, as ``warehouse.deliveries`` says.
        report: what the site says of itself in test reports, as ``warehouse.reports.site`` says.
        portal: the site's own log-in to the portal, as ``warehouse.access.provider`` says.
    """

    zone: str = "Asia/Seoul"
    inboxes: tuple[str, ...] = ("inbox",)
    scan_seconds: float = 10.0
    settle_seconds: float = 5.0
    receipts: str = ""
    receipts_days: float = 90.0
    log_megabytes: float = 10.0
    log_files: int = 10
    dask_scheduler: str = ""
    dask_workers: int = 0
    cycler: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    table: tuple[Mapping[str, Any], ...] = ()
    delivery: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    portal: Mapping[str, Any] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        """What the site says of itself in test reports."""
        return parse_site(self.report)

    @property
    def zone_info(self) -> ZoneInfo:
        """The zone itself."""
        return ZoneInfo(self.zone)

    def profile_of(self, shown: str) -> dict[str, str]:
        """Return what is set for the cycler in whose folder a source lies: a plain name counts before a pattern.

        Args:
            shown: the source's path as the user knows it, inside archives too.
        """
        parts = [unicodedata.normalize("NFC", part) for part in PARTS.split(shown)]
        for name, told in sorted(self.cycler.items(), key=lambda item: _is_pattern(item[0])):
            # Brackets stand in the names of channel folders.
            pattern = unicodedata.normalize("NFC", name).replace("[", "[[]")
            if any(fnmatchcase(part, pattern) for part in parts):
                return dict(told) if _is_pattern(name) else {"cycler": name, **told}
        return {}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_SECONDS


def _is_days(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST_DAYS


def _is_megabytes(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_MEGABYTES


def _is_number_of(least: int, most: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_cyclers(value: object) -> bool:
    if not isinstance(value, dict) or not all(isinstance(told, dict) for told in value.values()):
        return False
    return all(told.keys() <= OF_CYCLER and all(map(_is_text, told.values())) for told in value.values())


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _is_array(value: object) -> bool:
    return isinstance(value, list)


CHECKS: Final[dict[str, Callable[[object], bool]]] = {
    "zone": _is_text,
    "inboxes": _is_texts,
    "scan_seconds": _is_seconds,
    "settle_seconds": _is_seconds,
    "receipts": _is_text,
    "receipts_days": _is_days,
    "log_megabytes": _is_megabytes,
    "log_files": _is_number_of(2, MOST_FILES),
    "dask_scheduler": _is_text,
    "dask_workers": _is_number_of(0, MOST_WORKERS),
    "table": _is_array,
    "cycler": _is_cyclers,
    "delivery": _is_table,
    "report": _is_table,
    "portal": _is_table,
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
    unknown = sorted(set(given) - {each.name for each in fields(Settings)})
    if unknown:
        raise UsageError(f"{path}: unknown settings {', '.join(unknown)}")
    for name, value in given.items():
        if not CHECKS[name](value):
            raise UsageError(f"{path}: {name} cannot be {value!r}")
    _check_tables(path, given)
    given |= {name: tuple(given[name]) for name in ("inboxes", "table") if name in given}
    settings = Settings(**given)
    try:
        _ = settings.zone_info
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"{path}: there is no time zone {settings.zone!r}") from error
    _refuse_receipts_among_drops(home, settings)
    return settings


def _check_tables(path: Path, given: Mapping[str, Any]) -> None:
    """Look into the tables that are checked by those who use them."""
    try:
        check_tables(given.get("table", []))
        parse_delivery(given.get("delivery", {}))
        parse_site(given.get("report", {}))
        parse_provider(given.get("portal", {}))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


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

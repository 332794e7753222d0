"""What a site says of itself in its test reports: ``[report]`` of ``settings.toml``.

::

    [report]
    laboratory = "마이크로전지 시험실"
    laboratory_en = "Micro Battery Laboratory"
    address = "…"
    authorised_by = "…"

    [report.firm.ACME]
    contact = "…"

    [[report.calibration]]
    channel = "LAB #1-*"
    quantity = "current"
    certificate = "…"

A text may stand in English too, under its name with ``_en``. What is not stated here is printed as not stated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from warehouse.errors import UsageError

Language = Literal["ko", "en"]
TEXTS: Final = (
    "laboratory",
    "address",
    "location",
    "contact",
    "environment",
    "sampling",
    "external",
    "tested_by",
    "reviewed_by",
    "authorised_by",
)
OF_CUSTOMER: Final = ("contact", "address")
OF_CALIBRATION: Final = ("channel", "quantity", "laboratory", "certificate", "date", "due", "range", "uncertainty")
NEEDED: Final = ("channel", "quantity", "certificate")
DATES: Final = ("date", "due")
# Relative standard uncertainties that no file states; the site has to have found them out.
CONTRIBUTIONS: Final = ("time_relative", "integration_relative", "temperature_relative")
ENGLISH: Final = "_en"


@dataclass(frozen=True)
class Site:
    """What a site says of itself.

    Args:
        texts: by name; English ones under the name with ``_en``.
        customers: texts by firm.
        calibrations: one for each certificate and quantity.
        contributions: relative standard uncertainties, by name.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    customers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    calibrations: tuple[Mapping[str, str], ...] = ()
    contributions: Mapping[str, float] = field(default_factory=dict)

    def calibrations_of(self, channel: str | None) -> list[Mapping[str, str]]:
        """Return what is stated of a channel's calibration; a channel's name may hold brackets."""
        known = channel or ""
        return [one for one in self.calibrations if fnmatchcase(known, one["channel"].replace("[", "[[]"))]


def parse_site(given: Mapping[str, Any]) -> Site:
    """Return what the table ``report`` of a settings file says.

    Raises:
        UsageError: it names what is unknown, or a value that cannot be.
    """
    texts = {name for text in TEXTS for name in (text, text + ENGLISH)}
    _refuse_unknown("report", given, {*texts, *CONTRIBUTIONS, "firm", "calibration"})
    firms, calibrations = given.get("firm", {}), given.get("calibration", [])
    if not isinstance(firms, Mapping) or not isinstance(calibrations, list):
        raise UsageError("report.firm holds a table for each firm, report.calibration is a list of tables")
    return Site(
        {name: _check_text(f"report.{name}", given[name]) for name in sorted(texts & given.keys())},
        {code: _parse_customer(f"report.firm.{code}", told) for code, told in firms.items()},
        tuple(_parse_calibration(told) for told in calibrations),
        {name: _check_part(f"report.{name}", given[name]) for name in CONTRIBUTIONS if name in given},
    )


def _refuse_unknown(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(given.keys() - known):
        raise UsageError(f"{where} has unknown settings {', '.join(unknown)}; it has {', '.join(sorted(known))}")


def _parse_customer(where: str, told: object) -> dict[str, str]:
    if not isinstance(told, Mapping):
        raise UsageError(f"{where} is a table of {' and '.join(OF_CUSTOMER)}")
    _refuse_unknown(where, told, {name for text in OF_CUSTOMER for name in (text, text + ENGLISH)})
    return {name: _check_text(f"{where}.{name}", value) for name, value in sorted(told.items())}


def _parse_calibration(told: object) -> dict[str, str]:
    where = "report.calibration"
    if not isinstance(told, Mapping):
        raise UsageError(f"{where} is a list of tables")
    _refuse_unknown(where, told, set(OF_CALIBRATION))
    if missing := [name for name in NEEDED if name not in told]:
        raise UsageError(f"{where} lacks {', '.join(missing)}")
    # TOML has dates of its own; people write both.
    plain = {name: told[name].isoformat() if isinstance(told[name], date) else told[name] for name in told}
    checked = {name: _check_text(f"{where}.{name}", plain[name]) for name in OF_CALIBRATION if name in plain}
    for name in DATES:
        _check_date(f"{where}.{name}", checked.get(name))
    return checked


def _check_text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{name} is a text, not {value!r}")
    return value.strip()


def _check_part(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and 0 <= value < 1):
        raise UsageError(f"{name} is a part from 0 to below 1, not {value!r}")
    return float(value)


def _check_date(name: str, value: str | None) -> None:
    try:
        date.fromisoformat(value or "2000-01-01")
    except ValueError as error:
        raise UsageError(f"{name} is a date such as 2026-03-02, not {value!r}") from error

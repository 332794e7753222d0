"""What a report says, in no language: tables, notes and the method, all plain values."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from warehouse.reports.site import OF_CUSTOMER, TEXTS, Site

# Beyond these, digits may depend on the order in which a sum was made.
DIGITS: Final = 10


@dataclass(frozen=True)
class Note:
    """Something to know about the results: a key of ``portal.reports.notes.SENTENCES`` and the values it names."""

    code: str
    values: Mapping[str, str | int | float]


@dataclass(frozen=True)
class Contribution:
    """One term of an uncertainty budget.

    Args:
        name: a key of ``portal.reports.uncertainty.WORDS``.
        relative: standard uncertainty as a part of the value; None where it is not known.
        source: a key of ``portal.reports.uncertainty.WORDS``: who says so, or what is missing.
    """

    name: str
    relative: float | None
    source: str


@dataclass(frozen=True)
class Facts:
    """All that a report is made of, beside its number and date.

    Args:
        subject: name, kind, firm and firm's name.
        method: recipe and versions of the software.
        site: what the site says of itself.
        tables: rows by the table's name; all have the columns of their gatherers, and may be empty.
        budget: the uncertainty of a capacity, term by term.
        notes: deviations, exclusions and warnings.
    """

    subject: Mapping[str, str]
    method: Mapping[str, str]
    site: Site
    tables: Mapping[str, pl.DataFrame]
    budget: tuple[Contribution, ...]
    notes: tuple[Note, ...]

    @property
    def is_cell(self) -> bool:
        """Whether the report is about one cell."""
        return self.subject["kind"] == "cell"

    def holds(self, table: str) -> bool:
        """Whether a table of results holds any; edges at which no resistance could be told are none."""
        rows = self.tables[table]
        return bool(rows["resolved"].sum() if table == "resistance" else rows.height)

    def list_missing(self) -> list[str]:
        """Return the names of what the site does not state and a report should."""
        customer = self.site.customers.get(self.subject["firm"], {})
        missing = [name for name in TEXTS if name not in self.site.texts]
        return missing + [f"firm.{self.subject['firm']}.{name}" for name in OF_CUSTOMER if name not in customer]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table."""
        return self.tables[table].to_dicts()

    def parts(self) -> dict[str, Any]:
        """Return plain values by part, for the report's hash."""
        firm = self.site.customers.get(self.subject["firm"], {})
        plain: dict[str, Any] = {"subject": dict(self.subject), "method": dict(self.method)}
        # What concerns other firms must not give this one's report another revision.
        plain["site"] = [dict(self.site.texts), dict(firm), dict(self.site.contributions)]
        plain["uncertainty"] = [[one.name, one.relative, one.source] for one in self.budget]
        plain["notes"] = [[note.code, dict(note.values)] for note in self.notes]
        return plain | {name: hash_table(table) for name, table in self.tables.items()}


def round_table(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table with its numbers to ten digits, and none that is not finite."""
    numbers = [name for name, dtype in table.schema.items() if dtype == pl.Float64]
    # A spreadsheet and JSON have no word for what is not a number.
    finite = (pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in numbers)
    return table.with_columns(finite).with_columns(pl.col(numbers).round_sig_figs(DIGITS))


def round_value(value: float | None) -> float | None:
    """Return a number to ten digits; None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.{DIGITS}g}")


def hash_table(table: pl.DataFrame) -> str:
    """Return the SHA-256 of a table's names and values."""
    # As text, which is the same whatever version of a library lays a table out in memory.
    return hashlib.sha256(table.write_csv(null_value="\0").encode()).hexdigest()

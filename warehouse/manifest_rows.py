"""From a table's rows to facts: each value by its column's field; what cannot be taken is told, row and column."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from warehouse.errors import ManifestError
from warehouse.manifest_fields import Field, Kind, fold_header
from warehouse.manifest_kinds import AREA_COLUMNS
from warehouse.manifest_tables import Table
from warehouse.manifest_values import NO_VALUE, Unfit

ALIKE: Final = 1e-9


@dataclass(frozen=True)
class Fact:
    """A row of a manifest that can be taken by itself.

    Args:
        kind: what it is.
        shown: the manifest as the user knows it.
        sheet: its sheet.
        row: its row, as a spreadsheet counts it.
        values: registry column → value; None where the manifest says that there is none.
        more: further columns as written; None likewise.
        columns: registry column → its name in this manifest.
    """

    kind: Kind
    shown: str
    sheet: str
    row: int
    values: dict[str, Any]
    more: dict[str, str | None] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[Any, ...]:
        """The row's key in its table."""
        return tuple(self.values[name] for name in self.kind.key)

    @property
    def firm(self) -> str:
        """The firm whose row it is; nothing where it is the platform's own."""
        return self.kind.firm_of(self.values)

    def refuse(self, error: Unfit) -> ManifestError:
        """Return the refusal of this row."""
        column = self.columns.get(error.column, error.column)
        return ManifestError(self.shown, self.row, error.code, error.found, column=column, sheet=self.sheet)


@dataclass(frozen=True)
class _Column:
    """A column of a table: its place, its name, and the field that it fills, if one."""

    index: int
    name: str
    field: Field | None = None
    exponent: int = 0
    unitless: bool = False


@dataclass
class Reading:
    """What a table said: facts, refused rows, and what the technician should know."""

    facts: list[Fact] = field(default_factory=list)
    refused: list[ManifestError] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)


def read_rows(table: Table, shown: str, zone: ZoneInfo) -> Reading:
    """Read every row of a table.

    Args:
        table: the table.
        shown: the manifest as the user knows it.
        zone: the site's zone, for moments that name no offset.
    """
    columns = _understand(table)
    twice = _find_twice(columns)
    if twice:
        error = ManifestError(
            shown, table.header_row, "column_twice", twice, column=twice.split(", ")[0], sheet=table.sheet
        )
        return Reading(refused=[error])
    reading = Reading(notices=list(_notice(table, columns)))
    for number, texts in table.lines:
        _read_row(reading, Fact(table.kind, shown, table.sheet, number, {}), columns, texts, zone)
    return reading


def _understand(table: Table) -> list[_Column]:
    """Return what each column is; a name of its own goes before its other spellings, which are then kept as text."""
    folded = [fold_header(text) for text in table.headers]
    kind, columns = table.kind, list[_Column]()
    for index, (header, name) in enumerate(zip(table.headers, folded, strict=True)):
        # A lab's own device id beside our cell id is a fact of its own.
        known, exponent = kind.headers.get(name, (None, 0))
        if known is not None and known.units is None and name != known.name and known.name in folded:
            known = None
        unitless = known is None and name in kind.unitless
        own = header if known or unitless else _name_unknown(header, index, columns)
        columns.append(_Column(index, own, kind.unitless[name] if unitless else known, exponent, unitless))
    return columns


def _name_unknown(header: str, index: int, before: list[_Column]) -> str:
    name = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", header).casefold()).strip() or f"column {index + 1}"
    taken = {column.name for column in before}
    return name if name not in taken else f"{name} ({index + 1})"


def _find_twice(columns: list[_Column]) -> str:
    """Return the names of two columns that are the same one, or nothing; quantities may stand in two units."""
    first: dict[object, str] = {}
    for column in columns:
        if column.field is None:
            continue
        key = (column.field.name, column.exponent if column.field.units is not None else None, column.unitless)
        if key in first:
            return f"{first[key]}, {column.name}"
        first[key] = column.name
    return ""


def _notice(table: Table, columns: list[_Column]) -> Iterator[tuple[str, str]]:
    kept = [column for column in columns if column.field is None and table.headers[column.index]]
    stems = table.kind.unitless
    for column in kept:
        name = fold_header(column.name)
        meant = next((one for stem, one in stems.items() if name.startswith(f"{stem}_")), None)
        if meant is not None:
            yield "unit_unknown", f"{column.name}: {meant.shown}"
    if kept:
        yield "kept", ", ".join(column.name for column in kept)


def _read_row(reading: Reading, fact: Fact, columns: list[_Column], texts: Any, zone: ZoneInfo) -> None:
    """Fill a fact from a row's texts, and put it with the facts or its errors with the refusals."""
    errors = []
    if any(texts[len(columns) :]):
        errors.append(Unfit("more_values", f"{len(texts)} > {len(columns)}"))
    for column, text in zip(columns, texts, strict=False):
        try:
            if text:
                _read_value(fact, column, text, zone)
        except Unfit as error:
            errors.append(Unfit(error.code, error.found, column.name))
    try:
        _finish(fact)
    except Unfit as error:
        # A value that is there and cannot be read has been told already.
        told = {fold_header(known.column) for known in errors}
        errors += [error] if fold_header(error.column) not in told else []
    if errors:
        reading.refused += [fact.refuse(error) for error in errors]
    else:
        reading.facts.append(fact)


def _read_value(fact: Fact, column: _Column, text: str, zone: ZoneInfo) -> None:
    if column.field is None:
        fact.more[column.name] = None if text in NO_VALUE else text
        return
    if column.unitless:
        raise Unfit("unit_missing", column.field.shown)
    value = None if text in NO_VALUE else column.field.take(text, column.exponent)
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=zone)).timestamp()
    target = column.field.target
    if target in fact.values and not is_same(fact.values[target], value):
        raise Unfit("columns_contradict", f"{fact.columns[target]}, {column.name}")
    fact.values[target] = value
    fact.columns[target] = column.name


def _finish(fact: Fact) -> None:
    """Check what a row must have, and put an area where its kind says."""
    for one in fact.kind.fields:
        if one.required and one.target not in fact.values:
            raise Unfit("empty", "", one.name)
        if one.required and fact.values[one.target] is None:
            if one.target != "from_unix_second":
                raise Unfit("empty", "-", one.name)
            fact.values[one.target] = 0.0
    if fact.kind.gather is not None:
        fact.kind.gather(fact.values)
    # Registry keys hold no nulls: a wafer without a lot has an empty one.
    fact.values.update({name: "" for name in fact.kind.key if fact.values.get(name) is None})
    if "area_square_metre" not in fact.values:
        fact.values.pop("area_kind", None)
        return
    kind = fact.values.pop("area_kind", None)
    area, column = fact.values.pop("area_square_metre"), fact.columns["area_square_metre"]
    if kind is None:
        raise Unfit("area_kind", "", column)
    target = AREA_COLUMNS[kind]
    if target in fact.values and not is_same(fact.values[target], area):
        raise Unfit("columns_contradict", f"{fact.columns[target]}, {column}", column)
    fact.values[target] = area
    fact.columns[target] = column


def is_same(one: Any, other: Any) -> bool:
    """Say whether two values are one; quantities may differ in the last digit, by way of their units."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=ALIKE)
    return bool(one == other)

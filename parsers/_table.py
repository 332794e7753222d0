"""Columns of a text table: headings with their units in, series of the schema out.

A layout is data: what a vendor calls a column, in lower case, to our column and the unit that the format itself states
for headings which name none. Where a label stands for two things, the quantity follows: ``charge capacity [energy]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from parsers._cells import LINE, counts, numbers
from parsers._few_rows import holds
from parsers._numbers import round_doubles
from parsers._units import Unit, duration_seconds, parse_unit, split_header
from parsers.contract import Source
from warehouse.errors import ParseError
from warehouse.schema import MEASUREMENTS, SPECTRA

Layout = Mapping[str, tuple[str, str]]
Split = Callable[[str], tuple[str, str]]

QUANTITIES: Final = {
    "second": "time",
    "volt": "voltage",
    "ampere": "current",
    "ah": "capacity",
    "wh": "energy",
    "watt": "power",
    "ohm": "resistance",
    "celsius": "temperature",
    "hertz": "frequency",
}
DTYPES: Final = {**SPECTRA.dtypes, **MEASUREMENTS.dtypes}
# What the schema demands of either table; a reader of both checks each row for its own.
REQUIRED: Final = frozenset((*MEASUREMENTS.required, *SPECTRA.required))
ABSOLUTE_ZERO: Final = -273.15
# Clocks tick no finer; what is below are residues of the vendor's own sums.
TIME_DECIMALS: Final = 9


@dataclass(frozen=True)
class Column:
    """Where one of our columns stands in the file.

    Args:
        ours: name in the schema, or a role such as ``clock`` that the reader gives a meaning to.
        place: index of the column, from 0.
        heading: as the file writes it.
        unit: what its numbers are in; None where neither heading nor format says so.
    """

    ours: str
    place: int
    heading: str
    unit: Unit | None

    @property
    def quantity(self) -> str | None:
        """What the schema's unit measures; None for counts and roles."""
        return QUANTITIES.get(self.ours.rpartition("_")[2]) if self.ours in DTYPES else None


def find_columns(headings: Sequence[str], layout: Layout, split: Split = split_header) -> dict[str, Column]:
    """Find our columns among headings; the first of several with the same meaning counts."""
    found: dict[str, Column] = {}
    for place, heading in enumerate(headings):
        label, text = split(heading)
        named = parse_unit(text) if text else None
        entry = _look_up(layout, " ".join(label.lower().split()), named)
        if entry is not None:
            # A unit that is written but not known must not fall back to the stated one.
            unit = named if text else parse_unit(entry[1])
            found.setdefault(entry[0], Column(entry[0], place, heading.strip(), unit))
    return found


def split_slash(heading: str) -> tuple[str, str]:
    """Split ``Current/mA`` at its first slash; brackets, where it has them, hold the unit instead."""
    label, unit = split_header(heading)
    return (label, unit) if unit or "/" not in label else (label.partition("/")[0], label.partition("/")[2])


def places(columns: Mapping[str, Column]) -> dict[str, int]:
    """Return what a grid wants to know."""
    return {name: column.place for name, column in columns.items()}


def numeric(columns: Mapping[str, Column]) -> frozenset[str]:
    """Return the columns that a plain file holds as numbers; a time may be text such as 1:02:03."""
    return frozenset(
        name
        for name, column in columns.items()
        if name in DTYPES and (column.quantity != "time" or (column.unit is not None and ":" not in column.heading))
    )


def read_columns(
    cells: pl.DataFrame, columns: Mapping[str, Column], source: Source, *, decimal_comma: bool = False
) -> list[pl.Series]:
    """Read every column of the schema in the schema's unit; roles are left to the caller.

    Raises:
        ParseError: a unit that is not known, a cell that is no number, a required one that is empty.
    """
    read = []
    for name, column in columns.items():
        if name not in DTYPES:
            continue
        if column.quantity is None:
            read.append(counts(cells, name, source, decimal_comma=decimal_comma))
        elif column.quantity == "time" and cells[name].dtype == pl.String:
            read.append(_read_times(cells, column, source, decimal_comma=decimal_comma))
        else:
            read.append(_read_numbers(cells, column, source, decimal_comma=decimal_comma))
    return read


def drop_empty(frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out columns without a single value."""
    empty = [name for name in frame.columns if frame.height and frame[name].null_count() == frame.height]
    return frame.drop(empty) if empty else frame


def _look_up(layout: Layout, label: str, unit: Unit | None) -> tuple[str, str] | None:
    special = layout.get(f"{label} [{unit.quantity}]") if unit else None
    return special or layout.get(label)


def _read_times(cells: pl.DataFrame, column: Column, source: Source, *, decimal_comma: bool) -> pl.Series:
    """Read times that are durations such as 1:02:03 or numbers; only the numbers need a unit."""
    text = cells[column.ours]
    if not holds(text, ":"):
        numbers_alone = _read_numbers(cells, column, source, decimal_comma=decimal_comma, required=False)
        _demand(numbers_alone, cells, column, source)
        return numbers_alone
    durations = duration_seconds(text)
    # One column may hold both: durations for what ran long, numbers for the rest.
    rest = cells.with_columns(text.set(durations.is_not_null(), None))
    if rest[column.ours].null_count() == rest.height:
        _demand(durations, cells, column, source)
        return durations.alias(column.ours)
    plain = _read_numbers(rest, column, source, decimal_comma=decimal_comma, required=False)
    merged = durations.zip_with(durations.is_not_null(), plain).alias(column.ours)
    _demand(merged, cells, column, source)
    return merged


def _demand(values: pl.Series, cells: pl.DataFrame, column: Column, source: Source) -> None:
    if column.ours in REQUIRED and values.has_nulls():
        row = values.is_null().arg_max() or 0
        raise ParseError(source.name, "expected a value, found nothing", line=cells[LINE][row], column=column.heading)


def _read_numbers(
    cells: pl.DataFrame, column: Column, source: Source, *, decimal_comma: bool, required: bool | None = None
) -> pl.Series:
    name = column.ours
    must = name in REQUIRED if required is None else required
    found = numbers(cells, name, source, decimal_comma=decimal_comma, required=must)
    if column.unit is None or column.unit.quantity != column.quantity:
        # An empty column has nothing that a wrong unit could spoil.
        if found.null_count() == found.len() and not must:
            return found.cast(pl.Float64)
        detail = f"{column.heading!r} names no unit of {column.quantity} that is known"
        line = cells[LINE][0] if cells.height else None
        raise ParseError(source.name, detail, code="unknown_unit", line=line, column=column.heading)
    converted = column.unit.convert(found.to_numpy())
    if column.quantity == "time":
        converted = round_doubles(converted, TIME_DECIMALS)
    elif column.quantity == "temperature":
        # An input without sensor reads far below absolute zero.
        converted = np.where(converted < ABSOLUTE_ZERO, np.nan, converted)
    return pl.Series(name, converted, nan_to_null=bool(np.isnan(converted).any()))

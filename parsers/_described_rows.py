"""The records of a described table: cells in, the schema's columns out, by what the description says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import polars as pl

from parsers._cells import LINE, check_order
from parsers._clock import iso_utc, unix_seconds
from parsers._description import (
    BY_STATE,
    CLOCK,
    DATE,
    EIS_ROLES,
    TIME_OF_DAY,
    Described,
    Description,
)
from parsers._impedance import Place, read_points, to_spectra
from parsers._steps import count_steps
from parsers._table import Column, drop_empty, read_columns
from parsers._units import is_duration, is_serial, parse_unit, serial_times
from parsers.contract import Fact, Reading, Source
from warehouse.errors import ParseError
from warehouse.schema import STEP_TYPE

Places = Mapping[str, tuple[int, Described]]

WORDS: Final = "nan|inf|infinity"
EXPONENT: Final = "(?:[eE][+-]?[0-9]+)?"
CLOCK_DECIMALS: Final = 6
UNIX: Final = {"unix": 1.0, "unix_ms": 1e3}
EXCEL_DAY: Final = "d"


def read_records_of(
    description: Description, headings: Sequence[str], places: Places, source: Source, cells: pl.DataFrame
) -> Reading:
    """Read the records of a cycler.

    Raises:
        ParseError: a cell is not what the description says, or time goes back.
    """
    del headings
    cells = _plain_cells(cells, places, description, source)
    states = cells["step_type"] if "step_type" in cells.columns else None
    clock = _read_clock(cells, places, source)
    columns = {to: _column(to, place, column) for to, (place, column) in places.items() if to != CLOCK}
    read = read_columns(cells, {to: column for to, column in columns.items() if to != "step_type"}, source)
    frame = pl.DataFrame(read, height=cells.height)
    if clock is not None:
        frame = frame.with_columns(clock)
    frame = _time_from_clock(frame, cells, source)
    if states is not None:
        frame = frame.with_columns(_step_types(states, cells, places, description, source))
    frame = _sign(frame, cells, places, source)
    check_order(frame["test_time_second"], cells, source)
    return Reading(measurements=drop_empty(_count(frame, states)), about=_facts(frame, description))


def read_points_of(
    description: Description, headings: Sequence[str], places: Places, source: Source, cells: pl.DataFrame
) -> Reading:
    """Read the points of an impedance.

    Raises:
        ParseError: a cell is not what the description says.
        ContradictionError: modulus and phase do not fit real and imaginary part.
    """
    cells = _plain_cells(cells, places, description, source).rename(dict(EIS_ROLES), strict=False)
    roles = {}
    for to, (index, column) in places.items():
        text = column.stated_unit
        heading = headings[index] if index < len(headings) else column.key
        roles[EIS_ROLES[to]] = Place(index, heading, parse_unit(text), text, float(column.sign))
    points = read_points(cells, roles, source)
    spectra, warnings = to_spectra(points, cells[LINE], source)
    about: dict[str, Fact] = {"instrument": description.instrument} if description.instrument else {}
    return Reading(spectra=spectra, about=about, warnings=tuple(warnings))


def _plain_cells(cells: pl.DataFrame, places: Places, description: Description, source: Source) -> pl.DataFrame:
    """Return the cells with numbers as every program writes them, and nothing where the description says so."""
    if description.missing:
        texts = [pl.col(to) for to in places if cells[to].dtype == pl.String]
        cells = cells.with_columns(pl.when(~each.is_in(description.missing)).then(each) for each in texts)
    numbers = [to for to, (_, column) in places.items() if _is_number(column) and cells[to].dtype == pl.String]
    return cells.with_columns(_plain_numbers(cells, to, places[to][1], description, source) for to in numbers)


def _is_number(column: Described) -> bool:
    if column.to in {CLOCK, DATE, TIME_OF_DAY}:
        return column.format in UNIX or is_serial(column.format)
    return column.to != "step_type" and not is_duration(column.stated_unit)


def _plain_numbers(
    cells: pl.DataFrame, to: str, column: Described, description: Description, source: Source
) -> pl.Series:
    """Return numbers with a point and without separators of thousands; another sign than the described is refused."""
    point, part = re.escape(description.decimal), re.escape(description.thousands)
    pattern = rf"^[+-]?(?i:{WORDS}|(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+){EXPONENT})$"
    if description.thousands:
        grouped = rf"^[+-]?[0-9]{{1,3}}(?:{part}[0-9]{{3}})+(?:{point}[0-9]*)?$"
        pattern = f"(?:{pattern})|(?:{grouped})"
    found = cells[to]
    odd = (~found.str.contains(pattern)).fill_null(value=False)
    if odd.any():
        row = odd.arg_max() or 0
        detail = f"expected a number with {description.decimal!r} before its decimals, found {found[row]!r}"
        raise ParseError(source.name, detail, line=cells[LINE][row], column=column.key)
    if description.thousands:
        found = found.str.replace_all(description.thousands, "", literal=True)
    return found.str.replace(description.decimal, ".", literal=True).alias(to)


def _column(to: str, place: int, column: Described) -> Column:
    text = column.stated_unit
    # Day numbers of a spreadsheet are days like any others where they measure a time that passed.
    unit = parse_unit(EXCEL_DAY) if is_serial(text) else parse_unit(text)
    return Column(to, place, column.key, None if is_duration(text) else unit)


def _read_clock(cells: pl.DataFrame, places: Places, source: Source) -> pl.Series | None:
    """Return the wall clock as Unix time, from one column or from a date and a time of day."""
    if CLOCK in places:
        return _to_unix(cells, cells[CLOCK], places[CLOCK][1], source).alias(CLOCK)
    if DATE not in places or TIME_OF_DAY not in places:
        return None
    date, time = places[DATE][1], places[TIME_OF_DAY][1]
    both = cells.select(pl.concat_str(pl.col(DATE), pl.col(TIME_OF_DAY), separator=" ")).to_series()
    joined = Described(f"{date.key} {time.key}", CLOCK, format=f"{date.format} {time.format}")
    return _to_unix(cells, both, joined, source).alias(CLOCK)


def _to_unix(cells: pl.DataFrame, text: pl.Series, column: Described, source: Source) -> pl.Series:
    if column.format in UNIX:
        found = (text.cast(pl.Float64, strict=False) / UNIX[column.format]).round(CLOCK_DECIMALS)
    elif is_serial(column.format):
        found = unix_seconds(serial_times(text.cast(pl.Float64, strict=False)), source.zone)
    else:
        # Polars writes fractions of a second with their point.
        pattern = column.format.replace(".%f", "%.f").replace(",%f", "%.f")
        plain = text.str.replace(r",(\d+)", ".$1") if ",%f" in column.format else text
        found = unix_seconds(plain.str.to_datetime(pattern, strict=False, time_unit="us"), source.zone)
    lost = found.is_null() & text.is_not_null()
    if lost.any():
        row = lost.arg_max() or 0
        detail = f"expected a moment written as {column.format!r}, found {text[row]!r}"
        raise ParseError(source.name, detail, line=cells[LINE][row], column=column.key)
    return found


def _time_from_clock(frame: pl.DataFrame, cells: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Take the test time from the wall clock where the table has none of its own."""
    if "test_time_second" in frame.columns:
        return frame
    clock = frame[CLOCK]
    if clock.has_nulls():
        row = clock.is_null().arg_max() or 0
        raise ParseError(source.name, "expected a wall clock, found nothing", line=cells[LINE][row], column=CLOCK)
    start = clock[0] if frame.height else 0.0
    return frame.with_columns((clock - start).round(CLOCK_DECIMALS).alias("test_time_second"))


def _step_types(
    states: pl.Series, cells: pl.DataFrame, places: Places, description: Description, source: Source
) -> pl.Series:
    unknown = states.is_not_null() & ~states.is_in(list(description.states))
    if unknown.any():
        row = unknown.arg_max() or 0
        known = ", ".join(map(repr, description.states)) or "none"
        detail = f"the state {states[row]!r} is not among those that the description lists: {known}"
        raise ParseError(
            source.name, detail, code="table_not_described", line=cells[LINE][row], column=places["step_type"][1].key
        )
    return states.replace_strict(dict(description.states), default=None, return_dtype=STEP_TYPE).alias("step_type")


def _sign(frame: pl.DataFrame, cells: pl.DataFrame, places: Places, source: Source) -> pl.DataFrame:
    """Make positive what charges the cell."""
    turned = [to for to, (_, column) in places.items() if column.sign == -1 and to in frame.columns]
    # The sum takes the sign from a negative zero.
    frame = frame.with_columns((-pl.col(to) + 0.0).alias(to) for to in turned)
    by_state = [to for to, (_, column) in places.items() if column.sign == BY_STATE]
    for to in by_state:
        frame = frame.with_columns(_sign_by_state(frame, cells, places[to][1], source).alias(to))
    return frame


def _sign_by_state(frame: pl.DataFrame, cells: pl.DataFrame, column: Described, source: Source) -> pl.Series:
    values = frame[column.to]
    refuse = partial(_refuse_row, cells=cells, column=column, source=source)
    refuse(values < 0, "expected a value without sign, found one below zero")
    way = frame["step_type"].cast(pl.String).fill_null("") if "step_type" in frame.columns else pl.Series([""])
    known = way.str.starts_with("charge") | way.str.starts_with("discharge") | way.is_in(["rest", "pause"])
    refuse((values > 0) & ~known, "expected a state that says whether the cell is charged or discharged, found none")
    return values.zip_with(~way.str.starts_with("discharge") | (values == 0), -values)


def _refuse_row(wrong: pl.Series, detail: str, *, cells: pl.DataFrame, column: Described, source: Source) -> None:
    if wrong.any():
        line = cells[LINE][wrong.arg_max() or 0]
        raise ParseError(source.name, detail, code="sign", line=line, column=column.key)


def _count(frame: pl.DataFrame, states: pl.Series | None) -> pl.DataFrame:
    """Count the executed steps where the table does not and something shows their changes."""
    if "step_count" in frame.columns:
        return frame
    rows = frame if states is None else frame.with_columns(states.alias("state"))
    labels = [name for name in ("state", "step_id", "cycle_count") if name in rows.columns]
    elapsed = "step_time_second" if "step_time_second" in rows.columns else None
    return frame.with_columns(count_steps(rows, labels, elapsed)) if labels or elapsed else frame


def _facts(frame: pl.DataFrame, description: Description) -> dict[str, Fact]:
    about: dict[str, Fact] = {"instrument": description.instrument} if description.instrument else {}
    if CLOCK in frame.columns and frame.height and frame[CLOCK][0] is not None:
        about["start_time"] = iso_utc(frame[CLOCK][0] - frame["test_time_second"][0])
    return about

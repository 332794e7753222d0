"""The "record" sheet that BTSDA exports as text and as Excel: columns by header, units from the header's brackets.

Which columns stand there and in which unit is chosen at export (current in A, mA or µA, capacity in Ah, mAh or mAs, …),
so every unit is read and an unknown one refuses the file. Times are ``hours:minutes:seconds[.fraction]`` of any length
or numbers with a unit; Excel may hold them as durations. "Date" is the wall clock of the PC that exported. The exports
seen ignore summer time, so where the site has it, a summer's "Date" reads one hour early; there the .ndax is better.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from parsers._clock import unix_seconds
from parsers._neware import MICROSECONDS, add_step_times, clock_notes, demand_order, started
from parsers._neware_steps import step_kind, step_notes
from parsers._units import Unit, duration_seconds, parse_unit, split_header
from parsers.contract import Reading, Source
from warehouse.errors import ParseError
from warehouse.schema import MEASUREMENTS, STEP_TYPE

# Label of the vendor, in lower case, to column of the schema and the quantity that its unit must have.
LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "datapoint": ("record_index", "count"),
    "cycle index": ("cycle_count", "count"),
    "step index": ("step_id", "count"),
    "step type": ("step_type", "name"),
    "time": ("step_time_second", "time"),
    "total time": ("test_time_second", "time"),
    "cumulative time": ("test_time_second", "time"),
    "current": ("current_ampere", "current"),
    "voltage": ("voltage_volt", "voltage"),
    "capacity": ("capacity", "capacity"),
    "energy": ("energy", "energy"),
    "chg. cap.": ("step_charging_capacity_ah", "capacity"),
    "dchg. cap.": ("step_discharging_capacity_ah", "capacity"),
    "chg. energy": ("step_charging_energy_wh", "energy"),
    "dchg. energy": ("step_discharging_energy_wh", "energy"),
    "power": ("power_watt", "power"),
    "date": ("unix_time_second", "clock"),
    **{f"t{number}": (f"temperature_t{number}_celsius", "temperature") for number in range(1, 6)},
}
WITHOUT_UNIT: Final = frozenset({"count", "name", "clock"})
RECOGNISED_BY: Final = frozenset({"cycle_count", "step_id", "step_type", "current_ampere", "voltage_volt"})
# One counter for both directions: the step type says which.
SHARED: Final = {
    "capacity": ("step_charging_capacity_ah", "step_discharging_capacity_ah"),
    "energy": ("step_charging_energy_wh", "step_discharging_energy_wh"),
}
DATE_FORMAT: Final = "%Y-%m-%d %H:%M:%S%.f"


@dataclass(frozen=True)
class Place:
    """Where a quantity stands: the header as written, what it measures, and its unit."""

    index: int
    header: str
    quantity: str
    unit: Unit | None


def find_columns(headers: Sequence[str]) -> dict[str, Place]:
    """Return the places of the columns that the schema knows; of two with the same label the first counts."""
    places: dict[str, Place] = {}
    for index, header in enumerate(headers):
        label, unit = split_header(header)
        known = LABELS.get(re.sub(r"\s+", " ", label.lower()))
        if known is not None:
            name, quantity = known
            places.setdefault(name, Place(index, header.strip(), quantity, parse_unit(unit)))
    return places


def is_record_header(headers: Sequence[str]) -> bool:
    """Whether headers are those of a record sheet, whatever its units."""
    return set(find_columns(headers)) >= RECOGNISED_BY


def count_strange_units(headers: Sequence[str]) -> tuple[int, int]:
    """Return how many headers lack a unit of their kind: of those that are needed, and of temperatures."""
    strange = [place.quantity == "temperature" for place in find_columns(headers).values() if not _fits(place)]
    return strange.count(False), strange.count(True)


def to_reading(table: pl.DataFrame, headers: Sequence[str], source: Source, first_line: int) -> Reading:
    """Turn a record table into a reading.

    Args:
        table: the records; a column is named by its place among the headers, from 0, and holds text, numbers or what
            Excel stored. Columns that nobody asks for may be left out.
        headers: the header line.
        source: the file, for messages and the zone.
        first_line: line of the first record.
    """
    places, unknown = _leave_out(find_columns(headers))
    _demand_units(places, source)
    table = _trim(table)
    if table.is_empty():
        return Reading()
    columns = {name: _convert(table, place, source, first_line) for name, place in places.items()}
    names = columns.pop("step_type")
    frame = pl.DataFrame({name: series.alias(name) for name, series in columns.items()})
    frame = frame.with_columns(_step_types(names), step_count=_step_count(frame))
    frame = _direct_counters(_direct_current(frame, source))
    if "test_time_second" not in frame.columns:
        frame = frame.with_columns(test_time_second=add_step_times("step_time_second"))
    frame = frame.select(name for name in MEASUREMENTS.names if name in frame.columns)
    frame = frame.select(name for name in frame.columns if frame[name].null_count() < frame.height)
    demand_order(frame, source, first_line)
    notes = (*unknown, *step_notes(sorted(names.drop_nulls().unique().to_list())), *clock_notes(frame))
    return Reading(measurements=frame, about={"instrument": "Neware BTS"} | started(frame), warnings=notes)


def _leave_out(places: Mapping[str, Place]) -> tuple[dict[str, Place], list[str]]:
    """Leave out temperatures in no unit that is known: they must not cost the user the rest; returns warnings."""
    strange = {name: place for name, place in places.items() if place.quantity == "temperature" and not _fits(place)}
    warnings = [f"{place.header!r} names no unit of temperature that is known; left out" for place in strange.values()]
    return {name: place for name, place in places.items() if name not in strange}, warnings


def _fits(place: Place) -> bool:
    if place.quantity in WITHOUT_UNIT:
        return True
    # Text like 1:02:03 needs no unit, at most a pattern such as h:min:s.ms; other text is refused where it is read.
    unit = split_header(place.header)[1]
    if place.quantity == "time" and (unit == "" or ":" in unit):
        return True
    return place.unit is not None and place.unit.quantity == place.quantity


def _demand_units(places: Mapping[str, Place], source: Source) -> None:
    for place in places.values():
        if not _fits(place):
            detail = f"{place.header!r} names no unit of {place.quantity} that is known"
            raise ParseError(source.name, detail, line=1, column=place.header)
    if not {"test_time_second", "step_time_second"} & set(places):
        raise ParseError(source.name, "expected a column Total Time, Cumulative Time or Time", line=1)


def _trim(table: pl.DataFrame) -> pl.DataFrame:
    """Cut blank rows off the end; editors leave some, and Excel counts formatted ones."""
    filled = table.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    return table.head(int(filled[-1]) + 1 if len(filled) else 0)


def _convert(table: pl.DataFrame, place: Place, source: Source, first_line: int) -> pl.Series:
    """Convert one column; a cell that is not blank and no value of its kind is refused."""
    cells = table[str(place.index)]
    if cells.dtype == pl.String:
        cells = cells.str.strip_chars().replace("", None)
    values = _values(cells, place)
    bad = (values.is_null() & cells.is_not_null()).arg_true()
    if len(bad):
        row = int(bad[0])
        detail = f"{cells[row]!r} is no {place.quantity}"
        raise ParseError(source.name, detail, line=first_line + row, column=place.header)
    # An hour that the zone skips has no Unix time, which is no fault of the cell.
    return unix_seconds(values, source.zone) if place.quantity == "clock" else values


def _values(cells: pl.Series, place: Place) -> pl.Series:
    if place.quantity == "name":
        return cells.cast(pl.String, strict=False)
    if place.quantity == "clock":
        return _local_times(cells)
    if place.quantity == "count":
        return cells.cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)
    if place.unit is None:
        return _durations(cells)
    numbers = place.unit.convert(cells.cast(pl.Float64, strict=False).to_numpy())
    return pl.Series(np.where(np.isfinite(numbers), numbers, np.nan), nan_to_null=True)


def _durations(cells: pl.Series) -> pl.Series:
    if cells.dtype == pl.Duration:
        return cells.dt.total_microseconds().cast(pl.Float64) / MICROSECONDS
    if cells.dtype == pl.String:
        return duration_seconds(cells)
    # A bare number could be seconds, hours or days.
    return pl.Series([None] * len(cells), dtype=pl.Float64)


def _local_times(cells: pl.Series) -> pl.Series:
    if cells.dtype == pl.Datetime:
        return cells
    return cells.cast(pl.String, strict=False).str.replace_all("/", "-").str.to_datetime(DATE_FORMAT, strict=False)


def _step_types(names: pl.Series) -> pl.Series:
    found = names.unique().drop_nulls().to_list()
    kinds = [step_kind(name) for name in found]
    return names.replace_strict(found, kinds, default=None, return_dtype=STEP_TYPE).alias("step_type")


def _step_count(frame: pl.DataFrame) -> pl.Expr:
    """Count executed steps: a new one where the step's number, its type or the cycle changes or its time restarts."""
    # A loop over a single step repeats its number, and only the step time shows it.
    changes = [pl.col(name) != pl.col(name).shift(1) for name in ("step_id", "cycle_count")]
    if "step_time_second" in frame.columns:
        changes.append(pl.col("step_time_second") < pl.col("step_time_second").shift(1))
    return pl.any_horizontal(changes).fill_null(value=False).cum_sum().cast(pl.Int64) + 1


def _direct_current(frame: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Give discharge its minus sign in exports that print magnitudes."""
    kind = pl.col("step_type").cast(pl.String)
    current = pl.col("current_ampere")
    discharging, flowing = kind.str.starts_with("discharge"), current > 0
    signed, unsigned, unknown = frame.select(
        (current < 0).any().alias("signed"),
        (discharging & flowing).any().alias("unsigned"),
        (kind.is_in(["pulse", "other"]) & flowing).any().alias("unknown"),
    ).row(0)
    # One negative number proves signs; noise around zero in a charge step must keep its own.
    if signed or not unsigned:
        return frame
    if unknown:
        detail = "currents are printed without sign, and pulse or other steps do not say their direction"
        raise ParseError(source.name, detail, line=1, column="Current")
    mirrored = [name for name in ("current_ampere", "power_watt") if name in frame.columns]
    return frame.with_columns(
        pl.when(discharging).then(-pl.col(name).abs()).otherwise(pl.col(name)) for name in mirrored
    )


def _direct_counters(frame: pl.DataFrame) -> pl.DataFrame:
    """Split a counter that charge and discharge share; where the step type has no direction it stays out."""
    kind = pl.col("step_type").cast(pl.String)
    added = []
    for shared, names in SHARED.items():
        if shared not in frame.columns:
            continue
        for name, way in zip(names, ("charge", "discharge"), strict=True):
            # The vendor's own split goes before ours.
            if name not in frame.columns:
                mine, idle = kind.str.starts_with(way), kind.is_in(["rest", "pause"])
                other = idle | kind.str.starts_with("discharge" if way == "charge" else "charge")
                value = pl.when(mine).then(pl.col(shared).abs()).when(other).then(0.0)
                added.append(value.alias(name))
    return frame.with_columns(added)

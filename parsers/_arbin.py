"""What Arbin's exports and databases have in common: headers, units, clocks and counters.

Header spellings differ by version and export (``Test_Time(s)``, ``Test Time (s)``, ``Test_Time``); the label without
blanks, underscores and case is the same. Where a header states a unit it counts; a header without one is in the unit
of Arbin's own tables: s, A, V, Ah, Wh, W, Ω, °C.

* ``Charge_Capacity`` and the other three counters reset only where the schedule says so (corpus: at each cycle in
  cellpy's files, never in navani's), hence the ``schedule_`` columns.
* ``Internal_Resistance`` holds the last measured value; 0 stands for "not measured yet" (corpus) and becomes null.
* ``Step_Index`` is the schedule's number and recurs; ``step_count`` counts its changes and falls of ``Step_Time``.
* ``Date_Time`` is the tester's wall clock as text, an Excel serial, or seconds since 1970 (beep), which are UTC.
  ``05/06/2024`` is read month first, as MITS writes it, unless only day first fits the dates or the test time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from parsers._clock import unix_seconds
from parsers._numbers import Doubles, shortest_decimals
from parsers._units import Unit, parse_unit
from parsers.contract import Source
from warehouse.errors import ParseError
from warehouse.schema import MEASUREMENTS

INSTRUMENT: Final = "Arbin"
COUNT: Final = "count"
CLOCK: Final = "clock"
RESISTANCE: Final = "internal_resistance_ohm"

# Label of the header -> our column and what it measures.
LABELS: Final = {
    "datapoint": ("record_index", COUNT),
    "testtime": ("test_time_second", "time"),
    "datetime": ("unix_time_second", CLOCK),
    "steptime": ("step_time_second", "time"),
    "stepindex": ("step_id", COUNT),
    "cycleindex": ("cycle_count", COUNT),
    "current": ("current_ampere", "current"),
    "voltage": ("voltage_volt", "voltage"),
    "power": ("power_watt", "power"),
    "chargecapacity": ("schedule_charging_capacity_ah", "capacity"),
    "dischargecapacity": ("schedule_discharging_capacity_ah", "capacity"),
    "chargeenergy": ("schedule_charging_energy_wh", "energy"),
    "dischargeenergy": ("schedule_discharging_energy_wh", "energy"),
    "internalresistance": (RESISTANCE, "resistance"),
}
TEMPERATURE: Final = re.compile(r"(?:aux)?temperature(\d*)")
# The last one is the two bytes of GBK's ℃ read as cp1252, as Chinese Windows exports them.
CELSIUS: Final = frozenset({"", "C", "°C", "degC", "°", "¡æ"})
TEMPERATURES: Final = tuple(name for name in MEASUREMENTS.names if name.startswith("temperature_t"))
# A table with all of these is Arbin's; per-cycle statistics have them too, and the marks below.
SIGNATURE: Final = frozenset({"testtime", "stepindex", "cycleindex", "current", "voltage"})
STATISTIC: Final = frozenset({"vmaxoncycle"})

HEADER: Final = re.compile(r"^(?P<label>[^(\[]*)(?:[(\[](?P<unit>[^)\]]*)[)\]])?(?P<suffix>.*)$", re.DOTALL)
PADDING: Final = ' \t\r"'
BLANKS: Final = re.compile(r"[\s_]+")

LAYOUTS: Final = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S%.f",
    "%m/%d/%Y %H:%M:%S%.f",
    "%d/%m/%Y %H:%M:%S%.f",
    "%m/%d/%Y %I:%M:%S%.f %p",
    "%d/%m/%Y %I:%M:%S%.f %p",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
)
# Instruments print fewer digits; a single that became a double has up to seventeen.
LONGEST_DECIMAL: Final = 12
# Serial day numbers of this century and seconds since 1970 cannot be taken for each other.
SERIAL_DAYS: Final = (20_000.0, 80_000.0)
UNIX_SECONDS: Final = (3e8, 5e9)
SERIAL_EPOCH: Final = 25_569.0
DAY_MILLISECONDS: Final = 86_400_000.0


@dataclass(frozen=True)
class Column:
    """One column of an export that the schema has a place for."""

    position: int
    header: str
    target: str
    quantity: str
    unit: Unit


@dataclass(frozen=True)
class Place:
    """Where rows come from, for messages: ``first_line`` is that of row 0, ``part`` a sheet or a table."""

    source: Source
    first_line: int | None = None
    part: str = ""

    def error(self, row: int, column: str, detail: str) -> ParseError:
        """Return the error about one cell; a table without lines names its row instead."""
        line = None if self.first_line is None else self.first_line + row
        where = self.part if line is not None else f"{self.part} row {row + 1}"
        return ParseError(self.source.name, f"{where}: {detail}" if where else detail, line=line, column=column)


def label_of(header: str) -> str:
    """Return a header's label: no unit, no blanks, no underscores, lower case."""
    match = HEADER.match(unicodedata.normalize("NFKC", header).strip("\ufeff \t"))
    return BLANKS.sub("", f"{match['label']}{match['suffix']}").lower() if match else ""


def is_records(headers: Iterable[str]) -> bool:
    """Whether headers are those of Arbin's data points."""
    labels = {label_of(header) for header in headers}
    return labels >= SIGNATURE and not labels & STATISTIC


def is_statistics(headers: Iterable[str]) -> bool:
    """Whether headers are those of Arbin's statistics by cycle or step."""
    labels = {label_of(header) for header in headers}
    return "cycleindex" in labels and bool(labels & STATISTIC)


def plan_columns(headers: Sequence[str], place: Place) -> tuple[list[Column], tuple[str, ...]]:
    """Find out which columns to read, and warn about temperatures that the schema has no place for.

    Raises:
        ParseError: a unit is unknown, a column is there twice, or a required one is missing.
    """
    plan: dict[str, Column] = {}
    lost: list[str] = []
    for position, header in enumerate(headers):
        target, quantity = _target(label_of(header))
        if quantity == "temperature" and not target:
            lost.append(header.strip())
        if not target:
            continue
        if target in plan:
            raise _header_error(place, header, f"the same as {plan[target].header!r}")
        plan[target] = Column(position, header.strip(), target, quantity, _unit(header, quantity, place))
    missing = [name for name in MEASUREMENTS.required if name not in plan]
    if missing:
        raise _header_error(place, None, f"no column for {', '.join(missing)}")
    warnings = (f"no place for the temperatures {', '.join(lost)}",) if lost else ()
    return list(plan.values()), warnings


def tabulate(frame: pl.DataFrame, plan: Sequence[Column], zone: ZoneInfo, place: Place) -> pl.DataFrame:
    """Convert columns, named as in the plan and of any type, to those of the schema.

    Raises:
        ParseError: a cell is no number or no date, a required one is empty, or the test time goes back.
    """
    done: dict[str, pl.Series] = {}
    # The clock comes last: the test time decides how its dates are read.
    for column in sorted(plan, key=lambda column: column.quantity == CLOCK):
        raw = frame[column.target]
        if column.quantity == CLOCK:
            done[column.target] = _unix_time(raw, done["test_time_second"], zone, place, column.header)
        else:
            done[column.target] = _convert(_numbers(raw, column, place), column, place)
    table = pl.DataFrame(done)
    headers = {column.target: column.header for column in plan}
    for name in MEASUREMENTS.required:
        if table[name].has_nulls():
            raise place.error(int(table[name].is_null().arg_max() or 0), headers[name], "no value")
    require_order(table["test_time_second"], place, headers["test_time_second"])
    return table


def require_order(time: pl.Series, place: Place, header: str) -> None:
    """Raise ParseError where the test time goes back."""
    # Nulls are NaN here, and nothing is less than that.
    falls = np.flatnonzero(np.diff(time.to_numpy()) < 0)
    if len(falls):
        row = int(falls[0]) + 1
        raise place.error(row, header, f"the test time goes back from {time[row - 1]} s to {time[row]} s")


def complete(table: pl.DataFrame) -> pl.DataFrame:
    """Leave out columns without a value and count the executed steps."""
    if not table.height:
        # Which columns would be empty cannot be said of a table without rows.
        return MEASUREMENTS.empty()
    full = table.select(
        name for name in table.columns if name in MEASUREMENTS.required or table[name].null_count() < table.height
    )
    if "step_id" not in full.columns:
        return full
    # Two runs of one step follow each other in a loop of a single step; only the step's time tells.
    begins = pl.col("step_id").ne_missing(pl.col("step_id").shift())
    if "step_time_second" in full.columns:
        begins = begins | (pl.col("step_time_second").diff() < 0).fill_null(value=False)
    first = pl.int_range(pl.len()) == 0
    return full.with_columns((begins | first).cast(pl.Int64).cum_sum().alias("step_count"))


def serial_to_unix(days: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Convert Excel's and OLE's day numbers, local time, to Unix time to the millisecond."""
    # A double holds a day number of this century to half a microsecond.
    milliseconds = ((days - SERIAL_EPOCH) * DAY_MILLISECONDS).round().cast(pl.Int64)
    return unix_seconds(milliseconds.cast(pl.Datetime("ms")), zone)


def exact(values: pl.Series) -> pl.Series:
    """Return Float64 decimals without NaN; what is or was single precision gets its decimal back."""
    wide = values.cast(pl.Float64)
    doubles: Doubles = wide.to_numpy()
    finite = np.isfinite(doubles)
    if values.dtype == pl.Float32 or _was_single(doubles[finite]):
        doubles = shortest_decimals(doubles.astype(np.float32))
    return pl.Series(values.name, np.where(finite, doubles, np.nan), nan_to_null=True)


def _was_single(values: Doubles) -> bool:
    """Whether doubles hold singles printed with all their binary digits, like 3.298668384552002."""
    # Beyond single precision the comparison fails, as it should.
    with np.errstate(over="ignore"):
        same = bool((values.astype(np.float32) == values).all())
    plain = pl.Series(values)
    return same and bool((plain.round_sig_figs(LONGEST_DECIMAL) != plain).any())


def _target(label: str) -> tuple[str, str]:
    if label in LABELS:
        return LABELS[label]
    match = TEMPERATURE.fullmatch(label)
    if match is None:
        return "", ""
    name = f"temperature_t{match[1] or 1}_celsius"
    return (name if name in TEMPERATURES else ""), "temperature"


def _header_error(place: Place, header: str | None, detail: str) -> ParseError:
    line = None if place.first_line is None else place.first_line - 1
    text = f"{place.part}: {detail}" if place.part else detail
    return ParseError(place.source.name, text, line=line, column=header)


def _unit(header: str, quantity: str, place: Place) -> Unit:
    match = HEADER.match(unicodedata.normalize("NFKC", header))
    text = (match["unit"] or "").strip() if match else ""
    if quantity in {COUNT, CLOCK}:
        return Unit(quantity)
    if quantity == "temperature":
        unit = Unit(quantity) if text in CELSIUS else None
    else:
        unit = parse_unit(text) if text else Unit(quantity)
    if unit is None or unit.quantity != quantity:
        raise _header_error(place, header.strip(), f"{text!r} is no known unit of {quantity}")
    return unit


def _numbers(raw: pl.Series, column: Column, place: Place) -> pl.Series:
    if raw.dtype != pl.String:
        return raw
    text = raw.str.strip_chars(PADDING)
    text = text.set(text == "", None)
    numbers = text.cast(pl.Float64, strict=False)
    bad = (numbers.is_null() & text.is_not_null()).arg_true()
    if len(bad):
        raise place.error(bad[0], column.header, f"expected a number, found {text[bad[0]]!r}")
    return numbers


def _convert(numbers: pl.Series, column: Column, place: Place) -> pl.Series:
    if column.quantity == COUNT:
        return _counts(numbers, column, place)
    decimals = exact(numbers)
    # Numbers that need no shift stay the doubles that they are.
    if column.unit != Unit(column.quantity):
        decimals = pl.Series(decimals.name, column.unit.convert(decimals.to_numpy()), nan_to_null=True)
    return decimals.set(decimals == 0, None) if column.target == RESISTANCE else decimals


def _counts(numbers: pl.Series, column: Column, place: Place) -> pl.Series:
    whole = numbers.cast(pl.Float64)
    values = whole.to_numpy()
    # What is missing is NaN here too, and no offence.
    known = np.ones(len(values), dtype=bool) if not whole.null_count() else whole.is_not_null().to_numpy()
    bad = np.flatnonzero(known & ~(np.isfinite(values) & (values == np.rint(values))))
    if len(bad):
        row = int(bad[0])
        raise place.error(row, column.header, f"expected a whole number, found {whole[row]}")
    return numbers.cast(pl.Int64)


def _unix_time(raw: pl.Series, test_time: pl.Series, zone: ZoneInfo, place: Place, header: str) -> pl.Series:
    if raw.dtype.is_temporal():
        return unix_seconds(raw, zone)
    if raw.dtype != pl.String:
        return _numeric_time(raw.cast(pl.Float64), zone, place, header)
    text = raw.str.strip_chars(PADDING)
    text = text.set(text == "", None)
    numbers = text.cast(pl.Float64, strict=False)
    if numbers.null_count() == text.null_count():
        return _numeric_time(numbers, zone, place, header)
    return unix_seconds(_local_time(text, test_time, place, header), zone)


def _numeric_time(numbers: pl.Series, zone: ZoneInfo, place: Place, header: str) -> pl.Series:
    if numbers.is_between(*UNIX_SECONDS).all():
        return numbers
    outside = (~numbers.is_between(*SERIAL_DAYS)).arg_true()
    if len(outside):
        raise place.error(outside[0], header, f"expected a date, found {numbers[outside[0]]}")
    return serial_to_unix(numbers, zone)


def _local_time(text: pl.Series, test_time: pl.Series, place: Place, header: str) -> pl.Series:
    """Read dates in the one layout that fits them all; of two, in the one whose span fits the test time better."""
    filled = text.drop_nulls()
    # Most layouts fail at the first date already; reading a long column eight times would cost.
    ends = pl.concat([filled.head(1), filled.tail(1)])
    likely = [layout for layout in LAYOUTS if not _dates(ends, layout).has_nulls()]
    read = {layout: _dates(text, layout) for layout in likely}
    fitting = [dates for dates in read.values() if dates.null_count() == text.null_count()]
    if not fitting:
        dates = min((_dates(text, layout) for layout in LAYOUTS), key=pl.Series.null_count)
        row = int((dates.is_null() & text.is_not_null()).arg_max() or 0)
        raise place.error(row, header, f"expected a date in a known layout, found {text[row]!r}")
    return min(fitting, key=lambda dates: abs(_span(dates.dt.epoch("us") / 1e6) - _span(test_time)))


def _dates(text: pl.Series, layout: str) -> pl.Series:
    return text.str.to_datetime(layout, time_unit="us", strict=False)


def _span(seconds: pl.Series) -> float:
    known = seconds.drop_nulls()
    return float(known[-1] - known[0]) if len(known) else 0.0

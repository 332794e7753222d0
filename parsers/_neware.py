"""What all Neware files have in common: resetting behaviour, clock, exact numbers, and the way through fastnda.

fastnda (BSD-3) 1.3 decodes the binary records; this module turns its columns into those of the schema.

* Signs: current is negative on discharge in every binary version (checked against the vendor's exports).
* Counters: charge and energy count up within a step and start at 0 in the next one, so they become ``step_…``.
  In a run that was stopped and resumed they may fall back within a step; so does the vendor's own export.
  Files that store one net counter keep its sign; in pulse and simulation steps it cannot be split and is left out.
* Test time is not stored before version 130: it is the step time plus the ends of all steps before, which is what the
  vendor exports as "Total Time" (pauses between steps do not count).
* Numbers: integers times a range in .nda up to 29, single precision in .ndax and 130. Both become the shortest
  decimal that gives the stored number back.
"""

from __future__ import annotations

import logging
import re
import struct
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import polars as pl

from parsers._clock import iso_utc, unix_seconds
from parsers._neware_steps import code_notes, has_direction, step_types
from parsers._numbers import shift_decimals, shortest_decimals
from parsers.contract import Fact, Source
from warehouse.errors import ParseError
from warehouse.schema import MEASUREMENTS
from warehouse.workbook import INFLATE_ERRORS

# What fastnda logs about a file comes back as a warning of the reading; without this it would go to stderr as well.
LIBRARY_LOG: Final = logging.getLogger("fastnda")
LIBRARY_LOG.addHandler(logging.NullHandler())
LIBRARY_LOG.propagate = False

T = TypeVar("T")
Work = Callable[[], pl.Series | None]

# Everything that fastnda, NumPy, zipfile and Polars were seen to raise on cut and mutated files, and their bases.
READ_ERRORS: Final[tuple[type[Exception], ...]] = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    pl.exceptions.PolarsError,
    *INFLATE_ERRORS,
)

SPLIT_COUNTERS: Final = {
    "charge_capacity_mAh": "step_charging_capacity_ah",
    "discharge_capacity_mAh": "step_discharging_capacity_ah",
    "charge_energy_mWh": "step_charging_energy_wh",
    "discharge_energy_mWh": "step_discharging_energy_wh",
}
NET_COUNTERS: Final = {
    "capacity_mAh": ("step_charging_capacity_ah", "step_discharging_capacity_ah"),
    "energy_mWh": ("step_charging_energy_wh", "step_discharging_energy_wh"),
}
COUNTS: Final = {
    "cycle_count": "cycle_count",
    "step_count": "step_count",
    "step_index": "step_id",
    "index": "record_index",
}
NEEDED: Final = ("voltage_V", "current_mA", "step_count", "step_index", "step_type")
# Versions of .ndc parts that store the site's clock field by field, and integers of 0.1 mV.
NDC_INTEGERS: Final = frozenset({1, 2, 3, 4, 5, 7})
VOLTAGE_DIGITS: Final = 4
AUX_TEMPERATURE: Final = re.compile(r"^(?:aux([1-5]?)_)?temperature_degC$")

THREADS: Final = 2
MILLI: Final = 3
MICROSECONDS: Final = 1e6
CLOCK_DIGITS: Final = 6
# The vendor prints four; sensors that store tenths come through single precision as well.
TEMPERATURE_DIGITS: Final = 4
# Between two stored records the .ndax counters are integrals; 1 pAh is far below any instrument's resolution.
COUNTER_DIGITS: Final = 12
YEAR_2100: Final = 4_102_444_800.0


def call_fastnda(read: Callable[[Path], T], source: Source) -> tuple[T, tuple[str, ...]]:
    """Call one of fastnda's readers; what it raises becomes a ParseError, what it warns of is returned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = read(source.path)
        except READ_ERRORS as error:
            detail = f"fastnda cannot decode the records: {type(error).__name__}: {error}"
            raise ParseError(source.name, detail, byte=0) from error
    # The sentence behind " - " asks for sample files, which is no news for a technician.
    return result, tuple(sorted({str(entry.message).split(" - ")[0] for entry in caught}))


def to_measurements(
    raw: pl.DataFrame, source: Source, *, clock: str, voltage_digits: int | None = None
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Turn fastnda's frame into the schema's columns.

    Args:
        raw: what ``fastnda.nda.read_nda`` or ``fastnda.ndax.read_ndax`` returned.
        source: the file, for messages and the zone.
        clock: ``utc`` or ``local``, what the file's wall clock means; ``unknown`` leaves it out.
        voltage_digits: decimals of the integers that the file stores; None for single precision.

    Returns:
        The measurements and warnings for the technician.
    """
    _demand_columns(raw, source)
    if raw.is_empty():
        return MEASUREMENTS.empty(), ()
    work: dict[str, Work] = {
        "test_time_second": partial(_run_time, raw),
        "voltage_volt": partial(_exact, raw["voltage_V"], 0, voltage_digits),
        "current_ampere": partial(_exact, raw["current_mA"], MILLI),
        **_counters(raw),
        **_temperatures(raw),
        "unix_time_second": partial(_wall_clock, raw, source, clock),
        "step_time_second": partial(_step_time, raw),
        "step_type": partial(step_types, raw["step_type"]),
        **{ours: partial(_count, raw[theirs]) for theirs, ours in COUNTS.items() if theirs in raw.columns},
    }
    # NumPy and Polars let go of the interpreter, so two columns at a time take little more than half the time.
    with ThreadPoolExecutor(THREADS) as pool:
        columns = dict(zip(work, pool.map(lambda task: task(), work.values()), strict=True))
    given = {name: series for name, series in columns.items() if series is not None and not _is_blank(series)}
    frame = pl.DataFrame({name: series.alias(name) for name, series in given.items()})
    demand_order(frame, source)
    return frame, (*code_notes(raw["step_type"]), *clock_notes(frame))


def demand_order(frame: pl.DataFrame, source: Source, first_line: int | None = None) -> None:
    """Raise ParseError where a required value is missing or time or the step count goes back.

    Args:
        frame: the columns of the schema that were found.
        source: the file, for the message.
        first_line: line of the first record, in files that have lines.
    """
    for name in ("test_time_second", "voltage_volt", "current_ampere"):
        bad = frame[name].is_null() if name in frame.columns else pl.Series([True])
        _refuse_first(bad, source, name, "holds no number", first_line)
    for name in ("test_time_second", "step_count"):
        if name in frame.columns:
            _refuse_first(frame[name].diff() < 0, source, name, "goes back", first_line)


def clock_notes(frame: pl.DataFrame) -> tuple[str, ...]:
    """Return a warning when the wall clock goes back, which leaves the test time untouched."""
    if "unix_time_second" not in frame.columns:
        return ()
    steps = frame["unix_time_second"].diff()
    back = steps.filter(steps < 0)
    if back.is_empty():
        return ()
    worst = -float(back.to_numpy().min())
    return (f"the wall clock goes back at {len(back)} records, by up to {worst:.3f} s; the test time does not",)


def pick_facts(found: Mapping[str, object], names: Mapping[str, str]) -> dict[str, Fact]:
    """Return the facts that are not blank under our names."""
    facts: dict[str, Fact] = {}
    for theirs, ours in names.items():
        value = found.get(theirs)
        if isinstance(value, str) and value.strip():
            facts[ours] = value.strip()
        elif isinstance(value, int | float) and value:
            facts[ours] = value
    return facts


def add_step_times(step_time: str) -> pl.Expr:
    """Add the ends of all earlier steps to the step time, in whole microseconds so that sums leave no residue."""
    step = (pl.col(step_time) * MICROSECONDS).round().cast(pl.Int64, strict=False)
    starts = pl.col("step_count") != pl.col("step_count").shift(1)
    ended = pl.when(starts).then(step.shift(1)).otherwise(0).fill_null(0).cum_sum()
    # Polars divides by a constant through its reciprocal; the rounding brings the nearest double back.
    return ((step + ended).cast(pl.Float64) / MICROSECONDS).round(CLOCK_DIGITS)


def started(frame: pl.DataFrame) -> dict[str, Fact]:
    """Return the start time as a fact, from the first wall clock of the records."""
    first = frame["unix_time_second"].drop_nulls().head(1).to_list() if "unix_time_second" in frame.columns else []
    return {"start_time": iso_utc(first[0])} if first else {}


def _refuse_first(bad: pl.Series, source: Source, column: str, what: str, first_line: int | None) -> None:
    found = bad.fill_null(value=False).arg_true()
    if len(found):
        place = int(found[0])
        line = None if first_line is None else first_line + place
        raise ParseError(source.name, f"record {place + 1} {what}", line=line, column=column)


def _demand_columns(raw: pl.DataFrame, source: Source) -> None:
    missing = [name for name in NEEDED if name not in raw.columns]
    if not {"step_time_s", "total_time_s"} & set(raw.columns):
        missing.append("step_time_s")
    if missing:
        # The container's run-info and step parts carry these; without them no record has a time.
        detail = f"the records come without {', '.join(missing)}: drop the whole .ndax export instead"
        raise ParseError(source.name, detail, code="needs_companions", byte=0)


def _run_time(raw: pl.DataFrame) -> pl.Series:
    if "total_time_s" in raw.columns:
        return raw["total_time_s"].round(CLOCK_DIGITS)
    return raw.select(add_step_times("step_time_s")).to_series()


def _step_time(raw: pl.DataFrame) -> pl.Series | None:
    return raw["step_time_s"].round(CLOCK_DIGITS) if "step_time_s" in raw.columns else None


def _count(series: pl.Series) -> pl.Series:
    return series.cast(pl.Int64, strict=False)


def _exact(series: pl.Series, shift: int, digits: int | None = None) -> pl.Series:
    if digits is not None:
        # fastnda scales integers in single precision, one unit off now and then; the quantum is known.
        return _finite(series.cast(pl.Float64).round(digits))
    if series.dtype == pl.Float32:
        values = shortest_decimals(series.to_numpy(), shift)
    else:
        values = shift_decimals(series.cast(pl.Float64).to_numpy(), shift)
    return _finite(pl.Series(series.name, values))


def _finite(series: pl.Series) -> pl.Series:
    if series.is_finite().all():
        return series
    return series.to_frame("x").select(pl.when(pl.col("x").is_finite()).then(pl.col("x"))).to_series()


def _is_blank(series: pl.Series) -> bool:
    return series.null_count() == len(series) and len(series) > 0


def _wall_clock(raw: pl.DataFrame, source: Source, clock: str) -> pl.Series | None:
    if clock == "unknown" or "unix_time_s" not in raw.columns:
        return None
    seconds = raw["unix_time_s"].cast(pl.Float64).round(CLOCK_DIGITS)
    # Records without a clock hold 0; mutated ones hold anything.
    seen = raw.select(pl.when((seconds > 0) & (seconds < YEAR_2100)).then(seconds).alias("s")).to_series()
    if clock == "utc":
        return seen
    return unix_seconds((seen * MICROSECONDS).round().cast(pl.Int64).cast(pl.Datetime("us")), source.zone)


def _counters(raw: pl.DataFrame) -> dict[str, Work]:
    # Version 130 stores the net charge of the step too, which fastnda splits by its sign.
    directed = (
        has_direction(raw["step_type"])
        if "total_time_s" in raw.columns or set(NET_COUNTERS) & set(raw.columns)
        else None
    )
    found: dict[str, Work] = {
        ours: partial(_counter, raw[theirs], directed, 0)
        for theirs, ours in SPLIT_COUNTERS.items()
        if theirs in raw.columns
    }
    for theirs, (charging, discharging) in NET_COUNTERS.items():
        if theirs in raw.columns:
            found[charging] = partial(_counter, raw[theirs], directed, 1)
            found[discharging] = partial(_counter, raw[theirs], directed, -1)
    return found


def _counter(series: pl.Series, directed: pl.Series | None, sign: int) -> pl.Series:
    """Convert a counter to Ah or Wh; a sign picks that part of a net counter."""
    if series.dtype == pl.Float32:
        values = _exact(series, MILLI)
    else:
        values = _finite((series.cast(pl.Float64) / 1000).round(COUNTER_DIGITS))
    if directed is not None:
        values = values.to_frame("x").select(pl.when(directed).then(pl.col("x"))).to_series()
    # Adding zero turns the -0.0 of a flipped sign into 0.0.
    return values if sign == 0 else (values * sign).clip(lower_bound=0) + 0.0


def _temperatures(raw: pl.DataFrame) -> dict[str, Work]:
    matches = {name: AUX_TEMPERATURE.match(name) for name in raw.columns}
    return {
        f"temperature_t{match[1] or 1}_celsius": partial(_exact, raw[name], 0, TEMPERATURE_DIGITS)
        for name, match in matches.items()
        if match
    }

"""PNE ``.cyc``: the PC's own record of a channel, binary, of which the SaveData files are an export.

**Not confirmed by a real file.** Known from descriptions of users; the meaning of the fields is theirs.

Layout, little endian: number of fields as u32 at 0x148 (at most 50), their numbers as u16 from 0x14C, from 0x1B0 one
record after another, each one single-precision value per field. What precedes 0x148 is unknown. Fields read:

===== =====================================================================
1     voltage, mV
2     current, mA; negative when discharging
6     time in the step, s; 0 begins a step
7     time in the test, s
12    temperature, °C; 0 throughout where no sensor is connected
22    number of the record; single precision counts to 16,777,216
26 27 charge in, charge out since the step began, mAh
===== =====================================================================

Not read: 35 (energy), 43 and 44 (date and clock, which single precision cannot hold: eight or nine digits), 45 (highest
voltage). The first record's date becomes the start where it has six digits (YYMMDD).
Values are milliamperes whatever the machine counts in, so no unit profile is needed; the values themselves are single
precision, 24 bits. The file has neither step types nor cycles. In loops the last record of a step is said to carry a
much later step time: nothing here depends on it. A cut-off last record is left out, with a warning.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._clock import iso_utc, unix_second
from parsers._folder import refuse_layout
from parsers._numbers import Doubles, shortest_decimals
from parsers._pne_layout import SAMPLE
from parsers._pne_unit import CYC_COUNT, CYC_FIELDS, CYC_INDEX, CYC_LAST_INDEX, CYC_MOST_FIELDS, CYC_RECORDS, read_cyc
from parsers._steps import count_steps, restarts_with_steps
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

VOLTAGE, CURRENT, STEP_TIME, TOTAL_TIME, TEMPERATURE, CHARGE, DISCHARGE, DATE, CLOCK = 1, 2, 6, 7, 12, 26, 27, 43, 44
REQUIRED: Final = {
    TOTAL_TIME: ("test_time_second", 0),
    VOLTAGE: ("voltage_volt", 3),
    CURRENT: ("current_ampere", 3),
    STEP_TIME: ("step_time_second", 0),
}
COUNTERS: Final = {
    CHARGE: ("step_charging_capacity_ah", 3),
    DISCHARGE: ("step_discharging_capacity_ah", 3),
}
HIGHEST_FIELD: Final = 255
# Noise of single-precision counters in Ah.
QUANTUM: Final = 1e-9
CLOCK_STEP: Final = 1000


def sniff(peek: Peek) -> bool:
    """Recognise a table of distinct field numbers that names voltage, current and both times."""
    if len(peek.head) < CYC_RECORDS:
        return False
    (count,) = struct.unpack_from("<I", peek.head, CYC_COUNT)
    if not len(REQUIRED) <= count <= CYC_MOST_FIELDS:
        return False
    fields = struct.unpack_from(f"<{count}H", peek.head, CYC_FIELDS)
    return set(fields) >= REQUIRED.keys() and len(set(fields)) == count and max(fields) <= HIGHEST_FIELD


def read(source: Source) -> Reading:
    """Read one channel's records."""
    return read_content(source, source.path.read_bytes(), {})


def read_content(source: Source, content: bytes, about: Mapping[str, Fact]) -> Reading:
    """Read the records that a .cyc file holds; ``about`` is what its folder says of it."""
    about = {"instrument": "PNE", **about}
    parts = read_cyc(content)
    if parts is None or not set(parts[0]) >= REQUIRED.keys():
        raise refuse_layout(source.name, "the table of fields lacks voltage, current or time", SAMPLE, byte=CYC_COUNT)
    fields, values = parts
    size = 4 * len(fields)
    notes = ["the last record is cut off and left out"] if (len(content) - CYC_RECORDS) % size else []
    if not len(values):
        return Reading(about=about, warnings=tuple(notes))
    columns = {field: values[:, place] for place, field in enumerate(fields)}
    frame = pl.DataFrame({name: _numbers(columns[field], shift) for field, (name, shift) in REQUIRED.items()})
    _demand_numbers(frame, size, source)
    frame = frame.with_columns(count_steps(frame, (), "step_time_second"), *_index(columns))
    counters = [
        pl.Series(name, _numbers(columns[field], shift))
        for field, (name, shift) in COUNTERS.items()
        if field in columns
    ]
    if all(restarts_with_steps(frame, counter.fill_nan(0).abs(), QUANTUM) for counter in counters):
        frame = frame.with_columns(counter.fill_nan(None).abs() for counter in counters)
    else:
        notes.append("the capacity counters do not restart with every step and are left out")
    return Reading(
        measurements=frame.with_columns(_temperature(columns)),
        about=about | _start(columns, source),
        warnings=tuple(notes),
    )


def _numbers(values: NDArray[np.float32], shift: int) -> Doubles:
    return shortest_decimals(values, shift)


def _demand_numbers(frame: pl.DataFrame, size: int, source: Source) -> None:
    """Refuse records without a time, voltage or current, and time that goes back."""
    broken = frame.select((~pl.all_horizontal(pl.all().is_finite())).arg_true()).to_series()
    if len(broken):
        place = CYC_RECORDS + size * int(broken[0])
        raise ParseError(source.name, f"record {int(broken[0]) + 1} has no time, voltage or current", byte=place)
    back = (frame["test_time_second"].diff() < 0).arg_true()
    if len(back):
        place = CYC_RECORDS + size * int(back[0])
        raise ParseError(source.name, "test time goes back", code="time_goes_back", byte=place)


def _index(columns: dict[int, NDArray[np.float32]]) -> list[pl.Series]:
    found = columns.get(CYC_INDEX)
    if found is None:
        return []
    number = found.astype(np.float64)
    counted = np.isfinite(number) & (np.abs(number) < CYC_LAST_INDEX)
    index = pl.Series("record_index", np.where(counted, number, 0)).cast(pl.Int64)
    return [index.set(~pl.Series(counted), None)] if counted.any() else []


def _temperature(columns: dict[int, NDArray[np.float32]]) -> list[pl.Series]:
    found = columns.get(TEMPERATURE)
    if found is None or not np.any(found[np.isfinite(found)]):
        return []
    degrees = _numbers(found, 0)
    return [pl.Series("temperature_t1_celsius", np.where(np.isfinite(degrees), degrees, np.nan), nan_to_null=True)]


def _start(columns: dict[int, NDArray[np.float32]], source: Source) -> dict[str, Fact]:
    """Return the first record's date and time of day, to the second, where single precision holds them."""
    if not {DATE, CLOCK} <= columns.keys():
        return {}
    date, clock = float(columns[DATE][0]), float(columns[CLOCK][0])
    if not (np.isfinite(date) and np.isfinite(clock)):
        return {}
    written = f"{date:06.0f} {clock // CLOCK_STEP:06.0f}"
    try:
        started = datetime.strptime(written, "%y%m%d %H%M%S")  # noqa: DTZ007 the site's zone is added below
    except ValueError:
        return {}
    return {"start_time": iso_utc(unix_second(started, source.zone))}


FORMAT = Format(
    "pne_cyc",
    "PNE",
    frozenset({".cyc"}),
    "cycling",
    sniff,
    read,
    verified=False,
    lost="energy, the wall clock of the records (single precision cannot hold it), highest voltage",
)

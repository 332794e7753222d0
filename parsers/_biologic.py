"""The columns of EC-Lab and BT-Lab, whichever file holds them, as columns of the schema.

Both programs name a quantity and its unit in one string (``Ewe/V``, ``<I>/mA``); ``<…>`` is a mean over the interval
before the record, ``|…|`` an amplitude. Where several columns stand for one of the schema, the first present counts.

* Potential: ``Ecell/V`` (two electrodes), else ``Ewe/V``, which in a three-electrode cell is against the reference.
* ``(Q-Qo)/mA.h`` is signed and cumulative from the start of the technique; it goes on through steps, cycles and loops.
* ``Energy charge/W.h`` and ``Energy discharge/W.h`` both go back to zero with each ``cycle number``. BT-Lab 1.65 counts
  the second one downwards, later programs upwards: a counter that is negative at positive potential is turned round.
* ``Q charge/mA.h``, ``Q discharge/mA.h``, ``Q charge/discharge/mA.h`` and ``Capacity/mA.h`` go back to zero with each
  half cycle, even in the middle of a step; the schema has no such counter, so they are left out.
* ``|Energy|/W.h`` and BT-Lab's ``Energy/W.h`` add up without sign, ``Energy we/W.h`` is signed: only this one is kept.
* ``step time/s`` counts from the technique's start in the first step and in some exports never resets: left out.
* ``I Range`` is a code whose table differs between instrument families: left out.

Verified on the paired .mpr and .mpt files of the corpus (EC-Lab 11.18 to 11.61, BT-Lab 1.65 to 1.80).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._biologic_current import CHARGES, CONTROLS, HOUR_SECOND, current_ampere
from parsers._biologic_steps import (
    FLAG_BITS,
    FREQUENCY,
    SWEEP_COUNTERS,
    Numbers,
    spectrum_index,
    step_starts,
    step_types,
)
from parsers._numbers import Doubles, shift_decimals, shortest_decimals
from parsers.contract import Fact, Reading
from warehouse.errors import ParseError
from warehouse.schema import MEASUREMENTS, SPECTRA, STEP_TYPE

Names = tuple[str, ...]

TIME: Final = "time/s"
TEMPERATURE: Final = "Temperature/°C"
VOLTAGES: Final[Names] = ("Ecell/V", "Ewe/V", "<Ewe>/V", "<Ewe/V>")
MEAN_VOLTAGES: Final[Names] = ("<Ewe>/V", "<Ewe/V>", "Ewe/V", "Ecell/V")
CURRENTS: Final[Names] = ("I/mA", "<I>/mA")
MEAN_CURRENTS: Final[Names] = ("<I>/mA", "I/mA")
COUNTER_ELECTRODE: Final[Names] = ("Ece/V", "<Ece>/V")

# Column of the schema → names in the file and decimal places between the two units.
MEASURED: Final[dict[str, tuple[Names, int]]] = {
    "net_capacity_ah": (("(Q-Qo)/mA.h",), 3),
    "net_energy_wh": (("Energy we/W.h",), 0),
    "cycle_charging_energy_wh": (("Energy charge/W.h", "Energy we charge/W.h"), 0),
    "cycle_discharging_energy_wh": (("Energy discharge/W.h", "Energy we discharge/W.h"), 0),
    "power_watt": (("P/W", "Pwe/W"), 0),
    "temperature_t1_celsius": ((TEMPERATURE,), 0),
}
SPECTRAL: Final[dict[str, tuple[Names, int]]] = {
    "frequency_hertz": ((FREQUENCY,), 0),
    "test_time_second": ((TIME,), 0),
    "bias_voltage_volt": (MEAN_VOLTAGES, 0),
    "bias_current_ampere": (MEAN_CURRENTS, 3),
    "amplitude_voltage_volt": (("|Ewe|/V", "|Ecell|/V"), 0),
    "amplitude_current_ampere": (("|I|/A",), 0),
    "temperature_celsius": ((TEMPERATURE,), 0),
}
COUNTS: Final = {"cycle_count": "cycle number", "step_id": "Ns"}
COULOMBS: Final = "(Q-Qo)/C"
IMPEDANCES: Final[Names] = ("Re(Z)/Ohm", "-Im(Z)/Ohm", "Im(Z)/Ohm", "|Z|/Ohm", "Phase(Z)/deg")
STATUS: Final = "flags"
# Every column that any of this module's tables or its helpers look at; a text reader skips all others.
READ_COLUMNS: Final = frozenset(
    {TIME, COULOMBS, *VOLTAGES, *CURRENTS, *COUNTER_ELECTRODE, *IMPEDANCES, *COUNTS.values()}
    | {name for names, _ in (*MEASURED.values(), *SPECTRAL.values()) for name in names}
    | {*CHARGES, *CONTROLS, *FLAG_BITS, *SWEEP_COUNTERS}
)
# Which way it counts shows in all records together.
DECIDED: Final = frozenset({"cycle_discharging_energy_wh"})
# Beyond it a float64 no longer counts.
LARGEST_COUNT: Final = 2.0**53


@dataclass(frozen=True)
class Records:
    """The records of one file, column by column, as the instrument's program names them.

    Args:
        name: the file, for messages.
        columns: name to values; float32 where the file stores single precision.
        origin: byte or line of the first record.
        stride: bytes of one record; 0 for a text, where a record is a line.
        technique: EC-Lab's short name of the technique, where known.
        start: Unix time at which ``time/s`` was zero, where known.
    """

    name: str
    columns: Mapping[str, NDArray[Any]]
    origin: int
    stride: int = 0
    technique: str = ""
    start: float | None = None

    @property
    def rows(self) -> int:
        """The number of records."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def exact(self, name: str, shift: int = 0) -> Doubles:
        """Return a column's decimals, divided by ``10**shift``."""
        return exact(self.columns[name], shift, printed=not self.stride)

    def first(self, names: Names) -> str | None:
        """Return the first of the names that the file has."""
        return next((name for name in names if name in self.columns), None)

    def fault(self, row: int, column: str, detail: str) -> ParseError:
        """Return the error for one record."""
        if self.stride:
            return ParseError(self.name, detail, byte=self.origin + row * self.stride, column=column)
        return ParseError(self.name, detail, line=self.origin + row, column=column)

    def lack(self, names: Names, detail: str = "") -> ParseError:
        """Return the error for columns of which the file should have one."""
        return self.fault(0, names[0], f"none of the columns {', '.join(names)} holds a value{detail}")


def build_reading(records: Records, about: Mapping[str, Fact], warnings: tuple[str, ...]) -> Reading:
    """Make tables of the records: those with a frequency are impedance, all others are measurements."""
    if not records.rows:
        return Reading(about=about, warnings=warnings)
    # Damaged bytes may hold any number; the checks below refuse them, NumPy need not warn first.
    with np.errstate(all="ignore"):
        swept = _impedance_rows(records)
        measurements = MEASUREMENTS.empty() if swept.all() else _measurements(records, ~swept)
        spectra = _spectra(records, swept) if swept.any() else SPECTRA.empty()
    if records.first(COUNTER_ELECTRODE) is not None and measurements.height:
        warnings = (*warnings, "three electrodes: the voltage is Ewe, against the reference; Ece is not kept")
    return Reading(measurements, spectra, about, warnings)


def exact(values: NDArray[Any], shift: int = 0, *, printed: bool = False) -> Doubles:
    """Return the decimals that were meant, divided by ``10**shift``.

    Args:
        values: as the file holds them.
        shift: decimal places to move.
        printed: whether doubles come from a text, where they are decimals unless they have more digits than one has.
    """
    if values.dtype == np.float32:
        return shortest_decimals(values, shift)
    doubles = values.astype(np.float64, copy=False)
    if shift == 0:
        return doubles
    # A binary file's doubles are counters, not decimals; for those one division is the nearest double.
    divided = doubles / 10.0**shift
    if not printed:
        return divided
    shifted = shift_decimals(doubles, shift)
    # Row by row, so that the end of a file reads as it does within the whole.
    kept = (shift_decimals(shifted, -shift) == doubles) & (doubles != 0)
    return np.where(kept, shifted, divided)


def _impedance_rows(records: Records) -> NDArray[np.bool_]:
    if FREQUENCY not in records.columns:
        return np.zeros(records.rows, dtype=np.bool_)
    frequency = records.columns[FREQUENCY]
    # An empty cell of a text is NaN here and means no impedance, as does 0.
    _refuse(records, FREQUENCY, (frequency < 0) | np.isinf(frequency), "a frequency of 0 or more")
    return np.asarray(frequency > 0)


def _measurements(records: Records, kept: NDArray[np.bool_]) -> pl.DataFrame:
    columns: dict[str, Doubles | Numbers | pl.Series] = {
        # Before the current, which may be derived from it.
        "test_time_second": _time(records, kept),
        "voltage_volt": _required(records, VOLTAGES, kept),
        "current_ampere": _current(records, kept),
    }
    columns |= {key: values[kept] for key, values in _optional(records, MEASURED).items()}
    _turn_discharge(columns)
    columns |= _steps(records, kept)
    return _frame(columns, _counts(records, kept), records, MEASUREMENTS.dtypes)


def _time(records: Records, kept: NDArray[np.bool_]) -> Doubles:
    """Return test time; EC-Lab's runs through loops and linked techniques, and never goes back."""
    time = _required(records, (TIME,), kept)
    back = np.flatnonzero(np.diff(time) < 0)
    if len(back):
        # Its place among all records, those of impedance included.
        row = int(np.flatnonzero(kept)[back[0] + 1])
        raise records.fault(row, TIME, f"time goes back from {time[back[0]]} s to {time[back[0] + 1]} s")
    return time


def _spectra(records: Records, kept: NDArray[np.bool_]) -> pl.DataFrame:
    columns: dict[str, Doubles | Numbers | pl.Series] = {
        key: values[kept] for key, values in _optional(records, SPECTRAL).items()
    }
    columns["real_impedance_ohm"], columns["imaginary_impedance_ohm"] = _impedance(records, kept)
    columns["spectrum_index"] = spectrum_index(records.columns, kept)
    return _frame(columns, _counts(records, kept), records, SPECTRA.dtypes)


def _frame(
    columns: dict[str, Doubles | Numbers | pl.Series],
    counts: dict[str, Doubles],
    records: Records,
    dtypes: Mapping[str, pl.DataType],
) -> pl.DataFrame:
    """Add wall clock and counts; NaN and infinity become null, a column of nulls is left out."""
    if records.start is not None and "test_time_second" in columns:
        columns["unix_time_second"] = records.start + np.asarray(columns["test_time_second"])
    series = []
    for name, values in (columns | counts).items():
        column = pl.Series(name, values)
        if column.dtype.is_float() and not np.isfinite(values).all():
            column = column.set(~column.is_finite(), None)
        series.append(column.cast(dtypes[name]))
    return pl.DataFrame([each for each in series if each.null_count() < len(each)])


def _required(records: Records, names: Names, kept: NDArray[np.bool_]) -> Doubles:
    """Return a column that the file must have, with a number in every record."""
    name = records.first(names)
    if name is None:
        raise records.lack(names)
    values = records.exact(name)
    _refuse(records, name, kept & ~np.isfinite(values), "a number")
    return values[kept]


def _refuse(records: Records, name: str, wrong: NDArray[np.bool_], expected: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        row = int(rows[0])
        raise records.fault(row, name, f"expected {expected}, found {records.columns[name][row]!s}")


def _current(records: Records, kept: NDArray[np.bool_]) -> Doubles:
    """Return the recorded current, or the one that charge, time and mode determine."""
    name = records.first(CURRENTS)
    if name is not None:
        values = records.exact(name, 3)
        _refuse(records, name, kept & ~np.isfinite(values), "a number")
        return values[kept]
    derived = current_ampere(records.columns, records.technique)
    if derived is None:
        raise records.lack(CURRENTS, ", and neither charge nor rest tells the current")
    unknown = np.flatnonzero(kept & ~np.isfinite(derived))
    if len(unknown):
        raise records.fault(int(unknown[0]), CURRENTS[0], "neither charge, time nor control tells the current")
    return derived[kept]


def _optional(records: Records, wanted: Mapping[str, tuple[Names, int]]) -> dict[str, Doubles]:
    found = {key: (records.first(names), shift) for key, (names, shift) in wanted.items()}
    columns = {key: records.exact(name, shift) for key, (name, shift) in found.items() if name is not None}
    # In coulombs where the technique is an electrochemist's (CA, CP, CV).
    if "net_capacity_ah" in wanted and "net_capacity_ah" not in columns and COULOMBS in records.columns:
        columns["net_capacity_ah"] = records.exact(COULOMBS) / HOUR_SECOND
    return columns


def _turn_discharge(columns: dict[str, Doubles | Numbers | pl.Series]) -> None:
    energy, voltage = columns.get("cycle_discharging_energy_wh"), columns["voltage_volt"]
    if isinstance(energy, np.ndarray) and np.min(voltage) >= 0 and np.nanmax(energy, initial=-1.0) <= 0:
        # Zero minus, so that a counter at rest does not become minus zero.
        columns["cycle_discharging_energy_wh"] = np.subtract(0.0, energy, dtype=np.float64)


def _counts(records: Records, kept: NDArray[np.bool_]) -> dict[str, Doubles]:
    return {key: _count(records, name)[kept] for key, name in COUNTS.items() if name in records.columns}


def _count(records: Records, name: str) -> Doubles:
    """Return whole numbers, NaN where a text has an empty cell."""
    values = records.columns[name].astype(np.float64)
    whole = (np.rint(values) == values) & (np.abs(values) < LARGEST_COUNT)
    _refuse(records, name, ~(whole | np.isnan(values)), "a whole number")
    return values


def _steps(records: Records, kept: NDArray[np.bool_]) -> dict[str, Numbers | pl.Series]:
    """Return executed steps, what each record is doing, and its status word, where the file tells."""
    columns: dict[str, Numbers | pl.Series] = {}
    starts = step_starts(records.columns)
    if starts is not None:
        columns["step_count"] = np.cumsum(starts, dtype=np.int64)[kept]
    types = step_types(records.columns, records.technique)
    if types is not None:
        columns["step_type"] = types.filter(pl.Series(kept)).cast(STEP_TYPE)
    if STATUS in records.columns:
        columns["source_flags"] = records.columns[STATUS][kept].astype(np.int64)
    return columns


def _impedance(records: Records, kept: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    """Return real and imaginary part; a file that holds modulus and phase only has them computed."""
    columns = records.columns
    if "Re(Z)/Ohm" in columns and "-Im(Z)/Ohm" in columns:
        # Zero minus, so that no minus zero appears.
        return _required(records, ("Re(Z)/Ohm",), kept), 0.0 - _required(records, ("-Im(Z)/Ohm",), kept)
    if "Re(Z)/Ohm" in columns and "Im(Z)/Ohm" in columns:
        return _required(records, ("Re(Z)/Ohm",), kept), _required(records, ("Im(Z)/Ohm",), kept)
    modulus = _required(records, ("|Z|/Ohm",), kept)
    phase = np.deg2rad(_required(records, ("Phase(Z)/deg",), kept))
    return modulus * np.cos(phase), modulus * np.sin(phase)

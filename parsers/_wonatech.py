"""WonATech's rows as measurements: units, signs and counters, the same for both versions of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._clock import unix_seconds
from parsers._numbers import shift_decimals
from parsers._units import parse_unit
from parsers._wonatech_rows import CELL_STATES, Rows
from parsers.contract import Source
from warehouse.errors import ContradictionError, ParseError
from warehouse.schema import MEASUREMENTS, STEP_TYPE

TICKS: Final = 10_000_000
UNIX_EPOCH_TICKS: Final = 621_355_968_000_000_000
TICK_MASK: Final = 2**62 - 1
HOUR: Final = 3600.0
# Rows may lie far apart while the current changes; a unit is off by more.
CHARGE_RATIO: Final = (0.2, 5.0)
COUNTERS: Final = {
    "CHARGE Q": "cycle_charging_capacity_ah",
    "DISCHARGE Q": "cycle_discharging_capacity_ah",
    "CHARGE E": "cycle_charging_energy_wh",
    "DISCHARGE E": "cycle_discharging_energy_wh",
}


def to_frame(
    rows: Rows, source: Source, *, coulomb: bool, kinds: Mapping[int, str], suffix: Mapping[int, str]
) -> tuple[pl.DataFrame, list[str]]:
    """Turn rows into measurements.

    Args:
        rows: at least one.
        source: for messages and the zone.
        coulomb: whether the charge counters are C and the energy counters J.
        kinds: schedule's step, from 0, to its kind: ``cc``, ``cv``, ``cccv``.
        suffix: control state of a row to the same, where rows have one.

    Raises:
        ParseError: a row without voltage or current, time that goes back.
        ContradictionError: the state contradicts the current's sign.
    """
    values = rows.values
    time = values["TEST TIME"].astype(np.int64)
    back = np.flatnonzero(np.diff(time) < 0)
    if len(back):
        raise ParseError(source.name, f"test time goes back after row {back[0] + 1}", code="time_goes_back")
    for name in ("VOLTAGE", "CURRENT"):
        broken = np.flatnonzero(~np.isfinite(values[name].astype(np.float64)))
        if len(broken):
            raise ParseError(source.name, f"row {broken[0] + 1} has no number", column=name, code="missing_value")
    _check_sign(values, source)
    frame = pl.DataFrame(
        {
            "test_time_second": _seconds(time),
            "voltage_volt": values["VOLTAGE"].astype(np.float64),
            "current_ampere": values["CURRENT"].astype(np.float64),
            "cycle_count": values["CYCLE INDEX"].astype(np.int64),
            "step_id": values["STEP INDEX"].astype(np.int64),
            "step_count": _step_count(values["TOTAL STEP"]),
            "step_time_second": _seconds(values["STEP TIME"].astype(np.int64)),
        }
    )
    counters, notes = _counters(values, coulomb=coulomb)
    _check_charge(frame, counters, source)
    more = [_kinds(values, kinds, suffix), *counters, *_temperature(values), *_clock(values, source)]
    ranges, range_notes = _range(rows)
    frame = frame.with_columns(*more, *ranges)
    wanted = [name for name in MEASUREMENTS.names if name in frame.columns]
    return frame.select(wanted), [*notes, *range_notes]


def _seconds(ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    return ticks / TICKS


def _step_count(total: NDArray[np.generic]) -> NDArray[np.int64]:
    """Number the executed steps from 1; the file's own counter never goes back but need not begin at 1."""
    changed = np.diff(total.astype(np.int64), prepend=total[:1].astype(np.int64)) != 0
    return np.cumsum(changed).astype(np.int64) + 1


def _check_sign(values: Mapping[str, NDArray[np.generic]], source: Source) -> None:
    current, status = values["CURRENT"].astype(np.float64), values["CELL STATUS"]
    for code, sign in ((3, 1), (4, -1)):
        if (current[status == code] * sign).sum() < 0:
            detail = f"the currents of cell status {CELL_STATES[code]} have the other sign"
            raise ContradictionError(source.name, detail, code="sign")


def _check_charge(frame: pl.DataFrame, counters: list[pl.Series], source: Source) -> None:
    """Refuse charge counters that are not the integral of the current: Ah and C differ 3600-fold."""
    if not counters:
        return
    current, time = frame["current_ampere"].to_numpy(), frame["test_time_second"].to_numpy()
    same = np.diff(frame["step_count"].to_numpy()) == 0
    moved = float((np.abs(current[1:] + current[:-1]) / 2 * np.diff(time))[same].sum()) / HOUR
    counted = float(sum(np.abs(np.diff(counter.to_numpy()))[same].sum() for counter in counters[:2]))
    if moved > 0 and not CHARGE_RATIO[0] <= counted / moved <= CHARGE_RATIO[1]:
        detail = f"charge counters over current times time is {counted / moved:.4g}, not 1: check Ah against C"
        raise ContradictionError(source.name, detail, code="unit_factor")


def _counters(values: Mapping[str, NDArray[np.generic]], *, coulomb: bool) -> tuple[list[pl.Series], list[str]]:
    """Return the counters, if they restart with the cycle and with nothing else."""
    same = np.diff(values["CYCLE INDEX"].astype(np.int64)) == 0
    counters = {name: values[name].astype(np.float64) for name in COUNTERS}
    if any((np.diff(counter)[same] < 0).any() or not np.isfinite(counter).all() for counter in counters.values()):
        return [], ["the counters fall within a cycle and are left out"]
    divisor = HOUR if coulomb else 1.0
    return [pl.Series(ours, counters[name] / divisor) for name, ours in COUNTERS.items()], []


def _kinds(values: Mapping[str, NDArray[np.generic]], kinds: Mapping[int, str], suffix: Mapping[int, str]) -> pl.Series:
    """Return the step types: the direction from the cell status, the control from the row or the schedule."""
    states = pl.Series("state", values["CELL STATUS"].astype(np.int64)).replace_strict(
        CELL_STATES, return_dtype=pl.String
    )
    names = {code: f"_{name}" for code, name in (suffix or kinds).items()}
    column = "CONTROL STATUS" if suffix else "STEP INDEX"
    control = pl.Series("control", values[column].astype(np.int64)).replace_strict(
        names, default="", return_dtype=pl.String
    )
    control = control.set(states == "rest", "")
    return (states + control).cast(STEP_TYPE).alias("step_type")


def _temperature(values: Mapping[str, NDArray[np.generic]]) -> list[pl.Series]:
    """Return the temperature, unless it is 0 throughout: an input without a sensor reads so in a chamber of 60 °C."""
    if "TEMPERATURE" not in values:
        return []
    degrees = values["TEMPERATURE"].astype(np.float64)
    finite = np.isfinite(degrees)
    if not degrees[finite].any():
        return []
    return [pl.Series("temperature_t1_celsius", np.where(finite, degrees, np.nan), nan_to_null=True)]


def _clock(values: Mapping[str, NDArray[np.generic]], source: Source) -> list[pl.Series]:
    if "DATE TIME" not in values:
        return []
    ticks = (values["DATE TIME"].astype(np.int64) & TICK_MASK) - UNIX_EPOCH_TICKS
    local = pl.Series("unix_time_second", ticks // 10).cast(pl.Datetime("us"))
    unix = unix_seconds(local.set((local.dt.year() < 1990) | (local.dt.year() > 2100), None), source.zone)  # noqa: PLR2004 no such instrument ran then
    return [unix] if unix.count() else []


def _range(rows: Rows) -> tuple[list[pl.Series], list[str]]:
    """Return the full scale of the current range in A from texts like ``10mA``."""
    if rows.ranges is None:
        return [], []
    texts = rows.ranges.unique().sort().to_list()
    scales = {text: _scale(text) for text in texts}
    unknown = [text for text, scale in scales.items() if scale is None]
    notes = [f"current ranges that are not understood: {', '.join(map(repr, unknown))}"] if unknown else []
    series = rows.ranges.replace_strict(texts, list(scales.values()), return_dtype=pl.Float64)
    return ([series.alias("current_range_ampere")] if series.count() else []), notes


def _scale(text: str) -> float | None:
    digits = text.rstrip().rstrip("AaµμumnpkK").strip()
    unit = parse_unit(text.strip()[len(digits) :])
    try:
        number = float(digits)
    except ValueError:
        return None
    if unit is None or unit.quantity != "current" or not 0 < number < np.inf:
        return None
    return float(shift_decimals(np.array([number]), unit.shift)[0])

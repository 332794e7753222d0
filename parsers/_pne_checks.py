"""What PNE's records must agree with: their own arithmetic, their own clock, their own step types.

The files name no unit. Power is voltage times current, counters are the integral of the current, the test's time is
the clock's: a column that is not what the layout says breaks one of the three. None of them tells µA from nA.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from parsers._numbers import Doubles
from parsers._pne_unit import Unit
from parsers.contract import Source
from warehouse.errors import ContradictionError

TICKS: Final = 100.0
# µV times µA in mW.
MILLIWATT: Final = 1e9
# Counted charges and watts below these are too few units to compare with anything.
FEW_CHARGES, FEW_WATTS = 1000, 100
SHORTEST_SECOND: Final = 1.0
# From the right: thousandths, seconds, minutes; hours are what is left.
CLOCK_PARTS: Final = (1000, 100, 100)
SIXTY, HOURS = 60, 24
# The counters of a step and the integral of its recorded currents differ by the recording interval at most.
CHARGE_RATIO: Final = (0.2, 5.0)
WATT_RATIO: Final = (0.9, 1.1)
CLOCK_RATIO: Final = (0.5, 2.0)


def check_arithmetic(rows: pl.DataFrame, starts: pl.Series, unit: Unit, source: Source) -> None:
    """Compare charge with current and time, power with current and voltage, time with the wall clock.

    Args:
        rows: in order, in the file's units.
        starts: whether a row begins a step.
        unit: what current counts in; a nA machine's power is described in two ways and not compared.
        source: for the message.

    Raises:
        ContradictionError: a ratio is not 1 (code ``unit_factor``).
    """
    _demand("charge counters over current times time", _charge_ratio(rows, starts), CHARGE_RATIO, source)
    _demand("wall clock over test time", _clock_ratio(rows), CLOCK_RATIO, source)
    if unit.name == "uA":
        _demand("power over voltage times current", _watt_ratio(rows), WATT_RATIO, source)


def check_sign(frame: pl.DataFrame, source: Source) -> None:
    """Refuse charge steps that discharge and discharge steps that charge.

    Raises:
        ContradictionError: with code ``sign``.
    """
    kind = pl.col("step_type").cast(pl.String)
    sums = frame.select(
        charge=pl.col("current_ampere").filter(kind == "charge").sum(),
        discharge=-pl.col("current_ampere").filter(kind == "discharge").sum(),
    ).row(0, named=True)
    for name, total in sums.items():
        if total < 0:
            detail = f"the currents of the {name} steps have the other sign"
            raise ContradictionError(source.name, detail, code="sign")


def counted_charge(rows: pl.DataFrame) -> Doubles:
    """Return the capacity counters of both directions together, in the file's units."""
    names = ["capacity"] if "capacity" in rows.columns else ["charge", "discharge"]
    return rows.select(pl.sum_horizontal(pl.col(names).abs())).to_series().to_numpy().astype(np.float64)


def local_clock(rows: pl.DataFrame) -> pl.Series:
    """Return date and clock, which lost its leading zeros: 71949013 is 07:19:49.013; null where they are none."""
    dates = rows["date"].unique()
    days = dates.cast(pl.String).str.to_date("%Y%m%d", strict=False).cast(pl.Datetime("ms"))
    midnight = rows["date"].replace_strict(dates, days, return_dtype=pl.Datetime("ms"))
    # Parsing every row as text would take longer than reading the file.
    rest, parts = rows["clock"], []
    for size in CLOCK_PARTS:
        parts.append(rest % size)
        rest = rest // size
    milli, second, minute = parts
    valid = (rest >= 0) & (rest < HOURS) & (minute < SIXTY) & (second < SIXTY)
    since = ((rest * SIXTY + minute) * SIXTY + second) * 1000 + milli
    return (midnight + since.set(~valid, None).cast(pl.Duration("ms"))).alias("local")


def _demand(what: str, ratio: float | None, limits: tuple[float, float], source: Source) -> None:
    if ratio is not None and not limits[0] <= ratio <= limits[1]:
        detail = f"{what} is {ratio:.4g}, not 1: the columns are not in the documented units"
        raise ContradictionError(source.name, detail, code="unit_factor")


def _charge_ratio(rows: pl.DataFrame, starts: pl.Series) -> float | None:
    """Return what the counters moved within steps over the integral of the current."""
    same = ~starts.to_numpy()[1:]
    current = rows["current"].to_numpy().astype(np.float64)
    hours = np.diff(rows["ticks"].to_numpy()) / (TICKS * 3600)
    moved = float((np.abs(current[1:] + current[:-1]) / 2 * hours)[same].sum())
    counted = float(np.abs(np.diff(counted_charge(rows)))[same].sum())
    return counted / moved if moved > FEW_CHARGES else None


def _clock_ratio(rows: pl.DataFrame) -> float | None:
    """Return the usual ratio of clock and test time between two records; a pause is not usual."""
    if "date" not in rows.columns:
        return None
    local = local_clock(rows)
    good = local.is_not_null().to_numpy()
    passed = np.diff(local.dt.epoch("ms").fill_null(0).to_numpy() / 1e3)
    seconds = np.diff(rows["ticks"].to_numpy()) / TICKS
    long = (seconds >= SHORTEST_SECOND) & good[1:] & good[:-1]
    return float(np.median(passed[long] / seconds[long])) if long.any() else None


def _watt_ratio(rows: pl.DataFrame) -> float | None:
    """Return the usual ratio of recorded power and the product of voltage and current in mW."""
    names = [name for name in ("power", "charge_power", "discharge_power") if name in rows.columns]
    product = np.abs(rows["voltage"].to_numpy() * rows["current"].to_numpy().astype(np.float64)) / MILLIWATT
    large = product > FEW_WATTS
    recorded = rows.select(pl.sum_horizontal(pl.col(names).abs())).to_series().to_numpy()
    return float(np.median(recorded[large] / product[large])) if large.any() else None

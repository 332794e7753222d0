"""The gate between a reading and the warehouse: what passes here may be stored.

NaN and infinities become null (DuckDB prunes row groups wrongly when a column holds NaN), time must not go back,
and values that contradict each other stop the source with the factor and the likely cause.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from warehouse.arrays import codes, doubles
from warehouse.errors import ContradictionError
from warehouse.plausibility import check_plausibility
from warehouse.rowhash import hash_rows, join_digests
from warehouse.schema import MEASUREMENTS, SPECTRA, STEP_TYPES, Table, conform_columns

# A contradiction is a factor, not a deviation: instruments and integrals differ by per cents, units by thousands.
FACTOR_TOLERANCE: Final = 0.1
FEWEST_SAMPLES: Final = 20
SIGN_SHARE: Final = 0.9
LIKELY_CAUSES: Final = (
    (1e3, "a thousandfold unit (mA for A, or mV for V)"),
    (1e-3, "a thousandfold unit (A for mA, or V for mV)"),
    (1e6, "a millionfold unit (µA for A)"),
    (1e-6, "a millionfold unit (A for µA)"),
    (3600.0, "hours for seconds, or As for Ah"),
    (1 / 3600.0, "seconds for hours, or Ah for As"),
    (60.0, "minutes for seconds"),
    (1 / 60.0, "seconds for minutes"),
    (-1.0, "the sign of the current"),
)


def conform(measurements: pl.DataFrame, spectra: pl.DataFrame, shown: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make both tables storable or refuse them.

    Args:
        measurements: columns of ``schema.MEASUREMENTS``.
        spectra: columns of ``schema.SPECTRA``.
        shown: the source as the user knows it, for messages.

    Returns:
        The same rows without NaN or infinities.

    Raises:
        ContradictionError: a required value is missing, time goes back, or values contradict each other.
        SchemaMismatch: a column or type is not the schema's.
    """
    measurements = clean(measurements, MEASUREMENTS, shown)
    spectra = clean(spectra, SPECTRA, shown)
    judge(measurements, shown)
    return measurements, spectra


def clean(frame: pl.DataFrame, table: Table, shown: str) -> pl.DataFrame:
    """Return the rows of a table without NaN or infinities.

    Raises:
        ContradictionError: a required value is missing.
        SchemaMismatch: a column or type is not the schema's.
    """
    return _clean(conform_columns(frame, table, shown), table, shown)


def judge(measurements: pl.DataFrame, shown: str) -> None:
    """Refuse rows whose values contradict each other.

    A test that grew may be judged by its new rows with some before them, at least the last one, so that time cannot go
    back between them. Whether a test is refused must not depend on when it was looked at: only a refusal of all its
    rows counts.

    Raises:
        ContradictionError: time goes back, or values contradict each other.
    """
    if measurements.height:
        check_time(measurements, shown)
        check_power(measurements, shown)
        check_sign(measurements, shown)
        check_plausibility(measurements, shown)


def hash_data(*frames: pl.DataFrame) -> str:
    """Return a SHA-256 over the rows themselves: the same data in other bytes or column order has the same hash."""
    return join_digests(hash_rows(frame).digest for frame in frames)


def check_time(frame: pl.DataFrame, shown: str) -> None:
    """Refuse rows whose test time goes back.

    Raises:
        ContradictionError: with the first such row.
    """
    time = frame["test_time_second"].to_numpy()
    backwards = np.flatnonzero(np.diff(time) < 0)
    if len(backwards):
        row = int(backwards[0])
        raise ContradictionError(
            shown,
            f"test time goes back from {time[row]:.3f} s to {time[row + 1]:.3f} s at row {row + 2}",
            code="time_goes_back",
            line=row + 2,
            column="test_time_second",
        )


def check_power(frame: pl.DataFrame, shown: str) -> None:
    """Refuse rows whose recorded power is a unit's factor away from V·I.

    Raises:
        ContradictionError: with the factor and its likely cause.
    """
    if "power_watt" not in frame.columns:
        return
    product = doubles(frame["voltage_volt"]) * doubles(frame["current_ampere"])
    power = doubles(frame["power_watt"], 0.0)
    used = (np.abs(product) > 0.1 * np.max(np.abs(product))) & (power != 0)
    if used.sum() < FEWEST_SAMPLES:
        return
    factor = float(np.median(power[used] / product[used]))
    if cause := likely_cause(factor):
        raise ContradictionError(
            shown, f"recorded power is {factor:.4g} times V·I: {cause}", code="unit_factor", column="power_watt"
        )


def check_sign(frame: pl.DataFrame, shown: str) -> None:
    """Refuse rows whose step types say charge where the current says discharge.

    Raises:
        ContradictionError: when nearly all of the typed rows have the other sign.
    """
    if "step_type" not in frame.columns:
        return
    said, current = codes(frame["step_type"], len(STEP_TYPES)), frame["current_ampere"].to_numpy()
    into, out = (np.bincount(said[mask], minlength=len(STEP_TYPES)) for mask in (current > 0, current < 0))
    words = [
        _Word(name.partition("_")[0], name, int(into[index] + out[index]), int((out if starts else into)[index]))
        for index, name in enumerate(STEP_TYPES)
        if (starts := name.startswith("charge")) or name.startswith("discharge")
    ]
    # At a held voltage the cell decides which way the current flows.
    driven = [word for word in words if not word.name.endswith("_cv")]
    # Unsigned currents have half of all rows right, so each word is judged by itself, unless its rows are too few.
    for way in ("charge", "discharge"):
        mine = [word for word in driven if word.way == way]
        _refuse_sign(mine if sum(word.rows for word in mine) >= FEWEST_SAMPLES else driven, shown)


class _Word(NamedTuple):
    """A step type that names a direction: its rows with current, and those whose current has the other sign."""

    way: str
    name: str
    rows: int
    against: int


def _refuse_sign(words: list[_Word], shown: str) -> None:
    rows, against = sum(word.rows for word in words), sum(word.against for word in words)
    if against > SIGN_SHARE * rows:
        named = " or ".join(sorted({word.way for word in words if word.rows}))
        raise ContradictionError(
            shown,
            f"{against / rows:.0%} of the rows that the instrument calls {named} have the other current sign",
            code="sign",
            column="current_ampere",
        )


def likely_cause(factor: float) -> str | None:
    """Name the unit slip behind a factor, or None when it is none of the known ones."""
    for known, cause in LIKELY_CAUSES:
        if abs(factor / known - 1) < FACTOR_TOLERANCE:
            return f"the likely cause is {cause}"
    return None


def _clean(frame: pl.DataFrame, table: Table, shown: str) -> pl.DataFrame:
    unfit = [
        column.name
        for column in (frame.get_columns() if frame.height else ())
        if column.dtype == pl.Float64 and not _is_finite(column)
    ]
    if unfit:
        frame = frame.with_columns(pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in unfit)
    for name in table.required:
        if frame[name].null_count():
            row = frame[name].is_null().arg_max()
            raise ContradictionError(
                shown,
                f"{name} has no value at row {(row or 0) + 1}",
                code="missing_value",
                line=(row or 0) + 1,
                column=name,
            )
    return frame


def _is_finite(column: pl.Series) -> bool:
    # Nulls come out as NaN here, so a column with nulls is looked at without them.
    values = (column.drop_nulls() if column.null_count() else column).to_numpy()
    return bool(np.isfinite(values).all())

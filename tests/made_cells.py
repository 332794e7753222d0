"""Hand-made tests of cells whose every figure can be worked out on paper."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from warehouse.home import Home
from warehouse.publish import Incoming, Owner, Prepared, commit_prepared, prepare_test
from warehouse.schema import SPECTRA

START: Final = 1_772_409_600.0  # 2026-03-02 00:00 UTC
DAY: Final = 86_400.0
AMPERE: Final = 1e-3
REST_SECONDS: Final = 60.0
UPPER: Final = 4.0
LOWER: Final = 3.0
POINTS: Final = 11
NOBODY: Final = Owner()

Half = tuple[float, float]


def measure(halves: Sequence[Half], start: float | None = START) -> pl.DataFrame:
    """Return the records of half cycles at constant current, each followed by a rest.

    Args:
        halves: current in A (positive charges) and charge in Ah of each.
        start: wall clock of the first record, UTC; None for a test without one.
    """
    parts, begin = [], 0.0
    for number, (ampere, ampere_hours) in enumerate(halves):
        seconds = ampere_hours / abs(ampere) * 3600
        volts = (LOWER, UPPER) if ampere > 0 else (UPPER, LOWER)
        parts.append(_step(2 * number + 1, begin, seconds, ampere, volts))
        parts.append(_step(2 * number + 2, begin + seconds, REST_SECONDS, 0.0, (volts[1], volts[1])))
        begin += seconds + REST_SECONDS
    frame = pl.concat(parts)
    return frame if start is None else frame.with_columns(unix_time_second=pl.col("test_time_second") + start)


def cycle(discharges: Sequence[float], efficiency: float = 1.0, ampere: float = AMPERE) -> list[Half]:
    """Return charge-first cycles with these discharge capacities in Ah and this coulombic efficiency."""
    return [half for out in discharges for half in ((ampere, out / efficiency), (-ampere, out))]


def _step(number: int, begin: float, seconds: float, ampere: float, volts: tuple[float, float]) -> pl.DataFrame:
    part = pl.int_range(POINTS, eager=True).cast(pl.Float64) / (POINTS - 1)
    return pl.DataFrame(
        {
            "test_time_second": begin + part * seconds,
            "voltage_volt": volts[0] + part * (volts[1] - volts[0]),
            "current_ampere": pl.repeat(ampere, POINTS, dtype=pl.Float64, eager=True),
            "step_count": pl.repeat(number, POINTS, dtype=pl.Int64, eager=True),
        }
    )


def commit(
    home: Home,
    name: str,
    measurements: pl.DataFrame,
    owner: Owner = NOBODY,
    *,
    channel: str | None = None,
    spectra: pl.DataFrame | None = None,
) -> str:
    """Commit records as a test, without a file; returns the test's name."""
    incoming = Incoming(
        shown=name,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        format="hand_made",
        reader_version=1,
        kind="cycling",
        measurements=measurements,
        spectra=SPECTRA.empty() if spectra is None else spectra,
        about={"channel": channel} if channel else {},
    )
    prepared = prepare_test(home, incoming, owner)
    if not isinstance(prepared, Prepared):
        raise TypeError(f"{name} holds the rows of {prepared['test_id']}")
    with home.registry.write() as connection:
        commit_prepared(home, connection, prepared)
    return str(prepared.test["test_id"])


def write_bdf(path: Path, measurements: pl.DataFrame) -> Path:
    """Write records as a BDF file, whose names are the schema's; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    measurements.write_csv(path)
    return path

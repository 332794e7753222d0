"""Small synthetic tests, record by record, for the tests of steps and cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.cycles import derive_cycles
from warehouse.derivation import PLATFORM
from warehouse.schema import STEP_TYPE
from warehouse.steps import derive_steps

Doubles = NDArray[np.float64]

HOUR: Final = 3600.0
MICRO: Final = 1e-6


@dataclass(frozen=True)
class Part:
    """The records of one executed step; time counts from its start."""

    time: Doubles
    voltage: Doubles
    current: Doubles
    said: str


def hold_current(
    current: float, seconds: float, volts: tuple[float, float], records: int = 21, said: str | None = None
) -> Part:
    """Constant current between two voltages."""
    way = "rest" if current == 0 else "charge" if current > 0 else "discharge"
    time = np.linspace(0, seconds, records)
    return Part(time, np.linspace(*volts, records), np.full(records, current), said or way)


def rest(volt: float, seconds: float = 600, records: int = 21, current: float = 0.0) -> Part:
    """An open circuit, which a channel with an offset shows as a current."""
    return hold_current(current, seconds, (volt, volt), records, "rest")


def hold_voltage(current: float, tau: float, seconds: float, volt: float, records: int) -> Part:
    """Constant voltage with a current that falls exponentially."""
    time = np.linspace(0, seconds, records)
    way = "charge" if current > 0 else "discharge"
    return Part(time, np.full(records, volt), current * np.exp(-time / tau), way)


def measure(*parts: Part, numbered: bool = True, typed: bool = False, pause: float = 0.0) -> pl.DataFrame:
    """Set parts one behind the other.

    Args:
        parts: the executed steps.
        numbered: whether the file has a step_count.
        typed: whether it has a step_type.
        pause: seconds without a record between two parts.
    """
    starts = np.cumsum([0.0, *(part.time[-1] + pause for part in parts[:-1])])
    columns: dict[str, pl.Series | Doubles] = {
        "test_time_second": np.concatenate([start + part.time for start, part in zip(starts, parts, strict=True)]),
        "voltage_volt": np.concatenate([part.voltage for part in parts]),
        "current_ampere": np.concatenate([part.current for part in parts]),
    }
    sizes = [len(part.time) for part in parts]
    if numbered:
        columns["step_count"] = np.repeat(np.arange(1, len(parts) + 1), sizes)
    if typed:
        said = [part.said for part, size in zip(parts, sizes, strict=True) for _ in range(size)]
        columns["step_type"] = pl.Series(said, dtype=STEP_TYPE)
    return pl.DataFrame(columns)


def steps_of(measurements: pl.DataFrame) -> pl.DataFrame:
    """Derive the steps with the platform's recipe."""
    return derive_steps(measurements, PLATFORM)


def cycles_of(measurements: pl.DataFrame, convention: str = "full_charge_first") -> pl.DataFrame:
    """Derive the cycles with the platform's recipe."""
    return derive_cycles(steps_of(measurements), convention, PLATFORM)[1]


def kinds_of(steps: pl.DataFrame) -> list[str]:
    """Return the steps' kinds as text."""
    return steps["kind"].cast(pl.String).to_list()

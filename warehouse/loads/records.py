"""A test's records as arrays, and where its steps lie among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes, doubles
from warehouse.metrics.inputs import TestInputs
from warehouse.pulses import RESTING, find_pulses

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

SECONDS_PER_HOUR: Final = 3600.0
# The clocks of a step and of its test may be rounded apart.
CLOCK_SECONDS: Final = 0.011
TEMPERATURES: Final = ("surface_temperature_celsius", "temperature_t1_celsius", "ambient_temperature_celsius")
COLUMNS: Final = (
    "test_time_second",
    "voltage_volt",
    "current_ampere",
    "step_type",
    "current_range_ampere",
    "step_time_second",
    "unix_time_second",
    *TEMPERATURES,
)


@dataclass(frozen=True)
class Records:
    """Everything that is read off the records of one test.

    Args:
        inputs: the test.
        rows: its measurements, the columns of :data:`COLUMNS` that it has.
        longest_pulse: a pulse lasts no longer, in seconds.
    """

    inputs: TestInputs
    rows: pl.DataFrame
    longest_pulse: float

    @cached_property
    def time(self) -> Doubles:
        """Test time."""
        return self.doubles("test_time_second")

    @cached_property
    def voltage(self) -> Doubles:
        """Voltage."""
        return self.doubles("voltage_volt")

    @cached_property
    def current(self) -> Doubles:
        """Current."""
        return self.doubles("current_ampere")

    @cached_property
    def ranges(self) -> Doubles | None:
        """Current range in use, NaN where unknown; None where the file never says."""
        return self.doubles("current_range_ampere") if self.has("current_range_ampere") else None

    @cached_property
    def temperature(self) -> Doubles | None:
        """The first temperature that the file carries, NaN where it is missing; None without one."""
        name = next((name for name in TEMPERATURES if self.has(name)), None)
        return None if name is None else self.doubles(name)

    @cached_property
    def starts(self) -> Integers:
        """Of each step the index of its first record."""
        return self.inputs.first_rows

    @cached_property
    def ends(self) -> Integers:
        """Of each step the index behind its last record."""
        ends: Integers = self.starts + self.inputs.steps["records"].to_numpy()
        return ends

    @cached_property
    def edges(self) -> Doubles:
        """Of each step the test time at which it began; NaN where only the records on either side of that are known."""
        if not self.has("step_time_second"):
            return np.full(len(self.starts), np.nan)
        edge = self.time[self.starts] - self.doubles("step_time_second")[self.starts]
        before = np.append(-np.inf, self.time[self.starts[1:] - 1])
        # A step's clock that reaches back behind the record before counts something else.
        known = (edge >= before - CLOCK_SECONDS) & (edge <= self.time[self.starts])
        return np.where(known, np.maximum(edge, before), np.nan)

    @cached_property
    def active(self) -> Mask:
        """Which steps move charge."""
        return ~RESTING[codes(self.inputs.steps["kind"], 0)]

    @cached_property
    def pulses(self) -> Mask:
        """Which steps are pulses."""
        return find_pulses(self.inputs.steps, self.longest_pulse)

    @cached_property
    def way(self) -> Integers:
        """Of each step +1 where it charges, -1 where it discharges, 0 where it rests."""
        current = self.inputs.steps["mean_current_ampere"].to_numpy()
        return np.where(self.active, np.sign(current), 0).astype(np.int64)

    @cached_property
    def rested(self) -> Doubles:
        """Of each step, and of the test's end, how long the cell had rested right before; 0 where a current flowed."""
        seconds = np.where(self.active, 0.0, self.inputs.steps["duration_second"].to_numpy())
        # Rests in a row are one; a running sum less its value at the last active step.
        total = np.append(0.0, np.cumsum(seconds))
        return total - np.maximum.accumulate(np.where(np.append(False, self.active), total, 0.0))

    @cached_property
    def charges(self) -> Doubles:
        """Of each record the charge in Ah, by trapezoid, until the next record of its step; 0 at the step's last."""
        between = 0.5 * (self.current[1:] + self.current[:-1]) * np.diff(self.time) / SECONDS_PER_HOUR
        charge = np.append(between, 0.0)
        charge[self.ends - 1] = 0.0
        return charge

    def has(self, name: str) -> bool:
        """Say whether the file has values of a column."""
        return name in self.rows.columns and self.rows[name].null_count() < self.rows.height

    def doubles(self, name: str) -> Doubles:
        """Return a column."""
        return doubles(self.rows[name])

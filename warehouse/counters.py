"""The instrument's own charge and energy counters, beside which the integrals are set.

Vendors reset their counters never, at each step, at each cycle, or where the schedule says; the column's prefix tells
which (``docs/schema.md``). The counter is the better figure where it is fine enough, because the instrument integrates
between the records that it writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import doubles

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

# In order of trust: a counter that never resets can only be right or wrong as a whole.
PREFIXES: Final = ("", "step_", "cycle_", "schedule_")
SAMPLED: Final = 2000
FINEST_DECIMAL: Final = 15
LONGEST_LEAD: Final = 5.0


@dataclass(frozen=True)
class Counter:
    """A pair of counters of what went in and what went out, in Ah or Wh.

    Args:
        charging: rising while the cell is charged.
        discharging: rising while it is discharged.
        resets_at_step: whether both start from zero at each step.
        quantum: the coarsest decimal that all their values are multiples of.
    """

    charging: Doubles
    discharging: Doubles
    resets_at_step: bool
    quantum: float

    def within(self, starts: Integers, ends: Integers) -> Doubles:
        """Return what was counted from each step's first record to its last; charging is positive.

        Args:
            starts: index of the first record of each step.
            ends: index behind the last record of each step.
        """
        return self._net(ends - 1, starts)

    def whole(self, starts: Integers, ends: Integers, time: Doubles) -> Doubles:
        """Return what was counted in each step, with what flowed before its first record.

        Args:
            starts: index of the first record of each step.
            ends: index behind the last record of each step.
            time: test time of all records in seconds.
        """
        if self.resets_at_step:
            counted = self.charging[ends - 1] - self.discharging[ends - 1]
            return np.where(np.isnan(self.within(starts, ends)), np.nan, counted)
        before = np.maximum(starts - 1, 0)
        spacing = (time[ends - 1] - time[starts]) / np.maximum(ends - starts - 1, 1)
        near = (time[starts] - time[before] <= LONGEST_LEAD * spacing) & (starts > 0)
        kept = (self.charging[starts] >= self.charging[before]) & (self.discharging[starts] >= self.discharging[before])
        return self._net(ends - 1, np.where(near & kept, before, starts))

    @cached_property
    def resets(self) -> Integers:
        """Per record: how often either counter has fallen up to it."""
        fell = (np.diff(self.charging, prepend=0.0) < 0) | (np.diff(self.discharging, prepend=0.0) < 0)
        return np.cumsum(fell)

    def _net(self, last: Integers, first: Integers) -> Doubles:
        counted = self.charging[last] - self.charging[first] - (self.discharging[last] - self.discharging[first])
        # A counter that fell within the step was reset there, so its difference says nothing.
        return np.where(self.resets[last] > self.resets[first], np.nan, counted)


def find_counters(measurements: pl.DataFrame, what: str, unit: str) -> Counter | None:
    """Return the best pair of counters that a test carries, or None.

    Args:
        measurements: a conforming table.
        what: ``capacity`` or ``energy``.
        unit: ``ah`` or ``wh``, as the column names have it.
    """
    for prefix in PREFIXES:
        charging = _values(measurements, f"{prefix}charging_{what}_{unit}")
        discharging = _values(measurements, f"{prefix}discharging_{what}_{unit}")
        if charging is not None and discharging is not None:
            quantum = max(decimal_quantum(charging), decimal_quantum(discharging))
            return Counter(charging, discharging, prefix == "step_", quantum)
    net = _values(measurements, f"net_{what}_{unit}")
    if net is None:
        return None
    change = np.diff(net, prepend=net[:1])
    return Counter(
        np.cumsum(np.maximum(change, 0)),
        np.cumsum(np.maximum(-change, 0)),
        resets_at_step=False,
        quantum=decimal_quantum(net),
    )


def decimal_quantum(values: Doubles) -> float:
    """Return the largest power of ten, at most 1, that all values are whole multiples of."""
    sample = values[np.isfinite(values) & (values != 0)]
    if not len(sample):
        return 0.0
    sample = sample[:: max(1, len(sample) // SAMPLED)]
    for places in range(FINEST_DECIMAL + 1):
        scaled = sample * 10.0**places
        if np.all(np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.maximum(np.abs(scaled), 1)):
            return float(10.0**-places)
    return 0.0


def _values(measurements: pl.DataFrame, name: str) -> Doubles | None:
    if name not in measurements.columns or measurements[name].null_count() == measurements.height:
        return None
    # Some instruments write a counter only while it moves. Between, it stands, unless each step begins at zero.
    values = measurements[name]
    if values.null_count() and not name.startswith("step_"):
        values = values.forward_fill()
    return doubles(values, 0.0)

"""The instrument's own charge and energy counters, beside which the integrals are set.

Vendors reset their counters never, at each step, at each cycle, or where the schedule says; the column's prefix tells
which (``docs/schema.md``). The counter is the better figure where it is fine enough, because the instrument integrates
between the records that it writes.

What a counter says of a step follows from the step's own records and the one before it. The finest decimal is found
in the first values that are not zero: a value's decimals are its own, so the finest of some is the finest of all parts
of them, and after these few it never changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

# In order of trust: a counter that never resets can only be right or wrong as a whole.
PREFIXES: Final = ("", "step_", "cycle_", "schedule_")
KINDS: Final = (("capacity", "ah"), ("energy", "wh"))
SAMPLED: Final = 2000
FINEST_DECIMAL: Final = 15
# Less than the finest decimal is zero with the dust of a computation.
SMALLEST: Final = 10.0**-FINEST_DECIMAL
LONGEST_LEAD: Final = 5.0


@dataclass(frozen=True)
class Counter:
    """A pair of counters of what went in and what went out, in Ah or Wh.

    Args:
        charging: rising while the cell is charged; or a signed counter, which falls while it is discharged.
        discharging: rising while it is discharged; zero beside a signed counter.
        resets_at_step: whether both start from zero at each step.
        signed: whether the first holds both, and so may fall without being reset.
        quantum: the coarsest decimal that the values of both are multiples of.
    """

    charging: Doubles
    discharging: Doubles
    resets_at_step: bool
    signed: bool
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
        kept = self.resets[starts] == self.resets[before]
        return self._net(ends - 1, np.where(near & kept, before, starts))

    @cached_property
    def resets(self) -> Integers:
        """Per record: how often either counter has fallen up to it."""
        if self.signed:
            return np.zeros(len(self.charging), dtype=np.int64)
        fell = (np.diff(self.charging, prepend=0.0) < 0) | (np.diff(self.discharging, prepend=0.0) < 0)
        return np.cumsum(fell)

    def _net(self, last: Integers, first: Integers) -> Doubles:
        counted = self.charging[last] - self.charging[first] - (self.discharging[last] - self.discharging[first])
        # A counter that fell within the step was reset there, so its difference says nothing.
        return np.where(self.resets[last] > self.resets[first], np.nan, counted)


class Sample(NamedTuple):
    """How many values of a counter were looked at for their decimals, and the most decimal places among them."""

    values: int = 0
    places: int = 0

    def onward(self, values: Doubles) -> Sample:
        """Return the sample with further values of the column, as long as it is not full."""
        wanted = SAMPLED - self.values
        if wanted <= 0:
            return self
        found = values[np.flatnonzero(np.abs(values) >= SMALLEST)[:wanted]]
        return Sample(self.values + len(found), max(self.places, _decimal_places(found)))

    @property
    def quantum(self) -> float:
        """The largest power of ten, at most 1, that all sampled values are whole multiples of; 0 without any."""
        return float(10.0**-self.places) if self.values and self.places <= FINEST_DECIMAL else 0.0


def counter_columns(names: Collection[str], what: str, unit: str) -> tuple[str, ...]:
    """Return the best pair of counters among the columns, or the signed one, or nothing.

    Args:
        names: columns that hold values.
        what: ``capacity`` or ``energy``.
        unit: ``ah`` or ``wh``, as the column names have it.
    """
    for prefix in PREFIXES:
        pair = f"{prefix}charging_{what}_{unit}", f"{prefix}discharging_{what}_{unit}"
        if pair[0] in names and pair[1] in names:
            return pair
    net = f"net_{what}_{unit}"
    return (net,) if net in names else ()


def make_counter(columns: tuple[str, ...], values: Mapping[str, Doubles], quantum: float) -> Counter | None:
    """Return the counter that stands in these columns, or None without any.

    Args:
        columns: what :func:`counter_columns` chose.
        values: the columns, without holes.
        quantum: from :func:`common_quantum`.
    """
    if not columns:
        return None
    charging = values[columns[0]]
    discharging = values[columns[1]] if len(columns) > 1 else np.zeros(len(charging))
    return Counter(charging, discharging, columns[0].startswith("step_"), len(columns) == 1, quantum)


def common_quantum(samples: Iterable[Sample]) -> float:
    """Return the finer quantum of a pair of counters, which one instrument writes; 0 where nothing was counted yet."""
    return min((sample.quantum for sample in samples if sample.values), default=0.0)


def _decimal_places(values: Doubles) -> int:
    """Return the fewest decimal places that hold all values; one more than the finest where none do."""
    needed = np.full(len(values), FINEST_DECIMAL + 1)
    for places in range(FINEST_DECIMAL, -1, -1):
        scaled = values * 10.0**places
        # What rounds to zero is finer than these places, not a multiple of them.
        near = np.abs(scaled - np.rint(scaled)) <= 1e-9 * np.maximum(np.abs(scaled), 1)
        needed[near & (np.rint(scaled) != 0)] = places
    return int(needed.max(initial=0))

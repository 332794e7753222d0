"""A small thin-film cell on a small cycler: open-circuit curve, one resistance, one RC element, one current offset.

A cycle is five steps: constant-current charge to 4.2 V, voltage hold until the current has fallen to C/20, rest,
constant-current discharge to 3.0 V, rest. The cycler regulates the current that it displays; the true current is
``displayed - offset``, so a positive offset makes charges shorter of charge and discharges richer than displayed.
A resting channel is open and displays exactly zero, unless the lab was asked to let it show its offset.

Displayed charge is exact in every sample. The trapezoid of the displayed samples is exact at constant current; in the
hold, where the current falls exponentially and is sampled evenly in time, it is too large by the factor
``(h/2)·coth(h/2)``, h being the sampling interval over the time constant: 0.14 % of the hold's charge for 24 samples
from 1C to C/20. Where a file tells mean currents, the trapezoid of the hold is too large to first order in h, 1.6 % for
96 samples, and only the sum of mean times interval is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from flows.virtual_lab.ageing import Doubles, Schedule

CHARGE_CC, CHARGE_CV, REST_CHARGED, DISCHARGE_CC, REST_DISCHARGED = range(5)
STEPS: Final = 5
UPPER_VOLT: Final = 4.2
LOWER_VOLT: Final = 3.0
CUT_OFF_RATE: Final = 0.05
# A hold that starts near the cut-off current ends when the current has halved.
LEAST_TAPER: Final = 2.0
REST_SECOND: Final = 600.0
RC_SECOND: Final = 30.0
OHMIC_SHARE: Final = 0.6
# Overpotential at 1C of a fresh cell; it triples by the time all capacity is gone.
OVERPOTENTIAL_VOLT: Final = 0.035
GROWTH: Final = 2.0
LEAST_CC_SHARE: Final = 0.05
FEWEST_REST_POINTS: Final = 3
HOUR: Final = 3600.0


def _open_circuit_table() -> tuple[Doubles, Doubles]:
    """State of charge and voltage: steep foot, sloping plateau near 3.9 V, two order-disorder steps, steep head."""
    soc = np.linspace(0.0, 1.0, 4001)
    # Invented numbers with the look of LCO; only monotony matters, for the curve is also read backwards.
    steps = 0.035 / (1 + np.exp((0.72 - soc) / 0.02)) + 0.045 / (1 + np.exp((0.86 - soc) / 0.02))
    shape = 0.88 * (1 - np.exp(-soc / 0.015)) + 0.09 * soc + 0.15 * soc**6 + steps
    return soc, LOWER_VOLT + (UPPER_VOLT - LOWER_VOLT) * (shape - shape[0]) / (shape[-1] - shape[0])


SOC, OPEN_CIRCUIT = _open_circuit_table()


@dataclass(frozen=True)
class Sampling:
    """When an instrument records.

    Args:
        points: samples of a constant-current step.
        hold: samples of the voltage hold over those of a constant-current step.
        delay: time from the start of a step to its first sample, s.
        mean_current: whether a sample is the mean current since the previous one instead of the momentary current.
        edges: more samples, at these times after the start of every step but the hold, s.
    """

    points: int
    hold: int = 2
    delay: float = 0.0
    mean_current: bool = False
    edges: tuple[float, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """Samples of each of the five steps."""
        more = len(self.edges)
        rest = max(FEWEST_REST_POINTS, self.points // 3) + more
        return self.points + more, self.hold * self.points, rest, self.points + more, rest


@dataclass(frozen=True)
class Operation:
    """How a run went, one array element per cycle; charges in Ah, currents in A, times in s.

    Args:
        schedule: the cycles.
        nominal: nominal capacity.
        charged: true charge capacity.
        discharged: true discharge capacity.
        fresh: discharge capacity of the fresh cell at 1C, a scalar.
        offset: displayed current minus true current, a scalar.
        growth: resistance over that of the fresh cell; None where it grows with the capacity that is lost.
        rest_noise: standard deviation of the current displayed at rest, around the offset; None where that is zero.
    """

    schedule: Schedule
    nominal: float
    charged: Doubles
    discharged: Doubles
    fresh: float
    offset: float
    growth: Doubles | None = None
    rest_noise: float | None = None

    @cached_property
    def current(self) -> Doubles:
        """The set current, always positive."""
        return self.schedule.rate * self.nominal

    @cached_property
    def cut_off(self) -> Doubles:
        """The current that ends the hold."""
        return np.minimum(CUT_OFF_RATE * self.nominal, self.current / LEAST_TAPER)

    @cached_property
    def resistance(self) -> Doubles:
        """Ohmic and RC resistance together."""
        if self.growth is not None:
            return OVERPOTENTIAL_VOLT / self.nominal * self.growth
        lost = 1.0 - np.minimum(self.discharged / self.fresh, 1.0)
        return OVERPOTENTIAL_VOLT / self.nominal * (1.0 + GROWTH * lost)

    @cached_property
    def soc_end(self) -> Doubles:
        """State of charge at the end of the discharge."""
        # The discharge ends at the limit under load: the open circuit lies above it by the overpotential.
        return np.interp(LOWER_VOLT + self.current * self.resistance, OPEN_CIRCUIT, SOC)

    @cached_property
    def soc_start(self) -> Doubles:
        """State of charge at the start of the charge."""
        return np.concatenate([[0.0], self.soc_end[:-1]])

    @cached_property
    def soc_hold(self) -> Doubles:
        """State of charge at the start of the hold."""
        reached = np.interp(UPPER_VOLT - self.current * self.resistance, OPEN_CIRCUIT, SOC)
        # At a very high rate the limit would be met at once; some constant-current part remains all the same.
        return np.maximum(reached, self.soc_start + LEAST_CC_SHARE)

    @cached_property
    def tau(self) -> Doubles:
        """Time constant of the taper, so that the hold's true charge is what is missing after the CC part."""
        missing = self.charged * (1.0 - self.soc_hold) / (1.0 - self.soc_start) * HOUR
        # Integral of the displayed taper less the offset, which flows for as long as the taper lasts.
        return missing / (self.current - self.cut_off - self.offset * np.log(self.current / self.cut_off))

    @cached_property
    def durations(self) -> Doubles:
        """Duration of every step, shape (cycles, 5)."""
        share = (self.soc_hold - self.soc_start) / (1.0 - self.soc_start)
        charge = self.charged * share * HOUR / (self.current - self.offset)
        hold = self.tau * np.log(self.current / self.cut_off)
        discharge = self.discharged * HOUR / (self.current + self.offset)
        rest = np.full_like(charge, REST_SECOND)
        return np.stack([charge, hold, rest, discharge, rest], axis=1)

    @cached_property
    def starts(self) -> Doubles:
        """Start of every step and, last in the last row, the end; shape (cycles, 6)."""
        # One running sum, so that the end of a step and the start of the next are the same number.
        edges = np.concatenate([[0.0], np.cumsum(self.durations)])
        return np.concatenate([edges[:-1].reshape(-1, STEPS), edges[STEPS::STEPS, None]], axis=1)

    @cached_property
    def shown(self) -> Doubles:
        """Displayed charge of every step, unsigned, in Ah, shape (cycles, 5)."""
        shown = np.zeros_like(self.durations)
        shown[:, CHARGE_CC] = self.current * self.durations[:, CHARGE_CC] / HOUR
        shown[:, CHARGE_CV] = self.tau * (self.current - self.cut_off) / HOUR
        shown[:, DISCHARGE_CC] = self.current * self.durations[:, DISCHARGE_CC] / HOUR
        return shown

    @cached_property
    def shown_charged(self) -> Doubles:
        """Displayed charge capacity."""
        return self.shown[:, CHARGE_CC] + self.shown[:, CHARGE_CV]

    @cached_property
    def shown_discharged(self) -> Doubles:
        """Displayed discharge capacity."""
        return self.shown[:, DISCHARGE_CC]

    def trapezoid_charged(self, sampling: Sampling) -> Doubles:
        """Return what the trapezoid over the displayed samples of the charge yields."""
        interval = self.durations[:, CHARGE_CV] / (sampling.counts[CHARGE_CV] - 1)
        ratio = interval / self.tau
        if not sampling.mean_current:
            return self.shown[:, CHARGE_CC] + self.shown[:, CHARGE_CV] * ratio / 2.0 / np.tanh(ratio / 2.0)
        # A mean lags by half an interval; its trapezoid counts half of the first and half of the last one wrongly.
        last = self.cut_off * np.expm1(ratio) / ratio
        return self.shown[:, CHARGE_CC] + self.shown[:, CHARGE_CV] + interval * (self.current - last) / 2.0 / HOUR

"""What the instrument records of a run: samples, a block of whole cycles at a time, never a whole run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from flows.virtual_lab.ageing import Doubles
from flows.virtual_lab.cell import (
    CHARGE_CC,
    CHARGE_CV,
    DISCHARGE_CC,
    HOUR,
    LOWER_VOLT,
    OHMIC_SHARE,
    OPEN_CIRCUIT,
    RC_SECOND,
    REST_CHARGED,
    REST_DISCHARGED,
    SOC,
    STEPS,
    UPPER_VOLT,
    Operation,
    Sampling,
)

Counts = NDArray[np.int64]

# Small against the slope of the plateau, so that a dense charge still rises.
NOISE_VOLT: Final = 5e-6
# Of a step: where the last of the samples after its start lies at the latest.
LATEST_EDGE: Final = 0.3
# Some 30 MB of arrays: large enough to be fast, far from the memory of a whole dense run.
BLOCK_ROWS: Final = 200_000


@dataclass(frozen=True)
class Trace:
    """Samples of some whole cycles as displayed; two-dimensional arrays have the shape (cycles, samples of a cycle).

    Args:
        cycle: numbers of the cycles, from 1.
        block: the schedule's block of each cycle, from 0.
        set_current: of each cycle, A, positive.
        net_before: displayed net charge before each cycle, Ah.
        kind: step of each sample of a cycle, ``CHARGE_CC`` to ``REST_DISCHARGED``.
        time: s since the start of the test.
        step_time: s since the start of the step.
        voltage: V.
        current: A, positive charges.
        step_charge: Ah since the start of the step, unsigned, exact.
        shown: displayed charge of every step, Ah, shape (cycles, 5).
    """

    cycle: Counts
    block: Counts
    set_current: Doubles
    net_before: Doubles
    kind: Counts
    time: Doubles
    step_time: Doubles
    voltage: Doubles
    current: Doubles
    step_charge: Doubles
    shown: Doubles

    @property
    def first_row(self) -> int:
        """Number of the rows before this trace."""
        return int(self.cycle[0] - 1) * len(self.kind)

    @property
    def rows(self) -> int:
        """Number of samples."""
        return self.time.size

    @cached_property
    def record(self) -> Counts:
        """Number of every sample in its file, from 1, flat."""
        return np.arange(self.first_row + 1, self.first_row + self.rows + 1)

    @cached_property
    def first(self) -> NDArray[np.bool_]:
        """Whether a sample of a cycle is the first of its step."""
        return np.not_equal(np.diff(self.kind, prepend=-1), 0)

    @cached_property
    def last(self) -> NDArray[np.bool_]:
        """Whether a sample of a cycle is the last of its step."""
        return np.not_equal(np.diff(self.kind, append=STEPS), 0)

    @cached_property
    def charged(self) -> Doubles:
        """Displayed charge into the cell since the start of the cycle, Ah."""
        return self._since_cycle_start((CHARGE_CC, CHARGE_CV))

    @cached_property
    def discharged(self) -> Doubles:
        """Displayed charge out of the cell since the start of the cycle, Ah."""
        return self._since_cycle_start((DISCHARGE_CC,))

    @cached_property
    def step_energy(self) -> Doubles:
        """Displayed energy since the start of the step, unsigned, Wh, trapezoid of power."""
        power = np.abs(self.voltage * self.current)
        slices = np.zeros_like(power)
        slices[:, 1:] = 0.5 * (power[:, 1:] + power[:, :-1]) * np.diff(self.step_time, axis=1) / HOUR
        # From the start of the step to its first sample, at the first sample's power.
        slices[:, self.first] = (power * self.step_time / HOUR)[:, self.first]
        total = np.cumsum(slices, axis=1)
        before: Doubles = (total - slices)[:, self.first]
        since: Doubles = total - before[:, self.kind]
        return since

    def spread(self, per_cycle: Counts) -> Counts:
        """Repeat one value per cycle for all its samples, flat."""
        return np.repeat(per_cycle, len(self.kind))

    def tile(self, per_sample: Counts) -> Counts:
        """Repeat one value per sample of a cycle for all cycles, flat."""
        return np.tile(per_sample, len(self.cycle))

    def _since_cycle_start(self, steps: tuple[int, ...]) -> Doubles:
        counted = np.isin(np.arange(STEPS), steps)
        # What the finished steps of the cycle brought, then what the running one has so far.
        before = np.cumsum(self.shown * counted, axis=1) - self.shown * counted
        return before[:, self.kind] + self.step_charge * counted[self.kind]


def traces(operation: Operation, sampling: Sampling, rng: np.random.Generator) -> Iterator[Trace]:
    """Yield the samples of a run, some hundred thousand at a time.

    Args:
        operation: the run.
        sampling: when the instrument records.
        rng: for the noise of the voltmeter.
    """
    cycles = len(operation.current)
    # A stream of its own: the voltmeter's noise stays what it is without it.
    rest = rng.spawn(1)[0]
    per_block = max(1, BLOCK_ROWS // sum(sampling.counts))
    for first in range(0, cycles, per_block):
        yield _trace(operation, slice(first, min(first + per_block, cycles)), sampling, rng, rest)


def _trace(
    operation: Operation, part: slice, sampling: Sampling, rng: np.random.Generator, rest: np.random.Generator
) -> Trace:
    counts = sampling.counts
    shown = operation.shown[part]
    net = np.cumsum(operation.shown_charged - operation.shown_discharged)
    step_times = [
        _step_times(operation.durations[part, step], step, count, sampling) for step, count in enumerate(counts)
    ]
    times = [operation.starts[part, step, None] + elapsed for step, elapsed in enumerate(step_times)]
    for step, time in enumerate(times):
        # The very number that the next step starts with: a sum could differ in its last bit, and time go back.
        time[:, -1] = operation.starts[part, step + 1]
    electric = [_electric(operation, part, step, elapsed) for step, elapsed in enumerate(step_times)]
    voltage, current, charge = (np.concatenate(arrays, axis=1) for arrays in zip(*electric, strict=True))
    kind = np.repeat(np.arange(STEPS), counts)
    if operation.rest_noise is not None:
        idle = np.isin(kind, (REST_CHARGED, REST_DISCHARGED))
        shape = len(current), int(idle.sum())
        current[:, idle] = operation.offset + operation.rest_noise * rest.standard_normal(shape)
    return Trace(
        cycle=np.arange(1, len(operation.current) + 1)[part],
        block=operation.schedule.block[part],
        set_current=operation.current[part],
        net_before=np.concatenate([[0.0], net[:-1]])[part],
        kind=kind,
        time=np.concatenate(times, axis=1),
        step_time=np.concatenate(step_times, axis=1),
        voltage=np.clip(voltage, LOWER_VOLT, UPPER_VOLT) + NOISE_VOLT * rng.standard_normal(voltage.shape),
        current=current,
        step_charge=charge,
        shown=shown,
    )


def _step_times(duration: Doubles, step: int, count: int, sampling: Sampling) -> Doubles:
    edges = np.array(() if step == CHARGE_CV else sampling.edges)
    delay = sampling.delay
    times = delay + (duration[:, None] - delay) * _places(step, count - len(edges))
    times[:, -1] = duration
    if not len(edges):
        return times
    # A step too short for the last of them has them all the same, and in their order.
    latest = LATEST_EDGE * (np.arange(len(edges)) + 1.0) / len(edges)
    more = np.minimum(edges, duration[:, None] * latest)
    return np.sort(np.concatenate([times, more], axis=1), axis=1)


def _places(step: int, count: int) -> Doubles:
    """Return where the samples lie in a step, from 0 to 1."""
    even = np.linspace(0.0, 1.0, count)
    if step not in (CHARGE_CC, DISCHARGE_CC):
        return even
    # Denser at both ends, where the voltage is steep; still wide enough apart everywhere for a clock in ms.
    return 0.5 * even + 0.25 * (1.0 - np.cos(np.pi * even))


def _electric(operation: Operation, part: slice, step: int, elapsed: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Return voltage, displayed current and displayed charge in the step, for one step of some cycles."""
    current = operation.current[part, None]
    progress = elapsed / operation.durations[part, step, None]
    if step == CHARGE_CV:
        falling = np.exp(-elapsed / operation.tau[part, None])
        charge = operation.tau[part, None] * current * (1.0 - falling) / HOUR
        return np.full_like(elapsed, UPPER_VOLT), current * falling, charge
    if step in (CHARGE_CC, DISCHARGE_CC):
        sign = 1.0 if step == CHARGE_CC else -1.0
        # Only a lab that lets the offset show at rest can let it show in a voltage too: the others stay as they were.
        hidden = sign * operation.offset if operation.rest_noise is not None else 0.0
        loss = (current - hidden) * operation.resistance[part, None] * _polarised(elapsed)
        voltage = np.interp(_soc(operation, part, step, progress), SOC, OPEN_CIRCUIT) + sign * loss
        return voltage, np.broadcast_to(sign * current, elapsed.shape), current * elapsed / HOUR
    nothing = np.zeros_like(elapsed)
    return _relaxing(operation, part, step, elapsed), nothing, nothing


def _polarised(elapsed: Doubles) -> Doubles:
    """Return the fraction of the final overpotential: the ohmic part at once, the rest with the RC element."""
    return OHMIC_SHARE + (1.0 - OHMIC_SHARE) * (1.0 - np.exp(-elapsed / RC_SECOND))


def _soc(operation: Operation, part: slice, step: int, progress: Doubles) -> Doubles:
    first, last = operation.soc_start[part, None], operation.soc_hold[part, None]
    if step == DISCHARGE_CC:
        first, last = np.ones_like(first), operation.soc_end[part, None]
    return first + (last - first) * progress


def _relaxing(operation: Operation, part: slice, step: int, elapsed: Doubles) -> Doubles:
    """Return the voltage of a rest: the RC element decays from what the last current left on it."""
    left = operation.cut_off if step == REST_CHARGED else -operation.current
    soc = np.ones_like(left) if step == REST_CHARGED else operation.soc_end
    stored = (left * operation.resistance * (1.0 - OHMIC_SHARE))[part, None]
    return np.interp(soc, SOC, OPEN_CIRCUIT)[part, None] + stored * np.exp(-elapsed / RC_SECOND)

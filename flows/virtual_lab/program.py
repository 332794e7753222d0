"""A cell played through a program of any steps: what its blocks are made of that no cycling run has.

The cell is the lab's own (:mod:`flows.virtual_lab.cell`) with two things more: slow diffusion in a film of known
``D / L²``, exact by its series of modes, and a drain that empties a resting cell. Within a step the current is
constant, so every sample is exact; of the hold only its charge is, and the polarisation that it leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from flows.virtual_lab.ageing import Doubles
from flows.virtual_lab.cell import (
    CHARGE_CC,
    CHARGE_CV,
    CUT_OFF_RATE,
    DISCHARGE_CC,
    HOUR,
    LEAST_TAPER,
    LOWER_VOLT,
    OPEN_CIRCUIT,
    REST_CHARGED,
    REST_DISCHARGED,
    SOC,
    UPPER_VOLT,
)
from flows.virtual_lab.trace import NOISE_VOLT, Counts

RESTS: Final = (REST_CHARGED, REST_DISCHARGED)
# Enough for a tenth of a per mille of L²/D; what the others would add comes at once.
MODES: Final = np.arange(1, 301)
ROOM_CELSIUS: Final = 25.0
SEARCH_POINTS: Final = 400
REFINEMENTS: Final = 3
# First record of a step after its start, s.
FIRST_SECOND: Final = 0.01


@dataclass(frozen=True)
class Plant:
    """What a cell is made of, and its channel.

    Args:
        nominal: nominal capacity, Ah.
        capacity: true capacity, Ah.
        ohmic: resistance that shows at once, Ω.
        transfer: resistance that shows with its time constant, Ω.
        transfer_second: that time constant.
        diffusion: D / L² of the film, 1/s; None where diffusion is not to be seen.
        offset: displayed minus true current, A.
        noise: standard deviation of a current that should be zero or constant, A.
    """

    nominal: float
    capacity: float
    ohmic: float
    transfer: float
    transfer_second: float
    diffusion: float | None = None
    offset: float = 0.0
    noise: float = 0.0

    def resistance_at(self, second: float, ampere: float, soc: float, polarisation: float, capacity: float) -> float:
        """Return the voltage's change over the current so long after an edge, the open circuit's slide included."""
        settled = 1.0 - np.exp(-second / self.transfer_second)
        slid = np.interp(soc + ampere * second / (capacity * HOUR), SOC, OPEN_CIRCUIT) - np.interp(
            soc, SOC, OPEN_CIRCUIT
        )
        change = slid + ampere * (self.ohmic + self.transfer * settled) - polarisation * settled
        return float(change / ampere)


@dataclass(frozen=True)
class Step:
    """One executed step: its samples, as displayed.

    Args:
        kind: ``CHARGE_CC`` to ``REST_DISCHARGED``.
        cycle: the instrument's cycle, from 1.
        time: s since the step began; the last one is its end.
        voltage: V.
        current: A, positive charges.
        charge: Ah since the step began, unsigned.
        temperature: °C.
    """

    kind: int
    cycle: int
    time: Doubles
    voltage: Doubles
    current: Doubles
    charge: Doubles
    temperature: Doubles


@dataclass
class _State:
    soc: float = 0.0
    polarisation: float = 0.0
    modes: Doubles = field(default_factory=lambda: np.zeros(len(MODES)))


class Player:
    """Plays a cell through a program; what is asked for, step by step, becomes samples.

    Attributes:
        plant: the cell; ``capacity`` may change between steps.
        steps: what was played so far.
        cycle: number of the cycle that steps belong to.
        temperature: of the chamber.
    """

    def __init__(self, plant: Plant, rng: np.random.Generator) -> None:
        self.plant = plant
        self.capacity = plant.capacity
        self.steps: list[Step] = []
        self.cycle = 1
        self.temperature = ROOM_CELSIUS
        self._state = _State()
        self._rng = rng

    @property
    def soc(self) -> float:
        """State of charge now."""
        return self._state.soc

    @property
    def polarisation(self) -> float:
        """Voltage on the element with a time constant, V."""
        return self._state.polarisation

    @property
    def elapsed(self) -> float:
        """Time since the first step began, s."""
        return float(sum(step.time[-1] for step in self.steps))

    def draw(self) -> float:
        """Return a standard normal number."""
        return float(self._rng.standard_normal())

    @property
    def one_c(self) -> float:
        """The current that moves the nominal capacity in an hour, A."""
        return self.plant.nominal

    def apply(self, ampere: float, times: Sequence[float] | Doubles) -> Step:
        """Let a displayed current flow until the last of the times of its samples."""
        elapsed = np.asarray(times, dtype=np.float64)
        voltage, self._state = self._evolve(ampere, elapsed)
        current = np.full_like(elapsed, ampere)
        return self._keep(CHARGE_CC if ampere > 0 else DISCHARGE_CC, elapsed, voltage, current, abs(ampere) * elapsed)

    def apply_until(self, ampere: float, points: int) -> Step:
        """Let a displayed current flow until the voltage meets its limit."""
        return self.apply(ampere, spread(self._time_to_limit(ampere), points))

    def hold(self, ampere: float, points: int) -> Step:
        """Hold the upper limit until the cell is full; the current falls exponentially from the one given."""
        cut_off = min(CUT_OFF_RATE * self.one_c, ampere / LEAST_TAPER)
        missing = (1.0 - self._state.soc) * self.capacity * HOUR
        tau = missing / (ampere - cut_off - self.plant.offset * np.log(ampere / cut_off))
        elapsed = np.linspace(0.0, tau * np.log(ampere / cut_off), points)
        elapsed[0] = FIRST_SECOND
        falling = np.exp(-elapsed / tau)
        self._state = _State(1.0, cut_off * self.plant.transfer)
        voltage = np.full_like(elapsed, UPPER_VOLT)
        return self._keep(CHARGE_CV, elapsed, voltage, ampere * falling, tau * ampere * (1.0 - falling))

    def rest(
        self, times: Sequence[float] | Doubles, drain: float = 0.0, slow: tuple[float, float] = (0.0, 1.0)
    ) -> Step:
        """Rest; the channel shows its offset.

        Args:
            times: of the samples.
            drain: current that empties the cell within, A.
            slow: volts that are still to decay, and how long that takes, s: relaxation that no element of ours has.
        """
        elapsed = np.asarray(times, dtype=np.float64)
        kind = REST_DISCHARGED if self.steps and self.steps[-1].kind == DISCHARGE_CC else REST_CHARGED
        voltage, self._state = self._evolve(0.0, elapsed, inner=-drain)
        relaxing = slow[0] * np.exp(-elapsed / slow[1])
        return self._keep(kind, elapsed, voltage + relaxing, self._idle(elapsed), np.zeros_like(elapsed))

    def float_on(self, times: Sequence[float] | Doubles, leakage: float, decaying: float) -> Step:
        """Hold the upper limit with the current ``leakage + decaying / √t``."""
        elapsed = np.asarray(times, dtype=np.float64)
        current = leakage + decaying / np.sqrt(elapsed) + self._idle(elapsed)
        charge = (leakage + self.plant.offset) * elapsed + 2.0 * decaying * np.sqrt(elapsed)
        return self._keep(CHARGE_CV, elapsed, np.full_like(elapsed, UPPER_VOLT), current, charge)

    def fill(self, ampere: float, points: int) -> None:
        """Charge to the limit and hold it."""
        self.apply_until(ampere, points)
        self.hold(ampere, points)

    def _keep(self, kind: int, elapsed: Doubles, voltage: Doubles, current: Doubles, charge: Doubles) -> Step:
        noisy = voltage + NOISE_VOLT * self._rng.standard_normal(len(elapsed))
        temperature = np.full_like(elapsed, self.temperature)
        step = Step(kind, self.cycle, elapsed, noisy, current, charge / HOUR, temperature)
        self.steps.append(step)
        return step

    def _idle(self, elapsed: Doubles) -> Doubles:
        shown: Doubles = self.plant.offset + self.plant.noise * self._rng.standard_normal(len(elapsed))
        return shown

    def _evolve(self, ampere: float, elapsed: Doubles, inner: float | None = None) -> tuple[Doubles, _State]:
        """Return the voltage at some times under a displayed current, and the state at the last of them."""
        plant, state = self.plant, self._state
        through = 0.0 if inner is not None else ampere - plant.offset
        true = through if inner is None else inner
        soc = state.soc + true * elapsed / (self.capacity * HOUR)
        left = np.exp(-elapsed / plant.transfer_second)
        polarisation = through * plant.transfer * (1.0 - left) + state.polarisation * left
        surface, modes = self._diffuse(true / (self.capacity * HOUR), elapsed)
        voltage = np.interp(soc + surface, SOC, OPEN_CIRCUIT) + through * plant.ohmic + polarisation
        return voltage, _State(float(soc[-1]), float(polarisation[-1]), modes)

    def _diffuse(self, flux: float, elapsed: Doubles) -> tuple[Doubles, Doubles]:
        """Return how far the film's surface is ahead of its mean, and the modes at the last time."""
        if self.plant.diffusion is None:
            return np.zeros_like(elapsed), self._state.modes
        rates = np.square(np.pi * MODES) * self.plant.diffusion
        left = np.exp(-rates * elapsed[:, None])
        modes = 2.0 * flux / rates * (1.0 - left) + self._state.modes * left
        beyond = flux * (1.0 / (3.0 * self.plant.diffusion) - np.sum(2.0 / rates))
        return modes.sum(axis=1) + beyond, modes[-1]

    def _time_to_limit(self, ampere: float) -> float:
        room = 1.0 - self._state.soc if ampere > 0 else self._state.soc
        first, last = 0.0, room * self.capacity * HOUR / abs(ampere - self.plant.offset)
        for _ in range(REFINEMENTS):
            times = np.linspace(first, last, SEARCH_POINTS)
            voltage, _ = self._evolve(ampere, times)
            beyond = voltage >= UPPER_VOLT if ampere > 0 else voltage <= LOWER_VOLT
            met = max(int(np.argmax(beyond)), 1) if beyond.any() else len(times) - 1
            first, last = float(times[met - 1]), float(times[met])
        return last


@dataclass(frozen=True)
class Records:
    """The samples of a program, flat.

    Args:
        steps: the executed steps.
    """

    steps: tuple[Step, ...]

    @cached_property
    def counts(self) -> Counts:
        """Samples of every step."""
        return np.array([len(step.time) for step in self.steps])

    @property
    def rows(self) -> int:
        """Number of samples."""
        return int(self.counts.sum())

    @cached_property
    def ends(self) -> Doubles:
        """When every step ended, s since the start of the test."""
        return np.cumsum([step.time[-1] for step in self.steps])

    @cached_property
    def step_time(self) -> Doubles:
        """Time since the step began, s."""
        return self._join("time")

    @cached_property
    def time(self) -> Doubles:
        """Time since the test began, s."""
        return np.repeat(np.concatenate([[0.0], self.ends[:-1]]), self.counts) + self.step_time

    @cached_property
    def voltage(self) -> Doubles:
        """Voltage, V."""
        return self._join("voltage")

    @cached_property
    def current(self) -> Doubles:
        """Displayed current, A."""
        return self._join("current")

    @cached_property
    def temperature(self) -> Doubles:
        """Temperature of the chamber, °C."""
        return self._join("temperature")

    def spread(self, per_step: Sequence[int]) -> Counts:
        """Repeat one value per step for all its samples."""
        return np.repeat(np.asarray(per_step, dtype=np.int64), self.counts)

    def counter(self, kinds: tuple[int, ...], restarts: str, *, energy: bool = False) -> Doubles:
        """Return a displayed counter, in Ah or Wh.

        Args:
            kinds: steps in which it counts.
            restarts: with every ``step`` or with every ``cycle``.
            energy: whether it counts energy.
        """
        parts, before, cycle = [], 0.0, 0
        for step in self.steps:
            goes_on = restarts == "cycle" and step.cycle == cycle
            before, cycle = (before if goes_on else 0.0), step.cycle
            gained = _energy(step) if energy else step.charge
            gained = gained if step.kind in kinds else np.zeros_like(gained)
            parts.append(before + gained)
            before += float(gained[-1])
        return np.concatenate(parts)

    def _join(self, name: str) -> Doubles:
        joined: Doubles = np.concatenate([getattr(step, name) for step in self.steps])
        return joined


def spread(seconds: float, points: int) -> Doubles:
    """Return times of samples of a long step, denser at both ends."""
    even = np.linspace(0.0, 1.0, points)
    times = seconds * (0.5 * even + 0.25 * (1.0 - np.cos(np.pi * even)))
    times[0] = min(FIRST_SECOND, times[1] / 2.0)
    return times


def widen(seconds: float, points: int, first: float = FIRST_SECOND) -> Doubles:
    """Return times of samples whose distance grows with the time since the start."""
    return np.geomspace(first, seconds, points)


def _energy(step: Step) -> Doubles:
    power = np.abs(step.voltage * step.current)
    slices = 0.5 * (power[1:] + power[:-1]) * np.diff(step.time)
    return np.concatenate([[power[0] * step.time[0]], power[0] * step.time[0] + np.cumsum(slices)]) / HOUR

"""Healthy tests of cells of any size, ordinary and odd, as instruments record them: with noise and quanta."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.schema import STEP_TYPE

Doubles = NDArray[np.float64]

LOWEST: Final = 3.0
HIGHEST: Final = 4.2
FAMILIES: Final = ("", "step_", "cycle_", "schedule_", "net")


@dataclass
class Bench:
    """A cell on a channel, which records what a protocol does to it.

    Args:
        capacity: of the cell in Ah.
        random: where all chance comes from.
        symmetric: two equal electrodes, whose voltage is that of a resistance that drifts.
    """

    capacity: float
    random: np.random.Generator
    symmetric: bool = False
    charge: float = 0.5
    now: float = 0.0
    strain: float = 0.0
    time: list[float] = field(default_factory=list)
    voltage: list[float] = field(default_factory=list)
    current: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    step: list[int] = field(default_factory=list)

    @property
    def resistance(self) -> float:
        """In Ω: a twentieth of a volt at 1C."""
        return 0.05 / self.capacity

    def volts(self, current: float) -> float:
        """Return the voltage under a current."""
        if self.symmetric:
            return current * self.resistance * (1 + self.strain)
        return LOWEST + 0.15 + 0.95 * self.charge + 0.1 * self.charge**8 + current * self.resistance + self.strain

    def pass_time(self, current: float, seconds: float) -> None:
        """Let a current flow for a time; what strains the cell fades within some minutes."""
        self.charge += current * seconds / 3600 / self.capacity
        target = 0.02 * np.sign(current) * (0 if self.symmetric else 1)
        self.strain += (target - self.strain) * (1 - np.exp(-seconds / 300))
        self.now += seconds

    def note(self, current: float, said: str) -> None:
        """Record what the channel sees."""
        self.time.append(self.now)
        self.voltage.append(self.volts(current))
        self.current.append(current)
        self.said.append(said)
        self.step.append(self.step[-1] if self.step else 1)

    def run(self, current: float, said: str, seconds: float, until: Callable[[float], bool], every: int = 60) -> None:
        """Run a step at a constant current until its time is over or its voltage reached."""
        number = (self.step[-1] + 1) if self.step else 1
        interval = seconds / every
        end = self.now + seconds
        while True:
            self.note(current, said)
            self.step[-1] = number
            if self.now >= end or until(self.voltage[-1]) or not (-0.05 < self.charge < 1.05 or self.symmetric):
                return
            self.pass_time(current, interval)

    def hold(self, volts: float, said: str, seconds: float, every: int = 60) -> None:
        """Hold a voltage; the cell decides which current flows."""
        number = (self.step[-1] + 1) if self.step else 1
        parts = int(np.ceil(seconds / every / 30))
        for _ in range(every):
            leak = self.capacity / 20_000
            self.note((volts - self.volts(0.0)) / self.resistance + leak, said)
            self.voltage[-1], self.step[-1] = volts, number
            for _ in range(parts):
                self.pass_time((volts - self.volts(0.0)) / self.resistance, seconds / every / parts)

    def rest(self, seconds: float, leak: float = 0.0, every: int = 20) -> None:
        """Rest, while something may leak."""
        self.run(leak, "rest", seconds, lambda _: False, every)


def never(_: float) -> bool:
    return False


def cycles(bench: Bench) -> None:
    """Charge with a tail at constant voltage, rest, discharge, rest."""
    rate = bench.capacity * 10 ** bench.random.uniform(-1.3, 0.5)
    span = 1.2 * 3600 * bench.capacity / rate
    for _ in range(int(bench.random.integers(1, 4))):
        bench.run(rate, "charge_cc", span, lambda volts: volts >= HIGHEST)
        bench.hold(HIGHEST, "charge_cv", 1800)
        bench.rest(1800)
        bench.run(-rate, "discharge_cc", span, lambda volts: volts <= LOWEST + 0.1)
        bench.rest(1800)


def float_hold(bench: Bench) -> None:
    """A voltage that is held for days, with nothing but leakage in the end."""
    bench.run(bench.capacity / 5, "charge_cc", 10 * 3600, lambda volts: volts >= HIGHEST)
    bench.hold(HIGHEST, "charge_cv", 5 * 86400, 200)


def leakage(bench: Bench) -> None:
    """An open circuit whose voltage falls, with an offset of the channel as its only current."""
    offset = bench.capacity * 10 ** bench.random.uniform(-6, -4) * bench.random.choice([-1, 1])
    number = 1
    for _ in range(200):
        bench.note(offset * (1 + 0.3 * bench.random.standard_normal()), "rest")
        bench.step[-1] = number
        bench.pass_time(-bench.capacity / 5000, 3600.0)


def pulses(bench: Bench) -> None:
    """Short loads far above what the cell is made for, over a base current far below."""
    for _ in range(30):
        bench.run(-bench.capacity * 20, "pulse", 0.5, never, 5)
        bench.run(-bench.capacity / 5000, "discharge_cc", 600, never, 10)


def titration(bench: Bench) -> None:
    """Small steps of charge with long rests between them."""
    bench.charge = 0.1
    for _ in range(15):
        bench.run(bench.capacity / 10, "charge_cc", 900, never, 15)
        bench.rest(3600)


def staged_charge(bench: Bench) -> None:
    """A charge of falling stages, after each of which the voltage first goes down."""
    bench.charge = 0.1
    for rate in (2.0, 1.0, 0.5, 0.2):
        bench.run(bench.capacity * rate, "charge_cc", 7200, lambda volts: volts >= HIGHEST - 0.05)
    bench.run(-bench.capacity, "discharge_cc", 7200, lambda volts: volts <= LOWEST + 0.1)


def plating(bench: Bench) -> None:
    """Two electrodes of one metal, whose resistance falls while it is plated."""
    bench.symmetric = True
    for sign in (1, -1) * 6:
        bench.strain = 3.0
        bench.run(sign * bench.capacity / 2, "charge_cc" if sign > 0 else "discharge_cc", 3600, never, 30)


def only_rest(bench: Bench) -> None:
    """A cell that nobody drives."""
    bench.strain = 0.05
    bench.rest(86400, 0.0, 100)


def slow(bench: Bench) -> None:
    """The slowest cycle that is a test, and one that never got far: a die that hardly holds anything."""
    bench.charge = 0.02
    bench.run(bench.capacity / 500, "charge_cc", 100 * 3600, lambda volts: volts >= HIGHEST, 100)
    bench.run(-bench.capacity / 500, "discharge_cc", 100 * 3600, lambda volts: volts <= LOWEST + 0.1, 100)


PROTOCOLS: Final = (cycles, float_hold, leakage, pulses, titration, staged_charge, plating, only_rest, slow)


def make_healthy(seed: int) -> tuple[pl.DataFrame, float, str]:
    """Return a healthy test, its cell's nominal capacity in Ah and the protocol's name, all by chance."""
    random = np.random.default_rng(seed)
    capacity = float(10 ** random.uniform(-9.3, 1.0))
    bench = Bench(capacity, random)
    protocol = PROTOCOLS[seed % len(PROTOCOLS)]
    protocol(bench)
    return record(bench), capacity * float(random.uniform(0.7, 1.4)), protocol.__name__


def record(bench: Bench, *, whole: bool = False) -> pl.DataFrame:
    """Return what an instrument writes of a run: with noise and quanta, and with columns by chance or all of them."""
    random, rows = bench.random, len(bench.time)
    size = bench.capacity * 10 ** random.uniform(-4, -2.7)
    current = np.array(bench.current)
    noisy = current * (1 + 1e-4 * random.standard_normal(rows)) + 0.3 * size * random.standard_normal(rows)
    seen = np.where(current == 0, 0.3 * size * random.standard_normal(rows), noisy)
    quantum = 10 ** random.uniform(-4, -3)
    voltage = np.round((np.array(bench.voltage) + 1e-4 * random.standard_normal(rows)) / quantum) * quantum
    columns = {
        "test_time_second": np.array(bench.time),
        "voltage_volt": voltage,
        "current_ampere": np.round(seen / size) * size,
    }
    optional = {
        "types": {"step_type": pl.Series(bench.said, dtype=STEP_TYPE), "step_count": np.array(bench.step)},
        "power": {"power_watt": np.round(voltage * noisy / (4 * size)) * 4 * size},
        "clock": {"unix_time_second": np.floor(1.7e9 + np.array(bench.time) + _pauses(bench))},
        "counters": _counters(bench, size),
    }
    for added in optional.values():
        if whole or random.random() < 0.5:
            columns |= added
    return pl.DataFrame(columns)


def _pauses(bench: Bench) -> Doubles:
    """Return how long the channel stood still before each record."""
    stood = np.zeros(len(bench.time))
    for place in bench.random.integers(0, len(bench.time), 2):
        stood[place:] += bench.random.uniform(0, 86400)
    return stood


def _counters(bench: Bench, size: float) -> dict[str, Doubles]:
    """Return counters of one family, in quanta of what flows in some seconds."""
    family = str(bench.random.choice(FAMILIES))
    time, current, step = np.array(bench.time), np.array(bench.current), np.array(bench.step)
    passed = np.concatenate([[0.0], 0.5 * (current[1:] + current[:-1]) * np.diff(time) / 3600])
    into, out = np.cumsum(np.maximum(passed, 0)), np.cumsum(np.maximum(-passed, 0))
    quantum = size * 10 ** bench.random.uniform(-3, 1)
    if family == "net":
        return {"net_capacity_ah": np.round((into - out) / quantum) * quantum}
    if family == "step_":
        begins = np.flatnonzero(np.diff(step, prepend=0) > 0)
        group = np.cumsum(np.diff(step, prepend=0) > 0) - 1
        into, out = into - into[begins][group], out - out[begins][group]
    names = (f"{family}charging_capacity_ah", f"{family}discharging_capacity_ah")
    return {name: np.round(each / quantum) * quantum for name, each in zip(names, (into, out), strict=True)}

"""Titrations of a film whose diffusion is known: the diffusion equation between a face and a wall, summed in full.

A film of thickness L takes up charge at its face and ends at a wall. Under a constant flux its face moves by
θ + 1/3 - (2/π²)·Σ exp(-n²π²θ)/n², θ = Dt/L², in units of what the same charge changes it by when spread over θ = 1;
a step at its face draws 2·Σ exp(-(n-½)²π²θ).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from frames import Doubles, Part, measure, steps_of

from warehouse.metrics.inputs import TestInputs

THICKNESS: Final = 1e-6
DIFFUSION: Final = 1e-16
RATE: Final = DIFFUSION / THICKNESS**2
AMPERE: Final = 1e-6
# What a coulomb, spread over the film, moves the voltage by.
VOLT_PER_COULOMB: Final = 2.0
OHM: Final = 2000.0
FIRST_VOLT: Final = 3.6
TERMS: Final = np.arange(1, 400)[:, None]
SHORT: Final = 0.01


def move_face(theta: Doubles) -> Doubles:
    """Return how far a unit flux that began at θ = 0 has moved the face."""
    late = np.maximum(theta, 0.0)
    series = np.exp(-(TERMS**2) * np.pi**2 * late) / TERMS**2
    # The sum of all 1/n² is known; what the series leaves out of it would move the first instants.
    return np.where(theta > 0, late + 2 / np.pi**2 * (np.pi**2 / 6 - series.sum(0) - 1 / TERMS[-1, 0]), 0.0)


def draw_current(theta: Doubles) -> Doubles:
    """Return what a unit step at the face draws, as a part of the whole charge per unit of θ."""
    # Before the wall is felt, the film is as good as endless; there the sum would need terms without end.
    endless = 1 / np.sqrt(np.pi * np.maximum(theta, 1e-300))
    return np.where(theta < SHORT, endless, 2 * np.exp(-((TERMS - 0.5) ** 2) * np.pi**2 * theta).sum(0))


def titrate(
    pulses: int = 8,
    seconds: float = 600.0,
    rest_seconds: float = 80_000.0,
    *,
    way: int = 1,
    noise: float = 0.0,
    quantum: float = 0.0,
    slope: float = VOLT_PER_COULOMB,
    records: int = 121,
) -> list[Part]:
    """Return a titration by current: a rest, then pulses with a rest behind each."""
    random = np.random.default_rng(7)
    starts = rest_seconds + np.arange(pulses) * (seconds + rest_seconds)
    parts = []
    for number in range(2 * pulses + 1):
        resting = number % 2 == 0
        begin = 0.0 if number == 0 else starts[(number - 1) // 2] + (seconds if resting else 0.0)
        time = np.linspace(0, rest_seconds if resting else seconds, records)
        flux = sum(
            move_face((begin + time - start) * RATE) - move_face((begin + time - start - seconds) * RATE)
            for start in starts
            if start <= begin
        )
        flowing = 0.0 if resting else float(way)
        volts = FIRST_VOLT + flowing * AMPERE * OHM + way * slope * AMPERE / RATE * flux
        volts = volts + noise * random.standard_normal(records)
        volts = np.round(volts / quantum) * quantum if quantum else volts
        said = "rest" if resting else "charge" if way > 0 else "discharge"
        parts.append(Part(time, volts, np.full(records, flowing * AMPERE), said))
    return parts


def step_voltage(
    steps: int = 6,
    seconds: float = 20_000.0,
    volt: float = 0.02,
    *,
    ohm: float = 0.0,
    background: float = 0.0,
    records: int = 1200,
) -> list[Part]:
    """Return a titration by voltage: steps of one size, each held."""
    charge = volt / VOLT_PER_COULOMB
    # No record at the beginning; the first comes after the first interval, and later ones ever later.
    time = np.geomspace(1.0, 1e5, records + 1)[1:] - 1
    time *= seconds / time[-1]
    flow = charge * RATE * draw_current(time * RATE)
    flow = 1 / (1 / flow + ohm / volt) + background
    held = [
        Part(time, np.full(records, FIRST_VOLT + volt * number), flow, "charge_cv") for number in range(1, steps + 1)
    ]
    return [Part(np.linspace(0, 3600, 61), np.full(61, FIRST_VOLT), np.zeros(61), "rest"), *held]


def inputs_of(parts: Sequence[Part], thickness: float | None = THICKNESS, **channel: float) -> TestInputs:
    """Return what a computation is given of a test of these parts."""
    return see(measure(*parts, typed=True), {"cathode_thickness_metre": thickness}, channel or None)


def see(
    rows: pl.DataFrame, cell: dict[str, object] | None = None, channel: dict[str, float] | None = None
) -> TestInputs:
    """Return what a computation is given of a test with these records."""
    return TestInputs(
        {"test_id": "t", "revision": 1},
        cell,
        channel,
        steps_of(rows),
        pl.DataFrame(),
        rows.select,
        pl.DataFrame,
    )

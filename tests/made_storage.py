"""Cells that are left alone or held, whose loss is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
from frames import Doubles, Part, measure
from made_titrations import see

from warehouse.metrics.inputs import CellInputs, TestInputs
from warehouse.schema import FLOAT_LEAKAGE, STEP_TYPE, STEPS, fill_columns

START: Final = 1_772_409_600.0
HOUR: Final = 3600.0
AMPERE: Final = 10e-6
UPPER: Final = 4.1
LOWER: Final = 3.0


@dataclass
class Life:
    """A cell's steps, one behind the other, over as many tests as are begun.

    Args:
        convention: of its tests.
        clock: whether instruments wrote one.
    """

    convention: str = "full_charge_first"
    clock: bool = True
    now: float = START
    tests: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def begin_test(self, gap_hours: float = 0.0) -> Life:
        """Begin another test, some hours after what went before."""
        self.now += gap_hours * HOUR
        first = self.now if self.clock else None
        name = f"t{len(self.tests) + 1}"
        self.tests.append({"test_id": name, "first_unix_second": first, "convention": self.convention, "at": self.now})
        return self

    def step(self, kind: str, hours: float, **columns: float | None) -> Life:
        """Add a step; what is not given is as at rest."""
        if not self.tests:
            self.begin_test()
        test = self.tests[-1]
        number = sum(row["test_id"] == test["test_id"] for row in self.rows) + 1
        row = {
            "test_id": test["test_id"],
            "revision": 1,
            "step_count": number,
            "kind": kind,
            "start_time_second": self.now - test["at"],
            "start_unix_time_second": self.now if self.clock else None,
            "duration_second": hours * HOUR,
            "primary_charge_ah": 0.0,
            "mean_current_ampere": 0.0,
            "first_current_ampere": 0.0,
            "mean_temperature_celsius": 25.0,
            **columns,
        }
        self.rows.append(row)
        self.now += hours * HOUR
        test["last_unix_second"] = self.now if self.clock else None
        return self

    def charge(self, ah: float, ampere: float = AMPERE, volt: float = UPPER, **columns: float | None) -> Life:
        """Charge at constant current to a voltage."""
        return self._flow("charge_cc", ah, ampere, (LOWER, volt), columns)

    def discharge(self, ah: float, ampere: float = AMPERE, volt: float = LOWER, **columns: float | None) -> Life:
        """Discharge at constant current to a voltage."""
        return self._flow("discharge_cc", -ah, -ampere, (UPPER - 0.1, volt), columns)

    def rest(self, hours: float, volt: float = UPPER - 0.05, **columns: float | None) -> Life:
        """Leave the cell alone."""
        volts = {"first_voltage_volt": volt, "last_voltage_volt": volt, "mean_voltage_volt": volt}
        return self.step("rest", hours, **{**volts, **columns})

    def hold(self, hours: float, ampere: float, volt: float = UPPER) -> Life:
        """Hold a voltage with a mean current."""
        volts = {"first_voltage_volt": volt, "last_voltage_volt": volt, "mean_voltage_volt": volt}
        current = {"primary_charge_ah": ampere * hours, "mean_current_ampere": ampere, "first_current_ampere": ampere}
        return self.step("charge_cv", hours, **volts, **current)

    def cycle(self, *charges: float) -> Life:
        """Charge and discharge, with these capacities."""
        for ah in charges:
            self.charge(ah).rest(0.5).discharge(ah).rest(0.5, LOWER + 0.3)
        return self

    def inputs(self, leakage: pl.DataFrame | None = None) -> CellInputs:
        """Return what a computation of a cell is given."""
        steps = pl.DataFrame(self.rows, schema_overrides={"kind": STEP_TYPE}, infer_schema_length=None)
        floats = {name: dtype for name, dtype in STEPS.dtypes.items() if name in steps.columns}
        results = {"float_leakage": FLOAT_LEAKAGE.empty() if leakage is None else leakage}
        return CellInputs("F", "C", None, self.tests, fill_columns(steps.cast(floats), STEPS), pl.DataFrame(), results)

    def _flow(
        self, kind: str, ah: float, ampere: float, volts: tuple[float, float], columns: dict[str, float | None]
    ) -> Life:
        flowing = {
            "primary_charge_ah": ah,
            "mean_current_ampere": ampere,
            "first_current_ampere": ampere,
            "first_voltage_volt": volts[0],
            "last_voltage_volt": volts[1],
            "mean_voltage_volt": sum(volts) / 2,
        }
        return self.step(kind, abs(ah / ampere), **{**flowing, **columns})


FARAD_AH: Final = 100e-6  # Ah per V
LEAK_OHM: Final = 1e9
OHM: Final = 5000.0
FULL: Final = 4.0


def leave_alone(
    hours: float = 96.0,
    *,
    leak_ohm: float = LEAK_OHM,
    relaxing_volt: float = 0.0,
    relaxing_hours: float = 5.0,
    capacity: float = FARAD_AH,
    noise: float = 0.0,
    quantum: float = 0.0,
    **channel: float,
) -> TestInputs:
    """Return a test of a capacity with a leak across it: a charge, a rest, and a slow discharge through a resistance.

    The voltage falls as exp(-t/(C·R_leak)); relaxation of some volts is put on top.
    """
    random = np.random.default_rng(3)
    time = np.arange(0, hours * HOUR + 1, 600.0)
    volts = FULL * np.exp(-time / HOUR / capacity / leak_ohm) + relaxing_volt * np.exp(-time / HOUR / relaxing_hours)
    fallen = float(volts[-1]) - 0.4
    down = np.linspace(0, 0.4 * capacity / AMPERE, 801) * HOUR
    curve = float(volts[-1]) - AMPERE * OHM - AMPERE * down / HOUR / capacity
    charge = Part(np.linspace(0, HOUR, 61), np.linspace(fallen, FULL, 61), np.full(61, 2 * AMPERE), "charge")
    parts = [
        charge,
        Part(time, _record(volts, noise, quantum, random), np.zeros(len(time)), "rest"),
        Part(down, _record(curve, noise, quantum, random), np.full(len(down), -AMPERE), "discharge"),
    ]
    return see(measure(*parts, typed=True), channel=channel or None)


def hold_voltage(
    hours: float = 48.0,
    *,
    leak: float = 5e-9,
    root: float = 5e-7,
    offset: float = 0.0,
    noise: float = 0.0,
    **channel: float,
) -> TestInputs:
    """Return a test in which a charged cell is held: I = leak + root/√t, as an instrument with an offset sees it."""
    random = np.random.default_rng(5)
    time = np.arange(60.0, hours * HOUR + 1, 60.0)
    current = leak + root / np.sqrt(time) + offset + noise * random.standard_normal(len(time))
    charge = Part(np.linspace(0, HOUR, 61), np.linspace(3.5, UPPER, 61), np.full(61, AMPERE), "charge")
    held = Part(time - time[0], np.full(len(time), UPPER), current, "charge_cv")
    return see(measure(charge, held, typed=True), channel=channel or None)


def _record(volts: Doubles, noise: float, quantum: float, random: np.random.Generator) -> Doubles:
    seen = volts + noise * random.standard_normal(len(volts))
    return np.round(seen / quantum) * quantum if quantum else seen

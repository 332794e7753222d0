"""Galvanostatic intermittent titration: diffusion coefficients of a thin film, pulse by pulse.

formula: D/L² = 4/(π·τ)·(ΔE_s/ΔE_t)²; D = L² times that, L the thickness of the cathode from the manifest
formula: ΔE_t = √τ·dE/d√t, from the line of E over √t through the pulse but for its first part, which leaves out the
    ohmic drop; ΔE_s = voltage at the end of the next rest, less that at the end of the rest before
condition: τ ≪ L²/D; the line explains the recipe's part of the variance; the interval is narrow enough
condition: the pulse's origin is where its current began, which its charge tells where the first record is later
source: W. Weppner and R. A. Huggins, J. Electrochem. Soc. 124 (1977) 1569, for a film instead of V_M and A
refused: the first pulse, whose rest before is not part of the series; a pulse of several steps; voltages that do not
    move with the charge
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, pi
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from warehouse.arrays import doubles
from warehouse.diffusion.recipe import DiffusionRecipe
from warehouse.diffusion.trains import HOUR, Pulse, Run, find_lead
from warehouse.lines import Line, find_step, fit_line
from warehouse.metrics.inputs import TestInputs

Doubles = NDArray[np.float64]
Values = dict[str, Any]
# Why there is no figure, or D/L² in 1/s with the factor up to which it is certain.
Verdict = tuple[str | None, tuple[float, float] | None]

# Two voltages that are read to a quantum differ by what it hides of each: 12^-1/2 of a quantum, twice.
SIGMA_OF_QUANTUM: Final = 12**-0.5


@dataclass(frozen=True)
class Rest:
    """The end of a rest.

    Args:
        voltage: of its last record.
        scatter: standard deviation of a record there.
        slope: V/s over the last part of the rest; None where there are too few records.
        slope_reach: half the interval of the slope.
        seconds: how long it lasted.
    """

    voltage: float
    scatter: float
    slope: float | None
    slope_reach: float
    seconds: float


@dataclass(frozen=True)
class Read:
    """What was read of a pulse.

    Args:
        before: end of the rest before; None where there is none.
        line: of the voltage over √t; None where there are too few records.
        after: end of the next rest; None where there is none.
        seconds: from where the current began.
    """

    before: Rest | None
    line: Line | None
    after: Rest | None
    seconds: float


@dataclass(frozen=True)
class Titration:
    """A test's records with the steps that they belong to.

    Args:
        inputs: the test.
        time: of each record.
        voltage: of each record.
        quantum: smallest difference of two voltages.
        recipe: thresholds.
    """

    inputs: TestInputs
    time: Doubles
    voltage: Doubles
    quantum: float
    recipe: DiffusionRecipe

    def records_of(self, run: Run) -> slice:
        """Return the records of a run of steps."""
        first = self.inputs.first_rows
        last = int(first[run.last]) + int(self.inputs.steps["records"][run.last])
        return slice(int(first[run.first]), last)

    def total(self, name: str, run: Run) -> float:
        """Return the sum of a column over a run of steps."""
        return float(self.inputs.steps[name][run.first : run.last + 1].sum())


def read_titration(inputs: TestInputs, recipe: DiffusionRecipe) -> Titration:
    """Read the records of a test."""
    rows = inputs.read_rows(["test_time_second", "voltage_volt"])
    voltage = doubles(rows["voltage_volt"])
    return Titration(inputs, doubles(rows["test_time_second"]), voltage, find_step(voltage), recipe)


def describe_train(titration: Titration, number: int, train: list[Pulse], thickness: float | None) -> list[Values]:
    """Return the rows of ``schema.GITT`` of one titration.

    Args:
        titration: the test.
        number: of the train, from 1.
        train: its pulses.
        thickness: of the film in m; None where no manifest says it.
    """
    rows = []
    moved = 0.0
    for place, pulse in enumerate(train, start=1):
        moved += titration.total("primary_charge_ah", pulse.run)
        row = {"train": number, "pulse": place, "train_charge_ah": moved}
        rows.append({**row, **describe_pulse(titration, pulse, thickness, first=place == 1)})
    return rows


def describe_pulse(titration: Titration, pulse: Pulse, thickness: float | None, *, first: bool) -> Values:
    """Return what one pulse tells.

    Args:
        titration: the test.
        pulse: the pulse.
        thickness: of the film in m.
        first: whether it opens the train.
    """
    steps, run = titration.inputs.steps, pulse.run
    before, after = (read_rest(titration, rest) for rest in (pulse.before, pulse.after))
    line, seconds = draw_line(titration, pulse)
    row: Values = {
        "step_count": steps["step_count"][run.first],
        "direction": "charge" if run.way > 0 else "discharge",
        "start_time_second": steps["start_time_second"][run.first],
        "pulse_second": seconds,
        "current_ampere": run.way * run.ampere,
        "charge_ah": titration.total("primary_charge_ah", run),
        "voltage_before_volt": before and before.voltage,
        "voltage_after_volt": after and after.voltage,
        "rest_second": after and after.seconds,
        "rest_slope_volt_per_second": after and after.slope,
        "flags": ",".join(find_flags(before, after, titration.recipe)),
        **(describe_line(line, seconds, before) if line else {}),
    }
    reason, ratio = judge_pulse(titration, pulse, Read(before, line, after, seconds), first=first)
    if before and after:
        row["steady_change_volt"] = after.voltage - before.voltage
    return {**row, **describe_ratio(ratio, reason, thickness, seconds)}


def read_rest(titration: Titration, run: Run | None) -> Rest | None:
    """Return the end of a rest; None where there is no rest."""
    if run is None:
        return None
    records = titration.records_of(run)
    time, voltage = titration.time[records], titration.voltage[records]
    late = time >= time[-1] - titration.recipe.rest_window * (time[-1] - time[0])
    line = fit_line(time[late], voltage[late], titration.recipe.confidence)
    hidden = titration.quantum * SIGMA_OF_QUANTUM
    if line is None:
        return Rest(float(voltage[-1]), hidden, None, inf, run.seconds)
    # Voltages that stand within a quantum may yet move by it.
    reach = max(line.slope_reach, titration.quantum / float(np.ptp(time[late])))
    return Rest(float(voltage[-1]), max(line.scatter, hidden), line.slope, reach, run.seconds)


def draw_line(titration: Titration, pulse: Pulse) -> tuple[Line | None, float]:
    """Return the line of voltage over the root of time since the current began, and how long it flowed."""
    records = titration.records_of(pulse.run)
    time, voltage = titration.time[records], titration.voltage[records]
    missed = abs(titration.total("primary_charge_ah", pulse.run)) - abs(titration.total("charge_ah", pulse.run))
    since = time - time[0] + find_lead(titration.time, records, missed, pulse.run.ampere)[0]
    used = since >= titration.recipe.skip_part * since[-1]
    recipe = titration.recipe
    if np.count_nonzero(used) < recipe.fewest_points:
        return None, float(since[-1])
    return fit_line(np.sqrt(since[used]), voltage[used], recipe.confidence), float(since[-1])


def find_flags(before: Rest | None, after: Rest | None, recipe: DiffusionRecipe) -> list[str]:
    """Say whether the voltage still moved at the end of either rest, or whether that cannot be seen."""
    limit = recipe.relaxed_volt_per_hour / HOUR
    flags = []
    for word, rest in (("before", before), ("after", after)):
        if rest is None:
            continue
        if rest.slope is None or (abs(rest.slope) <= limit < rest.slope_reach):
            flags.append(f"relaxation_unresolved_{word}")
        elif abs(rest.slope) > limit:
            flags.append(f"not_relaxed_{word}")
    return flags


def describe_line(line: Line, seconds: float, before: Rest | None) -> Values:
    """Return the columns that the line over √t fills."""
    return {
        "transient_change_volt": line.slope * seconds**0.5,
        "ohmic_change_volt": line.intercept - before.voltage if before else None,
        "root_time_r_squared": line.r_squared,
    }


def judge_pulse(titration: Titration, pulse: Pulse, read: Read, *, first: bool) -> Verdict:
    """Return why a pulse gives no figure, or D/L² in 1/s and the factor up to which it is certain.

    Args:
        titration: the test.
        pulse: the pulse.
        read: what was read of it.
        first: whether it opens the train.
    """
    run, recipe = pulse.run, titration.recipe
    # What lies before the first pulse is some other test's state, not one pulse less.
    if first:
        return "first_pulse", None
    if run.first != run.last or not str(titration.inputs.steps["kind"][run.first]).endswith(("_cc", "pulse")):
        return "not_one_pulse", None
    if read.before is None or read.after is None or read.after.seconds < recipe.shortest_rest_second:
        return "no_rest", None
    if read.line is None:
        return "too_few_points", None
    if read.line.r_squared < recipe.straight:
        return "not_straight", None
    return _weigh(read.before, read.line, read.after, (run.way, read.seconds), recipe)


def _weigh(before: Rest, line: Line, after: Rest, flowed: tuple[int, float], recipe: DiffusionRecipe) -> Verdict:
    way, seconds = flowed
    steady, transient = (after.voltage - before.voltage) * way, line.slope * way
    # Two voltages, each of one record.
    reach = 2 * (before.scatter**2 + after.scatter**2) ** 0.5
    if transient <= 0 or steady < -reach:
        return "moves_against_charge", None
    if steady <= reach:
        return "not_resolved", None
    # One factor of τ is the formula's, the other undoes the root in ΔE_t.
    ratio = 4 / pi * (steady / (transient * seconds)) ** 2
    factor = exp(2 * ((reach / steady) ** 2 + line.relative_reach**2) ** 0.5)
    if factor > recipe.widest_factor:
        return "not_resolved", None
    return ("pulse_too_long", None) if ratio * seconds > recipe.longest_pulse else (None, (ratio, factor))


def describe_ratio(
    ratio: tuple[float, float] | None, reason: str | None, thickness: float | None, seconds: float
) -> Values:
    """Return D/L² and, where the thickness is known, D, each with its interval."""
    row: Values = {
        "status": "refused" if reason else "measured",
        "reason": reason,
        "diffusion_coefficient_reason": reason or (None if thickness else "no_thickness"),
    }
    if ratio is None:
        return row
    value, factor = ratio
    for name, one in zip(("", "_low", "_high"), (value, value / factor, value * factor), strict=True):
        row[f"diffusion_rate{name}_per_second"] = one
        if thickness:
            row[f"diffusion_coefficient{name}_square_metre_per_second"] = one * thickness**2
    return row | {"thickness_metre": thickness, "pulse_of_diffusion_time": value * seconds}

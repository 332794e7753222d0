"""Potentiostatic intermittent titration: diffusion coefficients of a thin film from the current at held voltages.

formula: long time, D/L² = -(4/π²)·d ln I/dt, from the line of ln I over t beyond the recipe's part of L²/D
formula: short time, D/L² = π·(I·√t/ΔQ)², from the line of I over 1/√t before the recipe's part of L²/D; ΔQ is the
    charge of the whole step
condition: where the windows lie is first taken from the time in which half the charge flowed, 0.197·L²/D of a film
condition: long time needs ln I to fall by the recipe's amount above the current's quantum and noise; short time needs
    a step that is complete, and a line that passes near the origin: a series resistance spoils it first
condition: a resistance at the film's face as large as the film's own makes D by long time come out low
source: C. J. Wen, B. A. Boukamp, R. A. Huggins and W. Weppner, J. Electrochem. Soc. 126 (1979) 2258
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, pi
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from warehouse.arrays import doubles
from warehouse.diffusion.recipe import DiffusionRecipe
from warehouse.diffusion.trains import HOUR, find_lead
from warehouse.lines import Line, find_step, fit_line
from warehouse.metrics.inputs import TestInputs

Doubles = NDArray[np.float64]
Values = dict[str, Any]
# Why there is no figure, or D/L² in 1/s with the factor up to which it is certain.
Verdict = tuple[str | None, tuple[float, float] | None]

# In a film with one open side half the charge of a step has flowed at this part of L²/D.
HALF_CHARGE: Final = 0.197
PASSES: Final = 3
# The line of I over 1/√t may miss the origin by this part of its current at the window's end.
OFF_ORIGIN: Final = 0.25
# What is left of noise between neighbours that a smooth current does not explain.
SIGMAS: Final = 3.0


@dataclass(frozen=True)
class Hold:
    """A held voltage: its current, positive the way that most of its charge went.

    Args:
        since: time since the voltage was set, in s.
        current: in A.
        charge: of the whole step in A·s, as the figure to rely on says.
        least: smaller currents are not told from nothing.
        silent: time without a record before the first, in which the step began.
    """

    since: Doubles
    current: Doubles
    charge: float
    least: float
    silent: float

    @property
    def half_second(self) -> float | None:
        """When half of the charge had flowed; None where the records do not show it."""
        parts = 0.5 * (self.current[1:] + self.current[:-1]) * np.diff(self.since)
        # What the integral lacks of the charge flowed before the first record.
        before = self.charge - float(parts.sum())
        flowed = before + np.append(0.0, np.cumsum(parts))
        place = int(np.searchsorted(np.maximum.accumulate(flowed), self.charge / 2))
        return float(self.since[place]) if 0 < place < len(flowed) else None


def describe_holds(
    inputs: TestInputs, number: int, train: list[int], thickness: float | None, recipe: DiffusionRecipe
) -> list[Values]:
    """Return the rows of ``schema.PITT`` of one titration.

    Args:
        inputs: the test.
        number: of the train, from 1.
        train: numbers of its steps, from 0.
        thickness: of the film in m; None where no manifest says it.
        recipe: thresholds.
    """
    rows = inputs.read_rows(["test_time_second", "current_ampere"])
    time, current = doubles(rows["test_time_second"]), doubles(rows["current_ampere"])
    quantum = find_step(current)
    found = []
    for place, step in enumerate(train, start=1):
        row = inputs.steps.row(step, named=True)
        first = int(inputs.first_rows[step])
        hold = read_hold(time, current, slice(first, first + row["records"]), row, quantum=quantum, recipe=recipe)
        before = inputs.steps["last_voltage_volt"][step - 1] if step else None
        base = {
            "train": number,
            "hold": place,
            "step_count": row["step_count"],
            "start_time_second": row["start_time_second"],
            "hold_second": row["duration_second"],
            "voltage_volt": row["mean_voltage_volt"],
            "voltage_step_volt": row["mean_voltage_volt"] - before if before is not None else None,
            "charge_ah": row["primary_charge_ah"],
            "first_current_ampere": row["first_current_ampere"],
            "last_current_ampere": row["last_current_ampere"],
        }
        found.append({**base, **describe_hold(hold, thickness, recipe)})
    return found


def read_hold(
    time: Doubles, current: Doubles, records: slice, row: Values, *, quantum: float, recipe: DiffusionRecipe
) -> Hold:
    """Return the current of one held voltage.

    Args:
        time: of every record of the test.
        current: of every record of the test.
        records: which of them are the hold's.
        row: its row of ``schema.STEPS``.
        quantum: smallest difference of two currents.
        recipe: thresholds.
    """
    charge = row["primary_charge_ah"] * HOUR
    way = np.sign(charge) or 1.0
    flow = way * current[records]
    missed = abs(row["primary_charge_ah"]) - abs(row["charge_ah"])
    lead, silent = find_lead(time, records, missed, float(flow[0]))
    return Hold(
        time[records] - time[records.start] + lead,
        flow,
        abs(charge),
        max(recipe.current_quanta * quantum, SIGMAS * _noise(flow)),
        silent,
    )


def describe_hold(hold: Hold, thickness: float | None, recipe: DiffusionRecipe) -> Values:
    """Return D by either law, or why not, and whether they agree."""
    long, short = read_long_time(hold, recipe), read_short_time(hold, recipe)
    flags = [] if _is_complete(hold, recipe) else ["not_equilibrated"]
    if long[1] and short[1] and not 1 / recipe.differ <= long[1][0] / short[1][0] <= recipe.differ:
        flags.append("laws_differ")
    row: Values = {"flags": ",".join(flags), "thickness_metre": thickness}
    for name, (reason, figure) in (("long", long), ("short", short)):
        row[f"{name}_time_status"] = "refused" if reason else "measured"
        row[f"{name}_time_reason"] = reason
        row[f"{name}_time_coefficient_reason"] = reason or (None if thickness else "no_thickness")
        if figure is None:
            continue
        value, factor = figure
        for end, one in zip(("", "_low", "_high"), (value, value / factor, value * factor), strict=True):
            row[f"{name}_time_rate{end}_per_second"] = one
            if thickness:
                row[f"{name}_time_coefficient{end}_square_metre_per_second"] = one * thickness**2
    return row


def read_long_time(hold: Hold, recipe: DiffusionRecipe) -> Verdict:
    """Read D/L² off the line of ln I over t."""
    half = hold.half_second
    if half is None or half <= 0:
        return "no_half_charge", None
    # The window depends on what is read from it, so it is drawn again about each figure.
    rate, line = HALF_CHARGE / half, None
    # Currents behind the first that cannot be told from nothing tell nothing either.
    small = np.flatnonzero(hold.current <= hold.least)
    seen = np.arange(len(hold.current)) < (small[0] if len(small) else len(hold.current))
    for _ in range(PASSES):
        used = seen & (hold.since >= recipe.long_from / rate)
        if np.count_nonzero(used) < recipe.fewest_points:
            return "too_few_points", None
        line = fit_line(hold.since[used], np.log(hold.current[used]), recipe.confidence)
        if line is None or line.slope >= 0:
            return "current_does_not_fall", None
        if -line.slope * float(np.ptp(hold.since[used])) < recipe.long_fall:
            return "falls_too_little", None
        rate = -line.slope * 4 / pi**2
    return _judge(line, rate, 1.0, recipe)


def read_short_time(hold: Hold, recipe: DiffusionRecipe) -> Verdict:
    """Read D/L² off the line of I over 1/√t."""
    if not _is_complete(hold, recipe):
        return "not_equilibrated", None
    half = hold.half_second
    if half is None or half <= 0:
        return "no_half_charge", None
    rate, line = HALF_CHARGE / half, None
    # Where exactly the step began matters least long after.
    late = (hold.since > recipe.short_skip * hold.silent) & (hold.since > 0)
    for _ in range(PASSES):
        used = late & (hold.since >= recipe.short_from / rate) & (hold.since <= recipe.short_until / rate)
        if np.count_nonzero(used) < recipe.fewest_points:
            return "too_few_points", None
        root = hold.since[used] ** -0.5
        line = fit_line(root, hold.current[used], recipe.confidence)
        if line is None or line.slope <= 0 or abs(line.intercept) > OFF_ORIGIN * line.slope * root[-1]:
            return "not_diffusion", None
        rate = pi * (line.slope / hold.charge) ** 2
    return _judge(line, rate, 2.0, recipe)


def _judge(line: Line | None, rate: float, power: float, recipe: DiffusionRecipe) -> Verdict:
    if line is None or line.r_squared < recipe.straight:
        return "not_straight", None
    factor = exp(power * line.relative_reach)
    return ("not_resolved", None) if factor > recipe.widest_factor else (None, (rate, factor))


def _is_complete(hold: Hold, recipe: DiffusionRecipe) -> bool:
    """Say whether little charge is left to flow, as the last current would decay by the long-time law."""
    half = hold.half_second
    if half is None:
        return False
    left = float(hold.current[-1]) * 4 / pi**2 * half / HALF_CHARGE
    return left <= recipe.equilibrated * hold.charge


def _noise(current: Doubles) -> float:
    """Standard deviation of a record about its neighbours, in the last half, where the current hardly moves."""
    late = current[len(current) // 2 :]
    if len(late) < 4:  # noqa: PLR2004 a second difference needs three records
        return 0.0
    return float(np.std(np.diff(late, 2))) * 6**-0.5

"""Executed steps: where they begin, what they did, how much charge and energy they moved.

Formulae (``docs/metrics.md``): charge ∫I·dt and energy ∫V·I·dt by trapezoid over neighbouring records of one step,
never across a step's boundary or a gap. The instrument's counter stands beside the integral, with their ratio.

A step's figures follow from its own records, the one before it, and :class:`~warehouse.survey.Grounds`; only the
voltages that bound the test are looked for among all steps, by :func:`name_ends`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.counters import make_counter
from warehouse.course import SECONDS_PER_HOUR, Course, heading_of
from warehouse.derivation import DerivationRecipe
from warehouse.kinds import instrument_words, name_kinds
from warehouse.schema import STEPS, fill_columns
from warehouse.stretch import Stretch, see_columns, take_stretch
from warehouse.survey import Grounds, survey_all

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

LIMIT_WIDTH_VOLT: Final = 0.01
# Further than rounding from a limit at which a step would be judged otherwise.
NARROWER: Final = 1e-12


@dataclass(frozen=True)
class Settled:
    """How far steps are final, whatever records follow, and up to where the limit of rest may move without effect.

    Args:
        rows: how many records they hold.
        steps: how many they are.
        least: smallest limit in A with which they come out as they did.
        below: and the smallest, above that, with which they no longer do.
    """

    rows: int = 0
    steps: int = 0
    least: float = 0.0
    below: float = sys.float_info.max


def derive_steps(measurements: pl.DataFrame, recipe: DerivationRecipe) -> pl.DataFrame:
    """Cut a test into executed steps.

    Args:
        measurements: a conforming table of one test, in time order.
        recipe: thresholds.

    Returns:
        Rows of ``schema.STEPS``; ``test_id`` is empty and ``revision`` and ``cycle`` are 0 until they are known.
    """
    if not measurements.height:
        return STEPS.empty()
    records = take_stretch(measurements, see_columns(measurements))
    return name_ends(cut_steps(records, Settled(), survey_all(records, recipe), recipe)[0])


def cut_steps(
    records: Stretch, settled: Settled, grounds: Grounds, recipe: DerivationRecipe
) -> tuple[pl.DataFrame, Settled]:
    """Cut a test's last records into steps.

    Args:
        records: from the record before the first step that is not settled, to the last.
        settled: the steps before.
        grounds: what the whole test says to each step.
        recipe: thresholds.

    Returns:
        The steps behind the settled ones, and how far steps are settled now.
    """
    course = Course(records, settled.rows, grounds, recipe)
    moved = _sum_up(course)
    table = pl.DataFrame(
        {
            **_read_schedule(course),
            **_describe_course(course),
            "step_count": settled.steps + np.arange(1, len(course.starts) + 1),
            **moved,
            **_mean_temperature(course),
            "kind": _name_kinds(course),
            "end_reason": _plain_reasons(course),
            "flags": _collect_flags(course, moved),
        }
    ).with_columns(
        pl.when(pl.col(pl.Float64).is_finite()).then(pl.col(pl.Float64)).name.keep(),
        test_id=pl.lit(""),
        revision=pl.lit(0, dtype=pl.Int64),
        cycle=pl.lit(0, dtype=pl.Int64),
    )
    return fill_columns(table, STEPS), _settle(course, settled)


def name_ends(steps: pl.DataFrame) -> pl.DataFrame:
    """Say where a step ended at a voltage that bounds the test; what ended by taper or clock is told already.

    Args:
        steps: all steps of a test, rows of ``schema.STEPS``; named before or not.
    """
    said = steps["end_reason"]
    active = said.ne_missing("time").to_numpy()
    if not active.any():
        return steps
    last = steps["last_voltage_volt"].to_numpy()
    upper, lower = last[active].max(), last[active].min()
    heading = heading_of(steps["charge_ah"].to_numpy(), steps["mean_current_ampere"].to_numpy())
    at_limit = np.where(heading > 0, upper - last, last - lower) < LIMIT_WIDTH_VOLT
    # What was named when the test was shorter is judged anew: its voltages may have been passed since.
    told = pl.Series(~active | said.eq_missing("current").to_numpy())
    voltage = pl.when(pl.Series(at_limit)).then(pl.lit("voltage"))
    return steps.with_columns(end_reason=pl.when(told).then(pl.col("end_reason")).otherwise(voltage))


def _describe_course(course: Course) -> dict[str, NDArray[np.generic]]:
    """Return times and end values of the steps, by column name."""
    first, last = course.starts, course.ends - 1
    return {
        "start_time_second": course.time[first],
        "duration_second": course.duration,
        "first_voltage_volt": course.voltage[first],
        "last_voltage_volt": course.voltage[last],
        "mean_voltage_volt": course.mean(course.voltage),
        "first_current_ampere": course.current[first],
        "last_current_ampere": course.current[last],
        "mean_current_ampere": course.mean_current,
        "records": course.ends - course.starts,
        "largest_gap_second": np.maximum.reduceat(course.interval, first),
    }


def _sum_up(course: Course) -> dict[str, Doubles]:
    """Per step: charges and energies by column name; NaN where unknown."""
    power = course.voltage * course.current
    energies = np.where(course.gap, 0.0, 0.5 * (power + np.append(power[1:], 0.0)) * course.interval)
    energy = course.total(energies) / SECONDS_PER_HOUR
    # An interval is at constant voltage when both its ends are.
    held = course.tail & np.append(course.tail[1:], False) & course.constant_voltage[course.step]
    counted, whole = _count(course, 0, course.charge)
    counted_energy, whole_energy = _count(course, 1, energy)
    ratio = np.full(len(course.starts), np.nan)
    np.divide(course.charge, counted, out=ratio, where=(counted != 0) & (course.heading != 0))
    return {
        "charge_ah": course.charge,
        "counter_charge_ah": counted,
        "counter_ratio": ratio,
        "primary_charge_ah": whole,
        "energy_wh": energy,
        "counter_energy_wh": counted_energy,
        "primary_energy_wh": whole_energy,
        "cv_charge_ah": course.total(np.where(held, course.charges, 0.0)),
    }


def _count(course: Course, kind: int, integral: Doubles) -> tuple[Doubles, Doubles]:
    """Return what the counter of a kind says of each step, and the figure to rely on."""
    quantum = course.grounds.quanta[kind]
    counter = make_counter(course.known.choice.counters[kind], course.known.counters, quantum)
    if counter is None:
        return np.full(len(integral), np.nan), integral
    starts, ends = course.starts + course.lead, course.ends + course.lead
    counted = counter.within(starts, ends)
    whole = counter.whole(starts, ends, course.known.doubles("test_time_second"))
    coarse = quantum > course.recipe.counter_quantum * np.abs(whole)
    return counted, np.where(np.isnan(whole) | coarse | (course.heading == 0), integral, whole)


def _name_kinds(course: Course) -> pl.Series:
    """Per step: what it is called."""
    said = course.records.table["step_type"] if course.records.choice.typed else None
    words = instrument_words(said, course.step, len(course.starts))
    return name_kinds(course.heading, course.constant_voltage, course.constant_current, words)


def _read_schedule(course: Course) -> dict[str, pl.Series]:
    """Return what the instrument says of each step at its first record, by column name."""
    names = {"step_id": "step_id", "cycle_count": "cycle_count", "unix_time_second": "start_unix_time_second"}
    table = course.records.table
    return {column: table[name][course.starts] for name, column in names.items() if name in table.columns}


def _mean_temperature(course: Course) -> dict[str, Doubles]:
    """Return the mean over each step's records, by column name."""
    if not course.records.choice.temperature:
        return {}
    value = course.records.doubles(course.records.choice.temperature)
    measured = ~np.isnan(value)
    count = course.total(measured)
    mean = np.full(len(count), np.nan)
    np.divide(course.total(np.where(measured, value, 0.0)), count, out=mean, where=count > 0)
    return {"mean_temperature_celsius": mean}


def _settle(course: Course, before: Settled) -> Settled:
    """Return how far steps are final with these records."""
    steps, shown = int(np.searchsorted(course.starts, course.bounds.settled)), slice(course.bounds.shown_by)
    sizes = np.abs(course.current[shown])[course.undecided[shown]]
    # A step that few records carry turns at the limit that equals its mean current.
    doubtful = course.doubtful[:steps] & (course.duration[:steps] > 0)
    turns = (np.abs(course.charge) * SECONDS_PER_HOUR)[:steps][doubtful] / course.duration[:steps][doubtful]
    carried = course.heading[:steps][doubtful] != 0
    least = np.concatenate([sizes[sizes <= course.grounds.limit], turns[~carried] * (1 + NARROWER)])
    below = np.concatenate([sizes[sizes > course.grounds.limit], turns[carried] * (1 - NARROWER)])
    return Settled(
        before.rows + course.bounds.settled,
        before.steps + steps,
        float(least.max(initial=before.least)),
        float(below.min(initial=before.below)),
    )


def _plain_reasons(course: Course) -> pl.Series:
    """Say which steps ended by the clock or by their taper; of the others nothing yet."""
    reason = np.select([course.heading == 0, course.constant_voltage], [0, 1], default=2)
    return pl.Series(["time", "current", None]).gather(reason)


def _collect_flags(course: Course, moved: dict[str, Doubles]) -> pl.Series:
    recipe = course.recipe
    compared = (course.duration > recipe.counter_seconds) & (course.heading != 0)
    # What the counter's last digit explains is no difference.
    compared &= np.abs(moved["charge_ah"] - moved["counter_charge_ah"]) > course.grounds.quanta[0]
    opposite = course.total(course.direction == -course.heading[course.step]) > 0
    marks = {
        "gap": course.total(course.gap) > 0,
        "counter_differs": compared & (np.abs(moved["counter_ratio"] - 1) > recipe.counter_tolerance),
        "current_reverses": opposite & (course.heading != 0),
        "single_record": course.ends - course.starts == 1,
    }
    # Every combination is written once and looked up: a long test has tens of thousands of steps.
    number = sum((mark.astype(np.int64) << bit for bit, mark in enumerate(marks.values())), np.zeros(1, np.int64))
    texts = [",".join(name for bit, name in enumerate(marks) if chosen >> bit & 1) for chosen in range(1 << len(marks))]
    return pl.Series(texts).gather(number)

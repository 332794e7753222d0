"""Logical cycles: a charge group and a discharge group, in the order that the cell's convention gives.

The instrument's own count stands beside and is never changed: vendors count loops, sign changes or half cycles.
Coulombic efficiency is what came out of the electrode over what went in, by the cell's convention:

* full cell: discharged over charged; * cathode half cell: the same (delithiated by charge);
* anode half cell: charged over discharged (lithiated by discharge, in a discharge-first cycle);
* symmetric: the second half over the first.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes, doubles
from warehouse.classes import name_classes
from warehouse.derivation import DerivationRecipe
from warehouse.pulses import find_pulses
from warehouse.schema import CYCLES, STEP_TYPES, fill_columns

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

FIRST_DIRECTION: Final = {
    "full_charge_first": 1,
    "half_cathode": 1,
    "full_discharge_first": -1,
    "half_anode": -1,
}
FOUND: Final = ("mean_charging_current_ampere", "mean_discharging_current_ampere", "mean_temperature_celsius")
# Which kinds move no charge, by their place among the step types.
RESTING: Final = np.array([kind in {"rest", "pause", "eis"} for kind in STEP_TYPES])
NEAR_RUNS: Final = 3
LONGEST_TRAIN: Final = 4
# A first half cycle this much smaller than the later ones of its direction only prepared the cell.
PREPARING_PART: Final = 0.5
# A last half cycle that ended this far from where earlier ones ended was cut short.
REACHED_WIDTH_VOLT: Final = 0.02


def infer_convention(steps: pl.DataFrame, recipe: DerivationRecipe) -> str:
    """Name the convention of a cell that no manifest describes: a full cell, by its first whole half cycle."""
    heading = major_headings(steps, recipe)
    first = _first_of(heading)
    run = number_cycles(heading, first)
    charge = steps["primary_charge_ah"].fill_null(0.0).to_numpy()
    mine = (heading == first) & (run > 0)
    moved = np.bincount(run[mine], weights=np.abs(charge[mine]))[1:]
    if len(moved) > 1 and moved[0] < PREPARING_PART * np.median(moved[1:]):
        first = -first
    return "full_discharge_first" if first < 0 else "full_charge_first"


def derive_cycles(steps: pl.DataFrame, convention: str, recipe: DerivationRecipe) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Group steps into logical cycles.

    Args:
        steps: rows of ``schema.STEPS`` of one test.
        convention: one of ``schema.CONVENTIONS``.
        recipe: thresholds.

    Returns:
        The steps with their ``cycle``, and rows of ``schema.CYCLES``.
    """
    if not steps.height:
        return steps, CYCLES.empty()
    heading = major_headings(steps, recipe)
    first = FIRST_DIRECTION.get(convention) or _first_of(heading)
    steps = steps.with_columns(cycle=pl.Series(number_cycles(heading, first), dtype=pl.Int64))
    marks = {"heading": pl.Series(heading), "pulse": pl.Series(find_pulses(steps, recipe.longest_pulse_second))}
    numbered = steps.with_columns(**marks).filter(pl.col("cycle") > 0)
    if not numbered.height:
        return steps, CYCLES.empty()
    cycles = _summarise(numbered, first)
    cycles = _add_efficiency(cycles, convention)
    cycles = _add_flags(cycles, truncated=is_truncated(numbered, first))
    cycles = name_classes(cycles, recipe)
    complete = pl.col("class") != "incomplete"
    cycles = cycles.with_columns(
        pl.when(complete).then(pl.col("coulombic_efficiency", "energy_efficiency")),
        # A mean over nothing is 0 / 0.
        pl.when(pl.col(FOUND).is_finite()).then(pl.col(FOUND)).name.keep(),
    )
    return steps, fill_columns(cycles, CYCLES)


def major_headings(steps: pl.DataFrame, recipe: DerivationRecipe) -> Integers:
    """Return +1, -1 or 0 per step; pulses and other small runs count as 0 and open no cycle.

    A run is what flows in one direction until the other follows. It is small when it and a few others like it only
    interrupt larger runs; many in a row are the cycles of a cell that has faded, or that is cycled within seconds.
    """
    charge = doubles(steps["primary_charge_ah"], 0.0)
    moving = ~RESTING[codes(steps["kind"], 0)]
    heading = np.where(moving, np.sign(charge), 0).astype(np.int64)
    active = np.flatnonzero(heading)
    if not len(active):
        return heading
    run = np.cumsum(np.append(0, heading[active][1:] != heading[active][:-1]))
    size: Doubles = np.bincount(run, weights=np.abs(charge[active])).astype(np.float64)
    seconds: Doubles = np.bincount(run, weights=steps["duration_second"].to_numpy()[active]).astype(np.float64)
    heading[active[_minor_runs(size, seconds, recipe)[run]]] = 0
    return heading


def _minor_runs(size: Doubles, seconds: Doubles, recipe: DerivationRecipe) -> Mask:
    """Mark the runs that open no cycle, from the charge and the duration of each."""
    near = pl.Series(size).rolling_max(2 * NEAR_RUNS + 1, center=True, min_samples=1).to_numpy()
    pulse = seconds <= recipe.pulse_seconds
    little = pulse | (size < recipe.minor_run * near)
    place = np.arange(len(size))
    before = np.maximum.accumulate(np.where(little, -1, place))
    after = np.minimum.accumulate(np.where(little, len(size), place)[::-1])[::-1]
    length = after - before - 1
    bounded = np.append(size, np.inf)
    part = np.where(pulse, recipe.minor_pulse, recipe.minor_run)
    interrupts = (length <= LONGEST_TRAIN) & (size < part * np.minimum(bounded[before], bounded[after]))
    # Runs alternate: every other one of a train flows the same way as the run behind it, and is its beginning.
    opposes = np.where(after < len(size), after - place, place - before) % 2 == 1
    minor: Mask = (little & (length < len(size)) & interrupts & opposes) | (size < recipe.negligible_run * near)
    # The last run may yet grow.
    minor[-1] = False
    return minor


def number_cycles(heading: Integers, first: int) -> Integers:
    """Number the steps: a cycle begins where the first direction follows the second, or at the first active step.

    Args:
        heading: per step +1, -1 or 0.
        first: the direction that opens a cycle.

    Returns:
        Per step its cycle from 1; 0 before the first active step.
    """
    active = np.flatnonzero(heading)
    begins = np.zeros(len(heading), dtype=np.int64)
    if len(active):
        way = heading[active]
        opens = np.append(True, (way[1:] == first) & (way[:-1] != first))
        begins[active[opens]] = 1
    return np.cumsum(begins)


def _first_of(heading: Integers) -> int:
    active = heading[heading != 0]
    return int(active[0]) if len(active) else 1


def _summarise(steps: pl.DataFrame, first: int) -> pl.DataFrame:
    """Return a row for each cycle with what follows from its steps alone."""
    way = pl.when(pl.col("heading") != 0).then(pl.col("heading"))
    summed = (
        steps.with_columns(last_way=way.forward_fill().over("cycle"))
        .group_by("cycle", maintain_order=True)
        .agg(
            pl.col("test_id", "revision", "cycle_count").first(),
            **_span_times(),
            **_sum_halves(),
            **_read_rests(),
            mean_temperature_celsius=_time_mean("mean_temperature_celsius"),
            step_flags=pl.col("flags"),
            pulses=pl.col("pulse").sum(),
            other_steps=_moves().sum(),
            longest_hold_second=pl.col("duration_second").filter(_is_hold()).max(),
        )
    )
    halves = ("charging", "discharging")
    return (
        # A half that moved nothing is none: its sums are no zeros that were measured.
        summed.with_columns(
            pl.when(pl.col(f"{half}_capacity_ah") > 0).then(pl.col(f"{half}_capacity_ah", f"{half}_energy_wh"))
            for half in halves
        ).with_columns(
            *(
                (pl.col(f"{half}_energy_wh") / pl.col(f"{half}_capacity_ah")).alias(f"mean_{half}_voltage_volt")
                for half in halves
            ),
            cv_fraction=pl.col("cv_charge") / pl.col("charging_capacity_ah"),
            first=pl.lit(first),
        )
    )


def _is_active() -> pl.Expr:
    return ~_name_kind().is_in(["rest", "pause", "eis"])


def _name_kind() -> pl.Expr:
    return pl.col("kind").cast(pl.String)


def _moves() -> pl.Expr:
    return _is_active() & ~pl.col("pulse")


def _span_times() -> dict[str, pl.Expr]:
    begin = pl.col("start_time_second")
    return {
        "start_time": pl.col("start_unix_time_second").first(),
        "start_time_second": begin.first(),
        "duration_second": (begin + pl.col("duration_second")).last() - begin.first(),
    }


def _sum_halves() -> dict[str, pl.Expr]:
    """Return what each half of a cycle gave, both counted positive."""
    charge, energy = pl.col("primary_charge_ah"), pl.col("primary_energy_wh")
    into, out = _is_active() & (charge > 0), _is_active() & (charge < 0)
    return {
        "charging_capacity_ah": charge.filter(into).sum(),
        "discharging_capacity_ah": -charge.filter(out).sum(),
        "charging_energy_wh": energy.filter(into).sum(),
        "discharging_energy_wh": -energy.filter(out).sum(),
        "cv_charge": pl.col("cv_charge_ah").filter(into).sum(),
        "mean_charging_current_ampere": _charge_mean("mean_current_ampere", into),
        "mean_discharging_current_ampere": _charge_mean("mean_current_ampere", out),
        "upper_voltage_volt": pl.max_horizontal("first_voltage_volt", "last_voltage_volt").filter(into).max(),
        "lower_voltage_volt": pl.min_horizontal("first_voltage_volt", "last_voltage_volt").filter(out).min(),
    }


def _read_rests() -> dict[str, pl.Expr]:
    # A rest belongs to the half cycle before it, so the charge's rest ends where the discharge begins.
    rest, way, voltage = _name_kind() == "rest", pl.col("last_way"), pl.col("last_voltage_volt")
    return {
        "charge_rest_voltage_volt": voltage.filter(rest & (way > 0)).last(),
        "discharge_rest_voltage_volt": voltage.filter(rest & (way < 0)).last(),
    }


def _is_hold() -> pl.Expr:
    place = pl.col("step_count")
    # What follows the last half is no hold of the cycle: the cell may have been left lying.
    inside = (place > place.filter(_moves()).min()) & (place < place.filter(_moves()).max())
    return (~_is_active() | _name_kind().str.ends_with("_cv")) & inside


def _time_mean(name: str) -> pl.Expr:
    """The mean over the steps that have a value, weighted by their time."""
    seconds = pl.col("duration_second")
    return (pl.col(name) * seconds).sum() / seconds.filter(pl.col(name).is_not_null()).sum()


def _charge_mean(name: str, chosen: pl.Expr) -> pl.Expr:
    """The mean over the chosen steps, weighted by the charge that each moved."""
    weight = pl.col("primary_charge_ah").filter(chosen).abs()
    return (pl.col(name).filter(chosen) * weight).sum() / weight.sum()


def _add_efficiency(cycles: pl.DataFrame, convention: str) -> pl.DataFrame:
    into, out = pl.col("charging_capacity_ah"), pl.col("discharging_capacity_ah")
    gained_by_charge = pl.lit(convention == "half_anode") | (pl.lit(convention == "symmetric") & (pl.col("first") < 0))
    energy = pl.col("discharging_energy_wh") / pl.col("charging_energy_wh")
    return cycles.with_columns(
        coulombic_efficiency=pl.when(gained_by_charge).then(into / out).otherwise(out / into),
        energy_efficiency=energy if convention != "symmetric" else pl.lit(None, dtype=pl.Float64),
    )


def _add_flags(cycles: pl.DataFrame, *, truncated: bool) -> pl.DataFrame:
    last = pl.col("cycle") == cycles["cycle"].max()
    marks = {
        "charge_only": pl.col("discharging_capacity_ah").is_null(),
        "discharge_only": pl.col("charging_capacity_ah").is_null(),
        "truncated": last & pl.lit(truncated),
        "gap": pl.col("step_flags").list.eval(pl.element().str.contains("gap")).list.any(),
        "counter_differs": pl.col("step_flags").list.eval(pl.element().str.contains("counter_differs")).list.any(),
    }
    named = [pl.when(mark).then(pl.lit(name)) for name, mark in marks.items()]
    return cycles.with_columns(flags=pl.concat_str(named, separator=",", ignore_nulls=True))


def is_truncated(steps: pl.DataFrame, first: int) -> bool:
    """Say whether the test's last record cut a half cycle short.

    The last step must be active, and stop short of the voltage at which earlier half cycles of its direction ended.

    Args:
        steps: rows of ``schema.STEPS`` with their ``cycle`` and, from :func:`major_headings`, ``heading``.
        first: the direction that opens a cycle.
    """
    way = steps["heading"][-1]
    if way == 0 or steps["end_reason"][-1] == "current":
        return False
    if way == first:
        return True
    mine = steps.filter(pl.col("heading") == way)
    ends = mine.group_by("cycle", maintain_order=True).agg(pl.col("last_voltage_volt").last())["last_voltage_volt"]
    if len(ends) == 1:
        return False
    reached = float(np.median(ends[:-1]))
    return bool((steps["last_voltage_volt"][-1] - reached) * way < -REACHED_WIDTH_VOLT)

"""Direct-current resistance at current edges.

formula: R(t) = abs(V(t0 + t) - V(t0-)) / abs(I(t0 + t) - I(t0-)); t0- is the last record before the edge
source: IEC 61960-3 (two currents), HPPC and DCIR by pulse, which are the same figure at other times and states
condition: t0 is known to a part of t (the step's own clock, or a record close enough before); a record lies near
    t0 + t, or two around it lie close and in one current range; both changes exceed their noise
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import doubles
from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.records import Records
from warehouse.schema import RESISTANCE, fill_columns

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Limits:
    """What a change must exceed to be one: some standard deviations of the difference of two records.

    Args:
        voltage: in V.
        current: in A.
    """

    voltage: float
    current: float

    @classmethod
    def of(cls, precision: pl.DataFrame, recipe: LoadsRecipe) -> Limits:
        """Return the limits that a test's row of ``schema.PRECISION`` gives; nothing where it is silent."""
        noises = precision.row(0, named=True)
        factor = recipe.sigmas * 2**0.5
        return cls(*(factor * (noises[name] or 0.0) for name in ("voltage_noise_volt", "current_noise_ampere")))


@dataclass(frozen=True)
class Edges:
    """Edges between steps, one entry each.

    Args:
        step: index of the step that begins there.
        load: index of the step whose current begins or ends there.
        of_pulse: whether that is a pulse.
    """

    step: Integers
    load: Integers
    of_pulse: Mask

    def take(self, chosen: Mask) -> Edges:
        """Return some of them."""
        return Edges(self.step[chosen], self.load[chosen], self.of_pulse[chosen])


@dataclass(frozen=True)
class Moments:
    """Edges and times behind them, one entry each.

    Args:
        edge: index of the edge.
        after: time behind it.
        at_end: whether that is the last record of its step.
    """

    edge: Integers
    after: Doubles
    at_end: Mask


def find_resistances(records: Records, state: Doubles, limits: Limits, recipe: LoadsRecipe) -> pl.DataFrame:
    """Return rows of ``schema.RESISTANCE`` of a test.

    Args:
        records: the test's records.
        state: the state of charge before each of its steps.
        limits: what a change must exceed.
        recipe: thresholds.
    """
    edges = _find_edges(records, recipe)
    if not len(edges.step):
        return RESISTANCE.empty()
    begin, sure = find_beginnings(records, edges.step)
    moments = _find_moments(records, edges, begin, recipe)
    voltage, current, between, found = read_at(records, edges.step[moments.edge], begin[moments.edge], moments, recipe)
    found &= sure[moments.edge] <= recipe.edge_time * moments.after
    before = records.starts[edges.step] - 1
    found &= (begin - records.time[before] <= recipe.oldest_before_second)[moments.edge]
    seen = {
        "voltage_change_volt": np.where(found, voltage - records.voltage[before][moments.edge], np.nan),
        "current_change_ampere": np.where(found, current - records.current[before][moments.edge], np.nan),
        "after_second": moments.after,
        "at_end": moments.at_end,
        "interpolated": between & found,
    }
    known = {name: values[moments.edge] for name, values in _describe(records, edges, begin, state).items()}
    return _judge(pl.DataFrame({**seen, **known}), records, limits)


def find_beginnings(records: Records, step: Integers) -> tuple[Doubles, Doubles]:
    """Return when steps began, and how far that may be off.

    Without the step's own clock it is the last record before; the edge then lies up to the first record behind.

    Args:
        records: the test's records.
        step: indices of steps, none of them the first.
    """
    first = records.starts[step]
    known = ~np.isnan(records.edges[step])
    # Most instruments record a step's end, so that its last record is the edge.
    begin = np.where(known, records.edges[step], records.time[first - 1])
    return begin, np.where(known, 0.0, records.time[first] - records.time[first - 1])


def read_at(
    records: Records, step: Integers, begin: Doubles, moments: Moments, recipe: LoadsRecipe
) -> tuple[Doubles, Doubles, Mask, Mask]:
    """Return voltage, current, whether they are interpolated, and whether there is a record to read them from.

    Args:
        records: the test's records.
        step: of each moment the index of its step.
        begin: when that began.
        moments: the times behind.
        recipe: thresholds.
    """
    first, last = records.starts[step], records.ends[step] - 1
    target = begin + moments.after
    # Neighbouring steps may share a time: what is found in the other one is brought back.
    right = np.clip(np.searchsorted(records.time, target), first, last)
    right = np.where(moments.at_end, last, right)
    left = np.maximum(right - 1, first)
    time = records.time
    near = np.where(target - time[left] < time[right] - target, left, right)
    close = np.abs(time[near] - target) <= recipe.near_time * moments.after
    gap = time[right] - time[left]
    around = (
        (time[left] <= target) & (target <= time[right]) & (gap > 0) & (gap <= recipe.interpolation * moments.after)
    )
    # A change of range is a change of gain and offset: nothing lies between its two sides.
    around &= _same_range(records, left, right)
    between = around & ~close
    part = np.divide(target - time[left], gap, out=np.zeros(len(gap)), where=between)
    values = (
        np.where(between, column[left] + part * (column[right] - column[left]), column[near])
        for column in (records.voltage, records.current)
    )
    voltage, current = values
    return voltage, current, between, close | around


def _same_range(records: Records, one: Integers, other: Integers) -> Mask:
    if records.ranges is None:
        return np.ones(len(one), dtype=np.bool_)
    same: Mask = records.ranges[one] == records.ranges[other]
    return same


def _find_edges(records: Records, recipe: LoadsRecipe) -> Edges:
    """Return the edges of pulses, of so many at most, and those with which half cycles begin."""
    pulse = np.flatnonzero(records.pulses)
    if len(pulse) > recipe.most_edges:
        pulse = pulse[np.unique(np.linspace(0, len(pulse) - 1, recipe.most_edges).astype(np.int64))]
    # A pulse is never a test's last step.
    released = pulse[~records.active[pulse + 1]]
    half = _find_halves(records)
    step = np.concatenate([pulse, released + 1, half])
    load = np.concatenate([pulse, released, half])
    of_pulse = np.arange(len(step)) < len(pulse) + len(released)
    order = np.argsort(step, kind="stable")
    edges = Edges(step[order], load[order], of_pulse[order])
    return edges.take(edges.step > 0)


def _find_halves(records: Records) -> Integers:
    """Return the first step of each direction of each cycle; what begins as a pulse is none."""
    cycle = records.inputs.steps["cycle"].to_numpy()
    place = np.flatnonzero(records.active & ~records.pulses & (cycle > 0))
    first = np.unique(np.stack([cycle[place], records.way[place]]), axis=1, return_index=True)[1]
    return np.sort(place[first])


def _find_moments(records: Records, edges: Edges, begin: Doubles, recipe: LoadsRecipe) -> Moments:
    """Return the times behind each edge that its step lasts to."""
    length = records.time[records.ends[edges.step] - 1] - begin
    every = np.array(sorted({*recipe.pulse_times, *recipe.cycle_times}))
    wanted = np.where(
        edges.of_pulse[:, None], np.isin(every, recipe.pulse_times), np.isin(every, recipe.cycle_times)
    ) & (every <= length[:, None] * (1 + recipe.near_time))
    edge, time = np.nonzero(wanted)
    # A pulse of a whole second ends at a time that is asked for anyway.
    apart = ~(wanted & np.isclose(every, length[:, None], rtol=1e-9)).any(axis=1)
    ends = np.flatnonzero(edges.of_pulse & (edges.step == edges.load) & (length > 0) & apart)
    moments = np.concatenate([edge, ends]), np.concatenate([every[time], length[ends]])
    at_end = np.isclose(moments[1], length[moments[0]], rtol=1e-9)
    order = np.lexsort((moments[1], moments[0]))
    return Moments(moments[0][order], moments[1][order], at_end[order])


def _describe(records: Records, edges: Edges, begin: Doubles, state: Doubles) -> dict[str, NDArray[Any]]:
    """Return what is known of each edge itself, by column name; the words of it as a choice of two."""
    steps = records.inputs.steps
    before, first = records.starts[edges.step] - 1, records.starts[edges.step]
    # The test's first step is no pulse, for nothing is known before it.
    number = np.cumsum(records.pulses) - int(records.pulses[0])
    return {
        "step_count": steps["step_count"].to_numpy()[edges.step],
        "cycle": steps["cycle"].to_numpy()[edges.load],
        "of_pulse": edges.of_pulse,
        "pulse": number[edges.load],
        "loads": edges.step == edges.load,
        "charges": records.way[edges.load] > 0,
        "voltage_before_volt": records.voltage[before],
        "current_before_ampere": records.current[before],
        "rest_before_second": records.rested[edges.step],
        "range_changed": ~_same_range(records, before, first),
        "start_time_second": begin,
        "start_unix_time_second": doubles(steps["start_unix_time_second"])[edges.step],
        "temperature_celsius": doubles(steps["mean_temperature_celsius"])[edges.load],
        "state_of_charge": state[edges.load],
    }


def _judge(frame: pl.DataFrame, records: Records, limits: Limits) -> pl.DataFrame:
    """Name things, and divide where both changes exceed their noise."""
    voltage, current = pl.col("voltage_change_volt"), pl.col("current_change_ampere")
    small = (voltage.abs() <= limits.voltage) | (current.abs() <= limits.current)
    words = {"of": ("of_pulse", "pulse", "cycle"), "edge": ("loads", "load", "release")}
    words |= {"direction": ("charges", "charge", "discharge")}
    test = records.inputs.test
    named = frame.with_columns(
        *(
            pl.when(pl.col(of)).then(pl.lit(yes)).otherwise(pl.lit(no)).alias(name)
            for name, (of, yes, no) in words.items()
        ),
        test_id=pl.lit(test["test_id"]),
        revision=pl.lit(test["revision"], dtype=pl.Int64),
        pulse=pl.when(pl.col("of_pulse")).then(pl.col("pulse")),
        range_changed=pl.when(pl.lit(records.ranges is not None)).then(pl.col("range_changed")),
        resistance_ohm=pl.when(voltage.is_not_nan() & ~small).then(voltage.abs() / current.abs()),
        status=pl.when(voltage.is_nan())
        .then(pl.lit("not_resolved"))
        .when(small)
        .then(pl.lit("below_noise"))
        .otherwise(pl.lit("resolved")),
    ).with_columns(pl.col(pl.Float64).fill_nan(None))
    return fill_columns(named.drop("of_pulse", "loads", "charges"), RESISTANCE)

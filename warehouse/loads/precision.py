"""How finely and how truly a test was measured, from its own records and what is known of its channel.

formula: noise: s = 1.4826·MAD of r_k = x_k - (x_{k-1}·(t_{k+1}-t_k) + x_{k+1}·(t_k-t_{k-1})) / (t_{k+1}-t_{k-1}),
    over √(1 + w₁² + w₂²) of its own weights w, so that a trend of the cell is no noise
formula: quantum: the largest q of which all differences between recorded values are whole multiples
formula: offset: mean of the middle half of the currents that the instrument recorded while it said that it rests
condition: an instrument that prints 0 at rest does not measure there; its offset is unknown, not 0
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes
from warehouse.loads.recipe import LoadsRecipe
from warehouse.metrics.inputs import Row, TestInputs
from warehouse.schema import PRECISION, STEP_TYPES, fill_columns

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

# A median absolute deviation is this part of a normal distribution's standard deviation.
SIGMA_OF_MAD: Final = 1.4826
# A value between two ticks of a quantum is off by up to half of it, each value as likely as any other.
SIGMA_OF_QUANTUM: Final = 12**-0.5
FEWEST_RESIDUALS: Final = 10
# Multiples further apart than this add up the error of the quantum itself.
LARGEST_MULTIPLE: Final = 1000
ROUNDING: Final = 1e-4
# Of a run's values, in quanta: a print of a fiftieth of them or finer.
FURTHEST_OFF: Final = 0.02
MOST_TRIES: Final = 40
REST: Final = STEP_TYPES.index("rest")
RESTING: Final = np.array([kind == "rest" for kind in STEP_TYPES])
LOADED: Final = np.array([kind.startswith(("charge", "discharge")) and not kind.endswith("_cv") for kind in STEP_TYPES])


@dataclass(frozen=True)
class Sample:
    """Records of whole steps, spread over a test.

    Args:
        time: test time.
        voltage: voltage.
        current: current.
        step: for each record the number of its step within the sample.
        kind: for each record its step's kind, by its place among the step types.
    """

    time: Doubles
    voltage: Doubles
    current: Doubles
    step: Integers
    kind: Integers


COLUMNS: Final = ("test_time_second", "voltage_volt", "current_ampere", "step_type", "current_range_ampere")


def compute_precision(inputs: TestInputs, recipe: LoadsRecipe) -> tuple[pl.DataFrame, ...]:
    """Return the test's row of ``schema.PRECISION``, from its records; none for a test without records."""
    if not inputs.steps.height:
        return (PRECISION.empty(),)
    return (find_precision(inputs, inputs.read_rows(COLUMNS), recipe),)


def find_precision(inputs: TestInputs, rows: pl.DataFrame, recipe: LoadsRecipe) -> pl.DataFrame:
    """Return the test's row of ``schema.PRECISION``.

    Args:
        inputs: the test.
        rows: its measurements; at least time, voltage, current, and where it has them step type and current range.
        recipe: thresholds.
    """
    channel = inputs.channel or {}
    row: dict[str, Any] = {"test_id": inputs.test["test_id"], "revision": inputs.test["revision"]}
    row |= _describe_range(channel, rows)
    offset, source, resting = find_offset(rows, channel, recipe)
    row |= {"current_offset_ampere": offset, "current_offset_source": source, "resting_records": resting}
    row |= _describe_sample(take_sample(inputs, rows, recipe), clamped=source == "unknown", recipe=recipe)
    frame = pl.DataFrame([row], schema={name: PRECISION.dtypes[name] for name in row})
    return fill_columns(frame, PRECISION)


def find_offset(rows: pl.DataFrame, channel: Row, recipe: LoadsRecipe) -> tuple[float | None, str, int]:
    """Return what the instrument reads where no current flows, who says so, and the records at rest.

    Args:
        rows: measurements.
        channel: what is known of the channel.
        recipe: thresholds.
    """
    current = np.empty(0)
    if "step_type" in rows.columns:
        current = rows["current_ampere"].to_numpy()[codes(rows["step_type"], -1) == REST]
    if channel.get("current_offset_ampere") is not None:
        return float(channel["current_offset_ampere"]), "channel", len(current)
    if len(current) < FEWEST_RESIDUALS or np.mean(current == 0) >= recipe.clamped:
        return None, "unknown", len(current)
    low, high = np.quantile(current, [0.25, 0.75], method="inverted_cdf")
    return float(current[(current >= low) & (current <= high)].mean()), "rest", len(current)


def take_sample(inputs: TestInputs, rows: pl.DataFrame, recipe: LoadsRecipe) -> Sample:
    """Return the records of whole steps, evenly chosen until they are about as many as the recipe asks for."""
    records = inputs.steps["records"].to_numpy()
    every = max(1, -(-rows.height // recipe.precision_records))
    chosen = np.arange(len(records)) % every == 0
    # A step may be as long as the test: then its beginning has to do.
    length = np.minimum(records[chosen], max(recipe.precision_records, 1))
    step = np.repeat(np.arange(len(length)), length)
    within = np.arange(len(step)) - np.repeat(np.cumsum(length) - length, length)
    index = np.repeat(inputs.first_rows[chosen], length) + within
    time, voltage, current = (
        rows[name].to_numpy()[index] for name in ("test_time_second", "voltage_volt", "current_ampere")
    )
    return Sample(time, voltage, current, step, codes(inputs.steps["kind"], 0)[chosen][step])


def find_quantum(values: Doubles, recipe: LoadsRecipe) -> float | None:
    """Return the step that all values are multiples of; None where they are too few or show none.

    Args:
        values: recorded values.
        recipe: thresholds.
    """
    distinct = np.unique(values)
    if len(distinct) < recipe.fewest_values:
        return None
    least = recipe.finest_quantum * float(np.abs(distinct).max())
    steps = np.diff(distinct)
    # Doubles that print alike may differ in their last bits.
    steps = steps[steps > recipe.off_quantum * least]
    # A converter's steps may be rounded in print; where nothing else fits, what print itself leaves is told.
    for off in (recipe.off_quantum, ROUNDING):
        quantum = _divide(steps, least, off)
        if quantum is not None and _fits(steps, quantum, recipe):
            return quantum
    return None


def _divide(steps: Doubles, least: float, off: float) -> float | None:
    """Return the largest step that divides all others, by Euclid's way; None where it would be too small."""
    for _ in range(MOST_TRIES):
        quantum = float(steps.min(initial=np.inf))
        if not least <= quantum < np.inf:
            return None
        near = steps[steps < LARGEST_MULTIPLE * quantum]
        multiple = np.round(near / quantum)
        rest = np.abs(near - multiple * quantum)
        over = rest[rest > off * quantum]
        if not len(over):
            return float(f"{np.median(near / multiple):.6g}")
        # As with whole numbers, what divides both steps divides the remainder.
        steps = np.append(over, quantum)
    return None


def _fits(steps: Doubles, quantum: float, recipe: LoadsRecipe) -> bool:
    """Say whether multiples of a quantum stay where they should over a long run: like steps need not be equal ones."""
    close = steps < LARGEST_MULTIPLE * quantum
    if not close.any():
        return False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], close, [False]])))
    longest = int(np.argmax(edges[1::2] - edges[::2]))
    run = steps[edges[2 * longest] : edges[2 * longest + 1]]
    place, value = np.cumsum(np.round(run / quantum)), np.cumsum(run)
    slope = float(np.sum(place * value) / np.sum(place * place))
    off = np.abs(value - slope * place).max()
    return bool(off <= FURTHEST_OFF * quantum and abs(slope / quantum - 1) <= recipe.off_quantum)


def find_noise(sample: Sample, values: Doubles, chosen: Mask) -> float | None:
    """Return the standard deviation of one record about its neighbours; None where there are too few.

    Args:
        sample: the records.
        values: what was recorded.
        chosen: records to look at; a record counts where both its neighbours are chosen too, and of its step.
    """
    if len(values) <= FEWEST_RESIDUALS:
        return None
    before, after = sample.time[1:-1] - sample.time[:-2], sample.time[2:] - sample.time[1:-1]
    whole = before + after
    good = chosen[:-2] & chosen[1:-1] & chosen[2:] & (sample.step[:-2] == sample.step[2:]) & (before > 0) & (after > 0)
    if np.count_nonzero(good) < FEWEST_RESIDUALS:
        return None
    first, last = after[good] / whole[good], before[good] / whole[good]
    residual = values[1:-1][good] - first * values[:-2][good] - last * values[2:][good]
    residual /= np.sqrt(1 + first**2 + last**2)
    return float(SIGMA_OF_MAD * np.median(np.abs(residual - np.median(residual))))


def _describe_range(channel: Row, rows: pl.DataFrame) -> dict[str, float | None]:
    used = rows["current_range_ampere"].max() if "current_range_ampere" in rows.columns else None
    full: Any = used if used is not None else channel.get("full_scale_ampere")
    part = channel.get("current_accuracy_of_range")
    return {
        "current_range_ampere": full,
        "range_accuracy_ampere": part * full if part is not None and full is not None else None,
        "input_resistance_ohm": channel.get("input_resistance_ohm"),
    }


def _describe_sample(sample: Sample, *, clamped: bool, recipe: LoadsRecipe) -> dict[str, float | None]:
    resting = RESTING[sample.kind]
    loaded = LOADED[sample.kind] & _at_constant_current(sample, recipe)
    quanta = {name: find_quantum(getattr(sample, name), recipe) for name in ("current", "voltage")}
    currents = [find_noise(sample, sample.current, loaded)]
    # What is printed as 0 shows no noise.
    currents += [] if clamped else [find_noise(sample, sample.current, resting)]
    voltages = [find_noise(sample, sample.voltage, chosen) for chosen in (loaded, resting)]
    interval = np.diff(sample.time)[sample.step[1:] == sample.step[:-1]]
    return {
        "current_quantum_ampere": quanta["current"],
        "voltage_quantum_volt": quanta["voltage"],
        # Both are noise of the current; of the voltages the one in which the cell itself moved less.
        "current_noise_ampere": _not_below(max, currents, quanta["current"]),
        "voltage_noise_volt": _not_below(min, voltages, quanta["voltage"]),
        "sample_interval_second": float(np.median(interval)) if len(interval) else None,
    }


def _at_constant_current(sample: Sample, recipe: LoadsRecipe) -> Mask:
    size = np.abs(sample.current)
    begins = np.flatnonzero(np.append(True, sample.step[1:] != sample.step[:-1]))
    return size >= recipe.constant_current * np.maximum.reduceat(size, begins)[sample.step]


def _not_below(choose: Any, found: list[float | None], quantum: float | None) -> float | None:
    """Return one of the noises, at least what rounding to the quantum makes; None where nothing is known."""
    noises = [noise for noise in found if noise is not None]
    least = quantum * SIGMA_OF_QUANTUM if quantum is not None else 0.0
    noise = max(choose(noises), least) if noises else least
    return noise or None

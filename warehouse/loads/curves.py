"""dQ/dV and dV/dQ of some ageing cycles, on a uniform grid of voltage.

formula: Q(V) along the records whose voltage went further than any before, linearly between them; on the whole
    multiples of the grid within their span dQ/dV_k = (Q_{k+1} - Q_{k-1}) / 2h; then the mean over an odd window, and
    one point dropped at either end
condition: the grid is five quanta and three standard deviations of the voltage or more, the half cycle spans enough of
    it and has a record a cell; else it is refused
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.loads.recipe import LoadsRecipe
from warehouse.loads.records import Records
from warehouse.schema import DQDV, fill_columns

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

CURVE: Final = ("voltage_volt", "charge_ah", "dqdv_ah_per_volt")


def draw_curves(records: Records, precision: pl.DataFrame, recipe: LoadsRecipe) -> pl.DataFrame:
    """Return rows of ``schema.DQDV`` of a test.

    Args:
        records: the test's records.
        precision: the test's row of ``schema.PRECISION``.
        recipe: thresholds.
    """
    coarse = judge_grid(precision, recipe)
    drawn = [
        _draw(records, cycle, way, coarse, recipe)
        for cycle in choose_cycles(records.inputs.cycles, recipe.curves)
        for way in (1, -1)
    ]
    if not drawn:
        return DQDV.empty()
    test = records.inputs.test
    whole = pl.DataFrame({name: np.concatenate([one[name] for one in drawn]) for name in drawn[0]})
    named = whole.with_columns(
        pl.lit(test["test_id"]).alias("test_id"),
        pl.lit(test["revision"], dtype=pl.Int64).alias("revision"),
        pl.lit(recipe.grid_volt).alias("grid_volt"),
        pl.lit(odd(recipe.window), dtype=pl.Int64).alias("window"),
        pl.col("direction", "status").cast(pl.String),
        pl.col("reason").cast(pl.String).replace("", None),
        pl.col(pl.Float64).fill_nan(None),
    )
    return fill_columns(named, DQDV)


def choose_cycles(cycles: pl.DataFrame, curves: int) -> list[int]:
    """Return about so many whole ageing cycles, evenly spaced, the first and the last among them.

    Args:
        cycles: rows of ``schema.CYCLES`` of one test.
        curves: how many.
    """
    whole = cycles.filter((pl.col("class") == "ageing") & ~pl.col("flags").str.contains("gap"))["cycle"].to_numpy()
    if not len(whole):
        return []
    chosen = np.unique(np.linspace(0, len(whole) - 1, max(curves, 1)).round().astype(np.int64))
    return [int(cycle) for cycle in whole[chosen]]


def judge_grid(precision: pl.DataFrame, recipe: LoadsRecipe) -> str | None:
    """Return why the voltage is too coarse for the grid, or None.

    Args:
        precision: the test's row of ``schema.PRECISION``.
        recipe: thresholds.
    """
    known = precision.row(0, named=True)
    if recipe.grid_volt < recipe.grid_quanta * (known["voltage_quantum_volt"] or 0.0):
        return "grid_below_quantum"
    if recipe.grid_volt < recipe.grid_sigmas * (known["voltage_noise_volt"] or 0.0):
        return "grid_below_noise"
    return None


def follow_voltage(voltage: Doubles, charge: Doubles, way: int) -> tuple[Doubles, Doubles]:
    """Return the records whose voltage went further than any before: back-steps and constant voltage are left out.

    Args:
        voltage: of each record.
        charge: moved so far.
        way: +1 where the voltage should rise, -1 where it should fall.
    """
    along = voltage * way
    furthest = np.maximum.accumulate(along)
    ahead = np.append(True, along[1:] > furthest[:-1])[: len(voltage)]
    return voltage[ahead], charge[ahead]


def differentiate(voltage: Doubles, charge: Doubles, grid: float, window: int) -> dict[str, Doubles]:
    """Return grid points, the charge there, and dQ/dV.

    Args:
        voltage: strictly rising or falling.
        charge: at each voltage.
        grid: width of the grid.
        window: grid points that are averaged; odd.
    """
    # What is discharged counts negative, so that the slope is positive read this way too.
    if voltage[0] > voltage[-1]:
        voltage, charge = voltage[::-1], charge[::-1]
    place = np.arange(np.ceil(voltage[0] / grid), np.floor(voltage[-1] / grid) + 1) * grid
    at = np.interp(place, voltage, charge)
    # Whole multiples of the grid make the curves of all cycles comparable point for point.
    slope = (at[2:] - at[:-2]) / (2 * grid)
    smooth = np.convolve(slope, np.full(window, 1 / window), mode="valid")[1:-1]
    cut = 2 + window // 2
    return {"voltage_volt": place[cut:-cut], "charge_ah": at[cut:-cut], "dqdv_ah_per_volt": smooth}


def odd(window: int) -> int:
    """Return an odd window that is no smaller."""
    return max(window, 1) | 1


def _draw(records: Records, cycle: int, way: int, coarse: str | None, recipe: LoadsRecipe) -> dict[str, NDArray[Any]]:
    """Return the columns of one half cycle, or one row that says why there are none."""
    voltage, charge = follow_voltage(*_half(records, cycle, way), way)
    reason = coarse or _judge_span(voltage, recipe)
    if reason is None:
        curve = differentiate(voltage, charge, recipe.grid_volt, odd(recipe.window))
    else:
        curve = dict.fromkeys(CURVE, np.full(1, np.nan))
    slope = curve["dqdv_ah_per_volt"]
    count = len(slope)
    return {
        **curve,
        "charge_ah": np.abs(curve["charge_ah"]),
        "dvdq_volt_per_ah": np.divide(1.0, slope, out=np.full(count, np.nan), where=slope > 0),
        "cycle": np.full(count, cycle),
        "direction": np.full(count, "charge" if way > 0 else "discharge", dtype="U9"),
        "status": np.full(count, "shown" if reason is None else "refused", dtype="U7"),
        "reason": np.full(count, reason or "", dtype="U20"),
        "records": np.full(count, len(voltage)),
    }


def _half(records: Records, cycle: int, way: int) -> tuple[Doubles, Doubles]:
    """Return voltage and charge moved so far, of the records of a half cycle; what is discharged counts negative."""
    of_cycle = records.inputs.steps["cycle"].to_numpy() == cycle
    index = np.concatenate([*_spans(records, np.flatnonzero(of_cycle & (records.way == way))), np.empty(0, np.int64)])
    return records.voltage[index], np.append(0.0, np.cumsum(records.charges[index]))[:-1]


def _spans(records: Records, steps: Integers) -> Iterator[Integers]:
    for step in steps:
        yield np.arange(records.starts[step], records.ends[step])


def _judge_span(voltage: Doubles, recipe: LoadsRecipe) -> str | None:
    cells = abs(voltage[-1] - voltage[0]) / recipe.grid_volt if len(voltage) else 0.0
    if cells < recipe.fewest_cells:
        return "span_too_small"
    return "records_too_sparse" if len(voltage) < recipe.records_per_cell * cells else None

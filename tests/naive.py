"""Fade, coulombic efficiency and dQ/dV once more, row by row, from measurements alone: slow, plain, and independent.

Nothing here is shared with the warehouse: halves are told by the sign of the current, charge is what the instrument's
counter went up by, cycles are one half of each direction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl


@dataclass
class Half:
    """One half cycle: its direction, its charge by the counter in Ah, and its records, step by step."""

    way: int
    charge: float = 0.0
    steps: list[list[tuple[float, float, float]]] = field(default_factory=list)


def naive_halves(frame: pl.DataFrame, rise: Callable[[dict[str, float], dict[str, float], int], float]) -> list[Half]:
    """Walk over the rows.

    Args:
        frame: measurements with a step_count.
        rise: what the instrument's counter went up by from one row to the next, given the direction.
    """
    steps: dict[int, list[float]] = {}
    # Where a counter is not told it stands still.
    rows = frame.with_columns(pl.col("^.*capacity_ah$").forward_fill().fill_null(0.0)).to_dicts()
    for row in rows:
        steps.setdefault(row["step_count"], []).append(row["current_ampere"])
    mean = {step: sum(currents) / len(currents) for step, currents in steps.items()}
    largest = max(abs(value) for value in mean.values())
    halves: list[Half] = []
    before = rows[0]
    for row in rows:
        current = mean[row["step_count"]]
        way = 0 if abs(current) < 0.001 * largest else 1 if current > 0 else -1
        if way:
            if not halves or halves[-1].way != way:
                halves.append(Half(way))
            if not halves[-1].steps or row["step_count"] != before["step_count"]:
                halves[-1].steps.append([])
            record = row["test_time_second"], row["voltage_volt"], row["current_ampere"]
            halves[-1].steps[-1].append(record)
            halves[-1].charge += rise(before, row, way)
        before = row
    return halves


def by_two_counters(prefix: str) -> Callable[[dict[str, float], dict[str, float], int], float]:
    """Return the rise of a pair of counters that are set back now and then."""

    def rise(before: dict[str, float], row: dict[str, float], way: int) -> float:
        name = f"{prefix}_{'charging' if way > 0 else 'discharging'}_capacity_ah"
        now, then = row[name], before[name]
        # After a reset the counter holds what flowed since.
        return now - then if now >= then else now

    return rise


def by_net_counter(before: dict[str, float], row: dict[str, float], way: int) -> float:
    """Return the rise of a counter that charging raises and discharging lowers."""
    return way * (row["net_capacity_ah"] - before["net_capacity_ah"])


def naive_dqdv(half: Half, grid: float, window: int) -> dict[float, float]:
    """Return dQ/dV by grid point."""
    volts, charges, moved = list[float](), list[float](), 0.0
    for step in half.steps:
        for number, (time, volt, current) in enumerate(step):
            if number:
                earlier, _, previous = step[number - 1]
                moved += (previous + current) / 2 * (time - earlier) / 3600
            if not volts or (volt - volts[-1]) * half.way > 0:
                volts.append(volt)
                charges.append(moved)
    if half.way < 0:
        volts.reverse()
        charges.reverse()
    first, last = int(np.ceil(volts[0] / grid)), int(np.floor(volts[-1] / grid))
    at = [_between(volts, charges, place * grid) for place in range(first, last + 1)]
    slopes = [(after - before) / (2 * grid) for before, after in zip(at[:-2], at[2:], strict=True)]
    reach = window // 2
    found = {}
    for number in range(reach + 1, len(slopes) - reach - 1):
        mean = sum(slopes[number - reach : number + reach + 1]) / window
        found[round((first + 1 + number) * grid, 9)] = mean
    return found


def _between(volts: list[float], charges: list[float], volt: float) -> float:
    right = int(np.searchsorted(volts, volt))
    if right == 0:
        return charges[0]
    part = (volt - volts[right - 1]) / (volts[right] - volts[right - 1])
    return charges[right - 1] + part * (charges[right] - charges[right - 1])

"""The thresholds behind groups of like cells and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReplicatesRecipe:
    """When cells are replicates of each other, and what is said of a group.

    Args:
        confidence: level of every interval.
        outlier_limit: a cell whose modified z exceeds this is flagged, and kept.
        same_current: currents, and rates, that differ by less than this part are one.
        same_voltage_volt: likewise ends of the voltage window.
        same_temperature_kelvin: likewise temperatures.
        same_depth: likewise depths of discharge, as a part of the capacity.
        full_depth: from this depth on a discharge counts as full.
        first_cycles: the capacity of a block is the median of so many of its first cycles.
        resistance_second: time behind the beginning of a discharge at which resistances are compared.
        common_cycles: ages at which retentions are compared, beside the greatest that all cells of a group reached.
        exposure_celsius: a cell that was this hot without current went through an exposure.
        exposure_pause_second: hot stretches that lie closer together than this are one exposure.
    """

    confidence: float = 0.95
    outlier_limit: float = 3.5
    same_current: float = 0.05
    same_voltage_volt: float = 0.02
    same_temperature_kelvin: float = 2.0
    same_depth: float = 0.1
    full_depth: float = 0.9
    first_cycles: int = 3
    resistance_second: float = 1.0
    common_cycles: tuple[int, ...] = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
    exposure_celsius: float = 100.0
    exposure_pause_second: float = 3600.0

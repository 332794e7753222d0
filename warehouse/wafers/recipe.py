"""The thresholds of everything that is said of dies, wafers and splits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WafersRecipe:
    """Thresholds and policies for wafers, limits, yields, uniformity and splits.

    Args:
        confidence: level of every interval.
        short_volt: a die that never holds more than this is a short.
        open_ohm: a die of more than this is open.
        binning_spec: the specification that dies are sorted by; all that apply together where empty.
        sort_quantities: limits on these sort dies; others are judged, but a life test is no sort.
        yield_cycles: yields are also told of what is within limits at these cycles.
        sort_cycles: a die with no more ageing cycles was sorted, not cycled.
        end_of_life: retention that is within limits where no specification says so.
        fewest_dies: figures of uniformity need this many dies.
        fewest_for_profile: radial profile, tilt and Moran's I need this many.
        centre_part: dies within this part of the farthest die's radius are the centre.
        edge_part: dies beyond this part of it are the edge.
        fewest_wafers: a mean, an effect or a component of variance needs this many wafers, of each arm.
        retention_cycles: retention is compared and mapped at these cycles.
        resistance_second: the resistance that stands for a die is the one this long behind the edge.
        most_permutations: all rearrangements of the wafers are tried up to this many.
        same_cycle: cycles within this of a condition's are the same.
        same_temperature_kelvin: temperatures within this are the same.
        same_rate: currents and rates within this part are the same.
        same_voltage_volt: voltages within this are the same.
        same_depth: depths of discharge and states of charge within this are the same.
        same_time: times behind an edge and frequencies within this part are the same.
    """

    confidence: float = 0.95
    short_volt: float = 0.1
    open_ohm: float = 1e6
    binning_spec: str = ""
    sort_quantities: tuple[str, ...] = (
        "capacity",
        "areal_capacity",
        "energy",
        "resistance",
        "acir",
        "hf_resistance",
        "interface_resistance",
        "leakage",
        "open_circuit_voltage",
        "coulombic_efficiency",
    )
    yield_cycles: tuple[int, ...] = (1, 100, 500)
    sort_cycles: int = 5
    end_of_life: float = 0.8
    fewest_dies: int = 5
    fewest_for_profile: int = 8
    centre_part: float = 0.35
    edge_part: float = 0.75
    fewest_wafers: int = 2
    retention_cycles: tuple[int, ...] = (100, 500)
    resistance_second: float = 1.0
    most_permutations: int = 20_000
    same_cycle: float = 0.5
    same_temperature_kelvin: float = 2.0
    same_rate: float = 0.05
    same_voltage_volt: float = 0.01
    same_depth: float = 0.02
    same_time: float = 0.05

"""The thresholds of every figure about a cell that is left alone, or held at one voltage."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StorageRecipe:
    """Thresholds and policies for self-discharge, leakage, calendar ageing and temperature.

    Args:
        confidence: level of every interval.
        widest_interval: a figure is refused when half its interval is wider than this part of it.
        shortest_storage_hour: a charged cell that rests for less is not stored.
        rest_share: this part of the time must be recorded as rest, or not be recorded at all.
        disturbance: charge of this part of the capacity before, moved meanwhile, spoils a storage.
        minor_run: runs of current below this part of the largest are no half cycles.
        same_current: capacities at currents that differ by more than this part are not compared.
        same_limit_volt: half cycles whose last voltages differ by more than this did not reach the same end.
        same_temperature_kelvin: capacities at temperatures further apart are not compared.
        fewest_repeats: a capacity's repeatability comes from so many discharges before, at least.
        most_repeats: and at most.
        considered_rest_hour: a shorter rest is not asked for its slope.
        relaxation_hour: the first part of a rest is left to relaxation.
        shortest_decay_hour: so much must lie behind it.
        decay_parts: means over so many equal spans are fitted, whatever the instrument's intervals.
        steady_slope: slopes of the two halves that differ by more than this part are relaxation.
        fewest_quanta: the voltage must fall by so many of its steps.
        capacity_window_volt: dQ/dV is read this far to either side of the open-circuit voltage.
        fewest_points: of so many records of a discharge, at least.
        widest_capacity: half the interval of dQ/dV may be this part of it; a plateau exceeds that.
        considered_hold_hour: a shorter hold is not asked for its leakage.
        shortest_hold_hour: and one below this is refused.
        held_within_volt: samples this near to the last voltage are held.
        float_skip: the first part of a hold, which charges the cell still, is not fitted.
        settled: leakage by the last half alone may differ by this part.
        largest_transient: and what has yet to decay at the hold's end may be this part of the leakage.
        shortest_period_hour: shorter rests and holds are no periods of calendar ageing.
        calendar_share: rests and holds must be this part of the time between the first and last check-up.
        exponent: z of 1 - R = k·t^z.
        fewest_check_ups: so many check-ups after the first make a fit.
        same_voltage_volt: periods at voltages further apart are not one series.
        reference_celsius: capacities at other temperatures are compared with that at this one.
        same_celsius: cycles within this of each other, or of the reference, are at one temperature.
        soak_kelvin: the temperature may move by this within a cycle.
        soak_hour: and the cell must have been at it for so long before the cycle's discharge ends.
        return_within: back at the reference, the capacity may differ by this part.
    """

    confidence: float = 0.95
    widest_interval: float = 1.0
    shortest_storage_hour: float = 24.0
    rest_share: float = 0.95
    disturbance: float = 0.001
    minor_run: float = 0.05
    same_current: float = 0.05
    same_limit_volt: float = 0.02
    same_temperature_kelvin: float = 2.0
    fewest_repeats: int = 3
    most_repeats: int = 10
    considered_rest_hour: float = 24.0
    relaxation_hour: float = 24.0
    shortest_decay_hour: float = 12.0
    decay_parts: int = 24
    steady_slope: float = 0.5
    fewest_quanta: float = 5.0
    capacity_window_volt: float = 0.02
    fewest_points: int = 5
    widest_capacity: float = 0.25
    considered_hold_hour: float = 6.0
    shortest_hold_hour: float = 12.0
    held_within_volt: float = 0.003
    float_skip: float = 0.2
    settled: float = 0.25
    largest_transient: float = 0.5
    shortest_period_hour: float = 48.0
    calendar_share: float = 0.8
    exponent: float = 0.5
    fewest_check_ups: int = 4
    same_voltage_volt: float = 0.05
    reference_celsius: float = 25.0
    same_celsius: float = 3.0
    soak_kelvin: float = 1.0
    soak_hour: float = 1.0
    return_within: float = 0.02

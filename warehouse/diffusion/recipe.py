"""The thresholds of every figure that comes from a titration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DiffusionRecipe:
    """Thresholds and policies for titrations, by current (GITT) and by voltage (PITT).

    Args:
        fewest_pulses: so many pulses of one direction, parted by rests, are a titration.
        same_current: and their currents differ by no more than this part.
        shortest_pulse_second: what is shorter is a pulse of another test.
        shortest_rest_second: nor is it a titration where the rests between are shorter.
        skip_part: the first part of a pulse is left to interfaces and double layers.
        fewest_points: a line through fewer records is not drawn.
        straight: a line must explain this part of the variance.
        longest_pulse: a pulse may last this part of L²/D (D comes out 0.7 % low there); then the far side is felt.
        rest_window: the last part of a rest that tells whether the voltage still moves.
        relaxed_volt_per_hour: slower than this, relaxation is finished.
        widest_factor: a figure is refused when an end of its interval is further off than this factor.
        confidence: level of every interval.
        fewest_voltage_steps: so many held voltages in one direction are a titration by voltage.
        largest_voltage_step_volt: and they lie no further apart than this.
        smallest_voltage_step_volt: nor closer than this.
        held_within_volt: what a hold's mean voltage may be off its last.
        equilibrated: a step is complete when, by its last current, this part of its charge has yet to flow.
        current_quanta: currents below so many of the instrument's steps are not used.
        long_from: the long-time law holds from this part of L²/D on.
        long_fall: over the records that it is read from, ln I falls by this.
        short_from: the short-time law is read from this part of L²/D on, behind what a series resistance delays.
        short_until: the short-time law holds until this part of L²/D.
        short_skip: nor before so many times the silence before the first record on, in which the step began.
        differ: D by the two laws may differ by this factor before that is flagged.
    """

    fewest_pulses: int = 5
    same_current: float = 0.05
    shortest_pulse_second: float = 10.0
    shortest_rest_second: float = 60.0
    skip_part: float = 0.1
    fewest_points: int = 8
    straight: float = 0.98
    longest_pulse: float = 0.25
    rest_window: float = 0.2
    relaxed_volt_per_hour: float = 0.001
    widest_factor: float = 3.0
    confidence: float = 0.95
    fewest_voltage_steps: int = 4
    largest_voltage_step_volt: float = 0.1
    smallest_voltage_step_volt: float = 0.002
    held_within_volt: float = 0.001
    equilibrated: float = 0.05
    current_quanta: float = 5.0
    long_from: float = 0.3
    long_fall: float = 1.0
    short_from: float = 0.005
    short_until: float = 0.1
    short_skip: float = 5.0
    differ: float = 3.0

"""The thresholds by which a test's rows become steps, and steps cycles: a section of the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class DerivationRecipe:
    """Thresholds of steps, cycles and classes.

    Args:
        rest_of_largest: a step whose mean current is below this part of the largest step's is a rest.
        rest_of_smallest: a sample is at rest below this part of the smallest set current.
        noise_sigmas: a sample is at rest below this many standard deviations of the noise seen at rest.
        gap_factor: an interval this many times longer than its neighbours and the step's median is a gap.
        constant_voltage_volt: samples within this of the step's last voltage count as constant voltage.
        taper: at constant voltage the current falls below this part of the constant current.
        counter_tolerance: integral and counter may differ by this part before the step is flagged.
        counter_seconds: shorter steps are not compared with the counter.
        counter_quantum: a counter coarser than this part of the step's charge is not used.
        negligible_run: a run of charge or discharge below this part of the largest run near it opens no cycle.
        minor_run: nor do a few runs below this part of the larger runs before and after them.
        minor_pulse: nor do a few pulses below this part of the longer runs before and after them.
        pulse_seconds: a run that lasts no longer than this is a pulse.
        shortest_part: within an instrument's step, rest and current are told apart only over this part of its time.
        same_current: cycles whose discharge currents differ by less than this part are one class.
        longest_formation: more cycles than this before the ageing loop are not formation.
        longest_pulse_second: a pulse lasts no longer.
        fewest_pulses: a cycle with as many pulses is a pulse test.
        longest_pulse_loop: more cycles than this of nothing but pulses are a loop of their own.
        shortest_hold_second: a rest or a held voltage as long, between charge and discharge, makes a hold of a cycle.
        check_up_current: cycles below this part of the ageing current are check-ups.
    """

    rest_of_largest: float = 0.0015
    rest_of_smallest: float = 0.001
    noise_sigmas: float = 3.0
    gap_factor: float = 5.0
    constant_voltage_volt: float = 0.003
    taper: float = 0.97
    counter_tolerance: float = 0.005
    counter_seconds: float = 60.0
    counter_quantum: float = 0.001
    negligible_run: float = 1e-4
    minor_run: float = 0.01
    minor_pulse: float = 0.3
    pulse_seconds: float = 60.0
    shortest_part: float = 0.02
    same_current: float = 0.05
    longest_formation: int = 10
    longest_pulse_second: float = 45.0
    fewest_pulses: int = 3
    longest_pulse_loop: int = 100
    shortest_hold_second: float = 86_400.0
    check_up_current: float = 0.67


PLATFORM: Final = DerivationRecipe()

"""The thresholds and policies behind every derived number, in one place, with a version.

A result names the version, so that two numbers made by different rules are never taken for comparable.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Thresholds and policies.

    Args:
        version: named by every summary row.
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
        check_up_current: cycles below this part of the ageing current are check-ups.
        reference_policy: how the reference capacity of retention is chosen.
        end_of_life: retention that ends life.
        sustained_crossing: comparable cycles in a row that must stay below it.
    """

    version: str = "platform-1"
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
    check_up_current: float = 0.67
    reference_policy: str = "first_after_formation"
    end_of_life: float = 0.8
    sustained_crossing: int = 2


PLATFORM = Recipe()

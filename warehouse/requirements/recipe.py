"""The thresholds behind score sheets and normalised figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RequirementsRecipe:
    """How requirements are judged, and figures normalised.

    Args:
        decision_rule: guard_band or simple_acceptance, where a set of requirements names none.
        confidence: level of intervals, and of the guard band.
        assumed_uncertainty: of a figure without an interval of its own, as a part of its value.
        same_temperature_kelvin: a figure holds for a required temperature that is this close.
        same_rate: likewise rates and currents, as a part.
        same_depth: likewise depths of discharge and states of charge.
        same_voltage_volt: likewise voltages.
        same_time: likewise lengths of pulses, and frequencies, as a part.
        same_cycle: likewise cycles at which something was measured, as a part.
        same_threshold: likewise retentions that end life.
        reference_celsius: temperature that capacities at other temperatures are compared with.
        lco_names: what manifests call lithium cobalt oxide, in small letters.
        lco_ceiling_ah_per_cubic_metre: what its lattice gives down to half its lithium, 69 µAh·cm⁻²·µm⁻¹.
        resistance_second: time behind the beginning of a discharge of the direct-current resistance that is normalised.
        ceiling_margin: a figure may exceed its ceiling by this part, for the thickness is nominal.
    """

    decision_rule: str = "guard_band"
    confidence: float = 0.95
    assumed_uncertainty: float = 0.01
    same_temperature_kelvin: float = 2.0
    same_rate: float = 0.1
    same_depth: float = 0.1
    same_voltage_volt: float = 0.05
    same_time: float = 0.2
    same_cycle: float = 0.05
    same_threshold: float = 0.005
    reference_celsius: float = 25.0
    lco_names: tuple[str, ...] = ("lco", "licoo2", "lithium cobalt oxide")
    lco_ceiling_ah_per_cubic_metre: float = 6.9e5
    resistance_second: float = 1.0
    ceiling_margin: float = 0.05

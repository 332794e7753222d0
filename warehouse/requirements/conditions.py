"""Conditions of requirements: which there are, and when a measurement was made under them.

Names are those of the data: the unit is part of the name, SI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from warehouse.arrays import Doubles
from warehouse.requirements.recipe import RequirementsRecipe

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Condition:
    """One condition.

    Args:
        meaning: what it is.
        tolerance: field of the recipe: how far a measurement may be off.
        relative: whether that is a part of the required value.
        at_least: whether more than required is as good.
        lasting: whether a measurement that falls short may yet get there.
    """

    meaning: str
    tolerance: str = ""
    relative: bool = False
    at_least: bool = False
    lasting: bool = False


CONDITIONS: Final = {
    "temperature_celsius": Condition("Temperature", "same_temperature_kelvin"),
    "rate_per_hour": Condition("Discharge current over nominal capacity (C-rate)", "same_rate", relative=True),
    "depth_of_discharge": Condition("Depth of discharge", "same_depth"),
    "upper_voltage_volt": Condition("Upper end of the voltage window", "same_voltage_volt"),
    "lower_voltage_volt": Condition("Lower end of the voltage window", "same_voltage_volt"),
    "voltage_volt": Condition("Voltage that is held, or rested at", "same_voltage_volt"),
    "state_of_charge": Condition("State of charge before the load", "same_depth"),
    "pulse_second": Condition("Length of the pulse, or time behind its edge", "same_time", relative=True),
    "pulse_rate_per_hour": Condition("Pulse current over nominal capacity", "same_rate", relative=True),
    "frequency_hertz": Condition("Frequency", "same_time", relative=True),
    "cycle": Condition("Cycle of the cell", "same_cycle", relative=True, lasting=True),
    "end_of_life": Condition("Retention that ends life", "same_threshold"),
    "storage_day": Condition("Time of storage", at_least=True, lasting=True),
    "exposure_celsius": Condition("Temperature of an event", "same_temperature_kelvin", at_least=True),
    "exposure_second": Condition("Length of that event", at_least=True),
}


def miss(name: str, required: float, found: Doubles, recipe: RequirementsRecipe) -> Flags:
    """Say which measurements are known to be made under another condition than is required.

    Args:
        name: of the condition.
        required: its value.
        found: values of the measurements; NaN where it is not known.
        recipe: how far one may be off.
    """
    condition = CONDITIONS[name]
    slack = float(getattr(recipe, condition.tolerance)) if condition.tolerance else 0.0
    # What is written as 25.0 ± 2 includes 27.0, whatever the floats say.
    width = slack * (abs(required) if condition.relative else 1.0) + 1e-9 * abs(required)
    return found < required - width if condition.at_least else np.abs(found - required) > width

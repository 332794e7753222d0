"""Conditions of a measurement: which there are, and whether two are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Condition:
    """A condition.

    Args:
        meaning: what it is.
        tolerance: two values are one when they differ by less than this; relative unless ``absolute``.
        absolute: whether the tolerance is a difference.
    """

    meaning: str
    tolerance: str
    absolute: bool = False


# The tolerances are fields of the recipe.
CONDITIONS: Final = {
    "cycle": Condition("Cycle of the cell", "same_cycle", absolute=True),
    "temperature_celsius": Condition("Temperature", "same_temperature_kelvin", absolute=True),
    "rate_per_hour": Condition("Discharge current over nominal capacity", "same_rate"),
    "current_ampere": Condition("Discharge current", "same_rate"),
    "upper_voltage_volt": Condition("Upper end of the voltage window", "same_voltage_volt", absolute=True),
    "lower_voltage_volt": Condition("Lower end of the voltage window", "same_voltage_volt", absolute=True),
    "depth_of_discharge": Condition("Depth of discharge", "same_depth", absolute=True),
    "pulse_second": Condition("Time behind the edge of the current", "same_time"),
    "state_of_charge": Condition("State of charge", "same_depth", absolute=True),
    "frequency_hertz": Condition("Frequency", "same_time"),
}


def write_conditions(stated: Mapping[str, float | None]) -> str:
    """Return conditions as the key column of ``schema.SPEC_LIMIT`` holds them."""
    return json.dumps({name: stated[name] for name in CONDITIONS if stated.get(name) is not None})


def read_conditions(text: str) -> dict[str, float]:
    """Return the conditions that such a text states."""
    return {name: float(value) for name, value in json.loads(text or "{}").items()}


def gather_conditions(values: dict[str, Any]) -> None:
    """Put the conditions of a manifest's row, in columns of their own so far, into its one column."""
    stated = {name: values.pop(f"condition_{name}", None) for name in CONDITIONS}
    values["conditions"] = write_conditions(stated)

"""In what cells of different firms are compared, and how coarsely each figure is told.

formula: area-specific resistance: resistance · active area by the manifest
condition: capacities count for cells with an active area only, so that both are of the same cells: else their
    difference would be a statistic of the few that lack one
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Final

# Fixed, unlike the recipe's: a firm's own choice of cycles would make a group of its own.
CYCLES: Final = (10, 20, 50, 100, 200, 500, 1000)
RETENTION: Final = "capacity_retention"
FINER: Final = 10


@dataclass(frozen=True)
class Figure:
    """One figure that is compared.

    Args:
        name: of the metric.
        unit: of its values.
        source: the value of ``replicates.values`` that it is made of.
        step: what it is rounded to; None for two significant digits.
        per_area: whether the cell's area is multiplied in.
        with_area: whether only cells with an area count.
    """

    name: str
    unit: str
    source: str
    step: float | None = None
    per_area: bool = False
    with_area: bool = False


FIGURES: Final = (
    Figure("reference_capacity_ah", "Ah", "reference_capacity_ah", with_area=True),
    Figure("areal_capacity_ah_per_square_metre", "Ah/m²", "areal_capacity_ah_per_square_metre", with_area=True),
    Figure(RETENTION, "", RETENTION, step=0.01),
    Figure("fade_rate_per_cycle", "", "fade_rate_per_cycle", step=2e-5),
    Figure("coulombic_efficiency", "", "coulombic_efficiency", step=5e-4),
    Figure("area_specific_resistance_ohm_square_metre", "Ω·m²", "dc_resistance_ohm", per_area=True),
    Figure("area_specific_interface_resistance_ohm_square_metre", "Ω·m²", "interface_resistance_ohm", per_area=True),
)
STEPS: Final = {figure.name: figure.step for figure in FIGURES}


def round_figure(metric: str, value: float) -> float:
    """Return a value as coarsely as it is told."""
    return _round(value, STEPS[metric], "{:.1e}")


def name_value(metric: str, value: float) -> str:
    """Return a value ten times finer than it is told: what differs by less counts as the same."""
    step = STEPS[metric]
    return f"{_round(value, step and step / FINER, '{:.2e}'):.12g}"


def _round(value: float, step: float | None, digits: str) -> float:
    if not isfinite(value):
        raise ValueError(f"{value} cannot be compared")
    rounded = float(digits.format(value)) if step is None else float(f"{round(value / step) * step:.9g}")
    # Minus nothing reads as if it were something.
    return rounded + 0.0

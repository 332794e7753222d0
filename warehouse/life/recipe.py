"""The thresholds and policies of a cell's life: reference, end of life, fade laws, knees, forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REFERENCE_POLICIES: Final = (
    "first",
    "first_after_formation",
    "cycle_n",
    "max_of_first",
    "nominal",
    "median_3_5",
)


@dataclass(frozen=True)
class LifeRecipe:
    """Thresholds and policies for life.

    Args:
        reference_policy: how the reference capacity of retention is chosen. ``first``: the cell's first complete cycle,
            of whatever class; ``first_after_formation``: its first ageing cycle; ``cycle_n``: its cycle number
            ``reference_cycle_n``, complete, of whatever class; ``max_of_first``: the largest of its first
            ``reference_first_n`` ageing cycles; ``nominal``: the manifest's nominal capacity; ``median_3_5``: the
            median of its cycles 3 to 5, all complete.
        reference_cycle_n: the cycle of ``cycle_n``.
        reference_first_n: how many ageing cycles ``max_of_first`` looks at, 5 to 10.
        end_of_life: retention that ends life.
        sustained_crossing: comparable cycles in a row that must stay below it.
        fewest_for_rate: a plain slope over the cycles needs this many.
        most_decimals: an efficiency is printed with at most so many decimals, however small its floor.
        confidence: level of the intervals of fade laws and forecasts.
        fewest_points: fade laws are not fitted to fewer ageing cycles.
        smallest_scatter: retention is never taken to be known more finely than this.
        aicc_gain: a law with more parameters must lower the corrected Akaike criterion by this.
        widest_exponent: an exponent whose interval is wider than this is not determined.
        outlier_steps: a cycle this many times the typical step between neighbours away from them is left out of fits.
        outlier_retention: if it is also off by this much retention.
        knee_confidence: level of the intervals of knees.
        knee_fewest_points: no knee is looked for in fewer ageing cycles.
        knee_lead: cycles that must lie before a break.
        knee_acceleration: fade after the knee must be this many times as fast as before.
        knee_loss: and retention must have fallen by this since.
        knee_gain: a break must lower the corrected Akaike criterion of the best law without one by this.
        knee_follow_up: cycles that must have been seen after the knee.
        knee_last: a break within this many last cycles is the fit running off the end.
        knee_widest: a knee whose interval is wider than this part of the cycles seen is not placed.
        knee_agreement: two methods agree when their knees differ by less than this part of the cycles seen.
        forecast_reach: a forecast goes no further than this many times the cycles seen.
        forecast_plausible: a law takes part in the forecast when its criterion is within this of the best.
    """

    reference_policy: str = "first_after_formation"
    reference_cycle_n: int = 3
    reference_first_n: int = 5
    end_of_life: float = 0.8
    sustained_crossing: int = 2
    fewest_for_rate: int = 3
    most_decimals: int = 5
    confidence: float = 0.95
    fewest_points: int = 10
    smallest_scatter: float = 1e-6
    aicc_gain: float = 2.0
    widest_exponent: float = 1.0
    outlier_steps: float = 8.0
    outlier_retention: float = 0.005
    knee_confidence: float = 0.99
    knee_fewest_points: int = 30
    knee_lead: int = 10
    knee_acceleration: float = 1.5
    knee_loss: float = 0.02
    knee_gain: float = 10.0
    knee_follow_up: int = 20
    knee_last: int = 4
    knee_widest: float = 0.3
    knee_agreement: float = 0.05
    forecast_reach: float = 1.5
    forecast_plausible: float = 6.0

    def __post_init__(self) -> None:
        """Refuse a policy that does not exist: a query that met it would leave every retention empty.

        Raises:
            ValueError: a policy or a count is none of those that exist.
        """
        if self.reference_policy not in REFERENCE_POLICIES:
            known = ", ".join(REFERENCE_POLICIES)
            raise ValueError(f"reference_policy cannot be {self.reference_policy!r}; there are {known}")
        counts = self.reference_cycle_n, self.reference_first_n, self.sustained_crossing
        if min(counts) < 1:
            raise ValueError(f"reference_cycle_n, reference_first_n and sustained_crossing count from 1, not {counts}")

"""Does a measured value meet a limit? By a stated rule, never by eye.

formula: guard_band (w = U): pass when the whole interval lies within the limit, fail when the whole interval lies
    outside, else indeterminate
formula: simple_acceptance (w = 0): pass when the value lies within the limit, else fail
source: ILAC-G8:09/2019, 4.2.1 (simple acceptance) and 4.2.3 (several answers with a guard band; its conditional pass
    and conditional fail are both called indeterminate here)
condition: U is the half width of the value's interval at the recipe's confidence; where a value has none, the recipe's
    assumed uncertainty, which the row names
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from warehouse.arrays import Doubles

Words = NDArray[np.object_]

PASS: Final = "pass"  # noqa: S105 a verdict, no password
FAIL: Final = "fail"
INDETERMINATE: Final = "indeterminate"
NOT_TESTED: Final = "not_tested"
DECIDED: Final[Words] = np.array([PASS, FAIL, INDETERMINATE], dtype=object)


@dataclass(frozen=True)
class Measured:
    """A value with its interval.

    Args:
        value: None where only a bound is known: a life that goes on.
        low: lower end of the interval; None while it is unknown or open.
        high: upper end likewise.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


def decide(operator: str, limit: float, measured: Measured, rule: str) -> str:
    """Return the verdict on a measured value.

    Args:
        operator: at_least or at_most.
        limit: inclusive.
        measured: the value.
        rule: guard_band or simple_acceptance.
    """
    given = (measured.value, measured.low, measured.high)
    value, low, high = (np.array([np.nan if one is None else one]) for one in given)
    return str(decide_all(operator, limit, (value, low, high), rule)[0])


def decide_all(operator: str, limit: float, figures: tuple[Doubles, Doubles, Doubles], rule: str) -> Words:
    """Return the verdicts on several values.

    Args:
        operator: at_least or at_most.
        limit: inclusive.
        figures: values, and lower and upper ends of their intervals; NaN where there is none.
        rule: guard_band or simple_acceptance.
    """
    value, low, high = figures
    # The end that has to be within for a pass, and the one that must be without for a fail.
    near, far = (low, high) if operator == "at_least" else (high, low)
    if rule == "simple_acceptance":
        near, far = (np.where(np.isnan(value), end, value) for end in (near, far))
    within, without = (near >= limit, far < limit) if operator == "at_least" else (near <= limit, far > limit)
    return DECIDED[np.where(within, 0, np.where(without, 1, 2))]

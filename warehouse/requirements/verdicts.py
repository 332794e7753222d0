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

PASS: Final = "pass"  # noqa: S105 a verdict, no password
FAIL: Final = "fail"
INDETERMINATE: Final = "indeterminate"
NOT_TESTED: Final = "not_tested"


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
    if rule == "simple_acceptance" and measured.value is not None:
        return PASS if _is_within(operator, limit, measured.value) else FAIL
    # The end that has to be within for a pass, and the one that must be without for a fail.
    near, far = (measured.low, measured.high) if operator == "at_least" else (measured.high, measured.low)
    if near is not None and _is_within(operator, limit, near):
        return PASS
    if far is not None and not _is_within(operator, limit, far):
        return FAIL
    return INDETERMINATE


def _is_within(operator: str, limit: float, value: float) -> bool:
    return value >= limit if operator == "at_least" else value <= limit

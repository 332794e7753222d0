"""Which of many values are the same: one number for each set of values that lie within a width of their smallest.

A set begins at its smallest value and takes what lies within twice the tolerance above it. So a set has a bounded width
(a chain of small differences does not join what is far apart), and the answer does not depend on the values' order.
"""

from __future__ import annotations

import numpy as np

from warehouse.arrays import Doubles, Integers

UNKNOWN = -1


def number_sets(values: Doubles, tolerance: float, *, relative: bool = False) -> Integers:
    """Return the number of the set of each value, from 0 at the smallest; -1 for NaN.

    Args:
        values: NaN where unknown; positive where the tolerance is relative.
        tolerance: half the width of a set, in the values' unit, or as a part of its smallest value.
        relative: whether the tolerance is a part.
    """
    numbers = np.full(len(values), UNKNOWN, dtype=np.int64)
    # Sorted and once each: a set begins at the smallest value that is in none yet.
    known = np.unique(values[~np.isnan(values)])
    current = 0
    while len(known):
        width = 2 * tolerance * (abs(known[0]) if relative else 1.0)
        members = known <= known[0] + width
        numbers[(values >= known[0]) & (values <= known[members][-1])] = current
        known, current = known[~members], current + 1
    return numbers

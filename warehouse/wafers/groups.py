"""Groups of rows as the places of their rows: one sort for all groups of a table, and no table for each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from warehouse.arrays import Integers

Flags = NDArray[np.bool_]
Words = NDArray[np.object_]


def number_words(words: Iterable[str | None]) -> tuple[Integers, list[str]]:
    """Return each word's place among all words in their order, -1 where there is none, and the words themselves."""
    said = list(words)
    # By code points, as a frame sorts words too.
    names = sorted({word for word in said if word is not None})
    places: dict[str | None, int] = {name: place for place, name in enumerate(names)}
    return np.array([places.get(word, -1) for word in said], dtype=np.int64), names


def number_anew(numbers: Integers) -> Integers:
    """Return numbers in the same order, from 0 without a gap; they are places among others, and lie close together."""
    above = numbers - numbers.min(initial=0)
    # A place for each number there may be: sorting them takes five times as long.
    held = np.zeros(above.max(initial=0) + 1, dtype=np.int64)
    held[above] = 1
    anew: Integers = (np.cumsum(held) - 1)[above]
    return anew


def divide(keys: Sequence[Integers], order: Integers) -> list[Integers]:
    """Return the places of every group of rows that have the same keys.

    Args:
        keys: numbers of each row, the first of most weight; groups come in their order.
        order: of the rows within a group.
    """
    if not len(order):
        return []
    # The last key weighs most in NumPy.
    places = np.lexsort((order, *reversed(keys)))
    changed = np.logical_or.reduce([np.diff(key[places]) != 0 for key in keys])
    return np.split(places, np.flatnonzero(changed) + 1)

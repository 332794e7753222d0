"""What a step is called: by the instrument's word where it says more, else by what current and voltage did."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warehouse.arrays import codes
from warehouse.schema import STEP_TYPE, STEP_TYPES

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

# What the instrument calls these is kept; plain charge and discharge are looked at more closely.
PLAIN: Final = ("charge", "discharge")


def name_kinds(heading: Integers, constant_voltage: Mask, constant_current: Mask, words: Integers) -> pl.Series:
    """Name each step.

    Args:
        heading: per step +1, -1 or 0.
        constant_voltage: whether it ends so.
        constant_current: whether it is so before.
        words: from :func:`instrument_words`.
    """
    forms = 2 * constant_voltage + constant_current
    seen = np.where(heading > 0, forms, np.where(heading < 0, 4 + forms, 8))
    return pl.Series(STEP_TYPES).gather(CHOSEN[words, seen]).cast(STEP_TYPE)


def instrument_words(said: pl.Series | None, step: Integers, steps: int) -> Integers:
    """Return what the instrument calls each step, by its place in WORDS; of cc and cv together, neither.

    It is the word of most of a step's records.

    Args:
        said: the word of each record; None where there are none.
        step: the step of each record.
        steps: how many there are.
    """
    if said is None:
        return np.zeros(steps, dtype=np.int64)
    word = codes(said, -1) + 1
    counted = np.bincount(step * len(WORDS) + word, minlength=steps * len(WORDS)).reshape(steps, len(WORDS))
    # A record without a word says nothing about its step.
    counted[:, 0] = np.where(counted[:, 1:].any(axis=1), 0, counted[:, 0])
    most: Integers = counted.argmax(axis=1)
    several = np.stack([(counted[:, FORMS_OF[way]] > 0).sum(axis=1) > 1 for way in PLAIN], axis=1)
    for way, mixed in zip(PLAIN, several.T, strict=True):
        most = np.where(mixed & np.isin(most, FORMS_OF[way]), WORDS[way], most)
    return most


def _choose_kind(said: str | None, seen: str) -> str:
    """Prefer the instrument's word where it says more than the current does."""
    if said is None or said == "other":
        return seen
    if said in PLAIN:
        return seen if seen.startswith(said) else said
    way = seen.partition("_")[0]
    # At a held voltage the cell decides which way the current flows, not the schedule.
    return f"{way}_cv" if said.endswith("_cv") and way in PLAIN else said


# What a step looks like, in the order that name_kinds counts, what the instrument calls it, and what it is for both.
LOOKS: Final = (*(f"{way}{form}" for way in PLAIN for form in ("", "_cc", "_cv", "_cccv")), "rest")
WORDS: Final[dict[str | None, int]] = {word: index for index, word in enumerate((None, *STEP_TYPES))}
FORMS_OF: Final = {way: [WORDS[word] for word in STEP_TYPES if word.partition("_")[0] == way] for way in PLAIN}
CHOSEN: Final = np.array([[STEP_TYPES.index(_choose_kind(word, look)) for look in LOOKS] for word in WORDS])

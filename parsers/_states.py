"""What a step does, in the words of the vendors, and counters of charge that are checked before they are believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from parsers._few_rows import MOST_ROWS
from parsers.contract import Source
from warehouse.arrays import codes as code_words
from warehouse.arrays import doubles, integers
from warehouse.errors import ContradictionError
from warehouse.schema import STEP_TYPE, STEP_TYPES

RESTS: Final = ("rest", "pause", "idle", "ocv", "open circuit", "静置", "搁置", "休止", "ruhe")
DISCHARGES: Final = ("discharg", "dischg", "dchg", "entlad", "放")
CHARGES: Final = ("charg", "chg", "laden", "充")
MODES: Final = (
    ("cccv", "_cccv"),
    ("cc-cv", "_cccv"),
    ("恒流恒压", "_cccv"),
    ("cv", "_cv"),
    ("恒压", "_cv"),
    ("cc", "_cc"),
    ("rate", "_cc"),
    ("恒流", "_cc"),
    ("倍率", "_cc"),
)
WAYS: Final = ("charge", "discharge")
# Largest part of the charge that a counter and the integral of the current may differ by.
FOLLOWS: Final = 0.05
# Part of the largest current that is no more than noise.
NOISE: Final = 0.01


def name_state(text: str, codes: Mapping[str, str]) -> str:
    """Return the schema's word for what a step does.

    Args:
        text: as the instrument writes it.
        codes: the vendor's own abbreviations in lower case, looked up before the words.
    """
    plain = text.strip().lower()
    if plain in codes:
        return codes[plain]
    # Discharge before charge: the one word contains the other.
    way = next(
        (
            name
            for words, name in ((DISCHARGES, "discharge"), (RESTS, "rest"), (CHARGES, "charge"))
            if any(word in plain for word in words)
        ),
        "other",
    )
    if way in {"rest", "other"}:
        return way
    return way + next((mode for word, mode in MODES if word in plain), "")


def step_types(states: pl.Series, codes: Mapping[str, str]) -> pl.Series:
    """Return ``step_type`` for a column of states; null where there is none."""
    if len(states) <= MOST_ROWS:
        told = states.to_list()
        named = {state: name_state(state, codes) if state is not None else None for state in set(told)}
        return pl.Series("step_type", [named[state] for state in told], dtype=pl.String).cast(STEP_TYPE)
    names = {state: name_state(state, codes) for state in states.drop_nulls().unique().to_list()}
    return states.replace_strict(names, default=None, return_dtype=STEP_TYPE).alias("step_type")


def sign_current(frame: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Make the current positive for charging, by the steps where the file has no sign of its own.

    Raises:
        ContradictionError: charge and discharge are exchanged, or both negative.
    """
    if "step_type" not in frame.columns:
        return frame
    said, current = code_words(frame["step_type"], len(STEP_TYPES)), doubles(frame["current_ampere"])
    charges, discharges = (np.array([*(name.startswith(way) for name in STEP_TYPES), False])[said] for way in WAYS)
    # Steps that were stopped at once hold nothing but noise, whose sign means nothing.
    flows = np.abs(current) > NOISE * float(np.max(np.abs(current), initial=0.0))
    # The sum decides, so that a few stray records cannot turn a whole file.
    if current[charges & flows].sum() < 0:
        raise ContradictionError(source.name, "the current is negative in charge steps", code="sign")
    flowing = discharges & flows
    if not (current < 0).any() and (current[flowing] > 0).any():
        return frame.with_columns(pl.Series("current_ampere", np.where(flowing, -current, current), nan_to_null=True))
    if current[flowing].sum() > 0:
        raise ContradictionError(source.name, "the current is positive in discharge steps", code="sign")
    return frame


def follows_current(frame: pl.DataFrame, name: str) -> bool:
    """Whether a signed counter in Ah moves as the current's integral does, without being set back."""
    charge, time = frame[name].to_numpy(), frame["test_time_second"].to_numpy()
    current = frame["current_ampere"].to_numpy()
    # A current that jumps between two records may have flowed for all or none of the time between them.
    low, high = (np.diff(time) * bound(current[1:], current[:-1]) / 3600 for bound in (np.minimum, np.maximum))
    moved = np.diff(charge)
    off = np.maximum(low - moved, 0) + np.maximum(moved - high, 0)
    return bool(np.nansum(off) <= FOLLOWS * max(np.nansum(np.abs(moved)), np.nansum(np.maximum(high, -low))))


def falls_within(frame: pl.DataFrame, name: str, groups: list[str]) -> bool:
    """Whether a counter ever falls while the given columns stay the same."""
    counter = doubles(frame[name])
    known = ~np.isnan(counter)
    falls = np.diff(counter[known]) < 0
    for group in groups:
        number = integers(frame[group], -1)[known]
        falls &= number[1:] == number[:-1]
    return bool(falls.any())

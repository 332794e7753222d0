"""What a step does, in the words of the vendors, and counters of charge that are checked before they are believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from parsers.contract import Source
from warehouse.errors import ContradictionError
from warehouse.schema import STEP_TYPE

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
    names = {state: name_state(state, codes) for state in states.drop_nulls().unique().to_list()}
    return states.replace_strict(names, default=None, return_dtype=STEP_TYPE).alias("step_type")


def sign_current(frame: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Make the current positive for charging, by the steps where the file has no sign of its own.

    Raises:
        ContradictionError: charge and discharge are exchanged, or both negative.
    """
    if "step_type" not in frame.columns:
        return frame
    way = frame["step_type"].cast(pl.String).fill_null("")
    charging, discharging = way.str.starts_with("charge"), way.str.starts_with("discharge")
    current = frame["current_ampere"]
    # Steps that were stopped at once hold nothing but noise, whose sign means nothing.
    largest = float(np.max(np.abs(current.to_numpy()), initial=0.0))
    flows = current.abs() > NOISE * largest
    charging, discharging = charging & flows, discharging & flows
    # The sum decides, so that a few stray records cannot turn a whole file.
    if current.filter(charging).sum() < 0:
        raise ContradictionError(source.name, "the current is negative in charge steps", code="sign")
    if not (current < 0).any() and (current.filter(discharging) > 0).any():
        return frame.with_columns(current.zip_with(~discharging | (current == 0), -current))
    if current.filter(discharging).sum() > 0:
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
    known = frame.filter(pl.col(name).is_not_null())
    same = pl.all_horizontal([pl.col(group).eq_missing(pl.col(group).shift(1)) for group in groups] or [pl.lit(True)])
    return bool(known.select(((pl.col(name).diff() < 0) & same).any()).item() or False)

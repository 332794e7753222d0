"""Which cells belong together: by wafer, process split, rate, temperature, or as replicates."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

import polars as pl

from portal.charts.text import Text, Voice

SEPARATOR: Final = " · "
DEGREES: Final = 5
# What the warehouse's names of groups are put together from.
WORDS: Final = (
    (re.compile(r"^charge (\S+ C)$"), Text("charge {value}", value="")),
    (re.compile(r"^discharge (\S+ C)$"), Text("discharge {value}", value="")),
    (re.compile(r"^to (\S+ V)$"), Text("up to {value}", value="")),
    (re.compile(r"^down to (\S+ V)$"), Text("down to {value}", value="")),
    (re.compile(r"^depth (\S+)$"), Text("depth of discharge {value}", value="")),
    (re.compile(r"^below (.+)$"), Text("below {value}", value="")),
    (re.compile(r"^from (.+)$"), Text("from {value} on", value="")),
    (re.compile(r"^(not recorded)$"), Text("not recorded")),
    (re.compile(r"^(\S+) to (\S+ \S+)$"), None),
)
WAYS: Final = ("wafer", "split", "rate", "temperature", "replicate")


def group_cells(
    by: str, cells: pl.DataFrame, conditions: Callable[[], pl.DataFrame], replicates: Callable[[], pl.DataFrame]
) -> dict[str, str]:
    """Return the group of each cell; a cell of which it is not known is left out.

    Args:
        by: one of WAYS.
        cells: rows of the query ``cells``.
        conditions: returns rows of the query ``conditions``, asked only where they are needed.
        replicates: likewise ``replicates``.
    """
    if by == "wafer":
        named = pl.concat_str("lot", "wafer", separator=" ", ignore_nulls=True)
        return _pairs(cells.filter(pl.col("wafer").is_not_null()).select("cell_id", named))
    if by == "split":
        return _pairs(cells.select("cell_id", "process_split"))
    if by == "replicate":
        return _replicates(replicates())
    return _pairs(_by_condition(by, conditions()))


def shorten(names: list[str]) -> dict[str, str]:
    """Return names without the parts that all of them have in common."""
    parts = {name: name.split(SEPARATOR) for name in names}
    common = set.intersection(*(set(each) for each in parts.values())) if len(parts) > 1 else set()
    return {name: SEPARATOR.join(part for part in each if part not in common) or name for name, each in parts.items()}


def say_group(name: str, voice: Voice) -> str:
    """Return the name of a group in a language, part by part."""
    return SEPARATOR.join(_say_part(part, voice) for part in name.split(SEPARATOR))


def _say_part(part: str, voice: Voice) -> str:
    for pattern, text in WORDS:
        if found := pattern.match(part):
            span = f"{found[1]}\N{EN DASH}{found[found.re.groups]}"
            return span if text is None else voice.say(str(text), value=found[1])
    return part


def _by_condition(by: str, conditions: pl.DataFrame) -> pl.DataFrame:
    rows = conditions.filter("stands_for_cell")
    if by == "rate":
        # Rates follow from rounded currents: two digits are what somebody chose.
        rate = pl.col("discharging_rate_per_hour").round_sig_figs(2)
        return rows.select("cell_id", pl.when(rate.is_not_null()).then(pl.format("{} C", rate)))
    # Chambers are set in steps of five; what they reach scatters around that.
    near = ((pl.col("temperature_celsius") / DEGREES).round() * DEGREES).cast(pl.Int64)
    return rows.select("cell_id", pl.when(near.is_not_null()).then(pl.format("{} °C", near)))


def _replicates(replicates: pl.DataFrame) -> dict[str, str]:
    groups: dict[str, str] = {}
    for name, cells in replicates.select("replicate_group", "cells").unique(maintain_order=True).rows():
        groups |= dict.fromkeys(json.loads(cells or "[]"), name)
    short = shorten(sorted(set(groups.values())))
    return {cell: short[name] for cell, name in groups.items()}


def _pairs(frame: pl.DataFrame) -> dict[str, str]:
    return {cell: group for cell, group in frame.rows() if cell is not None and group}

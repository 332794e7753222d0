"""The uncertainty of a capacity, term by term, as far as anybody knows it.

formula: u(Q)/Q = √[(u_I/I)² + (u_t/t)² + (u_offset/I)² + u_int² + u_T²], U = 2·u(Q)
condition: U is stated when all five terms are known, otherwise the known ones stand alone
source: limits of a channel's specification are half widths of rectangular distributions: u = a/√3
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, sqrt
from typing import Final

import polars as pl

from portal.reports.facts import Contribution, round_value
from portal.reports.look import Look
from portal.reports.marks import N_
from warehouse.reports.site import Site

# About 95 % for what is nearly normal.
COVERAGE: Final = 2
WORDS: Final = {
    "current": N_("Current: accuracy of the range"),
    "offset": N_("Current: offset and resolution"),
    "time": N_("Time base"),
    "integration": N_("Integration of the current"),
    "temperature": N_("Temperature of the cell"),
    "of_channel": N_("the channel's specification in the manifest"),
    "of_records": N_("the records themselves"),
    "of_counter": N_("integral compared with the instrument's counter"),
    "of_site": N_("stated by the laboratory"),
    "no_accuracy": N_("not known: the manifest states no accuracy of the channel"),
    "no_offset": N_("not known: the instrument prints 0 at rest, and no calibrated offset is stated"),
    "no_current": N_("not known: no current that stands for the cell"),
    "no_counter": N_("not known: the files hold no counter to compare with"),
    "no_statement": N_("not known: the laboratory states none"),
}


def make_budget(look: Look, site: Site) -> tuple[Contribution, ...]:
    """Return the terms for the reference capacity; of several cells and tests the largest of each."""
    blocks = look.frame("conditions").filter("stands_for_cell")
    currents = blocks.select("cell_id", size=pl.col("discharging_current_ampere").abs())
    rows = look.frame("precision").join(currents, on="cell_id", how="left")
    return (
        _judge_accuracy(rows),
        _judge_offset(rows),
        _take_stated("time", site.contributions.get("time_relative")),
        _judge_integration(look, site.contributions.get("integration_relative")),
        _take_stated("temperature", site.contributions.get("temperature_relative")),
    )


def combine(budget: Sequence[Contribution]) -> float | None:
    """Return the expanded relative uncertainty (k = 2); None while any term is unknown."""
    known = [one.relative for one in budget if one.relative is not None]
    if len(known) < len(budget):
        return None
    return COVERAGE * hypot(*known)


def _judge_accuracy(rows: pl.DataFrame) -> Contribution:
    parts = rows["range_accuracy_ampere"] / rows["size"] / sqrt(3)
    # One channel without a specification leaves the whole report without one.
    if rows["range_accuracy_ampere"].null_count():
        return Contribution("current", None, "no_accuracy")
    return _largest("current", parts, "of_channel")


def _judge_offset(rows: pl.DataFrame) -> Contribution:
    # The offset is known, but nobody takes it out of the currents; half a tick more may be missing at either end.
    if rows["current_offset_ampere"].null_count():
        return Contribution("offset", None, "no_offset")
    stated = bool((rows["current_offset_source"] == "channel").all())
    half_width = rows["current_offset_ampere"].abs() + rows["current_quantum_ampere"].fill_null(0) / 2
    return _largest("offset", half_width / rows["size"] / sqrt(3), "of_channel" if stated else "of_records")


def _largest(name: str, parts: pl.Series, source: str) -> Contribution:
    if parts.is_empty() or parts.null_count():
        return Contribution(name, None, "no_current")
    return Contribution(name, round_value(float(parts.to_numpy().max())), source)


def _judge_integration(look: Look, stated: float | None) -> Contribution:
    if stated is not None:
        return Contribution("integration", stated, "of_site")
    quality = look.frame("quality").filter(pl.col("steps_compared") > 0)
    if quality.is_empty():
        return Contribution("integration", None, "no_counter")
    # The median ratio: single short steps differ by their first and last records alone.
    off = (quality["counter_ratio_median"] - 1).abs().to_numpy().max()
    return Contribution("integration", round_value(float(off) / sqrt(3)), "of_counter")


def _take_stated(name: str, stated: float | None) -> Contribution:
    return Contribution(name, stated, "no_statement" if stated is None else "of_site")

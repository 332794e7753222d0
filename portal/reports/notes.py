"""Deviations, exclusions and warnings: what a reader of the results has to know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from portal.reports.facts import Contribution, Note
from portal.reports.look import Look
from portal.reports.marks import N_
from warehouse.reports.site import Site

WRITTEN: Final = N_("{test}: note of the reader, as it was written: {text}")
TRANSLATED: Final = N_("{test}: note of the reader: {text}")
SENTENCES: Final = {
    "not_measured": N_("{count} of {cells} cells have not been measured: {names}"),
    "counter_differs": N_(
        "{test}: in {count} steps the integral of the current differs from the instrument's counter "
        "by more than the recipe allows"
    ),
    "gap": N_("{test}: {count} steps have a gap in their records, the largest {second} s; the gaps were left out"),
    "incomplete": N_("{cell}: {count} cycles are incomplete and have no efficiency and no retention"),
    "no_clock": N_("{test}: the file holds no wall clock; the dates of performance do not include this test"),
    "no_temperature": N_("The instruments recorded no temperature of the cells"),
    "no_reference": N_("{cell}: there is no reference capacity ({reason}), and so no capacity retention"),
    "no_floor": N_(
        "How far the coulombic efficiency may be off is not known, so its last digits are unproven: {names}"
    ),
    "revised": N_("{test}: the file was read or continued again; this is revision {revision} of its data"),
    "warning": WRITTEN,
    "not_calibrated": N_("No calibration is stated for these channels: {channels}"),
    "calibration_over": N_("{channel}: the calibration {certificate} was due on {due}, before the tests ended"),
    "no_uncertainty": N_(
        "No expanded uncertainty is stated: not every contribution is known, and none was assumed in its place"
    ),
    "unresolved": N_(
        "No direct-current resistance could be told, the records lie too far apart or are too few: {names}"
    ),
    "cut": N_(
        "Only the first {shown} of {count} rows of a table are printed; all of them are in the workbook: {table}"
    ),
    "replaced_characters": N_("Characters without a glyph in the report's font are printed as their code: {codes}"),
}
# A list longer than this nobody reads; the table of items has all of them.
MOST_NAMES: Final = 10
DAY: Final = 86_400.0


def gather_notes(
    look: Look, tables: Mapping[str, pl.DataFrame], site: Site, budget: Sequence[Contribution]
) -> tuple[Note, ...]:
    """Return the notes, those on the items first."""
    return (
        *_note_items(tables),
        *_note_tests(look, tables["tests"]),
        *_note_results(look, tables),
        *_note_calibration(tables["tests"], site),
        *([Note("no_uncertainty", {})] if any(one.relative is None for one in budget) else []),
    )


def list_names(names: Sequence[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" (+{more})" if more > 0 else "")


def _note_items(tables: Mapping[str, pl.DataFrame]) -> Iterator[Note]:
    cells, measured = tables["items"]["cell_id"].to_list(), set(tables["tests"]["cell_id"])
    # A lot is reported while some of its cells still wait: silence would read as if all were measured.
    missing = [cell for cell in cells if cell not in measured]
    if missing:
        yield Note("not_measured", {"count": len(missing), "cells": len(cells), "names": list_names(missing)})


def _note_tests(look: Look, tests: pl.DataFrame) -> Iterator[Note]:
    quality = {row["test_id"]: row for row in look.frame("quality").to_dicts()}
    for test in tests.to_dicts():
        name: dict[str, Any] = {"test": test["test_id"]}
        found = quality.get(test["test_id"], {})
        if found.get("steps_counter_differs"):
            yield Note("counter_differs", {**name, "count": found["steps_counter_differs"]})
        if found.get("steps_with_gap"):
            largest = round(found["largest_gap_second"] or 0)
            yield Note("gap", {**name, "count": found["steps_with_gap"], "second": largest})
        if test["first_unix_second"] is None:
            yield Note("no_clock", name)
        # Whoever compares two reports has to learn that the data themselves have grown or changed.
        if test["revision"] > 1:
            yield Note("revised", {**name, "revision": test["revision"]})
        yield from (Note("warning", {**name, "text": text}) for text in json.loads(test["warnings"]))


def _note_results(look: Look, tables: Mapping[str, pl.DataFrame]) -> Iterator[Note]:
    incomplete = tables["cycles"].filter(pl.col("class") == "incomplete").group_by("cell_id").len().sort("cell_id")
    yield from (Note("incomplete", {"cell": cell, "count": count}) for cell, count in incomplete.rows())
    if look.frame("conditions")["temperature_celsius"].null_count() == tables["conditions"].height:
        yield Note("no_temperature", {})
    summary = tables["summary"].filter(pl.col("reference_status") == "found")
    for cell in tables["summary"].filter(pl.col("reference_status") != "found").to_dicts():
        yield Note("no_reference", {"cell": cell["cell_id"], "reason": cell["reference_status"]})
    measured = summary.filter(pl.col("coulombic_efficiency_median").is_not_null())
    yield from _note_cells("no_floor", measured.filter(pl.col("coulombic_efficiency_floor").is_null()))
    resolved = tables["resistance"].group_by("cell_id").agg(pl.col("resolved").sum()).sort("cell_id")
    yield from _note_cells("unresolved", resolved.filter(pl.col("resolved") == 0))


def _note_cells(code: str, rows: pl.DataFrame) -> Iterator[Note]:
    """Yield one note about all cells that stand in the rows."""
    if rows.height:
        yield Note(code, {"names": list_names(rows["cell_id"].to_list())})


def _note_calibration(tests: pl.DataFrame, site: Site) -> Iterator[Note]:
    # What counts is whether the calibration held when the channel was last used, not when it is reported.
    last = tests.group_by("channel").agg(pl.col("last_unix_second").max()).sort("channel").rows()
    without = [channel or "?" for channel, _ in last if not site.calibrations_of(channel)]
    if without:
        yield Note("not_calibrated", {"channels": list_names(without)})
    for channel, end in last:
        for one in site.calibrations_of(channel):
            if end is not None and "due" in one and _begin_of(one["due"]) + DAY <= end:
                facts = {"channel": channel or "?", "certificate": one["certificate"], "due": one["due"]}
                yield Note("calibration_over", facts)


def _begin_of(day: str) -> float:
    """Return the moment at which a day begins, UTC."""
    moment: float = pl.Series([day]).str.to_datetime("%Y-%m-%d", time_unit="ms").dt.epoch("s")[0]
    return float(moment)

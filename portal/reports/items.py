"""The items tested, the tests on them, the instruments that made these, and the files that they left."""

from __future__ import annotations

import json
from typing import Final

import polars as pl

from portal.reports.look import Look
from warehouse.reports.subject import read_more

# Manifests keep further columns under whatever name they came with.
RECEIVED: Final = ("received", "date_received", "received_date", "접수일")
CONDITION: Final = ("condition", "item_condition", "상태", "시료상태")
SAMPLED: Final = ("sampled", "date_sampled", "sampling_date", "채취일")
ITEM: Final = (
    "cell_id",
    "lot",
    "wafer",
    "die_x",
    "die_y",
    "chemistry",
    "stack",
    "cathode",
    "electrolyte",
    "anode",
    "convention",
    "nominal_capacity_ah",
    "active_area_square_metre",
    "voltage_upper_volt",
    "voltage_lower_volt",
    "process_split",
    "remarks",
)
# What readers tell of a file where the file says so of itself.
ABOUT: Final = ("instrument", "serial", "software", "schedule", "technique")
INSTRUMENT: Final = ("channel", "instrument", "serial", "software")


def gather_items(look: Look) -> pl.DataFrame:
    """Return the cells as their manifest describes them; dates of receipt stand in its further columns."""
    cells = look.subject.cells
    rows = cells.to_dicts()
    told = {"received": RECEIVED, "condition": CONDITION, "sampled": SAMPLED}
    more = {name: pl.Series([read_more(row, *names) for row in rows], dtype=pl.String) for name, names in told.items()}
    return cells.select(ITEM).with_columns(**more)


def gather_tests(look: Look) -> pl.DataFrame:
    """Return the tests with what their files say of the instrument."""
    tests = look.subject.tests
    abouts = [json.loads(about) for about in tests["about"]]
    told = {
        name: pl.Series([_text(about.get(name)) for about in abouts], dtype=pl.String, strict=False) for name in ABOUT
    }
    return tests.select(
        "test_id",
        "cell_id",
        "revision",
        "kind",
        "format",
        "reader_version",
        "channel",
        "rows",
        "spectra",
        "cycles",
        "first_unix_second",
        "last_unix_second",
        "data_sha256",
        "warnings",
    ).with_columns(**told)


def gather_sources(look: Look) -> pl.DataFrame:
    """Return the raw files with their hashes and what read them."""
    tests = look.subject.tests.select("test_id", "cell_id", "format", "reader_version", "revision")
    return look.subject.sources.join(tests, on="test_id", how="left", maintain_order="left")


def gather_equipment(look: Look) -> pl.DataFrame:
    """Return the channels: range, quantum and offset as far as records and manifests tell, the worst of their tests."""
    precision = look.frame("precision").drop("cell_id")
    used = gather_tests(look).join(precision, on="test_id", how="left", maintain_order="left")
    # An offset out of a rest is measured, one out of the manifest stated: a report has to say which.
    stated = pl.col("current_offset_source") == "channel"
    offset = pl.col("current_offset_ampere")
    return (
        used.group_by(INSTRUMENT, maintain_order=True)
        .agg(
            pl.len().alias("tests"),
            # The worst of a channel is what a report may rely on, whichever test it was in.
            pl.col("current_range_ampere").max(),
            pl.col("current_quantum_ampere").max(),
            pl.col("voltage_quantum_volt").max(),
            # The largest by size, with its sign: the sign says which way an efficiency is off.
            offset.sort_by(offset.abs()).drop_nulls().last(),
            stated.any().fill_null(value=False).alias("offset_stated"),
            pl.col("range_accuracy_ampere").max(),
            pl.col("sample_interval_second").median(),
        )
        .sort(INSTRUMENT)
    )


def _text(value: object) -> str | None:
    # A serial number may be a number to the file.
    return str(value) if value not in {None, ""} else None

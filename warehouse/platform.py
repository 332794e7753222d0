"""What the platform did, month by month, for its yearly report: sums over all firms, and no firm's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from warehouse.schema import CELL, PLATFORM_MONTH, SOURCE_FILE, STORED_FILE, TEST

if TYPE_CHECKING:
    from warehouse.home import Home

MONTH: Final = "%Y-%m"


def measure_platform(home: Home) -> pl.DataFrame:
    """Return rows of ``schema.PLATFORM_MONTH``, oldest month first.

    A test counts in the month in which it was taken in, in the site's zone; what a month counts never changes with
    the firms' later manifests but for the wafers that they name.
    """
    with home.registry.snapshot() as moment:
        tests, cells, sources, files = (
            home.registry.frame(table, moment=moment) for table in (TEST, CELL, SOURCE_FILE, STORED_FILE)
        )
    zone = home.settings.zone
    tests = tests.with_columns(month=_month("committed_unix_second", zone))
    placed = tests.join(cells.select("firm", "cell_id", "lot", "wafer"), on=["firm", "cell_id"], how="left")
    months = [_count_tests(placed), _count_sources(sources, tests, zone), _count_bytes(files, tests)]
    frame = months[0]
    for other in months[1:]:
        frame = frame.join(other, on="month", how="full", coalesce=True)
    counts = [name for name, dtype in PLATFORM_MONTH.dtypes.items() if dtype == pl.Int64()]
    return frame.with_columns(pl.col(counts).fill_null(0)).select(PLATFORM_MONTH.names).sort("month")


def _count_tests(tests: pl.DataFrame) -> pl.DataFrame:
    owned = pl.col("firm").is_not_null()
    on_wafer = pl.col("wafer").is_not_null()
    hours = (pl.col("last_unix_second") - pl.col("first_unix_second")) / 3600
    return tests.group_by("month").agg(
        tests=pl.len().cast(pl.Int64),
        firms=pl.col("firm").drop_nulls().n_unique().cast(pl.Int64),
        cells=pl.struct("firm", "cell_id").filter(owned).n_unique().cast(pl.Int64),
        wafers=pl.struct("firm", "lot", "wafer").filter(on_wafer).n_unique().cast(pl.Int64),
        cycles=pl.col("cycles").sum(),
        channel_hours_h=hours.sum(),
    )


def _count_sources(sources: pl.DataFrame, tests: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Count what was dropped, and how long it took until its test was there."""
    known = tests.select(sha256="source_sha256", committed="committed_unix_second", revision="revision")
    waited = pl.col("committed") - pl.col("first_seen_unix_second")
    # A test that was derived again since tells nothing of how long its file waited.
    first = pl.col("revision") == 1
    return (
        sources.with_columns(month=_month("first_seen_unix_second", zone))
        .join(known, on="sha256", how="left")
        .group_by("month")
        .agg(
            drops=pl.len().cast(pl.Int64),
            source_bytes=pl.col("size").sum(),
            quarantined=(pl.col("state") == "quarantined").sum().cast(pl.Int64),
            median_wait_second=waited.filter(first).median(),
        )
    )


def _count_bytes(files: pl.DataFrame, tests: pl.DataFrame) -> pl.DataFrame:
    of_tests = files.filter(pl.col("current"), pl.col("test_id").is_not_null())
    placed = of_tests.select("test_id", "size").join(tests.select("test_id", "month"), on="test_id")
    return placed.group_by("month").agg(stored_bytes=pl.col("size").sum())


def _month(column: str, zone: str) -> pl.Expr:
    moment = pl.from_epoch((pl.col(column) * 1000).cast(pl.Int64), time_unit="ms")
    return moment.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.strftime(MONTH)

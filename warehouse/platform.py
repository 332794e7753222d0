"""What the platform did, month by month, for its yearly report: sums over all firms, and no firm's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import sqlalchemy as sa

from warehouse import registry
from warehouse.schema import CELL, F64, I64, PLATFORM_MONTH, SOURCE_FILE, TEST

if TYPE_CHECKING:
    from warehouse.home import Home

MONTH: Final = "%Y-%m"
# Whole rows of all tests and cells take ten times as long to read.
OF_SOURCES: Final = ("sha256", "size", "state", "first_seen_unix_second")
OF_CELLS: Final = ("firm", "cell_id", "lot", "wafer")
OF_TESTS: Final = (
    "firm",
    "cell_id",
    "source_sha256",
    "revision",
    "cycles",
    "first_unix_second",
    "last_unix_second",
    "committed_unix_second",
)


def measure_platform(home: Home) -> pl.DataFrame:
    """Return rows of ``schema.PLATFORM_MONTH``, oldest month first.

    A test counts in the month in which it was taken in, in the site's zone; what a month counts never changes with
    the firms' later manifests but for the wafers that they name.
    """
    with home.registry.snapshot() as moment:
        tests, cells, sources = (
            home.registry.frame(table, columns=columns, moment=moment)
            for table, columns in ((TEST, OF_TESTS), (CELL, OF_CELLS), (SOURCE_FILE, OF_SOURCES))
        )
        stored = _sum_bytes(home, moment)
    month = _month("committed_unix_second", home.settings.zone)
    tests, stored = tests.with_columns(month=month), stored.with_columns(month=month)
    placed = tests.join(cells, on=["firm", "cell_id"], how="left")
    months = [
        _count_tests(placed),
        _count_sources(sources, tests, home.settings.zone),
        stored.group_by("month").agg(pl.col("stored_bytes").sum()),
    ]
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


def _sum_bytes(home: Home, moment: sa.Connection) -> pl.DataFrame:
    """Return the bytes of the tables of tests, by when their revisions became visible."""
    files, tests = registry.STORED_FILE.c, registry.TEST.c
    # PostgreSQL's sum of integers is a decimal.
    size = sa.cast(sa.func.sum(files.size), sa.BigInteger)
    listed = sa.select(tests.committed_unix_second, size).join_from(
        registry.TEST, registry.STORED_FILE, files.test_id == tests.test_id
    )
    sums = listed.where(files.current).group_by(tests.committed_unix_second)
    return home.registry.to_frame(sums, {"committed_unix_second": F64, "stored_bytes": I64}, moment)


def _month(column: str, zone: str) -> pl.Expr:
    moment = pl.from_epoch((pl.col(column) * 1000).cast(pl.Int64), time_unit="ms")
    return moment.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.strftime(MONTH)

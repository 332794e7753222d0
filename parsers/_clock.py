"""Wall clocks: instruments write the site's local time, the schema wants seconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl


def unix_seconds(local: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Convert local wall clock to Unix time.

    Args:
        local: naive Datetime series, the instrument's local time.
        zone: the site's zone.

    Returns:
        Float64 seconds since 1970-01-01 UTC; an hour that the zone repeats counts as its first occurrence,
        one that it skips is null.
    """
    naive = pl.col("local").cast(pl.Datetime("us"))
    aware = naive.dt.replace_time_zone(zone.key, ambiguous="earliest", non_existent="null")
    # One expression, since each costs more than a small file's rows.
    micro = local.alias("local").to_frame().select(aware.dt.epoch("us").cast(pl.Float64))["local"]
    # Polars divides by a constant through its reciprocal and misses the nearest double; NumPy divides.
    seconds = micro.to_numpy() / 1e6
    return pl.Series(local.name, seconds, nan_to_null=True)


def unix_second(local: datetime, zone: ZoneInfo) -> float:
    """Convert one naive local time to Unix time in seconds."""
    return local.replace(tzinfo=zone).timestamp()


def iso_utc(unix: float) -> str:
    """Write a Unix time as ISO 8601 in UTC, to the millisecond; nothing for what is in no calendar."""
    try:
        return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return ""

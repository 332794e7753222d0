"""Columns of text files: numbers, clocks and dates as instruments print them, vectorised."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import IO, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

# Decimals print with trailing zeros, as instruments do, and faster than floats; 30 digits hold any of them.
DIGITS: Final = 30


def fixed(values: NDArray[np.float64], decimals: int) -> pl.Series:
    """Return numbers that print with exactly so many decimals."""
    return pl.Series(values.ravel()).cast(pl.Decimal(DIGITS, decimals))


def scientific(values: NDArray[np.float64], decimals: int) -> pl.Series:
    """Return text like ``1.234E-005``: one digit, so many decimals (15 at most), three digits of exponent."""
    # Polars can print exponents too, but neither with three digits nor with a plus sign.
    flat = values.ravel().astype(np.float64)
    with np.errstate(divide="ignore"):
        exponent = np.where(flat == 0.0, 0.0, np.floor(np.log10(np.abs(flat))))
    # All digits as one whole number: multiplied once, so that a whole number of cycles prints as one.
    digits = np.rint(np.abs(flat) * 10.0 ** (decimals - exponent))
    # 9.9999… rounds to 10, which is one digit too many.
    carried = digits >= 10.0 ** (decimals + 1)
    digits = np.where(carried, digits / 10.0, digits)
    columns = {"digits": digits.astype(np.int64), "exponent": (exponent + carried).astype(np.int64), "less": flat < 0}
    text = pl.col("digits").cast(pl.String).str.zfill(decimals + 1)
    return (
        pl.DataFrame(columns)
        .select(
            pl.concat_str(
                pl.when("less").then(pl.lit("-")).otherwise(pl.lit("")),
                text.str.head(1),
                pl.lit("."),
                text.str.slice(1),
                pl.when(pl.col("exponent") < 0).then(pl.lit("E-")).otherwise(pl.lit("E+")),
                pl.col("exponent").abs().cast(pl.String).str.zfill(3),
            )
        )
        .to_series()
    )


def hours(seconds: NDArray[np.float64]) -> pl.Series:
    """Return durations as ``HH:MM:SS.mmm``; hours run on past 24."""
    total = pl.col("ms")
    parts = (total // 3_600_000, total // 60_000 % 60, total // 1000 % 60)
    texts = [part.cast(pl.String).str.zfill(2) for part in parts]
    milliseconds = pl.DataFrame({"ms": np.rint(seconds.ravel() * 1e3).astype(np.int64)})
    fraction = (total % 1000).cast(pl.String).str.zfill(3)
    return milliseconds.select(pl.format("{}:{}:{}.{}", *texts, fraction)).to_series()


def wall_clock(start: datetime, seconds: NDArray[np.float64], pattern: str) -> pl.Series:
    """Return local time as text.

    Args:
        start: local time without a zone.
        seconds: since then.
        pattern: in chrono's notation, ``%3f`` for milliseconds.
    """
    elapsed = pl.col("ms").cast(pl.Duration("ms"))
    begin = pl.lit(start).cast(pl.Datetime("ms"))
    milliseconds = pl.DataFrame({"ms": np.rint(seconds.ravel() * 1e3).astype(np.int64)})
    return milliseconds.select((begin + elapsed).dt.strftime(pattern)).to_series()


def constant(text: str, rows: int) -> pl.Series:
    """Return one text, again and again."""
    return pl.Series([text]).new_from_index(0, rows)


def choose(texts: tuple[str, ...], index: NDArray[np.int64]) -> pl.Series:
    """Return texts by index."""
    return pl.Series(texts).gather(index.ravel())


def append_rows(file: IO[bytes], columns: Mapping[str, object], separator: str, ending: str) -> None:
    """Write a block of rows without a header."""
    frame = pl.DataFrame(dict(columns))
    frame.write_csv(file, include_header=False, separator=separator, line_terminator=ending, quote_style="never")

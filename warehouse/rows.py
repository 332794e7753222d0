"""The measurements of one test, read column by column as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl


class Rows:
    """Reads columns of a test's measurements, each of them once.

    Args:
        read: reads columns of the stored rows.
    """

    def __init__(self, read: Callable[[Sequence[str]], pl.DataFrame]) -> None:
        self._read = read
        self._known = pl.DataFrame()

    def __call__(self, columns: Sequence[str]) -> pl.DataFrame:
        """Return these columns, all rows in their order."""
        missing = [name for name in columns if name not in self._known.columns]
        if missing:
            self._known = pl.concat([self._known, self._read(missing)], how="horizontal")
        return self._known.select(columns)

"""What a grown file has more than an earlier version of it: read from an excerpt, joined to the rows that are known.

Reading an excerpt instead of the file must give what reading the file would give. Therefore the excerpt begins with
records that the earlier version held, and those must come out as they were stored, bit for bit. Three things may differ
because an excerpt begins later: counts of steps and times that are added up, both by a constant; and the sign of a
column that a format decides by all records together, which is believed where records that it changes agree.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from parsers.contract import SITE_ZONE, Excerpt, Format, Known, Reading, Source
from warehouse.errors import QuarantineError
from warehouse.schema import MEASUREMENTS

ReadPart = Callable[[Format, Source], Reading]

MICROSECONDS: Final = 1e6
CLOCK_DIGITS: Final = 6
NO_TYPE: Final = ""
# Printed without sign, these are turned in discharge steps alone, so that the others tell nothing of them.
SIGNS: Final = {"charge": 1.0, "discharge": -1.0}
DIRECTED: Final = frozenset({"current_ampere", "power_watt"})


@dataclass(frozen=True)
class Tail:
    """The end of a grown file.

    Args:
        reading: the last rows that the earlier version held and all that came after; its warnings and facts are about
            these rows alone.
        overlap: how many of the rows the earlier version held.
        same: the bytes of the file, first and behind last, that must be those of the earlier version.
        excerpt: what it was read from.
    """

    reading: Reading
    overlap: int
    same: tuple[int, int]
    excerpt: Excerpt


def read_tail_of(
    declared: Format,
    file: BinaryIO,
    known: Known,
    name: str = "",
    zone: ZoneInfo = SITE_ZONE,
    *,
    read_part: ReadPart | None = None,
) -> Tail | None:
    """Read the end of a grown file with its format; None where that cannot be done or is refused."""
    read = read_part or _read_here
    excerpt = declared.excerpt(file, known) if declared.excerpt is not None else None
    if excerpt is None:
        return None
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        source = Source(Path(folder) / "part", name, zone, excerpt.skipped)
        try:
            before = _read_excerpt(read, declared, source, excerpt.known, excerpt.lead)
            reading = _read_excerpt(read, declared, source, excerpt.whole, excerpt.lead)
        except QuarantineError:
            # The whole file names the place of what is wrong with it.
            return None
    # Spectra are numbered and turned by the whole file.
    if reading.spectra.height or not before.measurements.height:
        return None
    reading = replace(reading, format=declared.name, kind="cycling")
    return Tail(reading, before.measurements.height, excerpt.same, excerpt)


def join_tail(stored: pl.DataFrame, tail: Tail, steps: pl.DataFrame | None = None) -> pl.DataFrame | None:
    """Return the rows to append to those of the earlier version, as reading the whole file would give them.

    Args:
        stored: the earlier version's last rows, at least ``tail.overlap`` of them; a column that is not there has no
            values.
        tail: from :func:`parsers.read_tail`.
        steps: what earlier steps were, ``step_type`` and ``current_ampere`` of each: they show the sign of a direction
            that none of the last rows has.

    Returns:
        The new rows, or None where the rows that both hold do not agree: then only the whole file tells.
    """
    found = tail.reading.measurements
    if stored.height < tail.overlap or found.height < tail.overlap:
        return None
    before, again, new = stored.tail(tail.overlap), found.head(tail.overlap), found.slice(tail.overlap)
    moved = {}
    for name in MEASUREMENTS.names:
        if name in before.columns or name in found.columns:
            column = _continue(tail.excerpt, name, *(_column(frame, name) for frame in (before, again, new)))
            if column is None:
                return None
            moved[name] = column
    if not all(_is_evident(before, new, name, steps) for name in tail.excerpt.decided & moved.keys()):
        return None
    joined = pl.DataFrame(moved)
    empty = [column.name for column in joined if column.null_count() == joined.height]
    return joined.drop(name for name in empty if name not in MEASUREMENTS.required)


def _read_here(declared: Format, source: Source) -> Reading:
    return declared.read(source)


def _read_excerpt(read: ReadPart, declared: Format, source: Source, content: bytes, lead: int) -> Reading:
    source.path.write_bytes(content)
    reading = read(declared, source)
    return replace(reading, measurements=reading.measurements.slice(lead))


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    kind = MEASUREMENTS.dtypes[name]
    return frame[name].cast(kind) if name in frame.columns else pl.Series(name, [None] * frame.height, dtype=kind)


def _continue(excerpt: Excerpt, name: str, before: pl.Series, again: pl.Series, new: pl.Series) -> pl.Series | None:
    """Return a column's new values; None where the values that both know do not agree."""
    if name in excerpt.counted:
        return _shift(before, again, new)
    if name in excerpt.summed:
        # Sums of whole microseconds, so that whole numbers carry them on without a residue.
        whole = _shift(*(_as_microseconds(series) for series in (before, again, new)))
        shifted = _from_microseconds(whole) if whole is not None else None
        return shifted if _same_bits(_from_microseconds(_as_microseconds(before)), before) else None
    return new if _same_bits(before, again) else None


def _shift(before: pl.Series, again: pl.Series, new: pl.Series) -> pl.Series | None:
    """Return whole numbers moved by the constant by which the known ones differ; None where it is none."""
    differences = (before - again).drop_nulls().unique()
    if (before.is_null() != again.is_null()).any() or len(differences) > 1:
        return None
    return new + differences[0] if len(differences) else new


def _as_microseconds(seconds: pl.Series) -> pl.Series:
    return (seconds * MICROSECONDS).round().cast(pl.Int64, strict=False)


def _from_microseconds(whole: pl.Series) -> pl.Series:
    # As the readers do it, to the bit.
    return (whole.cast(pl.Float64) / MICROSECONDS).round(CLOCK_DIGITS)


def _same_bits(left: pl.Series, right: pl.Series) -> bool:
    if not left.dtype.is_float():
        return left.equals(right)
    if (left.is_null() != right.is_null()).any():
        return False
    # Compared as integers, so that 0.0 is not -0.0.
    bits, again = (series.fill_null(0.0).to_numpy().view(np.int64) for series in (left, right))
    return np.array_equal(bits, again)


def _is_evident(before: pl.DataFrame, new: pl.DataFrame, name: str, steps: pl.DataFrame | None) -> bool:
    """Whether for each direction in which a column has new values the known rows, or else the steps, have one, too."""
    lacking = _directions(new, name) - _directions(before, name)
    if not lacking or steps is None or name not in DIRECTED:
        return not lacking
    return all(way in SIGNS and _agree(steps, "current_ampere", way) and _agree(new, name, way) for way in lacking)


def _agree(frame: pl.DataFrame, name: str, way: str) -> bool:
    """Whether a column has values in this direction, all of the direction's sign."""
    values = frame.filter(pl.col("step_type").cast(pl.String).str.starts_with(way))[name]
    signs = values.filter(values != 0).sign().unique().to_list()
    return signs == [SIGNS[way]]


def _directions(frame: pl.DataFrame, name: str) -> set[str]:
    if name not in frame.columns:
        return set()
    flowing = frame.filter((pl.col(name) != 0).fill_null(value=False))
    if name not in DIRECTED or "step_type" not in frame.columns:
        return {NO_TYPE} if flowing.height else set()
    return {str(kind or NO_TYPE).partition("_")[0] for kind in flowing["step_type"].unique().to_list()}

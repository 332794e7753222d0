"""WonATech's rows of 128 bytes and more: where the values stand, in rows of one length and in rows of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._folder import refuse_layout
from parsers.contract import Source
from warehouse.errors import ParseError

SAMPLE: Final = "the .wrd file and the csv that Smart Interface exports from it"
DOTNET_DTYPES: Final = {
    "System.Boolean": "?",
    "System.Byte": "u1",
    "System.SByte": "i1",
    "System.Int16": "<i2",
    "System.UInt16": "<u2",
    "System.Int32": "<i4",
    "System.UInt32": "<u4",
    "System.Int64": "<i8",
    "System.UInt64": "<u8",
    "System.Single": "<f4",
    "System.Double": "<f8",
}
TEXT_TYPE: Final = "System.String"
# What each column must be; the names are those of the file, without signs.
EXPECTED: Final = {
    "CHANNEL": "<i4",
    "TEST TIME": "<i8",
    "STEP TIME": "<i8",
    "STEP INDEX": "<i4",
    "TOTAL STEP": "<i4",
    "CYCLE INDEX": "<i4",
    "CELL STATUS": "u1",
    "VOLTAGE": "<f8",
    "CURRENT": "<f8",
    "CHARGE Q": "<f8",
    "DISCHARGE Q": "<f8",
    "CHARGE E": "<f8",
    "DISCHARGE E": "<f8",
}
CELL_STATES: Final = {1: "rest", 3: "charge", 4: "discharge"}
# A longer text would need a second byte for its length; no range has one.
LONGEST_TEXT: Final = 127
FIRST_WINDOW: Final = 4096


@dataclass(frozen=True)
class Column:
    """A declared column: its name in capitals, its NumPy type (None for text), its unit as written."""

    name: str
    dtype: str | None
    unit: str = ""


@dataclass(frozen=True)
class Rows:
    """The rows of a file.

    Args:
        values: column name to its values.
        ranges: the current range of each row as text, or None.
        left: bytes behind the last whole row.
    """

    values: Mapping[str, NDArray[np.generic]]
    ranges: pl.Series | None
    left: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.values["TEST TIME"])


def demand_columns(columns: Sequence[Column], source: Source) -> None:
    """Refuse a list of columns that lacks a documented one or has it in another type or unit."""
    found = {column.name: column for column in columns}
    missing = [name for name in EXPECTED if name not in found]
    if missing:
        raise refuse_layout(source.name, f"the file declares no column {', '.join(missing)}", SAMPLE)
    if len(found) < len(columns):
        raise refuse_layout(source.name, "the file declares a column twice", SAMPLE)
    for name, dtype in EXPECTED.items():
        if found[name].dtype != dtype:
            raise refuse_layout(source.name, f"column {name} has the type {found[name].dtype}, not {dtype}", SAMPLE)


def read_fixed(content: bytes, start: int, dtype: np.dtype[np.void], source: Source) -> Rows:
    """Read rows that all have one length."""
    count = max(0, len(content) - start) // dtype.itemsize
    values = np.frombuffer(content, dtype=dtype, count=count, offset=start) if count else np.zeros(0, dtype)
    left = max(0, len(content) - start) - count * dtype.itemsize
    _demand_states(values, start, source)
    return Rows({name: values[name] for name in dtype.names or ()}, None, left)


def read_ranged(content: bytes, start: int, columns: Sequence[Column], source: Source) -> Rows:
    """Read rows whose length changes with the text of the current range in them."""
    place, least = _text_place(columns), sum(np.dtype(each.dtype or "u1").itemsize for each in columns)
    parts: list[NDArray[np.void]] = []
    texts: list[pl.Series] = []
    at = start
    while at + least <= len(content):
        length = content[at + place]
        if length > LONGEST_TEXT:
            raise refuse_layout(source.name, f"a current range of {length} bytes", SAMPLE, byte=at + place)
        count = _run_length(content, at, place, least + length)
        if not count:
            break
        rows = np.frombuffer(content, _dtype(columns, length), count=count, offset=at)
        _demand_states(rows, at, source)
        parts.append(rows)
        texts.append(_texts(rows, length, at, source))
        at += count * (least + length)
    names = [column.name for column in columns if column.dtype is not None]
    values = {name: _join([part[name] for part in parts], name, columns) for name in names}
    ranges = pl.concat(texts) if texts else pl.Series("range", [], dtype=pl.String)
    return Rows(values, ranges, len(content) - at)


def _text_place(columns: Sequence[Column]) -> int:
    place = 0
    for column in columns:
        if column.dtype is None:
            return place
        place += np.dtype(column.dtype).itemsize
    return place


def _dtype(columns: Iterable[Column], length: int) -> np.dtype[np.void]:
    fields = []
    for column in columns:
        if column.dtype is None:
            fields += [("length", "u1"), *([("text", f"V{length}")] if length else [])]
        else:
            fields.append((column.name, column.dtype))
    return np.dtype(fields)


def _texts(block: NDArray[np.void], length: int, at: int, source: Source) -> pl.Series:
    """Return a run's current ranges as text."""
    if not length:
        return pl.Series("range", [""] * len(block), dtype=pl.String)
    found, places = np.unique(block["text"].astype(f"V{length}").view(f"S{length}"), return_inverse=True)
    try:
        texts = [bytes(text).decode("utf-8") for text in found]
    except UnicodeDecodeError as error:
        raise ParseError(source.name, "the current range is no text", byte=at, column="I RANGE") from error
    return pl.Series("range", texts, dtype=pl.String).gather(places.ravel())


def _join(parts: list[NDArray[np.generic]], name: str, columns: Sequence[Column]) -> NDArray[np.generic]:
    if parts:
        return np.concatenate(parts)
    return np.zeros(0, next(column.dtype for column in columns if column.name == name))


def _demand_states(rows: NDArray[np.void], start: int, source: Source) -> None:
    """Refuse a row whose cell status is not known: it would be the first sign of a layout that we misread."""
    status = rows["CELL STATUS"]
    unknown = np.flatnonzero(~np.isin(status, list(CELL_STATES)))
    if len(unknown):
        row = int(unknown[0])
        found = f"cell status {int(status[row])} is not known"
        raise refuse_layout(source.name, found, SAMPLE, byte=start + row * rows.dtype.itemsize)


def _run_length(content: bytes, at: int, place: int, size: int) -> int:
    """Count the rows of this size that follow each other.

    The text's length stands before it. While rows have one size their lengths stand one size apart, so the run ends
    where the byte there is another: that byte is the length of the first row of another size.
    """
    fit, done, window = (len(content) - at) // size, 0, FIRST_WINDOW
    while done < fit:
        count = min(window, fit - done)
        first = at + done * size + place
        lengths = np.frombuffer(content, np.uint8, count=(count - 1) * size + 1, offset=first)[::size]
        other = np.flatnonzero(lengths != content[at + place])
        if len(other):
            return done + int(other[0])
        done, window = done + count, 2 * window
    return fit

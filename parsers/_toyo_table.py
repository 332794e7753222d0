"""Toyo's tables by their labels, English or Japanese: which column is what, in which unit, and its cells.

Labels are compared in NFKC, which makes half-width katakana (ｻｲｸﾙ) and full-width (サイクル) one. Blank labels are
columns that the tester leaves empty; a label that occurs twice counts where it stands first.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from parsers._folder import refuse_layout
from parsers._units import Unit, parse_unit, split_header
from parsers.contract import Source
from warehouse.errors import ParseError

LINE: Final = "line"
FILE: Final = "file"
# Name of a file of records.
SIX_DIGITS: Final = re.compile(r"(?:^|/)(\d{6})$")
# Label, without unit and in NFKC, to our name.
ENGLISH: Final = {
    "Date": "date",
    "Time": "time",
    "PassTime": "elapsed",
    "Passed Time": "elapsed",
    "Voltage": "voltage",
    "Current": "current",
    "Temp1": "temperature",
    "Condition": "state",
    "Mode": "mode",
    "Cycle": "cycle",
    "TotlCycle": "total",
    "Total Cycle": "total",
    "PassedDate": "passed_date",
}
JAPANESE: Final = {
    "日付": "date",
    "時刻": "time",
    "経過時間": "elapsed",
    "電圧": "voltage",
    "電流": "current",
    "状態": "state",
    "モード": "mode",
    "サイクル": "cycle",
    "総サイクル": "total",
    "電気量": "charge",
}
LABELS: Final = ENGLISH | JAPANESE
QUANTITIES: Final = {"elapsed": "time", "voltage": "voltage", "current": "current", "temperature": "temperature"}
MAY_BE_EMPTY: Final = frozenset({"temperature", "passed_date"})
COUNTS: Final = ("mode", "cycle", "total")
TEXTS: Final = ("date", "time", "state")
# The tester's spellings of units that are written otherwise elsewhere.
SPELLINGS: Final = {"Sec": "s", "Deg": "degC", "deg": "degC"}
# Byte-order mark or strict decoding decides; in Shift-JIS one byte of katakana may be half a letter of Korean.
ENCODINGS: Final = ("utf-8-sig", "cp932", "cp949")
SAMPLE: Final = "one channel folder (000001…, CAPACITY.LOG, .PTN) per encoding"


@dataclass(frozen=True)
class Head:
    """A table's head.

    Args:
        labels: every label as written.
        places: our name to its column, from 0.
        units: our name to its unit.
        japanese: whether the labels are Japanese.
        unknown: labels that are neither blank nor known.
    """

    labels: tuple[str, ...]
    places: Mapping[str, int]
    units: Mapping[str, Unit]
    japanese: bool
    unknown: tuple[str, ...]


def decode(raw: bytes) -> str:
    """Return text in the first encoding of the sites that allows it; never fails."""
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("cp932", errors="replace")


def plain(label: str) -> str:
    """Return a label in NFKC without surrounding blanks."""
    return unicodedata.normalize("NFKC", label).strip()


def read_head(line: str, units: Sequence[str] = ()) -> Head:
    """Read a line of labels, with the units in their brackets or in a line of their own."""
    labels = line.strip("\r\n").split(",")
    places: dict[str, int] = {}
    found: dict[str, Unit] = {}
    unknown, japanese = [], False
    for place, written in enumerate(labels):
        label, unit = split_header(written)
        name = LABELS.get(plain(label))
        if name is None:
            unknown += [plain(written)] if plain(written) else []
            continue
        japanese = japanese or plain(label) in JAPANESE
        stated = unit or (units[place].strip().strip("[]") if place < len(units) else "")
        parsed = parse_unit(SPELLINGS.get(stated, stated))
        if name not in places:
            places[name] = place
            if parsed is not None:
                found[name] = parsed
    return Head(tuple(labels), places, found, japanese, tuple(unknown))


def demand_head(head: Head, names: Iterable[str], source: Source, line: int) -> None:
    """Refuse a head that lacks a column, or states none of the units that its quantity can have."""
    missing = [name for name in names if name not in head.places]
    if missing:
        raise refuse_layout(source.name, f"no column for {', '.join(missing)}", SAMPLE, line=line)
    for name, quantity in QUANTITIES.items():
        if name in head.places and (name not in head.units or head.units[name].quantity != quantity):
            label = head.labels[head.places[name]]
            raise ParseError(source.name, f"{label!r} names no unit of {quantity}", code="unknown_unit", line=line)


def read_cells(body: bytes, head: Head, source: Source) -> pl.DataFrame:
    """Read the known columns of a table's body as text without surrounding blanks, null where empty.

    Returns:
        The cells with the number of each line from 0, and ``width``: whether a row's last column that is never empty is
        there and none is beyond the labels. Blank lines are left out.
    """
    columns = [f"column_{place + 1}" for place in range(len(head.labels) + 1)]
    wanted = {columns[place]: name for name, place in head.places.items()}
    last = columns[max(place for name, place in head.places.items() if name not in MAY_BE_EMPTY)]
    try:
        table = pl.read_csv(
            io.BytesIO(body),
            has_header=False,
            schema=dict.fromkeys(columns, pl.String),
            columns=[name for name in columns if name in wanted or name == columns[-1]],
            truncate_ragged_lines=True,
            missing_columns="insert",
            quote_char=None,
            encoding="utf8-lossy",
            raise_if_empty=False,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ParseError(source.name, f"the table cannot be split into cells: {error}") from error
    whole = pl.col(last).is_not_null() & pl.col(columns[-1]).is_null()
    cells = table.select(*(_strip(column).alias(name) for column, name in wanted.items()), width=whole)
    return cells.with_row_index(LINE).filter(~pl.all_horizontal(pl.col(list(wanted.values())).is_null()))


def to_numbers(cells: pl.DataFrame, head: Head) -> pl.DataFrame:
    """Turn cells into numbers in the schema's units, whole numbers and text; null where one is not what it must be."""
    converted = []
    for name in head.places:
        if name in QUANTITIES and name in head.units:
            values = cells[name].cast(pl.Float64, strict=False)
            numbers = head.units[name].convert(values.fill_null(np.nan).to_numpy())
            converted.append(pl.Series(name, np.where(np.isfinite(numbers), numbers, np.nan), nan_to_null=True))
        elif name in COUNTS:
            converted.append(cells[name].cast(pl.Int64, strict=False))
        elif name in TEXTS:
            converted.append(cells[name])
    return pl.DataFrame([cells[LINE], *converted])


def wall_clock(rows: pl.DataFrame) -> pl.Series | None:
    """Return date and time of day as local time; null where they are none, None where the table has none."""
    if not {"date", "time"} <= set(rows.columns):
        return None
    date = pl.col("date").str.replace_all("[-.]", "/")
    text = pl.concat_str(date, pl.col("time"), separator=" ")
    return rows.select(local=text.str.to_datetime("%Y/%m/%d %H:%M:%S%.f", time_unit="us", strict=False)).to_series()


def _strip(column: str) -> pl.Expr:
    text = pl.col(column).str.strip_chars()
    return pl.when(text != "").then(text)

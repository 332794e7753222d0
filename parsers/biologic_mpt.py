"""BioLogic text exports (.mpt, .txt, .csv) of EC-Lab and BT-Lab.

With a header: ``EC-Lab ASCII FILE`` or ``BT-Lab ASCII FILE``, then ``Nb header lines : N``; line N names the columns
and the records follow. Without one: the column line comes first, maybe after an empty line. Columns are separated by
tabs, in BT-Lab's advanced text export by semicolons, with the index of the record as a first column without a name.

* Encoding: Windows-1252 (``µ``, ``°``, ``²``), also UTF-8 and UTF-16; only a temperature's name depends on it.
* Decimal comma where the computer's language has one; labels and column names stay English.
* Float32 columns are printed with eight digits, float64 with sixteen. BT-Lab's advanced export prints float32 as
  doubles (3.81503248214722): such columns are brought back to the decimal that was meant.
* ``time/s`` is seconds since the start of the acquisition, or the local wall clock ``mm/dd/yyyy HH:MM:SS.fff``; without
  a header a wall clock counts from the first record.
* BT-Lab's advanced export writes the whole status byte into each flag's column, which shows by values above 3.
* A last line without line end is left out, with a warning, when cells are missing or one cannot be read.
* Impedance exports may hold nothing but frequency, real and imaginary part (``Im(Z)/Ohm`` without the minus).

Seen: EC-Lab 11.18 to 11.61, BT-Lab 1.65 to 1.80. Meaning of the columns: :mod:`parsers._biologic`; of the header:
:mod:`parsers._biologic_header`. EC-Lab computes ``cycle number`` while exporting; it is kept as it stands.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers._biologic import DECIDED, TIME, Records, build_reading
from parsers._biologic_header import header_facts, header_start
from parsers._biologic_text import (
    HEADLESS_LINES,
    OPENINGS,
    Layout,
    count_header_lines,
    find_columns,
    find_layout,
    read_columns,
)
from parsers._clock import iso_utc, unix_second, unix_seconds
from parsers._lines import excerpt_lines, read_growing
from parsers._numbers import Doubles
from parsers.contract import Excerpt, Format, Known, Peek, Reading, Source
from warehouse.errors import ParseError


def sniff(peek: Peek) -> bool:
    """Whether the file opens as an ASCII export, or its first line names EC-Lab's columns."""
    return peek.text.startswith(OPENINGS) or find_columns(peek.lines[:HEADLESS_LINES]) is not None


def read(source: Source) -> Reading:
    """Read records, impedance and the header."""
    layout = find_layout(source)
    file = io.BytesIO(layout.content)
    return read_growing(source, file, layout.is_whole, lambda stop: _read_records(source, layout.until(stop)))


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown export; which way an energy counts is decided by all its records."""
    return excerpt_lines(file, known, count_header_lines, decided=DECIDED)


def _read_records(source: Source, layout: Layout) -> Reading:
    about = header_facts(layout.header)
    local = header_start(layout.header)
    start = None if local is None else unix_second(local, source.zone)
    columns: dict[str, NDArray[Any]] = {}
    if layout.body:
        columns, clock = read_columns(source, layout)
        if clock is not None:
            columns[TIME], start = _elapsed(source, layout.line, clock, start)
        if not columns:
            raise ParseError(source.name, "the records hold no values", line=layout.line)
    if start is not None:
        about["start_time"] = iso_utc(start)
    warnings = () if start is not None else ("the wall clock is unknown: the export does not say when it started",)
    records = Records(source.name, columns, layout.line, 0, str(about.get("technique", "")), start)
    return build_reading(records, about, warnings)


def _elapsed(source: Source, line: int, clock: pl.Series, start: float | None) -> tuple[Doubles, float]:
    """Return seconds since the start, to the microsecond, and the start as Unix time."""
    unix = unix_seconds(clock, source.zone)
    skipped = unix.is_null().arg_true()
    if len(skipped):
        detail = f"{clock[skipped[0]]} does not exist in {source.zone.key}"
        raise ParseError(source.name, detail, line=line + skipped[0], column=TIME)
    moments = unix.to_numpy()
    # A header that was edited may start after the first record.
    begin = float(moments[0]) if start is None else min(start, float(moments[0]))
    # Differences of Unix times carry residues below a microsecond.
    return np.rint((moments - begin) * 1e6) / 1e6, begin


FORMAT = Format(
    "biologic_mpt",
    "BioLogic",
    frozenset({".mpt", ".txt", ".csv"}),
    "both",
    sniff,
    read,
    version=2,
    lost="settings of the technique, I Range, Ece and its impedance, harmonics, Cs and Cp, counters per half cycle, "
    "step time, x, R, capacitances",
    excerpt=excerpt,
)

"""Neware BTSDA text export of the record sheet: one header line, comma or tab separated, one line a record.

Seen: BTSDA 8 (2022 and 2024); ``DataPoint, Cycle Index, Step Index, Step Type, Time, Total Time`` or ``Cumulative
Time``, ``Current(µA), Voltage(mV), Capacity(mAs), …, Date, …``; a comma may end every line. Encodings: the micro sign
is written as B5 (cp1252), A6 CC (GBK), C2 B5 or CE BC (UTF-8); only the header needs it, so the first encoding in
which every unit makes sense is taken. Columns and units: :mod:`parsers._neware_table`.

Counters (``Chg. Cap.``, ``DChg. Cap.``, ``Chg. Energy``, ``DChg. Energy``) restart at every step in both files seen.
Current was signed in both; a file without a negative number gets its signs from the step types.
A last line without line end is left out, with a warning, when cells are missing or one cannot be read.
The export holds what was ticked in BTSDA: A with 4 decimals means steps of 100 µA.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Collection
from functools import partial
from operator import attrgetter
from typing import BinaryIO, Final

import polars as pl

from parsers._lines import LastLine, excerpt_lines, read_growing, read_narrow, require_line_end
from parsers._neware_table import Place, count_strange_units, find_columns, is_record_header, to_reading
from parsers.contract import Excerpt, Format, Known, Peek, Reading, Source, as_text
from warehouse.errors import ParseError

# Which one it is depends on the list separator of the exporting PC.
SEPARATORS: Final = (",", "\t", ";")
MARKED: Final = ("utf-8-sig",)
# GB18030 before cp1252, which decodes anything: a Chinese μ would pass as two Latin letters and no unit.
ENCODINGS: Final = ("utf-8", "gb18030", "cp1252", "latin-1")
LONGEST_HEADER: Final = 8192
FIRST_LINE: Final = 2
DECIDED: Final = frozenset({"current_ampere", "power_watt"})


def sniff(peek: Peek) -> bool:
    """Recognise the labels of a record sheet in the first line."""
    return bool(peek.lines) and any(is_record_header(fields) for fields in _split_all(peek.lines[0]))


def read(source: Source) -> Reading:
    """Read one exported test."""
    raw = read_narrow(source.path.read_bytes(), source)
    headers, separator = _read_header(raw[:LONGEST_HEADER], source)
    file = io.BytesIO(raw)
    require_line_end(source, file, FIRST_LINE - 1)
    fits = partial(_is_whole, width=len(headers), separator=separator)

    def read_until(stop: int | None) -> Reading:
        table = _read_table(raw[:stop], headers, separator, source)
        return to_reading(table, headers, source, FIRST_LINE)

    return read_growing(source, file, fits, read_until)


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown export; whether currents are signed is decided by all its records."""
    file.seek(0)
    header = as_text(file.read(LONGEST_HEADER)).splitlines()[:1]
    places = max((find_columns(fields) for line in header for fields in _split_all(line)), key=len, default={})
    # Without a column of its own the test time is added up from the steps.
    summed = frozenset({"test_time_second"} - places.keys())
    return excerpt_lines(file, known, lambda _: FIRST_LINE - 1, summed=summed, decided=DECIDED)


def _is_whole(last: LastLine, width: int, separator: str) -> bool:
    return last.cells(separator) >= width


def _split_all(line: str) -> list[list[str]]:
    return [next(csv.reader([line], delimiter=separator), []) for separator in SEPARATORS]


def _read_header(head: bytes, source: Source) -> tuple[list[str], str]:
    """Return header and separator, in the encoding in which most units make sense; of several the first."""
    found = []
    for encoding in MARKED if head.startswith(codecs.BOM_UTF8) else ENCODINGS:
        lines = head.decode(encoding, errors="replace").splitlines()
        cells = zip(_split_all(lines[0] if lines else ""), SEPARATORS, strict=True)
        found += [(fields, separator) for fields, separator in cells if is_record_header(fields)]
    if not found:
        raise ParseError(source.name, "expected Cycle Index, Step Index, Step Type, Current, Voltage", line=1)
    return min(found, key=lambda header: count_strange_units(header[0]))


def _read_table(raw: bytes, headers: list[str], separator: str, source: Source) -> pl.DataFrame:
    """Read the columns that the schema knows: numbers as numbers, or all as text where a cell is not what it should be.

    The text is what tells the line of a wrong cell; numbers take a third of its memory and time.
    """
    places = find_columns(headers).values()
    numeric = {str(place.index) for place in places if place.unit is not None or place.quantity == "count"}
    try:
        return _read_columns(raw, headers, separator, places, numeric)
    except pl.exceptions.PolarsError:
        pass
    try:
        return _read_columns(raw, headers, separator, places, set())
    except pl.exceptions.PolarsError as error:
        detail = f"a line does not have the {len(headers)} fields of the header: {error}"
        raise ParseError(source.name, detail, line=2) from error


def _read_columns(
    raw: bytes, headers: list[str], separator: str, places: Collection[Place], numeric: set[str]
) -> pl.DataFrame:
    names = [str(index) for index in range(len(headers))]
    table = pl.scan_csv(
        io.BytesIO(raw),
        has_header=False,
        skip_lines=1,
        separator=separator,
        schema={name: pl.Float64 if name in numeric else pl.String for name in names},
        encoding="utf8-lossy",
        # A header alone is a test without records, not an error.
        raise_if_empty=False,
    )
    return table.select(str(place.index) for place in sorted(places, key=attrgetter("index"))).collect()


FORMAT = Format(
    "neware_csv",
    "Neware",
    frozenset({".csv", ".txt"}),
    "cycling",
    sniff,
    read,
    version=3,
    lost="specific capacities, dQ/dV, contact resistance, accumulated counters, auxiliary voltages",
    excerpt=excerpt,
)

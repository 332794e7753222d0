"""Landt text exports (.csv, .txt), separated by commas or tabs, UTF-8 or GB18030.

Seen: one file of 2024 that a laboratory made of an export: six lines of ``key:`` and commas, then the headings
``channel_index, cycle_index, step_index, date_time_iso_string, test_time_s, step_time_s, current_A, voltage_V,
discharge_capacity_Ah, …, step_name``, which hold their unit behind the last underscore. Its ``channel_index`` counts
the records from 1. Dates are month first. Four decimals of A and Ah are steps of 100 µA and 0.1 mAh. Capacities are
those of the step: both begin at nothing with every step, also within a cycle.

The vendor's own text export, with the headings of :mod:`parsers._landt`, is known from its workbook and from public
descriptions; its first line, or one of the first twelve, holds the headings.
"""

from __future__ import annotations

import csv
import unicodedata
from typing import BinaryIO, Final

from parsers._blocks import cut_cells, read_text
from parsers._cells import Grid
from parsers._landt import build_reading, find_record_columns
from parsers._lines import excerpt_lines
from parsers._table import Column, numeric, places
from parsers.contract import HEAD_BYTES, Excerpt, Format, Known, Peek, Reading, Source, as_text
from warehouse.errors import ParseError

SEPARATORS: Final = (",", "\t", ";")
HEADING_LINES: Final = 12
FEWEST_SEPARATORS: Final = 2
VOLTAGES: Final = ("voltage", "电压")
CHINESE: Final = "gb18030"

Heading = tuple[int, str, tuple[str, ...], dict[str, Column]]


def sniff(peek: Peek) -> bool:
    """Whether one of the first lines holds the headings of a record table."""
    return _find_heading(peek.head) is not None


def read(source: Source) -> Reading:
    """Read one exported test.

    Raises:
        ParseError: no headings, unknown units, a cell that is no number, time that goes back.
    """
    return read_text(source, lambda raw: _read_records(raw, source), _width)


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown export; whether currents are signed is decided by all its records."""
    return excerpt_lines(file, known, _count_above, decided=frozenset({"current_ampere"}))


def _read_records(raw: bytes, source: Source) -> Reading:
    found = _find_heading(raw[:HEAD_BYTES])
    if found is None:
        raise ParseError(source.name, "the file ends before its headings", code="incomplete_file", line=1)
    line, separator, headings, columns = found
    body = raw.split(b"\n", line)[line] if raw.count(b"\n") >= line else b""
    # The states, not only the headings, are Chinese.
    if not _is_utf8(raw):
        body = body.decode(CHINESE, errors="replace").encode()
    grid = Grid(line + 1, separator, headings, places(columns), numeric=numeric(columns))
    return build_reading(cut_cells(body, grid, source), columns, source, {})


def _count_above(head: bytes) -> int | None:
    found = _find_heading(head[:HEAD_BYTES])
    return found[0] if found else None


def _width(raw: bytes) -> int:
    found = _find_heading(raw[:HEAD_BYTES])
    return len(found[2]) if found else 0


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        # A file that still grows may end inside a character.
        return error.reason == "unexpected end of data"
    return True


def _find_heading(head: bytes) -> Heading | None:
    """Return line, separator, headings and our columns of a record table."""
    # As UTF-8 first: GB18030 decodes nearly anything into other Chinese signs.
    texts = [as_text(head)] if head.isascii() else [as_text(head), head.decode(CHINESE, errors="replace")]
    for text in texts:
        for number, line in enumerate(text.splitlines()[:HEADING_LINES], start=1):
            plain = unicodedata.normalize("NFKC", line).lower()
            # Most lines of most files are numbers.
            if not any(word in plain for word in VOLTAGES):
                continue
            for separator in SEPARATORS:
                # Time, voltage and current take two separators.
                if line.count(separator) < FEWEST_SEPARATORS:
                    continue
                headings = tuple(next(csv.reader([line.replace("\0", "")], delimiter=separator), []))
                columns = find_record_columns(headings)
                if columns:
                    return number, separator, headings, columns
    return None


FORMAT = Format(
    "landt_csv",
    "Landt",
    frozenset({".csv", ".txt"}),
    "cycling",
    sniff,
    read,
    lost="specific capacities and energies, state of charge, auxiliary voltages, pressure, dQ/dV",
    excerpt=excerpt,
)

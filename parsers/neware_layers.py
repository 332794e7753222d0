"""Neware BTSDA text export of all layers: a line for each cycle, below it its steps, below each step its records.

Seen: one export of 2026, commas, time as h:mm:ss. Three header lines tell the layers apart by blank cells in front:
none for ``Cycle Index, Chg. Cap.(Ah), …``, one for ``Step Index, Step Number, Step Type, Step Time, …``, two for
``DataPoint, Time, Total Time, Current(A), Voltage(V), …, Date, …``; lines below begin likewise. In the file seen the
first cycle's line goes on with its first step, without the blank cell, and the other cycles' lines do not: both are
read. Records are as in :mod:`parsers.neware_csv`: the same labels, units, signs and counters, and the clock of the PC.

An export that was re-saved in an encoding without ℃ says ``T1(?)``: such a temperature is left out, with a warning.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Final

import polars as pl

from parsers._lines import LastLine, read_growing, read_narrow, require_line_end
from parsers._neware_table import count_strange_units, find_columns, is_record_header, to_reading
from parsers.contract import Format, Peek, Reading, Source
from parsers.neware_csv import ENCODINGS, LONGEST_HEADER, SEPARATORS
from warehouse.errors import ParseError

LAYERS: Final = ("Cycle Index", "Step Index", "DataPoint")
STEP_TYPE: Final = "Step Type"
# Lines are counted from here while the table is read, so that they are told from those of the header.
AFAR: Final = 1 << 40


@dataclass(frozen=True)
class Header:
    """The header lines.

    Args:
        separator: between cells.
        cycle: labels of a cycle's line.
        step: labels of a step's line, without the blank cell.
        record: labels of a record's line, with both blank cells; behind them those that stand in the layers above.
    """

    separator: str
    cycle: tuple[str, ...]
    step: tuple[str, ...]
    record: tuple[str, ...]


def sniff(peek: Peek) -> bool:
    """Whether the first three lines are those of cycles, steps and records."""
    return _parse_header(peek.lines[: len(LAYERS)]) is not None


def read(source: Source) -> Reading:
    """Read one exported test."""
    raw = read_narrow(source.path.read_bytes(), source)
    file = io.BytesIO(raw)
    require_line_end(source, file, len(LAYERS))
    header = _read_header(raw[:LONGEST_HEADER], source)

    def fits(last: LastLine) -> bool:
        # A layer's line that is cut has no record below it.
        is_record = last.content.startswith(2 * header.separator.encode())
        return not is_record or last.cells(header.separator) >= len(header.record) - len(LAYERS)

    return read_growing(source, file, fits, lambda stop: _read_records(raw[:stop], header, source))


def _parse_header(lines: tuple[str, ...] | list[str]) -> Header | None:
    if len(lines) < len(LAYERS):
        return None
    for separator in SEPARATORS:
        layers = [tuple(next(csv.reader([line], delimiter=separator), [])) for line in lines]
        names = [next((cell.strip() for cell in cells[depth:]), "") for depth, cells in enumerate(layers)]
        blank = all(not cell.strip() for depth, cells in enumerate(layers) for cell in cells[:depth])
        cycle, step, record = layers
        whole = (*record, *LAYERS[:2], STEP_TYPE)
        known = STEP_TYPE in (cell.strip() for cell in step) and is_record_header(whole)
        if blank and known and [name.lstrip("\ufeff") for name in names] == list(LAYERS):
            return Header(separator, cycle, step[1:], whole)
    return None


def _read_header(head: bytes, source: Source) -> Header:
    """Return the header in the encoding in which its units make sense, else as it came first."""
    found = [_parse_header(head.decode(encoding, errors="replace").splitlines()[:3]) for encoding in ENCODINGS]
    headers = [header for header in found if header is not None]
    if not headers:
        raise ParseError(source.name, f"expected header lines that begin with {', '.join(LAYERS)}", line=1)
    return min(headers, key=lambda header: count_strange_units(header.record))


def _read_records(raw: bytes, header: Header, source: Source) -> Reading:
    """Read the records, each with the cycle and the step that it stands below."""
    is_cycle = pl.col("0").is_not_null()
    # The step may stand in its cycle's line.
    is_step = ~is_cycle & pl.col("1").is_not_null() | is_cycle & pl.col(str(len(header.cycle))).is_not_null()
    behind = len(header.record) - len(LAYERS)
    # A blank line is none.
    is_filled = pl.any_horizontal(pl.col(str(place)).is_not_null() for place in range(behind))
    is_record = is_filled & ~is_cycle & ~is_step
    above = {
        str(behind): pl.when(is_cycle).then(pl.col("0")),
        str(behind + 1): pl.when(is_step).then(_step_cell(header, LAYERS[1])),
        str(behind + 2): pl.when(is_step).then(_step_cell(header, STEP_TYPE)),
        "has_step": pl.when(is_step).then(statement=True).when(is_cycle).then(statement=False),
    }
    lines = _read_lines(raw, header)
    filled = lines.select("line", *(pl.col(str(place)) for place in range(behind)), is_record=is_record, **above)
    try:
        records = filled.with_columns(pl.col(*above).forward_fill()).filter("is_record").collect()
    except pl.exceptions.PolarsError as error:
        raise ParseError(source.name, f"the lines are no table: {error}", line=len(LAYERS) + 1) from error
    lost = records.filter(~pl.col("has_step").fill_null(value=False))
    if lost.height:
        raise ParseError(source.name, "a record stands below no step", line=lost["line"][0])
    places = [str(place.index) for place in find_columns(header.record).values()]
    try:
        return to_reading(records.select(places), header.record, source, AFAR)
    except ParseError as error:
        if error.line is None or error.line < AFAR:
            raise
        line = int(records["line"][error.line - AFAR])
        raise ParseError(error.path, error.detail, code=error.code, line=line, column=error.column) from error


def _read_lines(raw: bytes, header: Header) -> pl.LazyFrame:
    """Return the lines below the header, each with its number; what a line lacks is null."""
    width = max(len(header.record) - len(LAYERS), len(header.cycle) + len(header.step))
    below = raw.split(b"\n", len(LAYERS))[len(LAYERS) :]
    # The first line decides how many columns there are: one of blanks, in the place of the header's last.
    blanks = header.separator.encode() * (width - 1)
    table = pl.scan_csv(
        io.BytesIO(b"\n".join([blanks, *below])),
        has_header=False,
        separator=header.separator,
        schema={str(place): pl.String for place in range(width)},
        encoding="utf8-lossy",
        truncate_ragged_lines=True,
    )
    return table.with_row_index("line", len(LAYERS))


def _step_cell(header: Header, name: str) -> pl.Expr:
    """Return a cell of a step, which stands in a line of its own behind a blank cell, or behind its cycle's cells."""
    place = [label.strip() for label in header.step].index(name)
    own, shared = pl.col(str(place + 1)), pl.col(str(place + len(header.cycle)))
    return pl.when(pl.col("0").is_null()).then(own).otherwise(shared)


FORMAT = Format(
    "neware_layers",
    "Neware",
    frozenset({".csv", ".txt"}),
    "cycling",
    sniff,
    read,
    verified=False,  # one public export was read by hand; the tests have none
    lost="what the lines of cycles and steps sum up; contact resistance, auxiliary voltages",
)

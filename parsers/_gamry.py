"""The inside of Gamry's EXPLAIN files: tables, what they hold, and the header between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from parsers._blocks import cut_cells, line_number, tabs_for_blanks
from parsers._cells import Grid
from parsers._table import Column, find_columns, places, read_columns
from parsers.contract import Source

# A table's name begins a line; notes and rows are indented.
TABLE: Final = re.compile(rb"\n(\w+)\tTABLE[^\n]*(?=\n)")
NEXT: Final = re.compile(rb"\n[^ \t\r\n]")
# TAG has no type between its name and its value.
ENTRY: Final = re.compile(rb"\n(\w+)\t([\w.]+)(?:\t([^\t\r\n]*))?")
COMMA: Final = re.compile(rb"(?<=\d),(?=\d)")
# Vf and its like are measured; Vu, Sig and Ach are other inputs and set values.
LAYOUT: Final = {
    "t": ("test_time_second", ""),
    "time": ("test_time_second", ""),
    "vf": ("voltage_volt", ""),
    "vfwd": ("voltage_volt", ""),
    "voltage": ("voltage_volt", ""),
    "im": ("current_ampere", ""),
    "ifwd": ("current_ampere", ""),
    "current": ("current_ampere", ""),
    "pwr": ("power_watt", ""),
    "temp": ("temperature_t1_celsius", ""),
    "cycle": ("cycle_count", ""),
}
SPECTRA_LAYOUT: Final = {
    "time": ("test_time_second", ""),
    "freq": ("frequency_hertz", ""),
    "zreal": ("real_impedance_ohm", ""),
    "zimag": ("imaginary_impedance_ohm", ""),
    "idc": ("bias_current_ampere", ""),
    "vdc": ("bias_voltage_volt", ""),
    "temp": ("temperature_celsius", ""),
}
IMPEDANCE: Final = frozenset({"frequency_hertz", "real_impedance_ohm", "imaginary_impedance_ohm"})
REFERENCE: Final = re.compile(r"\s+vs\.?\s.*$")
CELSIUS: Final = {"deg C": "°C", "degC": "°C", "C": "°C"}


@dataclass(frozen=True)
class Block:
    """One table: its name, the names and units of its columns, and where its rows lie."""

    name: str
    headings: tuple[str, ...]
    units: tuple[str, ...]
    begin: int
    end: int
    line: int

    @property
    def labels(self) -> frozenset[str]:
        """The names of the columns, in lower case."""
        return frozenset(heading.lower() for heading in self.headings)

    @property
    def is_spectrum(self) -> bool:
        """Whether the table is an impedance sweep."""
        return self.labels >= {"freq", "zreal", "zimag"}


def find_blocks(raw: bytes) -> list[Block]:
    """Find the tables of a file; one that ends inside its two lines of headings is not there yet."""
    found = []
    # Every line then begins behind a line feed, which is looked for much faster than beginnings of lines are.
    text = b"\n" + raw
    for match in TABLE.finditer(text):
        following = NEXT.search(text, match.end())
        end = following.start() if following else len(raw)
        lines = raw[match.end() : end].split(b"\n", 2)
        if len(lines) == len(("names", "units", "rows")):
            names, units = (_cells(line) for line in lines[:2])
            begin = end - len(lines[2])
            name = match[1].decode("ascii", errors="replace")
            found.append(Block(name, names, units, begin, end, line_number(raw, begin)))
    return found


def read_header(raw: bytes) -> dict[str, str]:
    """Return tag to value of every entry outside the tables."""
    return {
        match[1].decode("ascii", errors="replace"): (match[3] or match[2]).decode("cp1252", errors="replace").strip()
        for match in ENTRY.finditer(b"\n" + raw)
        if match[2] != b"TABLE"
    }


def read_block(raw: bytes, block: Block, source: Source) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the columns of a table that the schema has, and its cells.

    Raises:
        ParseError: a unit that is not known, a cell that is no number.
    """
    # Hand-edited files have blanks where the program writes tabs.
    columns = block_columns(block)
    # No number has thousands separators: a comma between digits is the language's decimal sign.
    body = tabs_for_blanks(raw[block.begin : block.end])
    body = COMMA.sub(b".", body) if b"," in body else body
    grid = Grid(block.line, "\t", block.headings, places(columns), quote=None)
    cells = cut_cells(body, grid, source)
    return pl.DataFrame(read_columns(cells, columns, source)), cells


def block_columns(block: Block) -> Mapping[str, Column]:
    """Return the columns of a table that the schema has."""
    headings = [f"{name}[{unit}]" for name, unit in zip(block.headings, _plain_units(block), strict=True)]
    return find_columns(headings, SPECTRA_LAYOUT if block.is_spectrum else LAYOUT)


def _plain_units(block: Block) -> list[str]:
    units = [*block.units, *[""] * len(block.headings)][: len(block.headings)]
    return [CELSIUS.get(plain, plain) for plain in (REFERENCE.sub("", unit) for unit in units)]


def _cells(line: bytes) -> tuple[str, ...]:
    text = line.decode("utf-8", errors="replace").rstrip("\r")
    return tuple(cell.strip() for cell in text.removeprefix("\t").rstrip("\t").split("\t"))

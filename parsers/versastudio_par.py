"""VersaStudio data (.par) of Princeton Applied Research's VersaSTAT and PARSTAT: text in sections.

No real file was at hand: the layout is known from public readers of such files and the reader is unconfirmed. Layout:
sections ``<Name>`` … ``</Name>``; in each ``<Segment1>``, ``<Segment2>``, … lines such as ``Type=4``, ``Version=``,
then ``Definition=Segment #, Point #, E(V), I(A), Elapsed Time(s), …, Frequency(Hz), …, Z Real, Z Imag, …`` and one line
of comma-separated numbers a point.

* A point at frequency 0, or of a segment without frequencies, is a measurement; the others make spectra.
* E(V) and I(A) name their units; Z Real and Z Imag are in Ω, Z Imag negative when capacitive.
* Current: as the instrument has it, positive when the working electrode is oxidised, which charges a cell whose
  positive electrode is the working electrode.
* Segment # numbers the actions: ``step_id``. Elapsed Time runs on over the segments.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from parsers._blocks import cut_cells, line_number, read_text
from parsers._cells import Grid, check_order
from parsers._table import drop_empty, find_columns, places, read_columns
from parsers.contract import Fact, Format, Peek, Reading, Source
from parsers.parstat_txt import split_direct
from warehouse.errors import ParseError

LAYOUT: Final = {
    "segment #": ("step_id", ""),
    "e": ("voltage_volt", ""),
    "i": ("current_ampere", ""),
    "elapsed time": ("test_time_second", ""),
    "frequency": ("frequency_hertz", ""),
    "z real": ("real_impedance_ohm", "Ohm"),
    "z imag": ("imaginary_impedance_ohm", "Ohm"),
    "zre": ("real_impedance_ohm", "Ohm"),
    "zim": ("imaginary_impedance_ohm", "Ohm"),
}
NEEDED: Final = frozenset({"voltage_volt", "current_ampere", "test_time_second"})
SEGMENT: Final = re.compile(rb"(?m)^<Segment(\d+)>[^\n]*\n")
DEFINITION: Final = re.compile(rb"(?m)^Definition=([^\r\n]*)\r?\n")
END: Final = re.compile(rb"(?m)^</?[A-Za-z]")
SECTIONS: Final = ("<Application>", "<Instrument>", "<DockingLayout>", "<Experiment>", "<Segments>", "<Segment1>")
FACT: Final = re.compile(rb"(?m)^(Model|SerialNumber|Serial Number|Name|Version)=([^\r\n]+)")
FACTS: Final = {"Model": "instrument", "SerialNumber": "serial", "Serial Number": "serial"}


def sniff(peek: Peek) -> bool:
    """Whether the file begins with one of VersaStudio's sections, in VersaStudio's way."""
    first = peek.lines[0].strip() if peek.lines else ""
    return first in SECTIONS and any("=" in line and not line.startswith("<") for line in peek.lines[1:6])


def read(source: Source) -> Reading:
    """Read the segments of one file.

    Raises:
        ParseError: no segment, unknown columns, a cell that is no number, time that goes back.
    """
    return read_text(source, lambda raw: _read_segments(raw, source), _width)


def _bodies(raw: bytes) -> list[tuple[tuple[str, ...], int, int]]:
    """Return headings, begin and end of every segment's points."""
    found = []
    for match in SEGMENT.finditer(raw):
        definition = DEFINITION.search(raw, match.end())
        end = END.search(raw, match.end())
        # A segment without its end is still being written.
        stop = end.start() if end else len(raw)
        if definition and definition.end() <= stop:
            headings = definition[1].decode("utf-8", errors="replace").split(",")
            found.append((tuple(heading.strip() for heading in headings), definition.end(), stop))
    return found


def _width(raw: bytes) -> int:
    bodies = _bodies(raw)
    return len(bodies[-1][0]) if bodies and bodies[-1][2] == len(raw) else 0


def _read_segments(raw: bytes, source: Source) -> Reading:
    tables = [_read_segment(raw, *body, source) for body in _bodies(raw)]
    if not tables:
        raise ParseError(source.name, "the file ends before its first segment", code="incomplete_file", byte=len(raw))
    frame = pl.concat([table for table, _ in tables], how="diagonal")
    lines = pl.concat([line for _, line in tables])
    check_order(frame["test_time_second"], lines.to_frame("line"), source)
    measurements, spectra = split_direct(frame, lines, source)
    return Reading(measurements=drop_empty(measurements), spectra=spectra, about=_facts(raw))


def _read_segment(
    raw: bytes, headings: tuple[str, ...], begin: int, end: int, source: Source
) -> tuple[pl.DataFrame, pl.Series]:
    line = line_number(raw, begin)
    columns = find_columns(headings, LAYOUT)
    if not columns.keys() >= NEEDED:
        detail = f"expected E(V), I(A) and Elapsed Time(s), found {', '.join(headings)!r}"
        raise ParseError(source.name, detail, code="unknown_layout", line=line - 1)
    cells = cut_cells(raw[begin:end], Grid(line, ",", headings, places(columns), quote=None), source)
    return pl.DataFrame(read_columns(cells, columns, source)), cells["line"]


def _facts(raw: bytes) -> dict[str, Fact]:
    said = {match[1].decode(): match[2].decode("utf-8", errors="replace").strip() for match in FACT.finditer(raw)}
    return {ours: said[key] for key, ours in FACTS.items() if said.get(key)}


FORMAT = Format(
    "versastudio_par",
    "Princeton Applied Research",
    frozenset({".par"}),
    "both",
    sniff,
    read,
    verified=False,  # no real file at hand; written from scratch in the tests
    lost="settings, applied potentials, ranges and status, real and imaginary parts of potential and current",
)

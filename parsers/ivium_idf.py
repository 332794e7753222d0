"""Ivium data files (.idf), and several of them in one (.ids): text between binary markers.

Seen: one file of version 12 (IviumSoft 4.1084, CompactStat, galvanostatic impedance), and an older one of an IviumStat
without Version and QR (potentiostatic impedance). Layout: zeros and marker bytes, then lines of ``key=value``
(starttime, serialnumber, software, Method, Technique, Title, settings) and the objects of data: ``primary_data``, a
marker, the number of columns, the number of rows, the rows; ``osc_data`` holds the raw waves and is not read. In an
.ids every set has its own Method, Title and primary_data.

* Method=Impedance: three columns, Z', Z'' and frequency. The columns have no names: the third one is the list of
  I_Frequencies of the same file; Z'' is negative when capacitive, as the arc below the axis shows. Ω and Hz.
* Other methods have other columns, which nothing in the file names: refused, so that none is taken for another.
* starttime is local, in the order of the computer's language; left out where day and month cannot be told apart.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from parsers._blocks import cut_cells, line_number, read_text, tabs_for_blanks
from parsers._cells import Grid, numbers
from parsers._clock import iso_utc, unix_second
from parsers._dates import find_order, parse_moment
from parsers._impedance import number_sweeps
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

STARTED: Final = b"\nstarttime="
FIRST_KEYS: Final = (b"Version=", b"\nPeaks=")
# Marker bytes stand between the name and the number of columns.
PRIMARY: Final = re.compile(rb"primary_data\s*[\x00\s]*(\d{1,3})[ ]*\r?\n(\d{1,9})[ ]*\r?\n")
NAMED: Final = re.compile(rb"primary_data")
KEY: Final = re.compile(rb"(?m)^(starttime|serialnumber|software|Method|Technique|Title)=([^\r\n]*)")
COLUMNS: Final = {"real_impedance_ohm": 0, "imaginary_impedance_ohm": 1, "frequency_hertz": 2}
IMPEDANCE: Final = "Impedance"
FACTS: Final = {"serialnumber": "serial", "software": "software", "Technique": "technique", "Title": "test_name"}


def sniff(peek: Peek) -> bool:
    """Whether the file begins with Ivium's marker and its first keys."""
    head = peek.head
    return head.startswith(bytes(8)) and any(key in head[:64] for key in FIRST_KEYS) and STARTED in head


def read(source: Source) -> Reading:
    """Read the spectra of one file.

    Raises:
        ParseError: another method than impedance, other columns, a cell that is no number.
    """
    return read_text(source, lambda raw: _read_sets(raw, source), lambda _: 0)


def _read_sets(raw: bytes, source: Source) -> Reading:
    found = list(PRIMARY.finditer(raw))
    if not found:
        detail = "the file ends before its primary data"
        code = "broken_file" if NAMED.search(raw) else "incomplete_file"
        raise ParseError(source.name, detail, code=code, byte=len(raw))
    begin = 0
    sets: list[pl.DataFrame] = []
    warnings: list[str] = []
    for number, match in enumerate(found, start=1):
        said = _said(raw[begin : match.start()])
        # In an .ids the method may stand once for all sets.
        if said.get("Method", IMPEDANCE) != IMPEDANCE or int(match[1]) != len(COLUMNS):
            detail = f"expected three columns of Method=Impedance, found {int(match[1])} of {said.get('Method', '?')!r}"
            raise ParseError(source.name, detail, code="unknown_layout", byte=match.start())
        # What follows the announced rows belongs to the raw waves.
        rows = b"\n".join(raw[match.end() :].split(b"\n", int(match[2]))[: int(match[2])])
        points = _read_points(rows, line_number(raw, match.end()), source)
        if points.height < int(match[2]):
            warnings.append(f"set {number} announces {int(match[2])} points and holds {points.height}")
        last = sets[-1]["spectrum_index"][-1] if sets and sets[-1].height else 0
        sets.append(points.with_columns(pl.col("spectrum_index") + last))
        begin = match.end()
    return Reading(spectra=pl.concat(sets), about=_facts(raw[: found[0].start()], source), warnings=tuple(warnings))


def _read_points(rows: bytes, line: int, source: Source) -> pl.DataFrame:
    grid = Grid(line, "\t", tuple(COLUMNS), COLUMNS, quote=None)
    cells = cut_cells(tabs_for_blanks(rows), grid, source)
    frame = pl.DataFrame([numbers(cells, name, source, required=True) for name in COLUMNS])
    wrong = frame["frequency_hertz"] <= 0
    if wrong.any():
        row = wrong.arg_max() or 0
        detail = f"expected a positive frequency in the third column, found {frame['frequency_hertz'][row]}"
        raise ParseError(source.name, detail, line=cells["line"][row])
    index = pl.Series("spectrum_index", number_sweeps(frame["frequency_hertz"].to_numpy()), dtype=pl.Int64)
    return frame.with_columns(index)


def _said(head: bytes) -> dict[str, str]:
    return {match[1].decode(): match[2].decode("cp1252", errors="replace").strip() for match in KEY.finditer(head)}


def _facts(head: bytes, source: Source) -> dict[str, Fact]:
    said = _said(head)
    facts: dict[str, Fact] = {ours: said[key] for key, ours in FACTS.items() if said.get(key)}
    if facts.get("serial"):
        facts["channel"] = facts["serial"]
    started = said.get("starttime", "")
    moment = parse_moment(started, order=find_order([started.partition(" ")[0]])) if started else None
    if moment is not None:
        facts["start_time"] = iso_utc(unix_second(moment, source.zone))
    return facts


FORMAT = Format(
    "ivium_idf",
    "Ivium",
    frozenset({".idf", ".ids"}),
    "eis",
    sniff,
    read,
    lost="raw waves, settings; all methods but impedance",
)

r"""RelaxIS spectrum exports (.txt), tabs between cells.

Seen: RelaxIS 3.0, one spectrum imported from a ``.mpr``. Layout: ``RelaxIS 3.0 Spectrum export``, ``Date: 12/16/2025
2:29:15 PM`` (of the export), headings ``Data: Frequency  Data: Z'  Data: Z''  Data: |Z|  Data: Theta (Z)``, a line that
says what the spectrum is (``DC=-0.08, TM=33.7  Model: …  (WE/RE Spectrum) name``), the points.

* The headings name no unit; the program keeps SI units: Hz, Ω, degrees. |Z| and Theta of the file fit Z' and Z''.
* Z'' is negative when capacitive. Single precision that it imported is printed as doubles and brought back.
* Several spectra stand side by side, each from its own ``Data: Frequency`` on (public descriptions).
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from parsers._blocks import cut_cells, read_text
from parsers._cells import Grid
from parsers._eis_text import below
from parsers._impedance import find_places, is_impedance, meant_decimals, read_points, to_spectra
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

TITLE: Final = re.compile(r"^RelaxIS (?P<version>\S+) Spectrum export")
HEADING: Final = "Data: Frequency"
UNITS: Final = {"frequency": "Hz", "real": "Ohm", "imaginary": "Ohm", "modulus": "Ohm", "phase": "deg"}
SAMPLE: Final = re.compile(r"\(WE/RE Spectrum\)\s*([^\t]+)")


def sniff(peek: Peek) -> bool:
    """Whether the first line is the title of RelaxIS's export."""
    return bool(peek.lines) and TITLE.match(peek.lines[0]) is not None


def read(source: Source) -> Reading:
    """Read the exported spectra.

    Raises:
        ParseError: no headings, a cell that is no number, a frequency below zero.
    """
    return read_text(source, lambda raw: _read_spectra(raw, source), _width)


def _head(raw: bytes) -> list[str]:
    # The line of names grows with the number of spectra.
    return raw[:65536].decode("utf-8", errors="replace").splitlines()


def _heading_line(lines: list[str]) -> int | None:
    return next((number for number, line in enumerate(lines, start=1) if line.startswith(HEADING)), None)


def _width(raw: bytes) -> int:
    lines = _head(raw)
    line = _heading_line(lines)
    return len(lines[line - 1].split("\t")) if line else 0


def _read_spectra(raw: bytes, source: Source) -> Reading:
    lines = _head(raw)
    line = _heading_line(lines)
    if line is None or len(lines) <= line:
        raise ParseError(source.name, "the file ends before its headings", code="incomplete_file", line=len(lines))
    headings = lines[line - 1].split("\t")
    begins = [place for place, heading in enumerate(headings) if heading.startswith(HEADING)]
    # The line below the headings says what the spectra are.
    body = below(raw, line + 1)
    found: list[pl.DataFrame] = []
    warnings: list[str] = []
    for begin, end in zip(begins, [*begins[1:], len(headings)], strict=True):
        own = [heading.removeprefix("Data:") for heading in headings[begin:end]]
        places = find_places(own, UNITS)
        if not is_impedance(places):
            raise ParseError(source.name, f"expected an impedance, found {', '.join(own)}", line=line)
        wanted = {role: begin + place.index for role, place in places.items()}
        cells = cut_cells(body, Grid(line + 2, "\t", tuple(headings), wanted, quote=None), source)
        points = read_points(cells, places, source)
        exact = pl.DataFrame([meant_decimals(column) for column in points.get_columns()]) if points.height else points
        spectra, told = to_spectra(exact, cells["line"], source)
        # Spectra that stand side by side count on.
        last = found[-1]["spectrum_index"].max() if found and found[-1].height else 0
        found.append(spectra.with_columns(pl.col("spectrum_index") + last) if last else spectra)
        warnings += told
    spectra = pl.concat(found, how="diagonal") if len(found) > 1 else found[0]
    return Reading(spectra=spectra, about=_facts(lines, line), warnings=tuple(warnings))


def _facts(lines: list[str], line: int) -> dict[str, Fact]:
    title = TITLE.match(lines[0])
    facts: dict[str, Fact] = {"software": f"RelaxIS {title['version']}"} if title else {}
    sample = SAMPLE.search(lines[line])
    if sample:
        facts["sample"] = sample[1].strip()
    facts["comment"] = lines[line].replace("\t", " ").strip()
    return facts


FORMAT = Format(
    "relaxis_txt",
    "RelaxIS",
    frozenset({".txt"}),
    "eis",
    sniff,
    read,
    lost="fits and models, parameters of the measurement beyond their text",
)

r"""CH Instruments' text exports of A.C. impedance (.txt, .csv), commas and blanks between cells.

Seen: CHI660E, 2020. Layout: the date (``Feb. 20, 2020   15:55:08``), the technique, ``File:``, ``Data Source:``,
``Instrument Model:``, ``Header:``, ``Note:``, settings such as ``Init E (V) = 0`` and ``Amplitude (V) = 0.025``, the
headings ``Freq/Hz, Z'/ohm, Z"/ohm, Z/ohm, Phase/deg``, a blank line, the points. The lines above the settings may lack.

* Z" is negative when capacitive: so in the file seen, with its phase.
* Init E is the potential of the sweep, Amplitude that of the excitation.
* The other techniques' exports hold no time, or a current whose direction is a setting that is not exported; they are
  refused.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import polars as pl

from parsers._blocks import read_text
from parsers._clock import iso_utc, unix_second
from parsers._eis_text import below, heading_line, plain_number, read_eis_block
from parsers.contract import HEAD_BYTES, Fact, Format, Peek, Reading, Source, as_text
from warehouse.errors import ParseError

HEADING: Final = re.compile(r"^\s*Freq/Hz,\s*Z'/ohm")
MODEL: Final = re.compile(r"^Instrument Model:\s*(CHI\S+)")
MODEL_LABEL: Final = "Instrument Model:"
FREQUENCY: Final = "Freq/Hz,"
SETTING: Final = re.compile(r"^(Init E|Amplitude) \(V\) = (\S+)")
SETTINGS: Final = {"Init E": "bias_voltage_volt", "Amplitude": "amplitude_voltage_volt"}
TECHNIQUE_LINE: Final = 2


def sniff(peek: Peek) -> bool:
    """Whether one of the lines holds the headings of an impedance sweep, or the instrument's model."""
    if MODEL_LABEL not in peek.text and FREQUENCY not in peek.text:
        return False
    return any(HEADING.match(line) or MODEL.match(line) for line in peek.lines)


def read(source: Source) -> Reading:
    """Read one exported sweep.

    Raises:
        ParseError: another technique, a cell that is no number, a frequency below zero.
    """
    return read_text(source, lambda raw: _read_sweep(raw, source), _width)


def _lines(raw: bytes) -> list[str]:
    return as_text(raw[:HEAD_BYTES]).splitlines()


def _width(raw: bytes) -> int:
    lines = _lines(raw)
    line = heading_line(lines, HEADING)
    return lines[line - 1].count(",") + 1 if line else 0


def _read_sweep(raw: bytes, source: Source) -> Reading:
    lines = _lines(raw)
    line = heading_line(lines, HEADING)
    if line is None:
        technique = lines[TECHNIQUE_LINE - 1].strip() if len(lines) >= TECHNIQUE_LINE else ""
        # A sweep whose headings are cut will have them; another technique never will.
        code = "incomplete_file" if "Impedance" in technique else "unknown_layout"
        detail = f"expected the headings of an impedance sweep (Freq/Hz, Z'/ohm, …), found {technique!r} without them"
        raise ParseError(source.name, detail, code=code, line=len(lines))
    headings = [heading.strip() for heading in lines[line - 1].split(",")]
    spectra, warnings = read_eis_block(below(raw, line), headings, line + 1, source, stated={}, separator=",")
    settings = {SETTINGS[match[1]]: plain_number(match[2]) for match in map(SETTING.match, lines[: line - 1]) if match}
    # A setting that is no number is left out; the points are not touched by it.
    known = {name: value for name, value in settings.items() if value is not None}
    spectra = spectra.with_columns(pl.lit(value).alias(name) for name, value in known.items())
    return Reading(spectra=spectra, about=_facts(lines[: line - 1], source), warnings=tuple(warnings))


def _facts(head: list[str], source: Source) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    if any("A.C. Impedance" in line for line in head):
        facts["technique"] = "A.C. Impedance"
    model = next((match[1] for match in map(MODEL.match, head) if match), None)
    if model:
        facts["instrument"] = model
    try:
        # Month names are abbreviated with a point, except May.
        local = datetime.strptime(" ".join(head[0].replace(".", " ").split()), "%b %d, %Y %H:%M:%S")  # noqa: DTZ007 the file names no zone
        facts["start_time"] = iso_utc(unix_second(local, source.zone))
    except (ValueError, IndexError):
        pass
    return facts


FORMAT = Format(
    "chi_txt",
    "CH Instruments",
    frozenset({".txt", ".csv"}),
    "eis",
    sniff,
    read,
    lost="settings beyond the potentials; all techniques but impedance",
)

"""PowerSuite impedance exports (.txt), tabs between cells: ``Frequency``, ``Zre``, ``Zimg`` and the points.

Seen: one file of Princeton Applied Research's PowerSuite, lines ended by CR CR LF, a blank line below the headings.
The headings name no unit; the program writes Hz and Ω, and Zimg is negative when capacitive. Neither time nor
instrument is in the file.
"""

from __future__ import annotations

import re
from typing import Final

from parsers._blocks import read_text
from parsers._eis_text import below, read_eis_block
from parsers.contract import Format, Peek, Reading, Source

HEADING: Final = re.compile(rb"^Frequency[ \t]+Zre[ \t]+Zimg[ \t\r]*(?:\n|$)")
HEADINGS: Final = ("Frequency", "Zre", "Zimg")
UNITS: Final = {"frequency": "Hz", "real": "Ohm", "imaginary": "Ohm"}


def sniff(peek: Peek) -> bool:
    """Whether the first line holds PowerSuite's three headings and nothing else."""
    return HEADING.match(peek.head) is not None


def read(source: Source) -> Reading:
    """Read one exported sweep.

    Raises:
        ParseError: a cell that is no number, a frequency below zero.
    """
    return read_text(source, lambda raw: _read_sweep(raw, source), lambda _: len(HEADINGS))


def _read_sweep(raw: bytes, source: Source) -> Reading:
    # The program ends its lines with two carriage returns.
    body = below(raw, 1).replace(b"\r", b"")
    spectra, warnings = read_eis_block(body, HEADINGS, 2, source, stated=UNITS)
    return Reading(spectra=spectra, warnings=tuple(warnings))


FORMAT = Format("powersuite_txt", "Princeton Applied Research", frozenset({".txt"}), "eis", sniff, read)

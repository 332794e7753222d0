"""BioLogic .mpl: the log that EC-Lab and BT-Lab keep beside a .mpr from its start.

Text, Windows-1252, first line ``EC-Lab LOG FILE`` or ``BT-Lab LOG FILE``, then the header of the technique as in an
export, with the start of the acquisition. A .mpr that was copied while it ran has its start only here.
A log whose first lines were cut or edited is still known by its line of the start, which no other file of these
programs has without an opening line of its own.
Seen: EC-Lab 11.5x and 11.6x, BT-Lab 1.65 and 1.79.
"""

from __future__ import annotations

from typing import Final

from parsers._biologic_header import read_text_facts
from parsers._clock import iso_utc, unix_second
from parsers.contract import Format, Peek, Reading, Source

OPENINGS: Final = ("EC-Lab LOG FILE", "BT-Lab LOG FILE")
OTHER_OPENINGS: Final = ("EC-Lab ASCII FILE", "BT-Lab ASCII FILE", "EC-LAB SETTING FILE", "BT-LAB SETTING FILE")
START_LINE: Final = "Acquisition started on : "


def sniff(peek: Peek) -> bool:
    """Whether the first line calls the file a log, or a line tells the start and no first line another file."""
    if peek.text.startswith(OPENINGS):
        return True
    return not peek.text.startswith(OTHER_OPENINGS) and any(line.startswith(START_LINE) for line in peek.lines)


def read(source: Source) -> Reading:
    """Read instrument, channel and start; there are no records."""
    about, local = read_text_facts(source)
    if local is not None:
        about["start_time"] = iso_utc(unix_second(local, source.zone))
    return Reading(about=about)


FORMAT = Format("biologic_mpl", "BioLogic", frozenset({".mpl"}), "companion", sniff, read, lost="the sequences")

"""BioLogic .mps: the settings of linked techniques, a companion of the .mpr files that were run with them.

Text, Windows-1252, first line ``EC-LAB SETTING FILE`` (``BT-LAB SETTING FILE``), then safety limits, the cell's data
and one table of sequences per technique. Nothing of it is measured. Seen: EC-Lab 11.32.
"""

from __future__ import annotations

from typing import Final

from parsers._biologic_header import read_text_facts
from parsers.contract import Format, Peek, Reading, Source

OPENINGS: Final = ("EC-LAB SETTING FILE", "BT-LAB SETTING FILE")


def sniff(peek: Peek) -> bool:
    """Whether the first line calls the file a setting file."""
    return peek.text.startswith(OPENINGS)


def read(source: Source) -> Reading:
    """Read what the settings say of instrument and cell; there are no records."""
    about, _ = read_text_facts(source)
    # One of several linked techniques would stand for all of them.
    about.pop("technique", None)
    return Reading(about=about)


FORMAT = Format("biologic_mps", "BioLogic", frozenset({".mps"}), "companion", sniff, read, lost="the sequences")

"""BioLogic .sta: the state of a channel, which EC-Lab keeps beside a .mpr; a companion.

Undocumented. 214 bytes in the one file seen (EC-Lab 11.32, GCPL, MPG-2): 0x00-0x04 are 00 00 03 00 00, 0x05-0x48
unknown and nearly all different from zero, 0x4A-0x99 zeros, 0x9A a 5, zeros to the end. It has no signature of its own,
so the whole pattern and the length must fit; a .sta of another program version will not be recognised.
"""

from __future__ import annotations

from typing import Final

from parsers.contract import Format, Peek, read_companion

LENGTH: Final = 214
OPENING: Final = bytes((0, 0, 3, 0, 0))
ZEROS: Final = (slice(0x4A, 0x9A), slice(0x9B, LENGTH))


def sniff(peek: Peek) -> bool:
    """Whether length, opening and every run of zeros are those of the one file seen."""
    head = peek.head
    return len(head) == LENGTH and head.startswith(OPENING) and not any(any(head[part]) for part in ZEROS)


FORMAT = Format("biologic_sta", "BioLogic", frozenset({".sta"}), "companion", sniff, read_companion, lost="everything")

"""Neware BTS companions of ``data.ndc``: parts that belong to a test and hold no measurement by themselves.

Kinds by the first byte: 5 an auxiliary channel, 7 ``…_step`` (cycle, number and type of every step), 9 ``…_log``
(events), 16 ``…_es`` (meaning unknown), 18 ``…_runInfo`` (step time, counters and clock of some records).
Layout of the header as in :mod:`parsers.neware_ndc`. Seen: version 14. Read as parts of the ``.ndax`` only.
"""

from __future__ import annotations

from typing import Final

from parsers.contract import Format, Peek, read_companion
from parsers.neware_ndc import is_part

KINDS: Final = {5: "auxiliary", 7: "step", 9: "log", 16: "es", 18: "runInfo"}


def sniff(peek: Peek) -> bool:
    """Recognise the header of a part other than the main one."""
    return any(is_part(peek.head, bytes((kind, 0))) for kind in KINDS)


FORMAT = Format(
    "neware_ndc_part",
    "Neware",
    frozenset({".ndc"}),
    "companion",
    sniff,
    read_companion,
    lost="everything: steps, counters and clock of a part that comes without them; the .ndax has both",
)

"""WonATech's csv exports from Smart Interface: tables for plots, without time and without current.

**Not confirmed by real files.** Known from users' scripts. Encoding cp949 or UTF-8; the labels are plain ASCII.

* Capacity: ``Cycle, Q_Ch/M [mAh/g], Q_Dis/M [mAh/g]``, one row a cycle. The figures are already divided by a mass that
  someone typed in, and the file does not say which; absolute ones would be ``Q_Ch [mAh]``.
* Cycle profile: a first line ``1st Ch,,,1st Dis,…``, a second ``V [V],Q [mAh],Q/M [mAh/g],…``, below them curves of
  voltage over charge side by side.

Neither has a time or a current, so there are no measurements in them; the ``.wrd`` (:mod:`parsers.wonatech_wrd`) holds
what they were made of. They are recognised and kept.
"""

from __future__ import annotations

import re
from typing import Final

from parsers.contract import Format, Peek, read_companion

CAPACITY: Final = re.compile(
    r"^Cycle\s*,\s*Q_Ch(?:/M)? \[mAh(?:/g)?\]\s*,\s*Q_Dis(?:/M)? \[mAh(?:/g)?\]", re.IGNORECASE
)
CYCLES: Final = re.compile(r"^\s*\d+(?:st|nd|rd|th) (?:Ch|Dis)\s*(?:,|$)", re.IGNORECASE)
PROFILE: Final = re.compile(r"^\s*V \[V\]\s*,\s*Q(?:/M)? \[mAh(?:/g)?\]", re.IGNORECASE)
FEWEST_LINES: Final = 2


def sniff(peek: Peek) -> bool:
    """Recognise the labels of either table."""
    lines = [line.lstrip("\ufeff") for line in peek.lines[:FEWEST_LINES]]
    if len(lines) < FEWEST_LINES:
        return False
    return bool(CAPACITY.match(lines[0]) or (CYCLES.match(lines[0]) and PROFILE.match(lines[1])))


FORMAT = Format(
    "wonatech_csv",
    "WonATech",
    frozenset({".csv"}),
    "companion",
    sniff,
    read_companion,
    verified=False,
    lost="everything: tables for plots without time and current, made from the .wrd",
)

"""PNE companions: what lies around the records of a channel and holds none.

**Not confirmed by real files.**

* ``.sch``, the schedule: u32 740721 at the start, 1920 bytes of header, 652 bytes per step. The reader of the channel
  folder compares its set currents with the records (:mod:`parsers._pne_unit`); nothing else is read.
* ``savingFileIndex_start.csv``, ``savingFileIndex_last.csv``: ``fileIndex 1, resultIndex 514, …, open_year 24, …``.
* ``…_auxT.csv``, ``…_auxV.csv``, ``…_canMaster.csv``, ``…_canSlave.csv`` of controllers that write headers:
  ``index, totalTime_day, totalTime, stepTime_day, stepTime, value(1), …``. Their units are not documented.
"""

from __future__ import annotations

from typing import Final

from parsers._pne_layout import HEADER_BEGINS
from parsers._pne_unit import SCH_MAGIC
from parsers.contract import Format, Peek, read_companion

FILE_INDEX: Final = b"fileIndex "
RESULT_INDEX: Final = b", resultIndex "
AUXILIARY: Final = f"{HEADER_BEGINS}, value("


def sniff(peek: Peek) -> bool:
    """Recognise the schedule by its magic number, the others by their first line."""
    first = peek.head.partition(b"\n")[0]
    return (
        peek.head.startswith(SCH_MAGIC.to_bytes(4, "little"))
        or (first.startswith(FILE_INDEX) and RESULT_INDEX in first)
        or first.decode("latin-1").startswith(AUXILIARY)
    )


FORMAT = Format(
    "pne_companion",
    "PNE",
    frozenset({".csv", ".sch"}),
    "companion",
    sniff,
    read_companion,
    verified=False,
    lost="everything: schedules, file numbering, auxiliary values without a documented unit",
)

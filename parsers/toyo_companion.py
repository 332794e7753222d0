"""Toyo companions: what lies beside the six-digit files of a channel and holds no records.

**Not confirmed by real files.**

* ``CAPACITY.LOG``: one row a charge or discharge step, English labels (``Date,Time,Condition,Mode,Cycle,TotlCycle,
  Cap[mAh],…`` or ``…,Total Cycle,Capacity[mAh],…``). The reader of the channel folder compares the integral of the
  current with it (:mod:`parsers.toyo_channel`); by itself it has no records.
* ``<name>_Option.PTN``: ``[BaseCellCapacity]`` and ``Pattern_BaseCellCapacity=1689`` in mAh.

The pattern itself (``<name>.PTN``, fixed widths), ``LCOUNT``, ``CHCMT`` and ``.CMT`` have nothing to be recognised by.
"""

from __future__ import annotations

from typing import Final

from parsers._toyo_files import CELL_CAPACITY, read_capacity_log
from parsers._toyo_table import decode
from parsers.contract import Format, Peek, read_companion

LOG_BEGINS: Final = b"Date,Time,Condition,Mode,"
OPTION_BEGINS: Final = b"[BaseCellCapacity]"


def sniff(peek: Peek) -> bool:
    """Recognise the labels of the log or the section of the options."""
    if peek.head.startswith(LOG_BEGINS):
        return read_capacity_log(peek.head) is not None
    return peek.head.startswith(OPTION_BEGINS) and CELL_CAPACITY.search(decode(peek.head)) is not None


FORMAT = Format(
    "toyo_companion",
    "Toyo",
    frozenset({".log", ".ptn"}),
    "companion",
    sniff,
    read_companion,
    verified=False,
    lost="everything: capacities per step repeat the records, patterns describe the test",
)

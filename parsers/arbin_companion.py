"""Arbin companions: what MITS and beep write beside the data points of a test, in CSV.

* ``…_Metadata.csv`` (beep's copy of the test list): header ``,Test_ID,Device_ID,IV_Ch_ID,…``, also in lower case; one
  row. Its start is in seconds since 1970, its channel counts from 0.
* ``…_GlobalInfo.CSV`` (MITS 8): ``TEST REPORT`` in the first line, a line ``Channel,Start DateTime,Schedule File
  Name,…``, the values below it.
* ``…_StatisticByCycle.CSV``, ``…_StatisticByStep.CSV``: one row a cycle or step, recognised by ``Vmax_On_Cycle(V)`` or
  ``V_Max_On_Cycle(V)``. No public file is in the corpus; the column is known from scripts that read such exports.

All of it repeats what the data points say or describes them, so nothing is read: the file is recognised and kept.
"""

from __future__ import annotations

import csv
from typing import Final

from parsers import _arbin
from parsers.contract import Format, Peek, read_companion

# Each of the three holds one of them; most other texts hold none.
MARKS: Final = ("test_id", "test report", "max")
METADATA: Final = ["", "test_id", "device_id", "iv_ch_id"]
REPORT: Final = "TEST REPORT"
REPORT_LINE: Final = ("Channel", "Start DateTime", "Schedule File Name")


def sniff(peek: Peek) -> bool:
    """Whether a text is one of the three companions."""
    plain = peek.text.lower()
    if not any(mark in plain for mark in MARKS):
        return False
    try:
        # The csv module refuses zero bytes, which any binary file has.
        rows = list(csv.reader(line for line in peek.lines if "\0" not in line))
    except csv.Error:
        return False
    if not rows:
        return False
    first = [cell.strip() for cell in rows[0]]
    if [cell.lower() for cell in first[: len(METADATA)]] == METADATA or _arbin.is_statistics(first):
        return True
    return REPORT in first and any(tuple(row[: len(REPORT_LINE)]) == REPORT_LINE for row in rows)


FORMAT = Format(
    "arbin_companion",
    "Arbin",
    frozenset({".csv"}),
    "companion",
    sniff,
    read_companion,
    lost="everything: it describes or repeats a test",
)

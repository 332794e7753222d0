"""Toyo TOSCAT six-digit file (``000001``, ``000002``, …): the records of one total cycle.

**Not confirmed by a real file.** Known from users' scripts and descriptions; the vendor publishes no specification.

Line 1 seven whole numbers (``0,0,1,0,0,0,0``), lines 2 and 3 blank, line 4 the labels, then records, comma-separated::

    Date,Time,PassTime[Sec],Voltage[V],Current[mA],,,Temp1[Deg],,,,Condition,Mode,Cycle,TotlCycle,Temp1[Deg]
    日付,時刻,経過時間[Sec],電圧[V],電流[mA],,,,,,,状態,ﾓｰﾄﾞ,ｻｲｸﾙ,総ｻｲｸﾙ

* English files (Korea, cp949): also ``Passed Time[Sec]``, ``Temp1[deg]``, ``Total Cycle`` (BLK5200), ``PassedDate``, or
  no temperature. Japanese files: Shift-JIS (cp932), katakana in half width. Blank labels are empty columns; the second
  ``Temp1`` repeats the first.
* Numbers have fixed widths, signs and blanks before them (``+3.7872``, ``  1``); units stand in the labels.
* **Current has no sign**: it is charging or discharging by Condition (状態). English: 1 charge, 2 discharge, 3 rest;
  the sources disagree on rest, so 0 is taken for it in a file that has no 3 and no current at 0. Japanese: 0 rest
  (休止), 1 charge, 2 discharge, 9 abort (中断). Any other code is refused. Records of an abort, or at rest with a
  current, have no direction and are left out, with a warning.
* **Elapsed time** restarts with every state, at the step from constant current to constant voltage, perhaps daily. One
  test time is made of it; where steps begin, the wall clock (whole seconds) tells a pause from none.
* Mode is the step of the pattern, Cycle restarts with a program's modes and is not read, the total cycle counts on.
* A step is a run of the same total cycle, mode and state; step time is counted from its beginning.
* Temperature 0 throughout means no sensor.
* A cut-off last line is left out, with a warning.

Second-hand: all of it; unknown: the numbers of line 1.
"""

from __future__ import annotations

from parsers._toyo import Origin, to_reading
from parsers._toyo_files import read_raw_head, read_records
from parsers.contract import Format, Peek, Reading, Source


def sniff(peek: Peek) -> bool:
    """Recognise seven numbers, two blank lines and the labels of either language."""
    return read_raw_head(peek.head) is not None


def read(source: Source) -> Reading:
    """Read one total cycle."""
    rows, _, notes = read_records([(source.name, source.path.read_bytes())], source)
    return to_reading(rows, Origin(source, [source.name]), {"instrument": "Toyo TOSCAT"}, notes)


FORMAT = Format(
    "toyo_raw",
    "Toyo",
    frozenset(),
    "cycling",
    sniff,
    read,
    verified=False,
    lost="cycle within a mode",
)

"""PNE channel folder, as it lies or zipped: ``Restore/chNN_SaveData*.csv`` with everything that lies around them.

**Not confirmed by a real file.** Known from descriptions of users and from published controller sources that write
these files; the vendor's own specification is not public.

The folder ``M01Ch003[003]/`` of one channel::

    Restore/ch03_SaveData0001.csv …   the records, in one of three column layouts
    Restore/ch03_SaveEndData.csv      the last record of every step again
    Restore/savingFileIndex_*.csv     which file began with which record: not needed
    <test>.sch                        schedule, binary
    <test>.cyc                        the same records in mA and mV, single precision (:mod:`parsers.pne_cyc`)
    cellar.toml                       written by us: ``unit = "uA"`` or ``unit = "nA"``, where the settings say nothing

All numbers are whole; columns and layouts: :mod:`parsers._pne_layout`. Meanings of the long layout, from 0:

====== ===========================================================================================
0      number of the record
2      step type: 1 charge, 2 discharge, 3 rest, 4 open circuit, 5 impedance, 6 end, 8 loop, 9 CC-CV
6      end code: 64 time, 65 voltage, 66 current, 67 capacity, 69 end of the schedule, 78 state of charge
7      step of the schedule, starts again at a loop
8, 9   voltage in µV; current, negative when discharging, in µA, or in nA on micro-current machines
10, 11 charge in, charge out since the step began, in µAh or nAh
12, 13 power in mW (µW on micro-current machines, by the controller sources)
14, 15 energy in whole mWh: too coarse for small cells, not read
16, 17 time in the step: days, 1/100 s
18, 19 time in the test: days, 1/100 s
20     impedance in µΩ, 0 where none was measured
21-24  temperatures in m°C, 0 where no sensor is connected
27     total cycle, counts on at loops
33, 34 date YYYYMMDD, clock HHMMSSmmm without its leading zeros
====== ===========================================================================================

Columns 1, 3, 4 and 5 (state, mode, save flag, CV flag) are described differently by different sources and are not read.
Units other than the current's are checked by arithmetic in every file: power against voltage times current, counters
against the integral of the current, test time against the wall clock.

* **Unit of current**: never guessed (:mod:`parsers._pne_unit`).
* **Channel**: the folder's ``M01Ch003``, behind the machine's name where the site's settings have one; the files have
  none. A ``Restore`` folder without the channel's has ``ch03`` alone. The test's name is that of its schedule.
* Before midnight of the first day there may be no SaveData yet: then the ``.cyc`` is read.
* **Order**: by the record's number. File names sort wrongly and their numbering wraps at 150 or 300; old files are
  overwritten, so records may be missing, which is reported. Step ends known from SaveEndData alone are added.
* **Overwritten**: a folder that is taken again keeps the SaveData files of the version before that are gone, as long as
  SaveEndData or another file shows that the same test goes on; they lie in ``Restore/earlier-<hash>/``.
* **Recorded twice**: a restart may record what it has again under new numbers, with the same total cycle; such records
  are taken once. Records with the same number and other values are two tests and refused.
* **Counters** restart with every step; a file where they do not loses them, with a warning.
* Rows that mark a loop or the end of the schedule hold no sample and are left out.
* Step type 9 is taken for a charge; no source says how a CC-CV discharge is marked.

Second-hand: all of the above. Unknown: most end codes, the meaning of the columns not named, the auxiliary files
(``…_auxT.csv``, ``…_auxV.csv``, ``…_can*.csv``), what happens to the total time when a test is continued.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from parsers._folder import folder_view, last_part
from parsers._pne import read_folder
from parsers._pne_folder import RECORDS, SAVE_DATA, facts_of, find_lost, gather
from parsers.contract import Format, Peek, Reading, Source
from parsers.pne_cyc import read_content

EARLY: Final = (
    "there are no SaveData files yet: read from {}, in single precision and without clock, cycle and step type"
)


def sniff(peek: Peek) -> bool:
    """Recognise a zip with SaveData files, or one of a channel's folder."""
    names = [name.replace("\\", "/") for name in peek.members]
    return any(SAVE_DATA.search(name) for name in names) or len(gather(names)) > 0


def read(source: Source) -> Reading:
    """Read the channel folder."""
    with folder_view(source) as members:
        records = sorted(name for name in members if RECORDS.search(name))
        if len(records) == 1 and not any(SAVE_DATA.search(name) for name in members):
            return _read_early(source, members, records[0])
        return read_folder(source, members)


def _read_early(source: Source, members: Mapping[str, bytes], name: str) -> Reading:
    reading = read_content(source, members[name], facts_of(source, members, name))
    return replace(reading, warnings=(EARLY.format(last_part(name)), *reading.warnings))


FORMAT = Format(
    "pne_restore",
    "PNE",
    frozenset({".zip"}),
    "cycling",
    sniff,
    read,
    verified=False,
    lost="power, energy (whole mWh), averages, auxiliary sensors, CAN values, the schedule",
    gather=gather,
    find_lost=find_lost,
)

"""Toyo TOSCAT channel folder, zipped: the six-digit files of one channel with CAPACITY.LOG and the pattern.

**Not confirmed by a real file.** Known from users' scripts and descriptions (TOSCAT-3100, programs BLK3600 and
BLK5200); the vendor publishes no specification.

The folder is named by the channel's number and holds ``000001``, ``000002``, … (one a total cycle), ``CAPACITY.LOG``,
``<name>.PTN`` with ``_Option.PTN`` and ``_Option2.PTN``, ``COMMON_ENV.CFG``, ``LCOUNT``, ``CHCMT``, ``<name>.CMT``.
Records: :mod:`parsers.toyo_raw`. The files are joined in the order of their numbers; missing ones are reported.

``CAPACITY.LOG`` has one row a charge or discharge step, none for rests, several for a charge in stages: Date, Time,
Condition, Mode, Cycle, TotlCycle, Cap[mAh], PassTime, TotlPassTime, Pow[mWh], AveVolt[V], PeakVolt[V], PeakTemp[Deg],
Ocv, Finish (padded with blanks), sometimes DchCycle and PassedDate; BLK5200 writes Total Cycle and Capacity[mAh]. The
integral of the current over each total cycle and direction is compared with it: the usual step must agree to 10 %, and
steps that differ by more than 2 % are reported. Its Japanese labels are not documented; such a log is passed over with
a warning. ``Pattern_BaseCellCapacity`` and the mass at characters 44 to 52 of the pattern's first line become facts.

Second-hand: all of it. Unknown: the other files' contents, and whether a total cycle ever spans two files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parsers._folder import folder_view, last_part, parent
from parsers._toyo import Origin, compare_capacity, to_reading
from parsers._toyo_files import read_capacity_log, read_pattern, read_records
from parsers._toyo_table import SIX_DIGITS
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

LOG: Final = "capacity.log"
PATTERN: Final = ".ptn"


def sniff(peek: Peek) -> bool:
    """Recognise a zip of six-digit files, alone or beside a capacity log or a pattern."""
    names = [name.replace("\\", "/") for name in peek.members if not name.endswith("/")]
    files = [name for name in names if SIX_DIGITS.search(name)]
    telling = any(last_part(name).lower() == LOG or name.lower().endswith(PATTERN) for name in names)
    # One file in a zip is read as that file.
    return len(files) > 0 and len(names) > 1 and (telling or len(files) == len(names))


def read(source: Source) -> Reading:
    """Read the channel folder that the zip holds."""
    with folder_view(source) as members:
        return read_folder(source, members)


def read_folder(source: Source, members: Mapping[str, bytes]) -> Reading:
    """Read one channel's folder.

    Raises:
        ParseError: several channels, files of another layout, unknown states.
        ContradictionError: unit or sign contradict each other or CAPACITY.LOG.
    """
    found = sorted((name for name in members if SIX_DIGITS.search(name)), key=last_part)
    folders = {parent(name) for name in found}
    if len(folders) > 1:
        detail = f"{len(folders)} channels ({', '.join(sorted(folders))}): drop one channel folder per archive"
        raise ParseError(source.name, detail, code="several_tests")
    if not found:
        raise ParseError(source.name, "no six-digit file inside", code="needs_companions")
    (folder,) = folders
    # An empty file is a total cycle that has begun and not recorded yet.
    files = [(f"{source.name}!{name}", raw) for name in found if (raw := members[name]).strip()]
    about = _about(folder, members)
    if not files:
        return Reading(about=about)
    rows, _, notes = read_records(files, source)
    reading = to_reading(rows, Origin(source, [name for name, _ in files]), about, [*notes, *_missing(found)])
    more = _judge(reading, members, folder, source) if reading.measurements.height else []
    return Reading(reading.measurements, about=reading.about, warnings=(*reading.warnings, *more))


def _about(folder: str, members: Mapping[str, bytes]) -> dict[str, Fact]:
    # A folder's name is digits only; anything else was named by a person.
    channel = last_part(folder)
    return {"instrument": "Toyo TOSCAT"} | ({"channel": channel} if channel.isdigit() else {}) | read_pattern(members)


def _missing(names: list[str]) -> list[str]:
    numbers = [int(last_part(name)) for name in names]
    missing = max(numbers) - len(set(numbers))
    return [f"{missing} files before or between these are missing"] if missing > 0 else []


def _judge(reading: Reading, members: Mapping[str, bytes], folder: str, source: Source) -> list[str]:
    logs = [name for name in members if last_part(name).lower() == LOG and parent(name) == folder]
    if not logs:
        return ["no CAPACITY.LOG to compare the charge with"]
    log = read_capacity_log(members[logs[0]])
    if log is None:
        return ["CAPACITY.LOG has labels that are not known and is passed over"]
    return compare_capacity(reading.measurements, log, source)


FORMAT = Format(
    "toyo_channel",
    "Toyo",
    frozenset({".zip"}),
    "cycling",
    sniff,
    read,
    verified=False,
    lost="cycle within a mode, the pattern, energies and peaks of CAPACITY.LOG",
)

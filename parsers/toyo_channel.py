"""Toyo TOSCAT channel folder, as it lies or zipped: a channel's six-digit files with CAPACITY.LOG and the pattern.

**Not confirmed by a real file.** Known from users' scripts and descriptions (TOSCAT-3100, programs BLK3600 and
BLK5200); the vendor publishes no specification.

The folder is named by the channel's number and holds ``000001``, ``000002``, … (one a total cycle), ``CAPACITY.LOG``,
``<name>.PTN`` with ``_Option.PTN`` and ``_Option2.PTN``, ``COMMON_ENV.CFG``, ``LCOUNT``, ``CHCMT``, ``<name>.CMT``.
Records: :mod:`parsers.toyo_raw`. No file names the machine: the site's settings may, and its name then stands before
the channel's number. A folder on disk that a person named counts as a channel's where a log or a pattern lies beside
the records. The files are joined in the order of their numbers; missing ones are reported.

``CAPACITY.LOG`` has one row a charge or discharge step, none for rests, several for a charge in stages: Date, Time,
Condition, Mode, Cycle, TotlCycle, Cap[mAh], PassTime, TotlPassTime, Pow[mWh], AveVolt[V], PeakVolt[V], PeakTemp[Deg],
Ocv, Finish (padded with blanks), sometimes DchCycle and PassedDate; BLK5200 writes Total Cycle and Capacity[mAh]. The
integral of the current over each total cycle and direction is compared with it: the usual step must agree to 10 %, and
steps that differ by more than 2 % are reported. Its Japanese labels are not documented; such a log is passed over with
a warning. ``Pattern_BaseCellCapacity`` and the mass at characters 44 to 52 of the pattern's first line become facts.

Second-hand: all of it. Unknown: the other files' contents, and whether a total cycle ever spans two files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from parsers._folder import folder_view, last_part, name_channel, parent
from parsers._pack import in_order
from parsers._toyo import Origin, compare_capacity, to_reading
from parsers._toyo_files import read_capacity_log, read_pattern, read_records
from parsers._toyo_table import SIX_DIGITS
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

LOG: Final = "capacity.log"
PATTERN: Final = ".ptn"
# What is written beside the records, for a folder that may hold other things.
BESIDE: Final = re.compile(r"(?:^|/)(?:\d{6}|CAPACITY\.LOG|LCOUNT|CHCMT|[^/]*\.(?:PTN|CMT|CFG))$", re.IGNORECASE)
GROWING: Final = (re.compile(r"(?:^|/)(?:LCOUNT|CHCMT)$", re.IGNORECASE), re.compile(r"CAPACITY\.LOG$", re.IGNORECASE))


def sniff(peek: Peek) -> bool:
    """Recognise a zip of six-digit files, alone or beside a capacity log or a pattern."""
    names = [name.replace("\\", "/") for name in peek.members if not name.endswith("/")]
    files = [name for name in names if SIX_DIGITS.search(name)]
    telling = any(last_part(name).lower() == LOG or name.lower().endswith(PATTERN) for name in names)
    # One file in a zip is read as that file, unless it lies in a channel's folder.
    several = len(names) > 1 and (telling or len(files) == len(names))
    return len(files) > 0 and (several or len(gather(names)) > 0)


def gather(names: Sequence[str]) -> dict[str, list[str]]:
    """Return each channel's folder with its files: one named by a number, or with a log or a pattern beside records."""
    # Most names of an inbox are others: they are passed over before any pattern is tried.
    channels = {parent(name) for name in names if name[-6:].isdigit() and SIX_DIGITS.search(name)} - {""}
    found: dict[str, list[str]] = {channel: [] for channel in channels}
    for name in names if channels else ():
        if parent(name) in channels:
            found[parent(name)].append(name)
    gathered = {channel: _members(channel, files) for channel, files in sorted(found.items())}
    return {channel: in_order(files, (SIX_DIGITS,), GROWING) for channel, files in gathered.items() if files}


def _members(channel: str, files: Sequence[str]) -> list[str]:
    """Return the files of a folder that are a channel's; none where it is no channel's folder."""
    telling = any(last_part(name).lower() == LOG or name.lower().endswith(PATTERN) for name in files)
    if last_part(channel).isdigit():
        return list(files) if telling or all(map(SIX_DIGITS.search, files)) else []
    return [name for name in files if BESIDE.search(name)] if telling else []


def read(source: Source) -> Reading:
    """Read the channel folder."""
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
    about = _about(source, folder, members)
    if not files:
        return Reading(about=about)
    rows, _, notes = read_records(files, source)
    reading = to_reading(rows, Origin(source, [name for name, _ in files]), about, [*notes, *_missing(found)])
    more = _judge(reading, members, folder, source) if reading.measurements.height else []
    return Reading(reading.measurements, about=reading.about, warnings=(*reading.warnings, *more))


def _about(source: Source, folder: str, members: Mapping[str, bytes]) -> dict[str, Fact]:
    # A folder's name is digits only; anything else was named by a person.
    channel = last_part(folder)
    named = name_channel(source, channel) if channel.isdigit() else {}
    return {"instrument": "Toyo TOSCAT"} | named | read_pattern(members)


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
    if "cycle_count" not in reading.measurements.columns:
        return ["the records name no total cycle by which CAPACITY.LOG could be compared"]
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
    gather=gather,
)

"""Neware BTS 8 ``.ndax``: a zip of binary parts (``.ndc``) and XML, one test; read through fastnda 1.3.

Seen: parts of version 14 (BTS Server 8.0.0 and 8.0.1) and 16 (8.0.1); seven files checked row for row against the
vendor's own exports. fastnda reads versions 1 to 17 and marks those that nobody has verified.

====================  ==========================================================================================
member                content
====================  ==========================================================================================
``data.ndc``          voltage and current of every record (from version 8 on nothing else)
``data_runInfo.ndc``  step time, counters and clock of some records; the others are interpolated between them
``data_step.ndc``     cycle, step number and step type of every executed step
``data_AUX_….ndc``    an auxiliary channel; ``TestInfo.xml`` says of what kind
``data_log.ndc``      events; not read
``data_es.ndc``       meaning unknown; not read
``TestInfo.xml``      device, unit, channel, test number, barcode, schedule; GB2312
``Step.xml``          the schedule, its author and remark
``VersionInfo.xml``   versions of server, client and firmware
====================  ==========================================================================================

Between two run-info records the vendor's software and fastnda alike continue time, clock and counters by the sampling
interval and the current, so counters are the instrument's at the run-info records and integrals in between.

Wall clock: version 14 stores UTC (its records lie one or two hours before the start time of ``TestInfo.xml`` on
Central European sites, and the vendor's export adds the site's offset). Versions 1 to 7 store year to second of the
site's clock. For the others, 16 among them, the start time decides: where the two agree to 15 minutes the records
hold the site's clock; a whole number of quarters of an hour apart they hold UTC.

Cycle numbers are those of ``data_step.ndc``. BTSDA can be told to renumber cycles for display, as the export of
``test_2`` was (reference: up to 53, file: 43).

Channel: ``device-unit-channel``. The file counts channels through (``UnitID`` 0, ``ChlID`` 79); the vendor's screens
and file names show units of eight (10-7), and so do we.

Precision of the vendor's export: voltage to 0.1 mV, current to 1 µA; within these bounds every column equals it.
A file without records is a test that has not started.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import polars as pl

from parsers._ends import refuse_cut
from parsers._neware import (
    NDC_INTEGERS,
    READ_ERRORS,
    VOLTAGE_DIGITS,
    call_fastnda,
    pick_facts,
    started,
    to_measurements,
)
from parsers.contract import ZIP_MAGIC, Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

MAIN: Final = "data.ndc"
# A cut zip has lost its directory; these names stand in its first local headers.
FIRST_MEMBERS: Final = (b"EditStep.xml", b"Step.xml", b"VersionInfo.xml", b"TestInfo.xml")
LARGEST_CONTENT: Final = 8 << 30
VERSION_AT: Final = 2
UTC_CLOCK: Final = frozenset({14})
SAME_CLOCK_SECONDS: Final = 900.0
CHANNELS_PER_UNIT: Final = 8

ELEMENTS: Final = {"TestInfo.xml": ("TestInfo",), "Step.xml": ("Creator", "Remark"), "VersionInfo.xml": ("ZwjVersion",)}
ATTRIBUTE: Final = re.compile(r'(\w+)\s*=\s*"([^"]*)"')
FACTS: Final = {
    "Barcode": "barcode",
    "SN": "part_number",
    "StepName": "schedule",
    "StartTime": "start_time_local",
    "Remark": "comment",
    "Creator.Value": "operator",
    "Remark.Value": "comment",
    "SvrVer": "software",
    "ZwjVersion": "firmware",
    "TestID": "test_id",
    "TestGuid": "test_guid",
    "CurrRange": "current_range_milliampere",
}


def sniff(peek: Peek) -> bool:
    """Recognise a zip with a main data part, or the start of one."""
    if peek.members:
        return MAIN in peek.members
    names = (MAIN.encode(), *FIRST_MEMBERS)
    return peek.head.startswith(ZIP_MAGIC) and any(name in peek.head for name in names)


def read(source: Source) -> Reading:
    """Read one test."""
    from fastnda.ndax import read_ndax  # noqa: PLC0415 only Neware files should pay for the import

    refuse_cut(source)
    version, found, names = _read_container(source)
    raw, notes = call_fastnda(read_ndax, source)
    clock = _judge_clock(version, raw, found.get("StartTime", ""))
    digits = VOLTAGE_DIGITS if version in NDC_INTEGERS else None
    frame, warnings = to_measurements(raw, source, clock=clock, voltage_digits=digits)
    about = {"instrument": "Neware BTS"} | pick_facts(found, FACTS) | _name_channel(found) | started(frame)
    return Reading(measurements=frame, about=about, warnings=(*notes, *warnings, *_notes(clock, raw, names)))


def _read_container(source: Source) -> tuple[int, dict[str, str], tuple[str, ...]]:
    """Return the version of the main part, the attributes of the XML parts and the members' names."""
    try:
        with zipfile.ZipFile(source.path) as container:
            names = tuple(container.namelist())
            if MAIN not in names:
                raise ParseError(source.name, f"the container holds no {MAIN}", byte=0)
            _refuse_bomb(container, source)
            with container.open(MAIN) as part:
                head = part.read(VERSION_AT + 1)
            return _version(head, source), _read_attributes(container, names), names
    except READ_ERRORS as error:
        detail = f"the zip container is cut or damaged: {type(error).__name__}: {error}"
        raise ParseError(source.name, detail, byte=source.path.stat().st_size) from error


def _refuse_bomb(container: zipfile.ZipFile, source: Source) -> None:
    total = sum(entry.file_size for entry in container.infolist())
    if total > LARGEST_CONTENT:
        raise ParseError(source.name, f"the container unpacks to {total} bytes, which no test has", byte=0)


def _version(head: bytes, source: Source) -> int:
    if len(head) <= VERSION_AT or head[0] != 1:
        raise ParseError(source.name, f"{MAIN} should begin with 01, found {head.hex()!r}", byte=0)
    return head[VERSION_AT]


def _read_attributes(container: zipfile.ZipFile, names: tuple[str, ...]) -> dict[str, str]:
    """Collect attributes of the wanted elements; a text that XML parsers refuse still gives them."""
    found: dict[str, str] = {}
    for member, elements in ELEMENTS.items():
        # Exports of other BTS builds leave some of the XML parts out.
        if member not in names:
            continue
        text = container.read(member).decode("gb18030", errors="replace")
        for element in elements:
            match = re.search(rf"<{element}\s([^>]*)>", text)
            pairs = ATTRIBUTE.findall(match[1]) if match else []
            named = {key if key != "Value" else f"{element}.Value": html.unescape(value) for key, value in pairs}
            found = named | found
    return found


def _judge_clock(version: int, raw: pl.DataFrame, start_time: str) -> str:
    if version in NDC_INTEGERS:
        return "local"
    if version in UTC_CLOCK:
        return "utc"
    try:
        start = datetime.fromisoformat(start_time)
    except ValueError:
        return "unknown"
    if "unix_time_s" not in raw.columns or raw.is_empty():
        return "unknown"
    first = float(raw["unix_time_s"].cast(pl.Float64).to_numpy()[0])
    return "local" if abs(first - (start - datetime(1970, 1, 1)).total_seconds()) < SAME_CLOCK_SECONDS else "utc"  # noqa: DTZ001 both are wall clock


def _name_channel(found: Mapping[str, str]) -> dict[str, Fact]:
    numbers = [found.get(name, "") for name in ("DevID", "UnitID", "ChlID")]
    if not all(number.isdigit() for number in numbers):
        return {}
    device, unit, channel = (int(number) for number in numbers)
    # Unit 0 means counted through; what the vendor shows was compared on six files.
    if unit == 0 and channel > 0:
        unit, channel = (channel - 1) // CHANNELS_PER_UNIT + 1, (channel - 1) % CHANNELS_PER_UNIT + 1
    return {"channel": f"{device}-{unit}-{channel}"}


def _notes(clock: str, raw: pl.DataFrame, names: tuple[str, ...]) -> tuple[str, ...]:
    notes = []
    if clock == "unknown" and not raw.is_empty():
        notes.append("the file does not say what its wall clock means, so it is left out")
    auxiliary = [name for name in names if re.fullmatch(r"data_(?:AUX_[\d_]+|\d+)\.ndc", name)]
    if auxiliary and not any(name.startswith("aux") for name in raw.columns):
        notes.append(f"{len(auxiliary)} auxiliary channels are left out: TestInfo.xml does not say what they measured")
    return tuple(notes)


FORMAT = Format(
    "neware_ndax",
    "Neware",
    frozenset({".ndax"}),
    "cycling",
    sniff,
    read,
    lost="auxiliary voltages, pressures and further auxiliary quantities; the log of events; the schedule's limits",
)

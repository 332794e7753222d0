"""WonATech ``.wrd``: cycling data of Smart Interface (WBCS3000, WBRS, Zive), in the two shapes that are described.

**Not confirmed by a real file here.** Known from users who decoded files of their own machines; the vendor publishes no
specification. The headers are .NET's binary format and are read as data (:mod:`parsers._nrbf`).

Smart Interface 1.x: two streams, then rows to the end of the file.

* ``WbcsFile.Data.DataFileHeader``: ``Version, Model, SerialNo, DeviceType, AppVer, FirmVer, UnitCoulomb, BaseTick,
  FileName, StartTime, Format`` (0), ``SeqDataSet`` (the schedule), ``StartReport`` (mass and area, often left at 1.0).
* ``WbcsFile.Data.DataHeader``: ``DataCount`` (-1: not counted), ``EndTime``, ``ColumnList`` of name, unit and type.
* Rows have the declared columns in order: DATE TIME, CHANNEL, TEST TIME, STEP TIME, CYCLE TIME, STEP INDEX, TOTAL STEP,
  CYCLE INDEX, RUN STATUS, RUNNING STATUS, CELL STATUS, I RANGE INDEX, I RANGE, VOLTAGE, CURRENT, CHARGE Q, DISCHARGE Q,
  CHARGE E, DISCHARGE E, AUX. VOLTAGE, TEMPERATURE, OCP; 128 bytes and the text of I RANGE (``10mA``), whose length
  changes when the range does. Further columns of a known type are passed over, with a warning.

Smart Interface 2.13: one stream ``WbcsFile.Data.DataHeaderBase`` of version 1.6.0.0 with ``HeaderSize`` (where rows
begin) and ``HeaderData``, raw DEFLATE of a stream ``WbcsFile.Data.DataHeaderValues`` with the members above. Rows have
128 bytes and are not declared anywhere: CHANNEL +0, TEST TIME +4, STEP TIME +12, CYCLE TIME +20, STEP INDEX +28, TOTAL
STEP +32, CYCLE INDEX +36, CELL STATUS +42, control +43 (1 CC, 2 CV), VOLTAGE +44, CURRENT +52, CHARGE Q +60, DISCHARGE
Q +68, CHARGE E +76, DISCHARGE E +84, TEMPERATURE +100, OCP +108. Bytes 40, 41 and 116 to 127 are unknown. Any other
version is refused. These rows have no wall clock: only the start is known.

Times are 100 ns; DATE TIME counts from year 1, local time; the two highest bits of a DateTime are its kind. Current in
A, positive when charging. CELL STATUS: 1 rest, 3 charge, 4 discharge; a row with another is refused, as is a sum of
currents against the state. Q in Ah and E in Wh, or C and J where ``UnitCoulomb`` is true; they count up within a cycle
and restart with it, and are left out where they do not. CYCLE INDEX counts from 0, TOTAL STEP from 1 without going
back. A temperature of 0 throughout means no sensor. Schedule: control type 0 CC, 1 CV, 7 rest, 13 CCCV.

A cut-off last row is left out, with a warning. Long tests go on in ``…_011.wrd``, ``…_012.wrd``, each from time 0.
Second-hand: all of it; unknown: RUN and RUNNING STATUS, further cell states and control types, ``Format`` other than 0.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from parsers._clock import iso_utc, unix_second
from parsers._folder import refuse_layout
from parsers._nrbf import DateTime, Instance, NrbfError, Stream, read_stream
from parsers._units import parse_unit
from parsers._wonatech import to_frame
from parsers._wonatech_rows import (
    DOTNET_DTYPES,
    SAMPLE,
    TEXT_TYPE,
    Column,
    Rows,
    demand_columns,
    read_fixed,
    read_ranged,
)
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ContradictionError, ParseError
from warehouse.workbook import INFLATE_ERRORS

STREAM_BEGINS: Final = b"\0\1\0\0\0\xff\xff\xff\xff\1\0\0\0\0\0\0\0"
LIBRARY: Final = b"WbcsFile"
FIRST_ROOT, SECOND_ROOT, ENVELOPE, INNER_ROOT = (
    f"{LIBRARY.decode()}.Data.{name}" for name in ("DataFileHeader", "DataHeader", "DataHeaderBase", "DataHeaderValues")
)
ENVELOPE_VERSION: Final = "1.6.0.0"
LARGEST_HEADER: Final = 2**26
ROW_213: Final = np.dtype(
    {
        "names": [
            *("CHANNEL", "TEST TIME", "STEP TIME", "STEP INDEX", "TOTAL STEP", "CYCLE INDEX"),
            *("CELL STATUS", "CONTROL STATUS", "VOLTAGE", "CURRENT"),
            *("CHARGE Q", "DISCHARGE Q", "CHARGE E", "DISCHARGE E", "TEMPERATURE"),
        ],
        "formats": ["<i4", "<i8", "<i8", "<i4", "<i4", "<i4", "u1", "u1", *["<f8"] * 7],
        "offsets": [0, 4, 12, 28, 32, 36, 42, 43, 44, 52, 60, 68, 76, 84, 100],
        "itemsize": 128,
    }
)
RANGE_COLUMN: Final = "I RANGE"
CONTROLS: Final = {0: "cc", 1: "cv", 13: "cccv"}
CONTROL_STATES: Final = {1: "cc", 2: "cv"}
FACTS: Final = {
    "Model": "instrument",
    "SerialNo": "serial",
    "AppVer": "software",
    "FirmVer": "firmware",
    "FileName": "test_name",
}
YEAR_ONE: Final = datetime(1, 1, 1)  # noqa: DTZ001 the instrument's clock names no zone
UTC_KIND: Final = 1
# Columns whose unit, where one is declared, must be this.
UNITS: Final = {"VOLTAGE": "V", "CURRENT": "A"}
CHARGES, ENERGIES = ("CHARGE Q", "DISCHARGE Q"), ("CHARGE E", "DISCHARGE E")


@dataclass(frozen=True)
class _Head:
    """The header that names the machine: its stream, its root, and whether charge is counted in C."""

    stream: Stream
    header: Any
    coulomb: bool


def sniff(peek: Peek) -> bool:
    """Recognise a .NET stream that names the vendor's library."""
    return peek.head.startswith(STREAM_BEGINS) and LIBRARY in peek.head


def read(source: Source) -> Reading:
    """Read one file of either version.

    Raises:
        ParseError: the header breaks .NET's format, is of an unknown version, or the rows are not what it declares.
        ContradictionError: units or signs contradict each other.
    """
    content = source.path.read_bytes()
    stream = _stream(content, 0, source)
    root = stream.get(stream.objects.get(stream.root))
    name = root.name if isinstance(root, Instance) else ""
    if name == FIRST_ROOT:
        return _read_first(content, stream, root, source)
    if name == ENVELOPE:
        return _read_second(content, stream, root, source)
    raise refuse_layout(source.name, f"the header is a {name or 'nothing known'}", SAMPLE, byte=0)


def _read_first(content: bytes, stream: Stream, header: Any, source: Source) -> Reading:
    second = _stream(content, stream.end, source)
    data_header = second.get(second.objects.get(second.root))
    if not isinstance(data_header, Instance) or data_header.name != SECOND_ROOT:
        raise refuse_layout(source.name, f"no {SECOND_ROOT} follows the header", SAMPLE, byte=stream.end)
    head = _Head(stream, header, coulomb=_coulomb(stream, header, source))
    columns, unknown = _columns(second, data_header, source)
    _check_units(columns, source, coulomb=head.coulomb)
    rows = read_ranged(content, second.end, columns, source)
    notes = [f"columns that are not known are passed over: {', '.join(unknown)}"] if unknown else []
    declared = second.get(data_header, "DataCount")
    return _to_reading(rows, head, declared, source, notes)


def _read_second(content: bytes, stream: Stream, envelope: Any, source: Source) -> Reading:
    version, start = stream.get(envelope, "Version"), stream.get(envelope, "HeaderSize")
    if version != ENVELOPE_VERSION:
        raise refuse_layout(source.name, f"version {version!r} of the header is not {ENVELOPE_VERSION}", SAMPLE, byte=0)
    if not isinstance(start, int) or not stream.end <= start:
        raise ParseError(source.name, f"rows cannot begin at {start!r}, inside the header", byte=0)
    inner = _inflate(stream.get(envelope, "HeaderData"), source)
    header = inner.get(inner.objects.get(inner.root))
    if not isinstance(header, Instance) or header.name != INNER_ROOT:
        raise refuse_layout(source.name, f"the packed header is no {INNER_ROOT}", SAMPLE, byte=0)
    rows = read_fixed(content, start, ROW_213, source)
    head = _Head(inner, header, coulomb=_coulomb(inner, header, source))
    return _to_reading(rows, head, inner.get(header, "DataCount"), source, [])


def _to_reading(rows: Rows, head: _Head, declared: Any, source: Source, notes: list[str]) -> Reading:
    if isinstance(declared, int) and not isinstance(declared, bool) and 0 <= declared < rows.height:
        raise ParseError(source.name, f"the header counts {declared} rows, the file has {rows.height}")
    if isinstance(declared, int) and declared > rows.height:
        notes = [*notes, f"the header counts {declared} rows, the file has {rows.height}: it is cut off"]
    if rows.left:
        notes = [*notes, f"{rows.left} bytes behind the last whole row are left out"]
    about = _about(head.stream, head.header, source)
    if not rows.height:
        return Reading(about=about, warnings=tuple(notes))
    kinds = _schedule(head.stream, head.header)
    suffix = CONTROL_STATES if "CONTROL STATUS" in rows.values else {}
    frame, more = to_frame(rows, source, coulomb=head.coulomb, kinds=kinds, suffix=suffix)
    channels = np.unique(rows.values["CHANNEL"])
    if len(channels) > 1:
        raise ParseError(source.name, f"rows of {len(channels)} channels in one file", code="several_tests")
    label = f"{about['serial']}-{channels[0]}" if about.get("serial") else str(channels[0])
    return Reading(measurements=frame, about=about | {"channel": label}, warnings=(*notes, *more))


def _stream(content: bytes, start: int, source: Source) -> Stream:
    try:
        return read_stream(content, start)
    except NrbfError as error:
        raise ParseError(source.name, f"the header is damaged: {error}", byte=error.byte) from error


def _inflate(packed: Any, source: Source) -> Stream:
    """Unpack the second version's header: DEFLATE without the frame that zlib puts around it."""
    if not isinstance(packed, list) or not all(isinstance(value, int) and 0 <= value < 256 for value in packed):  # noqa: PLR2004 bytes
        raise refuse_layout(source.name, "the header holds no packed bytes", SAMPLE, byte=0)
    try:
        plain = zlib.decompressobj(-zlib.MAX_WBITS).decompress(bytes(packed), LARGEST_HEADER)
    except INFLATE_ERRORS as error:
        raise ParseError(source.name, f"the packed header is damaged: {error}", byte=0) from error
    return _stream(plain, 0, source)


def _coulomb(stream: Stream, header: Any, source: Source) -> bool:
    """Return whether charges are in C; a header that does not say it leaves the unit unknown."""
    stated = stream.get(header, "UnitCoulomb")
    if not isinstance(stated, bool):
        raise refuse_layout(
            source.name, "the header does not say whether charge is in Ah or C (UnitCoulomb)", SAMPLE, byte=0
        )
    return stated


def _columns(stream: Stream, header: Any, source: Source) -> tuple[list[Column], list[str]]:
    """Return the declared columns in order, and the names of those that are not documented."""
    columns = []
    for item in stream.items(stream.get(header, "ColumnList")):
        name, kind = stream.get(item, "Name"), stream.get(item, "DataType", "Data")
        if not isinstance(name, str) or (kind not in DOTNET_DTYPES and kind != TEXT_TYPE):
            raise refuse_layout(source.name, f"column {name!r} has the type {kind!r}", SAMPLE)
        unit = stream.get(item, "Unit")
        plain = " ".join(name.replace(".", " ").upper().split())
        columns.append(Column(plain, DOTNET_DTYPES.get(str(kind)), unit if isinstance(unit, str) else ""))
    demand_columns(columns, source)
    texts = [column.name for column in columns if column.dtype is None]
    if texts != [RANGE_COLUMN]:
        raise refuse_layout(source.name, f"columns of text are {texts}, not {RANGE_COLUMN} alone", SAMPLE)
    return columns, [column.name for column in columns if column.name not in DOCUMENTED]


def _check_units(columns: list[Column], source: Source, *, coulomb: bool) -> None:
    """Compare the declared units with what the columns are said to hold; a unit that is not declared says nothing."""
    wanted = (
        UNITS | dict.fromkeys(CHARGES, "C" if coulomb else "Ah") | dict.fromkeys(ENERGIES, "J" if coulomb else "Wh")
    )
    for column in columns:
        declared = parse_unit(column.unit) if column.unit.strip() else None
        if column.name in wanted and declared is not None and declared != parse_unit(wanted[column.name]):
            stated = f"UnitCoulomb={coulomb} means {wanted[column.name]}"
            detail = f"column {column.name} is declared in {column.unit}, but {stated}"
            raise ContradictionError(source.name, detail, code="unit_factor")


def _about(stream: Stream, header: Any, source: Source) -> dict[str, Fact]:
    about: dict[str, Fact] = {"instrument": "WonATech"}
    for theirs, ours in FACTS.items():
        value = stream.get(header, theirs)
        if isinstance(value, str) and value.strip():
            about[ours] = value.strip()
    start = stream.get(header, "StartTime")
    if isinstance(start, DateTime):
        about |= _start(start, source)
    steps = [stream.get(step, "Name") for step in _steps(stream, header)]
    names = [step for step in steps if isinstance(step, str)]
    return about | ({"schedule": " ".join(names)} if names else {})


def _start(start: DateTime, source: Source) -> dict[str, Fact]:
    zone = ZoneInfo("UTC") if start.kind == UTC_KIND else source.zone
    try:
        return {"start_time": iso_utc(unix_second(YEAR_ONE + timedelta(microseconds=start.ticks // 10), zone))}
    except (OverflowError, ValueError, OSError):
        return {}


def _steps(stream: Stream, header: Any) -> list[Any]:
    """Return the steps of the schedule that was running."""
    plans = stream.items(stream.get(header, "SeqDataSet", "SeqDataList"))
    return stream.items(stream.get(plans[0], "SchData", "SchStepList")) if plans else []


def _schedule(stream: Stream, header: Any) -> dict[int, str]:
    """Return how each step of the schedule, from 0, controls the cell."""
    kinds = {}
    for number, step in enumerate(_steps(stream, header)):
        code = stream.get(step, "Control", "Type")
        if isinstance(code, Instance):
            code = code.members.get("value__")
        if isinstance(code, int) and code in CONTROLS:
            kinds[number] = CONTROLS[code]
    return kinds


DOCUMENTED: Final = frozenset(
    {"DATE TIME", "CYCLE TIME", "RUN STATUS", "RUNNING STATUS", "I RANGE INDEX", RANGE_COLUMN, "AUX VOLTAGE"}
    | {"TEMPERATURE", "OCP", "CHANNEL", "TEST TIME", "STEP TIME", "STEP INDEX", "TOTAL STEP", "CYCLE INDEX"}
    | {"CELL STATUS", *UNITS, *CHARGES, *ENERGIES}
)

FORMAT = Format(
    "wonatech_wrd",
    "WonATech",
    frozenset({".wrd"}),
    "cycling",
    sniff,
    read,
    verified=False,
    lost="cycle time, run states, auxiliary voltage, open-circuit potential, cut-offs of the schedule",
)

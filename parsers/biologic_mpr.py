"""BioLogic .mpr: the binary file of EC-Lab (VMP, SP, MPG) and BT-Lab (BCS).

Seen: EC-Lab 11.18 to 11.61, BT-Lab 1.79, an unknown one of 2017. A chain of modules (:mod:`parsers._biologic_modules`):
settings, data, and once the technique has ended a log and, in a loop, the loop's indexes. Data module, by its version:

========  =================  =================================  ==========
version   number of columns  column ids                         records at
========  =================  =================================  ==========
0, old    0x04 u1            0x05 u1 (the first is not 0)       100
0         0x04 u2            0x06 u2; EC-Lab 11.50 and later    1007
2         0x04 u1            0x05 u2                            405
3         0x04 u1            0x05 u2                            406
========  =================  =================================  ==========

0x00 number of records u4. Everything is little-endian; records are packed, one after the other. What the ids stand for,
and when a file with unknown ones can be read: :mod:`parsers._biologic_columns`. Ids of flags share one status byte per
record (:mod:`parsers._biologic_steps`).

A file is copied while EC-Lab writes it: records are appended, the module's length and the number of records rewritten.
A copy that ends early has fewer bytes than both say; its whole records are read with a warning. A log that is cut is
left out likewise. Where length and number of records contradict each other the file is refused.

Numbers: most are float32 and become the shortest decimal that gives the same float32; ``time/s`` and the counters are
float64. ``time/s`` counts from the start of the acquisition, which for linked techniques is before the file's first
record. The log holds the start to the millisecond in the instrument computer's local time; without a log only the date
is known, and no wall clock is made up. There is no cycle number (EC-Lab computes it when it exports), hence no
``cycle_count``. GCPL has no current column: :mod:`parsers._biologic_current`. Other columns: :mod:`parsers._biologic`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from parsers._biologic import DECIDED, STATUS, Records, build_reading
from parsers._biologic_columns import known_flags, record_type, unknown_ids
from parsers._biologic_modules import (
    DATA,
    LOG,
    MAGIC,
    SETTINGS,
    Module,
    length_bytes,
    list_modules,
    log_facts,
    log_start,
    read_module,
    settings_facts,
)
from parsers._biologic_steps import FLAG_BITS, FREQUENCY, unpack_status
from parsers._clock import iso_utc, unix_second
from parsers._lines import LEAST_COMPARED, LONGEST_TAIL, MOST_COMPARED, WARM_UP
from parsers.contract import Excerpt, Fact, Format, Known, Peek, Reading, Source, still_growing
from warehouse.errors import ParseError

# Version of the data module → byte and type of the number of columns, byte and type of the first id, first record.
LAYOUTS: Final = {0: (4, "<u2", 6, "<u2", 1007), 2: (4, "u1", 5, "<u2", 405), 3: (4, "u1", 5, "<u2", 406)}
OLD_LAYOUT: Final = (4, "u1", 5, "u1", 100)
OLD_MARK: Final = 5
LONGEST_HEADER: Final = 1007


@dataclass(frozen=True)
class DataHeader:
    """The opening of the data module: how many records it announces, their columns, and the first one's byte."""

    rows: int
    ids: list[int]
    first_record: int
    record: np.dtype[Any]


def sniff(peek: Peek) -> bool:
    """Whether the file opens as a BioLogic modular file."""
    return peek.head.startswith(MAGIC[:23])


def read(source: Source) -> Reading:
    """Read records, impedance and what settings and log say."""
    with source.path.open("rb") as file:
        modules, cut = list_modules(file, source.name)
        cut_at = file.seek(0, io.SEEK_END) + source.skipped
        ends_early = cut or any(module.cut for module in modules.values())
        for name in (SETTINGS, DATA):
            if name not in modules:
                code = "incomplete_file" if ends_early else None
                raise ParseError(source.name, f"there is no module {name!r}", code=code, byte=len(MAGIC))
        data = modules[DATA]
        about, start, warnings = _facts(source, file, modules)
        header = _read_header(source.name, file, data)
        columns = _read_columns(source, data, header)
    origin = data.offset + header.first_record
    technique = str(about.get("technique", ""))
    records = Records(source.name, columns, origin, header.record.itemsize, technique, start)
    notes = [*warnings, *_unknown_note(header)]
    if ends_early:
        notes.append(still_growing("its records" if data.cut else "what follows its records", cut_at))
    return replace(build_reading(records, about, tuple(notes)), incomplete=ends_early)


def excerpt(file: BinaryIO, known: Known) -> Excerpt | None:
    """Return the end of a grown file; None for impedance, which its rows do not count."""
    try:
        data = list_modules(file, "")[0][DATA]
        header = _read_header("", file, data)
    except (ParseError, KeyError):
        return None
    if not header.record.itemsize or FREQUENCY in (header.record.names or ()):
        return None
    begin = data.offset + header.first_record
    first, width = max(0, known.rows - MOST_COMPARED - WARM_UP), header.record.itemsize
    origin, end = begin + first * width, begin + known.rows * width
    if known.rows < LEAST_COMPARED + WARM_UP or end > data.offset + data.present or data.present - end > LONGEST_TAIL:
        return None
    file.seek(0)
    head = file.read(begin)
    file.seek(origin)
    content = file.read()
    # Both keep what the file announces beyond its own end, so that one which is cut stays so.
    whole = _announce(head, data, header.rows - first, data.length - first * width) + content
    after = content[data.offset + data.length - origin :] if not data.cut else b""
    before = _announce(head, data, known.rows - first, header.first_record + (known.rows - first) * width)
    return Excerpt(
        before + content[: end - origin] + after,
        whole,
        (begin, end),
        WARM_UP,
        first * width,
        decided=DECIDED,
    )


def _announce(head: bytes, data: Module, rows: int, length: int) -> bytes:
    """Return everything before the first record with another number of records and length of their module."""
    header = length_bytes(head[data.header : data.offset], length)
    return head[: data.header] + header + rows.to_bytes(4, "little") + head[data.offset + 4 :]


def _facts(
    source: Source, file: BinaryIO, modules: dict[str, Module]
) -> tuple[dict[str, Fact], float | None, tuple[str, ...]]:
    """Return what the file says of itself, its start as Unix time, and what to tell the technician."""
    about = settings_facts(read_module(file, modules[SETTINGS]))
    log = read_module(file, modules[LOG]) if LOG in modules and not modules[LOG].cut else b""
    about |= log_facts(log)
    local = log_start(log)
    if local is not None:
        start = unix_second(local, source.zone)
        return about | {"start_time": iso_utc(start)}, start, ()
    date = modules[SETTINGS].date
    about["start_date"] = date
    reason = "its log names no start" if log else "it was copied before its technique ended and has no log"
    return about, None, (f"the wall clock is unknown: {reason}; the file's date is {date} (month, day, year)",)


def _read_header(name: str, file: BinaryIO, module: Module) -> DataHeader:
    file.seek(module.offset)
    head = file.read(min(module.present, LONGEST_HEADER))
    if module.version not in LAYOUTS:
        known = ", ".join(map(str, LAYOUTS))
        detail = f"the data module has version {module.version}, known are {known}"
        raise ParseError(name, detail, byte=module.offset)
    code = "incomplete_file" if module.cut else None
    if len(head) <= LAYOUTS[0][2]:
        raise ParseError(name, "the data module ends before its column list", code=code, byte=module.offset)
    old = module.version == 0 and head[OLD_MARK] != 0
    place, width, begin, kind, first_record = OLD_LAYOUT if old else LAYOUTS[module.version]
    rows, count = int.from_bytes(head[:4], "little"), int(np.frombuffer(head, width, 1, place)[0])
    if len(head) < begin + count * np.dtype(kind).itemsize or module.present < first_record:
        detail = f"the data module ends inside its header with {count} columns"
        raise ParseError(name, detail, code=code, byte=module.offset)
    ids = np.frombuffer(head, kind, count, begin).tolist()
    stride, rest = divmod(module.length - first_record, rows) if rows else (None, 0)
    # Without a record nothing has to be placed.
    record = record_type(ids, None if rest else stride) if rows else np.dtype([])
    if record is None:
        listing = ", ".join(map(str, unknown_ids(ids)))
        detail = f"unknown column ids {listing}"
        raise ParseError(name, detail, code="unknown_columns", byte=module.offset + begin)
    if rows and (rest or record.itemsize != stride or not stride):
        detail = f"{rows} records of {record.itemsize} bytes do not fill the module's {module.length - first_record}"
        raise ParseError(name, detail, byte=module.offset)
    return DataHeader(rows, ids, first_record, record)


def _read_columns(source: Source, module: Module, header: DataHeader) -> dict[str, NDArray[Any]]:
    """Return every known column of the record array as an array of its own, of the file's type."""
    width = header.record.itemsize
    rows = min(header.rows, (module.present - header.first_record) // width) if width else 0
    if not rows:
        return {}
    # Read once as records, copied once into columns; the whole module is never held besides.
    records = np.fromfile(source.path, header.record, count=rows, offset=module.offset + header.first_record)
    known = [name for name in header.record.names or () if header.record[name].kind != "V"]
    columns = {name: np.ascontiguousarray(records[name]) for name in known}
    return columns | _flags(columns, header)


def _flags(columns: dict[str, NDArray[Any]], header: DataHeader) -> dict[str, NDArray[Any]]:
    """Return the flags that the file lists among its columns; the status byte may hold others by chance."""
    if STATUS not in columns:
        return {}
    flags = known_flags()
    listed = {flags[number] for number in header.ids if number in flags}
    return {name: bits for name, bits in unpack_status(columns[STATUS]).items() if name in listed & FLAG_BITS.keys()}


def _unknown_note(header: DataHeader) -> tuple[str, ...]:
    unknown = ", ".join(map(str, unknown_ids(header.ids)))
    return (f"columns with unknown ids are left out: {unknown}",) if unknown and header.rows else ()


FORMAT = Format(
    "biologic_mpr",
    "BioLogic",
    frozenset({".mpr"}),
    "both",
    sniff,
    read,
    version=2,
    lost="settings of the technique, I Range, Ece and its impedance, harmonics, Cs and Cp, half cycle and its counters",
    excerpt=excerpt,
)

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

0x00 number of records u4. Everything is little-endian; records are packed, one after the other. Name, type and unit of
each id come from galvani 0.5's table. Of an id in version 0 galvani takes the low byte only, and its table lists many
ids twice for that reason (467 also as 211); this reader does the same. Ids of flags share one status byte per record
(:mod:`parsers._biologic_steps`). An id that galvani does not know has no known width, so that nothing after it can be
placed: the file is refused under ``unknown_columns`` with all such ids, and as they are written where that differs.

Numbers: most are float32 and become the shortest decimal that gives the same float32; ``time/s`` and the counters are
float64. ``time/s`` counts from the start of the acquisition, which for linked techniques is before the file's first
record. The log holds the start to the millisecond in the instrument computer's local time; without a log only the date
is known, and no wall clock is made up. There is no cycle number (EC-Lab computes it when it exports), hence no
``cycle_count``. GCPL has no current column: :mod:`parsers._biologic_current`. Other columns: :mod:`parsers._biologic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from parsers._biologic import STATUS, Records, build_reading
from parsers._biologic_modules import (
    DATA,
    LOG,
    MAGIC,
    SETTINGS,
    Module,
    list_modules,
    log_facts,
    log_start,
    read_module,
    settings_facts,
)
from parsers._biologic_steps import FLAG_BITS, unpack_status
from parsers._clock import iso_utc, unix_second
from parsers.contract import Fact, Format, Peek, Reading, Source
from warehouse.errors import ParseError

# Version of the data module → byte of the first column id, its type, byte of the first record.
LAYOUTS: Final = {0: (6, "<u2", 1007), 2: (5, "<u2", 405), 3: (5, "<u2", 406)}
OLD_LAYOUT: Final = (5, "u1", 100)
LONGEST_HEADER: Final = 1007
LOW_BYTE: Final = 0xFF


@dataclass(frozen=True)
class DataHeader:
    """The opening of the data module: how many records, which columns as written and as galvani numbers them."""

    rows: int
    written: list[int]
    known_as: list[int]
    first_record: int


def sniff(peek: Peek) -> bool:
    """Whether the file opens as a BioLogic modular file."""
    return peek.head.startswith(MAGIC[:23])


def read(source: Source) -> Reading:
    """Read records, impedance and what settings and log say."""
    modules = list_modules(source)
    for name in (SETTINGS, DATA):
        if name not in modules:
            raise ParseError(source.name, f"there is no module {name!r}", byte=len(MAGIC))
    about, start, warnings = _facts(source, modules)
    header = _read_header(source, modules[DATA])
    columns = _read_columns(source, modules[DATA], header)
    stride = sum(values.itemsize for values in columns.values())
    origin = modules[DATA].offset + header.first_record
    technique = str(about.get("technique", ""))
    records = Records(source.name, columns | _flags(columns, header), origin, stride, technique, start)
    return build_reading(records, about, warnings)


def _facts(source: Source, modules: dict[str, Module]) -> tuple[dict[str, Fact], float | None, tuple[str, ...]]:
    """Return what the file says of itself, its start as Unix time, and what to tell the technician."""
    about = settings_facts(read_module(source, modules[SETTINGS]))
    log = read_module(source, modules[LOG]) if LOG in modules else b""
    about |= log_facts(log)
    local = log_start(log)
    if local is not None:
        start = unix_second(local, source.zone)
        return about | {"start_time": iso_utc(start)}, start, ()
    date = modules[SETTINGS].date
    about["start_date"] = date
    reason = "its log names no start" if LOG in modules else "it was copied before its technique ended and has no log"
    return about, None, (f"the wall clock is unknown: {reason}; the file's date is {date} (month, day, year)",)


def _read_header(source: Source, module: Module) -> DataHeader:
    with source.path.open("rb") as file:
        file.seek(module.offset)
        head = file.read(min(module.length, LONGEST_HEADER))
    if module.version not in LAYOUTS:
        known = ", ".join(map(str, LAYOUTS))
        detail = f"the data module has version {module.version}, known are {known}"
        raise ParseError(source.name, detail, byte=module.offset)
    if len(head) <= OLD_LAYOUT[0]:
        raise ParseError(source.name, "the data module ends before its column list", byte=module.offset)
    rows, count = int.from_bytes(head[:4], "little"), head[4]
    old = module.version == 0 and head[OLD_LAYOUT[0]] != 0
    begin, kind, first_record = OLD_LAYOUT if old else LAYOUTS[module.version]
    if len(head) < begin + count * np.dtype(kind).itemsize:
        raise ParseError(source.name, f"the data module ends inside its list of {count} columns", byte=module.offset)
    written = np.frombuffer(head, dtype=kind, count=count, offset=begin).tolist()
    # After galvani, whose table is the only one for widths; the docstring says why.
    known_as = [each & LOW_BYTE for each in written] if module.version == 0 else written
    return DataHeader(rows, written, known_as, first_record)


def _read_columns(source: Source, module: Module, header: DataHeader) -> dict[str, NDArray[Any]]:
    """Return every column of the record array as an array of its own, of the file's type."""
    record = _record_type(source, module, header)
    expected = header.rows * record.itemsize
    found = module.length - header.first_record
    if header.rows and (expected != found or not record.itemsize):
        detail = (
            f"{header.rows} records of {record.itemsize} bytes are {expected} bytes, the module has {max(found, 0)}"
        )
        raise ParseError(source.name, detail, byte=module.offset)
    if not header.rows:
        return {}
    # Read once as records, copied once into columns; the whole module is never held besides.
    records = np.fromfile(source.path, record, count=header.rows, offset=module.offset + header.first_record)
    return {name: np.ascontiguousarray(records[name]) for name in record.names or ()}


def _record_type(source: Source, module: Module, header: DataHeader) -> np.dtype[Any]:
    """Return the record's type after galvani's table; refuse ids that the table lacks."""
    from galvani import BioLogic  # noqa: PLC0415 only .mpr files pay for it

    known = BioLogic.VMPdata_colID_dtype_map.keys() | BioLogic.VMPdata_colID_flag_map.keys()
    pairs = zip(header.known_as, header.written, strict=True)
    unknown = [
        f"{short} (written {full})" if short != full else str(full) for short, full in pairs if short not in known
    ]
    if unknown:
        detail = f"unknown column ids {', '.join(unknown)}"
        raise ParseError(source.name, detail, code="unknown_columns", byte=module.offset + OLD_LAYOUT[0])
    record: np.dtype[Any]
    record, _ = BioLogic.VMPdata_dtype_from_colIDs(header.known_as)
    return record


def _flags(columns: dict[str, NDArray[Any]], header: DataHeader) -> dict[str, NDArray[Any]]:
    """Return the flags that the file lists among its columns; the status byte may hold others by chance."""
    from galvani import BioLogic  # noqa: PLC0415 only .mpr files pay for it

    if STATUS not in columns:
        return {}
    flags = BioLogic.VMPdata_colID_flag_map
    listed = {flags[each][0] for each in header.known_as if each in flags}
    return {name: bits for name, bits in unpack_status(columns[STATUS]).items() if name in listed & FLAG_BITS.keys()}


FORMAT = Format(
    "biologic_mpr",
    "BioLogic",
    frozenset({".mpr"}),
    "both",
    sniff,
    read,
    lost="settings of the technique, I Range, Ece and its impedance, harmonics, Cs and Cp, half cycle and its counters",
)

"""Neware BTS ``.nda``: one binary file a channel and test, little-endian; read through fastnda 1.3.

Seen and checked row for row against the vendor's own exports (BTSDA 8): versions 8, 22, 23, 26, 29 and 130.
fastnda reads further versions that it marks as unverified; their readings carry its warning.

======  ====  =======================================================================================
offset  type  meaning
======  ====  =======================================================================================
0x00    6 s   ``NEWARE``
0x06    8 s   date of the file format, ``YYYYMMDD``
0x0E    u1    version; 1 to 29 are BTS 5 to 8, 129 and 130 are BTS 9
0x10    u4    versions to 29: place of the device block (current range at +26, the rest unknown)
0x18    u4[2]  versions to 29: place and length of the test information (start, creator, remarks, barcode)
0x40    u4[2]  versions to 29: place and length of the records; length 0 means up to the end of the file
0x22    u8[2]  versions 129, 130: place and length of the test information
0x52    u8[2]  versions 129, 130: place and length of the records
======  ====  =======================================================================================

Records up to version 29: voltage in 0.1 mV, current as integer times a factor of the current range (10 nA at range
-1 mA and below, 0.1 µA at 1 mA, …), charge and energy in the same factor times seconds. Version 130: single precision
V, mA, mA·s, mW·s, and a clock in nanoseconds.

Wall clock: versions 5 to 24, 129 and 130 store seconds since 1970 in UTC (start times in the header of three files
differ from it by whole time zones); versions 25 to 29 store year, month, day, hour, minute, second of the site's clock,
and versions 1 to 4 only have the site's start time.

A copy that ends inside the records that its header announces is read up to its last whole record, with a warning; one
that ends behind them lacks what BTS 9 writes there: the test information.

Precision of the vendor's export: voltage to 0.1 mV, current to 1 µA above 100 µA, test time to 1 s beyond 10**6 s;
within these bounds every column equals it. Version 130 has no cycle number in its older record layout.
"""

from __future__ import annotations

import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from parsers._nda import BTS9, HEADER_BYTES, INFO_AT, VERSION_AT, Span, announce, excerpt_records, find_span
from parsers._neware import VOLTAGE_DIGITS, call_fastnda, pick_facts, started, to_measurements
from parsers.contract import Fact, Format, Peek, Reading, Source, still_growing
from warehouse.errors import ParseError

MAGIC: Final = b"NEWARE"
LOCAL_CLOCK: Final = frozenset({1, 2, 3, 4, 25, 26, 27, 28, 29})
# Place, width and target of the (begin, length) pointers, by whether the file is of BTS 9.
BLOCKS: Final = {
    False: ((24, 4, "test information"), (64, 4, "records")),
    True: ((34, 8, "test information"), (242, 8, "log"), (82, 8, "records")),
}
# The older headers of version 130 have something else in place of the log's pointer.
CHECKED: Final = frozenset({"test information", "records"})
# fastnda searches these blocks byte by byte; real ones have 211 to 2255 bytes.
SEARCHED: Final = frozenset({"test information", "log"})
LONGEST_SEARCH: Final = 1 << 20

FACTS: Final = {
    "creator": "operator",
    "remarks": "comment",
    "step_name": "schedule",
    "test_name": "test_name",
    "barcode": "barcode",
    "sn": "part_number",
    "start_time": "start_time_local",
    "server_version": "software",
    "bts_version": "software",
    "device_ip": "device_ip",
    "test_id": "test_id",
    "nda_version": "nda_version",
    "active_mass_mg": "active_mass_milligram",
}


def sniff(peek: Peek) -> bool:
    """Recognise the magic word."""
    return peek.head.startswith(MAGIC)


def read(source: Source) -> Reading:
    """Read one test."""
    from fastnda.nda import read_nda  # noqa: PLC0415 only Neware files should pay for the import

    version, cut = _check_header(source)
    with _mended(source, cut=bool(cut)) as mended:
        raw, notes = call_fastnda(read_nda, mended)
        about, doubts = _read_about(mended, version)
    clock = "local" if version in LOCAL_CLOCK else "utc"
    digits = None if version in BTS9 else VOLTAGE_DIGITS
    frame, warnings = to_measurements(raw, source, clock=clock, voltage_digits=digits)
    ends = (still_growing(cut, source.path.stat().st_size + source.skipped),) if cut else ()
    return Reading(
        measurements=frame,
        about=about | started(frame),
        warnings=(*notes, *doubts, *warnings, *ends),
        incomplete=bool(cut),
    )


def _check_header(source: Source) -> tuple[int, str]:
    """Check the pointers that fastnda would follow blindly; return the version and what the file ends inside of."""
    size = source.path.stat().st_size
    with source.path.open("rb") as file:
        head = file.read(HEADER_BYTES)
        if not head.startswith(MAGIC[: len(head)]):
            raise ParseError(source.name, f"expected NEWARE, found {head[:6]!r}", byte=0)
        if len(head) < HEADER_BYTES:
            detail = f"the header has {HEADER_BYTES} bytes, the file {size}"
            raise ParseError(source.name, detail, code="incomplete_file", byte=size)
        span = find_span(file)
    version = head[VERSION_AT]
    for place, width, name in BLOCKS[version in BTS9]:
        begin, length = (int.from_bytes(head[at : at + width], "little") for at in (place, place + width))
        # Records may be cut, and what stands behind them may be missing.
        missing = span.begin > size if begin >= span.begin else begin + length > size
        if name in CHECKED and missing:
            detail = f"the {name} stand at byte {begin} to {begin + length}, the file ends at {size}"
            raise ParseError(source.name, detail, code="incomplete_file", byte=place)
        if name in SEARCHED and length > LONGEST_SEARCH and begin + length <= size:
            raise ParseError(source.name, f"the {name} cannot have {length} bytes", byte=place)
    return version, _cut_part(span, head, size)


def _cut_part(span: Span, head: bytes, size: int) -> str:
    """Name what the file ends inside of; empty where it is whole."""
    if span.begin + span.length > size or (span.width and not span.length and (size - span.begin) % span.width):
        return "its records"
    info = sum(struct.unpack_from("<QQ", head, INFO_AT)) if head[VERSION_AT] in BTS9 else 0
    return "what follows its records" if info > size else ""


@contextmanager
def _mended(source: Source, *, cut: bool) -> Iterator[Source]:
    """Give a source whose header speaks of no more than what is there; only BTS 9 needs that."""
    with source.path.open("rb") as file:
        head = file.read(HEADER_BYTES)
        span = find_span(file)
    if not cut or head[VERSION_AT] not in BTS9 or not span.width:
        yield source
        return
    whole = (span.stop(source.path.stat().st_size) - span.begin) // span.width * span.width
    with tempfile.TemporaryDirectory(prefix="cellar-") as folder:
        path = Path(shutil.copyfile(source.path, Path(folder) / "part"))
        with path.open("r+b") as file:
            file.write(announce(head, whole))
            file.truncate(span.begin + whole)
        yield replace(source, path=path)


def _read_about(source: Source, version: int) -> tuple[dict[str, Fact], tuple[str, ...]]:
    from fastnda.nda_meta import read_nda_metadata  # noqa: PLC0415 as in read

    try:
        found, _ = call_fastnda(read_nda_metadata, source)
    except ParseError as error:
        # The records stand without it.
        return {}, (f"the test information cannot be read: {error.detail}",)
    facts = {"instrument": "Neware BTS"} | pick_facts(found, FACTS)
    if version in BTS9:
        # There it is UTC already, and the first record says the same.
        facts.pop("start_time_local", None)
    return facts, ()


FORMAT = Format(
    "neware_nda",
    "Neware",
    frozenset({".nda"}),
    "cycling",
    sniff,
    read,
    version=2,
    lost="auxiliary voltages; net counters of pulse and simulation steps; log of events",
    excerpt=excerpt_records,
)

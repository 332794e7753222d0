"""Small BioLogic files for the tests, written from the layouts in the readers' docstrings."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

MAGIC: Final = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + bytes(4)
DATE: Final = b"06/01/26"
# Days since 1899-12-30 of 2026-06-01 09:30:00.250.
START_DAYS: Final = 46174 + (9.5 * 3600 + 0.25) / 86400
# GCPL as EC-Lab 11.4x writes it: status byte, Ns, time, dq, Q-Qo, control, Ewe, half cycle.
GCPL_IDS: Final = (1, 2, 3, 21, 31, 65, 131, 4, 7, 13, 5, 6, 468)
GCPL_RECORD: Final = struct.Struct("<BHdddffI")
OCV_IDS: Final = (1, 3, 4, 6)
OCV_RECORD: Final = struct.Struct("<Bdf")

Row = tuple[float, ...]


def module(name: str, content: bytes, version: int, *, long: bool = False) -> bytes:
    """Return one module with its header."""
    labels = struct.pack("<10s25s", name.ljust(10).encode(), f"VMP {name}".ljust(25).encode())
    if long:
        numbers = struct.pack("<IIII", 0xFFFFFFFF, len(content), version, 10)
    else:
        numbers = struct.pack("<II", len(content), version)
    return b"MODULE" + labels + numbers + DATE + content


def settings(technique: int, comment: str = "") -> bytes:
    """Return the content of a settings module."""
    content = bytearray(0x300)
    content[0] = technique
    content[7 : 8 + len(comment)] = bytes([len(comment)]) + comment.encode()
    return bytes(content)


def log(days: float = START_DAYS) -> bytes:
    """Return the content of a log module: channel 3 of device 0042, EC-Lab 11.50."""
    content = bytearray(0x410)
    content[0x09] = 2
    struct.pack_into("<I", content, 0xAB, 70001)
    struct.pack_into("<d", content, 0x249, days)
    for place, text in ((0x251, "C:\\data\\cell_7_C03.mpr"), (0x3B7, "11.50"), (0x3CF, "0042"), (0x3E9, "C:\\s.mps")):
        content[place : place + 1 + len(text)] = bytes([len(text)]) + text.encode()
    return bytes(content)


def data(ids: Sequence[int], record: struct.Struct, rows: Sequence[Row], version: int = 3) -> bytes:
    """Return the content of a data module of version 0 (as EC-Lab 11.50 writes it), 2 or 3."""
    count, size = {0: ("H", 1007), 2: ("B", 405), 3: ("B", 406)}[version]
    head = struct.pack(f"<I{count}{len(ids)}H", len(rows), len(ids), *ids)
    return head.ljust(size, b"\0") + b"".join(record.pack(*row) for row in rows)


def mpr(content: bytes, *, technique: int = 4, version: int = 3, with_log: bool = True) -> bytes:
    """Return a .mpr file around the content of a data module."""
    long = version == 0
    parts = [module("VMP Set", settings(technique, "solid state, 1 mm²"), 0, long=long)]
    parts.append(module("VMP data", content, version, long=long))
    if with_log:
        parts.append(module("VMP LOG", log(), 0, long=long))
    return MAGIC + b"".join(parts)


def gcpl(rows: Sequence[Row], version: int = 3, *, with_log: bool = True) -> bytes:
    """Return a GCPL .mpr: rows of status byte, Ns, time, dq, Q-Qo, control, Ewe, half cycle."""
    return mpr(data(GCPL_IDS, GCPL_RECORD, rows, version), version=version, with_log=with_log)


# A rest, 1.2 mA for 20 s with a doubled instant, a hold at 4.2 V, a rest under the same Ns, then the discharge.
GCPL_ROWS: Final[tuple[Row, ...]] = (
    (0x07, 0, 0.0, 0.0, 0.0, 0.0, 3.7001, 0),
    (0x07, 0, 10.0, 0.0, 0.0, 0.0, 3.7001, 0),
    (0x25, 1, 20.0, 1.2 / 3600, 0.0003, 1.2, 3.71, 0),
    (0x05, 1, 30.0, 12 / 3600, 0.0036, 1.2, 3.72, 0),
    (0x05, 1, 30.0, 0.0, 0.0036, 1.2, 3.73, 0),
    (0x06, 1, 40.0, 6 / 3600, 0.0052, 4.2, 4.2, 0),
    (0x07, 1, 50.0, 1e-6, 0.0052, 0.0, 4.19, 0),
    (0x07, 1, 60.0, 0.0, 0.0052, 0.0, 4.18, 0),
    (0x21, 2, 70.0, -12 / 3600, 0.0019, -1.2, 4.1, 1),
)


def export(rows: Sequence[Sequence[object]], names: Sequence[str], *, header: str = "", start: str = "") -> str:
    """Return a text export with a header, or without one where the opening is empty."""
    lines = []
    if header:
        lines = [header, "Nb header lines : 0", "", "Modulo Bat", "", "Run on channel : A3 (SN 7)"]
        lines += ["Device : BCS-805 (SN 0042)", f"Acquisition started on : {start}", ""]
        lines[1] = f"Nb header lines : {len(lines) + 1}"
    lines.append("\t".join(names) + "\t")
    lines += ["\t".join(map(str, row)) for row in rows]
    return "\r\n".join(lines) + "\r\n"

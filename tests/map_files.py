"""Wafer maps as testers write them, made from a few dies."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# Three dies of one wafer, written by Semi-ATE-STDF 0.1.28, once in each byte order; packed with zlib.
FOREIGN = {
    "little": (
        "eNpjYmDgYmJxYmDkYmQAgstLMhkDFBT+/1dg9TEyMzBmd3b18TE0MGDMYyxhCfYPCmE0BiljYDIyZcAAIgxMcgwMHs4MDA2ODAwcjsw+"
        "7AwsDEEuXAxMXIz/QWYzhxsYMzGwcjEyGjLwc71gZmBgBFqblnbUiSM5sSAxObOkEmrWFicGhjtOzKWOGUgWiDOwigA1QCDIbB6gILN5"
        "vAnQQWBT1ZBMZWAodWJAMY0BwygORqAhExk5YEZZYDfK2PgYQaPgrmKFuQoYQsoMTCKM/wUeAn2OpIEJikGhARZgZ2AUASlSYGAAAPnH"
        "LZA="
    ),
    "big": (
        "eNpjYGLgYmRhcGLkYmBgYMxccpmBMUBB4f9/BVYfIzMDY3ZnVx8fQwMDxjzGEpZg/6AQRmMGEGAyMmXABCJMcs4eDAyODUDMwcDA7MPA"
        "zsAS5MLAxcTF+B9kNnO4gTEDEysXIyODIT/QRuYXQBaD09G0NI7kxILE5MySSrBBTluA+A5QvtQxA9kCcVYRkAZGMASaDRTiYTaPNwG5"
        "CGyqGpKppTBdMNMYMIziABrDwjiRgQNqlAUOo44ZGxMyCuEqVqirQCGkzCQC8vlDASCbGUkLEwiDQwMM2BlFQIoUGBgA/34tjw=="
    ),
}


def unpack_foreign(order: str) -> bytes:
    """Return the file that another library wrote."""
    return zlib.decompress(base64.b64decode(FOREIGN[order]))


@dataclass(frozen=True)
class Part:
    """A tested die: its counts, bins, and values by test."""

    x: int
    y: int
    hard_bin: int = 1
    soft_bin: int = 1
    values: Mapping[str, float] = field(default_factory=dict)


def text(value: str) -> bytes:
    """Return a string behind its length."""
    raw = value.encode("cp949")
    return bytes([len(raw)]) + raw


def record(kind: int, subtype: int, body: bytes) -> bytes:
    """Return a record behind its header."""
    return struct.pack("<HBB", len(body), kind, subtype) + body


FAR = record(0, 10, bytes([2, 4]))
MRR = record(1, 20, struct.pack("<I", 9))


def begin_lot(lot: str) -> bytes:
    """Return a lot's record."""
    head = struct.pack("<IIB", 1, 2, 1) + b"P  " + struct.pack("<H", 65535) + b" "
    return record(1, 10, head + text(lot) + text("P") + text("n") + text("t") + text("job"))


def draw(
    flat: str = "D", x_axis: str = "R", y_axis: str = "U", centre: tuple[int, int] = (0, 0), unit: int = 3
) -> bytes:
    """Return how the map is drawn: 200 of the unit wide, dies of 16."""
    body = struct.pack("<fffB", 200.0, 16.0, 16.0, unit) + flat.encode() + struct.pack("<hh", *centre)
    return record(2, 30, body + x_axis.encode() + y_axis.encode())


def begin_wafer(wafer: str) -> bytes:
    """Return a wafer's first record."""
    return record(2, 10, struct.pack("<BBI", 1, 255, 5) + text(wafer))


def end_wafer(parts: int, good: int = 0xFFFFFFFF) -> bytes:
    """Return a wafer's last record."""
    return record(2, 20, struct.pack("<BBIIIIII", 1, 255, 9, parts, 0, 0, good, 0))


def write_part(part: Part) -> bytes:
    """Return a die's records."""
    raw = record(5, 10, bytes([1, 1]))
    for number, (name, value) in enumerate(part.values.items(), start=1000):
        head = struct.pack("<IBBBBf", number, 1, 1, 0, 0, value) + text(name) + text("")
        raw += record(15, 10, head + bytes(4) + struct.pack("<ff", 0, 0) + text("uAh"))
    flags = 0 if part.hard_bin == 1 else 8
    bins = struct.pack("<BBBHHHhhI", 1, 1, flags, 1, part.hard_bin, part.soft_bin, part.x, part.y, 7)
    return raw + record(5, 20, bins + text(f"{part.x}/{part.y}") + text("") + bytes([0]))


def write_stdf(parts: Iterable[Part], drawing: bytes | None = None, lot: str = "L1", wafer: str = "W1") -> bytes:
    """Return the file of one wafer."""
    dies = list(parts)
    body = b"".join(write_part(part) for part in dies)
    frame = draw() if drawing is None else drawing
    return FAR + begin_lot(lot) + frame + begin_wafer(wafer) + body + end_wafer(len(dies)) + MRR


def write_sinf(rows: Iterable[str], **header: str) -> bytes:
    """Return a text map; ``header`` replaces its values, and an empty one leaves a key out."""
    lines = list(rows)
    known = {"DEVICE": "CELL", "LOT": "L1", "WAFER": "W1", "FNLOC": "180", "ROWCT": str(len(lines))}
    known |= {"COLCT": str(len(lines[0].split())) if lines else "0", "BCEQU": "01"}
    known |= {"DUTMS": "mm", "XDIES": "16", "YDIES": "16"}
    head = [f"{key}:{value}" for key, value in (known | header).items() if value]
    return "\n".join([*head, *(f"RowData:{row}" for row in lines), ""]).encode()


KLARF = """FileVersion 1 2;
FileTimestamp 03-02-26 09:00:00;
InspectionStationID "MAKER" "TOOL" "1";
SampleType WAFER;
LotID "L1";
SampleSize 1 200;
DeviceID "CELL";
SetupID "R" 03-02-26 09:00:00;
StepID "ANODE";
SampleOrientationMarkType NOTCH;
OrientationMarkLocation {side};
DiePitch 1.6000000000e+004 1.6000000000e+004;
DieOrigin 0.000000 0.000000;
WaferID "W1";
Slot 3;
SampleCenterLocation 8.0000000000e+003 4.0000000000e+003;
SampleTestPlan 3
 0 0
 1 0
 0 -1;
AreaPerTest 1.0e+8;
DefectRecordSpec 9 DEFECTID XREL YREL XINDEX YINDEX DSIZE CLASSNUMBER IMAGECOUNT IMAGELIST ;
DefectList
 1 100.5 200.0 1 0 2.5 4 0
 2 9.0e+003 4.0e+003 0 0 1.0 4 2 1 0 2 0
 3 1 1 1 0 0.5 2 0;
SummarySpec 2 TESTNO NDEFECT ;
SummaryList
 1 3;
EndOfFile;
"""


def write_klarf(side: str = "DOWN") -> bytes:
    """Return an inspection of three dies with three defects."""
    return KLARF.format(side=side).encode()

"""Small Neware files, written from scratch for the tests."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BLOCK: Final = 4096
DATA_AT: Final = 132
MASK_AT: Final = 4
INFO_AT: Final = 2092
INFO_BYTES: Final = 383
RECORDS_AT: Final = INFO_AT + INFO_BYTES
RANGE_AT: Final = 26
DEVICE_AT: Final = 2050
START: Final = 1_700_000_000
TEST_INFO: Final = (
    '<?xml version="1.0" encoding="GB2312"?><root><config><TestInfo DevType="27" DevID="21" UnitID="0" ChlID="79" '
    'TestID="85" StepName="plan.xml" StartTime="{start}" Barcode="die &amp; 7"></TestInfo></config></root>'
)


@dataclass(frozen=True)
class Record:
    """One record of an .nda of version 23, in the file's own units: 0.1 mV, 0.1 µA at range 1 mA, ms."""

    step: int
    code: int
    milliseconds: int
    voltage: int
    current: int
    charge: int = 0
    discharge: int = 0


TWO_STEPS: Final = (
    Record(1, 4, 0, 24006, 0),
    Record(1, 4, 1600, 24007, 0),
    Record(2, 1, 0, 24100, 8009),
    Record(2, 1, 1000, 24200, 8009, charge=8009),
    Record(3, 2, 0, 24150, -8008),
    Record(3, 2, 500, 24050, -8008, discharge=4004),
)


def nda(records: Sequence[Record] = TWO_STEPS, version: int = 23) -> bytes:
    """Return an .nda of the layout that versions 14 to 24 share."""
    head = bytearray(RECORDS_AT)
    head[:14] = b"NEWARE20170101"
    head[14] = version
    struct.pack_into("<I", head, 16, DEVICE_AT)
    struct.pack_into("<i", head, DEVICE_AT + RANGE_AT, 1)
    struct.pack_into("<II", head, 24, INFO_AT, INFO_BYTES)
    head[INFO_AT + 37 : INFO_AT + 56] = b"2023-11-15 07:13:20"
    head[INFO_AT + 77 : INFO_AT + 81] = b"Kim\0"
    struct.pack_into("<II", head, 64, RECORDS_AT, 86 * len(records))
    return bytes(head) + b"".join(_nda_record(number, record) for number, record in enumerate(records, 1))


def _nda_record(number: int, record: Record) -> bytes:
    begin = struct.pack("<BBIIHBB", 85, 1, number, 0, record.step, record.code, record.step % 256)
    values = struct.pack("<Qii8x", record.milliseconds, record.voltage, record.current)
    counters = struct.pack("<qqqq", record.charge, record.discharge, record.charge * 2, record.discharge * 2)
    return begin + values + counters + struct.pack("<Qi4x", START + number, 1)


def ndc(kind: int, rows: Sequence[bytes], version: int = 14) -> bytes:
    """Return a part of an .ndax: a header block and as many record blocks as the rows need."""
    head = bytes((kind, 0, version, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0)).ljust(BLOCK, b"\0")
    if not rows:
        return head
    fit = (BLOCK - DATA_AT - 1) // len(rows[0])
    return head + b"".join(_block(rows[first : first + fit]) for first in range(0, len(rows), fit))


def _block(rows: Sequence[bytes]) -> bytes:
    mask = ((1 << len(rows)) - 1).to_bytes(DATA_AT - MASK_AT, "little")
    return (b"\0" * MASK_AT + mask + b"".join(rows)).ljust(BLOCK, b"\0")


def main_part(values: Sequence[tuple[float, float]], version: int = 14) -> bytes:
    """Return a main part: V and A in version 14, 0.1 mV and mA in version 16."""
    return ndc(1, [struct.pack("<ff", *pair) for pair in values], version)


def run_part(rows: Sequence[tuple[int, int, int, float]], version: int = 14) -> bytes:
    """Return a run-info part from (record, step, step time in ms, charge in Ah or mA·s)."""
    tail = b"\0" * (8 if version == 14 else 53)
    return ndc(
        18,
        [
            struct.pack("<I1xffff8xiIIIH", ms, charge, 0.0, 0.0, 0.0, 1000, START + ms // 1000, step, record, ms % 1000)
            + tail
            for record, step, ms, charge in rows
        ],
        version,
    )


def step_part(rows: Sequence[tuple[int, int, int]], version: int = 14) -> bytes:
    """Return a step part from (cycle from 0, step number, type)."""
    tail = b"\0" * (12 if version == 14 else 8 + 4 + 63)
    return ndc(7, [struct.pack("<II16xB", *row) + tail for row in rows], version)


def ndax(path: Path, parts: Mapping[str, bytes] | None = None, start: str = "2023-11-15 07:13:00") -> Path:
    """Write an .ndax of two steps, three records each; ``parts`` replaces members, empty bytes leave one out."""
    members = {
        "TestInfo.xml": TEST_INFO.format(start=start).encode("gb2312"),
        "data.ndc": main_part([(3.7, 0.0), (3.7001, 0.0), (3.7001, 0.0), (3.71, 5e-5), (3.72, 5e-5), (3.73, 5e-5)]),
        "data_runInfo.ndc": run_part([(1, 1, 0, 0.0), (4, 2, 0, 0.0), (6, 2, 2000, 2.8e-8)]),
        "data_step.ndc": step_part([(0, 1, 4), (0, 2, 1)]),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in (members | dict(parts or {})).items():
            if content:
                container.writestr(name, content)
    return path

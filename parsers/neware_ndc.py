"""Neware BTS ``data.ndc`` by itself: the main part of an ``.ndax``, as BTS keeps it while a test runs.

Parts of version 1 to 5, 7 and 15 hold whole records and are read through fastnda 1.3; no such file has been seen.
From version 8 on the part has voltage and current only, with known scales (version 14: V and A in single precision),
but no time: sampling intervals, steps and the clock stand in ``…_runInfo.ndc`` and ``…_step.ndc``. Records without a
time are no measurement, so such a part is refused with the code ``needs_companions``; the ``.ndax`` has all of them.

Layout: blocks of 4096 bytes (512 before version 5), the first a header: 0x00 u1 kind of part (1), 0x02 u1 version.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from parsers._neware import NDC_INTEGERS, VOLTAGE_DIGITS, call_fastnda, started, to_measurements
from parsers.contract import Format, Peek, Reading, Source

MAIN_PART: Final = b"\x01\x00"
VERSIONS: Final = range(1, 18)
HEADER: Final = 16
FIRST_FIELDS: Final = b"\x01\x00\x00\x00"


def sniff(peek: Peek) -> bool:
    """Recognise the header of a main part."""
    return is_part(peek.head, MAIN_PART)


def is_part(head: bytes, kind: bytes) -> bool:
    """Whether bytes begin like an .ndc part of a kind."""
    if len(head) < HEADER or not head.startswith(kind):
        return False
    return head[2] in VERSIONS and head[3] == 0 and head[4:8] == FIRST_FIELDS and head[12:16] == FIRST_FIELDS


def read(source: Source) -> Reading:
    """Read a part that holds whole records; refuse one that does not."""
    with source.path.open("rb") as file:
        version = file.read(HEADER)[2:3]
    raw, notes = call_fastnda(_decode, source)
    integers = bool(version) and version[0] in NDC_INTEGERS
    # What the clock of version 15 means, nobody has seen.
    clock, digits = ("local", VOLTAGE_DIGITS) if integers else ("unknown", None)
    frame, warnings = to_measurements(raw, source, clock=clock, voltage_digits=digits)
    return Reading(
        measurements=frame, about={"instrument": "Neware BTS"} | started(frame), warnings=(*notes, *warnings)
    )


def _decode(path: Path) -> pl.DataFrame:
    from fastnda._ndc import read_ndc  # noqa: PLC0415 only Neware files should pay for the import

    frame: pl.DataFrame = read_ndc(path.read_bytes())
    return frame


FORMAT = Format(
    "neware_ndc",
    "Neware",
    frozenset({".ndc"}),
    "cycling",
    sniff,
    read,
    verified=False,  # only a part without times has been seen, and that is refused
    lost="everything in the companions",
)

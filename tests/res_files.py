"""Small Jet 4 databases for the tests of Arbin's result files."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

PAGE: Final = 4096
INT, LONG, SINGLE, DOUBLE, TEXT = 3, 4, 6, 7, 10
CODES: Final = {INT: "h", LONG: "i", SINGLE: "f", DOUBLE: "d"}
HEADER: Final = b"\x00\x01\x00\x00Standard Jet DB\x00\x01"
CATALOGUE: Final = {"Id": LONG, "Type": INT, "Name": TEXT}

RECORDS: Final = {
    "Test_ID": LONG,
    "Data_Point": LONG,
    "Test_Time": DOUBLE,
    "Step_Time": DOUBLE,
    "DateTime": DOUBLE,
    "Step_Index": INT,
    "Cycle_Index": LONG,
    "Current": SINGLE,
    "Voltage": SINGLE,
    "Charge_Capacity": DOUBLE,
    "Internal_Resistance": SINGLE,
}
OVERVIEW: Final = {
    "Test_ID": LONG,
    "Test_Name": TEXT,
    "Channel_Index": INT,
    "Start_DateTime": DOUBLE,
    "Serial_Number": TEXT,
}
AUXILIARY: Final = {"Test_ID": LONG, "Data_Point": LONG, "Auxiliary_Index": INT, "Data_Type": INT, "X": SINGLE}
AUXILIARY_UNITS: Final = {"Auxiliary_Index": INT, "Data_Type": INT, "Unit": TEXT}


@dataclass(frozen=True)
class Made:
    """One table to write: column name to Jet type, the rows, and how many rows the definition claims."""

    columns: Mapping[str, int]
    rows: Sequence[Sequence[Any]]
    claimed: int | None = None


def make_database(tables: Mapping[str, Made]) -> bytes:
    """Write a database with one data page a table."""
    pages = [HEADER, b"", b"", b""]
    listed = []
    for name, table in tables.items():
        page = len(pages)
        listed.append((page, 1, name))
        pages += [definition(table), data_page(page, table)]
    catalogue = Made(CATALOGUE, listed)
    pages[2], pages[3] = definition(catalogue), data_page(2, catalogue)
    return b"".join(page.ljust(PAGE, b"\x00") for page in pages)


def definition(table: Made) -> bytes:
    """Write a table definition that fits one page."""
    head = bytearray(63)
    head[0:2] = b"\x02\x01"
    struct.pack_into("<I", head, 16, len(table.rows) if table.claimed is None else table.claimed)
    struct.pack_into("<H", head, 45, len(table.columns))
    described = b""
    offset = variable = 0
    for number, kind in enumerate(table.columns.values()):
        fixed = kind != TEXT
        described += struct.pack("<B4xHHH4xH4xHH", kind, number, variable, number, fixed, offset if fixed else 0, 0)
        offset += struct.calcsize(CODES[kind]) if fixed else 0
        variable += not fixed
    names = b"".join(struct.pack("<H", 2 * len(name)) + name.encode("utf-16-le") for name in table.columns)
    return bytes(head) + described + names


def data_page(owner: int, table: Made) -> bytes:
    """Write all rows of a table into one page, from its end."""
    slots, body = b"", b""
    for values in table.rows:
        body = row(list(table.columns.values()), values) + body
        slots += struct.pack("<H", PAGE - len(body))
    head = struct.pack("<HHIIH", 0x0101, 0, owner, 0, len(table.rows)) + slots
    return head + bytes(PAGE - len(head) - len(body)) + body


def row(kinds: Sequence[int], values: Sequence[Any]) -> bytes:
    """Write one row: count, fixed columns, texts, their offsets backwards, value bits."""
    fixed = struct.pack("<H", len(kinds))
    for kind, value in zip(kinds, values, strict=True):
        if kind != TEXT:
            fixed += struct.pack("<" + CODES[kind], value or 0)
    ends, texts = [len(fixed)], b""
    for kind, value in zip(kinds, values, strict=True):
        if kind == TEXT:
            # Jet marks text of one byte a character with the first two bytes.
            texts += b"\xff\xfe" + str(value).encode("latin-1") if value else b""
            ends.append(len(fixed) + len(texts))
    offsets = b"".join(struct.pack("<H", end) for end in reversed(ends)) + struct.pack("<H", len(ends) - 1)
    bits = sum((value is not None) << place for place, value in enumerate(values))
    return fixed + texts + offsets + bits.to_bytes((len(kinds) + 7) // 8, "little")

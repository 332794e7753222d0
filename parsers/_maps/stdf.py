"""STDF V4, the binary record stream of testers, as far as it tells of wafers.

Layout: records of a four-byte header (length U2 without the header, type U1, subtype U1) and fields in fixed order; a
record may end before its last fields, which are then missing. The first record is FAR; its CPU type says the byte order
of everything: 1 big-endian, 2 little-endian; 0 (VAX floats) is refused. The last record is MRR: without it the file was
cut off.

Read: MIR (1, 10) lot, part type, program, temperature; WCR (2, 30) how the map is drawn; WIR (2, 10) and WRR (2, 20)
begin and end of a wafer on a test head, with the counts of parts; PIR (5, 10) and PRR (5, 20) begin and end of a part,
with bins and coordinates; PTR (15, 10) a value, in the unit beside it: the record's scaling is for display only. Text
and unit of a test may stand in its first PTR alone. All other records are passed over.

Missing: coordinates -32768, bins 65535, counts 4294967295, a size of 0, a unit of 0, blanks. A part without
coordinates is left out with a warning. A die that was tested again keeps its last result. Flags of PRR: bit 3 failed,
bit 4 no verdict. Flags of PTR: 1 result invalid, 4 not executed, 5 aborted, 6 no verdict, 7 failed.

Text is ASCII by the standard; bytes above are taken for UTF-8, else for the Korean code page.
Source of knowledge: the published specification (V4); checked against a file written by another library.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Any, Final

import numpy as np
import polars as pl

from parsers._maps.contract import DIES, VALUES, Fact, WaferMap, as_frame, scale
from parsers._numbers import shortest_decimals
from warehouse.errors import ParseError

Record = dict[str, Any]
Part = tuple[int, int]
# Fields of fixed length together, or a text alone.
Run = tuple[struct.Struct | None, tuple[str, ...]]

HEADER: Final = 4
FAR: Final = (0, 10)
MRR: Final = (1, 20)
# Type and subtype → name and fields, each with its code, up to the last one that is needed.
LAYOUTS: Final[dict[Part, tuple[str, str]]] = {
    (1, 10): (
        "MIR",
        (
            "setup:I start:I station:B mode:C retest:C protection:C burn_in:H command:C lot:Cn part_type:Cn node:Cn "
            "tester:Cn program:Cn program_revision:Cn sublot:Cn operator:Cn executive:Cn executive_version:Cn "
            "test_code:Cn temperature:Cn"
        ),
    ),
    (2, 10): ("WIR", "head:B sites:B start:I wafer:Cn"),
    (2, 20): ("WRR", "head:B sites:B finish:I parts:I retests:I aborts:I good:I functional:I wafer:Cn"),
    (2, 30): ("WCR", "diameter:f height:f width:f unit:B flat:C centre_x:h centre_y:h x_axis:C y_axis:C"),
    (5, 10): ("PIR", "head:B site:B"),
    (5, 20): ("PRR", "head:B site:B flags:B tests:H hard_bin:H soft_bin:H x:h y:h milliseconds:I part:Cn"),
    (15, 10): (
        "PTR",
        (
            "test:I head:B site:B flags:B parameter_flags:B result:f text:Cn alarm:Cn optional:B scale:b low_scale:b "
            "high_scale:b low:f high:f unit:Cn"
        ),
    ),
}
TEXT: Final = "Cn"
NO_COUNT: Final = 0xFFFFFFFF
NO_BIN: Final = 0xFFFF
NO_PLACE: Final = -32768
UNITS: Final = {1: "0.0254", 2: "0.01", 3: "0.001", 4: "0.0000254"}
SIDES: Final = {b"U": "up", b"D": "down", b"L": "left", b"R": "right"}
FAILED: Final = 0x08
NO_VERDICT: Final = 0x10
# Of a value's flags: invalid, not executed, aborted.
NO_VALUE: Final = 0x02 | 0x10 | 0x20
VALUE_FAILED: Final = 0x80
VALUE_NO_VERDICT: Final = 0x40
BYTE_ORDERS: Final = {1: ">", 2: "<"}
VERSION: Final = 4


@dataclass
class _Wafer:
    """A wafer between its first and its last record."""

    name: str
    dies: dict[Part, tuple[Any, ...]] = field(default_factory=dict)
    values: dict[Part, list[tuple[Any, ...]]] = field(default_factory=dict)
    parts: int = 0
    lost: int = 0
    repeated: int = 0


@dataclass
class _State:
    """What was read so far."""

    shown: str
    lot: Record = field(default_factory=dict)
    frame: Record = field(default_factory=dict)
    open: dict[int, _Wafer] = field(default_factory=dict)
    done: list[tuple[_Wafer, Record]] = field(default_factory=list)
    pending: dict[Part, list[tuple[Any, ...]]] = field(default_factory=dict)
    tests: dict[int, tuple[str, str]] = field(default_factory=dict)


def sniff(raw: bytes) -> bool:
    """Say whether bytes begin with a FAR record."""
    return raw[:4] in {b"\x02\x00\x00\x0a", b"\x00\x02\x00\x0a"}


def read(raw: bytes, shown: str) -> tuple[WaferMap, ...]:
    """Read every wafer of a file.

    Raises:
        ParseError: a record or a field reaches beyond its end, wafers and parts are not nested, counts do not fit, or
            the file was cut off.
    """
    state = _State(shown)
    order = _find_order(raw, shown)
    last = FAR
    for byte, kind, end in _walk(raw, order, shown):
        last = kind
        if kind in LAYOUTS:
            name, fields = LAYOUTS[kind]
            HANDLERS[name](state, _unpack(raw, _compile(fields, order), (byte, end), shown), byte)
    if last != MRR or state.open:
        raise ParseError(shown, "the file ends before its last record, MRR", code="incomplete_file", byte=len(raw))
    if not state.done:
        raise ParseError(shown, "no record of a wafer, WIR and WRR, is in it", code="map_without_wafer", byte=len(raw))
    return tuple(_make_map(state, wafer, counts) for wafer, counts in state.done)


def _find_order(raw: bytes, shown: str) -> str:
    if len(raw) < HEADER + 2:
        raise ParseError(shown, "the file ends inside its first record", code="incomplete_file", byte=len(raw))
    cpu, version = raw[HEADER], raw[HEADER + 1]
    if version != VERSION:
        raise ParseError(shown, f"it is of version {version}, not 4", code="map_layout", byte=HEADER + 1)
    order = BYTE_ORDERS.get(cpu, "")
    if not order or (raw[0] == 0) != (order == ">"):
        raise ParseError(shown, f"CPU type {cpu} with a length of {raw[:2].hex()}", code="map_layout", byte=HEADER)
    return order


def _walk(raw: bytes, order: str, shown: str) -> Iterator[tuple[int, Part, int]]:
    """Yield each record: byte of its first field, type and subtype, byte after its last."""
    header, byte = struct.Struct(f"{order}HBB"), 0
    while byte < len(raw):
        if byte + HEADER > len(raw):
            raise ParseError(shown, "the file ends inside a record's header", code="incomplete_file", byte=byte)
        length, kind, subtype = header.unpack_from(raw, byte)
        end = byte + HEADER + length
        if end > len(raw):
            raise ParseError(shown, f"a record of {length} bytes is cut off", code="incomplete_file", byte=byte)
        yield byte + HEADER, (kind, subtype), end
        byte = end


@cache
def _compile(text: str, order: str) -> tuple[Run, ...]:
    """Return a layout as runs of fields: those of fixed length together, each text alone, without a structure."""
    fields = [field.split(":") for field in text.split()]
    runs: list[Run] = []
    for is_text, run in groupby(fields, key=lambda field: field[1] == TEXT):
        named = [(name, code) for name, code in run]
        if is_text:
            runs += [(None, (name,)) for name, _ in named]
        else:
            codes = "".join(code.replace("C", "c") for _, code in named)
            runs.append((struct.Struct(order + codes), tuple(name for name, _ in named)))
    return tuple(runs)


def _unpack(raw: bytes, runs: tuple[Run, ...], place: tuple[int, int], shown: str) -> Record:
    """Return a record's fields; those behind its end are None."""
    byte, end = place
    record: Record = {}
    for layout, names in runs:
        if byte == end:
            record.update(dict.fromkeys(names))
        elif layout is None:
            size = 1 + raw[byte]
            _check(byte, size, end, names[0], shown)
            record[names[0]] = _decode(raw[byte + 1 : byte + size])
            byte += size
        else:
            byte = _take_run(raw, record, (layout, names), (byte, end), shown)
    return record


def _take_run(raw: bytes, record: Record, run: Run, place: tuple[int, int], shown: str) -> int:
    """Take fields of fixed length, and return the byte after the last; a record may end between any two of them."""
    (byte, end), (layout, names) = place, run
    if layout is None:
        return byte
    if byte + layout.size <= end:
        record.update(zip(names, layout.unpack_from(raw, byte), strict=True))
        return byte + layout.size
    record.update(dict.fromkeys(names))
    for name, code in zip(names, layout.format[1:], strict=True):
        if byte == end:
            break
        one = struct.Struct(layout.format[0] + code)
        _check(byte, one.size, end, name, shown)
        (record[name],) = one.unpack_from(raw, byte)
        byte += one.size
    return byte


def _check(byte: int, size: int, end: int, name: str, shown: str) -> None:
    if byte + size > end:
        raise ParseError(shown, f"field {name} reaches beyond its record's end", byte=byte)


def _decode(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp949", errors="replace")
    return text.strip(" \0")


def _take_lot(state: _State, record: Record, byte: int) -> None:
    del byte
    state.lot = record


def _take_frame(state: _State, record: Record, byte: int) -> None:
    del byte
    state.frame = record


def _begin_wafer(state: _State, record: Record, byte: int) -> None:
    if record["head"] in state.open:
        raise ParseError(state.shown, f"a wafer begins on head {record['head']} before another ended", byte=byte)
    # Several heads probe several wafers at once, and their records mingle.
    state.open[record["head"]] = _Wafer(record["wafer"] or "")


def _begin_part(state: _State, record: Record, byte: int) -> None:
    del byte
    state.pending[record["head"], record["site"]] = []


def _take_value(state: _State, record: Record, byte: int) -> None:
    number = record["test"]
    if number is None or record["site"] is None:
        raise ParseError(state.shown, "a value without its test's number and site", byte=byte)
    text, unit = state.tests.get(number, ("", ""))
    text, unit = state.tests[number] = record["text"] or text or f"test {number}", record["unit"] or unit
    flags, result = record["flags"] or 0, record["result"]
    if result is None or flags & NO_VALUE or not np.isfinite(result):
        return
    passed = None if flags & VALUE_NO_VERDICT else not flags & VALUE_FAILED
    # What stands before any part, such as a check of the tester itself, is of no die.
    if (record["head"], record["site"]) in state.pending:
        state.pending[record["head"], record["site"]].append((number, result, passed))


def _end_part(state: _State, record: Record, byte: int) -> None:
    values = state.pending.pop((record["head"], record["site"]), [])
    wafer = state.open.get(record["head"])
    if wafer is None:
        raise ParseError(state.shown, f"a part of head {record['head']} outside of any wafer", byte=byte)
    wafer.parts += 1
    x, y = record["x"], record["y"]
    if x in {None, NO_PLACE} or y in {None, NO_PLACE}:
        wafer.lost += 1
        return
    wafer.repeated += (x, y) in wafer.dies
    flags = record["flags"] or 0
    bins = (None if record[name] in {None, NO_BIN} else record[name] for name in ("hard_bin", "soft_bin"))
    wafer.dies[x, y] = (x, y, *bins, None if flags & NO_VERDICT else not flags & FAILED, record["part"])
    # A test that was not run again does not stand from the first pass beside those that were.
    wafer.values[x, y] = values


def _end_wafer(state: _State, record: Record, byte: int) -> None:
    wafer = state.open.pop(record["head"], None)
    if wafer is None:
        raise ParseError(state.shown, f"a wafer ends on head {record['head']} that did not begin", byte=byte)
    counted = record["parts"]
    # Testers count a die that was tested again once or twice; both are in use.
    if counted not in {None, NO_COUNT, wafer.parts, len(wafer.dies) + wafer.lost}:
        told = f"wafer {wafer.name!r} counts {counted} parts, but {wafer.parts} are in the file"
        raise ParseError(state.shown, told, code="map_count", byte=byte)
    state.done.append((wafer, record))


HANDLERS: Final = {
    "MIR": _take_lot,
    "WCR": _take_frame,
    "WIR": _begin_wafer,
    "WRR": _end_wafer,
    "PIR": _begin_part,
    "PRR": _end_part,
    "PTR": _take_value,
}


def _make_map(state: _State, wafer: _Wafer, counts: Record) -> WaferMap:
    drawn = state.frame
    return WaferMap(
        format="stdf",
        kind="bins",
        lot=state.lot.get("lot") or "",
        wafer=wafer.name or counts["wafer"] or "",
        notch=SIDES.get(drawn.get("flat") or b""),
        x_axis=SIDES.get(drawn.get("x_axis") or b""),
        y_axis=SIDES.get(drawn.get("y_axis") or b""),
        centre=_find_centre(drawn),
        diameter_metre=_to_metre(drawn, "diameter"),
        pitch_metre=_find_pitch(drawn),
        dies=as_frame(wafer.dies.values(), DIES),
        values=_make_values(state, wafer),
        about=_describe(state.lot),
        warnings=tuple(_warn(wafer, counts)),
    )


def _make_values(state: _State, wafer: _Wafer) -> pl.DataFrame:
    rows = [(x, y, *value) for (x, y), values in wafer.values.items() for value in values]
    exact = shortest_decimals(np.array([row[3] for row in rows], dtype=np.float32))
    names = _name_tests(state)
    units = {number: unit or None for number, (_, unit) in state.tests.items()}
    kept = {
        (x, y, number): (x, y, names[number], float(value), units[number], passed)
        for (x, y, number, _, passed), value in zip(rows, exact, strict=True)
    }
    return as_frame(kept.values(), VALUES)


def _name_tests(state: _State) -> dict[int, str]:
    """Name each test by its text, with its number where another has the same."""
    texts = [text for text, _ in state.tests.values()]
    return {
        number: text if texts.count(text) == 1 else f"{text} #{number}" for number, (text, _) in state.tests.items()
    }


def _to_metre(drawn: Record, name: str) -> float | None:
    value, unit = drawn.get(name), UNITS.get(drawn.get("unit") or 0)
    if not value or unit is None or not np.isfinite(value):
        return None
    return scale(float(shortest_decimals(np.array([value], dtype=np.float32))[0]), unit)


def _find_centre(drawn: Record) -> Part | None:
    x, y = drawn.get("centre_x"), drawn.get("centre_y")
    return None if x in {None, NO_PLACE} or y in {None, NO_PLACE} else (x, y)


def _find_pitch(drawn: Record) -> tuple[float, float] | None:
    width, height = _to_metre(drawn, "width"), _to_metre(drawn, "height")
    return None if width is None or height is None else (width, height)


def _describe(lot: Record) -> dict[str, Fact]:
    shown = ("part_type", "node", "tester", "program", "program_revision", "sublot", "temperature", "start")
    return {name: lot[name] for name in shown if lot.get(name)}


def _warn(wafer: _Wafer, counts: Record) -> Iterator[str]:
    if wafer.lost:
        yield f"{wafer.lost} parts have no coordinates and were left out"
    if wafer.repeated:
        yield f"{wafer.repeated} results were superseded by a later test of the same die"
    good = sum(row[4] is True for row in wafer.dies.values())
    if counts["good"] not in {None, NO_COUNT, good}:
        yield f"the wafer's record counts {counts['good']} good parts, {good} dies are marked good"

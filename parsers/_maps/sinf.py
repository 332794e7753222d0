"""SINF, the simplified text map: a header of ``KEY:value`` lines, then a line ``RowData:`` for each row of the map.

Keys read: DEVICE, LOT, WAFER, FNLOC (side of the flat or notch: 0 up, 90 right, 180 down, 270 left), ROWCT and COLCT
(rows and columns, checked), BCEQU (bins that are good; 01 where it is missing), DIECT (dies, checked), DUTMS (mm or
mil) with XDIES and YDIES (steps). Others are kept as they are; REFPX and REFPY name a reference die, in a count that
files do not agree on, and are not used.

Cells: hexadecimal bins of two digits or more, all of one width; underscores where there is no die, ``@@`` where a die
was not inspected. FF is a reference die and FD, FE are edge dies; they have no verdict unless BCEQU names them.

Counting: columns from the left and rows from the top, both from 0; so x grows right and y grows down. Which die is at
the centre is not said. Lines end with LF or CR LF.

Source of knowledge: descriptions by makers of map converters; no specification is public.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from parsers._maps.contract import DIES, Fact, WaferMap, as_frame, scale
from warehouse.errors import ParseError

SIDES: Final = {"0": "up", "90": "right", "180": "down", "270": "left"}
UNITS: Final = {"mm": "0.001", "mil": "0.0000254"}
ROW: Final = "ROWDATA"
KNOWN: Final = frozenset({"DEVICE", "LOT", "WAFER", "FNLOC", "ROWCT", "COLCT", "BCEQU"})
SPECIAL: Final = frozenset({0xFD, 0xFE, 0xFF})
NO_DIE: Final = re.compile(r"_+")
NOT_INSPECTED: Final = re.compile(r"@+")
BIN: Final = re.compile(r"[0-9A-Fa-f]{2,4}")
LINE: Final = re.compile(r"([A-Za-z]+):(.*)")
HEAD_BYTES: Final = 4096
FEWEST_KEYS: Final = 3
DEFAULT_GOOD: Final = "01"

Lines = dict[str, tuple[int, str]]


def sniff(raw: bytes) -> bool:
    """Say whether bytes begin with a header of the known keys."""
    found = {match[1].decode().upper() for match in re.finditer(rb"(?m)^([A-Za-z]+):", raw[:HEAD_BYTES])}
    return len(found & KNOWN) >= FEWEST_KEYS and bool(found & {"ROWCT", "COLCT", "FNLOC"})


def read(raw: bytes, shown: str) -> tuple[WaferMap, ...]:
    """Read the one wafer of a file.

    Raises:
        ParseError: rows, columns or dies are not as many as the header says, or a cell is no bin.
    """
    header, rows = _divide(raw, shown)
    good = _read_good(header, shown)
    dies = list(_read_dies(rows, good, shown))
    _check(header, "ROWCT", len(rows), shown)
    _check(header, "COLCT", len(rows[0][1]) if rows else 0, shown)
    _check(header, "DIECT", len(dies), shown)
    pitch, warnings = _find_pitch(header, shown)
    value = {name: text for name, (_, text) in header.items()}
    return (
        WaferMap(
            format="sinf",
            kind="bins",
            lot=value.get("LOT", ""),
            wafer=value.get("WAFER", ""),
            notch=_find_notch(header, shown),
            x_axis="right",
            y_axis="down",
            pitch_metre=pitch,
            dies=as_frame(dies, DIES),
            about=_describe(value),
            warnings=warnings,
        ),
    )


def _divide(raw: bytes, shown: str) -> tuple[Lines, list[tuple[int, list[str]]]]:
    """Return the header's values and the rows' cells, each with its line."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp949", errors="replace")
    header: Lines = {}
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        found = LINE.fullmatch(line.strip())
        if found is None:
            raise ParseError(shown, f"{line.strip()[:40]!r} is no KEY:value", line=number)
        key, rest = found[1].upper(), found[2].strip()
        if key == ROW:
            rows.append((number, rest.split()))
        elif key in header and header[key][1] != rest:
            raise ParseError(shown, f"{key} stands twice, with {header[key][1]!r} before", line=number)
        else:
            header[key] = (number, rest)
    return header, rows


def _read_dies(rows: list[tuple[int, list[str]]], good: frozenset[int], shown: str) -> Iterator[tuple[object, ...]]:
    if not rows:
        raise ParseError(shown, "no RowData line is in it", code="incomplete_file", line=1)
    columns, width = len(rows[0][1]), len(rows[0][1][0]) if rows[0][1] else 0
    for y, (number, cells) in enumerate(rows):
        if len(cells) != columns:
            # A short last row is a copy that was cut; a short one in the middle was edited.
            code = "incomplete_file" if y == len(rows) - 1 and len(cells) < columns else "broken_file"
            raise ParseError(shown, f"{len(cells)} cells where the first row has {columns}", code=code, line=number)
        for x, cell in enumerate(cells):
            if len(cell) != width:
                raise ParseError(shown, f"cell {cell!r} is not {width} signs wide", line=number, column=str(x + 1))
            if not NO_DIE.fullmatch(cell):
                yield (x, y, *_read_cell(cell, good, (number, x), shown), None)


def _read_cell(cell: str, good: frozenset[int], place: tuple[int, int], shown: str) -> tuple[object, object, object]:
    if NOT_INSPECTED.fullmatch(cell):
        return None, None, None
    if not BIN.fullmatch(cell):
        raise ParseError(shown, f"{cell!r} is no hexadecimal bin", line=place[0], column=str(place[1] + 1))
    number = int(cell, 16)
    passed = None if number in SPECIAL - good else number in good
    return number, None, passed


def _read_good(header: Lines, shown: str) -> frozenset[int]:
    line, text = header.get("BCEQU", (0, ""))
    codes = re.split(r"[,\s]+", text) if text else [DEFAULT_GOOD]
    if not all(BIN.fullmatch(code) for code in codes):
        raise ParseError(shown, f"BCEQU {text!r} is no list of hexadecimal bins", line=line)
    return frozenset(int(code, 16) for code in codes)


def _check(header: Lines, key: str, found: int, shown: str) -> None:
    if key not in header or not header[key][1]:
        return
    line, text = header[key]
    if not text.isdecimal() or int(text) != found:
        # Fewer rows than promised is what a copy that was cut looks like.
        short = key == "ROWCT" and text.isdecimal() and int(text) > found
        raise ParseError(
            shown,
            f"{key} says {text!r}, {found} are there",
            code="incomplete_file" if short else "map_count",
            line=line,
        )


def _find_notch(header: Lines, shown: str) -> str | None:
    line, text = header.get("FNLOC", (0, ""))
    if text and text not in SIDES:
        raise ParseError(shown, f"FNLOC {text!r} is none of 0, 90, 180, 270", line=line)
    return SIDES.get(text)


def _find_pitch(header: Lines, shown: str) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    steps = [header.get(key, (0, "")) for key in ("XDIES", "YDIES")]
    if not all(text for _, text in steps):
        return None, ()
    unit = header.get("DUTMS", (0, ""))[1].casefold()
    if unit not in UNITS:
        return None, (f"the steps of the dies are left out: their unit {unit!r} is neither mm nor mil",)
    x, y = (_read_step(line, text, unit, shown) for line, text in steps)
    return (x, y), ()


def _read_step(line: int, text: str, unit: str, shown: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or not float(text) > 0:
        raise ParseError(shown, f"a step of {text!r} is no positive number", line=line)
    return scale(float(text), UNITS[unit])


def _describe(value: dict[str, str]) -> dict[str, Fact]:
    return {key.lower(): text for key, text in value.items() if key not in KNOWN - {"DEVICE"} and text}

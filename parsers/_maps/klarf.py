"""KLARF 1.x, the text of wafer inspection tools: where which defects lie, on which dies.

Layout: statements ``Key value value … ;`` over one or more lines, strings in double quotes. ``FileVersion 1 0`` to
``1 2``; version 1.8 has another syntax and is refused. ``EndOfFile;`` is last: without it the file was cut off.

Read: LotID, DeviceID, StepID, SampleSize (1 and the diameter in mm), OrientationMarkLocation (DOWN, UP, LEFT, RIGHT),
DiePitch and DieOrigin (µm), WaferID (begins a wafer; what stood before holds for all), SampleCenterLocation (the
wafer's centre, µm, from where die (0, 0) begins), SampleTestPlan (the dies that were inspected), DefectRecordSpec (the
columns of DefectList), DefectList (one defect a line). Columns used: DEFECTID, XINDEX, YINDEX, XREL, YREL (µm from the
die's lower left corner), DSIZE (µm), CLASSNUMBER. Two numbers for each of IMAGECOUNT images stand behind the columns
before IMAGELIST and are passed over.

Counting: x grows right and y grows up, on a drawing with the orientation mark where the file says. Mirrored
coordinates (CoordinatesMirrored YES) are refused. A die of the test plan without a defect has 0 defects.

Source of knowledge: files and readers of others; the vendor's specification is not public.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from parsers._maps.contract import DEFECTS, DIES, Centre, Fact, WaferMap, as_frame, scale
from warehouse.errors import ParseError

SIDES: Final = {"DOWN": "down", "UP": "up", "LEFT": "left", "RIGHT": "right"}
VERSIONS: Final = ("1 0", "1 1", "1 2")
MICRO: Final = "0.000001"
MILLI: Final = "0.001"
NEEDED: Final = ("DEFECTID", "XREL", "YREL", "XINDEX", "YINDEX")
FACTS: Final = {
    "DeviceID": "device",
    "StepID": "step",
    "InspectionStationID": "station",
    "ResultTimestamp": "result_at",
}
TOKEN: Final = re.compile(r'"([^"]*)"|[^\s;"]+|;')
WHOLE: Final = re.compile(r"[+-]?[0-9]{1,9}")
NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
LONGEST_HEADER: Final = 4096
SIZE_VALUES: Final = 2

Defect = tuple[int, int, int, float, float, float | None, int | None]


@dataclass(frozen=True)
class _Statement:
    """One statement: its key, its values, the line that it begins on, and the lines of a list."""

    key: str
    values: tuple[str, ...]
    line: int
    rows: tuple[tuple[int, tuple[str, ...]], ...] = ()


@dataclass
class _Wafer:
    """A wafer and what is said of it."""

    name: str = ""
    said: dict[str, _Statement] = field(default_factory=dict)
    planned: dict[Centre, None] = field(default_factory=dict)
    defects: list[Defect] = field(default_factory=list)


def sniff(raw: bytes) -> bool:
    """Say whether bytes begin with a file version as KLARF writes it."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s*FileVersion\s+[0-9]+\s+[0-9]+\s*;", raw[:LONGEST_HEADER]) is not None


def read(raw: bytes, shown: str) -> tuple[WaferMap, ...]:
    """Read every wafer of a file.

    Raises:
        ParseError: it is of another version, mirrored, cut off, or a defect's line does not fit the columns.
    """
    header, wafers, last = _Wafer(), list[_Wafer](), None
    # What stands before the first wafer holds for all of them, so that each begins with a copy.
    for last in _read_statements(_decode(raw), shown):
        if last.key == "WaferID":
            wafers.append(_Wafer(" ".join(last.values), dict(header.said)))
        _take(wafers[-1] if wafers else header, last, shown)
    if last is None or last.key != "EndOfFile":
        line = last.line if last is not None else 1
        raise ParseError(shown, "the file ends before EndOfFile", code="incomplete_file", line=line)
    if not wafers:
        raise ParseError(shown, "no WaferID is in it", code="map_without_wafer", line=last.line)
    return tuple(_make_map(wafer, shown) for wafer in wafers)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp949", errors="replace")


def _read_statements(text: str, shown: str) -> Iterator[_Statement]:
    """Yield the statements; one that no semicolon ends is none, and the file was cut there."""
    lines: list[tuple[int, tuple[str, ...]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        tokens: list[str] = []
        for found in TOKEN.finditer(line):
            if found[0] != ";":
                tokens.append(found[1] if found[1] is not None else found[0])
                continue
            if tokens:
                lines.append((number, tuple(tokens)))
            if lines:
                yield _join(lines)
            lines, tokens = [], []
        if tokens:
            lines.append((number, tuple(tokens)))
    if lines:
        raise ParseError(shown, f"{lines[0][1][0]!r} is not ended", code="incomplete_file", line=lines[0][0])


def _join(lines: list[tuple[int, tuple[str, ...]]]) -> _Statement:
    (line, first), rest = lines[0], lines[1:]
    values = first[1:] + tuple(token for _, tokens in rest for token in tokens)
    return _Statement(first[0], values, line, ((line, first[1:]), *rest) if first[1:] else tuple(rest))


def _take(wafer: _Wafer, statement: _Statement, shown: str) -> None:
    key, values = statement.key, statement.values
    if key == "FileVersion" and " ".join(values) not in VERSIONS:
        told = f"FileVersion {' '.join(values)} is none of {', '.join(VERSIONS)}"
        raise ParseError(shown, told, code="map_layout", line=statement.line)
    if key == "CoordinatesMirrored" and values != ("NO",):
        raise ParseError(shown, "its coordinates are mirrored", code="map_layout", line=statement.line)
    if key == "SampleTestPlan":
        wafer.planned.update(_read_plan(statement, shown))
    elif key == "DefectList" or WHOLE.fullmatch(key):
        # Some tools end every line of the list, so that each is a statement that begins with a number.
        first = ((statement.line, (key, *values)),)
        rows = statement.rows if key == "DefectList" else first
        wafer.defects += _read_defects(wafer.said.get("DefectRecordSpec"), rows, (statement.line, shown))
    else:
        wafer.said[key] = statement


def _read_plan(statement: _Statement, shown: str) -> Iterator[tuple[Centre, None]]:
    numbers = [_read_whole(text, statement.line, shown) for text in statement.values]
    if not numbers or len(numbers) != 1 + 2 * numbers[0]:
        told = f"SampleTestPlan promises {numbers[:1]} dies and names {(len(numbers) - 1) / 2:g}"
        raise ParseError(shown, told, code="map_count", line=statement.line)
    yield from ((die, None) for die in zip(numbers[1::2], numbers[2::2], strict=True))


def _read_defects(
    columns: _Statement | None, rows: tuple[tuple[int, tuple[str, ...]], ...], place: tuple[int, str]
) -> Iterator[Defect]:
    line, shown = place
    names = columns.values[1:] if columns is not None else ()
    lacking = [name for name in NEEDED if name not in names]
    if lacking:
        raise ParseError(shown, f"DefectRecordSpec lacks {', '.join(lacking)}", line=line)
    if columns is not None and columns.values[0] != str(len(names)):
        raise ParseError(shown, f"DefectRecordSpec promises {columns.values[0]} columns", line=columns.line)
    for number, tokens in rows:
        # The list of images is empty where there are none, and may be left out.
        if len(tokens) < len(names) - ("IMAGELIST" in names):
            raise ParseError(shown, f"{len(tokens)} values for {len(names)} columns", line=number)
        yield _read_defect(dict(zip(names, tokens, strict=False)), number, shown)


def _read_defect(value: dict[str, str], line: int, shown: str) -> Defect:
    number, x, y = (_read_whole(value[name], line, shown) for name in ("DEFECTID", "XINDEX", "YINDEX"))
    x_rel, y_rel = (_read_number(value[name], line, shown) for name in ("XREL", "YREL"))
    size = _read_number(value["DSIZE"], line, shown) if "DSIZE" in value else None
    kind = _read_whole(value["CLASSNUMBER"], line, shown) if "CLASSNUMBER" in value else None
    return number, x, y, x_rel, y_rel, size, kind


def _make_map(wafer: _Wafer, shown: str) -> WaferMap:
    found: dict[Centre, None] = {defect[1:3]: None for defect in wafer.defects}
    pitch = _read_pair(wafer, "DiePitch", shown)
    centre, offset = _find_centre(wafer, pitch, shown)
    said = {key: " ".join(statement.values) for key, statement in wafer.said.items()}
    return WaferMap(
        format="klarf",
        kind="inspection",
        lot=said.get("LotID", ""),
        wafer=wafer.name,
        notch=SIDES.get(said.get("OrientationMarkLocation", "").upper()),
        x_axis="right",
        y_axis="up",
        centre=centre,
        diameter_metre=_find_diameter(wafer, shown),
        pitch_metre=None if pitch is None else (scale(pitch[0], MICRO), scale(pitch[1], MICRO)),
        offset_metre=offset,
        dies=as_frame(((x, y, None, None, None, None) for x, y in (wafer.planned | found)), DIES),
        defects=as_frame(_place_defects(wafer, pitch, shown), DEFECTS),
        about=_describe(said),
        warnings=() if wafer.planned else ("no test plan is in it: dies without a defect are not known",),
    )


def _find_centre(
    wafer: _Wafer, pitch: tuple[float, float] | None, shown: str
) -> tuple[Centre | None, tuple[float, float] | None]:
    """Return the die that the wafer's centre lies in, and the way from there to the die's centre."""
    middle = _read_pair(wafer, "SampleCenterLocation", shown)
    if middle is None or pitch is None:
        return None, None
    origin = _read_pair(wafer, "DieOrigin", shown) or (0.0, 0.0)
    away = tuple((middle[axis] - origin[axis]) / pitch[axis] for axis in range(2))
    die = math.floor(away[0]), math.floor(away[1])
    offset = (scale((die[axis] + 0.5 - away[axis]) * pitch[axis], MICRO) for axis in range(2))
    return die, (next(offset), next(offset))


def _place_defects(wafer: _Wafer, pitch: tuple[float, float] | None, shown: str) -> Iterator[tuple[object, ...]]:
    """Yield the defects with their places from the wafer's centre, where the file tells pitch and centre."""
    middle = _read_pair(wafer, "SampleCenterLocation", shown)
    origin = _read_pair(wafer, "DieOrigin", shown) or (0.0, 0.0)
    for number, x, y, x_rel, y_rel, size, kind in wafer.defects:
        place: tuple[float | None, float | None] = (None, None)
        if pitch is not None and middle is not None:
            place = (
                scale(origin[0] + x * pitch[0] + x_rel - middle[0], MICRO),
                scale(origin[1] + y * pitch[1] + y_rel - middle[1], MICRO),
            )
        yield number, x, y, *place, None if size is None else scale(size, MICRO), kind


def _find_diameter(wafer: _Wafer, shown: str) -> float | None:
    statement = wafer.said.get("SampleSize")
    if statement is None or len(statement.values) != SIZE_VALUES or statement.values[0] != "1":
        return None
    return scale(_read_number(statement.values[1], statement.line, shown), MILLI)


def _read_pair(wafer: _Wafer, key: str, shown: str) -> tuple[float, float] | None:
    statement = wafer.said.get(key)
    if statement is None:
        return None
    numbers = [_read_number(text, statement.line, shown) for text in statement.values]
    if len(numbers) != SIZE_VALUES or (key == "DiePitch" and min(numbers) <= 0):
        raise ParseError(shown, f"{key} {' '.join(statement.values)} is no pair of lengths", line=statement.line)
    return numbers[0], numbers[1]


def _read_whole(text: str, line: int, shown: str) -> int:
    if not WHOLE.fullmatch(text):
        raise ParseError(shown, f"{text[:40]!r} is no whole number", line=line)
    return int(text)


def _read_number(text: str, line: int, shown: str) -> float:
    if not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ParseError(shown, f"{text[:40]!r} is no number", line=line)
    return float(text)


def _describe(said: dict[str, str]) -> dict[str, Fact]:
    return {name: said[key] for key, name in FACTS.items() if said.get(key)}

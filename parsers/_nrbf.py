"""The .NET Remoting Binary Format (MS-NRBF) as data: names and values, never objects of classes.

.NET's ``BinaryFormatter`` writes this format. Reading it by .NET's own means runs code that the file names; here a
class is a name with named values, and nothing else happens. Known from Microsoft's published specification [MS-NRBF].

A stream is a header, records, and an end mark; other bytes may follow. What is not in the specification is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Deeper nesting than any header has; a damaged stream must not use up the stack.
DEEPEST: Final = 64
# A run of nulls takes five bytes whatever its length; no header has a list near this long.
LONGEST_LIST: Final = 2**20
TICK_MASK: Final = 2**62 - 1

HEADER, CLASS_BY_ID, SYSTEM_MEMBERS, MEMBERS, SYSTEM_TYPED, TYPED = range(6)
STRING, ARRAY, TYPED_PRIMITIVE, REFERENCE, NULL, END, LIBRARY = range(6, 13)
NULLS_BYTE, NULLS_INT, PRIMITIVES, OBJECTS, STRINGS = range(13, 18)

# PrimitiveTypeEnumeration: number to struct code; the others have readers of their own.
FIXED: Final = {1: "?", 2: "B", 6: "d", 7: "h", 8: "i", 9: "q", 10: "b", 11: "f", 12: "q", 14: "H", 15: "I", 16: "Q"}
CHAR, DECIMAL, DATE_TIME, TEXT = 3, 5, 13, 18
# BinaryTypeEnumeration.
TYPE_PRIMITIVE, TYPE_SYSTEM, TYPE_CLASS, TYPE_PRIMITIVE_ARRAY = 0, 3, 4, 7
LAST_TYPE: Final = 7
OFFSET_ARRAYS: Final = range(3, 6)
LAST_ARRAY: Final = 5


class NrbfError(ValueError):
    """The stream breaks the format; ``byte`` is where."""

    def __init__(self, byte: int, detail: str) -> None:
        self.byte = byte
        super().__init__(detail)


@dataclass(frozen=True)
class DateTime:
    """A .NET DateTime: 100 ns since year 1, and whether it is UTC (1), local (2) or unstated (0)."""

    ticks: int
    kind: int


@dataclass(frozen=True)
class Reference:
    """The number of an object that stands elsewhere in the stream."""

    number: int


@dataclass
class Instance:
    """A class's name and its members' values as they stand in the stream."""

    name: str
    members: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stream:
    """A stream that was read.

    Args:
        root: number of its first object.
        objects: number to instance, text or list.
        end: offset behind the end mark.
    """

    root: int
    objects: Mapping[int, Any]
    end: int

    def get(self, value: Any, *names: str) -> Any:
        """Follow references and members by name: the property ``Name`` or its field; None where there is none."""
        value = self._resolve(value)
        for name in names:
            if not isinstance(value, Instance):
                return None
            lower = f"_{name[:1].lower()}{name[1:]}"
            spellings = (f"<{name}>k__BackingField", name, lower, f"_{name}")
            value = self._resolve(next((value.members[each] for each in spellings if each in value.members), None))
        return value

    def items(self, value: Any) -> list[Any]:
        """Return the elements of a ``List<T>`` or an array."""
        value = self._resolve(value)
        if isinstance(value, Instance):
            size = value.members.get("_size")
            value = self._resolve(value.members.get("_items"))
            value = value[:size] if isinstance(value, list) and isinstance(size, int) and size >= 0 else None
        return [self._resolve(item) for item in value] if isinstance(value, list) else []

    def _resolve(self, value: Any) -> Any:
        for _ in range(DEEPEST):
            if not isinstance(value, Reference):
                return value
            value = self.objects.get(value.number)
        return None


def read_stream(content: bytes, start: int = 0) -> Stream:
    """Read one stream.

    Raises:
        NrbfError: the bytes are no such stream.
    """
    reader = _Reader(content, start)
    try:
        reader.read_all()
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise NrbfError(reader.at, f"the stream ends or is damaged: {error}") from error
    return Stream(reader.root, reader.objects, reader.at)


@dataclass(frozen=True)
class _Class:
    name: str
    members: tuple[str, ...]
    # Per member the number of its primitive type, or None where a record follows.
    primitives: tuple[int | None, ...]


class _Reader:
    """A place in the bytes and what was read so far."""

    def __init__(self, content: bytes, start: int) -> None:
        self.content = content
        self.at = start
        self.root = 0
        self.objects: dict[int, Any] = {}
        self.classes: dict[int, _Class] = {}
        self.depth = 0

    def read_all(self) -> None:
        """Read records until the end mark; the first must be the header."""
        if self.byte() != HEADER:
            raise NrbfError(self.at, "no stream begins here")
        self.root, _, major, minor = (self.number("i") for _ in range(4))
        if (major, minor) != (1, 0):
            raise NrbfError(self.at, f"version {major}.{minor} of the format is not known")
        while self.content[self.at] != END:
            self.record()
        self.at += 1

    def byte(self) -> int:
        """Read one byte."""
        value = self.content[self.at]
        self.at += 1
        return value

    def number(self, code: str) -> Any:
        """Read one number of a struct code, little-endian."""
        value = struct.unpack_from(f"<{code}", self.content, self.at)[0]
        self.at += struct.calcsize(f"<{code}")
        return value

    def count(self, width: int = 1) -> int:
        """Read how many follow; each needs bytes, so that a damaged number cannot ask for the machine's memory."""
        value = int(self.number("i"))
        if not 0 <= value * width <= len(self.content) - self.at:
            raise NrbfError(self.at, f"{value} elements do not fit into the file")
        return value

    def text(self) -> str:
        """Read a text with its length before it, seven bits a byte."""
        length, shift = 0, 0
        while True:
            value = self.byte()
            length |= (value & 0x7F) << shift
            shift += 7
            if value < 0x80:  # noqa: PLR2004 the eighth bit says that the length goes on
                break
            if shift > 28:  # noqa: PLR2004 five bytes hold any length
                raise NrbfError(self.at, "a length has more than five bytes")
        end = self.at + length
        if end > len(self.content):
            raise NrbfError(self.at, f"a text of {length} bytes does not fit into the file")
        value_text = self.content[self.at : end].decode("utf-8")
        self.at = end
        return value_text

    def primitive(self, kind: int) -> Any:
        """Read one value of a primitive type."""
        if kind in FIXED:
            return self.number(FIXED[kind])
        if kind in {DECIMAL, TEXT}:
            return self.text()
        if kind == DATE_TIME:
            raw = self.number("Q")
            return DateTime(raw & TICK_MASK, raw >> 62)
        if kind == CHAR:
            first = self.content[self.at]
            width = 1 + sum(first >= least for least in (0xC0, 0xE0, 0xF0))
            self.at += width
            return self.content[self.at - width : self.at].decode("utf-8")
        raise NrbfError(self.at, f"primitive type {kind} is not known")

    def record(self) -> Any:
        """Read one record and return its value; declarations before it are read on the way."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise NrbfError(self.at, f"records are nested deeper than {DEEPEST}")
        kind = self.byte()
        while kind == LIBRARY:
            self.number("i")
            self.text()
            kind = self.byte()
        if kind not in RECORDS:
            raise NrbfError(self.at - 1, f"record type {kind} is not known here")
        value = RECORDS[kind](self)
        self.depth -= 1
        return value

    def keep(self, number: int, value: Any) -> Any:
        """Remember an object by its number and return it."""
        self.objects[number] = value
        return value


def _read_class(reader: _Reader, *, typed: bool, library: bool) -> Instance:
    number, name = int(reader.number("i")), reader.text()
    members = tuple(reader.text() for _ in range(reader.count()))
    primitives: tuple[int | None, ...] = (None,) * len(members)
    if typed:
        kinds = [reader.byte() for _ in members]
        primitives = tuple(_read_member_type(reader, kind) for kind in kinds)
    if library:
        reader.number("i")
    reader.classes[number] = _Class(name, members, primitives)
    return _read_members(reader, number, reader.classes[number])


def _read_member_type(reader: _Reader, kind: int) -> int | None:
    """Read what follows a member's type; return its primitive type, if its value stands without a record."""
    if kind > LAST_TYPE:
        raise NrbfError(reader.at, f"member type {kind} is not known")
    if kind == TYPE_PRIMITIVE:
        return reader.byte()
    if kind == TYPE_PRIMITIVE_ARRAY:
        reader.byte()
    elif kind in {TYPE_SYSTEM, TYPE_CLASS}:
        reader.text()
        if kind == TYPE_CLASS:
            reader.number("i")
    return None


def _read_members(reader: _Reader, number: int, declared: _Class) -> Instance:
    instance: Instance = reader.keep(number, Instance(declared.name))
    for name, primitive in zip(declared.members, declared.primitives, strict=True):
        instance.members[name] = reader.record() if primitive is None else reader.primitive(primitive)
    return instance


def _read_class_by_id(reader: _Reader) -> Instance:
    number, declared = int(reader.number("i")), reader.classes.get(int(reader.number("i")))
    if declared is None:
        raise NrbfError(reader.at, "a class is used that was not declared")
    return _read_members(reader, number, declared)


def _read_string(reader: _Reader) -> Any:
    return reader.keep(int(reader.number("i")), reader.text())


def _read_array(reader: _Reader) -> Any:
    """Read an array of any rank as one list."""
    number, kind, rank = int(reader.number("i")), reader.byte(), reader.count(4)
    if kind > LAST_ARRAY:
        raise NrbfError(reader.at, f"array type {kind} is not known")
    total = 1
    for _ in range(rank):
        total *= max(0, int(reader.number("i")))
    for _ in range(rank if kind in OFFSET_ARRAYS else 0):
        reader.number("i")
    primitive = _read_member_type(reader, reader.byte())
    return reader.keep(number, _read_elements(reader, total, primitive))


def _read_primitives(reader: _Reader) -> Any:
    number, total, kind = int(reader.number("i")), reader.count(), reader.byte()
    return reader.keep(number, _read_elements(reader, total, kind))


def _read_objects(reader: _Reader) -> Any:
    number, total = int(reader.number("i")), int(reader.number("i"))
    return reader.keep(number, _read_elements(reader, total, None))


def _read_elements(reader: _Reader, total: int, primitive: int | None) -> list[Any]:
    left = len(reader.content) - reader.at
    if primitive in FIXED:
        code = FIXED[primitive]
        if not 0 <= total * struct.calcsize(f"<{code}") <= left:
            raise NrbfError(reader.at, f"an array of {total} does not fit into the file")
        values = list(struct.unpack_from(f"<{total}{code}", reader.content, reader.at))
        reader.at += struct.calcsize(f"<{total}{code}")
        return values
    if primitive is not None:
        return [reader.primitive(primitive) for _ in range(min(total, left + 1))]
    return list(_read_records(reader, total))


def _read_records(reader: _Reader, total: int) -> Iterator[Any]:
    """Read an array's records; a run of nulls is one record."""
    if total > LONGEST_LIST:
        raise NrbfError(reader.at, f"a list of {total} elements is none of a header")
    done = 0
    while done < total:
        value = reader.record()
        run = value.length if isinstance(value, _Nulls) else 1
        if not 0 < run <= total - done:
            raise NrbfError(reader.at, f"a run of {run} nulls does not fit into the array")
        yield from [None] * run if isinstance(value, _Nulls) else [value]
        done += run


@dataclass(frozen=True)
class _Nulls:
    length: int


RECORDS: Final[Mapping[int, Callable[[_Reader], Any]]] = {
    CLASS_BY_ID: _read_class_by_id,
    SYSTEM_MEMBERS: lambda reader: _read_class(reader, typed=False, library=False),
    MEMBERS: lambda reader: _read_class(reader, typed=False, library=True),
    SYSTEM_TYPED: lambda reader: _read_class(reader, typed=True, library=False),
    TYPED: lambda reader: _read_class(reader, typed=True, library=True),
    STRING: _read_string,
    ARRAY: _read_array,
    TYPED_PRIMITIVE: lambda reader: reader.primitive(reader.byte()),
    REFERENCE: lambda reader: Reference(int(reader.number("i"))),
    NULL: lambda _: None,
    NULLS_BYTE: lambda reader: _Nulls(reader.byte()),
    NULLS_INT: lambda reader: _Nulls(int(reader.number("i"))),
    PRIMITIVES: _read_primitives,
    OBJECTS: _read_objects,
    STRINGS: _read_objects,
}

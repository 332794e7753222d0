"""Tables of a Jet 4 database (``.mdb``, and what Arbin calls ``.res``), decoded by columns.

Layout, all little-endian, pages of 4096 bytes; known from the notes that accompany mdbtools (``HACKING.md``) and
checked against mdbtools and access-parser cell by cell on every ``.res`` file of the corpus:

* page 0: ``Standard Jet DB`` or ``Standard ACE DB`` at byte 4, version at byte 20 (0: Jet 3, other pages, not read
  here; 1 to 5: the pages below).
* table definition (first bytes 2, 1): next page of the same definition at 4 (0: none), number of rows at 16, number of
  columns at 45, of indexes at 51; after 63 bytes 12 for each index, 25 for each column, then the column names as a
  length in bytes and UTF-16. Definitions go on in the next page after its byte 8.
* data page (1, 1): page of its table's definition at 4, number of rows at 12, then a slot of two bytes a row: 13 bits
  offset in the page, 0x8000 deleted, 0x4000 moved: there a pointer stands, the slot in its lowest byte, the page above.
  The first row ends with the page, each further one where the one before begins.
* row: number of columns (2 bytes), fixed columns, variable columns, their offsets from the end, one bit a column that
  says whether there is a value.
* page 2 defines the catalogue: table name, type (1: a table) and the page of its definition.

Nothing here follows a pointer twice or loops over rows of numbers, so a damaged file cannot hang the reader: that,
and identical results on every machine, is why neither access-parser nor mdbtools stands between us and Jet 4.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from parsers.contract import Source
from warehouse.errors import ParseError

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]

PAGE: Final = 4096
MAGICS: Final = (b"Standard Jet DB", b"Standard ACE DB")
MAGIC_AT: Final = 4
VERSION_AT: Final = 20
DATA_PAGE: Final = 0x0101
DEFINITION_PAGE: Final = 0x0102
CATALOGUE: Final = 2
IS_TABLE: Final = 1
# The highest byte of an object's id holds flags.
PAGE_OF_ID: Final = 0xFFFFFF

# Type, number, number among the variable columns, number again, flags, place among the fixed ones, length.
COLUMN: Final = struct.Struct("<B4xHHH4xH4xHH")
COLUMNS_AT: Final = 63
INDEX_BYTES: Final = 12
IS_FIXED: Final = 1

SLOTS_AT: Final = 14
SLOT_BYTES: Final = 2
COUNT_BYTES: Final = 2
POINTER_BYTES: Final = 4
OFFSET: Final = 0x1FFF
DELETED: Final = 0x8000
MOVED: Final = 0x4000

NUMBERS: Final = {2: "u1", 3: "<i2", 4: "<i4", 6: "<f4", 7: "<f8", 8: "<f8"}
TEXT: Final = 10
COMPRESSED: Final = b"\xff\xfe"


@dataclass(frozen=True)
class Column:
    """One column of a table: Jet's type, its number in the row's value bits, and where its value is."""

    kind: int
    number: int
    variable: int
    fixed: bool
    offset: int


@dataclass(frozen=True)
class Definition:
    """One table: its definition's page, how many rows it says it has, its columns by name."""

    page: int
    rows: int
    columns: dict[str, Column]


@dataclass(frozen=True)
class Rows:
    """Where rows begin and end in the file, and how many columns each was written with."""

    starts: Places
    ends: Places
    columns: Places

    @property
    def value_bits(self) -> Places:
        """Where each row's value bits begin."""
        return self.ends - (self.columns + 7) // 8


@dataclass(frozen=True)
class Database:
    """A Jet 4 database in memory.

    Args:
        content: all bytes, whole pages.
        name: the file's name, for messages.
    """

    content: Bytes
    name: str

    @classmethod
    def open(cls, source: Source) -> Database:
        """Load a database; ParseError when it does not end with a page."""
        content = np.fromfile(source.path, dtype=np.uint8)
        if len(content) % PAGE or not len(content):
            whole = len(content) // PAGE * PAGE
            detail = f"the last page has {len(content) - whole} of {PAGE} bytes"
            raise ParseError(source.name, detail, code="incomplete_file", byte=whole)
        return cls(content, source.name)

    @cached_property
    def _pages(self) -> Bytes:
        return self.content.reshape(-1, PAGE)

    @cached_property
    def _owners(self) -> Places:
        """The definition's page of each data page, -1 for other pages."""
        kinds = _unsigned(self._pages[:, 0:2])
        return np.where(kinds == DATA_PAGE, _unsigned(self._pages[:, 4:8]), -1)

    @cached_property
    def tables(self) -> dict[str, int]:
        """The page of each table's definition, by table name."""
        catalogue = self._definition(CATALOGUE)
        rows = self._rows(catalogue)
        ids, kinds = (self._cells(catalogue, rows, name).to_list() for name in ("Id", "Type"))
        names = self._cells(catalogue, rows, "Name").to_list()
        found = zip(names, ids, kinds, strict=True)
        return {name: page & PAGE_OF_ID for name, page, kind in found if kind == IS_TABLE and name and page}

    def read(self, table: str, columns: tuple[str, ...]) -> pl.DataFrame | None:
        """Return those of the named columns that a table has, or None when there is no such table.

        Raises:
            ParseError: the table is damaged or incomplete.
        """
        if table not in self.tables:
            return None
        definition = self._definition(self.tables[table])
        rows = self._rows(definition)
        # A file that was cut between two pages is whole in every other respect.
        if len(rows.starts) != definition.rows:
            detail = f"{table} should have {definition.rows} rows and has {len(rows.starts)}"
            code = "incomplete_file" if len(rows.starts) < definition.rows else None
            raise ParseError(self.name, detail, code=code, byte=definition.page * PAGE)
        return pl.DataFrame(
            {name: self._cells(definition, rows, name) for name in columns if name in definition.columns}
        )

    def _definition(self, page: int) -> Definition:
        try:
            raw = self._definition_bytes(page)
            (rows,) = struct.unpack_from("<I", raw, 16)
            count, _, indexes = struct.unpack_from("<HII", raw, 45)
            start = COLUMNS_AT + INDEX_BYTES * indexes
            fields = [COLUMN.unpack_from(raw, start + COLUMN.size * number) for number in range(count)]
            names = _names(raw, start + COLUMN.size * count, count)
        except (struct.error, UnicodeDecodeError) as error:
            raise ParseError(self.name, f"damaged table definition: {error}", byte=page * PAGE) from error
        columns = [
            Column(kind, number, variable, bool(flags & IS_FIXED), offset)
            for kind, number, variable, _, flags, offset, _ in fields
        ]
        return Definition(page, rows, dict(zip(names, columns, strict=True)))

    def _definition_bytes(self, page: int) -> bytes:
        parts: list[bytes] = []
        # A damaged definition may go on in a page that it already had.
        seen: set[int] = set()
        while page or not parts:
            if page in seen or page >= len(self._pages) or _unsigned(self._pages[page, 0:2]) != DEFINITION_PAGE:
                raise ParseError(self.name, "expected a page of a table definition", byte=page * PAGE)
            seen.add(page)
            parts.append(self._pages[page, 8 if parts else 0 :].tobytes())
            page = int(_unsigned(self._pages[page, 4:8]))
        return b"".join(parts)

    def _rows(self, definition: Definition) -> Rows:
        pages = np.flatnonzero(self._owners == definition.page)
        counts = self._row_counts(pages)
        owner = np.repeat(pages, counts)
        slot = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        flags = self._slots(owner, slot)
        # A moved row's new place is marked deleted, so that it is found through its pointer alone.
        kept = flags & DELETED == 0
        owner, slot = self._follow_moved(owner[kept], slot[kept], flags[kept] & MOVED != 0)
        starts, stops = self._extents(owner, slot)
        columns = _unsigned(self.content[starts[:, None] + np.arange(COUNT_BYTES)])
        rows = Rows(starts, stops, columns)
        self._require(rows.value_bits >= starts + COUNT_BYTES, starts, "a row shorter than its columns")
        return rows

    def _row_counts(self, pages: Places) -> Places:
        counts = _unsigned(self._pages[pages, 12:14])
        self._require(SLOTS_AT + SLOT_BYTES * counts <= PAGE, pages * PAGE, "more rows than the page can hold")
        return counts

    def _slots(self, pages: Places, slots: Places) -> Places:
        places = pages * PAGE + SLOTS_AT + SLOT_BYTES * slots
        return _unsigned(self.content[places[:, None] + np.arange(SLOT_BYTES)])

    def _extents(self, pages: Places, slots: Places) -> tuple[Places, Places]:
        """Return where rows begin and end in the file."""
        offsets = self._slots(pages, slots) & OFFSET
        before = self._slots(pages, np.maximum(slots - 1, 0)) & OFFSET
        stops = np.where(slots == 0, PAGE, before)
        good = (offsets >= SLOTS_AT) & (stops <= PAGE) & (stops - offsets > COUNT_BYTES)
        self._require(good, pages * PAGE, "a row without place")
        return pages * PAGE + offsets, pages * PAGE + stops

    def _follow_moved(self, pages: Places, slots: Places, moved: NDArray[np.bool_]) -> tuple[Places, Places]:
        """Replace rows that grew out of their page by where their pointer says they are now."""
        starts, _ = self._extents(pages[moved], slots[moved])
        self._require(starts + POINTER_BYTES <= len(self.content), starts, "a pointer past the end")
        pointers = _unsigned(self.content[starts[:, None] + np.arange(POINTER_BYTES)])
        target, slot = pointers >> 8, pointers & 0xFF
        self._require(target < len(self._pages), starts, "a pointer past the end")
        self._require(slot < self._row_counts(target), starts, "a pointer to no row")
        pages[moved], slots[moved] = target, slot
        return pages, slots

    def _require(self, good: NDArray[np.bool_], places: Places, detail: str) -> None:
        if not good.all():
            raise ParseError(self.name, f"damaged page: {detail}", byte=int(places[good.argmin()]))

    def _cells(self, definition: Definition, rows: Rows, name: str) -> pl.Series:
        column = definition.columns.get(name)
        if column is None or (column.kind not in NUMBERS and column.kind != TEXT):
            raise ParseError(self.name, "no such column of numbers or text", byte=definition.page * PAGE, column=name)
        # A row from before a column was added has no value bit for it.
        written = rows.columns > column.number
        bit = np.where(written, rows.value_bits + column.number // 8, rows.starts)
        filled = written & ((self.content[bit] >> (column.number % 8)) & 1 == 1)
        if column.kind == TEXT:
            # Texts stand in tables of a few rows; only numbers come by the million.
            texts = [self._text(rows, row, column) if filled[row] else None for row in range(len(filled))]
            return pl.Series(name, texts, dtype=pl.String)
        numbers = pl.Series(name, self._numbers(rows, column))
        return numbers if filled.all() else numbers.set(pl.Series(~filled), None)

    def _numbers(self, rows: Rows, column: Column) -> NDArray[np.generic]:
        dtype = np.dtype(NUMBERS[column.kind])
        starts = rows.starts + COUNT_BYTES + column.offset
        self._require(starts + dtype.itemsize <= rows.value_bits, rows.starts, "a row shorter than its columns")
        # Rows begin at any byte, so their cells are gathered before they can be numbers.
        cells = self.content[starts[:, None] + np.arange(dtype.itemsize)]
        return np.ascontiguousarray(cells).view(dtype)[:, 0]

    def _text(self, rows: Rows, row: int, column: Column) -> str:
        start, stop = int(rows.starts[row]), int(rows.value_bits[row])
        record = self.content[start:stop].tobytes()
        # Counted from the end: how many variable columns, where each begins, where the last one ends.
        where = len(record) - 4 - 2 * column.variable
        try:
            (first,) = struct.unpack_from("<H", record, where)
            (last,) = struct.unpack_from("<H", record, where - 2)
        except struct.error as error:
            raise ParseError(self.name, f"damaged text in a row: {error}", byte=start) from error
        return _decode(record[first:last])


def _unsigned(cells: Bytes) -> Places:
    """Read the last axis of a byte array as little-endian unsigned integers."""
    width = cells.shape[-1]
    weights = np.left_shift(np.int64(1), 8 * np.arange(width, dtype=np.int64))
    return np.asarray(cells.astype(np.int64) @ weights)


def _names(raw: bytes, at: int, count: int) -> list[str]:
    names = []
    for _ in range(count):
        (length,) = struct.unpack_from("<H", raw, at)
        names.append(raw[at + 2 : at + 2 + length].decode("utf-16-le"))
        at += 2 + length
    return names


def _decode(raw: bytes) -> str:
    """Decode Jet text: UTF-16, or after FF FE one byte a character, where a zero byte switches between the two."""
    if not raw.startswith(COMPRESSED):
        return raw.decode("utf-16-le", errors="replace")
    wide, at, plain = bytearray(), len(COMPRESSED), True
    while at < len(raw):
        if raw[at] == 0:
            plain, at = not plain, at + 1
        elif plain:
            wide += bytes((raw[at], 0))
            at += 1
        else:
            wide += raw[at : at + 2]
            at += 2
    return bytes(wide).decode("utf-16-le", errors="replace")

"""From a file to the tables in it: csv in any usual encoding and separator, or a workbook with several sheets.

The header row is looked for among the first rows, and by what it says: a table whose columns are those of no manifest
is none, whatever its name.
"""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from warehouse.errors import UsageError
from warehouse.manifest_fields import Kind, fold_header
from warehouse.manifest_kinds import KINDS, kind_of
from warehouse.workbook import find_sparse_sheet

HEADER_ROWS: Final = 10
HEAD_BYTES: Final = 1 << 15
LARGEST: Final = 64 << 20
DELIMITERS: Final = ",;\t"
WORKBOOK: Final = "xl/workbook.xml"
ZIP_MAGIC: Final = b"PK\x03\x04"
OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MARKS: Final = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))

Line = tuple[int, Sequence[str]]


@dataclass(frozen=True)
class Table:
    """A recognised table of a manifest.

    Args:
        sheet: its sheet; empty where the file has but one table.
        kind: what its rows are.
        header_row: its header's row, as a spreadsheet counts it.
        headers: the columns as written.
        lines: number and values of each row that holds anything.
    """

    sheet: str
    kind: Kind
    header_row: int
    headers: tuple[str, ...]
    lines: tuple[Line, ...]


def read_tables(raw: bytes, shown: str) -> tuple[list[Table], list[str]]:
    """Return the tables of a manifest, and the names of the sheets that hold something else.

    Args:
        raw: the manifest's bytes.
        shown: the manifest as the user knows it.

    Raises:
        UsageError: the file is neither text nor a workbook, or no table in it is a manifest's.
    """
    try:
        found = list(_read_sheets(raw))
    except (csv.Error, ValueError) as error:
        raise UsageError(f"{shown} cannot be read as a table: {error}") from error
    tables = [table for name, rows in found if (table := _find_table(name, rows)) is not None]
    if not tables:
        raise UsageError(
            f"{shown} is no manifest: {_describe_columns(found)}. A manifest's columns are {_describe_needs()}"
        )
    taken = {table.sheet for table in tables}
    return tables, [name for name, rows in found if name not in taken and any(rows)]


def is_manifest(path: Path) -> bool:
    """Say whether a file begins like a manifest, looking at the first rows alone; never fails on what it holds."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if head.startswith((ZIP_MAGIC, OLD_WORKBOOK)):
            # A workbook of that size is no table that a person filled in, and takes long to open.
            sheets = _read_workbook(path.read_bytes(), HEADER_ROWS) if path.stat().st_size <= LARGEST else ()
            return any(_find_header(rows) for _, rows in sheets)
        return _find_delimiter(_decode(head, partial=len(head) == HEAD_BYTES)) is not None
    except (OSError, csv.Error, ValueError):
        return False


def _read_sheets(raw: bytes) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield every table-like thing of a file with its name."""
    if len(raw) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST >> 20} MiB")
    if raw.startswith((ZIP_MAGIC, OLD_WORKBOOK)):
        yield from _read_workbook(raw, None)
        return
    text = _decode(raw)
    delimiter = _find_delimiter(text) or DELIMITERS[0]
    yield "", _read_strictly(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def _read_workbook(raw: bytes, rows: int | None) -> Iterator[tuple[str, list[list[str]]]]:
    import fastexcel  # noqa: PLC0415 only workbooks pay for it

    try:
        if raw.startswith(ZIP_MAGIC) and WORKBOOK not in zipfile.ZipFile(io.BytesIO(raw)).namelist():
            raise ValueError("it is a zip file, and no workbook")
        if raw.startswith(ZIP_MAGIC) and (sparse := find_sparse_sheet(io.BytesIO(raw))):
            raise ValueError(sparse)
        book = fastexcel.read_excel(raw)
        for name in book.sheet_names:
            sheet = book.load_sheet(name, header_row=None, skip_rows=0, n_rows=rows, dtypes="string")
            yield name, [["" if cell is None else str(cell) for cell in row] for row in sheet.to_polars().rows()]
    except (fastexcel.FastExcelError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(str(error).partition("\n")[0]) from error


def _decode(raw: bytes, *, partial: bool = False) -> str:
    """Return bytes as text; a Korean Excel saves csv in its own code page."""
    for mark, encoding in MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="ignore" if partial else "strict")
    if b"\0" in raw[:2]:
        # Latin letters are half zeros in UTF-16, which a program may write without its mark.
        encoding = "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
        return raw.decode(encoding, errors="ignore" if partial else "strict")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if partial and error.start > len(raw) - len("😀".encode()):
            return raw[: error.start].decode()
        return raw.decode("cp949", errors="ignore" if partial else "strict")


def _find_delimiter(text: str) -> str | None:
    """Return the separator with which a manifest's header appears, or None."""
    for delimiter in DELIMITERS:
        # A beginning of a file may end within quotation marks.
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        if _find_header([row for row, _ in zip(reader, range(HEADER_ROWS), strict=False)]):
            return delimiter
    return None


def _read_strictly(reader: Iterator[list[str]]) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        rows.extend(reader)
    except csv.Error as error:
        raise ValueError(f"row {len(rows) + 1}: {error}") from error
    return rows


def _find_header(rows: Sequence[Sequence[str]]) -> tuple[int, Kind] | None:
    for index, row in enumerate(rows[:HEADER_ROWS]):
        kind = kind_of(row)
        if kind is not None:
            return index, kind
    return None


def _find_table(name: str, rows: list[list[str]]) -> Table | None:
    found = _find_header(rows)
    if found is None:
        return None
    index, kind = found
    # What a Mac writes in pieces is one name with what others write.
    clean = [[unicodedata.normalize("NFC", text).strip() for text in row] for row in rows[index:]]
    lines = tuple((index + number, row) for number, row in enumerate(clean[1:], start=2) if any(row))
    return Table(name, kind, index + 1, tuple(clean[0]), lines)


def _describe_columns(found: list[tuple[str, list[list[str]]]]) -> str:
    first = next((row for _, rows in found for row in rows if any(row)), None)
    if first is None:
        return "it is empty"
    shown = ", ".join(text.strip()[:40] for text in first[:20])
    return f"its first row is {shown!r}"


def _describe_needs() -> str:
    needs = {kind.name: " and ".join(fold_header(one.name) for one in kind.fields if one.required) for kind in KINDS}
    return "; ".join(f"{columns} ({name})" for name, columns in needs.items())

"""Containers that cannot be read without their end: what to say of one whose end is missing."""

from __future__ import annotations

import io
from typing import BinaryIO, Final

from parsers.contract import ZIP_MAGIC, Source
from warehouse.errors import ParseError

# Start of the directory's end in a zip, and how far from the file's end it may stand: itself and its comment.
ZIP_END: Final = b"PK\x05\x06"
ZIP_END_BYTES: Final = 22 + 0xFFFF
PARQUET_MAGIC: Final = b"PAR1"
# Magic word, number of bytes of the footer and the word again.
PARQUET_LEAST: Final = 12


# An Access database is whole pages from its first byte to its last.
JET_MAGICS: Final = (b"Standard Jet DB", b"Standard ACE DB")
JET_MAGIC_AT: Final = 4
JET_PAGE: Final = 4096


def refuse_cut(source: Source) -> None:
    """Raise ParseError under ``incomplete_file`` when a container lacks its end; do nothing for any other file."""
    with source.path.open("rb") as file:
        head = file.read(JET_PAGE)
        size = file.seek(0, io.SEEK_END)
        if head.startswith(ZIP_MAGIC) and ZIP_END not in _end(file, size, ZIP_END_BYTES):
            raise _cut(source, "the zip container ends before its directory", size)
        whole = size >= PARQUET_LEAST and _end(file, size, len(PARQUET_MAGIC)) == PARQUET_MAGIC
        if head.startswith(PARQUET_MAGIC) and not whole:
            raise _cut(source, "the Parquet file ends before its footer", size)
        if any(head.startswith(magic, JET_MAGIC_AT) for magic in JET_MAGICS) and size % JET_PAGE:
            raise _cut(source, f"the database's last page has {size % JET_PAGE} of {JET_PAGE} bytes", size)


def _end(file: BinaryIO, size: int, count: int) -> bytes:
    file.seek(max(0, size - count))
    return file.read(count)


def _cut(source: Source, detail: str, size: int) -> ParseError:
    return ParseError(source.name, detail, code="incomplete_file", byte=size + source.skipped)

"""A look at a stranger's workbook before a library opens it: a sheet is laid out in memory from corner to corner.

Two cells in opposite corners of an Excel sheet make seventeen thousand million, and a library that cannot get memory
for them ends the process, whoever waits for it. So the corners are looked up in the sheets' own text first, and so is
how many texts the workbook says that it has, for which room is made before the first is read.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, cast


def _isal_error() -> type[Exception]:
    """Return the error of isal's inflate, which a library puts in the place of zlib's for the whole process."""
    try:
        from isal.igzip_lib import IsalError  # noqa: PLC0415 not on every machine
    except ImportError:
        return zlib.error
    return cast("type[Exception]", IsalError)  # its stubs declare an instance


# What a damaged member of a zip raises, whichever inflate is in this process.
INFLATE_ERRORS: Final[tuple[type[Exception], ...]] = (zipfile.BadZipFile, zlib.error, _isal_error())

REFERENCE: Final = re.compile(rb"""\br\s*=\s*["']([A-Za-z]*)(\d+)""")
STATED: Final = re.compile(rb"""\buniqueCount\s*=\s*["'](\d+)""")
CHUNK: Final = 1 << 20
# The beginning of a reference tells enough: so many letters or digits are beyond any sheet.
LONGEST: Final = 12
OVERLAP: Final = 64
LETTERS: Final = 26
# Each takes forty bytes there. A table has most of its cells; what is small may be as empty as it likes.
ALWAYS_LAID_OUT: Final = 4_000_000
EMPTIEST: Final = 20
LARGEST: Final = 1 << 27
DAMAGE: Final[tuple[type[Exception], ...]] = (*INFLATE_ERRORS, OSError, RuntimeError, EOFError, ValueError)


def find_sparse_sheet(book: Path | IO[bytes]) -> str:
    """Return what is wrong with a workbook that would take more memory than its cells and texts account for.

    Empty for any other file; damage is for whoever reads it to tell.
    """
    try:
        with zipfile.ZipFile(book) as container:
            for name in container.namelist():
                cells, area, texts, size = _measure(container, name)
                if area > LARGEST or area > max(ALWAYS_LAID_OUT, EMPTIEST * cells):
                    return f"{name} spreads {cells} cells over {area}"
                if texts > size:
                    return f"{name} states {texts} texts in {size} bytes"
    except DAMAGE:
        return ""
    return ""


def _measure(container: zipfile.ZipFile, name: str) -> tuple[int, int, int, int]:
    """Return how many cells a sheet has, how many there are up to the last of its rows and columns, and more.

    The third is how many texts a part says that it holds, the fourth how many bytes it has.
    """
    cells = texts = size = 0
    columns: set[bytes] = set()
    rows: set[bytes] = set()
    rest = b""
    # What stands before the damage may be taken by a library that does not look at the checksum.
    with suppress(*DAMAGE), container.open(name) as sheet:
        while chunk := sheet.read(CHUNK):
            text = rest + chunk
            size += len(chunk)
            texts = max([texts, *(int(digits[:LONGEST]) for digits in STATED.findall(text))])
            found = REFERENCE.findall(text)
            cells += len(found)
            columns.update(column for column, _ in found)
            rows.update(row for _, row in found)
            rest = text[-OVERLAP:]
    return cells, max(map(_number, columns), default=0) * max(map(_row, rows), default=0), texts, size


def _number(column: bytes) -> int:
    number = 0
    for letter in column[:LONGEST].upper():
        number = number * LETTERS + letter - ord("A") + 1
    return number


def _row(digits: bytes) -> int:
    return int(digits[:LONGEST])

"""Opens Excel workbooks from anybody."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.errors import ParseError
from warehouse.workbook import find_sparse_sheet

if TYPE_CHECKING:
    import fastexcel


def open_workbook(path: Path, name: str) -> fastexcel.ExcelReader:
    """Open a workbook.

    Args:
        path: where the bytes are.
        name: its name, for messages.

    Raises:
        ParseError: one of its sheets would take more memory than its cells account for.
    """
    import fastexcel  # noqa: PLC0415 only workbooks pay for it

    refuse_sparse(path, name)
    return fastexcel.read_excel(path)


def refuse_sparse(path: Path, name: str) -> None:
    """Raise ParseError for a workbook that would take too much memory; do nothing for any other file."""
    found = path.stat()
    detail = _look(path, found.st_size, found.st_mtime_ns)
    if detail:
        raise ParseError(name, f"the workbook is damaged or harmful: {detail}", code="packed_too_tightly")


@lru_cache(maxsize=4)
def _look(path: Path, _size: int, _changed: int) -> str:
    """Look once at a file that is sniffed and read."""
    return find_sparse_sheet(path)

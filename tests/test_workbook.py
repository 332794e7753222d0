"""Workbooks that would take all memory are told before a library opens them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Final

import pytest
import xlsxwriter

import parsers
from parsers.contract import Peek
from warehouse.errors import ParseError, UsageError
from warehouse.home import Home
from warehouse.manifest import claims_manifest, import_manifest
from warehouse.workbook import find_sparse_sheet

CELL: Final = '<c r="{at}" t="n"><v>1</v></c>'


def book(*cells: str, quote: str = '"', before: str = "") -> bytes:
    """Write a workbook and put these cells into its sheet."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as made:
        made.add_worksheet("Channel_1").write_row(0, 0, ["Data_Point", "Test_Time(s)"])
    with zipfile.ZipFile(target) as container:
        members = {name: container.read(name) for name in container.namelist()}
    rows = "".join(f'<row r="9">{CELL.format(at=at)}</row>' for at in cells).replace('"', quote)
    sheet = members["xl/worksheets/sheet1.xml"].replace(b"</sheetData>", f"{before}{rows}</sheetData>".encode())
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as container:
        for name, raw in (members | {"xl/worksheets/sheet1.xml": sheet}).items():
            container.writestr(name, raw)
    return written.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        book("XFD1048576"),
        book("A1048576", "XFD1"),
        book("xfd1048576"),
        book("XFD1048576", quote="'"),
        book("XFD1048576", before=" " * (1 << 20)),
        book("A99999999999999999999"),
        book("A" + "1" * 400),
    ],
)
def test_distant_corners_are_refused(tmp_path: Path, content: bytes) -> None:
    """Cells in opposite corners of a sheet, however they are written, are no table; reading says so."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    assert "spreads" in find_sparse_sheet(path)
    assert Peek(path, path.name).sheets == {}
    for name in (None, "arbin_xlsx", "landt_xlsx", "neware_xlsx"):
        with pytest.raises(ParseError) as refusal:
            parsers.read(path) if name is None else parsers.read_as(path, name)
        assert refusal.value.code == "packed_too_tightly"


def state_texts(count: str) -> bytes:
    """Write a workbook whose table of texts says that it has so many."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book("C3"))) as sound, zipfile.ZipFile(written, "w") as container:
        for name in sound.namelist():
            raw = sound.read(name)
            container.writestr(name, raw.replace(b'uniqueCount="2"', f'uniqueCount="{count}"'.encode()))
    return written.getvalue()


@pytest.mark.parametrize("count", ["999999999999", "9" * 30, "5000"])
def test_more_texts_than_bytes_are_refused(tmp_path: Path, count: str) -> None:
    """A workbook that states more texts than its table has bytes would take the memory for them; reading says so."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(state_texts(count))
    assert "texts" in find_sparse_sheet(path)
    with pytest.raises(ParseError) as refusal:
        parsers.read_as(path, "arbin_xlsx")
    assert refusal.value.code == "packed_too_tightly"


def test_texts_as_stated_pass(tmp_path: Path) -> None:
    """A workbook that states as many texts as it has is let through."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(state_texts("2"))
    assert find_sparse_sheet(path) == ""


@pytest.mark.parametrize("content", [book("C3"), book("ZZ5000"), b"", b"PK\x03\x04", b"no workbook"])
def test_others_are_not(tmp_path: Path, content: bytes) -> None:
    """Tables, small sheets with far cells, and what is no workbook pass."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    assert find_sparse_sheet(path) == ""


def test_full_sheets_pass(corpus: Path) -> None:
    """Every workbook of the corpus passes."""
    books = sorted(corpus.rglob("*.xlsx"))
    assert books
    assert [found for path in books if (found := find_sparse_sheet(path))] == []


def test_manifest_is_refused_as_well(local_home: Home, tmp_path: Path) -> None:
    """A manifest is read in the process that keeps the registry, so it is looked at too."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(book("XFD1048576"))
    assert not claims_manifest(path)
    with pytest.raises(UsageError, match="spreads"):
        import_manifest(local_home, path)

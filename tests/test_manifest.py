"""Manifests: good rows are taken, bad ones refused with their reason, and nothing is read wrongly in silence."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
import xlsxwriter

from warehouse.errors import UsageError
from warehouse.home import Home
from warehouse.manifest import ManifestReceipt, import_manifest
from warehouse.registry import CELL, Row

FULL = {
    "firm": "A",
    "project": "P",
    "lot": "L2603",
    "wafer": "L2603-W03",
    "die_x": "2",
    "die_y": "-4",
    "cell_id": "C1",
    "convention": "half_anode",
    "nominal_capacity_uah": "50.5",
    "active_area_mm2": "100",
    "voltage_upper_volt": "4.2",
    "voltage_lower_volt": "3.0",
    "chemistry": "LCO/LiPON/Li",
    "process_split": "anneal 1",
    "remarks": "시험",
}


def text_of(*rows: dict[str, str]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]) + "\n"


def load(home: Home, folder: Path, raw: str | bytes, name: str = "m.csv") -> ManifestReceipt:
    path = folder / name
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return import_manifest(home, path)


def cell(home: Home, cell_id: str = "C1") -> Row:
    row = home.registry.row(CELL, firm="A", cell_id=cell_id)
    assert row is not None
    return row


def test_every_column_is_taken(home: Home, tmp_path: Path) -> None:
    """Each column of the contract lands in the registry, in SI units."""
    receipt = load(home, tmp_path, text_of(FULL))
    row = cell(home)
    assert (receipt.cells, receipt.refused, receipt.firms_added) == (1, (), ("A",))
    assert row["nominal_capacity_ah"] == 50.5e-6
    assert row["active_area_square_metre"] == 100e-6
    assert (row["die_x"], row["die_y"], row["voltage_upper_volt"]) == (2, -4, 4.2)
    same = ("project", "lot", "wafer", "convention", "chemistry", "process_split", "remarks")
    assert {name: row[name] for name in same} == {name: FULL[name] for name in same}


def test_unknown_columns_are_kept(local_home: Home, tmp_path: Path) -> None:
    """Columns that the contract does not name are kept as they came."""
    load(local_home, tmp_path, "firm,cell_id,Anneal Temp\nA,C1,450 °C\n")
    assert json.loads(cell(local_home)["more"]) == {"anneal temp": "450 °C"}


def test_second_import_replaces(local_home: Home, tmp_path: Path) -> None:
    """A cell that is imported again is what the later manifest says; columns it lacks are empty."""
    load(local_home, tmp_path, text_of(FULL))
    receipt = load(local_home, tmp_path, "firm,cell_id,lot\nA,C1,other\n")
    assert (receipt.firms_added, cell(local_home)["lot"], cell(local_home)["chemistry"]) == ((), "other", None)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("firm", "", "firm is empty"),
        ("cell_id", " ", "cell_id is empty"),
        ("firm", "a/b", "cannot be a firm's code"),
        ("die_x", "1.5", "die_x: '1.5' is not a whole number"),
        ("die_y", "inf", "die_y: 'inf' is not a finite number"),
        ("convention", "anode", "none of full_charge_first"),
        ("nominal_capacity_uah", "0", "is not above zero"),
        ("nominal_capacity_uah", "nan", "is not a finite number"),
        ("active_area_mm2", "-1", "is not above zero"),
        ("active_area_mm2", "ten", "could not convert"),
        ("voltage_upper_volt", "inf", "is not a finite number"),
        ("voltage_upper_volt", "3.0", "voltage_upper_volt 3.0 is not above voltage_lower_volt 3.0"),
    ],
)
def test_bad_row_is_refused(local_home: Home, tmp_path: Path, column: str, value: str, reason: str) -> None:
    """A row that cannot be taken is refused by its number and reason; the others are taken."""
    good = {**FULL, "cell_id": "C2"}
    receipt = load(local_home, tmp_path, text_of({**FULL, column: value}, good))
    (refused,) = receipt.refused
    assert (receipt.cells, refused.row) == (1, 1)
    assert reason in refused.detail
    assert cell(local_home, "C2")["lot"] == "L2603"
    assert local_home.query("cells").height == 1


@pytest.mark.parametrize(
    "raw",
    [
        text_of(FULL).encode("utf-8-sig"),
        text_of(FULL).encode("cp949"),
        text_of(FULL).replace("\n", "\r\n").encode(),
        text_of({name.upper() + " ": value for name, value in FULL.items()}).encode(),
        unicodedata.normalize("NFD", text_of(FULL)).encode(),
    ],
    ids=["mark", "korean-windows", "crlf", "capitals", "mac"],
)
def test_csv_of_any_program(local_home: Home, tmp_path: Path, raw: bytes) -> None:
    """A csv with byte-order mark, in the Korean code page, with other line ends, capitals or a Mac's Hangul is read."""
    load(local_home, tmp_path, raw)
    assert (cell(local_home)["remarks"], cell(local_home)["die_y"]) == ("시험", -4)


def test_xlsx_is_read(local_home: Home, tmp_path: Path) -> None:
    """An Excel sheet is read like a csv, its numbers as numbers."""
    path = tmp_path / "m.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(FULL))
        sheet.write_row(1, 0, [float(value) if value.replace(".", "").isdigit() else value for value in FULL.values()])
    assert import_manifest(local_home, path).cells == 1
    assert (cell(local_home)["die_x"], cell(local_home)["nominal_capacity_ah"]) == (2, 50.5e-6)


@pytest.mark.parametrize(
    ("raw", "name", "reason"),
    [
        (b"firm,lot\nA,L\n", "m.csv", "has no column cell_id; it has firm, lot"),
        (b"", "m.csv", "cannot be read as a table"),
        (b"firm,cell_id,FIRM\nA,C1,B\n", "m.csv", "cannot be read as a table"),
        (b"\xff\xfe\x00\x81", "m.csv", "cannot be read as a table"),
        (b"no workbook", "m.xlsx", "cannot be read as a table"),
    ],
    ids=["column", "empty", "twice", "binary", "workbook"],
)
def test_what_is_no_manifest_is_a_usage_error(
    local_home: Home, tmp_path: Path, raw: bytes, name: str, reason: str
) -> None:
    """A file that is no table, or lacks a required column, is told as such and changes nothing."""
    with pytest.raises(UsageError, match=reason):
        load(local_home, tmp_path, raw, name)
    assert local_home.query("cells").is_empty()


def test_absent_file_is_a_usage_error(local_home: Home, tmp_path: Path) -> None:
    """A manifest that is not there is told as such."""
    with pytest.raises(UsageError, match="cannot be read"):
        import_manifest(local_home, tmp_path / "absent.csv")

"""Manifests as tests write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from warehouse.home import Home
from warehouse.manifest import ManifestReceipt, import_manifest
from warehouse.registry import SQL_TABLES, Row

FULL: Final = {
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
CELLS: Final = {"firm": "A", "cell_id": "C1"}
WAFER: Final = {
    "firm": "A",
    "lot": "L",
    "wafer": "W",
    "diameter_mm": "200",
    "die_pitch_x_mm": "10",
    "die_pitch_y_mm": "20",
}


def text_of(*rows: Mapping[str, str], delimiter: str = ",", quoted: bool = False) -> str:
    """Return rows as csv; the first tells the columns."""
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=quoting)
    writer.writerow(rows[0])
    writer.writerows([row.get(name, "") for name in rows[0]] for row in rows)
    return file.getvalue()


def load(home: Home, folder: Path, raw: str | bytes, name: str = "m.csv", *, again: bool = False) -> ManifestReceipt:
    """Write a manifest and import it."""
    path = folder / name
    path.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    return import_manifest(home, path, again=again)


def load_rows(home: Home, folder: Path, *rows: Mapping[str, str]) -> ManifestReceipt:
    """Import rows; the first tells the columns."""
    return load(home, folder, text_of(*rows))


def write_book(path: Path, **sheets: Sequence[Sequence[Any]]) -> Path:
    """Write a workbook whose sheets hold these rows."""
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return path


def find(home: Home, table: str = "cell", **key: Any) -> Row:
    """Return a row of the registry, the cell C1 of firm A by default."""
    row = home.registry.row(SQL_TABLES[table], **(key or CELLS))
    assert row is not None
    return row


def codes(receipt: ManifestReceipt) -> list[tuple[int, str, str]]:
    """Return row, column and code of each refusal."""
    return [(error.row, error.column, error.code) for error in receipt.refused]

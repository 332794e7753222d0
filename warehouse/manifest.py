"""Manifests: the table, csv or xlsx, that says which cells exist, whose they are and what they are made of."""

from __future__ import annotations

import io
import json
import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from warehouse.errors import ManifestError, UsageError
from warehouse.identity import FIRM_CODE, add_firm, put_cells, rederive_changed
from warehouse.registry import FIRM, Row
from warehouse.schema import CONVENTIONS

if TYPE_CHECKING:
    from warehouse.home import Home

REQUIRED: Final = ("firm", "cell_id")


def _number(text: str) -> float:
    number = float(text.replace(",", ""))
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a finite number")
    return number


def _firm(text: str) -> str:
    if not FIRM_CODE.fullmatch(text):
        raise ValueError(f"{text!r} cannot be a firm's code: letters, digits, '.', '_' and '-', at most 40")
    return text


def _whole(text: str) -> int:
    number = _number(text)
    if number != int(number):
        raise ValueError(f"{text!r} is not a whole number")
    return int(number)


def _convention(text: str) -> str:
    if text not in CONVENTIONS:
        raise ValueError(f"convention {text!r} is none of {', '.join(CONVENTIONS)}")
    return text


def _positive(per_unit: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        number = _number(text)
        if not number > 0:
            raise ValueError(f"{text!r} is not above zero")
        return number / per_unit

    return convert


# Manifest column → registry column and how its text is taken.
COLUMNS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "firm": ("firm", _firm),
    "project": ("project", str),
    "lot": ("lot", str),
    "wafer": ("wafer", str),
    "die_x": ("die_x", _whole),
    "die_y": ("die_y", _whole),
    "cell_id": ("cell_id", str),
    "convention": ("convention", _convention),
    "nominal_capacity_uah": ("nominal_capacity_ah", _positive(1e6)),
    "active_area_mm2": ("active_area_square_metre", _positive(1e6)),
    "voltage_upper_volt": ("voltage_upper_volt", _number),
    "voltage_lower_volt": ("voltage_lower_volt", _number),
    "chemistry": ("chemistry", str),
    "process_split": ("process_split", str),
    "remarks": ("remarks", str),
}


@dataclass(frozen=True)
class ManifestReceipt:
    """What became of a manifest: cells taken, rows refused with their reason, firms added, tests derived again."""

    cells: int
    refused: tuple[ManifestError, ...]
    firms_added: tuple[str, ...]
    rederived: tuple[str, ...]


def import_manifest(home: Home, path: Path) -> ManifestReceipt:
    """Import a manifest; good rows are taken, bad ones reported, tests whose convention changed derived again.

    Raises:
        UsageError: the file cannot be read as a table, or lacks a required column.
    """
    rows: list[Row] = []
    refused = []
    for number, raw in enumerate(read_table(path), start=1):
        try:
            rows.append(_take_row(raw))
        except ValueError as error:
            refused.append(ManifestError(str(path), number, str(error)))
    firms = sorted({row["firm"] for row in rows})
    added = [firm for firm in firms if home.registry.row(FIRM, code=firm) is None]
    for firm in added:
        add_firm(home, firm)
    put_cells(home, rows)
    return ManifestReceipt(len(rows), tuple(refused), tuple(added), tuple(rederive_changed(home)))


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a csv or xlsx table as text, a dictionary a row, blank cells left out.

    Raises:
        UsageError: the file is neither, or a required column is missing.
    """
    import fastexcel  # noqa: PLC0415 only manifests pay for it

    try:
        if path.suffix.lower() in {".xlsx", ".xlsm", ".xls"}:
            frame = fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars()
        else:
            frame = pl.read_csv(io.BytesIO(_read_utf8(path)), infer_schema=False, truncate_ragged_lines=True)
        frame = frame.rename({name: name.strip().lower() for name in frame.columns})
    except (pl.exceptions.PolarsError, fastexcel.FastExcelError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path} cannot be read as a table: {error}") from error
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise UsageError(f"{path} has no column {' and no column '.join(missing)}; it has {', '.join(frame.columns)}")
    texts = frame.select(pl.all().cast(pl.String).str.strip_chars())
    return [
        {name: unicodedata.normalize("NFC", text) for name, text in row.items() if text}
        for row in texts.iter_rows(named=True)
    ]


def _read_utf8(path: Path) -> bytes:
    """Return a text file as UTF-8; a Korean Excel saves csv in its own code page."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig").encode()
    except UnicodeDecodeError:
        return raw.decode("cp949").encode()


def _take_row(raw: dict[str, str]) -> Row:
    for name in REQUIRED:
        if name not in raw:
            raise ValueError(f"{name} is empty")
    row: Row = {}
    for name, text in raw.items():
        if name in COLUMNS:
            target, convert = COLUMNS[name]
            try:
                row[target] = convert(text)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
    upper, lower = row.get("voltage_upper_volt"), row.get("voltage_lower_volt")
    if upper is not None and lower is not None and upper <= lower:
        raise ValueError(f"voltage_upper_volt {upper} is not above voltage_lower_volt {lower}")
    more = {name: text for name, text in raw.items() if name not in COLUMNS}
    row["more"] = json.dumps(more, ensure_ascii=False) if more else None
    return row

"""The manifest of the virtual lab's cells, for ``cellar cells import``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from flows.virtual_lab.cell import LOWER_VOLT, UPPER_VOLT
from flows.virtual_lab.truth import CellTruth

CONVENTION: Final = "full_charge_first"
CHEMISTRY: Final = "LCO/LiPON/Li"
REMARKS: Final = "virtual cell"
MICRO: Final = 1e6


def write_manifest(path: Path, cells: Sequence[CellTruth]) -> None:
    """Write one row per cell, with the columns of the outward contract in its order."""
    pl.DataFrame([_row(cell) for cell in cells]).write_csv(path)


def _row(cell: CellTruth) -> dict[str, str | int | float]:
    who = cell.identity
    return {
        "firm": who.firm,
        "project": who.project,
        "lot": who.lot,
        "wafer": who.wafer,
        "die_x": who.die_x,
        "die_y": who.die_y,
        "cell_id": who.cell_id,
        "convention": CONVENTION,
        "nominal_capacity_uah": round(cell.properties.nominal_capacity_ah * MICRO, 6),
        "active_area_mm2": cell.properties.active_area_mm2,
        "voltage_upper_volt": UPPER_VOLT,
        "voltage_lower_volt": LOWER_VOLT,
        "chemistry": CHEMISTRY,
        "process_split": who.process_split,
        "remarks": REMARKS,
    }

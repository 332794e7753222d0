"""The manifest of the virtual lab's cells, for ``cellar cells import``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from flows.virtual_lab import wafer
from flows.virtual_lab.cell import LOWER_VOLT, UPPER_VOLT
from flows.virtual_lab.truth import Identity, Properties

CONVENTION: Final = "full_charge_first"
CHEMISTRY: Final = "LCO/LiPON/Li"
REMARKS: Final = "virtual cell"
MICRO: Final = 1e6


def write_manifest(path: Path, cells: Sequence[tuple[Identity, Properties]]) -> None:
    """Write one row per cell, with the columns of the outward contract in its order."""
    pl.DataFrame([_row(who, what) for who, what in cells]).write_csv(path)


def write_wafers(path: Path, cells: Sequence[Identity]) -> None:
    """Write one row per wafer: how its map is counted, and where its dies lie."""
    wafers = {(who.firm, who.lot, who.wafer): who.project for who in cells}
    rows = [
        {
            "firm": firm,
            "project": project,
            "lot": lot,
            "wafer": name,
            "diameter_mm": 2.0 * wafer.RADIUS_MM,
            "notch": "down",
            "x_axis": "right",
            "y_axis": "up",
            "centre_die_x": 0,
            "centre_die_y": 0,
            "die_pitch_x_mm": wafer.PITCH_MM,
            "die_pitch_y_mm": wafer.PITCH_MM,
            "gross_dies": wafer.site_count(),
        }
        for (firm, lot, name), project in wafers.items()
    ]
    pl.DataFrame(rows).write_csv(path)


def _row(who: Identity, what: Properties) -> dict[str, str | int | float]:
    return {
        "firm": who.firm,
        "project": who.project,
        "lot": who.lot,
        "wafer": who.wafer,
        "die_x": who.die_x,
        "die_y": who.die_y,
        "cell_id": who.cell_id,
        "convention": CONVENTION,
        "nominal_capacity_uah": round(what.nominal_capacity_ah * MICRO, 6),
        "active_area_mm2": what.active_area_mm2,
        "voltage_upper_volt": UPPER_VOLT,
        "voltage_lower_volt": LOWER_VOLT,
        "chemistry": CHEMISTRY,
        "process_split": who.process_split,
        "remarks": REMARKS,
    }

"""Small frames with the columns of the named queries, for tests of charts."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from portal.charts.text import Voice
from portal.translation import translator

ENGLISH = Voice("en", translator("en"))
KOREAN = Voice("ko", translator("ko"))


def fade_of(cell: str, cycles: int, floor: float | None = 0.0009, slope: float = 0.002) -> pl.DataFrame:
    """Return rows of the query ``fade`` of one cell that fades linearly."""
    number = np.arange(1, cycles + 1)
    retention = 1 - slope * (number - 1)
    return pl.DataFrame(
        {
            "cell_id": [cell] * cycles,
            "cycle": number,
            "test_id": ["t-1"] * cycles,
            "class": ["ageing"] * cycles,
            "equivalent_full_cycles": number * 0.9,
            "throughput_ah": number * 1e-4,
            "elapsed_day": number * 0.1,
            "capacity_ah": 5e-5 * retention,
            "capacity_retention": retention,
            "coulombic_efficiency": [0.998765432] * cycles,
            "coulombic_efficiency_floor": pl.Series([floor] * cycles, dtype=pl.Float64),
            "energy_efficiency": [0.97] * cycles,
        }
    )


def summary_of(**changes: Any) -> dict[str, Any]:
    """Return a row of the query ``summary``."""
    return {
        "reference_capacity_ah": 5e-5,
        "reference_cycle": 1,
        "reference_policy": "first_after_formation",
        "reference_status": "found",
        "end_of_life_threshold": 0.8,
        "end_of_life_cycle": None,
        "end_of_life": "> 60",
        "knee_status": "none",
    } | changes


def dies_of(size: int, pitch: float | None = 0.016) -> pl.DataFrame:
    """Return rows of the query ``wafer`` of a square of dies around the centre."""
    places = [(x, y) for y in range(-size, size + 1) for x in range(-size, size + 1)]
    rows = [
        {
            "cell_id": f"C{number}",
            "die_x": x,
            "die_y": y,
            "x_metre": x * pitch if pitch else None,
            "y_metre": y * pitch if pitch else None,
            "radius_metre": float(np.hypot(x, y)) * pitch if pitch else None,
            "diameter_metre": None,
            "process_split": "S1",
            "bin": 1 if x >= 0 else 4,
            "failed_quantity": None if x >= 0 else "capacity",
            "capacity_ah": 5e-5 + x * 1e-6,
            "coulombic_efficiency": 0.998765432,
        }
        for number, (x, y) in enumerate(places)
    ]
    schema = {"x_metre": pl.Float64, "y_metre": pl.Float64, "radius_metre": pl.Float64, "diameter_metre": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=schema)

"""What a wafer map is, whatever layout it came in: how it is drawn, and what it says of each die."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

import polars as pl

Fact = str | int | float
Centre = tuple[int, int]

DIES: Final = {
    "die_x": pl.Int64(),
    "die_y": pl.Int64(),
    "hard_bin": pl.Int64(),
    "soft_bin": pl.Int64(),
    "passed": pl.Boolean(),
    "part": pl.String(),
}
VALUES: Final = {
    "die_x": pl.Int64(),
    "die_y": pl.Int64(),
    "test": pl.String(),
    "value": pl.Float64(),
    "unit": pl.String(),
    "passed": pl.Boolean(),
}
DEFECTS: Final = {
    "defect": pl.Int64(),
    "die_x": pl.Int64(),
    "die_y": pl.Int64(),
    "x_metre": pl.Float64(),
    "y_metre": pl.Float64(),
    "size_metre": pl.Float64(),
    "class_number": pl.Int64(),
}


@dataclass(frozen=True)
class WaferMap:
    """One wafer as a file tells of it; what the file does not say is None.

    Args:
        format: ``stdf``, ``sinf`` or ``klarf``.
        kind: ``bins`` of a prober or ``inspection`` of an optical tool.
        lot: name of the lot; empty where the file names none.
        wafer: name of the wafer; empty likewise.
        notch: side of the drawing that the notch or flat is on: down, left, up or right.
        x_axis: where ``die_x`` grows on that drawing: right or left.
        y_axis: where ``die_y`` grows on it: up or down.
        centre: counts of the die nearest the wafer's centre.
        diameter_metre: of the wafer.
        pitch_metre: distance of neighbouring dies along the drawing's x and y.
        offset_metre: from the wafer's centre to that of the centre die, along the map's x and y.
        dies: one row a die, columns :data:`DIES`; the last result of a die that was tested again.
        values: results of tests, columns :data:`VALUES`.
        defects: what an inspection found, columns :data:`DEFECTS`; from the wafer's centre along the map's x and y.
        about: further facts of the file.
        warnings: sentences for the technician.
    """

    format: str
    kind: Literal["bins", "inspection"]
    lot: str
    wafer: str
    notch: str | None = None
    x_axis: str | None = None
    y_axis: str | None = None
    centre: Centre | None = None
    diameter_metre: float | None = None
    pitch_metre: tuple[float, float] | None = None
    offset_metre: tuple[float, float] | None = None
    dies: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DIES))
    values: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=VALUES))
    defects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DEFECTS))
    about: Mapping[str, Fact] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def as_frame(rows: Iterable[tuple[object, ...]], columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return rows as a frame with these columns."""
    return pl.DataFrame(list(rows), schema=dict(columns), orient="row")


def scale(value: float, factor: str) -> float:
    """Return a decimal in another unit, without the residue of binary arithmetic."""
    return float(Decimal(repr(value)) * Decimal(factor))

"""How an imported map lies on its wafer: from the file, from what was stated, from the manifest, in this order.

What nobody says of the orientation is refused. Only the centre may be worked out, as the middle of all dies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import polars as pl

from warehouse.errors import ContradictionError, ParseError
from warehouse.wafer_frame import describe_frame, frame_of

Row = dict[str, Any]

AXES: Final = ("notch", "x_axis", "y_axis")
LENGTHS: Final = (
    "diameter_metre",
    "die_pitch_x_metre",
    "die_pitch_y_metre",
    "offset_x_metre",
    "offset_y_metre",
)
MIDDLE: Final = "middle of all dies"


class WaferMap(Protocol):
    """A wafer as a file tells of it; what the file does not say is None."""

    @property
    def format(self) -> str:
        """Name of its layout."""

    @property
    def kind(self) -> str:
        """``bins`` or ``inspection``."""

    @property
    def lot(self) -> str:
        """Name of the lot; may be empty."""

    @property
    def wafer(self) -> str:
        """Name of the wafer; may be empty."""

    @property
    def notch(self) -> str | None:
        """Side of the drawing that the notch is on."""

    @property
    def x_axis(self) -> str | None:
        """Where ``die_x`` grows: right or left."""

    @property
    def y_axis(self) -> str | None:
        """Where ``die_y`` grows: up or down."""

    @property
    def centre(self) -> tuple[int, int] | None:
        """Counts of the die nearest the centre."""

    @property
    def diameter_metre(self) -> float | None:
        """Diameter of the wafer."""

    @property
    def pitch_metre(self) -> tuple[float, float] | None:
        """Distance of neighbouring dies along the map's x and y."""

    @property
    def offset_metre(self) -> tuple[float, float] | None:
        """From the wafer's centre to that of the centre die."""

    @property
    def dies(self) -> pl.DataFrame:
        """Columns ``die_x, die_y, hard_bin, soft_bin, passed, part``."""

    @property
    def values(self) -> pl.DataFrame:
        """Columns ``die_x, die_y, test, value, unit, passed``."""

    @property
    def defects(self) -> pl.DataFrame:
        """Columns ``defect, die_x, die_y, x_metre, y_metre, size_metre, class_number``."""

    @property
    def about(self) -> Mapping[str, object]:
        """Further facts of the file."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a technician should read."""


@dataclass(frozen=True)
class Stated:
    """What the person who imports a map says of it; None where the file, or the manifest, is to say it."""

    lot: str | None = None
    wafer: str | None = None
    notch: str | None = None
    x_axis: str | None = None
    y_axis: str | None = None
    centre: tuple[int, int] | None = None


def find_frame(one: WaferMap, stated: Stated, manifest: Row, shown: str) -> Row:
    """Return the columns of ``schema.DIE_MAP`` that say how the map lies.

    Args:
        one: the map.
        stated: by the person who imports it.
        manifest: the wafer's row of ``schema.WAFER``; empty where there is none.
        shown: the file as the user knows it.

    Raises:
        ParseError: nobody says the orientation.
        ContradictionError: file and person say different things.
    """
    row, sources = _find_axes(one, stated, manifest, shown)
    row |= _find_lengths(one, manifest)
    source = _find_centre(one, stated, manifest, row)
    return row | describe_frame(row) | {"frame_source": ", ".join(dict.fromkeys((*sources, source)))}


def _find_axes(one: WaferMap, stated: Stated, manifest: Row, shown: str) -> tuple[Row, list[str]]:
    row, sources = {}, []
    for name in AXES:
        said = {"file": getattr(one, name), "stated": getattr(stated, name), "manifest": manifest.get(name)}
        if said["file"] and said["stated"] and said["file"] != said["stated"]:
            told = f"{name} is {said['file']} in the file, {said['stated']} was stated"
            raise ContradictionError(shown, told, code="map_contradicts")
        source = next((source for source, value in said.items() if value), None)
        if source is None:
            raise ParseError(shown, f"{name} is not known", code="map_orientation")
        row[name] = said[source]
        sources.append(source)
    return row, sources


def _find_lengths(one: WaferMap, manifest: Row) -> Row:
    """Return the geometry: from the file, else from the manifest where its map is drawn likewise."""
    pitch, offset = one.pitch_metre or (None, None), one.offset_metre or (None, None)
    found = dict(zip(LENGTHS, (one.diameter_metre, *pitch, *offset), strict=True))
    usable = LENGTHS if _is_drawn_like(one, manifest) else LENGTHS[:1]
    return {name: manifest.get(name) if value is None and name in usable else value for name, value in found.items()}


def _is_drawn_like(one: WaferMap, manifest: Row) -> bool:
    return all(getattr(one, name) in {None, manifest.get(name)} for name in AXES)


def _find_centre(one: WaferMap, stated: Stated, manifest: Row, row: Row) -> str:
    """Put the centre die into a row, and return who said it."""
    by_manifest = manifest.get("centre_die_x"), manifest.get("centre_die_y")
    usable = None not in by_manifest and _is_drawn_like(one, manifest)
    said = {"file": one.centre, "stated": stated.centre, "manifest": by_manifest if usable else None}
    source = next((source for source, value in said.items() if value is not None), MIDDLE)
    if source == MIDDLE:
        _work_out_centre(one, row)
    else:
        row["centre_die_x"], row["centre_die_y"] = said[source] or (0, 0)
    return source


def _work_out_centre(one: WaferMap, row: Row) -> None:
    """Put the die in the middle of all into a row; between two, the one that is canonically to the right and above.

    Decided in the canonical frame, so that a map that is drawn another way round has the same centre.
    """
    frame = frame_of(row | {"centre_die_x": 0, "centre_die_y": 0})
    places = [frame.place(x, y) for x, y in one.dies.select("die_x", "die_y").iter_rows()] or [(0, 0)]
    middle = [(min(part) + max(part)) / 2 for part in zip(*places, strict=True)]
    centre = [math.ceil(part) for part in middle]
    row["centre_die_x"], row["centre_die_y"] = frame.count(centre[0], centre[1])
    away = frame.unrotate(centre[0] - middle[0], centre[1] - middle[1])
    for axis, part in zip("xy", away, strict=True):
        pitch = row[f"die_pitch_{axis}_metre"]
        if row[f"offset_{axis}_metre"] is None and pitch is not None:
            row[f"offset_{axis}_metre"] = part * pitch

"""From a lab's own wafer map to the canonical frame: notch down, x to the right, y up, (0, 0) the die at the centre.

A map is said by the side that the notch is on as it is drawn, by the directions in which its counts grow on that
drawing, and by the counts of the die nearest the centre. A map is turned, never mirrored; a count may be mirrored.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final

Row = dict[str, Any]
Matrix = tuple[tuple[int, int], tuple[int, int]]

# Which way the drawing is turned until its notch is at the bottom.
TURNS: Final[dict[str, Matrix]] = {
    "down": ((1, 0), (0, 1)),
    "left": ((0, -1), (1, 0)),
    "up": ((-1, 0), (0, -1)),
    "right": ((0, 1), (-1, 0)),
}
GROWS: Final = {"right": 1, "left": -1, "up": 1, "down": -1}


@dataclass(frozen=True)
class Frame:
    """The way from a map's counts to the canonical ones: a quarter turn, signs, and the centre die's own counts."""

    turn: Matrix
    centre: tuple[int, int]

    def place(self, die_x: int, die_y: int) -> tuple[int, int]:
        """Return the canonical counts of a die."""
        (a, b), (c, d) = self.turn
        x, y = die_x - self.centre[0], die_y - self.centre[1]
        return a * x + b * y, c * x + d * y

    def rotate(self, x: float, y: float) -> tuple[float, float]:
        """Return a distance along the map's axes in the canonical ones."""
        (a, b), (c, d) = self.turn
        # Adding zero makes -0.0, which a turn gives for 0, a plain zero.
        return a * x + b * y + 0.0, c * x + d * y + 0.0

    def count(self, x: int, y: int) -> tuple[int, int]:
        """Return how the map counts a canonical die: the way back of :meth:`place`."""
        (a, b), (c, d) = self.turn
        # A turn with signs is undone by its transpose.
        return a * x + c * y + self.centre[0], b * x + d * y + self.centre[1]

    def unrotate(self, x: float, y: float) -> tuple[float, float]:
        """Return a canonical distance along the map's axes: the way back of :meth:`rotate`."""
        (a, b), (c, d) = self.turn
        return a * x + c * y + 0.0, b * x + d * y + 0.0

    def as_json(self) -> str:
        """Return ``[[a, b, c], [d, e, f]]``: canonical x = a·die_x + b·die_y + c, y likewise."""
        shift = self.place(0, 0)
        return json.dumps([[*self.turn[0], shift[0]], [*self.turn[1], shift[1]]])


def frame_of(wafer: Row) -> Frame:
    """Return the frame of a row of ``schema.WAFER``; what it does not say is canonical."""
    (a, b), (c, d) = TURNS[wafer["notch"] or "down"]
    sign_x, sign_y = GROWS[wafer["x_axis"] or "right"], GROWS[wafer["y_axis"] or "up"]
    turn = ((a * sign_x, b * sign_y), (c * sign_x, d * sign_y))
    return Frame(turn, (wafer["centre_die_x"] or 0, wafer["centre_die_y"] or 0))


def describe_frame(wafer: Row) -> Row:
    """Return the columns of ``schema.WAFER`` that follow from the map's own."""
    frame = frame_of(wafer)
    known = {name: wafer[f"{name}_metre"] for name in ("die_pitch_x", "die_pitch_y", "offset_x", "offset_y")}
    pitch = _rotate_known(frame, known["die_pitch_x"], known["die_pitch_y"])
    offset = _rotate_known(frame, known["offset_x"], known["offset_y"])
    return {
        "to_canonical": frame.as_json(),
        "canonical_pitch_x_metre": None if pitch is None else abs(pitch[0]),
        "canonical_pitch_y_metre": None if pitch is None else abs(pitch[1]),
        "canonical_offset_x_metre": None if offset is None else offset[0],
        "canonical_offset_y_metre": None if offset is None else offset[1],
    }


def lies_outside(wafer: Row, die_x: int, die_y: int) -> bool:
    """Say whether the centre of a die, in canonical counts, is off the wafer; False where the map does not tell."""
    pitch = wafer["canonical_pitch_x_metre"], wafer["canonical_pitch_y_metre"]
    if wafer["diameter_metre"] is None or None in pitch:
        return False
    offset = wafer["canonical_offset_x_metre"] or 0.0, wafer["canonical_offset_y_metre"] or 0.0
    distance: float = math.hypot(die_x * pitch[0] + offset[0], die_y * pitch[1] + offset[1])
    radius: float = wafer["diameter_metre"] / 2
    return distance > radius


def _rotate_known(frame: Frame, x: float | None, y: float | None) -> tuple[float, float] | None:
    return None if x is None or y is None else frame.rotate(x, y)

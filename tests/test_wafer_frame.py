"""Wafer maps: however a lab draws and counts, the canonical die is the same piece of silicon."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.wafer_frame import describe_frame, frame_of, lies_outside

# Direction of each side of a drawing in the complex plane.
SIDES = {"right": 1, "up": 1j, "left": -1, "down": -1j}
COUNTS = st.integers(-30, 30)
MAPS = st.fixed_dictionaries(
    {
        "notch": st.sampled_from(sorted(SIDES)),
        "x_axis": st.sampled_from(["right", "left"]),
        "y_axis": st.sampled_from(["up", "down"]),
        "centre_die_x": COUNTS,
        "centre_die_y": COUNTS,
    }
)


def wafer(**said: Any) -> dict[str, Any]:
    names = ("notch", "x_axis", "y_axis", "centre_die_x", "centre_die_y", "diameter_metre")
    metres = ("die_pitch_x_metre", "die_pitch_y_metre", "offset_x_metre", "offset_y_metre")
    return dict.fromkeys((*names, *metres)) | said


def draw(said: dict[str, Any], x: int, y: int) -> tuple[int, int]:
    """Return how a lab counts a canonical die on its map: turned on paper as a complex number, then counted."""
    on_paper = complex(x, y) * SIDES[said["notch"]] / SIDES["down"]
    right, up = on_paper.real * SIDES[said["x_axis"]], (on_paper.imag * 1j / SIDES[said["y_axis"]]).real
    return round(right.real) + said["centre_die_x"], round(up) + said["centre_die_y"]


@given(MAPS, COUNTS, COUNTS)
def test_every_map_leads_to_the_same_die(said: dict[str, Any], x: int, y: int) -> None:
    """A die that is found on a lab's map, however turned and counted, comes back where it is."""
    assert frame_of(wafer(**said)).place(*draw(said, x, y)) == (x, y)


@given(MAPS, COUNTS, COUNTS)
def test_written_way_is_the_way(said: dict[str, Any], x: int, y: int) -> None:
    """The matrix that is kept with a wafer leads from its counts to the canonical ones."""
    (a, b, c), (d, e, f) = json.loads(describe_frame(wafer(**said))["to_canonical"])
    count_x, count_y = draw(said, x, y)
    assert (a * count_x + b * count_y + c, d * count_x + e * count_y + f) == (x, y)


def test_notch_on_the_left() -> None:
    """With the notch on the left a die to the right of the centre is one above it, canonically."""
    assert frame_of(wafer(notch="left")).place(1, 0) == (0, 1)


def test_unsaid_map_is_canonical() -> None:
    """A wafer that says nothing of its map is counted canonically."""
    assert frame_of(wafer()).place(3, -2) == (3, -2)


@pytest.mark.parametrize(("notch", "pitch"), [("down", (1.0, 2.0)), ("left", (2.0, 1.0)), ("up", (1.0, 2.0))])
def test_pitch_turns_with_the_map(notch: str, pitch: tuple[float, float]) -> None:
    """Turned by a quarter, the pitch along x is the one along y; a pitch is never negative."""
    said = describe_frame(wafer(notch=notch, die_pitch_x_metre=1.0, die_pitch_y_metre=2.0))
    assert (said["canonical_pitch_x_metre"], said["canonical_pitch_y_metre"]) == pitch


@given(MAPS, st.floats(-1, 1), st.floats(-1, 1))
def test_offset_turns_with_the_map(said: dict[str, Any], x: float, y: float) -> None:
    """The offset of the centre die keeps its length, and zero stays plain zero."""
    found = describe_frame(wafer(**said, offset_x_metre=x, offset_y_metre=y))
    turned = found["canonical_offset_x_metre"], found["canonical_offset_y_metre"]
    assert math.hypot(*turned) == pytest.approx(math.hypot(x, y))
    assert all(math.copysign(1, part) == 1 for part in turned if part == 0)


def test_edge_of_the_wafer() -> None:
    """A die is off the wafer when its centre is farther out than the radius, offset included."""
    said = wafer(
        diameter_metre=0.2, die_pitch_x_metre=0.01, die_pitch_y_metre=0.01, offset_x_metre=0.001, offset_y_metre=0.0
    )
    said |= describe_frame(said)
    assert [lies_outside(said, x, 0) for x in (-10, 9, 10)] == [False, False, True]
    assert not lies_outside(wafer() | describe_frame(wafer()), 999, 999)

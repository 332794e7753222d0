"""The wafer: where the dies are and how much each deviates, with known coefficients.

Canonical frame: 200 mm wafer, notch down, x to the right, y up, (0, 0) is the centre die.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

PITCH_MM: Final = 16.0
# 100 mm radius less the edge exclusion and half the diagonal of a die.
LAST_CENTRE_MM: Final = 84.0
RADIUS_MM: Final = 100.0
SPLITS: Final = ("S1", "S2")
# Standard deviation of the capacity from wafer to wafer, where a lab has several for each split.
BETWEEN_WAFERS: Final = 0.006


@dataclass(frozen=True)
class Gradient:
    """Capacity of a die relative to the design: ``1 + radial·r² + tilt_x·x + tilt_y·y + split + noise``.

    Args:
        radial: at the wafer's edge; r is the distance from the centre over the wafer's radius.
        tilt_x: at the right edge.
        tilt_y: at the upper edge.
        split: effect of the second process split.
        noise: standard deviation of what no coefficient explains.
    """

    radial: float = -0.06
    tilt_x: float = 0.02
    tilt_y: float = -0.01
    split: float = -0.04
    noise: float = 0.002


@dataclass(frozen=True)
class Die:
    """A die of a wafer."""

    wafer: int
    x: int
    y: int


GRADIENT: Final = Gradient()


def place(seed: int, first_wafer: int, stride: int, number: int) -> Die:
    """Return the die of a firm's cell: the wafer's dies in random order, then the firm's next wafer.

    Args:
        seed: of the lab.
        first_wafer: the firm's first wafer.
        stride: from one wafer of the firm to its next, for the firms share a lot.
        number: of the cell within its firm, from 0.
    """
    sites = _sites()
    turn, place_on_wafer = divmod(number, len(sites))
    wafer = first_wafer + stride * turn
    # By seed and wafer alone: every cell of a wafer must see the same shuffle.
    x, y = sites[np.random.default_rng([seed, wafer]).permutation(len(sites))[place_on_wafer]]
    return Die(wafer, x, y)


def deal(seed: int, first_wafer: int, stride: int, wafers: int, number: int) -> Die:
    """Return the die of a firm's cell, where cells are dealt to so many wafers in turn; see :func:`place`."""
    turn, number_on_wafer = number % wafers, number // wafers
    # A full set of wafers is followed by another.
    full, number_on_wafer = divmod(number_on_wafer, len(_sites()))
    return place(seed, first_wafer + stride * (turn + wafers * full), stride, number_on_wafer)


def effect(seed: int, wafer: int) -> float:
    """Return what all dies of a wafer have in common, as a part of the design's capacity."""
    return BETWEEN_WAFERS * float(np.random.default_rng([seed, wafer, 1]).standard_normal())


def capacity_factor(die: Die, split: str, deviation: float, common: float = 0.0) -> float:
    """Return a die's capacity over the design's.

    Args:
        die: where it lies.
        split: its process split.
        deviation: its noise in standard deviations.
        common: the effect of its wafer.
    """
    x, y = die.x * PITCH_MM / RADIUS_MM, die.y * PITCH_MM / RADIUS_MM
    systematic = GRADIENT.radial * (x * x + y * y) + GRADIENT.tilt_x * x + GRADIENT.tilt_y * y
    return 1.0 + systematic + (GRADIENT.split if split == SPLITS[1] else 0.0) + GRADIENT.noise * deviation + common


def describe() -> dict[str, float]:
    """Return the coefficients for the truth file."""
    return {"pitch_mm": PITCH_MM, "radius_mm": RADIUS_MM, **asdict(GRADIENT)}


def site_count() -> int:
    """Return the number of dies of a wafer."""
    return len(_sites())


def _sites() -> list[tuple[int, int]]:
    reach = int(LAST_CENTRE_MM // PITCH_MM)
    span = range(-reach, reach + 1)
    return [(x, y) for y in span for x in span if PITCH_MM**2 * (x * x + y * y) <= LAST_CENTRE_MM**2]

"""What the size of a test's currents says: of the cell's nominal capacity, and of the digits that an export has."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from warehouse.counters import SAMPLED, Sample
from warehouse.drives import Drives, Spans
from warehouse.errors import ContradictionError
from warehouse.plausibility import LEAST_MOVE, moves

Doubles = NDArray[np.float64]

LONGEST_PULSE: Final = 60.0
LEAST_RATE: Final = 1e-3
MOST_RATE: Final = 1e3
MOST_CHARGE: Final = 100.0
# So slow and so little charge over so wide a swing: not even a dead die is cycled like that.
SLOW: Final = 1 / 200
LITTLE: Final = 1 / 300
WIDE: Final = 0.5
COARSE: Final = 0.01
# So many round numbers in a row are no chance.
FEWEST_ROUND: Final = 100
COARSE_FLAG: Final = "the current is written in steps of"


def check_rate(drives: Drives, nominal_ah: float, shown: str) -> None:
    """Refuse currents that no cell of this nominal capacity is cycled by.

    Only steps at a constant current for more than a minute count: leakage, float and pulses may be far below or above.

    Raises:
        ContradictionError: code ``nominal_capacity``.
    """
    if nominal_ah <= 0:
        return
    stretches = drives.stretches
    seconds = drives.within(stretches, drives.time)
    kept = stretches.keep(seconds > LONGEST_PULSE)
    if not len(kept.first):
        return
    charge = drives.within(kept, drives.passed)
    rate = np.abs(charge) * 3600 / drives.within(kept, drives.time) / nominal_ah
    filled = np.abs(charge) / nominal_ah
    detail = ""
    if rate.max() > MOST_RATE:
        detail = f"a current of {rate.max():.3g} times the nominal capacity per hour; {_too_much()}"
    elif filled.max() > MOST_CHARGE:
        detail = f"a charge of {filled.max():.3g} times the nominal capacity in one step; {_too_much()}"
    elif _is_too_little(drives, kept, nominal_ah, rate, filled):
        detail = (
            f"no current above {rate.max():.3g} times the nominal capacity per hour; the likely cause is a "
            "thousandfold unit (A for mA), or the manifest's nominal capacity"
        )
    if detail:
        raise ContradictionError(shown, detail, code="nominal_capacity", column="current_ampere")


def flag_coarse(drives: Drives) -> str | None:
    """Return a warning where the current's quantum is more than a hundredth of the current of steps, else None."""
    stretches, flowing = drives.stretches, drives.current[drives.current != 0]
    if len(flowing) < FEWEST_ROUND or not len(stretches.first):
        return None
    # An instrument measures no round numbers: where all are, the export has no further digits.
    quantum = Sample().onward(flowing[:: max(1, len(flowing) // SAMPLED)]).quantum
    sizes = np.abs(drives.within(stretches, drives.passed)) * 3600
    seconds = drives.within(stretches, drives.time)
    level = sizes[seconds > 0] / seconds[seconds > 0]
    coarse = level[quantum > COARSE * level]
    if not len(coarse):
        return None
    return f"{COARSE_FLAG} {quantum:.3g} A, coarser than 1 % of the current of steps (down to {coarse.min():.3g} A)"


def _too_much() -> str:
    return "the likely cause is a thousandfold unit (mA for A, or ms for s), or the manifest's nominal capacity"


def _is_too_little(drives: Drives, kept: Spans, nominal_ah: float, rate: Doubles, filled: Doubles) -> bool:
    """Whether a cell is cycled, but by far too little for its capacity."""
    swing = np.abs(drives.within(kept, drives.voltage))
    moving = swing >= LEAST_MOVE
    level = drives.current[kept.last]
    # What drifts at rest moves, too; only what is said to be driven, or is driven to and fro, is certainly cycled.
    driven = drives.typed or ((level[moving] > 0).any() and (level[moving] < 0).any())
    # Between pulses a cell sleeps at next to nothing.
    pulsed = np.abs(drives.current).max() / nominal_ah >= SLOW
    if not moving.any() or not driven or pulsed or moves(drives).risen <= 0:
        return False
    poor = bool(((swing >= WIDE) & (filled < LITTLE)).any() and filled.max() < LITTLE)
    return bool(rate.max() < LEAST_RATE) or poor

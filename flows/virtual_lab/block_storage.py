"""Storage: a month at rest, fully charged; part of what is lost comes back with the next charge, part does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from flows.virtual_lab.ageing import Doubles
from flows.virtual_lab.block import Bench, Block
from flows.virtual_lab.program import Player, widen

RATE: Final = 0.2
DAY: Final = 86400.0
DAYS: Final = 30.0
CYCLES_BEFORE: Final = 5
# Of one discharge, relative: no capacity is measured twice the same.
SCATTER: Final = 2e-4
# Enough for a slope of the curve near its top.
DISCHARGE_POINTS: Final = 160
# Parts of the capacity, over the month.
RECOVERABLE: Final = (0.01, 0.04)
IRREVERSIBLE: Final = (0.003, 0.015)
# Relaxation that has nothing to do with self-discharge: whoever takes the slope from the start is misled.
SLOW_VOLT, SLOW_SECOND = -0.004, 6.0 * 3600.0
TRANSFER_SECOND: Final = 20.0


def play(bench: Bench) -> tuple[Player, Mapping[str, Any]]:
    """Measure, store, and measure twice again."""
    player = bench.insert(TRANSFER_SECOND)
    recoverable, irreversible = bench.rng.uniform(*RECOVERABLE), bench.rng.uniform(*IRREVERSIBLE)
    # Several, so that a reader can tell how well a capacity repeats.
    before = [cycle(player) for _ in range(CYCLES_BEFORE)][-1]
    player.fill(RATE * player.one_c, 40)
    drain = recoverable * player.capacity * 3600.0 / (DAYS * DAY)
    player.rest(storage_times(DAYS), drain, (SLOW_VOLT, SLOW_SECOND))
    player.capacity *= 1.0 - irreversible
    remaining = discharge(player)
    recovered = cycle(player)
    return player, {
        "days": DAYS,
        "capacity_before_ah": before,
        "capacity_remaining_ah": remaining,
        "capacity_recovered_ah": recovered,
        "self_discharge": 1.0 - remaining / before,
        "irreversible": 1.0 - recovered / before,
        "self_discharge_current_ampere": drain,
    }


def cycle(player: Player) -> float:
    """Charge, rest, discharge, rest; return the displayed discharge capacity without its scatter."""
    fill(player)
    return discharge(player)


def fill(player: Player) -> None:
    """Charge, hold, and rest."""
    player.fill(RATE * player.one_c, 40)
    player.rest(widen(600.0, 10))


def discharge(player: Player) -> float:
    """Discharge to the limit and rest; return the displayed capacity without its scatter. The cycle ends with it."""
    true, factor = player.capacity, 1.0 + SCATTER * player.draw()
    player.capacity = true * factor
    discharged = float(player.apply_until(-RATE * player.one_c, DISCHARGE_POINTS).charge[-1])
    player.capacity = true
    player.rest(widen(600.0, 10))
    player.cycle += 1
    return discharged / factor


def storage_times(days: float) -> Doubles:
    """Return when a storage is sampled: often at first, then every four hours."""
    return np.concatenate([widen(4.0 * 3600.0, 20), np.arange(8.0, days * 24.0 + 1.0, 4.0) * 3600.0])


BLOCK: Final = Block("storage", play)

"""Temperature: capacity at one temperature after the other, soaked before each, and back at room at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from flows.virtual_lab.block import Bench, Block
from flows.virtual_lab.block_storage import TRANSFER_SECOND, cycle
from flows.virtual_lab.program import Player

# Temperature in °C and capacity over that at room, in this order.
SWEEP: Final = ((25.0, 1.0), (45.0, 1.012), (60.0, 1.018), (0.0, 0.93), (-20.0, 0.81), (25.0, 1.0))
SOAK_SECOND: Final = 7200.0
CYCLES_EACH: Final = 2


def play(bench: Bench) -> tuple[Player, Mapping[str, Any]]:
    """Soak and cycle at every temperature."""
    player = bench.insert(TRANSFER_SECOND)
    fresh, capacities = player.capacity, []
    for celsius, factor in SWEEP:
        player.temperature = celsius
        player.rest(np.linspace(1.0, SOAK_SECOND, 30))
        player.capacity = fresh * factor
        capacities.append([cycle(player) for _ in range(CYCLES_EACH)][-1])
    return player, {
        "temperatures_celsius": [celsius for celsius, _ in SWEEP],
        "capacities_ah": capacities,
        "capacity_factors": [capacity / capacities[0] for capacity in capacities],
    }


BLOCK: Final = Block("temperature", play)

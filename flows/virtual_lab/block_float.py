"""Float: a week at the upper limit; the current falls as 1/√t towards the leakage, on a channel with an offset.

The channel's open-circuit reading before it is what its offset can be known from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from flows.virtual_lab.block import Bench, Block
from flows.virtual_lab.block_storage import RATE, TRANSFER_SECOND, cycle
from flows.virtual_lab.program import Player, widen

DAYS: Final = 7.0
# Of the 1C current.
LEAKAGES: Final = (1e-4, 4e-4)
FIRST_CURRENT: Final = 0.004
FIRST_SECOND: Final = 60.0
OPEN_SECOND: Final = 7200.0


def play(bench: Bench) -> tuple[Player, Mapping[str, Any]]:
    """Look at the open channel, charge, and hold for a week."""
    player = bench.insert(TRANSFER_SECOND)
    leakage = bench.rng.uniform(*LEAKAGES) * player.one_c
    player.rest(np.linspace(1.0, OPEN_SECOND, 60))
    capacity = cycle(player)
    player.fill(RATE * player.one_c, 40)
    # The hold's clock starts with it, and not with the hold that filled the cell.
    player.rest(widen(600.0, 10))
    decaying = FIRST_CURRENT * player.one_c * np.sqrt(FIRST_SECOND)
    hours = np.arange(0.5, DAYS * 24.0 + 0.25, 0.5) * 3600.0
    player.float_on(np.concatenate([[60.0, 120.0, 300.0, 600.0, 1200.0], hours]), leakage, decaying)
    player.rest(np.linspace(1.0, OPEN_SECOND, 60))
    return player, {
        "days": DAYS,
        "leakage_ampere": leakage,
        "decaying_ampere_root_second": decaying,
        "rest_current_ampere": player.plant.offset,
        "capacity_ah": capacity,
    }


BLOCK: Final = Block("float", play)

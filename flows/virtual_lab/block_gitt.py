"""GITT: short pulses and long rests on a film whose ``D / L²`` is known, where its curve is nearly straight.

Diffusion is solved exactly (:mod:`flows.virtual_lab.program`), not by the formula that evaluates it: with pulses of
3 to 7 % of ``L² / D`` the two differ by less than the curvature of the open-circuit voltage lets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from flows.virtual_lab.block import Bench, Block
from flows.virtual_lab.program import Player, spread, widen

FILM_SECONDS: Final = (1500.0, 3000.0)
TRANSFER_SECOND: Final = 0.3
FILL_RATE: Final = 1.0
# Small steps on the straight part: where the curve bends within a pulse, the formula is wrong and not its user.
PULSE_RATE: Final = 0.05
PULSES: Final = 24
PULSE_SECOND: Final = 100.0
# Longer than L²/D: what is left of diffusion is below the voltmeter's noise.
REST_SECOND: Final = 4500.0
START_SOC: Final = 0.45


def play(bench: Bench) -> tuple[Player, Mapping[str, Any]]:
    """Titrate a cell from its middle downwards."""
    diffusion = 1.0 / bench.rng.uniform(*FILM_SECONDS)
    player = bench.insert(TRANSFER_SECOND, diffusion)
    player.fill(FILL_RATE * player.one_c, 40)
    player.rest(widen(REST_SECOND, 16))
    down = -FILL_RATE * player.one_c
    player.apply(down, spread((player.soc - START_SOC) * player.capacity * 3600.0 / -down, 30))
    player.rest(widen(2.0 * REST_SECOND, 20))
    # Evenly in √t, for that is what its change is proportional to.
    times = np.square(np.linspace(0.1, np.sqrt(PULSE_SECOND), 40))
    # To the end often enough that the noise of one record can be seen.
    rests = np.concatenate([widen(60.0, 8), np.arange(120.0, REST_SECOND + 1.0, 60.0)])
    first = len(player.steps) + 1
    for _ in range(PULSES):
        player.apply(-PULSE_RATE * player.one_c, times)
        player.rest(rests)
    player.apply_until(down, 30)
    player.rest(widen(600.0, 10))
    return player, {
        "diffusion_per_second": diffusion,
        "pulse_second": PULSE_SECOND,
        "first_pulse_step_count": first,
        "pulses": PULSES,
        "ohmic_resistance_ohm": player.plant.ohmic,
    }


# A pulse moves the cell by some 0.2 mV for good.
BLOCK: Final = Block("gitt", play, {"volt": 1e-5})

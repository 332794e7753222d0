"""Calendar ageing: stored for half a year at one of three temperatures, with a look at the capacity every month.

What is lost for good is ``k √t``, and ``k`` follows Arrhenius with one activation energy for all cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from flows.virtual_lab.block import Bench, Block
from flows.virtual_lab.block_storage import DAY, TRANSFER_SECOND, discharge, fill, storage_times
from flows.virtual_lab.block_storage import RATE as CHARGE_RATE
from flows.virtual_lab.program import Player

TEMPERATURES: Final = (25.0, 45.0, 60.0)
MONTHS: Final = 6
DAYS: Final = 30.0
# Part of the capacity lost after one day at 25 °C; the cells scatter around it.
LOSS_A_ROOT_DAY: Final = 0.0015
SCATTER: Final = 0.03
ACTIVATION_EV: Final = 0.5
BOLTZMANN_EV: Final = 8.617333262e-5
KELVIN: Final = 273.15
# Lost in a month and back with the next charge, as a part of what the month takes for good.
RECOVERABLE: Final = 0.5


def play(bench: Bench) -> tuple[Player, Mapping[str, Any]]:
    """Store month after month, and look in between."""
    player = bench.insert(TRANSFER_SECOND)
    player.temperature = TEMPERATURES[bench.number % len(TEMPERATURES)]
    coefficient = _rate_at(player.temperature) * (1.0 + SCATTER * bench.rng.standard_normal())
    fresh = player.capacity
    fill(player)
    begin = player.elapsed
    capacities, days = [discharge(player)], [0.0]
    for month in range(1, MONTHS + 1):
        lost = coefficient * (np.sqrt(DAYS * month) - np.sqrt(DAYS * (month - 1)))
        player.fill(CHARGE_RATE * player.one_c, 40)
        player.rest(storage_times(DAYS), RECOVERABLE * lost * fresh / (DAYS * 24.0))
        discharge(player)
        fill(player)
        # Time goes on while one looks.
        days.append((player.elapsed - begin) / DAY)
        player.capacity = fresh * (1.0 - coefficient * np.sqrt(days[-1]))
        capacities.append(discharge(player))
    return player, {
        "temperature_celsius": player.temperature,
        "days": days,
        "capacities_ah": capacities,
        "loss_per_root_day": coefficient,
        "exponent": 0.5,
        "activation_energy_electronvolt": ACTIVATION_EV,
    }


def _rate_at(celsius: float) -> float:
    inverse = 1.0 / (TEMPERATURES[0] + KELVIN) - 1.0 / (celsius + KELVIN)
    return float(LOSS_A_ROOT_DAY * np.exp(ACTIVATION_EV / BOLTZMANN_EV * inverse))


BLOCK: Final = Block("calendar", play)

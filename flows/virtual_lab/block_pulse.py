"""Pulses: ten seconds at nine depths of discharge, then trains of a radio's bursts, one sampled well and one not.

The well-sampled burst has eleven samples in 4.4 ms, the other two: of that one nobody can tell a resistance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from flows.virtual_lab.ageing import Doubles, as_numbers
from flows.virtual_lab.block import Bench, Block
from flows.virtual_lab.program import Player, spread, widen

CHARGE_RATE, DISCHARGE_RATE = 0.5, 0.5
LEVELS: Final = 9
DEPTH: Final = 0.1
LONG_RATE, RETURN_RATE, BURST_RATE = 2.0, 1.5, 10.0
LONG_TIMES: Final = np.concatenate([[0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5], np.arange(1.0, 11.0)])
BURST_SECOND: Final = 0.0044
FINE_TIMES: Final = np.linspace(0.0004, BURST_SECOND, 11)
COARSE_TIMES: Final = np.array([0.0022, BURST_SECOND])
BURSTS: Final = 20
BURST_LEVEL: Final = 5
BETWEEN_SECOND: Final = 0.5
# Resistances are told at these times after the edge, s.
TOLD_SECOND: Final = (0.001, 0.01, 0.1, 1.0, 10.0)
TRANSFER_SECONDS: Final = (0.8, 2.0)


def play(bench: Bench) -> tuple[Player, Mapping[str, Any]]:
    """Pulse a cell at depths of discharge, then burst by burst."""
    player = bench.insert(bench.rng.uniform(*TRANSFER_SECONDS))
    player.fill(CHARGE_RATE * player.one_c, 40)
    player.rest(widen(3600.0, 16))
    pulses: list[dict[str, Any]] = []
    for level in range(LEVELS):
        player.apply(-DISCHARGE_RATE * player.one_c, spread(DEPTH * _hours(player) * 3600.0, 20))
        player.rest(widen(1800.0, 16))
        pulses.append(_pulse(player, -LONG_RATE, LONG_TIMES, "long"))
        player.rest(widen(40.0, 14))
        pulses.append(_pulse(player, RETURN_RATE, LONG_TIMES, "long"))
        player.rest(widen(60.0, 14))
        if level == BURST_LEVEL:
            pulses += _train(player, FINE_TIMES, "fine") + _train(player, COARSE_TIMES, "coarse")
    player.apply_until(-DISCHARGE_RATE * player.one_c, 20)
    player.rest(widen(600.0, 10))
    plant = player.plant
    return player, {
        "ohmic_resistance_ohm": plant.ohmic,
        "transfer_resistance_ohm": plant.transfer,
        "transfer_second": plant.transfer_second,
        "pulses": pulses,
    }


def _hours(player: Player) -> float:
    return player.capacity / (DISCHARGE_RATE * player.one_c)


def _train(player: Player, times: Doubles, name: str) -> list[dict[str, Any]]:
    told = []
    for _ in range(BURSTS):
        told.append(_pulse(player, -BURST_RATE, times, name))
        player.rest(widen(BETWEEN_SECOND, 6))
    return told


def _pulse(player: Player, rate: float, times: Doubles, name: str) -> dict[str, Any]:
    ampere = rate * player.one_c
    plant, before, left = player.plant, player.soc, player.polarisation
    step = player.apply(ampere, times)
    told = [at for at in TOLD_SECOND if at <= times[-1]]
    # What the channel shows before and in the pulse is off alike: the difference is what flows.
    true = ampere - plant.offset
    return {
        "step_count": len(player.steps),
        "train": name,
        "state_of_charge": before,
        "current_ampere": ampere,
        "duration_second": float(times[-1]),
        "samples": len(times),
        "lowest_voltage_volt": float(step.voltage.min()),
        "told_second": told,
        "resistance_ohm": as_numbers([plant.resistance_at(at, true, before, left, player.capacity) for at in told]),
    }


# Samples of a burst lie 0.4 ms apart.
BLOCK: Final = Block("pulse", play, {"second": 2e-4})

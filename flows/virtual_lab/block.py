"""What a block is: a test of its own in a module of its own, whose last line is ``BLOCK = Block(...)``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from flows.virtual_lab.cell import OVERPOTENTIAL_VOLT
from flows.virtual_lab.layout import Layout
from flows.virtual_lab.program import Plant, Player
from flows.virtual_lab.truth import Properties

OHMIC_SHARES: Final = (0.5, 0.7)
SPREADS: Final = (0.8, 1.3)
NOISE_OF_ONE_C: Final = 2e-5


@dataclass(frozen=True)
class Bench:
    """What a block gets to play with.

    Args:
        properties: the cell and its channel.
        number: of the cell among those of its block, from 0: what conditions are dealt by.
        rng: everything random.
    """

    properties: Properties
    number: int
    rng: np.random.Generator

    def insert(self, transfer_second: float, diffusion: float | None = None) -> Player:
        """Put the cell in, empty and at rest, with resistances drawn for it."""
        properties, rng = self.properties, self.rng
        total = OVERPOTENTIAL_VOLT / properties.nominal_capacity_ah * rng.uniform(*SPREADS)
        share = rng.uniform(*OHMIC_SHARES)
        plant = Plant(
            nominal=properties.nominal_capacity_ah,
            capacity=properties.fresh_capacity_ah,
            ohmic=total * share,
            transfer=total * (1.0 - share),
            transfer_second=transfer_second,
            diffusion=diffusion,
            offset=properties.current_offset_ampere,
            noise=NOISE_OF_ONE_C * properties.nominal_capacity_ah,
        )
        return Player(plant, rng)


@dataclass(frozen=True)
class Block:
    """One block.

    Args:
        name: as it is asked for, and of its files.
        play: plays a cell and returns the steps with what was injected.
        finest: the coarsest clock and voltage that still show it, by unit; other layouts are not asked to.
    """

    name: str
    play: Callable[[Bench], tuple[Player, Mapping[str, Any]]]
    finest: Mapping[str, float] = field(default_factory=dict)

    def shows_in(self, layout: Layout) -> bool:
        """Return whether a layout can write its program, and finely enough."""
        fine = all(layout.quantum[unit] <= finest for unit, finest in self.finest.items())
        return layout.write_records is not None and fine

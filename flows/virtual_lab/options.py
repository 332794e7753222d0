"""What a virtual lab is asked for, and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from parsers.contract import SITE_ZONE
from warehouse.errors import UsageError

FEWEST_POINTS: Final = 4
FEWEST_CYCLES: Final = 4
FEWEST_CYCLES_WITH_RATES: Final = 20
# From cycle to cycle, relative: small enough for a law to be seen in a few cycles.
SCATTER: Final = 1e-4
ROLES: Final = ("slow", "fast", "knee", "medium")
# Blocks that change the life of a cell; all others are tests of their own, on cells beside it.
RATE, RESISTANCE, OFFSET = "rate", "resistance", "offset"
LIFE_BLOCKS: Final = (RATE, RESISTANCE, OFFSET)
# Samples after the edges of a step, for whoever asks for resistances.
EDGES_SECOND: Final = (0.02, 0.1, 1.0, 3.0, 10.0)


@dataclass(frozen=True)
class LabOptions:
    """What to simulate; the same options give the same bytes.

    Args:
        firms: codes of the firms; cells are dealt to them in turn.
        cells: number of cells of all firms together.
        cycles: cycles per cell, formation included.
        long_cells: how many of the cells, the last ones, run twice as long.
        formats: layouts to write, dealt to the cells in turn; empty means every layout there is.
        seed: seed of everything random.
        points: samples of a constant-current step; the voltage hold has a layout's multiple, a rest a third of it.
        rate_blocks: whether a rate test stands between formation and ageing.
        start: when the first cell starts; the others follow five minutes apart.
        lot: lot of the wafers.
        wafer: number of the first wafer.
        blocks: what is simulated besides: ``rate`` as ``rate_blocks``; ``resistance`` for resistances that grow with
            the cycles, and samples at the edges of steps that show it; ``offset`` for channels that show their offset
            at rest; and any of :func:`flows.virtual_lab.blocks`, each a test of its own on as many more cells.
        scatter: standard deviation of the capacity from cycle to cycle, relative.
        roles: fates that are dealt to the cells; empty means all.
        wafers: wafers of a firm with each process split, cells dealt to all of them in turn, every wafer with an
            effect of its own; 0 fills one wafer after the other, both splits on each.
    """

    firms: tuple[str, ...] = ("FIRM-A", "FIRM-B")
    cells: int = 12
    cycles: int = 60
    long_cells: int = 2
    formats: tuple[str, ...] = ()
    seed: int = 1
    points: int = 12
    rate_blocks: bool = False
    start: datetime = datetime(2026, 3, 2, 9, tzinfo=SITE_ZONE)
    lot: str = "L2603"
    wafer: int = 3
    blocks: tuple[str, ...] = ()
    scatter: float = SCATTER
    roles: tuple[str, ...] = ()
    wafers: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        # Formation, the rate block, and enough ageing to have a slope.
        fewest_cycles = FEWEST_CYCLES_WITH_RATES if self.has_rates else FEWEST_CYCLES
        least_of = {"cells": 1, "cycles": fewest_cycles, "points": FEWEST_POINTS, "seed": 0, "scatter": 0, "wafers": 0}
        for name, least in least_of.items():
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be {least} or more, not {getattr(self, name)}")
        if not self.firms:
            raise UsageError("a virtual lab needs at least one firm")
        if self.start.tzinfo is None:
            raise UsageError("the start needs a time zone")
        if strange := sorted({*self.roles} - {*ROLES}):
            raise UsageError(f"the virtual lab has no role {', '.join(strange)}; it has {', '.join(ROLES)}")

    @property
    def has_rates(self) -> bool:
        """Whether a rate test stands between formation and ageing."""
        return self.rate_blocks or RATE in self.blocks

    @property
    def edges(self) -> tuple[float, ...]:
        """Times after the start of a step that are sampled besides."""
        return EDGES_SECOND if RESISTANCE in self.blocks else ()

    @property
    def test_blocks(self) -> tuple[str, ...]:
        """The blocks that are tests of their own."""
        return tuple(block for block in self.blocks if block not in LIFE_BLOCKS)


@dataclass(frozen=True)
class LabReport:
    """What was written.

    Args:
        files: the instruments' files, one per cell.
        manifest: the cells, for ``cellar cells import``.
        truth: what was injected, as JSON.
        rows: samples in all files together.
        wafers: how the wafers' maps are counted, for ``cellar cells import``; None unless wafers were asked for.
    """

    files: tuple[Path, ...]
    manifest: Path
    truth: Path
    rows: int
    wafers: Path | None = None

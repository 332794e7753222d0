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

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        # Formation, the rate block, and enough ageing to have a slope.
        fewest_cycles = FEWEST_CYCLES_WITH_RATES if self.rate_blocks else FEWEST_CYCLES
        for name, least in (("cells", 1), ("cycles", fewest_cycles), ("points", FEWEST_POINTS), ("seed", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be {least} or more, not {getattr(self, name)}")
        if not self.firms:
            raise UsageError("a virtual lab needs at least one firm")
        if self.start.tzinfo is None:
            raise UsageError("the start needs a time zone")


@dataclass(frozen=True)
class LabReport:
    """What was written.

    Args:
        files: the instruments' files, one per cell.
        manifest: the cells, for ``cellar cells import``.
        truth: what was injected, as JSON.
        rows: samples in all files together.
    """

    files: tuple[Path, ...]
    manifest: Path
    truth: Path
    rows: int

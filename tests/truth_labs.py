"""Homes full of virtual cells whose every property is known: three labs, taken in like any drop, and a night.

* ``lives``: cycled cells with every fate, rate tests, growing resistances, offsets that show at rest, and several
  wafers for each process split;
* ``straight``: cycled cells without any knee, and with much scatter;
* ``blocks``: one test of its own on each cell: pulses, storage, float, calendar, titration, temperature.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flows.ingest import ingest_paths
from flows.nightly import run_night
from flows.virtual_lab import LabOptions, blocks, simulate
from warehouse.home import Home
from warehouse.manifest import import_manifest

Truth = dict[str, Any]
# 50, 100, 10 and 20 µAh: the third firm's cells run at 10 µA, and some of its channels are 10 nA off.
FIRMS: Final = ("FIRM-A", "FIRM-B", "FIRM-C", "FIRM-D")
# Layouts that tell the displayed current with its sign, so that an offset can be seen at rest.
SIGNED: Final = ("arbin_csv", "neware_csv", "biologic_mpt")
CYCLES: Final = 80
POINTS: Final = 5


@dataclass(frozen=True)
class Known:
    """A home, and what was injected into its cells.

    Args:
        home: with all files taken in, after its night.
        lab: what holds for the whole lab.
        cells: cycled cells, by firm and name.
        blocks: cells of blocks, likewise.
    """

    home: Home
    lab: Truth
    cells: dict[tuple[str, str], Truth]
    blocks: dict[tuple[str, str], Truth]


def lives(cells: int) -> LabOptions:
    """Return the lab of cycled cells with every fate."""
    return LabOptions(
        firms=FIRMS,
        cells=cells,
        cycles=CYCLES,
        long_cells=0,
        formats=SIGNED,
        points=POINTS,
        blocks=("rate", "resistance", "offset"),
        scatter=3e-4,
        wafers=3,
    )


def straight(cells: int) -> LabOptions:
    """Return the lab of cycled cells without a knee."""
    return LabOptions(
        firms=("FIRM-S",),
        cells=cells,
        cycles=CYCLES,
        long_cells=0,
        formats=("arbin_csv",),
        points=POINTS,
        seed=2,
        roles=("slow", "medium", "fast"),
        # Some dozen dies on each, for a profile needs them.
        wafers=max(cells // 50, 1),
        scatter=1e-3,
    )


def tests_of_their_own(cells: int) -> LabOptions:
    """Return the lab of blocks, so many cells of each; its cycled cells are few and short."""
    return LabOptions(
        firms=("FIRM-T", "FIRM-U"),
        cells=cells,
        cycles=4,
        long_cells=0,
        # It says which steps are rests; of pulses and titrations it is too coarse, and another is taken.
        formats=("neware_csv",),
        points=POINTS,
        seed=3,
        blocks=("offset", *blocks()),
    )


@contextmanager
def opened(folder: Path, options: LabOptions) -> Iterator[Known]:
    """Simulate a lab, take its files in, run the night, and open what came of it."""
    report = simulate(folder / "lab", options)
    home = Home(folder / "home")
    try:
        for manifest in (report.wafers, report.manifest):
            if manifest is not None:
                import_manifest(home, manifest)
        states = {receipt["state"] for receipt in ingest_paths(home, list(report.files))}
        if states != {"committed"}:
            raise RuntimeError(f"some files of the lab were {', '.join(sorted(states))}")
        run_night(home)
        truth = json.loads(report.truth.read_text(encoding="utf-8"))
        yield Known(home, truth, _by_name(truth["cells"]), _by_name(truth.get("block_cells", [])))
    finally:
        home.close()


def _by_name(cells: list[Truth]) -> dict[tuple[str, str], Truth]:
    return {(cell["firm"], cell["cell_id"]): cell for cell in cells}
